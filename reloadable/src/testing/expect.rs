//! What a test expects of a reloader, and what it says where that does not come.

use std::fmt::Write as _;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use crate::diff::{Changes as _, Diff, Walker};
use crate::load::Reloadable;
use crate::reloader::Reloader;
use crate::report::{Report, Violation};
use crate::status::{Applied, Attempt, Outcomes, ReloadOutcome, Veto};
use crate::subscribe::{Change, Subscription};

use super::deadline::{DEADLINE, polled, within};

/// Far above all pauses that a program is likely to make, and over at once on a clock that is paused.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Waits for the next change that a subscription tells.
///
/// A change that does not come within 10 seconds never comes. Where tokio's clock is paused, nothing is waited for:
/// as soon as nothing more happens by itself for an hour of that clock, the test fails.
///
/// # Panics
///
/// If there is none in that time, or the reloader has ended: with the status and the report of the last refusal.
///
/// # Cancel safety
///
/// Cancel safe: dropped before it is ready, it has consumed nothing.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::testing::next_change;
/// use reloadable::{Format, MemorySource, Reloader};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 4");
/// let config = Reloader::<Limits>::builder().source(source).start().await?;
/// let mut changes = config.subscribe();
///
/// document.replace("workers = 8");
/// let change = next_change(&config, &mut changes).await;
/// assert_eq!(change.changes().to_string(), "workers: 4 -> 8");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn next_change<'s, T: Reloadable, S: Diff + ?Sized>(
    config: &'s Reloader<T>,
    changes: &'s mut Subscription<T, S>,
) -> impl Future<Output = Change<T, S>> + use<'s, T, S> {
    let at = Location::caller();
    async move {
        let seen = changes.seen_snapshot().generation();
        match within(DEADLINE, HOUR, changes.changed()).await {
            Some(Ok(change)) => change,
            Some(Err(error)) => panic!("{at}: no change came: {error}\n{}", state(config)),
            None => panic!("{at}: no change came after that to generation {seen}\n{}", state(config)),
        }
    }
}

/// Sees to it that a subscription has nothing to tell now.
///
/// What is still on its way is not waited for, so look first: `config.reload().await`.
///
/// # Panics
///
/// If there is a change: with what changed.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::testing::assert_no_change;
/// use reloadable::{Format, MemorySource, Reloader};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 4\nqueue = 10");
/// let config = Reloader::<Limits>::builder().source(source).start().await?;
/// let mut workers = config.subscribe_to(|limits| &limits["workers"]);
///
/// document.replace("workers = 4\nqueue = 20");
/// config.reload().await;
/// assert_no_change(&mut workers).await;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn assert_no_change<'s, T, S: Diff + ?Sized>(
    changes: &'s mut Subscription<T, S>,
) -> impl Future<Output = ()> + use<'s, T, S> {
    let at = Location::caller();
    async move {
        match polled(changes.changed(), 1).await {
            Some(Ok(change)) => {
                let mut text = String::new();
                change.changes().walk(&mut Walker::new(&mut |entry| {
                    let _ = write!(text, "\n{entry}");
                }));
                panic!("{at}: there is a change, to generation {}{text}", change.generation())
            }
            Some(Err(error)) => panic!("{at}: no more changes can come: {error}"),
            None => {}
        }
    }
}

/// Waits for the next attempt to end, of those that began after `outcomes` was made or told its last, and returns it. The
/// deadline is that of [`next_change`].
///
/// # Panics
///
/// If there is none in that time, or the reloader has ended: with the status and the report of the last refusal.
///
/// # Cancel safety
///
/// Cancel safe: dropped before it is ready, it has consumed nothing.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::testing::{assert_rejected, next_outcome};
/// use reloadable::{Format, MemorySource, Reason, Reloader};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 4");
/// let config = Reloader::<Limits>::builder().source(source).start().await?;
/// let mut outcomes = config.outcomes();
///
/// document.replace("workers = 'many'");
/// let attempt = next_outcome(&config, &mut outcomes).await;
/// assert_rejected(attempt.outcome(), "type", "workers");
/// assert_eq!((attempt.reason(), attempt.generation()), (&Reason::Change, 1));
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn next_outcome<'s, T: Reloadable>(
    config: &'s Reloader<T>,
    outcomes: &'s mut Outcomes,
) -> impl Future<Output = Attempt> + use<'s, T> {
    let at = Location::caller();
    async move {
        match within(DEADLINE, HOUR, outcomes.next()).await {
            Some(Ok(attempt)) => attempt,
            Some(Err(error)) => panic!("{at}: no attempt came: {error}\n{}", state(config)),
            None => panic!("{at}: no attempt came\n{}", state(config)),
        }
    }
}

/// Sees to it that an attempt ended in this way, by the word of [`ReloadOutcome::name`]. The other assertions see to more.
///
/// # Panics
///
/// If it did not: with the report.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::testing::assert_outcome;
/// use reloadable::{Format, MemorySource, Reloader};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 4");
/// let config = Reloader::<Limits>::builder().source(source).start().await?;
/// document.replace("workers = 8");
/// assert_outcome(&config.reload().await, "applied");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn assert_outcome(outcome: &ReloadOutcome, name: &str) {
    assert!(outcome.name() == name, "expected to be {name}\nbut it was {}", told(outcome));
}

