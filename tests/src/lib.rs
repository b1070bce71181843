//! What the tests share. The tests live in `tests/`; this package is never published.

pub mod corpus;
pub mod fuzz;
pub mod on_disk;
pub mod waiting;

/// Tells whether the messages of the compiler are to be compared, and says so where they are not: they are those of
/// one version of it, and take minutes. `.ci/run ui` compares them.
#[must_use]
pub fn compares_messages() -> bool {
    let wanted = std::env::var_os("RELOADABLE_UI").is_some();
    if !wanted {
        println!("skipped: the compiler's messages are compared by `.ci/run ui`");
    }
    wanted
}

/// The programs in this page are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/layers.md")]
pub struct Layers;

/// The programs in this page are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
pub struct Testing;

/// The programs in this page are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/reloading.md")]
pub struct Reloading;
