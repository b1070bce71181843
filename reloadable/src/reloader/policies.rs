//! What a reloader does where there is a choice.

use std::time::Duration;

use super::builder::{Builder, LONGEST};
#[cfg(feature = "fs")]
use crate::last_good::LastGood;
use crate::load::Reloadable;
use crate::reload::{Limit, Protection, RestartPolicy, StartPolicy};

/// What was chosen.
#[derive(Debug, Clone)]
pub(super) struct Policies {
    pub(super) restart: RestartPolicy,
    pub(super) start: StartPolicy,
    pub(super) protection: Protection,
    pub(super) history: usize,
    #[cfg(feature = "fs")]
    pub(super) last_good: Option<LastGood>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            restart: RestartPolicy::default(),
            start: StartPolicy::default(),
            protection: Protection::default(),
            history: 8,
            #[cfg(feature = "fs")]
            last_good: None,
        }
    }
}

/// The largest history and the highest limit there are: what is kept must be bounded.
const MOST: u32 = 10_000;

impl<T: Reloadable> Builder<T> {
    /// Sets what becomes of a changed field that is marked `#[reload(restart)]`: [`RestartPolicy::Hold`] unless set.
    pub fn restart_policy(mut self, policy: RestartPolicy) -> Self {
        self.policies.restart = policy;
        self
    }

    /// Sets what becomes of a start whose first load does not succeed: [`StartPolicy::Fail`] unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use std::time::Duration;
    ///
    /// use reloadable::{Format, MemorySource, Reloader, StartPolicy};
    ///
    /// let (source, document) = MemorySource::new("limits", Format::Toml, "workers = ");
    /// let mending = tokio::spawn(async move { document.replace("workers = 4") });
    /// let config = Reloader::<Limits>::builder()
    ///     .source(source)
    ///     .start_policy(StartPolicy::WaitForValid(Duration::from_secs(60)))
    ///     .start()
    ///     .await?;
    /// assert_eq!(config.load()["workers"], 4);
    /// # mending.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_policy(mut self, policy: StartPolicy) -> Self {
        self.policies.start = match policy {
            StartPolicy::WaitForValid(timeout) => StartPolicy::WaitForValid(timeout.min(LONGEST)),
            policy => policy,
        };
        self
    }

    /// Keeps the last good set of documents on disk, see [`LastGood`]: with each snapshot that is published, and whenever
    /// the sources say the same in other words. It is saved beside the reload, which waits for no disk, and of sets that
    /// follow each other while one is being written only the newest is. That it could not be saved,
    /// [`Status::last_good`](crate::Status::last_good) says. Only [`StartPolicy::UseLastGood`] reads it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let root = directory.path();
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{LastGood, Reloader, StartPolicy};
    ///
    /// let builder = || {
    ///     Reloader::<Limits>::builder()
    ///         .file(root.join("app.toml"))
    ///         .keep_last_good(LastGood::in_directory(root.join("state")))
    ///         .start_policy(StartPolicy::UseLastGood)
    /// };
    /// std::fs::write(root.join("app.toml"), "workers = 4\n")?;
    /// let config = builder().start().await?;
    /// let mut statuses = config.subscribe_status();
    /// while config.status().last_good.is_none_or(|last_good| last_good.saved_at.is_none()) {
    ///     statuses.changed().await?;
    /// }
    /// config.shutdown().await;
    ///
    /// // The next start finds the file gone.
    /// std::fs::remove_file(root.join("app.toml"))?;
    /// let config = builder().start().await?;
    /// assert_eq!(config.load()["workers"], 4);
    /// assert!(config.status().last_good.is_some_and(|last_good| last_good.is_in_force));
    /// assert!(config.status().last_error.is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "fs")]
    pub fn keep_last_good(mut self, last_good: LastGood) -> Self {
        self.policies.last_good = Some(last_good);
        self
    }

    /// Sets how many snapshots are kept, the one in force included: 8 unless set, at least 1 and at most 10,000. They can be
    /// [listed](crate::Reloader::history) and [gone back to](crate::Reloader::rollback_to).
    pub fn history(mut self, snapshots: usize) -> Self {
        self.policies.history = snapshots.clamp(1, MOST as usize);
        self
    }

    /// Suspends reloads after so many candidates in a row of time `window` were refused, by a rule or by a gate: never
    /// unless set. What is in force stays, the [status](crate::Status::suspension) says so, and only
    /// [`reload`](crate::Reloader::reload) or [`resume`](crate::Reloader::resume) tries again.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use std::time::Duration;
    ///
    /// use reloadable::Reloader;
    ///
    /// let builder = Reloader::<Limits>::builder()
    ///     .suspend_after(10, Duration::from_secs(60))
    ///     .suspend_on_flapping(5, Duration::from_secs(60));
    /// # let _ = builder;
    /// ```
    pub fn suspend_after(mut self, refusals: u32, window: Duration) -> Self {
        self.policies.protection.refusals = Some(limit(refusals, window));
        self
    }

    /// Suspends reloads after it went back so often, within `window`, to values that had been in force within that time:
    /// never unless set. It is as [`suspend_after`](Self::suspend_after) otherwise.
    pub fn suspend_on_flapping(mut self, flaps: u32, window: Duration) -> Self {
        self.policies.protection.flaps = Some(limit(flaps, window));
        self
    }
}

fn limit(count: u32, window: Duration) -> Limit {
    Limit { count: count.clamp(1, MOST), window: window.min(LONGEST) }
}
