//! What brings the world to where objects say it should be: one run for each key that has changed, again and again until it
//! succeeds.
//!
//! `feeder` makes keys of what informers tell, `work` takes them from the queue and runs what the application gave.
//! `record` is what is remembered of keys between runs, `dead` the keys that were given up.

mod context;
mod dead;
mod feeder;
mod handle;
mod outcome;
mod record;
mod status;
mod work;

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::backoff::Jitter;
use crate::collection::Informer;
use crate::error::Error;
use crate::key::Key;
use crate::load::Reloadable;
#[cfg(feature = "metrics")]
use crate::observe::LetterMeter;
use crate::observe::{ReconcileLog, ReconcileMeter};
use crate::queue::{RateLimit, WorkQueue, WorkQueueBuilder};
use crate::source::BoxFuture;

use self::dead::Letters;
use self::feeder::{Own, Owners, feed};
use self::record::Records;
use self::status::{AskUnsynced, Figures};
use self::work::{Core, Phase, Settings, before, work};

pub use self::context::ReconcileContext;
pub use self::dead::{DeadLetter, DeadLetters};
pub use self::handle::{ControllerHandle, Unfinished};
pub use self::outcome::{Failure, FailureKind, ReconcileError, Requeue};
pub use self::status::{ControllerCounts, ControllerStatus, UnsyncedSource};

/// Sets up a controller: what brings the world to where the objects of an [`Informer`] say it should be.
///
/// Whenever an object comes, changes or goes, a function of the application is run with its key. It looks at the object
/// as it is now, does what there is to do, and says whether that worked. So it need not know what has happened, and may be
/// run twice.
///
/// - A key is worked on by one run at a time; what changes meanwhile is looked at in one more run after that.
/// - Different keys are worked on in parallel, as many as [`concurrency`](Self::concurrency) says.
/// - What fails is tried again after a wait that grows. What fails too often, or for good, becomes a
///   [dead letter](DeadLetters), and is tried again once something new is told of it.
/// - Panics and what takes too long are failures like others.
/// - It begins to work once every informer has its first list. What is in that list goes after what changes later, but
///   makes progress.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct Route { upstream: String }
/// # #[derive(Clone, Default)]
/// # struct Proxy(std::sync::Arc<std::sync::Mutex<Vec<String>>>);
/// # impl Proxy {
/// #     async fn open(&self, name: &str, upstream: &str) -> std::io::Result<()> {
/// #         self.0.lock().map_err(|_| std::io::ErrorKind::Other)?.push(format!("{name} to {upstream}"));
/// #         Ok(())
/// #     }
/// #     async fn close(&self, _: &str) -> std::io::Result<()> { Ok(()) }
/// # }
/// # let proxy = Proxy::default();
/// # let opened = proxy.clone();
/// use std::time::Duration;
///
/// use reloadable::{Controller, Format, Informer, MemoryCollection, Requeue};
///
/// let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
/// routes.upsert("api", "upstream = '127.0.0.1:9000'");
/// let informer = Informer::<Route>::builder().source(source).start().await?;
///
/// let controller = Controller::new(informer).name("routes").concurrency(8).run(move |name, context| {
///     let proxy = proxy.clone();
///     async move {
///         match context.get() {
///             Some(route) => proxy.open(&name, &route.upstream).await?,
///             None => proxy.close(&name).await?,
///         }
///         Ok(Requeue::done())
///     }
/// })?;
/// # while controller.status().counts.succeeded < 1 { tokio::task::yield_now().await }
/// # assert_eq!(opened.0.lock().map(|opened| opened.clone()).ok(), Some(vec!["api to 127.0.0.1:9000".to_owned()]));
///
/// let left = controller.shutdown(Duration::from_secs(10)).await;
/// assert!(left.is_empty());
/// # Ok(())
/// # }
/// ```
#[must_use = "it is `run` that starts it"]
pub struct Controller<T, K: Key = String> {
    informer: Informer<T, K>,
    settings: Settings,
    queue: WorkQueueBuilder<K>,
    sides: Vec<Side<T, K>>,
}

