//! The work queue: keys that are to be worked on, each by one worker at a time.

mod builder;
mod error;
mod item;
mod limit;
mod list;
mod ready;
mod shared;
mod state;
mod stats;
mod table;
mod waiters;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::builder::WorkQueueBuilder;
pub use self::error::AddError;
pub use self::item::Item;
pub use self::limit::RateLimit;
pub use self::ready::Priority;
use self::shared::Shared;
use self::state::{Left, Marks, Take};
pub use self::stats::{DurationStats, QueueStats};
use crate::key::Key;

/// A queue of keys that are to be worked on. A key says where something has changed, and no more: whoever works on it looks
/// for himself what there is now.
///
/// - A key is there once, however often it is added: it is ready, delayed, or worked on.
/// - A key is worked on by one worker at a time. What is added meanwhile is handed out once more, after that.
/// - What has failed comes again, after a wait that grows with its failures and is different for each key.
/// - Urgent keys go first, and the others make progress: see [`Priority`]. With
///   [`fairness`](WorkQueueBuilder::fairness) groups of keys take turns.
/// - It holds as many keys as it may and no more, and of a key that is done nothing is kept.
///
/// Cheap to clone, and every clone is the same queue. It needs no task: those who wait for keys wait for time to pass as
/// well, one for all of them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use reloadable::{Add, Priority, WorkQueue};
///
/// let queue = WorkQueue::builder().name("routes").build();
/// queue.add("api").await?;
/// queue.add("api").await?;
/// queue.add_with("web", Add::new().after(Duration::from_millis(10))).await?;
/// queue.add_with("admin", Add::new().priority(Priority::High)).await?;
///
/// let mut order = Vec::new();
/// for _ in 0..3 {
///     let Some(item) = queue.next().await else { break };
///     order.push(*item.key());
///     item.done();
/// }
/// assert_eq!(order, ["admin", "api", "web"]);
/// # Ok(())
/// # }
/// ```
pub struct WorkQueue<K: Key> {
    shared: Arc<Shared<K>>,
    name: Option<Arc<str>>,
}

/// How a key is added: when, and how urgent it is. By default at once and [`Priority::Normal`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::{Add, Priority};
///
/// let resync = Add::new().after(Duration::from_secs(60)).priority(Priority::Low);
/// # let _ = resync;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "it does nothing until a key is added with it"]
pub struct Add {
    after: Duration,
    priority: Priority,
    is_patient: bool,
}

/// How the work on a key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    RequeueAfter(Duration),
    Failed,
    /// As failed, but the wait is given.
    RetryAfter(Duration),
    /// As done, but what was added meanwhile with patience is forgotten as well.
    GivenUp,
}

impl Outcome {
    fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::RetryAfter(_))
    }
}

/// What a queue still had when it was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining<K> {
    ready: Vec<K>,
    delayed: Vec<K>,
    in_work: Vec<K>,
}

impl Add {
    /// Returns what is done by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes how long the key is to wait. If it waits already, the earlier time counts; and what is ready stays so. More
    /// than 30 years are taken for 30 years.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// Takes how urgent the key is. If it waits already, the higher priority counts, and for one that is raised it waits in
    /// the new line, at the end.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Leaves a key that waits because it has failed where it is: for whatever tells nothing new, as a resync, which would
    /// else have everything tried at once that fails. A key that has not failed comes as told.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Add, Priority};
    ///
    /// let resync = Add::new().priority(Priority::Low).respecting_backoff();
    /// # let _ = resync;
    /// ```
    pub fn respecting_backoff(mut self) -> Self {
        self.is_patient = true;
        self
    }
}

impl<K: Key> WorkQueue<K> {
    /// Begins to set up a queue.
    pub fn builder() -> WorkQueueBuilder<K> {
        WorkQueueBuilder::new()
    }

    /// Adds a key that is to be worked on now, and waits for room if there is none.
    ///
    /// Whoever works on keys of this queue and adds others to it should rather use [`try_add`](Self::try_add): what he
    /// works on takes room as well.
    ///
    /// # Errors
    ///
    /// Fails if the queue is closed or is being drained.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the key is not added, and room that was for it is left to somebody else.
    pub async fn add(&self, key: K) -> Result<(), AddError<K>> {
        self.add_with(key, Add::new()).await
    }

    /// Adds a key as told, and waits for room if there is none: see [`add`](Self::add).
    ///
    /// # Errors
    ///
    /// Fails if the queue is closed or is being drained.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the key is not added, and room that was for it is left to somebody else.
    pub async fn add_with(&self, key: K, add: Add) -> Result<(), AddError<K>> {
        match self.try_add_with(key, add) {
            Err(error) if error.is_full() => {
                let key = error.into_key();
                let marks = self.shared.marks(&key);
                let mut key = Some(key);
                let added = self.shared.add_in_time(marks, &mut key, &add).await;
                added.or_else(|refused| key.map_or(Ok(()), |key| Err(AddError::new(key, refused))))
            }
            added => added,
        }
    }

