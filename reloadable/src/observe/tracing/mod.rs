//! One span for each attempt, and events of what came of it, without values.

mod informer;

use std::fmt::{self, Write as _};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::instrument::{Instrument as _, Instrumented};
use tracing::{Level, Span, debug, field, info, span, warn};

use super::Witness;
use crate::document::Origin;
use crate::error::Error;
use crate::path::FieldPath;
use crate::report::{Report, Violation};
use crate::status::{Applied, Attempt, Reason, ReloadOutcome, SourceState, Status, Suspension};

pub(crate) use self::informer::InformerLog;

/// By which a filter knows what is told here, whatever the modules are called.
const TARGET: &str = "reloadable";

/// How many reasons of one refusal are told each for itself; the status has all of them.
const PROBLEMS: usize = 20;

/// How long a list of paths gets, in bytes.
const LISTED: usize = 4096;

/// The span in which something runs; none if there is none.
#[derive(Clone, Default)]
pub(crate) struct Scope(Option<Span>);

impl Scope {
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    pub(crate) fn run<F: Future>(self, future: F) -> Instrumented<F> {
        future.instrument(self.0.unwrap_or_else(Span::none))
    }
}

/// Takes the span along to another task.
pub(crate) fn carried_future<F: Future>(future: F) -> Instrumented<F> {
    future.in_current_span()
}

/// Takes the span along to another thread.
pub(crate) fn carried<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let span = Span::current();
    move || span.in_scope(run)
}

/// What was told before, so that only news is told.
pub(super) struct Traces {
    name: Option<Arc<str>>,
    attempt: Option<Running>,
    sources: Vec<SourceState>,
    suspended: Option<String>,
    /// The last attempt was refused.
    is_refused: bool,
    #[cfg(feature = "fs")]
    runs_on_last_good: bool,
    #[cfg(feature = "fs")]
    fails_to_keep: bool,
    /// Of the last good set.
    #[cfg(feature = "fs")]
    left_out: Vec<String>,
    pending: Vec<FieldPath>,
    /// What was suspicious at the last look.
    warnings: Report,
}

/// The attempt that is under way.
struct Running {
    number: u64,
    reason: Reason,
    span: Option<Span>,
}

impl Running {
    /// A look that finds nothing is no attempt, and whoever looks now and then would fill the log with them.
    fn may_be_none(reason: &Reason) -> bool {
        matches!(reason, Reason::Resync | Reason::Retry)
    }
}

impl Traces {
    pub(super) fn new(name: Option<Arc<str>>) -> Self {
        Self {
            name,
            attempt: None,
            sources: Vec::new(),
            suspended: None,
            is_refused: false,
            #[cfg(feature = "fs")]
            runs_on_last_good: false,
            #[cfg(feature = "fs")]
            fails_to_keep: false,
            #[cfg(feature = "fs")]
            left_out: Vec::new(),
            pending: Vec::new(),
            warnings: Report::new(),
        }
    }

    fn span(&self, number: u64, reason: &Reason) -> Span {
        let trigger = trigger(reason);
        span!(
            target: TARGET,
            Level::INFO,
            "reload",
            reloader = self.name.as_deref(),
            reason = reason.name(),
            trigger,
            attempt = number,
            outcome = field::Empty,
            generation = field::Empty,
            changed = field::Empty,
            took = field::Empty,
        )
    }

