//! The promises of the design, each with a test of its name.

mod growth;
mod publication;
mod refusals;
mod sources;

use reloadable::{Builder, Format, MemoryHandle, MemorySource, Reloadable, Reloader};
pub use reloadable_tests::waiting::{DEADLINE, eventually, in_time};
use serde::Deserialize;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
pub struct App {
    #[reload(restart)]
    pub listen: u16,
    #[reload(range(..=60_000))]
    pub workers: u32,
    /// Always the number of workers, so that a mix of two generations would be seen.
    pub limits: Limits,
    #[reload(secret)]
    pub token: String,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    pub connections: u32,
}

pub fn text(workers: u32) -> String {
    format!("workers = {workers}\n[limits]\nconnections = {workers}\n")
}

pub fn in_memory(text: &str) -> (Builder<App>, MemoryHandle) {
    let (source, document) = MemorySource::new("app", Format::Toml, text);
    (Reloader::builder().source(source), document)
}

/// Runs a test of this binary alone in a process of its own, where nothing else is counted; tells whether this is it.
pub fn is_alone(test: &str) -> Result<bool, Box<dyn std::error::Error>> {
    const CHILD: &str = "RELOADABLE_PROMISE_ALONE";
    if std::env::var_os(CHILD).is_some() {
        return Ok(true);
    }
    let child = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()?;
    let said = [child.stdout, child.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    Ok(false)
}
