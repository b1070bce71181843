//! How an informer is doing.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use tokio::time::Instant;

use crate::document::{Origin, Revision};
use crate::error::SourceError;
use crate::progress::SubscriberStatus;
use crate::report::Report;
use crate::source::RefusedDocument;
use crate::status::{SourceState, seconds, shared, some_seconds};

/// How an [`Informer`](crate::Informer) is doing: its source, and the objects that are not as they should be.
///
/// [`Serialize`](serde::Serialize) is for a status page: times are seconds since 1970, keys and errors texts, revisions
/// hexadecimal digits.
///
/// # Examples
///
/// ```
/// # type Route = std::collections::BTreeMap<String, u16>;
/// fn tell(informer: &reloadable::Informer<Route>) {
///     let status = informer.status();
///     println!("{} objects from {}, {:?}", status.objects, status.origin, status.state);
///     for broken in status.broken.iter() {
///         println!("{}: {}", broken.key, broken.report);
///     }
/// }
/// ```
#[derive(Debug, Clone, Serialize)]
#[serde(bound = "K: Debug")]
#[non_exhaustive]
pub struct InformerStatus<K> {
    /// The source.
    pub origin: Origin,
    /// Whether it tells of changes.
    pub state: SourceState,
    /// Why it only looks now and then, where it does.
    pub reason: Option<String>,
    /// What the source can never see, where there is such a thing.
    pub warning: Option<String>,
    /// Whether a list was complete and is in force. It never goes back to `false`.
    pub has_synced: bool,
    /// When it was last known that everything in the store is as the source has it.
    #[serde(serialize_with = "some_seconds")]
    pub last_confirmed: Option<SystemTime>,
    /// What went wrong when the source was asked last; nothing if it is well. That a list failed is here until a list
    /// works, also while changes are told.
    #[serde(serialize_with = "as_text")]
    pub last_error: Option<SourceError>,
    /// The revision of the source up to which everything is in the store.
    #[serde(serialize_with = "as_digits")]
    pub revision: Option<Revision>,
    /// The number of batches that have changed the store.
    pub generation: u64,
    /// How many objects are in the store.
    pub objects: usize,
    /// Objects whose newest content was refused. The last good one, where there was one, is in the store. At most 100 are
    /// here.
    #[serde(serialize_with = "shared")]
    pub broken: Arc<[BrokenObject<K>]>,
    /// How many more are broken.
    pub broken_omitted: usize,
    /// What the source has that is no object, as a file with a key that another one has. At most 100 are here.
    pub refused: Vec<RefusedDocument>,
    /// How much more of that there is.
    pub refused_omitted: usize,
    /// Objects that were missing in the last list, but are kept until another one confirms it, see
    /// [`RemovalGuard`](crate::RemovalGuard).
    pub withheld: usize,
    /// What has happened so far.
    pub counts: InformerCounts,
    /// The subscribers that acknowledge, and how far each had come when this was read. That somebody has come further is
    /// no new status.
    pub subscribers: Vec<SubscriberStatus>,
    /// The same as `last_confirmed`, by the clock that does not jump.
    #[serde(skip)]
    pub(super) confirmed: Option<Instant>,
    /// The number of the list that was begun last.
    #[serde(skip)]
    pub(super) begun: u64,
    /// The number of the list that is in force.
    #[serde(skip)]
    pub(super) listed: u64,
}

impl<K> InformerStatus<K> {
    /// Tells whether changes of the source are followed at present.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.state, SourceState::Watching | SourceState::Polling)
    }

    /// Returns how long ago it was last known that everything in the store is as the source has it; nothing before the
    /// first list. While a source is followed that tells nothing, it grows up to the next list: see
    /// [`reverify`](crate::InformerBuilder::reverify), and [`Delta::Progress`](crate::Delta::Progress) for sources that
    /// can say that nothing has changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// use std::time::Duration;
    ///
    /// fn is_fresh(informer: &reloadable::Informer<Route>) -> bool {
    ///     let status = informer.status();
    ///     status.is_connected() && status.lag().is_some_and(|lag| lag < Duration::from_secs(600))
    /// }
    /// ```
    #[must_use]
    pub fn lag(&self) -> Option<Duration> {
        self.confirmed.map(|at| at.elapsed())
    }
}

/// An object whose newest content was refused.
#[derive(Debug, Clone, Serialize)]
#[serde(bound = "K: Debug")]
#[non_exhaustive]
pub struct BrokenObject<K> {
    /// Its key.
    #[serde(serialize_with = "as_shown")]
    pub key: K,
    /// What is wrong with it.
    pub report: Report,
    /// When that was found.
    #[serde(serialize_with = "seconds")]
    pub since: SystemTime,
    /// Whether an earlier one of it is in the store.
    pub has_last_good: bool,
}

/// How often what has happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InformerCounts {
    /// Objects that came.
    pub added: u64,
    /// Objects that had another value than before.
    pub modified: u64,
    /// Objects that went.
    pub removed: u64,
    /// How often an object was told of again although nothing had changed.
    pub resynced: u64,
    /// How often a subscriber was so slow that a snapshot took the place of events.
    pub lagged: u64,
    /// Lists that were complete and are in force.
    pub lists: u64,
    /// Lists that were not.
    pub failed_lists: u64,
    /// Connections that ended or failed.
    pub interruptions: u64,
    /// How often the source could no longer tell what has changed.
    pub expired: u64,
    /// Documents and revisions that were refused because something newer is known.
    pub stale: u64,
    /// Objects that had the key of another one in the same list; the first has it.
    pub duplicates: u64,
    /// What was told of objects that are not known: that they are gone, or unchanged.
    pub unknown: u64,
    /// Objects that are not under one of the indexes because its function panicked.
    pub index_faults: u64,
    /// How often a key's own `Hash`, `Eq` or `Ord` panicked.
    pub panics: u64,
}

fn as_text<S: Serializer>(error: &Option<SourceError>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(ToString::to_string).serialize(serializer)
}

/// A revision is whatever the source has, and need not be a text.
fn as_digits<S: Serializer>(revision: &Option<Revision>, serializer: S) -> Result<S::Ok, S::Error> {
    let digits = |revision: &Revision| revision.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    revision.as_ref().map::<String, _>(digits).serialize(serializer)
}

/// A key that is a text is shown as such.
fn as_shown<K: Debug, S: Serializer>(key: &K, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = format!("{key:?}");
    let inner = shown.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    serializer.serialize_str(inner.unwrap_or(&shown))
}
