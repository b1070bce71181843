//! Setting up a reloader.

use std::fmt;
use std::future::Future;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use super::layers::Layer;
use super::policies::Policies;
use crate::error::Error;
use crate::gate::Gate;
use crate::layer::{Lint, Lints};
use crate::load::Reloadable;
use crate::observe;
#[cfg(feature = "fs")]
use crate::reload::StartPolicy;
use crate::reload::{Reload, Setup, Timing};
use crate::reloader::Reloader;
#[cfg(feature = "fs")]
use crate::source::AnyFiles;
#[cfg(feature = "testing")]
use crate::source::AnySource;
use crate::source::Settle;
#[cfg(feature = "fs")]
use crate::source::fs::{NamedFiles, Settings};

/// Sets up a [`Reloader`]: its layers, of which later ones win, and its timing.
///
/// Tables of two layers are merged, everything else is replaced unless the layer [says otherwise](Self::arrays). Words such
/// as [`optional`](Self::optional) and [`secrets`](Self::secrets) are about the layer that was added last; before there is
/// any, [`start`](Self::start) refuses them. Times are clamped to a year.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let root = directory.path();
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use std::fs;
/// use std::time::Duration;
///
/// use reloadable::Reloader;
///
/// fs::write(root.join("app.toml"), "workers = 4\nqueue = 100\n")?;
/// fs::create_dir(root.join("conf.d"))?;
/// fs::write(root.join("conf.d/10-local.toml"), "workers = 8\n")?;
///
/// let config = Reloader::<Limits>::builder()
///     .file(root.join("app.toml"))
///     .directory(root.join("conf.d"), "*.toml")
///     .resync(Duration::from_secs(10))
///     .start()
///     .await?;
/// assert_eq!(config.load()["workers"], 8);
/// assert_eq!(config.load()["queue"], 100);
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is started"]
pub struct Builder<T> {
    pub(super) layers: Vec<Layer>,
    /// The first that was made in setting up.
    pub(super) mistake: Option<Error>,
    pub(super) gates: Vec<Gate<T>>,
    pub(super) policies: Policies,
    pub(super) observe: observe::Settings,
    #[cfg(all(unix, feature = "signal"))]
    pub(super) hangup: bool,
    lints: Lints,
    timing: Timing,
    max_size: u64,
}

/// 16 MiB: far above every configuration that people write, far below what hurts.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// The last good set has the documents of all layers, and beside them their names and paths.
#[cfg(feature = "fs")]
const MOST_ABOUT_LAST_GOOD: u64 = 1024 * 1024;

/// A year: in effect never, and yet a time that can be added to any other.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Looks that follow each other without a pause would keep a core busy.
const SHORTEST_RESYNC: Duration = Duration::from_millis(10);

impl<T: Reloadable> Builder<T> {
    pub(super) fn new() -> Self {
        Self {
            layers: Vec::new(),
            mistake: None,
            gates: Vec::new(),
            policies: Policies::default(),
            observe: observe::Settings::default(),
            #[cfg(all(unix, feature = "signal"))]
            hangup: false,
            lints: Lints::default(),
            timing: Timing::default(),
            max_size: MAX_SIZE,
        }
    }

    /// Sets how long to wait, after something has changed, for the rest of the change: [`Settle::Balanced`] unless set,
    /// which does not wait where the change is known to be complete.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use std::time::Duration;
    ///
    /// use reloadable::{Reloader, Settle};
    ///
    /// // A script appends to the file, line by line, for up to five seconds.
    /// let builder = Reloader::<Limits>::builder()
    ///     .settle(Settle::quiet(Duration::from_secs(2)))
    ///     .max_wait(Duration::from_secs(10));
    /// # let _ = builder;
    /// ```
    pub fn settle(mut self, settle: Settle) -> Self {
        self.timing.settle = settle;
        self
    }

