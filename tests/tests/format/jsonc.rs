//! JSON with comments and trailing commas.

use std::collections::BTreeMap;

use reloadable::Format;
use serde::Deserialize;

use crate::{accepted, jsonc, refused, reloadable};

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Any(BTreeMap<String, serde_json::Value>);

reloadable!(Any);

fn outcome(text: impl AsRef<[u8]>) -> Vec<String> {
    refused::<Any>(&[jsonc("a.jsonc", text)])
}

#[test]
fn comments_and_trailing_commas_mean_nothing() {
    let text = "\u{feff}// é\r\n{ /* , */ \"a\": [1, 2, /* ] */ ], // }\n \"//\": \"/* \\\" */\", }\n/**/";
    let value: serde_json::Value =
        accepted::<Any>(&[jsonc("a.jsonc", text)]).into_value().0.into_iter().collect();
    assert_eq!(value, serde_json::json!({"a": [1, 2], "//": "/* \" */"}));
}

#[test]
fn places_are_those_of_the_text_with_its_comments() {
    assert_eq!(
        outcome("// é\n{/* é */ \"a\": 1, /* é */ \"a\": 2, \"b\": /* é */ 1e999,\n// é\n/*é*/ ]}"),
        [
            "a.jsonc:2:26: duplicate key `a`, first set at 2:10 [duplicate_key]",
            "a.jsonc:2:47: number out of range [syntax]",
            "a.jsonc:4:7: expected `,` or `}` [syntax]",
        ]
    );
    let refused =
        refused::<BTreeMap<String, u8>>(&[jsonc("a.jsonc", "{ // é\n/* é */ \"a\": /* é */ \"x\", }")]);
    assert_eq!(refused, ["a.jsonc:2:22: a: invalid type: string \"x\", expected u8 [type]"]);
}

#[test]
fn what_is_no_json_but_for_them_is_refused() {
    for (text, wanted) in [
        ("{\"a\": 1} /* é", "1:10: the comment is never closed, expected `*/` [syntax]"),
        ("{\"a\": [1,,]}", "1:10: expected value [syntax]"),
        ("{\"a\": [,]}", "1:8: expected value [syntax]"),
        ("{,}", "1:2: key must be a string [syntax]"),
        ("{\"a\": 1},", "1:9: trailing characters [syntax]"),
        ("{'a': 1}", "1:2: key must be a string [syntax]"),
        ("{a: 1}", "1:2: key must be a string [syntax]"),
        ("{\"a\": 0x1}", "1:8: expected `,` or `}` [syntax]"),
        ("{\"a\": 1 \"b\": 2}", "1:9: expected `,` or `}` [syntax]"),
        ("# x\n{}", "1:1: expected value [syntax]"),
        ("// x\n", "1:1: there are only comments; if that is meant, write `{}` as well [empty]"),
        ("[1,]", "1:1: the document is an array, a configuration is a table [shape]"),
    ] {
        assert_eq!(outcome(text), [format!("a.jsonc:{wanted}")], "{text:?}");
    }
}

#[test]
fn numbers_are_those_of_json() {
    let wide = "{\"a\": 100000000000000000000, }";
    let value = accepted::<Any>(&[jsonc("a.jsonc", wide)]).into_value().0;
    assert_eq!(value["a"], serde_json::json!(1e20));
}

#[test]
fn the_formats_have_names_and_extensions() {
    for (path, format, name) in [
        ("a.toml", Format::Toml, "TOML"),
        ("a.JSON", Format::Json, "JSON"),
        ("a.jsonc", Format::Jsonc, "JSONC"),
        ("a.yaml", Format::Yaml, "YAML"),
        ("a.Yml", Format::Yaml, "YAML"),
    ] {
        assert_eq!(Format::from_path(path.as_ref()), Some(format));
        assert_eq!(format.to_string(), name);
    }
    assert_eq!(Format::from_path("yaml".as_ref()), None);
}
