//! The handle of a running configuration.

mod applied;
mod builder;
mod command;
mod layers;
mod observing;
mod gates;
mod overrides;
mod plan;
mod policies;
mod rollback;
mod trigger;

use std::fmt;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};

use crate::diff::Diff;
use crate::history::History;
use crate::load::Reloadable;
use crate::publish::{Current, Guard, Reader, Snapshot};
use crate::reload::{Ask, Firing, Handles, Marker, Reload, Request};
use crate::status::StatusSubscription;
use crate::status::{Attempt, Outcomes, PendingSubscription, Reason, ReloadOutcome, Status};
use crate::subscribe::{Sections, Subscription, block_on};

pub(crate) use self::applied::verdict;
pub use self::builder::Builder;
pub(crate) use self::builder::{Own, on_own_thread};
pub use self::command::check_main;
pub use self::plan::Plan;
pub use self::trigger::Trigger;

/// A running configuration: what is in force, what changes, and how the reloads went.
///
/// It is cheap to clone. When the last clone is dropped, the task behind it ends; so does every subscription.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.toml");
/// # std::fs::write(&path, "[database]\npool_size = 20\n")?;
/// # type App = std::collections::BTreeMap<String, std::collections::BTreeMap<String, u16>>;
/// use reloadable::Reloader;
///
/// let config = Reloader::<App>::builder().file(path).start().await?;
/// assert_eq!(config.load()["database"]["pool_size"], 20);
/// config.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Reloader<T> {
    current: Current<T>,
    sections: Sections<T>,
    status: watch::Receiver<Status>,
    /// Nothing is kept for nobody, and it ends with the task.
    attempts: broadcast::WeakSender<Attempt>,
    history: History<T>,
    firing: Firing,
    inside: Marker,
    requests: mpsc::Sender<Request>,
    /// The task stops when something is sent here, or when the last handle drops it.
    stop: Arc<watch::Sender<()>>,
    ended: watch::Receiver<()>,
}

/// What the task of a reloader holds, besides the sources.
struct Task {
    requests: mpsc::Receiver<Request>,
    stop: watch::Receiver<()>,
    /// Dropped at the end, for those who wait for that.
    _ending: watch::Sender<()>,
}

impl Task {
    async fn run<T: Reloadable>(self, reload: Reload<T>) {
        reload.run(self.requests, self.stop).await;
    }
}

impl<T: Reloadable> Reloader<T> {
    /// Begins to set up a reloader.
    pub fn builder() -> Builder<T> {
        Builder::new()
    }

    /// Makes the handle of a task that is about to run, and what that task needs.
    fn new(reload: &Reload<T>) -> (Self, Task) {
        // A few requests at a time; whoever asks more waits for room.
        let (requests, receiver) = mpsc::channel(16);
        let (stop, stopped) = watch::channel(());
        let (ending, ended) = watch::channel(());
        let Handles { current, sections, status, attempts, history, firing, inside } = reload.handles();
        let stop = Arc::new(stop);
        let reloader =
            Self { current, sections, status, attempts, history, firing, inside, requests, stop, ended };
        (reloader, Task { requests: receiver, stop: stopped, _ending: ending })
    }

