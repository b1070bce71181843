//! Who waits for what.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ops::DerefMut;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::{Select, Subscription};
use crate::diff::Diff;
use crate::progress::{LastChange, Roster};
use crate::publish::{Current, Snapshot};
use crate::sync::Mutex;

/// Everybody who waits for a section, by section. Clones share it.
pub(crate) struct Sections<T> {
    registry: Arc<Mutex<Registry<T>>>,
    roster: Roster,
}

impl<T> Clone for Sections<T> {
    fn clone(&self) -> Self {
        Self { registry: Arc::clone(&self.registry), roster: self.roster.clone() }
    }
}

struct Registry<T> {
    /// Selectors without captures, by their type: two of one type select the same.
    shared: BTreeMap<TypeId, Arc<dyn Section<T>>>,
    own: Vec<Arc<dyn Section<T>>>,
    closed: bool,
}

impl<T> Registry<T> {
    /// Takes out the sections for which nobody waits any more. What a selector has captured is the application's, so
    /// they are to be dropped after the lock.
    #[must_use]
    fn prune(&mut self) -> Vec<Arc<dyn Section<T>>> {
        let (waited_for, mut idle): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.own).into_iter().partition(|section| section.is_waited_for());
        self.own = waited_for;
        let shared: Vec<_> =
            self.shared.iter().filter(|(_, section)| !section.is_waited_for()).map(|(of, _)| *of).collect();
        idle.extend(shared.iter().filter_map(|of| self.shared.remove(of)));
        idle
    }
}

/// One section and those who wait for it.
trait Section<T>: Send + Sync {
    fn changed(&self, previous: &T, current: &T) -> bool;
    fn woken(&self) -> &watch::Sender<()>;
    fn last_change(&self) -> &LastChange;

    fn is_waited_for(&self) -> bool {
        self.woken().receiver_count() > 0
    }
}

struct Selected<T, S: ?Sized> {
    select: Select<T, S>,
    woken: watch::Sender<()>,
    last_change: LastChange,
}

impl<T, S: Diff + ?Sized> Section<T> for Selected<T, S> {
    fn changed(&self, previous: &T, current: &T) -> bool {
        (self.select)(previous).diff((self.select)(current)).is_some()
    }

    fn woken(&self) -> &watch::Sender<()> {
        &self.woken
    }

    fn last_change(&self) -> &LastChange {
        &self.last_change
    }
}

impl<T: Send + Sync + 'static> Sections<T> {
    pub(crate) fn new() -> Self {
        let registry = Registry { shared: BTreeMap::new(), own: Vec::new(), closed: false };
        Self { registry: Arc::new(Mutex::new(registry)), roster: Roster::new(1) }
    }

    /// Returns who subscribes, and how far each has come.
    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(crate) fn subscribe<S, F>(&self, current: &Current<T>, select: F) -> Subscription<T, S>
    where
        S: Diff + ?Sized + 'static,
        F: Fn(&T) -> &S + Send + Sync + 'static,
    {
        let shared = (size_of::<F>() == 0).then(TypeId::of::<F>);
        let select: Select<T, S> = Arc::new(select);
        let section = || -> Arc<dyn Section<T>> {
            let (woken, last_change) = (watch::Sender::new(()), LastChange::new());
            Arc::new(Selected { select: Arc::clone(&select), woken, last_change })
        };
        let listen =
            |section: &Arc<dyn Section<T>>| (section.woken().subscribe(), section.last_change().clone());
        let ((woken, last_change), _idle) = {
            let mut registry = self.lock();
            if registry.closed {
                (listen(&section()), Vec::new())
            } else if let Some(shared) = shared {
                (listen(registry.shared.entry(shared).or_insert_with(section)), Vec::new())
            } else {
                // Only when the list would grow, so that subscribing stays cheap and the list bounded by those who
                // wait, however long nothing is published.
                let full = registry.own.len() == registry.own.capacity();
                let idle = if full { registry.prune() } else { Vec::new() };
                let section = section();
                let listening = listen(&section);
                let room = registry.own.len().max(4);
                if full {
                    registry.own.reserve_exact(room);
                }
                registry.own.push(section);
                (listening, idle)
            }
        };
        // After it was registered, so that what is published from here on wakes it.
        let seen = current.snapshot();
        let subscriber = self.roster.enter(last_change, seen.generation());
        Subscription { current: current.clone(), select, seen, woken, subscriber }
    }

    /// Wakes those whose section differs, and enters that they do. It is called after the new snapshot has become the
    /// current one.
    pub(crate) fn wake(&self, previous: &Snapshot<T>, current: &Snapshot<T>) {
        let sections = self.waited_for();
        previous.compare(current, || {
            for section in sections {
                // A selector or comparison that panics here panics again where its owner can see it.
                let changed =
                    catch_unwind(AssertUnwindSafe(|| section.changed(previous, current))).unwrap_or(true);
                if changed {
                    section.last_change().set(current.generation());
                    section.woken().send_replace(());
                }
            }
        });
        self.roster.judged(current.generation());
    }

    /// Returns the sections for which somebody waits: the lock is not held while a selector runs.
    fn waited_for(&self) -> Vec<Arc<dyn Section<T>>> {
        let mut registry = self.lock();
        let idle = registry.prune();
        let waited_for = registry.shared.values().chain(&registry.own).map(Arc::clone).collect();
        drop(registry);
        drop(idle);
        waited_for
    }

    /// Ends every subscription, those to come included.
    pub(crate) fn close(&self) {
        let mut registry = self.lock();
        registry.closed = true;
        let ended = (std::mem::take(&mut registry.shared), std::mem::take(&mut registry.own));
        drop(registry);
        drop(ended);
        self.roster.close();
    }

    fn lock(&self) -> impl DerefMut<Target = Registry<T>> + '_ {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
