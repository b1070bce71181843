//! What an informer is set up with.

use std::fmt;
use std::hash::{Hash, RandomState};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "fs")]
use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Informer;
use super::cycle::{Cycle, Pace};
use super::drive::Drive;
use super::feed::Feed;
use super::guard::RemovalGuard;
use super::objects::{Compare, Objects};
use super::resync::Resync;
use super::status::{InformerCounts, InformerStatus};
use crate::collection::index::Index;
use crate::collection::store::{Store, StoreBuilder};
use crate::document::Origin;
use crate::error::{Error, ErrorKind};
use crate::key::Key;
use crate::load::Reloadable;
use crate::source::{AnyKeyedSource, KeyedSource};
#[cfg(feature = "fs")]
use crate::source::{DirectoryCollection, Patterns};
use crate::status::SourceState;

/// Sets up an [`Informer`], from [`Informer::builder`]: first where the objects come from.
///
/// # Examples
///
/// ```
/// # async fn example() -> Result<(), reloadable::Error> {
/// # type Route = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Format, Informer, MemoryCollection};
///
/// let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
/// let informer = Informer::<Route>::builder().source(source).start().await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct InformerBuilder<T, K: Key = NoKey> {
    of: PhantomData<fn() -> T>,
    setup: Option<Setup<T, K>>,
    /// Why there is no source.
    refused: Option<Error>,
}

/// Stands for the keys of an [`InformerBuilder`] that has no source yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoKey {}

struct Setup<T, K: Key> {
    source: Box<dyn AnyKeyedSource<K>>,
    compare: Compare,
    store: StoreBuilder<K, T>,
    pace: Pace,
    resync: Option<Duration>,
    guard: RemovalGuard,
    stall: Duration,
    start: Start,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    Synced(Duration),
    Unsynced,
}

impl<T: Reloadable> InformerBuilder<T> {
    pub(super) fn new() -> Self {
        Self { of: PhantomData, setup: None, refused: None }
    }

    /// Sets where the objects come from.
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
    pub fn source<S: KeyedSource>(self, source: S) -> InformerBuilder<T, S::Key> {
        let setup = Setup {
            source: Box::new(source),
            compare: S::compare,
            store: Store::builder(),
            pace: Pace::default(),
            resync: None,
            guard: RemovalGuard::default(),
            stall: Duration::from_secs(30),
            start: Start::Synced(Duration::from_secs(30)),
        };
        InformerBuilder { of: PhantomData, setup: Some(setup), refused: None }
    }

    /// Takes the files of a directory that match any of the patterns, one object in each, known by the file's name without
    /// the extension. [`DirectoryCollection`] has the settings for anything else, and says what becomes of bad files.
    ///
    /// # Errors
    ///
    /// [`start`](InformerBuilder::start) refuses a pattern that is none, or can never match.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let root = directory.path();
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// use reloadable::Informer;
    ///
    /// std::fs::write(root.join("api.toml"), "port = 80\n")?;
    /// let routes = Informer::<Route>::builder().directory(root, "*.toml").start().await?;
    /// assert_eq!(routes.lister().get("api").map(|api| api["port"]), Some(80));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "fs")]
    pub fn directory(
        self,
        path: impl Into<PathBuf>,
        patterns: impl Into<Patterns>,
    ) -> InformerBuilder<T, String> {
        match DirectoryCollection::new(path, patterns) {
            Ok(source) => self.source(source),
            Err(error) => InformerBuilder { of: PhantomData, setup: None, refused: Some(error) },
        }
    }
}

impl<T: Reloadable, K: Key> InformerBuilder<T, K> {
    /// Keeps this index with the objects, see [`StoreBuilder::index`].
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::{Index, Informer};
    ///
    /// let by_size = Index::new("size", |route: &Route| [route.len()]);
    /// let routes = Informer::<Route>::builder().source(source).index(&by_size).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn index<V>(self, index: &Index<T, V>) -> Self
    where
        V: Clone + Ord + Hash + Send + Sync + 'static,
    {
        self.set(|setup| Setup { store: setup.store.index(index), ..setup })
    }

