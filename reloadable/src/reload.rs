//! The reload itself: one task that waits for hints, and one attempt after the other.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::backoff::{Backoff, jittered};
use crate::diff::{Changes, Entry, Walker};
use crate::document::{Document, Revision};
use crate::error::{Error, ErrorKind, SourceError, SourceErrorKind};
use crate::load::{Loaded, Reloadable, decode, faults, guarded};
use crate::path::FieldPath;
use crate::publish::{Current, Publisher, Snapshot};
use crate::report::{Report, Violation};
use crate::source::{AnySource, Fetched, Hint, Settle};
use crate::status::{Applied, ReloadOutcome, SourceState, SourceStatus, Status};
use crate::subscribe::Sections;

/// How long things take, as the user has set them.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    pub(crate) quiet: Duration,
    pub(crate) max_wait: Duration,
    pub(crate) resync: Duration,
    pub(crate) fetch: Duration,
}

impl Default for Timing {
    /// The quiet period outlasts the pause between the writes of common editors, the longest wait keeps an endless
    /// writer from holding up reloads; 30 s between looks without a hint bounds how late a lost event is.
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(50),
            max_wait: Duration::from_secs(1),
            resync: Duration::from_secs(30),
            fetch: Duration::from_secs(30),
        }
    }
}

/// A question to the task.
pub(crate) enum Command {
    Reload(oneshot::Sender<ReloadOutcome>),
    Shutdown,
}

/// One source in the order of precedence, and what was last accepted from it.
struct Layer {
    source: Box<dyn AnySource>,
    accepted: Option<Content>,
    state: SourceState,
    last_error: Option<SourceError>,
    backoff: Backoff,
    /// The source cannot tell of changes; it is asked again then.
    deaf_until: Option<Instant>,
}

#[derive(Clone)]
struct Content {
    revision: Revision,
    documents: Vec<Document>,
}

impl Layer {
    fn new(source: Box<dyn AnySource>) -> Self {
        Self {
            source,
            accepted: None,
            state: SourceState::Initializing,
            last_error: None,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(30)),
            deaf_until: None,
        }
    }

    /// Returns what the source holds now; nothing if that is what was last accepted.
    async fn fetch(&mut self, limit: Duration) -> Result<Option<Content>, SourceError> {
        let known = self.accepted.as_ref().map(|content| &content.revision);
        let fetched = match timeout(limit, self.source.fetch(known)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(SourceError::new(
                SourceErrorKind::TimedOut,
                self.source.origin(),
                format!("it did not answer within {limit:?}"),
            )),
        };
        match &fetched {
            Ok(_) if self.deaf_until.is_some() => self.state = SourceState::Polling,
            Ok(_) => {
                self.state = SourceState::Watching;
                self.last_error = None;
            }
            Err(error) => {
                self.state = SourceState::Interrupted;
                self.last_error = Some(error.clone());
            }
        }
        Ok(match fetched? {
            Fetched::NotModified => None,
            Fetched::Documents { documents, revision } => Some(Content { revision, documents }),
        })
    }

    fn status(&self) -> SourceStatus {
        SourceStatus {
            origin: self.source.origin(),
            state: self.state,
            last_error: self.last_error.as_ref().map(ToString::to_string),
        }
    }
}

/// The one writer: it owns the sources and the publisher, and runs in a task of its own.
pub(crate) struct Reload<T> {
    layers: Vec<Layer>,
    publisher: Publisher<T>,
    sections: Sections<T>,
    status: watch::Sender<Status>,
    /// What was refused last, so that it is not refused again at every look.
    refused: Option<Vec<Option<Revision>>>,
    settle: Settle,
    retry: Backoff,
    retry_at: Option<Instant>,
    resync_at: Instant,
    timing: Timing,
}

/// Why the task woke up.
enum Wake {
    Command(Option<Command>),
    Hint(usize, Result<Hint, SourceError>),
    Due,
}

impl<T: Reloadable> Reload<T> {
    /// Loads for the first time.
    pub(crate) async fn start(
        sources: Vec<Box<dyn AnySource>>,
        timing: Timing,
    ) -> Result<(Self, watch::Receiver<Status>), Error> {
        let mut layers: Vec<_> = sources.into_iter().map(Layer::new).collect();
        let contents = fetch::<T>(&mut layers, timing.fetch).await?;
        let documents = documents(&layers, &contents);
        let loaded: T =
            decode_apart(documents).await.map_err(|report| Error::new(ErrorKind::Invalid, report))?;
        accept(&mut layers, contents);
        let first = Snapshot::first(loaded);
        let (status, receiver) = watch::channel(Status {
            generation: first.generation(),
            loaded_at: first.loaded_at(),
            attempts: 1,
            last_outcome: None,
            last_error: None,
            consecutive_failures: 0,
            sources: layers.iter().map(Layer::status).collect(),
        });
        let reload = Self {
            layers,
            publisher: Publisher::new(first),
            sections: Sections::new(),
            status,
            refused: None,
            settle: Settle::new(timing.quiet, timing.max_wait),
            retry: Backoff::new(Duration::from_millis(100), timing.resync),
            retry_at: None,
            resync_at: Instant::now() + jittered(timing.resync),
            timing,
        };
        Ok((reload, receiver))
    }

