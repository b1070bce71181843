//! How long to wait before trying again: exponential, with full jitter.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Waits that double from `base` up to `cap`, each drawn evenly between nothing and that bound ("full jitter", Marc
/// Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that many clients do not come back
/// at the same moment.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
    random: RandomState,
}

impl Backoff {
    pub(crate) fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0, random: RandomState::new() }
    }

    /// Starts again from the shortest wait.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The bound of the next wait.
    fn bound(&self) -> Duration {
        // 2^31 times any base that is worth waiting for is above every cap.
        self.base.saturating_mul(1 << self.failures.min(31)).min(self.cap)
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let bound = self.bound();
        self.failures = self.failures.saturating_add(1);
        // The hasher's keys are random, which is all the randomness that jitter needs.
        let random = self.random.hash_one(self.failures) >> 32;
        let fraction = random as f64 / f64::from(u32::MAX);
        Some(bound.mul_f64(fraction))
    }
}

/// Spreads a period by a tenth to both sides, so that many processes that started together drift apart.
pub(crate) fn jittered(period: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) >> 32;
    period.mul_f64(0.9 + 0.2 * random as f64 / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jittered_period_stays_within_a_tenth() {
        for _ in 0..100 {
            let millis = jittered(Duration::from_secs(10)).as_millis();
            assert!((8_999..=11_001).contains(&millis), "{millis}");
        }
    }

    #[test]
    fn waits_stay_within_their_bound_and_the_bound_within_the_cap() {
        let mut backoff = Backoff::new(Duration::from_millis(5), Duration::from_secs(1));
        let mut expected = Duration::from_millis(5);
        for _ in 0..100 {
            assert_eq!(backoff.bound(), expected);
            assert!(backoff.next() <= Some(expected));
            expected = (expected * 2).min(Duration::from_secs(1));
        }
        backoff.reset();
        assert_eq!(backoff.bound(), Duration::from_millis(5));
    }

    #[test]
    fn waits_differ() {
        let waits: std::collections::HashSet<_> =
            Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).take(100).collect();
        assert!(waits.len() > 50, "{waits:?}");
    }
}
