#![allow(clippy::box_collection, reason = "rules work through a box, whatever is in it")]
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Names {
    #[reload(length(2..=4))]
    name: Option<String>,
    #[reload(length(..3))]
    hosts: Option<Vec<String>>,
    #[reload(length(1..))]
    pools: Option<Box<BTreeMap<String, u8>>>,
    #[reload(length(2..))]
    tags: Option<HashSet<String>>,
    #[reload(length(3..))]
    path: Option<PathBuf>,
    #[reload(length(1..=1))]
    shared: Option<Arc<[u8]>>,
    #[reload(length(2..))]
    boxed: Option<Box<str>>,
}

#[test]
fn lengths_within_pass() {
    passes::<Names>("");
    passes::<Names>(
        "name = 'äöüß'\nhosts = []\npools = { a = 1 }\ntags = ['a', 'b']\npath = '/ab'\nshared = [1]\nboxed = 'ab'",
    );
}

#[test]
fn lengths_outside_fail() {
    fails::<Names>("name = 'ä'", &["name: the length is 1, not in 2..=4 [length]"]);
    fails::<Names>("name = 'abcde'", &["name: the length is 5, not in 2..=4 [length]"]);
    fails::<Names>("hosts = ['a', 'b', 'c']", &["hosts: the length is 3, not in ..3 [length]"]);
    fails::<Names>("pools = {}", &["pools: the length is 0, not in 1.. [length]"]);
    fails::<Names>("tags = ['a', 'a']", &["tags: the length is 1, not in 2.. [length]"]);
    fails::<Names>("path = '/'", &["path: the length is 1, not in 3.. [length]"]);
    fails::<Names>("shared = [1, 2]", &["shared: the length is 2, not in 1..=1 [length]"]);
    fails::<Names>("boxed = 'a'", &["boxed: the length is 1, not in 2.. [length]"]);
}