/// Another informer that feeds the queue.
struct Side<T, K: Key> {
    synced: Synced,
    ask: AskUnsynced,
    feed: Feeding<T, K>,
}

type Synced = BoxFuture<'static, Result<(), Error>>;
type Feeding<T, K> =
    Box<dyn FnOnce(Arc<Core<T, K>>, watch::Receiver<Phase>) -> BoxFuture<'static, ()> + Send>;

/// Each that may work is a task.
const MOST_WORKERS: usize = 10_000;

impl<T: Reloadable, K: Key> Controller<T, K> {
    /// Begins to set up a controller of these objects. The informer is kept running by it.
    pub fn new(informer: Informer<T, K>) -> Self {
        let settings = Settings {
            name: None,
            concurrency: 1,
            timeout: Duration::from_secs(300),
            max_attempts: 20,
            max_dead_letters: 10_000,
            cap: Duration::from_secs(1_000),
        };
        Self { informer, settings, queue: WorkQueue::builder().bounding_new_keys(), sides: Vec::new() }
    }

    /// Sets the name by which the log and metrics know it, and its queue.
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        let queue = self.queue.name(name.clone());
        Self { queue, ..self }.set(|settings| settings.name = Some(name.into()))
    }

    /// Sets how many keys are worked on at once. By default that is one, as in Kubernetes' controllers: whoever wants more
    /// has to know that runs of different keys do not get in each other's way. Zero is taken for one, and more than 10,000
    /// for 10,000.
    pub fn concurrency(self, keys: usize) -> Self {
        self.set(|settings| settings.concurrency = keys.clamp(1, MOST_WORKERS))
    }

    /// Sets how long one run may take. Then it is dropped where it stands, and has failed. By default that is 5 minutes, so
    /// that what hangs does not take a place for ever; `Duration::MAX` is no limit.
    ///
    /// A run is dropped only where it awaits something: what blocks its thread cannot be ended.
    pub fn timeout(self, limit: Duration) -> Self {
        self.set(|settings| settings.timeout = limit)
    }

    /// Sets how often a key is tried until it becomes a dead letter. By default that is 20 times, which with the default
    /// backoff takes some 20 minutes: longer than most of what a run depends on is away for a restart. Zero is taken for
    /// one; `u32::MAX` is for ever, as in Kubernetes' controllers.
    ///
    /// A run that something new brought about before the backoff was over does not count, unless it
    /// lasted until then.
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.set(|settings| settings.max_attempts = attempts.max(1))
    }

    /// Sets how many dead letters there may be; 10,000 by default. When there are so many, further keys are not given up:
    /// each is tried again, for ever, after the longest wait of the [`backoff`](Self::backoff), and becomes a dead letter
    /// once there is room. [`ControllerCounts::overflowed`] says how often that was so.
    pub fn max_dead_letters(self, keys: usize) -> Self {
        self.set(|settings| settings.max_dead_letters = keys)
    }

    /// Sets how long a key waits after a failure, see [`WorkQueueBuilder::backoff`]. By default 5 ms at first and 1,000 s at
    /// most.
    pub fn backoff(self, base: Duration, cap: Duration) -> Self {
        let queue = self.queue.backoff(base, cap);
        Self { queue, ..self }.set(|settings| settings.cap = cap)
    }

    /// Sets how these waits are spread, see [`WorkQueueBuilder::jitter`].
    pub fn jitter(self, jitter: Jitter) -> Self {
        Self { queue: self.queue.jitter(jitter), ..self }
    }

    /// Sets how many keys are taken up in a time, see [`WorkQueueBuilder::rate_limit`]. By default there is no limit.
    pub fn rate_limit(self, limit: RateLimit) -> Self {
        Self { queue: self.queue.rate_limit(limit), ..self }
    }

    /// Sets what keys have in common that are to have one turn together, see [`WorkQueueBuilder::fairness`].
    pub fn fairness<G: Hash>(self, group: impl Fn(&K) -> G + Send + Sync + 'static) -> Self {
        Self { queue: self.queue.fairness(group), ..self }
    }

    /// Sets how many keys may be in the queue for their first run, waiting or worked on; 1,000,000 by default. While there
    /// are as many, what comes besides is merged where it waits, and is taken in as those runs end:
    /// [`ControllerStatus::waiting_for_room`] says how many wait so.
    ///
    /// Keys that come back, since they have failed or asked for it, stand beside this, so that they keep nothing else out.
    /// Of those there are no more than there are keys. What changes of a key that the queue has never waits for room.
    pub fn capacity(self, keys: usize) -> Self {
        Self { queue: self.queue.capacity(keys), ..self }
    }

    /// Follows other objects as well: whenever one of them comes, changes or goes, the keys that `owners` returns for it
    /// are looked at. When it changes, `owners` is asked for it as it was and as it is.
    ///
    /// A panic of `owners` passes over that change, and is counted.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct Route { upstream: String }
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct Certificate { routes: Vec<String> }
    /// # fn example(routes: reloadable::Informer<Route>, certificates: reloadable::Informer<Certificate>) {
    /// use reloadable::Controller;
    ///
    /// let controller = Controller::new(routes)
    ///     .owns(certificates, |_name, certificate| certificate.routes.clone());
    /// # drop(controller);
    /// # }
    /// ```
    pub fn owns<U, J, O>(
        mut self,
        informer: Informer<U, J>,
        owners: impl Fn(&J, &U) -> O + Send + 'static,
    ) -> Self
    where
        U: Reloadable,
        J: Key,
        O: IntoIterator<Item = K> + 'static,
    {
        let (synced, ask) = (synced(informer.clone()), ask(informer.clone()));
        let feed: Feeding<T, K> =
            Box::new(move |core, phase| Box::pin(feed(core, informer, Owners(owners), phase)));
        self.sides.push(Side { synced, ask, feed });
        self
    }

    /// Starts it. `reconcile` is run with each key that is to be looked at, and returns when all is as it should be, or
    /// why that is not so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setup`](crate::ErrorKind::Setup) where there is no tokio runtime.
    pub fn run<F, R>(self, reconcile: F) -> Result<ControllerHandle<T, K>, Error>
    where
        F: Fn(K, ReconcileContext<T, K>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Requeue, ReconcileError>> + Send + 'static,
    {
        let runtime = Handle::try_current()
            .map_err(|_| Error::setup("runtime", "no tokio runtime here; run it within one"))?;
        let Self { informer, settings, queue, sides } = self;
        let (name, concurrency) = (settings.name.clone(), settings.concurrency);
        let core = Arc::new(Core {
            queue: queue.build(),
            lister: informer.lister(),
            records: Records::new(),
            letters: Arc::new(Letters::new(settings.max_dead_letters)),
            unqueued: Mutex::new(Vec::new()),
            figures: Figures::default(),
            meter: ReconcileMeter::new(name.as_deref(), concurrency),
            log: ReconcileLog::new(name),
            settings,
        });
        let (sender, phase) = watch::channel(Phase::Running);
        let (living, alive) = watch::channel(());

        let (mut all_synced, mut asked) = (vec![synced(informer.clone())], vec![ask(informer.clone())]);
        let feeding = feed(Arc::clone(&core), informer, Own::new(), phase.clone());
        runtime.spawn(alive_while(feeding, living.clone()));
        for side in sides {
            let feeding = (side.feed)(Arc::clone(&core), phase.clone());
            runtime.spawn(alive_while(feeding, living.clone()));
            all_synced.push(side.synced);
            asked.push(side.ask);
        }
        core.figures.wait_for(asked);
        #[cfg(feature = "metrics")]
        if core.settings.name.is_some() {
            runtime.spawn(publish(Arc::clone(&core), phase.clone()));
        }
        runtime.spawn(start(Arc::clone(&core), Arc::new(reconcile), all_synced, phase, living));
        Ok(ControllerHandle::new(core, sender, alive, runtime))
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }
}

