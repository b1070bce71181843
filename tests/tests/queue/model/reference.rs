//! What a queue does, in as few words as it can be said: one list of keys, which is looked through each time.

use reloadable::Priority;

pub type Key = u8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Open,
    Draining,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    Retry,
    Drop,
    RequeueAfter(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Ready,
    Delayed { due: u64 },
    InWork { again: Option<(u64, Priority)> },
}

#[derive(Debug, Clone)]
struct Entry {
    key: Key,
    place: Place,
    /// In which order it came to where it is.
    order: u64,
    priority: Priority,
    failures: u32,
    backoff: Option<u64>,
    since: u64,
}

/// What was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub key: Key,
    pub priority: Priority,
    pub attempts: u32,
    pub waited: u64,
}

/// Ready, delayed and in work, each sorted.
pub type Left = [Vec<Key>; 3];

pub struct Model {
    pub now: u64,
    pub phase: Phase,
    pub capacity: usize,
    pub is_fair: bool,
    entries: Vec<Entry>,
    moves: u64,
    /// How often each priority was passed over.
    passed_over: [u32; 3],
    /// For each priority the groups, by whose turn is next.
    turns: [Vec<u8>; 3],
    pub adds: u64,
    pub retries: u64,
}

const BASE: u64 = 8;
const CAP: u64 = 100;
const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

pub fn group(key: Key) -> u8 {
    key % 2
}

impl Model {
    pub fn new(capacity: usize, is_fair: bool) -> Self {
        Self {
            now: 0,
            phase: Phase::Open,
            capacity,
            is_fair,
            entries: Vec::new(),
            moves: 0,
            passed_over: [0; 3],
            turns: Default::default(),
            adds: 0,
            retries: 0,
        }
    }

    pub fn has_room_for(&self, key: Key) -> bool {
        self.entries.len() < self.capacity || self.entries.iter().any(|entry| entry.key == key)
    }

    pub fn has_room(&self) -> bool {
        self.entries.len() < self.capacity
    }

    /// How many are ready, delayed and in work.
    pub fn counts(&self) -> [usize; 3] {
        let count = |is: fn(&Place) -> bool| self.entries.iter().filter(|entry| is(&entry.place)).count();
        [
            count(|place| *place == Place::Ready),
            count(|place| matches!(place, Place::Delayed { .. })),
            count(|place| matches!(place, Place::InWork { .. })),
        ]
    }

    pub fn has_ended(&self) -> bool {
        let [ready, _, in_work] = self.counts();
        match self.phase {
            Phase::Open => false,
            Phase::Draining => ready + in_work == 0,
            Phase::Closed => true,
        }
    }

    /// Makes ready what is due.
    pub fn promote(&mut self) {
        while self.phase == Phase::Open {
            let due = self.entries.iter().enumerate().filter_map(|(nth, entry)| match entry.place {
                Place::Delayed { due } if due <= self.now => Some((due, entry.order, nth)),
                _ => None,
            });
            let Some((due, _, nth)) = due.min() else { return };
            self.make_ready(nth, due);
        }
    }

    fn make_ready(&mut self, nth: usize, since: u64) {
        self.adds += 1;
        self.entries[nth].since = since;
        self.line_up(nth);
    }

    /// Puts it at the end of its line.
    fn line_up(&mut self, nth: usize) {
        self.moves += 1;
        let entry = &mut self.entries[nth];
        (entry.place, entry.order) = (Place::Ready, self.moves);
        let turns = &mut self.turns[entry.priority as usize];
        if !turns.contains(&group(entry.key)) {
            turns.push(group(entry.key));
        }
    }

    /// Takes away the turns of those who have nothing, and what was counted for them.
    fn tidy(&mut self) {
        for (level, priority) in PRIORITIES.into_iter().enumerate() {
            let ready = |group_: u8| {
                self.entries.iter().any(|entry| {
                    entry.place == Place::Ready && entry.priority == priority && group(entry.key) == group_
                })
            };
            self.turns[level].retain(|group| ready(*group));
            if self.turns[level].is_empty() {
                self.passed_over[level] = 0;
            }
        }
    }

    fn schedule(&mut self, nth: usize, due: u64) {
        if due <= self.now {
            self.make_ready(nth, self.now);
        } else {
            self.delay(nth, due);
        }
    }

    fn delay(&mut self, nth: usize, due: u64) {
        self.moves += 1;
        self.entries[nth].place = Place::Delayed { due };
        self.entries[nth].order = self.moves;
    }

