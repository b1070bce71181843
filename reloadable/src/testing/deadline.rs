//! How long to wait for what must happen, by a clock that may be paused.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::timeout;

/// Far above what anything takes that is going to happen, so that only a test that fails ever waits for it.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// As many deadlines as a paused clock is given: it passes at once over the times in which nothing happens, and what
/// only a look now and then finds must have been looked for.
const PAUSED: u32 = 360;

/// Waits until the future is ready, or until that long a time has passed on both clocks: on the one of the machine the
/// deadline, on the one of tokio that, or 360 times that. The latter happens only where it is paused, and then at once.
pub(super) async fn within<F: Future>(deadline: Duration, future: F) -> Option<F::Output> {
    let began = Instant::now();
    let mut future = pin!(future);
    for _ in 0..PAUSED {
        if let Ok(output) = timeout(deadline, future.as_mut()).await {
            return Some(output);
        }
        if began.elapsed() >= deadline {
            return None;
        }
    }
    None
}

/// Polls a future up to so many times, each time that it asks for it, and then drops it in the middle of what it does;
/// `None` if it was not ready by then.
pub(super) async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
