//! The same with derived types: what the derive says of a type leads to the right line.

use std::collections::BTreeMap;

use reloadable::__private::decode;
use reloadable::{Reloadable, Reporter};
use serde::Deserialize;

use crate::{accepted, json, refused, toml};

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct App {
    #[serde(default, alias = "db")]
    database: Option<Database>,
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
    #[serde(default)]
    #[reload(range(1..=16))]
    worker_threads: Option<u16>,
    #[serde(default)]
    storage: Option<Storage>,
    #[serde(default)]
    sinks: BTreeMap<String, Sink>,
    #[serde(default)]
    #[reload(secret, length(8..))]
    api_token: Option<String>,
    #[serde(default)]
    one_or_many: Option<OneOrMany>,
    #[serde(default)]
    output: Option<Output>,
    #[serde(default)]
    wrapped: Option<Wrapped>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Database {
    url: String,
    #[serde(alias = "pool-size", default)]
    #[reload(range(..=100))]
    pool_size: u32,
    #[serde(default)]
    #[reload(secret)]
    password: Option<u64>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    name: String,
    #[serde(flatten)]
    limits: Limits,
    #[serde(flatten)]
    target: Target,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Limits {
    #[serde(default, alias = "max_rate")]
    #[reload(range(..=1000))]
    rate: u32,
    #[serde(default)]
    #[reload(range(..=9))]
    burst: u32,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Target {
    Proxy {
        #[reload(non_empty)]
        upstream: String,
    },
    Files {
        root: String,
    },
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Storage {
    Memory,
    #[serde(alias = "minio")]
    S3 {
        #[reload(non_empty)]
        bucket: String,
    },
    Disk(#[reload(non_empty)] String),
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Sink {
    Http {
        #[reload(range(1..))]
        port: u16,
        #[serde(default)]
        #[reload(secret)]
        key: String,
    },
    Null,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(untagged)]
enum OneOrMany {
    One(#[reload(range(1..))] u8),
    Many(#[reload(each(range(1..)))] Vec<u8>),
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "t", content = "c")]
enum Output {
    File {
        #[reload(non_empty)]
        path: String,
    },
    Pair(#[reload(range(1..))] u8, u8),
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(transparent)]
struct Wrapped(Inner);

#[derive(Debug, Deserialize, Reloadable)]
struct Inner {
    #[reload(range(1..))]
    n: u8,
}

#[test]
fn broken_rules_are_traced_to_their_lines() {
    let text = "worker-threads = 99\none-or-many = [1, 0]\napi-token = 'short'\n\n[db]\nurl = 'u'\npool-size = 101\n\
        \n[[routes]]\nname = 'a'\nkind = 'files'\nroot = '/'\nmax_rate = 1001\nburst = 10\n[[routes]]\nname = 'b'\nkind = 'proxy'\nupstream = ''\n\
        \n[storage.minio]\nbucket = ''\n[sinks.'my sink']\ntype = 'http'\nport = 0\n[output]\nt = 'Pair'\nc = [0, 1]\n[wrapped]\nn = 0\n";
    let found = refused::<App>(&[toml("a.toml", text)]);
    assert_eq!(
        found,
        [
            "a.toml:7:13: database.pool_size: 101 is not in ..=100 [range]",
            "a.toml:13:12: routes[0].rate: 1001 is not in ..=1000 [range]",
            "a.toml:14:9: routes[0].burst: 10 is not in ..=9 [range]",
            "a.toml:18:12: routes[1].upstream: the value is empty [non_empty]",
            "a.toml:1:18: worker-threads: 99 is not in 1..=16 [range]",
            "a.toml:21:10: storage.s3.bucket: the value is empty [non_empty]",
            "a.toml:24:8: sinks.\"my sink\".port: 0 is not in 1.. [range]",
            "a.toml:3:13: api-token: the value has a length that is not in 8.. [length]",
            "a.toml:2:19: one-or-many[1]: 0 is not in 1.. [range]",
            "a.toml:27:6: output.c[0]: 0 is not in 1.. [range]",
            "a.toml:29:5: wrapped.n: 0 is not in 1.. [range]",
        ]
    );
}

#[test]
fn decoding_errors_are_traced_to_their_lines() {
    let cases = [
        (
            "worker_threads = 3",
            "a.toml:1:1: worker_threads: unknown key, did you mean `worker-threads`? [unknown_key]",
        ),
        (
            "[db]\nurl = 'u'\npool-size = -1",
            "a.toml:3:13: db.pool-size: invalid value: integer `-1`, expected u32 [value]",
        ),
        (
            "[db]\nurl = 'u'\npassword = 'hunter2'",
            "a.toml:3:12: db.password: invalid type: string, expected u64 [type]",
        ),
        (
            "[db]\nurl = 7\npassword = 1",
            "a.toml:2:7: db.url: invalid type: integer `7`, expected a string [type]",
        ),
        (
            "database = 'hunter2'",
            "a.toml:1:12: database: invalid type: string, expected struct Database [type]",
        ),
        (
            "[[routes]]\nname = 'a'\nkind = 'filse'\nroot = ''",
            "a.toml:3:8: routes[0].kind: unknown variant `filse`, did you mean `files`? [unknown_variant]",
        ),
        (
            "[[routes]]\nname = 'a'\nkind = 'files'\nroot = ''\nrate = 'fast'",
            "a.toml:5:8: routes[0].rate: invalid type: string \"fast\", expected u32 [type]",
        ),
        (
            "[[routes]]\nname = 'a'\nkind = 'files'",
            "a.toml:1:1: routes[0].root: missing field `root` [missing_field]",
        ),
        (
            "storage = 'S3'",
            "a.toml:1:11: storage: unknown variant `S3`, did you mean `s3`? [unknown_variant]",
        ),
        (
            "storage.s3 = { bucket = 'b', acl = 1 }",
            "a.toml:1:30: storage.s3.acl: unknown key, expected `bucket` [unknown_key]",
        ),
        (
            "[sinks.a]\ntype = 'http'\nport = 70000",
            "a.toml:3:8: sinks.a.port: invalid value: integer `70000`, expected u16 [value]",
        ),
        (
            "[sinks.a]\ntype = 'http'\nport = 1\nkey = 7007",
            "a.toml:4:7: sinks.a.key: invalid type: integer, expected a string [type]",
        ),
        (
            "one-or-many = 'x'",
            "a.toml:1:15: one-or-many: data did not match any variant of untagged enum OneOrMany [decode]",
        ),
        (
            "output = { t = 'Pair', c = [1] }",
            "a.toml:1:28: output.c: invalid length 1, expected tuple variant Output::Pair with 2 elements [value]",
        ),
        ("wrapped.n = 300", "a.toml:1:13: wrapped.n: invalid value: integer `300`, expected u8 [value]"),
    ];
    for (text, expected) in cases {
        assert_eq!(refused::<App>(&[toml("a.toml", text)]), [expected], "{text}");
    }
}

#[test]
fn layers_meet_under_any_spelling() {
    let loaded = accepted::<App>(&[
        toml("a.toml", "[db]\nurl = 'u'\npool-size = 1\n[storage.s3]\nbucket = 'b'\n"),
        json(
            "b.json",
            "{\"database\": {\"pool_size\": 2}, \"storage\": \"memory\", \"sinks\": {\"x\": {\"type\": \"null\"}}}",
        ),
    ]);
    let place =
        |path: &str| loaded.locate(&path.parse().unwrap()).map(|(origin, at)| format!("{origin}:{at}"));
    assert_eq!(place("database.pool_size").as_deref(), Some("b.json:1:28"));
    assert_eq!(place("database.url").as_deref(), Some("a.toml:2:7"));
    let app = loaded.into_value();
    assert_eq!(app.database.map(|database| database.pool_size), Some(2));
    assert!(matches!(app.storage, Some(Storage::Memory)));
}

/// Every level is buffered by serde.
#[derive(Debug, Deserialize, Reloadable)]
struct Deep {
    #[serde(default)]
    next: Option<Box<Self>>,
    #[serde(flatten)]
    #[reload(skip)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(untagged)]
enum Any {
    Leaf(u8),
    Many(Vec<Self>),
    Named(BTreeMap<String, Self>),
}

/// A test's thread has the stack that a runtime's worker has.
#[test]
fn the_deepest_document_fits_the_stack() {
    let text = format!("{}{{}}{}", "{\"next\":".repeat(127), "}".repeat(127));
    let mut deep = &accepted::<Deep>(&[json("a.json", text)]).into_value();
    let mut levels = 1;
    while let Some(next) = &deep.next {
        deep = next;
        levels += 1;
    }
    assert_eq!((levels, deep.rest.len()), (128, 0));
    for (open, close) in [("{\"a\":", "}"), ("{\"a\":[", "]}")] {
        let levels = 128 / (open.len() - 4);
        let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        accepted::<Any>(&[json("a.json", text)]);
    }
    accepted::<Any>(&[toml("a.toml", format!("[{}]\n{} = 1", ["a"; 64].join("."), ["a"; 64].join(".")))]);
}

#[derive(Debug, Deserialize, Reloadable)]
#[reload(validate = Self::check)]
struct Sizes {
    #[reload(values(range(1..)))]
    sizes: BTreeMap<String, u32>,
}

impl Sizes {
    fn check(&self, report: &mut Reporter<'_>) {
        report.violation("sum", "nothing is left");
        report.violation_at("sizes", "sum", "nothing is left");
        report.value_violation("sum", 0, "is nothing");
    }
}

#[test]
fn a_report_keeps_the_first_thousand_and_counts_the_others() {
    let text: String = (0..5_000).map(|number| format!("k{number:04} = 0\n")).collect();
    let Err(report) = decode::<Sizes>(&[toml("a.toml", format!("[sizes]\n{text}"))]) else {
        panic!("it was accepted")
    };
    assert_eq!((report.violations().len(), report.omitted()), (1_000, 4_003));
    assert_eq!(
        report.violations().last().map(ToString::to_string).as_deref(),
        Some("a.toml:1001:9: sizes.k0999: 0 is not in 1.. [range]")
    );
    assert_eq!(report.to_string().lines().last(), Some("... and 4003 more"));
}
