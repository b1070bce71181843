//! Tells whether code is run by a reload, which would wait for itself if that code asked for another one.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind};

tokio::task_local! {
    static INSIDE: Marker;
}

/// Which reloader this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker(u64);

impl Marker {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Only that they differ matters.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs what this reloader waits for.
    pub(super) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        INSIDE.scope(self, future)
    }

    /// Runs what this reloader waits for, on another thread.
    pub(super) fn sync_scope<R>(self, run: impl FnOnce() -> R) -> R {
        INSIDE.sync_scope(self, run)
    }

    /// Tells whether this code is run by this reloader.
    pub(crate) fn is_here(self) -> bool {
        INSIDE.try_with(|inside| *inside == self).unwrap_or(false)
    }

    /// Refuses what would wait for itself.
    pub(crate) fn refuse(self, call: &str) -> Result<(), Error> {
        if !self.is_here() {
            return Ok(());
        }
        let message = format!(
            "`{call}` was called by code that the reload itself waits for, as a gate; call it from a task of its own, \
             without waiting for it here"
        );
        Err(Error::saying(ErrorKind::Deadlock, "inside", message))
    }
}
