//! The layers: each a source, and what was last accepted from it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout};

use crate::backoff::Backoff;
use crate::document::{Document, Origin, Revision};
use crate::error::{Error, ErrorKind, SourceError, SourceErrorKind};
use crate::load::{Reloadable, faults};
use crate::report::Report;
use crate::source::{AnySource, BoxFuture, Fetched, Health, Trigger};
use crate::status::{SourceState, SourceStatus};

/// One source in the order of precedence, and what was last accepted from it.
pub(super) struct Layer {
    pub(super) source: Box<dyn AnySource>,
    pub(super) origin: Origin,
    pub(super) accepted: Option<Content>,
    /// When it came into the state in which it is.
    since: SystemTime,
    state: SourceState,
    /// How its last answer went wrong.
    failed: Option<SourceError>,
    /// Why it cannot tell of changes.
    deaf: Option<SourceError>,
    looked_at: Option<SystemTime>,
    health: Health,
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
            since: SystemTime::now(),
            state: SourceState::Initializing,
            failed: None,
            deaf: None,
            looked_at: None,
            health: Health::default(),
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(30)),
            deaf_until: None,
        }
    }

    /// Returns what the source holds now; nothing if that is what was last accepted.
    async fn fetch(&mut self, limit: Duration, trigger: Trigger) -> Result<Option<Content>, SourceError> {
        let known = self.accepted.as_ref().map(|content| &content.revision);
        let answer = timeout(limit, contained(&self.origin, || self.source.fetch(known, trigger))).await;
        let fetched = match answer {
            Ok(fetched) => fetched,
            Err(_) => Err(SourceError::new(
                SourceErrorKind::TimedOut,
                self.origin.clone(),
                format!("it did not answer within {limit:?}"),
            )),
        };
        self.failed = fetched.as_ref().err().cloned();
        self.looked_at = Some(SystemTime::now());
        if self.deaf_until.is_none() {
            self.deaf = None;
        }
        self.check();
        Ok(match fetched? {
            Fetched::NotModified => None,
            Fetched::Documents { revision, .. }
                if self.accepted.as_ref().is_some_and(|content| content.revision == revision) =>
            {
                None
            }
            Fetched::Documents { documents, revision } => Some(Content { revision, documents }),
        })
    }

    /// It cannot tell of changes, and is asked again then.
    pub(super) fn deafen(&mut self, error: SourceError, until: Instant) {
        self.deaf_until = Some(until);
        self.deaf = Some(error);
        self.check();
    }

    /// Finds out how the source is doing.
    pub(super) fn check(&mut self) {
        let health = catch_unwind(AssertUnwindSafe(|| self.source.health()));
        self.health = health.unwrap_or_default();
        let state = match (&self.failed, &self.deaf, &self.health.polls, self.looked_at) {
            (Some(_), ..) => SourceState::Interrupted,
            (_, Some(_), ..) | (_, _, Some(_), _) => SourceState::Polling,
            (.., None) => SourceState::Initializing,
            (.., Some(_)) => SourceState::Watching,
        };
        if state != self.state {
            self.state = state;
            self.since = SystemTime::now();
        }
    }

    pub(super) fn status(&self) -> SourceStatus {
        let deaf = self.deaf.as_ref().map(ToString::to_string);
        SourceStatus {
            origin: self.origin.clone(),
            state: self.state,
            since: self.since,
            reason: self.health.polls.clone().or_else(|| deaf.clone()),
            warning: self.health.warning.clone(),
            last_look: self.health.looked_at.or(self.looked_at),
            last_error: self.failed.as_ref().map(ToString::to_string).or(deaf),
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

/// How often layers that were swapped in the middle of a look are asked again.
const TRIES: usize = 3;

/// Asks every source, and gathers what is wrong with any of them. What several layers have in common, as a directory
/// that Kubernetes swaps, is read from one side of a swap.
pub(super) async fn fetch<T: Reloadable>(
    layers: &mut [Layer],
    limit: Duration,
    trigger: Trigger,
) -> Result<Vec<Option<Content>>, Error> {
    let is_alone = layers.len() == 1;
    let mut answers = Vec::with_capacity(layers.len());
    for layer in &mut *layers {
        answers.push(layer.fetch(limit, trigger).await);
    }
    for tries in 1.. {
        let mut is_one_side = true;
        for (layer, answer) in layers.iter_mut().zip(&mut answers) {
            // What one layer holds is from one side.
            if is_alone || answer.is_err() || layer.source.is_one_side() {
                continue;
            }
            is_one_side = false;
            *answer = if tries > TRIES {
                let message = "its links led elsewhere whenever it was read";
                Err(SourceError::new(SourceErrorKind::Unstable, layer.origin.clone(), message))
            } else {
                layer.fetch(limit, Trigger::Manual).await
            };
        }
        if is_one_side {
            break;
        }
    }
    let mut report = Report::new();
    let contents: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            answer.unwrap_or_else(|error| {
                report.push(error.into());
                None
            })
        })
        .collect();
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
        if let Some(content) = content {
            layer.source.accepted(&content.revision);
            layer.accepted = Some(content);
        }
    }
}
