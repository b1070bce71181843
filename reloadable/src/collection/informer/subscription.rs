//! Those who are told: one of each event, the other of what events come to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::delivery::Delivery;
use super::event::{Event, SnapshotCause};
use super::feed::{Feed, Next, Queue, Told};
use super::pending::Pending;
use super::status::InformerStatus;
use super::wait::blocking_for;
use crate::collection::lister::Lister;
use crate::error::Error;
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::status::SourceState;
use crate::subscribe::block_on;

/// Every event, one after the other, from [`Informer::events`](crate::Informer::events).
///
/// The first is a snapshot, once there is one; what follows is what has changed since, with no gap. If the subscriber is
/// so slow that more events wait than were asked for, they are dropped, and a new snapshot takes their place. Nobody else
/// waits for it.
///
/// # Examples
///
/// ```
/// # type Route = std::collections::BTreeMap<String, u16>;
/// use std::collections::HashMap;
///
/// use reloadable::{Event, Informer};
///
/// async fn mirror(informer: Informer<Route>) {
///     let mut mirror = HashMap::new();
///     let mut events = informer.events();
///     while let Ok(event) = events.next().await {
///         match event {
///             Event::Snapshot { view, .. } => {
///                 mirror = view.iter().map(|(key, route)| (key.clone(), route.clone())).collect();
///             }
///             Event::Added { key, object } => drop(mirror.insert(key, object)),
///             Event::Modified(modified) => {
///                 mirror.insert(modified.key().clone(), modified.current().clone());
///             }
///             Event::Removed { key, .. } => drop(mirror.remove(&key)),
///             _ => {}
///         }
///     }
///     // The informer has ended.
/// }
/// ```
#[must_use = "it tells only when it is asked"]
pub struct Events<K: Key, T> {
    pub(super) queue: Arc<Queue<K, T>>,
    pub(super) lister: Lister<K, T>,
    pub(super) status: watch::Receiver<InformerStatus<K>>,
    /// What the subscriber began with: the store of this generation.
    pub(super) has: Option<u64>,
    pub(super) current: Option<(Arc<Told<K, T>>, usize)>,
    pub(super) delivery: Delivery,
    pub(super) feed: Feed<K, T>,
}

impl<K: Key, T: Reloadable> Events<K, T> {
    /// Waits for the next event.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the informer has ended and there is nothing left to tell.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn next(&mut self) -> Result<Event<K, T>, Error> {
        if self.has.is_none() {
            synced(&mut self.status).await?;
            return Ok(self.snapshot(SnapshotCause::Started));
        }
        loop {
            if let Some(event) = self.of_current() {
                return Ok(event);
            }
            match self.queue.next() {
                Next::Told(told) => {
                    if !self.has.is_some_and(|has| told.is_in(has)) {
                        self.current = Some((told, 0));
                    }
                }
                Next::Missed(missed) => return Ok(self.snapshot(SnapshotCause::Lagged { missed })),
                Next::Closed => return Err(Error::closed()),
                Next::Nothing => self.queue.woken.notified().await,
            }
        }
    }

    fn snapshot(&mut self, why: SnapshotCause) -> Event<K, T> {
        // Only what was told of after this is news.
        let view = self.lister.snapshot();
        self.has = Some(view.generation());
        self.delivery.given(view.generation());
        Event::Snapshot { view, why }
    }

    fn of_current(&mut self) -> Option<Event<K, T>> {
        let (told, at) = self.current.as_mut()?;
        let event = told.events.get(*at).cloned();
        *at += 1;
        if *at >= told.events.len() {
            if told.has_changed {
                self.delivery.given(told.generation);
            }
            // With it may go the last of an object.
            let told = self.current.take();
            let _ = guarded::<T, _>("dropping objects", || drop(told));
        }
        event
    }

    /// Waits as [`next`](Self::next) does, and blocks the thread while it waits. It needs no runtime, and must not be
    /// called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn blocking_next(&mut self) -> Result<Event<K, T>, Error> {
        block_on(self.next())
    }

    /// Waits as [`blocking_next`](Self::blocking_next) does, but no longer than `timeout`; `None` if there was no event
    /// by then.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn blocking_next_timeout(&mut self, timeout: Duration) -> Result<Option<Event<K, T>>, Error> {
        blocking_for(timeout, self.next()).transpose()
    }

    /// Makes it one that acknowledges: it is to say [`applied`](Self::applied) or [`failed`](Self::failed) of what it was
    /// given, and [`Informer::wait_applied`](crate::Informer::wait_applied) waits for that. It counts as having applied
    /// what it was given so far.
    ///
    /// By the name, which should be its own, it is told of. Whoever ends the subscription is no longer waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # fn take_over(_: reloadable::Event<String, Route>) -> std::io::Result<()> { Ok(()) }
    /// async fn follow(informer: reloadable::Informer<Route>) {
    ///     let mut events = informer.events().acknowledging("proxy");
    ///     while let Ok(event) = events.next().await {
    ///         match take_over(event) {
    ///             Ok(()) => events.applied(),
    ///             Err(error) => events.failed(error),
    ///         }
    ///     }
    /// }
    /// ```
    pub fn acknowledging(mut self, name: impl Into<Arc<str>>) -> Self {
        self.delivery.acknowledge(&self.feed, name.into());
        self
    }

    /// Acknowledges everything that it was given. Of a batch of the source whose events are not all given yet, nothing is
    /// acknowledged until they are.
    ///
    /// Without effect if it is not [acknowledging](Self::acknowledging).
    pub fn applied(&self) {
        self.delivery.applied();
    }

    /// Acknowledges that what it was given could not be applied. The reason is told to whoever waits and asks: some
    /// words, of which the first 1,000 characters are kept, and none if there are secrets in the objects. What comes next,
    /// or a later [`applied`](Self::applied), makes up for it.
    ///
    /// Without effect if it is not [acknowledging](Self::acknowledging).
    pub fn failed(&self, reason: impl fmt::Display) {
        self.delivery.failed::<T>(&reason);
    }

    /// Returns the generation of the store of which it was given everything.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.delivery.generation
    }
}

