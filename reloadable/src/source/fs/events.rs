//! What the operating system says about directories. The only file that names `notify`.
//!
//! One backend serves the whole process: a user may have no more than 128 inotify instances on a common system. What
//! fails for one source fails for it alone, and events that a source does not take in time are lost to it alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use notify::event::{AccessKind, AccessMode, EventKind, MetadataKind, ModifyKind, RenameMode};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::chain::Identity;
use super::inbox::{Event, Inbox, Kind};

/// Something to watch: a directory, or a file that can be reached by another name.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    pub(super) names: Names,
    /// Whether nothing can be told without it. The others make it sooner known that a directory was replaced.
    pub(super) required: bool,
}

impl Watch {
    /// Tells whether it is a file, of which nothing but itself matters.
    pub(super) fn is_file(&self) -> bool {
        self.names.listed.is_empty() && self.names.included.is_none()
    }
}

/// The entries of a directory that matter; events about others wake nobody.
#[derive(Clone, Default)]
pub(super) struct Names {
    pub(super) listed: Vec<OsString>,
    pub(super) included: Option<Included>,
}

type Included = Arc<dyn Fn(&OsStr) -> bool + Send + Sync>;

impl Names {
    fn contains(&self, name: &OsStr) -> bool {
        self.listed.iter().any(|listed| same(listed, name))
            || self.included.as_ref().is_some_and(|included| included(name))
    }

    /// Adds what matters to another, who watches the same.
    fn join(&mut self, other: &Self) {
        self.listed.extend_from_slice(&other.listed);
        self.included = match (self.included.take(), other.included.clone()) {
            (Some(one), Some(other)) => Some(Arc::new(move |name| one(name) || other(name))),
            (one, other) => one.or(other),
        };
    }
}

/// Where the file system may not tell case apart, an event may spell a name differently from the user.
pub(super) fn same(one: &OsStr, other: &OsStr) -> bool {
    one == other || (cfg!(any(target_os = "macos", windows)) && one.eq_ignore_ascii_case(other))
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("listed", &self.listed).finish_non_exhaustive()
    }
}

/// Whether to trust that what was watched before still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    New,
    /// An unmounted file system takes its watches with it, and no event tells, even if it is mounted again.
    Renewed,
}

/// To renew the watches of a large tree would take long. Such a tree is on one file system.
const MOST_RENEWED: usize = 64;

/// Why there are no events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deaf(pub(super) String);

/// The watches of one source, and what they told.
#[derive(Debug)]
pub(super) struct Watches {
    listener: u64,
    inbox: Arc<Inbox>,
    backend: Option<Arc<Backend>>,
}

impl Watches {
    pub(super) fn new() -> Self {
        // Only has to be unique.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let listener = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { listener, inbox: Arc::new(Inbox::default()), backend: None }
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Sees to it that exactly these are watched, and that each is still what was meant. It may wait for the
    /// operating system. Tells whether any is watched that was not.
    ///
    /// # Errors
    ///
    /// One that is required cannot be watched.
    pub(super) fn follow(&mut self, wanted: &[Watch], how: Follow) -> Result<bool, Deaf> {
        if self.backend.as_ref().is_some_and(|backend| backend.routes.lock().ended) {
            self.backend = None;
        }
        let backend = match &self.backend {
            Some(backend) => backend,
            None => self.backend.insert(Backend::shared()?),
        };
        backend.follow(self.listener, &self.inbox, wanted, how)
    }

    /// Watches nothing any more.
    pub(super) fn release(&mut self) {
        if let Some(backend) = self.backend.take() {
            backend.routes.lock().forget(self.listener, &[]);
        }
    }
}

/// It does not wait for the operating system: what only this source watched is given up at the next change of watches,
/// or with the backend.
impl Drop for Watches {
    fn drop(&mut self) {
        self.release();
    }
}

/// The one instance of the operating system's events, for as long as anybody watches.
///
/// Locks are taken in the order of the fields. The backend's own thread takes only the second, and answers to whoever
/// holds the first: so the first may wait for that thread, and under the second nobody waits for anything.
struct Backend {
    watcher: Mutex<Option<RecommendedWatcher>>,
    routes: Arc<Routes>,
}

static SHARED: Mutex<Weak<Backend>> = Mutex::new(Weak::new());

impl Backend {
    fn shared() -> Result<Arc<Self>, Deaf> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(backend) = shared.upgrade().filter(|backend| !backend.routes.lock().ended) {
            return Ok(backend);
        }
        let backend = Arc::new(Self::new()?);
        *shared = Arc::downgrade(&backend);
        Ok(backend)
    }

