//! What a run on a key comes to.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::report::{one_line, with_causes};
use crate::status::{seconds, shared};

/// Says that everything is as it should be for a key, and whether to look again.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::{ReconcileError, Requeue};
///
/// fn checked(is_up: bool) -> Result<Requeue, ReconcileError> {
///     match is_up {
///         // What no event tells of is looked at now and then.
///         true => Ok(Requeue::after(Duration::from_secs(30))),
///         false => Err(ReconcileError::transient("the upstream does not answer")),
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requeue {
    after: Option<Duration>,
}

impl Requeue {
    /// Comes back only when something changes.
    #[must_use]
    pub fn done() -> Self {
        Self::default()
    }

    /// Comes back after this while, or earlier if something changes. It is not spread: keys that were run together come
    /// back together, so where there are many, vary it by the key.
    #[must_use]
    pub fn after(delay: Duration) -> Self {
        Self { after: Some(delay) }
    }

    pub(super) fn delay(self) -> Option<Duration> {
        self.after
    }
}

/// Why a run on a key has failed.
///
/// With `?` every error type becomes a transient one: it is tried again with a growing wait. A permanent one is not tried
/// again before something changes. What is no error type by itself, as `Box<dyn Error + Send + Sync>` or `anyhow::Error`,
/// needs `.map_err(ReconcileError::transient)?`.
///
/// It keeps what the errors say, in one line, and no more than its beginning; so do the log and the dead letters. Whoever
/// makes errors of secrets should leave them out.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::ReconcileError;
///
/// fn port(text: &str) -> Result<u16, ReconcileError> {
///     // It will be no better the next time.
///     text.parse().map_err(ReconcileError::permanent)
/// }
///
/// let Err(error) = port("eighty") else { return };
/// assert!(error.is_permanent());
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// let busy = ReconcileError::transient("too many requests").retry_after(Duration::from_secs(5));
/// assert!(!busy.is_permanent());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ReconcileError {
    message: String,
    is_permanent: bool,
    retry_after: Option<Duration>,
}

impl ReconcileError {
    /// Makes one that is worth another try.
    #[must_use]
    pub fn transient(reason: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(reason.into().as_ref(), false)
    }

    /// Makes one that will be the same however often it is tried.
    #[must_use]
    pub fn permanent(reason: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(reason.into().as_ref(), true)
    }

    /// Says when to try again instead of the backoff, as the other side may have told. It makes no difference to a
    /// permanent one. Such a run counts as an attempt: 20 that each ask for a second make a dead letter in 20 seconds.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        Self { retry_after: Some(delay), ..self }
    }

    /// Tells whether it will be the same however often it is tried.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    fn new(reason: &dyn StdError, is_permanent: bool) -> Self {
        Self { message: one_line(&with_causes(reason)), is_permanent, retry_after: None }
    }
}

impl<E: StdError> From<E> for ReconcileError {
    fn from(error: E) -> Self {
        Self::new(&error, false)
    }
}

impl fmt::Display for ReconcileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for ReconcileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconcileError")
            .field("message", &self.message)
            .field("is_permanent", &self.is_permanent)
            .field("retry_after", &self.retry_after)
            .finish()
    }
}

/// One run that has failed, as a [`DeadLetter`](crate::DeadLetter) remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// When it ended.
    #[serde(serialize_with = "seconds")]
    pub at: SystemTime,
    /// The how manieth try it was.
    pub attempt: u32,
    /// In which way it failed.
    pub kind: FailureKind,
    /// What was said of it, in one line.
    #[serde(serialize_with = "shared")]
    pub message: Arc<str>,
}

/// In which way a run failed. Serialized it is its [name](Self::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// With an error that is worth another try.
    Transient,
    /// With an error that is not.
    Permanent,
    /// It took too long and was ended.
    TimedOut,
    /// It panicked.
    Panicked,
}

impl FailureKind {
    /// Returns the kind in a word, as the log has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
        }
    }
}

/// What has come of a run that did not succeed.
pub(super) struct Fault {
    pub(super) kind: FailureKind,
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
}

impl Fault {
    pub(super) fn timed_out(limit: Duration) -> Self {
        let message = format!("it took longer than {limit:?}");
        Self { kind: FailureKind::TimedOut, message, retry_after: None }
    }

    pub(super) fn panicked(message: String) -> Self {
        Self { kind: FailureKind::Panicked, message, retry_after: None }
    }

    pub(super) fn failure(&self, attempt: u32) -> Failure {
        let message = self.message.as_str().into();
        Failure { at: SystemTime::now(), attempt, kind: self.kind, message }
    }
}

impl From<ReconcileError> for Fault {
    fn from(error: ReconcileError) -> Self {
        let ReconcileError { message, is_permanent, retry_after } = error;
        let kind = if is_permanent { FailureKind::Permanent } else { FailureKind::Transient };
        Self { kind, message, retry_after }
    }
}
