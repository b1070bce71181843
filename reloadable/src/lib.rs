#![doc = include_str!("../../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod path;
#[cfg(feature = "tokio")]
mod key;
mod nearest;
mod value;
mod parsed;
#[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "only sources make documents of values"))]
mod document;
mod report;
#[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "only a reloader has layers with settings"))]
mod layer;
mod error;
#[cfg(feature = "tokio")]
mod backoff;
mod describe;
mod validate;
mod diff;
#[cfg(feature = "zeroize")]
mod secret;
mod foreign;
mod format;
mod fields;
mod template;
#[cfg(feature = "schema")]
mod schema;
mod load;
#[cfg(feature = "tokio")]
mod provenance;
#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
#[cfg(feature = "tokio")]
mod source;
#[cfg(feature = "fs")]
mod last_good;
#[cfg(feature = "tokio")]
mod sync;
#[cfg(feature = "tokio")]
mod publish;
#[cfg(feature = "tokio")]
mod progress;
#[cfg(feature = "tokio")]
mod subscribe;
#[cfg(feature = "tokio")]
mod gate;
#[cfg(feature = "tokio")]
mod status;
#[cfg(feature = "tokio")]
mod history;
#[cfg(feature = "tokio")]
mod observe;
#[cfg(feature = "tokio")]
mod queue;
#[cfg(feature = "tokio")]
mod reload;
#[cfg(feature = "tokio")]
mod reloader;
#[cfg(feature = "tokio")]
mod collection;
#[cfg(feature = "tokio")]
mod controller;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "tokio")]
pub use crate::backoff::Jitter;
#[cfg(feature = "tokio")]
pub use crate::collection::{Batch, Index, IndexFault, Lister, Store, StoreBuilder, View};
#[cfg(feature = "tokio")]
pub use crate::collection::{BrokenObject, InformerCounts, InformerStatus};
#[cfg(feature = "tokio")]
pub use crate::collection::{Event, Events, Latest, Modified, Removal, SnapshotCause};
#[cfg(feature = "tokio")]
pub use crate::collection::{Informer, InformerBuilder, NoKey, RemovalGuard};
#[cfg(feature = "tokio")]
pub use crate::controller::{
    Controller, ControllerCounts, ControllerHandle, ControllerStatus, UnsyncedSource,
};
#[cfg(feature = "tokio")]
pub use crate::controller::{DeadLetter, DeadLetters, Failure, FailureKind};
#[cfg(feature = "tokio")]
pub use crate::controller::{ReconcileContext, ReconcileError, Requeue, Unfinished};
pub use crate::describe::{Describe, Describer, Description, Field, Shape, Tagging, Variant};
pub use crate::diff::{AsSet, ChangeKind, Changes, Diff, Entry, Leaf, Redacted, Walker};
pub use crate::diff::{KeyFn, Keyed, KeyedChanges, KeyedElement, KeyedModified, KeyedMoved, Order};
pub use crate::diff::{MapChanges, OptionChanges, SequenceChanges, SetChanges, TupleChanges};
pub use crate::document::{CustomFormat, Document, Format, Origin, Revision};
pub use crate::error::{Error, ErrorKind, SourceError, SourceErrorKind};
pub use crate::fields::FieldInfo;
#[cfg(feature = "either")]
pub use crate::foreign::EitherChanges;
#[cfg(feature = "tokio")]
pub use crate::gate::{Candidate, Prepared, Refusal};
#[cfg(feature = "tokio")]
pub use crate::history::Published;
#[cfg(feature = "tokio")]
pub use crate::key::Key;
#[cfg(feature = "fs")]
pub use crate::last_good::LastGood;
pub use crate::layer::{Arrays, Lint};
pub use crate::load::Reloadable;
pub use crate::parsed::{ParseFault, Parsed, ParsedEntry, ReadFormat};
pub use crate::path::{FieldPath, ParsePathError, Segment};
#[cfg(feature = "tokio")]
pub use crate::progress::{Readiness, SubscriberStatus};
#[cfg(feature = "tokio")]
pub use crate::provenance::{Explanation, Explanations, Provenance, Said};
#[cfg(feature = "tokio")]
pub use crate::publish::{Guard, Reader, Snapshot};
#[cfg(feature = "tokio")]
pub use crate::queue::{Add, AddError, DurationStats, Item, Priority, QueueStats, RateLimit, Remaining};
#[cfg(feature = "tokio")]
pub use crate::queue::{WorkQueue, WorkQueueBuilder};
#[cfg(feature = "tokio")]
pub use crate::reload::{RestartPolicy, StartPolicy};
#[cfg(feature = "tokio")]
pub use crate::reloader::{Builder, Plan, Reloader, Trigger, check_main};
#[cfg(feature = "pretty")]
pub use crate::report::{Color, Pretty};
pub use crate::report::{Excerpt, Position, Report, Reporter, Severity, Violation, Way};
#[cfg(feature = "zeroize")]
pub use crate::secret::{Secret, Zeroize};
#[cfg(feature = "tokio")]
pub use crate::source::{
    Changed, Condition, Delta, Incarnation, KeyedDocument, KeyedSource, Listed, Listing,
};
#[cfg(feature = "fs")]
pub use crate::source::{DirectoryCollection, FileCollection, Patterns, atomic_write};
#[cfg(feature = "tokio")]
pub use crate::source::{Env, Fetched, Hint, MemoryHandle, MemorySource, Settle, Source};
#[cfg(feature = "tokio")]
pub use crate::source::{MemoryCollection, MemoryCollectionHandle, RefusedDocument};
#[cfg(feature = "tokio")]
pub use crate::status::{Applied, Attempt, Outcomes, PendingRestart, PendingSubscription, Reason};
#[cfg(feature = "tokio")]
pub use crate::status::{LastGoodStatus, SourceState, SourceStatus, Status, StatusSubscription};
#[cfg(feature = "tokio")]
pub use crate::status::{ReloadOutcome, Stages};
#[cfg(feature = "tokio")]
pub use crate::status::{Suspension, SuspensionCause, Veto, VetoCause};
#[cfg(feature = "tokio")]
pub use crate::subscribe::{Change, Subscription};
pub use crate::validate::{Validate, rules};
pub use crate::value::Value;
#[cfg(feature = "derive")]
#[doc = include_str!("derive.md")]
pub use reloadable_derive::Reloadable;
