//! One attempt to reload: why, how long, and with which outcome.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use tokio::sync::broadcast;

use super::outcome::ReloadOutcome;
use super::pending::{Pending, PendingRestart};
use super::serialized::{seconds, shared, took};
use crate::diff::ChangeKind;
use crate::document::Origin;
use crate::error::Error;
use crate::path::FieldPath;
use crate::report::Report;
use crate::subscribe::block_on;

/// One attempt to reload, and its outcome. Cheap to clone.
///
/// [`Display`](fmt::Display) is a line for a log, `generation 8 (conf.d/20-pool.toml, 0.3 ms): database.pool_size: 20 ->
/// 30`, or `configuration refused, generation 7 stays in force (conf.d/20-pool.toml): ..` with the reason; commits that
/// failed and what is pending until a restart follow on lines of their own.
///
/// [`Serialize`] gives it without values: of what changed, only the paths.
#[derive(Clone)]
pub struct Attempt(Arc<Inner>);

struct Inner {
    number: u64,
    reason: Reason,
    changed: Vec<Origin>,
    at: SystemTime,
    stages: Stages,
    generation: u64,
    outcome: ReloadOutcome,
    pending: Pending,
    is_of_sources: bool,
}

/// What an attempt was made of, before it has a number.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) reason: Reason,
    pub(crate) changed: Vec<Origin>,
    pub(crate) at: SystemTime,
    pub(crate) stages: Stages,
    /// It was made over what the sources hold now, and not over what was accepted or in force before.
    pub(crate) is_of_sources: bool,
}

impl Attempt {
    pub(crate) fn new(
        number: u64,
        made: Made,
        generation: u64,
        outcome: ReloadOutcome,
        pending: Pending,
    ) -> Self {
        let Made { reason, changed, at, stages, is_of_sources } = made;
        Self(Arc::new(Inner {
            number,
            reason,
            changed,
            at,
            stages,
            generation,
            outcome,
            pending,
            is_of_sources,
        }))
    }

    /// Tells whether it was made over what the sources hold.
    pub(crate) fn is_of_sources(&self) -> bool {
        self.0.is_of_sources
    }

    /// Returns the number of the attempt: 1 for the first load, one more for each after it.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Returns why it was made.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// Returns the documents that are others than those last accepted; the first 100 of them.
    #[must_use]
    pub fn changed(&self) -> &[Origin] {
        &self.0.changed
    }

    /// Returns when it began.
    #[must_use]
    pub fn at(&self) -> SystemTime {
        self.0.at
    }

    /// Returns how long each stage took.
    #[must_use]
    pub fn stages(&self) -> &Stages {
        &self.0.stages
    }

    /// Returns the number of the snapshot that was in force after it; 0 if there was none.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// Returns how it ended.
    #[must_use]
    pub fn outcome(&self) -> &ReloadOutcome {
        &self.0.outcome
    }

    /// Returns what was pending until a restart after it; the first 100 fields.
    #[must_use]
    pub fn pending_restart(&self) -> &[PendingRestart] {
        &self.0.pending.list
    }

    /// Returns how many more fields were pending than are listed.
    #[must_use]
    pub fn pending_restart_omitted(&self) -> usize {
        self.0.pending.omitted
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { reason, changed, stages, generation, outcome, pending, .. } = &*self.0;
        let why = |f: &mut fmt::Formatter<'_>| match (changed.as_slice(), reason) {
            ([first, rest @ ..], Reason::Change | Reason::Resync) => {
                write!(f, "{first}")?;
                if rest.is_empty() { Ok(()) } else { write!(f, " and {} more", rest.len()) }
            }
            _ => write!(f, "{reason}"),
        };
        match outcome {
            ReloadOutcome::Applied(applied) => {
                write!(f, "generation {} (", applied.generation())?;
                why(f)?;
                write!(f, ", {:.1} ms)", stages.total().as_secs_f64() * 1e3)?;
                applied.listed(f)?;
                applied.failed(f, "\ncommit failed: ")?;
            }
            outcome => {
                let text = outcome.to_string();
                let refused = outcome.error().and_then(|_| text.split_once(": "));
                let (what, cause) = refused.map_or((&*text, None), |(what, cause)| (what, Some(cause)));
                f.write_str(what)?;
                match (cause, generation) {
                    (None, _) => {}
                    (Some(_), 0) => f.write_str(", nothing is in force")?,
                    (Some(_), generation) => write!(f, ", generation {generation} stays in force")?,
                }
                f.write_str(" (")?;
                why(f)?;
                f.write_str(")")?;
                if let Some(cause) = cause {
                    write!(f, ": {cause}")?;
                }
            }
        }
        if pending.list.is_empty() {
            return Ok(());
        }
        f.write_str("\npending restart: ")?;
        for (nth, field) in pending.list.iter().enumerate() {
            if nth > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field}")?;
        }
        if pending.omitted > 0 {
            write!(f, "; and {} more", pending.omitted)?;
        }
        Ok(())
    }
}

