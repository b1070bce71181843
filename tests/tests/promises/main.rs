//! The promises of the design, each with a test of its name.

mod growth;
mod publication;
mod refusals;
mod sources;

use std::future::Future;
use std::time::Duration;

use reloadable::{Builder, Format, MemoryHandle, MemorySource, Reloadable, Reloader};
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

/// Far above what anything here takes, so that only a test that fails ever waits for it.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.expect("it did not happen in time")
}

/// Asks again and again until the answer is yes.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + DEADLINE;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "it did not happen in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
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
