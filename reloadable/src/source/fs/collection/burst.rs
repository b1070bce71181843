//! Whether files go one by one, or as many of them as only the list and the guard of the informer may judge.
//!
//! Pure: it is told of what goes and of the time.

use std::time::{Duration, Instant};

/// The quiet after which a file that was removed is believed to be gone: the directory may be about to follow.
const QUIET: Duration = Duration::from_millis(20);
/// The longest wait for that.
const LONGEST: Duration = Duration::from_secs(1);
/// The longest wait for that where so many go that it looks like the end of all.
const LONGEST_OF_MANY: Duration = Duration::from_secs(10);
/// What goes within this time after the last one goes together with it.
const TOGETHER: Duration = Duration::from_secs(1);

/// What goes together.
#[derive(Debug, Default)]
pub(super) struct Burst {
    /// When the removals without a pause began, and when the last one was.
    removals: Option<(Instant, Instant)>,
    reckoning: Option<Reckoning>,
}

#[derive(Debug)]
struct Reckoning {
    last: Instant,
    /// How many objects there were before.
    of: usize,
    /// How many of them were told as gone.
    gone: usize,
}

impl Burst {
    /// A file was removed while there were so many objects, or may have been.
    pub(super) fn removed(&mut self, now: Instant, objects: usize) {
        let began = self.removals.filter(|(_, last)| *last + QUIET > now).map_or(now, |(began, _)| began);
        self.removals = Some((began, now));
        self.reckon(now, objects).last = now;
    }

    /// Returns until when nothing is believed to be gone, where `going` more objects may go with the next looks.
    pub(super) fn held_until(&self, now: Instant, going: usize) -> Option<Instant> {
        let (began, last) = self.removals?;
        let is_many = self.reckoning.as_ref().is_some_and(|burst| is_much(burst.gone + going, burst.of));
        let longest = if is_many { LONGEST_OF_MANY } else { LONGEST };
        Some((last + QUIET).min(began + longest)).filter(|until| *until > now)
    }

    /// Tells whether so many objects may be told as gone, where `going` more may go with the next looks. If they may, they
    /// count as told.
    pub(super) fn may_go(&mut self, now: Instant, objects: usize, gone: usize, going: usize) -> bool {
        let burst = self.reckon(now, objects);
        if is_much(burst.gone + gone + going, burst.of) {
            return false;
        }
        (burst.last, burst.gone) = (now, burst.gone + gone);
        true
    }

    /// Everything was listed, so that the guard has seen what is missing.
    pub(super) fn listed(&mut self) {
        self.reckoning = None;
    }

    fn reckon(&mut self, now: Instant, objects: usize) -> &mut Reckoning {
        if self.reckoning.as_ref().is_some_and(|burst| burst.last + TOGETHER <= now) {
            self.reckoning = None;
        }
        self.reckoning.get_or_insert(Reckoning { last: now, of: objects, gone: 0 })
    }
}

/// A removal of so many objects at once is put to the list, and so to the guard of the informer.
fn is_much(gone: usize, of: usize) -> bool {
    (gone >= 2 && gone >= of) || (of >= 10 && gone > of / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_few_at_a_time_are_as_many_as_all_together() {
        let start = Instant::now();
        let mut burst = Burst::default();
        for look in 0..4 {
            assert!(burst.may_go(start + millis(100 * look), 1000 - 125 * look as usize, 125, 0), "{look}");
        }
        assert!(!burst.may_go(start + millis(450), 500, 1, 0));
        // What waits for its look counts as well.
        let mut burst = Burst::default();
        assert!(!burst.may_go(start, 1000, 1, 500));
        assert!(burst.may_go(start, 1000, 500, 0));
    }

    #[test]
    fn what_goes_much_later_is_reckoned_anew() {
        let start = Instant::now();
        let mut burst = Burst::default();
        assert!(burst.may_go(start, 100, 50, 0));
        assert!(!burst.may_go(start + millis(999), 50, 1, 0));
        assert!(burst.may_go(start + millis(1000), 50, 1, 0));
        burst.removed(start + millis(1900), 49);
        assert!(!burst.may_go(start + millis(2800), 49, 25, 0));
        burst.listed();
        assert!(burst.may_go(start + millis(2800), 49, 24, 0));
    }

    #[test]
    fn nothing_is_gone_while_more_goes_without_a_pause_but_not_for_ever() {
        let start = Instant::now();
        let mut burst = Burst::default();
        assert_eq!(burst.held_until(start, 0), None);
        for at in (0..=990).step_by(10) {
            let now = start + millis(at);
            burst.removed(now, 100);
            assert_eq!(burst.held_until(now, 50), Some((now + QUIET).min(start + LONGEST)));
        }
        let now = start + millis(1000);
        assert_eq!(burst.held_until(now, 50), None);
        // More than half of them: that is waited for longer.
        assert_eq!(burst.held_until(now, 51), Some(now + millis(10)));
        assert_eq!(burst.held_until(now + millis(10), 51), None);
    }
}
