//! Counters and gauges, by the names that others use for the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{
    Label, SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use super::Witness;
use crate::status::{Attempt, Reason, SourceState, Status, Suspension};

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
