//! Those who read: single objects of what is in force, or a view of it.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crate::collection::index::Index;
use crate::collection::state::{Entry, State};
use crate::collection::trie::Trie;
use crate::collection::view::{View, show};
use crate::key::Key;
use crate::publish::Shared;

/// So many objects are found before they are counted up. To count one up, the processor waits until it has it from memory; but
/// meanwhile it can fetch the next ones, as long as it need not guess which they are.
const AHEAD: usize = 256;

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
        kept(view.iter().map(|(_, object)| object), view.len())
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
        match view.held(index, value) {
            Some(held) => {
                let objects = held.into_iter().flat_map(Trie::iter).map(|held| &held.object);
                kept(objects, held.map_or(0, Trie::len))
            }
            None => view.asked(index, value).map(|(_, object)| Arc::clone(object)).collect(),
        }
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

/// Returns the objects, to keep.
fn kept<'v, T: 'v>(mut found: impl Iterator<Item = &'v Arc<T>>, count: usize) -> Vec<Arc<T>> {
    let mut objects = Vec::with_capacity(count);
    let mut ahead = Vec::with_capacity(AHEAD);
    loop {
        ahead.extend(found.by_ref().take(AHEAD));
        if ahead.is_empty() {
            return objects;
        }
        objects.extend(ahead.drain(..).map(Arc::clone));
    }
}
