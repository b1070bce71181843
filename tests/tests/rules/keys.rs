use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Maps {
    #[reload(keys(length(..=3), pattern("^[a-z]")))]
    pools: Option<HashMap<String, u8>>,
    #[reload(keys(range(1024..)))]
    ports: Option<Arc<BTreeMap<Port, String>>>,
}

#[derive(Debug, Deserialize, Reloadable, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
#[reload(bound = "")]
struct Port(u16);

impl TryFrom<String> for Port {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl reloadable::rules::Range for Port {
    type Bound = u16;

    fn bound(&self) -> Option<u16> {
        Some(self.0)
    }
}

#[test]
fn good_keys_pass() {
    passes::<Maps>("");
    passes::<Maps>("pools = { abc = 0 }\nports = { 1024 = 'a' }");
}

#[test]
fn a_bad_key_is_named_and_told_from_its_value() {
    fails::<Maps>(
        "pools = { LONG = 1, Z = 2, ok = 3 }",
        &[
            "pools.LONG: key: the length is 4, not in ..=3 [length]",
            r#"pools.LONG: key: "LONG" does not match `^[a-z]` [pattern]"#,
            r#"pools.Z: key: "Z" does not match `^[a-z]` [pattern]"#,
        ],
    );
    fails::<Maps>("ports = { 80 = 'a' }", &["ports.80: key: 80 is not in 1024.. [range]"]);
}
