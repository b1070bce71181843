//! What there is to watch and to read at one moment, and which event concerns what.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::chain::{Chain, End, Identity, Place, Role};
use super::directory::Directory;
use super::events::{Names, Watch, same};
use super::inbox::{Event, Kind};
use super::settle::Signal;
use crate::error::{SourceError, SourceErrorKind};

/// What a source of files is to follow.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// These, whether they are there or not.
    Files(Vec<PathBuf>),
    /// Whatever a directory holds.
    Directory(Directory),
}

/// What a target consists of at one moment.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) watches: Vec<Watch>,
    /// The files to read, by the paths that lead to them, and whether a link is on the way.
    pub(super) members: BTreeMap<PathBuf, Way>,
    /// The directory itself, where that is the target and could be listed.
    pub(super) root: Option<(PathBuf, Way)>,
    /// How many entries were listed.
    pub(super) entries: usize,
    /// Why the directory could not be listed itself.
    pub(super) refused: Option<SourceError>,
    /// The directories below that could not be listed, and why.
    pub(super) unlisted: Vec<(PathBuf, SourceError)>,
    /// What shows that whoever fills the directory is not done.
    pub(super) is_unfinished: bool,
    /// What can never be seen, for people.
    pub(super) warning: Option<String>,
    routes: HashMap<Identity, Route>,
    trees: HashSet<PathBuf>,
}

/// How a path leads to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Without a link.
    Straight,
    /// Through links, to this file if there is one. Where they lead may change while several files are read.
    Linked(Option<PathBuf>),
    /// To this very directory, which may be swapped while its files are read.
    Directory(PathBuf, Identity),
}

impl Way {
    /// Tells whether the path still leads there.
    pub(super) fn is_still(&self, path: &Path) -> bool {
        match self {
            Self::Straight => true,
            Self::Linked(found) => match Chain::of(path).end {
                End::Found(now) => found.as_ref() == Some(&now),
                _ => found.is_none(),
            },
            Self::Directory(found, identity) => {
                Chain::of(path).end == End::Found(found.clone())
                    && Identity::of(found).is_ok_and(|now| now == *identity)
            }
        }
    }
}

/// The paths with a link on the way, and where they led at one moment.
pub(super) type Links = Vec<(PathBuf, Way)>;

/// Tells whether all of them still lead there.
pub(super) fn lead_there(links: &Links) -> bool {
    links.iter().all(|(path, way)| way.is_still(path))
}

/// What the entries of a watched directory are to the target.
#[derive(Debug, Default)]
struct Route {
    entries: Vec<Entry>,
    /// The path by which the files of the directory are members.
    tree: Option<PathBuf>,
    /// The members that are watched themselves: an inode may have several names.
    itself: Vec<PathBuf>,
}

#[derive(Debug)]
struct Entry {
    name: OsString,
    role: Role,
    /// Everything, where it is none in particular.
    member: Option<PathBuf>,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Member(PathBuf),
    /// The files below a directory, and what belongs to the target.
    Below(PathBuf),
    /// Everything, and what belongs to it.
    Whole,
}

