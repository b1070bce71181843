//! From documents to a candidate: read, merge, decode, normalize, validate.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;

use crate::describe::{Describe, Description};
use crate::diff::Diff;
use crate::document::{Document, Origin};
use crate::format::{self, Expected, Probe, Tree};
use crate::path::FieldPath;
use crate::report::{Position, Report, Reporter, Violation};

/// What a configuration must be: `#[derive(Reloadable)]` and `#[derive(Deserialize)]`, owned, and shared between
/// threads. It is implemented for every such type.
pub trait Reloadable: Diff + DeserializeOwned + Send + Sync + 'static {}

impl<T: Diff + DeserializeOwned + Send + Sync + 'static> Reloadable for T {}

/// A valid candidate, and the tree that knows where each of its values was set.
#[derive(Debug)]
pub struct Loaded<T> {
    pub(crate) value: T,
    pub(crate) tree: Tree,
}

impl<T: Describe> Loaded<T> {
    /// Returns where the value at `path` was set; for one that is in no file, where the nearest value around it was.
    pub fn locate(&self, path: &FieldPath) -> Option<(Origin, Position)> {
        self.tree.locate(Expected::new(T::describe()), path)
    }

    /// Gives up the places.
    pub fn into_value(self) -> T {
        self.value
    }
}

/// Makes a candidate of all layers, the last on top. Without any, it is what an empty table gives.
///
/// The application's code runs here: its `Deserialize`, normalizers and validators. If it panics, the candidate is
/// refused, and nothing else happens.
///
/// # Errors
///
/// Everything that is wrong with the documents' texts. If there is nothing: every unknown key, every value that does not
/// fit its type, every missing field and every broken rule, as far as one can be told beside the others. Each with its
/// place, where it has one.
pub fn decode<T: DeserializeOwned + Diff>(documents: &[Document]) -> Result<Loaded<T>, Report> {
    let description = guarded::<T, _>("describing the configuration", T::describe)?;
    let tree = format::read(documents, description)?;
    let mut report = Report::new();
    report.extend(format::unknown_keys(&tree, description));
    let expected = Expected::new(description);
    let decoded = guarded::<T, _>("decoding", || format::decode(&tree, &expected))
        .and_then(|decoded| decoded.map_err(Report::from));
    let mut value: T = match decoded {
        Ok(value) => value,
        Err(refused) => return Err(everything::<T>(report, &refused, &tree, description, &expected)),
    };
    let normalized = guarded::<T, _>("normalizing", || {
        value.normalize(&mut Reporter::with_secrets(&mut report, &expected));
    });
    normalized
        .and_then(|()| {
            guarded::<T, _>("validating", || {
                value.validate(&mut Reporter::with_secrets(&mut report, &expected));
            })
        })
        .unwrap_or_else(|panicked| report.append(panicked));
    if report.is_empty() { Ok(Loaded { value, tree }) } else { Err(located(report, &tree, &expected)) }
}

/// Finds what is wrong with the texts of some of the layers, for a report about others that could not be read.
#[cfg(feature = "tokio")]
pub(crate) fn faults<T: Reloadable>(documents: &[Document]) -> Report {
    let read = guarded::<T, _>("describing the configuration", T::describe)
        .and_then(|description| format::read(documents, description));
    read.err().unwrap_or_default()
}

/// Adds all that is wrong with a tree that cannot be decoded, `refused` being the first.
fn everything<T: DeserializeOwned + Diff>(
    mut report: Report,
    refused: &Report,
    tree: &Tree,
    description: Description,
    expected: &Expected,
) -> Report {
    let mut more = Report::new();
    if refused.violations().iter().any(|violation| violation.code() == PANIC) {
        add_new(&mut report, refused);
    } else {
        let found = guarded::<T, _>("decoding", || {
            let guard = |run: &mut dyn FnMut()| guarded::<T, _>("decoding", run);
            format::faults(tree, description, expected, Probe::of::<T>(), &guard)
        });
        match found {
            Ok(found) => more.extend(found),
            Err(panicked) => more.append(panicked),
        }
    }
    add_new(&mut report, &located(more, tree, expected));
    if report.is_empty() {
        add_new(&mut report, refused);
    }
    report
}

/// Adds what is not in the report already: serde stops at the first unknown key, which may have been found before.
fn add_new(report: &mut Report, more: &Report) {
    let key =
        |violation: &Violation| (violation.code().to_owned(), violation.path().clone(), violation.position());
    let known: Vec<_> = report.violations().iter().map(key).collect();
    report.extend(more.violations().iter().filter(|violation| !known.contains(&key(violation))).cloned());
}

/// The code of a violation that was a panic.
const PANIC: &str = "panic";

/// Runs the application's code so that its panic ends this attempt and nothing else.
///
/// What it said may quote a secret, so where `T` has any, it is left to the panic hook alone.
pub(crate) fn guarded<T: Describe, R>(doing: &str, run: impl FnOnce() -> R) -> Result<R, Report> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let secretive = catch_unwind(|| Expected::new(T::describe()).holds_any_secret()).unwrap_or(true);
        let message = match said(payload.as_ref()) {
            Some(_) if secretive => {
                format!("panicked while {doing}; what it said is withheld, since there are secrets")
            }
            Some(said) => format!("panicked while {doing}: {said}"),
            None => format!("panicked while {doing}"),
        };
        Violation::new(FieldPath::root(), PANIC, message).into()
    })
}

fn said(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

fn located(report: Report, tree: &Tree, expected: &Expected) -> Report {
    report.map(|violation| {
        // A panic is about the program, not about a line.
        if violation.origin().is_some() || violation.code() == PANIC {
            return violation;
        }
        match tree.locate(expected.clone(), violation.path()) {
            Some((origin, position)) => violation.located(origin, Some(position)),
            None => violation,
        }
    })
}
