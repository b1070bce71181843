//! What runs, and how the last attempts went.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::diff::Entry;
use crate::document::Origin;
use crate::error::Error;
use crate::path::FieldPath;
use crate::report::Report;
use crate::subscribe::block_on;

/// How one attempt to reload ended. Every attempt has exactly one outcome.
///
/// # Examples
///
/// ```
/// use reloadable::ReloadOutcome;
///
/// fn log(outcome: &ReloadOutcome) {
///     match outcome {
///         ReloadOutcome::Applied(applied) => {
///             for change in applied.changes() {
///                 println!("generation {}: {change}", applied.generation());
///             }
///         }
///         ReloadOutcome::Rejected(error) | ReloadOutcome::Failed(error) => eprintln!("{}", error.report()),
///         _ => println!("{outcome}"),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReloadOutcome {
    /// A new snapshot was published.
    Applied(Applied),
    /// The sources hold what is in force.
    Unchanged,
    /// The sources were read, but what they hold is not valid. The last good value stays.
    Rejected(Error),
    /// A source could not be read. The last good value stays.
    Failed(Error),
}

impl ReloadOutcome {
    /// Returns why nothing was published, unless nothing had to be.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Rejected(error) | Self::Failed(error) => Some(error),
            Self::Applied(_) | Self::Unchanged => None,
        }
    }

    /// Tells whether what the sources hold is in force now.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.error().is_none()
    }
}

/// One line: `generation 8 (0.3 ms): database.pool_size: 20 -> 30`, or why nothing was published.
impl fmt::Display for ReloadOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied(applied) => write!(f, "{applied}"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::Rejected(error) | Self::Failed(error) => error.fmt(f),
        }
    }
}

/// What an attempt published.
#[derive(Debug, Clone)]
pub struct Applied {
    pub(crate) generation: u64,
    pub(crate) took: Duration,
    pub(crate) changes: Arc<[Entry<'static>]>,
    pub(crate) omitted: usize,
}

impl Applied {
    /// How many changes an outcome keeps; a subscription gets all of them.
    pub(crate) const KEPT: usize = 100;

    /// Returns the number of the snapshot that was published.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns how long the attempt took, from the first look at the sources to the publication.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns what changed against the snapshot before; the first 100 changes, since an outcome is kept.
    #[must_use]
    pub fn changes(&self) -> &[Entry<'static>] {
        &self.changes
    }

    /// Returns how many changes there were besides those that were kept.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {} ({:.1} ms): ", self.generation, self.took.as_secs_f64() * 1e3)?;
        for (nth, change) in self.changes.iter().enumerate() {
            if nth > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{change}")?;
        }
        if self.omitted > 0 {
            write!(f, "; and {} more", self.omitted)?;
        }
        Ok(())
    }
}

/// What a reloader has in force, and how its last attempt went. It holds no values of the configuration but those in
/// the last outcome's changes, and no secrets at all.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The number of the snapshot in force.
    pub generation: u64,
    /// When it was loaded.
    pub loaded_at: SystemTime,
    /// How many attempts there were; the first load counts.
    pub attempts: u64,
    /// How the last attempt ended; nothing yet after the first load.
    pub last_outcome: Option<ReloadOutcome>,
    /// Why the last attempt was refused, or that the reloader has ended; nothing if what the sources hold is in force.
    pub last_error: Option<Error>,
    /// How many attempts in a row were refused.
    pub consecutive_failures: u64,
    /// The sources, in the order of the layers. Where a field is marked `#[reload(file)]`, there is one more at the end: the
    /// files that such fields name.
    pub sources: Vec<SourceStatus>,
    /// What is suspicious about what the sources hold, but does not refuse it.
    pub warnings: Report,
    /// The fields that are overridden by the program. A path ends where it leads into a secret by a key of the user's
    /// choice.
    pub overrides: Vec<FieldPath>,
}

impl Status {
    /// Returns why the last attempt was refused; nothing if it was not.
    #[must_use]
    pub fn last_report(&self) -> Option<&Report> {
        self.last_error.as_ref().map(Error::report)
    }

    /// Tells whether what the sources hold is in force, and is followed.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.last_error.is_none()
    }
}

