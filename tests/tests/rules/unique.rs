use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Lists {
    #[reload(unique)]
    hosts: Option<Vec<String>>,
    #[reload(unique)]
    ports: Option<Arc<[u16]>>,
    #[reload(each(unique))]
    rows: Option<Vec<Vec<u8>>>,
    #[reload(unique)]
    users: Option<Vec<User>>,
}

#[derive(Debug, Deserialize, Reloadable, PartialEq, Eq, Hash)]
struct User {
    name: String,
    #[reload(secret)]
    token: String,
}

#[test]
fn different_elements_pass() {
    passes::<Lists>("");
    passes::<Lists>("hosts = ['a', 'b', 'A']\nports = [1, 2]\nrows = [[1], [1]]");
}

#[test]
fn each_repetition_names_both_positions() {
    fails::<Lists>(
        "hosts = ['a', 'b', 'a', 'b', 'a']",
        &[
            r#"hosts[2]: element 2 is the same as element 0: "a" [unique]"#,
            r#"hosts[3]: element 3 is the same as element 1: "b" [unique]"#,
            r#"hosts[4]: element 4 is the same as element 0: "a" [unique]"#,
        ],
    );
    fails::<Lists>("ports = [80, 80]", &["ports[1]: element 1 is the same as element 0: 80 [unique]"]);
    fails::<Lists>(
        "rows = [[1, 2], [3, 3]]",
        &["rows[1][1]: element 1 is the same as element 0: 3 [unique]"],
    );
}

#[test]
fn secrets_within_an_element_are_not_shown() {
    fails::<Lists>(
        "users = [{ name = 'a', token = 'hunter2' }, { name = 'a', token = 'hunter2' }]",
        &[r#"users[1]: element 1 is the same as element 0: {name = "a", token = ***} [unique]"#],
    );
}
