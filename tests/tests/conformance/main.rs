//! Every source of ours passes the battery, and the battery finds what is wrong with those that are made to fail it.

mod faulty;
mod files;
mod memory;
mod scripted;

use reloadable::testing::Conformance;

/// Sees to it that no promise was broken, and that no more was left out than what cannot be tried.
#[track_caller]
fn assert_kept(found: &Conformance, not_applicable: &[&str]) {
    found.assert();
    assert_eq!(found.not_applicable(), not_applicable, "{found}");
}
