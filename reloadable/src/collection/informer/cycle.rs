//! When to list, when to watch, and when to wait. It knows no clock and no source: it is told what happened and when, and
//! says what to do.

use std::time::{Duration, Instant};

use crate::backoff::{Backoff, jittered, spread};

/// How often a source is asked.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// After how long everything is listed again.
    pub(super) reverify: Option<Duration>,
    /// The bounds of the waits after failures.
    pub(super) base: Duration,
    pub(super) cap: Duration,
    /// Neither two connections nor two lists begin within a shorter time.
    pub(super) interval: Duration,
    /// A connection that held for so long has worked, even if there was nothing to tell.
    pub(super) healthy: Duration,
    /// A connection that tells nothing for so long is dead, give or take half of it.
    pub(super) idle: Option<Duration>,
}

impl Default for Pace {
    /// The waits are those of Kubernetes' clients, but drawn from nothing up to the bound.
    fn default() -> Self {
        Self {
            reverify: Some(Duration::from_secs(300)),
            base: Duration::from_millis(800),
            cap: Duration::from_secs(30),
            interval: Duration::from_millis(500),
            healthy: Duration::from_secs(10),
            idle: None,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Do {
    List,
    /// Ask for changes, until it is time to look again.
    Watch(Option<Instant>),
    Wait(Instant),
}

/// What it is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// For the end of the list.
    Listing,
    /// For changes.
    Watching(Connection),
    /// For this moment, before it lists.
    BeforeList(Instant),
    /// For this moment, before it asks for changes again.
    BeforeWatch(Instant),
}

/// From when on it was asked for changes without a break, whether it has told any, and until when it may tell nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Connection {
    since: Instant,
    has_told: bool,
    idle_at: Option<Instant>,
    /// So often in a row it has told what is known already.
    repeats: u32,
    repeated_at: Instant,
    /// It is left alone until then.
    rest_until: Instant,
}

/// So often in a row a source may tell what is known already before it is asked less often: a file that comes and goes
/// before anybody looks, or what a list has found before.
const REPEATS: u32 = 16;

#[derive(Debug)]
pub(super) struct Cycle {
    state: State,
    /// While it lists: what it goes back to if the list fails.
    connection: Option<Connection>,
    backoff: Backoff,
    /// That of lists: changes that are told prove nothing about a list.
    list_backoff: Backoff,
    list_at: Option<Instant>,
    listed_at: Option<Instant>,
    /// After lists that failed: the earliest time for another.
    not_before: Option<Instant>,
    pace: Pace,
}

impl Cycle {
    pub(super) fn new(pace: Pace, now: Instant) -> Self {
        let backoff = Backoff::new(pace.base, pace.cap);
        let list_backoff = backoff.clone();
        let state = State::BeforeList(now);
        Self {
            state,
            connection: None,
            backoff,
            list_backoff,
            list_at: None,
            listed_at: None,
            not_before: None,
            pace,
        }
    }

    /// Says what to do now.
    pub(super) fn next(&mut self, now: Instant) -> Do {
        let is_due = self.list_at.is_some_and(|at| at <= now);
        match self.state {
            State::Watching(connection) if is_due => {
                self.connection = Some(connection);
                self.begin_list(now)
            }
            State::Watching(Connection { rest_until, .. }) if rest_until > now => {
                Do::Wait(self.list_at.map_or(rest_until, |at| at.min(rest_until)))
            }
            State::BeforeList(until) if until <= now => self.begin_list(now),
            State::BeforeWatch(until) if until <= now => {
                self.state = State::Watching(self.connected(now));
                if is_due { self.next(now) } else { Do::Watch(self.list_at) }
            }
            State::Listing => Do::List,
            State::Watching(_) => Do::Watch(self.list_at),
            State::BeforeList(until) | State::BeforeWatch(until) => Do::Wait(until),
        }
    }

    fn begin_list(&mut self, now: Instant) -> Do {
        self.state = State::Listing;
        self.listed_at = Some(now);
        Do::List
    }

