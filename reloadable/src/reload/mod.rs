//! The reload itself: one task that waits for hints, and one attempt after the other.

mod candidate;
mod files;
mod layer;

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::backoff::{Backoff, jittered};
use crate::diff::{Changes, Entry, Walker};
use crate::error::{Error, ErrorKind, SourceError};
use crate::format::Expected;
use crate::layer::{LayerSettings, Lints};
use crate::load::{Reloadable, guarded};
use crate::publish::{Current, Made, Publisher, Snapshot};
use crate::report::{Report, Secrets as _};
use crate::source::{AnyFiles, AnySource, BoxFuture, Burst, Hint, Override, Settle, Trigger};
use crate::status::{Applied, ReloadOutcome, SourceState, SourceStatus, Status};
use crate::subscribe::Sections;

use self::candidate::{Candidate, Fault, Found, Known, Marks, candidate};
use self::files::Files;
use self::layer::{Layer, Stack, Told};

/// How long things take, as the user has set them.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    pub(crate) settle: Settle,
    pub(crate) max_wait: Duration,
    pub(crate) min_interval: Duration,
    pub(crate) resync: Duration,
    pub(crate) fetch: Duration,
}

impl Default for Timing {
    /// The longest wait keeps an endless writer from holding up reloads; 30 s between looks without a hint bounds how
    /// late a lost event is.
    fn default() -> Self {
        Self {
            settle: Settle::default(),
            max_wait: Duration::from_secs(1),
            min_interval: Duration::ZERO,
            resync: Duration::from_secs(30),
            fetch: Duration::from_secs(30),
        }
    }
}

/// A wish for an attempt, and whom to tell how it went.
pub(crate) struct Request {
    /// What is to be set or cleared by it.
    pub(crate) change: Option<Override>,
    pub(crate) answer: oneshot::Sender<ReloadOutcome>,
}

/// The one writer: it owns the sources and the publisher, and runs in a task of its own.
pub(crate) struct Reload<T> {
    stack: Stack,
    /// What fields of the configuration name.
    files: Files,
    publisher: Publisher<T>,
    sections: Sections<T>,
    status: watch::Sender<Status>,
    /// What was refused last, so that it is not refused again at every look.
    refused: Option<Marks>,
    burst: Burst,
    /// The overrides are others than those of what is in force.
    overriding: Overriding,
    /// When another snapshot may be published.
    next_publish: Option<Instant>,
    retry: Backoff,
    retry_at: Option<Instant>,
    resync_at: Instant,
    timing: Timing,
}

/// Why the task woke up.
enum Wake {
    Request(Option<Request>),
    /// Of the layer of this number; of the files that fields name, where it is behind the last.
    Hint(usize, Result<Option<Hint>, SourceError>),
    Due,
}

