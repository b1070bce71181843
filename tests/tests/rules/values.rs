#![allow(clippy::box_collection, reason = "rules work through a box, whatever is in it")]
use std::collections::{BTreeMap, HashMap};

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Maps {
    #[reload(values(range(1..)))]
    weights: Option<HashMap<String, u8>>,
    #[reload(values(non_empty, each(length(2..))))]
    groups: Option<Box<BTreeMap<String, Vec<String>>>>,
    #[reload(keys(length(2..)), values(values(range(..5))))]
    tables: Option<BTreeMap<String, BTreeMap<String, i8>>>,
}

#[test]
fn good_values_pass() {
    passes::<Maps>("");
    passes::<Maps>("weights = { a = 1 }\ngroups = { x = ['ab'] }\ntables = { ab = { c = 4 } }");
}

#[test]
fn a_bad_value_is_named_by_its_key() {
    fails::<Maps>(
        "weights = { 'b.c' = 0, a = 0, c = 1 }",
        &["weights.a: 0 is not in 1.. [range]", "weights.\"b.c\": 0 is not in 1.. [range]"],
    );
    fails::<Maps>(
        "groups = { x = [], y = ['ab', 'c'] }",
        &["groups.x: the value is empty [non_empty]", "groups.y[1]: the length is 1, not in 2.. [length]"],
    );
    fails::<Maps>(
        "tables = { a = { b = 5 } }",
        &["tables.a: key: the length is 1, not in 2.. [length]", "tables.a.b: 5 is not in ..5 [range]"],
    );
}
