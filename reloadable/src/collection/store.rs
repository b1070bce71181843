//! The one who writes: it makes a batch of changes to a state that nobody else has, and publishes it as a whole.
//!
//! Two states take turns. Once one is published, the other one, which was in force before, follows the same steps, if no
//! reader has it any more: then both own all that they touch, and the next batch changes it in place. If one has it, or the
//! batch was large, the next batch begins with a clone of what is published and copies what it touches.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, RandomState};
use std::hint;
use std::marker::PhantomData;
use std::mem;
use std::ptr;
use std::sync::Arc;

use crate::collection::filing::{Filed, Filings, Place};
use crate::collection::index::{Index, IndexFault, Shelves, Values, empty};
use crate::collection::lister::Lister;
use crate::collection::sorted::Sorted;
use crate::collection::state::{Entry, State, Step};
use crate::collection::trie::Trie;
use crate::key::Key;
use crate::publish::Shared;

/// After a larger batch no state follows: what it would touch is a good part of everything, and then twice in memory.
const FOLLOWED_MAX: usize = 4096;
/// Room for so many steps is kept between batches.
const KEPT_STEPS: usize = 64;
/// How often is looked whether a reader is done with the state that was in force before; one who only reads an object is so
/// after a few dozen nanoseconds.
const PATIENCE: u32 = 16;

/// Many objects by their keys, with one writer and any number of readers.
///
/// The store itself is the writer, and there is only one: it is not `Clone`. Changes are made in a [`Batch`] and become
/// visible all at once. Those who read have a [`Lister`], as many as they like; they never wait for the writer nor for each
/// other.
///
/// An object is an `Arc<T>` and is never changed, only replaced.
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
///
/// let mut batch = store.batch();
/// batch.upsert("a", Arc::new(1));
/// batch.upsert("b", Arc::new(2));
/// assert_eq!(lister.len(), 0, "nothing is to be seen yet");
/// batch.publish();
///
/// assert_eq!(lister.get("a").as_deref(), Some(&1));
/// assert_eq!(lister.len(), 2);
/// ```
pub struct Store<K: Key, T> {
    current: Shared<State<K, T>>,
    /// What the next batch begins with: the same as what is published, and nobody else has it.
    spare: Option<State<K, T>>,
    filings: Filings,
    scratch: Scratch<K, T>,
}

/// What a batch needs, kept for the next one.
struct Scratch<K, T> {
    steps: Vec<Step<K, T>>,
    values: Vec<Values>,
    places: Vec<Place>,
}

impl<K, T> Default for Scratch<K, T> {
    fn default() -> Self {
        Self { steps: Vec::new(), values: Vec::new(), places: Vec::new() }
    }
}

impl<K: Key, T: Send + Sync + 'static> Store<K, T> {
    /// Begins a store, to which indexes can be given.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Index, Store};
    ///
    /// let by_length = Index::new("length", |text: &String| [text.len()]);
    /// let store: Store<u64, String> = Store::builder().index(&by_length).ordered().build();
    /// assert!(store.lister().is_empty());
    /// ```
    pub fn builder() -> StoreBuilder<K, T> {
        StoreBuilder { shelves: Vec::new(), is_ordered: false, of: PhantomData }
    }

    /// Returns a reader. It may outlive the store, and then has what was published last.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Store;
    ///
    /// let store: Store<u64, String> = Store::builder().build();
    /// let lister = store.lister();
    /// std::thread::spawn(move || assert!(lister.get(&1).is_none()));
    /// ```
    #[must_use]
    pub fn lister(&self) -> Lister<K, T> {
        Lister::new(self.current.clone())
    }

    /// Begins a batch of changes. Nothing of it is to be seen before it is published.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use reloadable::Store;
    ///
    /// let mut store = Store::builder().build();
    /// store.batch().upsert("a", Arc::new(1));
    /// assert!(store.lister().is_empty(), "the batch was dropped, not published");
    /// ```
    #[must_use = "what is put into a batch is lost unless it is published"]
    pub fn batch(&mut self) -> Batch<'_, K, T> {
        let work = self.spare.take().unwrap_or_else(|| State::clone(&self.current.load()));
        if self.filings.is_full() {
            self.filings.keep(work.objects.iter().map(|entry| entry.filed));
        }
        let mut scratch = mem::take(&mut self.scratch);
        if scratch.values.len() != work.shelves.len() {
            scratch.values = work.shelves.iter().map(|shelves| shelves.values()).collect();
        }
        Batch {
            store: self,
            work,
            scratch,
            is_changed: false,
            is_followed: true,
            is_torn: false,
            faults: Vec::new(),
        }
    }
}

/// Shows how much is in it, and none of the objects: they may have secrets.
impl<K: Key, T> fmt::Debug for Store<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.current.load();
        f.debug_struct("Store")
            .field("generation", &state.generation)
            .field("len", &state.objects.len())
            .finish_non_exhaustive()
    }
}

