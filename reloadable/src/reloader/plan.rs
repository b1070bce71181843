//! A dry run: what the layers would give, without publishing it.

use std::fmt;
use std::sync::Arc;

use super::Reloader;
use super::builder::{Builder, Own, on_own_thread, runtime};
use crate::diff::Changes as _;
use crate::error::Error;
use crate::load::{Reloadable, guarded};
use crate::path::FieldPath;
use crate::publish::Snapshot;
use crate::reload::try_out;
use crate::report::Report;

/// A valid configuration that was not published: what a dry run found.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct App { #[reload(restart)] listen: std::net::SocketAddr, workers: u16 }
/// use reloadable::{Format, MemorySource, Reloader};
///
/// let now = "listen = '127.0.0.1:80'\nworkers = 4";
/// let (running, _document) = MemorySource::new("app", Format::Toml, now);
/// let config = Reloader::<App>::builder().source(running).start().await?;
///
/// let next = "listen = '127.0.0.1:81'\nworkers = 8";
/// let (proposed, _document) = MemorySource::new("proposed", Format::Toml, next);
/// let plan = config.check(Reloader::builder().source(proposed)).await?;
/// let changes = plan.changes();
/// assert_eq!(changes.and_then(|changes| changes.workers).map(|workers| *workers.new), Some(8));
/// assert_eq!(plan.restart(), ["listen".parse()?]);
/// assert_eq!(config.load().workers, 4);
/// # Ok(())
/// # }
/// ```
pub struct Plan<T> {
    current: Option<Arc<Snapshot<T>>>,
    candidate: Arc<Snapshot<T>>,
}

impl<T: Reloadable> Plan<T> {
    /// Returns what would be published. Its generation is that which it would have.
    #[must_use]
    pub fn candidate(&self) -> &Snapshot<T> {
        &self.candidate
    }

    /// Returns what is suspicious, but would not refuse it.
    #[must_use]
    pub fn warnings(&self) -> Report {
        self.candidate.warnings()
    }

    /// Returns what would change in the running configuration. Nothing where nothing would, or none is running.
    #[must_use]
    pub fn changes(&self) -> Option<T::Changes<'_>> {
        let current = self.current.as_deref()?;
        current.compare(&self.candidate, || current.value().diff(self.candidate.value()))
    }

    /// Returns the fields that would change and need a restart to take effect.
    #[must_use]
    pub fn restart(&self) -> Vec<FieldPath> {
        let Some(changes) = self.changes() else { return Vec::new() };
        let entries = changes.entries();
        entries.into_iter().filter(|entry| entry.restart).map(|entry| entry.path).collect()
    }
}

/// What would change, one line each; then what needs a restart, and the warnings.
impl<T: Reloadable> fmt::Display for Plan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.current, self.changes()) {
            (None, _) => f.write_str("configuration valid")?,
            (Some(_), None) => f.write_str("configuration valid, nothing would change")?,
            (Some(_), Some(changes)) => {
                f.write_str("configuration valid, would change:")?;
                for entry in changes.entries() {
                    write!(f, "\n  {entry}")?;
                }
            }
        }
        let restart: Vec<_> = self.restart().iter().map(ToString::to_string).collect();
        if !restart.is_empty() {
            write!(f, "\nneeds a restart: {}", restart.join(", "))?;
        }
        let warnings = self.warnings();
        if warnings.is_empty() { Ok(()) } else { write!(f, "\n{warnings:#}") }
    }
}

/// Shows what [`Display`](fmt::Display) does: the values may hold secrets.
impl<T: Reloadable> fmt::Debug for Plan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plan").field(&format_args!("{self}")).finish()
    }
}

impl<T: Reloadable> Builder<T> {
    /// Loads once, as [`start`](Self::start) does, and runs nothing: a dry run, for a command such as `check-config` and
    /// for tests. Gates are not asked, since they open what they guard.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start): the report has all that is wrong.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing is left running.
    pub async fn check(self) -> Result<Plan<T>, Error> {
        runtime("check_blocking()")?;
        let candidate = try_out(self.into_setup()?, 1).await?;
        Ok(Plan { current: None, candidate: Arc::new(candidate) })
    }

    /// Does what [`check`](Self::check) does, and blocks the thread until it is done; no runtime is needed.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.toml");
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::Reloader;
    ///
    /// std::fs::write(&path, "workers = 'many'\n")?;
    /// let refused = Reloader::<Limits>::builder().file(&path).check_blocking();
    /// assert!(refused.is_err_and(|error| error.to_string().contains("app.toml:1:11: workers: invalid type")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_blocking(self) -> Result<Plan<T>, Error> {
        on_own_thread(Own::Time, move |answer| async move {
            let _ = answer.send(self.check().await);
        })
    }
}

impl<T: Reloadable> Reloader<T> {
    /// Loads other layers once, and compares what they give with what is in force: a dry run, which publishes nothing.
    ///
    /// # Errors
    ///
    /// As [`Builder::start`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing is left running.
    pub async fn check(&self, layers: Builder<T>) -> Result<Plan<T>, Error> {
        runtime("blocking_check()")?;
        let current = self.snapshot();
        let candidate = try_out(layers.into_setup()?, current.generation() + 1).await?;
        let plan = Plan { current: Some(current), candidate: Arc::new(candidate) };
        // The comparison runs the application's code; a panic of it is told here and not where the plan is read.
        guarded::<T, _>("comparing with the configuration in force", || drop(plan.changes()))
            .map_err(Error::invalid)?;
        Ok(plan)
    }

    /// Does what [`check`](Self::check) does, and blocks the thread until it is done. It must not be called from
    /// asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn blocking_check(&self, layers: Builder<T>) -> Result<Plan<T>, Error> {
        let config = self.clone();
        on_own_thread(Own::Time, move |answer| async move {
            let _ = answer.send(config.check(layers).await);
        })
    }
}
