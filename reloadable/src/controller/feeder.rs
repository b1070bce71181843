//! From what informers tell to keys in the queue.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::watch;

use super::status::count;
use super::work::{Contained, Core, Phase, before};
use crate::collection::{Event, Informer};
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::queue::{Add, AddError, Priority};

/// Remembers what was removed, and returns the key that is to be looked at.
pub(super) fn own_key<T: Reloadable, K: Key>(core: &Core<T, K>, event: Event<K, T>) -> Vec<K> {
    let key = event.key().cloned();
    // It may be the last of the object.
    let _ = guarded::<T, _>("dropping an object", || match event {
        Event::Removed { key, last, .. } => drop(core.records.removed(&key, last)),
        other => drop(other),
    });
    key.into_iter().collect()
}

/// Returns the keys of those that own what has changed.
pub(super) fn keys_of_owners<K, U, J: Key, O: IntoIterator<Item = K>>(
    owners: impl Fn(&J, &U) -> O,
    event: &Event<J, U>,
) -> Vec<K> {
    let mut keys = Vec::new();
    match event {
        Event::Added { key, object } | Event::Resync { key, object } => keys.extend(owners(key, object)),
        // Who owned it before has to know as well.
        Event::Modified(modified) => {
            keys.extend(owners(modified.key(), modified.previous()));
            keys.extend(owners(modified.key(), modified.current()));
        }
        Event::Removed { key, last, .. } => keys.extend(owners(key, last)),
        Event::Snapshot { .. } => {}
    }
    keys
}

/// Adds the keys that are returned for what an informer tells.
pub(super) async fn feed<T: Reloadable, K: Key, U: Reloadable, J: Key>(
    core: Arc<Core<T, K>>,
    informer: Informer<U, J>,
    mut keys_of: impl FnMut(&Core<T, K>, Event<J, U>) -> Vec<K> + Send,
    mut phase: watch::Receiver<Phase>,
) {
    let mut latest = informer.latest();
    let mut first = None;
    let mut keys_of = |event| {
        let keys = catch_unwind(AssertUnwindSafe(|| keys_of(&core, event)));
        keys.unwrap_or_else(|_| {
            count(&core.figures.panics);
            Vec::new()
        })
    };
    while let Some(event) = before(&mut phase, Phase::Stopping, latest.next()).await {
        let Ok(event) = event else { return };
        let first = first.get_or_insert_with(|| informer.lister().len());
        let (add, is_resync) = match &event {
            Event::Added { .. } if *first > 0 => (Add::new().priority(Priority::Low), false),
            Event::Resync { .. } => (Add::new().priority(Priority::Low).respecting_backoff(), true),
            _ => (Add::new(), false),
        };
        *first = first.saturating_sub(1);
        let mut keys = keys_of(event).into_iter();
        while let Some(key) = keys.next() {
            // What was given up stays so until there is something new.
            if is_resync && core.letters.has(&key) {
                continue;
            }
            if let Some(key) = enqueue(&core, key, add, &mut phase).await {
                core.leave(std::iter::once(key).chain(keys));
                break;
            }
        }
    }
    // What there was no room for is told as left.
    while let Some(Ok(event)) = at_once(latest.next()).await {
        if !matches!(event, Event::Resync { .. }) {
            core.leave(keys_of(event));
        }
    }
}

/// Waits for room in the queue. Meanwhile what informers tell is merged. Returns the key if the end came first.
async fn enqueue<T: Reloadable, K: Key>(
    core: &Core<T, K>,
    key: K,
    add: Add,
    phase: &mut watch::Receiver<Phase>,
) -> Option<K> {
    let spare = key.clone();
    let Ok(adding) = Contained::new(|| core.queue.add_with(key, add)) else { return None };
    match before(phase, Phase::Stopping, adding).await {
        Some(Ok(added)) => added.err().map(AddError::into_key),
        Some(Err(_)) => {
            count(&core.figures.panics);
            None
        }
        None => Some(spare),
    }
}

/// What is there without waiting for it.
async fn at_once<R>(run: impl Future<Output = R>) -> Option<R> {
    let mut run = pin!(tokio::task::unconstrained(run));
    poll_fn(|context| match run.as_mut().poll(context) {
        Poll::Ready(ready) => Poll::Ready(Some(ready)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
