//! How events come to those who want them: each has a queue of its own, so that nobody waits for anybody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::event::Event;
use super::pending::Pending;
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::progress::{LastChange, Roster, Subscriber};

/// What was told at once: what a batch has changed in the store, or something that changes nothing.
pub(super) struct Told<K: Key, T> {
    /// That of the store with all this.
    pub(super) generation: u64,
    pub(super) has_changed: bool,
    pub(super) events: Vec<Event<K, T>>,
}

impl<K: Key, T> Told<K, T> {
    /// Tells whether somebody who has the store of this generation has this already.
    pub(super) fn is_in(&self, generation: u64) -> bool {
        if self.has_changed { self.generation <= generation } else { self.generation < generation }
    }
}

/// Tells everybody who wants to know.
pub(super) struct Feed<K: Key, T> {
    queues: Arc<Mutex<Queues<K, T>>>,
    lagged: Arc<AtomicU64>,
    /// Those who acknowledge.
    pub(super) roster: Roster,
    /// When the store last changed.
    last_change: LastChange,
}

struct Queues<K: Key, T> {
    all: Vec<Weak<Queue<K, T>>>,
    is_closed: bool,
}

impl<K: Key, T> Clone for Feed<K, T> {
    fn clone(&self) -> Self {
        Self {
            queues: Arc::clone(&self.queues),
            lagged: Arc::clone(&self.lagged),
            roster: self.roster.clone(),
            last_change: self.last_change.clone(),
        }
    }
}

/// What waits for one subscriber.
pub(super) struct Queue<K: Key, T> {
    content: Mutex<Content<K, T>>,
    pub(super) woken: Notify,
}

struct Content<K: Key, T> {
    waiting: Waiting<K, T>,
    is_closed: bool,
}

enum Waiting<K: Key, T> {
    /// One after the other, up to a number of events.
    Each { told: VecDeque<Arc<Told<K, T>>>, events: usize, most: usize, missed: u64 },
    /// What they come to, by key.
    Merged(Pending<K, T>),
}

/// What a subscriber finds.
pub(super) enum Next<K: Key, T> {
    Told(Arc<Told<K, T>>),
    /// So many events were dropped.
    Missed(u64),
    Nothing,
    /// Nothing will come any more.
    Closed,
}

impl<K: Key, T: Reloadable> Feed<K, T> {
    pub(super) fn new() -> Self {
        Self {
            queues: Arc::new(Mutex::new(Queues { all: Vec::new(), is_closed: false })),
            lagged: Arc::new(AtomicU64::new(0)),
            roster: Roster::new(0),
            last_change: LastChange::new(),
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues<K, T>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a queue of single events. From here on nothing is missed.
    pub(super) fn each(&self, most: usize) -> Arc<Queue<K, T>> {
        self.enter(Waiting::Each { told: VecDeque::new(), events: 0, most, missed: 0 })
    }

    /// Begins a queue of what events come to.
    pub(super) fn merged(&self) -> Arc<Queue<K, T>> {
        self.enter(Waiting::Merged(Pending::new()))
    }

    fn enter(&self, waiting: Waiting<K, T>) -> Arc<Queue<K, T>> {
        let mut queues = self.queues();
        let content = Mutex::new(Content { waiting, is_closed: queues.is_closed });
        let queue = Arc::new(Queue { content, woken: Notify::new() });
        queues.all.retain(|queue| queue.strong_count() > 0);
        queues.all.push(Arc::downgrade(&queue));
        queue
    }

    /// Begins to wait for one who acknowledges, and has everything up to this generation.
    pub(super) fn acknowledging(&self, name: Arc<str>, seen: u64) -> Subscriber {
        self.roster.enter(self.last_change.clone(), seen).acknowledging(name, seen)
    }

    /// Returns how often somebody was so slow that events were dropped.
    pub(super) fn lagged(&self) -> u64 {
        self.lagged.load(Ordering::Relaxed)
    }

    /// Tells all of them, and waits for none. The store has it already.
    pub(super) fn tell(&self, told: Told<K, T>) {
        if told.has_changed {
            self.last_change.set(told.generation);
            self.roster.judged(told.generation);
        }
        if told.events.is_empty() {
            return;
        }
        let told = Arc::new(told);
        let queues: Vec<_> = self.queues().all.iter().filter_map(Weak::upgrade).collect();
        for queue in queues {
            let dropped = queue.take_in(&told, &self.lagged);
            queue.woken.notify_one();
            // With it may go the last of an object, so no lock is held.
            let _ = guarded::<T, _>("dropping objects", || drop(dropped));
            let _ = guarded::<T, _>("dropping objects", || drop(queue));
        }
        let _ = guarded::<T, _>("dropping objects", || drop(told));
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        self.roster.close();
        let queues: Vec<_> = {
            let mut queues = self.queues();
            queues.is_closed = true;
            queues.all.drain(..).filter_map(|queue| queue.upgrade()).collect()
        };
        for queue in queues {
            queue.content().is_closed = true;
            queue.woken.notify_one();
            let _ = guarded::<T, _>("dropping objects", || drop(queue));
        }
    }
}

impl<K: Key, T> Queue<K, T> {
    fn content(&self) -> MutexGuard<'_, Content<K, T>> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is no longer waited for.
    fn take_in(&self, new: &Arc<Told<K, T>>, lagged: &AtomicU64) -> Dropped<K, T> {
        match &mut self.content().waiting {
            Waiting::Each { told, events, most, missed } => {
                let count = new.events.len();
                // However much was told at once has its place, since it is there anyway; or else nobody could be told of
                // more than fits.
                if *missed == 0 && (told.is_empty() || *events + count <= *most) {
                    told.push_back(Arc::clone(new));
                    *events += count;
                    return Dropped::Nothing;
                }
                lagged.fetch_add(u64::from(*missed == 0), Ordering::Relaxed);
                *missed += (*events + count) as u64;
                *events = 0;
                Dropped::Told(std::mem::take(told))
            }
            Waiting::Merged(pending) => Dropped::Merged(pending.take_in(new)),
        }
    }

    /// Returns what is next for one who is told each event.
    pub(super) fn next(&self) -> Next<K, T> {
        let mut content = self.content();
        let is_closed = content.is_closed;
        let Waiting::Each { told, events, missed, .. } = &mut content.waiting else { return Next::Closed };
        if *missed > 0 {
            return Next::Missed(std::mem::take(missed));
        }
        match told.pop_front() {
            Some(told) => {
                *events -= told.events.len();
                Next::Told(told)
            }
            None if is_closed => Next::Closed,
            None => Next::Nothing,
        }
    }

    /// Gives what one who is told what events come to has of them; nothing once there is nothing left to come.
    pub(super) fn merged<R>(&self, give: impl FnOnce(&mut Pending<K, T>) -> Option<R>) -> Option<Option<R>> {
        let mut content = self.content();
        let is_closed = content.is_closed;
        let Waiting::Merged(pending) = &mut content.waiting else { return None };
        match give(pending) {
            Some(given) => Some(Some(given)),
            None if is_closed => None,
            None => Some(None),
        }
    }
}

/// What is to be dropped where no lock is held.
#[allow(dead_code, reason = "it is there to be dropped")]
enum Dropped<K: Key, T> {
    Nothing,
    Told(VecDeque<Arc<Told<K, T>>>),
    Merged(Vec<Arc<T>>),
}
