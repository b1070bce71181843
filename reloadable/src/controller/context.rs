//! What a run knows besides its key.

use std::fmt;
use std::sync::Arc;

use super::record::Removed;
use crate::collection::Lister;
use crate::key::Key;
use crate::load::Reloadable;

/// What a run on a key can look at. It does not say what has happened: whoever reconciles brings everything to where it
/// should be from whatever it is now, since what has happened may have happened several times, or before a restart.
///
/// # Examples
///
/// ```
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct Route { upstream: String }
/// # async fn open(_: &str, _: &str) -> std::io::Result<()> { Ok(()) }
/// # async fn close(_: &str) -> std::io::Result<()> { Ok(()) }
/// use reloadable::{ReconcileContext, ReconcileError, Requeue};
///
/// async fn reconcile(name: String, context: ReconcileContext<Route>) -> Result<Requeue, ReconcileError> {
///     match context.get() {
///         Some(route) => open(&name, &route.upstream).await?,
///         None => close(&name).await?,
///     }
///     Ok(Requeue::done())
/// }
/// # let _ = reconcile;
/// ```
pub struct ReconcileContext<T, K: Key = String> {
    pub(super) key: K,
    pub(super) lister: Lister<K, T>,
    pub(super) attempt: u32,
    pub(super) removed: Option<Removed<T>>,
}

impl<T: Reloadable, K: Key> ReconcileContext<T, K> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Returns the object as it is at this moment; nothing if there is none, so that what was made for it is to be taken
    /// down.
    #[must_use]
    pub fn get(&self) -> Option<Arc<T>> {
        self.lister.get(&self.key)
    }

    /// Returns the object as it was when it was removed, if that has happened since the last run that succeeded, for what
    /// is to be taken down and cannot be told from the key. There may be another one by now.
    ///
    /// This is best effort: what was removed while the program did not run is not known. Where that matters, look at what
    /// there is, and not at this.
    #[must_use]
    pub fn last(&self) -> Option<Arc<T>> {
        self.removed.as_ref().map(|removed| Arc::clone(&removed.object))
    }

    /// Returns what reads all objects.
    #[must_use]
    pub fn lister(&self) -> &Lister<K, T> {
        &self.lister
    }

    /// Returns the how manieth try this is since the last run that succeeded, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl<T, K: Key> Clone for ReconcileContext<T, K> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            lister: self.lister.clone(),
            attempt: self.attempt,
            removed: self.removed.clone(),
        }
    }
}

/// The object may have secrets, so it is not shown.
impl<T, K: Key> fmt::Debug for ReconcileContext<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconcileContext")
            .field("key", &self.key)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
