//! The reload itself: one task that waits for hints, and one attempt after the other.

mod inside;
#[cfg(feature = "fs")]
mod stand_in;
mod layer;
mod files;
mod candidate;
mod gates;
mod protection;
mod restart;
#[cfg(all(unix, feature = "signal"))]
mod hangup;
mod triggers;
mod start;
#[cfg(feature = "fs")]
mod keeping;
mod attempt;
mod asked;

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::error::{Error, SourceError};
use crate::gate::Gate;
use crate::history::History;
#[cfg(feature = "fs")]
use crate::last_good::SetFile;
use crate::layer::{LayerSettings, Lints};
use crate::load::Reloadable;
use crate::observe::{self, Observer};
use crate::publish::{Current, Publisher};
use crate::source::{AnyFiles, AnySource, Asked, BoxFuture, Burst, Hint, Override, Settle};
use crate::status::{Attempt, Reason, ReloadOutcome, SourceState, SourceStatus, Status, Suspension};
use crate::subscribe::Sections;

use self::attempt::Over;
use self::candidate::Marks;
use self::files::Files;
use self::gates::Gates;
#[cfg(feature = "fs")]
use self::keeping::Keeping;
use self::layer::{Layer, Stack, Told};
use self::protection::Record;
use self::triggers::Triggers;

pub(crate) use self::inside::Marker;
pub(crate) use self::protection::{Limit, Protection};
pub use self::restart::RestartPolicy;
pub use self::start::StartPolicy;
pub(crate) use self::start::try_out;
pub(crate) use self::triggers::{Firing, Fuse};

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

/// What a reloader is set up with.
pub(crate) struct Setup<T> {
    pub(crate) layers: Vec<(LayerSettings, Box<dyn AnySource>)>,
    pub(crate) lints: Lints,
    /// What follows the files that fields name.
    pub(crate) files: Option<Box<dyn AnyFiles>>,
    pub(crate) timing: Timing,
    pub(crate) gates: Vec<Gate<T>>,
    pub(crate) restart: RestartPolicy,
    pub(crate) start: StartPolicy,
    /// Where the last good set is kept.
    #[cfg(feature = "fs")]
    pub(crate) last_good: Option<SetFile>,
    pub(crate) protection: Protection,
    /// How many snapshots are kept.
    pub(crate) history: usize,
    pub(crate) observe: observe::Settings,
    /// Whether the signal asks for a reload.
    #[cfg(all(unix, feature = "signal"))]
    pub(crate) hangup: bool,
}

/// A wish, and whom to tell how it went.
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) answer: oneshot::Sender<ReloadOutcome>,
}

/// What may be asked of a running reload.
pub(crate) enum Ask {
    /// An attempt, for this reason.
    Reload(Reason),
    Override(Override),
    RollBack(u64),
    Pause,
    Resume,
}

/// The one writer: it owns the sources and the publisher, and runs in a task of its own.
pub(crate) struct Reload<T> {
    stack: Stack,
    /// What fields of the configuration name.
    files: Files,
    publisher: Publisher<T>,
    gates: Gates<T>,
    sections: Sections<T>,
    status: watch::Sender<Status>,
    attempts: broadcast::Sender<Attempt>,
    history: History<T>,
    #[cfg(feature = "fs")]
    keeping: Keeping,
    restart: RestartPolicy,
    /// What was refused last, so that it is not refused again at every look.
    refused: Option<Marks>,
    /// By which what was refused last, by a rule or by a gate, is known again, so that it is not told again.
    told: Option<Marks>,
    /// What is in force was gone back to, and is not what was last accepted of the sources.
    is_back: bool,
    suspension: Option<Suspension>,
    record: Record,
    /// By which what is in force is known again, without its secrets.
    fingerprint: u64,
    burst: Burst,
    /// When the first hint came of what is about to be looked at.
    hinted_at: Option<Instant>,
    /// When another snapshot may be published.
    next_publish: Option<Instant>,
    retry: Backoff,
    retry_at: Option<Instant>,
    resync_at: Instant,
    timing: Timing,
    triggers: Triggers,
    observer: Observer,
    inside: Marker,
}

/// What the handles of a reloader have of it.
pub(crate) struct Handles<T> {
    pub(crate) current: Current<T>,
    pub(crate) sections: Sections<T>,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) attempts: broadcast::WeakSender<Attempt>,
    pub(crate) history: History<T>,
    pub(crate) firing: Firing,
    pub(crate) inside: Marker,
}

/// For how long nothing is due while reloads are suspended: any time will do, since nothing comes of it.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the task woke up.
enum Wake {
    Request(Option<Request>),
    /// Somebody asked who does not wait for the answer.
    Fired(Reason),
    /// Of the layer of this number; of the files that fields name, where it is behind the last.
    Hint(usize, Result<Option<Hint>, SourceError>),
    /// It is known how the last save went.
    #[cfg(feature = "fs")]
    Saved,
    Due,
}