    /// Returns whether it was taken; else it is full, or not open.
    pub fn add(&mut self, key: Key, after: u64, priority: Priority) -> bool {
        if self.phase != Phase::Open || !self.has_room_for(key) {
            return false;
        }
        let due = self.now + after;
        let Some(nth) = self.entries.iter().position(|entry| entry.key == key) else {
            self.entries.push(Entry {
                key,
                place: Place::Ready,
                order: 0,
                priority,
                failures: 0,
                backoff: None,
                since: self.now,
            });
            self.schedule(self.entries.len() - 1, due);
            return true;
        };
        let entry = &mut self.entries[nth];
        match &mut entry.place {
            Place::Ready => {
                if priority > entry.priority {
                    entry.priority = priority;
                    self.line_up(nth);
                }
            }
            Place::Delayed { due: until } => {
                entry.priority = entry.priority.max(priority);
                if due < *until {
                    self.schedule(nth, due);
                }
            }
            Place::InWork { again } => {
                *again = Some(match *again {
                    Some((other, of)) => (other.min(due), of.max(priority)),
                    None => (due, priority),
                });
            }
        }
        self.tidy();
        true
    }

    pub fn take(&mut self) -> Option<Taken> {
        let has = |priority| {
            self.entries.iter().any(|entry| entry.place == Place::Ready && entry.priority == priority)
        };
        let waiting: Vec<usize> = (0..3).rev().filter(|level| has(PRIORITIES[*level])).collect();
        // Nobody is passed over more than eight times, but for one whose turn it is as well.
        let overdue = waiting.iter().copied().filter(|level| self.passed_over[*level] >= 8);
        let level =
            overdue.rev().max_by_key(|level| self.passed_over[*level]).or(waiting.first().copied())?;
        for below in waiting.into_iter().filter(|other| *other < level) {
            self.passed_over[below] += 1;
        }
        self.passed_over[level] = 0;
        let turn = self.turns[level].first().copied();
        let (nth, _) = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.place == Place::Ready && entry.priority == PRIORITIES[level])
            .filter(|(_, entry)| !self.is_fair || Some(group(entry.key)) == turn)
            .min_by_key(|(_, entry)| entry.order)?;
        if let Some(turn) = turn {
            self.turns[level].rotate_left(1);
            debug_assert_eq!(self.turns[level].last(), Some(&turn));
        }
        self.moves += 1;
        let entry = &mut self.entries[nth];
        let (key, priority, attempts) = (entry.key, entry.priority, entry.failures);
        let waited = self.now - entry.since;
        (entry.place, entry.order) = (Place::InWork { again: None }, self.moves);
        self.tidy();
        Some(Taken { key, priority, attempts, waited })
    }

    pub fn end(&mut self, key: Key, end: End) {
        let Some(nth) = self.entries.iter().position(|entry| entry.key == key) else { return };
        let entry = &mut self.entries[nth];
        let Place::InWork { again } = entry.place else { return };
        let own = match end {
            End::Retry | End::Drop => {
                self.retries += 1;
                let until = match entry.backoff {
                    Some(until) if until > self.now => until,
                    _ => {
                        entry.failures += 1;
                        let doubled = BASE << entry.failures.saturating_sub(1).min(20);
                        self.now + doubled.min(CAP)
                    }
                };
                entry.backoff = Some(until);
                Some(until)
            }
            End::Done => None,
            End::RequeueAfter(delay) => Some(self.now + delay),
        };
        if !matches!(end, End::Retry | End::Drop) {
            (entry.failures, entry.backoff) = (0, None);
            entry.priority = entry.priority.min(Priority::Normal);
        }
        if let Some((_, priority)) = again {
            entry.priority = if own.is_some() { entry.priority.max(priority) } else { priority };
        }
        let due = own.into_iter().chain(again.map(|(due, _)| due)).min();
        let is_asked_for = again.is_some_and(|(due, _)| due <= self.now);
        match (due, self.phase) {
            (None, _) | (_, Phase::Closed) => drop(self.entries.swap_remove(nth)),
            (Some(due), Phase::Draining) if !is_asked_for => self.delay(nth, due),
            (Some(due), _) => self.schedule(nth, due),
        }
    }

    pub fn forget(&mut self, key: Key) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) else { return false };
        (entry.failures, entry.backoff) = (0, None);
        true
    }

    pub fn drain(&mut self) {
        self.promote();
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
        }
    }

    pub fn close(&mut self) -> Left {
        self.phase = Phase::Closed;
        let mut left = Left::default();
        for entry in &self.entries {
            let place = match entry.place {
                Place::Ready => 0,
                Place::Delayed { .. } => 1,
                Place::InWork { .. } => 2,
            };
            left[place].push(entry.key);
        }
        self.entries.retain(|entry| matches!(entry.place, Place::InWork { .. }));
        left.iter_mut().for_each(|keys| keys.sort_unstable());
        left
    }
}
