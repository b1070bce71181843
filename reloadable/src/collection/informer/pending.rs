//! What events come to, by key, for one who is told only that.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::event::{Event, Modified, Removal};
use super::feed::Told;
use crate::collection::view::View;
use crate::key::Key;

/// What a subscriber has not been told. There is at most one entry for each key, in the order in which they first changed.
pub(super) struct Pending<K: Key, T> {
    start: Start<K, T>,
    changed: HashMap<K, Entry<T>>,
    order: VecDeque<K>,
    /// The generation of the view that it began with.
    begun: u64,
    /// The generation up to which it has what was told.
    newest: u64,
}

/// Where it begins.
enum Start<K: Key, T> {
    /// It is not known yet, but what comes must be known to be newer than this.
    Unknown {
        floor: u64,
        told: Vec<Arc<Told<K, T>>>,
        events: usize,
    },
    Known,
}

/// So many events are kept until it is known where to begin. If there are more, it begins after them.
const KEPT: usize = 1024;

/// What the subscriber knows of an object, and what it is.
struct Entry<T> {
    known: Option<Arc<T>>,
    now: Option<Arc<T>>,
    how: Removal,
    is_replaced: bool,
    is_resync: bool,
}

impl<T> Entry<T> {
    fn new(known: Option<Arc<T>>) -> Self {
        Self { known, now: None, how: Removal::Observed, is_replaced: false, is_resync: false }
    }

    fn is_nothing(&self) -> bool {
        let is_same = match (&self.known, &self.now) {
            (Some(known), Some(now)) => Arc::ptr_eq(known, now) && !self.is_replaced,
            (None, None) => true,
            _ => false,
        };
        is_same && !self.is_resync
    }
}

impl<K: Key, T> Pending<K, T> {
    pub(super) fn new() -> Self {
        let start = Start::Unknown { floor: 0, told: Vec::new(), events: 0 };
        Self { start, changed: HashMap::new(), order: VecDeque::new(), begun: 0, newest: 0 }
    }

    /// Takes in events, and returns the objects that are not waited for any more.
    pub(super) fn take_in(&mut self, new: &Arc<Told<K, T>>) -> Vec<Arc<T>> {
        if let Start::Unknown { floor, told, events } = &mut self.start {
            *events += new.events.len();
            told.push(Arc::clone(new));
            if *events > KEPT {
                *events = 0;
                *floor = new.generation;
                // The objects are in the store, or in the batch that the caller has: this is not the last of them. But for
                // those of earlier batches, which are returned.
                return told.drain(..).flat_map(|told| objects(&told)).collect();
            }
            return Vec::new();
        }
        // The store is up to date before anybody is told, so that one may have begun with what comes only now.
        if new.is_in(self.begun) {
            return Vec::new();
        }
        self.newest = self.newest.max(new.generation);
        let mut dropped = Vec::new();
        for event in &new.events {
            self.merge(event, &mut dropped);
        }
        self.shrink();
        dropped
    }

    /// Begins with what is in a view, made `of` it, unless that is too old by now; and returns the objects that are not
    /// waited for any more.
    pub(super) fn start(&mut self, view: &View<K, T>, of: Pending<K, T>) -> Vec<Arc<T>>
    where
        T: Send + Sync + 'static,
    {
        let generation = view.generation();
        let told = match &mut self.start {
            Start::Unknown { floor, .. } if *floor > generation => return Vec::new(),
            Start::Unknown { told, .. } => std::mem::take(told),
            Start::Known => return Vec::new(),
        };
        *self = of;
        let mut dropped = Vec::new();
        for told in told.iter().filter(|told| !told.is_in(generation)) {
            self.newest = self.newest.max(told.generation);
            for event in &told.events {
                self.merge(event, &mut dropped);
            }
        }
        // What the batches have is in the store or returned.
        dropped.extend(told.iter().flat_map(|told| objects(told)));
        dropped
    }

    /// Everything that is in a view is new.
    pub(super) fn all(view: &View<K, T>) -> Self
    where
        T: Send + Sync + 'static,
    {
        let begun = view.generation();
        let (changed, order) = (HashMap::new(), VecDeque::new());
        let mut all = Self { start: Start::Known, changed, order, begun, newest: begun };
        for (key, object) in view.iter() {
            let entry = Entry { now: Some(Arc::clone(object)), ..Entry::new(None) };
            all.changed.insert(key.clone(), entry);
            all.order.push_back(key.clone());
        }
        all
    }

    /// Returns the generation of which nothing more is to be told, if there is nothing more to be told at all.
    pub(super) fn told_up_to(&self) -> Option<u64> {
        (self.is_started() && self.changed.is_empty()).then_some(self.newest)
    }

    pub(super) fn is_started(&self) -> bool {
        matches!(self.start, Start::Known)
    }

