//! What is read from a template is the default again.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use either::Either;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::{Config, TestRunner};
use reloadable::__private::{Loaded, decode};
use reloadable::{Changes, Diff, Document, Format, Origin, Reloadable, Report, Reporter, Validate};
use reloadable_tests::corpus::foreign::Fetcher;
use reloadable_tests::corpus::hidden::Client;
use reloadable_tests::corpus::keyed::Gateway;
use reloadable_tests::corpus::recursive::Menu;
use reloadable_tests::corpus::wide::Wide;
use reloadable_tests::corpus::{Edit, Sample, through_json, tree};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{Mode, Route, Service};

/// The formats that templates are written in.
pub(crate) const FORMATS: [Format; 4] = [Format::Toml, Format::Json, Format::Jsonc, Format::Yaml];

fn read<T: Reloadable>(text: &str, format: Format) -> T {
    let document = Document::new(Origin::named("template"), format, text.as_bytes());
    match decode::<T>(&[document]) {
        Ok(loaded) => Loaded::into_value(loaded),
        Err(report) => panic!("{report}\n{text}"),
    }
}

/// Returns the paths at which what is read from the templates differs from the default.
fn differences<T: Reloadable + Default>() -> Vec<String> {
    let mut paths = Vec::new();
    for format in FORMATS {
        let text = T::template(format);
        let (default, read) = (T::default(), read::<T>(&text, format));
        let changes = default.diff(&read);
        let entries = changes.as_ref().map(Changes::entries).unwrap_or_default();
        paths.extend(entries.iter().map(|entry| format!("{format}: {entry}\n{text}")));
    }
    paths
}

fn reads_back<T: Reloadable + Default>() {
    assert_eq!(differences::<T>(), Vec::<String>::new());
}

#[test]
fn a_service() {
    reads_back::<Service>();
}

#[test]
fn a_type_of_which_nothing_is_written() {
    #[derive(Debug, Default, Deserialize, Reloadable)]
    struct Nothing {
        number: Option<u8>,
        #[serde(default)]
        inner: Inner,
    }

    #[derive(Debug, Default, Deserialize, Reloadable)]
    struct Inner {
        text: Option<String>,
    }

    reads_back::<Nothing>();
}

#[test]
fn shapes_that_differ_from_their_types() {
    reads_back::<Shapes>();
    let toml = Shapes::template(Format::Toml);
    for (line, why) in [
        ("percent = 50", "what reads back is written, although it is converted"),
        ("#megabytes = 3145728", "what does not read back is a comment"),
        ("#numbers = []", "TOML has no null"),
        ("url = \"https://a.example/\"", "nothing in it is hidden"),
        ("#login = \"\"", "a password is never written"),
        ("none = 7", "serde's default is another one"),
    ] {
        assert!(toml.lines().any(|found| found == line), "{line}: {why}\n{toml}");
    }
}

/// Types whose form in the file is not that of the value, and values that not every format can write.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(default)]
struct Shapes {
    percent: Percent,
    megabytes: Megabytes,
    numbers: Vec<Option<u8>>,
    none: u8,
    widest: u128,
    lowest: i128,
    small: f64,
    not_a_number: f64,
    endless: f32,
    url: url::Url,
    login: Option<url::Url>,
    #[reload(leaf)]
    foreign: Foreign,
    anything: serde_json::Value,
    toml: toml::Table,
    either: Either<u8, Vec<u8>>,
    nested_routes: Vec<Vec<Route>>,
    routes_by_name: BTreeMap<String, Vec<Route>>,
    empty_routes: BTreeMap<String, Route>,
    unit: (),
    #[serde(flatten)]
    mode: Flattened,
    #[serde(flatten)]
    rest: HashMap<String, u8>,
    #[serde(with = "humantime_serde")]
    pause: Option<Duration>,
    #[serde(rename = "a \"b\"\n")]
    odd: Pair,
    modes: Vec<Mode>,
    untagged: Vec<Untagged>,
    adjacent: Adjacent,
    #[serde(default = "preset")]
    preset: Vec<Route>,
}

/// The default of this field is not that of the struct.
fn preset() -> Vec<Route> {
    vec![Route { name: "preset".into(), upstream: "x".into(), retries: None }]
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(try_from = "u8")]
struct Percent(u8);

impl TryFrom<u8> for Percent {
    type Error = String;

