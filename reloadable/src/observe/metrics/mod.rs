//! Counters and gauges, by the names that others use for the same.

mod informer;
mod letters;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use metrics::{
    Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit, counter, describe_counter,
    describe_gauge, describe_histogram, gauge, histogram, with_recorder,
};

use super::{QueueFigures, Reconciled, Witness};
use crate::status::{Attempt, Reason, SourceState, Status, Suspension};

pub(crate) use self::informer::InformerMeter;
pub(crate) use self::letters::LetterMeter;

/// The outcomes that are counted, so that each is there from the start: a rate needs something to rise from.
const OUTCOMES: [&str; 6] = ["applied", "unchanged", "rejected", "failed", "vetoed", "suspended"];

/// The ways to follow a source.
const MODES: [(&str, SourceState); 2] =
    [("watching", SourceState::Watching), ("polling", SourceState::Polling)];

/// A recorder may be installed after the reloader was started, so nothing is kept of it, and every gauge is set again
/// whenever there is a look.
pub(super) struct Metrics {
    names: Names,
    /// By which one of several reloaders is known.
    reloader: Option<Label>,
    /// Whether what the sources held at the last look is in force.
    is_successful: bool,
    /// When what the sources hold was last in force.
    success: Option<SystemTime>,
    /// How each source was last seen, by its label.
    sources: BTreeMap<String, SourceState>,
}

struct Names {
    successful: SharedString,
    success_time: SharedString,
    reloads: SharedString,
    duration: SharedString,
    generation: SharedString,
    pending: SharedString,
    failed_commits: SharedString,
    suspended: SharedString,
    last_good: SharedString,
    source_up: SharedString,
    watch_mode: SharedString,
}

impl Names {
    fn new(prefix: Option<&str>) -> Self {
        let name = |name: &str| match prefix {
            Some(prefix) => format!("{prefix}_{name}").into(),
            None => name.to_owned().into(),
        };
        Self {
            successful: name("config_last_reload_successful"),
            success_time: name("config_last_reload_success_timestamp_seconds"),
            reloads: name("config_reloads_total"),
            duration: name("config_reload_duration_seconds"),
            generation: name("config_generation"),
            pending: name("config_pending_restart_fields"),
            failed_commits: name("config_failed_commits"),
            suspended: name("config_suspended"),
            last_good: name("config_last_good_up"),
            source_up: name("config_source_up"),
            watch_mode: name("config_watch_mode"),
        }
    }
}

impl Metrics {
    pub(super) fn new(prefix: Option<&str>, name: Option<Arc<str>>) -> Self {
        Self {
            names: Names::new(prefix),
            reloader: name.map(|name| Label::new("reloader", name)),
            is_successful: false,
            success: None,
            sources: BTreeMap::new(),
        }
    }

