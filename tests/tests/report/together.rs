//! What does not fit its type and what breaks a rule, in one report: which of it can be told, and which cannot.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use reloadable::{Describe, Description, Diff, Field, Leaf, Reloadable, Shape, Validate, Value};
use serde::{Deserialize, Deserializer};

use crate::{json, refused, toml};

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Conditional {
    enabled: bool,
    #[reload(range(1..), when = self.enabled)]
    #[reload(range(..=100))]
    size: u32,
    #[serde(default)]
    other: u8,
}

#[test]
fn a_rule_with_a_condition_waits_until_the_struct_can_be_decoded() {
    let other = "a.toml:3:9: other: invalid type: string \"x\", expected u8 [type]";
    let broken = "a.toml:2:8: size: 0 is not in 1.. [range]";
    assert_eq!(refused::<Conditional>(toml("enabled = true\nsize = 0\nother = 'x'")), [other]);
    assert_eq!(refused::<Conditional>(toml("enabled = true\nsize = 0")), [broken]);
    let above = "a.toml:2:8: size: 101 is not in ..=100 [range]";
    assert_eq!(refused::<Conditional>(toml("enabled = true\nsize = 101\nother = 'x'")), [above, other]);
    // An unknown key is only left out.
    let unknown = "a.toml:3:1: more: unknown key, expected one of `enabled`, `size`, `other` [unknown_key]";
    assert_eq!(refused::<Conditional>(toml("enabled = true\nsize = 0\nmore = 1")), [unknown, broken]);
}

#[derive(Debug, Deserialize, Reloadable)]
struct Normalized {
    #[serde(default)]
    workers: Option<u8>,
    pool: Pool,
}

#[derive(Debug, Deserialize, Reloadable)]
#[reload(normalize = Self::fill_in)]
struct Pool {
    #[reload(one_of("debug", "info"))]
    level: String,
    size: u8,
}

impl Pool {
    fn fill_in(&mut self) {
        self.level = self.level.to_lowercase();
    }
}