fn synced<T: Reloadable, K: Key>(informer: Informer<T, K>) -> Synced {
    Box::pin(async move { informer.wait_synced(Duration::MAX).await })
}

fn ask<T: Reloadable, K: Key>(informer: Informer<T, K>) -> AskUnsynced {
    Box::new(move || {
        let status = informer.status();
        (!status.has_synced).then(|| UnsyncedSource::new(status.origin, status.last_error))
    })
}

/// So long it waits for first lists until it says so, and then twice as long each time up to the other bound.
const WARNED_AFTER: Duration = Duration::from_secs(30);
const WARNED_EVERY: Duration = Duration::from_secs(3_600);

/// Waits until everything is there that those who work may look at. An informer that has ended without a list never has one.
async fn all_there<T, K: Key>(core: &Core<T, K>, all_synced: Vec<Synced>) -> Result<(), Error> {
    let mut wait = WARNED_AFTER;
    for mut synced in all_synced {
        loop {
            if let Ok(synced) = timeout(wait, &mut synced).await {
                synced?;
                break;
            }
            for unsynced in core.figures.unsynced() {
                let error = unsynced.last_error.as_ref().map(ToString::to_string);
                core.log.waits(&unsynced.origin, error.as_deref());
            }
            wait = (wait * 2).min(WARNED_EVERY);
        }
    }
    Ok(())
}

