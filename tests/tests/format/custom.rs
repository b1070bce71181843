//! A format of the application's own.

use std::collections::{BTreeMap, HashSet};

use reloadable::{
    Describe, Document, Field, Format, Origin, ParseFault, Parsed, ParsedEntry, ReadFormat, Shape,
};
use serde::Deserialize;

use crate::{accepted, refused, reloadable};

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Any(BTreeMap<String, serde_json::Value>);

reloadable!(Any);

/// What a document's text asks for by name.
struct Puppet;

static PUPPET: Puppet = Puppet;

impl ReadFormat for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn parse(&self, text: &str) -> Result<Parsed, Vec<ParseFault>> {
        let whole = 0..text.len();
        let entry = |key: &str, value| ParsedEntry::new(key, 0..1, value);
        let nested = |levels| (0..levels).fold(Parsed::null(0..0), |inner, _| Parsed::array(2..3, [inner]));
        Ok(match text.split_whitespace().last() {
            Some("values") => Parsed::table(
                whole,
                [
                    entry("null", Parsed::null(0..1)),
                    entry("bool", Parsed::bool(0..1, true)),
                    entry("integer", Parsed::integer(0..1, -1)),
                    entry("float", Parsed::float(0..1, 0.5)),
                    entry("text", Parsed::text(0..1, "x")),
                    entry("word", Parsed::word(0..1, "80")),
                    entry("array", Parsed::array(0..1, [Parsed::table(0..1, [])])),
                ],
            ),
            Some("faults") => {
                return Err(vec![
                    ParseFault::new(2, "within a character"),
                    ParseFault::new(usize::MAX, "behind the end, hunter2"),
                ]);
            }
            Some("many") => return Err(vec![ParseFault::new(0, "again"); 1_000]),
            Some("none") => return Err(Vec::new()),
            Some("twice") => {
                let twice = |at| ParsedEntry::new("a", at, Parsed::null(0..1));
                Parsed::table(
                    whole,
                    [twice(0..1), twice(4..5), entry("b", Parsed::table(0..1, [twice(0..1), twice(5..6)]))],
                )
            }
            Some("text") => Parsed::text(4..5, "x"),
            Some("deepest") => Parsed::table(whole, [entry("a", nested(127))]),
            Some("deeper") => Parsed::table(whole, [entry("a", nested(128))]),
            Some("abyss") => Parsed::table(whole, [entry("a", nested(100_000))]),
            Some("wild") => Parsed::table(
                reversed(1, 2),
                [ParsedEntry::new("a", reversed(0, usize::MAX), Parsed::text(2..usize::MAX, "x"))],
            ),
            Some("panic") => panic!("hunter2"),
            _ => Parsed::table(whole, []),
        })
    }
}

fn reversed(start: usize, end: usize) -> std::ops::Range<usize> {
    end..start
}

fn puppet(text: &str) -> Document {
    Document::new(Origin::file("a.puppet"), Format::custom(&PUPPET), text.as_bytes())
}

fn outcome(text: &str) -> Vec<String> {
    refused::<Any>(&[puppet(text)])
}

#[test]
fn every_kind_of_value() {
    let value: serde_json::Value = accepted::<Any>(&[puppet("values")]).into_value().0.into_iter().collect();
    let wanted = serde_json::json!({
        "null": null, "bool": true, "integer": -1, "float": 0.5, "text": "x", "word": "80", "array": [{}],
    });
    assert_eq!(value, wanted);
}

#[test]
fn what_its_reader_finds_wrong_has_its_place() {
    assert_eq!(
        outcome("é\né faults"),
        ["a.puppet:1:2: within a character [syntax]", "a.puppet:2:9: behind the end, hunter2 [syntax]"]
    );
    assert_eq!(outcome("aé\nfaults")[0], "a.puppet:1:2: within a character [syntax]");
    assert_eq!(outcome("many").len(), 20);
    assert_eq!(outcome("none"), ["a.puppet:1:1: this is not puppet [syntax]"]);
    assert_eq!(
        outcome("é\n\nx twice"),
        [
            "a.puppet:3:1: duplicate key `a`, first set at 1:1 [duplicate_key]",
            "a.puppet:3:2: duplicate key `a`, first set at 1:1 [duplicate_key]",
        ]
    );
    assert_eq!(
        outcome("é\n\ntext"),
        ["a.puppet:3:1: the document is a text, a configuration is a table [shape]"]
    );
}

#[test]
fn a_tree_that_is_too_deep() {
    assert_eq!(outcome("deepest"), [""; 0]);
    assert_eq!(outcome("é\ndeeper"), ["a.puppet:1:1: nested more than 128 levels deep [depth]"]);
    assert_eq!(outcome("abyss"), ["a.puppet:1:3: nested more than 128 levels deep [depth]"]);
}

#[test]
fn spans_from_nowhere_are_taken_back_into_the_text() {
    assert_eq!(outcome("wild"), [""; 0]);
    let found = refused::<Config>(&[puppet("é\nwild")]);
    assert_eq!(found, ["a.puppet:1:2: a: invalid type: string \"x\", expected u8 [type]"]);
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Config {
    a: u8,
}

reloadable!(Config);

#[test]
fn a_panic_refuses_the_document() {
    assert_eq!(
        outcome("panic"),
        ["a.puppet:1:1: the reader of puppet panicked; the panic hook was told what it said [panic]"]
    );
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Secretive {
    token: String,
}

const FIELDS: &[Field] = &[Field::new("token", String::describe).secret()];

reloadable!(Secretive, Shape::Struct(FIELDS));

#[test]
fn what_its_reader_says_may_quote_a_secret() {
    let said = "this is not puppet; what its reader said is withheld, since there are secrets [syntax]";
    assert_eq!(
        refused::<Secretive>(&[puppet("é\né faults")]),
        [format!("a.puppet:1:2: {said}"), format!("a.puppet:2:9: {said}")]
    );
    // Also where more is said of it.
    let said = said.replace(" [", "; this reads as YAML, is the file's extension right? [");
    assert_eq!(refused::<Secretive>(&[puppet("hunter2: faults")]), [format!("a.puppet:1:3: {said}")]);
    let root = Parsed::table(0..1, [ParsedEntry::new("hunter2", 0..1, Parsed::text(0..1, "hunter2"))]);
    let shown = format!("{root:?} {:?}", ParseFault::new(0, "hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_format_is_its_name() {
    struct Other;
    impl ReadFormat for Other {
        fn name(&self) -> &'static str {
            "other"
        }
        fn parse(&self, _: &str) -> Result<Parsed, Vec<ParseFault>> {
            Err(Vec::new())
        }
    }
    let (puppet, other) = (Format::custom(&PUPPET), Format::custom(&Other));
    assert_eq!(puppet, Format::custom(&Puppet));
    assert_ne!(puppet, other);
    assert_eq!(HashSet::from([puppet, puppet, other, Format::Toml]).len(), 3);
    assert_eq!(
        (puppet.to_string(), format!("{other:?}")),
        ("puppet".into(), "Custom(CustomFormat(\"other\"))".into())
    );
}
