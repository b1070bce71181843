//! The layers: each a source, and what was last accepted from it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::backoff::Backoff;
use crate::document::{Document, Origin, Revision};
use crate::error::{Error, ErrorKind, SourceError, SourceErrorKind};
use crate::load::{Reloadable, faults};
use crate::report::Report;
use crate::source::{AnySource, BoxFuture, Fetched};
use crate::status::{SourceState, SourceStatus};

/// One source in the order of precedence, and what was last accepted from it.
pub(super) struct Layer {
    pub(super) source: Box<dyn AnySource>,
    pub(super) origin: Origin,
    pub(super) accepted: Option<Content>,
    pub(super) state: SourceState,
    pub(super) last_error: Option<SourceError>,
    pub(super) backoff: Backoff,
    /// The source cannot tell of changes; it is asked again then.
    pub(super) deaf_until: Option<Instant>,
}

#[derive(Clone)]
pub(super) struct Content {
    pub(super) revision: Revision,
    pub(super) documents: Vec<Document>,
}

impl Layer {
    pub(super) fn new(source: Box<dyn AnySource>) -> Self {
        let origin = catch_unwind(AssertUnwindSafe(|| source.origin()));
        Self {
            source,
            origin: origin.unwrap_or_else(|_| Origin::named("a source without a name")),
            accepted: None,
            state: SourceState::Initializing,
            last_error: None,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(30)),
            deaf_until: None,
        }
    }

    /// Returns what the source holds now; nothing if that is what was last accepted.
    async fn fetch(&mut self, limit: Duration) -> Result<Option<Content>, SourceError> {
        let known = self.accepted.as_ref().map(|content| &content.revision);
        let fetched = match timeout(limit, contained(&self.origin, || self.source.fetch(known))).await {
            Ok(fetched) => fetched,
            Err(_) => Err(SourceError::new(
                SourceErrorKind::TimedOut,
                self.origin.clone(),
                format!("it did not answer within {limit:?}"),
            )),
        };
        match &fetched {
            Ok(_) if self.deaf_until.is_some() => self.state = SourceState::Polling,
            Ok(_) => {
                self.state = SourceState::Watching;
                self.last_error = None;
            }
            Err(error) => {
                self.state = SourceState::Interrupted;
                self.last_error = Some(error.clone());
            }
        }
        Ok(match fetched? {
            Fetched::NotModified => None,
            Fetched::Documents { documents, revision } => Some(Content { revision, documents }),
        })
    }

    pub(super) fn status(&self) -> SourceStatus {
        SourceStatus {
            origin: self.origin.clone(),
            state: self.state,
            last_error: self.last_error.as_ref().map(ToString::to_string),
        }
    }
}

/// Runs a source's code so that its panic is a failure of the source and ends nothing.
pub(super) async fn contained<'s, R>(
    origin: &Origin,
    ask: impl FnOnce() -> BoxFuture<'s, Result<R, SourceError>>,
) -> Result<R, SourceError> {
    let panicked = |_| {
        let message = "the source panicked; the panic hook has what it said".to_owned();
        SourceError::new(SourceErrorKind::Other, origin.clone(), message)
    };
    let mut answer = catch_unwind(AssertUnwindSafe(ask)).map_err(panicked)?;
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)))
            .unwrap_or_else(|payload| Poll::Ready(Err(panicked(payload))))
    })
    .await
}

/// Asks every source, and gathers what is wrong with any of them.
pub(super) async fn fetch<T: Reloadable>(
    layers: &mut [Layer],
    limit: Duration,
) -> Result<Vec<Option<Content>>, Error> {
    let mut report = Report::new();
    let mut contents = Vec::with_capacity(layers.len());
    for layer in &mut *layers {
        contents.push(layer.fetch(limit).await.unwrap_or_else(|error| {
            report.push(error.into());
            None
        }));
    }
    if report.is_empty() {
        return Ok(contents);
    }
    let fetched: Vec<_> = contents.iter().flatten().flat_map(|content| content.documents.clone()).collect();
    report.append(faults::<T>(&fetched));
    Err(Error::new(ErrorKind::Unavailable, report))
}

/// The documents of all layers in order: the new ones where there are any.
pub(super) fn documents(layers: &[Layer], contents: &[Option<Content>]) -> Vec<Document> {
    let newest = layers
        .iter()
        .zip(contents)
        .filter_map(|(layer, content)| content.as_ref().or(layer.accepted.as_ref()));
    newest.flat_map(|content| content.documents.iter().cloned()).collect()
}

/// The cursors move only now that what was fetched has been accepted.
pub(super) fn accept(layers: &mut [Layer], contents: Vec<Option<Content>>) {
    for (layer, content) in layers.iter_mut().zip(contents) {
        if content.is_some() {
            layer.accepted = content;
        }
    }
}
