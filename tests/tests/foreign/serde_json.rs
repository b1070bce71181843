use reloadable::Reloadable;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    extra: Value,
}

#[test]
fn an_edit_is_told_as_a_whole() {
    assert_eq!(
        edited::<Config>("extra = { a = [1, 'x'], b = 0.5 }", "extra = { a = [1, 'x'], b = true }"),
        [r#"extra: {a = [1, "x"], b = 0.5} -> {a = [1, "x"], b = true}"#]
    );
    assert_eq!(edited::<Config>("extra = { a = 1, b = 2 }", "extra = { b = 2, a = 1 }"), [""; 0]);
}

#[derive(Debug, Deserialize, Reloadable)]
struct CatchAll {
    known: u8,
    #[serde(flatten)]
    rest: Map<String, Value>,
    #[reload(length(..2), keys(length(2..)))]
    map: Option<Map<String, Value>>,
}

#[test]
fn a_map_is_told_by_key() {
    assert_eq!(
        edited::<CatchAll>(
            "known = 1\na = 1\nb = [1]\ngone = 0\nmap = { x = 1 }",
            "known = 2\na = 1\nb = [2]\nnew = 0\nmap = { x = 2 }",
        ),
        ["known: 1 -> 2", "b: [1] -> [2]", "gone: removed", "new: added", "map.x: 1 -> 2"]
    );
    assert_eq!(
        problems::<CatchAll>("known = 1\nmap = { x = 1, yy = 2 }"),
        ["map: the length is 2, not in ..2 [length]", "map.x: key: the length is 1, not in 2.. [length]"]
    );
}
