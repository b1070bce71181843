//! Those who read: single objects of what is in force, or a view in which several reads agree with each other.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::ops::RangeBounds;
use std::sync::Arc;

use crate::collection::index::{Index, find};
use crate::collection::state::{Entry, State};
use crate::collection::trie::Trie;
use crate::key::Key;
use crate::publish::Shared;

/// So many objects are looked at before they are counted up one after the other, see [`kept`].
const AHEAD: usize = 16;

/// Reads the objects of a [`Store`](crate::Store); cheap to clone, and never waits.
///
/// Each call sees what is in force at that moment, so two calls may see two generations. Where several reads must agree with each
/// other, take a [`View`].
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use reloadable::Store;
///
/// let mut store = Store::builder().build();
/// let lister = store.lister();
/// let mut batch = store.batch();
/// batch.upsert("api".to_owned(), Arc::new(8080));
/// batch.publish();
/// assert_eq!(lister.get("api").as_deref(), Some(&8080));
/// assert_eq!(lister.list().len(), 1);
/// ```
pub struct Lister<K: Key, T> {
    current: Shared<State<K, T>>,
}

impl<K: Key, T> Clone for Lister<K, T> {
    fn clone(&self) -> Self {
        Self { current: self.current.clone() }
    }
}

impl<K: Key, T: Send + Sync + 'static> Lister<K, T> {
    pub(crate) fn new(current: Shared<State<K, T>>) -> Self {
        Self { current }
    }

    /// Returns the object with this key.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(lister: reloadable::Lister<String, u16>) {
    /// let port = lister.get("api").map_or(80, |port| *port);
    /// # }
    /// ```
    #[must_use]
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<T>>
    where
        K: Borrow<Q>,
    {
        let state = self.current.load();
        // The object is on its way from memory, where whoever counts it up will need it, while its key is compared.
        let is = |entry: &Entry<K, T>| Arc::strong_count(&entry.object) > 0 && entry.key.borrow() == key;
        state.objects.get(state.hash(key), is).map(|entry| Arc::clone(&entry.object))
    }

    /// Returns all objects, in no order.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(lister: reloadable::Lister<String, u16>) {
    /// let sum: u32 = lister.list().iter().map(|port| u32::from(**port)).sum();
    /// # }
    /// ```
    #[must_use]
    pub fn list(&self) -> Vec<Arc<T>> {
        let view = self.snapshot();
        kept(view.state.objects.iter(), view.len())
    }

    /// Returns the objects that have this value under an index, in no order.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Route { host: String }
    /// # fn example(lister: reloadable::Lister<String, Route>, by_host: reloadable::Index<Route, String>) {
    /// for route in lister.by_index(&by_host, "a.example") {
    ///     assert_eq!(route.host, "a.example");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn by_index<V, Q>(&self, index: &Index<T, V>, value: &Q) -> Vec<Arc<T>>
    where
        V: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        let view = self.snapshot();
        kept(view.entries_by_index(index, value), 0)
    }

    /// Returns how many objects there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let store: reloadable::Store<String, u16> = reloadable::Store::builder().build();
    /// assert_eq!(store.lister().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.load().objects.len()
    }

    /// Tells whether there is no object.
    ///
    /// # Examples
    ///
    /// ```
    /// let store: reloadable::Store<String, u16> = reloadable::Store::builder().build();
    /// assert!(store.lister().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns everything that is in force now, to read as often as you like: it never changes.
    ///
    /// What was replaced or removed since then stays in memory as long as a view has it.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(lister: reloadable::Lister<String, u16>) {
    /// let view = lister.snapshot();
    /// assert_eq!(view.iter().count(), view.len());
    /// # }
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> View<K, T> {
        View { state: self.current.load_full() }
    }
}

impl<K: Key, T> fmt::Debug for Lister<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("Lister", &self.current.load(), f)
    }
}

/// All objects of one moment with their indexes, from [`Lister::snapshot`]. Cheap to clone.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use reloadable::Store;
///
/// let mut store = Store::builder().build();
/// let before = store.lister().snapshot();
/// let mut batch = store.batch();
/// batch.upsert("a", Arc::new(1));
/// batch.publish();
/// assert!(before.is_empty(), "what is held does not change");
/// assert_eq!(store.lister().snapshot().len(), 1);
/// ```
pub struct View<K: Key, T> {
    state: Arc<State<K, T>>,
}

impl<K: Key, T> Clone for View<K, T> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

