//! Who has applied what: acknowledgements, what is waited for, and readiness.

mod acknowledge;
mod crowd;
mod readiness;
mod sections;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reloadable::{Error, Format, MemoryHandle, MemorySource, Reloadable, Reloader};
pub use reloadable_tests::waiting::{DEADLINE, in_time};
use serde::Deserialize;

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub server: Server,
    pub pool: Pool,
}

#[derive(Debug, Deserialize, Reloadable)]
pub struct Server {
    pub port: u16,
}

#[derive(Debug, Deserialize, Reloadable)]
pub struct Pool {
    #[reload(range(..=10_000))]
    pub size: u16,
}

pub fn both(port: u16, size: u16) -> String {
    format!("[server]\nport = {port}\n[pool]\nsize = {size}\n")
}

/// A reloader on one document in memory, `both(80, 1)`.
pub async fn in_memory() -> Result<(Reloader<App>, MemoryHandle), Error> {
    let (source, handle) = MemorySource::new("memory", Format::Toml, both(80, 1));
    Ok((Reloader::builder().source(source).start().await?, handle))
}

/// Publishes another text, and returns its generation.
pub async fn publish(config: &Reloader<App>, handle: &MemoryHandle, text: String) -> u64 {
    handle.replace(text);
    let outcome = config.reload().await;
    assert!(outcome.is_in_force(), "{outcome}");
    config.snapshot().generation()
}

/// Polls once.
pub fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Who has applied `generation` and who has not, as it is without waiting; the time is paused.
pub async fn missing(config: &Reloader<App>, generation: u64) -> Vec<String> {
    match config.wait_applied(generation, Duration::from_millis(1)).await {
        Ok(()) => Vec::new(),
        Err(error) => {
            let violations = error.report().violations().iter();
            violations.map(|violation| format!("{}: {}", violation.code(), violation.message())).collect()
        }
    }
}
