//! What is known of all objects: those in the store, what was last seen of each, and which are broken.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::broken::Broken;
use super::decode::{Decoded, Undecoded, Verdict};
use super::event::{Event, Modified, Removal};
use super::feed::Told;
use super::guard::RemovalGuard;
use super::status::{BrokenObject, InformerCounts};
use crate::collection::lister::Lister;
use crate::collection::store::{Batch, Store};
use crate::document::{Origin, Revision};
use crate::error::SourceError;
use crate::key::Key;
use crate::path::FieldPath;
use crate::report::{Report, Violation};
use crate::source::{Held, Incarnation, KeyedDocument, Known, REFUSED_SHOWN, RefusedDocument};

/// Tells which of two revisions is the newer one.
pub(super) type Compare = fn(&Revision, &Revision) -> Option<Ordering>;

/// What was found of an object.
pub(super) enum Found<K, T> {
    Decoded(Decoded<K, T>),
    Unreadable(K, SourceError),
    Deleted(K),
}

impl<K, T> Found<K, T> {
    /// The key of what is there.
    fn key(&self) -> Option<&K> {
        match self {
            Self::Decoded(decoded) => Some(&decoded.key),
            Self::Unreadable(key, _) => Some(key),
            Self::Deleted(_) => None,
        }
    }
}

pub(super) struct Objects<K: Key, T> {
    store: Store<K, T>,
    lister: Lister<K, T>,
    known: Known<K>,
    broken: Broken<K>,
    /// Objects that a list has missed, and since when.
    withheld: HashMap<K, Instant>,
    /// Keys that are new in this list.
    fresh: HashSet<K>,
    /// Keys that came twice in this list.
    twice: HashMap<K, Origin>,
    /// The number of the list.
    number: u64,
    /// A key's own code has panicked, so that what is known may not be what is in the store. A list mends it.
    is_torn: bool,
    /// No more are known.
    most: usize,
    /// The first of those that were refused since the last list because there was no room, and how many more there are.
    beyond: (Vec<RefusedDocument>, usize),
    guard: RemovalGuard,
    compare: Compare,
    pub(super) counts: InformerCounts,
}

/// What a list has led to.
pub(super) struct Replaced<K: Key, T> {
    pub(super) told: Told<K, T>,
    /// When to look at objects that are missing, which may have been so for long enough then.
    pub(super) confirm_at: Option<Instant>,
}

