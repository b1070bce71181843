//! When it is time to tell of objects again: all of them once in a period, spread over it.

use std::time::{Duration, Instant};

use crate::backoff::jittered;

/// In so many steps a period is gone through.
const STEPS: u32 = 100;
/// A step is never shorter, so that it is worth to wake up.
const SHORTEST: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Resync<K> {
    period: Duration,
    /// Those whose turn is still to come in this period, the next at the end.
    left: Vec<K>,
    steps_left: u32,
    due: Instant,
}

impl<K> Resync<K> {
    pub(super) fn new(period: Duration, now: Instant) -> Self {
        let mut resync = Self { period, left: Vec::new(), steps_left: 0, due: now };
        resync.due = now + resync.step();
        resync
    }

    /// Returns when the next are due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Returns those that are due by now. `all` is asked at the start of a period.
    pub(super) fn take(&mut self, now: Instant, all: impl FnOnce() -> Vec<K>) -> Vec<K> {
        if self.due > now {
            return Vec::new();
        }
        self.due = now + self.step();
        if self.steps_left == 0 {
            self.left = all();
            self.steps_left = STEPS;
        }
        let count = self.left.len().div_ceil(self.steps_left as usize);
        self.steps_left -= 1;
        self.left.split_off(self.left.len() - count)
    }

    fn step(&self) -> Duration {
        jittered(self.period / STEPS).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_once_in_a_period_and_never_many_at_once() {
        let start = Instant::now();
        let mut resync = Resync::new(Duration::from_secs(100), start);
        let mut turns = vec![0; 1000];
        let mut now = start;
        for _ in 0..3 * STEPS {
            now = resync.due();
            let taken = resync.take(now, || (0..1000).collect());
            assert_eq!(taken.len(), 10);
            assert!(resync.take(now, Vec::new).is_empty(), "not twice");
            for key in taken {
                turns[key] += 1;
            }
        }
        assert!(turns.iter().all(|turns| *turns == 3));
        let took = now - start;
        assert!((270..331).contains(&took.as_secs()), "{took:?}");
    }
}