    /// A list was complete and is in force. It alone resets no wait of the watch: a source that lists well and then cannot
    /// be watched would be listed all the time.
    pub(super) fn listed(&mut self, now: Instant) {
        self.list_backoff.reset();
        self.not_before = None;
        self.list_at = self.pace.reverify.and_then(|period| now.checked_add(jittered(period)));
        let connection = self.connection.take().unwrap_or_else(|| self.connected(now));
        self.state = State::Watching(connection);
    }

    /// Something is to be looked at again by then.
    pub(super) fn list_by(&mut self, at: Instant) {
        self.list_at = Some(self.list_at.map_or(at, |planned| planned.min(at)));
    }

    /// A list would find what there was no room for.
    pub(super) fn has_room(&mut self, now: Instant) {
        self.list_by(self.not_before.map_or(now, |at| at.max(now)));
    }

    /// A list failed, or was refused. Meanwhile it goes on to watch if it was watching.
    pub(super) fn list_failed(&mut self, now: Instant) {
        let wait = self.list_backoff.next().unwrap_or(self.pace.cap);
        let until = (now + wait).max(self.listed_at.unwrap_or(now) + self.pace.interval);
        self.not_before = Some(until);
        match self.connection.take() {
            Some(connection) => {
                self.state = State::Watching(connection);
                self.list_at = Some(until);
            }
            None => self.state = State::BeforeList(until),
        }
    }

    /// The source has told of an object, or how far it has come.
    pub(super) fn told(&mut self, now: Instant) {
        let idle_at = self.idle_at_from(now);
        if let State::Watching(connection) = &mut self.state {
            connection.has_told = true;
            connection.idle_at = idle_at;
            connection.repeats = 0;
            self.backoff.reset();
        }
    }

    /// The source has told only what is known already. It is alive, but that proves nothing, and if it does nothing else
    /// it must not be asked all the time.
    pub(super) fn repeated(&mut self, now: Instant) {
        let idle_at = self.idle_at_from(now);
        if let State::Watching(connection) = &mut self.state {
            connection.idle_at = idle_at;
            // Whoever says now and then that it is there is not to wait when it has news.
            let is_rare = now.saturating_duration_since(connection.repeated_at) > self.pace.interval * 2;
            connection.repeats = if is_rare { 1 } else { connection.repeats.saturating_add(1) };
            connection.repeated_at = now;
            if connection.repeats > REPEATS {
                connection.rest_until = now + self.pace.interval;
            }
        }
    }

    fn connected(&self, now: Instant) -> Connection {
        Connection {
            since: now,
            has_told: false,
            idle_at: self.idle_at_from(now),
            repeats: 0,
            repeated_at: now,
            rest_until: now,
        }
    }

    /// Spread, so that those who lost the same other side at the same moment do not come back at the same moment.
    fn idle_at_from(&self, now: Instant) -> Option<Instant> {
        self.pace.idle.and_then(|idle| now.checked_add(spread(idle, 0.5)))
    }

    /// After a failure: the source has asked not to be asked before.
    pub(super) fn defer(&mut self, until: Instant) {
        match &mut self.state {
            State::BeforeList(at) | State::BeforeWatch(at) => *at = until.max(*at),
            // The list has failed, but changes are still told.
            State::Watching(_) => {
                self.list_at = self.list_at.map(|at| at.max(until));
                self.not_before = Some(self.not_before.map_or(until, |at| at.max(until)));
            }
            State::Listing => {}
        }
    }

    /// The source has said that a list would tell more. It is not asked again at once: it might say the same again and
    /// again until then.
    pub(super) fn hinted(&mut self, now: Instant) {
        let State::Watching(connection) = self.state else { return };
        let earliest = self.listed_at.map_or(now, |at| at + self.pace.interval);
        let earliest = earliest.max(self.not_before.unwrap_or(now)).max(now);
        self.list_by(earliest);
        let soon = now + self.pace.interval;
        if earliest <= soon {
            self.connection = Some(connection);
            self.state = State::BeforeList(earliest);
        } else {
            self.state = State::BeforeWatch(soon);
        }
    }

    /// The connection was ended by the other side. If it was of no use, that is a failure.
    pub(super) fn ended(&mut self, now: Instant) {
        let since = self.end_connection(now);
        let until = match since {
            (since, true) => now.max(since + jittered(self.pace.interval)),
            (since, false) => self.after_failure(now, since),
        };
        self.state = State::BeforeWatch(until);
    }

