//! One attempt: from the sources to the subscribers, or to a refusal.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use super::candidate::{Candidate, Fault, Found, Known, Log, Marks, again, candidate, held};
use super::files::Files;
use super::gates::AllPrepared;
use super::inside::Marker;
use super::layer::Layer;
use super::restart::{Restart, RestartPolicy, beside, refusal};
use super::{Reload, statuses};
use crate::backoff::jittered;
use crate::diff::{Changes, Entry, Walker};
use crate::error::{Error, ErrorKind};
use crate::load::{Reloadable, guarded};
use crate::publish::{Made, Snapshot};
use crate::report::Report;
use crate::source::Asked;
use crate::status::Made as MadeOf;
use crate::status::{Applied, Attempt, Pending, Reason, ReloadOutcome, Status, Suspension, SuspensionCause};

/// What an attempt is made over.
pub(super) enum Over<T> {
    /// What the sources hold, if that is news.
    Sources,
    /// What the sources hold, news or not.
    Anew,
    /// What was last accepted of the sources.
    Accepted,
    /// What this snapshot was made of.
    Snapshot(Arc<Snapshot<T>>),
}

/// How far an attempt came.
enum Tried<T: Reloadable> {
    Ready(Ready<T>),
    /// The sources say the same in other words.
    Unchanged,
    /// The sources hold what they held.
    Nothing,
    /// With what it is known by, unless no source was to be had.
    Refused(ReloadOutcome, Option<Marks>),
    /// What was refused last is still there.
    RefusedBefore,
}

/// What only has to be published.
struct Ready<T: Reloadable> {
    next: Arc<Snapshot<T>>,
    prepared: AllPrepared<T>,
    summary: Summary,
}

impl<T: Reloadable> Reload<T> {
    /// One attempt, with exactly one outcome.
    pub(super) async fn attempt(&mut self, asked: Asked, reason: Reason, over: Over<T>) -> ReloadOutcome {
        let number = self.status.borrow().attempts + 1;
        let scope = self.observer.begin(number, &reason);
        let outcome = scope.run(self.attempt_observed(asked, reason, over)).await;
        self.observer.end();
        outcome
    }

    async fn attempt_observed(&mut self, asked: Asked, reason: Reason, over: Over<T>) -> ReloadOutcome {
        let (started, at) = (Instant::now(), SystemTime::now());
        let mut log = Log::default();
        let goes_back = matches!(over, Over::Snapshot(_));
        let is_of_sources = !matches!(over, Over::Snapshot(_) | Over::Accepted);
        // Going back, it does not look at the sources: what they told is still to be looked at.
        if !goes_back {
            let hinted_at = self.hinted_at.take().filter(|_| matches!(reason, Reason::Change));
            log.stages.settle = hinted_at.map_or_else(Default::default, |hinted| started - hinted);
            self.begin(started);
        }
        let over = match over {
            // What they hold may be what was last accepted, and yet not be in force.
            Over::Sources if self.is_back => Over::Anew,
            over => over,
        };
        let mut pending = None;
        let tried = self.try_reload(asked, over, &mut log, &mut pending).await;
        match &tried {
            Tried::Refused(ReloadOutcome::Failed(_), _) => {
                self.retry_at = self.retry.next().map(|wait| Instant::now() + wait);
            }
            Tried::RefusedBefore => {}
            _ if goes_back => {}
            _ => self.retry.reset(),
        }
        if let Tried::Ready(_) | Tried::Unchanged = &tried {
            self.is_back = goes_back;
            // With the outcome, so that nobody who is woken by it sees the sources followed.
            if let Reason::Rollback(generation) = reason {
                let cause = SuspensionCause::RolledBack(generation);
                self.suspension = Some(Suspension { cause, since: SystemTime::now() });
            }
        }
        let made = |log: Log| MadeOf { reason, changed: log.changed, at, stages: log.stages, is_of_sources };
        match tried {
            Tried::Ready(ready) => self.publish(asked, ready, made, log, pending),
            // A source may have another mark each time for what is the same.
            Tried::Unchanged if log.changed.is_empty() => {
                self.keep();
                self.tell_unless_known(asked, true, ReloadOutcome::Unchanged, made(log), pending)
            }
            Tried::Unchanged => {
                self.keep();
                self.tell(ReloadOutcome::Unchanged, made(log), pending)
            }
            Tried::Nothing => {
                self.keep_again();
                self.tell_unless_known(asked, true, ReloadOutcome::Unchanged, made(log), None)
            }
            Tried::Refused(outcome, marks) => {
                let told = self.status.borrow().attempts;
                let is_same = self.told == marks;
                if is_of_sources {
                    self.told = marks;
                }
                let outcome = self.tell_unless_known(asked, is_same, outcome, made(log), None);
                let is_news = self.status.borrow().attempts > told;
                // Whoever asked knows; and a source that does not answer is asked ever less often.
                if is_news
                    && !is_same
                    && asked == Asked::Automatic
                    && !matches!(outcome, ReloadOutcome::Failed(_))
                {
                    if let Some(cause) = self.record.refused(Instant::now().into_std()) {
                        self.suspend(Some(cause));
                    }
                }
                outcome
            }
            Tried::RefusedBefore => {
                self.restate();
                ReloadOutcome::Unchanged
            }
        }
    }

