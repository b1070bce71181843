//! Those who are told: one of each event, the other of what events come to.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::event::{Event, SnapshotCause};
use super::feed::{Next, Queue, Told};
use super::pending::Pending;
use super::status::InformerStatus;
use crate::collection::lister::Lister;
use crate::error::Error;
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::status::SourceState;

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
pub struct Events<K: Key, T> {
    pub(super) queue: Arc<Queue<K, T>>,
    pub(super) lister: Lister<K, T>,
    pub(super) status: watch::Receiver<InformerStatus<K>>,
    /// What the subscriber has: the store of this generation.
    pub(super) has: Option<u64>,
    pub(super) current: Option<(Arc<Told<K, T>>, usize)>,
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
        Event::Snapshot { view, why }
    }

    fn of_current(&mut self) -> Option<Event<K, T>> {
        let (told, at) = self.current.as_mut()?;
        let event = told.events.get(*at).cloned();
        *at += 1;
        if event.is_none() {
            self.current = None;
        }
        event
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
pub struct Latest<K: Key, T> {
    pub(super) queue: Arc<Queue<K, T>>,
    pub(super) lister: Lister<K, T>,
    pub(super) status: watch::Receiver<InformerStatus<K>>,
    pub(super) has_started: bool,
    pub(super) second: Option<Event<K, T>>,
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
        if let Some(second) = self.second.take() {
            return Ok(second);
        }
        if !self.has_started {
            synced(&mut self.status).await?;
            self.start();
            self.has_started = true;
        }
        loop {
            let merged = self.queue.merged(Pending::take).ok_or_else(Error::closed)?;
            let Some(merged) = merged else {
                self.queue.woken.notified().await;
                continue;
            };
            let differs = |old: &T, new: &T| {
                // What panics here has been told by whoever compared it first.
                guarded::<T, _>("comparing an object", || old.diff(new).is_some()).unwrap_or(true)
            };
            let [first, second] = merged.events(differs);
            self.second = second;
            if let Some(first) = first {
                return Ok(first);
            }
        }
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