    fn merge(&mut self, event: &Event<K, T>, dropped: &mut Vec<Arc<T>>) {
        let Some(key) = event.key() else { return };
        let (known, now) = match event {
            Event::Added { object, .. } => (None, Some(object)),
            Event::Modified(modified) => (Some(&modified.old), Some(&modified.new)),
            Event::Removed { last, .. } => (Some(last), None),
            Event::Resync { object, .. } => (Some(object), Some(object)),
            Event::Snapshot { .. } => return,
        };
        let order = &mut self.order;
        let entry = self.changed.entry(key.clone()).or_insert_with(|| {
            order.push_back(key.clone());
            Entry { now: known.cloned(), ..Entry::new(known.cloned()) }
        });
        if let Event::Removed { how, .. } = event {
            entry.how = *how;
            // Whatever comes after it is another object, even if it is equal.
            entry.is_replaced = true;
        }
        entry.is_resync |= matches!(event, Event::Resync { .. });
        dropped.extend(std::mem::replace(&mut entry.now, now.cloned()));
        if entry.is_nothing() {
            if let Some(Entry { known, now, .. }) = self.changed.remove(key) {
                dropped.extend(known);
                dropped.extend(now);
            }
        }
    }

    /// Keys whose changes came to nothing stay in the order for a while, but never more of them than of others.
    fn shrink(&mut self) {
        if self.order.len() > 2 * self.changed.len() + 64 {
            let mut seen = std::collections::HashSet::new();
            let changed = &self.changed;
            self.order.retain(|key| changed.contains_key(key) && seen.insert(key.clone()));
        }
    }

    /// Takes out what is to be told next of one key.
    pub(super) fn take(&mut self) -> Option<Merged<K, T>> {
        loop {
            let key = self.order.pop_front()?;
            if let Some(Entry { known, now, how, is_replaced, is_resync }) = self.changed.remove(&key) {
                return Some(Merged { key, known, now, how, is_replaced, is_resync });
            }
        }
    }
}

fn objects<K: Key, T>(told: &Told<K, T>) -> Vec<Arc<T>> {
    let objects = told.events.iter().flat_map(|event| match event {
        Event::Added { object, .. } | Event::Resync { object, .. } => [Some(object), None],
        Event::Modified(modified) => [Some(&modified.old), Some(&modified.new)],
        Event::Removed { last, .. } => [Some(last), None],
        Event::Snapshot { .. } => [None, None],
    });
    objects.flatten().cloned().collect()
}

/// What became of one key since its subscriber was told of it.
pub(super) struct Merged<K, T> {
    key: K,
    known: Option<Arc<T>>,
    now: Option<Arc<T>>,
    how: Removal,
    is_replaced: bool,
    is_resync: bool,
}

impl<K: Key, T> Merged<K, T> {
    /// Returns what is to be told, one after the other. `differs` is asked whether two objects do.
    pub(super) fn events(self, differs: impl FnOnce(&T, &T) -> bool) -> [Option<Event<K, T>>; 2] {
        let Self { key, known, now, how, is_replaced, is_resync } = self;
        match (known, now) {
            (None, Some(object)) => [Some(Event::Added { key, object }), None],
            (Some(last), None) => [Some(Event::Removed { key, last, how }), None],
            (Some(last), Some(object)) if is_replaced => {
                let removed = Event::Removed { key: key.clone(), last, how: Removal::Replaced };
                [Some(removed), Some(Event::Added { key, object })]
            }
            (Some(old), Some(new)) if !Arc::ptr_eq(&old, &new) && differs(&old, &new) => {
                [Some(Event::Modified(Modified { key, old, new })), None]
            }
            (Some(_), Some(object)) if is_resync => [Some(Event::Resync { key, object }), None],
            _ => [None, None],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collection::store::Store;

    /// Who publishes is not done with telling when somebody else begins with what is published.
    #[test]
    fn what_it_began_with_is_not_told_again() {
        let mut store = Store::<u8, u8>::builder().build();
        let mut batch = store.batch();
        batch.upsert(1, Arc::new(10));
        batch.publish();
        let view = store.lister().snapshot();
        let mut pending = Pending::new();
        pending.start(&view, Pending::all(&view));
        assert!(pending.take().is_some() && pending.told_up_to() == Some(1));
        let event = |generation, object: u8| {
            let events = vec![Event::Added { key: 1, object: Arc::new(object) }];
            Arc::new(Told { generation, has_changed: true, events })
        };
        pending.take_in(&event(1, 10));
        assert!(pending.take().is_none());
        pending.take_in(&event(2, 11));
        assert_eq!(pending.told_up_to(), None);
        assert!(pending.take().is_some() && pending.told_up_to() == Some(2));
    }
}
