//! `toml::Value`: whatever the file holds, compared as a whole.

use toml::Value as Toml;
use toml::value::Datetime;

use super::leaf::{leaf, text};
use crate::describe::Shape;
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
