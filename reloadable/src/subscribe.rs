//! Places from which changes are awaited.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::diff::Diff;
use crate::error::Error;
use crate::progress::{Acknowledgement, LastChange, Roster, Subscriber};
use crate::publish::{Current, Snapshot};
use crate::sync::Mutex;

/// A place from which the changes of a configuration, or of one section of it, are awaited.
///
/// It is woken only when its section changed. What it is given is the difference to what it was given last, so a slow
/// subscriber gets one change that spans everything it missed; if in the meantime everything went back to how it was,
/// it gets none.
///
/// # Examples
///
/// ```
/// # async fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
/// let mut changes = config.subscribe();
/// while let Ok(change) = changes.changed().await {
///     println!("generation {}: {}", change.generation(), change.changes());
/// }
/// // The reloader has ended.
/// # }
/// ```
pub struct Subscription<T, S: ?Sized = T> {
    current: Current<T>,
    select: Select<T, S>,
    seen: Arc<Snapshot<T>>,
    woken: watch::Receiver<()>,
    subscriber: Subscriber,
}

type Select<T, S> = Arc<dyn Fn(&T) -> &S + Send + Sync>;

impl<T, S: Diff + ?Sized> Subscription<T, S> {
    /// Waits until the section differs from what this subscription saw last, and returns how.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the reloader has ended and there is nothing left to see.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn changed(&mut self) -> Result<Change<T, S>, Error> {
        loop {
            self.woken.changed().await.map_err(|_| Error::closed())?;
            if let Some(change) = self.take() {
                return Ok(change);
            }
        }
    }

    /// Waits as [`changed`](Self::changed) does, and blocks the thread while it waits. It needs no runtime, and must
    /// not be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn blocking_changed(&mut self) -> Result<Change<T, S>, Error> {
        block_on(self.changed())
    }

    /// Waits as [`blocking_changed`](Self::blocking_changed) does, but no longer than `timeout`; `None` if there was
    /// no change by then.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn blocking_changed_timeout(&mut self, timeout: Duration) -> Result<Option<Change<T, S>>, Error> {
        // A deadline beyond what the clock can tell is none.
        match Instant::now().checked_add(timeout) {
            Some(deadline) => park_until(pin!(self.changed()), Some(deadline)).transpose(),
            None => self.blocking_changed().map(Some),
        }
    }

    /// Returns the section as this subscription saw it last.
    #[must_use]
    pub fn seen(&self) -> &S {
        (self.select)(&self.seen)
    }

    /// Returns the snapshot that this subscription saw last.
    #[must_use]
    pub fn seen_snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.seen
    }

    fn take(&mut self) -> Option<Change<T, S>> {
        let latest = self.current.snapshot();
        let changed =
            self.seen.compare(&latest, || (self.select)(&self.seen).diff((self.select)(&latest)).is_some());
        let previous = std::mem::replace(&mut self.seen, Arc::clone(&latest));
        self.subscriber.saw(latest.generation(), changed);
        let acknowledgement = self.subscriber.acknowledgement();
        changed.then(|| Change {
            previous,
            current: latest,
            select: Arc::clone(&self.select),
            acknowledgement,
        })
    }
}

impl<T, S: ?Sized> Subscription<T, S> {
    /// Makes it one that acknowledges: each of its changes is to be answered with [`Change::applied`] or
    /// [`Change::failed`], [`Reloader::wait_applied`](crate::Reloader::wait_applied) waits for that, and until then the
    /// program is not [ready](crate::Reloader::readiness). It counts as having applied what it has seen so far.
    ///
    /// By the name, which should be its own, it is told of. Whoever ends the subscription is no longer waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn resize(_: usize) -> std::io::Result<()> { Ok(()) }
    /// # async fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
    /// let mut limits = config.subscribe().acknowledging("limits");
    /// while let Ok(change) = limits.changed().await {
    ///     match resize(change.current().len()) {
    ///         Ok(()) => change.applied(),
    ///         Err(error) => change.failed(error),
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn acknowledging(self, name: impl Into<Arc<str>>) -> Self {
        let subscriber = self.subscriber.acknowledging(name.into(), self.seen.generation());
        Self { subscriber, ..self }
    }
}

