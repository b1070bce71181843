//! What a subscriber is given.

use std::fmt;
use std::sync::Arc;

use super::Select;
use crate::diff::Diff;
use crate::progress::Acknowledgement;
use crate::publish::Snapshot;

/// A previous snapshot, the current one, and how they differ; for one section or for the whole configuration.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
/// let mut limits = config.subscribe();
/// document.replace("workers = 8");
/// let change = limits.blocking_changed()?;
/// assert_eq!((change.previous()["workers"], change.current()["workers"]), (4, 8));
/// assert_eq!(change.changes().to_string(), "workers: 4 -> 8");
/// assert_eq!(change.generation(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Change<T, S: ?Sized = T> {
    pub(super) previous: Arc<Snapshot<T>>,
    pub(super) current: Arc<Snapshot<T>>,
    pub(super) select: Select<T, S>,
    pub(super) acknowledgement: Option<Acknowledgement>,
}

impl<T, S: Diff + ?Sized> Change<T, S> {
    /// Returns the section as this subscription saw it before.
    #[must_use]
    pub fn previous(&self) -> &S {
        (self.select)(&self.previous)
    }

    /// Returns the section as it is now.
    #[must_use]
    pub fn current(&self) -> &S {
        (self.select)(&self.current)
    }

    /// Returns how the two differ. It compares them anew, so keep the result rather than call it often.
    ///
    /// # Panics
    ///
    /// If the section does not compare the same way twice, because a `PartialEq` or a function named by
    /// `#[reload(leaf, ..)]` is not a pure function of its arguments.
    #[must_use]
    pub fn changes(&self) -> S::Changes<'_> {
        self.previous
            .compare(&self.current, || self.previous().diff(self.current()))
            .expect("a change is only made of values that differ")
    }
}

impl<T, S: ?Sized> Change<T, S> {
    /// Returns the number of the current snapshot.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.current.generation()
    }

    /// Returns the whole snapshot from which the section is.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.current
    }

    /// Returns the whole snapshot that this subscription saw before.
    #[must_use]
    pub fn previous_snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.previous
    }

    /// Acknowledges that this change is applied, and with it all that came before. A failure that was told of it
    /// before is over.
    ///
    /// Without effect if the subscription is not [acknowledging](crate::Subscription::acknowledging), or has ended.
    pub fn applied(&self) {
        if let Some(acknowledgement) = &self.acknowledgement {
            acknowledgement.applied(self.generation());
        }
    }
}

impl<T: Diff, S: ?Sized> Change<T, S> {
    /// Acknowledges that this change could not be applied. The reason is told to whoever waits and asks: some words, of
    /// which the first 1,000 characters are kept. Secrets that it quotes are hidden, as in what a gate says; while a
    /// secret is kept until a restart, all of it is.
    ///
    /// The configuration stays in force all the same: to refuse it is the matter of a gate. The next change, or a later
    /// [`applied`](Self::applied) of this one, makes up for it.
    ///
    /// Without effect if the subscription is not [acknowledging](crate::Subscription::acknowledging), or has ended.
    pub fn failed(&self, reason: impl fmt::Display) {
        if let Some(acknowledgement) = &self.acknowledgement {
            let reason = self.previous.without_secrets(&reason.to_string());
            let reason = self.current.without_secrets(&reason);
            acknowledgement.failed(self.previous.generation(), self.generation(), &reason);
        }
    }
}

impl<T, S: ?Sized> Clone for Change<T, S> {
    fn clone(&self) -> Self {
        Self {
            previous: Arc::clone(&self.previous),
            current: Arc::clone(&self.current),
            select: Arc::clone(&self.select),
            acknowledgement: self.acknowledgement.clone(),
        }
    }
}

impl<T, S: ?Sized> fmt::Debug for Change<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("previous", &self.previous.generation())
            .field("current", &self.current.generation())
            .finish_non_exhaustive()
    }
}
