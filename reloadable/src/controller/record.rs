//! What is remembered of keys that are not done: how they failed, and what was removed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outcome::Failure;
use crate::key::Key;

/// So many failures of a key are remembered, the last ones.
const REMEMBERED: usize = 8;

/// There is an entry only for a key that is in the queue or a dead letter, so there are never more than both may hold.
pub(super) struct Records<K, T> {
    all: Mutex<Entries<K, T>>,
}

struct Entries<K, T> {
    of: HashMap<K, Record<T>>,
    /// Numbers what was removed.
    removals: u64,
}

struct Record<T> {
    failures: VecDeque<Failure>,
    removed: Option<Removed<T>>,
}

/// The object that was removed last, with a number, as the same object may be removed twice.
pub(super) struct Removed<T> {
    number: u64,
    pub(super) object: Arc<T>,
}

impl<T> Clone for Removed<T> {
    fn clone(&self) -> Self {
        Self { number: self.number, object: Arc::clone(&self.object) }
    }
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self { failures: VecDeque::new(), removed: None }
    }
}

impl<K: Key, T> Records<K, T> {
    pub(super) fn new() -> Self {
        Self { all: Mutex::new(Entries { of: HashMap::new(), removals: 0 }) }
    }

    /// Remembers an object that is gone. Returns what was remembered before, to be dropped where no lock is held.
    pub(super) fn removed(&self, key: &K, object: Arc<T>) -> Option<Arc<T>> {
        let mut all = self.all();
        all.removals += 1;
        let removed = Removed { number: all.removals, object };
        let before = match all.of.get_mut(key) {
            Some(record) => record.removed.replace(removed),
            None => {
                let record = Record { removed: Some(removed), ..Record::default() };
                all.of.insert(key.clone(), record);
                None
            }
        };
        before.map(|removed| removed.object)
    }

    pub(super) fn last_removed(&self, key: &K) -> Option<Removed<T>> {
        self.all().of.get(key).and_then(|record| record.removed.clone())
    }

    /// Forgets the failures of a key, and what was removed, unless that is not what the run has seen.
    pub(super) fn succeeded(&self, key: &K, seen: Option<&Removed<T>>) {
        let gone = {
            let mut all = self.all();
            let Some(record) = all.of.get_mut(key) else { return };
            record.failures.clear();
            let seen = seen.map(|seen| seen.number);
            if record.removed.as_ref().is_none_or(|removed| Some(removed.number) == seen) {
                all.of.remove_entry(key)
            } else {
                None
            }
        };
        drop(gone);
    }

    pub(super) fn failed(&self, key: &K, failure: Failure) {
        let mut all = self.all();
        let failures = match all.of.get_mut(key) {
            Some(record) => &mut record.failures,
            None => &mut all.of.entry(key.clone()).or_default().failures,
        };
        if failures.len() == REMEMBERED {
            failures.pop_front();
        }
        failures.push_back(failure);
    }

    /// Returns the failures of a key, the last one at the end.
    pub(super) fn failures(&self, key: &K) -> Vec<Failure> {
        self.all().of.get(key).map(|record| record.failures.iter().cloned().collect()).unwrap_or_default()
    }

    /// Forgets the failures of a key, which somebody else remembers.
    pub(super) fn forget_failures(&self, key: &K) {
        let gone = {
            let mut all = self.all();
            let Some(record) = all.of.get_mut(key) else { return };
            record.failures.clear();
            if record.removed.is_none() { all.of.remove_entry(key) } else { None }
        };
        drop(gone);
    }

    /// Forgets all of a key.
    pub(super) fn forget(&self, key: &K) {
        let gone = self.all().of.remove_entry(key);
        drop(gone);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.all().of.len()
    }

    /// Besides this, only code of the keys runs under the lock.
    fn all(&self) -> MutexGuard<'_, Entries<K, T>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::outcome::FailureKind;
    use super::*;

    fn failure(attempt: u32) -> Failure {
        Failure { at: SystemTime::UNIX_EPOCH, attempt, kind: FailureKind::Transient, message: "no".into() }
    }

    #[test]
    fn a_success_forgets_only_the_removal_that_it_has_seen() {
        let records = Records::new();
        let object = Arc::new(1);
        records.removed(&"a", Arc::clone(&object));
        let seen = records.last_removed(&"a");
        records.removed(&"a", Arc::clone(&object));
        records.succeeded(&"a", seen.as_ref());
        assert!(records.last_removed(&"a").is_some(), "it was removed once more, meanwhile");
        records.succeeded(&"a", records.last_removed(&"a").as_ref());
        assert_eq!(records.len(), 0);
        assert_eq!(Arc::strong_count(&object), 2, "here and in what was seen");
    }

    #[test]
    fn the_last_failures_are_remembered_until_it_succeeds() {
        let records = Records::<_, ()>::new();
        for attempt in 1..=20 {
            records.failed(&"a", failure(attempt));
        }
        let attempts: Vec<_> = records.failures(&"a").iter().map(|failure| failure.attempt).collect();
        assert_eq!(attempts, (13..=20).collect::<Vec<_>>());
        records.succeeded(&"a", None);
        assert_eq!((records.failures(&"a").len(), records.len()), (0, 0));
        records.succeeded(&"b", None);
        records.forget_failures(&"b");
        assert_eq!(records.len(), 0);
    }
}