    /// The source could not be asked for changes. What is known stays known, so it is not listed again.
    pub(super) fn watch_failed(&mut self, now: Instant) {
        let (since, _) = self.end_connection(now);
        self.state = State::BeforeWatch(self.after_failure(now, since));
    }

    /// The source cannot tell any more what has changed since then. All who were told so at the same moment must not list
    /// at the same moment.
    pub(super) fn expired(&mut self, now: Instant) {
        let (since, _) = self.end_connection(now);
        self.state = State::BeforeList(self.after_failure(now, since));
    }

    /// Returns when it will be known that the connection works, if it tells nothing until then.
    pub(super) fn healthy_at(&self) -> Option<Instant> {
        match self.state {
            State::Watching(connection) => connection.since.checked_add(self.pace.healthy),
            _ => None,
        }
    }

    /// Returns when the connection is dead, if it tells nothing until then.
    pub(super) fn idle_at(&self) -> Option<Instant> {
        match self.state {
            State::Watching(connection) => connection.idle_at,
            _ => None,
        }
    }

    /// Returns since when there was a connection, and whether it has worked.
    fn end_connection(&mut self, now: Instant) -> (Instant, bool) {
        let State::Watching(Connection { since, has_told, .. }) = self.state else { return (now, false) };
        let has_worked = has_told || now.saturating_duration_since(since) >= self.pace.healthy;
        if has_worked {
            self.backoff.reset();
        }
        (since, has_worked)
    }

    fn after_failure(&mut self, now: Instant, begun: Instant) -> Instant {
        let wait = self.backoff.next().unwrap_or(self.pace.cap);
        (now + wait).max(begun + self.pace.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle() -> (Cycle, Instant) {
        let now = Instant::now();
        let mut cycle = Cycle::new(Pace { reverify: None, ..Pace::default() }, now);
        assert_eq!(cycle.next(now), Do::List);
        (cycle, now)
    }

    fn waits(cycle: &mut Cycle, now: Instant) -> Instant {
        match cycle.next(now) {
            Do::Wait(until) => until,
            other => panic!("{other:?}"),
        }
    }

    /// How often something happens within a time if each time follows the wait before it.
    fn rounds(
        cycle: &mut Cycle,
        mut now: Instant,
        within: Duration,
        mut round: impl FnMut(&mut Cycle, Instant),
    ) -> usize {
        let end = now + within;
        let mut rounds = 0;
        while now < end {
            match cycle.next(now) {
                Do::Wait(until) => now = until,
                _ => {
                    round(cycle, now);
                    rounds += 1;
                }
            }
        }
        rounds
    }

    #[test]
    fn lists_that_fail_are_tried_less_and_less_often() {
        let (mut cycle, now) = cycle();
        // On average 15 s apart in the end: 3,600 s have room for 240.
        let tried = rounds(&mut cycle, now, Duration::from_secs(3600), Cycle::list_failed);
        assert!((150..400).contains(&tried), "{tried}");
    }

    #[test]
    fn a_watch_that_ends_at_once_is_a_failure() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        let tried = rounds(&mut cycle, now, Duration::from_secs(3600), Cycle::ended);
        assert!((150..400).contains(&tried), "{tried}");
    }

    #[test]
    fn a_list_that_succeeds_resets_no_wait() {
        let (mut cycle, now) = cycle();
        let mut listed = 0;
        let tried = rounds(&mut cycle, now, Duration::from_secs(3600), |cycle, now| match cycle.state {
            State::Listing => {
                listed += 1;
                cycle.listed(now);
            }
            _ => cycle.expired(now),
        });
        assert!((150..400).contains(&listed), "{listed} of {tried}");
    }

    #[test]
    fn connections_keep_their_distance_also_if_they_work() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        let tried = rounds(&mut cycle, now, Duration::from_secs(100), |cycle, now| {
            cycle.told(now);
            cycle.ended(now);
        });
        assert!((150..250).contains(&tried), "{tried}");
    }

