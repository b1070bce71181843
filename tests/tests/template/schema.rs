//! A schema accepts what the library accepts, and refuses what it refuses, document by document.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroI8;

use jsonschema::Validator;
use reloadable::__private::decode;
use reloadable::{Document, Format, Origin, Reloadable};
use reloadable_tests::corpus::foreign::Fetcher;
use reloadable_tests::corpus::hidden::Client;
use reloadable_tests::corpus::keyed::Gateway;
use reloadable_tests::corpus::recursive::Menu;
use reloadable_tests::corpus::tree;
use reloadable_tests::corpus::wide::Wide;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::Service;

fn validator<T: Reloadable>() -> Validator {
    let schema = T::json_schema();
    assert!(jsonschema::meta::is_valid(&schema), "{schema:#}");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema);
    validator.unwrap_or_else(|error| panic!("{error}\n{schema:#}"))
}

fn is_accepted<T: Reloadable>(document: &Json) -> bool {
    let text = document.to_string();
    decode::<T>(&[Document::new(Origin::named("test"), Format::Json, text.as_bytes())]).is_ok()
}

/// Returns the places of all values, as pointers; the root is no place to change.
fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    let mut step = |name: String, value: &Json| {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        places(value, &at, found);
    };
    match value {
        Json::Object(entries) => entries.iter().for_each(|(name, value)| step(name.clone(), value)),
        Json::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| step(index.to_string(), value));
        }
        _ => {}
    }
}

/// Returns a document with every value replaced by some others, removed, or beside a key that nobody knows.
fn mutants(document: &Json) -> Vec<(String, Json)> {
    let others = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(5000),
        json!(0.5),
        json!(""),
        json!("zzz"),
        json!("info"),
        json!("a-b-c"),
        json!(1),
        json!(9),
        json!(10),
        json!([]),
        json!([1, 1]),
        json!([0, 10]),
        json!(["a", "b"]),
        json!(["a", "", "c", "d"]),
        json!({}),
        json!({ "zzz": 1 }),
        json!({ "zzz": "b", "a": "b" }),
    ];
    let mut found = vec![String::new()];
    places(document, "", &mut found);
    let mut mutants = Vec::new();
    for at in &found {
        if !at.is_empty() {
            for other in &others {
                let mut mutant = document.clone();
                *mutant.pointer_mut(at).expect("it is there") = other.clone();
                mutants.push((format!("{at} = {other}"), mutant));
            }
            let mut mutant = document.clone();
            let (parent, last) = at.rsplit_once('/').expect("a pointer");
            match mutant.pointer_mut(parent) {
                Some(Json::Object(entries)) => {
                    drop(entries.remove(&last.replace("~1", "/").replace("~0", "~")))
                }
                Some(Json::Array(elements)) => drop(elements.remove(last.parse().expect("an index"))),
                _ => unreachable!("{parent}"),
            }
            mutants.push((format!("{at} removed"), mutant));
        }
        let mut mutant = document.clone();
        if let Some(Json::Object(entries)) = mutant.pointer_mut(at) {
            entries.insert("zzz".to_owned(), json!(1));
            mutants.push((format!("{at}/zzz added"), mutant));
        }
    }
    mutants
}

/// Returns the mutants of a document on which the library and the schema do not agree.
fn disagreements<T: Reloadable>(document: &Json) -> Vec<String> {
    let validator = validator::<T>();
    let errors: Vec<_> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(is_accepted::<T>(document), "the document is accepted");
    assert_eq!(errors, Vec::<String>::new(), "{document:#}\n{:#}", T::json_schema());
    let mut found = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for (what, mutant) in mutants(document) {
        let (library, schema) = (is_accepted::<T>(&mutant), validator.is_valid(&mutant));
        accepted += usize::from(library && schema);
        refused += usize::from(!library && !schema);
        if library != schema {
            found.push(format!("{what}: {}", if library { "only the library" } else { "only the schema" }));
        }
    }
    println!("{}: both accept {accepted}, both refuse {refused}", std::any::type_name::<T>());
    found
}

/// Both agree but for what no schema of ours says: the form of a text with a meaning, and what a conversion makes of a
/// value, at the places `unsaid`; and that serde takes the values of a struct's fields as a list as well.
fn agree_but_at<T: Reloadable>(unsaid: &[&str], document: &Json) {
    let mut found = disagreements::<T>(document);
    found.retain(|found| !(found.ends_with(": only the library") && found.contains(" = [")));
    for place in unsaid {
        let is_there =
            |found: &String| found.starts_with(&format!("{place} = ")) && found.ends_with("only the schema");
        assert!(found.iter().any(is_there), "nothing is unsaid at {place}");
        found.retain(|found| !is_there(found));
    }
    assert_eq!(found, Vec::<String>::new());
}

