//! In which order keys that are ready are handed out.

use std::collections::{BTreeMap, HashMap};

use super::list::{Links, List};

/// How urgent a key is: those that are ready go in this order, and within it first come, first served.
///
/// However many more urgent ones there are, the others make progress: of any ten keys that are handed out, one at least is
/// of each priority that has something ready. So the n-th in the line of its priority is handed out after 10 n others at
/// the latest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
// As wide as what it is moved about with: odd bytes at the end of an item make each move of it wait for the last one.
#[repr(u32)]
pub enum Priority {
    /// What can wait, as the first list after a start, or a resync.
    Low,
    /// What has changed.
    #[default]
    Normal,
    /// What somebody waits for.
    High,
}

const PRIORITIES: usize = 3;

/// After how many keys of more urgent ones a priority has its turn. One more may come between: that of another one whose
/// turn it is as well.
const PASSED_OVER: u32 = 8;

#[derive(Debug)]
pub(super) struct Ready {
    links: Links,
    levels: [Level; PRIORITIES],
    len: usize,
}

#[derive(Debug)]
struct Level {
    line: Line,
    /// How many more urgent keys went since one of this level did, while there was one.
    passed_over: u32,
}

impl Ready {
    /// With or without groups that take turns.
    pub(super) fn new(is_fair: bool) -> Self {
        let level = || Level { line: Line::new(is_fair), passed_over: 0 };
        Self { links: Links::default(), levels: [level(), level(), level()], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, slot: u32, priority: Priority, group: u64) {
        self.levels[priority as usize].line.push(&mut self.links, slot, group);
        self.len += 1;
    }

    /// The slot must be there, by this priority and group.
    pub(super) fn remove(&mut self, slot: u32, priority: Priority, group: u64) {
        let level = &mut self.levels[priority as usize];
        level.line.remove(&mut self.links, slot, group);
        if level.line.is_empty() {
            level.passed_over = 0;
        }
        self.len -= 1;
    }

    pub(super) fn pop(&mut self) -> Option<u32> {
        let mut picked = None;
        let mut passed_over = PASSED_OVER - 1;
        for (nth, level) in self.levels.iter().enumerate().rev() {
            if level.line.is_empty() {
                continue;
            }
            // The one that was passed over most often, once it was so too often.
            if picked.is_none() || level.passed_over > passed_over {
                picked = Some(nth);
                passed_over = passed_over.max(level.passed_over);
            }
        }
        let picked = picked?;
        for below in &mut self.levels[..picked] {
            if !below.line.is_empty() {
                below.passed_over += 1;
            }
        }
        let level = &mut self.levels[picked];
        level.passed_over = 0;
        let slot = level.line.pop(&mut self.links)?;
        self.len -= 1;
        Some(slot)
    }

    /// All of them, the urgent ones first.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.levels.iter().rev().flat_map(|level| level.line.lists()).flat_map(|list| self.links.iter(list))
    }
}

/// The keys of one priority.
#[derive(Debug)]
enum Line {
    InOrder(List),
    Fair(Turns),
}

/// Groups that take turns, one key each: a round robin over those that have something ready.
#[derive(Debug, Default)]
struct Turns {
    groups: HashMap<u64, Group>,
    /// The groups by when it is their turn.
    by_turn: BTreeMap<u64, u64>,
    next: u64,
}

#[derive(Debug, Default)]
struct Group {
    list: List,
    turn: u64,
}

