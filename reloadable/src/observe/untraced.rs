//! What `tracing.rs` has, without the feature.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use super::InformerFigures;
use crate::document::Origin;
use crate::report::Report;

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

/// What a controller would tell.
pub(crate) struct ReconcileLog;

impl ReconcileLog {
    pub(crate) fn new(_: Option<Arc<str>>) -> Self {
        Self
    }

    pub(crate) fn scope(&self, _: &dyn Debug, _: u32) -> Scope {
        Scope::default()
    }

    pub(crate) fn failed(&self, _: &dyn Debug, _: u32, _: &str, _: &str) {}

    pub(crate) fn given_up(&self, _: &dyn Debug, _: u32, _: &str) {}

    pub(crate) fn waits(&self, _: &Origin, _: Option<&str>) {}

    pub(crate) fn never_starts(&self, _: &Origin) {}
}

/// What an informer would tell.
pub(crate) struct InformerLog;

impl InformerLog {
    pub(crate) fn new(_: Option<Arc<str>>, _: Origin) -> Self {
        Self
    }

    pub(crate) fn refused(&self, _: &dyn Debug, _: &Report) {}

    pub(crate) fn restated(&mut self, _: &InformerFigures<'_>) {}

    pub(crate) fn closed(&self) {}
}
