//! What holds for any input. The fuzz targets in `fuzz/` ask for it with inputs that nobody thought of, and a test with
//! those that were found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Formatter};

use reloadable::__private::{Loaded, decode};
use reloadable::{
    Diff, Document, Env, FieldPath, Format, MemorySource, Origin, Position, Reloadable, Reloader, Report,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

/// Panics where something does not hold for an input.
pub type Target = fn(&[u8]);

/// The targets, by the names that their folders in `tests/corpus` have as well.
pub const TARGETS: [(&str, Target); 7] = [
    ("toml", toml),
    ("json", json),
    ("jsonc", jsonc),
    ("yaml", yaml),
    ("merge", merge),
    ("env", env),
    ("derived", derived),
];

/// A bit of everything that a derived type may have.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    #[serde(alias = "bind")]
    listen: Option<String>,
    #[reload(range(1..=1024))]
    workers: u16,
    ratio: f64,
    wide: i128,
    #[reload(secret, length(4..))]
    token: String,
    #[serde(rename = "pool-size")]
    pool: Pool,
    #[reload(key = "name")]
    routes: Vec<Route>,
    tags: Vec<String>,
    limits: BTreeMap<String, u64>,
    by_number: BTreeMap<i16, bool>,
    mode: Mode,
    either: Option<Either>,
    extra: Extra,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Reloadable)]
#[serde(default)]
struct Pool {
    size: u32,
    pair: (i8, String),
    next: Option<Box<Pool>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
struct Route {
    name: String,
    #[serde(default)]
    #[reload(secret)]
    key: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    ReadOnly,
    Limited(u8),
    Full {
        since: String,
    },
}

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
    Table { x: bool },
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Reloadable)]
#[serde(default)]
struct Extra {
    own: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, Json>,
}

fn document(format: Format, bytes: &[u8]) -> Document {
    Document::new(Origin::file("a"), format, bytes)
}

/// The text of a document as positions count it: without its byte order mark.
fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()
}

fn read<T: DeserializeOwned + Diff>(format: Format, bytes: &[u8]) -> Result<Loaded<T>, Report> {
    let result = decode::<T>(&[document(format, bytes)]);
    if let Err(report) = &result {
        assert!(!report.is_empty());
        said_within(report, |_| text_of(bytes));
    }
    result
}

/// Every place is within its text, and everything can be printed.
fn said_within<'t>(report: &Report, text_of: impl Fn(&Origin) -> Option<&'t str>) {
    assert!(!format!("{report}").is_empty() && !format!("{report:#}").is_empty());
    for violation in report.violations() {
        assert!(!format!("{violation}{violation:#}{violation:?}").is_empty());
        let Some(text) = violation.origin().and_then(&text_of) else { continue };
        if let Some(position) = violation.position() {
            assert_within(position, text);
            if let Some(span) = violation.span() {
                assert!(text.get(span.clone()).is_some(), "{span:?} is not in a text of {}", text.len());
                assert_eq!(Position::of(text, span.start), position);
            }
        }
    }
}

fn assert_within(position: Position, text: &str) {
    let line = text.split('\n').nth(position.line - 1);
    let line = line.unwrap_or_else(|| panic!("there is no line {}", position.line));
    let columns = line.chars().count() + 1;
    assert!((1..=columns).contains(&position.column), "column {} of {columns}", position.column);
}

/// Every value that was read is somewhere in the text.
fn stands_within(loaded: &Loaded<Json>, value: &Json, path: &mut FieldPath, text: &str) {
    let (_, position) = loaded.locate(path).expect("a document has every value");
    assert_within(position, text);
    if path.segments().len() > 3 {
        return;
    }
    if let Json::Object(members) = value {
        for (name, value) in members.iter().take(20) {
            let mut below: FieldPath = path.clone();
            below.push(reloadable::__private::Segment::Name(name.clone().into()));
            stands_within(loaded, value, &mut below, text);
        }
    }
}

fn value_of(format: Format, bytes: &[u8]) -> Result<Json, Report> {
    let loaded = read::<Json>(format, bytes)?;
    let again = decode::<Json>(&[document(format, bytes)]).expect("it was read before").into_value();
    if let Some(text) = text_of(bytes) {
        stands_within(&loaded, &again, &mut FieldPath::root(), text);
    }
    let value = loaded.into_value();
    assert_eq!(format!("{value:?}"), format!("{again:?}"));
    Ok(value)
}

