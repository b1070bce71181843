#![doc = include_str!("../../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod path;
mod value;
mod document;
mod report;
mod describe;
mod validate;
mod diff;
mod format;
mod load;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use crate::describe::{Describe, Describer, Description, Field, Shape, Tagging, Variant};
pub use crate::diff::{ChangeKind, Changes, Diff, Entry, Leaf, Redacted, Walker};
pub use crate::document::{Document, Format, Origin, Revision};
pub use crate::path::{FieldPath, ParsePathError, Segment};
pub use crate::report::{Position, Report, Reporter, Violation};
pub use crate::validate::{Validate, rules};
pub use crate::value::Value;
