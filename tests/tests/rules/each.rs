use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Lists {
    #[reload(each(range(1..)))]
    ports: Option<Vec<u16>>,
    #[reload(non_empty, each(non_empty, length(..=3)))]
    hosts: Option<Box<[String]>>,
    #[reload(each(each(one_of("a", "b"))))]
    rows: Option<Vec<VecDeque<Option<String>>>>,
    #[reload(each(range(..10)))]
    set: Option<Arc<BTreeSet<u8>>>,
    #[reload(each(range(1..)))]
    pair: Option<[i8; 2]>,
    #[reload(each(validate = even))]
    even: Option<Vec<u32>>,
}

fn even(number: &u32) -> Result<(), String> {
    if number % 2 == 0 { Ok(()) } else { Err(format!("{number} is odd")) }
}

#[test]
fn good_elements_pass() {
    passes::<Lists>("");
    passes::<Lists>("ports = []\nhosts = ['a']\nrows = [['a'], []]\nset = [9]\npair = [1, 2]\neven = [0, 2]");
}

#[test]
fn a_bad_element_is_named_by_its_place() {
    fails::<Lists>("ports = [1, 0]", &["ports[1]: 0 is not in 1.. [range]"]);
    fails::<Lists>(
        "hosts = ['', 'long']",
        &["hosts[0]: the value is empty [non_empty]", "hosts[1]: the length is 4, not in ..=3 [length]"],
    );
    fails::<Lists>("hosts = []", &["hosts: the value is empty [non_empty]"]);
    fails::<Lists>("rows = [[], ['a', 'no']]", &[r#"rows[1][1]: "no" is not one of "a", "b" [one_of]"#]);
    fails::<Lists>("pair = [0, 1]", &["pair[0]: 0 is not in 1.. [range]"]);
    fails::<Lists>("even = [2, 3]", &["even[1]: 3 is odd [validate]"]);
}

#[test]
fn an_element_of_a_set_is_its_own_place() {
    fails::<Lists>(
        "set = [1, 12, 11]",
        &[r#"set["11"]: 11 is not in ..10 [range]"#, r#"set["12"]: 12 is not in ..10 [range]"#],
    );
}
