//! A document that is well in another format than the one it is taken for.

use std::collections::BTreeMap;

use reloadable::{Document, Format, Origin};
use serde::Deserialize;

use crate::{json, jsonc, refused, reloadable, toml, yaml};

#[derive(Debug, Deserialize)]
#[serde(transparent)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Any(BTreeMap<String, serde_json::Value>);

reloadable!(Any);

const TOML: &str = "[server]\nport = 80\n[[routes]]\nname = 'a'\n";
const PLAIN_TOML: &str = "port = 80\nname = 'a'\n";
const YAML: &str = "server:\n  port: 80\nroutes:\n- name: a\n";
const JSON: &str = "{\"server\": {\"port\": 80}}";
const JSONC: &str = "{\"server\": {\"port\": 80,}} // x";

#[test]
fn what_it_reads_as_is_said() {
    for (document, read_as) in [
        (toml("a", JSON), "JSON"),
        (toml("a", JSONC), "JSONC"),
        (toml("a", YAML), "YAML"),
        (json("a", TOML), "TOML"),
        (json("a", YAML), "YAML"),
        (jsonc("a", TOML), "TOML"),
        (jsonc("a", YAML), "YAML"),
        (yaml("a", TOML), "TOML"),
        (yaml("a", PLAIN_TOML), "TOML"),
        (yaml("a", JSONC), "JSONC"),
    ] {
        let format = document.format();
        let found = refused::<Any>(&[document]);
        let said = format!("; this reads as {read_as}, is the file's extension right? [");
        assert!(matches!(&found[..], [only] if only.contains(&said)), "{format:?}: {found:?}");
    }
    let unnamed = Document::new(Origin::named("memory"), Format::Json, *b"a: 1");
    assert_eq!(
        refused::<Any>(&[unnamed]),
        ["memory:1:1: expected value; this reads as YAML, is JSON right? [syntax]"]
    );
}

#[test]
fn json_with_comments_has_a_format_of_its_own() {
    let advice = "a `.jsonc` file may have comments and trailing commas [syntax]";
    assert_eq!(
        refused::<Any>(&[json("a.json", "{\"é\": [1, 2,]}")]),
        [format!("a.json:1:13: trailing comma; {advice}")]
    );
    assert_eq!(
        refused::<Any>(&[json("a.json", "{\"é\": 1, // é\n\"a\": 2}")]),
        [format!("a.json:1:10: key must be a string; {advice}")]
    );
}

#[test]
fn nothing_is_said_of_what_is_well_in_no_format() {
    for document in [
        toml("a", "port = = 80"),
        toml("a", "url = http://x: y"),
        toml("a", "# x\n="),
        json("a", "{\"a\": 1"),
        json("a", "{a: 1}"),
        json("a", "[1]"),
        jsonc("a", "{a: 1}"),
        yaml("a", "a: b: c"),
        yaml("a", "x"),
        yaml("a", "a: 1\na: 2"),
        toml("a", "a = 1\na = 2"),
    ] {
        let found = refused::<Any>(&[document]);
        assert!(!found.is_empty() && !found.iter().any(|line| line.contains("reads as")), "{found:?}");
    }
}
