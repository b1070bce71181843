//! Which line a violation names: also where the file spells a field otherwise, and where serde loses the place.

use reloadable::{Describe, FieldPath};
use reloadable::{
    Description, Diff, Field, Leaf, Reporter, Segment, Shape, Tagging, Validate, Value, Variant,
};
use serde::Deserialize;

use crate::{accepted, json, refused, reloadable, toml};

/// Puts a violation on every path that it is given.
#[derive(Debug, Deserialize)]
struct Everywhere {
    #[serde(skip)]
    _nothing: (),
}

const PATHS: &[&str] = &[
    "",
    "listen",
    "database.pool_size",
    "database.none.deeper",
    "tls.enabled",
    "routes[0].name",
    "routes[1].name",
    "routes[7]",
    "storage.s3.bucket",
    "kind.size",
    "extra",
];

const DATABASE: &[Field] = &[Field::new("pool_size", u32::describe).aliases(&["pool-size", "pool"])];
const ROUTE: &[Field] = &[Field::new("name", String::describe).aliases(&["id"])];
const FLAT: &[Field] = &[Field::new("extra", u8::describe).aliases(&["more"])];
const S3: &[Field] = &[Field::new("bucket", String::describe).aliases(&["name"])];
const BLOB: &[Field] = &[Field::new("size", u32::describe).aliases(&["length"])];
const STORAGE: &[Variant] = &[Variant::new("s3", Shape::Struct(S3)).aliases(&["simple"])];
const KIND: &[Variant] = &[Variant::new("blob", Shape::Struct(BLOB))];
const FIELDS: &[Field] = &[
    Field::new("listen", String::describe),
    Field::new("database", || Description::new("Database", Shape::Struct(DATABASE))).aliases(&["db"]),
    Field::new("routes", || {
        Description::new("Vec<Route>", Shape::Sequence(|| Description::new("Route", Shape::Struct(ROUTE))))
    }),
    Field::new("", || Description::new("Flat", Shape::Struct(FLAT))).flatten(),
    Field::new("storage", || Description::new("Storage", Shape::Enum(Tagging::External, STORAGE))),
    Field::new("kind", || Description::new("Kind", Shape::Enum(Tagging::Internal("type"), KIND))),
];

impl Describe for Everywhere {
    fn describe() -> Description {
        Description::new("Everywhere", Shape::Struct(FIELDS))
    }
}

impl Validate for Everywhere {
    fn validate(&self, report: &mut Reporter<'_>) {
        for path in PATHS {
            report.violation_at(path, "own", "bad");
        }
    }
}

reloadable!(@diff Everywhere);

fn places(document: reloadable::Document) -> Vec<String> {
    let place = |line: &String| line.split(": ").next().unwrap_or_default().to_owned();
    refused::<Everywhere>(&[document]).iter().map(place).collect()
}

#[test]
fn violations_are_traced_through_aliases_to_the_value() {
    let text = "listen = 'x'\ntls = true\nmore = 1\n[db]\npool-size = 5\n[[routes]]\nid = 'a'\n[[routes]]\n\n[storage.simple]\nname = 'b'\n\
        [kind]\ntype = 'blob'\nlength = 3\n";
    assert_eq!(
        places(toml("a.toml", text)),
        [
            "a.toml:1:1",
            "a.toml:1:10",
            "a.toml:5:13",
            "a.toml:4:1",
            "a.toml:2:7",
            "a.toml:7:6",
            "a.toml:8:1",
            "a.toml:6:1",
            "a.toml:11:8",
            "a.toml:14:10",
            "a.toml:3:8",
        ]
    );
    let text = "{\n\"db\": {\"pool\": 5},\n\"routes\": [{}, {\"name\": \"é\"}], \"extra\": 1}";
    assert_eq!(
        places(json("a.json", text)),
        [
            "a.json:1:1",
            "a.json:1:1",
            "a.json:2:16",
            "a.json:2:7",
            "a.json:1:1",
            "a.json:3:12",
            "a.json:3:25",
            "a.json:3:11",
            "a.json:1:1",
            "a.json:1:1",
            "a.json:3:41",
        ]
    );
}

