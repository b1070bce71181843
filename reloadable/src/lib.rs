#![doc = include_str!("../../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod path;
mod nearest;
mod value;
mod document;
mod report;
mod error;
#[cfg(feature = "tokio")]
mod backoff;
mod describe;
mod validate;
mod diff;
mod foreign;
mod format;
mod fields;
mod template;
mod load;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(feature = "tokio")]
mod source;
#[cfg(feature = "tokio")]
mod publish;
#[cfg(feature = "tokio")]
mod subscribe;
#[cfg(feature = "tokio")]
mod status;
#[cfg(feature = "tokio")]
mod reload;
#[cfg(feature = "tokio")]
mod reloader;

pub use crate::describe::{Describe, Describer, Description, Field, Shape, Tagging, Variant};
pub use crate::diff::{AsSet, ChangeKind, Changes, Diff, Entry, Leaf, Redacted, Walker};
pub use crate::diff::{KeyFn, Keyed, KeyedChanges, KeyedElement, KeyedModified, KeyedMoved, Order};
pub use crate::diff::{MapChanges, OptionChanges, SequenceChanges, SetChanges, TupleChanges};
pub use crate::document::{Document, Format, Origin, Revision};
pub use crate::error::{Error, ErrorKind, SourceError, SourceErrorKind};
pub use crate::fields::FieldInfo;
#[cfg(feature = "either")]
pub use crate::foreign::EitherChanges;
pub use crate::load::Reloadable;
pub use crate::path::{FieldPath, ParsePathError, Segment};
#[cfg(feature = "tokio")]
pub use crate::publish::{Guard, Reader, Snapshot};
#[cfg(feature = "tokio")]
pub use crate::reloader::{Builder, Reloader};
pub use crate::report::{Position, Report, Reporter, Violation};
#[cfg(feature = "tokio")]
pub use crate::source::{Fetched, Hint, MemoryHandle, MemorySource, Settle, Source};
#[cfg(feature = "fs")]
pub use crate::source::{Patterns, atomic_write};
#[cfg(feature = "tokio")]
pub use crate::status::{Applied, ReloadOutcome, SourceState, SourceStatus, Status, StatusSubscription};
#[cfg(feature = "tokio")]
pub use crate::subscribe::{Change, Subscription};
pub use crate::validate::{Validate, rules};
pub use crate::value::Value;
#[cfg(feature = "derive")]
#[doc = include_str!("derive.md")]
pub use reloadable_derive::Reloadable;
