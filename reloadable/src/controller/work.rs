//! What works on keys: as many tasks as may work at once, each of which takes a key, runs what was given to the controller,
//! and says what comes of it.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::context::ReconcileContext;
use super::dead::{DeadLetter, Letters};
use super::outcome::{Failure, FailureKind, Fault, ReconcileError, Requeue};
use super::record::{Records, Removed};
use super::status::{Figures, count};
use crate::collection::Lister;
use crate::key::Key;
use crate::load::{Reloadable, what_panicked};
use crate::observe::{ReconcileLog, ReconcileMeter, Reconciled};
use crate::queue::{Item, WorkQueue};

/// What all tasks of a controller share.
pub(super) struct Core<T, K: Key> {
    pub(super) settings: Settings,
    pub(super) queue: WorkQueue<K>,
    pub(super) lister: Lister<K, T>,
    pub(super) records: Records<K, T>,
    pub(super) letters: Arc<Letters<K>>,
    /// Keys that were told of, but were not in the queue when it was closed.
    pub(super) unqueued: Mutex<Vec<K>>,
    pub(super) figures: Figures,
    pub(super) meter: ReconcileMeter,
    pub(super) log: ReconcileLog,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) name: Option<Arc<str>>,
    pub(super) concurrency: usize,
    pub(super) timeout: Duration,
    pub(super) max_attempts: u32,
    pub(super) max_dead_letters: usize,
    /// The longest wait after a failure.
    pub(super) cap: Duration,
}

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    /// Nothing new is begun.
    Stopping,
    /// Nothing is gone on with.
    Aborted,
}

/// Runs it until it is ready, or that phase has come, or nobody has a handle any more.
pub(super) async fn before<R>(
    phase: &mut watch::Receiver<Phase>,
    end: Phase,
    run: impl Future<Output = R>,
) -> Option<R> {
    let mut ended = pin!(phase.wait_for(|phase| *phase >= end));
    let mut run = pin!(run);
    poll_fn(|context| {
        if ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        run.as_mut().poll(context).map(Some)
    })
    .await
}

/// One that works, until the end.
pub(super) async fn work<T, K, F, R>(
    core: Arc<Core<T, K>>,
    reconcile: Arc<F>,
    mut phase: watch::Receiver<Phase>,
) where
    T: Reloadable,
    K: Key,
    F: Fn(K, ReconcileContext<T, K>) -> R + Send + Sync,
    R: Future<Output = Result<Requeue, ReconcileError>> + Send,
{
    loop {
        let next = core.queue.next();
        let Some(Some(item)) = before(&mut phase, Phase::Stopping, next).await else { return };
        // A key's own code may panic anywhere. Then the item is dropped, which is a failure.
        let run = Contained::new(|| core.run(item, &*reconcile, &mut phase));
        if let Ok(run) = run {
            if run.await.is_err() {
                count(&core.figures.panics);
            }
        }
    }
}

impl<T: Reloadable, K: Key> Core<T, K> {
    /// Remembers keys that nobody will look at any more.
    pub(super) fn leave(&self, keys: impl IntoIterator<Item = K>) {
        let keys: Vec<_> = keys.into_iter().collect();
        self.unqueued.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
    }

    async fn run<F, R>(&self, item: Item<K>, reconcile: &F, phase: &mut watch::Receiver<Phase>)
    where
        F: Fn(K, ReconcileContext<T, K>) -> R,
        R: Future<Output = Result<Requeue, ReconcileError>>,
    {
        let key = item.key().clone();
        let attempt = item.attempts().saturating_add(1);
        // Whatever made it be handed out is new.
        drop(self.letters.take(&key));
        let removed = self.records.last_removed(&key);
        let context = ReconcileContext {
            key: key.clone(),
            lister: self.lister.clone(),
            attempt,
            removed: removed.clone(),
        };
        let active = Active::new(self);
        let begun = Instant::now();
        let limit = self.settings.timeout;
        let scope = self.log.scope(&key, attempt);
        let run = async {
            let panicked = |payload: Payload| {
                let message = what_panicked::<T>("reconciling", payload.as_ref());
                // A payload is dropped by code of the application, too.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
                Fault::panicked(message)
            };
            match timeout(limit, Contained::new(|| reconcile(key.clone(), context)).map_err(panicked)?).await
            {
                Ok(Ok(Ok(requeue))) => Ok(requeue),
                Ok(Ok(Err(error))) => Err(Fault::from(error)),
                Ok(Err(payload)) => Err(panicked(payload)),
                Err(_) => Err(Fault::timed_out(limit)),
            }
        };
        // Ended by force, the item is dropped.
        let Some(ended) = before(phase, Phase::Aborted, scope.run(run)).await else { return };
        drop(active);
        let took = begun.elapsed();
        match ended {
            Ok(requeue) => {
                self.meter.ended(
                    if requeue.delay().is_some() { Reconciled::Requeued } else { Reconciled::Done },
                    took,
                );
                self.succeeded(item, requeue, removed.as_ref());
            }
            Err(fault) => {
                self.meter.ended(
                    match fault.kind {
                        FailureKind::Transient => Reconciled::Failed,
                        FailureKind::Permanent => Reconciled::FailedForGood,
                        FailureKind::TimedOut => Reconciled::TimedOut,
                        FailureKind::Panicked => Reconciled::Panicked,
                    },
                    took,
                );
                self.failed(item, &fault, attempt);
            }
        }
    }

