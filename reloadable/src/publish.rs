//! The current snapshot: one writer, any number of readers that never wait. The only user of `arc_swap`.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::{ArcSwap, Cache};

use crate::diff::Diff;
use crate::diff::touched::Contents;
use crate::layer::Layers;
use crate::provenance::{Basis, Explanation, Explanations, Kept, Provenance};
use crate::report::Report;

/// A published, immutable configuration. It derefs to the value.
///
/// # Examples
///
/// ```
/// # async fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
/// let kept = config.snapshot();
/// println!("generation {}: {} entries", kept.generation(), kept.len());
/// # }
/// ```
pub struct Snapshot<T> {
    value: T,
    files: Contents,
    /// It is another one once the same value comes from elsewhere.
    basis: Mutex<Arc<Basis>>,
    generation: u64,
    loaded_at: SystemTime,
}

impl<T> Snapshot<T> {
    pub(crate) fn new(value: T, made: Made, generation: u64) -> Self {
        let Made { files, layers, kept, warnings } = made;
        let basis = Mutex::new(Arc::new(Basis::new(layers, kept, warnings)));
        Self { value, files, basis, generation, loaded_at: SystemTime::now() }
    }

    /// The same value was read again.
    pub(crate) fn rebase(&self, layers: Layers, kept: Option<Kept>, warnings: Report) {
        let basis = Arc::new(Basis::new(layers, kept, warnings));
        *self.basis.lock().unwrap_or_else(PoisonError::into_inner) = basis;
    }

    /// Returns the documents that it was made of.
    pub(crate) fn layers(&self) -> Layers {
        self.basis().layers().clone()
    }

    /// Returns the documents from which the values were read that need a restart to change.
    pub(crate) fn kept(&self) -> Layers {
        self.basis().kept().clone()
    }

    /// Returns what it was made of.
    pub(crate) fn basis(&self) -> Arc<Basis> {
        Arc::clone(&self.basis.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the files that the value names, as they were when it was accepted.
    pub(crate) fn files(&self) -> &Contents {
        &self.files
    }

    /// Compares this snapshot with a newer one; a field whose file has another content counts as changed.
    pub(crate) fn compare<R>(&self, newer: &Self, compare: impl FnOnce() -> R) -> R {
        self.files.compare(&newer.files, compare)
    }

    /// Returns the configuration.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Returns the number of this snapshot: 1 for the first, one more for each that is published.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns when it was loaded.
    #[must_use]
    pub fn loaded_at(&self) -> SystemTime {
        self.loaded_at
    }

    /// Returns what was suspicious when it was last read, but did not refuse it: keys that stand for no field, secrets
    /// where none should be. A report of nothing but warnings.
    #[must_use]
    pub fn warnings(&self) -> Report {
        self.basis().warnings().clone()
    }

    /// Returns the content of a file that a field marked `#[reload(file)]` names, by what that field holds: as it was when
    /// this snapshot was accepted, together with that of all others. By now the file may hold something else. Without the
    /// feature `fs`, nothing is read.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct App { #[reload(file)] certificate: std::path::PathBuf, #[reload(file)] key: std::path::PathBuf }
    /// # fn example(config: reloadable::Reloader<App>) {
    /// let app = config.snapshot();
    /// if let (Some(certificate), Some(key)) = (app.file(&app.certificate), app.file(&app.key)) {
    ///     println!("{} and {} bytes, which belong together", certificate.len(), key.len());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn file(&self, named: impl AsRef<Path>) -> Option<&[u8]> {
        self.files.of(named.as_ref())
    }
}

/// The documents are kept, and read again when somebody asks.
impl<T: Diff> Snapshot<T> {
    /// Hides the secrets that are in force in a text of the application's.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        self.basis().without_secrets::<T>(text)
    }

    /// Returns where a value was set: layer, document, line and column. `path` is spelled as in the file:
    /// `database.pool_size`, `routes[2].path`.
    ///
    /// Nothing is returned for a default, which no layer sets, and for a path that leads to nothing. Of a field that waits
    /// for a restart, it is the place of the value in force, in the documents from which that was read.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{Env, Format, MemorySource, Reloader};
    ///
    /// let (source, _document) = MemorySource::new("limits", Format::Toml, "workers = 4\nqueue = 100");
    /// let variables = [("APP_WORKERS", "8")];
    /// let config = Reloader::<Limits>::builder()
    ///     .source(source)
    ///     .env(Env::prefixed("APP").variables(variables))
    ///     .start_blocking()?;
    /// let limits = config.snapshot();
    /// let set = |path| limits.origin_of(path).map(|set| set.to_string());
    /// assert_eq!(set("workers").as_deref(), Some("variable APP_WORKERS"));
    /// assert_eq!(set("queue").as_deref(), Some("limits:2:9"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn origin_of(&self, path: &str) -> Option<Provenance> {
        self.basis().origin_of::<T>(path)
    }

    /// Returns what each layer says of a field or a section, which of them wins, and what is in force. Secrets are not
    /// shown. Nothing is returned for a path that leads to nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{Env, Format, MemorySource, Reloader};
    ///
    /// let (source, _document) = MemorySource::new("limits", Format::Toml, "workers = 4");
    /// let variables = [("APP_WORKERS", "8")];
    /// let config = Reloader::<Limits>::builder()
    ///     .source(source)
    ///     .env(Env::prefixed("APP").variables(variables))
    ///     .start_blocking()?;
    /// let explanation = config.snapshot().explain("workers").map(|explanation| explanation.to_string());
    /// assert_eq!(
    ///     explanation.as_deref(),
    ///     Some("workers = 8\n  set  variable APP_WORKERS = 8 (layer environment)\n  over limits:1:11 = 4")
    /// );
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn explain(&self, path: &str) -> Option<Explanation> {
        self.basis().explain(&self.value, path)
    }

    /// Returns the same for every field, to be printed as a table.
    #[must_use]
    pub fn explain_all(&self) -> Explanations {
        self.basis().explain_all(&self.value)
    }
}

