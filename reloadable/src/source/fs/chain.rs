//! The symbolic links of a path, and the directories in which something happens when what it leads to changes.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::{Component, Path, PathBuf};

/// As many symbolic links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// A watch on one directory costs little on Linux. FSEvents watches all that is below a directory, and the watch on a
/// drive's root would be told everything.
const WATCHES_EVERY_ANCESTOR: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The way from the root of the file system to what a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// What to watch, in the order in which the way passes it, each entry once.
    pub(super) places: Vec<Place>,
    pub(super) end: End,
}

/// An entry of a directory that decides where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The directory to watch: a real path, with no symbolic link in it.
    pub(super) directory: PathBuf,
    /// Which directory that was.
    pub(super) identity: Identity,
    /// The entry that matters.
    pub(super) name: OsString,
    pub(super) role: Role,
}

/// What an entry is to the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is what the path leads to, or where that would be.
    Target,
    /// A symbolic link on the way.
    Link,
    /// A directory on the way, which may be replaced.
    Ancestor,
    /// There is no directory of this name where the way needs one.
    Missing,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// To this real path.
    Found(PathBuf),
    /// To nothing.
    Missing,
    /// Through too many symbolic links, most likely in a circle.
    Loop,
    /// Through this, which is no directory.
    NotADirectory(PathBuf),
    /// Through a directory that may not be searched for this entry.
    Denied(PathBuf),
    /// To an entry at which the operating system fails otherwise.
    Failed(PathBuf, io::ErrorKind),
}

/// Tells an inode apart from another one that took its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity(u64, u64);

impl Identity {
    /// Follows symbolic links.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from_metadata(&std::fs::metadata(path)?))
    }

    #[cfg(unix)]
    pub(super) fn from_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(metadata.dev(), metadata.ino())
    }

    /// Where std offers no number of the inode, what is newly made is told by the time of that.
    #[cfg(not(unix))]
    pub(super) fn from_metadata(metadata: &Metadata) -> Self {
        let created = metadata.created().ok();
        let age = created.and_then(|created| created.duration_since(std::time::UNIX_EPOCH).ok());
        Self(0, age.map_or(0, |age| age.as_nanos() as u64))
    }
}

impl Chain {
    /// Walks along a path as the operating system does, one entry at a time: a relative path from the current
    /// directory, and `..` after the links before it have been followed.
    ///
    /// It never fails: what stops it is the end, and what came before that stays to be watched.
    pub(super) fn of(path: &Path) -> Self {
        let start = std::path::absolute(path)
            .and_then(|absolute| Ok((Directory::root_of(&absolute)?, absolute)))
            .map_err(|error| End::because(&error, path));
        let (root, absolute) = match start {
            Ok(start) => start,
            Err(end) => return Self { places: Vec::new(), end },
        };
        let mut walk =
            Walk { places: Vec::new(), above: Vec::new(), current: root, steps: Vec::new(), links: 0 };
        // Making it absolute has left out a final `.`, and with it that a directory is meant.
        walk.steps.extend(needs_directory(path).then_some(Step::Stay));
        walk.will_follow(&absolute);
        let end = walk.reach_end();
        let mut places = walk.places;
        if !WATCHES_EVERY_ANCESTOR {
            places = nearest(places);
        }
        Self { places, end }
    }
}

impl End {
    fn because(error: &io::Error, at: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::NotADirectory => Self::NotADirectory(at.to_path_buf()),
            io::ErrorKind::PermissionDenied => Self::Denied(at.to_path_buf()),
            kind => Self::Failed(at.to_path_buf(), kind),
        }
    }
}

/// A real directory.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    identity: Identity,
}

impl Directory {
    fn root_of(absolute: &Path) -> io::Result<Self> {
        let path: PathBuf = absolute
            .components()
            .take_while(|component| matches!(component, Component::Prefix(_) | Component::RootDir))
            .collect();
        let identity = Identity::of(&path)?;
        Ok(Self { path, identity })
    }
}

/// One component of a path.
#[derive(Debug)]
enum Step {
    Into(OsString),
    Up,
    /// Says only that there must be a directory.
    Stay,
}

/// A chain while it is being made.
#[derive(Debug)]
struct Walk {
    places: Vec<Place>,
    /// The directories above the current one, the root first.
    above: Vec<Directory>,
    current: Directory,
    /// What is left of the path, the next step last.
    steps: Vec<Step>,
    links: usize,
}