impl Survey {
    /// Tells whether the directory itself is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.refused.as_ref().is_some_and(|error| error.kind() == SourceErrorKind::NotFound)
    }

    /// Returns why not all of it could be listed.
    pub(super) fn obstacle(&self) -> Option<&SourceError> {
        self.refused.as_ref().or_else(|| self.unlisted.first().map(|(_, error)| error))
    }

    /// `mounts` are the files that are mounted by themselves.
    pub(super) fn of(target: &Target, mounts: &[PathBuf]) -> Self {
        let mut draft = Draft::default();
        match target {
            Target::Files(paths) => {
                for path in paths {
                    draft.add_member(path, mounts);
                }
            }
            Target::Directory(directory) => draft.add_directory(directory, mounts),
        }
        draft.survey.watches = draft.watches.into_values().collect();
        draft.survey
    }

    /// Finds what is to be watched of a directory before it is listed, so that it need not be listed again because of that.
    pub(super) fn ahead(target: &Target) -> Option<Self> {
        let Target::Directory(directory) = target else { return None };
        let mut draft = Draft::default();
        draft.add_chain(&Chain::of(directory.path()), None);
        let (real, identity) = (directory.path().canonicalize().ok()?, Identity::of(directory.path()).ok()?);
        draft.add_tree(directory, directory.path().to_path_buf(), real, identity);
        draft.survey.watches = draft.watches.into_values().collect();
        Some(draft.survey)
    }

    /// Tells whether nothing else has to be watched.
    pub(super) fn is_watched_by(&self, watches: &[Watch]) -> bool {
        self.watches.len() == watches.len()
            && self.watches.iter().zip(watches).all(|(one, other)| {
                (&one.path, one.identity, &one.names.listed)
                    == (&other.path, other.identity, &other.names.listed)
            })
    }

    /// Takes over how the events of directories are understood that are not known here.
    pub(super) fn keep_routes_of(&mut self, earlier: &mut Self) {
        for (identity, route) in earlier.routes.drain() {
            self.routes.entry(identity).or_insert(route);
        }
    }

    /// Tells whom an event concerns, in which way and place, and whether what is to be watched may be something else now.
    pub(super) fn route(&self, target: &Target, event: &Event) -> (Vec<(Subject, Signal, Role)>, bool) {
        let mut concerned = Vec::new();
        let mut is_elsewhere = false;
        let Some(route) = self.routes.get(&event.watched) else { return (concerned, false) };
        let Some(name) = &event.name else {
            for member in &route.itself {
                concerned.push((Subject::Member(member.clone()), at_target(event.kind), Role::Target));
            }
            if route.itself.is_empty() && matches!(event.kind, Kind::MovedFrom | Kind::Removed) {
                concerned.push((Subject::Whole, Signal::Removed, Role::Ancestor));
            }
            return (concerned, false);
        };
        // Where something is gone, there is nothing else to watch until something is there again.
        let may_be_elsewhere = !matches!(event.kind, Kind::MovedFrom | Kind::Removed);
        for entry in route.entries.iter().filter(|entry| same(&entry.name, name)) {
            let signal = match entry.role {
                Role::Target if entry.member.is_some() => at_target(event.kind),
                Role::Target | Role::Link | Role::Ancestor | Role::Missing => match on_the_way(event.kind) {
                    Some(signal) => signal,
                    None => continue,
                },
            };
            is_elsewhere |= may_be_elsewhere && (entry.role != Role::Target || entry.member.is_none());
            let subject = entry.member.clone().map_or(Subject::Whole, Subject::Member);
            concerned.push((subject, signal, entry.role));
        }
        if let (Target::Directory(directory), Some(tree), true) = (target, &route.tree, concerned.is_empty())
        {
            let path = tree.join(name);
            if directory.includes(&path) {
                is_elsewhere |= matches!(event.kind, Kind::Created | Kind::MovedTo) && path.is_symlink();
                concerned.push((Subject::Member(path.clone()), at_target(event.kind), Role::Target));
            }
            let may_be_a_directory = match event.kind {
                Kind::Created | Kind::MovedTo => path.is_dir(),
                Kind::Removed | Kind::MovedFrom => self.trees.contains(&path),
                // It may be readable now.
                Kind::Metadata => self.unlisted.iter().any(|(unlisted, _)| *unlisted == path),
                _ => false,
            };
            if directory.is_recursive() && may_be_a_directory {
                is_elsewhere |= may_be_elsewhere;
                let signal = on_the_way(event.kind).unwrap_or(Signal::Appeared);
                concerned.push((Subject::Below(path), signal, Role::Ancestor));
            }
        }
        (concerned, is_elsewhere)
    }
}

fn at_target(kind: Kind) -> Signal {
    match kind {
        Kind::MovedTo => Signal::Replaced,
        Kind::Closed => Signal::Closed,
        Kind::Written => Signal::Written,
        Kind::Created => Signal::Appeared,
        Kind::MovedFrom | Kind::Removed => Signal::Removed,
        Kind::Metadata => Signal::Metadata,
    }
}

/// What an event about a link or a directory on the way says; a directory that is written to says nothing.
fn on_the_way(kind: Kind) -> Option<Signal> {
    match kind {
        Kind::MovedTo => Some(Signal::Replaced),
        Kind::Created => Some(Signal::Appeared),
        Kind::MovedFrom | Kind::Removed => Some(Signal::Removed),
        Kind::Metadata => Some(Signal::Metadata),
        Kind::Closed | Kind::Written => None,
    }
}

