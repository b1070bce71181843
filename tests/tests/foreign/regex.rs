use regex::{Regex, RegexSet};
use reloadable::{Diff, Reloadable};
use serde::{Deserialize, Deserializer, de};

use super::edited;

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[serde(deserialize_with = "regex")]
    filter: Regex,
}

fn regex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    Regex::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

#[test]
fn an_edit_is_told_by_its_text() {
    assert_eq!(edited::<Config>("filter = 'a+'", "filter = 'aa*'"), [r#"filter: "a+" -> "aa*""#]);
}

#[test]
fn a_set_is_compared_by_its_texts() -> Result<(), regex::Error> {
    let (old, new) = (RegexSet::new(["a", "b"])?, RegexSet::new(["a", "c"])?);
    assert!(old.diff(&old.clone()).is_none());
    let changes = old.diff(&new).map(|changes| changes.to_string());
    assert_eq!(changes.as_deref(), Some(r#"(root): ["a", "b"] -> ["a", "c"]"#));
    Ok(())
}