/// What a [`Store`] is to have, from [`Store::builder`].
///
/// # Examples
///
/// ```
/// use reloadable::{Index, Store};
///
/// let by_length = Index::new("length", |text: &String| [text.len()]);
/// let store: Store<u64, String> = Store::builder().index(&by_length).build();
/// # drop(store);
/// ```
#[must_use]
pub struct StoreBuilder<K: Key, T> {
    shelves: Vec<Box<dyn Shelves<T>>>,
    is_ordered: bool,
    of: PhantomData<fn(K, T)>,
}

impl<K: Key, T: Send + Sync + 'static> StoreBuilder<K, T> {
    /// Keeps this index with the objects. Each costs time with each change, and memory for each value of each object.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Index, Store};
    ///
    /// let by_length = Index::new("length", |text: &String| [text.len()]);
    /// let store: Store<u64, String> = Store::builder().index(&by_length).build();
    /// # drop(store);
    /// ```
    pub fn index<V>(mut self, index: &Index<T, V>) -> Self
    where
        V: Clone + Ord + Hash + Send + Sync + 'static,
    {
        self.shelves.push(empty(index));
        self
    }

    /// Keeps the keys in order, for [`View::range`](crate::View::range). Without this a range is sorted at each call.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use reloadable::Store;
    ///
    /// let mut store = Store::builder().ordered().build();
    /// let mut batch = store.batch();
    /// for number in 0..10 {
    ///     batch.upsert(number, Arc::new(number * number));
    /// }
    /// batch.publish();
    /// let view = store.lister().snapshot();
    /// let squares: Vec<_> = view.range(3..5).map(|(_, square)| **square).collect();
    /// assert_eq!(squares, [9, 16]);
    /// ```
    pub fn ordered(mut self) -> Self {
        self.is_ordered = true;
        self
    }

    /// Makes the store, with nothing in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Store;
    ///
    /// let store: Store<String, u64> = Store::builder().build();
    /// assert!(store.lister().is_empty());
    /// ```
    #[must_use]
    pub fn build(self) -> Store<K, T> {
        let state = State {
            generation: 0,
            hasher: RandomState::new(),
            objects: Trie::default(),
            shelves: self.shelves,
            order: self.is_ordered.then(Sorted::default),
        };
        let current = Shared::new(Arc::new(state));
        Store { current, spare: None, filings: Filings::default(), scratch: Scratch::default() }
    }
}

impl<K: Key, T> fmt::Debug for StoreBuilder<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBuilder")
            .field("indexes", &self.shelves.len())
            .field("is_ordered", &self.is_ordered)
            .finish_non_exhaustive()
    }
}

/// Changes to a [`Store`] that become visible together, from [`Store::batch`].
///
/// Dropped without [`publish`](Self::publish), it changes nothing. Nor does it where a change was left in its midst, since the
/// key's `Clone` or `Ord` panicked and the panic was caught: then nothing of the batch is published. A key that panics before
/// anything was changed, as in `Hash`, takes only its own change with it.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use reloadable::Store;
///
/// let mut store = Store::builder().build();
/// let mut batch = store.batch();
/// assert!(batch.upsert("a", Arc::new(1)).is_none());
/// assert_eq!(batch.upsert("a", Arc::new(2)).map(|before| **before), Some(1));
/// assert_eq!(batch.remove("a").map(|before| **before), Some(2));
/// assert!(batch.publish().is_empty(), "no index failed");
/// ```
pub struct Batch<'s, K: Key, T> {
    store: &'s mut Store<K, T>,
    work: State<K, T>,
    scratch: Scratch<K, T>,
    is_changed: bool,
    is_followed: bool,
    /// A change was begun and not ended, since the key's code panicked in it.
    is_torn: bool,
    faults: Vec<IndexFault<K>>,
}

impl<K: Key, T: Send + Sync + 'static> Batch<'_, K, T> {
    /// Puts an object in, and returns the one that had this key before.
    ///
    /// The very object that is there already (the same `Arc`) stays as it is, and costs no more than to find it. The functions
    /// of the indexes run here; if one panics, the object is put in all the same, and `publish` tells of it.
    ///
    /// # Panics
    ///
    /// Only where the key's own `Hash`, `Eq`, `Ord` or `Clone`, or that of an index's value, panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use reloadable::Store;
    ///
    /// let mut store = Store::builder().build();
    /// let mut batch = store.batch();
    /// assert!(batch.upsert("a", Arc::new(1)).is_none());
    /// batch.publish();
    /// ```
    pub fn upsert(&mut self, key: K, object: Arc<T>) -> Option<&Arc<T>> {
        let hash = self.work.hash(&key);
        let old = self.work.entry(hash, &key).map(|entry| (Arc::as_ptr(&entry.object), entry.filed));
        if old.is_some_and(|(old, _)| ptr::eq(old, Arc::as_ptr(&object))) {
            return self.work.entry(hash, &key).map(|entry| &entry.object);
        }
        self.is_torn = true;
        let filed = self.filed(&key, &object, old.map(|(_, filed)| filed).unwrap_or_default());
        let new = Some((Arc::clone(&object), filed));
        let (key, old) = match old {
            Some((_, old)) => {
                let object = self.work.replace(hash, &key, object, filed);
                (key, object.map(|object| (object, old)))
            }
            None => {
                self.work.insert(hash, key.clone(), object, filed);
                (key, None)
            }
        };
        self.took(Step { hash, key, old, new })
    }

