//! How long to wait for what must happen, by a clock that may be paused.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

/// Far above what anything takes that is going to happen, so that only a test that fails ever waits for it.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// Waits until the future is ready, or until one of two times has passed: `deadline` on the clock of the machine, or
/// `paused` on that of tokio, which must be the longer one. It comes first only where that clock is paused, and then at
/// once when nothing more happens by itself.
pub(super) async fn within<F: Future>(deadline: Duration, paused: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    if let Poll::Ready(output) = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        return Some(output);
    }
    let alarm = Alarm::set(deadline);
    let mut rung = pin!(alarm.rung.notified());
    let either = poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => rung.as_mut().poll(context).map(|()| None),
    });
    timeout(paused, either).await.ok().flatten()
}

/// Rings when a time has passed on the clock of the machine. A task that is always busy keeps a paused clock where it is,
/// so nothing of the runtime could.
struct Alarm {
    rung: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
    is_off: Arc<AtomicBool>,
}

impl Alarm {
    fn set(after: Duration) -> Self {
        let (rung, is_off) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (ring, off) = (Arc::clone(&rung), Arc::clone(&is_off));
        let began = Instant::now();
        let waiting = thread::Builder::new().name("deadline".to_owned()).spawn(move || {
            while !off.load(Ordering::Relaxed) {
                match after.checked_sub(began.elapsed()) {
                    None | Some(Duration::ZERO) => return ring.notify_one(),
                    Some(left) => thread::park_timeout(left),
                }
            }
        });
        // Without a thread, the timeout is all there is.
        Self { rung, thread: waiting.ok(), is_off }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.is_off.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It ends at once, and is not counted with what others leave.
            let _ = thread.join();
        }
    }
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_passes_over_all_that_is_waited_for() {
        let began = Instant::now();
        let slept = within(HOUR, HOUR * 3, tokio::time::sleep(HOUR * 2)).await;
        assert_eq!((slept, within(HOUR, HOUR * 3, pending::<()>()).await), (Some(()), None));
        assert!(began.elapsed() < HOUR);
    }

    #[tokio::test]
    async fn a_running_clock_ends_a_wait() {
        assert_eq!(within(SHORT, HOUR, pending::<()>()).await, None);
        assert_eq!(within(HOUR, HOUR, tokio::time::sleep(SHORT)).await, Some(()));
    }

    /// The clock of tokio stands still then, and that of the machine does not.
    #[tokio::test(start_paused = true)]
    async fn a_task_that_is_always_busy_does_not_keep_a_wait_from_its_end() {
        let busy = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(within(SHORT, HOUR, pending::<()>()).await, None);
        busy.abort();
    }

    #[tokio::test]
    async fn a_future_is_dropped_after_so_many_polls() {
        let mut polls = 0;
        let endless = poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!(polled(endless, 3).await, None);
        assert_eq!((polls, polled(async { 7 }, 1).await, polled(async { 7 }, 0).await), (3, Some(7), None));
    }
}
