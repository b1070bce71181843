//! When a file may be looked at, and whether what is seen there is believed.
//!
//! Pure: it is told of the events, the looks and the time, and answers when to look next.

use std::time::{Duration, Instant};

use crate::source::Settle;
use crate::source::settle::{SHORTEST_QUIET, after};

/// The quiet that ends a change of which no event tells the end: it outlasts the pause between the steps of one save,
/// as of `rm` and `ln -s`, and measured up to 10 ms between commands of one script.
const QUIET: Duration = Duration::from_millis(20);

/// The quiet after which a suspicious file is believed, counted from the last signal: it outlasts the pause in which a
/// script that appends with one command after the other has the file closed. At least `QUIET` of it comes after the
/// look that doubted.
const DOUBT: Duration = Duration::from_millis(50);

/// How soon after a look a file must change again to be busy: it outlasts the pause between two rewrites by a writer
/// that does nothing else, so that none of its closes is taken for the last.
const BUSY: Duration = Duration::from_millis(100);

/// The silence after which a file that was not closed is looked at all the same: it outlasts a writer that pauses
/// with the file open, measured with pauses of 400 ms.
const SILENCE: Duration = Duration::from_secs(1);

/// What the events that came for a file mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// The file or something on the way to it, a link or a directory, was renamed into its place.
    Replaced,
    /// The file was closed after writing.
    Closed,
    /// The file is being written.
    Written,
    /// The name has appeared.
    Appeared,
    /// The name is gone.
    Removed,
    /// Its mode, owner or times were changed.
    Metadata,
    /// Events may have been lost, so that nothing is known.
    Lost,
}

/// What a look has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The content counts.
    Believed,
    /// It may be half of something.
    Suspicious,
    /// It changed while it was read.
    Unstable,
}

/// The pace the user chose, with its times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    replaced: Duration,
    closed: Duration,
    closed_while_busy: Duration,
    otherwise: Duration,
    silence: Duration,
    max_wait: Duration,
    doubts: bool,
    reports_closes: bool,
}

impl Pace {
    /// `reports_closes` is whether the platform tells when a file is closed after writing.
    pub(super) fn new(settle: Settle, max_wait: Duration, reports_closes: bool) -> Self {
        let fast = Self {
            replaced: Duration::ZERO,
            closed: Duration::ZERO,
            closed_while_busy: Duration::ZERO,
            otherwise: SHORTEST_QUIET,
            silence: SILENCE,
            // A file that changes at every look would otherwise be read without a pause.
            max_wait: max_wait.max(SHORTEST_QUIET),
            doubts: false,
            reports_closes,
        };
        match settle {
            Settle::Fast => fast,
            Settle::Balanced => Self { closed_while_busy: QUIET, otherwise: QUIET, doubts: true, ..fast },
            Settle::Quiet(quiet) => {
                let quiet = quiet.max(SHORTEST_QUIET);
                Self {
                    replaced: quiet,
                    closed: quiet,
                    closed_while_busy: quiet,
                    otherwise: quiet,
                    silence: quiet.max(SILENCE),
                    ..fast
                }
            }
        }
    }
}

impl Pace {
    /// Returns what to make of a file that polling finds changed: no event tells more, so it has to be quiet for the
    /// longer of the times.
    pub(super) fn polled(&self) -> Verdict {
        if self.otherwise > DOUBT { Verdict::Unstable } else { Verdict::Suspicious }
    }
}

/// What one file waits for before it is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Settling {
    pending: Option<Pending>,
    /// The last look, until the first signal after it has been held against it.
    looked_at: Option<Instant>,
    /// Whether the first signal since the last look came soon after it.
    busy: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    state: State,
    /// When the burst began that has not been looked at for the longest wait.
    first: Instant,
    /// Since when it has been quiet: the last signal, or a look that counts as one.
    last: Instant,
    /// Whether a look of this burst was suspicious.
    suspected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Complete, because it was put there as a whole.
    Replaced,
    /// Complete, if nobody opens it again.
    Closed,
    /// Waits for the close.
    Writing,
    /// Waits for quiet.
    Changing,
    /// Waits for quiet, to be believed then.
    Doubted,
}

