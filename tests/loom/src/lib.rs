//! What publishes, subscribes, acknowledges and queues in `reloadable`, built of the very same files, with other locks and
//! atomics below them: those of loom, which tries every order in which threads can run. Around them stand as few
//! words of the other modules as they need.
//!
//! `tokio` and `arc_swap` are this crate itself, so that their names lead to [`sync::watch`], [`time`] and [`swap`].

#![cfg(test)]
#![allow(dead_code, unused_imports, reason = "the models call only some of it")]

extern crate self as arc_swap;
extern crate self as tokio;

mod around;
mod swap;
pub mod sync;
pub mod task;
pub mod time;
mod models;

use self::around::{diff, error, layer, observe, provenance, report};
pub use self::swap::{ArcSwap, Cache, Guard};

#[path = "../../../reloadable/src/key.rs"]
mod key;
#[path = "../../../reloadable/src/backoff.rs"]
mod backoff;
#[path = "../../../reloadable/src/queue/mod.rs"]
mod queue;
#[path = "../../../reloadable/src/publish.rs"]
mod publish;
#[path = "../../../reloadable/src/progress/mod.rs"]
mod progress;
#[path = "../../../reloadable/src/subscribe/mod.rs"]
mod subscribe;
