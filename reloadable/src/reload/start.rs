//! The first load.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::attempt::{discard, fingerprint, first_status};
use super::candidate::{Candidate, Fault, Found, Known, Log, Marks, candidate};
use super::files::Files;
use super::gates::Gates;
use super::inside::Marker;
#[cfg(feature = "fs")]
use super::keeping::Keeping;
use super::layer::Stack;
use super::protection::Record;
use super::triggers::Triggers;
use super::{Reload, Setup};
use crate::backoff::{Backoff, jittered};
use crate::error::{Error, ErrorKind};
use crate::history::History;
use crate::load::Reloadable;
use crate::observe::Observer;
use crate::publish::{Made, Publisher, Snapshot};
use crate::report::Report;
use crate::source::{Asked, Burst};
use crate::status::Made as MadeOf;
use crate::status::{Applied, Attempt, Outcomes, Pending, Reason, ReloadOutcome};
use crate::subscribe::Sections;

/// What becomes of a start whose first load does not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StartPolicy {
    /// It fails, with the whole report.
    #[default]
    Fail,
    /// It is tried again whenever a source tells of a change, and now and then, until it succeeds or this time is over. What
    /// was refused counts as an attempt, and is the [last refusal](crate::Status::last_refusal) of the status; what is
    /// refused again in the same way does not count again.
    WaitForValid(Duration),
    /// The set of documents that was good last takes the place of what the sources hold, if there is one that is valid and
    /// that no gate refuses. The sources are followed, so that mending them applies; until then
    /// [`Status::last_error`](crate::Status::last_error) says what is wrong with them, and
    /// [`Status::last_good`](crate::Status::last_good) that it runs on that set, and since when that was saved. Values that
    /// the program has itself, layers with secrets that were left out, and files that fields name are read as they are
    /// now.
    ///
    /// Otherwise it fails, with both reports. It needs [`keep_last_good`](crate::Builder::keep_last_good).
    #[cfg(feature = "fs")]
    UseLastGood,
}

/// The longest wait between two tries of the first load.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