    /// Keeps the keys in order, see [`StoreBuilder::ordered`].
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).ordered().start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ordered(self) -> Self {
        self.set(|setup| Setup { store: setup.store.ordered(), ..setup })
    }

    /// Tells of every object again in each such period, as [`Event::Resync`](crate::Event::Resync), spread over it. The source
    /// is not asked. By default that is not done.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).resync(Duration::from_secs(600)).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn resync(self, period: Duration) -> Self {
        self.set(|setup| Setup { resync: Some(period), ..setup })
    }

    /// Lists everything again after each such period, drawn out or shortened by up to a tenth. By default that is 5 minutes.
    /// A source that cannot tell of changes is only looked at then.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).reverify(Duration::from_secs(60)).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reverify(self, period: Duration) -> Self {
        self.set(|setup| Setup { pace: Pace { reverify: Some(period), ..setup.pace }, ..setup })
    }

    /// Never lists again unless the source asks for it or a list was doubted: for a source whose changes are never lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).never_reverify().start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn never_reverify(self) -> Self {
        self.set(|setup| Setup { pace: Pace { reverify: None, ..setup.pace }, ..setup })
    }

    /// Sets the longest wait after failures. By default that is 30 s. It starts at 0.8 s and doubles with each failure, and
    /// each wait is drawn between nothing and that; but no two connections and no two lists begin within 0.5 s.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).max_backoff(Duration::from_secs(5)).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_backoff(self, longest: Duration) -> Self {
        self.set(|setup| Setup { pace: Pace { cap: longest, ..setup.pace }, ..setup })
    }

    /// Sets when a list is believed in which many objects are missing.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::{Informer, RemovalGuard};
    ///
    /// let routes = Informer::<Route>::builder().source(source).removal_guard(RemovalGuard::off()).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn removal_guard(self, guard: RemovalGuard) -> Self {
        self.set(|setup| Setup { guard, ..setup })
    }

    /// Sets for how long a source may hand over nothing while it lists. Then that list has failed. By default that is 30 s.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).list_timeout(Duration::from_secs(5)).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_timeout(self, timeout: Duration) -> Self {
        self.set(|setup| Setup { stall: timeout, ..setup })
    }

    /// Sets for how long [`start`](Self::start) waits for the first list. By default that is 30 s.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use std::time::Duration;
    ///
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).sync_within(Duration::from_secs(5)).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sync_within(self, timeout: Duration) -> Self {
        self.set(|setup| Setup { start: Start::Synced(timeout), ..setup })
    }

    /// Lets [`start`](Self::start) wait for nothing; see [`Informer::wait_synced`].
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).start_unsynced().start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_unsynced(self) -> Self {
        self.set(|setup| Setup { start: Start::Unsynced, ..setup })
    }

    /// Starts a task that follows the source, and waits until everything is in the store that was listed first. Objects
    /// that are broken do not hold it up: they are in the [`status`](Informer::status).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] with what the source said last, if the first list was not complete in time, and
    /// [`ErrorKind::Setup`] where there is no tokio runtime, no source, or one that cannot be.
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
            .map_err(|_| Error::setup("runtime", "no tokio runtime here; start it within one"))?;
        if let Some(error) = self.refused {
            return Err(error);
        }
        let Some(setup) = self.setup else {
            return Err(Error::setup("source", "no source; name one with `source`"));
        };
        let start = setup.start;
        let (informer, drive, stopped) = setup.build();
        runtime.spawn(drive.run(stopped));
        if let Start::Synced(within) = start {
            informer.wait_synced(within).await?;
        }
        Ok(informer)
    }

    fn set(self, change: impl FnOnce(Setup<T, K>) -> Setup<T, K>) -> Self {
        Self { setup: self.setup.map(change), ..self }
    }
}

type Built<T, K> = (Informer<T, K>, Drive<K, T>, watch::Receiver<()>);

impl<T: Reloadable, K: Key> Setup<T, K> {
    fn build(self) -> Built<T, K> {
        let Self { source, compare, store, pace, resync, guard, stall, .. } = self;
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
            broken: Vec::new(),
            broken_omitted: 0,
            refused: Vec::new(),
            refused_omitted: 0,
            withheld: 0,
            counts: InformerCounts::default(),
            begun: 0,
            listed: 0,
        });
        let (stop, stopped) = watch::channel(());
        let informer = Informer::new(lister, feed.clone(), status.subscribe(), stop, compare);
        let now = tokio::time::Instant::now().into_std();
        let drive = Drive {
            source,
            origin,
            objects: Objects::new(store, guard, compare),
            cycle: Cycle::new(pace, now),
            resync: resync.map(|period| Resync::new(period, now)),
            feed,
            status,
            cursor: None,
            hasher: RandomState::new(),
            stall,
            is_interrupted: false,
            listed: 0,
        };
        (informer, drive, stopped)
    }
}

/// Waits for something that the status says, but no longer than that.
pub(super) async fn within<K: Key>(
    mut status: watch::Receiver<InformerStatus<K>>,
    timeout: Duration,
    what: &str,
    mut is_so: impl FnMut(&InformerStatus<K>) -> Result<bool, Error>,
) -> Result<(), Error> {
    let deadline = Instant::now().checked_add(timeout);
    loop {
        // A copy, so that no lock is held.
        let seen = status.borrow_and_update().clone();
        if is_so(&seen)? {
            return Ok(());
        }
        if seen.state == SourceState::Closed {
            return Err(Error::closed());
        }
        let changed = match deadline {
            Some(deadline) => timeout_at(deadline, status.changed()).await,
            None => Ok(status.changed().await),
        };
        match changed {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Error::closed()),
            Err(_) => {
                return Err(match &seen.last_error {
                    Some(error) => Error::new(
                        ErrorKind::Unavailable,
                        crate::report::Violation::from(error.clone()).into(),
                    ),
                    None => {
                        let message = format!("{what} did not happen within {timeout:?}");
                        Error::saying(ErrorKind::Unavailable, "timed_out", message)
                    }
                });
            }
        }
    }
}

impl<T, K: Key> fmt::Debug for InformerBuilder<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("InformerBuilder");
        if let Some(setup) = &self.setup {
            shown.field("store", &setup.store).field("pace", &setup.pace).field("guard", &setup.guard);
        }
        shown.finish_non_exhaustive()
    }
}
