use std::collections::BTreeMap;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes, problems};

#[derive(Debug, Deserialize, Reloadable)]
#[reload(normalize = Self::fill_in)]
struct Pools {
    #[serde(default)]
    default_size: u32,
    pools: BTreeMap<String, Pool>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[reload(normalize = Pool::bounded)]
struct Pool {
    #[reload(range(1..=100))]
    size: Option<u32>,
}

impl Pools {
    fn fill_in(&mut self) {
        for pool in self.pools.values_mut() {
            pool.size.get_or_insert(self.default_size);
        }
    }
}

impl Pool {
    fn bounded(&mut self) -> Result<(), String> {
        match &mut self.size {
            Some(1000) => Err("1000 cannot be brought into shape".to_owned()),
            Some(size @ 101..=200) => {
                *size = 100;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[test]
fn normalizing_comes_before_the_rules() {
    passes::<Pools>("default_size = 5\npools = { a = {}, b = { size = 150 } }");
    fails::<Pools>("pools = { a = {} }", &["pools.a.size: 0 is not in 1..=100 [range]"]);
}

#[test]
fn a_refusal_stands_at_the_container() {
    let problems = problems::<Pools>("pools = { a = { size = 1000 } }");
    assert_eq!(problems[0], "pools.a: 1000 cannot be brought into shape [normalize]");
}