    fn new() -> Result<Self, Deaf> {
        let routes = Arc::new(Routes::default());
        let end = End(Arc::clone(&routes));
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
            Ok(event) => end.0.dispatch(&event),
            // An error, too, may mean that something was missed.
            Err(_) => end.0.lock().lose(),
        })
        .map_err(deaf)?;
        Ok(Self { watcher: Mutex::new(Some(watcher)), routes })
    }

    fn follow(&self, listener: u64, inbox: &Arc<Inbox>, wanted: &[Watch], how: Follow) -> Result<bool, Deaf> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = {
            let mut routes = self.routes.lock();
            routes.forget(listener, wanted);
            std::mem::take(&mut routes.idle)
        };
        gone.iter().for_each(|path| unwatch(&mut watcher, path));
        let mut outcome = Ok(false);
        for (nth, watch) in joined(wanted).iter().enumerate() {
            let how = if nth < MOST_RENEWED { how } else { Follow::New };
            let added = self.add(&mut watcher, listener, inbox, watch, how);
            match (&mut outcome, added) {
                (Ok(any), Ok(added)) => *any |= added,
                (Ok(_), Err(why)) if watch.required => outcome = Err(why),
                _ => {}
            }
        }
        // FSEvents begins anew with every change of what is watched, and nobody is told what happened in between.
        if cfg!(target_os = "macos") && outcome == Ok(true) {
            self.routes.lock().lose();
        }
        outcome
    }

    fn add(
        &self,
        watcher: &mut Option<RecommendedWatcher>,
        listener: u64,
        inbox: &Arc<Inbox>,
        watch: &Watch,
        how: Follow,
    ) -> Result<bool, Deaf> {
        let known = self.routes.lock().known(watch);
        if let Some(known) = known {
            if known == watch.path || Identity::of(&known).ok() == Some(watch.identity) {
                self.routes.lock().listen(&known, listener, inbox, watch);
                if how != Follow::Renewed || !cfg!(target_os = "linux") {
                    return Ok(false);
                }
                let is_it = watch_as(watcher, &known, watch.identity)?;
                if !is_it {
                    self.take_out(watcher, &known);
                }
                return Ok(!is_it);
            }
            self.take_out(watcher, &known);
        }
        self.take_out(watcher, &watch.path);
        // Listening comes first, so that no event finds nobody.
        let was_idle = self.routes.lock().listen(&watch.path, listener, inbox, watch);
        if was_idle {
            unwatch(watcher, &watch.path);
        }
        let added = watch_as(watcher, &watch.path, watch.identity);
        match added {
            Ok(true) => {}
            // Whoever listens looks again, and asks for what is there then.
            Ok(false) => self.take_out(watcher, &watch.path),
            Err(_) => drop(self.routes.lock().remove(&watch.path)),
        }
        added.map(|_| true)
    }

    /// Gives up a watch that is not what it was; those who listen are told.
    fn take_out(&self, watcher: &mut Option<RecommendedWatcher>, path: &Path) {
        let Some(watched) = self.routes.lock().remove(path) else { return };
        unwatch(watcher, path);
        for listener in watched.listeners {
            listener.inbox.lose();
        }
    }
}

