//! How a controller is doing.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::queue::QueueStats;

/// How a [`Controller`](crate::Controller) is doing, as plain data.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ControllerStatus {
    /// Its name.
    pub name: Option<String>,
    /// Whether all informers had their first list, so that it works.
    pub has_started: bool,
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

/// How often what has happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) has_started: AtomicBool,
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
