//! All objects of one moment, in which several reads agree with each other.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::ops::RangeBounds;
use std::ptr;
use std::sync::Arc;

use crate::collection::index::{Held, Index, find, values};
use crate::collection::state::{Entry, State};
use crate::collection::trie::{Hashed, Trie};
use crate::key::Key;

/// All objects of one moment with their indexes, from [`Lister::snapshot`](crate::Lister::snapshot). Cheap to clone.
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
    pub(super) state: Arc<State<K, T>>,
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
        let held = self.held(index, value);
        let asked = held.is_none().then(|| self.asked(index, value));
        let found = held.flatten().into_iter().flat_map(|held| self.found(held));
        found.chain(asked.into_iter().flatten())
    }

    /// Returns the objects that have this value under an index, as [`by_index`](Self::by_index) does, but without their keys.
    /// They stand side by side, so this is many times faster: a key has to be looked for where the object is.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Route { port: u16, host: String }
    /// # fn example(view: reloadable::View<String, Route>, by_host: reloadable::Index<Route, String>) {
    /// let highest = view.objects_by_index(&by_host, "a.example").map(|route| route.port).max();
    /// # }
    /// ```
    pub fn objects_by_index<'v, V, Q>(
        &'v self,
        index: &'v Index<T, V>,
        value: &'v Q,
    ) -> impl Iterator<Item = &'v Arc<T>> + use<'v, K, T, V, Q>
    where
        V: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        let held = self.held(index, value);
        let asked = held.is_none().then(|| self.asked(index, value).map(|(_, object)| object));
        let found = held.flatten().into_iter().flat_map(Trie::iter).map(|held| &held.object);
        found.chain(asked.into_iter().flatten())
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

    /// Returns the objects that have values within the range under an index, in the order of these values, and in no order
    /// under one value. An object with several of them comes once for each.
    ///
    /// All values are looked at, and those within the range are sorted. An index that was not declared when the store was built
    /// gives the same answer, but its function is asked about each object.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use reloadable::{Index, Store};
    ///
    /// let by_length = Index::new("length", |text: &&str| [text.len()]);
    /// let mut store = Store::builder().index(&by_length).build();
    /// let mut batch = store.batch();
    /// for (key, text) in [(1, "three"), (2, "a"), (3, "two")] {
    ///     batch.upsert(key, Arc::new(text));
    /// }
    /// batch.publish();
    /// let view = store.lister().snapshot();
    /// let long: Vec<_> = view.index_range(&by_length, 2..).map(|(_, text)| **text).collect();
    /// assert_eq!(long, ["two", "three"]);
    /// ```
    pub fn index_range<'v, V, Q, R>(
        &'v self,
        index: &Index<T, V>,
        range: R,
    ) -> impl Iterator<Item = (&'v K, &'v Arc<T>)> + use<'v, K, T, V, Q, R>
    where
        V: Borrow<Q> + Ord + 'static,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        let declared = self.state.shelves.iter().find_map(|shelves| values(&**shelves, index));
        let (mut filed, mut asked) = (Vec::new(), Vec::new());
        if let Some(values) = declared {
            filed.extend(values.filter(|(value, _)| range.contains((*value).borrow())));
            filed.sort_unstable_by_key(|(value, _)| *value);
        } else {
            for found in self.iter() {
                let values = index.values(found.1).into_iter();
                asked.extend(
                    values.filter(|value| range.contains(value.borrow())).map(|value| (value, found)),
                );
            }
            asked.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        let filed = filed.into_iter().flat_map(|(_, held)| self.found(held));
        filed.chain(asked.into_iter().map(|(_, found)| found))
    }

    /// Returns the objects that are filed under a value, or nothing if this is none of the indexes of the store.
    pub(super) fn held<V, Q>(&self, index: &Index<T, V>, value: &Q) -> Option<Option<&Trie<Held<T>>>>
    where
        V: Borrow<Q> + 'static,
        Q: Hash + Eq + ?Sized,
    {
        let State { hasher, shelves, .. } = &*self.state;
        shelves.iter().find_map(|shelves| find(&**shelves, index, hasher, value))
    }

    /// Returns the objects that have a value by what the function says of all objects.
    pub(super) fn asked<'v, V, Q>(
        &'v self,
        index: &'v Index<T, V>,
        value: &'v Q,
    ) -> impl Iterator<Item = (&'v K, &'v Arc<T>)> + use<'v, K, T, V, Q>
    where
        V: Borrow<Q> + 'static,
        Q: Eq + ?Sized,
    {
        self.iter().filter(move |(_, object)| index.has(object, value))
    }

    /// Returns what is filed with its keys.
    fn found<'v>(
        &'v self,
        held: &'v Trie<Held<T>>,
    ) -> impl Iterator<Item = (&'v K, &'v Arc<T>)> + use<'v, K, T> {
        held.iter().filter_map(move |one| self.entry(held, one)).map(pair)
    }

    fn entry<'v>(&'v self, among: &Trie<Held<T>>, held: &Held<T>) -> Option<&'v Entry<K, T>> {
        let is = |entry: &Entry<K, T>| Arc::ptr_eq(&entry.object, &held.object);
        let entry = self.state.objects.get(held.hash(), is)?;
        if !entry.filed.is_twin() {
            return Some(entry);
        }
        // Of those with one hash and one object, each has one place under the value: the first is that of the first.
        let others = among.with_hash(held.hash()).take_while(|other| !ptr::eq(*other, held));
        let before = others.filter(|other| Arc::ptr_eq(&other.object, &held.object)).count();
        self.state.objects.with_hash(held.hash()).filter(|entry| is(entry)).nth(before)
    }
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
pub(super) fn show<K: Key, T>(name: &str, state: &State<K, T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name)
        .field("generation", &state.generation)
        .field("len", &state.objects.len())
        .finish_non_exhaustive()
}