fn agree<T: Reloadable>(document: &Json) {
    agree_but_at::<T>(&[], document);
}

#[test]
fn wide_structs() {
    // What a key is a text of, the description does not tell.
    agree_but_at::<Wide>(&["/listen", "/listen_v4", "/listen_v6", "/by_port"], &tree::<Wide>());
}

#[test]
fn enums_and_keyed_lists() {
    agree::<Gateway>(&tree::<Gateway>());
}

#[test]
fn recursive_types() {
    agree::<Menu>(&tree::<Menu>());
}

#[test]
fn foreign_types_and_conversions() {
    let unsaid = [
        "/allowed-hosts",
        "/base-url",
        "/connect-timeout",
        "/idle-timeout",
        "/max-body",
        "/proxy-url",
        "/retry-policy/base-delay",
    ];
    agree_but_at::<Fetcher>(&unsaid, &tree::<Fetcher>());
}

#[test]
fn hidden_fields() {
    agree::<Client>(&tree::<Client>());
}

fn service() -> Json {
    json!({
        "listen": "127.0.0.1:1", "threads": 8, "level": "debug", "mode": "read-write", "ratio": 0.5,
        "pause": { "secs": 1, "nanos": 0 }, "pair": ["a", 1], "labels": { "a": "b" }, "quotas": { "x": 1 },
        "api_token": "0123456789abcdef", "routes": [{ "name": "a", "upstream": "b", "retries": 1 }],
        "storage": { "type": "local", "root": "/", "size": 1 }, "tracing": { "endpoint": "x" }, "max_body": 1,
    })
}

#[test]
fn a_service() {
    agree_but_at::<Service>(&["/listen"], &service());
}

#[test]
fn a_template_keeps_to_the_schema() {
    let template: Json = serde_json::from_str(&Service::template(Format::Json)).expect("JSON");
    let errors: Vec<_> =
        validator::<Service>().iter_errors(&template).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn defaults_are_those_of_the_template() {
    let schema = Service::json_schema_with_defaults();
    assert_eq!(schema["properties"]["workers"]["default"], 4);
    assert_eq!(schema["properties"]["timeout"]["default"], "1m 30s 500ms");
    assert_eq!(schema["properties"]["database"]["default"], json!({ "hosts": [], "pool_size": 20 }));
    assert_eq!(schema["properties"]["title"].get("default"), None);
    assert!(!schema.to_string().contains("hunter2") && !schema.to_string().contains("correct horse"));
    assert!(jsonschema::meta::is_valid(&schema));
}

/// Every rule, and bounds of every kind.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Ruled {
    #[reload(range(1..=9))]
    closed: u16,
    #[reload(range(-1..10))]
    open: i64,
    #[reload(range(..5000))]
    end: u64,
    #[reload(range(0.5..=9.0))]
    float: f64,
    #[reload(range(LEAST..=9))]
    named: u8,
    #[reload(range(0..))]
    non_zero: NonZeroI8,
    #[reload(length(1..=4))]
    short: String,
    #[reload(length(2..3), each(range(1..)))]
    list: Vec<u16>,
    #[reload(length(..=1))]
    set: BTreeSet<u16>,
    #[reload(non_empty, keys(length(..3), pattern("^[a-z]+$")), values(non_empty))]
    map: BTreeMap<String, String>,
    #[reload(one_of("info", "zzz"))]
    choice: Option<String>,
    #[reload(one_of(0, 9))]
    number: i8,
    #[reload(one_of(true))]
    consent: bool,
    #[reload(pattern(r"^[a-z]+(?:\-[a-z]+)*$"))]
    #[reload(secret)]
    name: Option<String>,
    #[reload(unique, each(one_of("a", "b", "c")))]
    unique: Vec<String>,
    #[reload(range(5000..), when = self.closed > 100)]
    conditioned: u16,
    letter: char,
    fixed: [u8; 2],
    #[serde(default)]
    ending: Ending,
}

const LEAST: u8 = 1;

