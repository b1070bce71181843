//! What a queue counts.

use std::time::{Duration, Instant};

/// What a [`WorkQueue`](crate::WorkQueue) has done and is doing, as plain data, by the names that Kubernetes' clients use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    pub unfinished_work: Duration,
    /// For how long the key has been worked on that is so for longest.
    pub longest_running_processor: Duration,
}

/// Durations of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DurationStats {
    /// How many there were.
    pub count: u64,
    /// All of them, added up.
    pub total: Duration,
    /// The longest one.
    pub longest: Duration,
}

impl DurationStats {
    fn record(&mut self, duration: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(duration);
        self.longest = self.longest.max(duration);
    }
}

#[derive(Debug)]
pub(super) struct Figures {
    pub(super) adds: u64,
    pub(super) retries: u64,
    waited: DurationStats,
    worked: DurationStats,
    start: Instant,
    /// When the work began that is under way, counted from the start and added up.
    began: Duration,
}

impl Figures {
    pub(super) fn new(start: Instant) -> Self {
        let (waited, worked) = Default::default();
        Self { adds: 0, retries: 0, waited, worked, start, began: Duration::ZERO }
    }

    pub(super) fn taken(&mut self, now: Instant, waited: Duration) {
        self.waited.record(waited);
        self.began = self.began.saturating_add(now.saturating_duration_since(self.start));
    }

    pub(super) fn finished(&mut self, since: Instant, worked: Duration) {
        self.worked.record(worked);
        self.began = self.began.saturating_sub(since.saturating_duration_since(self.start));
    }

    pub(super) fn stats(
        &self,
        now: Instant,
        [depth, delayed, in_work]: [usize; 3],
        longest: Duration,
    ) -> QueueStats {
        let since_start = now.saturating_duration_since(self.start);
        let many = u32::try_from(in_work).unwrap_or(u32::MAX);
        QueueStats {
            depth,
            delayed,
            in_work,
            adds_total: self.adds,
            retries_total: self.retries,
            queue_duration: self.waited,
            work_duration: self.worked,
            unfinished_work: since_start.saturating_mul(many).saturating_sub(self.began),
            longest_running_processor: longest,
        }
    }
}
