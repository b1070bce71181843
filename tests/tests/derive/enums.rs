//! Enums under every tagging of serde.

use reloadable::{Describe, Diff, Reloadable, Shape};
use serde::Deserialize;

use crate::read::{changes, shown, violations};

macro_rules! storage {
    ($name:ident, $(#[$attribute:meta])*) => {
        #[derive(Debug, Deserialize, Reloadable)]
        #[serde(rename_all = "kebab-case")]
        $(#[$attribute])*
        enum $name {
            InMemory,
            File(File),
            S3 {
                #[serde(rename = "bucket-name")]
                #[reload(length(3..))]
                bucket: String,
                #[serde(default)]
                #[reload(secret)]
                key: String,
            },
        }
    };
}

#[derive(Debug, Deserialize, Reloadable)]
struct File {
    #[reload(non_empty)]
    path: String,
}

storage!(External,);
storage!(Internal, #[serde(tag = "type")]);
storage!(Adjacent, #[serde(tag = "type", content = "with")]);
storage!(Untagged, #[serde(untagged)]);

#[derive(Debug, Deserialize, Reloadable)]
struct Flattened<T> {
    id: u8,
    #[serde(flatten)]
    storage: T,
}

#[test]
fn external_tags_are_a_step() {
    let (a, b) = (r#"{"s3":{"bucket-name":"abc","key":"x"}}"#, r#"{"s3":{"bucket-name":"abd","key":"y"}}"#);
    assert_eq!(changes::<External>(a, b), "s3.bucket-name: \"abc\" -> \"abd\"\ns3.key: changed");
    assert_eq!(
        violations::<External>(&a.replace("abc", "a")),
        "s3.bucket-name  the length is 1, not in 3..  [length]"
    );
    assert_eq!(
        changes::<External>(r#"{"file":{"path":"a"}}"#, r#"{"file":{"path":"b"}}"#),
        "file.path: \"a\" -> \"b\""
    );
    assert_eq!(changes::<External>("\"in-memory\"", "\"in-memory\""), "=");
    assert_eq!(
        changes::<External>("\"in-memory\"", a),
        r#"(root): "in-memory" -> {s3 = {bucket-name = "abc", key = ***}}"#
    );
    assert_eq!(shown::<External>(a), r#"{"s3":{"bucket-name":"abc","key":"***"}}"#);
}

#[test]
fn internal_tags_are_none() {
    let (a, b) = (r#"{"type":"s3","bucket-name":"abc"}"#, r#"{"type":"s3","bucket-name":"abd"}"#);
    assert_eq!(changes::<Internal>(a, b), "bucket-name: \"abc\" -> \"abd\"");
    assert_eq!(
        violations::<Internal>(r#"{"type":"file","path":""}"#),
        "path  the value is empty  [non_empty]"
    );
    assert_eq!(shown::<Internal>(r#"{"type":"file","path":"a"}"#), r#"{"type":"file","path":"a"}"#);
    assert_eq!(shown::<Internal>(r#"{"type":"in-memory"}"#), r#"{"type":"in-memory"}"#);
}

#[test]
fn adjacent_content_is_a_step() {
    let (a, b) =
        (r#"{"type":"s3","with":{"bucket-name":"abc"}}"#, r#"{"type":"s3","with":{"bucket-name":"abd"}}"#);
    assert_eq!(changes::<Adjacent>(a, b), "with.bucket-name: \"abc\" -> \"abd\"");
    assert_eq!(
        violations::<Adjacent>(r#"{"type":"file","with":{"path":""}}"#),
        "with.path  the value is empty  [non_empty]"
    );
    assert_eq!(
        shown::<Adjacent>(r#"{"type":"file","with":{"path":"a"}}"#),
        r#"{"type":"file","with":{"path":"a"}}"#
    );
}

#[test]
fn untagged_is_none() {
    assert_eq!(changes::<Untagged>(r#"{"path":"a"}"#, r#"{"path":"b"}"#), "path: \"a\" -> \"b\"");
    assert_eq!(changes::<Untagged>("null", r#"{"path":"b"}"#), "(root): none -> {path = \"b\"}");
}

#[test]
fn flattened_enums_stand_in_the_table_around_them() {
    let (a, b) = (r#"{"id":1,"s3":{"bucket-name":"abc"}}"#, r#"{"id":1,"s3":{"bucket-name":"abd"}}"#);
    assert_eq!(changes::<Flattened<External>>(a, b), "s3.bucket-name: \"abc\" -> \"abd\"");
    assert_eq!(shown::<Flattened<External>>(r#"{"id":1,"in-memory":null}"#), r#"{"id":1,"in-memory":null}"#);
    let (a, b) = (r#"{"id":1,"type":"s3","bucket-name":"abc"}"#, r#"{"id":1,"type":"s3","bucket-name":"a"}"#);
    assert_eq!(changes::<Flattened<Internal>>(a, b), "bucket-name: \"abc\" -> \"a\"");
    assert_eq!(violations::<Flattened<Internal>>(b), "bucket-name  the length is 1, not in 3..  [length]");
    assert_eq!(
        shown::<Flattened<Internal>>(r#"{"id":1,"type":"file","path":"a"}"#),
        r#"{"id":1,"type":"file","path":"a"}"#
    );
}

#[derive(Debug, Deserialize, Reloadable)]
struct Around {
    #[serde(flatten)]
    storage: Option<Newtype>,
    #[serde(default)]
    inner: Option<Outer>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Newtype(Internal);

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "kind")]
enum Outer {
    One(Internal),
}

#[test]
fn a_flattened_enum_with_another_variant_is_told_by_its_parts() {
    type InTable = Flattened<External>;
    let (file, s3) = (r#"{"id":1,"file":{"path":"a"}}"#, r#"{"id":1,"s3":{"bucket-name":"abc"}}"#);
    let in_memory = r#"{"id":1,"in-memory":null}"#;
    assert_eq!(
        changes::<InTable>(file, s3),
        "file: cleared, was {path = \"a\"}\ns3: set to {bucket-name = \"abc\", key = ***}"
    );
    assert_eq!(changes::<InTable>(in_memory, file), "in-memory: cleared\nfile: set to {path = \"a\"}");
    let (file, s3) =
        (r#"{"id":1,"type":"file","path":"a"}"#, r#"{"id":1,"type":"s3","bucket-name":"abc","key":"x"}"#);
    let parts = "type: \"file\" -> \"s3\"\npath: cleared, was \"a\"\nbucket-name: set to \"abc\"\nkey: set";
    assert_eq!(changes::<Flattened<Internal>>(file, s3), parts);
    assert_eq!(changes::<Around>(file, s3), parts);
    let within =
        |storage: &str| format!(r#"{{"inner":{}}}"#, storage.replace("\"id\":1", "\"kind\":\"One\""));
    assert_eq!(
        changes::<Around>(&within(file), &within(s3)),
        parts.lines().map(|line| format!("inner.{line}")).collect::<Vec<_>>().join("\n")
    );
    let (file, s3) = (r#"{"id":1,"path":"a"}"#, r#"{"id":1,"bucket-name":"abc"}"#);
    assert_eq!(
        changes::<Flattened<Untagged>>(file, s3),
        "path: cleared, was \"a\"\nbucket-name: set to \"abc\"\nkey: set"
    );
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "type")]
enum Credentials {
    Token {
        user: String,
        #[reload(secret)]
        key: String,
    },
    Password {
        user: String,
        #[reload(secret)]
        key: String,
    },
}

#[test]
fn what_looks_alike_in_two_variants_may_have_changed() {
    let old = r#"{"id":1,"type":"Token","user":"a","key":"x"}"#;
    assert_eq!(
        changes::<Flattened<Credentials>>(old, &old.replace("Token", "Password")),
        "type: \"Token\" -> \"Password\"\nkey: changed"
    );
}

#[derive(Debug, PartialEq, Deserialize, Reloadable)]
enum Level {
    Info,
    Debug,
}

#[test]
fn an_enum_without_data_changes_as_a_whole() {
    let (old, new) = (Level::Info, Level::Debug);
    let changes: Option<reloadable::Leaf<'_, Level>> = old.diff(&new);
    assert_eq!(changes.map(|changes| (changes.old, changes.new)), Some((&Level::Info, &Level::Debug)));
    assert_eq!(changes.map(|changes| changes.to_string()).as_deref(), Some("(root): \"Info\" -> \"Debug\""));
}

#[derive(Debug, Deserialize, Reloadable)]
enum Never {}

#[test]
fn an_enum_may_have_no_variants() {
    assert!(matches!(Never::describe().shape, Shape::Enum(_, [])));
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all_fields = "camelCase")]
enum Odd {
    Replaced {
        old_value: u8,
    },
    #[serde(alias = "two", alias = "zwei")]
    Pair(u8, #[serde(skip)] (), u16),
    #[serde(skip)]
    Hidden(u8),
    #[serde(untagged)]
    Other(u32),
}

#[test]
fn odd_variants() {
    let (old, new) = (Odd::Replaced { old_value: 1 }, Odd::Hidden(2));
    assert!(matches!(old.diff(&new), Some(OddChanges::ReplacedVariant(_))));
    assert_eq!(
        changes::<Odd>(r#"{"Replaced":{"oldValue":1}}"#, r#"{"Replaced":{"oldValue":2}}"#),
        "Replaced.oldValue: 1 -> 2"
    );
    assert_eq!(changes::<Odd>(r#"{"two":[1,2]}"#, r#"{"zwei":[1,3]}"#), "Pair[1]: 2 -> 3");
    assert_eq!(changes::<Odd>("5", "6"), "(root): 5 -> 6");
    let Shape::Enum(_, variants) = Odd::describe().shape else { return };
    assert_eq!(
        variants.iter().map(|variant| (variant.name, variant.skip, variant.untagged)).collect::<Vec<_>>(),
        [("Replaced", false, false), ("Pair", false, false), ("Hidden", true, false), ("Other", false, true),]
    );
    assert_eq!(variants[1].aliases, ["two", "zwei"]);
}
