//! When to stop trying by oneself: after too many refusals, and where the sources go back and forth.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::status::SuspensionCause;

/// How much is too much; nothing is unless told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Protection {
    pub(crate) refusals: Option<Limit>,
    pub(crate) flaps: Option<Limit>,
}

/// So many within such a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) count: u32,
    pub(crate) window: Duration,
}

/// What happened lately.
#[derive(Debug)]
pub(super) struct Record {
    protection: Protection,
    refusals: VecDeque<Instant>,
    flaps: VecDeque<Instant>,
    /// What was in force, by its fingerprint, and until when.
    before: VecDeque<(Instant, u64)>,
}

/// How many values are remembered, of those that were in force within the window.
const REMEMBERED: usize = 256;

impl Record {
    pub(super) fn new(protection: Protection) -> Self {
        Self { protection, refusals: VecDeque::new(), flaps: VecDeque::new(), before: VecDeque::new() }
    }

    /// A candidate was refused; tells whether that was one too many.
    pub(super) fn refused(&mut self, now: Instant) -> Option<SuspensionCause> {
        let Limit { count, window } = self.protection.refusals?;
        is_too_many(&mut self.refusals, count, window, now)
            .then_some(SuspensionCause::Refusals { count, window })
    }

    /// One value took the place of another; tells whether they have changed places too often.
    pub(super) fn replaced(&mut self, old: u64, new: u64, now: Instant) -> Option<SuspensionCause> {
        let Limit { count, window } = self.protection.flaps?;
        while self.before.front().is_some_and(|(until, _)| now.duration_since(*until) > window) {
            self.before.pop_front();
        }
        let is_back = old != new && self.before.iter().any(|(_, before)| *before == new);
        if self.before.len() == REMEMBERED {
            self.before.pop_front();
        }
        self.before.push_back((now, old));
        let is_flapping = is_back && is_too_many(&mut self.flaps, count, window, now);
        is_flapping.then_some(SuspensionCause::Flapping { count, window })
    }

    /// What happened up to now does not count any more.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.protection);
    }
}

/// Notes one more. There are never more than `count` of them noted.
fn is_too_many(noted: &mut VecDeque<Instant>, count: u32, window: Duration, now: Instant) -> bool {
    while noted.front().is_some_and(|first| now.duration_since(*first) > window) {
        noted.pop_front();
    }
    noted.push_back(now);
    noted.len() >= usize::try_from(count.max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn record() -> Record {
        let limit = Some(Limit { count: 3, window: WINDOW });
        Record::new(Protection { refusals: limit, flaps: limit })
    }

    #[test]
    fn nothing_is_too_much_unless_told() {
        let mut record = Record::new(Protection::default());
        let now = Instant::now();
        for number in 0..100 {
            assert_eq!(record.refused(now), None);
            assert_eq!(record.replaced(number % 2, (number + 1) % 2, now), None);
        }
    }

    #[test]
    fn refusals_count_within_the_window_alone() {
        let mut record = record();
        let start = Instant::now();
        let refused =
            [0, 6, 12, 17, 18, 19].map(|at| record.refused(start + Duration::from_secs(at)).is_some());
        assert_eq!(refused, [false, false, false, false, true, true]);
        record.forget();
        assert_eq!(record.refused(start + Duration::from_secs(20)), None);
    }

    #[test]
    fn going_back_and_forth_is_flapping_and_going_on_is_not() {
        let now = Instant::now();
        let mut record = record();
        for value in 0..20 {
            assert_eq!(record.replaced(value, value + 1, now), None);
        }
        let mut record = self::record();
        let flaps =
            [(1, 2), (2, 1), (1, 2), (2, 1)].map(|(old, new)| record.replaced(old, new, now).is_some());
        assert_eq!(flaps, [false, false, false, true]);
    }

    #[test]
    fn what_was_in_force_long_ago_is_news() {
        let start = Instant::now();
        let mut record = record();
        for hour in 0..20 {
            let now = start + Duration::from_secs(3600 * hour);
            assert_eq!(record.replaced(hour % 2, (hour + 1) % 2, now), None);
        }
    }
}
