//! Finding objects by something else than their key: what users declare, and how objects are filed under it.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::collection::filing::Place;
use crate::collection::trie::{Hashed, Trie};

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

    /// Calls the function, and gives what it makes of the object one by one.
    pub(crate) fn read(&self, object: &T, take: &mut dyn FnMut(V)) {
        (self.read)(object, take);
    }

    /// Tells whether the object has this value, by asking the function. If it panics, there are none.
    pub(crate) fn has<Q: Eq + ?Sized>(&self, object: &T, value: &Q) -> bool
    where
        V: Borrow<Q>,
    {
        let mut has = false;
        let read = || self.read(object, &mut |other| has |= other.borrow() == value);
        catch_unwind(AssertUnwindSafe(read)).is_ok() && has
    }

    /// Asks the function for all values, each of them once and in order. If it panics, there are none.
    pub(crate) fn values(&self, object: &T) -> Vec<V>
    where
        V: Ord,
    {
        let read = || {
            let mut values = Vec::new();
            self.read(object, &mut |value| values.push(value));
            values.sort_unstable();
            values.dedup();
            values
        };
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
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
    pub(crate) fn new(key: K, index: Arc<str>) -> Self {
        Self { key, index }
    }

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

/// An index of any type of values, as a state keeps it.
pub(crate) trait Shelves<T>: Send + Sync {
    fn boxed(&self) -> Box<dyn Shelves<T>>;
    fn as_any(&self) -> &dyn Any;
    /// Returns room for the values of one object, to be used again.
    fn values(&self) -> Values;
    /// Asks the function for the values. If it panics, there are none, and the name of the index is returned.
    fn read(&self, hasher: &RandomState, object: &T, values: &mut Values) -> Result<(), Arc<str>>;
    /// Adds where an object with these values is to be filed, with this as the number of the index. For a new value there is a
    /// place from now on.
    fn places(&mut self, index: u32, values: &Values, places: &mut Vec<Place>);
    /// Puts the new object there in the place of the old one. Where there is no such place yet, these other shelves know the
    /// value.
    fn change(&mut self, place: Place, change: &Change<'_, T>, other: Option<&dyn Shelves<T>>);
}

/// What happens to an object at one place: it comes, goes, or takes the place of another one.
pub(crate) struct Change<'c, T> {
    pub(crate) hash: u32,
    pub(crate) old: Option<&'c Arc<T>>,
    pub(crate) new: Option<&'c Arc<T>>,
}

/// The values of one object under one index, a `Vec<(u64, V)>`.
pub(crate) type Values = Box<dyn Any + Send + Sync>;

/// The objects that have one value.
struct Shelf<T, V> {
    value: V,
    /// Which one it is of those whose values have the same hash.
    number: u32,
    held: Trie<Held<T>>,
}

impl<T, V: Clone> Clone for Shelf<T, V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), number: self.number, held: self.held.clone() }
    }
}

/// An object with the hash of its key. Those who are equal in both may be taken for each other.
pub(crate) struct Held<T> {
    hash: u32,
    pub(crate) object: Arc<T>,
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { hash: self.hash, object: Arc::clone(&self.object) }
    }
}

impl<T> Hashed for Held<T> {
    fn hash(&self) -> u32 {
        self.hash
    }

    fn look(&self) -> usize {
        Arc::strong_count(&self.object)
    }
}

struct Filled<T, V> {
    hash: u64,
    shelf: Arc<Shelf<T, V>>,
}

impl<T, V> Clone for Filled<T, V> {
    fn clone(&self) -> Self {
        Self { hash: self.hash, shelf: Arc::clone(&self.shelf) }
    }
}

impl<T, V> Hashed for Filled<T, V> {
    fn hash(&self) -> u32 {
        short(self.hash)
    }

    fn look(&self) -> usize {
        Arc::strong_count(&self.shelf)
    }
}

/// The half of a hash by which things are found.
pub(crate) fn short(hash: u64) -> u32 {
    (hash >> u32::BITS) as u32
}

struct Typed<T, V> {
    index: Index<T, V>,
    shelves: Trie<Filled<T, V>>,
}

/// Returns shelves on which nothing stands yet.
pub(crate) fn empty<T: Send + Sync + 'static, V>(index: &Index<T, V>) -> Box<dyn Shelves<T>>
where
    V: Clone + Ord + Hash + Send + Sync + 'static,
{
    Box::new(Typed { index: index.clone(), shelves: Trie::default() })
}

