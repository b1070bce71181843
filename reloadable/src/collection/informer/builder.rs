//! What an informer is set up with.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
#[cfg(feature = "fs")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use super::Informer;
use super::cycle::Pace;
use super::decode::{Read, filtered, projected, read};
use super::guard::RemovalGuard;
use super::objects::Compare;
use crate::collection::index::Index;
use crate::collection::store::{Store, StoreBuilder};
use crate::error::Error;
use crate::key::Key;
use crate::load::Reloadable;
use crate::source::{AnyKeyedSource, BoxFuture, KeyedSource};
#[cfg(feature = "fs")]
use crate::source::{DirectoryCollection, Patterns};

/// Sets up an [`Informer`], from [`Informer::builder`]: first where the objects come from.
///
/// # Examples
///
/// ```
/// # async fn example() -> Result<(), reloadable::Error> {
/// # type Route = std::collections::BTreeMap<String, u16>;
/// # use reloadable::{Format, Informer, MemoryCollection};
/// let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
/// let informer = Informer::<Route>::builder().source(source).start().await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct InformerBuilder<T, K: Key = NoKey> {
    of: PhantomData<fn() -> T>,
    pub(super) setup: Option<Setup<T, K>>,
    mistake: Option<Error>,
}

/// Stands for the keys of an [`InformerBuilder`] that has no source yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoKey {}

pub(super) struct Setup<T, K: Key> {
    pub(super) source: Box<dyn AnyKeyedSource<K>>,
    /// When there is nothing to follow any more.
    pub(super) source_ended: BoxFuture<'static, ()>,
    pub(super) compare: Compare,
    pub(super) store: StoreBuilder<K, T>,
    has_index: bool,
    is_ordered: bool,
    pub(super) read: Read<T>,
    pub(super) pace: Pace,
    pub(super) resync: Option<Duration>,
    pub(super) guard: RemovalGuard,
    pub(super) stall: Duration,
    pub(super) most: usize,
    pub(super) start: Start,
    pub(super) name: Option<Arc<str>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Synced(Duration),
    Unsynced,
}

impl<T: Reloadable> InformerBuilder<T> {
    pub(super) fn new() -> Self {
        Self { of: PhantomData, setup: None, mistake: None }
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
            source_ended: Box::pin(std::future::pending()),
            compare: S::compare,
            store: Store::builder(),
            has_index: false,
            is_ordered: false,
            read: read(),
            pace: Pace::default(),
            resync: None,
            guard: RemovalGuard::default(),
            stall: Duration::from_secs(30),
            most: 1_000_000,
            start: Start::Synced(Duration::from_secs(30)),
            name: None,
        };
        InformerBuilder { of: PhantomData, setup: Some(setup), mistake: self.mistake }
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
            Err(error) => InformerBuilder { of: PhantomData, setup: None, mistake: Some(error) },
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
        self.set(|setup| Setup { store: setup.store.index(index), has_index: true, ..setup })
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
        self.set(|setup| Setup { store: setup.store.ordered(), is_ordered: true, ..setup })
    }

    /// Wants only these objects. One that is no longer wanted goes, as [`Removal::Filtered`](crate::Removal::Filtered), and
    /// one that is from now on comes, as [`Event::Added`](crate::Event::Added). `is_wanted` is asked once for each content
    /// that is valid, and should depend on nothing else; where it panics, the object is broken and keeps its last good
    /// self.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let is_open = |route: &Route| route.contains_key("port");
    /// let routes = Informer::<Route>::builder().source(source).filter(is_open).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn filter(self, is_wanted: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.set(|setup| Setup { read: filtered(setup.read, is_wanted), ..setup })
    }

    /// Keeps of each object only what `project` makes of it, once it has been validated: for objects of which little is
    /// needed. What differs in nothing else tells nothing. Where it panics, the object is broken and keeps its last good
    /// self.
    ///
    /// What comes after it in the builder is about what is kept, so indexes must; what comes before it is about the whole,
    /// as a [`filter`](Self::filter) may be.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let port = |route: Route| route.get("port").copied();
    /// let ports = Informer::<Route>::builder().source(source).project(port).start().await?;
    /// assert_eq!(ports.lister().get("api").as_deref(), Some(&Some(80)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn project<U: Reloadable>(
        self,
        project: impl Fn(T) -> U + Send + Sync + 'static,
    ) -> InformerBuilder<U, K> {
        let Self { setup, mut mistake, .. } = self.set(|setup| setup);
        let setup = setup.map(|setup| {
            let Setup {
                source,
                source_ended,
                compare,
                has_index,
                is_ordered,
                read,
                pace,
                resync,
                guard,
                stall,
                most,
                start,
                name,
                ..
            } = setup;
            if has_index {
                let message = "an index is of what `project` makes of the objects; set it after that";
                mistake.get_or_insert(Error::setup("index", message));
            }
            let store = if is_ordered { Store::builder().ordered() } else { Store::builder() };
            let read = projected(read, project);
            Setup {
                source,
                source_ended,
                compare,
                store,
                has_index: false,
                is_ordered,
                read,
                pace,
                resync,
                guard,
                stall,
                most,
                start,
                name,
            }
        });
        InformerBuilder { of: PhantomData, setup, mistake }
    }

    /// Takes a connection for dead that has told nothing for so long, drawn out or shortened by up to a half, and makes a
    /// new one from where the last one was: for sources that say now and then that they are there, with
    /// [`Delta::Progress`](crate::Delta::Progress). By default a source may be silent for ever; what it has lost is found
    /// by [`reverify`](Self::reverify).
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
    /// let routes = Informer::<Route>::builder().source(source).idle_timeout(Duration::from_secs(60)).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.set(|setup| Setup { pace: Pace { idle: Some(timeout), ..setup.pace }, ..setup })
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
    /// The next list begins anew. So the time must be longer than what the source needs until its first object: a directory
    /// hands over nothing while its files are looked for, and waits for up to 10 s for the end of a removal
    /// of many.
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

    /// Takes no more objects than these, by default a million: a list that hands over more has failed and removes nothing,
    /// and a new object that is told of beyond them is refused, in the [`status`](Informer::status), until a list finds
    /// room for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).max_objects(10_000).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_objects(self, most: usize) -> Self {
        self.set(|setup| Setup { most, ..setup })
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

    pub(super) fn set(mut self, change: impl FnOnce(Setup<T, K>) -> Setup<T, K>) -> Self {
        if self.setup.is_none() {
            let message = "no source to set this for; name it first, with `source`";
            self.mistake.get_or_insert(Error::setup("source", message));
        }
        Self { setup: self.setup.map(change), ..self }
    }

    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(super) fn set_name(self, name: Arc<str>) -> Self {
        self.set(|setup| Setup { name: Some(name), ..setup })
    }

    pub(super) fn into_setup(self) -> Result<Setup<T, K>, Error> {
        match (self.mistake, self.setup) {
            (Some(mistake), _) => Err(mistake),
            (None, Some(setup)) => Ok(setup),
            (None, None) => Err(Error::setup("source", "no source; name one with `source`")),
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
