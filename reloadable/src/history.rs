//! The last snapshots that were published.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::publish::Snapshot;
use crate::status::Attempt;

/// A snapshot that was published, and the attempt that published it, with what changed.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
/// document.replace("workers = 8");
/// config.blocking_reload();
/// for published in config.history() {
///     println!("{}: {}", published.snapshot().generation(), published.attempt());
/// }
/// # assert_eq!(config.history().len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Published<T> {
    snapshot: Arc<Snapshot<T>>,
    attempt: Attempt,
}

impl<T> Published<T> {
    /// Returns the snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.snapshot
    }

    /// Returns the attempt: when, why, and what changed.
    #[must_use]
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }
}

impl<T> Clone for Published<T> {
    fn clone(&self) -> Self {
        Self { snapshot: Arc::clone(&self.snapshot), attempt: self.attempt.clone() }
    }
}

impl<T> fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("generation", &self.snapshot.generation())
            .field("attempt", &self.attempt)
            .finish()
    }
}

/// The last ones, the newest at the end. Clones share it.
pub(crate) struct History<T> {
    published: Arc<Mutex<VecDeque<Published<T>>>>,
    limit: usize,
}

impl<T> Clone for History<T> {
    fn clone(&self) -> Self {
        Self { published: Arc::clone(&self.published), limit: self.limit }
    }
}

impl<T> History<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { published: Arc::default(), limit }
    }

    /// Takes in what was published. What is forgotten for it is returned, to be dropped where the application's
    /// destructors may run.
    #[must_use]
    pub(crate) fn push(&self, snapshot: Arc<Snapshot<T>>, attempt: Attempt) -> Vec<Published<T>> {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.push_back(Published { snapshot, attempt });
        let more = published.len().saturating_sub(self.limit);
        published.drain(..more).collect()
    }

    pub(crate) fn all(&self) -> Vec<Published<T>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn get(&self, generation: u64) -> Option<Arc<Snapshot<T>>> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let found = published.iter().find(|published| published.snapshot.generation() == generation)?;
        Some(Arc::clone(&found.snapshot))
    }
}
