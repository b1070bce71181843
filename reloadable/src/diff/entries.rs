//! The rules `keys` and `values` for the maps of std. They stand here since a key is named as the diff shows it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::Diff;
use crate::validate::rules::Entries;

impl<K: Diff, V, S> Entries for HashMap<K, V, S> {
    type Key = K;
    type Value = V;

    fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.iter()
    }

    fn name(key: &K) -> Cow<'_, str> {
        key.value().into_key()
    }
}

impl<K: Diff, V> Entries for BTreeMap<K, V> {
    type Key = K;
    type Value = V;

    fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.iter()
    }

    fn name(key: &K) -> Cow<'_, str> {
        key.value().into_key()
    }
}
