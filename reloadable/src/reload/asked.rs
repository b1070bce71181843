//! What the application asks of a running reload.

use std::time::SystemTime;

use tokio::time::Instant;

use super::attempt::Over;
use super::{Ask, Reload};
use crate::error::{Error, ErrorKind};
use crate::format::Expected;
use crate::load::{Reloadable, guarded};
use crate::report::Secrets as _;
use crate::source::{Asked, Override};
use crate::status::{Reason, ReloadOutcome, Suspension, SuspensionCause};

impl<T: Reloadable> Reload<T> {
    pub(super) async fn answer(&mut self, ask: Ask) -> ReloadOutcome {
        match ask {
            Ask::Reload(reason) => match self.suspended(&reason) {
                Some(suspended) => suspended,
                None => self.reload(reason, Over::Sources).await,
            },
            Ask::Override(change) => match self.suspended(&Reason::Override) {
                Some(suspended) => {
                    // One that is not wanted any more would come back at the end.
                    if !matches!(change, Override::Set(..)) {
                        self.stack.overrides.apply(change);
                        self.list_overrides();
                    }
                    suspended
                }
                None => self.override_by(change).await,
            },
            Ask::RollBack(generation) => self.roll_back(generation).await,
            Ask::Pause => {
                // What was rolled back stays so, and only `resume` ends that.
                let stands = |suspension: &Suspension| !suspension.cause.is_protection();
                if !self.suspension.as_ref().is_some_and(stands) {
                    self.suspend(Some(SuspensionCause::Paused));
                }
                ReloadOutcome::Unchanged
            }
            Ask::Resume => {
                self.suspend(None);
                self.record.forget();
                self.reload(Reason::Resume, Over::Anew).await
            }
        }
    }

    /// What the application asked for may well be what a reloader that suspended itself waits for.
    fn suspended(&mut self, reason: &Reason) -> Option<ReloadOutcome> {
        let suspension = self.suspension.as_ref().filter(|suspension| !suspension.cause.is_protection())?;
        self.observer.turned_away(reason, suspension);
        Some(ReloadOutcome::Suspended(Error::saying(
            ErrorKind::Suspended,
            "suspended",
            suspension.to_string(),
        )))
    }

    /// Makes an attempt for which somebody asked. What is in force after it ends a suspension.
    async fn reload(&mut self, reason: Reason, over: Over<T>) -> ReloadOutcome {
        let outcome = self.attempt(Asked::Manual, reason, over).await;
        let is_protection = |suspension: &Suspension| suspension.cause.is_protection();
        if outcome.is_in_force() && self.suspension.as_ref().is_some_and(is_protection) {
            self.suspend(None);
            self.record.forget();
        }
        outcome
    }

    /// Goes back to what was published before, and stays there.
    async fn roll_back(&mut self, generation: u64) -> ReloadOutcome {
        let Some(snapshot) = self.history.get(generation) else {
            let kept: Vec<_> = self.history.all().iter().map(|kept| kept.snapshot().generation()).collect();
            let kept = match kept.as_slice() {
                [] => "nothing".to_owned(),
                [only] => format!("generation {only}"),
                [first, .., last] => format!("generations {first} to {last}"),
            };
            let message = format!("generation {generation} is not in the history, which holds {kept}");
            return ReloadOutcome::Failed(Error::saying(ErrorKind::Unavailable, "history", message));
        };
        let reason = Reason::Rollback(generation);
        let outcome = self.attempt(Asked::Manual, reason, Over::Snapshot(snapshot)).await;
        // It was what was gone back to that was refused, and not what the sources hold. Where they have told of a change,
        // they are looked at as soon as that is complete.
        if !outcome.is_in_force() && self.burst.due().is_none() {
            self.retry_at = Some(Instant::now());
        }
        outcome
    }

    /// Suspends reloads, or does not any more, and says so.
    pub(super) fn suspend(&mut self, cause: Option<SuspensionCause>) {
        self.suspension = cause.map(|cause| Suspension { cause, since: SystemTime::now() });
        self.restate();
    }

    /// Sets or clears overrides, unless the configuration would not be valid with that, neither with what the sources hold
    /// nor with what was last accepted of them.
    async fn override_by(&mut self, change: Override) -> ReloadOutcome {
        let before = self.stack.overrides.clone();
        self.stack.overrides.apply(change);
        let mut outcome = self.reload(Reason::Override, Over::Anew).await;
        let has_changed = matches!(outcome, ReloadOutcome::Failed(_))
            || !self.status.borrow().last_attempt.changed().is_empty();
        if !outcome.is_in_force() && has_changed {
            // A file that is broken must not stand in the way of whoever mends what he can.
            outcome = self.reload(Reason::Override, Over::Accepted).await;
        }
        if outcome.is_in_force() {
            self.stack.overrides.accept();
        } else {
            self.stack.overrides = before;
        }
        // It may be the override alone that was refused, and not what the sources hold, or the other way about.
        self.refused = None;
        self.retry_at = Some(Instant::now());
        self.list_overrides();
        outcome
    }

    /// Enters into the status which overrides there are.
    fn list_overrides(&self) {
        // A path may lead to what stands under a secret key.
        let overrides = self.stack.overrides.paths().into_iter();
        let overrides: Vec<_> = match guarded::<T, _>("describing the configuration", T::describe) {
            Ok(description) => {
                let expected = Expected::new(description);
                overrides.map(|path| expected.shown(path)).collect()
            }
            Err(_) => overrides.collect(),
        };
        self.status.send_if_modified(|status| {
            let is_new = status.overrides != overrides;
            status.overrides = overrides;
            is_new
        });
    }
}
