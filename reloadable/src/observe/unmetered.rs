//! What stands in the place of metrics where nobody wants them.

use std::time::{Duration, Instant};

use super::{InformerFigures, QueueFigures, Reconciled};
use crate::document::Origin;

pub(crate) struct QueueMeter;

impl QueueMeter {
    pub(crate) fn new(_: Option<&str>) -> Self {
        Self
    }

    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn is_due(&self, _: Instant) -> bool {
        false
    }

    pub(crate) fn waited(&self, _: Duration) {}

    pub(crate) fn worked(&self, _: Duration) {}

    pub(crate) fn publish(&self, _: QueueFigures) {}
}

pub(crate) struct ReconcileMeter;

impl ReconcileMeter {
    pub(crate) fn new(_: Option<&str>, _: usize) -> Self {
        Self
    }

    pub(crate) fn active(&self, _: usize) {}

    pub(crate) fn ended(&self, _: Reconciled, _: Duration) {}
}

pub(crate) struct InformerMeter;

impl InformerMeter {
    pub(crate) fn new(_: Option<&str>, _: &Origin) -> Self {
        Self
    }

    pub(crate) fn restated(&mut self, _: &InformerFigures<'_>) {}

    pub(crate) fn closed(&mut self) {}
}