/// What events come to for each object, from [`Informer::latest`](crate::Informer::latest): whoever is slow is told of
/// fewer changes, each of which spans what was missed. So no more waits than there are objects that have changed.
///
/// At first, every object is told as added. What has come and gone, or has changed and changed back in the meantime, is not
/// told.
///
/// # Examples
///
/// ```
/// # type Route = std::collections::BTreeMap<String, u16>;
/// async fn follow(informer: reloadable::Informer<Route>) {
///     let mut latest = informer.latest();
///     while let Ok(event) = latest.next().await {
///         println!("{event:?}");
///     }
/// }
/// ```
#[must_use = "it tells only when it is asked"]
pub struct Latest<K: Key, T> {
    pub(super) queue: Arc<Queue<K, T>>,
    pub(super) lister: Lister<K, T>,
    pub(super) status: watch::Receiver<InformerStatus<K>>,
    pub(super) has_started: bool,
    /// What is told next, and whether it is the last that there is.
    pub(super) second: Option<(Event<K, T>, Option<u64>)>,
    pub(super) delivery: Delivery,
    pub(super) feed: Feed<K, T>,
}

impl<K: Key, T: Reloadable> Latest<K, T> {
    /// Waits until an object is another one than this subscriber was told of, and returns how. It never is a
    /// [`Snapshot`](Event::Snapshot).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the informer has ended and there is nothing left to tell.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn next(&mut self) -> Result<Event<K, T>, Error> {
        if let Some((second, up_to)) = self.second.take() {
            if let Some(generation) = up_to {
                self.delivery.given(generation);
            }
            return Ok(second);
        }
        if !self.has_started {
            synced(&mut self.status).await?;
            self.start();
            self.has_started = true;
        }
        loop {
            let mut up_to = None;
            let merged = self.queue.merged(|pending| {
                let merged = pending.take();
                up_to = pending.told_up_to();
                merged
            });
            let Some(merged) = merged.ok_or_else(Error::closed)? else {
                // What has come to nothing needs no acknowledgement.
                self.delivery.passed(up_to);
                self.queue.woken.notified().await;
                continue;
            };
            let differs = |old: &T, new: &T| {
                // What panics here has been told by whoever compared it first.
                guarded::<T, _>("comparing an object", || old.diff(new).is_some()).unwrap_or(true)
            };
            let [first, second] = merged.events(differs);
            self.second = second.map(|second| (second, up_to));
            if let Some(first) = first {
                if let (None, Some(generation)) = (&self.second, up_to) {
                    self.delivery.given(generation);
                }
                return Ok(first);
            }
            self.delivery.passed(up_to);
        }
    }

    /// Waits as [`next`](Self::next) does, and blocks the thread while it waits. It needs no runtime, and must not be
    /// called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn blocking_next(&mut self) -> Result<Event<K, T>, Error> {
        block_on(self.next())
    }

    /// Waits as [`blocking_next`](Self::blocking_next) does, but no longer than `timeout`; `None` if there was no event
    /// by then.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn blocking_next_timeout(&mut self, timeout: Duration) -> Result<Option<Event<K, T>>, Error> {
        blocking_for(timeout, self.next()).transpose()
    }

    /// Makes it one that acknowledges, as [`Events::acknowledging`] does.
    pub fn acknowledging(mut self, name: impl Into<Arc<str>>) -> Self {
        self.delivery.acknowledge(&self.feed, name.into());
        self
    }

    /// Acknowledges everything that it was given. While there is more to be told, that is only what the store was when
    /// there was nothing more.
    ///
    /// Without effect if it is not [acknowledging](Self::acknowledging).
    pub fn applied(&self) {
        self.delivery.applied();
    }

    /// Acknowledges that what it was given could not be applied, as [`Events::failed`] does.
    pub fn failed(&self, reason: impl fmt::Display) {
        self.delivery.failed::<T>(&reason);
    }

    /// Returns the generation of the store of which it was given everything.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.delivery.generation
    }

    /// Begins with what is in the store, all of which was told of before, or is about to be.
    fn start(&self) {
        loop {
            let view = self.lister.snapshot();
            let all = Pending::all(&view);
            let started = self.queue.merged(move |pending| {
                let dropped = pending.start(&view, all);
                // What may be the last of an object goes with the lock released.
                Some((pending.is_started(), dropped, view))
            });
            match started {
                Some(Some((false, ..))) => {}
                _ => return,
            }
        }
    }
}

/// Waits until there is something to begin with.
async fn synced<K: Key>(status: &mut watch::Receiver<InformerStatus<K>>) -> Result<(), Error> {
    let is_over = |status: &InformerStatus<K>| status.has_synced || status.state == SourceState::Closed;
    // Whoever has the other end says so before it is gone.
    let _ = status.wait_for(is_over).await;
    let has_synced = status.borrow().has_synced;
    if has_synced { Ok(()) } else { Err(Error::closed()) }
}

impl<K: Key, T> fmt::Debug for Events<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("has", &self.has).finish_non_exhaustive()
    }
}

impl<K: Key, T> fmt::Debug for Latest<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").field("has_started", &self.has_started).finish_non_exhaustive()
    }
}
