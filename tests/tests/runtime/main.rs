//! The running part: from a change in a source to a subscriber that is awake.

mod attempts;
mod bad_input;
mod blocking;
mod disk;
mod files;
mod leaks;
mod pipeline;
mod readers;
mod relative;
mod subscriptions;

use reloadable::{Error, Format, MemoryHandle, MemorySource, Reloadable, Reloader, Reporter};
pub use reloadable_tests::waiting::{DEADLINE, eventually, in_time};
use serde::Deserialize;

/// What most of these tests configure.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct App {
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub database: Database,
    #[serde(default)]
    #[reload(key = "name")]
    pub routes: Vec<Route>,
    #[serde(default)]
    #[reload(secret)]
    pub token: String,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
#[reload(normalize = Self::fill_in, validate = Self::check)]
pub struct Server {
    pub name: String,
    pub port: u16,
    #[serde(skip)]
    #[reload(diff)]
    pub greeting: String,
}

impl Server {
    fn fill_in(&mut self) -> Result<(), String> {
        if self.name == "panic in normalize" {
            panic!("a normalizer panicked");
        }
        if self.name == "refused" {
            return Err("this name cannot be filled in".to_owned());
        }
        self.greeting = format!("hello from {}", self.name);
        Ok(())
    }

    fn check(&self, report: &mut Reporter<'_>) {
        if self.name == "panic in validate" {
            panic!("a validator panicked");
        }
        if self.port == u16::MAX && self.name.is_empty() {
            report.violation_at("name", "named", "port 65535 needs a name");
        }
    }
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    #[reload(range(..=1024))]
    pub pool_size: u16,
    pub url: String,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub name: String,
    #[serde(default)]
    pub timeout: u64,
}

/// A reloader on one document in memory.
pub async fn in_memory(text: &str) -> Result<(Reloader<App>, MemoryHandle), Error> {
    let (source, handle) = MemorySource::new("memory", Format::Toml, text);
    Ok((Reloader::builder().source(source).start().await?, handle))
}
