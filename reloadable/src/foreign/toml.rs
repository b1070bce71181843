//! `toml::Value`: whatever the file holds, compared as a whole. A `toml::Table`, often a flattened one that takes what
//! no other field does, is compared key by key.

use std::borrow::Cow;

use toml::value::Datetime;
use toml::{Table, Value as Toml};

use super::leaf::{leaf, text};
use crate::describe::{Describe, Description, Shape};
use crate::diff::{Diff, Leaf, MapChanges, map};
use crate::validate::Validate;
use crate::validate::rules::{Entries, Length};
use crate::value::Value;

leaf! {
    impl[] for Toml { shape: Shape::Opaque, same: same, shown: shown }
    impl[] for Datetime { shape: Shape::Text, same: PartialEq::eq, shown: text }
}

/// As `==`, but NaN, which TOML can write, equals itself; otherwise it would change with every reload.
fn same(old: &Toml, new: &Toml) -> bool {
    match (old, new) {
        (Toml::Float(old), Toml::Float(new)) => old == new || (old.is_nan() && new.is_nan()),
        (Toml::Array(old), Toml::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same(old, new))
        }
        (Toml::Table(old), Toml::Table(new)) => {
            old.len() == new.len()
                && old.iter().all(|(key, old)| new.get(key).is_some_and(|new| same(old, new)))
        }
        _ => old == new,
    }
}

/// A date is shown as it is written; serde hands it on as a table with a private name.
fn shown(value: &Toml) -> Value<'_> {
    match value {
        Toml::Datetime(moment) => text(moment),
        Toml::Array(values) => Value::List(values.iter().map(shown).collect()),
        Toml::Table(entries) => {
            Value::Table(entries.iter().map(|(key, value)| (key.as_str().into(), shown(value))).collect())
        }
        scalar => Value::of(scalar),
    }
}

impl Describe for Table {
    fn describe() -> Description {
        Description::new(std::any::type_name::<Self>(), Shape::Map(Toml::describe))
    }
}

impl Validate for Table {
    const TRIVIAL: bool = true;
}

impl Diff for Table {
    type Changes<'a> = MapChanges<'a, String, Toml, Leaf<'a, Toml>>;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        let (modified, removed, added) = map::compare(self, new, |key| self.get(key), |key| new.get(key));
        MapChanges::new(modified, removed, added)
    }

    fn value(&self) -> Value<'_> {
        Value::Table(self.iter().map(|(key, value)| (key.as_str().into(), value.value())).collect())
    }
}

impl Length for Table {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Entries for Table {
    type Key = String;
    type Value = Toml;

    fn entries(&self) -> impl Iterator<Item = (&String, &Toml)> {
        self.iter()
    }

    fn name(key: &String) -> Cow<'_, str> {
        Cow::Borrowed(key)
    }
}