/// Sees to it that an attempt published a snapshot with just these changes, as the outcome prints them, with `; ` between
/// two.
///
/// # Panics
///
/// If it did not, or other ones.
///
/// # Examples
///
/// See [`ScriptedSource`](super::ScriptedSource).
#[track_caller]
pub fn assert_applied<'o>(outcome: &'o ReloadOutcome, changes: &str) -> &'o Applied {
    let ReloadOutcome::Applied(applied) = outcome else {
        panic!("expected to be applied: {changes}\nbut it was {}", told(outcome));
    };
    let found: Vec<_> = applied.changes().iter().map(ToString::to_string).collect();
    assert!(
        found.join("; ") == changes && applied.omitted() == 0,
        "expected to be applied: {changes}\nbut it was {}",
        told(outcome)
    );
    applied
}

/// Sees to it that an attempt found what is in force.
///
/// # Panics
///
/// If it did not.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::testing::assert_unchanged;
/// use reloadable::{Format, MemorySource, Reloader};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 4");
/// let config = Reloader::<Limits>::builder().source(source).start().await?;
/// document.replace("workers = 4 # as many as there are cores");
/// assert_unchanged(&config.reload().await);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn assert_unchanged(outcome: &ReloadOutcome) {
    assert!(
        matches!(outcome, ReloadOutcome::Unchanged),
        "expected to be unchanged\nbut it was {}",
        told(outcome)
    );
}

/// Sees to it that an attempt was refused for what the sources hold, with a violation of this code at this path, among
/// others perhaps. Returns the whole report. A path of no characters is that of the whole document.
///
/// # Panics
///
/// If it was not, or the report has no such violation: with the report.
///
/// # Examples
///
/// See [`ScriptedSource`](super::ScriptedSource).
#[track_caller]
pub fn assert_rejected<'o>(outcome: &'o ReloadOutcome, code: &str, path: &str) -> &'o Report {
    let report = match outcome {
        ReloadOutcome::Rejected(error) => Some(error.report()),
        _ => None,
    };
    let is_it = |violation: &Violation| violation.code() == code && violation.path().to_string() == path;
    match report {
        Some(report) if report.errors().any(is_it) => report,
        _ => panic!("expected to be rejected: `{path}` [{code}]\nbut it was {}", told(outcome)),
    }
}

/// Sees to it that an attempt failed because a source could not be read, with a violation of this code. Returns the whole
/// report. [`SourceErrorKind::code`](crate::error::SourceErrorKind::code) has the codes.
///
/// # Panics
///
/// If it did not, or not for that: with the report.
///
/// # Examples
///
/// See [`ScriptedSource`](super::ScriptedSource).
#[track_caller]
pub fn assert_failed<'o>(outcome: &'o ReloadOutcome, code: &str) -> &'o Report {
    let report = match outcome {
        ReloadOutcome::Failed(error) => Some(error.report()),
        _ => None,
    };
    match report {
        Some(report) if report.errors().any(|violation| violation.code() == code) => report,
        _ => panic!("expected to have failed: [{code}]\nbut it was {}", told(outcome)),
    }
}

/// Sees to it that an attempt was refused by the gate of this name, and returns how.
///
/// # Panics
///
/// If it was not, or by another gate: with the report.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::testing::assert_vetoed;
/// use reloadable::{Format, MemorySource, Refusal, Reloader};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 4");
/// let builder = Reloader::<Limits>::builder().source(source);
/// let config = builder
///     .gate("pool", |candidate| async move {
///         match candidate.value()["workers"] {
///             0..=100 => Ok(()),
///             _ => Err(Refusal::new("there is no room for so many")),
///         }
///     })
///     .start()
///     .await?;
/// document.replace("workers = 200");
/// let outcome = config.reload().await;
/// assert_eq!(assert_vetoed(&outcome, "pool").reason(), "there is no room for so many");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn assert_vetoed<'o>(outcome: &'o ReloadOutcome, gate: &str) -> &'o Veto {
    match outcome {
        ReloadOutcome::Vetoed(veto) if veto.gate() == gate => veto,
        _ => panic!("expected to be vetoed by `{gate}`\nbut it was {}", told(outcome)),
    }
}

/// An outcome with all that it says.
fn told(outcome: &ReloadOutcome) -> String {
    let word = outcome.name();
    match outcome {
        ReloadOutcome::Unchanged => word.to_owned(),
        _ => match outcome.error() {
            Some(error) => format!("{word}: {error:#}"),
            None => format!("{word}: {outcome}"),
        },
    }
}

/// What somebody wants to know who reads of a test that failed.
pub(super) fn state<T: Reloadable>(config: &Reloader<T>) -> String {
    let status = config.status();
    let mut text = format!("generation {} is in force after {} attempts", status.generation, status.attempts);
    let _ = write!(text, "\nlast outcome: {}", told(status.last_outcome()));
    if let Some(suspension) = &status.suspension {
        let _ = write!(text, "\nno change is followed: {suspension}");
    }
    for pending in status.pending_restart() {
        let _ = write!(text, "\nwaits for a restart: {}", pending.path());
    }
    if let Some(last_good) = status.last_good.as_ref().filter(|last_good| last_good.is_in_force) {
        let _ = write!(text, "\nruns on the last good set, {}", last_good.origin);
    }
    for source in &status.sources {
        let _ = write!(text, "\nsource {}: {:?}", source.origin, source.state);
        for (what, said) in
            [("reason", &source.reason), ("warning", &source.warning), ("last error", &source.last_error)]
        {
            if let Some(said) = said {
                let _ = write!(text, ", {what}: {said}");
            }
        }
    }
    text
}