/// A clone has seen what the original has seen. If the original acknowledges, so does the clone, under the same name
/// and for itself; it counts as having applied what it has seen.
impl<T, S: ?Sized> Clone for Subscription<T, S> {
    fn clone(&self) -> Self {
        Self {
            current: self.current.clone(),
            select: Arc::clone(&self.select),
            seen: Arc::clone(&self.seen),
            woken: self.woken.clone(),
            subscriber: self.subscriber.another(self.seen.generation()),
        }
    }
}

impl<T, S: ?Sized> fmt::Debug for Subscription<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("generation", &self.seen.generation()).finish_non_exhaustive()
    }
}

/// A previous snapshot, the current one, and how they differ; for one section or for the whole configuration.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
/// let mut limits = config.subscribe();
/// document.replace("workers = 8");
/// let change = limits.blocking_changed()?;
/// assert_eq!((change.previous()["workers"], change.current()["workers"]), (4, 8));
/// assert_eq!(change.changes().to_string(), "workers: 4 -> 8");
/// assert_eq!(change.generation(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Change<T, S: ?Sized = T> {
    previous: Arc<Snapshot<T>>,
    current: Arc<Snapshot<T>>,
    select: Select<T, S>,
    acknowledgement: Option<Acknowledgement>,
}

impl<T, S: Diff + ?Sized> Change<T, S> {
    /// Returns the section as this subscription saw it before.
    #[must_use]
    pub fn previous(&self) -> &S {
        (self.select)(&self.previous)
    }

    /// Returns the section as it is now.
    #[must_use]
    pub fn current(&self) -> &S {
        (self.select)(&self.current)
    }

    /// Returns how the two differ. It compares them anew, so keep the result rather than call it often.
    ///
    /// # Panics
    ///
    /// If the section does not compare the same way twice, because a `PartialEq` or a function named by
    /// `#[reload(leaf, ..)]` is not a pure function of its arguments.
    #[must_use]
    pub fn changes(&self) -> S::Changes<'_> {
        self.previous
            .compare(&self.current, || self.previous().diff(self.current()))
            .expect("a change is only made of values that differ")
    }
}

impl<T, S: ?Sized> Change<T, S> {
    /// Returns the number of the current snapshot.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.current.generation()
    }

    /// Returns the whole snapshot from which the section is.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.current
    }

    /// Returns the whole snapshot that this subscription saw before.
    #[must_use]
    pub fn previous_snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.previous
    }

    /// Acknowledges that this change is applied, and with it all that came before. A failure that was told of it
    /// before is over.
    ///
    /// Without effect if the subscription is not [acknowledging](Subscription::acknowledging), or has ended.
    pub fn applied(&self) {
        if let Some(acknowledgement) = &self.acknowledgement {
            acknowledgement.applied(self.generation());
        }
    }

    /// Acknowledges that this change could not be applied. The reason is told to whoever waits and asks: some words
    /// without secrets, of which the first 1,000 characters are kept.
    ///
    /// The configuration stays in force all the same: to refuse it is the matter of a gate. The next change, or a later
    /// [`applied`](Self::applied) of this one, makes up for it.
    ///
    /// Without effect if the subscription is not [acknowledging](Subscription::acknowledging), or has ended.
    pub fn failed(&self, reason: impl fmt::Display) {
        if let Some(acknowledgement) = &self.acknowledgement {
            acknowledgement.failed(self.previous.generation(), self.generation(), &reason.to_string());
        }
    }
}

impl<T, S: ?Sized> Clone for Change<T, S> {
    fn clone(&self) -> Self {
        Self {
            previous: Arc::clone(&self.previous),
            current: Arc::clone(&self.current),
            select: Arc::clone(&self.select),
            acknowledgement: self.acknowledgement.clone(),
        }
    }
}

impl<T, S: ?Sized> fmt::Debug for Change<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("previous", &self.previous.generation())
            .field("current", &self.current.generation())
            .finish_non_exhaustive()
    }
}

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

    fn lock(&self) -> impl std::ops::DerefMut<Target = Registry<T>> + '_ {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a future on this thread. It works for every future that needs no runtime, as those of tokio's channels.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Some(output) = park_until(future.as_mut(), None) {
            return output;
        }
    }
}

/// Runs a future on this thread until it is ready or the deadline has passed.
pub(crate) fn park_until<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => thread::park(),
            Some(Duration::ZERO) => return None,
            Some(left) => thread::park_timeout(left),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