impl<T: Reloadable> Reload<T> {
    /// Loads for the first time.
    pub(crate) async fn start(
        layers: Vec<(LayerSettings, Box<dyn AnySource>)>,
        lints: Lints,
        files: Option<Box<dyn AnyFiles>>,
        timing: Timing,
    ) -> Result<(Self, watch::Receiver<Status>), Error> {
        let mut stack = Stack::new(layers, lints);
        let mut files = Files::new::<T>(files)?;
        let found =
            candidate::<T>(&mut stack, &mut files, timing.fetch, Trigger::Manual, Known::Nothing).await;
        let Candidate { value, contents, named, files: held, layers, warnings, .. } = match found {
            Ok(Found::Candidate(candidate)) => *candidate,
            Ok(Found::Nothing | Found::Refused) => return Err(Error::closed()),
            Err(fault) => return Err(fault.into_error()),
        };
        stack.accept(contents);
        files.accept(named, &held);
        let first = Snapshot::new(value, Made { files: held, layers, warnings }, 1);
        let (status, receiver) = watch::channel(Status {
            generation: first.generation(),
            loaded_at: first.loaded_at(),
            attempts: 1,
            last_outcome: None,
            last_error: None,
            consecutive_failures: 0,
            sources: statuses(&stack.sources, &files),
            warnings: first.warnings(),
            overrides: Vec::new(),
        });
        let reload = Self {
            stack,
            files,
            publisher: Publisher::new(first),
            sections: Sections::new(),
            status,
            refused: None,
            overriding: Overriding::No,
            burst: Burst::new(timing.settle.between_hints(), timing.max_wait),
            next_publish: None,
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

    /// Follows the sources until the sender of `stop` is gone or says so; then at once, even in the middle of a look
    /// at a source that does not answer.
    pub(crate) async fn run(mut self, requests: mpsc::Receiver<Request>, mut stop: watch::Receiver<()>) {
        // However the task ends, its subscribers are told.
        let _end = End { sections: self.sections.clone(), status: self.status.clone() };
        let mut stopped = pin!(stop.changed());
        let mut following = pin!(self.follow(requests));
        poll_fn(|context| match stopped.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => following.as_mut().poll(context),
        })
        .await;
    }

    async fn follow(&mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            // A source that always has something to tell must not keep the thread from everything else.
            tokio::task::consume_budget().await;
            match self.wake(&mut requests).await {
                Wake::Request(Some(Request { change, answer })) => {
                    let outcome = match change {
                        Some(change) => self.override_by(change).await,
                        None => self.attempt(Trigger::Manual).await,
                    };
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(outcome);
                }
                Wake::Request(None) => return,
                Wake::Hint(layer, hint) => {
                    let longest = self.timing.resync;
                    let told = match (self.stack.sources.get_mut(layer), self.files.layer_mut()) {
                        (Some(layer), _) => layer.told(hint, longest),
                        (None, Some(files)) => files.told(hint, longest),
                        (None, None) => continue,
                    };
                    match told {
                        Told::Hint(hint) => self.burst.hint(hint, Instant::now().into_std()),
                        Told::Looked => drop(self.tell(None)),
                    }
                }
                Wake::Due => {
                    self.attempt(Trigger::Automatic).await;
                }
            }
        }
    }

