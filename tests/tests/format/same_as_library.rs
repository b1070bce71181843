//! What the formats' own libraries make of a document, this decoder makes of it too.

use std::collections::BTreeMap;

use proptest::prelude::*;
use reloadable::__private::decode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{accepted, json, jsonc, refused, reloadable, toml, yaml};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(transparent)]
struct JsonValue(serde_json::Value);

#[derive(Debug, Deserialize, PartialEq)]
#[serde(transparent)]
struct TomlValue(toml::Value);

/// A bit of everything that serde's data model has.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
struct Model {
    unit: Option<()>,
    flag: bool,
    small: i8,
    large: i64,
    unsigned: u32,
    single: f32,
    double: f64,
    letter: char,
    text: String,
    bytes: Vec<u8>,
    array: [u16; 2],
    tuple: (u8, String),
    newtype: Newtype,
    option: Option<String>,
    either: Either,
    choices: Vec<Choice>,
    tagged: Tagged,
    adjacent: Adjacent,
    by_number: BTreeMap<i32, bool>,
    by_letter: BTreeMap<char, Newtype>,
    by_choice: BTreeMap<Plain, u8>,
    nested: Vec<BTreeMap<String, Vec<i64>>>,
    #[serde(flatten)]
    flat: Flat,
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
struct Newtype(i32);

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
struct Flat {
    flat_text: String,
    flat_option: Option<u8>,
    #[serde(flatten)]
    rest: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
    Table { x: bool },
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
enum Choice {
    Unit,
    Newtype(u8),
    Tuple(u8, bool),
    Struct { a: String },
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(tag = "type")]
enum Tagged {
    Plain,
    Struct { b: Option<i32> },
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Plain,
    Tuple(i8, i8),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Plain {
    FirstOne,
    SecondOne,
}

reloadable!(JsonValue);
reloadable!(TomlValue);
reloadable!(Model);

/// Floats that any way of reading gets right to the last bit.
fn float() -> impl Strategy<Value = f64> {
    (-8_000_i32..8_000).prop_map(|eighths| f64::from(eighths) / 8.0)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,6}", "\\PC{0,6}", any::<String>(), Just("'''\"\"\"\\\r\n\t\u{7f}".to_owned())]
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        float().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    });
    prop::collection::btree_map(text(), value, 0..6).prop_map(|map| map.into_iter().collect())
}

fn toml_value() -> impl Strategy<Value = toml::Value> {
    use toml::Value;
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        float().prop_map(Value::from),
        Just(Value::from(f64::INFINITY)),
        text().prop_map(Value::from),
    ];
    let table = |inner| prop::collection::btree_map(text(), inner, 0..6);
    let value = leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            table(inner).prop_map(|map| Value::Table(map.into_iter().collect())),
        ]
    });
    table(value.boxed()).prop_map(|map| Value::Table(map.into_iter().collect()))
}

fn model() -> impl Strategy<Value = Model> {
    let scalars =
        (any::<bool>(), any::<i8>(), any::<i64>(), any::<u32>(), float(), float(), any::<char>(), text());
    let rows = (
        any::<Vec<u8>>(),
        any::<[u16; 2]>(),
        (any::<u8>(), text()),
        any::<i32>(),
        prop::option::of(text()),
        prop_oneof![
            any::<i64>().prop_map(Either::Number),
            text().prop_map(Either::Text),
            any::<bool>().prop_map(|x| Either::Table { x }),
        ],
        prop::collection::vec(
            prop_oneof![
                Just(Choice::Unit),
                any::<u8>().prop_map(Choice::Newtype),
                (any::<u8>(), any::<bool>()).prop_map(|(number, flag)| Choice::Tuple(number, flag)),
                text().prop_map(|a| Choice::Struct { a }),
            ],
            0..5,
        ),
        prop_oneof![Just(Tagged::Plain), any::<Option<i32>>().prop_map(|b| Tagged::Struct { b })],
        prop_oneof![
            Just(Adjacent::Plain),
            (any::<i8>(), any::<i8>()).prop_map(|(a, b)| Adjacent::Tuple(a, b))
        ],
    );
    let maps = (
        any::<BTreeMap<i32, bool>>(),
        prop::collection::btree_map(any::<char>(), any::<i32>().prop_map(Newtype), 0..4),
        prop::collection::btree_map(
            prop_oneof![Just(Plain::FirstOne), Just(Plain::SecondOne)],
            any::<u8>(),
            0..3,
        ),
        prop::collection::vec(
            prop::collection::btree_map(text(), prop::collection::vec(any::<i64>(), 0..3), 0..3),
            0..3,
        ),
    );
    let flat = (text(), any::<Option<u8>>(), prop::collection::btree_map("rest_[a-z]{1,4}", float(), 0..4));
    (scalars, rows, maps, flat).prop_map(|(scalars, rows, maps, flat)| Model {
        unit: None,
        flag: scalars.0,
        small: scalars.1,
        large: scalars.2,
        unsigned: scalars.3,
        single: scalars.4 as f32,
        double: scalars.5,
        letter: scalars.6,
        text: scalars.7,
        bytes: rows.0,
        array: rows.1,
        tuple: rows.2,
        newtype: Newtype(rows.3),
        option: rows.4,
        either: rows.5,
        choices: rows.6,
        tagged: rows.7,
        adjacent: rows.8,
        by_number: maps.0,
        by_letter: maps.1,
        by_choice: maps.2,
        nested: maps.3,
        flat: Flat { flat_text: flat.0, flat_option: flat.1, rest: flat.2 },
    })
}

fn from_json<T: DeserializeOwned + reloadable::Diff>(text: &str) -> T {
    accepted(&[json("a.json", text)]).into_value()
}

fn from_toml<T: DeserializeOwned + reloadable::Diff>(text: &str) -> T {
    accepted(&[toml("a.toml", not_empty(text))]).into_value()
}

fn from_jsonc<T: DeserializeOwned + reloadable::Diff>(text: &str) -> T {
    accepted(&[jsonc("a.jsonc", text)]).into_value()
}

fn from_yaml<T: DeserializeOwned + reloadable::Diff>(text: &str) -> T {
    accepted(&[yaml("a.yaml", text)]).into_value()
}

/// Writes JSON with a comment and a comma wherever there may be one.
fn commented(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let inner = match value {
        Value::Array(elements) if !elements.is_empty() => {
            let elements = elements.iter().map(|element| commented(element) + ", // ],\n");
            format!("[ {} ]", elements.collect::<String>())
        }
        Value::Object(entries) if !entries.is_empty() => {
            let entries = entries.iter().map(|(key, value)| {
                format!("{}/*:*/: {},", serde_json::Value::from(key.as_str()), commented(value))
            });
            format!("{{/* é }} */{}}}", entries.collect::<String>())
        }
        scalar => scalar.to_string(),
    };
    format!("/* \" */{inner}// \"\n")
}

/// Writes YAML in lines, with every text plain or quoted.
fn block(value: &serde_json::Value, indent: usize) -> String {
    use serde_json::Value;
    let space = " ".repeat(indent);
    match value {
        Value::Array(elements) if !elements.is_empty() => {
            elements.iter().map(|element| format!("\n{space}- {}", block(element, indent + 2))).collect()
        }
        Value::Object(entries) if !entries.is_empty() => entries
            .iter()
            .map(|(key, value)| format!("\n{space}{}: {}", quoted(key), block(value, indent + 1)))
            .collect(),
        Value::String(text) => quoted(text),
        scalar => scalar.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric())
        && !["true", "false", "null"].contains(&text);
    if is_plain {
        return text.to_owned();
    }
    let escaped = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        ' '..='~' => letter.into(),
        _ if letter.is_alphanumeric() => letter.into(),
        _ => format!("\\U{:08x}", u32::from(letter)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// A table without entries is an empty document in TOML, which is refused.
fn not_empty(text: &str) -> String {
    format!("{text}# end\n")
}

/// Compares, but for the last bit of a float: the library rounds some wrong unless a feature is set.
fn alike(ours: &serde_json::Value, library: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (ours, library) {
        (Value::Array(ours), Value::Array(library)) => {
            ours.len() == library.len()
                && ours.iter().zip(library).all(|(ours, library)| alike(ours, library))
        }
        (Value::Object(ours), Value::Object(library)) => {
            ours.len() == library.len()
                && ours.iter().all(|(key, ours)| library.get(key).is_some_and(|library| alike(ours, library)))
        }
        (Value::Number(ours), Value::Number(library)) if ours.is_f64() && library.is_f64() => {
            let (ours, library) = (ours.as_f64().unwrap(), library.as_f64().unwrap());
            (ours - library).abs() <= library.abs() * 1e-15
        }
        _ => ours == library,
    }
}

proptest! {
    #[test]
    fn json_values(value in json_value()) {
        for text in [serde_json::to_string(&value)?, serde_json::to_string_pretty(&value)?] {
            prop_assert_eq!(&from_json::<JsonValue>(&text).0, &serde_json::from_str::<serde_json::Value>(&text)?);
        }
    }

    #[test]
    fn jsonc_values(value in json_value()) {
        let plain = serde_json::to_string_pretty(&value)?;
        for text in [&plain, &commented(&value)] {
            prop_assert_eq!(&from_jsonc::<JsonValue>(text).0, &value, "{}", text);
        }
    }

    #[test]
    fn yaml_values(value in json_value()) {
        let text = format!("# é{}", block(&value, 0));
        let text = if value.as_object().is_some_and(serde_json::Map::is_empty) { "{}" } else { &text };
        prop_assert_eq!(&from_yaml::<JsonValue>(text).0, &value, "{}", text);
    }

    #[test]
    fn toml_values(value in toml_value()) {
        for text in [toml::to_string(&value), toml::to_string_pretty(&value)] {
            let text = text.map_err(|error| TestCaseError::reject(error.to_string()))?;
            let library: toml::Value = toml::from_str(&not_empty(&text)).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(from_toml::<TomlValue>(&text).0, library);
        }
    }

    #[test]
    fn every_kind_of_type(model in model()) {
        let text = serde_json::to_string_pretty(&model)?;
        prop_assert_eq!(&from_json::<Model>(&text), &model, "{}", text);
        prop_assert_eq!(&from_jsonc::<Model>(&text), &model, "{}", text);
        let text = toml::to_string(&model).map_err(|error| TestCaseError::reject(error.to_string()))?;
        prop_assert_eq!(&from_toml::<Model>(&text), &model, "{}", text);
        let text = block(&serde_json::to_value(&model)?, 0);
        prop_assert_eq!(&from_yaml::<Model>(&text), &model, "{}", text);
    }

    /// Whatever one refuses, the other refuses, but for what the library takes and a configuration cannot be.
    #[test]
    fn damaged_json_is_refused_as_the_library_does(value in json_value(), at in any::<prop::sample::Index>(), with in "[\\[\\]{},:\"0-9a\\\\ ]?") {
        let mut text = serde_json::to_string(&value)?;
        let boundaries: Vec<_> = text.char_indices().collect();
        let (at, old) = boundaries[at.index(boundaries.len())];
        text.replace_range(at..at + old.len_utf8(), &with);
        let library = serde_json::from_str::<serde_json::Value>(&text);
        let ours = decode::<JsonValue>(&[json("a.json", &text)]);
        match (library, ours) {
            (Ok(library), Ok(ours)) => {
                let ours = ours.into_value().0;
                prop_assert!(alike(&ours, &library), "{} is not {}", ours, library);
            }
            (Err(_), Err(_)) => {}
            (Err(error), Ok(_)) => prop_assert!(false, "{} is taken, but {}", text, error),
            (Ok(_), Err(report)) => {
                let allowed = |line: &String| line.ends_with("[duplicate_key]") || line.ends_with("[shape]");
                prop_assert!(crate::lines(&report).iter().all(allowed), "{}: {}", text, report);
            }
        }
    }

    #[test]
    fn damaged_toml_is_refused_as_the_library_does(value in toml_value(), at in any::<prop::sample::Index>(), with in "[\\[\\]{},=\"'.\n0-9a\\\\ ]?") {
        let mut text = toml::to_string(&value).map_err(|error| TestCaseError::reject(error.to_string()))? + "\n";
        let boundaries: Vec<_> = text.char_indices().collect();
        let (at, old) = boundaries[at.index(boundaries.len())];
        text.replace_range(at..at + old.len_utf8(), &with);
        let library = toml::from_str::<toml::Value>(&not_empty(&text));
        match (library, decode::<TomlValue>(&[toml("a.toml", not_empty(&text))])) {
            (Ok(library), Ok(ours)) => prop_assert_eq!(ours.into_value().0, library),
            (Err(_), Err(_)) => {}
            (Err(error), Ok(_)) => prop_assert!(false, "{} is taken, but {}", text, error),
            (Ok(_), Err(report)) => prop_assert!(false, "{}: {}", text, report),
        }
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Corners {
    #[serde(default)]
    wide: i128,
    #[serde(default)]
    widest: u128,
    #[serde(default)]
    float: f64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    at: Option<toml::value::Datetime>,
    #[serde(default)]
    day: Option<toml::value::Date>,
    #[serde(default)]
    empty: Option<Empty>,
    #[serde(default)]
    ignored: Option<Ignored>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Empty;

#[derive(Debug, Deserialize, PartialEq)]
struct Ignored {}

reloadable!(Corners);

#[test]
fn numbers_of_128_bits() {
    for (wide, widest) in [(i128::MAX, u128::MAX), (i128::MIN, 0), (-1, 1), (1 << 64, 1 << 127)] {
        let corners = from_json::<Corners>(&format!("{{\"wide\": {wide}, \"widest\": {widest}}}"));
        assert_eq!((corners.wide, corners.widest), (wide, widest));
        let corners = from_toml::<Corners>(&format!("wide = {wide}\nwidest = {widest}"));
        assert_eq!((corners.wide, corners.widest), (wide, widest));
        let corners = from_yaml::<Corners>(&format!("wide: {wide}\nwidest: {widest}"));
        assert_eq!((corners.wide, corners.widest), (wide, widest));
    }
}

#[test]
fn a_whole_number_is_a_float_where_one_is_wanted() {
    assert_eq!(from_toml::<Corners>("float = 3").float.to_bits(), 3.0_f64.to_bits());
    assert_eq!(from_json::<Corners>("{\"float\": -0}").float.to_bits(), (-0.0_f64).to_bits());
    for digits in ["18446744073709551616", "100000000000000000000000000000000000000000000"] {
        let library: f64 = serde_json::from_str(digits).unwrap();
        assert_eq!(
            from_json::<Corners>(&format!("{{\"float\": {digits}}}")).float.to_bits(),
            library.to_bits()
        );
        let value = from_json::<JsonValue>(&format!("{{\"a\": {digits}}}")).0;
        assert_eq!(value["a"], serde_json::from_str::<serde_json::Value>(digits).unwrap());
    }
    assert_eq!(
        refused::<Corners>(&[toml("a.toml", "float = 0.5\nwide = 1.0")]),
        ["a.toml:2:8: wide: invalid type: floating point `1.0`, expected i128 [type]"]
    );
}

#[test]
fn a_date_is_a_text_or_the_librarys_own_type() {
    let corners = from_toml::<Corners>("text = 1979-05-27\nat = 1979-05-27T07:32:00.5Z\nday = 1979-05-27");
    assert_eq!(corners.text, "1979-05-27");
    assert_eq!(corners.at.map(|at| at.to_string()).as_deref(), Some("1979-05-27T07:32:00.5Z"));
    assert_eq!(corners.day.map(|day| day.to_string()).as_deref(), Some("1979-05-27"));
    assert_eq!(from_json::<Corners>("{\"text\": \"1979-05-27\"}").text, "1979-05-27");
}

#[test]
fn unit_structs_and_what_nobody_asked_for() {
    let corners =
        from_json::<Corners>("{\"empty\": null, \"ignored\": {\"a\": [1, {\"b\": null}]}, \"x\": [[]]}");
    assert_eq!((corners.empty, corners.ignored), (None, Some(Ignored {})));
}

#[test]
fn entries_keep_the_order_of_the_file() {
    #[derive(Debug, Deserialize)]
    #[serde(transparent)]
    struct Ordered(indexmap::IndexMap<String, u8>);
    reloadable!(Ordered);
    let keys = |ordered: Ordered| ordered.0.into_keys().collect::<Vec<_>>().concat();
    assert_eq!(keys(from_toml("c = 1\na = 2\nb = 3")), "cab");
    assert_eq!(keys(from_json("{\"c\": 1, \"a\": 2, \"b\": 3}")), "cab");
    assert_eq!(keys(from_yaml("c: 1\na: 2\nb: 3")), "cab");
}
