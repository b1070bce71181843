//! Deep nesting is refused before anything recursive sees it.

use std::fmt::Write as _;

use reloadable::__private::decode;
use reloadable::Document;
use serde::Deserialize;

use crate::{json, jsonc, lines, reloadable, toml, yaml};

#[derive(Debug, Deserialize)]
struct Any {
    #[serde(flatten)]
    _rest: std::collections::BTreeMap<String, serde_json::Value>,
}

reloadable!(Any);

fn outcome(document: Document) -> String {
    match decode::<Any>(&[document]) {
        Ok(_) => "accepted".to_owned(),
        Err(report) => lines(&report).remove(0),
    }
}

fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}1{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn json_up_to_the_limit() {
    assert_eq!(outcome(json("a.json", nested("{\"a\":", "}", 128))), "accepted");
    assert_eq!(outcome(json("a.json", format!("{{\"a\":{}}}", nested("[", "]", 127)))), "accepted");
    let refused = "a.json:1:133: nested more than 128 levels deep [depth]";
    assert_eq!(outcome(json("a.json", format!("{{\"a\":{}}}", nested("[", "]", 128)))), refused);
}

#[test]
fn jsonc_up_to_the_limit() {
    let text = |levels| format!("{{/* é[ */\"a\":{},}}", nested("[", ",]", levels));
    assert_eq!(outcome(jsonc("a.jsonc", text(127))), "accepted");
    assert_eq!(
        outcome(jsonc("a.jsonc", text(128))),
        "a.jsonc:1:141: nested more than 128 levels deep [depth]"
    );
}

#[test]
fn yaml_up_to_the_limit() {
    let refused = "nested more than 128 levels deep [depth]";
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let text = |levels| format!("é:\n  {}", nested(open, close, levels));
        assert_eq!(outcome(yaml("a.yaml", text(127))), "accepted", "{open}");
        let column = 3 + 127 * open.len();
        assert_eq!(outcome(yaml("a.yaml", text(128))), format!("a.yaml:2:{column}: {refused}"), "{open}");
    }
    // Beyond what the library takes, too.
    assert!(outcome(yaml("a.yaml", format!("a: {}", nested("[", "]", 1_000)))).ends_with(refused));
}

/// The library's own limit is lower, so a second deserializer takes over below it.
#[test]
fn places_deep_in_json() {
    let deep = |inner: &str| format!("{}{inner}{}", "{\"a\": [\n".repeat(60), "]}".repeat(60));
    assert_eq!(
        outcome(json("a.json", deep("{\"b\": 1, \"b\": [1]}"))),
        "a.json:61:10: duplicate key `b`, first set at 61:2 [duplicate_key]"
    );
    assert_eq!(outcome(json("a.json", deep(" 1e999"))), "a.json:61:2: number out of range [syntax]");
    assert_eq!(
        outcome(json("a.json", deep("\"\\ud800\""))),
        "a.json:61:8: unexpected end of hex escape [syntax]"
    );
    assert_eq!(
        outcome(json("a.json", deep("{\"\\ud800\": 1}"))),
        "a.json:61:9: unexpected end of hex escape [syntax]"
    );
    assert_eq!(outcome(json("a.json", deep("{\"b\" 1}"))), "a.json:61:6: expected `:` [syntax]");
    let twice = format!("{{\"x\": {}, \"y\": {}}}", deep("{\"\\ud800\": 1}"), deep("1"));
    assert_eq!(outcome(json("a.json", twice)), "a.json:61:9: unexpected end of hex escape [syntax]");
}

#[test]
fn brackets_in_texts_do_not_nest() {
    let text = "[".repeat(500);
    assert_eq!(outcome(json("a.json", format!("{{\"a\": \"\\\"{text}\"}}"))), "accepted");
    for quoted in [
        format!("\"\\\"{text}\""),
        format!("'{text}'"),
        format!("\"\"\"\n\"{text}\"\"\"\"\""),
        format!("'''{text}''''"),
    ] {
        assert_eq!(
            outcome(toml("a.toml", format!("# {text}\na = {quoted}\nb = [{quoted}, 'x'] # {text}"))),
            "accepted"
        );
    }
    let dots = "a.".repeat(500);
    assert_eq!(outcome(toml("a.toml", format!("'{dots}'.\"{dots}\" = '{dots}'\n['{dots}b']"))), "accepted");
}

