//! How a queue is set up.

use std::fmt;
use std::hash::{BuildHasher as _, Hash};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::WorkQueue;
use super::limit::RateLimit;
use super::list;
use super::shared::{Grouping, Shared};
use super::state::Settings;
use crate::backoff::Jitter;
use crate::key::Key;

/// Sets up a [`WorkQueue`]. Everything has a default.
#[must_use = "it is `build` that makes the queue"]
pub struct WorkQueueBuilder<K: Key> {
    name: Option<String>,
    settings: Settings,
    grouping: Option<Grouping<K>>,
    of: PhantomData<fn(K)>,
}

impl<K: Key> WorkQueueBuilder<K> {
    pub(super) fn new() -> Self {
        let settings = Settings {
            capacity: 1_000_000,
            base: Duration::from_millis(5),
            cap: Duration::from_secs(1_000),
            jitter: Jitter::Full,
            limit: None,
            is_fair: false,
            bounds_new: false,
        };
        Self { name: None, settings, grouping: None, of: PhantomData }
    }

    /// Takes the name by which metrics know the queue. Without one they do not know it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Takes how many different keys there may be at a time, whether ready, delayed or worked on; 1,000,000 by default,
    /// which take some 200 MB. Zero is taken for one.
    pub fn capacity(mut self, keys: usize) -> Self {
        self.settings.capacity = keys.clamp(1, list::HIGHEST as usize);
        self
    }

    /// Lets what has been worked on and comes back stand beside the capacity, so that it keeps nothing new out for ever.
    pub(crate) fn bounding_new_keys(mut self) -> Self {
        self.settings.bounds_new = true;
        self
    }

    /// Takes how long a key waits after a failure: up to `base` after the first one, twice as long after each further one,
    /// and never longer than `cap`. By default 5 ms and 1,000 s, as in Kubernetes' clients: the first is about as long as
    /// what is often only in the way, the second is reached after 19 failures.
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        (self.settings.base, self.settings.cap) = (base, cap);
        self
    }

    /// Takes how these waits are spread; [`Jitter::Full`] by default.
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.settings.jitter = jitter;
        self
    }

    /// Takes how many keys are handed out in a time; as many as are asked for by default.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.settings.limit = Some(limit);
        self
    }

    /// Takes what keys have in common that are to have one turn together, as a tenant: those who have something ready are
    /// served by turns, one key each, so that a flood of one does not hold up the others. It holds among keys of one
    /// priority. By default all keys are in one line.
    ///
    /// It is asked at every add, before the lock of the queue is taken. Its panic is that of the add.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use reloadable::WorkQueue;
    ///
    /// let queue = WorkQueue::builder().fairness(|(tenant, _): &(u32, &str)| *tenant).build();
    /// for key in [(1, "a"), (1, "b"), (1, "c"), (2, "d")] {
    ///     queue.try_add(key)?;
    /// }
    /// let mut order = Vec::new();
    /// for _ in 0..4 {
    ///     let Some(item) = queue.next().await else { break };
    ///     order.push(item.key().1);
    ///     item.done();
    /// }
    /// assert_eq!(order, ["a", "d", "b", "c"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fairness<G: Hash>(mut self, group: impl Fn(&K) -> G + Send + Sync + 'static) -> Self {
        self.settings.is_fair = true;
        self.grouping = Some(Box::new(move |key, random| random.hash_one(group(key))));
        self
    }

    /// Makes the queue.
    #[must_use]
    pub fn build(self) -> WorkQueue<K> {
        let shared = Shared::new(self.settings, self.grouping, self.name.as_deref());
        WorkQueue { shared: Arc::new(shared), name: self.name.map(Arc::from) }
    }
}

impl<K: Key> fmt::Debug for WorkQueueBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkQueueBuilder")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