    /// All that was told up to now is about to be looked at.
    fn begin(&mut self, now: Instant) {
        self.burst.looked();
        self.retry_at = None;
        self.resync_at = now + jittered(self.timing.resync);
        for layer in &mut self.stack.sources {
            layer.begin(now);
        }
        if let Some(files) = self.files.layer_mut() {
            files.begin(now);
        }
    }

    /// The point from which there is no way back.
    fn publish(
        &mut self,
        asked: Asked,
        ready: Ready<T>,
        made: impl FnOnce(Log) -> MadeOf,
        mut log: Log,
        pending: Option<Pending>,
    ) -> ReloadOutcome {
        let Ready { next, prepared, summary: Summary { changes, omitted, .. } } = ready;
        let started = std::time::Instant::now();
        let previous = self.publisher.publish(Arc::clone(&next));
        let commits = prepared.commit();
        log.stages.publish = started.elapsed();
        self.next_publish = Some(Instant::now() + self.timing.min_interval);
        let fingerprint = fingerprint(&next);
        let applied =
            Applied { generation: next.generation(), took: log.stages.total(), changes, omitted, commits };
        let old = std::mem::replace(&mut self.fingerprint, fingerprint);
        // Whoever is woken finds the status of what woke him.
        let outcome = self.tell(ReloadOutcome::Applied(applied), made(log), pending);
        self.keep();
        self.sections.wake(&previous, &next);
        // Whoever asked may go back and forth as he likes.
        if asked == Asked::Automatic {
            if let Some(cause) = self.record.replaced(old, fingerprint, Instant::now().into_std()) {
                self.suspend(Some(cause));
            }
        }
        discard::<T, _>(previous);
        outcome
    }

    /// Fetches, decodes, validates, compares and asks the gates. Nobody knows yet.
    async fn try_reload(
        &mut self,
        asked: Asked,
        over: Over<T>,
        log: &mut Log,
        pending: &mut Option<Pending>,
    ) -> Tried<T> {
        let known = match &over {
            Over::Sources => Known::Refused(self.refused.as_ref()),
            Over::Anew | Over::Snapshot(_) => Known::Nothing,
            Over::Accepted => Known::Accepted,
        };
        let names_files = self.files.layer().is_some();
        let found = match &over {
            Over::Snapshot(snapshot) => {
                let started = std::time::Instant::now();
                let again = again(snapshot, self.stack.unchanged(), names_files, self.inside).await;
                log.stages.load += started.elapsed();
                again
                    .map(|candidate| Found::Candidate(Box::new(candidate)))
                    .map_err(|report| Fault::Invalid(report, Marks::new()))
            }
            _ => {
                let limit = self.timing.fetch;
                candidate(&mut self.stack, &mut self.files, limit, asked, known, self.inside, log).await
            }
        };
        let mut wanted = match found {
            Ok(Found::Candidate(candidate)) => *candidate,
            Ok(Found::Nothing) => {
                self.refused = None;
                self.files.settle();
                return Tried::Nothing;
            }
            Ok(Found::Refused) => return Tried::RefusedBefore,
            Err(Fault::Unavailable(error)) => {
                self.refused = None;
                return Tried::Refused(ReloadOutcome::Failed(error), None);
            }
            Err(Fault::Invalid(report, marks)) => return self.refuse(report, marks),
        };
        let current = self.publisher.current().snapshot();
        let started = std::time::Instant::now();
        let compared = compare(self.restart, names_files, self.inside, &current, &mut wanted, pending).await;
        log.stages.diff = started.elapsed();
        let Candidate { value, contents, named, files, marks, layers, kept, warnings } = wanted;
        let summary = match compared {
            Ok(summary) => summary,
            Err(report) => {
                discard::<T, _>(value);
                return self.refuse(report, marks);
            }
        };
        let Some(summary) = summary else {
            discard::<T, _>(value);
            self.refused = None;
            self.stack.accept(contents);
            self.files.accept(named, &files);
            current.rebase(layers, kept, warnings);
            return Tried::Unchanged;
        };
        let scope = self.observer.found();
        let held = files.clone();
        let next = self.publisher.next(value, Made { files, layers, kept, warnings });
        let started = std::time::Instant::now();
        let asked = scope.run(self.gates.ask(self.inside, Some(&current), &next)).await;
        log.stages.gates = started.elapsed();
        match asked {
            Ok(prepared) => {
                self.refused = None;
                self.stack.accept(contents);
                self.files.accept(named, &held);
                Tried::Ready(Ready { next, prepared, summary })
            }
            Err(veto) => {
                discard::<T, _>(next);
                // What the gate looked at may be another way by the next look, so it is asked again then.
                self.refused = None;
                Tried::Refused(ReloadOutcome::Vetoed(veto), Some(marks))
            }
        }
    }