impl<K: Key, T: Send + Sync + 'static> Objects<K, T> {
    pub(super) fn new(store: Store<K, T>, most: usize, guard: RemovalGuard, compare: Compare) -> Self {
        let lister = store.lister();
        Self {
            store,
            lister,
            known: Known::default(),
            broken: Broken::new(),
            withheld: HashMap::new(),
            fresh: HashSet::new(),
            twice: HashMap::new(),
            number: 0,
            is_torn: false,
            most,
            beyond: (Vec::new(), 0),
            guard,
            compare,
            counts: InformerCounts::default(),
        }
    }

    pub(super) fn lister(&self) -> &Lister<K, T> {
        &self.lister
    }

    /// Begins a list of this number, for which this is known.
    pub(super) fn begin_list(&mut self) -> (u64, Known<K>) {
        self.number += 1;
        if self.is_torn {
            self.know_all_anew();
        }
        self.fresh.clear();
        self.twice.clear();
        (self.number, Arc::clone(&self.known))
    }

    /// Makes known everything that is in the store, and looks at all of it again. Where that panics as well, the next list
    /// comes back to it.
    fn know_all_anew(&mut self) {
        let known = Arc::make_mut(&mut self.known);
        for held in known.values_mut() {
            (held.revision, held.fingerprint) = (None, None);
        }
        for (key, _) in self.lister.snapshot().iter() {
            if !known.contains_key(key) {
                known.insert(key.clone(), Held::default());
            }
        }
        self.is_torn = false;
    }

    /// Something was not put into force that should have been.
    pub(super) fn tear(&mut self) {
        self.is_torn = true;
    }

    /// Tells whether only a list can put right what is known.
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Returns the number of the list that was begun last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Tells whether something of this revision is older than what is known as that `other` one.
    pub(super) fn is_stale(&mut self, revision: &Revision, other: Option<&Revision>) -> bool {
        let compare = self.compare;
        let is_stale = other.and_then(|other| compare(revision, other)) == Some(Ordering::Less);
        self.counts.stale += u64::from(is_stale);
        is_stale
    }

    /// An object is in the list. Returns whether it is the first with its key.
    pub(super) fn listed(&mut self, key: &K, origin: impl FnOnce() -> Origin) -> bool {
        let is_first = match self.known.get(key) {
            Some(held) => held.listed.swap(self.number, Relaxed) != self.number,
            None => self.fresh.insert(key.clone()),
        };
        if !is_first {
            self.counts.duplicates += 1;
            self.twice.entry(key.clone()).or_insert_with(origin);
        }
        is_first
    }

    /// The source says that it has not changed an object. Whoever says so of one that is not known has told nothing.
    pub(super) fn unchanged(&mut self, key: &K) {
        match self.known.get(key) {
            Some(held) => held.listed.store(self.number, Relaxed),
            None => self.counts.unknown += 1,
        }
    }

    /// Returns what is to be decoded, if the document is another one than that which was seen last.
    pub(super) fn undecoded(&mut self, found: KeyedDocument<K>) -> Option<Undecoded<K, T>> {
        let known = Arc::clone(&self.known);
        let Some(held) = known.get(&found.key) else {
            return Some(Undecoded { found, old: None, seen: None });
        };
        let is_replaced = is_other(held.incarnation.as_ref(), found.incarnation.as_ref());
        if held.revision.as_ref() == Some(&found.revision) && !is_replaced {
            return None;
        }
        // Another object may begin to count anew.
        if !is_replaced && self.is_stale(&found.revision, held.revision.as_ref()) {
            return None;
        }
        Some(Undecoded { old: self.lister.get(&found.key), seen: held.fingerprint, found })
    }

    /// Tells whether it is news that an object cannot be read.
    pub(super) fn is_readable(&self, key: &K) -> bool {
        self.known.get(key).is_none_or(|held| held.revision.is_some())
    }

    /// Puts into force what the source has told of single objects, each with another key.
    pub(super) fn apply(&mut self, found: Vec<Found<K, T>>) -> Told<K, T> {
        let (most, mut beyond) = (self.most, Vec::new());
        let told = self.contained(|objects| {
            let (mut changing, batch) = objects.changing();
            let mut batch = batch;
            for found in found {
                match found.key() {
                    Some(key) if changing.known.len() >= most && !changing.known.contains_key(key) => {
                        beyond.push(key.clone());
                    }
                    _ => changing.take_in(&mut batch, found),
                }
            }
            changing.publish(batch)
        });
        for key in beyond {
            self.refuse_beyond(&key);
        }
        told
    }

    fn refuse_beyond(&mut self, key: &K) {
        let (shown, omitted) = &mut self.beyond;
        if shown.len() >= REFUSED_SHOWN {
            *omitted = omitted.saturating_add(1);
            return;
        }
        let message = format!("there are {} objects already, and no more are taken", self.most);
        let violation = Violation::new(FieldPath::root(), "max_objects", message);
        shown.push(RefusedDocument::new(Origin::named(format!("{key:?}")), violation.into()));
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Returns those for which there was no room, and how many more there are.
    pub(super) fn beyond(&self) -> &(Vec<RefusedDocument>, usize) {
        &self.beyond
    }

    /// Tells whether there is room by now for what was refused.
    pub(super) fn has_room_again(&self) -> bool {
        !self.beyond.0.is_empty() && self.known.len() < self.most
    }

    /// Puts a complete list into force.
    pub(super) fn replace(&mut self, found: Vec<Found<K, T>>, now: Instant) -> Replaced<K, T> {
        let mut confirm_at = None;
        let told = self.contained(|objects| {
            objects.counts.lists += 1;
            objects.beyond = (Vec::new(), 0);
            let number = objects.number;
            let missing = objects.known.iter().filter(|(_, held)| held.listed.load(Relaxed) != number);
            let missing: Vec<K> = missing.map(|(key, _)| key.clone()).collect();
            let view = objects.lister.snapshot();
            let (in_store, others): (Vec<_>, Vec<_>) =
                missing.into_iter().partition(|key| view.get(key).is_some());
            objects.withheld.retain(|key, _| {
                objects.known.get(key).is_some_and(|held| held.listed.load(Relaxed) != number)
            });
            let (lost, of) = (in_store.len(), view.len());
            let doubted = objects.guard.doubts(lost, of);
            drop(view);
            let look_at = objects.guard.look_at(now);
            let mut gone = others;
            for key in in_store {
                let since = match objects.withheld.get(&key) {
                    Some(since) => *since,
                    None if !doubted => {
                        gone.push(key);
                        continue;
                    }
                    None => now,
                };
                let until = objects.guard.until(since, lost, of);
                if until.is_some_and(|until| until <= now) {
                    gone.push(key);
                } else {
                    confirm_at = [confirm_at, until, look_at].into_iter().flatten().min();
                    objects.withheld.insert(key, since);
                }
            }
            let twice = std::mem::take(&mut objects.twice);
            objects.fresh = HashSet::new();
            objects.broken.retain_duplicates(|key| twice.contains_key(key));
            let (mut changing, mut batch) = objects.changing();
            for key in gone {
                changing.remove(&mut batch, &key, Removal::Relisted);
            }
            for found in found {
                changing.take_in(&mut batch, found);
            }
            for (key, origin) in twice {
                changing.broken.duplicate(key, origin);
            }
            changing.publish(batch)
        });
        Replaced { told, confirm_at }
    }

    /// Runs code of the keys so that its panic ends nothing. What was not put into force is for the next list.
    fn contained(&mut self, run: impl FnOnce(&mut Self) -> Told<K, T>) -> Told<K, T> {
        let told = catch_unwind(AssertUnwindSafe(|| run(self)));
        told.unwrap_or_else(|_| {
            self.counts.panics += 1;
            self.tear();
            Told { generation: self.lister.snapshot().generation(), has_changed: false, events: Vec::new() }
        })
    }

    fn changing(&mut self) -> (Changing<'_, K, T>, Batch<'_, K, T>) {
        let Self { store, lister, known, broken, withheld, number, counts, .. } = self;
        let changing = Changing {
            lister,
            known: Arc::make_mut(known),
            broken,
            withheld,
            number: *number,
            counts,
            events: Vec::new(),
        };
        (changing, store.batch())
    }

    /// Returns the first objects that are broken, and how many more there are, if that is not what was returned last.
    pub(super) fn broken(&mut self) -> Option<(Arc<[BrokenObject<K>]>, usize)> {
        self.broken.news(|key| self.lister.get(key).is_some())
    }

    /// Returns what was refused since this was asked last, and how many objects are broken.
    pub(super) fn take_refused(&mut self) -> (Vec<(K, Report)>, usize) {
        self.broken.take_fresh()
    }

    pub(super) fn withheld(&self) -> usize {
        self.withheld.len()
    }
}

