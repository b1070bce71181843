//! How a target learns of changes: it is told, or it looks now and then.

use std::time::{Duration, Instant};

/// How a target is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    Native,
    /// With the reason, and when to look next.
    Polling {
        why: String,
        every: Duration,
        next: Instant,
    },
}

/// Polling costs a twentieth of a core at most, and is slower where nothing happens.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(2);
const SHARE: u32 = 20;

impl Mode {
    /// Polls from here on, or goes on with it for another reason.
    pub(super) fn poll(&mut self, because: String, now: Instant) {
        match self {
            Self::Polling { why, .. } => *why = because,
            Self::Native => *self = Self::Polling { why: because, every: OFTEN, next: now + OFTEN },
        }
    }

    /// Decides when to look next after a look that began at `now`.
    pub(super) fn polled(&mut self, found_news: bool, now: Instant, took: Duration) {
        if let Self::Polling { every, next, .. } = self {
            let calm = if found_news { OFTEN } else { every.mul_f64(1.5).min(SELDOM) };
            *every = calm.max(took.saturating_mul(SHARE));
            *next = now + took + *every;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(mode: &Mode) -> Duration {
        match mode {
            Mode::Polling { every, .. } => *every,
            Mode::Native => Duration::ZERO,
        }
    }

    #[test]
    fn polling_slows_down_while_nothing_happens_and_costs_no_more_than_its_share() {
        let start = Instant::now();
        let mut mode = Mode::Native;
        mode.poll("no events".to_owned(), start);
        assert_eq!(every(&mode), OFTEN);
        for _ in 0..20 {
            let before = every(&mode);
            mode.polled(false, start, Duration::ZERO);
            assert!(every(&mode) > before || before == SELDOM);
        }
        assert_eq!(every(&mode), SELDOM);
        mode.polled(true, start, Duration::ZERO);
        assert_eq!(every(&mode), OFTEN);
        mode.polled(true, start, Duration::from_secs(1));
        assert_eq!(every(&mode), Duration::from_secs(20));
    }
}
