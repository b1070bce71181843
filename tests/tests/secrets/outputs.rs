//! Everything that is printed about a configuration. What is new in the library is added here, once.

use std::collections::HashSet;
use std::fmt::{Debug, Display};

use reloadable::{
    Attempt, Change, Changes, Color, Diff, Error, Plan, ReloadOutcome, Reloadable, Reloader, Report,
    Snapshot, Status, Subscription,
};
use serde::Serialize;

use crate::vault::Search;

/// What was printed, each text once, and by what.
#[derive(Default)]
pub struct Outputs {
    seen: HashSet<String>,
    /// Not looked at yet.
    new: Vec<(String, String)>,
}

impl Outputs {
    pub fn text(&mut self, what: &str, text: String) {
        if self.seen.insert(text.clone()) {
            self.new.push((what.to_owned(), text));
        }
    }

    pub fn debug<T: Debug + ?Sized>(&mut self, what: &str, value: &T) {
        self.text(&format!("{what} {{:?}}"), format!("{value:?}"));
        self.text(&format!("{what} {{:#?}}"), format!("{value:#?}"));
    }

    pub fn display<T: Display + ?Sized>(&mut self, what: &str, value: &T) {
        self.text(&format!("{what} {{}}"), format!("{value}"));
        self.text(&format!("{what} {{:#}}"), format!("{value:#}"));
    }

    pub fn json<T: Serialize + ?Sized>(&mut self, what: &str, value: &T) {
        let json = serde_json::to_string(value).unwrap_or_else(|error| error.to_string());
        self.text(&format!("{what} as JSON"), json);
    }

    pub fn report(&mut self, report: &Report) {
        self.debug("report", report);
        self.display("report", report);
        self.json("report", report);
        self.text("report, pretty", report.pretty().color(Color::Always).to_string());
        for violation in report.violations() {
            self.display("violation", violation);
        }
    }

    pub fn error(&mut self, error: &Error) {
        self.debug("error", error);
        self.display("error", error);
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            self.debug("error's source", error);
            self.display("error's source", error);
            source = error.source();
        }
        self.report(error.report());
    }

    pub fn outcome(&mut self, outcome: &ReloadOutcome) {
        self.debug("outcome", outcome);
        self.display("outcome", outcome);
        if let Some(error) = outcome.error() {
            self.error(error);
        }
        if let ReloadOutcome::Applied(applied) = outcome {
            for entry in applied.changes() {
                self.debug("entry", entry);
                self.display("entry", entry);
                self.json("entry", entry);
            }
        }
    }

    pub fn attempt(&mut self, attempt: &Attempt) {
        self.debug("attempt", attempt);
        self.display("attempt", attempt);
        self.json("attempt", attempt);
        for pending in attempt.pending_restart() {
            self.debug("pending", pending);
            self.display("pending", pending);
            self.json("pending", pending);
        }
        if let ReloadOutcome::Vetoed(veto) = attempt.outcome() {
            self.debug("veto", veto);
            self.display("veto", veto);
            self.display("reason", veto.reason());
        }
        if let ReloadOutcome::Applied(applied) = attempt.outcome() {
            self.report(applied.failed_commits());
        }
    }

    pub fn status(&mut self, status: &Status) {
        self.debug("status", status);
        self.json("status", status);
        for attempt in [Some(&status.last_attempt), status.last_refusal.as_ref()].into_iter().flatten() {
            self.attempt(attempt);
        }
        if let Some(report) = status.last_report() {
            self.report(report);
        }
    }

    pub fn snapshot<T: Reloadable>(&mut self, snapshot: &Snapshot<T>) {
        self.debug("snapshot", snapshot);
        let value = snapshot.value().value();
        self.debug("value", &value);
        self.display("value", &value);
        self.json("value", &value);
        self.report(&snapshot.warnings());
        let all = snapshot.explain_all();
        self.debug("explain_all", &all);
        self.display("explain_all", &all);
        self.json("explain_all", &all);
        // Beneath each field, too, and beneath what is none.
        for path in all.iter().map(|explanation| explanation.path().to_string()) {
            for path in
                [path.clone(), format!("{path}[0]"), format!("{path}[1].token"), format!("{path}.below")]
            {
                self.debug("origin_of", &snapshot.origin_of(&path));
                if let Some(explanation) = snapshot.explain(&path) {
                    self.debug("explain", &explanation);
                    self.display("explain", &explanation);
                    self.json("explain", &explanation);
                }
            }
        }
    }

    pub fn changes<C: Changes + Display + Debug + Serialize>(&mut self, changes: &C) {
        self.debug("changes", changes);
        self.display("changes", changes);
        self.json("changes", changes);
        self.debug("entries", &changes.entries());
    }

    /// What a subscription to a section gets, where its changes print as those of every derived type do.
    pub fn change<'c, T, S>(&mut self, change: &'c Change<T, S>)
    where
        T: Reloadable,
        S: Diff + ?Sized,
        S::Changes<'c>: Changes + Display + Debug + Serialize,
    {
        self.debug("change", change);
        self.changes(&change.changes());
    }

    /// What would be published, and how it would be told.
    pub fn plan<T: Reloadable>(&mut self, plan: &Plan<T>) {
        self.debug("plan", plan);
        self.display("plan", plan);
        self.report(&plan.warnings());
    }

    /// What a running reloader prints about itself.
    pub fn reloader<T: Reloadable>(&mut self, config: &Reloader<T>) {
        self.debug("reloader", config);
        self.status(&config.status());
        self.snapshot(&config.snapshot());
        self.debug("guard", &config.load());
        self.debug("reader", &config.reader());
        self.debug("subscription", &config.subscribe());
        self.debug("status subscription", &config.subscribe_status());
        self.debug("history", &config.history());
        self.debug("outcomes", &config.outcomes());
        self.debug("readiness", &config.readiness());
        self.display("readiness", &config.readiness());
        self.json("readiness", &config.readiness());
    }

    pub fn subscription<T, S: ?Sized>(&mut self, subscription: &Subscription<T, S>) {
        self.debug("subscription", subscription);
    }

    /// Looks at what was printed since the last time; `input` is what it was about.
    pub fn check(&mut self, search: &Search, input: &str, leaks: &mut Vec<String>) {
        for (what, text) in self.new.drain(..) {
            if let Some(found) = search.find(&text) {
                leaks.push(format!("{what}: {found}\n--- of ---\n{input}\n"));
            }
        }
    }

    /// How many different texts there were.
    pub fn len(&self) -> usize {
        self.seen.len()
    }
}

/// Fails with the first leaks.
#[track_caller]
pub fn assert_none(leaks: &[String]) {
    let shown: Vec<_> = leaks.iter().take(5).map(String::as_str).collect();
    assert!(leaks.is_empty(), "{} leaks\n{}", leaks.len(), shown.join("\n"));
}