    /// Tells how the sources are doing, what is pending or suspicious, and whether reloads are suspended, where that is news.
    fn news(&mut self, status: &Status) {
        for (nth, source) in status.sources.iter().enumerate() {
            let before = self.sources.get(nth).copied().unwrap_or(SourceState::Initializing);
            if source.state == before {
                continue;
            }
            let (reloader, origin) = (self.name.as_deref(), field::display(&source.origin));
            match source.state {
                SourceState::Interrupted => {
                    let cause = source.last_error.as_deref();
                    warn!(target: TARGET, reloader, source = origin, cause, "source interrupted");
                }
                SourceState::Polling => {
                    let cause = source.reason.as_deref();
                    warn!(target: TARGET, reloader, source = origin, cause, "source is polled");
                }
                SourceState::Watching if before != SourceState::Initializing => {
                    info!(target: TARGET, reloader, source = origin, "source is watched again");
                }
                _ => {}
            }
        }
        self.sources = status.sources.iter().map(|source| source.state).collect();
        let reloader = self.name.as_deref();
        let suspended = status.suspension.as_ref().map(|suspension| suspension.cause.to_string());
        if suspended != self.suspended {
            match suspended.as_deref() {
                Some(cause) => warn!(target: TARGET, reloader, cause, "reloads are suspended"),
                None => info!(target: TARGET, reloader, "reloads are resumed"),
            }
            self.suspended = suspended;
        }
        #[cfg(feature = "fs")]
        if let Some(last_good) = &status.last_good {
            let origin = field::display(&last_good.origin);
            match (self.runs_on_last_good, last_good.is_in_force) {
                (false, true) => {
                    warn!(target: TARGET, reloader, set = origin, "running on the last good set, not on what the sources hold");
                }
                (true, false) => {
                    info!(target: TARGET, reloader, set = origin, "running on what the sources hold again")
                }
                _ => {}
            }
            self.runs_on_last_good = last_good.is_in_force;
            let fails = last_good.last_error.is_some();
            if fails && !self.fails_to_keep {
                let cause = last_good.last_error.as_ref().map(field::display);
                warn!(target: TARGET, reloader, set = origin, cause, "the last good set could not be kept");
            }
            self.fails_to_keep = fails;
            if last_good.left_out != self.left_out {
                let layers = last_good.left_out.join(", ");
                match (layers.is_empty(), last_good.is_empty) {
                    (true, _) => {
                        info!(target: TARGET, reloader, set = origin, "no layer is left out of the last good set any more")
                    }
                    (false, false) => {
                        warn!(target: TARGET, reloader, set = origin, layers, "layers with secrets are left out of the last good set, and a start reads them as they are then");
                    }
                    (false, true) => {
                        warn!(target: TARGET, reloader, set = origin, layers, "the last good set is empty, since all layers hold secrets: no start can use it; see `LastGood::secrets`");
                    }
                }
                self.left_out.clone_from(&last_good.left_out);
            }
        }
        let pending = status.pending_restart.iter().map(|field| field.path());
        if !pending.clone().eq(&self.pending) {
            let (fields, paths) =
                (status.pending_restart.len() + status.pending_restart_omitted, listed(pending.clone()));
            match fields {
                0 => info!(target: TARGET, reloader, "nothing waits for a restart any more"),
                _ => warn!(target: TARGET, reloader, fields, paths, "fields wait for a restart"),
            }
            self.pending = pending.cloned().collect();
        }
        if status.warnings != self.warnings {
            let before: Vec<_> = self.warnings.warnings().map(Place::of).collect();
            let new = status.warnings.warnings().map(Place::of).filter(|place| !before.contains(place));
            for Place { path, code, origin, line, column } in new.take(PROBLEMS) {
                let (path, origin) = (field::display(path), origin.map(field::display));
                warn!(target: TARGET, reloader, path, code, origin, line, column, "warning");
            }
            self.warnings = status.warnings.clone();
        }
    }

    /// Enters how an attempt ended into its span.
    fn record(&mut self, attempt: &Attempt) -> Option<Span> {
        self.found();
        let span = self.attempt.as_ref()?.span.clone()?;
        span.record("outcome", attempt.outcome().name());
        span.record("generation", attempt.generation());
        if let ReloadOutcome::Applied(applied) = attempt.outcome() {
            span.record("changed", changed(applied));
        }
        span.record("took", attempt.stages().total().as_secs_f64());
        Some(span)
    }

    fn tell(&self, attempt: &Attempt) {
        let (reloader, number, generation) = (self.name.as_deref(), attempt.number(), attempt.generation());
        match attempt.outcome() {
            ReloadOutcome::Applied(applied) => {
                let (changed, paths) =
                    (changed(applied), listed(applied.changes().iter().map(|entry| &entry.path)));
                info!(target: TARGET, reloader, attempt = number, generation, changed, paths, "configuration applied");
                // What the panic says is withheld where there are secrets.
                for failed in applied.failed_commits().violations() {
                    let cause = failed.message();
                    warn!(target: TARGET, reloader, attempt = number, generation, cause, "a gate panicked in its commit");
                }
            }
            ReloadOutcome::Vetoed(veto) => {
                // Its secrets are taken out.
                let (gate, cause) = (veto.gate(), veto.reason());
                warn!(target: TARGET, reloader, attempt = number, generation, gate, cause, "configuration vetoed");
            }
            ReloadOutcome::Rejected(error)
            | ReloadOutcome::Failed(error)
            | ReloadOutcome::Suspended(error) => {
                let (outcome, problems) = (attempt.outcome().name(), problems(error));
                warn!(target: TARGET, reloader, attempt = number, generation, outcome, problems, "configuration refused");
                self.tell_problems(error);
            }
            // A log that ends with a refusal would say that it still stands.
            ReloadOutcome::Unchanged if self.is_refused && attempt.is_of_sources() => {
                info!(target: TARGET, reloader, attempt = number, generation, "what the sources hold is in force again");
            }
            ReloadOutcome::Unchanged => {
                debug!(target: TARGET, reloader, attempt = number, generation, "configuration unchanged");
            }
        }
    }

    /// Messages are left out: they quote what is wrong.
    fn tell_problems(&self, error: &Error) {
        let reloader = self.name.as_deref();
        for Place { path, code, origin, line, column } in
            error.report().errors().map(Place::of).take(PROBLEMS)
        {
            let (path, origin) = (field::display(path), origin.map(field::display));
            warn!(target: TARGET, reloader, path, code, origin, line, column, "problem");
        }
    }
}

/// What is told of a violation.
#[derive(PartialEq)]
struct Place<'a> {
    path: &'a FieldPath,
    code: &'a str,
    origin: Option<&'a Origin>,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'a> Place<'a> {
    fn of(violation: &'a Violation) -> Self {
        let position = violation.position();
        Self {
            path: violation.path(),
            code: violation.code(),
            origin: violation.origin(),
            line: position.map(|at| at.line),
            column: position.map(|at| at.column),
        }
    }
}

