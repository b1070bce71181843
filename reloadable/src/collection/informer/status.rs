//! How an informer is doing.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::document::{Origin, Revision};
use crate::error::SourceError;
use crate::report::Report;
use crate::source::RefusedDocument;
use crate::status::SourceState;

/// How an [`Informer`](crate::Informer) is doing: its source, and the objects that are not as they should be.
///
/// # Examples
///
/// ```
/// # type Route = std::collections::BTreeMap<String, u16>;
/// fn tell(informer: &reloadable::Informer<Route>) {
///     let status = informer.status();
///     println!("{} objects from {}, {:?}", status.objects, status.origin, status.state);
///     for broken in &status.broken {
///         println!("{}: {}", broken.key, broken.report);
///     }
/// }
/// ```
#[derive(Debug, Clone)]
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
    pub last_confirmed: Option<SystemTime>,
    /// What went wrong when the source was asked last; nothing if it is well.
    pub last_error: Option<SourceError>,
    /// The revision of the source up to which everything is in the store.
    pub revision: Option<Revision>,
    /// The number of batches that have changed the store.
    pub generation: u64,
    /// How many objects are in the store.
    pub objects: usize,
    /// Objects whose newest content was refused. The last good one, where there was one, is in the store. At most 100 are
    /// here.
    pub broken: Vec<BrokenObject<K>>,
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
    /// The same as `last_confirmed`, by the clock that does not jump.
    pub(super) confirmed: Option<Instant>,
    /// The number of the list that was begun last.
    pub(super) begun: u64,
    /// The number of the list that is in force.
    pub(super) listed: u64,
}

/// An object whose newest content was refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BrokenObject<K> {
    /// Its key.
    pub key: K,
    /// What is wrong with it.
    pub report: Report,
    /// When that was found.
    pub since: SystemTime,
    /// Whether an earlier one of it is in the store.
    pub has_last_good: bool,
}

/// How often what has happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InformerCounts {
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