    /// The labels of one metric.
    fn labels<const N: usize>(&self, labels: [(&'static str, SharedString); N]) -> Vec<Label> {
        let labels = labels.into_iter().map(|(key, value)| Label::new(key, value));
        self.reloader.iter().cloned().chain(labels).collect()
    }

    fn describe(&self) {
        let Names { successful, success_time, reloads, duration, generation, .. } = &self.names;
        let Names { pending, failed_commits, suspended, last_good, source_up, watch_mode, .. } = &self.names;
        describe_gauge!(
            successful.clone(),
            "Whether what the sources held when they were last looked at is in force."
        );
        describe_gauge!(
            success_time.clone(),
            Unit::Seconds,
            "When an attempt last put into force what the sources hold, or found it in force, since 1970."
        );
        describe_counter!(reloads.clone(), Unit::Count, "Attempts to reload, by outcome.");
        describe_histogram!(duration.clone(), Unit::Seconds, "How long the stages of an attempt took.");
        describe_gauge!(generation.clone(), "The number of the snapshot in force.");
        describe_gauge!(pending.clone(), Unit::Count, "Fields whose new value waits for a restart.");
        describe_gauge!(
            failed_commits.clone(),
            Unit::Count,
            "Gates that panicked when what is in force was taken into use."
        );
        describe_gauge!(
            suspended.clone(),
            "Whether reloads are paused, rolled back, or were refused too often."
        );
        describe_gauge!(last_good.clone(), "Whether the last good set was saved, and a start can use it.");
        describe_gauge!(source_up.clone(), "Whether the source could be read at the last look.");
        describe_gauge!(
            watch_mode.clone(),
            "How the source is followed: 1 for the mode in which it is, 0 for the other."
        );
    }

    fn count(&self, counted: &str) {
        for outcome in OUTCOMES {
            let labels = self.labels([("outcome", SharedString::const_str(outcome))]);
            counter!(self.names.reloads.clone(), labels).increment(u64::from(outcome == counted));
        }
    }

    fn set(&self, name: &SharedString, value: f64) {
        gauge!(name.clone(), self.labels([])).set(value);
    }

    /// Sets whether the last attempt was successful, and when one was.
    fn success(&self) {
        self.set(&self.names.successful, if self.is_successful { 1.0 } else { 0.0 });
        let since = self.success.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        self.set(&self.names.success_time, since.map_or(0.0, |since| since.as_secs_f64()));
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody publishes as often as 2^53 times")]
    fn state(&mut self, status: &Status) {
        self.set(&self.names.generation, status.generation as f64);
        self.set(&self.names.pending, (status.pending_restart.len() + status.pending_restart_omitted) as f64);
        self.set(&self.names.failed_commits, status.failed_commits.violations().len() as f64);
        self.set(&self.names.suspended, if status.suspension.is_some() { 1.0 } else { 0.0 });
        let last_good = status.last_good.as_ref();
        // Before the first save there is nothing to say.
        if let Some(last_good) = last_good.filter(|kept| kept.saved_at.is_some() || kept.last_error.is_some())
        {
            let is_up = last_good.last_error.is_none() && !last_good.is_empty;
            self.set(&self.names.last_good, if is_up { 1.0 } else { 0.0 });
        }
        self.sources.clear();
        for source in &status.sources {
            // Layers of the same place are one source to whoever looks from outside: the worse one counts.
            let seen = self.sources.entry(source.origin.to_string()).or_insert(source.state);
            if badness(source.state) > badness(*seen) {
                *seen = source.state;
            }
        }
        self.follow();
    }

    fn follow(&self) {
        for (source, state) in &self.sources {
            let source = SharedString::from(source.clone());
            let is_up = matches!(state, SourceState::Watching | SourceState::Polling);
            let labels = self.labels([("source", source.clone())]);
            gauge!(self.names.source_up.clone(), labels).set(if is_up { 1.0 } else { 0.0 });
            for (mode, of) in MODES {
                let labels =
                    self.labels([("source", source.clone()), ("mode", SharedString::const_str(mode))]);
                gauge!(self.names.watch_mode.clone(), labels).set(if *state == of { 1.0 } else { 0.0 });
            }
        }
    }
}

fn badness(state: SourceState) -> u8 {
    match state {
        SourceState::Watching => 0,
        SourceState::Polling => 1,
        SourceState::Initializing => 2,
        SourceState::Interrupted => 3,
        SourceState::Closed => 4,
    }
}

impl Witness for Metrics {
    fn begun(&mut self, _: u64, _: &Reason) {}

    fn told(&mut self, attempt: &Attempt, status: &Status) {
        self.describe();
        self.count(attempt.outcome().name());
        for (stage, took) in attempt.stages().named() {
            // A stage that it did not come to is no quick one.
            if took > Duration::ZERO {
                let labels = self.labels([("stage", SharedString::const_str(stage))]);
                histogram!(self.names.duration.clone(), labels).record(took.as_secs_f64());
            }
        }
        // What was good before says nothing of what the sources hold now.
        if attempt.is_of_sources() {
            self.is_successful = attempt.outcome().is_in_force();
            if self.is_successful {
                self.success = Some(SystemTime::now());
            }
        }
        self.success();
        self.state(status);
    }

    fn not_started(&mut self, attempt: &Attempt) {
        self.describe();
        self.count(attempt.outcome().name());
        self.is_successful = false;
        self.success();
        self.set(&self.names.generation, 0.0);
    }

    fn restated(&mut self, status: &Status) {
        self.success();
        self.state(status);
    }

    fn turned_away(&mut self, _: &Reason, _: &Suspension) {
        self.count("suspended");
    }

    fn closed(&mut self) {
        for state in self.sources.values_mut() {
            *state = SourceState::Closed;
        }
        self.follow();
    }
}

/// What a work queue tells, by the names that Kubernetes' clients use, if it has a name of its own.
///
/// A recorder may come later here as well, so it is asked each time; what it is asked with is made once.
pub(crate) struct QueueMeter {
    keys: Option<QueueKeys>,
    start: Instant,
    /// How many milliseconds after the start the figures were last told.
    told: AtomicU64,
}

struct QueueKeys {
    depth: Key,
    adds: Key,
    retries: Key,
    queue_duration: Key,
    work_duration: Key,
    unfinished_work: Key,
    longest_running: Key,
}

/// How often figures are told while much happens, as Kubernetes' clients do.
const TOLD_EVERY: u64 = 500;

const QUEUE_METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

impl QueueMeter {
    pub(crate) fn new(name: Option<&str>) -> Self {
        let key = |metric: &'static str, name: &str| {
            Key::from_parts(metric, vec![Label::new("name", name.to_owned())])
        };
        let keys = name.map(|name| QueueKeys {
            depth: key("workqueue_depth", name),
            adds: key("workqueue_adds_total", name),
            retries: key("workqueue_retries_total", name),
            queue_duration: key("workqueue_queue_duration_seconds", name),
            work_duration: key("workqueue_work_duration_seconds", name),
            unfinished_work: key("workqueue_unfinished_work_seconds", name),
            longest_running: key("workqueue_longest_running_processor_seconds", name),
        });
        Self { keys, start: Instant::now(), told: AtomicU64::new(u64::MAX) }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.keys.is_some()
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        if !self.is_on() {
            return false;
        }
        let now = u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX);
        let told = self.told.load(Ordering::Relaxed);
        // Two that come at once may both tell, which does no harm.
        let is_due = told == u64::MAX || now.saturating_sub(told) >= TOLD_EVERY;
        if is_due {
            self.told.store(now, Ordering::Relaxed);
        }
        is_due
    }

    pub(crate) fn waited(&self, duration: Duration) {
        self.tell(|keys, recorder| {
            recorder.register_histogram(&keys.queue_duration, &QUEUE_METADATA).record(duration.as_secs_f64());
        });
    }

    pub(crate) fn worked(&self, duration: Duration) {
        self.tell(|keys, recorder| {
            recorder.register_histogram(&keys.work_duration, &QUEUE_METADATA).record(duration.as_secs_f64());
        });
    }

    #[allow(clippy::cast_precision_loss, reason = "no queue is as long as 2^53")]
    pub(crate) fn publish(&self, figures: QueueFigures) {
        self.tell(|keys, recorder| {
            describe_queue(recorder);
            let gauge = |key, value| recorder.register_gauge(key, &QUEUE_METADATA).set(value);
            gauge(&keys.depth, figures.depth as f64);
            gauge(&keys.unfinished_work, figures.unfinished_work.as_secs_f64());
            gauge(&keys.longest_running, figures.longest_running_processor.as_secs_f64());
            recorder.register_counter(&keys.adds, &QUEUE_METADATA).absolute(figures.adds_total);
            recorder.register_counter(&keys.retries, &QUEUE_METADATA).absolute(figures.retries_total);
        });
    }

    /// The recorder is the application's, and its panic must not end a worker, nor reach whoever drops an item.
    fn tell(&self, tell: impl FnOnce(&QueueKeys, &dyn Recorder)) {
        if let Some(keys) = &self.keys {
            let _ = catch_unwind(AssertUnwindSafe(|| with_recorder(|recorder| tell(keys, recorder))));
        }
    }
}

fn describe_queue(recorder: &dyn Recorder) {
    let gauge = |name: &'static str, unit, text: &'static str| {
        recorder.describe_gauge(KeyName::from_const_str(name), Some(unit), text.into());
    };
    gauge("workqueue_depth", Unit::Count, "Keys that are ready and wait for a worker.");
    gauge("workqueue_unfinished_work_seconds", Unit::Seconds, "How long all is worked on that is, added up.");
    gauge(
        "workqueue_longest_running_processor_seconds",
        Unit::Seconds,
        "How long the key is worked on that is so for longest.",
    );
    let counter = |name: &'static str, text: &'static str| {
        recorder.describe_counter(KeyName::from_const_str(name), Some(Unit::Count), text.into());
    };
    counter("workqueue_adds_total", "How often a key became ready.");
    counter("workqueue_retries_total", "How often work on a key failed.");
    let histogram = |name: &'static str, text: &'static str| {
        recorder.describe_histogram(KeyName::from_const_str(name), Some(Unit::Seconds), text.into());
    };
    histogram("workqueue_queue_duration_seconds", "How long keys were ready until they were handed out.");
    histogram("workqueue_work_duration_seconds", "How long keys were worked on.");
}

/// What a controller tells, by the names that Kubernetes' controllers use, if it has a name of its own.
pub(crate) struct ReconcileMeter {
    keys: Option<ReconcileKeys>,
    most: usize,
}

struct ReconcileKeys {
    /// By result.
    runs: [Key; 4],
    errors: Key,
    terminal_errors: Key,
    timeouts: Key,
    panics: Key,
    time: Key,
    active: Key,
    most: Key,
}

/// The results that are counted, so that each is there from the start.
const RESULTS: [&str; 4] = ["success", "requeue_after", "requeue", "error"];

impl ReconcileMeter {
    pub(crate) fn new(name: Option<&str>, most: usize) -> Self {
        let keys = name.map(|name| {
            let label = || Label::new("controller", name.to_owned());
            let key = |metric: &'static str| Key::from_parts(metric, vec![label()]);
            let run = |result: &'static str| {
                Key::from_parts(
                    "controller_runtime_reconcile_total",
                    vec![label(), Label::new("result", result)],
                )
            };
            ReconcileKeys {
                runs: RESULTS.map(run),
                errors: key("controller_runtime_reconcile_errors_total"),
                terminal_errors: key("controller_runtime_terminal_reconcile_errors_total"),
                timeouts: key("controller_runtime_reconcile_timeouts_total"),
                panics: key("controller_runtime_reconcile_panics_total"),
                time: key("controller_runtime_reconcile_time_seconds"),
                active: key("controller_runtime_active_workers"),
                most: key("controller_runtime_max_concurrent_reconciles"),
            }
        });
        Self { keys, most }
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody works on as many as 2^53 keys at once")]
    pub(crate) fn active(&self, active: usize) {
        self.tell(|keys, recorder| {
            recorder.register_gauge(&keys.active, &QUEUE_METADATA).set(active as f64);
            recorder.register_gauge(&keys.most, &QUEUE_METADATA).set(self.most as f64);
        });
    }

