//! What the operating system says about directories. The only file that names `notify`.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::document::Origin;
use crate::error::{SourceError, SourceErrorKind};

/// Watches directories, never files: a file that is replaced takes its watch with it.
pub(super) struct Events {
    watcher: RecommendedWatcher,
    woken: Arc<Notify>,
    watched: HashMap<PathBuf, Identity>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("watched", &self.watched).finish_non_exhaustive()
    }
}

/// Tells a directory apart from another one that took its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(directory: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(directory)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Ok(Self(metadata.dev(), metadata.ino()))
        }
        #[cfg(not(unix))]
        {
            let created = metadata.created().ok();
            let age = created.and_then(|created| created.duration_since(std::time::UNIX_EPOCH).ok());
            Ok(Self(0, age.map_or(0, |age| age.as_nanos() as u64)))
        }
    }
}

impl Events {
    /// Starts to listen. `relevant` is asked about each path that an event names, on a thread of the backend.
    pub(super) fn new(
        origin: &Origin,
        relevant: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Result<Self, SourceError> {
        let woken = Arc::new(Notify::new());
        let waker = Arc::clone(&woken);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error, too, may mean that something was missed.
            let look = event.map_or(true, |event| {
                event.need_rescan()
                    || event.paths.is_empty()
                    || may_change_content(event.kind) && event.paths.iter().any(|path| relevant(path))
            });
            if look {
                waker.notify_one();
            }
        })
        .map_err(|error| backend(origin, &error))?;
        Ok(Self { watcher, woken, watched: HashMap::new() })
    }

    /// Sees to it that exactly these directories are watched, and that they are still the ones that were meant.
    /// Directories that do not exist are left out.
    pub(super) fn watch(&mut self, origin: &Origin, directories: &[PathBuf]) -> Result<(), SourceError> {
        let gone: Vec<_> = self
            .watched
            .iter()
            .filter(|(path, identity)| {
                !directories.contains(path) || Identity::of(path).ok().as_ref() != Some(*identity)
            })
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            self.watched.remove(&path);
            // It fails where the kernel has dropped the watch already, which is what is wanted.
            let _ = self.watcher.unwatch(&path);
        }
        for directory in directories {
            if self.watched.contains_key(directory) {
                continue;
            }
            let Ok(identity) = Identity::of(directory) else { continue };
            self.watcher
                .watch(directory, RecursiveMode::NonRecursive)
                .map_err(|error| backend(origin, &error))?;
            self.watched.insert(directory.clone(), identity);
        }
        Ok(())
    }

    /// Resolves when something relevant may have happened since it last resolved.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a wake that was not taken is kept.
    pub(super) async fn changed(&self) {
        self.woken.notified().await;
    }
}

/// Our own reading must not wake us.
fn may_change_content(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => {
            matches!(access, notify::event::AccessKind::Close(notify::event::AccessMode::Write))
        }
        EventKind::Modify(ModifyKind::Metadata(notify::event::MetadataKind::AccessTime)) => false,
        _ => true,
    }
}

fn backend(origin: &Origin, error: &notify::Error) -> SourceError {
    SourceError::new(SourceErrorKind::Other, origin.clone(), format!("cannot be watched: {error}"))
}
