use reloadable::Reloadable;
use serde::Deserialize;
use url::Url;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(length(..=40), pattern("^(https|redis):"))]
    endpoint: Option<Url>,
}

#[test]
fn an_edit_is_told() {
    assert_eq!(
        edited::<Config>("endpoint = 'https://a.example/x'", "endpoint = 'https://b.example/x'"),
        [r#"endpoint: "https://a.example/x" -> "https://b.example/x""#]
    );
    assert_eq!(
        edited::<Config>("endpoint = 'https://A.example'", "endpoint = 'https://a.example/'"),
        [""; 0]
    );
}

#[test]
fn the_password_is_not_shown() {
    assert_eq!(
        edited::<Config>("endpoint = 'redis://me:hunter1@db/0'", "endpoint = 'redis://me:hunter2@db/0'"),
        [r#"endpoint: "redis://me:***@db/0" -> "redis://me:***@db/0""#]
    );
    assert_eq!(
        problems::<Config>("endpoint = 'http://me:hunter2@a-long-host-name.example/with/a/path'"),
        [
            "endpoint: the value has a length that is not in ..=40 [length]",
            "endpoint: the value does not match `^(https|redis):` [pattern]",
        ]
    );
}

#[test]
fn rules_see_the_whole_text() {
    assert_eq!(
        problems::<Config>("endpoint = 'http://a.example'"),
        [r#"endpoint: "http://a.example/" does not match `^(https|redis):` [pattern]"#]
    );
}