    /// Sets how long to wait at most for the rest of a change: 1 s unless set. It cuts [`Settle::Quiet`] short as well.
    /// A file that is open for writing is waited for longer, until nothing has been written to it for a second.
    ///
    /// It is also how long [`Reloader::reload`] waits for a file that is being changed before it reads it as it is, but for
    /// no more than a second, and half of the [`fetch_timeout`](Self::fetch_timeout).
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.timing.max_wait = max_wait.min(LONGEST);
        self
    }

    /// Sets how much time there is at least between one snapshot and the next: none unless set. What changes meanwhile
    /// is published together, and what is wrong meanwhile is told then. The first change after a time of rest does not
    /// wait, and [`Reloader::reload`] never does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.toml");
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use std::time::Duration;
    ///
    /// use reloadable::{Reloader, atomic_write};
    ///
    /// atomic_write(&path, "workers = 1\n")?;
    /// let hour = Duration::from_secs(60 * 60);
    /// let config = Reloader::<Limits>::builder().file(&path).min_interval(hour).start().await?;
    /// let mut changes = config.subscribe();
    ///
    /// atomic_write(&path, "workers = 2\n")?;
    /// assert_eq!(changes.changed().await?.current()["workers"], 2);
    ///
    /// // These would be published in an hour, as one change.
    /// atomic_write(&path, "workers = 3\n")?;
    /// atomic_write(&path, "workers = 4\n")?;
    /// config.reload().await;
    /// assert_eq!((config.load()["workers"], config.snapshot().generation()), (4, 3));
    /// # Ok(())
    /// # }
    /// ```
    pub fn min_interval(mut self, interval: Duration) -> Self {
        self.timing.min_interval = interval.min(LONGEST);
        self
    }

    /// Sets what becomes of a key that stands for no field: [`Lint::Warn`] unless set. A type with
    /// `#[serde(deny_unknown_fields)]` refuses it in any case. A map takes any key, flattened or not. Variables that stand
    /// for no field are judged by [`Env::unknown`](crate::Env::unknown) instead, and arguments of [`set`](Self::set) are
    /// always refused.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), reloadable::Error> {
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct App { #[serde(default)] workers: u16 }
    /// use reloadable::{Format, Lint, MemorySource, Reloader};
    ///
    /// let layers = || {
    ///     let (source, _document) = MemorySource::new("app", Format::Toml, "wrokers = 8");
    ///     Reloader::<App>::builder().source(source)
    /// };
    /// let plan = layers().check_blocking()?;
    /// assert_eq!(
    ///     plan.warnings().to_string(),
    ///     "app:1:1  wrokers  unknown key, did you mean `workers`?  [warning: unknown_key]"
    /// );
    /// assert!(layers().unknown_keys(Lint::Deny).check_blocking().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn unknown_keys(mut self, lint: Lint) -> Self {
        self.lints.unknown_keys = lint;
        self
    }

    /// Sets what becomes of a secret in a layer that is not [said to hold any](Self::secrets): [`Lint::Warn`] unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "zeroize")]
    /// # fn main() -> Result<(), reloadable::Error> {
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct App { token: reloadable::Secret<String> }
    /// use reloadable::{Format, Lint, MemorySource, Reloader};
    ///
    /// let layers = || {
    ///     let (source, _document) = MemorySource::new("app", Format::Toml, "token = 'hunter2'");
    ///     Reloader::<App>::builder().source(source)
    /// };
    /// assert_eq!(
    ///     layers().check_blocking()?.warnings().to_string(),
    ///     "app:1:9  token  a secret in layer app, which is not said to hold any  [warning: stray_secret]"
    /// );
    /// assert!(layers().stray_secrets(Lint::Deny).check_blocking().is_err());
    /// assert!(layers().secrets().check_blocking()?.warnings().is_empty());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "zeroize"))]
    /// # fn main() {}
    /// ```
    pub fn stray_secrets(mut self, lint: Lint) -> Self {
        self.lints.stray_secrets = lint;
        self
    }

    /// Sets what becomes of a secret in a file that everybody on the machine may read: [`Lint::Warn`] unless set. It is told
    /// of once for a file, on Unix, and also where the layer is [said to hold secrets](Self::secrets).
    pub fn public_secrets(mut self, lint: Lint) -> Self {
        self.lints.public_secrets = lint;
        self
    }

    /// Sets how often the sources are looked at although nothing told of a change: every 30 s unless set, give or take
    /// a tenth, and at most every 10 ms. It bounds how late a change is whose event was lost, and how late it is noticed
    /// that a source which is polled can be watched again.
    pub fn resync(mut self, period: Duration) -> Self {
        self.timing.resync = period.clamp(SHORTEST_RESYNC, LONGEST);
        self
    }

    /// Sets how long a source may take to answer: 30 s unless set. After that it has failed, as one that cannot be read,
    /// and is asked again.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.timing.fetch = timeout.min(LONGEST);
        self
    }

    /// Sets how many bytes a file, all files of a directory together, or all files that fields name together may have:
    /// 16 MiB unless set. What is larger is an error of the source and is not read.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = bytes;
        self
    }

    /// Loads for the first time and follows the sources in a task of the current tokio runtime, whose time must be
    /// enabled.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) with every source that cannot be read, and with what is wrong
    /// with the texts of the others.
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) with every document that has a syntax error, and what is certain of those
    /// above it. If none has, with everything that is wrong with what they hold: unknown keys, values of a wrong type,
    /// what is missing, and which rules are broken. If nothing is, with every file that a field names and that cannot be
    /// read. Warnings are in the report as well.
    ///
    /// [`Vetoed`](crate::ErrorKind::Vetoed) with the gate that refused and its reason.
    ///
    /// What becomes of these is a matter of the [start policy](Self::start_policy).
    ///
    /// [`Setup`](crate::ErrorKind::Setup) with what is wrong with the set-up: no layer, a word that is about a layer of
    /// another kind, values that cannot be serialized, a malformed pattern, no runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing is left running.
    pub async fn start(self) -> Result<Reloader<T>, Error> {
        let runtime = runtime("start_blocking()")?;
        let reload = Reload::start(self.into_setup()?).await?;
        let (reloader, task) = Reloader::new(&reload);
        runtime.spawn(task.run(reload));
        Ok(reloader)
    }

    /// Does what [`start`](Self::start) does on a thread of its own, for programs without an asynchronous runtime. It
    /// blocks until the first load is done.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_blocking(self) -> Result<Reloader<T>, Error> {
        let setup = self.into_setup()?;
        let own = match setup.gates.len() {
            #[cfg(all(unix, feature = "signal"))]
            0 if setup.hangup => Own::TimeAndIo,
            0 => Own::Time,
            gates => Own::Gates(gates),
        };
        on_own_thread(own, |answer| async move {
            match Reload::start(setup).await {
                Ok(reload) => {
                    let (reloader, task) = Reloader::new(&reload);
                    // If nobody waits for it any more, the handle is dropped here and the task ends at once.
                    let _ = answer.send(Ok(reloader));
                    task.run(reload).await;
                }
                Err(error) => {
                    let _ = answer.send(Err(error));
                }
            }
        })
    }

    /// Returns the sources by themselves, the lowest first.
    #[cfg(feature = "testing")]
    pub(crate) fn into_sources(self) -> Result<Vec<Box<dyn AnySource>>, Error> {
        Ok(self.into_setup()?.layers.into_iter().map(|(_, source)| source).collect())
    }

    pub(super) fn into_setup(self) -> Result<Setup<T>, Error> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        if self.layers.is_empty() {
            return Err(Error::setup(
                "no_layer",
                "there is no layer; add one, as with `.file(\"app.toml\")`",
            ));
        }
        #[cfg(feature = "fs")]
        let settings =
            Settings::new(self.timing.settle, self.timing.max_wait, self.timing.resync, self.max_size)
                .answering_within(self.timing.fetch);
        #[cfg(feature = "fs")]
        let files: Option<Box<dyn AnyFiles>> = Some(Box::new(NamedFiles::new(settings.clone())));
        #[cfg(not(feature = "fs"))]
        let files = None;
        #[cfg(feature = "fs")]
        let last_good = match self.policies.last_good {
            Some(last_good) => {
                let formats: Vec<_> = self.layers.iter().filter_map(Layer::format).collect();
                let limit = self
                    .max_size
                    .saturating_mul(self.layers.len() as u64)
                    .saturating_add(MOST_ABOUT_LAST_GOOD);
                Some(last_good.into_file(formats, limit)?)
            }
            None if self.policies.start == StartPolicy::UseLastGood => {
                let message = "there is no last good set to start with; say where, as with \
                               `.keep_last_good(LastGood::in_directory(\"/var/lib/app\"))`";
                return Err(Error::setup("last_good", message));
            }
            None => None,
        };
        let layers = self.layers.into_iter().map(|layer| {
            layer.into_source(
                #[cfg(feature = "fs")]
                &settings,
            )
        });
        let Policies { restart, start, protection, history, .. } = self.policies;
        Ok(Setup {
            layers: layers.collect::<Result<_, _>>()?,
            lints: self.lints,
            files,
            timing: self.timing,
            gates: self.gates,
            restart,
            start,
            #[cfg(feature = "fs")]
            last_good,
            protection,
            history,
            observe: self.observe,
            #[cfg(all(unix, feature = "signal"))]
            hangup: self.hangup,
        })
    }
}