    fn try_from(value: u8) -> Result<Self, String> {
        if value <= 100 { Ok(Self(value)) } else { Err("too much".to_owned()) }
    }
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(from = "u64")]
struct Megabytes(u64);

impl From<u64> for Megabytes {
    fn from(value: u64) -> Self {
        Self(value << 20)
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Foreign {
    inner: bool,
}

#[derive(Debug, Deserialize, Reloadable)]
enum Flattened {
    #[serde(rename = "off")]
    Off,
    #[allow(dead_code)]
    On { level: u8 },
}

#[derive(Debug, Deserialize, Reloadable)]
struct Pair(String, u8);

#[derive(Debug, Deserialize, Reloadable)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Name { name: String },
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Two(u8, bool),
}

impl Default for Shapes {
    fn default() -> Self {
        let route = || Route { name: "a".into(), upstream: "b".into(), retries: Some(1) };
        Self {
            percent: Percent(50),
            megabytes: Megabytes(3 << 20),
            numbers: vec![Some(1), None],
            none: 7,
            widest: u128::MAX,
            lowest: i128::MIN,
            small: 1e-20,
            not_a_number: f64::NAN,
            endless: f32::NEG_INFINITY,
            url: "https://a.example/".parse().expect("a URL"),
            login: Some("https://a:hunter2@a.example/".parse().expect("a URL")),
            foreign: Foreign { inner: true },
            anything: serde_json::json!({ "a": [1, "b", { "c d": 0.5 }] }),
            toml: "x = [[1], ['a']]\n[y]\nz = nan".parse().expect("TOML"),
            either: Either::Right(vec![1, 2]),
            nested_routes: vec![vec![route()], vec![]],
            routes_by_name: [("x".to_owned(), vec![route()]), ("y".to_owned(), vec![])].into(),
            empty_routes: BTreeMap::new(),
            unit: (),
            mode: Flattened::Off,
            rest: [("other".to_owned(), 1)].into(),
            pause: Some(Duration::from_nanos(3_661_000_000_001)),
            odd: Pair("\u{7f}\u{1}".into(), 1),
            modes: vec![Mode::ReadWrite, Mode::ReadOnly],
            untagged: vec![Untagged::Name { name: "n".into() }, Untagged::Number(1)],
            adjacent: Adjacent::Two(1, true),
            preset: Vec::new(),
        }
    }
}

thread_local! {
    /// The file that the default is made of.
    static FILE: RefCell<Json> = const { RefCell::new(Json::Null) };
}

/// A type of the corpus with a default of the test's choice.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(bound = "T: Sample")]
struct Held<T: Sample + Diff>(T);

impl<T: Sample + Diff> Default for Held<T> {
    fn default() -> Self {
        Self(FILE.with_borrow(|file| through_json(file).expect("what is edited is read")))
    }
}

/// Edits the sample at random. `hidden` are the fields that no template shows.
fn every_version_reads_back<T: Sample + Reloadable>(hidden: &[&str]) {
    let edits = subsequence(T::EDITS.to_vec(), 0..=T::EDITS.len().min(12));
    let mut runner = TestRunner::new(Config { cases: 48, ..Config::default() });
    let run = runner.run(&edits, |edits| {
        FILE.set(edited::<T>(&edits));
        let mut report = Report::new();
        Held::<T>::default().validate(&mut Reporter::new(&mut report));
        prop_assume!(report.is_empty());
        let mut differences = differences::<Held<T>>();
        differences.retain(|entry| !hidden.iter().any(|hidden| entry.contains(hidden)));
        prop_assert!(differences.is_empty(), "{}", differences[0]);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}

fn edited<T: Sample>(edits: &[Edit]) -> Json {
    let mut current = tree::<T>();
    for edit in edits {
        let mut next = current.clone();
        if edit.apply(&mut next) && through_json::<T>(&next).is_ok() {
            current = next;
        }
    }
    current
}

#[test]
fn wide_structs() {
    every_version_reads_back::<Wide>(&[]);
}

#[test]
fn enums_and_keyed_lists() {
    every_version_reads_back::<Gateway>(&[]);
}

#[test]
fn recursive_types() {
    every_version_reads_back::<Menu>(&[]);
}

#[test]
fn foreign_types_and_conversions() {
    every_version_reads_back::<Fetcher>(&[]);
}

#[test]
fn secrets_are_the_only_difference() {
    every_version_reads_back::<Client>(&[": token:", ": login:"]);
}