impl Witness for Traces {
    fn begun(&mut self, number: u64, reason: &Reason) {
        let span = (!Running::may_be_none(reason)).then(|| self.span(number, reason));
        self.attempt = Some(Running { number, reason: reason.clone(), span });
    }

    fn scope(&self) -> Scope {
        Scope(self.attempt.as_ref().and_then(|attempt| attempt.span.clone()))
    }

    fn found(&mut self) -> Scope {
        let Some(Running { number, reason, span: None }) = &self.attempt else { return Scope(None) };
        let span = self.span(*number, reason);
        if let Some(attempt) = &mut self.attempt {
            attempt.span = Some(span.clone());
        }
        Scope(Some(span))
    }

    fn told(&mut self, attempt: &Attempt, status: &Status) {
        let Some(span) = self.record(attempt) else { return };
        // What has become an attempt only while it ran does not run in its span.
        let _entered = (Span::current() != span).then(|| span.enter());
        self.tell(attempt);
        let is_refused = !attempt.outcome().is_in_force();
        self.is_refused = is_refused || (self.is_refused && !attempt.is_of_sources());
        self.news(status);
    }

    fn ended(&mut self) {
        self.attempt = None;
    }

    fn not_started(&mut self, attempt: &Attempt) {
        let Some(span) = self.record(attempt) else { return };
        let Some(error) = attempt.outcome().error() else { return };
        let _entered = span.enter();
        let reloader = self.name.as_deref();
        let kind = field::debug(error.kind());
        let (gate, cause) = match attempt.outcome() {
            ReloadOutcome::Vetoed(veto) => (Some(veto.gate()), Some(veto.reason())),
            _ => (None, None),
        };
        warn!(target: TARGET, reloader, kind, problems = problems(error), gate, cause, "no valid configuration to start with");
        if gate.is_none() {
            self.tell_problems(error);
        }
    }

    fn restated(&mut self, status: &Status) {
        self.news(status);
    }

    fn turned_away(&mut self, reason: &Reason, suspension: &Suspension) {
        let (reloader, trigger) = (self.name.as_deref(), trigger(reason));
        let (reason, cause) = (reason.name(), field::display(&suspension.cause));
        warn!(target: TARGET, reloader, reason, trigger, cause, "not reloaded, since reloads are suspended");
    }

    fn closed(&mut self) {
        debug!(target: TARGET, reloader = self.name.as_deref(), "the reloader has ended");
    }
}

/// The name of the trigger, if one asked.
fn trigger(reason: &Reason) -> Option<String> {
    matches!(reason, Reason::Trigger(_)).then(|| reason.to_string())
}

fn changed(applied: &Applied) -> u64 {
    count(applied.changes().len() + applied.omitted())
}

fn problems(error: &Error) -> u64 {
    count(error.report().errors().count() + error.report().omitted())
}

fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}

/// The paths, with commas, as many as fit.
fn listed<'p>(paths: impl Iterator<Item = &'p FieldPath>) -> String {
    let mut list = String::new();
    for path in paths {
        let before = list.len();
        let comma = if before == 0 { "" } else { ", " };
        // Writing to a text does not fail.
        let _ = write!(list, "{comma}{path}");
        if list.len() > LISTED {
            list.truncate(before);
            list.push_str(", ..");
            break;
        }
    }
    list
}

/// What a controller tells: a span for each run, and what failed. Of errors there is what the application said, in one
/// line.
pub(crate) struct ReconcileLog {
    name: Option<Arc<str>>,
}

impl ReconcileLog {
    pub(crate) fn new(name: Option<Arc<str>>) -> Self {
        Self { name }
    }

    pub(crate) fn scope(&self, key: &dyn fmt::Debug, attempt: u32) -> Scope {
        Scope(Some(span!(
            target: TARGET,
            Level::INFO,
            "reconcile",
            controller = self.name.as_deref(),
            ?key,
            attempt,
        )))
    }

    pub(crate) fn failed(&self, key: &dyn fmt::Debug, attempt: u32, kind: &str, error: &str) {
        let controller = self.name.as_deref();
        tell(|| warn!(target: TARGET, controller, ?key, attempt, kind, error, "a run has failed"));
    }

    pub(crate) fn given_up(&self, key: &dyn fmt::Debug, attempts: u32, error: &str) {
        let controller = self.name.as_deref();
        tell(|| {
            warn!(target: TARGET, controller, ?key, attempts, error, "given up until something new is told of it");
        });
    }

    pub(crate) fn waits(&self, origin: &Origin, error: Option<&str>) {
        let controller = self.name.as_deref();
        tell(
            || warn!(target: TARGET, controller, source = %origin, error, "a controller waits for its first list"),
        );
    }

    pub(crate) fn never_starts(&self, origin: &Origin) {
        let controller = self.name.as_deref();
        tell(|| {
            warn!(target: TARGET, controller, source = %origin, "a controller never starts: its informer has ended without a list");
        });
    }
}

/// What logs is the application's, and its panic must not end a worker.
fn tell(tell: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(tell));
}
