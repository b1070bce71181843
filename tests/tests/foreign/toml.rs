use reloadable::Reloadable;
use serde::Deserialize;
use toml::Value;
use toml::value::Datetime;

use super::{edited, entries, from_toml};

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
