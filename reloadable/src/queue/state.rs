//! What a queue decides: a plain value that is told the time, and neither waits nor locks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::limit::{Bucket, RateLimit};
use super::list::{self, Links, List};
use super::ready::{Priority, Ready};
use super::stats::{Figures, QueueStats};
use super::table::{Again, Place, Slot, Table};
use super::{Add, Outcome};
use crate::backoff::{Draws, Jitter, bound};

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) capacity: usize,
    pub(super) base: Duration,
    pub(super) cap: Duration,
    pub(super) jitter: Jitter,
    pub(super) limit: Option<RateLimit>,
    pub(super) is_fair: bool,
    /// What has been worked on and comes back stands beside the capacity.
    pub(super) bounds_new: bool,
}

#[derive(Debug)]
pub(super) struct State<K> {
    settings: Settings,
    phase: Phase,
    /// Every key is in exactly one of the three that follow.
    table: Table<K>,
    ready: Ready,
    delayed: BTreeMap<(Instant, u64), u32>,
    in_work: Line,
    /// Those that are ready, by how long they are, which only a limit asks for.
    oldest: Line,
    bucket: Option<Bucket>,
    draws: Draws,
    /// Numbers delayed keys.
    delays: u64,
    /// How many keys stand beside the capacity.
    beside: usize,
    figures: Figures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing is added any more, and nothing that is delayed becomes ready.
    Draining,
    Closed,
}

#[derive(Debug, Default)]
struct Line {
    links: Links,
    list: List,
}

/// By what a key is known before it has a slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    pub(super) hash: u64,
    pub(super) group: u64,
}

/// Why a key was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

#[derive(Debug)]
pub(super) enum Take<K> {
    Taken(Taken<K>),
    /// There is nothing now; [`State::outlook`] says when to look again.
    Wait,
    Ended,
}

#[derive(Debug)]
pub(super) struct Taken<K> {
    pub(super) slot: u32,
    pub(super) key: Arc<K>,
    pub(super) priority: Priority,
    pub(super) failures: u32,
    /// In nanoseconds, of which a `u64` has for 500 years: it is moved about for each key.
    waited: u64,
}

impl<K> Taken<K> {
    pub(super) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited)
    }
}

/// What there is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlook {
    /// How many keys can be handed out now, at least: one, if there are any, where a limit holds.
    pub(super) available: usize,
    /// When there may be more.
    pub(super) next: Option<Instant>,
}

/// What is to be dropped once no lock is held, since that runs code of the key: it, and the rest of an empty table.
type Gone<K> = (Option<Arc<K>>, Option<Table<K>>);

/// Keys by where they were.
#[derive(Debug)]
pub(super) struct Left<K> {
    pub(super) ready: Vec<Arc<K>>,
    pub(super) delayed: Vec<Arc<K>>,
    pub(super) in_work: Vec<Arc<K>>,
}

/// How many keys become ready under one lock: what a thousand cost nobody notices, a million would be.
const PROMOTED_AT_ONCE: usize = 1_000;

/// How many slots are kept for what may come once the queue is empty.
const KEPT_SLOTS: usize = 1_000;

/// What is later than this is as good as never, and timers can wait for it.
const LONGEST_DELAY: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

