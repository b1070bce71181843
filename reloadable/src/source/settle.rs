//! When a burst of hints is over.

use std::time::{Duration, Instant};

use super::Hint;

/// Waits for `quiet` without a hint, but never longer than `max_wait` after the first one. Pure: it is told the time.
#[derive(Debug, Clone)]
pub(crate) struct Burst {
    quiet: Duration,
    max_wait: Duration,
    hints: Option<Hints>,
}

#[derive(Debug, Clone, Copy)]
struct Hints {
    first: Instant,
    due: Instant,
}

impl Burst {
    pub(crate) fn new(quiet: Duration, max_wait: Duration) -> Self {
        Self { quiet, max_wait, hints: None }
    }

    /// Takes a hint into account.
    pub(crate) fn hint(&mut self, hint: Hint, now: Instant) {
        let first = self.hints.map_or(now, |hints| hints.first);
        let due = match hint {
            Hint::Complete => now,
            Hint::Settling => (now + self.quiet).min(first + self.max_wait),
        };
        self.hints = Some(Hints { first, due });
    }

    /// Returns when to look; nothing while there was no hint.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.hints.map(|hints| hints.due)
    }

    /// Forgets the hints, since what they hint at is being looked at.
    pub(crate) fn looked(&mut self) {
        self.hints = None;
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
        let mut burst = Burst::new(QUIET, MAX);
        assert_eq!(burst.due(), None);
        burst.hint(Hint::Settling, start);
        burst.hint(Hint::Settling, at(start, 30));
        assert_eq!(burst.due(), Some(at(start, 80)));
        burst.looked();
        assert_eq!(burst.due(), None);
    }

    #[test]
    fn endless_hints_do_not_wait_for_ever() {
        let start = Instant::now();
        let mut burst = Burst::new(QUIET, MAX);
        for millis in (0..=300).step_by(10) {
            burst.hint(Hint::Settling, at(start, millis));
            assert!(burst.due() <= Some(at(start, 200)));
        }
    }

    #[test]
    fn a_complete_change_is_looked_at_at_once() {
        let start = Instant::now();
        let mut burst = Burst::new(QUIET, MAX);
        burst.hint(Hint::Settling, start);
        burst.hint(Hint::Complete, at(start, 10));
        assert_eq!(burst.due(), Some(at(start, 10)));
    }
}
