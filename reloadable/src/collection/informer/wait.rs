//! What is waited for: each with a deadline, and with what the source said last where it passes.

use std::cmp::Ordering;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Informer;
use super::status::InformerStatus;
use crate::document::Revision;
use crate::error::{Error, ErrorKind, SourceError};
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::progress::Reached;
use crate::reloader::verdict;
use crate::report::Violation;
use crate::status::SourceState;
use crate::subscribe::{block_on, park_until};

impl<T: Reloadable, K: Key> Informer<T, K> {
    /// Waits until a list was complete and is in the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) with what the source said last, if it takes longer, and [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the
    /// informer has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// informer.wait_synced(Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_synced(&self, timeout: Duration) -> Result<(), Error> {
        self.within("the first list", timeout, self.synced()).await
    }

    /// Waits as [`wait_synced`](Self::wait_synced) does, and blocks the thread while it waits. It needs no runtime, and
    /// must not be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`wait_synced`](Self::wait_synced).
    pub fn blocking_wait_synced(&self, timeout: Duration) -> Result<(), Error> {
        self.blocking_within("the first list", timeout, self.synced())
    }

    async fn synced(&self) -> Result<(), Error> {
        until(self.status.clone(), |status| Ok(status.has_synced)).await
    }

    /// Waits until it is known that the store was as the source no longer ago than `age`, by a list or by what the source
    /// told, and until the source can be followed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) with what the source said last, if it takes longer, and
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the informer has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// informer.wait_fresh(Duration::from_secs(60), Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_fresh(&self, age: Duration, timeout: Duration) -> Result<(), Error> {
        self.within("the source being confirmed", timeout, self.fresh(age)).await
    }

    /// Waits as [`wait_fresh`](Self::wait_fresh) does, and blocks the thread while it waits. It needs no runtime, and must
    /// not be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`wait_fresh`](Self::wait_fresh).
    pub fn blocking_wait_fresh(&self, age: Duration, timeout: Duration) -> Result<(), Error> {
        self.blocking_within("the source being confirmed", timeout, self.fresh(age))
    }

    async fn fresh(&self, age: Duration) -> Result<(), Error> {
        let is_fresh = |status: &InformerStatus<K>| {
            Ok(status.is_connected() && status.lag().is_some_and(|lag| lag <= age))
        };
        until(self.status.clone(), is_fresh).await
    }

    /// Waits until the object with this key is as wanted, and returns whether it is there. `is_wanted` is asked once a
    /// first list was complete, since nobody knows before what is gone, and after each change; what is there only for a
    /// moment may be missed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it takes longer, with what the source said last, [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the informer
    /// has ended, and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if `is_wanted` panicked.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// let api = "api".to_owned();
    /// let is_open = |route: Option<&Route>| route.is_some_and(|route| route.contains_key("port"));
    /// informer.wait_for(&api, is_open, Duration::from_secs(5)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for(
        &self,
        key: &K,
        is_wanted: impl FnMut(Option<&T>) -> bool,
        timeout: Duration,
    ) -> Result<Option<Arc<T>>, Error> {
        self.within("what was waited for", timeout, self.wanted(key, is_wanted)).await
    }

    /// Waits as [`wait_for`](Self::wait_for) does, and blocks the thread while it waits. It needs no runtime, and must not
    /// be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Self::wait_for).
    pub fn blocking_wait_for(
        &self,
        key: &K,
        is_wanted: impl FnMut(Option<&T>) -> bool,
        timeout: Duration,
    ) -> Result<Option<Arc<T>>, Error> {
        self.blocking_within("what was waited for", timeout, self.wanted(key, is_wanted))
    }

    async fn wanted(
        &self,
        key: &K,
        mut is_wanted: impl FnMut(Option<&T>) -> bool,
    ) -> Result<Option<Arc<T>>, Error> {
        let mut found = None;
        until(self.status.clone(), |status| {
            if !status.has_synced {
                return Ok(false);
            }
            found = self.lister.get(key);
            guarded::<T, _>("looking at an object", || is_wanted(found.as_deref())).map_err(Error::invalid)
        })
        .await?;
        Ok(found)
    }

    /// Waits until everything is in the store that the source had at this revision, as one has it from what wrote to the
    /// source.
    ///
    /// Where the source cannot tell which of two revisions is the newer one, that is so once it has come to this very
    /// revision, or a list was complete that began after this call.
    ///
    /// While objects are kept that were missing in a list, see [`RemovalGuard`](crate::RemovalGuard), that is not so yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it takes longer, with what the source said last, and [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the
    /// informer has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// // What the store of the source answered when something was written to it.
    /// let written = reloadable::Revision::new("1207");
    /// informer.wait_for_revision(&written, Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for_revision(&self, revision: &Revision, timeout: Duration) -> Result<(), Error> {
        self.within("the revision", timeout, self.reached(revision)).await
    }

    /// Waits as [`wait_for_revision`](Self::wait_for_revision) does, and blocks the thread while it waits. It needs no
    /// runtime, and must not be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`wait_for_revision`](Self::wait_for_revision).
    pub fn blocking_wait_for_revision(&self, revision: &Revision, timeout: Duration) -> Result<(), Error> {
        self.blocking_within("the revision", timeout, self.reached(revision))
    }

    async fn reached(&self, revision: &Revision) -> Result<(), Error> {
        let mut begun = None;
        until(self.status.clone(), |status| {
            // One that runs already may have passed by what was written.
            let begun = *begun.get_or_insert(status.begun);
            let is_relisted = status.listed > begun;
            if status.withheld > 0 {
                return Ok(false);
            }
            let Some(reached) = &status.revision else { return Ok(is_relisted) };
            let compared = catch_unwind(AssertUnwindSafe(|| (self.compare)(reached, revision)));
            Ok(match compared.unwrap_or(None) {
                Some(order) => order != Ordering::Less,
                None => reached == revision || is_relisted,
            })
        })
        .await
    }

    /// Waits until every subscriber that [acknowledges](crate::Events::acknowledging) has applied what led to this
    /// generation of the store, which is in its [`View`](crate::View).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotApplied`] when the time is over, and before that as soon as everybody has answered and somebody
    ///   could not apply it. The report has one violation for each who did not: of the code `not_applied` if nothing was
    ///   heard, and `failed` with the reason otherwise; or one of the code `not_published`.
    /// - [`ErrorKind::Unavailable`] with what the source said last, if the store has not come to that generation in time,
    ///   and the source is why.
    /// - [`ErrorKind::Closed`] if the informer has ended before.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// // Everything that is in the store by now has been taken into use.
    /// let generation = informer.lister().snapshot().generation();
    /// informer.wait_applied(generation, Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_applied(&self, generation: u64, timeout: Duration) -> Result<(), Error> {
        let answered = tokio::time::timeout(timeout, self.feed.roster.answered(generation)).await;
        self.applied(generation, answered.ok())
    }

    /// Waits as [`wait_applied`](Self::wait_applied) does, and blocks the thread while it waits. It needs no runtime, and
    /// must not be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`wait_applied`](Self::wait_applied).
    pub fn blocking_wait_applied(&self, generation: u64, timeout: Duration) -> Result<(), Error> {
        let answered = blocking_for(timeout, self.feed.roster.answered(generation));
        self.applied(generation, answered)
    }

    fn applied(&self, generation: u64, answered: Option<Reached>) -> Result<(), Error> {
        let reached = answered.unwrap_or_else(|| self.feed.roster.reached(generation));
        if matches!(reached, Reached::NotYet(published, _) if published < generation) {
            if let Some(error) = &self.status.borrow().last_error {
                return Err(unavailable(error));
            }
        }
        verdict(generation, reached)
    }

    async fn within<R>(
        &self,
        what: &str,
        timeout: Duration,
        waiting: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        match tokio::time::timeout(timeout, waiting).await {
            Ok(found) => found,
            Err(_) => Err(self.late(what, timeout)),
        }
    }

    fn blocking_within<R>(
        &self,
        what: &str,
        timeout: Duration,
        waiting: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        blocking_for(timeout, waiting).unwrap_or_else(|| Err(self.late(what, timeout)))
    }

    /// Says why something did not happen in time.
    fn late(&self, what: &str, timeout: Duration) -> Error {
        match &self.status.borrow().last_error {
            Some(error) => unavailable(error),
            None => {
                let kept = match self.status.borrow().withheld {
                    0 => String::new(),
                    kept => format!("; {kept} objects are kept that were missing in the last list"),
                };
                let message = format!("{what} did not happen within {timeout:?}{kept}");
                Error::saying(ErrorKind::Unavailable, "timed_out", message)
            }
        }
    }
}

fn unavailable(error: &SourceError) -> Error {
    Error::new(ErrorKind::Unavailable, Violation::from(error.clone()).into())
}

/// Waits for something that the status says.
async fn until<K: Key>(
    mut status: watch::Receiver<InformerStatus<K>>,
    mut is_so: impl FnMut(&InformerStatus<K>) -> Result<bool, Error>,
) -> Result<(), Error> {
    loop {
        // A copy, so that no lock is held.
        let seen = status.borrow_and_update().clone();
        if is_so(&seen)? {
            return Ok(());
        }
        if seen.state == SourceState::Closed {
            return Err(Error::closed());
        }
        status.changed().await.map_err(|_| Error::closed())?;
    }
}

/// Waits on this thread, but no longer than that.
pub(super) fn blocking_for<F: Future>(timeout: Duration, waiting: F) -> Option<F::Output> {
    // A deadline beyond what the clock can tell is none.
    match Instant::now().checked_add(timeout) {
        Some(deadline) => park_until(pin!(waiting), Some(deadline)),
        None => Some(block_on(waiting)),
    }
}
