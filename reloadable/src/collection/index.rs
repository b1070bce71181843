//! Finding objects by something else than their key: what users declare, and how objects are filed under it.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::collection::state::{Entry, Step};
use crate::collection::trie::{Iter, Trie};
use crate::key::Key;

/// Takes the values of an object one by one, so that they need no list of their own.
type Read<T, V> = dyn Fn(&T, &mut dyn FnMut(V)) + Send + Sync;

/// Files objects under what a function makes of them: none, one or several values each.
///
/// It is declared where the store is built, and then asked for with the same index (or a clone of it, which is cheap).
/// It is kept up to date with the objects: each view has the indexes of the very objects that it has.
///
/// The function runs once for each object that is put in, never under a lock. If it panics, the object is in the store all the
/// same, only not under this index, and an [`IndexFault`] says so.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use reloadable::{Index, Store};
///
/// struct Route {
///     host: String,
///     tags: Vec<String>,
/// }
///
/// let by_host = Index::new("host", |route: &Route| [route.host.clone()]);
/// let by_tag = Index::new("tag", |route: &Route| route.tags.clone());
/// let mut store = Store::builder().index(&by_host).index(&by_tag).build();
///
/// let route = Route { host: "a.example".into(), tags: vec!["public".into(), "beta".into()] };
/// let mut batch = store.batch();
/// batch.upsert("api".to_owned(), Arc::new(route));
/// batch.publish();
///
/// let view = store.lister().snapshot();
/// assert_eq!(view.by_index(&by_host, "a.example").count(), 1);
/// assert_eq!(view.by_index(&by_tag, "beta").count(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Index<T, V> {
    name: Arc<str>,
    read: Arc<Read<T, V>>,
}

impl<T, V> Index<T, V> {
    /// Declares an index: a name for faults and logs, and the function that makes the values of an object.
    ///
    /// Values that are given twice count once.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Index;
    ///
    /// struct Route {
    ///     port: Option<u16>,
    /// }
    ///
    /// let by_port = Index::new("port", |route: &Route| route.port);
    /// assert_eq!(by_port.name(), "port");
    /// ```
    pub fn new<F, O>(name: impl Into<Arc<str>>, function: F) -> Self
    where
        F: Fn(&T) -> O + Send + Sync + 'static,
        O: IntoIterator<Item = V>,
    {
        let read = move |object: &T, take: &mut dyn FnMut(V)| function(object).into_iter().for_each(take);
        Self { name: name.into(), read: Arc::new(read) }
    }

    /// Returns the name that it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether the object has this value, by asking the function.
    pub(crate) fn has<Q: Eq + ?Sized>(&self, object: &T, value: &Q) -> bool
    where
        V: Borrow<Q>,
    {
        let mut has = false;
        (self.read)(object, &mut |other| has |= other.borrow() == value);
        has
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.read, &other.read)
    }
}

impl<T, V> Clone for Index<T, V> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), read: Arc::clone(&self.read) }
    }
}

impl<T, V> fmt::Debug for Index<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An object that is in the store, but not under one of its indexes, because the function of that index panicked.
///
/// What it said went to the panic hook, and is not repeated here: it may be about a secret.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use reloadable::{Index, Store};
///
/// let by_first = Index::new("first", |name: &String| [name.as_bytes()[0]]);
/// let mut store = Store::builder().index(&by_first).build();
/// let mut batch = store.batch();
/// batch.upsert(1, Arc::new(String::new()));
/// let faults = batch.publish();
/// assert_eq!(faults[0].to_string(), "object 1 is not under index `first`: its function panicked");
/// assert_eq!(store.lister().len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFault<K> {
    key: K,
    index: Arc<str>,
}

impl<K> IndexFault<K> {
    /// Returns the key of the object.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Returns the name of the index.
    #[must_use]
    pub fn index(&self) -> &str {
        &self.index
    }
}

impl<K: fmt::Debug> fmt::Display for IndexFault<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, index } = self;
        write!(f, "object {key:?} is not under index `{index}`: its function panicked")
    }
}

/// Where an object is filed: the number of the index, and the hash of the value. With it an object is taken out again
/// without asking the function, which may no longer give the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) index: u32,
    pub(crate) value: u64,
}

/// An index of any type of values, as a state keeps it.
pub(crate) trait Shelves<K, T>: Send + Sync {
    fn boxed(&self) -> Box<dyn Shelves<K, T>>;
    fn as_any(&self) -> &dyn Any;
    /// Returns a place for the values of one object, to be used again.
    fn values(&self) -> Values;
    /// Asks the function for the values, and adds where they are to be filed. If it panics, there are none.
    fn read(
        &self,
        number: u32,
        hasher: &RandomState,
        key: &K,
        object: &T,
        values: &mut Values,
        places: &mut Vec<Place>,
    ) -> Result<(), IndexFault<K>>;
    /// Files the new entry of a step under each of the values that were read. `replaced` has the hash of each value under
    /// which the old one stood.
    fn file(&mut self, values: &Values, step: &Step<K, T>, replaced: &mut dyn FnMut(u64));
    /// Files the new entry of a step under the values with this hash under which these other shelves have it.
    fn follow(
        &mut self,
        other: &dyn Shelves<K, T>,
        value: u64,
        step: &Step<K, T>,
        replaced: &mut dyn FnMut(u64),
    );
    /// Takes the old entry of a step from one value with this hash.
    fn take(&mut self, value: u64, step: &Step<K, T>);
}

