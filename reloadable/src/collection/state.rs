//! All objects with their indexes, as one value: what readers see as a whole, and how one change is made to it.

use std::borrow::Borrow;
use std::hash::RandomState;
use std::sync::Arc;

use crate::collection::index::{Place, Shelves, Values};
use crate::collection::sorted::{Ordered, Sorted};
use crate::collection::trie::Trie;
use crate::key::Key;

/// An object as it is kept. Objects, indexes and order share it.
#[derive(Debug)]
pub(crate) struct Entry<K, T> {
    pub(crate) key: K,
    pub(crate) object: Arc<T>,
    pub(crate) places: Box<[Place]>,
}

impl<K: Key, T> Ordered for Arc<Entry<K, T>> {
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
    pub(crate) objects: Trie<Arc<Entry<K, T>>>,
    pub(crate) shelves: Vec<Box<dyn Shelves<K, T>>>,
    pub(crate) order: Option<Sorted<Arc<Entry<K, T>>>>,
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
    pub(crate) hash: u64,
    pub(crate) old: Option<Arc<Entry<K, T>>>,
    pub(crate) new: Option<Arc<Entry<K, T>>>,
}

impl<K, T> Step<K, T> {
    /// In the state before this step the old entry is at hand, so nothing has to be compared but where it is.
    pub(crate) fn is_old(&self, entry: &Arc<Entry<K, T>>) -> bool {
        self.old.as_ref().is_some_and(|old| Arc::ptr_eq(old, entry))
    }

    pub(crate) fn is_new(&self, entry: &Arc<Entry<K, T>>) -> bool {
        self.new.as_ref().is_some_and(|new| Arc::ptr_eq(new, entry))
    }
}

impl<K: Key, T> State<K, T> {
    pub(crate) fn entry<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<&Arc<Entry<K, T>>>
    where
        K: Borrow<Q>,
    {
        // Keys are compared while the object is on its way from memory, where whoever counts it up or down will need it.
        let is = |entry: &Arc<Entry<K, T>>| Arc::strong_count(&entry.object) > 0 && entry.key.borrow() == key;
        self.objects.get(hash, is)
    }

    /// Takes a step, with the values under which the new object is to be filed.
    pub(crate) fn take(&mut self, step: &Step<K, T>, values: &[Values]) {
        self.step(step, |shelves, replaced| {
            for ((index, shelves), values) in (0..).zip(shelves).zip(values) {
                shelves.file(values, step, &mut |value| replaced(Place { index, value }));
            }
        });
    }

    /// Takes a step that has led to this other state.
    pub(crate) fn follow(&mut self, step: &Step<K, T>, other: &Self) {
        self.step(step, |shelves, replaced| {
            for Place { index, value } in step.new.iter().flat_map(|new| new.places.iter().copied()) {
                let at = index as usize;
                if let (Some(shelves), Some(other)) = (shelves.get_mut(at), other.shelves.get(at)) {
                    shelves.follow(&**other, value, step, &mut |value| replaced(Place { index, value }));
                }
            }
        });
    }

    fn step(
        &mut self,
        step: &Step<K, T>,
        file: impl FnOnce(&mut [Box<dyn Shelves<K, T>>], &mut dyn FnMut(Place)),
    ) {
        let Step { hash, old, new } = step;
        // From the last to the first: in the order in which the new ones come, they are then found at the end.
        let mut left: Vec<Place> = old.iter().flat_map(|old| old.places.iter().rev().copied()).collect();
        if let Some(new) = new {
            self.objects.insert(*hash, Arc::clone(new), |entry| step.is_old(entry));
            if let Some(order) = &mut self.order {
                order.insert(Arc::clone(new));
            }
            file(&mut self.shelves, &mut |place| {
                if let Some(found) = left.iter().rposition(|other| *other == place) {
                    left.remove(found);
                }
            });
        } else if let Some(old) = old {
            self.objects.remove(*hash, |entry| step.is_old(entry));
            if let Some(order) = &mut self.order {
                order.remove(&old.key);
            }
        }
        for place in left {
            if let Some(shelves) = self.shelves.get_mut(place.index as usize) {
                shelves.take(place.value, step);
            }
        }
    }
}