    /// Takes an object out, and returns it if it was there.
    ///
    /// # Panics
    ///
    /// Only where the key's own `Hash`, `Eq` or `Ord` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use reloadable::Store;
    ///
    /// let mut store = Store::builder().build();
    /// let mut batch = store.batch();
    /// batch.upsert("a".to_owned(), Arc::new(1));
    /// assert!(batch.remove("a").is_some());
    /// assert!(batch.remove("a").is_none());
    /// ```
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&Arc<T>>
    where
        K: Borrow<Q>,
    {
        let hash = self.work.hash(key);
        self.work.entry(hash, key)?;
        self.is_torn = true;
        let Entry { key, object, filed, .. } = self.work.remove(hash, key)?;
        self.took(Step { hash, key, old: Some((object, filed)), new: None })
    }

    /// Returns an object as it is with the changes of this batch.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use reloadable::Store;
    ///
    /// let mut store = Store::builder().build();
    /// let mut batch = store.batch();
    /// batch.upsert("a", Arc::new(1));
    /// assert_eq!(batch.get("a").map(|object| **object), Some(1));
    /// ```
    #[must_use]
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&Arc<T>>
    where
        K: Borrow<Q>,
    {
        self.work.entry(self.work.hash(key), key).map(|entry| &entry.object)
    }

    /// Makes the changes visible, all at once, and returns which objects are missing from which index because its function
    /// panicked. What changes nothing publishes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use reloadable::Store;
    ///
    /// let mut store = Store::builder().build();
    /// let mut batch = store.batch();
    /// batch.upsert("a", Arc::new(1));
    /// batch.publish();
    /// assert_eq!(store.lister().snapshot().generation(), 1);
    /// ```
    pub fn publish(self) -> Vec<IndexFault<K>> {
        let Self { store, mut work, mut scratch, is_changed, is_followed, is_torn, faults } = self;
        if is_torn {
            return faults;
        }
        if !is_changed {
            store.scratch = scratch;
            store.spare = Some(work);
            return faults;
        }
        work.generation += 1;
        let new = Arc::new(work);
        let old = store.current.swap(Arc::clone(&new));
        if is_followed {
            if let Some(mut spare) = alone(old) {
                for step in &mut scratch.steps {
                    spare.follow(step, &new, &store.filings);
                }
                spare.generation = new.generation;
                store.spare = Some(spare);
            }
        }
        // The last of what was replaced goes here, with destructors that are not ours: everything else is done.
        scratch.steps.clear();
        scratch.steps.shrink_to(KEPT_STEPS);
        store.scratch = scratch;
        faults
    }

    /// Asks all indexes where an object is to be filed.
    fn filed(&mut self, key: &K, object: &T, old: Filed) -> Filed {
        let State { hasher, shelves, .. } = &mut self.work;
        let Scratch { values, places, .. } = &mut self.scratch;
        places.clear();
        for ((number, shelves), values) in (0..).zip(shelves).zip(values) {
            if let Err(index) = shelves.read(hasher, object, values) {
                self.faults.push(IndexFault::new(key.clone(), index));
            }
            shelves.places(number, values, places);
        }
        places.sort_unstable();
        self.store.filings.filed(places, old)
    }

    /// Ends a step, and returns the object that went with it.
    fn took(&mut self, step: Step<K, T>) -> Option<&Arc<T>> {
        self.work.file(&step, &self.store.filings, None);
        self.is_torn = false;
        self.is_changed = true;
        let steps = &mut self.scratch.steps;
        self.is_followed &= steps.len() < FOLLOWED_MAX;
        if !self.is_followed {
            steps.clear();
        }
        steps.push(step);
        steps.last().and_then(|step| step.old.as_ref()).map(|(object, _)| object)
    }
}

impl<K: Key, T> fmt::Debug for Batch<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.work.objects.len())
            .field("is_changed", &self.is_changed)
            .finish_non_exhaustive()
    }
}

/// Takes a state out of its `Arc` if no reader has it, or is about to be done with it.
fn alone<S>(mut state: Arc<S>) -> Option<S> {
    for _ in 0..PATIENCE {
        if Arc::get_mut(&mut state).is_some() {
            return Arc::into_inner(state);
        }
        hint::spin_loop();
    }
    None
}
