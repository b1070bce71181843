//! What runs, and how the last attempts went.

mod serialized;
mod outcome;
mod pending;
mod attempt;
mod last_good;
mod source;
mod suspension;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::watch;

use crate::error::Error;
use crate::path::FieldPath;
use crate::progress::{Roster, SubscriberStatus};
use crate::report::Report;
use crate::subscribe::block_on;

pub(crate) use self::attempt::Made;
pub use self::attempt::{Attempt, Outcomes, Reason, Stages};
pub use self::last_good::LastGoodStatus;
pub use self::outcome::{Applied, ReloadOutcome, Veto, VetoCause};
pub(crate) use self::pending::Pending;
pub use self::pending::{PendingRestart, PendingSubscription};
pub(crate) use self::serialized::{seconds, shared, some_seconds};
pub use self::source::{SourceState, SourceStatus};
pub use self::suspension::{Suspension, SuspensionCause};

/// What a reloader has in force, and how its last attempt went: plain data, and no secrets at all.
///
/// [`Serialize`](serde::Serialize) leaves out all values, for a status page: of what changed or is pending it gives the
/// paths, of what was refused the report, times as seconds since 1970.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The number of the snapshot in force.
    pub generation: u64,
    /// What is in force, as a number that is the same wherever the same values are: 16 hexadecimal digits. Secrets and the
    /// contents of named files are left out of it, so that it gives nothing away.
    #[serde(serialize_with = "shared")]
    pub content_hash: Arc<str>,
    /// When it was loaded.
    #[serde(serialize_with = "seconds")]
    pub loaded_at: SystemTime,
    /// How many attempts there were; the first load counts.
    pub attempts: u64,
    /// The last attempt; the first load, where there was none after it.
    pub last_attempt: Attempt,
    /// Why the last attempt was refused, or that the reloader has ended; nothing if what the sources hold is in force.
    /// After a start with the last good set it is why what the sources hold was refused.
    pub last_error: Option<Error>,
    /// The last attempt that was refused, also after what was wrong has been mended.
    pub last_refusal: Option<Attempt>,
    /// How many attempts in a row were refused.
    pub consecutive_failures: u64,
    /// The sources, in the order of the layers. Where a field is marked `#[reload(file)]`, there is one more at the end: the
    /// files that such fields name.
    pub sources: Vec<SourceStatus>,
    /// What is suspicious about what the sources hold, but does not refuse it.
    pub warnings: Report,
    /// Which gates panicked in their commit when what is in force was published: what they had prepared may not be in use.
    pub failed_commits: Report,
    /// The fields that are overridden by the program. While reloads are paused or rolled back, what is in force may have
    /// been made with others: these will be there when they are resumed. A path ends where it leads into a secret by a key of the user's
    /// choice.
    pub overrides: Vec<FieldPath>,
    /// The fields marked `#[reload(restart)]` of which the sources want another value than the one in force; the first 100
    /// of them.
    #[serde(serialize_with = "shared")]
    pub pending_restart: Arc<[PendingRestart]>,
    /// How many more such fields there are.
    pub pending_restart_omitted: usize,
    /// Why nothing is reloaded at present; nothing if changes are followed.
    pub suspension: Option<Suspension>,
    /// Those who subscribe, and how far each had come when this was read: first those that acknowledge, the oldest first.
    /// That somebody has come further is no new status.
    pub subscribers: Vec<SubscriberStatus>,
    /// What is known of the last good set on disk, and whether the program runs on it; nothing if none is
    /// [kept](crate::Builder::keep_last_good).
    pub last_good: Option<LastGoodStatus>,
}

impl Status {
    /// Adds who subscribes, which is not known to who writes the status.
    pub(crate) fn among(mut self, roster: &Roster) -> Self {
        self.subscribers = roster.statuses();
        self
    }

    /// Returns how the last attempt ended.
    #[must_use]
    pub fn last_outcome(&self) -> &ReloadOutcome {
        self.last_attempt.outcome()
    }

    /// Returns the fields that wait for a restart; the first 100 of them.
    #[must_use]
    pub fn pending_restart(&self) -> &[PendingRestart] {
        &self.pending_restart
    }

    /// Returns how many more fields wait for a restart than are listed.
    #[must_use]
    pub fn pending_restart_omitted(&self) -> usize {
        self.pending_restart_omitted
    }

    /// Returns why the last attempt was refused; nothing if it was not.
    #[must_use]
    pub fn last_report(&self) -> Option<&Report> {
        self.last_error.as_ref().map(Error::report)
    }

    /// Tells whether what the sources hold is in force, but for what is pending until a restart, and is followed; and
    /// whether every gate could commit it.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.last_error.is_none() && self.suspension.is_none() && self.failed_commits.is_empty()
    }
}

/// A place from which changes of the [`Status`] are awaited: refusals above all, which no [`Subscription`] tells of.
///
/// It tells the newest status: of attempts that follow each other while nobody waits, it tells the last. A look that
/// finds what was there before, in force or refused, is no attempt unless somebody asked for it. A source that changes
/// its state is a new status with the old error, so [`Status::attempts`] tells a new refusal. How far the subscribers
/// have come is looked up, but nobody is woken for it.
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
#[derive(Clone)]
pub struct StatusSubscription {
    status: watch::Receiver<Status>,
    roster: Roster,
}

impl fmt::Debug for StatusSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever it is written to may make it wait, and nobody else is to wait for that.
        let status = self.status.borrow().clone();
        f.debug_struct("StatusSubscription").field("status", &status).finish_non_exhaustive()
    }
}

impl StatusSubscription {
    pub(crate) fn new(mut status: watch::Receiver<Status>, roster: Roster) -> Self {
        status.mark_unchanged();
        Self { status, roster }
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
        let status = self.status.borrow_and_update().clone();
        Ok(status.among(&self.roster))
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