    /// What is not valid is not tried again until it is something else.
    fn refuse(&mut self, report: Report, marks: Marks) -> Tried<T> {
        self.refused = Some(marks.clone());
        Tried::Refused(ReloadOutcome::Rejected(Error::new(ErrorKind::Invalid, report)), Some(marks))
    }

    /// Leaves out what the status says already, where nobody asked: or every look would be told. What is refused in the
    /// same words may be something else, unless it is the same by its marks.
    fn tell_unless_known(
        &mut self,
        asked: Asked,
        is_same: bool,
        outcome: ReloadOutcome,
        made: MadeOf,
        pending: Option<Pending>,
    ) -> ReloadOutcome {
        let text = |error: &Error| error.report().to_string();
        let is_known =
            is_same && self.status.borrow().last_error.as_ref().map(text) == outcome.error().map(text);
        if asked == Asked::Automatic && is_known {
            self.restate();
            return outcome;
        }
        self.tell(outcome, made, pending)
    }

    /// Enters an outcome into the status, the history and the stream of attempts; with what is pending now, if known.
    fn tell(&mut self, outcome: ReloadOutcome, made: MadeOf, pending: Option<Pending>) -> ReloadOutcome {
        let current = self.publisher.current().snapshot();
        let pending = pending.unwrap_or_else(|| Pending::of(&self.status.borrow()));
        let number = self.status.borrow().attempts + 1;
        let attempt = Attempt::new(number, made, current.generation(), outcome.clone(), pending.clone());
        let is_applied = matches!(outcome, ReloadOutcome::Applied(_));
        if is_applied {
            let forgotten = self.history.push(Arc::clone(&current), attempt.clone());
            discard::<T, _>(forgotten);
        }
        let (sources, warnings) = (statuses(&self.stack.sources, &self.files), current.warnings());
        let (fingerprint, suspension) = (self.fingerprint, self.suspension.clone());
        #[cfg(feature = "fs")]
        let last_good = self.keeping.status(&self.stack);
        self.status.send_modify(|status| {
            if let ReloadOutcome::Applied(applied) = &outcome {
                status.content_hash = hash(fingerprint);
                status.failed_commits = applied.commits.clone();
            }
            status.generation = current.generation();
            status.loaded_at = current.loaded_at();
            status.sources = sources;
            status.warnings = warnings;
            status.attempts = number;
            (status.pending_restart, status.pending_restart_omitted) = (pending.list, pending.omitted);
            status.suspension = suspension;
            if outcome.error().is_some() {
                status.last_error = outcome.error().cloned();
                status.consecutive_failures += 1;
                status.last_refusal = Some(attempt.clone());
            } else if attempt.is_of_sources() {
                // Otherwise what the sources hold may still be wrong.
                status.last_error = None;
                status.consecutive_failures = 0;
            }
            status.last_attempt = attempt.clone();
            #[cfg(feature = "fs")]
            {
                status.last_good = last_good;
            }
        });
        // Whoever is told of it finds it counted.
        self.observer.told(&attempt, || self.status.borrow().clone());
        // Nobody may be listening.
        let _ = self.attempts.send(attempt);
        outcome
    }

    /// Brings the status up to date where there was no attempt. Whoever awaits it sleeps through what is no news.
    pub(super) fn restate(&mut self) {
        let sources = statuses(&self.stack.sources, &self.files);
        let warnings = self.publisher.current().snapshot().warnings();
        self.status.send_if_modified(|status| {
            let is_new = status.sources != sources
                || status.warnings != warnings
                || status.suspension != self.suspension;
            status.sources = sources;
            status.warnings = warnings;
            status.suspension.clone_from(&self.suspension);
            is_new
        });
        self.observer.restated(|| self.status.borrow().clone());
    }
}