impl Settling {
    /// Takes a signal into account.
    pub(super) fn signal(&mut self, signal: Signal, now: Instant, pace: &Pace) {
        let before = self.pending.map(|pending| pending.state);
        let state = match (signal, before) {
            (Signal::Replaced, _) => State::Replaced,
            (Signal::Closed, _) => State::Closed,
            (Signal::Written, _) if pace.reports_closes => State::Writing,
            (Signal::Appeared | Signal::Removed, Some(State::Writing)) => State::Writing,
            // It changes no content, and a look is due that will see it.
            (Signal::Metadata, Some(_)) => return,
            _ => State::Changing,
        };
        if let Some(looked_at) = self.looked_at.take() {
            self.busy = now.saturating_duration_since(looked_at) <= BUSY;
        }
        let pending = self.pending.get_or_insert(Pending { state, first: now, last: now, suspected: false });
        pending.state = state;
        pending.last = now;
    }

    /// Returns when to look; nothing while nothing is pending.
    pub(super) fn due(&self, pace: &Pace) -> Option<Instant> {
        let pending = self.pending?;
        let wait = match pending.state {
            State::Replaced => pace.replaced,
            State::Closed if self.busy => pace.closed_while_busy,
            State::Closed => pace.closed,
            State::Changing => pace.otherwise,
            State::Writing => return Some(after(pending.last, pace.silence)),
            State::Doubted => return Some(after(pending.last, DOUBT)),
        };
        Some(after(pending.last, wait).min(after(pending.first, pace.max_wait)))
    }

    /// Tells whether something has changed since the last look that was believed.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Tells whether the first signal since the last look came soon after it.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Tells whether it was put there as a whole.
    pub(super) fn is_replaced(&self) -> bool {
        self.pending.is_some_and(|pending| pending.state == State::Replaced)
    }

    /// Tells whether it waits for the close.
    pub(super) fn is_being_written(&self) -> bool {
        self.pending.is_some_and(|pending| pending.state == State::Writing)
    }

    /// Tells whether a look has been put off for as long as it may be.
    pub(super) fn is_forced(&self, now: Instant, pace: &Pace) -> bool {
        self.pending.is_some_and(|pending| after(pending.first, pace.max_wait) <= now)
    }

    /// Tells whether a look now may disbelieve a suspicious file. One that was put there as a whole is not doubted, even
    /// if it has the number of an inode that was removed. Another was doubted long enough when it is due again.
    pub(super) fn doubts(&self, now: Instant, pace: &Pace) -> bool {
        let stands = |pending: Pending| {
            pending.state == State::Replaced || (pending.suspected && after(pending.last, DOUBT) <= now)
        };
        pace.doubts && !self.pending.is_some_and(stands)
    }

