//! What all handles of a queue share: its state, those who wait for it, and the lock of both.

use std::future::{Future as _, poll_fn};
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

use super::state::{Left, Marks, Refused, Settings, State, Take, Taken};
use super::stats::QueueStats;
use super::waiters::Waiters;
use super::{Add, Outcome};
use crate::key::Key;
use crate::observe::{QueueFigures, QueueMeter};
use crate::sync::{Mutex, MutexGuard};

pub(super) type Grouping<K> = Box<dyn Fn(&K, &RandomState) -> u64 + Send + Sync>;

pub(super) struct Shared<K: Key> {
    inner: Mutex<Inner<K>>,
    random: RandomState,
    grouping: Option<Grouping<K>>,
    meter: QueueMeter,
}

struct Inner<K> {
    state: State<K>,
    workers: Waiters,
    /// Those who wait for room.
    adders: Waiters,
    /// Those who wait for the end of the work.
    drainers: Waiters,
}

/// With a paused clock of tokio, that one. It is asked under the lock, so that what comes later is not told an earlier time:
/// what was added at once would not be due yet.
fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl<K: Key> Shared<K> {
    pub(super) fn new(settings: Settings, grouping: Option<Grouping<K>>, name: Option<&str>) -> Self {
        let inner = Inner {
            state: State::new(settings),
            workers: Waiters::default(),
            adders: Waiters::default(),
            drainers: Waiters::default(),
        };
        let (random, meter) = (RandomState::new(), QueueMeter::new(name));
        Self { inner: Mutex::new(inner), random, grouping, meter }
    }

    /// Runs code of the application, so it is done before the lock is taken.
    pub(super) fn marks(&self, key: &K) -> Marks {
        let group = self.grouping.as_ref().map_or(0, |grouping| grouping(key, &self.random));
        Marks { hash: self.random.hash_one(key), group }
    }

    pub(super) fn add(&self, marks: Marks, key: &mut Option<K>, add: &Add) -> Result<(), Refused> {
        let mut inner = self.lock();
        let found = inner.find(marks, key.as_ref());
        if found.is_some_and(|slot| inner.state.covers(slot, add)) {
            return Ok(());
        }
        let now = clock();
        let added = inner.state.add(now, found, marks, key, add);
        let wakes = inner.wakes(now);
        drop(inner);
        wakes.wake();
        self.publish(now);
        added
    }

    /// Tells whether adding the key would change nothing.
    pub(super) fn covers(&self, marks: Marks, key: &K, add: &Add) -> bool {
        let inner = self.lock();
        inner.state.find(marks.hash, key).is_some_and(|slot| inner.state.covers(slot, add))
    }

    /// Waits for room.
    pub(super) async fn add_in_time(
        &self,
        marks: Marks,
        key: &mut Option<K>,
        add: &Add,
    ) -> Result<(), Refused> {
        let mut turn = Turn::new(self, |inner| &mut inner.adders);
        let added = poll_fn(|context| {
            turn.look(context, |inner, now| {
                let found = inner.find(marks, key.as_ref());
                let added = inner.state.add(now, found, marks, key, add);
                (added != Err(Refused::Full)).then_some(added)
            })
            .map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        self.publish(clock());
        added
    }

    /// Takes what is there.
    pub(super) fn take(&self) -> Take<K> {
        let mut inner = self.lock();
        let now = clock();
        let take = inner.state.take(now);
        let wakes = inner.wakes(now);
        drop(inner);
        wakes.wake();
        if let Take::Taken(taken) = &take {
            self.meter.waited(taken.waited());
        }
        take
    }

    /// Waits for what comes.
    pub(super) async fn take_in_time(&self) -> Option<Taken<K>> {
        let mut turn = Turn::new(self, |inner| &mut inner.workers);
        let mut sleep = pin!(None::<Sleep>);
        let mut set = None;
        let taken = poll_fn(|context| {
            loop {
                if let Some(found) = turn.look(context, Inner::take) {
                    return Poll::Ready(found);
                }
                // Whatever has changed is told before a rest.
                self.publish_all();
                let Some(until) = turn.until else {
                    sleep.set(None);
                    return Poll::Pending;
                };
                if set != Some(until) {
                    sleep.set(Some(sleep_until(until.into())));
                    set = Some(until);
                }
                if sleep.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(context).is_pending()) {
                    return Poll::Pending;
                }
                set = None;
            }
        })
        .await?;
        self.meter.waited(taken.waited());
        Some(taken)
    }

    pub(super) fn finish(&self, slot: u32, outcome: Outcome) {
        let mut inner = self.lock();
        let now = clock();
        // What is gone is dropped without the lock, as that is code of the key.
        let (worked, _gone) = inner.state.finish(now, slot, outcome);
        let wakes = inner.wakes(now);
        drop(inner);
        wakes.wake();
        self.meter.worked(worked);
        self.publish(now);
    }

    /// Tells whether a failure of what is worked on would not be counted now.
    pub(super) fn is_early(&self, slot: u32) -> bool {
        let inner = self.lock();
        inner.state.is_early(clock(), slot)
    }

    pub(super) fn forget(&self, key: &K) -> bool {
        let hash = self.random.hash_one(key);
        let mut inner = self.lock();
        let found = inner.state.find(hash, key);
        if let Some(slot) = found {
            inner.state.forget(slot);
        }
        found.is_some()
    }

    pub(super) fn drain(&self) {
        let mut inner = self.lock();
        let now = clock();
        inner.state.drain(now);
        let wakes = inner.wakes(now);
        drop(inner);
        wakes.wake();
    }

    pub(super) async fn drained(&self) {
        let mut turn = Turn::new(self, |inner| &mut inner.drainers);
        poll_fn(|context| {
            turn.look(context, |inner, _| inner.state.has_ended().then_some(()))
                .map_or(Poll::Pending, Poll::Ready)
        })
        .await;
    }

    pub(super) fn close(&self) -> Left<K> {
        let mut inner = self.lock();
        let now = clock();
        let left = inner.state.close();
        let wakes = inner.wakes(now);
        drop(inner);
        wakes.wake();
        self.publish_all();
        left
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().state.has_ended()
    }

    pub(super) fn stats(&self) -> QueueStats {
        let mut inner = self.lock();
        inner.state.stats(clock())
    }

    /// Tells the metrics where the queue stands.
    pub(super) fn publish_all(&self) {
        if self.meter.is_on() {
            let stats = self.stats();
            self.meter.publish(QueueFigures {
                depth: stats.depth,
                adds_total: stats.adds_total,
                retries_total: stats.retries_total,
                unfinished_work: stats.unfinished_work,
                longest_running_processor: stats.longest_running_processor,
            });
        }
    }

    fn publish(&self, now: Instant) {
        if self.meter.is_due(now) {
            self.publish_all();
        }
    }

    /// The only code of others that runs under the lock is the comparison of keys, and that before anything is changed, so
    /// a panic of it leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Inner<K>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Inner<K> {
    fn find(&self, marks: Marks, key: Option<&K>) -> Option<u32> {
        key.and_then(|key| self.state.find(marks.hash, key))
    }

    /// Nothing in it is the end.
    fn take(&mut self, now: Instant) -> Option<Option<Taken<K>>> {
        match self.state.take(now) {
            Take::Taken(taken) => Some(Some(taken)),
            Take::Ended => Some(None),
            Take::Wait => None,
        }
    }

    /// Returns who is to be woken after something has changed.
    #[inline]
    fn wakes(&mut self, now: Instant) -> Wakes {
        if self.workers.is_empty() && self.adders.is_empty() && self.drainers.is_empty() {
            return Wakes::default();
        }
        Wakes(Some(self.some_wakes(now)))
    }

    fn some_wakes(&mut self, now: Instant) -> Woken {
        let mut wakes = Woken::default();
        if self.state.has_ended() {
            wakes.all.append(&mut self.workers.all());
            wakes.all.append(&mut self.drainers.all());
        } else if !self.workers.is_empty() {
            let outlook = self.state.outlook(now);
            wakes.worker = self.workers.rouse(outlook.available, outlook.next);
        }
        if !self.adders.is_empty() {
            if self.state.is_open() {
                wakes.adder = self.adders.rouse(self.state.room(), None);
            } else {
                wakes.all.append(&mut self.adders.all());
            }
        }
        wakes
    }
}

/// Who is to be woken once the lock is free, since a waker is code of somebody else. Mostly nobody.
#[derive(Default)]
#[must_use = "whoever is not woken now sleeps for ever"]
struct Wakes(Option<Woken>);

#[derive(Default)]
struct Woken {
    worker: Option<Waker>,
    adder: Option<Waker>,
    all: Vec<Waker>,
}

impl Wakes {
    #[inline]
    fn wake(self) {
        if let Some(Woken { worker, adder, all }) = self.0 {
            worker.into_iter().chain(adder).chain(all).for_each(Waker::wake);
        }
    }
}

/// One who waits in one of the lines. When he gives up, whatever he was woken for is left to somebody else.
struct Turn<'a, K: Key> {
    shared: &'a Shared<K>,
    line: fn(&mut Inner<K>) -> &mut Waiters,
    ticket: Option<u64>,
    /// Until when to sleep, where this one holds the timer.
    until: Option<Instant>,
    has_waited: bool,
}

