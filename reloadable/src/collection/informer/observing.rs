//! How an informer is seen from outside.

use std::sync::Arc;

#[cfg(any(feature = "metrics", feature = "tracing"))]
use super::builder::InformerBuilder;
use crate::document::Origin;
use crate::key::Key;
#[cfg(any(feature = "metrics", feature = "tracing"))]
use crate::load::Reloadable;
use crate::observe::{InformerFigures, InformerLog, InformerMeter};
use crate::report::Report;

#[cfg(any(feature = "metrics", feature = "tracing"))]
impl<T: Reloadable, K: Key> InformerBuilder<T, K> {
    /// Names the informer, where a program has several of one source: the name is the field `informer` of what it logs, and
    /// the label `informer` of its metrics. None unless set. Features `tracing` and `metrics`.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Route = std::collections::BTreeMap<String, u16>;
    /// # async fn example(source: reloadable::MemoryCollection<String>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let routes = Informer::<Route>::builder().source(source).name("routes").start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(self, name: &str) -> Self {
        self.set_name(name.into())
    }
}

/// Who is told of an informer, and of its end when this is dropped.
pub(super) struct Observer {
    log: InformerLog,
    meter: InformerMeter,
}

impl Observer {
    pub(super) fn new(name: Option<Arc<str>>, source: &Origin) -> Self {
        let meter = InformerMeter::new(name.as_deref(), source);
        Self { log: InformerLog::new(name, source.clone()), meter }
    }

    pub(super) fn refused<K: Key>(&self, refused: &[(K, Report)]) {
        for (key, report) in refused {
            self.log.refused(key, report);
        }
    }

    pub(super) fn restated(&mut self, figures: &InformerFigures<'_>) {
        self.log.restated(figures);
        self.meter.restated(figures);
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.log.closed();
        self.meter.closed();
    }
}
