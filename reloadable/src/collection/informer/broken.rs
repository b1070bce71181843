//! Which objects are broken, and how: a report of it is made only when that has changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::status::BrokenObject;
use crate::document::Origin;
use crate::path::FieldPath;
use crate::report::{Report, Violation};

/// So many broken objects are in a status.
const SHOWN: usize = 100;

pub(super) struct Broken<K> {
    all: BTreeMap<K, Fault>,
    has_changed: bool,
    /// Those that were refused since they were last told of; the first of them.
    fresh: Vec<(K, Report)>,
}

/// Of so many each refusal is told for itself.
const TOLD: usize = 20;

struct Fault {
    report: Report,
    since: SystemTime,
    /// It is broken only because there is another one.
    is_duplicate: bool,
}

impl<K: Ord + Clone> Broken<K> {
    pub(super) fn new() -> Self {
        Self { all: BTreeMap::new(), has_changed: false, fresh: Vec::new() }
    }

    /// The newest content of an object was refused.
    pub(super) fn refused(&mut self, key: K, report: Report) {
        self.has_changed = true;
        if self.fresh.len() < TOLD {
            self.fresh.push((key.clone(), report.clone()));
        }
        self.all.insert(key, Fault { report, since: SystemTime::now(), is_duplicate: false });
    }

    /// Returns what was refused since this was asked last, and how many objects are broken.
    pub(super) fn take_fresh(&mut self) -> (Vec<(K, Report)>, usize) {
        (std::mem::take(&mut self.fresh), self.all.len())
    }

    /// Tells whether the newest content of an object was refused.
    pub(super) fn is_refused(&self, key: &K) -> bool {
        self.all.get(key).is_some_and(|fault| !fault.is_duplicate)
    }

    /// The content of an object is good.
    pub(super) fn mended(&mut self, key: &K) {
        if self.is_refused(key) {
            self.remove(key);
        }
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.has_changed |= self.all.remove(key).is_some();
    }

    /// There is another object with the same key.
    pub(super) fn duplicate(&mut self, key: K, origin: Origin) {
        let has_changed = &mut self.has_changed;
        self.all.entry(key).or_insert_with(|| {
            *has_changed = true;
            let message = "another object has the same key, and came first";
            let violation = Violation::new(FieldPath::root(), "duplicate_key", message).located(origin, None);
            Fault { report: violation.into(), since: SystemTime::now(), is_duplicate: true }
        });
    }

    /// Keeps only these duplicates.
    pub(super) fn retain_duplicates(&mut self, is_one: impl Fn(&K) -> bool) {
        let before = self.all.len();
        self.all.retain(|key, fault| !fault.is_duplicate || is_one(key));
        self.has_changed |= self.all.len() != before;
    }

    /// Returns the first of them, and how many more there are, if that has changed since it was asked last.
    pub(super) fn news(
        &mut self,
        is_in_store: impl Fn(&K) -> bool,
    ) -> Option<(Arc<[BrokenObject<K>]>, usize)> {
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let shown = self.all.iter().take(SHOWN).map(|(key, fault)| BrokenObject {
            key: key.clone(),
            report: fault.report.clone(),
            since: fault.since,
            has_last_good: is_in_store(key),
        });
        let shown: Arc<[_]> = shown.collect();
        let omitted = self.all.len() - shown.len();
        Some((shown, omitted))
    }
}
