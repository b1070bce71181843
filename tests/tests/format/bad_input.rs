//! One test for everything that can be wrong with a document.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{accepted, json, jsonc, refused, reloadable, toml, yaml};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct App {
    listen: String,
    #[serde(default)]
    workers: u16,
    #[serde(default, alias = "db")]
    database: Option<Database>,
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(default)]
    storage: Option<Storage>,
    #[serde(default)]
    ports: BTreeMap<u16, bool>,
    #[serde(default)]
    pair: Option<(u8, u8)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Database {
    url: String,
    #[serde(default)]
    ratio: f32,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Route {
    name: String,
    #[serde(default)]
    retries: i8,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "decoding is what is tested")]
enum Storage {
    Memory,
    S3 { bucket: String },
    Disk(String),
}

reloadable!(App);

fn in_toml(text: impl AsRef<[u8]>) -> Vec<String> {
    refused::<App>(&[toml("a.toml", text)])
}

fn in_json(text: impl AsRef<[u8]>) -> Vec<String> {
    refused::<App>(&[json("a.json", text)])
}

fn in_jsonc(text: impl AsRef<[u8]>) -> Vec<String> {
    refused::<App>(&[jsonc("a.jsonc", text)])
}

fn in_yaml(text: impl AsRef<[u8]>) -> Vec<String> {
    refused::<App>(&[yaml("a.yaml", text)])
}

#[test]
fn all_is_well() {
    accepted::<App>(&[toml("a.toml", "listen = 'x'\n[db]\nurl = 'u'\nratio = 1\n[ports]\n80 = true\n")]);
    accepted::<App>(&[json(
        "a.json",
        r#"{"listen": "x", "storage": {"s3": {"bucket": "b"}}, "pair": [1, 2]}"#,
    )]);
    accepted::<App>(&[yaml(
        "a.yaml",
        "listen: x\ndb:\n  url: u\n  ratio: 1\nports: {80: true}\nstorage: {s3: {bucket: b}}\npair: [1, 2]\n",
    )]);
}

