//! Who waits for a queue, and which one of them is woken.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

/// Those who found nothing when they looked. As many are woken as there is something for, and one of them, and no more,
/// holds the timer for what is to come.
///
/// Who is woken leaves the line, and is expected until he looks again or gives up: so nothing is lost when he gives up,
/// as somebody else is woken then.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// By their tickets, the lowest one first.
    line: VecDeque<(u64, Waker)>,
    tickets: u64,
    /// How many are expected.
    expected: usize,
    timer: Option<Timer>,
}

#[derive(Debug, Clone, Copy)]
struct Timer {
    ticket: u64,
    until: Instant,
}

impl Waiters {
    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Joins the line. The ticket must be given back by [`leave`](Self::leave).
    pub(super) fn join(&mut self, waker: Waker) -> u64 {
        self.tickets += 1;
        self.line.push_back((self.tickets, waker));
        self.tickets
    }

    /// Leaves the line: to look, or to give up. What is returned is to be dropped without a lock.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        self.drop_timer_of(ticket);
        let Ok(place) = self.line.binary_search_by_key(&ticket, |(ticket, _)| *ticket) else {
            self.expected -= 1;
            return None;
        };
        self.line.remove(place).map(|(_, waker)| waker)
    }

    /// Takes the timer if nobody else has it, and returns until when to sleep then.
    pub(super) fn hold_timer(&mut self, ticket: u64, next: Option<Instant>) -> Option<Instant> {
        if let (None, Some(until)) = (self.timer, next) {
            self.timer = Some(Timer { ticket, until });
            return Some(until);
        }
        None
    }

    /// Returns whom to wake, when there is something for `available` of them, and may be for more at `next`. One is enough:
    /// he calls this again when he has looked.
    pub(super) fn rouse(&mut self, available: usize, next: Option<Instant>) -> Option<Waker> {
        if available > self.expected {
            // Whoever has the timer had better keep it.
            let has_timer = |ticket| self.timer.is_some_and(|timer| timer.ticket == ticket);
            let place = usize::from(self.line.len() > 1 && has_timer(self.line[0].0));
            return self.expect(place);
        }
        match (self.timer, next) {
            (Some(timer), Some(next)) if next < timer.until => {
                let place = self.line.binary_search_by_key(&timer.ticket, |(ticket, _)| *ticket);
                place.ok().and_then(|place| self.expect(place))
            }
            // Whoever is expected will see to the timer.
            (None, Some(_)) if self.expected == 0 => self.expect(0),
            _ => None,
        }
    }

    /// Returns everybody.
    pub(super) fn all(&mut self) -> Vec<Waker> {
        self.timer = None;
        self.expected += self.line.len();
        self.line.drain(..).map(|(_, waker)| waker).collect()
    }

    fn expect(&mut self, place: usize) -> Option<Waker> {
        let (ticket, waker) = self.line.remove(place)?;
        self.drop_timer_of(ticket);
        self.expected += 1;
        Some(waker)
    }

    fn drop_timer_of(&mut self, ticket: u64) {
        self.timer = self.timer.filter(|timer| timer.ticket != ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn as_many_are_woken_as_there_is_something_for() {
        let (mut waiters, woken) = (Waiters::default(), Arc::new(Woken::default()));
        let tickets: Vec<_> = (0..3).map(|_| waiters.join(Waker::from(Arc::clone(&woken)))).collect();
        for (available, wakes) in [(1, true), (1, false), (2, true), (2, false)] {
            assert_eq!(waiters.rouse(available, None).is_some(), wakes, "{available}");
        }
        assert!(waiters.leave(tickets[0]).is_none(), "he was woken");
        assert!(waiters.rouse(2, None).is_some(), "and has taken nothing");
        assert!(waiters.rouse(9, None).is_none(), "there is nobody left");
        assert!(waiters.leave(tickets[1]).is_none() && waiters.leave(tickets[2]).is_none());
        assert_eq!(waiters.expected, 0);
    }

    #[test]
    fn one_holds_the_timer_and_it_is_handed_on() {
        let (mut waiters, woken) = (Waiters::default(), Arc::new(Woken::default()));
        let now = Instant::now();
        let at = |seconds| Some(now + Duration::from_secs(seconds));
        let join = |waiters: &mut Waiters| waiters.join(Waker::from(Arc::clone(&woken)));
        let (first, second) = (join(&mut waiters), join(&mut waiters));
        assert_eq!(waiters.hold_timer(first, at(9)), at(9));
        assert_eq!(waiters.hold_timer(second, at(9)), None);
        assert!(waiters.rouse(0, at(9)).is_none(), "he sleeps until then");
        assert!(waiters.rouse(0, at(5)).is_some(), "that is too long");
        waiters.leave(first);
        assert!(waiters.rouse(0, at(5)).is_some(), "nobody has it, so the second one is woken");
        waiters.leave(second);
        let third = join(&mut waiters);
        assert_eq!(waiters.hold_timer(third, at(5)), at(5));
        let fourth = join(&mut waiters);
        assert!(waiters.rouse(1, at(5)).is_some());
        assert!(waiters.leave(third).is_some(), "the one with the timer was left alone");
        assert!(waiters.leave(fourth).is_none());
    }
}