/// What a snapshot was made of, besides its value.
#[derive(Debug)]
pub(crate) struct Made {
    /// The files that the value names.
    pub(crate) files: Contents,
    pub(crate) layers: Layers,
    /// What is kept until a restart, where there is anything.
    pub(crate) kept: Option<Kept>,
    pub(crate) warnings: Report,
}

/// Shows the value as [`Diff::value`] does, without its secrets; the value's own `Debug` may print them.
impl<T: Diff> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, files, basis: _, generation, loaded_at } = self;
        f.debug_struct("Snapshot")
            .field("generation", generation)
            .field("loaded_at", loaded_at)
            .field("value", &format_args!("{}", value.value()))
            .field("files", files)
            .finish_non_exhaustive()
    }
}

impl<T> Deref for Snapshot<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Where the current snapshot stands; cheap to clone.
pub(crate) struct Current<T>(Arc<ArcSwap<Snapshot<T>>>);

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Current<T> {
    pub(crate) fn load(&self) -> Guard<T> {
        Guard(self.0.load())
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot<T>> {
        self.0.load_full()
    }

    pub(crate) fn reader(&self) -> Reader<T> {
        Reader(Cache::new(Arc::clone(&self.0)))
    }
}

/// The only one that may replace the current snapshot; not `Clone`.
pub(crate) struct Publisher<T> {
    current: Current<T>,
}

impl<T> Publisher<T> {
    pub(crate) fn new(first: Arc<Snapshot<T>>) -> Self {
        Self { current: Current(Arc::new(ArcSwap::new(first))) }
    }

    pub(crate) fn current(&self) -> &Current<T> {
        &self.current
    }

    /// Makes what may become the current snapshot.
    pub(crate) fn next(&self, value: T, made: Made) -> Arc<Snapshot<T>> {
        Arc::new(Snapshot::new(value, made, self.current.snapshot().generation + 1))
    }

    /// Makes this the current snapshot, and returns the one before.
    pub(crate) fn publish(&mut self, next: Arc<Snapshot<T>>) -> Arc<Snapshot<T>> {
        // Nobody else writes, so what was current when `next` was numbered still is.
        self.current.0.swap(next)
    }
}

/// A value that is replaced as a whole, and read without waiting; cheap to clone. Only one should replace it.
pub(crate) struct Shared<T>(Arc<ArcSwap<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(first: Arc<T>) -> Self {
        Self(Arc::new(ArcSwap::new(first)))
    }

    /// Returns the value for a short while.
    pub(crate) fn load(&self) -> impl Deref<Target = Arc<T>> {
        self.0.load()
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        self.0.load_full()
    }

    pub(crate) fn swap(&self, next: Arc<T>) -> Arc<T> {
        self.0.swap(next)
    }
}

/// The current configuration for a short while; it derefs to the value.
///
/// Do not keep it across an `.await` or for long: it may hold back the memory of old snapshots. Use
/// [`Reloader::snapshot`](crate::Reloader::snapshot) for something to keep.
pub struct Guard<T>(arc_swap::Guard<Arc<Snapshot<T>>>);

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

/// Shows the value as [`Diff::value`] does, without its secrets.
impl<T: Diff> fmt::Debug for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self.0).fmt(f)
    }
}

/// The fastest way to the current configuration, for hot loops: one for each thread.
///
/// # Examples
///
/// ```
/// # fn example(config: reloadable::Reloader<std::collections::BTreeMap<String, u16>>) {
/// let mut reader = config.reader();
/// std::thread::spawn(move || {
///     for _ in 0..1_000 {
///         let limits = reader.get();
///         assert!(limits.len() < 10);
///     }
/// });
/// # }
/// ```
pub struct Reader<T>(Cache<Arc<ArcSwap<Snapshot<T>>>, Arc<Snapshot<T>>>);

impl<T> Reader<T> {
    /// Returns the current configuration.
    pub fn get(&mut self) -> &T {
        &self.0.load().value
    }

    /// Returns the current snapshot, to keep.
    pub fn snapshot(&mut self) -> Arc<Snapshot<T>> {
        Arc::clone(self.0.load())
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