/// Returns each of them once: the same directory may be reached by two paths where it is mounted twice.
fn joined(wanted: &[Watch]) -> Vec<Watch> {
    let mut joined = Vec::<Watch>::with_capacity(wanted.len());
    let mut places = HashMap::new();
    for watch in wanted {
        let place = *places.entry(watch.identity).or_insert(joined.len());
        match joined.get_mut(place) {
            Some(known) => {
                known.names.join(&watch.names);
                known.required |= watch.required;
            }
            None => joined.push(watch.clone()),
        }
    }
    joined
}

/// Tells whether the path leads to what is meant. It may be moved or replaced on the way, which is no failure.
fn watch_as(watcher: &mut Option<RecommendedWatcher>, path: &Path, identity: Identity) -> Result<bool, Deaf> {
    let was_there = watch_now(watcher, path);
    if Identity::of(path).ok() == Some(identity) { was_there } else { Ok(false) }
}

/// Tells whether anything was there to be watched.
fn watch_now(watcher: &mut Option<RecommendedWatcher>, path: &Path) -> Result<bool, Deaf> {
    let ended = || Deaf("the event backend has ended".to_owned());
    let watcher = watcher.as_mut().ok_or_else(ended)?;
    // It panics where its thread has ended.
    match catch_unwind(AssertUnwindSafe(|| watcher.watch(path, RecursiveMode::NonRecursive))) {
        Ok(Ok(())) => Ok(true),
        Ok(Err(error)) if is_absence(&error.kind) => Ok(false),
        Ok(Err(error)) => Err(deaf(error)),
        Err(_) => Err(ended()),
    }
}

fn is_absence(kind: &notify::ErrorKind) -> bool {
    match kind {
        notify::ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        kind => matches!(kind, notify::ErrorKind::PathNotFound),
    }
}

/// It fails where the operating system has dropped the watch already, which is what is wanted.
fn unwatch(watcher: &mut Option<RecommendedWatcher>, path: &Path) {
    if let Some(watcher) = watcher {
        let _ = catch_unwind(AssertUnwindSafe(|| watcher.unwatch(path)));
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let watcher = self.watcher.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // It panics where its thread has ended.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(watcher)));
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("watched", &self.routes.lock().watched.len()).finish_non_exhaustive()
    }
}

/// Dropped with the callback, and so with the backend's thread, however that ends.
struct End(Arc<Routes>);

impl Drop for End {
    fn drop(&mut self) {
        let mut table = self.0.lock();
        table.ended = true;
        table.lose();
    }
}

/// Who wants to know what.
#[derive(Default)]
struct Routes(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// In the order of paths, where all that is below one comes next.
    watched: BTreeMap<PathBuf, Watched>,
    /// The path under which an inode is watched: the backend knows one, even if it is asked to watch two.
    paths: HashMap<Identity, PathBuf>,
    /// What nobody listens to any more, to be given up.
    idle: Vec<PathBuf>,
    /// The backend's thread is gone.
    ended: bool,
}

struct Watched {
    identity: Identity,
    /// The backend forgets what was moved or removed, even if something is there again.
    forgotten: bool,
    listeners: Vec<Listener>,
}

struct Listener {
    id: u64,
    inbox: Arc<Inbox>,
    names: Names,
}

impl Routes {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dispatch(&self, event: &notify::Event) {
        if event.need_rescan() || event.paths.is_empty() {
            return self.lock().lose();
        }
        let Some(kind) = kind_of(event.kind) else { return };
        let mut table = self.lock();
        match (event.kind, event.paths.as_slice()) {
            (EventKind::Modify(ModifyKind::Name(RenameMode::Both)), [from, to]) => {
                table.tell(from, Kind::MovedFrom);
                table.tell(to, Kind::MovedTo);
            }
            (_, paths) => paths.iter().for_each(|path| table.tell(path, kind)),
        }
    }
}