/// Returns the runtime in which this is called.
pub(super) fn runtime(otherwise: &str) -> Result<Handle, Error> {
    Handle::try_current()
        .map_err(|_| Error::setup("runtime", format!("no tokio runtime here; use `{otherwise}`")))
}

/// What a runtime of its own can do.
#[derive(Clone, Copy)]
pub(crate) enum Own {
    Time,
    /// Also what signals need.
    #[cfg(all(unix, feature = "signal"))]
    TimeAndIo,
    /// All that so many gates may need: the network, and threads that they may block.
    Gates(usize),
}

/// How many threads gates are given at most.
const MOST_THREADS: usize = 4;

/// Runs something on a thread with a runtime of its own, and waits for its answer; it may go on after that.
pub(crate) fn on_own_thread<R: Send + 'static, F: Future<Output = ()>>(
    own: Own,
    run: impl FnOnce(SyncSender<Result<R, Error>>) -> F + Send + 'static,
) -> Result<R, Error> {
    let (answer, answered) = sync_channel(1);
    let thread = thread::Builder::new().name("reloadable".to_owned());
    let spawned = thread.spawn(move || {
        let mut runtime = match own {
            Own::Gates(_) => tokio::runtime::Builder::new_multi_thread(),
            _ => tokio::runtime::Builder::new_current_thread(),
        };
        runtime.enable_time();
        match own {
            Own::Time => {}
            #[cfg(all(unix, feature = "signal"))]
            Own::TimeAndIo => {
                runtime.enable_io();
            }
            Own::Gates(gates) => {
                runtime.enable_all().worker_threads(gates.clamp(2, MOST_THREADS)).thread_name("reloadable");
            }
        }
        let runtime = match runtime.build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = answer.send(Err(Error::setup("runtime", format!("no runtime: {error}"))));
                return;
            }
        };
        runtime.block_on(run(answer));
        // A look at a file system that hangs must not keep the thread.
        runtime.shutdown_background();
    });
    spawned.map_err(|error| Error::setup("thread", format!("no thread: {error}")))?;
    answered.recv().unwrap_or_else(|_| Err(Error::closed()))
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("layers", &self.layers.len())
            .field("gates", &self.gates.len())
            .field("policies", &self.policies)
            .field("timing", &self.timing)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}
