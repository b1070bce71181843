//! What `tracing.rs` has, without the feature.

use std::future::Future;

/// No scope at all.
#[derive(Clone, Default)]
pub(crate) struct Scope(());

impl Scope {
    pub(super) fn or(self, _: Self) -> Self {
        self
    }

    pub(crate) fn run<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        future
    }
}

pub(crate) fn carried_future<F: Future>(future: F) -> impl Future<Output = F::Output> {
    future
}

pub(crate) fn carried<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    run
}