/// One batch of changes.
struct Changing<'o, K: Key, T> {
    lister: &'o Lister<K, T>,
    known: &'o mut HashMap<K, Held>,
    broken: &'o mut Broken<K>,
    withheld: &'o mut HashMap<K, Instant>,
    number: u64,
    counts: &'o mut InformerCounts,
    events: Vec<Event<K, T>>,
}

impl<K: Key, T: Send + Sync + 'static> Changing<'_, K, T> {
    fn take_in(&mut self, batch: &mut Batch<'_, K, T>, found: Found<K, T>) {
        match found {
            Found::Decoded(decoded) => self.put(batch, decoded),
            Found::Unreadable(key, error) => {
                let held = self.held(&key);
                (held.revision, held.fingerprint) = (None, None);
                self.refuse(key, Violation::from(error).into());
            }
            Found::Deleted(key) => {
                if !self.remove(batch, &key, Removal::Observed) {
                    self.counts.unknown += 1;
                }
            }
        }
    }

    fn put(&mut self, batch: &mut Batch<'_, K, T>, decoded: Decoded<K, T>) {
        let Decoded { key, revision, incarnation, fingerprint, verdict } = decoded;
        self.withheld.remove(&key);
        let held = self.held(&key);
        held.revision = Some(revision);
        held.fingerprint = fingerprint;
        let is_replaced = is_other(held.incarnation.as_ref(), incarnation.as_ref());
        let object = match verdict {
            Verdict::Refused(report) => return self.refuse(key, report),
            // What was refused before is no better now.
            Verdict::Seen if self.broken.is_refused(&key) => return,
            Verdict::Seen | Verdict::Same => None,
            Verdict::New(object) => Some(object),
            Verdict::Filtered => return self.filter_out(batch, key, incarnation),
        };
        if incarnation.is_some() {
            self.held(&key).incarnation = incarnation;
        }
        self.broken.mended(&key);
        let old = match &object {
            Some(object) => batch.upsert(key.clone(), Arc::clone(object)).cloned(),
            None => batch.get(&key).cloned(),
        };
        match (old, object) {
            (Some(old), Some(new)) if !is_replaced => {
                self.events.push(Event::Modified(Modified { key, old, new }));
            }
            (Some(last), new) if is_replaced => {
                let object = new.unwrap_or_else(|| Arc::clone(&last));
                self.events.push(Event::Removed { key: key.clone(), last, how: Removal::Replaced });
                self.events.push(Event::Added { key, object });
            }
            (None, Some(object)) => self.events.push(Event::Added { key, object }),
            _ => {}
        }
    }

