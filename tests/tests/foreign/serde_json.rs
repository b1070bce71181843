use reloadable::Reloadable;
use serde::Deserialize;
use serde_json::Value;

use super::edited;

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