impl<T: Reloadable> Reload<T> {
    pub(crate) fn handles(&self) -> Handles<T> {
        Handles {
            current: self.publisher.current().clone(),
            sections: self.sections.clone(),
            status: self.status.subscribe(),
            attempts: self.attempts.downgrade(),
            history: self.history.clone(),
            firing: self.triggers.firing(),
            inside: self.inside,
        }
    }

    /// Follows the sources until the sender of `stop` is gone or says so; then at once, even in the middle of a look
    /// at a source that does not answer.
    pub(crate) async fn run(mut self, requests: mpsc::Receiver<Request>, mut stop: watch::Receiver<()>) {
        // However the task ends, its subscribers are told.
        let _end = End { sections: self.sections.clone(), status: self.status.clone() };
        let mut stopped = pin!(stop.changed());
        {
            let mut following = pin!(self.inside.scope(self.follow(requests)));
            poll_fn(|context| match stopped.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => following.as_mut().poll(context),
            })
            .await;
        }
        #[cfg(feature = "fs")]
        self.keeping.finish().await;
    }

    async fn follow(&mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            // A source that always has something to tell must not keep the thread from everything else.
            tokio::task::consume_budget().await;
            match self.wake(&mut requests).await {
                Wake::Request(Some(Request { ask, answer })) => {
                    let outcome = self.answer(ask).await;
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(outcome);
                }
                Wake::Request(None) => return,
                Wake::Fired(reason) => {
                    self.answer(Ask::Reload(reason)).await;
                }
                Wake::Hint(layer, hint) => {
                    let longest = self.timing.resync;
                    let looks = self.suspension.is_none();
                    let told = match (self.stack.sources.get_mut(layer), self.files.layer_mut()) {
                        (Some(layer), _) => layer.told(hint, longest, looks),
                        (None, Some(files)) => files.told(hint, longest, looks),
                        (None, None) => continue,
                    };
                    match told {
                        Told::Hint(hint) => {
                            self.hinted_at.get_or_insert_with(Instant::now);
                            self.burst.hint(hint, Instant::now().into_std());
                        }
                        Told::Looked => self.restate(),
                    }
                }
                #[cfg(feature = "fs")]
                Wake::Saved => {
                    let last_good = self.keeping.status(&self.stack);
                    self.status.send_modify(|status| status.last_good = last_good);
                    self.observer.restated(|| self.status.borrow().clone());
                }
                // Whoever stands still looks when he is told to.
                Wake::Due if self.suspension.is_some() => {}
                Wake::Due => {
                    let reason = self.due_for();
                    self.attempt(Asked::Automatic, reason, Over::Sources).await;
                }
            }
        }
    }

    /// Waits for whatever comes first. Requests go first, so that a storm of hints cannot hold them up.
    async fn wake(&mut self, requests: &mut mpsc::Receiver<Request>) -> Wake {
        let now = Instant::now();
        // Suspended, it still listens, so that what the sources say of themselves is up to date.
        let due = if self.suspension.is_none() { self.due() } else { now + IDLE };
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
        #[cfg(feature = "fs")]
        let mut saved = pin!(self.keeping.saved());
        let triggers = &mut self.triggers;
        poll_fn(|context| {
            if let Poll::Ready(request) = requests.poll_recv(context) {
                return Poll::Ready(Wake::Request(request));
            }
            if let Poll::Ready(reason) = triggers.poll(context) {
                return Poll::Ready(Wake::Fired(reason));
            }
            if is_due || due.as_mut().poll(context).is_ready() {
                return Poll::Ready(Wake::Due);
            }
            for (index, hint) in &mut hints {
                if let Poll::Ready(hint) = hint.as_mut().poll(context) {
                    return Poll::Ready(Wake::Hint(*index, hint));
                }
            }
            #[cfg(feature = "fs")]
            if saved.as_mut().poll(context).is_ready() {
                return Poll::Ready(Wake::Saved);
            }
            Poll::Pending
        })
        .await
    }

    /// Has what is in force saved, unless it was loaded from there.
    fn keep(&self) {
        #[cfg(feature = "fs")]
        if !self.stack.is_stood_in() {
            self.keeping.save(&self.publisher.current().snapshot());
        }
    }

    /// Has it saved once more if that went wrong: the disk may have room again.
    fn keep_again(&self) {
        #[cfg(feature = "fs")]
        if self.keeping.has_failed() {
            self.keep();
        }
    }

    /// Says why it is time to look.
    fn due_for(&self) -> Reason {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.burst.due().map(Instant::from_std)) {
            Reason::Change
        } else if is_due(self.retry_at) {
            Reason::Retry
        } else {
            Reason::Resync
        }
    }

    /// Returns when to look without a further hint.
    fn due(&self) -> Instant {
        let settled = self.burst.due().map(Instant::from_std);
        let deaf = self.stack.sources.iter().filter_map(|layer| layer.deaf_until);
        let deaf = deaf.chain(self.files.layer().and_then(|files| files.deaf_until)).min();
        let due = [settled, deaf, self.retry_at].into_iter().flatten().fold(self.resync_at, Instant::min);
        self.next_publish.map_or(due, |next| next.max(due))
    }
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
