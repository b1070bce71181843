//! Waiting for what must happen: with a deadline, and never for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// Far above what anything here takes, so that only a test that fails ever waits for it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// # Panics
///
/// Panics if it takes longer.
pub async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.expect("it did not happen in time")
}

/// Asks again and again until the answer is yes. The deadline is on the clock of the machine, so that a paused one may run.
///
/// # Panics
///
/// Panics if that takes longer.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not happen in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
