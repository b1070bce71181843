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
        bound(self.base, self.cap, self.failures)
    }
}

/// The bound of the wait after so many failures before the last one.
pub(crate) fn bound(base: Duration, cap: Duration, failures: u32) -> Duration {
    // 2^31 times any base that is worth waiting for is above every cap.
    base.saturating_mul(1 << failures.min(31)).min(cap)
}

/// How the waits of what has failed are spread, so that what failed together does not come back together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// Each wait is drawn evenly between nothing and its bound.
    #[default]
    Full,
    /// The same, but with the same draws in every run, for tests.
    Seeded(u64),
    /// Each wait is as long as its bound, for tests and for whatever has other means.
    None,
}

/// Draws waits below their bounds.
#[derive(Debug)]
pub(crate) struct Draws {
    /// Nothing where there is no jitter.
    state: Option<u64>,
}

impl Draws {
    pub(crate) fn new(jitter: Jitter) -> Self {
        let state = match jitter {
            Jitter::Full => Some(RandomState::new().hash_one(())),
            Jitter::Seeded(seed) => Some(seed),
            Jitter::None => None,
        };
        Self { state }
    }

    pub(crate) fn wait(&mut self, bound: Duration) -> Duration {
        let Some(state) = &mut self.state else { return bound };
        // The generator "SplitMix64" (Steele, Lea and Flood, 2014): nobody gains by foretelling a wait.
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut drawn = *state;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        drawn ^= drawn >> 31;
        // Bounds in nanoseconds fit: 2^64 of them are more than 500 years.
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        let wait = (u128::from(drawn) * (u128::from(nanos) + 1)) >> 64;
        Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
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
    spread(period, 0.1)
}

/// Spreads a period by a part of it to both sides. What is too long to tell is as long as it can be.
pub(crate) fn spread(period: Duration, part: f64) -> Duration {
    let random = (RandomState::new().hash_one(()) >> 32) as f64 / f64::from(u32::MAX);
    let drawn = period.as_secs_f64() * (1.0 - part + 2.0 * part * random);
    Duration::try_from_secs_f64(drawn).unwrap_or(Duration::MAX)
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
    fn draws_fill_the_space_below_the_bound_and_a_seed_repeats_them() {
        let bound = Duration::from_secs(1000);
        let waits = |jitter| {
            let mut draws = Draws::new(jitter);
            (0..1_000).map(|_| draws.wait(bound)).collect::<Vec<_>>()
        };
        for waits in [waits(Jitter::Full), waits(Jitter::Seeded(3))] {
            assert!(waits.iter().all(|wait| *wait <= bound));
            for tenth in 0..10 {
                let within = waits.iter().filter(|wait| wait.as_secs() / 100 == tenth).count();
                assert!((50..200).contains(&within), "{within} of 1000 in tenth {tenth}");
            }
        }
        assert_eq!(waits(Jitter::Seeded(3)), waits(Jitter::Seeded(3)));
        assert_ne!(waits(Jitter::Seeded(3)), waits(Jitter::Seeded(4)));
        assert_ne!(waits(Jitter::Full), waits(Jitter::Full));
        assert!(waits(Jitter::None).iter().all(|wait| *wait == bound));
        assert!(Draws::new(Jitter::Full).wait(Duration::MAX) <= Duration::MAX);
        assert_eq!(Draws::new(Jitter::Full).wait(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn waits_differ() {
        let waits: std::collections::HashSet<_> =
            Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).take(100).collect();
        assert!(waits.len() > 50, "{waits:?}");
    }
}
