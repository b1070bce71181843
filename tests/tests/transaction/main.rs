//! A reload is a transaction: asked, published, told, and gone back from.

mod gates;
mod history;
mod inside;
mod model;
mod outcomes;
mod protection;
mod restart;
mod start;
mod status;
mod told;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reloadable::{Attempt, Builder, Format, MemoryHandle, MemorySource, Outcomes, Reloadable, Reloader};
use reloadable::{ReloadOutcome, Reporter, Veto, VetoCause};
pub use reloadable_tests::waiting::eventually;
use serde::Deserialize;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What most of these tests configure.
#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
#[reload(validate = Self::check)]
pub struct App {
    #[reload(restart)]
    pub listen: u16,
    #[reload(range(..=100))]
    pub workers: u16,
    pub database: Database,
    #[reload(secret)]
    pub token: String,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    pub pool: u16,
    pub url: String,
}

impl App {
    /// A rule across a field that needs a restart and one that does not.
    fn check(&self, report: &mut Reporter<'_>) {
        if self.listen != 0 && self.listen == self.database.pool {
            report.violation_at("database.pool", "distinct", "it is the same number as `listen`");
        }
    }
}

/// A reloader on one document in memory, which is yet to be started.
pub fn app(text: &str) -> (Builder<App>, MemoryHandle) {
    let (source, document) = MemorySource::new("app", Format::Toml, text);
    (Reloader::builder().source(source), document)
}

/// Far above what anything here takes; where time is paused, it is over at once if nothing happens.
pub const DEADLINE: Duration = Duration::from_secs(3_600);

pub async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.expect("it did not happen in time")
}

pub async fn next(outcomes: &mut Outcomes) -> Attempt {
    in_time(outcomes.next()).await.expect("the reloader is still there")
}

/// What happened, in order.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    /// Returns what was noted since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes when it is dropped.
#[derive(Debug)]
pub struct Noting(pub Journal, pub &'static str);

impl Drop for Noting {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// The veto of an outcome that must be one: gate, cause and reason.
pub fn vetoed(outcome: &ReloadOutcome) -> (&str, VetoCause, &str) {
    match outcome {
        ReloadOutcome::Vetoed(veto) => parts(veto),
        outcome => panic!("not vetoed: {outcome}"),
    }
}

fn parts(veto: &Veto) -> (&str, VetoCause, &str) {
    (veto.gate(), veto.cause(), veto.reason())
}
