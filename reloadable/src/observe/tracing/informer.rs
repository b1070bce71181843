//! What an informer logs.

use std::fmt;
use std::sync::Arc;

use tracing::{debug, field, info, warn};

use super::{Place, TARGET, tell};
use crate::document::Origin;
use crate::observe::InformerFigures;
use crate::report::Report;

/// What an informer tells: what each batch has changed, which objects are refused, and how its source is doing. Of what is
/// wrong there is the place and no message: that quotes it.
pub(crate) struct InformerLog {
    name: Option<Arc<str>>,
    source: Origin,
    /// What was told before, so that only news is told.
    events: [u64; 4],
    withheld: usize,
    lagged: u64,
    cause: Option<String>,
}

impl InformerLog {
    pub(crate) fn new(name: Option<Arc<str>>, source: Origin) -> Self {
        Self { name, source, events: [0; 4], withheld: 0, lagged: 0, cause: None }
    }

    pub(crate) fn refused(&self, key: &dyn fmt::Debug, report: &Report) {
        let Some(Place { path, code, origin, line, column }) = report.errors().next().map(Place::of) else {
            return;
        };
        let informer = self.name.as_deref();
        let (path, origin) = (field::display(path), origin.map(field::display));
        tell(|| warn!(target: TARGET, informer, ?key, path, code, origin, line, column, "object refused"));
    }

    pub(crate) fn restated(&mut self, figures: &InformerFigures<'_>) {
        let (informer, source) = (self.name.clone(), self.source.clone());
        let (informer, source) = (informer.as_deref(), field::display(&source));
        let before = std::mem::replace(&mut self.events, figures.events);
        let [added, modified, removed, _] = std::array::from_fn(|nth| figures.events[nth] - before[nth]);
        if added + modified + removed > 0 {
            let generation = figures.generation;
            tell(
                || debug!(target: TARGET, informer, source, generation, added, modified, removed, "objects changed"),
            );
        }
        let withheld = figures.withheld;
        match (std::mem::replace(&mut self.withheld, withheld), withheld) {
            (0, 1..) => {
                tell(
                    || warn!(target: TARGET, informer, source, withheld, "so many objects are missing that they are kept"),
                );
            }
            (1.., 0) => {
                tell(|| info!(target: TARGET, informer, source, "no objects are kept that are missing"))
            }
            _ => {}
        }
        if std::mem::replace(&mut self.lagged, figures.lagged) < figures.lagged {
            tell(
                || warn!(target: TARGET, informer, source, "a subscriber is too slow, and is given a snapshot"),
            );
        }
        let cause = figures.last_error.map(ToString::to_string);
        if self.cause != cause {
            match &cause {
                Some(cause) => tell(|| warn!(target: TARGET, informer, source, cause, "source interrupted")),
                None => tell(|| info!(target: TARGET, informer, source, "source is followed again")),
            }
            self.cause = cause;
        }
    }

    pub(crate) fn closed(&self) {
        let (informer, source) = (self.name.as_deref(), field::display(&self.source));
        tell(|| debug!(target: TARGET, informer, source, "the informer has ended"));
    }
}
