//! When a file may be looked at, and whether what is seen there is believed.
//!
//! Pure: it is told of the events, the looks and the time, and answers when to look next.

use std::time::{Duration, Instant};

use crate::source::Settle;
use crate::source::settle::{SHORTEST_QUIET, after};

/// The quiet that ends a change of which no event tells the end: it outlasts the pause between the steps of one save,
/// as of `rm` and `ln -s`, and measured up to 10 ms between commands of one script.
const QUIET: Duration = Duration::from_millis(20);

/// The quiet after which a suspicious file is believed: it outlasts the pause in which a script that appends with one
/// command after the other has the file closed.
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
    /// The last signal, or the last look if that is later: it has been quiet since.
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

    /// Tells whether a look now may disbelieve a suspicious file. It was doubted long enough once it has been quiet
    /// since a look that did.
    pub(super) fn doubts(&self, now: Instant, pace: &Pace) -> bool {
        let stood = |pending: Pending| pending.suspected && after(pending.last, DOUBT) <= now;
        pace.doubts && !self.pending.is_some_and(stood)
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
        let suspected =
            verdict == Verdict::Suspicious || self.pending.is_some_and(|pending| pending.suspected);
        self.pending = Some(Pending { state, first, last: now, suspected });
    }
}
