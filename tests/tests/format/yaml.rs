//! YAML: what it has and other formats have not.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{accepted, refused, reloadable, yaml};

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Any(BTreeMap<String, serde_json::Value>);

reloadable!(Any);

fn outcome(text: impl AsRef<[u8]>) -> Vec<String> {
    refused::<Any>(&[yaml("a.yaml", text)])
}

fn value(text: &str) -> serde_json::Value {
    accepted::<Any>(&[yaml("a.yaml", text)]).into_value().0.into_iter().collect()
}

#[test]
fn a_tab_in_the_indentation() {
    let message = "a tab in the indentation: YAML is indented with spaces only [syntax]";
    for (text, place) in [
        ("a:\n\tb: 1", "2:1"),
        ("a:\n  b: 1\n \tc: 1", "3:2"),
        ("é:\n  - 1\n\t- 2", "3:1"),
        ("a: [\n\t1,\n\t2]", "2:1"),
        ("a: é\r\n\tb: 1", "2:1"),
    ] {
        assert_eq!(outcome(text), [format!("a.yaml:{place}: {message}")], "{text:?}");
    }
    assert_eq!(
        outcome("a: 1\né:\t1"),
        ["a.yaml:2:3: a tab between a sign and its value: write a space [syntax]"]
    );
    assert_eq!(value("a: \t1\nb: x\ty # \t\n"), serde_json::json!({"a": 1, "b": "x\ty"}));
}

#[test]
fn a_merge_key() {
    let message =
        "merge keys are no part of YAML 1.2: write the keys out, or quote this one if it is no merge";
    assert_eq!(
        outcome("base: &base {a: 1}\né: {<<: *base, b: 2}\nc:\n  <<: [*base]\n"),
        [format!("a.yaml:2:5: {message} [merge_key]"), format!("a.yaml:4:3: {message} [merge_key]")]
    );
    assert_eq!(value("'<<': 1\na: <<"), serde_json::json!({"<<": 1, "a": "<<"}));
}

#[test]
fn an_alias_stands_for_what_its_anchor_names() {
    assert_eq!(
        value("a: &a {b: [&c 1, 2]}\nd: *a\ne: [*c, *c]\nf: &a x\ng: *a"),
        serde_json::json!({"a": {"b": [1, 2]}, "d": {"b": [1, 2]}, "e": [1, 1], "f": "x", "g": "x"})
    );
    assert_eq!(
        outcome("é: &a [1]\nb: *ö\n"),
        ["a.yaml:2:4: no anchor of this name stands before; a text that begins with `*` is quoted [alias]"]
    );
    assert_eq!(
        outcome("é: &a [1, *a]"),
        ["a.yaml:1:11: the alias stands within what its anchor names, which would have no end [alias]"]
    );
    assert_eq!(
        outcome("a: &a b\n*a : 1"),
        ["a.yaml:2:1: an alias cannot be a key, write the key itself [syntax]"]
    );
}

/// What an alias stands for is wrong at the alias if it is wrong as a whole, and where it is written if a part of it is.
#[test]
fn the_place_of_what_an_alias_stands_for() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "decoding is what is tested")]
    struct Config {
        port: u16,
        server: Option<Server>,
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "decoding is what is tested")]
    struct Server {
        port: u16,
    }
    reloadable!(Config);
    assert_eq!(
        refused::<Config>(&[yaml("a.yaml", "name: &name x\nport: *name")]),
        ["a.yaml:2:7: port: invalid type: string \"x\", expected u16 [type]"]
    );
    assert_eq!(
        refused::<Config>(&[yaml("a.yaml", "port: 1\nbase: &base\n  port: x\nserver: *base")]),
        ["a.yaml:3:9: server.port: invalid type: string \"x\", expected u16 [type]"]
    );
}

