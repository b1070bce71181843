//! What it costs to come from a text to a value: through the tree that knows where each value was set, beside the
//! formats' own libraries, which know nothing of it; and two layers beside the crates `config` and `figment`.
//!
//! Words after `--` choose documents: `-- leaves` for those of 2,000 leaves.

mod ratio;

use std::collections::BTreeMap;
use std::hint::black_box;

use figment::providers::Format as _;
use reloadable::__private::decode;
use reloadable::{Document, Format, Origin, Reloadable};
use serde::{Deserialize, Serialize};

/// A configuration of 20 lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Small {
    listen: String,
    workers: u16,
    verbose: bool,
    ratio: f64,
    hosts: Vec<String>,
    user: Option<String>,
    database: Database,
    log: Log,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Database {
    url: String,
    pool_size: u32,
    timeout_ms: u64,
    retries: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Log {
    level: Level,
    file: String,
    rotate: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum Level {
    Info,
    Debug,
}

/// As many services as there are to be, of 20 leaves each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Large {
    services: BTreeMap<String, Service>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Service {
    name: String,
    address: String,
    port: u16,
    enabled: bool,
    weight: f64,
    description: String,
    tags: Vec<String>,
    database: Database,
    log: Log,
    limits: BTreeMap<String, u64>,
}

fn database() -> Database {
    Database {
        url: "postgres://db.internal:5432/app".to_owned(),
        pool_size: 20,
        timeout_ms: 1_500,
        retries: 3,
    }
}

fn log(level: Level) -> Log {
    Log { level, file: "/var/log/app/server.log".to_owned(), rotate: true }
}

fn small() -> Small {
    Small {
        listen: "127.0.0.1:8080".to_owned(),
        workers: 8,
        verbose: false,
        ratio: 0.25,
        hosts: vec!["one.example".to_owned(), "two.example".to_owned()],
        user: Some("service".to_owned()),
        database: database(),
        log: log(Level::Info),
    }
}

fn large(services: usize) -> Large {
    let service = |number: usize| Service {
        name: format!("service {number}"),
        address: format!("10.0.{}.{}", number / 256 % 256, number % 256),
        port: 8_000 + (number % 1_000) as u16,
        enabled: number % 3 != 0,
        weight: number as f64 / 8.0,
        description: "answers requests of the other services, and keeps what it was told".to_owned(),
        tags: vec!["http".to_owned(), format!("zone-{}", number % 7), "public".to_owned()],
        database: Database { pool_size: 1 + (number % 50) as u32, ..database() },
        log: log(if number % 2 == 0 { Level::Info } else { Level::Debug }),
        limits: [("connections", 1_000), ("requests", 50_000), ("bytes", 1 << 30), ("streams", 128)]
            .map(|(name, limit)| (name.to_owned(), limit + number as u64))
            .into(),
    };
    Large {
        services: (0..services).map(|number| (format!("service-{number:05}"), service(number))).collect(),
    }
}

/// One document in both formats, and the file that is laid over it.
struct Sample {
    name: &'static str,
    toml: String,
    json: String,
    over: String,
}

fn document(text: &str, format: Format) -> Document {
    Document::new(Origin::file("app"), format, text.as_bytes())
}

fn main() {
    let mut criterion = ratio::criterion();
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|word| name.contains(word.as_str()));
    let tested = std::env::args().any(|argument| argument == "--test");
    let over = "workers = 16\nverbose = true\n[database]\npool_size = 40\n[log]\nlevel = \"debug\"\n";
    if is_chosen("20 lines") {
        compare(&mut criterion, &small(), "20 lines", over);
    }
    let mut large_sample = |name: &'static str, services: usize| {
        if is_chosen(name) {
            let over = format!(
                "[services.service-00001]\nport = 80\ntags = [\"tcp\"]\n[services.service-{:05}.database]\nretries = 9\n",
                services - 1
            );
            compare(&mut criterion, &large(services), name, &over);
        }
    };
    large_sample("2,000 leaves", 100);
    // Without optimization this one takes long, and says nothing that the others do not.
    if !tested {
        large_sample("10 MB", 13_500);
    }
}

fn compare<T>(criterion: &mut criterion::Criterion, value: &T, name: &'static str, over: &str)
where
    T: Reloadable + Serialize + PartialEq + Clone + std::fmt::Debug,
{
    let sample = Sample {
        name,
        toml: toml::to_string(value).expect("TOML has all of it"),
        json: serde_json::to_string_pretty(value).expect("JSON has all of it"),
        over: over.to_owned(),
    };
    println!("{name}: {} bytes of TOML, {} bytes of JSON", sample.toml.len(), sample.json.len());
    same(value, &sample);
    one_document::<T>(criterion, &sample);
    two_layers::<T>(criterion, &sample);
}

/// Whoever reads something else is no measure.
fn same<T>(value: &T, sample: &Sample)
where
    T: Reloadable + PartialEq + std::fmt::Debug,
{
    assert_eq!(&ours::<T>(&[document(&sample.toml, Format::Toml)]), value);
    assert_eq!(&ours::<T>(&[document(&sample.json, Format::Json)]), value);
    let merged = ours::<T>(&[document(&sample.toml, Format::Toml), document(&sample.over, Format::Toml)]);
    assert_ne!(&merged, value);
    assert_eq!(by_figment::<T>(sample), merged);
    assert_eq!(by_config::<T>(sample), merged);
}

fn ours<T: Reloadable>(documents: &[Document]) -> T {
    match decode(documents) {
        Ok(loaded) => loaded.into_value(),
        Err(report) => panic!("{report}"),
    }
}

fn by_figment<T: Reloadable>(sample: &Sample) -> T {
    let layers = figment::Figment::from(figment::providers::Toml::string(&sample.toml))
        .merge(figment::providers::Toml::string(&sample.over));
    layers.extract().expect("figment reads it")
}

fn by_config<T: Reloadable>(sample: &Sample) -> T {
    let layer = |text: &str| config::File::from_str(text, config::FileFormat::Toml);
    let layers = config::Config::builder().add_source(layer(&sample.toml)).add_source(layer(&sample.over));
    layers.build().and_then(config::Config::try_deserialize).expect("config reads it")
}

fn one_document<T: Reloadable>(criterion: &mut criterion::Criterion, sample: &Sample) {
    let (toml, json) = (document(&sample.toml, Format::Toml), document(&sample.json, Format::Json));
    let mut group = ratio::Group::new(criterion, &format!("{} of TOML", sample.name));
    group.bench("toml::from_str", || toml::from_str::<T>(&sample.toml));
    group.bench("reloadable", || decode::<T>(std::slice::from_ref(&toml)));
    group.finish();
    let mut group = ratio::Group::new(criterion, &format!("{} of JSON", sample.name));
    group.bench("serde_json::from_str", || serde_json::from_str::<T>(&sample.json));
    group.bench("reloadable", || decode::<T>(std::slice::from_ref(&json)));
    group.finish();
}

fn two_layers<T: Reloadable>(criterion: &mut criterion::Criterion, sample: &Sample) {
    if sample.name == "10 MB" {
        return;
    }
    let layers = [document(&sample.toml, Format::Toml), document(&sample.over, Format::Toml)];
    let mut group = ratio::Group::new(criterion, &format!("two layers, {}", sample.name));
    group.bench("reloadable", || decode::<T>(&layers));
    group.bench("figment", || black_box(by_figment::<T>(sample)));
    group.bench("config", || black_box(by_config::<T>(sample)));
    group.finish();
}
