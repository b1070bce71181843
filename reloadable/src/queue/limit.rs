//! How many keys are handed out in a time, at most.

use std::time::{Duration, Instant};

/// How many keys a [`WorkQueue`](crate::WorkQueue) hands out in a time, over all of them: a token bucket.
///
/// What waits for it stays where it is in the line, and more urgent keys may still go before it. The wait is capped: while
/// there is a key that has been ready for longer than [`max_wait`](Self::max_wait), the limit does not hold, so that ten
/// thousand keys at once are late and not lost for a quarter of an hour.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::{RateLimit, WorkQueue};
///
/// let limit = RateLimit::per_second(10).burst(100).max_wait(Duration::from_secs(5));
/// let queue = WorkQueue::<String>::builder().rate_limit(limit).build();
/// # drop(queue);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    interval: Duration,
    burst: u32,
    max_wait: Duration,
}

/// Whoever hands out less does not hand out.
const LONGEST_INTERVAL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl RateLimit {
    /// Takes how many keys a second are handed out in the long run. Zero is taken for one.
    #[must_use]
    pub fn per_second(keys: u32) -> Self {
        Self::new(keys, Duration::from_secs(1))
    }

    /// Takes how many keys are handed out in `period`, in the long run. Zero is taken for one.
    #[must_use]
    pub fn new(keys: u32, period: Duration) -> Self {
        let keys = keys.max(1);
        Self {
            interval: (period / keys).min(LONGEST_INTERVAL),
            burst: keys,
            max_wait: Duration::from_secs(30),
        }
    }

    /// Takes how many may go at once after a pause; by default those of one period. Zero is taken for one.
    #[must_use]
    pub fn burst(mut self, keys: u32) -> Self {
        self.burst = keys.max(1);
        self
    }

    /// Takes for how long a key may be held back; 30 s by default, which is what people wait for.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }
}

/// The bucket, as the moment at which it will be full again.
#[derive(Debug)]
pub(super) struct Bucket {
    limit: RateLimit,
    full_at: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, full_at: None }
    }

    /// When the next key may go, where the one that is ready for longest is so since `oldest`.
    pub(super) fn opens_at(&self, now: Instant, oldest: Instant) -> Instant {
        let free = self.free_at(now);
        oldest.checked_add(self.limit.max_wait).map_or(free, |late| late.min(free))
    }

    /// Takes a token if there is one.
    pub(super) fn spend(&mut self, now: Instant) {
        if self.free_at(now) <= now {
            let from = self.full_at.map_or(now, |full| full.max(now));
            self.full_at = from.checked_add(self.limit.interval);
        }
    }

    /// When there is a token.
    fn free_at(&self, now: Instant) -> Instant {
        let others = self.limit.interval.saturating_mul(self.limit.burst - 1);
        self.full_at.and_then(|full| full.checked_sub(others)).map_or(now, |free| free.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_then_one_by_one() {
        let limit = RateLimit::per_second(10).burst(3).max_wait(Duration::from_secs(3600));
        let (mut bucket, start) = (Bucket::new(limit), Instant::now());
        let mut now = start;
        let mut gone = Vec::new();
        for _ in 0..6 {
            now = bucket.opens_at(now, start);
            gone.push((now - start).as_millis());
            bucket.spend(now);
        }
        assert_eq!(gone, [0, 0, 0, 100, 200, 300]);
        now += Duration::from_secs(100);
        for _ in 0..3 {
            assert_eq!(bucket.opens_at(now, start), now, "a pause fills it, up to the burst");
            bucket.spend(now);
        }
        assert_eq!(bucket.opens_at(now, start), now + Duration::from_millis(100));
    }

    #[test]
    fn what_has_waited_for_too_long_goes_without_a_token() {
        let limit = RateLimit::new(1, Duration::from_secs(60)).max_wait(Duration::from_secs(5));
        let (mut bucket, start) = (Bucket::new(limit), Instant::now());
        bucket.spend(start);
        let late = start + Duration::from_secs(5);
        assert_eq!(bucket.opens_at(start, start), late);
        bucket.spend(late);
        assert_eq!(bucket.free_at(late), start + Duration::from_secs(60), "it took none");
    }

    #[test]
    fn no_number_is_too_small_or_too_large() {
        for limit in [
            RateLimit::per_second(0).burst(0),
            RateLimit::new(u32::MAX, Duration::ZERO).burst(u32::MAX).max_wait(Duration::MAX),
            RateLimit::new(1, Duration::MAX).burst(u32::MAX).max_wait(Duration::ZERO),
        ] {
            let (mut bucket, now) = (Bucket::new(limit), Instant::now());
            for _ in 0..3 {
                let opens = bucket.opens_at(now, now);
                bucket.spend(opens);
            }
        }
    }
}
