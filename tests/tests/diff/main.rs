//! The typed diff: that it tells every difference, nothing else, and enough to get from one value to the other.

mod patch;
mod std_types;
mod order;
mod corpus;
mod hold;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use reloadable::{Changes, Diff};
use serde::Serialize;

use crate::patch::Patcher;

/// Checks what `Diff::diff` says of two values; `equal` is what it ought to think of them.
fn check<T: Diff + Serialize>(old: &T, new: &T, equal: bool, patcher: &Patcher) -> Result<(), TestCaseError> {
    prop_assert!(old.diff(old).is_none());
    let changes = old.diff(new);
    check_changes(old, new, changes.as_ref().map(|changes| changes as _), equal, patcher)
}

/// Checks that `changes` lead from the serialized form of `old` to that of `new`.
fn check_changes<T: Diff + Serialize>(
    old: &T,
    new: &T,
    changes: Option<&dyn Changes>,
    equal: bool,
    patcher: &Patcher,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(changes.is_none(), equal);
    let json =
        |value: &T| serde_json::to_value(value).map_err(|error| TestCaseError::fail(error.to_string()));
    prop_assert_eq!(
        patcher.normalized(serde_json::to_value(new.value()).unwrap_or_default()),
        patcher.normalized(json(new)?),
        "a value is shown as it is serialized"
    );
    let entries = changes.map(Changes::entries).unwrap_or_default();
    prop_assert_eq!(entries.is_empty(), equal);
    let mut patched = json(old)?;
    patcher.patch(&mut patched, &entries);
    prop_assert_eq!(patcher.normalized(patched), patcher.normalized(json(new)?), "{:#?}", entries);
    Ok(())
}

/// Two values of which every fourth pair is one value twice.
fn pair<T: Clone + std::fmt::Debug>(one: impl Strategy<Value = T> + Clone) -> impl Strategy<Value = (T, T)> {
    prop_oneof![
        1 => one.clone().prop_map(|value| (value.clone(), value)),
        3 => (one.clone(), one),
    ]
}
