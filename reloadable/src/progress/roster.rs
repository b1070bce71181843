//! The list of those who subscribe, and what waits for them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::place::{LastChange, Place};
use super::status::{Readiness, SubscriberStatus};
use crate::sync::Mutex;

/// All subscriptions of a reloader. Clones share it.
///
/// The lock of the list is taken before that of a [`Place`], and neither is held while code of the application runs.
#[derive(Clone)]
pub(crate) struct Roster(Arc<Shared>);

struct Shared {
    list: Mutex<List>,
    /// Something may have been reached: a generation was judged or applied, or a subscription ended.
    moved: watch::Sender<()>,
}

struct List {
    /// The numbers grow, so that the oldest comes first.
    next: u64,
    /// The generation of which it is known for every section whether it changed.
    judged: u64,
    closed: bool,
    acknowledging: BTreeMap<u64, Arc<Place>>,
    others: BTreeMap<u64, Arc<Place>>,
}

/// How far an acknowledged generation has come.
#[derive(Debug)]
pub(crate) enum Reached {
    Everywhere,
    /// With the generation that was published last, and those who have not applied it.
    NotYet(u64, Vec<SubscriberStatus>),
    /// Everybody has answered, and these could not apply it.
    Failed(Vec<SubscriberStatus>),
    Closed,
}

impl Roster {
    /// `first` is the generation that the first subscriptions are given.
    pub(crate) fn new(first: u64) -> Self {
        let list = List {
            next: 0,
            judged: first,
            closed: false,
            acknowledging: BTreeMap::new(),
            others: BTreeMap::new(),
        };
        Self(Arc::new(Shared { list: Mutex::new(list), moved: watch::Sender::new(()) }))
    }

    /// Registers a subscription that has seen `seen`.
    pub(crate) fn enter(&self, section: LastChange, seen: u64) -> Subscriber {
        self.enter_as(None, section, seen)
    }

    fn enter_as(&self, name: Option<Arc<str>>, section: LastChange, seen: u64) -> Subscriber {
        self.with(|list| {
            let number = list.next;
            list.next += 1;
            // Under the lock: the section knows what is judged before, and what is judged later finds this place.
            let place = Arc::new(Place::new(name, section, seen));
            list.of(&place).insert(number, Arc::clone(&place));
            Subscriber { roster: self.clone(), number, place }
        })
    }

    /// Enters that for each section it is known whether `generation` changed it.
    pub(crate) fn judged(&self, generation: u64) {
        self.with(|list| {
            list.judged = generation;
            for place in list.acknowledging.values() {
                place.judged(generation);
            }
        });
        self.moved();
    }

    /// Ends all waiting.
    pub(crate) fn close(&self) {
        self.with(|list| list.closed = true);
        self.moved();
    }

    /// Returns how far each subscription has come: first those that acknowledge, the oldest first.
    pub(crate) fn statuses(&self) -> Vec<SubscriberStatus> {
        self.with(|list| {
            let places = list.acknowledging.values().chain(list.others.values());
            places.map(|place| place.status(list.judged)).collect()
        })
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.with(|list| {
            let generation = list.judged;
            let places = list.acknowledging.values();
            let behind = places.filter_map(|place| place.behind(generation, generation));
            let mut reasons: Vec<_> = behind.map(|(status, _)| status.behind(generation)).collect();
            if list.closed {
                reasons.push("the reloader has ended".to_owned());
            }
            Readiness::new(generation, reasons)
        })
    }

    /// Tells how far `generation` has come.
    pub(crate) fn reached(&self, generation: u64) -> Reached {
        self.with(|list| {
            let judged = list.judged;
            let (mut behind, mut all_answered) = (Vec::new(), true);
            for place in list.acknowledging.values() {
                if let Some((status, has_answered)) = place.behind(generation, judged) {
                    all_answered &= has_answered;
                    behind.push(status);
                }
            }
            match (judged < generation, behind.is_empty()) {
                (false, true) => Reached::Everywhere,
                _ if list.closed => Reached::Closed,
                (false, false) if all_answered => Reached::Failed(behind),
                _ => Reached::NotYet(judged, behind),
            }
        })
    }

    /// Waits until `generation` has been answered by everybody, and returns how.
    pub(crate) async fn answered(&self, generation: u64) -> Reached {
        // Before the first look, so that what moves after a look is told.
        let mut moved = self.0.moved.subscribe();
        loop {
            match self.reached(generation) {
                Reached::NotYet(..) => {}
                answered => return answered,
            }
            if moved.changed().await.is_err() {
                return Reached::Closed;
            }
        }
    }

    fn moved(&self) {
        self.0.moved.send_replace(());
    }

    fn with<R>(&self, act: impl FnOnce(&mut List) -> R) -> R {
        act(&mut self.0.list.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl List {
    fn of(&mut self, place: &Place) -> &mut BTreeMap<u64, Arc<Place>> {
        if place.acknowledges() { &mut self.acknowledging } else { &mut self.others }
    }
}

/// A subscription's hold on its place, which is given up when this is dropped.
pub(crate) struct Subscriber {
    roster: Roster,
    number: u64,
    place: Arc<Place>,
}

impl Subscriber {
    /// Registers another subscription to the same section, with the same name if it has one.
    pub(crate) fn another(&self, seen: u64) -> Self {
        self.roster.enter_as(self.place.name().cloned(), self.place.section().clone(), seen)
    }

    /// Registers it anew as one that acknowledges.
    pub(crate) fn acknowledging(self, name: Arc<str>, seen: u64) -> Self {
        self.roster.enter_as(Some(name), self.place.section().clone(), seen)
    }

    /// Enters that it has looked at `generation`, and was given a change by that or none.
    pub(crate) fn saw(&self, generation: u64, is_change: bool) {
        if self.place.saw(generation, is_change) {
            self.roster.moved();
        }
    }

    /// Returns what a change needs to be acknowledged; nothing if the subscription does not acknowledge.
    pub(crate) fn acknowledgement(&self) -> Option<Acknowledgement> {
        let acknowledges = self.place.acknowledges();
        acknowledges.then(|| Acknowledgement { roster: self.roster.clone(), place: Arc::clone(&self.place) })
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.roster.with(|list| list.of(&self.place).remove(&self.number));
        if self.place.acknowledges() {
            self.roster.moved();
        }
    }
}

/// How a change is acknowledged.
#[derive(Clone)]
pub(crate) struct Acknowledgement {
    roster: Roster,
    place: Arc<Place>,
}

impl Acknowledgement {
    pub(crate) fn applied(&self, generation: u64) {
        self.place.applied(generation);
        self.roster.moved();
    }

    /// Of the change from `previous` to `generation`.
    pub(crate) fn failed(&self, previous: u64, generation: u64, reason: &str) {
        self.place.failed(previous, generation, reason);
        self.roster.moved();
    }
}
