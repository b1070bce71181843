//! The locks and atomics of what publishes, subscribes and queues, under one name: the models of `tests/loom` build the same
//! files with others in their place, which try every order in which threads can run.

pub(crate) use std::sync::atomic::AtomicU64;
pub(crate) use std::sync::{Mutex, MutexGuard};