#[test]
fn what_a_normalizer_would_have_mended_is_not_told() {
    let workers = "a.toml:1:11: workers: invalid type: string \"x\", expected u8 [type]";
    let size = "a.toml:4:8: pool.size: invalid type: string \"x\", expected u8 [type]";
    // The pool can be decoded, so its normalizer ran.
    assert_eq!(refused::<Normalized>(toml("workers = 'x'\n[pool]\nlevel = 'INFO'\nsize = 1")), [workers]);
    assert_eq!(
        refused::<Normalized>(toml("workers = 'x'\n[pool]\nlevel = 'loud'\nsize = 1")),
        [workers, "a.toml:3:9: pool.level: \"loud\" is not one of \"debug\", \"info\" [one_of]"]
    );
    assert_eq!(
        refused::<Normalized>(toml("workers = 'x'\n[pool]\nlevel = 'loud'\nsize = 'x'")),
        [workers, size]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct Lists {
    #[reload(length(..=2), unique, each(range(1..)))]
    #[serde(default)]
    ports: Vec<u16>,
    #[reload(length(..=1), values(range(1..)), keys(length(..=3)))]
    #[serde(default)]
    sizes: BTreeMap<String, u16>,
}

#[test]
fn what_is_told_of_a_list_as_a_whole_waits_for_its_last_element() {
    assert_eq!(
        refused::<Lists>(json("{\"ports\": [7, \"x\", 0, 7]}")),
        [
            "a.json:1:15: ports[1]: invalid type: string \"x\", expected u16 [type]",
            "a.json:1:20: ports[2]: 0 is not in 1.. [range]",
        ]
    );
    assert_eq!(
        refused::<Lists>(json("{\"sizes\": {\"a\": 0, \"b\": \"x\", \"long\": 0}}")),
        [
            "a.json:1:25: sizes.b: invalid type: string \"x\", expected u16 [type]",
            "a.json:1:17: sizes.a: 0 is not in 1.. [range]",
            "a.json:1:38: sizes.long: 0 is not in 1.. [range]",
            "a.json:1:38: sizes.long: key: the length is 4, not in ..=3 [length]",
        ]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct Converting {
    #[serde(default)]
    range: Option<Checked>,
    #[serde(default)]
    other: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(try_from = "Raw")]
struct Checked {
    low: u8,
    high: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Raw {
    #[reload(range(5..))]
    low: u8,
    high: u8,
}

impl TryFrom<Raw> for Checked {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let Raw { low, high } = raw;
        if low > high { Err(format!("{low} is above {high}")) } else { Ok(Self { low, high }) }
    }
}

#[test]
fn a_conversion_fails_once_what_it_converts_can_be_decoded() {
    let other = "a.toml:1:9: other: invalid type: string \"x\", expected u8 [type]";
    let found = |range: &str| refused::<Converting>(toml(format!("other = 'x'\nrange = {range}")));
    assert_eq!(found("{ low = 2, high = 1 }"), ["a.toml:2:9: range: 2 is above 1 [decode]", other]);
    assert_eq!(
        found("{ low = 'x', high = 300 }"),
        [
            "a.toml:2:17: range.low: invalid type: string \"x\", expected u8 [type]",
            "a.toml:2:29: range.high: invalid value: integer `300`, expected u8 [value]",
            other,
        ]
    );
    // The rules of what is converted are not those of the configuration.
    assert_eq!(
        found("{ low = 1, high = 300 }"),
        ["a.toml:2:27: range.high: invalid value: integer `300`, expected u8 [value]", other]
    );
}

type Perhaps = Option<u16>;

#[derive(Debug, Deserialize, Reloadable)]
struct Missing {
    alias: Perhaps,
    boxed: Box<Option<u16>>,
    wrapped: Wrapped,
    #[reload(leaf)]
    any: serde_json::Value,
    #[serde(deserialize_with = "optional")]
    function: Option<u16>,
    unit: (),
    list: Vec<u16>,
    inner: Inner,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Wrapped(Option<u16>);

#[derive(Debug, Deserialize, Reloadable)]
struct Inner {
    #[serde(rename = "pool-size")]
    pool_size: u16,
}

fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    Option::deserialize(deserializer)
}

#[test]
fn what_is_missing_is_what_serde_misses() {
    let missing = |at: &str, path: &str, name: &str| {
        format!("a.json:{at}: {path}: missing field `{name}` [missing_field]")
    };
    assert_eq!(
        refused::<Missing>(json("{\n \"inner\": {}}")),
        [
            missing("1:1", "wrapped", "wrapped"),
            missing("1:1", "any", "any"),
            missing("1:1", "function", "function"),
            missing("1:1", "unit", "unit"),
            missing("1:1", "list", "list"),
            missing("2:11", "inner.pool-size", "pool-size"),
        ]
    );
    let text = "{\"wrapped\": null, \"any\": null, \"function\": null, \"unit\": null, \"list\": [], \"inner\": {\"pool-size\": 1}}";
    assert_eq!(refused::<Missing>(json(text)), [""; 0]);
}

#[derive(Debug, Deserialize, Reloadable)]
struct Flattening {
    #[serde(flatten)]
    perhaps: Option<Pair>,
    #[serde(flatten)]
    choice: Choice,
    size: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Pair {
    #[reload(range(1..))]
    left: u8,
    right: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum Choice {
    One(u8),
    Two { port: u8 },
}

#[test]
fn a_flattened_option_that_cannot_be_decoded_is_none_as_serde_has_it() {
    let size = "a.json:1:10: size: invalid type: string \"x\", expected u8 [type]";
    let found = |more: &str| refused::<Flattening>(json(format!("{{\"size\": \"x\", {more}}}")));
    assert_eq!(found("\"one\": 1, \"left\": 1, \"right\": \"x\""), [size]);
    assert_eq!(
        found("\"one\": 1, \"left\": 0, \"right\": 1"),
        [size, "a.json:1:33: left: 0 is not in 1.. [range]"]
    );
    assert_eq!(
        found("\"three\": 1"),
        [size, "a.json:1:1: missing variant, expected one of `one`, `two` [missing_field]"]
    );
    assert_eq!(found("\"two\": {}"), [size, "a.json:1:22: two.port: missing field `port` [missing_field]"]);
}

#[derive(Debug, Deserialize, Reloadable)]
struct Untold {
    any: OneOrMany,
    size: u8,
    anys: Vec<OneOrMany>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(untagged)]
enum OneOrMany {
    One(#[reload(range(1..))] u8),
    Many(#[reload(each(range(1..)))] Vec<u8>),
}

#[test]
fn of_an_untagged_enum_only_the_whole_is_told() {
    let text = "{\"any\": [1, \"x\", 300],\n \"size\": \"x\",\n \"anys\": [1, [\"x\"], 0, [0, 1]]}";
    assert_eq!(
        refused::<Untold>(json(text)),
        [
            "a.json:1:9: any: data did not match any variant of untagged enum OneOrMany [decode]",
            "a.json:2:10: size: invalid type: string \"x\", expected u8 [type]",
            "a.json:3:14: anys[1]: data did not match any variant of untagged enum OneOrMany [decode]",
            "a.json:3:21: anys[2]: 0 is not in 1.. [range]",
            "a.json:3:25: anys[3][0]: 0 is not in 1.. [range]",
        ]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct Panics {
    #[serde(deserialize_with = "panic_on_true")]
    at: (),
    #[serde(default)]
    all: Vec<Panicking>,
    #[reload(range(1..))]
    size: u8,
    #[reload(validate = panic_on_seven)]
    number: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Panicking(#[serde(deserialize_with = "panic_on_true")] ());

fn panic_on_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    if bool::deserialize(deserializer)? { panic!("decoder gave up") } else { Ok(()) }
}

fn panic_on_seven(number: &u8) {
    assert!(*number != 7, "rule gave up");
}

#[test]
fn a_panic_is_told_once_and_what_else_is_wrong_too() {
    let number = "a.json:1:11: number: invalid type: string \"x\", expected u8 [type]";
    let size = "a.json:1:24: size: 0 is not in 1.. [range]";
    let decoding = "panicked while decoding: decoder gave up [panic]";
    // serde reads in the order of the file, so the first error comes before the panic.
    let found = |more: &str| refused::<Panics>(json(format!("{{\"number\":\"x\", \"size\": 0, {more}}}")));
    assert_eq!(found("\"at\": true, \"all\": [false, true, true]"), [decoding, size, number]);
    assert_eq!(
        refused::<Panics>(json("{\"number\":\"x\", \"size\": 0}")),
        ["a.json:1:1: at: missing field `at` [missing_field]", size, number]
    );
    assert_eq!(
        refused::<Panics>(json("{\"size\": \"x\", \"number\": 7, \"at\": false}")),
        [
            "a.json:1:10: size: invalid type: string \"x\", expected u8 [type]",
            "panicked while decoding: rule gave up [panic]"
        ]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct Secretive {
    #[reload(secret)]
    tokens: Vec<u8>,
    #[reload(secret)]
    by_user: HashMap<String, u8>,
    #[reload(secret, length(9..))]
    password: String,
    login: Login,
    size: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Login {
    #[reload(secret, validate = quotes)]
    key: String,
    pin: Pin,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(try_from = "String")]
struct Pin(#[reload(secret)] String);

impl TryFrom<String> for Pin {
    type Error = String;

    fn try_from(pin: String) -> Result<Self, String> {
        if pin.is_empty() { Ok(Self(pin)) } else { Err(format!("{pin} is bad")) }
    }
}

fn quotes(key: &String) -> Result<(), String> {
    Err(format!("{key} is bad"))
}

#[test]
fn no_secret_is_quoted() {
    let text = "{\"tokens\": [1, \"hunter2\", \"hunter2\"], \"by_user\": {\"hunter2\": \"hunter2\", \"x\": 7},\n\
        \"password\": \"hunter2\", \"size\": \"x\",\n\"login\": {\"key\": \"hunter2\", \"pin\": \"hunter2\"}}";
    assert_eq!(
        refused::<Secretive>(json(text)),
        [
            "a.json:1:16: tokens[1]: invalid type: string, expected u8 [type]",
            "a.json:1:27: tokens[2]: invalid type: string, expected u8 [type]",
            "a.json:1:62: by_user: invalid type: string, expected u8 [type]",
            "a.json:2:13: password: the value has a length that is not in 9.. [length]",
            "a.json:3:18: login.key: the value is refused by `quotes`; why is withheld, since it is a secret [validate]",
            "a.json:3:36: login.pin: the value was refused; why is withheld, since it may quote a secret [decode]",
            "a.json:2:32: size: invalid type: string \"x\", expected u8 [type]",
        ]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct Generic<T> {
    value: T,
    values: Option<Vec<T>>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Outer {
    one: Generic<u8>,
    rows: Vec<Vec<Generic<SocketAddr>>>,
    size: u8,
}

#[test]
fn what_is_generic_is_taken_apart_as_well() {
    let text = "{\"one\": {\"value\": \"x\", \"values\": [1, \"x\", 300]}, \"size\": \"x\",\n\
        \"rows\": [[], [{\"value\": \"x\"}, {\"value\": \"1.1.1.1:1\", \"values\": [\"1.1.1.1:1\", \"y\"]}]]}";
    assert_eq!(
        refused::<Outer>(json(text)),
        [
            "a.json:1:19: one.value: invalid type: string \"x\", expected u8 [type]",
            "a.json:1:38: one.values[1]: invalid type: string \"x\", expected u8 [type]",
            "a.json:1:43: one.values[2]: invalid value: integer `300`, expected u8 [value]",
            "a.json:2:25: rows[1][0].value: invalid socket address syntax [decode]",
            "a.json:2:78: rows[1][1].values[1]: invalid socket address syntax [decode]",
            "a.json:1:58: size: invalid type: string \"x\", expected u8 [type]",
        ]
    );
}

/// Says nothing of itself but its name, as a type that is described by hand does.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct ByHand {
    one: u8,
    two: u8,
}

impl Describe for ByHand {}

impl Validate for ByHand {}

impl Diff for ByHand {
    type Changes<'a> = Leaf<'a, Self>;

    fn diff<'a>(&'a self, _: &'a Self) -> Option<Leaf<'a, Self>> {
        None
    }

    fn value(&self) -> Value<'_> {
        Value::Opaque
    }
}

#[derive(Debug, Deserialize, Reloadable)]
struct Around {
    hand: ByHand,
    hands: Vec<ByHand>,
    size: u8,
}

#[test]
fn of_a_type_that_says_nothing_of_itself_the_first_is_told() {
    let text = "{\"hand\": {\"one\": \"x\", \"two\": \"x\"}, \"size\": \"x\",\n\
        \"hands\": [{\"one\": \"x\", \"two\": \"x\"}, {\"one\": 1, \"two\": 1}, {\"one\": 1}]}";
    assert_eq!(
        refused::<Around>(json(text)),
        [
            "a.json:1:18: hand.one: invalid type: string \"x\", expected u8 [type]",
            "a.json:2:19: hands[0].one: invalid type: string \"x\", expected u8 [type]",
            "a.json:2:59: hands[2]: missing field `two` [missing_field]",
            "a.json:1:44: size: invalid type: string \"x\", expected u8 [type]",
        ]
    );
    assert_eq!(
        refused::<ByHand>(json("{\"one\": \"x\", \"two\": \"x\"}")),
        ["a.json:1:9: one: invalid type: string \"x\", expected u8 [type]"]
    );
}

/// Its description says more than there is.
#[derive(Debug, Deserialize)]
struct Boastful {
    #[serde(rename = "size")]
    _size: u8,
}

impl Describe for Boastful {
    fn describe() -> Description {
        const FIELDS: &[Field] =
            &[Field::new("size", String::describe), Field::new("more", u8::describe).optional()];
        Description::new("Boastful", Shape::Struct(FIELDS))
    }
}

impl Validate for Boastful {}

impl Diff for Boastful {
    type Changes<'a> = Leaf<'a, Self>;

    fn diff<'a>(&'a self, _: &'a Self) -> Option<Leaf<'a, Self>> {
        None
    }

    fn value(&self) -> Value<'_> {
        Value::Opaque
    }
}

#[test]
fn what_the_description_does_not_explain_is_told_all_the_same() {
    assert_eq!(
        refused::<Boastful>(json("{\"size\": \"x\", \"more\": 1}")),
        ["a.json:1:10: size: invalid type: string \"x\", expected u8 [type]"]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct Many {
    numbers: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Row {
    #[reload(range(1..))]
    size: u8,
}

#[test]
fn a_document_full_of_faults_ends_with_the_thousandth() {
    let numbers = vec!["\"x\""; 20_000].join(",");
    let rows = vec!["{\"size\": \"x\", \"more\": 1}"; 20_000].join(",");
    let text = format!("{{\"numbers\": [{numbers}],\n\"rows\": [{rows}]}}");
    let found = refused::<Many>(json(text));
    assert_eq!(found.len(), 1_000);
    assert_eq!(found[99], "a.json:2:2499: rows[99].more: unknown key, expected `size` [unknown_key]");
    assert_eq!(found[999], "a.json:1:3610: numbers[899]: invalid type: string \"x\", expected u8 [type]");
}

#[derive(Debug, Deserialize, Reloadable)]
struct Tree {
    #[serde(default)]
    children: Vec<Self>,
    #[serde(default)]
    next: Option<Box<Self>>,
    #[serde(flatten)]
    size: Size,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Size {
    size: u8,
}

/// A test's thread has the stack that a runtime's worker has.
#[test]
fn the_deepest_tree_is_taken_apart_to_its_end() {
    for (open, levels) in [("{\"children\":[", 63), ("{\"next\":", 127)] {
        let close = if open.ends_with('[') { "],\"size\":300}" } else { ",\"size\":300}" };
        let text = format!("{}{{\"size\":\"x\"}}{}", open.repeat(levels), close.repeat(levels));
        let found = refused::<Tree>(json(text));
        assert_eq!(found.len(), levels + 1, "{found:#?}");
        let innermost = format!("a.json:1:{}: ", open.len() * levels + 9);
        assert!(found.iter().any(|line| line.starts_with(&innermost)), "{found:#?}");
    }
}
