//! What is made of the description of a type: templates and the list of fields.

mod fields;
mod reads_back;
mod schema;
mod texts;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reloadable::Reloadable;
use serde::Deserialize;

/// A service's settings, with one field of every kind that a template treats in its own way.
#[derive(Debug, Clone, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// Where connections are accepted.
    ///
    /// Port 0 takes a free one.
    #[reload(restart)]
    pub listen: std::net::SocketAddr,
    /// How many requests are worked on at once.
    #[reload(range(1..=1024))]
    #[serde(alias = "threads")]
    pub workers: u16,
    #[reload(secret, length(16..))]
    pub api_token: String,
    pub title: Option<String>,
    #[reload(one_of("debug", "info"))]
    pub level: String,
    pub mode: Mode,
    /// How long a request may take.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub pause: Duration,
    pub pair: (String, u16),
    pub ratio: f32,
    #[reload(file)]
    pub certificate: Option<PathBuf>,
    pub labels: BTreeMap<String, String>,
    pub quotas: BTreeMap<String, u32>,
    #[reload(key = "name", each(validate = Route::check))]
    pub routes: Vec<Route>,
    #[reload(key = "name")]
    pub spare_routes: Vec<Route>,
    pub database: Database,
    pub storage: Storage,
    /// Where traces go.
    pub tracing: Option<Tracing>,
    #[serde(flatten)]
    pub limits: Limits,
}

/// How much is done.
#[derive(Debug, Clone, Copy, Default, Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Only what must be.
    #[default]
    ReadOnly,
    ReadWrite,
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
pub struct Route {
    pub name: String,
    /// Where requests go.
    #[reload(non_empty)]
    pub upstream: String,
    #[serde(default)]
    pub retries: Option<u8>,
}

impl Route {
    fn check(&self) {}
}

/// The database.
#[derive(Debug, Clone, Deserialize, Reloadable)]
#[serde(default)]
pub struct Database {
    #[reload(secret)]
    pub password: String,
    #[reload(length(1..), when = self.pool_size > 100)]
    pub hosts: Vec<String>,
    #[reload(range(1..=100))]
    pub pool_size: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { password: "hunter2".into(), hosts: Vec::new(), pool_size: 20 }
    }
}

/// Where things are kept.
#[derive(Debug, Clone, Deserialize, Reloadable)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Storage {
    Memory,
    /// In a directory.
    Local {
        root: PathBuf,
        #[serde(default)]
        size: Option<u64>,
    },
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
pub struct Tracing {
    pub endpoint: String,
    #[serde(default)]
    pub sampling: f64,
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
pub struct Limits {
    /// In bytes.
    #[serde(default = "size")]
    pub max_body: u64,
}

fn size() -> u64 {
    1 << 20
}

impl Default for Service {
    fn default() -> Self {
        let route =
            |name: &str, retries| Route { name: name.into(), upstream: format!("http://{name}/"), retries };
        Self {
            listen: "127.0.0.1:8080".parse().expect("an address"),
            workers: 4,
            api_token: "correct horse battery".into(),
            title: None,
            level: "info".into(),
            mode: Mode::ReadOnly,
            timeout: Duration::from_millis(90_500),
            pause: Duration::from_millis(1500),
            pair: ("a\"b\\c\n".into(), 1),
            ratio: 0.1,
            certificate: None,
            labels: BTreeMap::new(),
            quotas: [("a b".to_owned(), 1), ("c".to_owned(), 2)].into(),
            routes: vec![route("api", Some(3)), route("web", None)],
            spare_routes: Vec::new(),
            database: Database::default(),
            storage: Storage::Local { root: "/var/lib".into(), size: None },
            tracing: None,
            limits: Limits { max_body: size() },
        }
    }
}
