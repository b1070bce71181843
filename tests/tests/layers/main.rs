//! Layers of every kind over each other: how their values are named and read, which of them wins, what is told of where
//! a value comes from, and what is told of all that is wrong or suspicious.

mod arrays;
mod depth;
mod env;
mod optional;
mod overrides;
mod profile;
mod provenance;
mod report;
mod secrets;
mod set;
mod unknown;
mod values;

use std::time::Duration;

use reloadable::{
    Builder, Env, Error, Format, MemorySource, Plan, Reloadable, Reloader, Report, Severity, Status,
};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A layer of TOML that nothing changes.
pub fn toml(name: &str, text: &str) -> MemorySource {
    MemorySource::new(name, Format::Toml, text).0
}

/// The environment layer with these variables and the prefix `APP`.
pub fn env<const N: usize>(variables: [(&str, &str); N]) -> Env {
    Env::prefixed("APP").variables(variables)
}

/// Loads what must be valid.
pub fn valid<T: Reloadable>(builder: Builder<T>) -> Result<Plan<T>, Error> {
    builder.check_blocking()
}

/// Loads what must be refused, and returns why.
pub fn refused<T: Reloadable>(builder: Builder<T>) -> Report {
    match builder.check_blocking() {
        Ok(plan) => panic!("it was not refused: {plan}"),
        Err(error) => error.report().clone(),
    }
}

/// One line for each violation: warnings begin with `warning: `.
pub fn lines(report: &Report) -> Vec<String> {
    let line = |violation: &reloadable::Violation| match violation.severity() {
        Severity::Warning => format!("warning: {}", violation.to_string().replace("[warning: ", "[")),
        _ => violation.to_string(),
    };
    report.violations().iter().map(line).collect()
}

pub fn warnings<T: Reloadable>(builder: Builder<T>) -> Result<Vec<String>, Error> {
    Ok(lines(&valid(builder)?.warnings()))
}

/// So seldom that only an event can have told of a change.
pub const NEVER: Duration = Duration::from_secs(3600);

/// Far above what anything here takes, so that only a test that fails ever waits for it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for this status.
pub async fn until<T: Reloadable>(config: &Reloader<T>, what: &str, mut is_so: impl FnMut(&Status) -> bool) {
    let mut statuses = config.subscribe_status();
    let wait = async {
        while !is_so(&config.status()) {
            if statuses.changed().await.is_err() {
                break;
            }
        }
    };
    let in_time = tokio::time::timeout(DEADLINE, wait).await;
    assert!(in_time.is_ok(), "it did not happen in time: {what}: {:#?}", config.status());
}