    /// Waits for whatever comes first. Requests go first, so that a storm of hints cannot hold them up.
    async fn wake(&mut self, requests: &mut mpsc::Receiver<Request>) -> Wake {
        let (now, due) = (Instant::now(), self.due());
        // A timer is as coarse as a millisecond, and what is due already must not wait for it.
        let is_due = due <= now;
        let mut due = pin!(sleep_until(due));
        type Told<'l> = (usize, BoxFuture<'l, Result<Option<Hint>, SourceError>>);
        let behind = self.stack.sources.len();
        let layers = self.stack.sources.iter_mut().enumerate().filter(|(_, layer)| layer.listens(now));
        let layers = layers.map(|(index, layer)| -> Told<'_> { (index, Box::pin(layer.hint())) });
        let files = self.files.layer_mut().filter(|files| files.listens(now));
        let files = files.map(|files| -> Told<'_> { (behind, Box::pin(files.hint())) });
        let mut hints: Vec<_> = layers.chain(files).collect();
        poll_fn(|context| {
            if let Poll::Ready(request) = requests.poll_recv(context) {
                return Poll::Ready(Wake::Request(request));
            }
            if is_due || due.as_mut().poll(context).is_ready() {
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
        let settled = self.burst.due().map(Instant::from_std);
        let deaf = self.stack.sources.iter().filter_map(|layer| layer.deaf_until);
        let deaf = deaf.chain(self.files.layer().and_then(|files| files.deaf_until)).min();
        let due = [settled, deaf, self.retry_at].into_iter().flatten().fold(self.resync_at, Instant::min);
        self.next_publish.map_or(due, |next| next.max(due))
    }

    /// One attempt, with exactly one outcome.
    async fn attempt(&mut self, trigger: Trigger) -> ReloadOutcome {
        let started = Instant::now();
        self.burst.looked();
        self.retry_at = None;
        self.resync_at = started + jittered(self.timing.resync);
        for layer in &mut self.stack.sources {
            layer.begin(started);
        }
        if let Some(files) = self.files.layer_mut() {
            files.begin(started);
        }
        let tried = self.try_reload(trigger, started).await;
        match &tried {
            Tried::Published(..)
            | Tried::Unchanged
            | Tried::Nothing
            | Tried::Refused(ReloadOutcome::Rejected(_)) => {
                self.retry.reset();
            }
            Tried::Refused(_) => self.retry_at = self.retry.next().map(|wait| Instant::now() + wait),
            Tried::RefusedBefore => {}
        }
        match tried {
            Tried::Published(applied, previous, current) => {
                self.next_publish = Some(Instant::now() + self.timing.min_interval);
                // Whoever is woken finds the status of what woke him.
                let outcome = self.tell(Some(ReloadOutcome::Applied(applied)));
                self.sections.wake(&previous, &current);
                // The last owner of the old value runs its destructors, which are the application's.
                let _ = guarded::<T, _>("dropping the previous configuration", || drop(previous));
                outcome
            }
            Tried::Unchanged => self.tell(Some(ReloadOutcome::Unchanged)),
            Tried::Nothing => self.tell(self.unless_known(trigger, ReloadOutcome::Unchanged)),
            Tried::Refused(outcome) => self.tell(self.unless_known(trigger, outcome)),
            Tried::RefusedBefore => self.tell(None),
        }
    }

    /// Sets or clears overrides, unless the configuration would not be valid with that, neither with what the sources hold
    /// nor with what was last accepted of them.
    async fn override_by(&mut self, change: Override) -> ReloadOutcome {
        let before = self.stack.overrides.clone();
        self.stack.overrides.apply(change);
        self.overriding = Overriding::Sources;
        let mut outcome = self.attempt(Trigger::Manual).await;
        if !outcome.is_in_force() {
            // A file that is broken must not stand in the way of whoever mends what he can.
            self.overriding = Overriding::Accepted;
            outcome = self.attempt(Trigger::Manual).await;
        }
        self.overriding = Overriding::No;
        if outcome.is_in_force() {
            self.stack.overrides.accept();
        } else {
            self.stack.overrides = before;
        }
        // It may be the override alone that was refused, and not what the sources hold, or the other way about.
        self.refused = None;
        self.retry_at = Some(Instant::now());
        // A path may lead to what stands under a secret key.
        let overrides = self.stack.overrides.paths().into_iter();
        let overrides: Vec<_> = match guarded::<T, _>("describing the configuration", T::describe) {
            Ok(description) => {
                let expected = Expected::new(description);
                overrides.map(|path| expected.shown(path)).collect()
            }
            Err(_) => overrides.collect(),
        };
        self.status.send_if_modified(|status| {
            let is_new = status.overrides != overrides;
            status.overrides = overrides;
            is_new
        });
        outcome
    }

    /// Leaves out what the status says already, where nobody asked: or every look would be told.
    fn unless_known(&self, trigger: Trigger, outcome: ReloadOutcome) -> Option<ReloadOutcome> {
        let text = |error: &Error| error.report().to_string();
        let status = self.status.borrow();
        let is_known = status.last_error.as_ref().map(text) == outcome.error().map(text);
        (trigger == Trigger::Manual || !is_known).then_some(outcome)
    }

    /// Fetches, decodes, validates, compares and publishes. The subscribers do not know yet.
    async fn try_reload(&mut self, trigger: Trigger, started: Instant) -> Tried<T> {
        let known = match self.overriding {
            Overriding::No => Known::Refused(self.refused.as_ref()),
            Overriding::Sources => Known::Nothing,
            Overriding::Accepted => Known::Accepted,
        };
        let found = candidate(&mut self.stack, &mut self.files, self.timing.fetch, trigger, known).await;
        let Candidate { value, contents, named, files, marks, layers, warnings } = match found {
            Ok(Found::Candidate(candidate)) => *candidate,
            Ok(Found::Nothing) => {
                self.refused = None;
                self.files.settle();
                return Tried::Nothing;
            }
            Ok(Found::Refused) => return Tried::RefusedBefore,
            Err(Fault::Unavailable(error)) => {
                self.refused = None;
                return Tried::Refused(ReloadOutcome::Failed(error));
            }
            Err(Fault::Invalid(report, marks)) => return self.refuse(report, marks),
        };
        let current = self.publisher.current().snapshot();
        let compared = guarded::<T, _>("comparing with the configuration in force", || {
            current.files().compare(&files, || summary::<T>(&current, &value))
        });
        let summary = match compared {
            Ok(summary) => summary,
            Err(report) => return self.refuse(report, marks),
        };
        self.refused = None;
        self.stack.accept(contents);
        self.files.accept(named, &files);
        let Some((changes, omitted)) = summary else {
            current.rebase(layers, warnings);
            return Tried::Unchanged;
        };
        drop(current);
        let (previous, current) = self.publisher.publish(value, Made { files, layers, warnings });
        let applied = Applied { generation: current.generation(), took: started.elapsed(), changes, omitted };
        Tried::Published(applied, previous, current)
    }

    /// What is not valid is not tried again until it is something else.
    fn refuse(&mut self, report: Report, marks: Marks) -> Tried<T> {
        self.refused = Some(marks);
        Tried::Refused(ReloadOutcome::Rejected(Error::new(ErrorKind::Invalid, report)))
    }

    /// Enters an outcome into the status.
    fn tell(&self, outcome: Option<ReloadOutcome>) -> ReloadOutcome {
        let mut told = ReloadOutcome::Unchanged;
        let sources = statuses(&self.stack.sources, &self.files);
        let current = self.publisher.current().snapshot();
        let warnings = current.warnings();
        // Whoever awaits the status sleeps through looks that find nothing new.
        self.status.send_if_modified(|status| {
            let is_new = outcome.is_some() || status.sources != sources || status.warnings != warnings;
            status.generation = current.generation();
            status.loaded_at = current.loaded_at();
            status.sources = sources;
            status.warnings = warnings;
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
            is_new
        });
        told
    }
}

/// Loads once. What is watched for that ends with the sources.
pub(crate) async fn try_out<T: Reloadable>(
    layers: Vec<(LayerSettings, Box<dyn AnySource>)>,
    lints: Lints,
    files: Option<Box<dyn AnyFiles>>,
    limit: Duration,
    generation: u64,
) -> Result<Snapshot<T>, Error> {
    let mut stack = Stack::new(layers, lints);
    let mut files = Files::new::<T>(files)?;
    let found = candidate::<T>(&mut stack, &mut files, limit, Trigger::Manual, Known::Nothing).await;
    match found {
        Ok(Found::Candidate(candidate)) => {
            let Candidate { value, files, layers, warnings, .. } = *candidate;
            Ok(Snapshot::new(value, Made { files, layers, warnings }, generation))
        }
        Ok(Found::Nothing | Found::Refused) => Err(Error::closed()),
        Err(fault) => Err(fault.into_error()),
    }
}

/// Whether an attempt is about an override, and over what it is laid.
#[derive(Debug, Clone, Copy)]
enum Overriding {
    No,
    /// What the sources hold now.
    Sources,
    /// What was last accepted of them.
    Accepted,
}

/// How far an attempt came.
enum Tried<T> {
    /// With the snapshot before and the new one.
    Published(Applied, Arc<Snapshot<T>>, Arc<Snapshot<T>>),
    /// The sources say the same in other words.
    Unchanged,
    /// The sources hold what they held.
    Nothing,
    Refused(ReloadOutcome),
    /// What was refused last is still there.
    RefusedBefore,
}

struct End<T: Reloadable> {
    sections: Sections<T>,
    status: watch::Sender<Status>,
}

impl<T: Reloadable> Drop for End<T> {
    fn drop(&mut self) {
        self.sections.close();
        self.status.send_modify(|status| {
            status.last_error = Some(Error::closed());
            for source in &mut status.sources {
                source.state = SourceState::Closed;
            }
        });
    }
}

fn statuses(layers: &[Layer], files: &Files) -> Vec<SourceStatus> {
    layers.iter().map(Layer::status).chain(files.layer().map(Layer::status)).collect()
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
