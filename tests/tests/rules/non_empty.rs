use std::collections::HashMap;
use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Texts {
    #[reload(non_empty)]
    name: Option<String>,
    #[reload(non_empty)]
    hosts: Option<Vec<String>>,
    #[reload(non_empty)]
    pools: Option<HashMap<String, u8>>,
    #[reload(non_empty)]
    shared: Option<Arc<str>>,
}

#[test]
fn what_is_there_or_left_out_passes() {
    passes::<Texts>("");
    passes::<Texts>("name = ' '\nhosts = ['']\npools = { a = 1 }\nshared = 'x'");
}

#[test]
fn what_is_empty_fails() {
    fails::<Texts>(
        "name = ''\nhosts = []\npools = {}\nshared = ''",
        &[
            "name: the value is empty [non_empty]",
            "hosts: the value is empty [non_empty]",
            "pools: the value is empty [non_empty]",
            "shared: the value is empty [non_empty]",
        ],
    );
}
