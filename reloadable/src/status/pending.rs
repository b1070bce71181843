//! Fields that wait for a restart.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use super::{Applied, Status};
use crate::diff::Entry;
use crate::error::Error;
use crate::path::FieldPath;
use crate::provenance::Provenance;
use crate::subscribe::block_on;
use crate::value::Value;

/// A field that cannot change while the program runs: the sources want another value than the one in force.
///
/// It stays pending until the program is restarted or the edit is reverted. Secrets are not shown, and [`Serialize`] leaves
/// out both values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PendingRestart {
    path: FieldPath,
    #[serde(skip)]
    running: Option<Value<'static>>,
    #[serde(skip)]
    wanted: Option<Value<'static>>,
    set: Option<Provenance>,
}

impl PendingRestart {
    pub(crate) fn new(entry: Entry<'static>, set: Option<Provenance>) -> Self {
        Self { path: entry.path, running: entry.old, wanted: entry.new, set }
    }

    /// Returns the field.
    #[must_use]
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Returns the value in force, where there is one.
    #[must_use]
    pub fn running(&self) -> Option<&Value<'static>> {
        self.running.as_ref()
    }

    /// Returns the value that the sources hold, where they hold one.
    #[must_use]
    pub fn wanted(&self) -> Option<&Value<'static>> {
        self.wanted.as_ref()
    }

    /// Returns where the wanted value was set; nothing for a default.
    #[must_use]
    pub fn set(&self) -> Option<&Provenance> {
        self.set.as_ref()
    }
}

/// What is pending, as far as it is listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Pending {
    pub(crate) list: Arc<[PendingRestart]>,
    /// How many more there are.
    pub(crate) omitted: usize,
}

impl Pending {
    /// How many are listed: as many as of all changes.
    pub(crate) const LISTED: usize = Applied::KEPT;

    pub(crate) fn of(status: &Status) -> Self {
        Self { list: Arc::clone(&status.pending_restart), omitted: status.pending_restart_omitted }
    }
}

/// How many characters of a value are printed.
const SHOWN: usize = 120;

/// As in `listen (running 127.0.0.1:8080, wanted 127.0.0.1:9090, app.toml:2:10)`.
impl fmt::Display for PendingRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value<'_>>| match value {
            Some(value) => value.shortened(SHOWN),
            None => "nothing".to_owned(),
        };
        write!(f, "{} (running {}, wanted {}", self.path, shown(&self.running), shown(&self.wanted))?;
        if let Some(set) = &self.set {
            write!(f, ", {set}")?;
        }
        f.write_str(")")
    }
}

/// A place from which changes of what is [pending until a restart](Status::pending_restart) are awaited: to ask an
/// operator for a restart, and to take that back once the edit is reverted.
///
/// It tells the newest list: of lists that follow each other while nobody waits, it tells the last, and nothing if that is
/// the one that it told before. A list is another one also where the same value is set in another place.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct App { #[reload(restart)] listen: String }
/// use reloadable::{Format, MemorySource, Reloader};
///
/// let (source, document) = MemorySource::new("app", Format::Toml, "listen = 'a'");
/// let config = Reloader::<App>::builder().source(source).start().await?;
/// let mut pending = config.subscribe_pending_restart();
///
/// document.replace("listen = 'b'");
/// assert_eq!(pending.changed().await?[0].to_string(), "listen (running \"a\", wanted \"b\", app:1:10)");
/// document.replace("listen = 'a'");
/// assert!(pending.changed().await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PendingSubscription {
    status: watch::Receiver<Status>,
    seen: Arc<[PendingRestart]>,
}

impl PendingSubscription {
    pub(crate) fn new(mut status: watch::Receiver<Status>) -> Self {
        let seen = Arc::clone(&status.borrow_and_update().pending_restart);
        Self { status, seen }
    }

    /// Returns the list as this subscription saw it last: at first, as it was when it was made.
    #[must_use]
    pub fn seen(&self) -> &[PendingRestart] {
        &self.seen
    }

    /// Waits until the list differs from the one seen last, and returns it: empty once nothing is pending any more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the reloader has ended and its last list has been told.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn changed(&mut self) -> Result<Arc<[PendingRestart]>, Error> {
        loop {
            self.status.changed().await.map_err(|_| Error::closed())?;
            let pending = Arc::clone(&self.status.borrow_and_update().pending_restart);
            if self.seen != pending {
                self.seen = Arc::clone(&pending);
                return Ok(pending);
            }
        }
    }

    /// Waits as [`changed`](Self::changed) does, and blocks the thread while it waits. It must not be called from
    /// asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn blocking_changed(&mut self) -> Result<Arc<[PendingRestart]>, Error> {
        block_on(self.changed())
    }
}

impl fmt::Debug for PendingSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSubscription").field("seen", &self.seen).finish_non_exhaustive()
    }
}