    /// Returns the configuration in force, for a short while: the guard derefs to it. It never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, _document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
    /// assert_eq!(config.load()["workers"], 4);
    ///
    /// // All that one task needs comes from one guard, and so from one generation.
    /// let limits = config.load();
    /// assert_eq!((limits["workers"], limits.len()), (4, 1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn load(&self) -> Guard<T> {
        self.current.load()
    }

    /// Returns the snapshot in force, to keep.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
    /// let kept = config.snapshot();
    /// document.replace("workers = 8");
    /// config.blocking_reload();
    /// assert_eq!((kept.generation(), kept["workers"]), (1, 4));
    /// assert_eq!((config.snapshot().generation(), config.load()["workers"]), (2, 8));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot<T>> {
        self.current.snapshot()
    }

    /// Returns a reader for a hot loop; take one for each thread.
    #[must_use]
    pub fn reader(&self) -> Reader<T> {
        self.current.reader()
    }

    /// Subscribes to every change from here on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<T> {
        self.subscribe_to(|value| value)
    }

    /// Subscribes to the changes of one section from here on. Changes elsewhere do not wake the subscription.
    ///
    /// A selector without captures costs one comparison for each publish, however many subscriptions use it.
    ///
    /// The changes are those of the section's own type. What is said on the field that holds it, as `secret`, `key` or
    /// `set`, belongs to the struct around it and is not known here: a selected field that is marked as a secret is *not*
    /// hidden, and a selected list is compared by position. Select the struct around it, or say it by a type:
    /// [`Secret`](crate::Secret), and `struct Routes(#[reload(key = "name")] Vec<Route>)`.
    ///
    /// # Panics
    ///
    /// It does not, but waiting on the subscription does where the selector does, as `|app| &app.routes[1]` once there
    /// is no such route.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # #[derive(serde::Deserialize)]
    /// # struct App { database: BTreeMap<String, u16> }
    /// # impl reloadable::Describe for App {}
    /// # impl reloadable::Validate for App {}
    /// # impl reloadable::Diff for App {
    /// #     type Changes<'a> = <BTreeMap<String, u16> as reloadable::Diff>::Changes<'a>;
    /// #     fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> { self.database.diff(&new.database) }
    /// #     fn value(&self) -> reloadable::Value<'_> { self.database.value() }
    /// # }
    /// # fn example(config: reloadable::Reloader<App>) -> Result<(), reloadable::Error> {
    /// let mut database = config.subscribe_to(|app| &app.database);
    /// let change = database.blocking_changed()?;
    /// println!("{}", change.changes());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn subscribe_to<S, F>(&self, select: F) -> Subscription<T, S>
    where
        S: Diff + ?Sized + 'static,
        F: Fn(&T) -> &S + Send + Sync + 'static,
    {
        self.sections.subscribe(&self.current, select)
    }

    /// Looks at the sources now, through the same steps as after a change, and returns how that went.
    ///
    /// After the reloader has ended, that is `Failed` with an error of kind [`Closed`](crate::ErrorKind::Closed); while
    /// reloads are paused or rolled back, `Suspended`. Called by what the reload itself waits for, as a gate or a
    /// validator, it is `Failed` with an error of kind [`Deadlock`](crate::ErrorKind::Deadlock).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the attempt may still take place; its outcome is in [`status`](Self::status).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// # let config = reloadable::Reloader::<Limits>::builder().source(source).start().await?;
    /// document.replace("workers = 'many'");
    /// let outcome = config.reload().await;
    /// assert!(!outcome.is_in_force());
    /// assert_eq!(
    ///     outcome.to_string(),
    ///     r#"configuration refused: limits:1:11: workers: invalid type: string "many", expected u16 [type]"#
    /// );
    /// assert_eq!(config.load()["workers"], 4);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reload(&self) -> ReloadOutcome {
        self.request(Ask::Reload(Reason::Manual), "reload()").await
    }

    /// Does what [`reload`](Self::reload) does, and blocks the thread until it is done. It must not be called from
    /// asynchronous code, which it would stop.
    pub fn blocking_reload(&self) -> ReloadOutcome {
        block_on(self.reload())
    }

    /// Returns what is in force and how the last attempt went.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
    /// document.replace("workers = ");
    /// config.blocking_reload();
    /// let status = config.status();
    /// assert!(!status.is_healthy());
    /// assert_eq!((status.generation, status.consecutive_failures > 0), (1, true));
    /// assert!(status.last_report().is_some_and(|report| report.to_string().starts_with("limits:1:")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        let status = self.status.borrow().clone();
        status.among(self.sections.roster())
    }

    /// Returns every attempt from here on, one after the other: what was applied and what was refused, in order.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        Outcomes::new(
            self.attempts.upgrade().map_or_else(|| broadcast::channel(1).1, |sender| sender.subscribe()),
        )
    }

    /// Subscribes to every later status: how attempts end, and how the sources are doing.
    #[must_use]
    pub fn subscribe_status(&self) -> StatusSubscription {
        StatusSubscription::new(self.status.clone(), self.sections.roster().clone())
    }

    /// Subscribes to what is pending until a restart, as in [`Status::pending_restart`].
    #[must_use]
    pub fn subscribe_pending_restart(&self) -> PendingSubscription {
        PendingSubscription::new(self.status.clone())
    }

    /// Ends the task behind this and all clones, and waits until it has ended. The snapshots stay readable. What is still to
    /// be kept on disk as the last good set is waited for, up to 5 s, and subscribers are told of the end after that.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the end may still come.
    pub async fn shutdown(self) {
        self.stop.send_replace(());
        if self.inside.is_here() {
            // What the task itself runs cannot wait for its end.
            return;
        }
        let mut ended = self.ended.clone();
        drop(self);
        // The sender is dropped with the task.
        while ended.changed().await.is_ok() {}
    }

    /// Does what [`shutdown`](Self::shutdown) does, and blocks the thread until it is done. It must not be called
    /// from asynchronous code, which it would stop.
    pub fn blocking_shutdown(self) {
        block_on(self.shutdown());
    }
}

impl<T> Clone for Reloader<T> {
    fn clone(&self) -> Self {
        Self {
            current: self.current.clone(),
            sections: self.sections.clone(),
            status: self.status.clone(),
            attempts: self.attempts.clone(),
            history: self.history.clone(),
            firing: self.firing.clone(),
            inside: self.inside,
            requests: self.requests.clone(),
            stop: Arc::clone(&self.stop),
            ended: self.ended.clone(),
        }
    }
}

impl<T> fmt::Debug for Reloader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever it is written to may make it wait, and nobody else is to wait for that.
        let status = self.status.borrow().clone();
        f.debug_struct("Reloader").field("status", &status).finish_non_exhaustive()
    }
}