/// A place from which changes of the [`Status`] are awaited: refusals above all, which no [`Subscription`] tells of.
///
/// It tells the newest status: of attempts that follow each other while nobody waits, it tells the last. A look that
/// finds what was there before, in force or refused, is no attempt unless somebody asked for it. A source that changes
/// its state is a new status with the old error, so [`Status::attempts`] tells a new refusal.
///
/// [`Subscription`]: crate::Subscription
///
/// # Examples
///
/// ```
/// # async fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
/// let mut statuses = config.subscribe_status();
/// let mut logged = 0;
/// while let Ok(status) = statuses.changed().await {
///     let Some(error) = &status.last_error else { continue };
///     if status.attempts > logged {
///         logged = status.attempts;
///         eprintln!("generation {} stays in force: {error:?}", status.generation);
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct StatusSubscription {
    status: watch::Receiver<Status>,
}

impl StatusSubscription {
    pub(crate) fn new(mut status: watch::Receiver<Status>) -> Self {
        status.mark_unchanged();
        Self { status }
    }

    /// Waits until there is another status than the one told last, and returns it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the reloader has ended and its last status has been told.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn changed(&mut self) -> Result<Status, Error> {
        self.status.changed().await.map_err(|_| Error::closed())?;
        Ok(self.status.borrow_and_update().clone())
    }

    /// Waits as [`changed`](Self::changed) does, and blocks the thread while it waits. It must not be called from
    /// asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn blocking_changed(&mut self) -> Result<Status, Error> {
        block_on(self.changed())
    }
}

/// How one source is doing.
///
/// Two are equal if they say the same but for the time of the last look, which wakes no
/// [`subscription`](StatusSubscription) either.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.toml");
/// # std::fs::write(&path, "workers = 4\n")?;
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Reloader, SourceState};
///
/// let config = Reloader::<Limits>::builder().file(&path).start().await?;
/// for source in &config.status().sources {
///     match source.state {
///         SourceState::Watching => println!("{} is watched", source.origin),
///         SourceState::Polling => println!("{} is polled: {:?}", source.origin, source.reason),
///         state => println!("{} is {state:?} since {:?}: {:?}", source.origin, source.since, source.last_error),
///     }
///     if let Some(warning) = &source.warning {
///         println!("{warning}");
///     }
/// }
///
/// // A file that is gone is told, and changes nothing.
/// let mut statuses = config.subscribe_status();
/// std::fs::remove_file(&path)?;
/// let gone = statuses.changed().await?;
/// assert_eq!(gone.sources[0].state, SourceState::Interrupted);
/// assert!(gone.sources[0].last_error.is_some());
/// assert_eq!(config.load()["workers"], 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Eq)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The source.
    pub origin: Origin,
    /// Whether it tells of changes.
    pub state: SourceState,
    /// When it came into this state.
    pub since: SystemTime,
    /// Why it is looked at now and then instead of telling of changes, for people; nothing if it does tell. A source
    /// that is interrupted may have a reason as well.
    pub reason: Option<String>,
    /// Changes that can never be seen here, and what to do about it: for a file that is mounted by itself, as into a
    /// container.
    pub warning: Option<String>,
    /// When it was looked at last. While it is watched and nothing happens, that is as long ago as the last resync.
    pub last_look: Option<SystemTime>,
    /// What went wrong at the last look; nothing if it is well.
    pub last_error: Option<String>,
}

impl PartialEq for SourceStatus {
    fn eq(&self, other: &Self) -> bool {
        let Self { origin, state, since, reason, warning, last_look: _, last_error } = self;
        (origin, state, since, reason, warning, last_error)
            == (&other.origin, &other.state, &other.since, &other.reason, &other.warning, &other.last_error)
    }
}

/// Whether a source tells of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceState {
    /// It has not been read yet.
    Initializing,
    /// It tells when it may have changed.
    Watching,
    /// It cannot tell at present, and is looked at now and then: files every 0.1 to 2 s. It is
    /// [`Watching`](Self::Watching) again as soon as it can tell.
    Polling,
    /// It could not be read at the last look. What was accepted of it before stays in force.
    Interrupted,
    /// The reloader has ended.
    Closed,
}
