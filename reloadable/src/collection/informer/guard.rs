//! When the removal of many objects at once is believed.

use std::time::Duration;

/// When objects that are missing in a list are removed.
///
/// A source that fails in part may list nothing, or only some objects, and say that these are all: a directory whose volume
/// is not mounted, a replica that is not up to date. So where more than a fraction of at least so many objects are
/// missing at once, or all of at least two, they are kept, and the source is listed again after a while. What is missing
/// then as well is removed.
///
/// Single objects of which the source tells that they are gone are always removed.
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
    pub(super) confirm_after: Duration,
}

impl RemovalGuard {
    /// More than half of at least 10 objects, or all of at least two, must be missing for 10 s.
    #[must_use]
    pub fn new() -> Self {
        Self { fraction: 0.5, at_least: 10, confirm_after: Duration::from_secs(10) }
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

    /// Sets for how long they must be missing. By default that is 10 s.
    #[must_use]
    pub fn confirm_after(self, time: Duration) -> Self {
        Self { confirm_after: time, ..self }
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
