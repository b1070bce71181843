//! The words of serde that decide where a value stands in the file.

use std::collections::BTreeMap;
use std::time::Duration;

use reloadable::{Description, Reloadable, Shape};
use serde::{Deserialize, Deserializer};

use crate::read::{changes, shown, violations};

#[derive(Deserialize, Reloadable)]
#[serde(rename_all(deserialize = "kebab-case", serialize = "camelCase"), deny_unknown_fields)]
struct Names {
    first_name: u8,
    #[serde(rename(serialize = "x"))]
    second_name: u8,
    #[serde(rename(serialize = "x", deserialize = "third"), alias = "drei", alias = "trois")]
    third_name: u8,
    #[serde(default, rename = "r#raw")]
    r#type: Option<u8>,
}

#[test]
fn names_are_those_of_decoding() {
    let old = r#"{"first-name":1,"second-name":1,"drei":1,"r#raw":1}"#;
    assert_eq!(
        changes::<Names>(old, r#"{"first-name":2,"second-name":2,"trois":2,"r#raw":2}"#),
        "first-name: 1 -> 2\nsecond-name: 1 -> 2\nthird: 1 -> 2\n\"r#raw\": 1 -> 2"
    );
    let description = Description::of::<Names>();
    assert!(description.deny_unknown);
    assert_eq!(description.fields()[2].aliases, ["drei", "trois"]);
    assert_eq!(
        description.fields().iter().map(|field| field.optional).collect::<Vec<_>>(),
        [false, false, false, true]
    );
}

/// A container's docs.
///
/// Of two paragraphs.
#[derive(Default, Deserialize, Reloadable)]
#[serde(default)]
struct Flat {
    /// A field's docs.
    own: u8,
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    option: Option<Tagged>,
    #[serde(flatten)]
    #[reload(leaf)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Default, Deserialize, Reloadable)]
#[serde(default)]
struct Inner {
    #[reload(range(1..))]
    size: u8,
    deeper: Option<Box<Inner>>,
}

#[derive(Deserialize, Reloadable)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Tagged {
    One { one: u8 },
}

#[test]
fn flattened_fields_stand_in_the_table_around_them() {
    for (old, new, expected) in [
        (r#"{"size":1}"#, r#"{"size":2}"#, "size: 1 -> 2"),
        (
            r#"{"kind":"one","one":1}"#,
            r#"{"kind":"one","one":2}"#,
            "one: 1 -> 2\n(root): {kind = \"one\", one = 1} -> {kind = \"one\", one = 2}",
        ),
        (r#"{"deeper":{"size":1}}"#, r#"{"deeper":{"size":2}}"#, "deeper.size: 1 -> 2"),
    ] {
        let changed = changes::<Flat>(old, new);
        assert!(changed.starts_with(expected.lines().next().unwrap_or_default()), "{changed}");
    }
    assert_eq!(
        violations::<Flat>(r#"{"size":1,"deeper":{"size":0}}"#),
        "deeper.size  0 is not in 1..  [range]"
    );
    assert_eq!(shown::<Inner>(r#"{"size":1}"#), r#"{"size":1,"deeper":null}"#);
}

#[test]
fn docs_are_kept() {
    let description = Description::of::<Flat>();
    assert_eq!(description.docs, "A container's docs.\n\nOf two paragraphs.");
    assert_eq!(description.fields()[0].docs, "A field's docs.");
    assert!(description.fields().iter().all(|field| field.optional));
    assert!(description.fields()[1].flatten && description.fields()[1].name.is_empty());
}

#[derive(Deserialize, Reloadable)]
#[serde(try_from = "Raw")]
#[reload(validate = Self::check)]
struct Converted {
    total: u8,
    inner: Inner,
    #[reload(secret)]
    token: u8,
}

#[derive(Deserialize, Reloadable)]
struct Raw {
    parts: Vec<u8>,
}

impl TryFrom<Raw> for Converted {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let size = raw.parts.len() as u8;
        Ok(Self { total: raw.parts.iter().sum(), inner: Inner { size, deeper: None }, token: size })
    }
}

impl Converted {
    fn check(&self, report: &mut reloadable::Reporter<'_>) {
        if self.total == 99 {
            report.violation_at("parts", "total", "too much");
        }
    }
}

#[derive(Deserialize, Reloadable)]
struct Around {
    converted: Converted,
    #[serde(default)]
    port: Option<Port>,
    #[serde(default)]
    word: Option<Word>,
}

#[derive(Deserialize, Reloadable)]
#[serde(from = "u16")]
struct Port(u32);

impl From<u16> for Port {
    fn from(port: u16) -> Self {
        Self(port.into())
    }
}

#[derive(Deserialize, Reloadable)]
#[serde(from = "String")]
enum Word {
    Long(Inner),
    Short,
}

impl From<String> for Word {
    fn from(word: String) -> Self {
        let size = word.len() as u8;
        if size > 3 { Self::Long(Inner { size, deeper: None }) } else { Self::Short }
    }
}

#[test]
fn a_converted_type_is_one_value() {
    let old = r#"{"converted":{"parts":[1]},"port":1,"word":"long"}"#;
    assert_eq!(changes::<Around>(old, &old.replace("[1]", "[1,2]")), "converted: changed");
    assert_eq!(changes::<Around>(old, &old.replace("\"long\"", "\"longer\"")), "word: changed");
    assert_eq!(violations::<Around>(&old.replace("[1]", "[]")), "converted  0 is not in 1..  [range]");
    assert_eq!(violations::<Around>(&old.replace("[1]", "[99]")), "converted.parts  too much  [total]");
    assert!(
        matches!(Description::of::<Converted>().shape, Shape::Like(raw) if raw().fields()[0].name == "parts")
    );
}

#[serde_with::serde_as]
#[derive(Deserialize, Reloadable)]
struct With {
    #[serde(with = "humantime_serde")]
    timeout: Duration,
    #[serde(default, deserialize_with = "one_or_many")]
    hosts: Vec<String>,
    #[serde(default, deserialize_with = "through")]
    derived: Inner,
    #[serde(default, deserialize_with = "through")]
    many: BTreeMap<String, Inner>,
    #[serde_as(as = "serde_with::DisplayFromStr")]
    port: u16,
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

fn through<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}

#[test]
fn the_path_ends_at_a_field_that_is_decoded_by_a_function() {
    let old = r#"{"timeout":"1s","hosts":["a","b"],"derived":{"size":1},"many":{"a":{"size":1}},"port":"1"}"#;
    for (from, to, expected) in [
        ("1s", "2s", "timeout: 1s -> 2s"),
        ("[\"a\",\"b\"]", "\"a\"", "hosts: changed"),
        ("{\"size\":1},\"many\"", "{\"size\":2},\"many\"", "derived.size: 1 -> 2"),
        ("{\"a\":{\"size\":1}}", "{\"a\":{\"size\":2}}", "many: changed"),
        ("\"port\":\"1\"", "\"port\":\"2\"", "port: 1 -> 2"),
    ] {
        assert_eq!(changes::<With>(old, &old.replace(from, to)), expected);
    }
    assert_eq!(
        violations::<With>(&old.replace("\"size\":1", "\"size\":0")),
        "derived.size  0 is not in 1..  [range]\nmany          0 is not in 1..  [range]"
    );
    let fields = Description::of::<With>().fields();
    assert_eq!(fields.iter().map(|field| field.opaque).collect::<Vec<_>>(), [true, true, false, true, true]);
}

#[derive(Deserialize, Reloadable)]
enum VariantWith {
    #[serde(deserialize_with = "pair")]
    Pair(Inner, u8),
}

fn pair<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Inner, u8), D::Error> {
    let size = u8::deserialize(deserializer)?;
    Ok((Inner { size, deeper: None }, size))
}

#[test]
fn the_path_ends_at_a_variant_that_is_decoded_by_a_function() {
    assert_eq!(changes::<VariantWith>(r#"{"Pair":1}"#, r#"{"Pair":2}"#), "Pair: changed");
    assert_eq!(violations::<VariantWith>(r#"{"Pair":0}"#), "Pair  0 is not in 1..  [range]");
}