fn only(report: &Report, codes: &[&str]) {
    let unexpected = report.violations().iter().find(|violation| !codes.contains(&violation.code()));
    assert!(unexpected.is_none(), "the library reads it, but {report}");
}

/// JSON is what its library takes for it, except that keys are there once, and that a configuration is a table.
pub fn json(bytes: &[u8]) {
    let library = text_of(bytes).map(serde_json::from_str::<Json>);
    match (library, value_of(Format::Json, bytes)) {
        (Some(Ok(library)), Ok(ours)) => {
            assert!(alike(&ours, &library), "{ours} is not {library}");
            let text = text_of(bytes).unwrap_or_default();
            assert!(serde_json::from_str::<Unique>(text).is_ok(), "a key is there twice");
        }
        (Some(Ok(_)), Err(report)) => only(&report, &["duplicate_key", "shape"]),
        // Ours goes one level deeper.
        (Some(Err(error)), Ok(_)) => assert!(error.to_string().starts_with("recursion limit"), "{error}"),
        (None, Ok(_)) => panic!("it is not UTF-8"),
        (_, Err(_)) => {}
    }
}

/// Whatever has no key twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value without a key that is there twice")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut known = BTreeSet::new();
        while let Some((key, Self)) = members.next_entry::<String, Self>()? {
            if !known.insert(key) {
                return Err(serde::de::Error::custom("a key is there twice"));
            }
        }
        Ok(self)
    }
}

/// Equal, but for the last bits of a float: the library rounds some wrong unless a feature is set.
fn alike(ours: &Json, library: &Json) -> bool {
    match (ours, library) {
        (Json::Array(ours), Json::Array(library)) => {
            ours.len() == library.len()
                && ours.iter().zip(library).all(|(ours, library)| alike(ours, library))
        }
        (Json::Object(ours), Json::Object(library)) => {
            ours.len() == library.len()
                && ours.iter().all(|(key, ours)| library.get(key).is_some_and(|library| alike(ours, library)))
        }
        (Json::Number(ours), Json::Number(library)) if ours.is_f64() && library.is_f64() => {
            let bits = |number: &serde_json::Number| number.as_f64().unwrap_or(f64::NAN).to_bits();
            bits(ours).abs_diff(bits(library)) <= 8
        }
        _ => ours == library,
    }
}

/// TOML is what its library takes for it, except that it is not empty and not deeper than anything may be.
pub fn toml(bytes: &[u8]) {
    let library = text_of(bytes).map(toml::from_str::<toml::Value>);
    let ours = read::<toml::Value>(Format::Toml, bytes).map(Loaded::into_value);
    let _ = value_of(Format::Toml, bytes);
    match (library, ours) {
        // A float that is no number is not equal to itself.
        (Some(Ok(library)), Ok(ours)) => {
            assert_eq!(format!("{ours:?}"), format!("{:?}", without_dates(library)));
        }
        (Some(Ok(_)), Err(report)) => only(&report, &["empty", "depth"]),
        (Some(Err(error)), Ok(_)) => panic!("it is read, but {error}"),
        (None, Ok(_)) => panic!("it is not UTF-8"),
        (_, Err(_)) => {}
    }
}

/// A date is a text where the type does not ask for one.
fn without_dates(value: toml::Value) -> toml::Value {
    use toml::Value;
    match value {
        Value::Datetime(date) => Value::String(date.to_string()),
        Value::Array(elements) => Value::Array(elements.into_iter().map(without_dates).collect()),
        Value::Table(entries) => entries
            .into_iter()
            .map(|(key, value)| (key, without_dates(value)))
            .collect::<toml::Table>()
            .into(),
        other => other,
    }
}

/// What is JSON is JSON with comments too, and means the same.
pub fn jsonc(bytes: &[u8]) {
    let with_comments = value_of(Format::Jsonc, bytes);
    if let Ok(json) = value_of(Format::Json, bytes) {
        assert_eq!(with_comments.ok(), Some(json));
    }
}

/// Whatever is taken for YAML can be read again, and each of its values is somewhere.
pub fn yaml(bytes: &[u8]) {
    let _ = value_of(Format::Yaml, bytes);
    let _ = read::<Model>(Format::Yaml, bytes);
}

const FORMATS: [Format; 4] = [Format::Toml, Format::Json, Format::Jsonc, Format::Yaml];

/// The first byte chooses a format for each part, and a zero byte divides them.
fn parts(bytes: &[u8]) -> Option<(u8, Vec<&[u8]>)> {
    let (first, rest) = bytes.split_first()?;
    Some((*first, rest.splitn(3, |byte| *byte == 0).collect()))
}