impl<K> State<K> {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            phase: Phase::Open,
            table: Table::default(),
            ready: Ready::new(settings.is_fair),
            delayed: BTreeMap::new(),
            in_work: Line::default(),
            oldest: Line::default(),
            bucket: settings.limit.map(Bucket::new),
            draws: Draws::new(settings.jitter),
            delays: 0,
            beside: 0,
            figures: Figures::default(),
            settings,
        }
    }

    pub(super) fn room(&self) -> usize {
        let counted = self.table.len() - self.beside;
        let room = self.settings.capacity.saturating_sub(counted);
        // What stands beside needs a number all the same.
        room.min((list::HIGHEST as usize).saturating_sub(self.table.len()))
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Tells whether adding a key that is there would change nothing, for which nobody need look at a clock.
    pub(super) fn covers(&self, slot: u32, add: &Add) -> bool {
        let slot = self.table.at(slot);
        self.phase == Phase::Open && slot.place == Place::Ready && slot.priority >= add.priority
    }

    /// Takes the key only if it is new and there is room for it.
    pub(super) fn add(
        &mut self,
        now: Instant,
        found: Option<u32>,
        marks: Marks,
        key: &mut Option<K>,
        add: &Add,
    ) -> Result<(), Refused> {
        if self.phase != Phase::Open {
            return Err(Refused::Closed);
        }
        self.promote(now);
        let due = later(now, add.after);
        let Some(slot) = found else {
            if self.room() == 0 {
                return Err(Refused::Full);
            }
            let Some(key) = key.take() else { return Ok(()) };
            let slot = self.table.insert(marks.hash, key, marks.group, add.priority, now);
            self.place(slot, now, due);
            return Ok(());
        };
        let of = self.table.at_mut(slot);
        let priority = of.priority.max(add.priority);
        match of.place {
            Place::Ready => {
                if priority > of.priority {
                    self.ready.remove(slot, of.priority, of.group);
                    of.priority = priority;
                    self.ready.push(slot, priority, of.group);
                }
            }
            Place::Delayed(until, number) => {
                of.priority = priority;
                let due = of.backoff.filter(|_| add.is_patient).map_or(due, |backoff| due.max(backoff));
                if due < until {
                    self.delayed.remove(&(until, number));
                    self.place(slot, now, due);
                }
            }
            Place::InWork { again } => {
                let mut next = Again { due, priority: add.priority, is_patient: add.is_patient };
                if let Some(again) = again {
                    next.due = next.due.min(again.due);
                    next.priority = next.priority.max(again.priority);
                    next.is_patient &= again.is_patient;
                }
                of.place = Place::InWork { again: Some(next) };
            }
        }
        Ok(())
    }

    pub(super) fn take(&mut self, now: Instant) -> Take<K> {
        self.promote(now);
        if self.has_ended() {
            return Take::Ended;
        }
        if self.opens_at(now).is_none_or(|opens| opens > now) {
            return Take::Wait;
        }
        let Some(slot) = self.ready.pop() else { return Take::Wait };
        if let Some(bucket) = &mut self.bucket {
            bucket.spend(now);
            self.oldest.links.remove(&mut self.oldest.list, slot);
        }
        self.in_work.links.push(&mut self.in_work.list, slot);
        let of = self.table.at_mut(slot);
        let waited = now.saturating_duration_since(of.since);
        of.since = now;
        of.place = Place::InWork { again: None };
        self.figures.waited.record(waited);
        let key = Arc::clone(&of.key);
        let waited = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        Take::Taken(Taken { slot, key, priority: of.priority, failures: of.failures, waited })
    }

    /// Ends the work on a key that was taken, and returns how long it took.
    pub(super) fn finish(&mut self, now: Instant, slot: u32, outcome: Outcome) -> (Duration, Gone<K>) {
        self.promote(now);
        self.in_work.links.remove(&mut self.in_work.list, slot);
        let of = self.table.at_mut(slot);
        let worked = now.saturating_duration_since(of.since);
        self.figures.worked.record(worked);
        let Place::InWork { again } = of.place else {
            return (worked, (None, None));
        };
        let settings = &self.settings;
        let mut due = match outcome {
            Outcome::Done | Outcome::GivenUp => None,
            Outcome::RequeueAfter(delay) => Some(later(now, delay)),
            Outcome::Failed => Some(failed(of, now, None, settings, &mut self.draws)),
            Outcome::RetryAfter(delay) => Some(failed(of, now, Some(delay), settings, &mut self.draws)),
        };
        if outcome.is_failure() {
            self.figures.retries += 1;
        } else {
            (of.failures, of.backoff) = (0, None);
            // What was urgent has succeeded.
            of.priority = of.priority.min(Priority::Normal);
        }
        // The next run is the one that it asked for, or there is none.
        let is_moot = outcome.is_failure() || outcome == Outcome::GivenUp;
        let again = again.filter(|again| !(again.is_patient && is_moot));
        if let Some(again) = again {
            // What it had before counts for the run that was to be made, and that one is over.
            of.priority = if due.is_some() { of.priority.max(again.priority) } else { again.priority };
            due = Some(due.map_or(again.due, |due| due.min(again.due)));
        }
        let is_asked_for = again.is_some_and(|again| again.due <= now);
        match due {
            Some(due) if self.phase == Phase::Open || (self.phase == Phase::Draining && is_asked_for) => {
                self.place(slot, now, due);
            }
            // What draws no wait would go on failing until the end of the drain.
            Some(due) if self.phase == Phase::Draining => self.delay(slot, due),
            _ => return (worked, (self.remove(slot), self.shrink())),
        }
        let of = self.table.at_mut(slot);
        if self.settings.bounds_new && !of.is_beside {
            of.is_beside = true;
            self.beside += 1;
        }
        (worked, (None, None))
    }

    /// Forgets how often a key has failed.
    pub(super) fn forget(&mut self, slot: u32) {
        let of = self.table.at_mut(slot);
        (of.failures, of.backoff) = (0, None);
    }

    /// Tells whether a failure now would come before the backoff is over, and so not be counted.
    pub(super) fn is_early(&self, now: Instant, slot: u32) -> bool {
        self.table.at(slot).is_early(now)
    }

    pub(super) fn outlook(&self, now: Instant) -> Outlook {
        let next = match self.phase {
            Phase::Open => self.delayed.first_key_value().map(|((due, _), _)| *due),
            Phase::Draining | Phase::Closed => None,
        };
        match self.opens_at(now) {
            None => Outlook { available: 0, next },
            Some(opens) if opens > now => {
                Outlook { available: 0, next: Some(next.map_or(opens, |next| next.min(opens))) }
            }
            Some(_) if self.bucket.is_some() => Outlook { available: 1, next },
            Some(_) => Outlook { available: self.ready.len(), next },
        }
    }

    /// Adds no more, and hands out what is ready.
    pub(super) fn drain(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            while self.promote(now) {}
            self.phase = Phase::Draining;
        }
    }

    /// Tells whether nothing will be handed out any more.
    pub(super) fn has_ended(&self) -> bool {
        match self.phase {
            Phase::Open => false,
            // What is worked on may be due once more after that.
            Phase::Draining => self.ready.is_empty() && self.in_work.list.is_empty(),
            Phase::Closed => true,
        }
    }

    /// Hands out no more, and forgets what is not worked on.
    pub(super) fn close(&mut self) -> Left<K> {
        self.phase = Phase::Closed;
        let ready: Vec<_> = self.ready.slots().collect();
        let delayed: Vec<_> = std::mem::take(&mut self.delayed).into_values().collect();
        self.ready = Ready::new(self.settings.is_fair);
        self.oldest = Line::default();
        let in_work = self.in_work.links.iter(&self.in_work.list);
        Left {
            in_work: in_work.map(|slot| Arc::clone(&self.table.at(slot).key)).collect(),
            ready: ready.into_iter().filter_map(|slot| self.remove(slot)).collect(),
            delayed: delayed.into_iter().filter_map(|slot| self.remove(slot)).collect(),
        }
    }

    /// Whoever waits for what is made ready here has a timer for it.
    pub(super) fn stats(&mut self, now: Instant) -> QueueStats {
        self.promote(now);
        let in_work = self.in_work.links.iter(&self.in_work.list);
        let running = in_work.map(|slot| now.saturating_duration_since(self.table.at(slot).since));
        let (unfinished_work, longest_running_processor) = running
            .fold(Default::default(), |(all, longest): (Duration, Duration), one| {
                (all.saturating_add(one), longest.max(one))
            });
        QueueStats {
            depth: self.ready.len(),
            delayed: self.delayed.len(),
            in_work: self.in_work.list.len(),
            adds_total: self.figures.adds,
            retries_total: self.figures.retries,
            queue_duration: self.figures.waited,
            work_duration: self.figures.worked,
            unfinished_work,
            longest_running_processor,
        }
    }

    fn remove(&mut self, slot: u32) -> Option<Arc<K>> {
        self.beside -= usize::from(self.table.at(slot).is_beside);
        self.table.remove(slot)
    }

    /// Puts a key that is in none of them among those that are ready, or are to be so then.
    fn place(&mut self, slot: u32, now: Instant, due: Instant) {
        if due <= now {
            self.make_ready(slot, now);
        } else {
            self.delay(slot, due);
        }
    }

    fn delay(&mut self, slot: u32, due: Instant) {
        self.delays += 1;
        self.table.at_mut(slot).place = Place::Delayed(due, self.delays);
        self.delayed.insert((due, self.delays), slot);
    }

    fn make_ready(&mut self, slot: u32, since: Instant) {
        let of = self.table.at_mut(slot);
        of.place = Place::Ready;
        of.since = since;
        self.ready.push(slot, of.priority, of.group);
        if self.bucket.is_some() {
            self.oldest.links.push(&mut self.oldest.list, slot);
        }
        self.figures.adds += 1;
    }

    /// Makes ready what is due, and tells whether there is more of it. Everything that knows the time does this first, so
    /// that what is due goes before what is added later.
    fn promote(&mut self, now: Instant) -> bool {
        if self.phase != Phase::Open {
            return false;
        }
        for _ in 0..PROMOTED_AT_ONCE {
            let Some(first) = self.delayed.first_entry().filter(|first| first.key().0 <= now) else {
                return false;
            };
            let ((due, _), slot) = first.remove_entry();
            self.make_ready(slot, due);
        }
        true
    }

    /// When the next key may be handed out, if any is ready.
    fn opens_at(&self, now: Instant) -> Option<Instant> {
        if self.ready.is_empty() {
            return None;
        }
        let (Some(bucket), Some(oldest)) = (&self.bucket, self.oldest.list.first()) else {
            return Some(now);
        };
        Some(bucket.opens_at(now, self.table.at(oldest).since))
    }

    /// Gives back what a flood has left behind.
    fn shrink(&mut self) -> Option<Table<K>> {
        if self.table.len() > 0 || self.table.extent() <= KEPT_SLOTS {
            return None;
        }
        self.ready = Ready::new(self.settings.is_fair);
        (self.in_work, self.oldest) = (Line::default(), Line::default());
        Some(std::mem::take(&mut self.table))
    }
}

