//! How long to wait for the rest of a change, and when a burst of hints is over.

use std::time::{Duration, Instant};

use super::Hint;

/// The shortest quiet there is: it outlasts a writer that loses its turn between two system calls, 4 to 5 ms on a
/// loaded machine, and keeps something that never is quiet from being read without a pause.
pub(super) const SHORTEST_QUIET: Duration = Duration::from_millis(5);

/// Outlasts the pauses between the messages that make up one change of a source that cannot tell where it ends.
const QUIET_BETWEEN_HINTS: Duration = Duration::from_millis(50);

/// A year: in effect never, and yet a time that can be added to any other.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long to wait, after something has changed, for the rest of the change.
///
/// Where it is known that a change is complete, `Fast` and `Balanced` do not wait: where a file, a link to it or a
/// directory above it was replaced by a rename, and where a file was closed after writing. A file that is still open
/// for writing is left alone until it is closed, or until nothing was written for 1 s. What remains, such as a file that
/// was deleted or created, or was changed on a platform that does not tell of the close, needs a moment of quiet.
///
/// | | replaced | closed | anything else | hints of other sources |
/// |---|---|---|---|---|
/// | `Fast` | at once | at once | 5 ms | 5 ms |
/// | `Balanced` | at once | at once, unless suspicious or busy | 20 ms | 50 ms |
/// | `Quiet(d)` | `d` | `d` | `d` | `d` |
///
/// A file is *suspicious* if what stands in it may be half of something: it was written in place, its format does not
/// say where it ends (as TOML does not), and it is shorter than what is in force, or empty, or its last newline is
/// gone. It is believed if it still stands after 50 ms of quiet, counted from the last event, and no sooner than 20 ms
/// after it was found suspicious. A file that was replaced never is. A file is *busy* if it began to change within
/// 100 ms of the last look at it: then its close needs 20 ms of quiet.
///
/// Nothing waits longer than the longest wait of the reloader, except for a file that is open for writing.
///
/// # Examples
///
/// A tool writes the file in several steps, and opens and closes it for each, up to 200 ms apart. No close says that
/// it was the last, so wait until it has been quiet for longer than that.
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::Settle;
///
/// let settle = Settle::quiet(Duration::from_millis(300));
/// assert_eq!(settle, Settle::Quiet(Duration::from_millis(300)));
/// assert_eq!(Settle::default(), Settle::Balanced);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Settle {
    /// Takes every close as the end of a change, and 5 ms of quiet where there is none. For files that are always
    /// replaced by a rename, or written in one step.
    Fast,
    /// Waits only where a change may be incomplete.
    #[default]
    Balanced,
    /// Waits, whatever has happened, until it has been quiet for this long, at least 5 ms. For files that are written
    /// in several steps. The longest wait of the reloader, 1 s unless set, must be longer, or it ends the quiet. A file
    /// that is polled is believed after 50 ms at the earliest.
    Quiet(Duration),
}

impl Settle {
    /// Returns [`Settle::Quiet`]: waits until it has been quiet for `duration`.
    pub const fn quiet(duration: Duration) -> Self {
        Self::Quiet(duration)
    }

    /// Returns how long it must be quiet between the hints of a source other than a file.
    pub(crate) fn between_hints(self) -> Duration {
        match self {
            Self::Fast => SHORTEST_QUIET,
            Self::Balanced => QUIET_BETWEEN_HINTS,
            Self::Quiet(quiet) => quiet.max(SHORTEST_QUIET),
        }
    }
}

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
            Hint::Settling => after(now, self.quiet).min(after(first, self.max_wait)),
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

/// Returns the time that is `wait` after `time`, however long that is.
pub(super) fn after(time: Instant, wait: Duration) -> Instant {
    time.checked_add(wait.min(LONGEST)).unwrap_or(time)
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

    #[test]
    fn a_burst_waits_as_the_user_chose() {
        let due = |settle: Settle| {
            let start = Instant::now();
            let mut burst = Burst::new(settle.between_hints(), MAX);
            burst.hint(Hint::Settling, start);
            burst.due().unwrap() - start
        };
        assert_eq!(due(Settle::Fast), Duration::from_millis(5));
        assert_eq!(due(Settle::Balanced), Duration::from_millis(50));
        assert_eq!(due(Settle::quiet(Duration::from_millis(70))), Duration::from_millis(70));
        assert_eq!(due(Settle::quiet(Duration::ZERO)), Duration::from_millis(5));
        assert_eq!(due(Settle::quiet(Duration::MAX)), MAX);
    }

    #[test]
    fn a_wait_without_end_can_be_added_to_any_time() {
        let start = Instant::now();
        let mut burst = Burst::new(Duration::MAX, Duration::MAX);
        burst.hint(Hint::Settling, start);
        assert!(burst.due() > Some(at(start, 1_000_000)));
    }
}