#[test]
fn aliases_cannot_make_a_document_grow_without_measure() {
    let too_much =
        "the aliases repeat too much: with this one, the document would grow without measure [alias]";
    let mut bomb = "a0: &a0 [é, é, é, é, é, é, é, é, é, é]\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(matches!(&outcome(&bomb)[..], [only] if only.ends_with(too_much)), "{:?}", outcome(&bomb));

    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..1_000 {
        deep += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    let found = outcome(&deep);
    assert_eq!(found, ["a.yaml:128:14: nested more than 128 levels deep [depth]"]);

    let long = format!("a: &a {}\nb: [{}1]", "x".repeat(100_000), "*a, ".repeat(100_000));
    assert!(matches!(&outcome(&long)[..], [only] if only.ends_with(too_much)));

    // As many as one writes by hand are well.
    let shared = format!("a: &a {{b: 1, c: [x, y]}}\nd: [{}1]", "*a, ".repeat(1_000));
    assert_eq!(outcome(shared), [""; 0]);
}

#[test]
fn a_tag() {
    let unknown =
        "the tag is not one of the core schema that fits here; a text that begins with `!` is quoted [tag]";
    assert_eq!(
        outcome("é: !secret x\nb: !!set {c}\nd: !!map [1]\n!!int e: 1\nf: !<tag:x,2000:y> 1"),
        ["1:4", "2:4", "3:4", "4:1", "5:4"].map(|place| format!("a.yaml:{place}: {unknown}"))
    );
    assert_eq!(outcome("é: !!int x"), ["a.yaml:1:4: not what the tag `!!int` asks for [syntax]"]);
    assert_eq!(
        value("a: !!str 1\nb: !!map {c: !!seq [!!int 1]}\n!!str d: !!null ~"),
        serde_json::json!({"a": "1", "b": {"c": [1]}, "d": null})
    );
}

#[test]
fn several_documents() {
    let message = "a second document begins here; a configuration is one document [syntax]";
    assert_eq!(outcome("a: 1\n---\nb: 2"), [format!("a.yaml:2:1: {message}")]);
    assert_eq!(outcome("a: 1\n...\nb: 2"), [format!("a.yaml:3:1: {message}")]);
    assert_eq!(value("%YAML 1.2\n---\na: 1\n...\n"), serde_json::json!({"a": 1}));
}

#[test]
fn an_empty_document() {
    let message = "the document is a null; if that is meant, write `{}` [empty]";
    for text in ["---", "null", "~ # nothing", "--- # nothing\n...", "# nothing\n---\n"] {
        let line = text.lines().position(|line| !line.starts_with('#')).unwrap() + 1;
        assert_eq!(outcome(text), [format!("a.yaml:{line}:1: {message}")], "{text:?}");
    }
    assert_eq!(value("# nothing"), serde_json::json!({}));
    assert_eq!(value("--- {}"), serde_json::json!({}));
}

#[test]
fn keys_that_are_no_texts() {
    assert_eq!(
        value("80: a\ntrue: b\n~: c\n1.50: d\n0x1: e"),
        serde_json::json!({"80": "a", "true": "b", "~": "c", "1.50": "d", "0x1": "e"})
    );
    assert_eq!(
        outcome("[é, b]: c\n? {a: b}\n: d\n: e"),
        [
            "a.yaml:1:1: a sequence or mapping cannot be a key, keys are texts [syntax]",
            "a.yaml:2:3: a sequence or mapping cannot be a key, keys are texts [syntax]",
            "a.yaml:4:1: the key is missing [syntax]",
        ]
    );
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(transparent)]
    struct Ports(BTreeMap<u16, bool>);
    reloadable!(Ports);
    let ports = accepted::<Ports>(&[yaml("a.yaml", "80: true\n443: false")]).into_value();
    assert_eq!(ports, Ports(BTreeMap::from([(80, true), (443, false)])));
}

#[test]
fn texts_of_several_lines() {
    assert_eq!(
        value("a: |\n  x\n\n   y\nb: >-\n  x\n  y\nc: \"x\n  y\\\n  z\"\nd: x\n  y\ne: |2+\n   x\n\n"),
        serde_json::json!({"a": "x\n\n y\n", "b": "x y", "c": "x yz", "d": "x y", "e": " x\n\n"})
    );
}

#[test]
fn a_syntax_error_has_its_place() {
    for (text, wanted) in [
        ("é: b: c", "1:5: mapping values are not allowed in this context [syntax]"),
        ("a: 1\né: }", "2:4: misplaced bracket [syntax]"),
        ("é: {1, 2", "1:9: while parsing a flow mapping, did not find expected ',' or '}' [syntax]"),
        ("é: @x", "1:4: unexpected character: `@' [syntax]"),
        ("a: 1\né\0: 1", "2:2: found unprintable character [syntax]"),
        ("é: 'x", "1:4: while scanning a quoted scalar, found unexpected end of stream [syntax]"),
        ("é: \u{feff}b", "1:4: a byte order mark must not appear inside a document [syntax]"),
    ] {
        assert_eq!(outcome(text), [format!("a.yaml:{wanted}")], "{text:?}");
    }
}

/// What stands before the syntax error is wrong, too.
#[test]
fn several_mistakes() {
    assert_eq!(
        outcome("a: 1e999\na: !x y\nb: 1: 2"),
        [
            "a.yaml:1:4: number out of range [syntax]",
            "a.yaml:2:4: the tag is not one of the core schema that fits here; a text that begins with `!` is quoted [tag]",
            "a.yaml:2:1: duplicate key `a`, first set at 1:1 [duplicate_key]",
            "a.yaml:3:5: mapping values are not allowed in this context [syntax]",
        ]
    );
    assert_eq!(outcome("a: 1\n".repeat(1_000)).len(), 20);
}