    #[test]
    fn a_connection_that_held_for_a_while_has_worked() {
        let (mut cycle, mut now) = cycle();
        for _ in 0..50 {
            cycle.list_failed(now);
            now = waits(&mut cycle, now);
            cycle.next(now);
        }
        cycle.listed(now);
        now += Duration::from_secs(10);
        cycle.ended(now);
        assert_eq!(cycle.next(now), Do::Watch(None));
    }

    #[test]
    fn what_has_expired_is_listed_and_what_has_failed_is_not() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        cycle.watch_failed(now);
        let now = waits(&mut cycle, now);
        assert_eq!(cycle.next(now), Do::Watch(None));
        cycle.expired(now);
        let now = waits(&mut cycle, now);
        assert_eq!(cycle.next(now), Do::List);
    }

    #[test]
    fn it_goes_on_to_watch_while_a_list_fails() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        let later = now + Duration::from_secs(5);
        cycle.hinted(later);
        assert_eq!(cycle.next(later), Do::List);
        cycle.list_failed(later);
        assert!(matches!(cycle.next(later), Do::Watch(Some(at)) if at > later));
    }

    #[test]
    fn a_watch_that_works_resets_no_wait_of_lists() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        cycle.list_by(now);
        let mut failed = 0;
        let end = now + Duration::from_secs(3600);
        let mut now = now;
        while now < end {
            match cycle.next(now) {
                Do::List => {
                    failed += 1;
                    cycle.list_failed(now);
                }
                _ => {
                    now += Duration::from_millis(100);
                    cycle.told(now);
                }
            }
        }
        assert!((150..400).contains(&failed), "{failed}");
    }

    #[test]
    fn who_repeats_itself_is_asked_less_often_unless_it_does_so_rarely() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        let asked = rounds(&mut cycle, now, Duration::from_secs(100), Cycle::repeated);
        assert!((150..250).contains(&asked), "{asked}");
        let mut now = now + Duration::from_secs(200);
        for _ in 0..100 {
            assert_eq!(cycle.next(now), Do::Watch(None));
            cycle.repeated(now);
            now += Duration::from_secs(2);
        }
    }

    #[test]
    fn a_source_is_left_alone_for_as_long_as_it_asks() {
        let (mut cycle, now) = cycle();
        let later = now + Duration::from_secs(600);
        cycle.list_failed(now);
        cycle.defer(later);
        assert_eq!(waits(&mut cycle, now), later);
        cycle.next(later);
        cycle.listed(later);
        cycle.watch_failed(later);
        let after = later + Duration::from_secs(600);
        cycle.defer(after);
        assert_eq!(waits(&mut cycle, later), after);
    }

    #[test]
    fn a_connection_is_dead_half_to_one_and_a_half_of_its_time_after_it_told_something() {
        let now = Instant::now();
        let idle = Some(Duration::from_secs(100));
        let mut times = Vec::new();
        for _ in 0..100 {
            let mut cycle = Cycle::new(Pace { reverify: None, idle, ..Pace::default() }, now);
            cycle.next(now);
            cycle.listed(now);
            let later = now + Duration::from_secs(30);
            cycle.told(later);
            times.push((cycle.idle_at().unwrap() - later).as_secs());
        }
        assert!(times.iter().all(|time| (49..=150).contains(time)), "{times:?}");
        assert!(times.iter().any(|time| *time < 80) && times.iter().any(|time| *time > 120), "{times:?}");
    }

    #[test]
    fn hints_keep_their_distance() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        assert_eq!(cycle.next(now), Do::Watch(None));
        cycle.hinted(now);
        assert_eq!(cycle.next(now), Do::Wait(now + Duration::from_millis(500)));
    }

    #[test]
    fn hints_shorten_no_wait_after_lists_that_fail() {
        let (mut cycle, now) = cycle();
        cycle.listed(now);
        let mut listed = 0;
        let rounds = rounds(&mut cycle, now, Duration::from_secs(3600), |cycle, now| match cycle.state {
            State::Listing => {
                listed += 1;
                cycle.list_failed(now);
            }
            _ => cycle.hinted(now),
        });
        assert!((150..400).contains(&listed), "{listed}");
        assert!(rounds < 10_000, "{rounds}");
    }
}
