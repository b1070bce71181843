//! What is wrong with the last good set.

use std::io;
use std::path::Path;

use crate::document::Origin;
use crate::error::{Error, ErrorKind};
use crate::path::FieldPath;
use crate::report::Violation;

/// Says of a file or directory what is wrong with it and what to do.
pub(super) fn refusal(path: &Path, code: &'static str, message: impl Into<String>) -> Error {
    let violation = Violation::new(FieldPath::root(), code, message).located(Origin::file(path), None);
    Error::new(ErrorKind::LastGood, violation.into())
}

/// Says which step the operating system refused.
pub(super) fn failed(path: &Path, step: &str, error: &io::Error) -> Error {
    refusal(path, "last_good", format!("cannot {step}: {error}"))
}