    fn succeeded(&self, item: Item<K>, requeue: Requeue, seen: Option<&Removed<T>>) {
        self.records.succeeded(item.key(), seen);
        count(&self.figures.succeeded);
        match requeue.delay() {
            Some(delay) => {
                count(&self.figures.requeued);
                item.requeue_after(delay);
            }
            None => item.done(),
        }
    }

    fn failed(&self, item: Item<K>, fault: &Fault, attempt: u32) {
        let figures = &self.figures;
        count(&figures.failed);
        let is_permanent = match fault.kind {
            FailureKind::Transient => false,
            FailureKind::Permanent => {
                count(&figures.permanent);
                true
            }
            FailureKind::TimedOut => {
                count(&figures.timed_out);
                false
            }
            FailureKind::Panicked => {
                count(&figures.panicked);
                false
            }
        };
        let failure = fault.failure(attempt);
        self.log.failed(item.key(), attempt, fault.kind.name(), &fault.message);
        self.records.failed(item.key(), failure.clone());
        // A run that came too early tells nothing of how often it fails.
        let is_worn_out = attempt >= self.settings.max_attempts && !item.is_early();
        if !is_permanent && !is_worn_out {
            match fault.retry_after {
                Some(delay) => item.retry_after(delay),
                None => item.retry(),
            }
        } else if self.letters.put(self.letter(item.key(), failure)) {
            self.log.given_up(item.key(), attempt, &fault.message);
            count(&figures.given_up);
            self.records.forget_failures(item.key());
            item.give_up();
        } else {
            // Nothing is swallowed: it is tried again, as seldom as can be.
            count(&figures.overflowed);
            item.retry_after(self.settings.cap);
        }
    }

    fn letter(&self, key: &K, failure: Failure) -> DeadLetter<K> {
        DeadLetter {
            key: key.clone(),
            reason: Arc::clone(&failure.message),
            kind: failure.kind,
            attempts: failure.attempt,
            history: self.records.failures(key),
            since: SystemTime::now(),
        }
    }
}

/// Counts what runs, however it ends.
struct Active<'c, T, K: Key>(&'c Core<T, K>);

impl<'c, T, K: Key> Active<'c, T, K> {
    fn new(core: &'c Core<T, K>) -> Self {
        let active = core.figures.active.fetch_add(1, Ordering::Relaxed) + 1;
        core.meter.active(active);
        Self(core)
    }
}

impl<T, K: Key> Drop for Active<'_, T, K> {
    fn drop(&mut self) {
        let active = self.0.figures.active.fetch_sub(1, Ordering::Relaxed) - 1;
        self.0.meter.active(active);
    }
}

type Payload = Box<dyn Any + Send>;

/// Code of others whose panic ends nothing, also not where it is dropped.
pub(super) struct Contained<F>(Option<Pin<Box<F>>>);

impl<F: Future> Contained<F> {
    pub(super) fn new(make: impl FnOnce() -> F) -> Result<Self, Payload> {
        catch_unwind(AssertUnwindSafe(make)).map(|future| Self(Some(Box::pin(future))))
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, Payload>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.get_mut().0 else { return Poll::Pending };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}

impl<F> Drop for Contained<F> {
    fn drop(&mut self) {
        let future = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
    }
}
