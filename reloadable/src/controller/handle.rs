//! The handle of a controller that runs.

use std::collections::HashSet;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::dead::{DeadLetter, DeadLetters, Letters};
use super::outcome::Failure;
use super::status::ControllerStatus;
use super::work::{Core, Phase};
use crate::collection::Lister;
use crate::key::Key;
use crate::load::Reloadable;
use crate::queue::{Add, AddError, Priority, WorkQueue};

/// A [`Controller`](crate::Controller) that runs. It is cheap to clone.
///
/// When the last clone is dropped, it ends at once: nothing more is begun, and what is worked on is dropped where it
/// stands. [`shutdown`](Self::shutdown) lets it finish.
#[must_use = "the controller ends when the last handle is dropped"]
pub struct ControllerHandle<T, K: Key = String> {
    core: Arc<Core<T, K>>,
    running: Arc<Running<K>>,
}

/// With the last of it goes the sender that all tasks look at.
struct Running<K: Key> {
    phase: watch::Sender<Phase>,
    /// Its other side is with all tasks but those that only look, and with nobody once they have ended.
    alive: watch::Receiver<()>,
    queue: WorkQueue<K>,
    letters: Arc<Letters<K>>,
    /// What it runs in.
    runtime: Handle,
}

impl<K: Key> Drop for Running<K> {
    fn drop(&mut self) {
        // It clones keys, whose panic must not reach whoever drops the handle.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.queue.shutdown())));
        self.letters.close();
    }
}

/// For what cannot be ended because it does not yield there is no sense in waiting longer.
const LAST_WAIT: Duration = Duration::from_secs(1);

impl<T: Reloadable, K: Key> ControllerHandle<T, K> {
    pub(super) fn new(
        core: Arc<Core<T, K>>,
        phase: watch::Sender<Phase>,
        alive: watch::Receiver<()>,
        runtime: Handle,
    ) -> Self {
        let (queue, letters) = (core.queue.clone(), Arc::clone(&core.letters));
        Self { core, running: Arc::new(Running { phase, alive, queue, letters, runtime }) }
    }

    /// Returns what reads the objects.
    #[must_use]
    pub fn lister(&self) -> Lister<K, T> {
        self.core.lister.clone()
    }

    /// Returns the keys that were given up.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters<K> {
        let core = Arc::clone(&self.core);
        DeadLetters::new(Arc::clone(&self.core.letters), self.core.queue.clone(), move |key| {
            core.records.forget(key);
        })
    }

    /// Asks for a run on a key, for what no informer tells of: a message of another program, a button. It goes before what
    /// has changed by itself, and takes a key out of the dead letters. There need not be an object.
    ///
    /// # Errors
    ///
    /// Fails if the queue is full or the controller has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # fn example(controller: reloadable::ControllerHandle<Route>) -> Result<(), Box<dyn std::error::Error>> {
    /// controller.enqueue("api".to_owned())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn enqueue(&self, key: K) -> Result<(), AddError<K>> {
        self.core.queue.try_add_with(key, Add::new().priority(Priority::High))
    }

    /// Returns how it is doing.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # fn example(controller: reloadable::ControllerHandle<Route>) {
    /// let status = controller.status();
    /// println!("{} ready, {} failed so far", status.queue.depth, status.counts.failed);
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> ControllerStatus {
        let Core { settings, figures, letters, queue, .. } = &*self.core;
        ControllerStatus {
            name: settings.name.as_deref().map(ToOwned::to_owned),
            has_started: figures.has_started.load(Ordering::Relaxed),
            has_ended: *self.running.phase.borrow() > Phase::Running
                || figures.never_starts.load(Ordering::Relaxed),
            unsynced: figures.unsynced(),
            concurrency: settings.concurrency,
            active: figures.active.load(Ordering::Relaxed),
            dead_letters: letters.len(),
            waiting_for_room: figures.waiting_for_room.load(Ordering::Relaxed),
            queue: queue.stats(),
            counts: figures.counts(),
        }
    }

    /// Ends it: nothing more is begun, and what is worked on may finish within this time. What has not by then is dropped
    /// where it stands. Returns what was left; after a restart all of it is worked on again, since every object is.
    ///
    /// Called a second time, by another clone, it finds nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing more is begun, and what is worked on may finish within the same time, also if
    /// this was the last handle. Then nobody is told of what was left.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(controller: reloadable::ControllerHandle<Route>) {
    /// use std::time::Duration;
    ///
    /// let left = controller.shutdown(Duration::from_secs(10)).await;
    /// for key in left.aborted() {
    ///     println!("{key} was not finished");
    /// }
    /// # }
    /// ```
    pub async fn shutdown(self, within: Duration) -> Unfinished<K> {
        let Self { core, running } = self;
        running.phase.send_if_modified(|phase| {
            let is_news = *phase < Phase::Stopping;
            *phase = (*phase).max(Phase::Stopping);
            is_news
        });
        // What is worked on may still come back as delayed or ready, to be told as such.
        core.queue.stop();
        let runtime = running.runtime.clone();
        // A task of its own: who waits may stop waiting, and what is worked on may finish nevertheless.
        match runtime.spawn(finish(core, running, within)).await {
            Ok(left) => left,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                // The runtime has ended, and all that ran in it.
                Err(_) => Unfinished::default(),
            },
        }
    }
}

