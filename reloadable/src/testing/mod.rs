//! What an application tests its own reloads with, and a source itself: feature `testing`.
//!
//! - [`ScriptedSource`] answers as a test tells it to: documents, errors, delays, half writes, hints and lies.
//! - [`Save`], [`TornWrite`] and, on Unix, `Volume`, `swap_link` and `chmod` save files as real programs do.
//! - [`next_change`] and [`next_outcome`] wait, but not for ever; [`assert_applied`], [`assert_unchanged`],
//!   [`assert_rejected`], [`assert_failed`], [`assert_vetoed`], [`assert_outcome`] and [`assert_no_change`] say all that
//!   is known where something else happened.
//! - [`source_conformance`] tries the promises of a source on one of your own, and [`keyed_source_conformance`] those of a
//!   source of many objects.
//!
//! Tests with scripted sources and sources in memory pause tokio's clock (`#[tokio::test(start_paused = true)]`, with
//! tokio's feature `test-util`): a settle of 50 ms, a look every 30 seconds and a timeout of a minute then pass at once,
//! and always in the same order. Tests with real files must not, since the events of the operating system come in their
//! own time: a paused clock would pass over the moments in which more of a change is waited for.
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), reloadable::Error> {
//! use reloadable::testing::{ScriptedSource, assert_rejected, next_change};
//! use reloadable::{Format, Reloader};
//! # type Limits = std::collections::BTreeMap<String, u16>;
//!
//! let (source, script) = ScriptedSource::new("limits", Format::Toml, ["workers = 4"]);
//! let config = Reloader::<Limits>::builder().source(source).start().await?;
//! let mut changes = config.subscribe();
//!
//! script.hold("workers = 'many'");
//! assert_rejected(&config.reload().await, "type", "workers");
//! script.replace("workers = 8");
//! assert_eq!(next_change(&config, &mut changes).await.changes().to_string(), "workers: 4 -> 8");
//! # Ok(())
//! # }
//! ```

mod conformance;
mod deadline;
mod expect;
mod files;
mod scripted;

pub use self::conformance::{Check, Conformance, Finding, Rig, RigError, source_conformance};
pub use self::conformance::{KeyedRig, keyed_source_conformance};
pub use self::expect::{
    assert_applied, assert_failed, assert_no_change, assert_outcome, assert_rejected, assert_unchanged,
    assert_vetoed, next_change, next_outcome,
};
pub use self::files::{Save, TornWrite, touch};
#[cfg(unix)]
pub use self::files::{Volume, chmod, swap_link};
pub use self::scripted::{Answer, Look, LookEnd, Script, ScriptedSource};