/// Returns the objects that have a value, or nothing if these are the shelves of another index.
pub(crate) fn find<'s, T: 'static, V, Q>(
    shelves: &'s dyn Shelves<T>,
    index: &Index<T, V>,
    hasher: &RandomState,
    value: &Q,
) -> Option<Option<&'s Trie<Held<T>>>>
where
    V: Borrow<Q> + 'static,
    Q: Eq + Hash + ?Sized,
{
    let typed = typed(shelves, index)?;
    let hash = hasher.hash_one(value);
    let is = |filled: &Filled<T, V>| filled.hash == hash && filled.shelf.value.borrow() == value;
    Some(typed.shelves.get(short(hash), is).map(|filled| &filled.shelf.held))
}

/// Returns all values with the objects that have them, in no order, or nothing if these are the shelves of another index.
pub(crate) fn values<'s, T: 'static, V: 'static>(
    shelves: &'s dyn Shelves<T>,
    index: &Index<T, V>,
) -> Option<impl Iterator<Item = (&'s V, &'s Trie<Held<T>>)> + use<'s, T, V>> {
    let typed = typed(shelves, index)?;
    Some(typed.shelves.iter().map(|filled| (&filled.shelf.value, &filled.shelf.held)))
}

fn typed<'s, T: 'static, V: 'static>(
    shelves: &'s dyn Shelves<T>,
    index: &Index<T, V>,
) -> Option<&'s Typed<T, V>> {
    shelves.as_any().downcast_ref::<Typed<T, V>>().filter(|typed| typed.index.is(index))
}

impl<T, V> Filled<T, V> {
    fn is(&self, place: Place) -> bool {
        self.hash == place.value && self.shelf.number == place.number
    }
}

impl<T: Send + Sync + 'static, V> Typed<T, V>
where
    V: Clone + Ord + Hash + Send + Sync + 'static,
{
    fn put(&mut self, value: V, place: Place) {
        let shelf = Arc::new(Shelf { value, number: place.number, held: Trie::default() });
        self.shelves.insert(Filled { hash: place.value, shelf });
    }
}

impl<T: Send + Sync + 'static, V> Shelves<T> for Typed<T, V>
where
    V: Clone + Ord + Hash + Send + Sync + 'static,
{
    fn boxed(&self) -> Box<dyn Shelves<T>> {
        Box::new(Self { index: self.index.clone(), shelves: self.shelves.clone() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn values(&self) -> Values {
        Box::new(Vec::<(u64, V)>::new())
    }

    fn read(&self, hasher: &RandomState, object: &T, values: &mut Values) -> Result<(), Arc<str>> {
        let Some(values) = values.downcast_mut::<Vec<(u64, V)>>() else { return Ok(()) };
        values.clear();
        let mut read = || {
            self.index.read(object, &mut |value| values.push((hasher.hash_one(&value), value)));
            values.sort_unstable();
            values.dedup();
        };
        if catch_unwind(AssertUnwindSafe(&mut read)).is_err() {
            values.clear();
            return Err(Arc::clone(&self.index.name));
        }
        Ok(())
    }

    fn places(&mut self, index: u32, values: &Values, places: &mut Vec<Place>) {
        for (hash, value) in values.downcast_ref::<Vec<(u64, V)>>().into_iter().flatten() {
            let (mut known, mut number) = (None, 0);
            for filled in self.shelves.with_hash(short(*hash)).filter(|filled| filled.hash == *hash) {
                number = number.max(filled.shelf.number + 1);
                if filled.shelf.value == *value {
                    known = Some(filled.shelf.number);
                }
            }
            let place = Place { index, number: known.unwrap_or(number), value: *hash };
            if known.is_none() {
                self.put(value.clone(), place);
            }
            places.push(place);
        }
    }

    fn change(&mut self, place: Place, change: &Change<'_, T>, other: Option<&dyn Shelves<T>>) {
        let short = short(place.value);
        let Some(filled) = self.shelves.get_mut(short, |filled| filled.is(place)) else {
            let other = other.and_then(|other| other.as_any().downcast_ref::<Self>());
            // A place that is not there either was left again in the same batch.
            if let Some(filled) = other.and_then(|other| other.shelves.get(short, |filled| filled.is(place)))
            {
                self.put(filled.shelf.value.clone(), place);
                self.change(place, change, None);
            }
            return;
        };
        let held = &mut Arc::make_mut(&mut filled.shelf).held;
        let is_old = |held: &Held<T>| change.old.is_some_and(|old| Arc::ptr_eq(old, &held.object));
        match change.new.map(Arc::clone) {
            Some(object) => match held.get_mut(change.hash, is_old) {
                Some(place) => place.object = object,
                None => held.insert(Held { hash: change.hash, object }),
            },
            None => {
                held.remove(change.hash, is_old);
                if held.len() == 0 {
                    self.shelves.remove(short, |filled| filled.is(place));
                }
            }
        }
    }
}
