//! The handle of many objects that are followed.
//!
//! `drive` is the one task: it asks `cycle` what to do, `gather`s what it finds, decoded by `decode`, and puts it into
//! force in `objects`. `feed` tells those who have a `subscription`, and knows by their `delivery` how far they have come.

mod broken;
mod builder;
mod cycle;
mod decode;
mod delivery;
mod drive;
mod event;
mod feed;
mod gather;
mod guard;
mod objects;
mod observing;
mod pending;
mod resync;
mod section;
mod status;
mod start;
mod subscription;
mod wait;

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::collection::lister::Lister;
use crate::key::Key;
use crate::load::Reloadable;
use crate::status::SourceState;
use crate::subscribe::block_on;

use self::delivery::Delivery;
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
#[must_use = "the informer ends when the last clone is dropped"]
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
    pub fn events_up_to(&self, capacity: usize) -> Events<K, T> {
        Events {
            queue: self.feed.each(capacity),
            lister: self.lister.clone(),
            status: self.status.clone(),
            has: None,
            current: None,
            delivery: Delivery::default(),
            feed: self.feed.clone(),
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
    pub fn latest(&self) -> Latest<K, T> {
        Latest {
            queue: self.feed.merged(),
            lister: self.lister.clone(),
            status: self.status.clone(),
            has_started: false,
            second: None,
            delivery: Delivery::default(),
            feed: self.feed.clone(),
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
    /// for broken in informer.status().broken.iter() {
    ///     println!("{}: {}", broken.key, broken.report);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> InformerStatus<K> {
        let status = self.status.borrow().clone();
        InformerStatus { subscribers: self.feed.roster.statuses(), ..status }
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

    /// Does what [`shutdown`](Self::shutdown) does, and blocks the thread until it is done. It must not be called from
    /// asynchronous code, which it would stop.
    pub fn blocking_shutdown(self) {
        block_on(self.shutdown());
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
