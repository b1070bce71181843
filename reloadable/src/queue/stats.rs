//! What a queue counts.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// What a [`WorkQueue`](crate::WorkQueue) has done and is doing, as plain data, by the names that Kubernetes' clients use.
/// Serialized, durations are seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueStats {
    /// How many keys are ready and wait for a worker.
    pub depth: usize,
    /// How many keys are to become ready later: delayed, or held back after a failure.
    pub delayed: usize,
    /// How many keys are worked on.
    pub in_work: usize,
    /// How often a key has become ready. What was added while it was so already is not counted.
    pub adds_total: u64,
    /// How often work on a key has failed.
    pub retries_total: u64,
    /// How many keys have been handed out, and for how long they were ready until then.
    pub queue_duration: DurationStats,
    /// How many keys were worked on to the end, and for how long.
    pub work_duration: DurationStats,
    /// For how long all that is worked on has been so, added up.
    #[serde(serialize_with = "as_seconds")]
    pub unfinished_work: Duration,
    /// For how long the key has been worked on that is so for longest.
    #[serde(serialize_with = "as_seconds")]
    pub longest_running_processor: Duration,
}

/// Durations of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DurationStats {
    /// How many there were.
    pub count: u64,
    /// All of them, added up.
    #[serde(serialize_with = "as_seconds")]
    pub total: Duration,
    /// The longest one.
    #[serde(serialize_with = "as_seconds")]
    pub longest: Duration,
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl DurationStats {
    pub(super) fn record(&mut self, duration: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(duration);
        self.longest = self.longest.max(duration);
    }
}

#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) adds: u64,
    pub(super) retries: u64,
    pub(super) waited: DurationStats,
    pub(super) worked: DurationStats,
}