#[test]
fn toml_up_to_the_limit() {
    let key = |names: usize| vec!["a"; names].join(".");
    let refused = "nested more than 128 levels deep [depth]";
    // The root is a level, and so is every table around the last name.
    assert_eq!(outcome(toml("a.toml", format!("[{}]\n{} = [1.5]", key(63), key(64)))), "accepted");
    assert_eq!(
        outcome(toml("a.toml", format!("[{}]\n{} = [1.5]", key(63), key(65)))),
        format!("a.toml:2:133: {refused}")
    );
    assert_eq!(outcome(toml("a.toml", format!("[[{}]]\n{} = 1.5", key(63), key(64)))), "accepted");
    assert!(outcome(toml("a.toml", format!("[[{}]]\n{} = 1.5", key(63), key(65)))).ends_with(refused));
    assert_eq!(outcome(toml("a.toml", format!("{} = {{ {} = 1.5 }}", key(63), key(65)))), "accepted");
    assert!(outcome(toml("a.toml", format!("{} = {{ {} = 1.5 }}", key(63), key(66)))).ends_with(refused));
    assert_eq!(outcome(toml("a.toml", format!("[{}]\na = {}", key(50), nested("[", "]", 77)))), "accepted");
    assert!(
        outcome(toml("a.toml", format!("[{}]\na = {}", key(50), nested("[", "]", 78)))).ends_with(refused)
    );
}

#[test]
fn toml_up_to_the_librarys_limits() {
    let key = |names: usize| vec!["a"; names].join(".");
    assert_eq!(outcome(toml("a.toml", format!("a = {}", nested("[", "]", 80)))), "accepted");
    let found = outcome(toml("a.toml", format!("a = {}", nested("[", "]", 81))));
    assert_eq!(found, "a.toml:1:85: arrays and inline tables nested more than 80 levels deep [depth]");
    assert_eq!(outcome(toml("a.toml", format!("{} = 1", key(80)))), "accepted");
    assert_eq!(outcome(toml("a.toml", format!("[{}]", key(80)))), "accepted");
    let found = outcome(toml("a.toml", format!("{} = 1", key(81))));
    assert_eq!(found, "a.toml:1:160: a key of more than 80 names [depth]");
}

#[test]
fn many_siblings_are_not_deep() {
    let mut text = String::new();
    for number in 0..500 {
        writeln!(text, "[a{number}.b]\nc.d = [[1.5], {{ e.f = [2.5] }}]\nt = 2020-01-01 00:00:00.5").unwrap();
    }
    assert_eq!(outcome(toml("a.toml", text)), "accepted");
    let elements = "- a: [[1.5], {b: [2.5]}]\n".repeat(500);
    assert_eq!(outcome(yaml("a.yaml", format!("é:\n{elements}"))), "accepted");
    let objects = vec!["{\"a\": [1, {}]}"; 500].join(",");
    assert_eq!(outcome(json("a.json", format!("{{\"a\": [{objects}]}}"))), "accepted");
}

#[test]
fn ten_thousand_levels_of_anything() {
    const LEVELS: usize = 10_000;
    let dotted = vec!["a"; LEVELS].join(".");
    let spaced = vec!["\"a\""; LEVELS].join(" . ");
    let table_in_table: String =
        (1..200).map(|names| format!("[{}]\n", vec!["a"; names].join("."))).collect();
    for text in [
        format!("a = {}", nested("[", "]", LEVELS)),
        format!("a = {}", nested("{a=", "}", LEVELS)),
        format!("a = {}", nested("{a.b.c=[", "]}", LEVELS)),
        format!("{dotted} = 1"),
        format!("{spaced} = 1"),
        format!("[{dotted}]"),
        format!("[[{dotted}]]"),
        format!("a = {{ {dotted} = 1 }}"),
        format!("a = [{{ {dotted} = 1 }}]"),
        "a = [".repeat(LEVELS),
        format!("a = {}", "{".repeat(LEVELS)),
        table_in_table,
    ] {
        let found = outcome(toml("a.toml", &text));
        assert!(found.ends_with("[depth]"), "{found}: {}", &text[..40]);
    }
    for text in [
        nested("[", "]", LEVELS),
        nested("{\"a\":", "}", LEVELS),
        "[".repeat(LEVELS),
        "{\"a\":[".repeat(LEVELS),
    ] {
        assert!(outcome(json("a.json", &text)).ends_with("[depth]"), "{}", &text[..40]);
        assert!(outcome(jsonc("a.jsonc", &text)).ends_with("[depth]"), "{}", &text[..40]);
    }
    for text in [
        nested("[", "]", LEVELS),
        nested("{a: ", "}", LEVELS),
        nested("- ", "", LEVELS),
        nested("? ", "", LEVELS),
        nested("[? ", "]", LEVELS),
        nested("- - ? ", "", LEVELS),
        "[".repeat(LEVELS),
        "[a: ".repeat(LEVELS),
        (0..1_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect(),
    ] {
        assert!(outcome(yaml("a.yaml", &text)).ends_with("[depth]"), "{}", &text[..40]);
    }
}
