use reloadable::Reloadable;
use serde::Deserialize;
use toml::value::Datetime;
use toml::{Table, Value};

use super::{edited, entries, from_toml, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    extra: Option<Value>,
    since: Option<Datetime>,
}

#[test]
fn an_edit_is_told_as_a_whole() {
    assert_eq!(
        edited::<Config>("extra = { a = [1, 'x'] }", "extra = { a = [2, 'x'] }"),
        [r#"extra: {a = [1, "x"]} -> {a = [2, "x"]}"#]
    );
}

#[test]
fn what_only_toml_can_write_is_told_as_it_is_written() {
    let of = |text| from_toml::<Config>(text);
    assert_eq!(
        entries(
            &of("extra = [2026-01-01, nan]\nsince = 07:00:00"),
            &of("extra = [2026-01-02, nan]\nsince = 08:00:00")
        ),
        [r#"extra: ["2026-01-01", NaN] -> ["2026-01-02", NaN]"#, r#"since: "07:00:00" -> "08:00:00""#]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct CatchAll {
    known: u8,
    #[serde(flatten)]
    rest: Table,
    #[reload(length(..2), keys(length(2..)))]
    map: Option<Table>,
}

#[test]
fn a_table_is_told_by_key() {
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