impl<K: Key, T: Send + Sync + 'static> View<K, T> {
    /// Returns how many batches were published before: 0 for a new store, and one more with each that changed something.
    ///
    /// # Examples
    ///
    /// ```
    /// let store: reloadable::Store<String, u16> = reloadable::Store::builder().build();
    /// assert_eq!(store.lister().snapshot().generation(), 0);
    /// ```
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.state.generation
    }

    /// Returns the object with this key.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(view: reloadable::View<String, u16>) {
    /// let port = view.get("api").map_or(80, |port| **port);
    /// # }
    /// ```
    #[must_use]
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&Arc<T>>
    where
        K: Borrow<Q>,
    {
        self.state.entry(self.state.hash(key), key).map(|entry| &entry.object)
    }

    /// Returns how many objects there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let store: reloadable::Store<String, u16> = reloadable::Store::builder().build();
    /// assert_eq!(store.lister().snapshot().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.objects.len()
    }

    /// Tells whether there is no object.
    ///
    /// # Examples
    ///
    /// ```
    /// let store: reloadable::Store<String, u16> = reloadable::Store::builder().build();
    /// assert!(store.lister().snapshot().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all objects with their keys, in no order.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(view: reloadable::View<String, u16>) {
    /// for (name, port) in view.iter() {
    ///     println!("{name} listens on {port}");
    /// }
    /// # }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Arc<T>)> {
        self.state.objects.iter().map(pair)
    }

    /// Returns the objects for which the predicate holds, in no order. It looks at all of them; what is asked for often is better
    /// an [`Index`].
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(view: reloadable::View<String, u16>) {
    /// let low = view.select(|_, port| *port < 1024).count();
    /// # }
    /// ```
    pub fn select<'v, P>(
        &'v self,
        mut predicate: P,
    ) -> impl Iterator<Item = (&'v K, &'v Arc<T>)> + use<'v, K, T, P>
    where
        P: FnMut(&K, &T) -> bool + 'v,
    {
        let entries = self.state.objects.iter();
        entries.filter(move |entry| predicate(&entry.key, &entry.object)).map(pair)
    }

    /// Returns the objects that have this value under an index, with their keys, in no order.
    ///
    /// An index that was not declared when the store was built is as good as any other, but slow: then its function is asked about each
    /// object at each call.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Route { host: String }
    /// # fn example(view: reloadable::View<String, Route>, by_host: reloadable::Index<Route, String>) {
    /// for (name, route) in view.by_index(&by_host, "a.example") {
    ///     println!("{name} is on {}", route.host);
    /// }
    /// # }
    /// ```
    pub fn by_index<'v, V, Q>(
        &'v self,
        index: &'v Index<T, V>,
        value: &'v Q,
    ) -> impl Iterator<Item = (&'v K, &'v Arc<T>)> + use<'v, K, T, V, Q>
    where
        V: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        self.entries_by_index(index, value).map(pair)
    }

    /// Returns the objects whose keys are within the range, in the order of their keys; none where the range is reversed.
    ///
    /// The store should be [`ordered`](crate::StoreBuilder::ordered). If it is not, all keys are looked at, and those within
    /// the range are sorted.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(view: reloadable::View<String, u16>) {
    /// for (name, _) in view.range("a".to_owned().."n".to_owned()) {
    ///     println!("{name} is in the first half");
    /// }
    /// # }
    /// ```
    pub fn range<'v, Q, R>(
        &'v self,
        range: R,
    ) -> impl Iterator<Item = (&'v K, &'v Arc<T>)> + use<'v, K, T, Q, R>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        let (from, to) = (range.start_bound(), range.end_bound());
        let State { objects, order, .. } = &*self.state;
        let ranked = order.as_ref().map(|order| order.range(from, to)).unwrap_or_default();
        let ordered = ranked.filter_map(|ranked| {
            objects.get(ranked.hash, |entry| !entry.filed.is_twin() || entry.key == ranked.key)
        });
        let mut sorted = Vec::new();
        if order.is_none() {
            sorted.extend(objects.iter().filter(|entry| range.contains(entry.key.borrow())));
            sorted.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        }
        ordered.chain(sorted).map(pair)
    }

    fn entries_by_index<'v, V, Q>(
        &'v self,
        index: &'v Index<T, V>,
        value: &'v Q,
    ) -> impl Iterator<Item = &'v Entry<K, T>>
    where
        V: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        let State { hasher, objects, shelves, .. } = &*self.state;
        let hashes = shelves.iter().find_map(|shelves| find(&**shelves, index, hasher, value));
        let asked = if hashes.is_none() { objects.iter() } else { Default::default() };
        let asked = asked.filter(move |entry| index.has(&entry.object, value));
        let is = move |entry: &Entry<K, T>| !entry.filed.is_twin() || index.has(&entry.object, value);
        hashes.into_iter().flatten().flat_map(move |hash| filed(objects, *hash, is)).chain(asked)
    }
}

/// Returns the objects with this hash that are filed: one, or of several with the same hash those of which this is true.
fn filed<K: Key, T>(
    objects: &Trie<Entry<K, T>>,
    hash: u32,
    is: impl Fn(&Entry<K, T>) -> bool,
) -> impl Iterator<Item = &Entry<K, T>> {
    let first = objects.get(hash, |_| true).filter(|entry| !entry.filed.is_twin());
    let twins = first.is_none().then(|| objects.with_hash(hash).filter(move |twin| is(twin)));
    first.into_iter().chain(twins.into_iter().flatten())
}

impl<K: Key, T> fmt::Debug for View<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("View", &self.state, f)
    }
}

fn pair<K, T>(entry: &Entry<K, T>) -> (&K, &Arc<T>) {
    (&entry.key, &entry.object)
}

/// Shows how much there is, and none of the objects: they may have secrets.
fn show<K: Key, T>(name: &str, state: &State<K, T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name)
        .field("generation", &state.generation)
        .field("len", &state.objects.len())
        .finish_non_exhaustive()
}

/// Returns the objects, to keep.
fn kept<'v, K: 'v, T: 'v>(mut entries: impl Iterator<Item = &'v Entry<K, T>>, count: usize) -> Vec<Arc<T>> {
    let mut objects = Vec::with_capacity(count);
    let mut ahead: Vec<&Arc<T>> = Vec::with_capacity(AHEAD);
    loop {
        ahead.extend(entries.by_ref().take(AHEAD).map(|entry| &entry.object));
        // To count one up, the processor waits until it has it from memory; merely to look at several, it fetches all at once.
        let are_there = ahead.iter().all(|object| Arc::strong_count(object) > 0);
        if ahead.is_empty() || !are_there {
            return objects;
        }
        objects.extend(ahead.drain(..).map(Arc::clone));
    }
}
