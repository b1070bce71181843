//! How a controller is doing.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Serialize, Serializer};

use crate::document::Origin;
use crate::error::SourceError;
use crate::queue::QueueStats;

/// How a [`Controller`](crate::Controller) is doing, as plain data. It [serializes](serde::Serialize) for a status page,
/// with durations in seconds.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ControllerStatus {
    /// Its name.
    pub name: Option<String>,
    /// Whether all informers had their first list, so that it works.
    pub has_started: bool,
    /// Whether nothing is begun any more: it was shut down, or an informer has ended without ever having a list.
    pub has_ended: bool,
    /// While it has not started, the sources of which there is no list yet.
    pub unsynced: Vec<UnsyncedSource>,
    /// How many keys may be worked on at once.
    pub concurrency: usize,
    /// How many keys are worked on.
    pub active: usize,
    /// How many keys were given up.
    pub dead_letters: usize,
    /// How many keys have something new, and wait for room in the queue: see [`capacity`](crate::Controller::capacity).
    pub waiting_for_room: usize,
    /// The queue of keys that are ready, delayed and worked on.
    pub queue: QueueStats,
    /// What has happened so far.
    pub counts: ControllerCounts,
}

/// A source for whose first list a controller waits.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct UnsyncedSource {
    /// The source.
    pub origin: Origin,
    /// What went wrong when it was asked last.
    #[serde(serialize_with = "as_text")]
    pub last_error: Option<SourceError>,
}

impl UnsyncedSource {
    pub(super) fn new(origin: Origin, last_error: Option<SourceError>) -> Self {
        Self { origin, last_error }
    }
}

fn as_text<S: Serializer>(error: &Option<SourceError>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(ToString::to_string).serialize(serializer)
}

/// Asks an informer, which is kept alive by it, for its source if that has no list yet.
pub(super) type AskUnsynced = Box<dyn Fn() -> Option<UnsyncedSource> + Send + Sync>;

/// How often what has happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ControllerCounts {
    /// Runs that succeeded.
    pub succeeded: u64,
    /// Of those, how many asked to come back after a while.
    pub requeued: u64,
    /// Runs that failed, in whatever way.
    pub failed: u64,
    /// Of those, how many will be the same however often they are tried.
    pub permanent: u64,
    /// Of those, how many took too long.
    pub timed_out: u64,
    /// Of those, how many panicked.
    pub panicked: u64,
    /// How often a key became a dead letter.
    pub given_up: u64,
    /// How often a key should have become a dead letter, but there were as many as there may be. It is tried again.
    pub overflowed: u64,
    /// How often code of a key or a function that was given to the controller panicked, where there was nobody to tell. What
    /// it was about has been passed over.
    pub panics: u64,
}

/// Counted by all workers. Nothing is read by one of these from another, so they need no order.
#[derive(Default)]
pub(super) struct Figures {
    waited_for: Mutex<Arc<Vec<AskUnsynced>>>,
    pub(super) has_started: AtomicBool,
    pub(super) never_starts: AtomicBool,
    pub(super) active: AtomicUsize,
    pub(super) waiting_for_room: AtomicUsize,
    pub(super) succeeded: AtomicU64,
    pub(super) requeued: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) permanent: AtomicU64,
    pub(super) timed_out: AtomicU64,
    pub(super) panicked: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) overflowed: AtomicU64,
    pub(super) panics: AtomicU64,
}

impl Figures {
    /// Sets whose first lists it waits for.
    pub(super) fn wait_for(&self, informers: Vec<AskUnsynced>) {
        let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        let before = mem::replace(&mut *waited_for, Arc::new(informers));
        drop(waited_for);
        // With it may go the last of an informer.
        drop(before);
    }

    pub(super) fn unsynced(&self) -> Vec<UnsyncedSource> {
        let waited_for = Arc::clone(&self.waited_for.lock().unwrap_or_else(PoisonError::into_inner));
        waited_for.iter().filter_map(|ask| ask()).collect()
    }

    pub(super) fn counts(&self) -> ControllerCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ControllerCounts {
            succeeded: read(&self.succeeded),
            requeued: read(&self.requeued),
            failed: read(&self.failed),
            permanent: read(&self.permanent),
            timed_out: read(&self.timed_out),
            panicked: read(&self.panicked),
            given_up: read(&self.given_up),
            overflowed: read(&self.overflowed),
            panics: read(&self.panics),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