impl<K: Eq> State<K> {
    /// Returns the slot of a key. Code of the key runs here, and nowhere else under the lock: before anything is changed.
    pub(super) fn find(&self, hash: u64, key: &K) -> Option<u32> {
        self.table.find(hash, key)
    }
}

/// Counts a failure, and returns when to try again.
///
/// A run that an event brought about and that ends before its time tells nothing that the failures before it have not
/// told: it is not counted, and neither brings the time nearer nor puts it off. One that lasts longer has failed when it
/// was due as well.
fn failed<K>(
    of: &mut Slot<K>,
    now: Instant,
    wait: Option<Duration>,
    settings: &Settings,
    draws: &mut Draws,
) -> Instant {
    let is_early = of.is_early(now);
    let running = of.backoff.filter(|_| is_early);
    let until = running.filter(|_| wait.is_none()).unwrap_or_else(|| {
        of.failures = of.failures.saturating_add(u32::from(!is_early));
        let bound = bound(settings.base, settings.cap, of.failures.saturating_sub(1));
        later(now, wait.unwrap_or_else(|| draws.wait(bound)))
    });
    of.backoff = Some(until);
    until
}

fn later(now: Instant, delay: Duration) -> Instant {
    now.checked_add(delay.min(LONGEST_DELAY)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Clocked {
        state: State<&'static str>,
        now: Instant,
    }

    impl Clocked {
        fn new(change: impl FnOnce(&mut Settings)) -> Self {
            let mut settings = Settings {
                capacity: 10,
                base: Duration::from_millis(5),
                cap: Duration::from_secs(1_000),
                jitter: Jitter::None,
                limit: None,
                is_fair: false,
                bounds_new: false,
            };
            change(&mut settings);
            let now = Instant::now();
            Self { state: State::new(settings), now }
        }

        fn pass(&mut self, millis: u64) {
            self.now += Duration::from_millis(millis);
        }

        fn add(&mut self, key: &'static str, add: Add) -> Result<(), Refused> {
            // All of them collide.
            let marks = Marks { hash: 1, group: 0 };
            let found = self.state.find(1, &key);
            self.state.add(self.now, found, marks, &mut Some(key), &add)
        }

        fn soon(&mut self, key: &'static str) {
            assert_eq!(self.add(key, Add::new()), Ok(()));
        }

        fn late(&mut self, key: &'static str, millis: u64) {
            assert_eq!(self.add(key, Add::new().after(Duration::from_millis(millis))), Ok(()));
        }

        fn take(&mut self) -> Option<Taken<&'static str>> {
            match self.state.take(self.now) {
                Take::Taken(taken) => Some(taken),
                Take::Wait | Take::Ended => None,
            }
        }

        fn taken(&mut self) -> Option<&'static str> {
            self.take().map(|taken| *taken.key)
        }

        fn end(&mut self, slot: u32, outcome: Outcome) {
            self.state.finish(self.now, slot, outcome);
        }

        fn next_in(&self) -> Option<u128> {
            let next = self.state.outlook(self.now).next?;
            Some(next.saturating_duration_since(self.now).as_millis())
        }
    }

    #[test]
    fn a_key_is_there_once_and_in_order() {
        let mut queue = Clocked::new(|_| {});
        for key in ["a", "b", "a", "c", "b"] {
            queue.soon(key);
        }
        assert_eq!([queue.taken(), queue.taken(), queue.taken()], [Some("a"), Some("b"), Some("c")]);
        assert_eq!(queue.taken(), None);
    }

    #[test]
    fn what_is_added_during_the_work_comes_once_more_after_it() {
        let mut queue = Clocked::new(|_| {});
        queue.soon("a");
        let item = queue.take().unwrap();
        queue.soon("a");
        queue.soon("a");
        assert_eq!(queue.taken(), None, "somebody works on it");
        queue.end(item.slot, Outcome::Done);
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::Done);
        assert_eq!(queue.taken(), None);
        assert_eq!(queue.state.table.len(), 0);
    }

    #[test]
    fn the_earlier_time_wins_and_fires_once() {
        let mut queue = Clocked::new(|_| {});
        queue.late("a", 100);
        queue.late("a", 50);
        queue.late("a", 200);
        assert_eq!(queue.next_in(), Some(50));
        queue.soon("a");
        assert_eq!(queue.next_in(), None);
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::Done);
        queue.pass(1_000);
        assert_eq!(queue.taken(), None);
    }

    #[test]
    fn what_is_due_goes_before_what_is_added_later() {
        let mut queue = Clocked::new(|_| {});
        queue.late("due", 10);
        queue.pass(20);
        queue.soon("new");
        let item = queue.take().unwrap();
        assert_eq!((*item.key, item.waited().as_millis()), ("due", 10));
    }

    #[test]
    fn a_failure_is_counted_only_when_its_backoff_was_over() {
        let mut queue = Clocked::new(|_| {});
        queue.soon("a");
        for wait in [5, 10, 20, 40] {
            let item = queue.take().unwrap();
            queue.end(item.slot, Outcome::Failed);
            assert_eq!(queue.next_in(), Some(wait));
            if wait < 40 {
                queue.pass(wait as u64);
            }
        }
        // An event every 10 ms: it runs, and nothing else changes.
        for left in [30, 20, 10] {
            queue.pass(10);
            queue.soon("a");
            let item = queue.take().unwrap();
            assert_eq!(item.failures, 4);
            queue.end(item.slot, Outcome::Failed);
            assert_eq!(queue.next_in(), Some(left));
        }
        queue.pass(10);
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::Failed);
        assert_eq!(queue.next_in(), Some(80));
        queue.pass(80);
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::RequeueAfter(Duration::from_millis(7)));
        queue.pass(7);
        assert_eq!(queue.take().unwrap().failures, 0);
    }

    #[test]
    fn an_early_run_that_outlasts_the_backoff_is_counted() {
        let mut queue = Clocked::new(|_| {});
        queue.soon("a");
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::Failed);
        queue.soon("a");
        let item = queue.take().unwrap();
        assert!(queue.state.is_early(queue.now, item.slot));
        queue.pass(5);
        assert!(!queue.state.is_early(queue.now, item.slot), "it would have been due by now");
        queue.end(item.slot, Outcome::Failed);
        assert_eq!(queue.next_in(), Some(10));
        queue.pass(10);
        assert_eq!(queue.take().unwrap().failures, 2);
    }

    #[test]
    fn a_patient_add_shortens_no_backoff() {
        let mut queue = Clocked::new(|settings| settings.base = Duration::from_millis(100));
        let patient = Add::new().respecting_backoff();
        queue.soon("a");
        let item = queue.take().unwrap();
        assert_eq!(queue.add("a", patient), Ok(()), "while it is worked on");
        queue.end(item.slot, Outcome::Failed);
        assert_eq!(queue.next_in(), Some(100));
        assert_eq!(queue.add("a", patient), Ok(()), "while it waits");
        assert_eq!(queue.next_in(), Some(100));
        queue.soon("a");
        let item = queue.take().unwrap();
        assert_eq!(queue.add("a", patient), Ok(()));
        queue.end(item.slot, Outcome::Done);
        let item = queue.take().unwrap();
        assert_eq!(queue.add("a", patient), Ok(()));
        queue.end(item.slot, Outcome::GivenUp);
        assert_eq!(queue.taken(), None, "what is given up comes only by something new");
        queue.late("a", 1_000);
        assert_eq!(queue.add("a", patient), Ok(()));
        assert_eq!(queue.taken(), Some("a"), "it has not failed");
    }

    #[test]
    fn a_given_wait_is_a_failure_as_any_other() {
        let mut queue = Clocked::new(|_| {});
        queue.soon("a");
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::RetryAfter(Duration::from_millis(700)));
        assert_eq!(queue.next_in(), Some(700));
        queue.soon("a");
        let item = queue.take().unwrap();
        assert!(item.failures == 1 && queue.state.is_early(queue.now, item.slot));
        queue.end(item.slot, Outcome::RetryAfter(Duration::from_millis(900)));
        assert_eq!(queue.next_in(), Some(900));
        queue.pass(900);
        let item = queue.take().unwrap();
        assert!(item.failures == 1 && !queue.state.is_early(queue.now, item.slot));
        queue.end(item.slot, Outcome::Failed);
        assert_eq!(queue.next_in(), Some(10));
    }

    #[test]
    fn forgetting_clears_the_failures_and_nothing_else() {
        let mut queue = Clocked::new(|settings| settings.base = Duration::from_millis(8));
        queue.soon("a");
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::Failed);
        queue.state.forget(item.slot);
        assert_eq!(queue.next_in(), Some(8));
        queue.pass(8);
        let item = queue.take().unwrap();
        assert_eq!(item.failures, 0);
        queue.end(item.slot, Outcome::Failed);
        assert_eq!(queue.next_in(), Some(8));
    }

    #[test]
    fn the_backoff_ends_at_its_cap() {
        let mut queue = Clocked::new(|_| {});
        queue.soon("a");
        let mut waits = Vec::new();
        for _ in 0..40 {
            let item = queue.take().unwrap();
            queue.end(item.slot, Outcome::Failed);
            waits.push(queue.next_in().unwrap());
            queue.pass(1_000_000);
        }
        assert_eq!(waits[..4], [5, 10, 20, 40]);
        assert_eq!(waits[17..20], [655_360, 1_000_000, 1_000_000]);
        assert_eq!(waits[39], 1_000_000);
    }

    #[test]
    fn the_priority_is_the_highest_and_stays_with_the_key() {
        let mut queue = Clocked::new(|_| {});
        let low = Add::new().priority(Priority::Low);
        assert_eq!(queue.add("a", low), Ok(()));
        queue.soon("b");
        assert_eq!(queue.add("a", Add::new()), Ok(()));
        assert_eq!(queue.add("b", low), Ok(()));
        let item = queue.take().unwrap();
        assert_eq!((*item.key, item.priority), ("b", Priority::Normal), "raised, at the end of the new line");
        queue.end(item.slot, Outcome::RequeueAfter(Duration::ZERO));
        let item = queue.take().unwrap();
        assert_eq!((*item.key, item.priority), ("a", Priority::Normal));
        assert_eq!(queue.add("a", low), Ok(()));
        queue.end(item.slot, Outcome::Failed);
        assert_eq!(queue.take().unwrap().priority, Priority::Normal, "requeued with its own");
        let item = queue.take().unwrap();
        assert_eq!(item.priority, Priority::Normal, "a failure is not less urgent by an event");
        assert_eq!(queue.add("a", low), Ok(()));
        queue.end(item.slot, Outcome::Done);
        assert_eq!(queue.take().unwrap().priority, Priority::Low, "a new one has that of the event");
    }

    #[test]
    fn what_is_urgent_stays_so_through_failures_and_not_after_a_success() {
        let mut queue = Clocked::new(|_| {});
        let soon = Outcome::RequeueAfter(Duration::ZERO);
        assert_eq!(queue.add("a", Add::new().priority(Priority::High)), Ok(()));
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::RetryAfter(Duration::ZERO));
        let item = queue.take().unwrap();
        assert_eq!(item.priority, Priority::High);
        queue.end(item.slot, soon);
        let item = queue.take().unwrap();
        assert_eq!(item.priority, Priority::Normal);
        assert_eq!(queue.add("a", Add::new().priority(Priority::High)), Ok(()));
        queue.end(item.slot, soon);
        assert_eq!(queue.take().unwrap().priority, Priority::High, "somebody asked for it meanwhile");
        assert_eq!(queue.add("b", Add::new().priority(Priority::Low)), Ok(()));
        let item = queue.take().unwrap();
        queue.end(item.slot, soon);
        assert_eq!(queue.take().unwrap().priority, Priority::Low, "nothing is more urgent by a success");
    }

    #[test]
    fn a_full_queue_takes_what_it_has_and_nothing_else() {
        let mut queue = Clocked::new(|settings| settings.capacity = 3);
        queue.soon("ready");
        queue.late("delayed", 10);
        let working = queue.take().unwrap();
        queue.soon("other");
        assert_eq!(queue.add("new", Add::new()), Err(Refused::Full));
        for key in ["ready", "delayed", "other"] {
            queue.soon(key);
        }
        queue.end(working.slot, Outcome::Done);
        let working = queue.take().unwrap();
        queue.end(working.slot, Outcome::Done);
        queue.soon("new");
    }

    #[test]
    fn what_comes_back_may_stand_beside_the_capacity() {
        let mut queue = Clocked::new(|settings| (settings.capacity, settings.bounds_new) = (1, true));
        for (key, outcome) in [("often", Outcome::RequeueAfter(Duration::ZERO)), ("failing", Outcome::Failed)]
        {
            queue.soon(key);
            assert_eq!(queue.add("new", Add::new()), Err(Refused::Full), "nobody has worked on it");
            let item = loop {
                let item = queue.take().unwrap();
                if *item.key == key {
                    break item;
                }
                queue.end(item.slot, Outcome::RequeueAfter(Duration::ZERO));
            };
            assert_eq!(queue.add("new", Add::new()), Err(Refused::Full), "nor to the end");
            queue.end(item.slot, outcome);
        }
        queue.soon("new");
        assert_eq!(queue.add("newer", Add::new()), Err(Refused::Full));
        queue.pass(100);
        for _ in 0..3 {
            let item = queue.take().unwrap();
            queue.end(item.slot, Outcome::Done);
        }
        assert_eq!((queue.state.room(), queue.state.beside), (1, 0));
        queue.soon("often");
        assert_eq!(queue.state.room(), 0, "it is new once more");
        queue.state.close();
        assert_eq!(queue.state.beside, 0);
    }

    #[test]
    fn a_drain_hands_out_what_is_ready_and_leaves_the_rest() {
        let mut queue = Clocked::new(|_| {});
        for key in ["a", "b"] {
            queue.soon(key);
        }
        queue.late("due", 10);
        queue.late("late", 20);
        let a = queue.take().unwrap();
        queue.soon("a");
        queue.pass(10);
        queue.state.drain(queue.now);
        assert_eq!(queue.add("a", Add::new()), Err(Refused::Closed));
        queue.pass(100);
        let b = queue.take().unwrap();
        queue.end(b.slot, Outcome::Failed);
        queue.pass(100);
        let due = queue.take().unwrap();
        assert_eq!(*due.key, "due");
        queue.end(due.slot, Outcome::Done);
        assert!(matches!(queue.state.take(queue.now), Take::Wait), "one is worked on");
        queue.end(a.slot, Outcome::Done);
        let a = queue.take().unwrap();
        assert_eq!(*a.key, "a", "it was added before the drain");
        queue.end(a.slot, Outcome::RequeueAfter(Duration::ZERO));
        assert!(matches!(queue.state.take(queue.now), Take::Ended));
        let left = queue.state.close();
        assert_eq!(left.delayed.iter().map(|key| **key).collect::<Vec<_>>(), ["late", "b", "a"]);
        assert!(left.ready.is_empty() && left.in_work.is_empty());
    }

    #[test]
    fn a_closed_queue_forgets_what_ends() {
        let mut queue = Clocked::new(|_| {});
        for key in ["a", "b"] {
            queue.soon(key);
        }
        queue.late("c", 5);
        let a = queue.take().unwrap();
        let left = queue.state.close();
        assert_eq!((*left.in_work[0], *left.ready[0], *left.delayed[0]), ("a", "b", "c"));
        queue.end(a.slot, Outcome::Failed);
        assert_eq!(queue.state.table.len(), 0);
        assert!(matches!(queue.state.take(queue.now), Take::Ended));
    }

    #[test]
    fn times_beyond_all_clocks_are_far_away() {
        let mut queue = Clocked::new(|settings| {
            (settings.base, settings.cap) = (Duration::MAX, Duration::MAX);
        });
        assert_eq!(queue.add("a", Add::new().after(Duration::MAX)), Ok(()));
        assert!(queue.next_in().is_some_and(|millis| millis > 1_000_000_000));
        queue.soon("a");
        let item = queue.take().unwrap();
        queue.end(item.slot, Outcome::Failed);
        assert!(queue.next_in().is_some_and(|millis| millis > 1_000_000_000));
    }

    #[test]
    fn a_flood_leaves_nothing_behind() {
        let mut queue = Clocked::new(|settings| settings.capacity = 100_000);
        let mut state = State::new(queue.state.settings.clone());
        for key in 0..50_000_u64 {
            let marks = Marks { hash: key, group: 0 };
            state.add(queue.now, None, marks, &mut Some(key), &Add::new()).unwrap();
        }
        queue.pass(1);
        while let Take::Taken(taken) = state.take(queue.now) {
            state.finish(queue.now, taken.slot, Outcome::Done);
        }
        assert_eq!((state.table.len(), state.table.extent()), (0, 0));
        let stats = state.stats(queue.now);
        assert_eq!((stats.adds_total, stats.queue_duration.count, stats.depth), (50_000, 50_000, 0));
        assert_eq!(stats.queue_duration.longest, Duration::from_millis(1));
    }

    #[test]
    fn a_limit_holds_back_but_not_for_too_long() {
        let limit = RateLimit::per_second(1).max_wait(Duration::from_secs(3));
        let mut queue = Clocked::new(|settings| settings.limit = Some(limit));
        for key in ["a", "b", "c", "d", "e", "f"] {
            queue.soon(key);
        }
        assert_eq!([queue.taken(), queue.taken()], [Some("a"), None]);
        assert_eq!(queue.next_in(), Some(1_000));
        queue.pass(1_000);
        assert_eq!([queue.taken(), queue.taken()], [Some("b"), None]);
        queue.pass(2_000);
        assert_eq!([queue.taken(), queue.taken(), queue.taken()], [Some("c"), Some("d"), Some("e")]);
    }

    #[test]
    fn unfinished_work_is_added_up() {
        let mut queue = Clocked::new(|_| {});
        queue.soon("a");
        queue.soon("b");
        let a = queue.take().unwrap();
        queue.pass(100);
        queue.take().unwrap();
        queue.pass(50);
        let stats = queue.state.stats(queue.now);
        assert_eq!(stats.unfinished_work, Duration::from_millis(200));
        assert_eq!(stats.longest_running_processor, Duration::from_millis(150));
        queue.end(a.slot, Outcome::Done);
        let stats = queue.state.stats(queue.now);
        assert_eq!(stats.unfinished_work, Duration::from_millis(50));
        assert_eq!(stats.longest_running_processor, Duration::from_millis(50));
        assert_eq!(stats.work_duration.total, Duration::from_millis(150));
    }
}