impl Walk {
    /// Puts the steps of a path before those that are left.
    fn will_follow(&mut self, path: &Path) {
        self.steps.extend(needs_directory(path).then_some(Step::Stay));
        self.steps.extend(path.components().rev().filter_map(|component| match component {
            Component::Normal(name) => Some(Step::Into(name.to_os_string())),
            Component::ParentDir => Some(Step::Up),
            Component::CurDir => Some(Step::Stay),
            Component::Prefix(_) | Component::RootDir => None,
        }));
    }

    fn reach_end(&mut self) -> End {
        while let Some(step) = self.steps.pop() {
            let stopped = match step {
                Step::Into(name) => self.enter(name),
                Step::Up => {
                    if let Some(parent) = self.above.pop() {
                        self.current = parent;
                    }
                    None
                }
                Step::Stay => None,
            };
            if let Some(end) = stopped {
                return end;
            }
        }
        // The path ended with `..`, or was nothing but the root: the directory that was reached is the target.
        if let (Some(parent), Some(name)) = (self.above.pop(), self.current.path.file_name()) {
            let name = name.to_os_string();
            let reached = std::mem::replace(&mut self.current, parent);
            self.add(name, Role::Target);
            return End::Found(reached.path);
        }
        End::Found(self.current.path.clone())
    }

    /// Takes a step to an entry of the current directory. Returns the end if it is one.
    fn enter(&mut self, name: OsString) -> Option<End> {
        let path = self.current.path.join(&name);
        let is_last = self.steps.iter().all(|step| matches!(step, Step::Stay));
        let absent = if is_last { Role::Target } else { Role::Missing };
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                // A directory that may not be searched may not be watched either; one above it is told when it may.
                if error.kind() != io::ErrorKind::PermissionDenied {
                    self.add(name, absent);
                }
                return Some(End::because(&error, &path));
            }
        };
        if metadata.is_symlink() {
            self.add(name.clone(), Role::Link);
            return self.follow(name, &path);
        }
        if metadata.is_dir() && !is_last {
            self.add(name, Role::Ancestor);
            let entered = Directory { path, identity: Identity::from_metadata(&metadata) };
            self.above.push(std::mem::replace(&mut self.current, entered));
            return None;
        }
        self.add(name, absent);
        if metadata.is_dir() || self.steps.is_empty() {
            Some(End::Found(path))
        } else {
            Some(End::NotADirectory(path))
        }
    }

    fn follow(&mut self, name: OsString, path: &Path) -> Option<End> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Some(End::Loop);
        }
        match std::fs::read_link(path) {
            Ok(target) => {
                if target.has_root() {
                    match Directory::root_of(&self.current.path.join(&target)) {
                        Ok(root) => self.current = root,
                        Err(error) => return Some(End::because(&error, path)),
                    }
                    self.above.clear();
                }
                self.will_follow(&target);
                None
            }
            // It was replaced just now, by nothing or by what is no link. That the links are counted bounds how often
            // it is looked at anew.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => {
                self.steps.push(Step::Into(name));
                None
            }
            Err(error) => Some(End::because(&error, path)),
        }
    }

    /// Adds an entry of the current directory. A way that passes it twice has one place there, with the last role:
    /// `a/../a` ends where it began.
    fn add(&mut self, name: OsString, role: Role) {
        let known =
            self.places.iter_mut().find(|place| place.name == name && place.directory == self.current.path);
        match known {
            Some(place) => {
                place.role = role;
                place.identity = self.current.identity;
            }
            None => self.places.push(Place {
                directory: self.current.path.clone(),
                identity: self.current.identity,
                name,
                role,
            }),
        }
    }
}

/// Tells whether a path says by its end that it leads to a directory: `conf.d/` and `conf.d/.` do.
fn needs_directory(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let ends_with_separator =
        |bytes: &[u8]| bytes.last().is_some_and(|byte| std::path::is_separator((*byte).into()));
    ends_with_separator(bytes) || bytes.strip_suffix(b".").is_some_and(ends_with_separator)
}

