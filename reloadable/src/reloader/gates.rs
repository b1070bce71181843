//! The gates of a reloader that is being set up.

use std::future::Future;
use std::time::Duration;

use super::builder::{Builder, LONGEST};
use crate::diff::Diff;
use crate::gate::{Candidate, Gate, Prepared, Refusal};
use crate::load::Reloadable;

/// Gates are asked one after the other, in the order in which they were added, after a candidate was found valid and before
/// it is published; the first load and rollbacks too. If one refuses, does not answer in time or panics, what those before
/// it have prepared is dropped, nothing is published, and the outcome is [`Vetoed`](crate::ReloadOutcome::Vetoed). It is
/// asked again at the next look at the sources, since what it looked at may have changed by then.
///
/// A gate runs in a task of its own, with no lock held: it may load, take snapshots and subscribe. It must not wait for a
/// reload of the same reloader, and is told so if it tries.
impl<T: Reloadable> Builder<T> {
    /// Adds a gate for the whole configuration. Its name must be its own, or the start fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use std::time::Duration;
    ///
    /// use reloadable::{Refusal, Reloader};
    ///
    /// let builder = Reloader::<Limits>::builder()
    ///     .gate("quota", |candidate| async move {
    ///         let wanted: u32 = candidate.value().values().map(|limit| u32::from(*limit)).sum();
    ///         if wanted > 1_000 {
    ///             return Err(Refusal::new(format!("{wanted} is more than the quota of 1000")));
    ///         }
    ///         Ok(())
    ///     })
    ///     .gate_timeout(Duration::from_secs(5));
    /// # let _ = builder;
    /// ```
    pub fn gate<F, A, P>(self, name: impl Into<String>, ask: F) -> Self
    where
        F: Fn(Candidate<T>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<P, Refusal>> + Send + 'static,
        P: Into<Prepared> + 'static,
    {
        self.gate_on(name, |whole| whole, ask)
    }

    /// Adds a gate for one section. It is asked at the first load, and whenever that section would change.
    ///
    /// [`Candidate`] has an example.
    pub fn gate_on<S, F, A, P>(
        mut self,
        name: impl Into<String>,
        select: impl Fn(&T) -> &S + Send + Sync + 'static,
        ask: F,
    ) -> Self
    where
        S: Diff + ?Sized + 'static,
        F: Fn(Candidate<T, S>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<P, Refusal>> + Send + 'static,
        P: Into<Prepared> + 'static,
    {
        let gate = Gate::new(name.into(), select, ask);
        if gate.name.is_empty() {
            self.mistake("gate", "a gate needs a name, by which its refusal is known");
        } else if self.gates.iter().any(|other| other.name == gate.name) {
            self.mistake("gate", format!("there are two gates `{}`; give each a name of its own", gate.name));
        }
        self.gates.push(gate);
        self
    }

    /// Sets how long the gate that was added last may take: 30 s unless set.
    pub fn gate_timeout(mut self, timeout: Duration) -> Self {
        match self.gates.last_mut() {
            Some(gate) => gate.timeout = timeout.min(LONGEST),
            None => self.mistake("gate_timeout", "`.gate_timeout(..)` goes behind the gate that it is about"),
        }
        self
    }
}
