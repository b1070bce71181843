//! The simple path, end to end.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;

use reloadable::{Diff, Reloadable, Report, Reporter, Validate};
use serde::Deserialize;

#[derive(Debug, Deserialize, Reloadable)]
#[reload(validate = Self::check, normalize = Self::fill_in)]
#[allow(dead_code)]
pub struct App {
    #[reload(restart)]
    pub listen: SocketAddr,
    #[reload(range(1..=1024))]
    workers: u16,
    #[reload(secret, length(16..))]
    api_token: String,
    #[serde(default)]
    database: Database,
    #[reload(key = "name", each(validate = Route::check))]
    routes: Vec<Route>,
    #[reload(leaf)]
    endpoint: url::Url,
    #[reload(file)]
    tls_cert: PathBuf,
    #[serde(rename = "labels")]
    tags: HashMap<String, String>,
    storage: Storage,
    #[serde(default, skip)]
    cache: std::sync::Mutex<()>,
}

#[derive(Debug, Clone, Default, Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case")]
struct Database {
    pool_size: Option<u32>,
    #[reload(set)]
    hosts: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
struct Route {
    name: String,
    #[reload(range(1..))]
    port: u16,
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
enum Storage {
    Memory,
    File(PathBuf),
    S3 { bucket: String, parts: BTreeMap<String, u8> },
}

impl App {
    fn check(&self, report: &mut Reporter<'_>) {
        if self.routes.is_empty() {
            report.violation_at("routes", "own", "none");
        }
    }

    fn fill_in(&mut self) {}
}

impl Route {
    fn check(&self) -> Result<(), &'static str> {
        if self.name == "bad" { Err("bad name") } else { Ok(()) }
    }
}

const TEXT: &str = r#"
    listen = "127.0.0.1:80"
    workers = 4
    api_token = "0123456789abcdef"
    endpoint = "http://a/"
    tls_cert = "a.pem"
    labels = { a = "1" }
    storage = { S3 = { bucket = "b", parts = { x = 1 } } }
    routes = [{ name = "api", port = 1 }, { name = "web", port = 2 }]
    [database]
    pool-size = 20
    hosts = ["a", "b"]
"#;

fn app(text: &str) -> App {
    toml::from_str(text).unwrap()
}

#[test]
fn every_edit_is_one_entry() {
    let old = app(TEXT);
    assert!(old.diff(&app(TEXT)).is_none());
    for (from, to, expected) in [
        ("127.0.0.1:80", "127.0.0.1:81", "listen: \"127.0.0.1:80\" -> \"127.0.0.1:81\""),
        ("workers = 4", "workers = 5", "workers: 4 -> 5"),
        ("0123456789abcdef", "0123456789abcdeg", "api_token: changed"),
        ("http://a/", "http://b/", "endpoint: \"http://a/\" -> \"http://b/\""),
        ("a = \"1\"", "a = \"2\"", "labels.a: \"1\" -> \"2\""),
        ("pool-size = 20", "pool-size = 30", "database.pool-size: 20 -> 30"),
        ("pool-size = 20", "", "database.pool-size: cleared, was 20"),
        ("[\"a\", \"b\"]", "[\"b\", \"c\"]", "database.hosts[\"a\"]: removed\ndatabase.hosts[\"c\"]: added"),
        ("x = 1", "x = 2", "storage.S3.parts.x: 1 -> 2"),
        (
            "{ S3 = { bucket = \"b\", parts = { x = 1 } } }",
            "\"Memory\"",
            "storage: {S3 = {bucket = \"b\", parts = {x = 1}}} -> \"Memory\"",
        ),
        ("{ name = \"api\", port = 1 }, ", "", "routes[\"api\"]: removed"),
        ("port = 2", "port = 3", "routes[\"web\"].port: 2 -> 3"),
    ] {
        let new = app(&TEXT.replace(from, to));
        let changes = old.diff(&new).map(|changes| changes.to_string());
        assert_eq!(changes.as_deref(), Some(expected));
    }
}

#[test]
fn every_rule_finds_its_place() {
    for (from, to, expected) in [
        ("workers = 4", "workers = 0", "workers  0 is not in 1..=1024  [range]"),
        ("port = 2", "port = 0", "routes[1].port  0 is not in 1..  [range]"),
        ("\"web\"", "\"api\"", "routes[1]  element 1 has the same key as element 0: \"api\"  [unique_key]"),
        ("\"web\"", "\"bad\"", "routes[1]  bad name  [validate]"),
        ("0123456789abcdef", "x", "api_token  the value has a length that is not in 16..  [length]"),
    ] {
        let new = app(&TEXT.replace(from, to));
        let mut report = Report::new();
        new.validate(&mut Reporter::new(&mut report));
        assert_eq!(report.to_string(), expected);
    }
}
