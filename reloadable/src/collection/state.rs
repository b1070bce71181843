//! All objects with their indexes, as one value: what readers see as a whole, and how one change is made to it.

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

impl<K: Key, T> State<K, T> {
    pub(crate) fn entry(&self, hash: u64, is: impl Fn(&K) -> bool) -> Option<&Arc<Entry<K, T>>> {
        self.objects.get(hash, |entry| is(&entry.key))
    }

    /// Takes a step, with the values under which the new object is to be filed.
    pub(crate) fn take(&mut self, step: &Step<K, T>, values: &[Values]) {
        self.step(step, |shelves, new, replaced| {
            for ((number, shelves), values) in (0..).zip(shelves).zip(values) {
                shelves.file(values, step.hash, new, &mut |value| replaced(Place { index: number, value }));
            }
        });
    }

    /// Takes a step that has led to this other state.
    pub(crate) fn follow(&mut self, step: &Step<K, T>, other: &Self) {
        self.step(step, |shelves, new, replaced| {
            for Place { index, value } in new.places.iter().copied() {
                let at = index as usize;
                if let (Some(shelves), Some(other)) = (shelves.get_mut(at), other.shelves.get(at)) {
                    let replaced = &mut |value| replaced(Place { index, value });
                    shelves.follow(&**other, value, step.hash, new, replaced);
                }
            }
        });
    }

    fn step(
        &mut self,
        step: &Step<K, T>,
        file: impl FnOnce(&mut [Box<dyn Shelves<K, T>>], &Arc<Entry<K, T>>, &mut dyn FnMut(Place)),
    ) {
        let Step { hash, old, new } = step;
        // From the last to the first: in the order in which the new ones come, they are then found at the end.
        let mut left: Vec<Place> = old.iter().flat_map(|old| old.places.iter().rev().copied()).collect();
        if let Some(new) = new {
            self.objects.insert(*hash, Arc::clone(new), |entry| entry.key == new.key);
            if let Some(order) = &mut self.order {
                order.insert(Arc::clone(new));
            }
            file(&mut self.shelves, new, &mut |place| {
                if let Some(found) = left.iter().rposition(|other| *other == place) {
                    left.remove(found);
                }
            });
        } else if let Some(old) = old {
            self.objects.remove(*hash, |entry| entry.key == old.key);
            if let Some(order) = &mut self.order {
                order.remove(&old.key);
            }
        }
        for place in left {
            if let (Some(shelves), Some(old)) = (self.shelves.get_mut(place.index as usize), old) {
                shelves.take(place.value, *hash, old);
            }
        }
    }
}