impl Table {
    fn tell(&mut self, path: &Path, kind: Kind) {
        if matches!(kind, Kind::MovedFrom | Kind::Removed) {
            self.forget_below(path);
        }
        if let Some(watched) = self.watched.get(path) {
            for listener in &watched.listeners {
                listener.inbox.push(Event { watched: watched.identity, name: None, kind });
            }
        }
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return };
        if let Some(watched) = self.watched.get(directory) {
            for listener in watched.listeners.iter().filter(|listener| listener.names.contains(name)) {
                listener.inbox.push(Event { watched: watched.identity, name: Some(name.to_owned()), kind });
            }
        }
    }

    /// The backend drops its watches on a path that was moved or removed, and on all below it.
    fn forget_below(&mut self, path: &Path) {
        if !self.watched.contains_key(path) {
            return;
        }
        let from_here = self.watched.range_mut::<Path, _>((Bound::Included(path), Bound::Unbounded));
        let below = from_here.take_while(|(watched, _)| watched.starts_with(path));
        for (_, entry) in below.filter(|(_, entry)| !entry.forgotten) {
            entry.forgotten = true;
            for listener in &entry.listeners {
                listener.inbox.push(Event { watched: entry.identity, name: None, kind: Kind::Removed });
            }
        }
    }

    /// Something was missed, and nobody knows what.
    fn lose(&mut self) {
        for listener in self.watched.values().flat_map(|watched| &watched.listeners) {
            listener.inbox.lose();
        }
    }

    /// Returns the path under which an inode is watched.
    fn known(&self, watch: &Watch) -> Option<PathBuf> {
        let path = self.paths.get(&watch.identity)?;
        let watched = self.watched.get(path)?;
        (watched.identity == watch.identity && !watched.forgotten).then(|| path.clone())
    }

    /// Tells whether the path was about to be given up.
    fn listen(&mut self, path: &Path, id: u64, inbox: &Arc<Inbox>, watch: &Watch) -> bool {
        let idle = self.idle.len();
        self.idle.retain(|idle| idle != path);
        let watched = self.watched.entry(path.to_path_buf()).or_insert_with(|| {
            self.paths.insert(watch.identity, path.to_path_buf());
            Watched { identity: watch.identity, forgotten: false, listeners: Vec::new() }
        });
        watched.listeners.retain(|known| known.id != id);
        watched.listeners.push(Listener { id, inbox: Arc::clone(inbox), names: watch.names.clone() });
        self.idle.len() < idle
    }

    fn remove(&mut self, path: &Path) -> Option<Watched> {
        let watched = self.watched.remove(path)?;
        if self.paths.get(&watched.identity).is_some_and(|known| known == path) {
            self.paths.remove(&watched.identity);
        }
        Some(watched)
    }

    /// Ends a source's listening but to what it still wants.
    fn forget(&mut self, listener: u64, wanted: &[Watch]) {
        let wanted: HashSet<_> = wanted.iter().map(|watch| watch.identity).collect();
        let mut idle = Vec::new();
        for (path, watched) in &mut self.watched {
            if !wanted.contains(&watched.identity) {
                watched.listeners.retain(|known| known.id != listener);
            }
            if watched.listeners.is_empty() {
                idle.push(path.clone());
            }
        }
        for path in &idle {
            self.remove(path);
        }
        self.idle.extend(idle);
    }
}

fn kind_of(kind: EventKind) -> Option<Kind> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Kind::Closed,
        // Our own reading must not wake us.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)) => {
            return None;
        }
        // Inotify tells both halves before.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if cfg!(target_os = "linux") => return None,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Kind::MovedFrom,
        EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => Kind::MovedTo,
        EventKind::Modify(ModifyKind::Metadata(_)) => Kind::Metadata,
        EventKind::Modify(ModifyKind::Data(_)) => Kind::Written,
        EventKind::Remove(_) => Kind::Removed,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other => Kind::Created,
    })
}