    /// It is there, but not wanted. So it is known, but not in the store.
    fn filter_out(&mut self, batch: &mut Batch<'_, K, T>, key: K, incarnation: Option<Incarnation>) {
        if incarnation.is_some() {
            self.held(&key).incarnation = incarnation;
        }
        self.broken.mended(&key);
        if let Some(last) = batch.remove(&key).cloned() {
            self.events.push(Event::Removed { key, last, how: Removal::Filtered });
        }
    }

    /// Tells whether anything was known of it.
    fn remove(&mut self, batch: &mut Batch<'_, K, T>, key: &K, how: Removal) -> bool {
        let was_known = self.known.remove(key).is_some();
        self.broken.remove(key);
        self.withheld.remove(key);
        if let Some(last) = batch.remove(key).cloned() {
            self.events.push(Event::Removed { key: key.clone(), last, how });
        }
        was_known
    }

    fn held(&mut self, key: &K) -> &mut Held {
        let number = self.number;
        let held = self.known.entry(key.clone()).or_default();
        *held.listed.get_mut() = number;
        held
    }

    fn refuse(&mut self, key: K, report: Report) {
        self.withheld.remove(&key);
        self.broken.refused(key, report);
    }

    fn publish(self, batch: Batch<'_, K, T>) -> Told<K, T> {
        let before = self.lister.snapshot().generation();
        let faults = batch.publish();
        self.counts.index_faults += faults.len() as u64;
        let generation = self.lister.snapshot().generation();
        Told { generation, has_changed: generation != before, events: self.events }
    }
}

/// Tells whether both are known, and are not the same.
fn is_other(one: Option<&Incarnation>, other: Option<&Incarnation>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

impl Default for Held {
    fn default() -> Self {
        Self { revision: None, fingerprint: None, incarnation: None, listed: AtomicU64::new(0) }
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self {
            revision: self.revision.clone(),
            fingerprint: self.fingerprint,
            incarnation: self.incarnation.clone(),
            listed: AtomicU64::new(self.listed.load(Relaxed)),
        }
    }
}