/// A survey while it is being made.
#[derive(Debug, Default)]
struct Draft {
    survey: Survey,
    watches: BTreeMap<PathBuf, Watch>,
}

impl Draft {
    fn add_member(&mut self, path: &Path, mounts: &[PathBuf]) {
        let chain = Chain::of(path);
        self.add_chain(&chain, Some(path));
        let is_linked = chain.places.iter().any(|place| place.role == Role::Link);
        let found = match chain.end {
            End::Found(found) => Some(found),
            _ => None,
        };
        if let Some(found) = &found {
            self.add_inode(path, found, mounts);
        }
        let way = if is_linked { Way::Linked(found) } else { Way::Straight };
        self.survey.members.insert(path.to_path_buf(), way);
    }

    /// A file with several names, or mounted by itself, may be written to without an event in its directory.
    fn add_inode(&mut self, path: &Path, found: &Path, mounts: &[PathBuf]) {
        let Ok(metadata) = std::fs::metadata(found) else { return };
        let is_mount = mounts.iter().any(|mount| mount == found);
        if is_mount {
            self.survey.warning = Some(format!(
                "{} is mounted by itself, as by a Kubernetes `subPath`: it is never seen when the original is replaced; mount the directory instead",
                found.display()
            ));
        }
        if metadata.is_file() && (is_mount || names(&metadata) > 1) {
            let identity = Identity::from_metadata(&metadata);
            self.watches.insert(
                found.to_path_buf(),
                Watch { path: found.to_path_buf(), identity, names: Names::default(), required: false },
            );
            self.survey.routes.entry(identity).or_default().itself.push(path.to_path_buf());
        }
    }

    fn add_directory(&mut self, directory: &Directory, mounts: &[PathBuf]) {
        let chain = Chain::of(directory.path());
        self.add_chain(&chain, None);
        let listing = directory.list();
        self.survey.entries = listing.entries;
        for (path, real, identity) in listing.directories {
            if path == directory.path() {
                self.survey.root = Some((path.clone(), Way::Directory(real.clone(), identity)));
            }
            self.add_tree(directory, path, real, identity);
        }
        let is_straight = |(path, is_link): &(PathBuf, bool)| {
            !is_link && !mounts.iter().any(|mount| mount.file_name() == path.file_name())
        };
        let (mut straight, others): (Vec<_>, Vec<_>) = listing.files.into_iter().partition(is_straight);
        // To compare paths takes long, and is done once for each where they are nearly in order.
        straight.sort_unstable_by(|(one, _), (other, _)| one.as_os_str().cmp(other.as_os_str()));
        self.survey.members = straight.into_iter().map(|(path, _)| (path, Way::Straight)).collect();
        for (path, _) in others {
            self.add_member(&path, mounts);
        }
        (self.survey.refused, self.survey.unlisted) = (listing.refused, listing.unlisted);
        self.survey.is_unfinished = listing.is_unfinished;
    }

    fn add_tree(&mut self, directory: &Directory, path: PathBuf, real: PathBuf, identity: Identity) {
        let watch = self.watches.entry(real.clone()).or_insert_with(|| Watch {
            path: real,
            identity,
            names: Names::default(),
            required: true,
        });
        watch.required = true;
        watch.names.included = Some(directory.filter());
        self.survey.trees.insert(path.clone());
        self.survey.routes.entry(identity).or_default().tree = Some(path);
    }

    fn add_chain(&mut self, chain: &Chain, member: Option<&Path>) {
        for Place { directory, identity, name, role } in &chain.places {
            let watch = self.watches.entry(directory.clone()).or_insert_with(|| Watch {
                path: directory.clone(),
                identity: *identity,
                names: Names::default(),
                required: false,
            });
            watch.required |= *role != Role::Ancestor;
            if !watch.names.listed.contains(name) {
                watch.names.listed.push(name.clone());
            }
            let entry = Entry { name: name.clone(), role: *role, member: member.map(Path::to_path_buf) };
            self.survey.routes.entry(*identity).or_default().entries.push(entry);
        }
    }
}

#[cfg(unix)]
fn names(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn names(_: &std::fs::Metadata) -> u64 {
    1
}