/// Finds out what would change. What cannot change while the program runs is put back to how it is, if that is the
/// policy.
async fn compare<T: Reloadable>(
    policy: RestartPolicy,
    names_files: bool,
    inside: Marker,
    current: &Arc<Snapshot<T>>,
    wanted: &mut Candidate<T>,
    held_back: &mut Option<Pending>,
) -> Result<Option<Summary>, Report> {
    let doing = "comparing with the configuration in force";
    let compare = |wanted: &Candidate<T>| {
        guarded::<T, _>(doing, || {
            current.files().compare(&wanted.files, || summary::<T>(current, &wanted.value))
        })
    };
    let summary = compare(wanted)?;
    let (summary, restart) = match summary {
        Some(Summary { restart: Some(restart), changes, omitted }) => {
            (Some(Summary { changes, omitted, restart: None }), restart)
        }
        _ => {
            *held_back = Some(Pending::default());
            return Ok(summary);
        }
    };
    match policy {
        RestartPolicy::Apply => {
            *held_back = Some(Pending::default());
            return Ok(summary);
        }
        RestartPolicy::Refuse => {
            let why = "it cannot change while the program runs; restart the program, or revert this";
            return Err(refusal::<T>(&restart, &wanted.layers, why));
        }
        RestartPolicy::Hold => {}
    }
    let (value, files, warnings) =
        held(wanted, current, names_files, inside).await.map_err(|report| beside(report, &restart))?;
    discard::<T, _>(std::mem::replace(&mut wanted.value, value));
    (wanted.files, wanted.warnings) = (files, warnings);
    let summary = compare(wanted)?;
    if let Some(left) = summary.as_ref().and_then(|summary| summary.restart.as_ref()) {
        let why = "it cannot change while the program runs, nor can the running value be kept beside the rest; \
                   restart the program, or revert this";
        return Err(refusal::<T>(left, &wanted.layers, why));
    }
    wanted.kept = Some(restart.kept(current));
    *held_back = Some(restart.into_pending::<T>(&wanted.layers));
    Ok(summary)
}

/// The status after the first load.
pub(super) fn first_status<T: Reloadable>(
    first: &Snapshot<T>,
    fingerprint: u64,
    attempt: Attempt,
    layers: &[Layer],
    files: &Files,
) -> Status {
    let failed_commits = match attempt.outcome() {
        ReloadOutcome::Applied(applied) => applied.commits.clone(),
        _ => Report::new(),
    };
    Status {
        generation: first.generation(),
        content_hash: hash(fingerprint),
        loaded_at: first.loaded_at(),
        attempts: attempt.number(),
        last_attempt: attempt,
        last_error: None,
        last_refusal: None,
        consecutive_failures: 0,
        sources: statuses(layers, files),
        warnings: first.warnings(),
        failed_commits,
        overrides: Vec::new(),
        pending_restart: Arc::default(),
        pending_restart_omitted: 0,
        suspension: None,
        subscribers: Vec::new(),
        last_good: None,
    }
}

/// By which a value is known again, without its secrets.
pub(super) fn fingerprint<T: Reloadable>(snapshot: &Snapshot<T>) -> u64 {
    guarded::<T, _>("showing the configuration", || snapshot.value().value().fingerprint())
        .unwrap_or_default()
}

fn hash(fingerprint: u64) -> Arc<str> {
    format!("{fingerprint:016x}").into()
}

/// Drops what belongs to the application, whose destructors may panic.
pub(super) fn discard<T: Reloadable, D>(what: D) {
    // The panic hook has what they said, and nothing is left to be refused.
    let _ = guarded::<T, _>("dropping a configuration", || drop(what));
}

/// What changed, as far as it is kept.
struct Summary {
    changes: Arc<[Entry<'static>]>,
    omitted: usize,
    /// Of all changes, those that need a restart, where there are any.
    restart: Option<Restart>,
}

/// `None` if nothing changed.
fn summary<T: Reloadable>(current: &T, candidate: &T) -> Option<Summary> {
    let changes = current.diff(candidate)?;
    let (mut kept, mut omitted, mut restart) = (Vec::new(), 0, None);
    changes.walk(&mut Walker::new(&mut |entry| {
        let is_kept = kept.len() < Applied::KEPT;
        if entry.restart {
            restart.get_or_insert_with(Restart::default).push(&entry);
        }
        if is_kept {
            kept.push(entry.into_owned());
        }
        omitted += usize::from(!is_kept);
    }));
    Some(Summary { changes: kept.into(), omitted, restart })
}