#[test]
fn without_documents_there_is_no_place() {
    assert_eq!(refused::<Everywhere>(&[]).first().map(String::as_str), Some("bad [own]"));
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Buffered {
    #[serde(flatten)]
    flat: Flat,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    one: Option<OneOrMany>,
    #[serde(default)]
    span: Option<Checked>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Flat {
    #[serde(default)]
    port: u16,
    #[serde(default)]
    inner: Option<Inner>,
    #[serde(default)]
    level: Option<Level>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Inner {
    a: u8,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Low,
    High,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[allow(dead_code, reason = "decoding is what is tested")]
enum Action {
    Log { level: u8, to: String },
    Drop,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "decoding is what is tested")]
enum OneOrMany {
    One(u8),
    Many(Vec<u8>),
}

/// Fails after its value was read.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u8")]
struct Checked;

impl TryFrom<u8> for Checked {
    type Error = String;

    fn try_from(value: u8) -> Result<Self, String> {
        if value == 0 { Ok(Self) } else { Err(format!("{value} is not 0")) }
    }
}

reloadable!(Buffered);

#[test]
fn a_value_that_serde_buffered_is_found_again() {
    let cases = [
        ("x = 1\nport = 'many'", "a.toml:2:8: port: invalid type: string \"many\", expected u16 [type]"),
        ("x = 1\nport = 65536", "a.toml:2:8: port: invalid value: integer `65536`, expected u16 [value]"),
        ("[inner]\na = 1\nb = 2", "a.toml:3:1: inner.b: unknown key, expected `a` [unknown_key]"),
        ("level = 'hig'", "a.toml:1:9: level: unknown variant `hig`, did you mean `high`? [unknown_variant]"),
        (
            "[action]\ntype = 'log'\nlevel = 300\nto = 'x'",
            "a.toml:3:9: action.level: invalid value: integer `300`, expected u8 [value]",
        ),
        (
            "[action]\ntype = 'lag'",
            "a.toml:2:8: action.type: unknown variant `lag`, did you mean `log`? [unknown_variant]",
        ),
        // What is missing has no place, and a value that is there twice might be either.
        ("[action]\ntype = 'log'\nlevel = 1", "a.toml:1:1: action: missing field `to` [missing_field]"),
        ("x = 'many'\nport = 'many'", "a.toml:1:1: invalid type: string \"many\", expected u16 [type]"),
        ("many = 1\nport = 'many'", "a.toml:1:1: invalid type: string \"many\", expected u16 [type]"),
        (
            "one = [1, 'x']",
            "a.toml:1:7: one: data did not match any variant of untagged enum OneOrMany [decode]",
        ),
        ("span = 7", "a.toml:1:8: span: 7 is not 0 [decode]"),
    ];
    for (text, expected) in cases {
        assert_eq!(refused::<Buffered>(&[toml("a.toml", text)]), [expected], "{text}");
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct DenyAndFlatten {
    #[serde(flatten)]
    flat: Inner2,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Inner2 {
    #[serde(default)]
    a: u8,
}

reloadable!(DenyAndFlatten);

#[test]
fn an_unknown_key_beside_flattened_fields() {
    assert_eq!(
        refused::<DenyAndFlatten>(&[toml("a.toml", "a = 1\n c = 2")]),
        ["a.toml:2:2: c: unknown key [unknown_key]"]
    );
}

/// Panics where it is told to.
#[derive(Debug, Deserialize)]
struct Panics {
    at: String,
    #[serde(deserialize_with = "panic_on_true", default)]
    _decoding: (),
}

fn panic_on_true<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    if bool::deserialize(deserializer)? { panic!("decoder gave up") } else { Ok(()) }
}

impl Describe for Panics {}

impl Validate for Panics {
    fn normalize(&mut self, report: &mut Reporter<'_>) {
        report.violation_at("at", "own", "first");
        assert!(self.at != "normalize", "normalizer {}", "gave up");
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        report.violation_at("at", "own", "second");
        if self.at == "validate" {
            std::panic::panic_any(3);
        }
    }
}

impl Diff for Panics {
    type Changes<'a> = Leaf<'a, Self>;

    fn diff<'a>(&'a self, _: &'a Self) -> Option<Leaf<'a, Self>> {
        None
    }

    fn value(&self) -> Value<'_> {
        Value::Opaque
    }
}

#[test]
fn a_panic_in_the_applications_code_is_a_violation() {
    let report = |text: &str| refused::<Panics>(&[toml("a.toml", text)]);
    let first = "a.toml:1:6: at: first [own]";
    let second = "a.toml:1:6: at: second [own]";
    assert_eq!(report("at = 'x'"), [first, second]);
    assert_eq!(report("at = 'x'\n_decoding = true"), ["panicked while decoding: decoder gave up [panic]"]);
    let normalizing = "panicked while normalizing: normalizer gave up [panic]";
    assert_eq!(report("at = 'normalize'"), [first, normalizing]);
    assert_eq!(report("at = 'validate'"), [first, second, "panicked while validating [panic]"]);
}

#[derive(Debug, Deserialize)]
struct Open {}

reloadable!(Open);

#[test]
fn an_identity_is_not_in_the_file_but_its_list_is() {
    let loaded = accepted::<Open>(&[toml("a.toml", "x = 1\nroutes = []")]);
    let path = FieldPath::from(vec![Segment::Name("routes".into()), Segment::Identity(vec!["api".into()])]);
    assert_eq!(loaded.locate(&path).map(|(_, position)| position.to_string()).as_deref(), Some("2:10"));
}
