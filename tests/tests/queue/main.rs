//! The work queue: what is handed out, when, and to whom.

mod backoff;
mod capacity;
mod delay;
mod end;
mod fairness;
mod given_up;
mod hostile;
mod keys;
mod limit;
mod metrics;
mod model;
mod priority;
mod stats;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reloadable::{Item, Jitter, Key, WorkQueue};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A queue without luck.
pub fn queue<K: Key>() -> WorkQueue<K> {
    WorkQueue::builder().jitter(Jitter::None).build()
}

pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What is there without waiting for it.
pub fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The next item, if there is one now, however many there have been.
pub fn ready<K: Key>(queue: &WorkQueue<K>) -> Option<Item<K>> {
    at_once(tokio::task::unconstrained(queue.next())).flatten()
}

/// All keys that are ready, which are done then.
pub fn rest<K: Key>(queue: &WorkQueue<K>) -> Vec<K> {
    let mut keys = Vec::new();
    while let Some(item) = ready(queue) {
        keys.push(item.key().clone());
        item.done();
    }
    keys
}

/// Far above what anything here takes; where time is paused, it is over at once if nothing happens.
pub async fn in_time<F: Future>(future: F) -> Result<F::Output, tokio::time::error::Elapsed> {
    tokio::time::timeout(Duration::from_secs(60 * 60), future).await
}
