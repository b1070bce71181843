//! How one source is doing.

use std::time::SystemTime;

use serde::Serialize;

use super::serialized::{seconds, some_seconds};
use crate::document::Origin;

/// How one source is doing.
///
/// Two are equal if they say the same but for the time of the last look, which wakes no
/// [`subscription`](crate::StatusSubscription) either.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.toml");
/// # std::fs::write(&path, "workers = 4\n")?;
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Reloader, SourceState};
///
/// let config = Reloader::<Limits>::builder().file(&path).start().await?;
/// for source in &config.status().sources {
///     match source.state {
///         SourceState::Watching => println!("{} is watched", source.origin),
///         SourceState::Polling => println!("{} is polled: {:?}", source.origin, source.reason),
///         state => println!("{} is {state:?} since {:?}: {:?}", source.origin, source.since, source.last_error),
///     }
///     if let Some(warning) = &source.warning {
///         println!("{warning}");
///     }
/// }
///
/// // A file that is gone is told, and changes nothing.
/// let mut statuses = config.subscribe_status();
/// std::fs::remove_file(&path)?;
/// let gone = statuses.changed().await?;
/// assert_eq!(gone.sources[0].state, SourceState::Interrupted);
/// assert!(gone.sources[0].last_error.is_some());
/// assert_eq!(config.load()["workers"], 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The source.
    pub origin: Origin,
    /// Whether it tells of changes.
    pub state: SourceState,
    /// When it came into this state. Serialized as seconds since 1970, as every time here.
    #[serde(serialize_with = "seconds")]
    pub since: SystemTime,
    /// Why it is looked at now and then instead of telling of changes, for people; nothing if it does tell. A source
    /// that is interrupted may have a reason as well.
    pub reason: Option<String>,
    /// Changes that can never be seen here, and what to do about it: for a file that is mounted by itself, as into a
    /// container.
    pub warning: Option<String>,
    /// When it was looked at last. While it is watched and nothing happens, that is as long ago as the last resync.
    #[serde(serialize_with = "some_seconds")]
    pub last_look: Option<SystemTime>,
    /// What went wrong at the last look; nothing if it is well.
    pub last_error: Option<String>,
}

impl PartialEq for SourceStatus {
    fn eq(&self, other: &Self) -> bool {
        let Self { origin, state, since, reason, warning, last_look: _, last_error } = self;
        (origin, state, since, reason, warning, last_error)
            == (&other.origin, &other.state, &other.since, &other.reason, &other.warning, &other.last_error)
    }
}

/// Whether a source tells of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceState {
    /// It has not been read yet.
    Initializing,
    /// It tells when it may have changed.
    Watching,
    /// It cannot tell at present, and is looked at now and then: files every 0.1 to 2 s. It is
    /// [`Watching`](Self::Watching) again as soon as it can tell.
    Polling,
    /// It could not be read at the last look. What was accepted of it before stays in force.
    Interrupted,
    /// The reloader has ended.
    Closed,
}