impl<T: Reloadable> Reload<T> {
    /// Loads for the first time.
    pub(crate) async fn start(setup: Setup<T>) -> Result<Self, Error> {
        let Setup { layers, lints, files, timing, gates, restart, start, protection, history, .. } = setup;
        let mut observer = Observer::new(setup.observe);
        #[cfg(feature = "fs")]
        let mut keeping = Keeping::new(setup.last_good);
        let mut triggers = Triggers::new();
        // First, so that no signal is lost, or ends the process.
        #[cfg(all(unix, feature = "signal"))]
        if setup.hangup {
            triggers.listen_to(super::hangup::Hangup::listen()?);
        }
        let mut stack = Stack::new(layers, lints);
        let mut files = Files::new::<T>(files)?;
        let mut gates = Gates::new(gates);
        let inside = Marker::new();
        let deadline = match start {
            StartPolicy::WaitForValid(timeout) => Some(Instant::now() + timeout),
            _ => None,
        };
        let mut backoff = Backoff::new(Duration::from_millis(100), LONGEST_WAIT);
        let mut tries = Tries::default();
        #[cfg_attr(not(feature = "fs"), allow(unused_mut, reason = "without files no set is kept"))]
        let mut is_stood_in = false;
        let mut scope = observer.begin(1, &Reason::Initial);
        let (first, commits, log, at) = loop {
            let (mut log, at) = (Log::default(), SystemTime::now());
            let loading = first(&mut stack, &mut files, &mut gates, timing.fetch, inside, &mut log);
            let loading = async {
                match deadline {
                    Some(deadline) => timeout_at(deadline, loading).await,
                    None => Ok(loading.await),
                }
            };
            // What was wrong before says more than that the time is over.
            let Ok(loaded) = scope.clone().run(loading).await else {
                return Err(tries.last_error().unwrap_or_else(too_late));
            };
            let refused = match loaded {
                Ok((first, commits)) => break (first, commits, log, at),
                Err(refused) => refused,
            };
            let error = refused.error();
            let made = MadeOf {
                reason: Reason::Initial,
                changed: Vec::new(),
                at,
                stages: log.stages,
                is_of_sources: true,
            };
            let told = tries.note(refused, made);
            let is_told = told.is_some();
            if let Some(attempt) = told {
                observer.not_started(attempt);
                observer.end();
            }
            #[cfg(feature = "fs")]
            if start == StartPolicy::UseLastGood {
                let (mut log, at) = (Log::default(), SystemTime::now());
                scope = observer.begin(tries.count() + 1, &Reason::LastGood);
                let asked = (&mut files, &mut gates);
                let loading = keeping.first(&mut stack, asked, timing.fetch, inside, &mut log, &error);
                let (first, commits) = scope.run(loading).await?;
                is_stood_in = true;
                break (first, commits, log, at);
            }
            let now = Instant::now();
            let Some(deadline) = deadline.filter(|deadline| *deadline > now) else {
                return Err(error);
            };
            let wait = backoff.next().unwrap_or(LONGEST_WAIT).max(SHORTEST_WAIT);
            let until = (now + wait).min(deadline);
            news(&mut stack, &mut files, &mut triggers, until, timing.resync).await;
            if is_told {
                scope = observer.begin(tries.count() + 1, &Reason::Initial);
            }
        };
        let (publisher, fingerprint) = (Publisher::new(Arc::clone(&first)), fingerprint(&first));
        let reason = if is_stood_in { Reason::LastGood } else { Reason::Initial };
        let is_of_sources = !is_stood_in;
        let made = MadeOf { reason, changed: Vec::new(), at, stages: log.stages, is_of_sources };
        let applied = Applied {
            generation: first.generation(),
            took: log.stages.total(),
            changes: Arc::default(),
            omitted: 0,
            commits,
        };
        let attempt = Attempt::new(
            tries.count() + 1,
            made,
            first.generation(),
            ReloadOutcome::Applied(applied),
            Pending::default(),
        );
        let history = History::new(history);
        discard::<T, _>(history.push(Arc::clone(&first), attempt.clone()));
        let mut status = first_status(&first, fingerprint, attempt, &stack.sources, &files);
        #[cfg(feature = "fs")]
        {
            status.last_good = keeping.status(&stack);
            if !is_stood_in {
                keeping.save(&first);
            }
        }
        let mut retry = Backoff::new(Duration::from_millis(100), timing.resync);
        let (mut known, mut told, mut retry_at) = (None, None, None);
        if let Some((refused, attempt)) = tries.last {
            status.last_refusal = Some(attempt);
            if is_stood_in {
                status.last_error = Some(refused.error());
                status.consecutive_failures = 1;
                if matches!(refused.outcome, ReloadOutcome::Failed(_)) {
                    retry_at = retry.next().map(|wait| Instant::now() + wait);
                }
                told = refused.marks.map(|marks| stack.still_news(marks));
                // What a gate refused is shown to it again.
                known = told.clone().filter(|_| matches!(refused.outcome, ReloadOutcome::Rejected(_)));
            }
        }
        observer.told(&status.last_attempt.clone(), || status.clone());
        observer.end();
        Ok(Self {
            stack,
            files,
            publisher,
            gates,
            sections: Sections::new(),
            status: watch::Sender::new(status),
            attempts: broadcast::Sender::new(Outcomes::KEPT),
            history,
            #[cfg(feature = "fs")]
            keeping,
            restart,
            refused: known,
            told,
            is_back: false,
            suspension: None,
            record: Record::new(protection),
            fingerprint,
            burst: Burst::new(timing.settle.between_hints(), timing.max_wait),
            hinted_at: None,
            next_publish: None,
            retry,
            retry_at,
            resync_at: Instant::now() + jittered(timing.resync),
            timing,
            triggers,
            observer,
            inside,
        })
    }
}

fn too_late() -> Error {
    let message = "a source or a gate did not answer within the time that the first load was given";
    Error::saying(ErrorKind::Unavailable, "timed_out", message)
}

/// A jittered wait may be none at all.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// Why there is no first snapshot.
pub(super) struct Refused {
    outcome: ReloadOutcome,
    /// By which what was refused is known again.
    marks: Option<Marks>,
}

impl Refused {
    fn of(outcome: ReloadOutcome) -> Self {
        Self { outcome, marks: None }
    }

    pub(super) fn error(&self) -> Error {
        self.outcome.error().cloned().unwrap_or_else(Error::closed)
    }
}

/// The tries of the first load that were refused.
#[derive(Default)]
struct Tries {
    last: Option<(Refused, Attempt)>,
}

impl Tries {
    fn count(&self) -> u64 {
        self.last.as_ref().map_or(0, |(_, attempt)| attempt.number())
    }

    fn last_error(&self) -> Option<Error> {
        self.last.as_ref().map(|(refused, _)| refused.error())
    }

    /// Enters a try, and returns it; nothing if it ended as the one before did, which is told once, as it is after the
    /// start.
    fn note(&mut self, refused: Refused, made: MadeOf) -> Option<&Attempt> {
        let text = |refused: &Refused| refused.error().report().to_string();
        let is_same = |last: &Refused| last.marks == refused.marks && text(last) == text(&refused);
        if self.last.as_ref().is_some_and(|(last, _)| is_same(last)) {
            return None;
        }
        let attempt = Attempt::new(self.count() + 1, made, 0, refused.outcome.clone(), Pending::default());
        let (_, attempt) = self.last.insert((refused, attempt));
        Some(attempt)
    }
}

