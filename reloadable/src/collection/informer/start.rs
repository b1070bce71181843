//! How an informer begins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Informer;
use super::builder::{InformerBuilder, Setup, Start};
use super::cycle::Cycle;
use super::decode::Decoder;
use super::drive::Drive;
use super::feed::Feed;
use super::objects::Objects;
use super::observing::Observer;
use super::resync::Resync;
use super::status::{InformerCounts, InformerStatus};
use crate::document::Origin;
use crate::error::Error;
use crate::key::Key;
use crate::load::Reloadable;
use crate::reloader::{Own, on_own_thread};
use crate::status::SourceState;

impl<T: Reloadable, K: Key> InformerBuilder<T, K> {
    /// Starts a task that follows the source, and waits until everything is in the store that was listed first. Objects
    /// that are broken do not hold it up: they are in the [`status`](Informer::status).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) with what the source said last, if the first list was not complete in time, and
    /// [`ErrorKind::Setup`](crate::ErrorKind::Setup) where there is no tokio runtime, no source, or one that cannot be.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has started nothing that goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(self) -> Result<Informer<T, K>, Error> {
        let runtime = Handle::try_current()
            .map_err(|_| Error::setup("runtime", "no tokio runtime here; use `start_blocking()`"))?;
        let setup = self.into_setup()?;
        let start = setup.start;
        let (informer, drive, stopped) = setup.build();
        runtime.spawn(drive.run(stopped));
        if let Start::Synced(within) = start {
            informer.wait_synced(within).await?;
        }
        Ok(informer)
    }

    /// Does what [`start`](Self::start) does on a thread of its own, for programs without an asynchronous runtime. It
    /// blocks until the first list is in the store.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).start_blocking()?;
    /// let mut events = routes.events();
    /// println!("{:?}", events.blocking_next()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_blocking(self) -> Result<Informer<T, K>, Error> {
        let setup = self.into_setup()?;
        let start = setup.start;
        // A source may need the network, as a gate does.
        on_own_thread(Own::Gates(1), move |answer| async move {
            let (informer, drive, stopped) = setup.build();
            let running = tokio::spawn(drive.run(stopped));
            let started = match start {
                Start::Synced(within) => informer.wait_synced(within).await,
                Start::Unsynced => Ok(()),
            };
            // If nobody waits for it any more, the handle is dropped here and the task ends at once.
            let _ = answer.send(started.map(|()| informer));
            let _ = running.await;
        })
    }
}

type Built<T, K> = (Informer<T, K>, Drive<K, T>, watch::Receiver<()>);

impl<T: Reloadable, K: Key> Setup<T, K> {
    fn build(self) -> Built<T, K> {
        let Self {
            source, source_ended, compare, store, read, pace, resync, guard, stall, most, name, ..
        } = self;
        let origin = catch_unwind(AssertUnwindSafe(|| source.origin()));
        let origin = origin.unwrap_or_else(|_| Origin::named("a source without a name"));
        let store = store.build();
        let lister = store.lister();
        let feed = Feed::new();
        let status = watch::Sender::new(InformerStatus {
            origin: origin.clone(),
            state: SourceState::Initializing,
            reason: None,
            warning: None,
            has_synced: false,
            last_confirmed: None,
            confirmed: None,
            last_error: None,
            revision: None,
            generation: 0,
            objects: 0,
            broken: Arc::new([]),
            broken_omitted: 0,
            refused: Vec::new(),
            refused_omitted: 0,
            withheld: 0,
            counts: InformerCounts::default(),
            subscribers: Vec::new(),
            begun: 0,
            listed: 0,
        });
        let (stop, stopped) = watch::channel(());
        let informer = Informer::new(lister, feed.clone(), status.subscribe(), stop, compare);
        let now = tokio::time::Instant::now().into_std();
        let drive = Drive {
            source,
            source_ended,
            observer: Observer::new(name, &origin),
            origin,
            objects: Objects::new(store, most, guard, compare),
            cycle: Cycle::new(pace, now),
            resync: resync.map(|period| Resync::new(period, now)),
            feed,
            status,
            cursor: None,
            decoder: Decoder::new(read),
            stall,
            is_interrupted: false,
            list_error: None,
            is_taking_in: false,
            listed: 0,
        };
        (informer, drive, stopped)
    }
}
