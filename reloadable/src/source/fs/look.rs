//! One look at a file system: watch, then read, on a thread that may block.

use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

use super::events::Events;
use crate::document::Origin;
use crate::error::{SourceError, SourceErrorKind};
use crate::source::Hint;

/// Looks, and knows when to look again.
#[derive(Debug)]
pub(super) struct Looker<R> {
    events: Option<Events>,
    /// Why there are no events, until it has been told.
    deaf: Option<SourceError>,
    /// A look that was given up waiting for. Another one does not start before it ends, so that a file system that
    /// hangs costs one thread and no more.
    looking: Option<JoinHandle<Looked<R>>>,
}

#[derive(Debug)]
struct Looked<R> {
    events: Option<Events>,
    watching: Result<(), SourceError>,
    found: Result<R, SourceError>,
}

/// What is looked at.
pub(super) trait Target: Send + 'static {
    /// What a look finds.
    type Found: Send + 'static;

    /// The path that the user gave.
    fn path(&self) -> &Path;

    /// The directories in which something happens when the target changes.
    fn directories(&self) -> Vec<PathBuf>;

    /// Tells whether an event that names this path may be about the target.
    fn concerns(&self, changed: &Path) -> bool;

    fn read(&self) -> Result<Self::Found, SourceError>;
}

impl<R: Send + 'static> Looker<R> {
    pub(super) fn new() -> Self {
        Self { events: None, deaf: None, looking: None }
    }

    /// Watches first and reads then, so that no change falls between.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a look that was under way is the answer to the next call.
    pub(super) async fn look<T: Target<Found = R> + Clone>(&mut self, target: &T) -> Result<R, SourceError> {
        let looking = match &mut self.looking {
            Some(looking) => looking,
            None => {
                let (target, events) = (target.clone(), self.events.take());
                self.looking.insert(tokio::task::spawn_blocking(move || look(target, events)))
            }
        };
        let looked = looking.await;
        self.looking = None;
        let looked = looked.map_err(|error| {
            SourceError::new(
                SourceErrorKind::Other,
                Origin::file(target.path()),
                format!("the look at it broke off: {error}"),
            )
        })?;
        self.events = looked.events;
        self.deaf = looked.watching.err();
        looked.found
    }

    /// Resolves when it is time to look again.
    ///
    /// # Errors
    ///
    /// There are no events at present; the next look tries to get them again.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn changed(&mut self) -> Result<Hint, SourceError> {
        if let Some(error) = self.deaf.take() {
            return Err(error);
        }
        match &self.events {
            Some(events) => events.changed().await,
            None => std::future::pending().await,
        }
        Ok(Hint::Settling)
    }
}

fn look<T: Target + Clone>(target: T, events: Option<Events>) -> Looked<T::Found> {
    let origin = Origin::file(target.path());
    let started = match events {
        Some(events) => Ok(events),
        None => {
            let target = target.clone();
            Events::new(&origin, move |changed| target.concerns(changed))
        }
    };
    let (events, watching) = match started {
        Ok(mut events) => {
            let watching = events.watch(&origin, &target.directories());
            (Some(events), watching)
        }
        Err(error) => (None, Err(error)),
    };
    Looked { events, watching, found: target.read() }
}
