//! All objects with their indexes, as one value: what readers see as a whole, and how one change is made to it.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};
use std::mem;
use std::sync::Arc;

use crate::collection::filing::{Filed, Filings, Place};
use crate::collection::index::{Change, Shelves, short};
use crate::collection::sorted::{Ordered, Sorted};
use crate::collection::trie::{Hashed, Trie};
use crate::key::Key;

/// An object as it is kept.
#[derive(Debug)]
pub(crate) struct Entry<K, T> {
    hash: u32,
    pub(crate) filed: Filed,
    pub(crate) key: K,
    pub(crate) object: Arc<T>,
}

impl<K: Clone, T> Clone for Entry<K, T> {
    fn clone(&self) -> Self {
        let Self { hash, filed, key, object } = self;
        Self { hash: *hash, filed: *filed, key: key.clone(), object: Arc::clone(object) }
    }
}

impl<K: Clone, T> Hashed for Entry<K, T> {
    fn hash(&self) -> u32 {
        self.hash
    }

    fn look(&self) -> usize {
        Arc::strong_count(&self.object)
    }
}

/// A key in the order of all keys, with its hash, by which the object is found.
#[derive(Debug, Clone)]
pub(crate) struct Ranked<K> {
    pub(crate) hash: u32,
    pub(crate) key: K,
}

impl<K: Key> Ordered for Ranked<K> {
    type Key = K;

    fn key(&self) -> &K {
        &self.key
    }
}

/// What is in the store at one moment. A clone is cheap: it shares all that neither of them changes later.
pub(crate) struct State<K: Key, T> {
    pub(crate) generation: u64,
    /// One for all states of a store, chosen by chance, so that nobody can make keys that meet in one place.
    pub(crate) hasher: RandomState,
    pub(crate) objects: Trie<Entry<K, T>>,
    pub(crate) shelves: Vec<Box<dyn Shelves<T>>>,
    pub(crate) order: Option<Sorted<Ranked<K>>>,
}

impl<K: Key, T> Clone for State<K, T> {
    fn clone(&self) -> Self {
        let Self { generation, hasher, objects, shelves, order } = self;
        Self {
            generation: *generation,
            hasher: hasher.clone(),
            objects: objects.clone(),
            shelves: shelves.iter().map(|shelves| shelves.boxed()).collect(),
            order: order.clone(),
        }
    }
}

/// One object that came, went, or took the place of another one.
#[derive(Debug)]
pub(crate) struct Step<K, T> {
    pub(crate) hash: u32,
    pub(crate) key: K,
    pub(crate) old: Option<(Arc<T>, Filed)>,
    pub(crate) new: Option<(Arc<T>, Filed)>,
}

impl<K: Key, T> State<K, T> {
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u32 {
        short(self.hasher.hash_one(key))
    }

    pub(crate) fn entry<Q: Eq + ?Sized>(&self, hash: u32, key: &Q) -> Option<&Entry<K, T>>
    where
        K: Borrow<Q>,
    {
        self.objects.get(hash, |entry| entry.key.borrow() == key)
    }

    /// Puts an object in the place of one that is there, and returns that one.
    pub(crate) fn replace(&mut self, hash: u32, key: &K, object: Arc<T>, filed: Filed) -> Option<Arc<T>> {
        // A hash that only one object has says as much as the key, which would have to come from memory.
        let is = |entry: &Entry<K, T>| !entry.filed.is_twin() || entry.key == *key;
        let entry = self.objects.get_mut(hash, is)?;
        entry.filed = filed.instead_of(entry.filed);
        Some(mem::replace(&mut entry.object, object))
    }

    /// Puts an object in whose key is not there.
    pub(crate) fn insert(&mut self, hash: u32, key: K, object: Arc<T>, mut filed: Filed) {
        if let Some(order) = &mut self.order {
            order.insert(Ranked { hash, key: key.clone() });
        }
        let twin = self.objects.with_hash(hash).next().map(|twin| twin.filed.is_twin());
        if twin.is_some() {
            filed = filed.twin();
        }
        if twin == Some(false) {
            // It was the only one until now.
            if let Some(twin) = self.objects.get_mut(hash, |_| true) {
                twin.filed = twin.filed.twin();
            }
        }
        self.objects.insert(Entry { hash, filed, key, object });
    }

    pub(crate) fn remove<Q: Eq + ?Sized>(&mut self, hash: u32, key: &Q) -> Option<Entry<K, T>>
    where
        K: Borrow<Q>,
    {
        let removed = self.objects.remove(hash, |entry| entry.key.borrow() == key)?;
        if let Some(order) = &mut self.order {
            order.remove::<K>(&removed.key);
        }
        Some(removed)
    }

    /// Files an object anew, where it has come, gone, or been replaced.
    pub(crate) fn file(&mut self, step: &Step<K, T>, filings: &Filings, other: Option<&Self>) {
        let Step { hash, old, new, .. } = step;
        let places = |held: &Option<(Arc<T>, Filed)>| filings.places(held.as_ref().map(|held| held.1));
        let (left, taken) = (places(old), places(new));
        let (old, new) = (old.as_ref().map(|old| &old.0), new.as_ref().map(|new| &new.0));
        let mut change = |place: &Place, old, new| {
            let at = place.index as usize;
            let other = other.and_then(|other| other.shelves.get(at)).map(|other| &**other);
            if let Some(shelves) = self.shelves.get_mut(at) {
                shelves.change(*place, &Change { hash: *hash, old, new }, other);
            }
        };
        for place in taken {
            change(place, old.filter(|_| left.binary_search(place).is_ok()), new);
        }
        for place in left.iter().filter(|place| taken.binary_search(place).is_err()) {
            change(place, old, None);
        }
    }

    /// Takes a step that has led to this other state, and leaves in it what was replaced here.
    pub(crate) fn follow(&mut self, step: &mut Step<K, T>, other: &Self, filings: &Filings) {
        let Step { hash, key, old, new } = &*step;
        let replaced = match (old, new) {
            (Some(_), Some((object, filed))) => {
                let old = self.replace(*hash, key, Arc::clone(object), *filed);
                old.map(|old| (old, *filed))
            }
            (None, Some((object, filed))) => {
                self.insert(*hash, key.clone(), Arc::clone(object), *filed);
                None
            }
            (_, None) => self.remove(*hash, key).map(|entry| (entry.object, entry.filed)),
        };
        self.file(step, filings, Some(other));
        step.new = replaced;
    }
}
