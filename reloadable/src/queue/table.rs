//! All keys that a queue knows, each in a numbered slot.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::Instant;

use super::Priority;

/// What is known of a key.
#[derive(Debug)]
pub(super) struct Slot<K> {
    /// Shared with whoever works on it, so that no code of the key runs when it is handed out.
    pub(super) key: Arc<K>,
    hash: u64,
    /// The next one whose hash is the same.
    same: Option<u32>,
    pub(super) group: u64,
    pub(super) priority: Priority,
    pub(super) place: Place,
    /// When it became ready, or since when it is worked on.
    pub(super) since: Instant,
    pub(super) failures: u32,
    /// When it may be tried again after its failures: the failure of a run that ends before that does not count.
    pub(super) backoff: Option<Instant>,
    pub(super) is_beside: bool,
}

impl<K> Slot<K> {
    pub(super) fn is_early(&self, now: Instant) -> bool {
        self.backoff.is_some_and(|until| now < until)
    }
}

/// Where a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Ready,
    /// It becomes ready then. The number tells keys of the same moment apart.
    Delayed(Instant, u64),
    /// It is worked on. What was added meanwhile comes after that.
    InWork {
        again: Option<Again>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Again {
    pub(super) due: Instant,
    pub(super) priority: Priority,
    /// It does not come before its backoff is over if the run that is under way fails.
    pub(super) is_patient: bool,
}

/// A map from hashes to slots, and the slots. The hash is made before the lock is taken, and never again.
#[derive(Debug)]
pub(super) struct Table<K> {
    by_hash: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    slots: Vec<Option<Slot<K>>>,
    free: Vec<u32>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { by_hash: HashMap::default(), slots: Vec::new(), free: Vec::new() }
    }
}

impl<K> Table<K> {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many slots there are, in use or not.
    pub(super) fn extent(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn at(&self, slot: u32) -> &Slot<K> {
        self.slots[slot as usize].as_ref().expect("who knows the number of a slot is where it is in use")
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Slot<K> {
        self.slots[slot as usize].as_mut().expect("who knows the number of a slot is where it is in use")
    }

    /// The key must not be there yet.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        key: K,
        group: u64,
        priority: Priority,
        since: Instant,
    ) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // There are never more than `list::HIGHEST`: the capacity sees to that.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let same = self.by_hash.insert(hash, slot);
        let (key, place) = (Arc::new(key), Place::Ready);
        let (failures, backoff, is_beside) = (0, None, false);
        let new = Slot { key, hash, same, group, priority, place, since, failures, backoff, is_beside };
        self.slots[slot as usize] = Some(new);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Arc<K>> {
        let Slot { key, hash, same, .. } = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        match (self.by_hash.remove(&hash), same) {
            (Some(first), Some(next)) if first == slot => {
                self.by_hash.insert(hash, next);
            }
            (Some(first), _) if first != slot => {
                self.by_hash.insert(hash, first);
                let mut before = first;
                while let Some(next) = self.at(before).same.filter(|next| *next != slot) {
                    before = next;
                }
                self.at_mut(before).same = same;
            }
            _ => {}
        }
        Some(key)
    }
}

impl<K: Eq> Table<K> {
    pub(super) fn find(&self, hash: u64, key: &K) -> Option<u32> {
        let mut found = self.by_hash.get(&hash).copied();
        while let Some(slot) = found {
            let at = self.at(slot);
            if *at.key == *key {
                return Some(slot);
            }
            found = at.same;
        }
        None
    }
}

/// What is hashed is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_hash_are_told_apart_and_leave_alone() {
        let keys = ["a", "b", "c", "d"];
        for gone in 0..keys.len() {
            let (mut table, now) = (Table::default(), Instant::now());
            let slots = keys.map(|key| table.insert(7, key, 0, Priority::Normal, now));
            table.insert(8, "other", 0, Priority::Normal, now);
            assert_eq!(table.remove(slots[gone]).as_deref().copied(), Some(keys[gone]));
            for (nth, key) in keys.iter().enumerate() {
                assert_eq!(table.find(7, key), (nth != gone).then_some(slots[nth]), "{key} without {gone}");
            }
            assert_eq!(table.len(), 4);
            assert_eq!(
                table.insert(9, "new", 0, Priority::Normal, now),
                slots[gone],
                "its slot is used again"
            );
            assert!(table.find(8, &"other").is_some());
        }
    }
}
