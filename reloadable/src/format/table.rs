//! A table of the tree: its entries in the order of the file, and an index of them where there are many.

use std::collections::HashMap;
#[cfg(feature = "json")]
use std::collections::HashSet;
use std::ops::Deref;
use std::sync::OnceLock;

use super::compact::Compact;
use super::tree::{Node, Place};

/// A key and its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Compact,
    /// Where the key stands.
    pub(super) place: Place,
    pub(super) value: Node,
}

/// Entries, no two with the same key. They are read as a slice, and changed only by its own functions, which keep the
/// index in step: thousands of layers may each add to a table, and thousands of violations be looked up in it.
#[derive(Clone, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Made when a key is first looked for: most tables are never asked.
    #[expect(clippy::box_collection, reason = "most tables have none, and all have room for it")]
    index: OnceLock<Box<HashMap<String, usize>>>,
}

/// Up to this many entries, comparing each key is as fast as an index.
const FEW: usize = 16;

/// Tells whether two entries have the same key.
#[cfg(feature = "json")]
pub(super) fn repeats(entries: &[Entry]) -> bool {
    if entries.len() > FEW {
        let mut known = HashSet::with_capacity(entries.len());
        return !entries.iter().all(|entry| known.insert(entry.key.as_bytes()));
    }
    // Keys that differ mostly differ in their length or at one of their ends.
    let mut marks = 0_u64;
    entries.iter().enumerate().any(|(at, entry)| {
        let key = entry.key.as_bytes();
        let [first, last] =
            [key.first(), key.last()].map(|byte| u64::from(byte.copied().unwrap_or_default()));
        let mark = 1 << ((key.len() as u64 * 5 + first * 3 + last) % 64);
        let is_new = marks & mark == 0;
        marks |= mark;
        !is_new && entries[..at].iter().any(|earlier| earlier.key == entry.key)
    })
}

impl Table {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self { entries, index: OnceLock::new() }
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Finds the entry with this key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        if self.entries.len() <= FEW {
            return self.entries.iter().position(|entry| entry.key == *key);
        }
        let index = self.index.get_or_init(|| {
            let keys = self.entries.iter().enumerate().map(|(at, entry)| (String::from(&*entry.key), at));
            Box::new(keys.collect())
        });
        index.get(key).copied()
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn push(&mut self, entry: Entry) {
        if let Some(index) = self.index.get_mut() {
            index.insert(String::from(&*entry.key), self.entries.len());
        }
        self.entries.push(entry);
    }

    /// Puts an entry, which may have another key, in the place of one that [`find`](Self::find) found.
    pub(super) fn replace(&mut self, at: usize, entry: Entry) {
        let earlier = &mut self.entries[at];
        if let Some(index) = self.index.get_mut().filter(|_| earlier.key != entry.key) {
            index.remove(&*earlier.key);
            index.insert(String::from(&*entry.key), at);
        }
        *earlier = entry;
    }

    /// Changes each entry, but not its key.
    #[cfg(any(feature = "json", feature = "toml"))]
    pub(super) fn for_each_mut(&mut self, change: impl FnMut(&mut Entry)) {
        self.entries.iter_mut().for_each(change);
    }

    /// Returns the value of an entry that [`find`](Self::find) found.
    pub(super) fn value_mut(&mut self, at: usize) -> &mut Node {
        &mut self.entries[at].value
    }
}

impl Deref for Table {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Kind;
    use super::*;

    fn entry(key: impl Into<Compact>) -> Entry {
        let place = Place::new(0, 0..0);
        Entry { key: key.into(), place: place.clone(), value: Node { place, kind: Kind::Null } }
    }

    #[test]
    fn the_index_follows_every_change() {
        for many in [3, FEW, FEW + 1, 100] {
            let mut table = Table::new((0..many).map(|number| entry(format!("k{number}"))).collect());
            assert_eq!(table.find("k2"), Some(2));
            assert_eq!(table.find("new"), None);
            table.push(entry("new"));
            assert_eq!(table.find("new"), Some(many));
            table.replace(2, entry("other"));
            table.replace(1, entry("k1"));
            assert_eq!((table.find("k1"), table.find("k2"), table.find("other")), (Some(1), None, Some(2)));
            assert_eq!(table.len(), many + 1);
        }
    }
}
