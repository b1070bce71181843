use indexmap::{IndexMap, IndexSet};
use reloadable::Reloadable;
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default)]
struct Config {
    #[reload(length(..3), keys(length(..5)), values(validate = Pool::check))]
    pools: IndexMap<String, Pool>,
    #[reload(non_empty, each(length(..5)))]
    tags: Option<IndexSet<String>>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Pool {
    #[reload(range(..100))]
    size: u32,
}

impl Pool {
    fn check(&self) -> Result<(), &'static str> {
        if self.size == 13 { Err("unlucky") } else { Ok(()) }
    }
}

#[test]
fn entries_come_and_go_and_change() {
    assert_eq!(
        edited::<Config>(
            "pools = { b = { size = 1 }, a = { size = 2 }, gone = { size = 3 } }",
            "pools = { b = { size = 4 }, new = { size = 5 }, a = { size = 2 } }",
        ),
        ["pools.b.size: 1 -> 4", "pools.gone: removed", "pools.new: added"]
    );
    assert_eq!(
        edited::<Config>("tags = ['a', 'b']", "tags = ['c', 'a']"),
        [r#"tags["b"]: removed"#, r#"tags["c"]: added"#]
    );
}

#[test]
fn another_order_is_no_change() {
    assert_eq!(
        edited::<Config>(
            "tags = ['a', 'b']\npools = { b = { size = 1 }, a = { size = 2 } }",
            "tags = ['b', 'a']\npools = { a = { size = 2 }, b = { size = 1 } }",
        ),
        [""; 0]
    );
}

#[test]
fn rules_reach_keys_values_and_elements() {
    assert_eq!(
        problems::<Config>(
            "pools = { z = { size = 100 }, a = { size = 13 }, longer = { size = 1 } }\ntags = []"
        ),
        [
            "pools: the length is 3, not in ..3 [length]",
            "pools.longer: key: the length is 6, not in ..5 [length]",
            "pools.a: unlucky [validate]",
            "pools.z.size: 100 is not in ..100 [range]",
            "tags: the value is empty [non_empty]",
        ]
    );
    assert_eq!(
        problems::<Config>("tags = ['ok', 'longer']"),
        [r#"tags["longer"]: the length is 6, not in ..5 [length]"#]
    );
}
