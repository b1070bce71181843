//! What a reloader does where there is a choice.

use std::time::Duration;

use super::builder::{Builder, LONGEST};
use crate::load::Reloadable;
use crate::reload::{Limit, Protection, RestartPolicy, StartPolicy};

/// What was chosen.
#[derive(Debug, Clone)]
pub(super) struct Policies {
    pub(super) restart: RestartPolicy,
    pub(super) start: StartPolicy,
    pub(super) protection: Protection,
    pub(super) history: usize,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            restart: RestartPolicy::default(),
            start: StartPolicy::default(),
            protection: Protection::default(),
            history: 8,
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