/// Waits until what is worked on has finished, drops what has not, and says what is left.
async fn finish<T: Reloadable, K: Key>(
    core: Arc<Core<T, K>>,
    running: Arc<Running<K>>,
    within: Duration,
) -> Unfinished<K> {
    let mut alive = running.alive.clone();
    let _ = timeout(within, ended(&mut alive)).await;
    let left = core.queue.shutdown();
    running.phase.send_replace(Phase::Aborted);
    let _ = timeout(LAST_WAIT, ended(&mut alive)).await;
    core.letters.close();
    let keys = |keys: &[K]| keys.to_vec();
    let (aborted, mut ready, delayed) = (keys(left.in_work()), keys(left.ready()), keys(left.delayed()));
    let unqueued = mem::take(&mut *core.unqueued.lock().unwrap_or_else(PoisonError::into_inner));
    let mut told: HashSet<K> = left.into_keys().into_iter().collect();
    ready.extend(unqueued.into_iter().filter(|key| told.insert(key.clone())));
    let (mut failing, mut periodic) = (Vec::new(), Vec::new());
    for key in &delayed {
        match core.records.failures(key).pop() {
            Some(failure) => failing.push((key.clone(), failure)),
            None => periodic.push(key.clone()),
        }
    }
    Unfinished { aborted, ready, delayed, failing, periodic, dead: core.letters.list() }
}

/// Waits until everything has ended that adds keys or works on them.
async fn ended(alive: &mut watch::Receiver<()>) {
    while alive.changed().await.is_ok() {}
}

impl<T, K: Key> Clone for ControllerHandle<T, K> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), running: Arc::clone(&self.running) }
    }
}

impl<T, K: Key> fmt::Debug for ControllerHandle<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControllerHandle")
            .field("settings", &self.core.settings)
            .field("queue", &self.core.queue)
            .finish_non_exhaustive()
    }
}

/// What a [`Controller`](crate::Controller) had not done when it was shut down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished<K> {
    aborted: Vec<K>,
    ready: Vec<K>,
    delayed: Vec<K>,
    failing: Vec<(K, Failure)>,
    periodic: Vec<K>,
    dead: Vec<DeadLetter<K>>,
}

impl<K> Default for Unfinished<K> {
    fn default() -> Self {
        Self {
            aborted: Vec::new(),
            ready: Vec::new(),
            delayed: Vec::new(),
            failing: Vec::new(),
            periodic: Vec::new(),
            dead: Vec::new(),
        }
    }
}

impl<K> Unfinished<K> {
    /// Returns the keys that were worked on until time was up.
    #[must_use]
    pub fn aborted(&self) -> &[K] {
        &self.aborted
    }

    /// Returns the keys that had something new that was not looked at. For some there was no room in the queue.
    #[must_use]
    pub fn ready(&self) -> &[K] {
        &self.ready
    }

    /// Returns the keys that were to be looked at later: the [failing](Self::failing) and the [periodic](Self::periodic).
    #[must_use]
    pub fn delayed(&self) -> &[K] {
        &self.delayed
    }

    /// Returns the keys that have failed and were to be tried again, each with its last failure.
    #[must_use]
    pub fn failing(&self) -> &[(K, Failure)] {
        &self.failing
    }

    /// Returns the keys that are as they should be, and were to be looked at again after a while
    /// ([`Requeue::after`](crate::Requeue::after)).
    #[must_use]
    pub fn periodic(&self) -> &[K] {
        &self.periodic
    }

    /// Returns the keys that were given up.
    #[must_use]
    pub fn dead(&self) -> &[DeadLetter<K>] {
        &self.dead
    }

    /// Tells whether nothing was left. What is [periodic](Self::periodic) is done, and does not count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.aborted.is_empty() && self.ready.is_empty() && self.failing.is_empty() && self.dead.is_empty()
    }
}
