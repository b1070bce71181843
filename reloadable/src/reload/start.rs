//! The first load.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};

use super::attempt::{discard, fingerprint, first_status};
use super::candidate::{Candidate, Found, Known, Log, candidate};
use super::files::Files;
use super::gates::Gates;
use super::inside::Marker;
use super::layer::Stack;
use super::protection::Record;
use super::triggers::Triggers;
use super::{Reload, Setup};
use crate::backoff::{Backoff, jittered};
use crate::error::Error;
use crate::history::History;
use crate::load::Reloadable;
use crate::observe::Observer;
use crate::publish::{Made, Publisher, Snapshot};
use crate::report::Report;
use crate::source::{Asked, Burst};
use crate::status::Made as MadeOf;
use crate::status::{Applied, Attempt, Outcomes, Reason, ReloadOutcome};
use crate::subscribe::Sections;

/// What becomes of a start whose first load does not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StartPolicy {
    /// It fails, with the whole report.
    #[default]
    Fail,
    /// It is tried again whenever a source tells of a change, and now and then, until it succeeds or this time is over.
    WaitForValid(Duration),
}

/// The longest wait between two tries of the first load.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

impl<T: Reloadable> Reload<T> {
    /// Loads for the first time.
    pub(crate) async fn start(setup: Setup<T>) -> Result<Self, Error> {
        let Setup { layers, lints, files, timing, gates, restart, start, protection, history, .. } = setup;
        let mut observer = Observer::new(setup.observe);
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
            StartPolicy::Fail => None,
        };
        let mut backoff = Backoff::new(Duration::from_millis(100), LONGEST_WAIT);
        let at = SystemTime::now();
        let scope = observer.begin(1, &Reason::Initial);
        let loading = async {
            loop {
                let mut log = Log::default();
                match first(&mut stack, &mut files, &mut gates, timing.fetch, inside, &mut log).await {
                    Ok((first, commits)) => break Ok((first, commits, log)),
                    Err(error) => {
                        observer.not_started(&error);
                        let now = Instant::now();
                        let Some(deadline) = deadline.filter(|deadline| *deadline > now) else {
                            break Err(error);
                        };
                        let wait = backoff.next().unwrap_or(LONGEST_WAIT).max(SHORTEST_WAIT);
                        news(
                            &mut stack,
                            &mut files,
                            &mut triggers,
                            (now + wait).min(deadline),
                            timing.resync,
                        )
                        .await;
                    }
                }
            }
        };
        let (first, commits, log) = scope.run(loading).await?;
        let (publisher, fingerprint) = (Publisher::new(Arc::clone(&first)), fingerprint(&first));
        let made = MadeOf { reason: Reason::Initial, changed: Vec::new(), at, stages: log.stages };
        let applied = Applied {
            generation: first.generation(),
            took: log.stages.total(),
            changes: Arc::default(),
            omitted: 0,
            commits,
        };
        let attempt =
            Attempt::new(1, made, first.generation(), ReloadOutcome::Applied(applied), Arc::default());
        let history = History::new(history);
        discard::<T, _>(history.push(Arc::clone(&first), attempt.clone()));
        let status = first_status(&first, fingerprint, attempt.clone(), &stack.sources, &files);
        observer.told(&attempt, || status.clone());
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
            restart,
            refused: None,
            suspension: None,
            record: Record::new(protection),
            fingerprint,
            burst: Burst::new(timing.settle.between_hints(), timing.max_wait),
            hinted_at: None,
            next_publish: None,
            retry: Backoff::new(Duration::from_millis(100), timing.resync),
            retry_at: None,
            resync_at: Instant::now() + jittered(timing.resync),
            timing,
            triggers,
            observer,
            inside,
        })
    }
}

/// A jittered wait may be none at all.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// Loads, asks the gates, and commits.
async fn first<T: Reloadable>(
    stack: &mut Stack,
    files: &mut Files,
    gates: &mut Gates<T>,
    limit: Duration,
    inside: Marker,
    log: &mut Log,
) -> Result<(Arc<Snapshot<T>>, Report), Error> {
    let found = candidate::<T>(stack, files, limit, Asked::Manual, Known::Nothing, inside, log).await;
    let Candidate { value, contents, named, files: held, layers, warnings, .. } = match found {
        Ok(Found::Candidate(candidate)) => *candidate,
        Ok(Found::Nothing | Found::Refused) => return Err(Error::closed()),
        Err(fault) => return Err(fault.into_error()),
    };
    let kept = held.clone();
    let first = Arc::new(Snapshot::new(value, Made { files: held, layers, warnings }, 1));
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
            Err(veto.error().clone())
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
            (Some(layer), _) => layer.told(hint, longest),
            (None, Some(files)) => files.told(hint, longest),
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
            Ok(Snapshot::new(value, Made { files, layers, warnings }, generation))
        }
        Ok(Found::Nothing | Found::Refused) => Err(Error::closed()),
        Err(fault) => Err(fault.into_error()),
    }
}
