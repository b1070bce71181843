//! When the removal of many objects at once is believed.

use std::time::{Duration, Instant};

/// No source is listed more often because of a doubt.
const SHORTEST: Duration = Duration::from_secs(1);

/// When objects that are missing in a list are removed.
///
/// A source that fails in part may list nothing, or only some objects, and say that these are all: a directory whose volume
/// is not mounted, a replica that is not up to date. So where more than a fraction of at least so many objects are
/// missing at once, or all of at least two, they are kept, and the source is listed again after a while. What has been
/// missing for [so long](Self::confirm_after), or where it is everything for [longer](Self::confirm_all_after), is
/// removed.
///
/// That guards against what passes. An empty directory in the place of a volume stays empty, and after that time its
/// objects are removed; whoever never wants that sets [`confirm_all_after`](Self::confirm_all_after) to
/// [`Duration::MAX`]. An only object that is missing in a list is removed at once, and so is each single one of which the
/// source tells that it is gone.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::RemovalGuard;
///
/// let guard = RemovalGuard::new().fraction(0.2).at_least(50).confirm_after(Duration::from_secs(60));
/// # drop(guard);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RemovalGuard {
    fraction: f64,
    at_least: usize,
    confirm_after: Duration,
    confirm_all_after: Duration,
}

impl RemovalGuard {
    /// More than half of at least 10 objects must be missing for 10 s, and all of at least two for 60 s.
    #[must_use]
    pub fn new() -> Self {
        Self {
            fraction: 0.5,
            at_least: 10,
            confirm_after: Duration::from_secs(10),
            confirm_all_after: Duration::from_secs(60),
        }
    }

    /// Believes every list.
    #[must_use]
    pub fn off() -> Self {
        Self { fraction: f64::INFINITY, ..Self::new() }
    }

    /// Sets how large a part of the objects may be missing. By default that is half.
    #[must_use]
    pub fn fraction(self, fraction: f64) -> Self {
        Self { fraction, ..self }
    }

    /// Sets how many objects there must be. By default these are 10. All of fewer, but of more than one, are kept as well.
    #[must_use]
    pub fn at_least(self, objects: usize) -> Self {
        Self { at_least: objects, ..self }
    }

    /// Sets for how long they must be missing. By default that is 10 s. The source is also listed again that often.
    #[must_use]
    pub fn confirm_after(self, time: Duration) -> Self {
        Self { confirm_after: time, ..self }
    }

    /// Sets for how long all objects must be missing. By default that is 60 s; with [`Duration::MAX`] they are never
    /// removed by a list.
    #[must_use]
    pub fn confirm_all_after(self, time: Duration) -> Self {
        Self { confirm_all_after: time, ..self }
    }

    /// Returns when objects are believed to be gone that have been missing since then, of which there are so many `of` all;
    /// nothing if that is never.
    pub(super) fn until(&self, since: Instant, missing: usize, of: usize) -> Option<Instant> {
        let wait = if missing >= of { self.confirm_all_after } else { self.confirm_after };
        since.checked_add(wait)
    }

    /// Returns when to look again at what is doubted: it may have come back.
    pub(super) fn look_at(&self, now: Instant) -> Option<Instant> {
        now.checked_add(self.confirm_after.max(SHORTEST))
    }

    /// Tells whether so many objects `of` all may not be removed by one list alone.
    pub(super) fn doubts(&self, missing: usize, of: usize) -> bool {
        if self.fraction == f64::INFINITY {
            return false;
        }
        let is_many = of >= self.at_least && missing as f64 > of as f64 * self.fraction;
        missing > 0 && (is_many || (missing >= of && of >= 2))
    }
}

impl Default for RemovalGuard {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubts_what_is_more_than_half_or_everything() {
        let guard = RemovalGuard::new();
        let doubted = [(6, 10), (100, 100), (9, 9), (2, 2)];
        let believed = [(0, 0), (0, 10), (5, 10), (8, 9), (1, 1), (50, 100)];
        assert!(doubted.iter().all(|(missing, of)| guard.doubts(*missing, *of)));
        assert!(!believed.iter().any(|(missing, of)| guard.doubts(*missing, *of)));
        assert!(!RemovalGuard::off().doubts(100, 100));
    }
}
