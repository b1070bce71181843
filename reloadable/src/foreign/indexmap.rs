//! `indexmap::IndexMap` and `IndexSet`.
//!
//! As for their own `==`, the order does not count: in TOML and JSON the order of a table's keys means nothing, and a
//! set has none. Where it means something, a sequence with `#[reload(key = .., ordered)]` says so.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};

use indexmap::{IndexMap, IndexSet};

use crate::describe::{self, Describe, Description, Shape};
use crate::diff::{Diff, MapChanges, SetChanges, map, set};
use crate::path::Segment;
use crate::report::Reporter;
use crate::validate::Validate;
use crate::validate::rules::{Each, Entries, Length};
use crate::value::Value;

impl<K: Describe, V: Describe, S> Describe for IndexMap<K, V, S> {
    fn describe() -> Description {
        describe::map::<Self, K, V>()
    }
}

impl<K: Diff + Eq + Hash, V: Validate, S> Validate for IndexMap<K, V, S> {
    const TRIVIAL: bool = K::TRIVIAL && V::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        if !V::TRIVIAL {
            for (key, value) in self {
                map::at_key(report, key, |report| value.normalize(report));
            }
        }
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        if !Self::TRIVIAL {
            map::validate_entries(self, report);
        }
    }
}

impl<K: Diff + Eq + Hash, V: Diff, S: BuildHasher> Diff for IndexMap<K, V, S> {
    type Changes<'a>
        = MapChanges<'a, K, V, V::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        let (modified, removed, added) = map::compare(self, new, |key| self.get(key), |key| new.get(key));
        MapChanges::new(modified, removed, added)
    }

    fn hold(&mut self, running: &Self) {
        map::hold(self, |key| running.get(key));
    }

    fn value(&self) -> Value<'_> {
        Value::Table(self.iter().map(|(key, value)| (map::key_text(key), value.value())).collect())
    }
}

impl<K, V, S> Length for IndexMap<K, V, S> {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl<K: Diff, V, S> Entries for IndexMap<K, V, S> {
    type Key = K;
    type Value = V;

    fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.iter()
    }

    fn name(key: &K) -> Cow<'_, str> {
        map::key_text(key)
    }
}

impl<T: Describe, S> Describe for IndexSet<T, S> {
    fn describe() -> Description {
        Description::new(std::any::type_name::<Self>(), Shape::Sequence(T::describe))
    }
}

/// Cannot normalize: an element that changes would have to move.
impl<T: Diff + Eq + Hash, S> Validate for IndexSet<T, S> {
    const TRIVIAL: bool = T::TRIVIAL;

    fn validate(&self, report: &mut Reporter<'_>) {
        if !T::TRIVIAL {
            set::validate_elements(self, report);
        }
    }
}

impl<T: Diff + Eq + Hash, S: BuildHasher> Diff for IndexSet<T, S> {
    type Changes<'a>
        = SetChanges<'a, T>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        let removed = self.iter().filter(|old| set::is_gone(*old, new.get(*old))).collect();
        let added = new.iter().filter(|new| set::is_come(self.get(*new), *new)).collect();
        SetChanges::new(removed, added)
    }

    fn value(&self) -> Value<'_> {
        Value::List(self.iter().map(T::value).collect())
    }
}

impl<T, S> Length for IndexSet<T, S> {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl<T: Diff, S> Each for IndexSet<T, S> {
    type Item = T;

    fn items(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }

    fn place(_: usize, item: &T) -> Segment {
        set::segment(item)
    }
}