/// Leaves out the ancestors but those which hold a directory that is watched for something else, and the last one,
/// which is all there is to watch where the way ends at a directory that may not be searched.
fn nearest(places: Vec<Place>) -> Vec<Place> {
    let last = places.len().saturating_sub(1);
    let is_near = |(index, place): (usize, &Place)| {
        place.role != Role::Ancestor || index == last || {
            let below = place.directory.join(&place.name);
            places.iter().any(|other| other.role != Role::Ancestor && other.directory == below)
        }
    };
    let near: Vec<_> = places.iter().enumerate().map(is_near).collect();
    places.into_iter().zip(near).filter_map(|(place, is_near)| is_near.then_some(place)).collect()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;

    /// A directory whose own path has no symbolic link in it.
    fn real_directory() -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        (directory, path)
    }

    fn write(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn link(root: &Path, path: &str, target: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// The places below the test's own directory, as `path: role`.
    fn places(root: &Path, chain: &Chain) -> Vec<String> {
        for place in &chain.places {
            assert_eq!(place.directory.canonicalize().unwrap(), place.directory, "is a real path");
            assert_eq!(
                Identity::of(&place.directory).unwrap(),
                place.identity,
                "{}",
                place.directory.display()
            );
        }
        let below = chain.places.iter().filter_map(|place| {
            let path = place.directory.join(&place.name);
            Some(format!("{}: {:?}", path.strip_prefix(root).ok()?.to_str()?, place.role))
        });
        below.filter(|place| !place.starts_with(':')).collect()
    }

    /// All places whatever the system, for tests that name them.
    #[track_caller]
    fn assert_chain(root: &Path, path: &str, wanted: &[&str], end: &End) {
        let chain = Chain::of(&root.join(path));
        assert_eq!(&chain.end, end, "{path}");
        let found = places(root, &chain);
        if WATCHES_EVERY_ANCESTOR {
            assert_eq!(found, wanted, "{path}");
        } else {
            let needed: Vec<_> = wanted.iter().filter(|place| !place.ends_with("Ancestor")).collect();
            assert!(needed.iter().all(|place| found.contains(&(**place).to_owned())), "{path}: {found:?}");
        }
    }

    #[test]
    fn a_plain_file_is_watched_from_the_root_down() {
        let (_kept, root) = real_directory();
        write(&root, "a/b/app.toml");
        let file = root.join("a/b/app.toml");
        assert_chain(
            &root,
            "a/b/app.toml",
            &["a: Ancestor", "a/b: Ancestor", "a/b/app.toml: Target"],
            &End::Found(file.clone()),
        );
        if WATCHES_EVERY_ANCESTOR {
            let chain = Chain::of(&file);
            assert_eq!(chain.places[0].directory, Path::new("/"));
            assert_eq!(chain.places.len(), file.components().count() - 1);
        }
    }

    #[test]
    fn a_directory_is_a_target_as_well() {
        let (_kept, root) = real_directory();
        write(&root, "a/conf.d/app.toml");
        let end = End::Found(root.join("a/conf.d"));
        for path in ["a/conf.d", "a/conf.d/", "a/conf.d/."] {
            assert_chain(&root, path, &["a: Ancestor", "a/conf.d: Target"], &end);
        }
        fs::create_dir(root.join("a/conf.d/sub")).unwrap();
        let wanted = ["a: Ancestor", "a/conf.d: Target", "a/conf.d/sub: Ancestor"];
        assert_chain(&root, "a/conf.d/sub/..", &wanted, &end);
        assert_chain(&root, "a/conf.d/../conf.d", &wanted[..2], &end);
    }

    #[test]
    fn three_links_that_leave_the_directory_are_all_watched() {
        let (_kept, root) = real_directory();
        write(&root, "opt/releases/2/app.toml");
        link(&root, "opt/current", "releases/2");
        link(&root, "srv/app", root.join("opt/current").to_str().unwrap());
        link(&root, "etc/app.toml", root.join("srv/app/app.toml").to_str().unwrap());
        assert_chain(
            &root,
            "etc/app.toml",
            &[
                "etc: Ancestor",
                "etc/app.toml: Link",
                "srv: Ancestor",
                "srv/app: Link",
                "opt: Ancestor",
                "opt/current: Link",
                "opt/releases: Ancestor",
                "opt/releases/2: Ancestor",
                "opt/releases/2/app.toml: Target",
            ],
            &End::Found(root.join("opt/releases/2/app.toml")),
        );
    }

    #[test]
    fn up_is_taken_from_where_a_link_led() {
        let (_kept, root) = real_directory();
        write(&root, "x/y/file");
        write(&root, "x/app.toml");
        write(&root, "app.toml");
        link(&root, "link", "./x/./y");
        link(&root, "deep/er/app.toml", "../../link/../app.toml");
        let wanted = ["link: Link", "x: Ancestor", "x/y: Ancestor", "x/app.toml: Target"];
        let end = End::Found(root.join("x/app.toml"));
        assert_chain(&root, "link/../app.toml", &wanted, &end);
        let mut longer = vec!["deep: Ancestor", "deep/er: Ancestor", "deep/er/app.toml: Link"];
        longer.extend(wanted);
        assert_chain(&root, "deep/er/app.toml", &longer, &end);
    }

    #[test]
    fn up_from_the_root_is_the_root() {
        let (_kept, root) = real_directory();
        write(&root, "app.toml");
        let file = root.join("app.toml");
        let path = Path::new("/../..").join(file.strip_prefix("/").unwrap());
        assert_eq!(Chain::of(&path), Chain::of(&file));
    }

    #[test]
    fn a_config_map_is_watched_at_each_of_its_three_steps() {
        let (_kept, root) = real_directory();
        write(&root, "..v1/app.toml");
        link(&root, "..data", "..v1");
        link(&root, "app.toml", "..data/app.toml");
        let end = End::Found(root.join("..v1/app.toml"));
        assert_chain(
            &root,
            "app.toml",
            &["app.toml: Link", "..data: Link", "..v1: Ancestor", "..v1/app.toml: Target"],
            &end,
        );
    }

    #[test]
    fn what_is_not_there_is_watched_where_it_would_be() {
        let (_kept, root) = real_directory();
        fs::create_dir(root.join("a")).unwrap();
        let missing = |path: &str, wanted: &[&str]| assert_chain(&root, path, wanted, &End::Missing);
        missing("a/app.toml", &["a: Ancestor", "a/app.toml: Target"]);
        missing("a/b/c/app.toml", &["a: Ancestor", "a/b: Missing"]);
        missing("a/b/../app.toml", &["a: Ancestor", "a/b: Missing"]);
        link(&root, "dangling", "a/app.toml");
        missing("dangling", &["dangling: Link", "a: Ancestor", "a/app.toml: Target"]);
        link(&root, "further", "a/b/app.toml");
        missing("further", &["further: Link", "a: Ancestor", "a/b: Missing"]);
    }

    #[test]
    fn a_circle_of_links_ends_with_each_of_them_watched_once() {
        let (_kept, root) = real_directory();
        link(&root, "a", "b");
        link(&root, "b", "a");
        assert_chain(&root, "a", &["a: Link", "b: Link"], &End::Loop);
    }

    #[test]
    fn as_many_links_are_followed_as_linux_follows() {
        let (_kept, root) = real_directory();
        write(&root, "0");
        for n in 1..=41 {
            link(&root, &n.to_string(), &(n - 1).to_string());
        }
        assert_eq!(Chain::of(&root.join("40")).end, End::Found(root.join("0")));
        assert_eq!(Chain::of(&root.join("41")).end, End::Loop);
    }

    #[test]
    fn a_file_where_a_directory_should_be_is_watched_for_one() {
        let (_kept, root) = real_directory();
        write(&root, "a/b");
        let end = End::NotADirectory(root.join("a/b"));
        assert_chain(&root, "a/b/app.toml", &["a: Ancestor", "a/b: Missing"], &end);
        assert_chain(&root, "a/b/..", &["a: Ancestor", "a/b: Missing"], &end);
        assert_chain(&root, "a/b/", &["a: Ancestor", "a/b: Target"], &end);
        assert_chain(&root, "a/b/.", &["a: Ancestor", "a/b: Target"], &end);
    }

    #[test]
    fn the_root_is_found_and_nothing_can_take_its_place() {
        let root = Chain { places: Vec::new(), end: End::Found(PathBuf::from("/")) };
        for path in ["/", "/.", "/..", "//"] {
            assert_eq!(Chain::of(Path::new(path)), root, "{path}");
        }
    }

    #[test]
    fn a_relative_path_starts_at_the_current_directory() {
        let current = std::env::current_dir().unwrap();
        assert_eq!(Chain::of(Path::new("Cargo.toml")), Chain::of(&current.join("Cargo.toml")));
        assert_eq!(Chain::of(Path::new("src/../Cargo.toml")).end, End::Found(current.join("Cargo.toml")));
        assert_eq!(Chain::of(Path::new(".")), Chain::of(&current));
    }

    #[test]
    fn what_no_file_system_can_hold_is_an_end_too() {
        let (_kept, root) = real_directory();
        let end_of = |path: &Path| Chain::of(path).end;
        assert_eq!(end_of(Path::new("")), End::Failed(PathBuf::new(), io::ErrorKind::InvalidInput));
        assert!(matches!(end_of(&root.join("a".repeat(300))), End::Failed(..)));
        assert!(matches!(end_of(&root.join("a\0b")), End::Failed(..)));
        assert_eq!(end_of(&root.join("a/".repeat(10_000))), End::Missing);
    }

    #[test]
    fn only_the_nearest_ancestors_are_left_where_watches_are_deep() {
        let at = |directory: &str, name: &str, role| Place {
            directory: directory.into(),
            identity: Identity(0, 0),
            name: name.into(),
            role,
        };
        let etc = at("/", "etc", Role::Ancestor);
        let app = at("/etc", "app", Role::Ancestor);
        let link = at("/etc/app", "app.toml", Role::Link);
        let opt = at("/", "opt", Role::Ancestor);
        let target = at("/opt", "app.toml", Role::Target);
        let all = vec![etc.clone(), app.clone(), link.clone(), opt.clone(), target.clone()];
        assert_eq!(nearest(all), [app.clone(), link, opt, target]);
        assert_eq!(nearest(vec![etc, app.clone()]), [app]);
        assert_eq!(nearest(Vec::new()), []);
    }

    const DENIED: &str = "RELOADABLE_DENIED";

    /// Nothing is denied to root, who therefore has somebody else run this test.
    #[test]
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn a_directory_that_may_not_be_searched_ends_the_chain() {
        use std::os::unix::fs::PermissionsExt as _;
        if let Some(root) = std::env::var_os(DENIED) {
            let root = PathBuf::from(root);
            let end = End::Denied(root.join("a/b/app.toml"));
            return assert_chain(&root, "a/b/app.toml", &["a: Ancestor", "a/b: Ancestor"], &end);
        }
        let (_kept, root) = real_directory();
        write(&root, "a/b/app.toml");
        let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        allow(&root, 0o755);
        allow(&root.join("a/b"), 0o600);
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.env(DENIED, &root).arg("a_directory_that_may_not_be_searched_ends_the_chain");
        if root.join("a/b/app.toml").exists() {
            again.uid(65_534).gid(65_534);
        }
        let output = again.output();
        allow(&root.join("a/b"), 0o755);
        match output {
            Ok(output) => {
                let output = String::from_utf8_lossy(&output.stdout);
                assert!(output.contains("1 passed"), "{output}");
            }
            Err(error) => eprintln!("skipped: nobody may not run this test: {error}"),
        }
    }

    /// A generator as good as needed here, so that a failure names the number that brings it back.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % bound
        }

        fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
            words[self.below(words.len())]
        }

        fn path(&mut self) -> String {
            let components = 1 + self.below(4);
            let mut path = String::new();
            for n in 0..components {
                path += if n == 0 { "" } else { "/" };
                path += self.pick(&["a", "b", "c", "d", "a", "b", "c", "d", "..", "."]);
            }
            path + self.pick(&["", "", "", "", "/"])
        }
    }

    #[test]
    fn random_trees_of_links_lead_where_the_system_says() {
        let (mut found, mut missing, mut looped, mut blocked) = (0, 0, 0, 0);
        for seed in 0..200 {
            let mut random = Random(seed);
            let (_kept, root) = real_directory();
            let mut directories = vec![root.clone()];
            for _ in 0..16 {
                let name = random.pick(&["a", "b", "c", "d"]);
                let path = directories[random.below(directories.len())].join(name);
                // What is there already stays.
                match random.below(5) {
                    0 => drop(fs::File::create_new(&path)),
                    1 | 2 => directories.extend(fs::create_dir(&path).is_ok().then_some(path)),
                    3 => drop(symlink(random.path(), &path)),
                    _ => drop(symlink(root.join(random.path()), &path)),
                }
            }
            for _ in 0..16 {
                let path = random.path();
                let end = Chain::of(&root.join(&path)).end;
                let context = format!("seed {seed}, path {path}: {end:?}");
                // Std has no stable name for ELOOP.
                match fs::canonicalize(root.join(&path)).map_err(|error| (error.kind(), error)) {
                    Ok(real) => {
                        assert_eq!(end, End::Found(real), "{context}");
                        found += 1;
                    }
                    Err((io::ErrorKind::NotFound, _)) => {
                        assert_eq!(end, End::Missing, "{context}");
                        missing += 1;
                    }
                    Err((io::ErrorKind::NotADirectory, _)) => {
                        assert!(matches!(end, End::NotADirectory(_)), "{context}");
                        blocked += 1;
                    }
                    Err((_, error)) => {
                        assert_eq!(end, End::Loop, "{context}: {error}");
                        looped += 1;
                    }
                }
            }
        }
        let least = [found, missing, looped, blocked].into_iter().min();
        assert!(least > Some(50), "{found} found, {missing} missing, {looped} looped, {blocked} blocked");
    }
}
