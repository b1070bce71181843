//! The types that are decoded, and what their documents may look like.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use reloadable::Reloadable;
use serde::{Deserialize, Deserializer};

use super::model::{Dice, Field, Literal, Node, leaf, list, table, text};

fn integer(number: i64) -> Literal {
    Literal::Integer(number)
}

/// A `u16` that may be anything but what is refused.
fn port(valid: i64, refused: &[i64]) -> Node {
    let wrong = [
        text("many"),
        Literal::Bool(true),
        integer(70_000),
        integer(-1),
        Literal::Float(1.5),
        Literal::EmptyArray,
    ];
    leaf(integer(valid), wrong, refused.iter().map(|number| integer(*number)))
}

fn string(valid: &str, refused: &[&str]) -> Node {
    let wrong = [integer(7), Literal::Bool(false), Literal::Float(0.5), Literal::EmptyArray];
    leaf(text(valid), wrong, refused.iter().map(|refused| text(refused)))
}

fn truth() -> Node {
    leaf(Literal::Bool(true), [text("yes"), integer(1)], [])
}

fn address(valid: &str) -> Node {
    leaf(text(valid), [text("nowhere"), integer(80), Literal::Bool(true)], [])
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Service {
    listen: SocketAddr,
    #[reload(range(1..=64))]
    worker_threads: u16,
    #[serde(alias = "db", alias = "data-base")]
    database: Database,
    #[reload(secret, length(4..))]
    #[serde(alias = "token")]
    api_token: String,
    #[serde(default)]
    tls: Option<Tls>,
    #[reload(key = "name")]
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(with = "seconds")]
    #[reload(range(..=Duration::from_secs(60)))]
    timeout: Duration,
    #[serde(default, deserialize_with = "yes_or_no")]
    verbose: bool,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Database {
    #[reload(non_empty)]
    url: String,
    #[serde(alias = "pool-size", default)]
    #[reload(range(..=100))]
    pool_size: u16,
    #[serde(default)]
    #[reload(secret)]
    password: Option<u64>,
    retries: Option<u16>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
struct Tls {
    cert_file: String,
    #[serde(rename = "enabled?")]
    enabled: bool,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Route {
    name: String,
    #[reload(range(1..))]
    port: u16,
    #[serde(default)]
    #[reload(each(non_empty))]
    hosts: Vec<String>,
    #[serde(default)]
    level: Level,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    Low,
    High,
}

mod seconds {
    use super::{Deserialize, Deserializer, Duration};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(serde::de::Error::custom(format!("{other} is neither yes nor no"))),
    }
}

pub(super) fn a_service(dice: &mut Dice) -> Node {
    let database = table([
        Field::required(&["url"], string("é", &[""])),
        Field::optional(&["pool_size", "pool-size"], port(20, &[101, 500])),
        Field::optional(&["password"], leaf(integer(7), [text("hunter2"), integer(-1)], [])),
        Field::optional(&["retries"], port(3, &[])),
    ]);
    let tls = table([
        Field::required(&["CERT_FILE"], string("cert", &[])),
        Field::required(&["enabled?"], truth()),
    ]);
    let routes = (0..dice.below(5)).map(|nth| {
        table([
            Field::required(&["name"], string(&format!("route {nth}"), &[])),
            Field::required(&["port"], port(80, &[0])),
            Field::optional(&["hosts"], list((0..dice.below(4)).map(|_| string("host", &[""])))),
            Field::optional(&["level"], leaf(text("high"), [text("higher"), integer(1)], [])),
        ])
        .strict()
    });
    let routes = list(routes);
    table([
        Field::required(&["listen"], address("[::1]:80")),
        Field::required(&["worker-threads"], port(8, &[0, 65])),
        Field::required(&["database", "db", "data-base"], database.strict()),
        Field::required(&["api-token", "token"], string("hunter2", &["", "abc"])),
        Field::optional(&["tls"], tls.strict()),
        Field::optional(&["routes"], routes),
        Field::required(&["timeout"], leaf(integer(5), [text("5s"), integer(-1)], [integer(61)])),
        Field::optional(&["verbose"], leaf(text("yes"), [text("maybe"), Literal::Bool(true)], [])),
    ])
    .strict()
}

#[derive(Debug, Deserialize, Reloadable)]
pub(super) struct Flattened {
    name: String,
    #[serde(flatten)]
    limits: Limits,
    #[serde(flatten)]
    target: Target,
    #[serde(flatten)]
    storage: Storage,
    inner: Inner,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Limits {
    #[serde(alias = "max_rate")]
    #[reload(range(..=1000))]
    rate: u16,
    #[serde(flatten)]
    bursts: Bursts,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "camelCase")]
struct Bursts {
    #[reload(range(..=9))]
    burst_size: u16,
    burst_ports: Vec<u16>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Target {
    Proxy {
        #[reload(non_empty)]
        upstream: String,
        backup: Option<SocketAddr>,
    },
    StaticFiles(Files),
    None,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Files {
    root: String,
    #[reload(range(1..))]
    depth: u16,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum Storage {
    #[serde(alias = "minio")]
    S3 {
        #[reload(non_empty)]
        bucket: String,
        size: u16,
    },
    Disk(String),
    Pair(u16, bool),
    Memory,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Inner {
    #[serde(flatten)]
    limits: Limits,
    extra: Vec<Extra>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Extra {
    #[serde(flatten)]
    target: Target,
}

fn limits() -> Vec<Field> {
    vec![
        Field::required(&["rate", "max_rate"], port(10, &[1001])),
        Field::required(&["burstSize"], port(3, &[10])),
        Field::required(&["burstPorts"], list([port(1, &[]), port(2, &[])])),
    ]
}

fn target(dice: &mut Dice) -> Vec<Field> {
    match dice.below(3) {
        0 => vec![
            Field::tag("kind", "proxy"),
            Field::required(&["upstream"], string("up", &[""])).depending("kind"),
            Field::optional(&["backup"], address("127.0.0.1:80")).depending("kind"),
        ],
        1 => vec![
            Field::tag("kind", "static_files"),
            Field::required(&["root"], string("/", &[])).depending("kind"),
            Field::required(&["depth"], port(2, &[0])).depending("kind"),
        ],
        _ => vec![Field::tag("kind", "none")],
    }
}

fn storage(dice: &mut Dice) -> Field {
    match dice.below(3) {
        0 => {
            let bucket =
                [Field::required(&["bucket"], string("b", &[""])), Field::required(&["size"], port(1, &[]))];
            Field::optional(&["s3", "minio"], table(bucket).whole())
        }
        1 => Field::optional(&["disk"], string("/", &[])),
        _ => Field::optional(&["pair"], list([port(1, &[]), truth()])),
    }
}

pub(super) fn flattened_fields(dice: &mut Dice) -> Node {
    let mut fields = vec![Field::required(&["name"], string("é", &[]))];
    fields.extend(limits());
    fields.extend(target(dice));
    fields.push(storage(dice));
    let mut inner = limits();
    let extra: Vec<_> = (0..dice.below(3)).map(|_| table(target(dice))).collect();
    inner.push(Field::required(&["extra"], list(extra)));
    fields.push(Field::required(&["inner"], table(inner)));
    table(fields)
}

/// Any other key is a limit.
#[derive(Debug, Deserialize, Reloadable)]
pub(super) struct Open {
    #[reload(range(1..))]
    known: u16,
    nested: HashMap<String, OpenInner>,
    #[serde(flatten)]
    rest: BTreeMap<String, Limit>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct OpenInner {
    flag: bool,
    #[serde(flatten)]
    rest: HashMap<String, u16>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Limit {
    #[reload(range(..=1000))]
    rate: u16,
    burst: Option<u16>,
}

fn limit() -> Node {
    table([Field::required(&["rate"], port(10, &[1001])), Field::optional(&["burst"], port(1, &[]))]).strict()
}

fn keys(dice: &mut Dice) -> impl Iterator<Item = String> + use<> {
    let names = ["alpha", "be ta", "gamma", "dé", "e.f"];
    let count = dice.below(names.len() + 1);
    names.into_iter().take(count).map(str::to_owned)
}

pub(super) fn a_flattened_map(dice: &mut Dice) -> Node {
    let mut nested = Vec::new();
    for key in keys(dice) {
        let mut inner = vec![Field::required(&["flag"], truth())];
        inner.extend(keys(dice).map(|key| Field::optional(&[&key], port(1, &[]))));
        nested.push(Field::optional(&[&key], table(inner)));
    }
    let mut fields =
        vec![Field::required(&["known"], port(1, &[0])), Field::required(&["nested"], table(nested))];
    fields.extend(keys(dice).map(|key| Field::optional(&[&key], limit())));
    table(fields)
}

#[derive(Debug, Deserialize, Reloadable)]
pub(super) struct Tagged {
    external: Storage,
    internal: Target,
    adjacent: Output,
    #[serde(default)]
    perhaps: Option<Output>,
    sinks: BTreeMap<String, Sink>,
    steps: Vec<Output>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "t", content = "c", rename_all_fields = "kebab-case")]
enum Output {
    File {
        #[reload(non_empty)]
        file_path: String,
        mode: u16,
    },
    Pair(#[reload(range(1..))] u16, String),
    Limit(Limit),
    Nothing,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
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

fn output(dice: &mut Dice) -> Node {
    let (variant, content) = match dice.below(4) {
        0 => {
            let fields = [
                Field::required(&["file-path"], string("é", &[""])),
                Field::required(&["mode"], port(1, &[])),
            ];
            ("File", Some(table(fields)))
        }
        1 => ("Pair", Some(list([port(1, &[0]), string("x", &[])]))),
        2 => ("Limit", Some(limit())),
        _ => ("Nothing", None),
    };
    let content = content.map(|content| Field::required(&["c"], content).depending("t"));
    table([Field::tag("t", variant)].into_iter().chain(content)).whole()
}

fn sink(dice: &mut Dice) -> Node {
    if dice.one_in(2) {
        // serde refuses no key beside the tag of a variant without fields.
        return table([Field::tag("type", "null")]).whole();
    }
    let fields = [
        Field::tag("type", "http"),
        Field::required(&["port"], port(1, &[0])).depending("type"),
        Field::optional(&["key"], string("hunter2", &[])).depending("type"),
    ];
    table(fields).whole().strict()
}

pub(super) fn tagged_enums(dice: &mut Dice) -> Node {
    let external = if dice.one_in(4) {
        let wrong = [text("nowhere"), integer(1), text("s3")];
        Node::Leaf { valid: text("memory"), wrong: wrong.to_vec(), refused: Vec::new() }
    } else {
        let variant = match dice.below(3) {
            0 => Field::variant(
                &["s3", "minio"],
                table([
                    Field::required(&["bucket"], string("b", &[""])),
                    Field::required(&["size"], port(1, &[])),
                ]),
            ),
            1 => Field::variant(&["disk"], string("/", &[])),
            _ => Field::variant(&["pair"], list([port(1, &[]), truth()])),
        };
        table([variant]).whole()
    };
    let mut fields = vec![
        Field::required(&["external"], external),
        Field::required(&["internal"], table(target(dice))),
        Field::required(&["adjacent"], output(dice)),
    ];
    if dice.one_in(2) {
        fields.push(Field::optional(&["perhaps"], output(dice)));
    }
    let mut sinks = Vec::new();
    for key in keys(dice) {
        sinks.push(Field::optional(&[&key], sink(dice)));
    }
    fields.push(Field::required(&["sinks"], table(sinks)));
    let steps: Vec<_> = (0..dice.below(4)).map(|_| output(dice)).collect();
    fields.push(Field::required(&["steps"], list(steps)));
    table(fields)
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub(super) struct Lists {
    #[reload(each(range(1..)))]
    ports: Vec<u16>,
    #[serde(default)]
    rows: Vec<Vec<u16>>,
    by_name: HashMap<String, Vec<SocketAddr>>,
    #[reload(values(range(..=10)))]
    weights: BTreeMap<String, u16>,
    point: [i32; 3],
    pair: (u16, String),
    pairs: Vec<(u16, bool)>,
    #[reload(set, each(non_empty))]
    origins: Vec<String>,
    #[serde(default)]
    perhaps: Option<Vec<Option<u16>>>,
    limits: Vec<Limit>,
    more: Option<BTreeMap<String, Option<Limit>>>,
}

pub(super) fn lists_and_maps(dice: &mut Dice) -> Node {
    let mut ports =
        |refused: &'static [i64]| list((0..dice.below(6)).map(|nth| port(nth as i64 + 1, refused)));
    let (first, perhaps) = (ports(&[0]), ports(&[]));
    let rows: Vec<_> = (0..3).map(|_| ports(&[])).collect();
    let by_name: Vec<_> = keys(dice).collect();
    let by_name = by_name.into_iter().map(|key| {
        let addresses = (0..dice.below(4)).map(|_| address("1.2.3.4:5"));
        Field::optional(&[&key], list(addresses))
    });
    let by_name: Vec<_> = by_name.collect();
    let weights: Vec<_> = keys(dice).map(|key| Field::optional(&[&key], port(1, &[11]))).collect();
    let more: Vec<_> = keys(dice).map(|key| Field::optional(&[&key], limit())).collect();
    let number = || leaf(integer(-1), [text("x"), integer(1 << 40)], []);
    let pair = || list([port(1, &[]), truth()]);
    table([
        Field::required(&["ports"], first),
        Field::optional(&["rows"], list(rows)),
        Field::required(&["by_name"], table(by_name)),
        Field::required(&["weights"], table(weights)),
        Field::required(&["point"], list([number(), number(), number()])),
        Field::required(&["pair"], list([port(1, &[]), string("x", &[])])),
        Field::required(&["pairs"], list([pair(), pair(), pair()])),
        Field::required(&["origins"], list(["a", "b"].map(|origin| string(origin, &[""])))),
        Field::optional(&["perhaps"], perhaps),
        Field::required(&["limits"], list([limit(), limit(), limit()])),
        Field::optional(&["more"], table(more)),
    ])
    .strict()
}

#[derive(Debug, Deserialize, Reloadable)]
pub(super) struct Wrapped {
    newtype: Newtype,
    numbers: Numbers,
    transparent: Transparent,
    boxed: Box<Limit>,
    converted: Converted,
    converteds: Vec<Converted>,
    generic: Generic<u16>,
    #[reload(leaf)]
    foreign: Foreign,
    #[reload(skip)]
    skipped: Foreign,
    #[serde(skip)]
    _nothing: (),
    tree: Tree,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Newtype(Limit);

#[derive(Debug, Deserialize, Reloadable)]
struct Numbers(#[reload(each(range(1..)))] Vec<u16>);

#[derive(Debug, Deserialize, Reloadable)]
#[serde(transparent)]
struct Transparent {
    #[reload(range(1..))]
    port: u16,
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
#[serde(try_from = "Raw")]
struct Converted {
    #[reload(skip)]
    _raw: Raw,
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Raw {
    size: u16,
    name: String,
}

impl TryFrom<Raw> for Converted {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        if raw.size == 13 { Err("13 is no size".to_owned()) } else { Ok(Self { _raw: raw }) }
    }
}

#[derive(Debug, Deserialize, Reloadable)]
struct Generic<T> {
    value: T,
    #[reload(range(1..))]
    port: u16,
}

/// Derives nothing of ours.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Foreign {
    Number(u16),
    Text(String),
}

#[derive(Debug, Deserialize, Reloadable)]
struct Tree {
    #[reload(range(1..))]
    size: u16,
    #[serde(default)]
    children: Vec<Self>,
    #[serde(default)]
    next: Option<Box<Self>>,
}

fn tree(dice: &mut Dice, depth: usize) -> Node {
    let mut fields = vec![Field::required(&["size"], port(1, &[0]))];
    if depth > 0 {
        let children: Vec<_> = (0..dice.below(3)).map(|_| tree(dice, depth - 1)).collect();
        fields.push(Field::optional(&["children"], list(children)));
        if dice.one_in(2) {
            fields.push(Field::optional(&["next"], tree(dice, depth - 1)));
        }
    }
    table(fields)
}

pub(super) fn types_within_types(dice: &mut Dice) -> Node {
    let foreign = || leaf(text("x"), [Literal::Bool(true), integer(-1)], []);
    let raw = || {
        table([Field::required(&["size"], port(1, &[])), Field::required(&["name"], string("x", &[]))])
            .strict()
    };
    let generic =
        table([Field::required(&["port"], port(1, &[0])), Field::required(&["value"], port(1, &[]))]);
    table([
        Field::required(&["newtype"], limit()),
        Field::required(&["numbers"], list([port(1, &[0]), port(1, &[0])])),
        Field::required(&["transparent"], port(1, &[0])),
        Field::required(&["boxed"], limit()),
        Field::required(&["converted"], raw()),
        Field::required(&["converteds"], list([raw(), raw()])),
        Field::required(&["generic"], generic),
        Field::required(&["foreign"], foreign()),
        Field::required(&["skipped"], foreign()),
        Field::required(&["tree"], tree(dice, 3)),
    ])
}