/// Starts those who work, once everything that they may look at is there.
async fn start<T, K, F, R>(
    core: Arc<Core<T, K>>,
    reconcile: Arc<F>,
    all_synced: Vec<Synced>,
    mut phase: watch::Receiver<Phase>,
    living: watch::Sender<()>,
) where
    T: Reloadable,
    K: Key,
    F: Fn(K, ReconcileContext<T, K>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Requeue, ReconcileError>> + Send + 'static,
{
    let all_there = before(&mut phase, Phase::Stopping, all_there(&core, all_synced)).await;
    if matches!(all_there, Some(Err(_))) {
        for unsynced in core.figures.unsynced() {
            core.log.never_starts(&unsynced.origin);
        }
        core.figures.never_starts.store(true, Ordering::Relaxed);
        // Its keys are still told as left.
        core.queue.stop();
        core.letters.close();
    }
    core.figures.wait_for(Vec::new());
    let Some(Ok(())) = all_there else { return };
    core.figures.has_started.store(true, Ordering::Relaxed);
    for _ in 0..core.settings.concurrency {
        let working = work(Arc::clone(&core), Arc::clone(&reconcile), phase.clone());
        tokio::spawn(alive_while(working, living.clone()));
    }
}

/// Whoever waits for the end waits for this.
async fn alive_while(run: impl Future<Output = ()>, living: watch::Sender<()>) {
    run.await;
    drop(living);
}

/// How often the metrics are told of the queue while nothing happens in it.
#[cfg(feature = "metrics")]
const PUBLISHED_EVERY: Duration = Duration::from_millis(500);

/// Tells the metrics of what was given up, and of a queue in which nothing happens since all who work are stuck.
#[cfg(feature = "metrics")]
async fn publish<T: Reloadable, K: Key>(core: Arc<Core<T, K>>, mut phase: watch::Receiver<Phase>) {
    let letters = LetterMeter::new(core.settings.name.as_deref());
    loop {
        let has_started = core.figures.has_started.load(Ordering::Relaxed);
        let counts = core.figures.counts();
        letters.publish(has_started, core.letters.len(), counts.given_up, counts.overflowed);
        core.queue.publish_metrics();
        let sleep = tokio::time::sleep(PUBLISHED_EVERY);
        if before(&mut phase, Phase::Stopping, sleep).await.is_none() {
            break;
        }
    }
}

impl<T, K: Key> fmt::Debug for Controller<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("settings", &self.settings)
            .field("queue", &self.queue)
            .field("owned", &self.sides.len())
            .finish_non_exhaustive()
    }
}