/// Loads, asks the gates, and commits.
pub(super) async fn first<T: Reloadable>(
    stack: &mut Stack,
    files: &mut Files,
    gates: &mut Gates<T>,
    limit: Duration,
    inside: Marker,
    log: &mut Log,
) -> Result<(Arc<Snapshot<T>>, Report), Refused> {
    let found = candidate::<T>(stack, files, limit, Asked::Manual, Known::Nothing, inside, log).await;
    let Candidate { value, contents, named, files: held, marks, layers, warnings, .. } = match found {
        Ok(Found::Candidate(candidate)) => *candidate,
        Ok(Found::Nothing | Found::Refused) => {
            return Err(Refused::of(ReloadOutcome::Failed(Error::closed())));
        }
        Err(Fault::Unavailable(error)) => return Err(Refused::of(ReloadOutcome::Failed(error))),
        Err(Fault::Invalid(report, marks)) => {
            let error = Error::new(ErrorKind::Invalid, report);
            return Err(Refused { outcome: ReloadOutcome::Rejected(error), marks: Some(marks) });
        }
    };
    let kept = held.clone();
    let first = Arc::new(Snapshot::new(value, Made { files: held, layers, kept: None, warnings }, 1));
    let started = std::time::Instant::now();
    let asked = gates.ask(inside, None, &first).await;
    log.stages.gates = started.elapsed();
    match asked {
        Ok(prepared) => {
            stack.accept(contents);
            files.accept(named, &kept);
            Ok((first, prepared.commit()))
        }
        Err(veto) => {
            discard::<T, _>(first);
            Err(Refused { outcome: ReloadOutcome::Vetoed(veto), marks: Some(marks) })
        }
    }
}

/// Waits until a source tells of a change or somebody asks, or until then.
async fn news(
    stack: &mut Stack,
    files: &mut Files,
    triggers: &mut Triggers,
    until: Instant,
    longest: Duration,
) {
    let mut over = pin!(sleep_until(until));
    loop {
        let now = Instant::now();
        let told = {
            let layers = stack.sources.iter_mut().enumerate().filter(|(_, layer)| layer.listens(now));
            let mut hints: Vec<_> = layers.map(|(index, layer)| (index, Box::pin(layer.hint()))).collect();
            let mut named =
                files.layer_mut().filter(|files| files.listens(now)).map(|files| Box::pin(files.hint()));
            poll_fn(|context| {
                if over.as_mut().poll(context).is_ready() || triggers.poll(context).is_ready() {
                    return Poll::Ready(None);
                }
                for (index, hint) in &mut hints {
                    if let Poll::Ready(hint) = hint.as_mut().poll(context) {
                        return Poll::Ready(Some((Some(*index), hint)));
                    }
                }
                match named.as_mut().map(|named| named.as_mut().poll(context)) {
                    Some(Poll::Ready(hint)) => Poll::Ready(Some((None, hint))),
                    _ => Poll::Pending,
                }
            })
            .await
        };
        let Some((index, hint)) = told else { break };
        let told = match (index.and_then(|index| stack.sources.get_mut(index)), files.layer_mut()) {
            (Some(layer), _) => layer.told(hint, longest, true),
            (None, Some(files)) => files.told(hint, longest, true),
            (None, None) => continue,
        };
        if matches!(told, super::layer::Told::Hint(_)) {
            break;
        }
    }
    let now = Instant::now();
    for layer in &mut stack.sources {
        layer.begin(now);
    }
    if let Some(files) = files.layer_mut() {
        files.begin(now);
    }
}

/// Loads once. What is watched for that ends with the sources. Gates are not asked: they would open what they guard.
pub(crate) async fn try_out<T: Reloadable>(setup: Setup<T>, generation: u64) -> Result<Snapshot<T>, Error> {
    let Setup { layers, lints, files, timing, .. } = setup;
    let mut stack = Stack::new(layers, lints);
    let mut files = Files::new::<T>(files)?;
    let (inside, mut log) = (Marker::new(), Log::default());
    let found =
        candidate::<T>(&mut stack, &mut files, timing.fetch, Asked::Manual, Known::Nothing, inside, &mut log)
            .await;
    match found {
        Ok(Found::Candidate(candidate)) => {
            let Candidate { value, files, layers, warnings, .. } = *candidate;
            Ok(Snapshot::new(value, Made { files, layers, kept: None, warnings }, generation))
        }
        Ok(Found::Nothing | Found::Refused) => Err(Error::closed()),
        Err(fault) => Err(fault.into_error()),
    }
}