#[test]
fn not_utf_8() {
    assert_eq!(
        in_toml(b"listen = 'x'\nb = '\xff'\n"),
        ["a.toml:2:6: not UTF-8: the byte 0xFF does not belong here [encoding]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"é".bytes().chain([0xC3]).collect::<Vec<_>>()),
        ["a.json:1:14: not UTF-8: the byte 0xC3 does not belong here [encoding]"]
    );
    assert_eq!(
        in_yaml(b"listen: x\nb: \xc3\xa9\xff\n"),
        ["a.yaml:2:5: not UTF-8: the byte 0xFF does not belong here [encoding]"]
    );
    assert_eq!(
        in_jsonc(b"// \xff\n{}"),
        ["a.jsonc:1:4: not UTF-8: the byte 0xFF does not belong here [encoding]"]
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    accepted::<App>(&[toml("a.toml", "\u{feff}listen = 'x'")]);
    accepted::<App>(&[json("a.json", "\u{feff}{\"listen\": \"x\"}")]);
    assert_eq!(
        in_toml("\u{feff}listen = 1"),
        ["a.toml:1:10: listen: invalid type: integer `1`, expected a string [type]"]
    );
    assert_eq!(
        in_json("\u{feff}{\"listen\": 1}"),
        ["a.json:1:12: listen: invalid type: integer `1`, expected a string [type]"]
    );
    assert_eq!(
        in_yaml("\u{feff}listen: 1"),
        ["a.yaml:1:9: listen: invalid type: integer `1`, expected a string [type]"]
    );
}

#[test]
fn lines_may_end_with_a_carriage_return() {
    let listen = "listen: invalid type: integer `1`, expected a string [type]";
    assert_eq!(in_toml("# é\r\nlisten = 1\r\n"), [format!("a.toml:2:10: {listen}")]);
    assert_eq!(in_json("{\r\n\"workers\": 1,\r\n\"listen\": 1}"), [format!("a.json:3:11: {listen}")]);
    assert_eq!(in_jsonc("// é\r\n{\r\n\"listen\": 1}"), [format!("a.jsonc:3:11: {listen}")]);
    assert_eq!(in_yaml("# é\r\nworkers: 2\r\nlisten: 1\r\n"), [format!("a.yaml:3:9: {listen}")]);
}

#[test]
fn an_empty_document() {
    let empty = "the document is empty; if that is meant, write a comment into it, or `{}` for JSON [empty]";
    for text in ["", "\u{feff}", " \n\t\r\n"] {
        assert_eq!(in_toml(text), [format!("a.toml:1:1: {empty}")], "{text:?}");
        assert_eq!(in_json(text), [format!("a.json:1:1: {empty}")], "{text:?}");
    }
    for text in ["", "\u{feff}", " \n\t\r\n"] {
        assert_eq!(in_yaml(text), [format!("a.yaml:1:1: {empty}")], "{text:?}");
        assert_eq!(in_jsonc(text), [format!("a.jsonc:1:1: {empty}")], "{text:?}");
    }
    assert_eq!(in_yaml("# nothing"), ["a.yaml:1:1: missing field `listen` [missing_field]"]);
    assert_eq!(in_toml("# nothing"), ["a.toml:1:1: missing field `listen` [missing_field]"]);
    assert_eq!(in_json("{}"), ["a.json:1:1: missing field `listen` [missing_field]"]);
}

#[test]
fn no_layer_at_all() {
    assert_eq!(refused::<App>(&[]), ["missing field `listen` [missing_field]"]);
}

#[test]
fn a_syntax_error() {
    assert_eq!(
        in_toml("listen = 'x'\nworkers == 3\nroutes = [\n"),
        [
            "a.toml:2:10: extra `=`, expected nothing [syntax]",
            "a.toml:3:11: unclosed array, expected `]` [syntax]",
        ]
    );
    assert_eq!(in_json("{\"listen\": \"x\",\n \"é\": }"), ["a.json:2:7: expected value [syntax]"]);
    assert_eq!(in_json("{\"listen\": \"x\"} x"), ["a.json:1:17: trailing characters [syntax]"]);
    assert_eq!(in_json("{\"listen\": \"x\","), ["a.json:1:16: EOF while parsing a value [syntax]"]);
    assert_eq!(
        in_json("{\n\"listen\": \"a\\ud800\"}"),
        ["a.json:2:19: unexpected end of hex escape [syntax]"]
    );
}

#[test]
fn a_document_full_of_mistakes() {
    assert_eq!(in_toml("[".repeat(10_000)).len(), 1);
    assert_eq!(in_toml("=\n".repeat(10_000)).len(), 20);
    assert_eq!(in_json(format!("{{{}\"a\": 1}}", "\"a\": 1,".repeat(1_000))).len(), 20);
    assert_eq!(in_json(format!("{{\"a\": [{}1]}}", "1e999,".repeat(1_000))).len(), 20);
}

#[test]
fn a_number_that_nothing_holds() {
    assert_eq!(in_json("{\"listen\": 1e999}"), ["a.json:1:12: number out of range [syntax]"]);
    assert_eq!(in_toml("listen = 1e999"), ["a.toml:1:10: number out of range [syntax]"]);
    let digits = "9".repeat(50);
    assert_eq!(in_yaml("listen: 1e999"), ["a.yaml:1:9: number out of range [syntax]"]);
    assert_eq!(in_yaml(format!("listen: {digits}")), ["a.yaml:1:9: number out of range [syntax]"]);
    assert_eq!(in_yaml(format!("listen: 0x{digits}")), ["a.yaml:1:9: number out of range [syntax]"]);
    assert_eq!(in_toml(format!("listen = {digits}")), ["a.toml:1:10: number out of range [syntax]"]);
    assert_eq!(
        in_json(format!("{{\"listen\": {digits}}}")),
        [
            "a.json:1:12: listen: invalid type: floating point `100000000000000000000000000000000000000000000000000.0`, expected a string [type]"
        ]
    );
}

#[test]
fn a_duplicate_key() {
    assert_eq!(
        in_toml("listen = 'x'\n[database]\nurl = 'u'\n url = 'v'\n"),
        ["a.toml:4:2: duplicate key `url`, first set at 3:1 [duplicate_key]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\",\n \"routes\": [{\"n\": 1, \"n\": 2}], \"listen\": 2}"),
        [
            "a.json:2:22: duplicate key `n`, first set at 2:14 [duplicate_key]",
            "a.json:2:32: duplicate key `listen`, first set at 1:2 [duplicate_key]",
        ]
    );
    assert_eq!(
        in_yaml("listen: é\nroutes: [{é: 1, é: 2}, {'a': 1, a: 2}]\n\"listen\": 2"),
        [
            "a.yaml:2:17: duplicate key `é`, first set at 2:11 [duplicate_key]",
            "a.yaml:2:33: duplicate key `a`, first set at 2:25 [duplicate_key]",
            "a.yaml:3:1: duplicate key `listen`, first set at 1:1 [duplicate_key]",
        ]
    );
}

#[test]
fn no_number_at_all() {
    let wanted = "workers: invalid type: floating point `NaN`, expected u16 [type]";
    assert_eq!(in_toml("listen = 'x'\nworkers = nan"), [format!("a.toml:2:11: {wanted}")]);
    assert_eq!(in_yaml("listen: x\nworkers: .nan"), [format!("a.yaml:2:10: {wanted}")]);
    assert_eq!(in_json("{\"workers\": NaN}"), ["a.json:1:13: expected value [syntax]"]);
}

#[test]
fn two_names_of_one_field() {
    assert_eq!(
        in_toml("listen = 'x'\n[database]\nurl = 'u'\n[db]\nurl = 'u'\n"),
        ["a.toml:4:2: db: `database` is set twice, by two of its names [duplicate_key]"]
    );
}

#[test]
fn a_wrong_type() {
    assert_eq!(
        in_toml("listen = 'x'\n[[routes]]\nname = 'a'\n[[routes]]\nname = true\n"),
        ["a.toml:5:8: routes[1].name: invalid type: boolean `true`, expected a string [type]"]
    );
    assert_eq!(
        in_json("{\"listen\": null}"),
        ["a.json:1:12: listen: invalid type: null, expected a string [type]"]
    );
    assert_eq!(
        in_toml("listen = 'x'\nworkers = 'many'"),
        ["a.toml:2:11: workers: invalid type: string \"many\", expected u16 [type]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\", \"storage\": 3}"),
        [
            "a.json:1:28: storage: invalid type: integer `3`, expected a variant of `Storage`: a text, or a table with one key [type]"
        ]
    );
    assert_eq!(
        in_yaml("listen: x\nroutes:\n- name: é\n- name: yes\n- {name: é, name : true}"),
        ["a.yaml:5:13: duplicate key `name`, first set at 5:4 [duplicate_key]"]
    );
    assert_eq!(
        in_yaml("listen: x\nroutes:\n- name: é\n- name: yes\n- {retries: 1, name: true}"),
        ["a.yaml:5:22: routes[2].name: invalid type: boolean `true`, expected a string [type]"]
    );
    assert_eq!(
        in_yaml("listen:\nworkers: 1"),
        ["a.yaml:1:7: listen: invalid type: null, expected a string [type]"]
    );
    assert_eq!(
        in_toml("listen = 'x'\n[ports]\nhttp = true"),
        ["a.toml:3:1: ports.http: invalid type: string \"http\", expected u16 [type]"]
    );
}

#[test]
fn a_number_out_of_the_types_range() {
    assert_eq!(
        in_toml("listen = 'x'\nworkers = 65_536"),
        ["a.toml:2:11: workers: invalid value: integer `65536`, expected u16 [value]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\", \"routes\": [{\"name\": \"a\", \"retries\": -129}]}"),
        ["a.json:1:53: routes[0].retries: invalid value: integer `-129`, expected i8 [value]"]
    );
}

#[test]
fn a_missing_field_is_said_of_the_table() {
    assert_eq!(
        in_toml("listen = 'x'\n[ database ]\nratio = 0.5\n"),
        ["a.toml:2:1: database: missing field `url` [missing_field]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\",\n\"routes\": [{\"retries\": 1}]}"),
        ["a.json:2:12: routes[0]: missing field `name` [missing_field]"]
    );
    assert_eq!(
        in_yaml("listen: x\nroutes:\n# é\n-  retries: 1\n"),
        ["a.yaml:4:4: routes[0]: missing field `name` [missing_field]"]
    );
}

#[test]
fn an_unknown_key() {
    assert_eq!(
        in_toml("listen = 'x'\nroute = []"),
        ["a.toml:2:1: route: unknown key, did you mean `routes`? [unknown_key]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\", \"database\": {\"url\": \"u\",\n \"password\": 1}}"),
        ["a.json:2:2: database.password: unknown key, expected one of `url`, `ratio` [unknown_key]"]
    );
    assert_eq!(
        in_yaml("listen: x\ndatabase:\n  url: é\n  ? password\n"),
        ["a.yaml:4:5: database.password: unknown key, expected one of `url`, `ratio` [unknown_key]"]
    );
}

#[test]
fn an_unknown_variant() {
    assert_eq!(
        in_toml("listen = 'x'\nstorage = 'memry'"),
        ["a.toml:2:11: storage: unknown variant `memry`, did you mean `memory`? [unknown_variant]"]
    );
    assert_eq!(
        in_toml("listen = 'x'\n[storage.gcs]\nbucket = 'b'"),
        [
            "a.toml:2:10: storage.gcs: unknown variant `gcs`, expected one of `memory`, `s3`, `disk` [unknown_variant]"
        ]
    );
    assert_eq!(
        in_yaml("listen: x\nstorage: {é: , s3: {}}"),
        ["a.yaml:2:10: storage: invalid length 2, expected a table with one key, the variant's name [value]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\", \"storage\": {\"s3\": {}}}"),
        ["a.json:1:35: storage.s3: missing field `bucket` [missing_field]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\", \"storage\": \"disk\"}"),
        ["a.json:1:28: storage: invalid type: unit variant, expected newtype variant [type]"]
    );
    assert_eq!(
        in_json("{\"listen\": \"x\", \"storage\": {}}"),
        ["a.json:1:28: storage: invalid length 0, expected a table with one key, the variant's name [value]"]
    );
}

#[test]
fn a_place_far_into_one_long_line() {
    let long = "é".repeat(10_000);
    let text = format!("{{\"{long}\": \"{long}\", \"workers\": -1, \"listen\": \"x\"}}");
    assert_eq!(
        refused::<Loose>(&[json("a.json", text)]),
        ["a.json:1:20021: workers: invalid value: integer `-1`, expected u16 [value]"]
    );
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Loose {
    workers: u16,
}

reloadable!(Loose);

#[test]
fn too_many_elements() {
    assert_eq!(
        in_toml("listen = 'x'\npair = [1, 2, 3]"),
        ["a.toml:2:8: pair: invalid length 3, expected fewer elements in array [value]"]
    );
}

#[test]
fn a_document_that_is_no_table() {
    assert_eq!(in_json(" [1]"), ["a.json:1:2: the document is an array, a configuration is a table [shape]"]);
    assert_eq!(in_yaml("- é"), ["a.yaml:1:1: the document is an array, a configuration is a table [shape]"]);
    assert_eq!(
        in_yaml("# é\n é\n"),
        ["a.yaml:2:2: the document is a text, a configuration is a table [shape]"]
    );
    assert_eq!(in_json("null"), ["a.json:1:1: the document is a null, a configuration is a table [shape]"]);
}

#[test]
fn what_is_wrong_with_several_documents_is_one_report() {
    let documents =
        [toml("a.toml", "a = "), json("b.json", "{}"), json("c.json", "{"), toml("d.toml", b"\xff")];
    let found = refused::<App>(&documents);
    let files: Vec<_> = found.iter().map(|line| &line[..6]).collect();
    assert_eq!(files, ["a.toml", "c.json", "d.toml"], "{found:?}");
}

#[test]
fn a_long_value_is_not_quoted_whole() {
    let found = in_toml(format!("listen = 'x'\nworkers = '{}'", "y".repeat(10_000)));
    assert!(found[0].len() < 300, "{found:?}");
}