/// Shows what [`Display`](fmt::Display) does, with the number.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attempt").field(&self.0.number).field(&format_args!("{self}")).finish()
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct At<'t>(&'t SystemTime);
        impl Serialize for At<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                seconds(self.0, serializer)
            }
        }
        #[derive(Serialize)]
        struct Change<'c> {
            path: &'c FieldPath,
            kind: ChangeKind,
        }
        let Inner { number, reason, changed, at, stages, generation, outcome, pending, .. } = &*self.0;
        let (changes, failed_commits): (Vec<_>, _) = match outcome {
            ReloadOutcome::Applied(applied) => {
                let changes = applied.changes().iter();
                let changes = changes.map(|entry| Change { path: &entry.path, kind: entry.kind });
                (changes.collect(), applied.failed_commits())
            }
            _ => (Vec::new(), &Report::new()),
        };
        let (gate, cause) = match outcome {
            ReloadOutcome::Vetoed(veto) => (Some(veto.gate()), Some(veto.cause())),
            _ => (None, None),
        };
        let mut out = serializer.serialize_struct("Attempt", 14)?;
        out.serialize_field("number", number)?;
        out.serialize_field("at", &At(at))?;
        out.serialize_field("reason", reason)?;
        out.serialize_field("changed", changed)?;
        out.serialize_field("outcome", outcome.name())?;
        out.serialize_field("generation", generation)?;
        out.serialize_field("stages", stages)?;
        out.serialize_field("changes", &changes)?;
        out.serialize_field("failed_commits", failed_commits)?;
        out.serialize_field("gate", &gate)?;
        out.serialize_field("cause", &cause)?;
        out.serialize_field("error", &outcome.error())?;
        out.serialize_field("pending_restart", &*pending.list)?;
        out.serialize_field("pending_restart_omitted", &pending.omitted)?;
        out.end()
    }
}

/// Why an attempt was made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It was the first load.
    Initial,
    /// The first load was refused, and the last good set was tried in its place.
    LastGood,
    /// A source told of a change. Which documents that were, [`Attempt::changed`] says.
    Change,
    /// It was time to look, though nothing told of a change.
    Resync,
    /// What could not be had before was tried again.
    Retry,
    /// The program asked, as by [`Reloader::reload`](crate::Reloader::reload).
    Manual,
    /// A signal asked.
    Signal,
    /// A handle that was made for that asked, by this name.
    Trigger(#[serde(serialize_with = "shared")] Arc<str>),
    /// An override was set or cleared.
    Override,
    /// The program went back to the snapshot of this generation.
    Rollback(u64),
    /// Reloads were resumed.
    Resume,
}

impl Reason {
    /// Returns the reason in a word, for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::LastGood => "last_good",
            Self::Change => "change",
            Self::Resync => "resync",
            Self::Retry => "retry",
            Self::Manual => "manual",
            Self::Signal => "signal",
            Self::Trigger(_) => "trigger",
            Self::Override => "override",
            Self::Rollback(_) => "rollback",
            Self::Resume => "resume",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trigger(name) => write!(f, "{}", name.replace(char::is_control, "\u{fffd}")),
            Self::Rollback(generation) => write!(f, "rollback to generation {generation}"),
            _ => f.write_str(self.name()),
        }
    }
}

/// How long the stages of an attempt took; zero for those that it did not come to. Serialized in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stages {
    /// Waiting for the rest of the change, from the first that a source told of it. Not a part of the
    /// [total](Self::total).
    #[serde(serialize_with = "took")]
    pub settle: Duration,
    /// Reading the sources.
    #[serde(serialize_with = "took")]
    pub fetch: Duration,
    /// Merging the layers, decoding, normalizing and validating.
    #[serde(serialize_with = "took")]
    pub load: Duration,
    /// Comparing with what is in force.
    #[serde(serialize_with = "took")]
    pub diff: Duration,
    /// Asking the gates.
    #[serde(serialize_with = "took")]
    pub gates: Duration,
    /// Publishing, and the commits of the gates.
    #[serde(serialize_with = "took")]
    pub publish: Duration,
}

impl Stages {
    /// Returns how long the attempt took, from the first look at the sources.
    #[must_use]
    pub fn total(&self) -> Duration {
        let Self { settle: _, fetch, load, diff, gates, publish } = *self;
        fetch + load + diff + gates + publish
    }

    /// Returns every stage with its name, in order.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Duration); 6] {
        let Self { settle, fetch, load, diff, gates, publish } = *self;
        [
            ("settle", settle),
            ("fetch", fetch),
            ("load", load),
            ("diff", diff),
            ("gates", gates),
            ("publish", publish),
        ]
    }
}

/// Every attempt from here on, one after the other: what was applied and what was refused, in order.
///
/// A look that finds what was there before, in force or refused, is no attempt unless somebody asked for it.
///
/// # Examples
///
/// ```
/// # async fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
/// let mut outcomes = config.outcomes();
/// while let Ok(attempt) = outcomes.next().await {
///     println!("{attempt}");
/// }
/// // The reloader has ended.
/// # }
/// ```
#[derive(Debug)]
pub struct Outcomes {
    attempts: broadcast::Receiver<Attempt>,
    missed: u64,
}

impl Outcomes {
    /// How many attempts are kept for a reader who is busy.
    pub(crate) const KEPT: usize = 64;

    pub(crate) fn new(attempts: broadcast::Receiver<Attempt>) -> Self {
        Self { attempts, missed: 0 }
    }

    /// Waits for the next attempt to end, and returns it. The last 64 are kept for a reader who is busy; of older ones
    /// only their [number](Self::missed) is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the reloader has ended and its last attempt has been told.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn next(&mut self) -> Result<Attempt, Error> {
        loop {
            match self.attempts.recv().await {
                Ok(attempt) => return Ok(attempt),
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed += missed,
                Err(broadcast::error::RecvError::Closed) => return Err(Error::closed()),
            }
        }
    }

    /// Waits as [`next`](Self::next) does, and blocks the thread while it waits. It must not be called from asynchronous
    /// code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn blocking_next(&mut self) -> Result<Attempt, Error> {
        block_on(self.next())
    }

    /// Returns how many attempts were missed, since too many came while nobody waited.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}