impl<'a, K: Key> Turn<'a, K> {
    fn new(shared: &'a Shared<K>, line: fn(&mut Inner<K>) -> &mut Waiters) -> Self {
        Self { shared, line, ticket: None, until: None, has_waited: false }
    }

    /// Looks whether there is something, and joins the line if there is not.
    fn look<R>(
        &mut self,
        context: &Context<'_>,
        mut find: impl FnMut(&mut Inner<K>, Instant) -> Option<R>,
    ) -> Option<R> {
        let mut waker = None;
        loop {
            let mut inner = self.shared.lock();
            let now = clock();
            let left = self.ticket.take().and_then(|ticket| (self.line)(&mut inner).leave(ticket));
            let found = find(&mut inner, now);
            let joins = if found.is_none() { waker.take() } else { None };
            let has_joined = joins.is_some();
            if let Some(waker) = joins {
                let next = inner.state.outlook(now).next;
                let line = (self.line)(&mut inner);
                let ticket = line.join(waker);
                self.until = line.hold_timer(ticket, next);
                (self.ticket, self.has_waited) = (Some(ticket), true);
            }
            let wakes = inner.wakes(now);
            drop(inner);
            wakes.wake();
            drop(left);
            if found.is_some() || has_joined {
                return found;
            }
            // To clone it is code of the runtime, and mostly it is not needed.
            waker = Some(context.waker().clone());
        }
    }
}

impl<K: Key> Drop for Turn<'_, K> {
    fn drop(&mut self) {
        if self.has_waited {
            let mut inner = self.shared.lock();
            let left = self.ticket.take().and_then(|ticket| (self.line)(&mut inner).leave(ticket));
            let wakes = inner.wakes(clock());
            drop(inner);
            wakes.wake();
            drop(left);
        }
    }
}