/// The values of one object under one index, a `Vec<(u64, V)>`.
pub(crate) type Values = Box<dyn Any + Send + Sync>;

/// The objects that have one value.
struct Shelf<K, T, V> {
    value: V,
    entries: Trie<Arc<Entry<K, T>>>,
}

impl<K, T, V: Clone> Clone for Shelf<K, T, V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), entries: self.entries.clone() }
    }
}

struct Typed<K, T, V> {
    index: Index<T, V>,
    shelves: Trie<Arc<Shelf<K, T, V>>>,
}

/// Returns shelves on which nothing stands yet.
pub(crate) fn empty<K: Key, T: Send + Sync + 'static, V>(index: &Index<T, V>) -> Box<dyn Shelves<K, T>>
where
    V: Clone + Ord + Hash + Send + Sync + 'static,
{
    Box::new(Typed { index: index.clone(), shelves: Trie::default() })
}

/// Returns the entries under a value, or nothing if these are the shelves of another index.
pub(crate) fn find<'s, K: Key, T: Send + Sync + 'static, V, Q>(
    shelves: &'s dyn Shelves<K, T>,
    index: &Index<T, V>,
    hasher: &RandomState,
    value: &Q,
) -> Option<Iter<'s, Arc<Entry<K, T>>>>
where
    V: Borrow<Q> + 'static,
    Q: Eq + Hash + ?Sized,
{
    let typed = shelves.as_any().downcast_ref::<Typed<K, T, V>>().filter(|typed| typed.index.is(index))?;
    let shelf = typed.shelves.get(hasher.hash_one(value), |shelf| shelf.value.borrow() == value);
    Some(shelf.map(|shelf| shelf.entries.iter()).unwrap_or_default())
}

impl<K: Key, T: Send + Sync + 'static, V> Typed<K, T, V>
where
    V: Clone + Ord + Hash + Send + Sync + 'static,
{
    fn put(&mut self, hash: u64, value: &V, step: &Step<K, T>, replaced: &mut dyn FnMut(u64)) {
        let Some(new) = step.new.as_ref().map(Arc::clone) else { return };
        if let Some(shelf) = self.shelves.get_mut(hash, |shelf| shelf.value == *value) {
            // Values with one hash are followed twice, and then the new one is there already.
            let is = |entry: &Arc<Entry<K, T>>| step.is_old(entry) || step.is_new(entry);
            let before = Arc::make_mut(shelf).entries.insert(step.hash, new, is);
            if before.is_some_and(|before| step.is_old(&before)) {
                replaced(hash);
            }
        } else {
            let mut entries = Trie::default();
            entries.insert(step.hash, new, |_| false);
            self.shelves.insert(hash, Arc::new(Shelf { value: value.clone(), entries }), |_| false);
        }
    }
}

impl<K: Key, T: Send + Sync + 'static, V> Shelves<K, T> for Typed<K, T, V>
where
    V: Clone + Ord + Hash + Send + Sync + 'static,
{
    fn boxed(&self) -> Box<dyn Shelves<K, T>> {
        Box::new(Self { index: self.index.clone(), shelves: self.shelves.clone() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn values(&self) -> Values {
        Box::new(Vec::<(u64, V)>::new())
    }

    fn read(
        &self,
        number: u32,
        hasher: &RandomState,
        key: &K,
        object: &T,
        values: &mut Values,
        places: &mut Vec<Place>,
    ) -> Result<(), IndexFault<K>> {
        let Some(values) = values.downcast_mut::<Vec<(u64, V)>>() else { return Ok(()) };
        values.clear();
        let mut read = || {
            (self.index.read)(object, &mut |value| values.push((hasher.hash_one(&value), value)));
            values.sort_unstable();
            values.dedup();
        };
        if catch_unwind(AssertUnwindSafe(&mut read)).is_err() {
            values.clear();
            return Err(IndexFault { key: key.clone(), index: Arc::clone(&self.index.name) });
        }
        places.extend(values.iter().map(|(value, _)| Place { index: number, value: *value }));
        Ok(())
    }

    fn file(&mut self, values: &Values, step: &Step<K, T>, replaced: &mut dyn FnMut(u64)) {
        for (hash, value) in values.downcast_ref::<Vec<(u64, V)>>().into_iter().flatten() {
            self.put(*hash, value, step, replaced);
        }
    }

    fn follow(
        &mut self,
        other: &dyn Shelves<K, T>,
        value: u64,
        step: &Step<K, T>,
        replaced: &mut dyn FnMut(u64),
    ) {
        let Some(other) = other.as_any().downcast_ref::<Self>() else { return };
        for shelf in other.shelves.with_hash(value) {
            if shelf.entries.get(step.hash, |entry| step.is_new(entry)).is_some() {
                self.put(value, &shelf.value, step, replaced);
            }
        }
    }

    fn take(&mut self, value: u64, step: &Step<K, T>) {
        let has =
            |shelf: &Arc<Shelf<K, T, V>>| shelf.entries.get(step.hash, |entry| step.is_old(entry)).is_some();
        let Some(shelf) = self.shelves.get_mut(value, has) else { return };
        let shelf = Arc::make_mut(shelf);
        shelf.entries.remove(step.hash, |entry| step.is_old(entry));
        if shelf.entries.is_empty() {
            self.shelves.remove(value, |shelf| shelf.entries.is_empty());
        }
    }
}
