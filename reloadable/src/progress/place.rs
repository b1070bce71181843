//! How far one subscription has come, as a decision: nothing here waits or wakes.

use std::ops::DerefMut;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::status::SubscriberStatus;
use crate::report::one_line;
use crate::sync::{AtomicU64, Mutex};

/// The generation at which a section last changed. Clones share it.
#[derive(Clone)]
pub(crate) struct LastChange(Arc<AtomicU64>);

impl LastChange {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    /// Only who publishes does this, before [`Roster::judged`](super::Roster::judged).
    pub(crate) fn set(&self, generation: u64) {
        self.0.store(generation, Ordering::Release);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The place of one subscription in the list.
pub(super) struct Place {
    /// It acknowledges if it has one.
    name: Option<Arc<str>>,
    section: LastChange,
    come: Mutex<Come>,
}

/// How far a subscription has come, in generations.
struct Come {
    seen: u64,
    /// That of the change it was given last. What it has seen since then is the same.
    given: u64,
    applied: u64,
    /// At which its section last changed, of those that are judged.
    last: u64,
    failure: Option<(u64, Arc<str>)>,
}

impl Come {
    /// Returns up to where all is applied: if that is the last change of its section, up to what was judged.
    fn applied_of(&self, judged: u64) -> u64 {
        if self.applied >= self.last { self.applied.max(judged) } else { self.applied }
    }
}

impl Place {
    pub(super) fn new(name: Option<Arc<str>>, section: LastChange, seen: u64) -> Self {
        let last = section.get();
        let come = Come { seen, given: seen, applied: seen, last, failure: None };
        Self { name, section, come: Mutex::new(come) }
    }

    pub(super) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    pub(super) fn acknowledges(&self) -> bool {
        self.name.is_some()
    }

    pub(super) fn section(&self) -> &LastChange {
        &self.section
    }

    pub(super) fn judged(&self, generation: u64) {
        if self.section.get() == generation {
            let mut come = self.come();
            // What was up to date was so until now.
            come.applied = come.applied_of(generation.saturating_sub(1));
            come.last = generation;
        }
    }

    /// Returns how far it has come if it has not applied `generation`, and whether it has answered with a failure.
    pub(super) fn behind(&self, generation: u64, judged: u64) -> Option<(SubscriberStatus, bool)> {
        let come = self.come();
        let is_behind = come.applied_of(judged) < generation;
        let needed = generation.min(come.last);
        let has_answered = come.failure.as_ref().is_some_and(|(failed, _)| *failed >= needed);
        is_behind.then(|| (self.status_of(&come, judged), has_answered))
    }

    pub(super) fn status(&self, judged: u64) -> SubscriberStatus {
        self.status_of(&self.come(), judged)
    }

    fn status_of(&self, come: &Come, judged: u64) -> SubscriberStatus {
        let seen = if come.seen >= self.section.get() { come.seen.max(judged) } else { come.seen };
        SubscriberStatus {
            name: self.name.clone(),
            seen,
            applied: self.acknowledges().then(|| come.applied_of(judged)),
            failed: come.failure.as_ref().map(|(_, reason)| Arc::clone(reason)),
        }
    }

    /// It has looked at `generation`. Returns whether that is news for those who wait.
    pub(super) fn saw(&self, generation: u64, is_change: bool) -> bool {
        let mut come = self.come();
        come.seen = generation;
        // What went back to how it was needs no acknowledgement, unless one is missing already.
        let is_news = !is_change && come.applied >= come.given;
        if is_change {
            come.given = generation;
        } else if is_news {
            come.applied = come.applied.max(generation);
        }
        is_news && self.acknowledges()
    }

    pub(super) fn applied(&self, generation: u64) {
        let mut come = self.come();
        let applied = if generation >= come.given { come.seen } else { generation };
        come.applied = come.applied.max(applied);
        come.failure.take_if(|(failed, _)| *failed <= generation);
    }

    /// Of the change from `previous` to `generation`.
    pub(super) fn failed(&self, previous: u64, generation: u64, reason: &str) {
        let reason = one_line(reason).into();
        let mut come = self.come();
        let is_over = generation < come.given && come.applied >= generation;
        if is_over || come.failure.as_ref().is_some_and(|(failed, _)| *failed > generation) {
            return;
        }
        if come.applied >= generation {
            come.applied = previous;
        }
        come.failure = Some((generation, reason));
    }

    fn come(&self) -> impl DerefMut<Target = Come> + '_ {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
