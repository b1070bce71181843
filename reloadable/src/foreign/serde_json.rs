//! `serde_json::Value`: whatever the file holds, compared as a whole. A `serde_json::Map`, often a flattened one that
//! takes what no other field does, is compared key by key.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::leaf::leaf;
use crate::describe::{Describe, Description, Shape};
use crate::diff::{Diff, Leaf, MapChanges, map};
use crate::validate::Validate;
use crate::validate::rules::{Entries, Length};
use crate::value::Value;

leaf! {
    impl[] for Json { shape: Shape::Opaque, same: PartialEq::eq, shown: |value| Value::of(value) }
}

impl Describe for Map<String, Json> {
    fn describe() -> Description {
        Description::new(std::any::type_name::<Self>(), Shape::Map(Json::describe))
    }
}

impl Validate for Map<String, Json> {
    const TRIVIAL: bool = true;
}

impl Diff for Map<String, Json> {
    type Changes<'a> = MapChanges<'a, String, Json, Leaf<'a, Json>>;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        let (modified, removed, added) = map::compare(self, new, |key| self.get(key), |key| new.get(key));
        MapChanges::new(modified, removed, added)
    }

    fn value(&self) -> Value<'_> {
        Value::Table(self.iter().map(|(key, value)| (key.as_str().into(), value.value())).collect())
    }
}

impl Length for Map<String, Json> {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Entries for Map<String, Json> {
    type Key = String;
    type Value = Json;

    fn entries(&self) -> impl Iterator<Item = (&String, &Json)> {
        self.iter()
    }

    fn name(key: &String) -> Cow<'_, str> {
        Cow::Borrowed(key)
    }
}
