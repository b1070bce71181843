//! The locks and atomics of what publishes and subscribes, under one name: the models of `tests/loom` build the same
//! files with others in their place, which try every order in which threads can run.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::AtomicU64;
