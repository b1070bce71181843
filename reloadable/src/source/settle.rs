//! When a burst of hints is over.

use std::time::{Duration, Instant};

use super::Hint;

/// Waits for `quiet` without a hint, but never longer than `max_wait` after the first one. Pure: it is told the time.
#[derive(Debug, Clone)]
pub(crate) struct Settle {
    quiet: Duration,
    max_wait: Duration,
    burst: Option<Burst>,
}

#[derive(Debug, Clone, Copy)]
struct Burst {
    first: Instant,
    due: Instant,
}

impl Settle {
    pub(crate) fn new(quiet: Duration, max_wait: Duration) -> Self {
        Self { quiet, max_wait, burst: None }
    }

    /// Takes a hint into account.
    pub(crate) fn hint(&mut self, hint: Hint, now: Instant) {
        let first = self.burst.map_or(now, |burst| burst.first);
        let due = match hint {
            Hint::Complete => now,
            Hint::Settling => (now + self.quiet).min(first + self.max_wait),
        };
        self.burst = Some(Burst { first, due });
    }

    /// Returns when to look; nothing while there was no hint.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.burst.map(|burst| burst.due)
    }

    /// Forgets the hints, since what they hint at is being looked at.
    pub(crate) fn looked(&mut self) {
        self.burst = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(50);
    const MAX: Duration = Duration::from_millis(200);

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_over_after_a_quiet_moment() {
        let start = Instant::now();
        let mut settle = Settle::new(QUIET, MAX);
        assert_eq!(settle.due(), None);
        settle.hint(Hint::Settling, start);
        settle.hint(Hint::Settling, at(start, 30));
        assert_eq!(settle.due(), Some(at(start, 80)));
        settle.looked();
        assert_eq!(settle.due(), None);
    }

    #[test]
    fn endless_hints_do_not_wait_for_ever() {
        let start = Instant::now();
        let mut settle = Settle::new(QUIET, MAX);
        for millis in (0..=300).step_by(10) {
            settle.hint(Hint::Settling, at(start, millis));
            assert!(settle.due() <= Some(at(start, 200)));
        }
    }

    #[test]
    fn a_complete_change_is_looked_at_at_once() {
        let start = Instant::now();
        let mut settle = Settle::new(QUIET, MAX);
        settle.hint(Hint::Settling, start);
        settle.hint(Hint::Complete, at(start, 10));
        assert_eq!(settle.due(), Some(at(start, 10)));
    }
}
