//! What sets off a reload from outside, and how a reloader is seen from there.

mod controller;
mod informer;
mod metrics;
mod signal;
mod systemd;
mod tracing;
mod trigger;

use reloadable::{Builder, Format, MemoryHandle, MemorySource, Refusal, Reloadable, Reloader, Secret};
pub use reloadable_tests::waiting::{DEADLINE, eventually, in_time};
use serde::Deserialize;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Every value that is ever in a document here has this in it, or is this number.
pub const MARK: &str = "qvx";
pub const NUMBER: u64 = 735_117;

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct App {
    #[reload(restart)]
    pub listen: String,
    #[reload(range(..=900_000))]
    pub limit: u64,
    pub database: Database,
    #[reload(secret)]
    pub token: String,
    pub password: Secret<String>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Database {
    #[reload(length(..=40))]
    pub url: String,
}

/// A document that is valid, and another for each number.
pub fn document(number: u64) -> String {
    listening_on("a", number)
}

/// The same with a field that needs a restart.
pub fn listening_on(listen: &str, number: u64) -> String {
    format!(
        "listen = \"{MARK}-listen-{listen}\"\nlimit = {NUMBER}\ntoken = \"{MARK}-token-{number}\"\n\
         password = \"{MARK}-password-{number}\"\n[database]\nurl = \"{MARK}-url-{number}\"\n"
    )
}

/// Refused for more than one reason, all of which have values in what they say.
pub fn invalid() -> String {
    document(1)
        .replace(&NUMBER.to_string(), &format!("{NUMBER}00"))
        .replace("-url-", &format!("-{}-", "long".repeat(20)))
}

/// What no log, label or line may have in it.
pub fn assert_without_values(text: &str) {
    for value in [MARK, &NUMBER.to_string(), "longlong"] {
        assert!(!text.contains(value), "`{value}` is in:\n{text}");
    }
}

/// A layer in memory, and a gate that refuses when it is told so by a URL.
pub fn in_memory() -> (Builder<App>, MemoryHandle) {
    let (source, handle) = MemorySource::new("memory", Format::Toml, document(0));
    let builder =
        Reloader::<App>::builder().source(source).secrets().gate("database", |candidate| async move {
            let Database { url } = &candidate.value().database;
            let is_away = url.ends_with("-666");
            let token = &candidate.value().token;
            ::tracing::info!("the gate is asked");
            if is_away { Err(Refusal::new(format!("no database for {token}"))) } else { Ok(()) }
        });
    (builder, handle)
}

const INNER: &str = "RELOADABLE_OBSERVE_INNER";

pub fn is_inner() -> bool {
    std::env::var_os(INNER).is_some()
}

/// Runs the test of this name in a process of its own, and there `inner`: signals and the environment are the process's.
pub fn alone(test: &str, variables: &[(&str, &str)], inner: impl FnOnce() -> Outcome) -> Outcome {
    if is_inner() {
        return inner();
    }
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INNER, "1")
        .env_remove("NOTIFY_SOCKET")
        .envs(variables.iter().copied())
        .output()?;
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{}:\n{text}", output.status);
    Ok(())
}
