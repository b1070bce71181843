//! Places from which changes are awaited.

mod change;
mod park;
mod sections;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::diff::Diff;
use crate::error::Error;
use crate::progress::Subscriber;
use crate::publish::{Current, Snapshot};

pub use self::change::Change;
pub(crate) use self::park::{block_on, park_until};
pub(crate) use self::sections::Sections;

/// A place from which the changes of a configuration, or of one section of it, are awaited.
///
/// It is woken only when its section changed. What it is given is the difference to what it was given last, so a slow
/// subscriber gets one change that spans everything it missed; if in the meantime everything went back to how it was,
/// it gets none.
///
/// # Examples
///
/// ```
/// # async fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
/// let mut changes = config.subscribe();
/// while let Ok(change) = changes.changed().await {
///     println!("generation {}: {}", change.generation(), change.changes());
/// }
/// // The reloader has ended.
/// # }
/// ```
pub struct Subscription<T, S: ?Sized = T> {
    current: Current<T>,
    select: Select<T, S>,
    seen: Arc<Snapshot<T>>,
    woken: watch::Receiver<()>,
    subscriber: Subscriber,
}

type Select<T, S> = Arc<dyn Fn(&T) -> &S + Send + Sync>;

impl<T, S: Diff + ?Sized> Subscription<T, S> {
    /// Waits until the section differs from what this subscription saw last, and returns how.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the reloader has ended and there is nothing left to see.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn changed(&mut self) -> Result<Change<T, S>, Error> {
        loop {
            self.woken.changed().await.map_err(|_| Error::closed())?;
            if let Some(change) = self.take() {
                return Ok(change);
            }
        }
    }

    /// Waits as [`changed`](Self::changed) does, and blocks the thread while it waits. It needs no runtime, and must
    /// not be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn blocking_changed(&mut self) -> Result<Change<T, S>, Error> {
        block_on(self.changed())
    }

    /// Waits as [`blocking_changed`](Self::blocking_changed) does, but no longer than `timeout`; `None` if there was
    /// no change by then.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn blocking_changed_timeout(&mut self, timeout: Duration) -> Result<Option<Change<T, S>>, Error> {
        // A deadline beyond what the clock can tell is none.
        match Instant::now().checked_add(timeout) {
            Some(deadline) => park_until(pin!(self.changed()), Some(deadline)).transpose(),
            None => self.blocking_changed().map(Some),
        }
    }

    /// Returns the section as this subscription saw it last.
    #[must_use]
    pub fn seen(&self) -> &S {
        (self.select)(&self.seen)
    }

    /// Returns the snapshot that this subscription saw last.
    #[must_use]
    pub fn seen_snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.seen
    }

    /// Waits until there may be something new, and compares nothing.
    pub(crate) async fn woken(&mut self) -> Result<(), Error> {
        self.woken.changed().await.map_err(|_| Error::closed())
    }

    /// Takes what is in force for seen without comparing it, which runs code of all that is in it.
    pub(crate) fn catch_up(&mut self) {
        let latest = self.current.snapshot();
        if latest.generation() != self.seen.generation() {
            self.subscriber.saw(latest.generation(), true);
            self.seen = latest;
        }
    }

    fn take(&mut self) -> Option<Change<T, S>> {
        let latest = self.current.snapshot();
        let changed =
            self.seen.compare(&latest, || (self.select)(&self.seen).diff((self.select)(&latest)).is_some());
        let previous = std::mem::replace(&mut self.seen, Arc::clone(&latest));
        self.subscriber.saw(latest.generation(), changed);
        let acknowledgement = self.subscriber.acknowledgement();
        changed.then(|| Change {
            previous,
            current: latest,
            select: Arc::clone(&self.select),
            acknowledgement,
        })
    }
}

impl<T, S: ?Sized> Subscription<T, S> {
    /// Makes it one that acknowledges: each of its changes is to be answered with [`Change::applied`] or
    /// [`Change::failed`], [`Reloader::wait_applied`](crate::Reloader::wait_applied) waits for that, and until then the
    /// program is not [ready](crate::Reloader::readiness). It counts as having applied what it has seen so far.
    ///
    /// By the name, which should be its own, it is told of. Whoever ends the subscription is no longer waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn resize(_: usize) -> std::io::Result<()> { Ok(()) }
    /// # async fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
    /// let mut limits = config.subscribe().acknowledging("limits");
    /// while let Ok(change) = limits.changed().await {
    ///     match resize(change.current().len()) {
    ///         Ok(()) => change.applied(),
    ///         Err(error) => change.failed(error),
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn acknowledging(self, name: impl Into<Arc<str>>) -> Self {
        let subscriber = self.subscriber.acknowledging(name.into(), self.seen.generation());
        Self { subscriber, ..self }
    }
}

/// A clone has seen what the original has seen. If the original acknowledges, so does the clone, under the same name
/// and for itself; it counts as having applied what it has seen.
impl<T, S: ?Sized> Clone for Subscription<T, S> {
    fn clone(&self) -> Self {
        Self {
            current: self.current.clone(),
            select: Arc::clone(&self.select),
            seen: Arc::clone(&self.seen),
            woken: self.woken.clone(),
            subscriber: self.subscriber.another(self.seen.generation()),
        }
    }
}

impl<T, S: ?Sized> fmt::Debug for Subscription<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("generation", &self.seen.generation()).finish_non_exhaustive()
    }
}