    pub(crate) fn current(&self) -> &Current<T> {
        self.publisher.current()
    }

    pub(crate) fn sections(&self) -> &Sections<T> {
        &self.sections
    }

    /// Follows the sources until the last handle is gone or asks for the end.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        // However the task ends, its subscribers are told.
        let _end = End { sections: self.sections.clone(), status: self.status.clone() };
        loop {
            match self.wake(&mut commands).await {
                Wake::Command(Some(Command::Reload(answer))) => {
                    let outcome = self.attempt(Trigger::Manual).await;
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(outcome);
                }
                Wake::Command(Some(Command::Shutdown) | None) => return,
                Wake::Hint(layer, Ok(hint)) => {
                    self.settle.hint(hint, Instant::now().into_std());
                    if let Some(layer) = self.layers.get_mut(layer) {
                        layer.backoff.reset();
                    }
                }
                Wake::Hint(layer, Err(error)) => self.deafened(layer, error),
                Wake::Due => {
                    self.attempt(Trigger::Automatic).await;
                }
            }
        }
    }

    /// Waits for whatever comes first. Commands go first, so that a storm of hints cannot hold up the end.
    async fn wake(&mut self, commands: &mut mpsc::Receiver<Command>) -> Wake {
        let now = Instant::now();
        let mut due = pin!(sleep_until(self.due()));
        let mut hints: Vec<_> = self
            .layers
            .iter_mut()
            .enumerate()
            .filter(|(_, layer)| layer.deaf_until.is_none_or(|until| until <= now))
            .map(|(index, layer)| (index, layer.source.changed()))
            .collect();
        poll_fn(|context| {
            if let Poll::Ready(command) = commands.poll_recv(context) {
                return Poll::Ready(Wake::Command(command));
            }
            if due.as_mut().poll(context).is_ready() {
                return Poll::Ready(Wake::Due);
            }
            for (index, hint) in &mut hints {
                if let Poll::Ready(hint) = hint.as_mut().poll(context) {
                    return Poll::Ready(Wake::Hint(*index, hint));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Returns when to look without a further hint.
    fn due(&self) -> Instant {
        let settled = self.settle.due().map(Instant::from_std);
        let deaf = self.layers.iter().filter_map(|layer| layer.deaf_until).min();
        [settled, deaf, self.retry_at].into_iter().flatten().fold(self.resync_at, Instant::min)
    }

    /// A source that cannot tell of changes is looked at now and then, at first often.
    fn deafened(&mut self, layer: usize, error: SourceError) {
        if let Some(layer) = self.layers.get_mut(layer) {
            let wait = layer.backoff.next().unwrap_or(self.timing.resync);
            layer.deaf_until = Some(Instant::now() + wait);
            layer.state = SourceState::Polling;
            layer.last_error = Some(error);
        }
        self.status.send_modify(|status| status.sources = self.layers.iter().map(Layer::status).collect());
    }

    /// One attempt, with exactly one outcome.
    async fn attempt(&mut self, trigger: Trigger) -> ReloadOutcome {
        let started = Instant::now();
        self.settle.looked();
        self.retry_at = None;
        self.resync_at = started + jittered(self.timing.resync);
        for layer in &mut self.layers {
            layer.deaf_until = layer.deaf_until.filter(|until| *until > started);
        }
        let outcome = self.try_reload(trigger, started).await;
        match &outcome {
            Some(ReloadOutcome::Failed(_)) => {
                self.retry_at = self.retry.next().map(|wait| Instant::now() + wait)
            }
            Some(_) => self.retry.reset(),
            None => {}
        }
        self.tell(outcome)
    }

    /// Fetches, decodes, validates, compares and publishes. `None` if what was refused last is still there.
    async fn try_reload(&mut self, trigger: Trigger, started: Instant) -> Option<ReloadOutcome> {
        let contents = match fetch::<T>(&mut self.layers, self.timing.fetch).await {
            Ok(contents) => contents,
            Err(error) => {
                self.refused = None;
                return Some(ReloadOutcome::Failed(error));
            }
        };
        if contents.iter().all(Option::is_none) {
            self.refused = None;
            return Some(ReloadOutcome::Unchanged);
        }
        let revisions =
            contents.iter().map(|content| content.as_ref().map(|content| content.revision.clone()));
        let revisions: Vec<_> = revisions.collect();
        if trigger == Trigger::Automatic && self.refused.as_ref() == Some(&revisions) {
            return None;
        }
        let candidate: T = match decode_apart(documents(&self.layers, &contents)).await {
            Ok(candidate) => candidate,
            Err(report) => {
                self.refused = Some(revisions);
                return Some(ReloadOutcome::Rejected(Error::new(ErrorKind::Invalid, report)));
            }
        };
        let current = self.publisher.current().snapshot();
        let compared = guarded::<T, _>("comparing with the configuration in force", || {
            summary::<T>(&current, &candidate)
        });
        let summary = match compared {
            Ok(summary) => summary,
            Err(report) => {
                self.refused = Some(revisions);
                return Some(ReloadOutcome::Rejected(Error::new(ErrorKind::Invalid, report)));
            }
        };
        self.refused = None;
        accept(&mut self.layers, contents);
        drop(current);
        let Some((changes, omitted)) = summary else { return Some(ReloadOutcome::Unchanged) };
        let (previous, current) = self.publisher.publish(candidate);
        let applied = Applied { generation: current.generation(), took: started.elapsed(), changes, omitted };
        self.status.send_modify(|status| {
            status.generation = current.generation();
            status.loaded_at = current.loaded_at();
        });
        self.sections.wake(&previous, &current);
        // The last owner of the old value runs its destructors, which are the application's.
        let _ = guarded::<T, _>("dropping the previous configuration", || drop(previous));
        Some(ReloadOutcome::Applied(applied))
    }

    /// Enters an outcome into the status.
    fn tell(&self, outcome: Option<ReloadOutcome>) -> ReloadOutcome {
        let mut told = ReloadOutcome::Unchanged;
        self.status.send_modify(|status| {
            status.sources = self.layers.iter().map(Layer::status).collect();
            if let Some(outcome) = outcome {
                status.attempts += 1;
                status.last_error = outcome.error().cloned();
                status.consecutive_failures = match outcome.error() {
                    Some(_) => status.consecutive_failures + 1,
                    None => 0,
                };
                status.last_outcome = Some(outcome);
            }
            told = status.last_outcome.clone().unwrap_or(ReloadOutcome::Unchanged);
        });
        told
    }
}

/// Who wants an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// A hint, or time.
    Automatic,
    /// The application, which wants an answer in any case.
    Manual,
}

struct End<T: Reloadable> {
    sections: Sections<T>,
    status: watch::Sender<Status>,
}

impl<T: Reloadable> Drop for End<T> {
    fn drop(&mut self) {
        self.sections.close();
        self.status.send_modify(|status| {
            for source in &mut status.sources {
                source.state = SourceState::Closed;
            }
        });
    }
}

/// Asks every source, and gathers what is wrong with any of them.
async fn fetch<T: Reloadable>(layers: &mut [Layer], limit: Duration) -> Result<Vec<Option<Content>>, Error> {
    let mut report = Report::new();
    let mut contents = Vec::with_capacity(layers.len());
    for layer in &mut *layers {
        contents.push(layer.fetch(limit).await.unwrap_or_else(|error| {
            report.push(error.into());
            None
        }));
    }
    if report.is_empty() {
        return Ok(contents);
    }
    let fetched: Vec<_> = contents.iter().flatten().flat_map(|content| content.documents.clone()).collect();
    report.append(faults::<T>(&fetched));
    Err(Error::new(ErrorKind::Unavailable, report))
}

/// The documents of all layers in order: the new ones where there are any.
fn documents(layers: &[Layer], contents: &[Option<Content>]) -> Vec<Document> {
    let newest = layers
        .iter()
        .zip(contents)
        .filter_map(|(layer, content)| content.as_ref().or(layer.accepted.as_ref()));
    newest.flat_map(|content| content.documents.iter().cloned()).collect()
}

/// The cursors move only now that what was fetched has been accepted.
fn accept(layers: &mut [Layer], contents: Vec<Option<Content>>) {
    for (layer, content) in layers.iter_mut().zip(contents) {
        if content.is_some() {
            layer.accepted = content;
        }
    }
}

/// From this many bytes on, decoding is given a thread of its own, so that it does not hold up the runtime's.
const LARGE: usize = 64 * 1024;

async fn decode_apart<T: Reloadable>(documents: Vec<Document>) -> Result<T, Report> {
    let size: usize = documents.iter().map(|document| document.bytes().len()).sum();
    let loaded = if size < LARGE {
        decode::<T>(&documents)
    } else {
        match tokio::task::spawn_blocking(move || decode::<T>(&documents)).await {
            Ok(loaded) => loaded,
            Err(error) => {
                let message = format!("decoding broke off: {error}");
                Err(Violation::new(FieldPath::root(), "panic", message).into())
            }
        }
    };
    loaded.map(Loaded::into_value)
}

type Summary = (Arc<[Entry<'static>]>, usize);

/// What changed, as far as an outcome keeps it; `None` if nothing did.
fn summary<T: Reloadable>(current: &T, candidate: &T) -> Option<Summary> {
    let changes = current.diff(candidate)?;
    let (mut kept, mut omitted) = (Vec::new(), 0);
    changes.walk(&mut Walker::new(&mut |entry| {
        if kept.len() < Applied::KEPT { kept.push(entry.into_owned()) } else { omitted += 1 }
    }));
    Some((kept.into(), omitted))
}
