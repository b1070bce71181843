//! Setting up a reloader.

use std::fmt;
use std::marker::PhantomData;
#[cfg(feature = "fs")]
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

#[cfg(feature = "fs")]
use crate::document::Format;
use crate::error::Error;
use crate::load::Reloadable;
use crate::reload::{Reload, Timing};
use crate::reloader::Reloader;
#[cfg(feature = "fs")]
use crate::source::Patterns;
#[cfg(feature = "fs")]
use crate::source::fs::{DirectorySource, FileSource, NamedFiles, Relative, Settings};
use crate::source::{AnyFiles, AnySource, Settle, Source};

/// Sets up a [`Reloader`]: its layers, of which later ones win, and its timing.
///
/// Tables of two layers are merged, everything else is replaced. Times are clamped to a year.
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
    layers: Vec<Layer>,
    timing: Timing,
    max_size: u64,
    of: PhantomData<fn() -> T>,
}

/// What becomes a source once all settings are known.
enum Layer {
    #[cfg(feature = "fs")]
    File {
        path: PathBuf,
        format: Option<Format>,
    },
    #[cfg(feature = "fs")]
    Directory {
        path: PathBuf,
        patterns: Patterns,
    },
    Source(Box<dyn AnySource>),
}

/// The sources in order, and what follows the files that fields name.
type Sources = (Vec<Box<dyn AnySource>>, Option<Box<dyn AnyFiles>>);

/// 16 MiB: far above every configuration that people write, far below what hurts.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// A year: in effect never, and yet a time that can be added to any other.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Looks that follow each other without a pause would keep a core busy.
const SHORTEST_RESYNC: Duration = Duration::from_millis(10);

impl<T: Reloadable> Builder<T> {
    pub(super) fn new() -> Self {
        Self { layers: Vec::new(), timing: Timing::default(), max_size: MAX_SIZE, of: PhantomData }
    }

    /// Adds a file, which must exist when the reloader is started. Its extension tells the format: `.toml` or `.json`.
    ///
    /// A relative path starts at the directory that is current when the reloader is started, and stays there.
    #[cfg(feature = "fs")]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.layers.push(Layer::File { path: path.into(), format: None });
        self
    }

    /// Adds a file in this format, whatever its extension.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{Format, Reloader};
    ///
    /// let path = directory.path().join("app.conf");
    /// std::fs::write(&path, "workers = 4\n")?;
    /// let config = Reloader::<Limits>::builder().file_as(&path, Format::Toml).start().await?;
    /// assert_eq!(config.load()["workers"], 4);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "fs")]
    pub fn file_as(mut self, path: impl Into<PathBuf>, format: Format) -> Self {
        self.layers.push(Layer::File { path: path.into(), format: Some(format) });
        self
    }

    /// Adds the files of a directory that match one of the patterns, in the order of their paths. Hidden files, and
    /// those that editors and package managers leave beside others, are left out. The directory must exist; it may be
    /// empty, but no file in it may be.
    ///
    /// Patterns are those of a shell: `*`, `?` and `[a-z]` stay within a name, `**` stands for any directories. One
    /// with a slash, as `**/*.toml`, reaches into the directories below, but for hidden ones and links to others. See
    /// [`Patterns`].
    ///
    /// The directory is one layer: while one of its files is not believed yet, none of what changed in it is published.
    #[cfg(feature = "fs")]
    pub fn directory(mut self, path: impl Into<PathBuf>, patterns: impl Into<Patterns>) -> Self {
        self.layers.push(Layer::Directory { path: path.into(), patterns: patterns.into() });
        self
    }

    /// Adds a source of any kind.
    pub fn source(mut self, source: impl Source) -> Self {
        self.layers.push(Layer::Source(Box::new(source)));
        self
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
    /// 16 MiB unless set. What is larger is
    /// an error of the source and is not read.
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
    /// [`Invalid`](crate::ErrorKind::Invalid) with every document that has a syntax error. If none has, with every
    /// unknown key, every value that does not fit its type, every field that is missing, and every broken rule that
    /// can be told beside those. If there is none of the others, with every rule that is broken.
    ///
    /// [`Setup`](crate::ErrorKind::Setup) with what is wrong with the set-up: no layer, a malformed pattern, no
    /// runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing is left running.
    pub async fn start(self) -> Result<Reloader<T>, Error> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| Error::setup("runtime", "no tokio runtime here; use `start_blocking()`"))?;
        let timing = self.timing.clone();
        let (sources, files) = self.sources()?;
        let (reload, status) = Reload::start(sources, files, timing).await?;
        let (reloader, task) = Reloader::new(&reload, status);
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
        let timing = self.timing.clone();
        let (sources, files) = self.sources()?;
        let (answer, started) = std::sync::mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("reloadable".to_owned());
        let spawned = thread.spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = answer.send(Err(Error::setup("runtime", format!("no runtime: {error}"))));
                    return;
                }
            };
            runtime.block_on(async move {
                let (reload, status) = match Reload::start(sources, files, timing).await {
                    Ok(started) => started,
                    Err(error) => {
                        let _ = answer.send(Err(error));
                        return;
                    }
                };
                let (reloader, task) = Reloader::new(&reload, status);
                // If nobody waits for it any more, the handle is dropped here and the task ends at once.
                let _ = answer.send(Ok(reloader));
                task.run(reload).await;
            });
            // A look at a file system that hangs must not keep the thread.
            runtime.shutdown_background();
        });
        spawned.map_err(|error| Error::setup("thread", format!("no thread: {error}")))?;
        started.recv().unwrap_or_else(|_| Err(Error::closed()))
    }

    fn sources(self) -> Result<Sources, Error> {
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
        let sources = self.layers.into_iter().map(|layer| -> Result<Box<dyn AnySource>, Error> {
            match layer {
                #[cfg(feature = "fs")]
                Layer::File { path, format } => {
                    let file = |path| Ok(FileSource::new(path, format, settings.clone()));
                    in_place(path, file)
                }
                #[cfg(feature = "fs")]
                Layer::Directory { path, patterns } => {
                    in_place(path, |path| DirectorySource::new(path, &patterns, settings.clone()))
                }
                Layer::Source(source) => Ok(source),
            }
        });
        Ok((sources.collect::<Result<_, _>>()?, files))
    }
}

/// Makes a source of a path that means the same wherever the process goes.
#[cfg(feature = "fs")]
fn in_place<S: AnySource + 'static>(
    path: PathBuf,
    source: impl FnOnce(PathBuf) -> Result<S, Error>,
) -> Result<Box<dyn AnySource>, Error> {
    match std::path::absolute(&path) {
        Ok(absolute) if path.is_relative() => {
            Ok(Box::new(Relative::new(source(absolute.clone())?, path, absolute)))
        }
        // The look tells what is wrong with it.
        _ => Ok(Box::new(source(path)?)),
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("layers", &self.layers.len())
            .field("timing", &self.timing)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}
