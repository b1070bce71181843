//! A key that is worked on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Outcome;
use super::ready::Priority;
use super::shared::Shared;
use super::state::Taken;
use crate::key::Key;

/// A key that was handed out by a [`WorkQueue`](crate::WorkQueue), to nobody else until this is over.
///
/// It ends with [`done`](Self::done), [`requeue_after`](Self::requeue_after), [`retry`](Self::retry) or
/// [`retry_after`](Self::retry_after). When it is dropped without a word, as by a panic or by a task that is aborted, the work has failed, as with `retry`.
///
/// # Examples
///
/// ```
/// use reloadable::{Item, WorkQueue};
///
/// fn reconcile(name: &str) -> std::io::Result<()> {
///     // ..
/// #    let _ = name;
///     Ok(())
/// }
///
/// async fn work(queue: WorkQueue<String>) {
///     while let Some(item) = queue.next().await {
///         match reconcile(item.key()) {
///             Ok(()) => item.done(),
///             Err(error) if item.attempts() < 10 => {
///                 eprintln!("{}: {error}", item.key());
///                 item.retry();
///             }
///             Err(error) => {
///                 eprintln!("{}: given up: {error}", item.key());
///                 item.done();
///             }
///         }
///     }
/// }
/// # let _ = work;
/// ```
#[must_use = "an item that is dropped has failed"]
pub struct Item<K: Key> {
    shared: Arc<Shared<K>>,
    taken: Taken<K>,
    is_over: bool,
}

impl<K: Key> Item<K> {
    pub(super) fn new(shared: Arc<Shared<K>>, taken: Taken<K>) -> Self {
        Self { shared, taken, is_over: false }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.taken.key
    }

    /// Returns how urgent the key was.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.taken.priority
    }

    /// Returns how often in a row the work on this key has failed so far: zero at first. A run that an event brought about
    /// before the backoff had passed is not counted when it fails, unless it lasts beyond that.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.taken.failures
    }

    /// Returns for how long the key was ready until it was handed out.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.taken.waited()
    }

    /// Says that the work is done: its failures are forgotten, and so is the key, unless it was added again meanwhile.
    pub fn done(self) {
        self.end(Outcome::Done);
    }

    /// Says that the work is done, and is to be done again after a while, or earlier if the key is added meanwhile. Its
    /// failures are forgotten, and if it was urgent, it is so no more: it comes back as [`Priority::Normal`] at most.
    pub fn requeue_after(self, delay: Duration) {
        self.end(Outcome::RequeueAfter(delay));
    }

    /// Says that the work has failed: it is due again after the backoff of the queue, or earlier if the key is added
    /// meanwhile.
    pub fn retry(self) {
        self.end(Outcome::Failed);
    }

    /// Says that the work has failed, and is due again after this while instead of the backoff, as where the other side said
    /// for how long it will not answer; or earlier if the key is added meanwhile. It is a failure like any other.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// fn turned_away(item: reloadable::Item<String>, retry_after: Option<Duration>) {
    ///     match retry_after {
    ///         Some(wait) => item.retry_after(wait),
    ///         None => item.retry(),
    ///     }
    /// }
    /// ```
    pub fn retry_after(self, delay: Duration) {
        self.end(Outcome::RetryAfter(delay));
    }

    /// Says that the work is not tried again for now: the key is forgotten, unless something new was told of it meanwhile.
    pub(crate) fn give_up(self) {
        self.end(Outcome::GivenUp);
    }

    /// Tells whether the backoff has not passed yet, so that a failure now does not count.
    pub(crate) fn is_early(&self) -> bool {
        self.shared.is_early(self.taken.slot)
    }

    fn end(mut self, outcome: Outcome) {
        self.is_over = true;
        self.shared.finish(self.taken.slot, outcome);
    }
}

impl<K: Key> Drop for Item<K> {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.finish(self.taken.slot, Outcome::Failed);
        }
    }
}

impl<K: Key> fmt::Debug for Item<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("key", &self.taken.key)
            .field("priority", &self.taken.priority)
            .field("attempts", &self.taken.failures)
            .finish_non_exhaustive()
    }
}
