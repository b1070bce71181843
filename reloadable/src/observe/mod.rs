//! What a reloader tells of itself to logs, metrics and the service manager: nothing without the features.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
mod unmetered;
#[cfg(all(unix, feature = "systemd"))]
mod systemd;
#[cfg(feature = "tracing")]
mod tracing;
#[cfg(not(feature = "tracing"))]
#[path = "untraced.rs"]
mod tracing;

use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(any(feature = "metrics", feature = "tracing"))]
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::SourceError;
use crate::progress::SubscriberStatus;
use crate::status::{Attempt, Reason, SourceState, Status, Suspension};

#[cfg(feature = "metrics")]
pub(crate) use self::metrics::{InformerMeter, LetterMeter, QueueMeter, ReconcileMeter};
pub(crate) use self::tracing::{InformerLog, ReconcileLog, Scope, carried, carried_future};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::unmetered::{InformerMeter, QueueMeter, ReconcileMeter};

/// What the user has set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(crate) name: Option<Arc<str>>,
    #[cfg(feature = "metrics")]
    pub(crate) prefix: Option<Arc<str>>,
    #[cfg(all(unix, feature = "systemd"))]
    pub(crate) notify: bool,
}

/// Where a work queue stands.
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "there is nobody to be told"))]
pub(crate) struct QueueFigures {
    pub(crate) depth: usize,
    pub(crate) adds_total: u64,
    pub(crate) retries_total: u64,
    pub(crate) unfinished_work: Duration,
    pub(crate) longest_running_processor: Duration,
}

/// How an informer is doing.
#[cfg_attr(
    not(all(feature = "metrics", feature = "tracing")),
    allow(dead_code, reason = "there is nobody to be told of all of it")
)]
pub(crate) struct InformerFigures<'f> {
    pub(crate) generation: u64,
    pub(crate) state: SourceState,
    pub(crate) last_error: Option<&'f SourceError>,
    pub(crate) last_confirmed: Option<SystemTime>,
    pub(crate) objects: usize,
    pub(crate) broken: usize,
    pub(crate) withheld: usize,
    /// Added, modified, removed, told again.
    pub(crate) events: [u64; 4],
    /// Complete, failed.
    pub(crate) lists: [u64; 2],
    pub(crate) interruptions: u64,
    pub(crate) lagged: u64,
    pub(crate) subscribers: Vec<SubscriberStatus>,
}

/// What came of one run of a controller.
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "there is nobody to be told"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reconciled {
    Done,
    /// It is done, and to be done again after a while.
    Requeued,
    Failed,
    /// It will be the same however often it is tried.
    FailedForGood,
    TimedOut,
    Panicked,
}

/// One of those who are told. What it is told has no values in it that it may pass on, but for paths and origins.
trait Witness: Send {
    /// An attempt begins.
    fn begun(&mut self, number: u64, reason: &Reason);

    /// Returns in which scope the attempt that has begun runs.
    fn scope(&self) -> Scope {
        Scope::default()
    }

    /// A look turns out to be an attempt. Returns in which scope it goes on, if that is not the one in which it began.
    fn found(&mut self) -> Scope {
        Scope::default()
    }

    /// The attempt has its outcome, and the status has it.
    fn told(&mut self, attempt: &Attempt, status: &Status);

    /// The attempt is over, or it was none.
    fn ended(&mut self) {}

    /// An attempt to load for the first time was refused. It may be tried again, or another one takes its place.
    fn not_started(&mut self, attempt: &Attempt);

    /// The status is up to date, though there was no attempt.
    fn restated(&mut self, status: &Status);

    /// Somebody asked, but reloads are suspended.
    fn turned_away(&mut self, reason: &Reason, suspension: &Suspension);

    /// The reloader has ended.
    fn closed(&mut self);
}

/// All who are told, of one reloader.
pub(crate) struct Observer {
    witnesses: Vec<Box<dyn Witness>>,
}

impl Observer {
    #[cfg_attr(
        not(any(feature = "metrics", feature = "tracing", all(unix, feature = "systemd"))),
        allow(unused_variables, reason = "there is nobody to be told")
    )]
    pub(crate) fn new(settings: Settings) -> Self {
        let witnesses: Vec<Option<Box<dyn Witness>>> = vec![
            #[cfg(feature = "tracing")]
            Some(Box::new(self::tracing::Traces::new(settings.name.clone()))),
            #[cfg(feature = "metrics")]
            Some(Box::new(self::metrics::Metrics::new(settings.prefix.as_deref(), settings.name))),
            #[cfg(all(unix, feature = "systemd"))]
            match settings.notify {
                true => self::systemd::Manager::of_this_process()
                    .map(|manager| -> Box<dyn Witness> { Box::new(manager) }),
                false => None,
            },
        ];
        Self { witnesses: witnesses.into_iter().flatten().collect() }
    }

    /// Says that an attempt begins, and in which scope it is to run.
    pub(crate) fn begin(&mut self, number: u64, reason: &Reason) -> Scope {
        self.each(|witness| witness.begun(number, reason));
        self.witnesses.iter().fold(Scope::default(), |scope, witness| scope.or(witness.scope()))
    }

    /// Says that there is something to try, and in which scope that is to be done.
    pub(crate) fn found(&mut self) -> Scope {
        let mut scope = Scope::default();
        self.each(|witness| scope = std::mem::take(&mut scope).or(witness.found()));
        scope
    }

    pub(crate) fn told(&mut self, attempt: &Attempt, status: impl FnOnce() -> Status) {
        if !self.witnesses.is_empty() {
            let status = status();
            self.each(|witness| witness.told(attempt, &status));
        }
    }

    pub(crate) fn end(&mut self) {
        self.each(|witness| witness.ended());
    }

    pub(crate) fn not_started(&mut self, attempt: &Attempt) {
        self.each(|witness| witness.not_started(attempt));
    }

    /// The status is asked for only if somebody is told, and no lock is held while that is done.
    pub(crate) fn restated(&mut self, status: impl FnOnce() -> Status) {
        if !self.witnesses.is_empty() {
            let status = status();
            self.each(|witness| witness.restated(&status));
        }
    }

    pub(crate) fn turned_away(&mut self, reason: &Reason, suspension: &Suspension) {
        self.each(|witness| witness.turned_away(reason, suspension));
    }

    /// What logs and counts is the application's, and its panic must not end the reloader.
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Witness)) {
        for witness in &mut self.witnesses {
            let _ = catch_unwind(AssertUnwindSafe(|| tell(witness.as_mut())));
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.each(|witness| witness.closed());
    }
}