impl Line {
    fn new(is_fair: bool) -> Self {
        if is_fair { Self::Fair(Turns::default()) } else { Self::InOrder(List::default()) }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::InOrder(list) => list.is_empty(),
            Self::Fair(turns) => turns.groups.is_empty(),
        }
    }

    fn push(&mut self, links: &mut Links, slot: u32, group: u64) {
        match self {
            Self::InOrder(list) => links.push(list, slot),
            Self::Fair(turns) => {
                let Turns { groups, by_turn, next } = turns;
                let group = groups.entry(group).or_insert_with(|| {
                    *next += 1;
                    by_turn.insert(*next, group);
                    Group { list: List::default(), turn: *next }
                });
                links.push(&mut group.list, slot);
            }
        }
    }

    fn remove(&mut self, links: &mut Links, slot: u32, group: u64) {
        match self {
            Self::InOrder(list) => links.remove(list, slot),
            Self::Fair(turns) => {
                let Some(of) = turns.groups.get_mut(&group) else { return };
                links.remove(&mut of.list, slot);
                if of.list.is_empty() {
                    turns.by_turn.remove(&of.turn);
                    turns.groups.remove(&group);
                }
            }
        }
    }

    fn pop(&mut self, links: &mut Links) -> Option<u32> {
        match self {
            Self::InOrder(list) => links.pop(list),
            Self::Fair(turns) => {
                let (_, group) = turns.by_turn.pop_first()?;
                let of = turns.groups.get_mut(&group)?;
                let slot = links.pop(&mut of.list);
                if of.list.is_empty() {
                    turns.groups.remove(&group);
                } else {
                    turns.next += 1;
                    of.turn = turns.next;
                    turns.by_turn.insert(turns.next, group);
                }
                slot
            }
        }
    }

    fn lists(&self) -> Box<dyn Iterator<Item = &List> + '_> {
        match self {
            Self::InOrder(list) => Box::new(std::iter::once(list)),
            Self::Fair(turns) => Box::new(
                turns.by_turn.values().filter_map(|group| turns.groups.get(group)).map(|group| &group.list),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(ready: &mut Ready) -> Vec<u32> {
        std::iter::from_fn(|| ready.pop()).collect()
    }

    #[test]
    fn urgent_ones_go_first_and_each_priority_in_order() {
        let mut ready = Ready::new(false);
        for (slot, priority) in [
            (0, Priority::Low),
            (1, Priority::Normal),
            (2, Priority::High),
            (3, Priority::Normal),
            (4, Priority::High),
        ] {
            ready.push(slot, priority, 0);
        }
        assert_eq!(ready.slots().collect::<Vec<_>>(), [2, 4, 1, 3, 0]);
        assert_eq!(popped(&mut ready), [2, 4, 1, 3, 0]);
    }

    /// Whatever comes in, of any ten in a row one at least is of each priority that had something all the while.
    #[test]
    fn of_any_ten_one_is_of_each_priority_that_has_something() {
        let mut ready = Ready::new(false);
        let mut random = 1_u64;
        let mut since = [0; PRIORITIES];
        let mut held = [0_u32; PRIORITIES];
        let mut gone = [0; PRIORITIES];
        for _ in 0..200_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = (random >> 33) as usize;
            // Mostly the urgent ones, which is what the others suffer from.
            let nth = [0, 1, 2, 2, 2][draw % 5];
            if draw / 5 % 2 == 0 && held[nth] < 20 {
                let priority = [Priority::Low, Priority::Normal, Priority::High][nth];
                ready.push((nth * 100) as u32 + free(&ready, nth), priority, 0);
                held[nth] += 1;
            } else if let Some(slot) = ready.pop() {
                let of = slot as usize / 100;
                held[of] -= 1;
                gone[of] += 1;
                for (nth, since) in since.iter_mut().enumerate() {
                    *since = if nth == of || held[nth] == 0 { 0 } else { *since + 1 };
                    assert!(*since < 10, "{nth} was passed over {since} times");
                }
            }
        }
        assert!(gone[2] > gone[1] && gone.iter().all(|gone| *gone > 1_000), "{gone:?}");
    }

    fn free(ready: &Ready, nth: usize) -> u32 {
        (0..100).find(|slot| !ready.slots().any(|used| used == (nth * 100) as u32 + slot)).unwrap()
    }

    #[test]
    fn groups_take_turns() {
        let mut ready = Ready::new(true);
        for (slot, group) in [(0, 7), (1, 7), (2, 7), (3, 7), (4, 8), (5, 9), (6, 8)] {
            ready.push(slot, Priority::Normal, group);
        }
        assert_eq!(popped(&mut ready), [0, 4, 5, 1, 6, 2, 3]);
    }

    #[test]
    fn a_group_that_loses_its_last_key_loses_its_turn_and_is_forgotten() {
        let mut ready = Ready::new(true);
        ready.push(0, Priority::Low, 7);
        ready.push(1, Priority::Low, 8);
        ready.remove(0, Priority::Low, 7);
        ready.push(0, Priority::High, 7);
        assert_eq!(popped(&mut ready), [0, 1]);
        for level in &ready.levels {
            let Line::Fair(turns) = &level.line else { panic!("it is fair") };
            assert!(turns.groups.is_empty() && turns.by_turn.is_empty());
        }
    }
}