    /// Takes a look into account, which need not have been due.
    pub(super) fn looked(&mut self, verdict: Verdict, now: Instant, pace: &Pace) {
        self.looked_at = Some(now);
        let state = match verdict {
            Verdict::Believed => {
                self.pending = None;
                return;
            }
            Verdict::Suspicious => State::Doubted,
            Verdict::Unstable => State::Changing,
        };
        // A burst that had its look after the longest wait begins to wait anew, or it would be looked at for ever
        // without a pause.
        let waited = |first: &Instant| after(*first, pace.max_wait) <= now;
        let first = self.pending.map(|pending| pending.first).filter(|first| !waited(first)).unwrap_or(now);
        let last = match self.pending {
            // It was quiet before the look too, but what nothing told of yet may have changed just now.
            Some(pending) if verdict == Verdict::Suspicious => {
                pending.last.max(now.checked_sub(DOUBT - QUIET).unwrap_or(now))
            }
            _ => now,
        };
        let suspected =
            verdict == Verdict::Suspicious || self.pending.is_some_and(|pending| pending.suspected);
        self.pending = Some(Pending { state, first, last, suspected });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX_WAIT: Duration = Duration::from_secs(1);

    /// A file at a pace, with all times in milliseconds.
    struct File {
        pace: Pace,
        settling: Settling,
        start: Instant,
    }

    impl File {
        fn at(pace: Pace) -> Self {
            Self { pace, settling: Settling::default(), start: Instant::now() }
        }

        fn paced(settle: Settle) -> Self {
            Self::at(Pace::new(settle, MAX_WAIT, true))
        }

        fn balanced() -> Self {
            Self::paced(Settle::Balanced)
        }

        fn quiet(millis: u64) -> Self {
            Self::paced(Settle::quiet(Duration::from_millis(millis)))
        }

        fn time(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }

        /// Returns when to look after the signal.
        fn signal(&mut self, millis: u64, signal: Signal) -> u64 {
            self.settling.signal(signal, self.time(millis), &self.pace);
            assert!(self.settling.is_pending());
            self.due().unwrap()
        }

        /// Returns when to look again, if the verdict leaves something to look at.
        fn looked(&mut self, millis: u64, verdict: Verdict) -> Option<u64> {
            self.settling.looked(verdict, self.time(millis), &self.pace);
            self.due()
        }

        fn due(&self) -> Option<u64> {
            let due = self.settling.due(&self.pace)?.saturating_duration_since(self.start);
            Some(due.as_millis().try_into().unwrap())
        }

        fn doubts(&self, millis: u64) -> bool {
            self.settling.doubts(self.time(millis), &self.pace)
        }
    }

    use Signal::{Appeared, Closed, Lost, Metadata, Removed, Replaced, Written};
    use Verdict::{Believed, Suspicious, Unstable};

    #[test]
    fn a_file_without_signals_waits_for_nothing() {
        let file = File::balanced();
        assert!(!file.settling.is_pending());
        assert_eq!(file.due(), None);
        assert!(file.doubts(0));
    }

    #[test]
    fn a_believed_look_settles_it() {
        for signal in [Replaced, Closed, Written, Appeared, Removed, Metadata, Lost] {
            let mut file = File::balanced();
            file.signal(0, signal);
            assert_eq!(file.looked(5, Believed), None);
            assert!(!file.settling.is_pending());
        }
    }

    #[test]
    fn a_replaced_file_is_looked_at_at_once() {
        let mut file = File::balanced();
        assert_eq!(file.signal(0, Replaced), 0);
        assert_eq!(file.looked(0, Believed), None);
        // However busy it is.
        assert_eq!(file.signal(1, Replaced), 1);
    }

    #[test]
    fn a_closed_file_is_looked_at_at_once() {
        let mut file = File::balanced();
        assert_eq!(file.signal(0, Written), 1000);
        assert_eq!(file.signal(300, Closed), 300);
    }

    #[test]
    fn a_busy_file_needs_quiet_after_its_close() {
        let mut file = File::balanced();
        file.signal(0, Closed);
        file.looked(0, Believed);
        file.signal(100, Written);
        assert_eq!(file.signal(130, Closed), 150);
        assert_eq!(file.signal(140, Closed), 160);
        file.looked(160, Believed);
        file.signal(261, Written);
        assert_eq!(file.signal(262, Closed), 262);
    }

    #[test]
    fn a_file_is_busy_by_the_first_signal_after_a_look() {
        let mut file = File::balanced();
        file.signal(0, Closed);
        file.looked(0, Suspicious);
        assert_eq!(file.signal(10, Closed), 30);
        file.looked(30, Suspicious);
        file.looked(80, Believed);
        file.signal(181, Written);
        assert_eq!(file.signal(182, Closed), 182);
    }

    #[test]
    fn a_file_being_written_waits_for_its_close_or_a_second_of_silence() {
        let mut file = File::balanced();
        for millis in (0..5000).step_by(900) {
            assert_eq!(file.signal(millis, Written), millis + 1000);
        }
        assert_eq!(file.looked(5500, Believed), None);
    }

    #[test]
    fn anything_else_needs_a_moment_of_quiet() {
        for signal in [Appeared, Removed, Metadata, Lost] {
            let mut file = File::balanced();
            assert_eq!(file.signal(0, signal), 20);
        }
        let mut file = File::balanced();
        file.signal(0, Removed);
        assert_eq!(file.signal(15, Appeared), 35);
    }

    #[test]
    fn later_signals_decide_anew() {
        let mut file = File::balanced();
        assert_eq!(file.signal(0, Replaced), 0);
        assert_eq!(file.signal(1, Removed), 21);
        assert_eq!(file.signal(2, Appeared), 22);
        assert_eq!(file.signal(3, Written), 1003);
        assert_eq!(file.signal(4, Closed), 4);
        assert_eq!(file.signal(5, Written), 1005);
        assert_eq!(file.signal(6, Replaced), 6);
        assert_eq!(file.signal(7, Lost), 27);
    }

    #[test]
    fn removal_and_creation_do_not_end_a_write() {
        let mut file = File::balanced();
        file.signal(0, Written);
        assert_eq!(file.signal(10, Removed), 1010);
        assert_eq!(file.signal(20, Appeared), 1020);
        assert_eq!(file.signal(30, Closed), 30);
    }

    #[test]
    fn lost_events_end_a_write_since_its_close_may_be_among_them() {
        let mut file = File::balanced();
        file.signal(0, Written);
        assert_eq!(file.signal(10, Lost), 30);
    }

    #[test]
    fn metadata_alone_takes_no_certainty_away() {
        for (signal, due) in [(Replaced, 0), (Closed, 0), (Written, 1000), (Removed, 20), (Lost, 20)] {
            let mut file = File::balanced();
            file.signal(0, signal);
            assert_eq!(file.signal(5, Metadata), due, "{signal:?}");
        }
        let mut file = File::balanced();
        file.looked(0, Suspicious);
        assert_eq!(file.signal(5, Metadata), 50);
        assert!(!file.doubts(50));
    }

    #[test]
    fn endless_signals_do_not_hold_up_a_look() {
        for signal in [Removed, Appeared, Lost, Closed] {
            let mut file = File::balanced();
            file.looked(0, Believed);
            for millis in (10..=1000).step_by(10) {
                assert_eq!(file.signal(millis, signal), (millis + 20).min(1010), "{signal:?}");
            }
            assert_eq!(file.looked(1010, Believed), None);
            assert_eq!(file.signal(1015, signal), 1035, "a new burst");
        }
    }

    #[test]
    fn a_long_write_is_looked_at_as_soon_as_it_is_none() {
        let mut file = File::balanced();
        for millis in (0..=2000).step_by(500) {
            file.signal(millis, Written);
        }
        assert!(file.signal(2001, Lost) <= 2001);
    }

    #[test]
    fn a_suspicious_file_is_believed_after_50_ms_of_quiet() {
        let mut file = File::balanced();
        file.signal(0, Closed);
        assert!(file.doubts(0));
        assert_eq!(file.looked(0, Suspicious), Some(50));
        assert!(file.doubts(49));
        assert!(!file.doubts(50));
        assert_eq!(file.looked(50, Believed), None);
        assert!(file.doubts(51), "the next change is doubted again");
    }

    #[test]
    fn a_suspicious_file_that_goes_on_changing_is_doubted_until_it_is_quiet() {
        let mut file = File::balanced();
        file.looked(0, Suspicious);
        assert_eq!(file.signal(40, Removed), 60);
        assert!(file.doubts(60));
        assert_eq!(file.looked(60, Suspicious), Some(90));
        assert!(file.doubts(89));
        assert!(!file.doubts(90));
        file.signal(70, Written);
        assert_eq!(file.due(), Some(1070));
        assert!(!file.doubts(1070), "it was quiet for long enough");
    }

    #[test]
    fn a_file_that_was_never_suspicious_is_doubted_however_quiet_it_was() {
        let mut file = File::balanced();
        file.signal(0, Written);
        assert!(file.doubts(1000));
        assert_eq!(file.looked(1000, Suspicious), Some(1020));
        assert!(file.doubts(1019));
        assert!(!file.doubts(1020));
    }

    #[test]
    fn the_quiet_that_ends_doubt_counts_from_the_last_signal() {
        let mut file = File::balanced();
        file.signal(0, Closed);
        file.looked(0, Believed);
        file.signal(10, Written);
        assert_eq!(file.signal(11, Closed), 31, "it is busy");
        assert_eq!(file.looked(31, Suspicious), Some(61));
        assert!(file.doubts(60));
        assert!(!file.doubts(61));
    }

    #[test]
    fn at_least_20_ms_pass_after_a_look_that_doubted() {
        for (looked, due) in [(0, 50), (29, 50), (30, 50), (31, 51), (45, 65)] {
            let mut file = File::balanced();
            file.signal(0, Closed);
            assert_eq!(file.looked(looked, Suspicious), Some(due));
            assert!(file.doubts(due - 1));
            assert!(!file.doubts(due));
        }
    }

    #[test]
    fn a_look_that_doubted_unasked_is_followed_by_50_ms_of_quiet() {
        let mut file = File::balanced();
        file.signal(0, Closed);
        file.looked(0, Believed);
        assert_eq!(file.looked(500, Suspicious), Some(550));
        assert!(file.doubts(549));
        assert!(!file.doubts(550));
    }

    #[test]
    fn a_replaced_file_is_not_doubted_until_something_else_happens_to_it() {
        for (signal, doubts) in [
            (Replaced, false),
            (Metadata, false),
            (Closed, true),
            (Written, true),
            (Appeared, true),
            (Removed, true),
            (Lost, true),
        ] {
            let mut file = File::balanced();
            file.looked(0, Suspicious);
            file.signal(1, Replaced);
            assert!(!file.doubts(1));
            file.signal(2, signal);
            assert_eq!(file.doubts(2), doubts, "{signal:?}");
        }
        let mut file = File::balanced();
        file.signal(0, Replaced);
        file.looked(0, Unstable);
        assert!(file.doubts(20), "it changed since");
        file.signal(21, Replaced);
        file.looked(21, Believed);
        assert!(file.doubts(22), "the next change is doubted again");
    }

    #[test]
    fn a_forced_look_still_doubts_and_is_forced_again_a_second_later() {
        let mut file = File::balanced();
        for millis in (0..1000).step_by(10) {
            file.signal(millis, Removed);
        }
        assert_eq!(file.due(), Some(1000));
        assert!(file.doubts(1000));
        assert_eq!(file.looked(1000, Suspicious), Some(1040));
        for millis in (1010..2000).step_by(10) {
            assert_eq!(file.signal(millis, Removed), (millis + 20).min(2000));
        }
        assert!(file.doubts(2000));
        assert_eq!(file.looked(2000, Suspicious), Some(2040));
        assert!(!file.doubts(2040));
    }

    #[test]
    fn an_unstable_file_is_looked_at_again_after_a_moment() {
        let mut file = File::balanced();
        file.signal(0, Replaced);
        assert_eq!(file.looked(0, Unstable), Some(20));
        assert_eq!(file.looked(20, Unstable), Some(40));
        assert_eq!(file.signal(990, Removed), 1000, "the longest wait runs on");
        assert_eq!(file.looked(1000, Unstable), Some(1020), "and ends with a look");
    }

    #[test]
    fn an_unstable_look_breaks_the_quiet_that_ends_doubt() {
        let mut file = File::balanced();
        file.looked(0, Suspicious);
        file.looked(50, Unstable);
        assert!(file.doubts(70));
        file.looked(70, Suspicious);
        assert!(!file.doubts(120));
    }

    #[test]
    fn without_closes_a_write_needs_a_moment_of_quiet() {
        let mut file = File::at(Pace::new(Settle::Balanced, MAX_WAIT, false));
        assert_eq!(file.signal(0, Written), 20);
        assert_eq!(file.signal(15, Written), 35);
        for millis in (20..1000).step_by(10) {
            file.signal(millis, Written);
        }
        assert_eq!(file.due(), Some(1000));
    }

    #[test]
    fn fast_takes_every_close_and_5_ms_of_quiet() {
        let mut file = File::paced(Settle::Fast);
        assert_eq!(file.signal(0, Closed), 0);
        assert!(!file.doubts(0));
        file.looked(0, Believed);
        assert_eq!(file.signal(1, Closed), 1);
        assert_eq!(file.signal(2, Replaced), 2);
        assert_eq!(file.signal(3, Removed), 8);
        assert_eq!(file.signal(4, Written), 1004);
    }

    #[test]
    fn quiet_waits_whatever_has_happened() {
        for signal in [Replaced, Closed, Appeared, Removed, Metadata, Lost] {
            let mut file = File::quiet(200);
            assert_eq!(file.signal(0, signal), 200, "{signal:?}");
            assert!(!file.doubts(0));
        }
        let mut file = File::quiet(200);
        for millis in (0..1000).step_by(100) {
            assert_eq!(file.signal(millis, Replaced), (millis + 200).min(1000));
        }
    }

    #[test]
    fn quiet_waits_for_the_close_too() {
        let mut file = File::quiet(200);
        assert_eq!(file.signal(0, Written), 1000);
        assert_eq!(file.signal(10, Closed), 210);
        let mut file = File::quiet(3000);
        assert_eq!(file.signal(0, Written), 3000);
        assert_eq!(file.signal(10, Closed), 1000);
    }

    #[test]
    fn no_pace_looks_without_a_pause_at_a_file_that_never_is_stable() {
        for settle in [Settle::Fast, Settle::Balanced, Settle::quiet(Duration::ZERO)] {
            let mut file = File::at(Pace::new(settle, Duration::ZERO, true));
            let mut due = file.signal(0, Lost);
            for _ in 0..10 {
                let next = file.looked(due, Unstable).unwrap();
                assert!(next >= due + 5, "{settle:?}");
                due = next;
            }
        }
    }

    #[test]
    fn a_wait_without_end_can_be_added_to_any_time() {
        let pace = Pace::new(Settle::quiet(Duration::MAX), Duration::MAX, true);
        for signal in [Replaced, Closed, Written, Lost] {
            let mut file = File::at(pace);
            assert!(file.signal(0, signal) > 1_000_000);
            file.looked(1, Suspicious);
            file.looked(2, Unstable);
            assert!(!file.doubts(3));
        }
    }

    /// What the real loop does: it looks when it is due, now and then unasked, and knows of each signal when it came.
    struct Driver {
        file: File,
        balanced: bool,
        closes: bool,
        max_wait: u64,
        otherwise: u64,
        now: u64,
        /// A write has begun and nothing has ended it.
        writing: bool,
        /// The first signal that no look came after.
        unlooked: Option<u64>,
        last_signal: u64,
        last_look: Option<(u64, Verdict)>,
        looks_since_signal: Vec<u64>,
        /// The last signal that meant something was a replace, and no look came after it.
        replaced: bool,
        /// The last suspicious look since the last believed one, and when it was no longer quiet.
        doubted: Option<u64>,
        disturbed: u64,
    }

    impl Driver {
        fn new(settle: Settle, max_wait: u64, closes: bool) -> Self {
            let pace = Pace::new(settle, Duration::from_millis(max_wait), closes);
            let otherwise = match settle {
                Settle::Fast => 5,
                Settle::Balanced => 20,
                Settle::Quiet(quiet) => u64::try_from(quiet.as_millis()).unwrap().max(5),
            };
            Self {
                file: File::at(pace),
                balanced: settle == Settle::Balanced,
                closes,
                max_wait: max_wait.max(5),
                otherwise,
                now: 0,
                writing: false,
                unlooked: None,
                last_signal: 0,
                last_look: None,
                looks_since_signal: Vec::new(),
                replaced: false,
                doubted: None,
                disturbed: 0,
            }
        }

        fn silence(&self) -> u64 {
            if self.balanced { 1000 } else { self.otherwise.max(1000) }
        }

        fn signal(&mut self, signal: Signal) {
            let pending = self.file.settling.is_pending();
            self.file.signal(self.now, signal);
            if signal == Metadata && pending {
                return;
            }
            match signal {
                Written => self.writing = self.closes,
                Replaced | Closed | Lost => self.writing = false,
                Appeared | Removed | Metadata => {}
            }
            self.replaced = signal == Replaced;
            self.unlooked.get_or_insert(self.now);
            self.last_signal = self.now;
            self.disturbed = self.now;
            self.looks_since_signal.clear();
        }

        /// Looks at what is due before `until`, and with `inclusive` at that time too.
        fn run(&mut self, until: u64, inclusive: bool, verdicts: &mut impl Iterator<Item = Verdict>) {
            while let Some(due) = self.checked_due() {
                if due > until || (due == until && !inclusive) {
                    break;
                }
                self.now = self.now.max(due);
                self.look(verdicts.next().unwrap_or(Suspicious));
            }
            self.now = self.now.max(until);
        }

        fn checked_due(&self) -> Option<u64> {
            let due = self.file.due();
            assert_eq!(due.is_some(), self.file.settling.is_pending());
            due
        }

        fn look(&mut self, wanted: Verdict) {
            if self.writing {
                assert!(self.now - self.last_signal >= self.silence(), "looked into a write");
            } else if let Some(first) = self.unlooked {
                // A write that has just ended may have outlasted the longest wait.
                let latest = (first + self.max_wait).max(self.last_signal);
                assert!(self.now <= latest, "looked later than the longest wait");
            }
            // One look may come soon after another, where it is the one that the longest wait forces.
            self.looks_since_signal.push(self.now);
            for looks in self.looks_since_signal.windows(3) {
                assert!(looks[2] >= looks[0] + 5, "looked again without a pause");
            }
            self.look_unasked(wanted);
        }

        fn look_unasked(&mut self, wanted: Verdict) {
            let is_pending = self.file.settling.is_pending();
            let doubts = self.file.doubts(self.now);
            let stood = |doubted: u64| self.now >= (self.disturbed + 50).max(doubted + 20);
            let believes = self.replaced || self.doubted.is_some_and(stood);
            assert_eq!(doubts, self.balanced && !believes, "doubted for too long, or believed too soon");
            let verdict = if wanted == Suspicious && !doubts { Believed } else { wanted };
            self.file.looked(self.now, verdict);
            assert_eq!(self.file.settling.is_pending(), verdict != Believed);
            if verdict == Suspicious {
                self.doubted = Some(self.now);
                let due = self.file.due().unwrap();
                assert!(due >= self.now + 20, "looked again too soon");
                assert!(self.file.doubts(due - 1) && !self.file.doubts(due), "due when it is not believed");
            } else if verdict == Believed {
                self.doubted = None;
            }
            if verdict == Unstable || !is_pending {
                self.disturbed = self.now;
            }
            self.replaced = false;
            self.writing = false;
            self.unlooked = None;
            self.last_look = Some((self.now, verdict));
        }
    }

    fn any_settle() -> impl Strategy<Value = Settle> {
        prop_oneof![
            1 => Just(Settle::Fast),
            4 => Just(Settle::Balanced),
            2 => (0_u64..1500).prop_map(|quiet| Settle::quiet(Duration::from_millis(quiet))),
        ]
    }

    fn any_signal() -> impl Strategy<Value = Signal> {
        use Signal::{Appeared, Closed, Lost, Metadata, Removed, Replaced, Written};
        prop::sample::select(vec![Replaced, Closed, Written, Appeared, Removed, Metadata, Lost])
    }

    fn any_verdict() -> impl Strategy<Value = Verdict> {
        prop::sample::select(vec![Believed, Suspicious, Unstable])
    }

    fn any_unasked() -> impl Strategy<Value = Option<Verdict>> {
        prop::option::weighted(0.1, any_verdict())
    }

    fn any_gap() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 1_u64..30, 1_u64..120, 1_u64..1200]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn every_trace_ends_with_a_believed_look(
            settle in any_settle(),
            max_wait in prop_oneof![3 => Just(1000_u64), 1 => 0_u64..2000],
            closes in prop::bool::weighted(0.8),
            trace in prop::collection::vec((any_gap(), any_signal(), any::<bool>(), any_unasked()), 1..60),
            mut verdicts in prop::collection::vec(any_verdict(), 0..40).prop_map(Vec::into_iter),
            unstable in 0_u64..4,
        ) {
            let mut driver = Driver::new(settle, max_wait, closes);
            for (gap, signal, look_first, unasked) in trace {
                driver.run(driver.now + gap, look_first, &mut verdicts);
                if let Some(verdict) = unasked {
                    driver.look_unasked(verdict);
                }
                driver.signal(signal);
            }

            let ended = driver.now;
            let doubt = if driver.balanced { 50 } else { 0 };
            let quiet = driver.otherwise.min(driver.max_wait);
            // The look after a second of silence may be the first that doubts.
            let wait = match driver.writing {
                true if driver.balanced && unstable == 0 => driver.silence() + 20,
                true => driver.silence(),
                false => quiet.max(doubt),
            };
            let again = unstable.saturating_sub(1) * quiet + unstable.min(1) * quiet.max(doubt);
            let mut rest = (0..unstable).map(|_| Unstable);
            driver.run(u64::MAX, true, &mut rest);
            prop_assert!(!driver.looks_since_signal.is_empty());
            let (looked_at, verdict) = driver.last_look.unwrap();
            prop_assert_eq!(verdict, Believed);
            prop_assert!(looked_at <= ended + wait + again, "{} ms after the last signal", looked_at - ended);
        }

        #[test]
        fn a_storm_does_not_hold_up_looks(
            settle in any_settle(),
            storm in prop::collection::vec((1_u64..15, any_signal()), 200..400),
        ) {
            let mut driver = Driver::new(settle, 1000, false);
            for (gap, signal) in storm {
                driver.run(driver.now + gap, true, &mut std::iter::repeat(Suspicious));
                driver.signal(signal);
                let since = driver.last_look.map_or(0, |(looked_at, _)| looked_at);
                prop_assert!(driver.now <= since + 1000 + 15, "no look for {} ms", driver.now - since);
            }
        }
    }
}