    /// Adds a key that is to be worked on now. A key that the queue has already can always be added.
    ///
    /// # Errors
    ///
    /// Fails if the queue is full, closed, or is being drained.
    pub fn try_add(&self, key: K) -> Result<(), AddError<K>> {
        self.try_add_with(key, Add::new())
    }

    /// Adds a key as told. A key that the queue has already can always be added.
    ///
    /// # Errors
    ///
    /// Fails if the queue is full, closed, or is being drained.
    pub fn try_add_with(&self, key: K, add: Add) -> Result<(), AddError<K>> {
        self.add_marked(self.shared.marks(&key), key, &add)
    }

    fn add_marked(&self, marks: Marks, key: K, add: &Add) -> Result<(), AddError<K>> {
        let mut key = Some(key);
        let added = self.shared.add(marks, &mut key, add);
        added.or_else(|refused| key.map_or(Ok(()), |key| Err(AddError::new(key, refused))))
    }

    /// Adds a key as told, and clones it only if that changes something: for whoever hears of the same keys again and again.
    ///
    /// # Errors
    ///
    /// Fails if the queue is full, closed, or is being drained.
    pub fn try_add_ref(&self, key: &K, add: Add) -> Result<(), AddError<K>> {
        let marks = self.shared.marks(key);
        if self.shared.covers(marks, key, &add) {
            return Ok(());
        }
        self.add_marked(marks, key.clone(), &add)
    }

    /// Waits for the next key, and hands it out; nothing once the queue is closed, or was drained.
    ///
    /// Any number of workers may wait. For each key one of them is woken, whoever has waited for longest.
    ///
    /// # Panics
    ///
    /// Panics where a key is delayed and this is awaited outside of a runtime of tokio, or in one without time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: the key that it was woken for is left to another worker.
    pub async fn next(&self) -> Option<Item<K>> {
        // Whoever always finds something would else never let others run.
        tokio::task::consume_budget().await;
        let taken = match self.shared.take() {
            Take::Taken(taken) => taken,
            Take::Ended => return None,
            // What waiting needs is not needed where there is something.
            Take::Wait => self.shared.take_in_time().await?,
        };
        Some(Item::new(Arc::clone(&self.shared), taken))
    }

    /// Forgets how often a key has failed, and tells whether the queue has it. It comes when it was due.
    pub fn forget(&self, key: &K) -> bool {
        self.shared.forget(key)
    }

    /// Returns what the queue has done and is doing.
    #[must_use]
    pub fn stats(&self) -> QueueStats {
        self.shared.stats()
    }

    /// Tells the metrics where the queue stands. It does so by itself, but only when something happens, so call this every
    /// now and then if you want to see that work does not end.
    #[cfg(feature = "metrics")]
    pub fn publish_metrics(&self) {
        self.shared.publish_all();
    }

    /// Takes nothing any more. Whoever works may go on to take what is ready, or leave it.
    pub(crate) fn stop(&self) {
        self.shared.drain();
    }

    /// Takes nothing any more, hands out what is ready, and waits until it is worked on, but no longer than told. Then the
    /// queue is closed. Returns what was left: what failed meanwhile or was delayed anyway, and what did not end in time.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the queue still takes nothing, and hands out what it has: it can be drained
    /// again, or shut down.
    pub async fn drain(&self, within: Duration) -> Remaining<K> {
        self.shared.drain();
        // When time is up, the queue is closed as well.
        let _ = tokio::time::timeout(within, self.shared.drained()).await;
        self.shutdown()
    }

    /// Closes the queue at once: it takes nothing and hands out nothing any more. Returns what was left. What is worked on
    /// may end as it likes. To do it twice is to do it once.
    pub fn shutdown(&self) -> Remaining<K> {
        Remaining::new(self.shared.close())
    }

    /// Tells whether nothing will be handed out any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.has_ended()
    }
}

impl<K: Key> Clone for WorkQueue<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), name: self.name.clone() }
    }
}

impl<K: Key> fmt::Debug for WorkQueue<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkQueue")
            .field("name", &self.name)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<K: Key> Remaining<K> {
    /// Clones keys that somebody still works on, which is code of theirs, so it is done without a lock.
    fn new(left: Left<K>) -> Self {
        let keys = |keys: Vec<Arc<K>>| keys.into_iter().map(Arc::unwrap_or_clone).collect();
        Self { ready: keys(left.ready), delayed: keys(left.delayed), in_work: keys(left.in_work) }
    }
}

impl<K> Remaining<K> {
    /// Returns the keys that were ready and have not been handed out.
    #[must_use]
    pub fn ready(&self) -> &[K] {
        &self.ready
    }

    /// Returns the keys that were to become ready later, or have failed.
    #[must_use]
    pub fn delayed(&self) -> &[K] {
        &self.delayed
    }

    /// Returns the keys that are still worked on.
    #[must_use]
    pub fn in_work(&self) -> &[K] {
        &self.in_work
    }

    /// Tells whether nothing was left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.delayed.is_empty() && self.in_work.is_empty()
    }

    /// Gives all keys away.
    #[must_use]
    pub fn into_keys(self) -> Vec<K> {
        self.ready.into_iter().chain(self.delayed).chain(self.in_work).collect()
    }
}