/// Two layers are what a merge of their values is.
pub fn merge(bytes: &[u8]) {
    let Some((choice, parts)) = parts(bytes) else { return };
    let [base, over, ..] = *parts else { return };
    let formats = [FORMATS[usize::from(choice) % 4], FORMATS[usize::from(choice) / 4 % 4]];
    let layers = [
        Document::new(Origin::file("base"), formats[0], base),
        Document::new(Origin::file("over"), formats[1], over),
    ];
    let text = |origin: &Origin| if *origin == Origin::file("base") { text_of(base) } else { text_of(over) };
    let typed = decode::<Model>(&layers);
    if let Err(report) = &typed {
        said_within(report, text);
    }
    let both = decode::<Json>(&layers);
    if let Err(report) = &both {
        said_within(report, text);
    }
    let alone = [0, 1].map(|number| decode::<Json>(&layers[number..=number]).map(Loaded::into_value));
    // What does not fit its type may be covered, what is no document may not.
    let is_text = |result: &Result<Json, Report>| {
        let faults = result.as_ref().err().map(Report::violations).unwrap_or_default();
        !faults.iter().any(|fault| matches!(fault.code(), "syntax" | "encoding" | "empty" | "depth"))
    };
    assert!(alone.iter().all(is_text) || (both.is_err() && typed.is_err()));
    let [Ok(base), Ok(over)] = alone else { return };
    match (merged(base, over), both) {
        (Some(merged), Ok(both)) => assert_eq!(format!("{:?}", both.into_value()), format!("{merged:?}")),
        (None, Err(report)) => only(&report, &["shape"]),
        (Some(merged), Err(report)) => panic!("not {merged}, but {report}"),
        (None, Ok(both)) => panic!("{} is no merge", both.into_value()),
    }
}

/// The rule of a merge; none where one layer has a table and the other something else.
fn merged(base: Json, over: Json) -> Option<Json> {
    Some(match (base, over) {
        (Json::Object(mut base), Json::Object(over)) => {
            for (name, over) in over {
                let value = match base.remove(&name) {
                    Some(base) => merged(base, over)?,
                    None => over,
                };
                base.insert(name, value);
            }
            Json::Object(base)
        }
        (Json::Null, over) | (_, over @ Json::Null) => over,
        (Json::Object(_), _) | (_, Json::Object(_)) => return None,
        (_, over) => over,
    })
}

/// Variables and arguments, a line each, over a document: whatever they are, something is said or something is started.
pub fn env(bytes: &[u8]) {
    let Some((choice, parts)) = parts(bytes) else { return };
    let lines = |part: usize| {
        let part = parts.get(part).copied().unwrap_or_default();
        part.split(|byte| *byte == b'\n').take(20).collect::<Vec<_>>()
    };
    let variables = lines(0).into_iter().filter_map(|line| {
        let equals = line.iter().position(|byte| *byte == b'=')?;
        let name = [b"APP_", &line[..equals]].concat();
        Some((os_string(&name), os_string(&line[equals + 1..])))
    });
    let pairs: Vec<_> = lines(1).into_iter().filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let mut env = Env::prefixed("APP").variables(variables);
    env = match choice % 4 {
        0 => env,
        1 => env.separator("_"),
        2 => env.separator("").keep_case(),
        _ => env.separator(".").list_separator(';').ignore_empty(),
    };
    let text = parts.get(2).copied().filter(|text| !text.is_empty()).unwrap_or(b"{}");
    let (source, _handle) = MemorySource::new("memory", FORMATS[usize::from(choice) / 4 % 4], text);
    let started = Reloader::<Model>::builder().source(source).env(env).set(pairs).start_blocking();
    match started {
        Ok(config) => {
            let told = config.status().last_report().map(ToString::to_string).unwrap_or_default();
            std::hint::black_box((told, config.load().clone()));
            config.blocking_shutdown();
        }
        Err(error) => {
            said_within(error.report(), |_| None);
            assert!(!error.to_string().is_empty());
        }
    }
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> std::ffi::OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// A report about a derived type can be printed, and names places within the text.
pub fn derived(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let format = FORMATS[usize::from(*choice) % 4];
    let first = read::<Model>(format, bytes).map(Loaded::into_value);
    let second = read::<Model>(format, bytes).map(Loaded::into_value);
    assert_eq!(shown(&first), shown(&second));
}

fn shown<T: Debug>(result: &Result<T, Report>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(report) => format!("{report:#}"),
    }
}
