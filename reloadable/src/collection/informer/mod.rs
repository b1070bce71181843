//! The handle of many objects that are followed.
//!
//! `drive` is the one task: it asks `cycle` what to do, has what it finds decoded by `decode`, and puts it into force in
//! `objects`. `feed` tells those who have a `subscription`.

mod builder;
mod cycle;
mod decode;
mod drive;
mod event;
mod feed;
mod guard;
mod objects;
mod pending;
mod resync;
mod status;
mod subscription;

use std::cmp::Ordering;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::collection::lister::Lister;
use crate::document::Revision;
use crate::error::Error;
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::status::SourceState;

use self::builder::within;
use self::feed::Feed;
use self::objects::Compare;

pub use self::builder::{InformerBuilder, NoKey};
pub use self::event::{Event, Modified, Removal, SnapshotCause};
pub use self::guard::RemovalGuard;
pub use self::status::{BrokenObject, InformerCounts, InformerStatus};
pub use self::subscription::{Events, Latest};

/// Many objects that are followed: a store of them that is always up to date and always valid, and what became of each.
///
/// Each object is decoded and validated by itself. One that is broken keeps its last good value, is in the
/// [`status`](Self::status), and holds up no other. A source that fails, or suddenly lists nothing, removes nothing.
///
/// It is cheap to clone. When the last clone is dropped, the task behind it ends; so do its subscriptions. Listers keep
/// what they have.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Route = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Event, Format, Informer, MemoryCollection};
///
/// let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
/// routes.upsert("api", "port = 80");
/// let informer = Informer::<Route>::builder().source(source).start().await?;
/// assert_eq!(informer.lister().get("api").map(|api| api["port"]), Some(80));
///
/// let mut events = informer.events();
/// assert!(matches!(events.next().await?, Event::Snapshot { view, .. } if view.len() == 1));
/// routes.upsert("api", "port = 8080");
/// let Event::Modified(modified) = events.next().await? else { return Err("not modified".into()) };
/// assert_eq!(modified.changes().to_string(), "port: 80 -> 8080");
/// # Ok(())
/// # }
/// ```
pub struct Informer<T, K: Key = String> {
    lister: Lister<K, T>,
    feed: Feed<K, T>,
    status: watch::Receiver<status::InformerStatus<K>>,
    stop: Arc<watch::Sender<()>>,
    compare: Compare,
}

/// So many events wait for a subscriber of each, unless it asks for another number.
const CAPACITY: usize = 1024;

impl<T: Reloadable> Informer<T> {
    /// Begins to set up an informer.
    pub fn builder() -> InformerBuilder<T> {
        InformerBuilder::new()
    }
}

impl<T: Reloadable, K: Key> Informer<T, K> {
    fn new(
        lister: Lister<K, T>,
        feed: Feed<K, T>,
        status: watch::Receiver<InformerStatus<K>>,
        stop: watch::Sender<()>,
        compare: Compare,
    ) -> Self {
        Self { lister, feed, status, stop: Arc::new(stop), compare }
    }

    /// Returns what reads the objects. It may outlive the informer.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// let lister = informer.lister();
    /// if let Some(api) = lister.get("api") {
    ///     println!("{api:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn lister(&self) -> Lister<K, T> {
        self.lister.clone()
    }

    /// Returns a place from which every event is awaited, beginning with a snapshot. Up to 1,024 events wait for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// let mut events = informer.events();
    /// while let Ok(event) = events.next().await {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events<K, T> {
        self.events_up_to(CAPACITY)
    }

    /// Returns a place from which every event is awaited. Up to so many events wait for it, or however many were told at
    /// once.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// // What lags by more than this is told by a snapshot.
    /// let mut events = informer.events_up_to(64);
    /// println!("{:?}", events.next().await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn events_up_to(&self, capacity: usize) -> Events<K, T> {
        Events {
            queue: self.feed.each(capacity),
            lister: self.lister.clone(),
            status: self.status.clone(),
            has: None,
            current: None,
        }
    }

    /// Returns a place from which is awaited what events come to for each object.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// let mut latest = informer.latest();
    /// while let Ok(event) = latest.next().await {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn latest(&self) -> Latest<K, T> {
        Latest {
            queue: self.feed.merged(),
            lister: self.lister.clone(),
            status: self.status.clone(),
            has_started: false,
            second: None,
        }
    }

    /// Tells whether a list was complete and is in the store.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// println!("{}", if informer.has_synced() { "ready" } else { "starting" });
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn has_synced(&self) -> bool {
        self.status.borrow().has_synced
    }

    /// Returns how it is doing.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// for broken in informer.status().broken {
    ///     println!("{}: {}", broken.key, broken.report);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> InformerStatus<K> {
        self.status.borrow().clone()
    }

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
        within(self.status.clone(), timeout, "the first list", |status| Ok(status.has_synced)).await
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
        within(self.status.clone(), timeout, "the source being confirmed", |status| {
            let is_fresh = status.confirmed.is_some_and(|at| at.elapsed() <= age);
            Ok(is_fresh && matches!(status.state, SourceState::Watching | SourceState::Polling))
        })
        .await
    }

    /// Waits until the object with this key is as wanted, and returns whether it is there. `is_wanted` is asked at once,
    /// and after each change; what is there only for a moment may be missed.
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
        mut is_wanted: impl FnMut(Option<&T>) -> bool,
        timeout: Duration,
    ) -> Result<Option<Arc<T>>, Error> {
        let mut found = None;
        within(self.status.clone(), timeout, "what was waited for", |_| {
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
        let mut begun = None;
        within(self.status.clone(), timeout, "the revision", |status| {
            // One that runs already may have passed by what was written.
            let begun = *begun.get_or_insert(status.begun);
            let is_relisted = status.listed > begun;
            let Some(reached) = &status.revision else { return Ok(is_relisted) };
            let compared = catch_unwind(AssertUnwindSafe(|| (self.compare)(reached, revision)));
            Ok(match compared.unwrap_or(None) {
                Some(order) => order != Ordering::Less,
                None => reached == revision || is_relisted,
            })
        })
        .await
    }

    /// Ends the task behind all clones of this, and waits until it has.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the task ends all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(informer: reloadable::Informer<Route>) -> Result<(), reloadable::Error> {
    /// informer.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(self) {
        self.stop.send_replace(());
        let mut status = self.status.clone();
        drop(self);
        let _ = status.wait_for(|status| status.state == SourceState::Closed).await;
    }
}

impl<T, K: Key> Clone for Informer<T, K> {
    fn clone(&self) -> Self {
        Self {
            lister: self.lister.clone(),
            feed: self.feed.clone(),
            status: self.status.clone(),
            stop: Arc::clone(&self.stop),
            compare: self.compare,
        }
    }
}

impl<T, K: Key> fmt::Debug for Informer<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Informer").field("lister", &self.lister).finish_non_exhaustive()
    }
}