#[derive(Debug, Default, Deserialize, Reloadable)]
struct Ending(u8, #[serde(default)] u8);

#[test]
fn rules_are_told_where_they_are_literal() {
    let document = json!({
        "closed": 1, "open": 0, "end": 1, "float": 0.5, "named": 1, "non_zero": 1, "short": "abc", "list": [1, 1],
        "set": [1], "map": { "a": "b" }, "choice": "info", "number": 9, "consent": true, "name": "a-b",
        "unique": ["a"], "conditioned": 1, "letter": "a", "fixed": [1, 2], "ending": [1, 2],
    });
    // A bound that is not literal is not known, nor how many elements of a set are the same.
    agree_but_at::<Ruled>(&["/named", "/set"], &document);
    assert_eq!(Ruled::json_schema()["properties"]["name"]["writeOnly"], true);
}

/// Enums of every kind, on their own and flattened, with aliases and converted fields.
#[derive(Debug, Deserialize, Reloadable)]
struct Kinds {
    external: Vec<External>,
    internal: Vec<Internal>,
    adjacent: Vec<Adjacent>,
    untagged: Vec<Untagged>,
    #[serde(flatten)]
    flat_external: FlatExternal,
    #[serde(flatten)]
    flat_internal: Internal,
    closed: Closed,
    #[serde(alias = "other_name", alias = "third_name")]
    aliased: Option<u8>,
    #[serde(alias = "old")]
    renamed: u8,
    holder: Holder,
    unit: (),
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum External {
    Info,
    #[serde(alias = "zzz")]
    Aliased,
    Number(u8),
    Pair(u8, bool),
    Table {
        size: u8,
    },
    #[serde(untagged)]
    Else {
        anything: bool,
    },
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Internal {
    Info,
    #[serde(alias = "zzz")]
    Table {
        size: u8,
    },
    Strict(Strict),
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Strict {
    level: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "t", content = "c", deny_unknown_fields, rename_all = "lowercase")]
enum Adjacent {
    Info,
    Number(u8),
    Table { size: u8 },
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Name(String),
    Table { size: u8 },
    Pair(u8, u8),
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum FlatExternal {
    Tcp(u16),
    Unix { path: String },
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Closed {
    size: Option<u8>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Holder {
    own: u8,
    #[serde(flatten)]
    inner: Strict,
    #[serde(flatten)]
    rest: HashMap<String, u16>,
}

#[test]
fn enums_of_every_kind() {
    agree::<Kinds>(&json!({
        "external": ["info", "zzz", { "number": 1 }, { "pair": [1, true] }, { "table": { "size": 1 } }, { "anything": true }],
        "internal": [{ "kind": "info" }, { "kind": "zzz", "size": 1 }, { "kind": "strict", "level": 1 }],
        "adjacent": [{ "t": "info" }, { "t": "number", "c": 1 }, { "c": { "size": 1 }, "t": "table" }],
        "untagged": [1, "a", { "size": 1 }, [1, 2]],
        "tcp": 80,
        "kind": "table", "size": 1,
        "closed": {}, "third_name": 1, "old": 1,
        "holder": { "own": 1, "level": 1, "more": 1 },
        "unit": null,
    }));
}

/// Two keys of which one is the other's alias, and types of the same name.
#[test]
fn names_that_collide() {
    mod other {
        #[derive(Debug, serde::Deserialize, reloadable::Reloadable)]
        pub(super) struct Strict {
            #[allow(dead_code)]
            pub(super) size: Box<str>,
        }
    }

    #[derive(Debug, Deserialize, Reloadable)]
    struct Both {
        one: Strict,
        two: other::Strict,
        #[serde(alias = "drei")]
        three: Option<u8>,
    }

    let document = json!({ "one": { "level": 1 }, "two": { "size": "x" }, "three": 1 });
    agree::<Both>(&document);
    let mut twice = document;
    twice["drei"] = json!(1);
    assert!(serde_json::from_value::<Both>(twice.clone()).is_err(), "a field cannot be there twice");
    assert!(!validator::<Both>().is_valid(&twice));
}

#[test]
fn a_schema_word_for_word() {
    let expected: Json = serde_json::from_str(include_str!("service.schema.json")).expect("JSON");
    let schema = Service::json_schema();
    assert!(schema == expected, "{schema:#}");
}

/// Ten types that hold each other have ten schemas.
#[test]
fn every_type_is_written_once() {
    let schema = Menu::json_schema();
    let names: Vec<_> = schema["$defs"].as_object().expect("definitions").keys().cloned().collect();
    assert_eq!(names, ["Condition_u32", "Menu"]);
    assert_eq!(schema["$defs"]["Menu"]["properties"]["children"]["items"]["$ref"], "#/$defs/Menu");
}
