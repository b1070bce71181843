//! How an attempt ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::diff::Entry;
use crate::error::{Error, ErrorKind};
use crate::path::FieldPath;
use crate::report::{Report, Violation, one_line};

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
///         ReloadOutcome::Vetoed(veto) => eprintln!("the gate {} refused: {}", veto.gate(), veto.reason()),
///         ReloadOutcome::Rejected(error) | ReloadOutcome::Failed(error) => eprintln!("{error:#}"),
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
    /// What the sources hold is valid, but a gate refused it. The last good value stays.
    Vetoed(Veto),
    /// Nothing was tried, since reloads are [suspended](crate::Suspension). It is only told to whoever asked. An override
    /// that was to be cleared will not be there any more when they are resumed.
    Suspended(Error),
}

impl ReloadOutcome {
    /// Returns why nothing was published, unless nothing had to be.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Rejected(error) | Self::Failed(error) | Self::Suspended(error) => Some(error),
            Self::Vetoed(veto) => Some(veto.error()),
            Self::Applied(_) | Self::Unchanged => None,
        }
    }

    /// Tells whether what the sources hold is in force now.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.error().is_none()
    }

    /// Returns the outcome in a word, for logs and metrics: `applied`, `unchanged`, `rejected`, `failed`, `vetoed` or
    /// `suspended`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Unchanged => "unchanged",
            Self::Rejected(_) => "rejected",
            Self::Failed(_) => "failed",
            Self::Vetoed(_) => "vetoed",
            Self::Suspended(_) => "suspended",
        }
    }
}

/// One line: `generation 8 (0.3 ms): database.pool_size: 20 -> 30`, or why nothing was published.
impl fmt::Display for ReloadOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.error()) {
            (Self::Applied(applied), _) => write!(f, "{applied}"),
            (_, Some(error)) => error.fmt(f),
            (_, None) => f.write_str(self.name()),
        }
    }
}

/// A gate's refusal.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Format, MemorySource, Refusal, ReloadOutcome, Reloader};
///
/// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 4");
/// let config = Reloader::<Limits>::builder()
///     .source(source)
///     .gate("pool", |candidate| async move {
///         match candidate.value()["workers"] {
///             0..=100 => Ok(()),
///             _ => Err(Refusal::new("there is no room for so many")),
///         }
///     })
///     .start()
///     .await?;
/// document.replace("workers = 200");
/// let ReloadOutcome::Vetoed(veto) = config.reload().await else { return Err("not vetoed".into()) };
/// assert_eq!((veto.gate(), veto.reason()), ("pool", "there is no room for so many"));
/// assert_eq!(config.load()["workers"], 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Veto {
    gate: Arc<str>,
    reason: Arc<str>,
    cause: VetoCause,
    error: Error,
}

/// In which way a gate refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VetoCause {
    /// It said so.
    Refused,
    /// It did not answer in time.
    TimedOut,
    /// It panicked.
    Panicked,
}

impl Veto {
    pub(crate) fn new(gate: Arc<str>, cause: VetoCause, reason: &str) -> Self {
        let reason = one_line(reason);
        let message = format!("the gate `{gate}` refused: {reason}");
        let violation = Violation::new(FieldPath::root(), "gate", message);
        Self { gate, reason: reason.into(), cause, error: Error::new(ErrorKind::Vetoed, violation.into()) }
    }

    /// Returns the name of the gate.
    #[must_use]
    pub fn gate(&self) -> &str {
        &self.gate
    }

    /// Returns why it refused.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns in which way it refused.
    #[must_use]
    pub fn cause(&self) -> VetoCause {
        self.cause
    }

    /// Returns gate and reason as an error.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// As its error: `configuration vetoed: the gate `listener` refused: address in use`.
impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// What an attempt published.
#[derive(Debug, Clone)]
pub struct Applied {
    pub(crate) generation: u64,
    pub(crate) took: Duration,
    pub(crate) changes: Arc<[Entry<'static>]>,
    pub(crate) omitted: usize,
    pub(crate) commits: Report,
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

    /// Returns which gates panicked in their commit, which comes after the publication and can stop nothing. A report of
    /// nothing but warnings. It stays in [`Status::failed_commits`](crate::Status::failed_commits).
    #[must_use]
    pub fn failed_commits(&self) -> &Report {
        &self.commits
    }

    /// Returns how many changes there were besides those that were kept.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {} ({:.1} ms)", self.generation, self.took.as_secs_f64() * 1e3)?;
        self.listed(f)?;
        self.failed(f, "; ")
    }
}

impl Applied {
    /// Lists the changes behind a colon.
    pub(super) fn listed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return Ok(());
        }
        f.write_str(": ")?;
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

    /// Lists the commits that failed behind `before`, if there are any.
    pub(super) fn failed(&self, f: &mut fmt::Formatter<'_>, before: &str) -> fmt::Result {
        for (nth, failed) in self.commits.violations().iter().enumerate() {
            write!(f, "{}{}", if nth == 0 { before } else { "; " }, failed.message())?;
        }
        Ok(())
    }
}