    pub(crate) fn ended(&self, reconciled: Reconciled, took: Duration) {
        let result = match reconciled {
            Reconciled::Done => "success",
            Reconciled::Requeued => "requeue_after",
            _ => "error",
        };
        let kind = |of| u64::from(reconciled == of);
        self.tell(|keys, recorder| {
            describe_reconciles(recorder);
            let add = |key, by| recorder.register_counter(key, &QUEUE_METADATA).increment(by);
            for (of, key) in RESULTS.iter().zip(&keys.runs) {
                add(key, u64::from(*of == result));
            }
            add(&keys.errors, u64::from(result == "error"));
            add(&keys.terminal_errors, kind(Reconciled::FailedForGood));
            add(&keys.timeouts, kind(Reconciled::TimedOut));
            add(&keys.panics, kind(Reconciled::Panicked));
            recorder.register_histogram(&keys.time, &QUEUE_METADATA).record(took.as_secs_f64());
        });
    }

    /// As for queues, a panic of the recorder ends nothing.
    fn tell(&self, tell: impl FnOnce(&ReconcileKeys, &dyn Recorder)) {
        if let Some(keys) = &self.keys {
            let _ = catch_unwind(AssertUnwindSafe(|| with_recorder(|recorder| tell(keys, recorder))));
        }
    }
}

fn describe_reconciles(recorder: &dyn Recorder) {
    for (name, text) in [
        ("controller_runtime_reconcile_total", "Runs on keys, by result."),
        ("controller_runtime_reconcile_errors_total", "Runs that failed."),
        (
            "controller_runtime_terminal_reconcile_errors_total",
            "Runs that failed and would fail however often they were tried.",
        ),
        ("controller_runtime_reconcile_timeouts_total", "Runs that took too long."),
        ("controller_runtime_reconcile_panics_total", "Runs that panicked."),
    ] {
        recorder.describe_counter(KeyName::from_const_str(name), Some(Unit::Count), text.into());
    }
    for (name, text) in [
        ("controller_runtime_active_workers", "Keys that are worked on."),
        ("controller_runtime_max_concurrent_reconciles", "How many keys may be worked on at once."),
    ] {
        recorder.describe_gauge(KeyName::from_const_str(name), Some(Unit::Count), text.into());
    }
    let time = KeyName::from_const_str("controller_runtime_reconcile_time_seconds");
    recorder.describe_histogram(time, Some(Unit::Seconds), "How long runs took.".into());
}