fn deaf(error: notify::Error) -> Deaf {
    const TOO_MANY_OPEN_FILES: i32 = 24;
    Deaf(match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the limit of watches is reached; raise `fs.inotify.max_user_watches`".to_owned()
        }
        notify::ErrorKind::Io(error) if error.raw_os_error() == Some(TOO_MANY_OPEN_FILES) => {
            format!(
                "no event instance is to be had ({error}); raise `fs.inotify.max_user_instances` or the limit of open files"
            )
        }
        _ => {
            let refused = error.paths.first().map(|path| format!(" {}", path.display())).unwrap_or_default();
            // With its paths, it would end with the list of them.
            let why = notify::Error::new(error.kind).to_string();
            format!("the event backend refused{refused}: {}", why.trim_end_matches('.'))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(path: &Path, names: &[&str], required: bool) -> Watch {
        let listed = names.iter().map(Into::into).collect();
        let identity = Identity::of(path).unwrap();
        Watch { path: path.to_path_buf(), identity, names: Names { listed, included: None }, required }
    }

    fn removals(inbox: &Inbox) -> usize {
        inbox.take().events.iter().filter(|event| event.kind == Kind::Removed).count()
    }

    #[test]
    fn all_below_what_is_removed_is_told_of_once_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let inbox = Arc::new(Inbox::default());
        let mut table = Table::default();
        // In the order of bytes, the last would come between the first two.
        for name in ["tree", "tree/deep", "tree/deep/er", "tree-beside"] {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            table.listen(&path, 0, &inbox, &watch(&path, &[], true));
        }
        table.forget_below(&directory.path().join("tree/deep"));
        assert_eq!(removals(&inbox), 2);
        table.forget_below(&directory.path().join("tree"));
        assert_eq!(removals(&inbox), 1);
        let kept: Vec<_> =
            table.watched.iter().filter(|(_, it)| !it.forgotten).map(|(path, _)| path).collect();
        assert_eq!(kept, [&directory.path().join("tree-beside")]);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_with_two_paths_is_watched_for_the_names_of_both() {
        let directory = tempfile::tempdir().unwrap();
        let (real, alias) = (directory.path().join("real"), directory.path().join("alias"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &alias).unwrap();
        let mut other = watch(&real, &["two"], true);
        other.names.included = Some(Arc::new(|name| name == "three"));
        let wanted = [watch(&alias, &["one"], false), watch(directory.path(), &["real"], true), other];
        let mut watches = Watches::new();
        assert_eq!(watches.follow(&wanted, Follow::New), Ok(true));
        assert_eq!(watches.follow(&wanted, Follow::New), Ok(false));
        let table = watches.backend.as_ref().unwrap().routes.lock();
        let listeners = table.watched.values().filter(|it| it.identity == wanted[0].identity);
        let names: Vec<_> = listeners.flat_map(|it| &it.listeners).map(|listener| &listener.names).collect();
        assert_eq!(names.len(), 1);
        let contained = ["one", "two", "three", "four"].map(|name| names[0].contains(OsStr::new(name)));
        assert_eq!(contained, [true, true, true, false]);
        assert!(joined(&wanted)[0].required);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_vanished_just_before_its_watch_is_renewed_is_looked_at_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dir");
        std::fs::create_dir(&path).unwrap();
        let wanted = [watch(&path, &["app.toml"], true)];
        let mut watches = Watches::new();
        assert_eq!(watches.follow(&wanted, Follow::New), Ok(true));
        std::fs::remove_dir(&path).unwrap();
        // The event may have come already; as if it had not.
        if let Some(watched) = watches.backend.as_ref().unwrap().routes.lock().watched.get_mut(&path) {
            watched.forgotten = false;
        }
        watches.inbox().take();
        assert_eq!(watches.follow(&wanted, Follow::Renewed), Ok(true));
        assert!(watches.inbox().take().lost);
    }

    #[test]
    fn a_refusal_names_the_path_and_ends_with_the_reason() {
        let refused = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = notify::Error::io(refused).add_path("/etc/app".into());
        assert_eq!(deaf(error).0, "the event backend refused /etc/app: permission denied");
        assert_eq!(deaf(notify::Error::watch_not_found()).0, "the event backend refused: No watch was found");
    }
}
