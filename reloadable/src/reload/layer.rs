//! The layers: each a source, and what was last accepted from it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until, timeout};

#[cfg(feature = "fs")]
use super::stand_in::StandIn;
use crate::backoff::Backoff;
use crate::document::{Document, Origin, Revision};
use crate::error::{Error, ErrorKind, SourceError, SourceErrorKind};
use crate::layer::{LayerSettings, Layers, Lints};
use crate::load::{Reloadable, faults};
use crate::report::Report;
use crate::source::{AnySource, Asked, Fetched, Health, Hint, Overrides, contained};
use crate::status::{SourceState, SourceStatus};

/// One source in the order of precedence, and what was last accepted from it.
pub(super) struct Layer<S: ?Sized = dyn AnySource> {
    pub(super) source: Box<S>,
    pub(super) origin: Origin,
    pub(super) accepted: Option<Content>,
    /// What is in force in its place, until something is accepted.
    stand_in: Option<Content>,
    /// When it came into the state in which it is.
    since: SystemTime,
    state: SourceState,
    /// How its last answer went wrong.
    failed: Option<SourceError>,
    /// Why it cannot tell of changes.
    deaf: Option<SourceError>,
    looked_at: Option<SystemTime>,
    health: Health,
    backoff: Backoff,
    /// It has told of a complete change that was not looked at yet.
    has_hinted: bool,
    /// How often it has told something since it was looked at, and since when.
    told: u32,
    told_since: Option<Instant>,
    /// One that tells all the time is not asked before then.
    ask_at: Option<Instant>,
    /// The source cannot tell of changes; it is asked again then.
    pub(super) deaf_until: Option<Instant>,
}

/// What became known of a source.
pub(super) enum Told {
    Hint(Hint),
    /// How it is doing, and no more.
    Looked,
}

#[derive(Clone)]
pub(super) struct Content {
    pub(super) revision: Revision,
    pub(super) documents: Vec<Document>,
}

impl<S: AnySource + ?Sized> Layer<S> {
    pub(super) fn new(source: Box<S>) -> Self {
        let origin = catch_unwind(AssertUnwindSafe(|| source.origin()));
        Self {
            source,
            origin: origin.unwrap_or_else(|_| Origin::named("a source without a name")),
            accepted: None,
            stand_in: None,
            since: SystemTime::now(),
            state: SourceState::Initializing,
            failed: None,
            deaf: None,
            looked_at: None,
            health: Health::default(),
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(30)),
            has_hinted: false,
            told: 0,
            told_since: None,
            ask_at: None,
            deaf_until: None,
        }
    }

    /// Returns what the source holds now; nothing if that is what was last accepted.
    pub(super) async fn fetch(
        &mut self,
        limit: Duration,
        asked: Asked,
    ) -> Result<Option<Content>, SourceError> {
        let known = self.accepted.as_ref().map(|content| &content.revision);
        let answer = timeout(limit, contained(&self.origin, || self.source.fetch(known, asked))).await;
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

    /// What was fetched is in force now.
    pub(super) fn accept(&mut self, content: Content) {
        self.source.accepted(&content.revision);
        self.accepted = Some(content);
        self.stand_in = None;
    }

    /// Returns what is in force of it.
    fn in_force(&self) -> Option<&Content> {
        self.accepted.as_ref().or(self.stand_in.as_ref())
    }

    /// Takes in that it was told of a change, or that it could not be told. A source that cannot tell is asked again
    /// later, at first soon; one that tells of a change that nobody `looks` at, only after that look.
    pub(super) fn told(
        &mut self,
        hint: Result<Option<Hint>, SourceError>,
        longest: Duration,
        looks: bool,
    ) -> Told {
        match hint {
            Ok(hint) => {
                self.backoff.reset();
                let now = Instant::now();
                self.told = self.told.saturating_add(1);
                let lasts = now - *self.told_since.get_or_insert(now);
                self.ask_at = breath(self.told, lasts).map(|breath| now + breath);
                self.has_hinted |= hint == Some(Hint::Complete) || (hint.is_some() && !looks);
                self.check();
                hint.map_or(Told::Looked, Told::Hint)
            }
            Err(error) => {
                let wait = self.backoff.next().unwrap_or(longest);
                self.deafen(error, Instant::now() + wait);
                Told::Looked
            }
        }
    }

    /// Waits until it tells something.
    pub(super) async fn hint(&mut self) -> Result<Option<Hint>, SourceError> {
        if let Some(at) = self.ask_at {
            sleep_until(at).await;
        }
        let Self { source, origin, .. } = self;
        contained(origin, || source.changed()).await
    }

    /// Tells whether it is to be asked for hints. After one of a complete change it would say the same again and
    /// again until it is looked at.
    pub(super) fn listens(&self, now: Instant) -> bool {
        !self.has_hinted && self.deaf_until.is_none_or(|until| until <= now)
    }

    /// An attempt begins, which will look at it.
    pub(super) fn begin(&mut self, now: Instant) {
        self.has_hinted = false;
        (self.told, self.told_since, self.ask_at) = (0, None, None);
        self.deaf_until = self.deaf_until.filter(|until| *until > now);
    }

    /// It cannot tell of changes, and is asked again then.
    fn deafen(&mut self, error: SourceError, until: Instant) {
        self.deaf_until = Some(until);
        self.deaf = Some(error);
        self.check();
    }

    /// Finds out how the source is doing.
    fn check(&mut self) {
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

/// What was queued while nobody asked is told in less, and is over then; what still tells after that tells all the time.
const STORM: Duration = Duration::from_millis(50);

/// More than is queued for one reloader. A source that is always ready keeps a paused clock where it is.
const ENDLESS: u32 = 10_000;

/// Returns for how long a source is left alone that has told something so often for so long: it may do so until it is
/// looked at, and that may be a while, but what it tells last must not be late.
fn breath(told: u32, lasts: Duration) -> Option<Duration> {
    let milliseconds = (told / 100).min(16);
    let is_over = lasts > STORM || told > ENDLESS;
    (is_over && milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
}

/// How many documents an attempt names.
const CHANGED: usize = 100;

/// How often layers that were swapped in the middle of a look are asked again.
pub(super) const TRIES: usize = 3;

/// All layers, the last on top.
pub(super) struct Stack {
    pub(super) sources: Vec<Layer>,
    /// The last are those of the overrides.
    settings: Arc<[LayerSettings]>,
    lints: Lints,
    pub(super) overrides: Overrides,
}

impl Stack {
    pub(super) fn new(layers: Vec<(LayerSettings, Box<dyn AnySource>)>, lints: Lints) -> Self {
        let (mut settings, sources): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
        settings.push(Overrides::layer());
        let sources = sources.into_iter().map(Layer::new).collect();
        Self { sources, settings: settings.into(), lints, overrides: Overrides::default() }
    }

    /// What all layers hold: what is new of it where there is something.
    pub(super) fn layers(&self, contents: &[Option<Content>]) -> Layers {
        let newest = self.sources.iter().zip(contents).enumerate();
        let newest = newest
            .filter_map(|(number, (layer, content))| Some((number, content.as_ref().or(layer.in_force())?)));
        let documents = newest.flat_map(|(number, content)| {
            content.documents.iter().map(move |document| (number, document.clone()))
        });
        let overrides = self.overrides.document().map(|document| (self.sources.len(), document));
        Layers {
            documents: documents.chain(overrides).collect(),
            settings: Arc::clone(&self.settings),
            lints: self.lints,
        }
    }

    /// Names the documents that are others than those last accepted; nothing at the first load.
    pub(super) fn changed(&self, contents: &[Option<Content>]) -> Vec<Origin> {
        let mut changed = Vec::new();
        for (layer, content) in self.sources.iter().zip(contents) {
            let (Some(content), Some(accepted)) = (content, layer.in_force()) else { continue };
            let mut before: HashMap<_, _> =
                accepted.documents.iter().map(|document| (document.origin(), document.bytes())).collect();
            for document in &content.documents {
                if before.remove(document.origin()) != Some(document.bytes()) {
                    changed.push(document.origin().clone());
                }
            }
            changed.extend(
                accepted
                    .documents
                    .iter()
                    .map(Document::origin)
                    .filter(|gone| before.contains_key(gone))
                    .cloned(),
            );
        }
        changed.truncate(CHANGED);
        changed
    }

    #[cfg(feature = "fs")]
    pub(super) fn settings(&self) -> Arc<[LayerSettings]> {
        Arc::clone(&self.settings)
    }

    /// Puts layers that give these documents in the place of those for which there are some, and returns the latter.
    #[cfg(feature = "fs")]
    pub(super) fn stand_in(
        &mut self,
        documents: impl Iterator<Item = Option<Vec<Document>>>,
    ) -> Vec<Option<Layer>> {
        let layers = self.sources.iter_mut().zip(documents);
        let stood_in = layers.map(|(layer, documents)| {
            let stand_in = StandIn { origin: layer.origin.clone(), documents: documents? };
            Some(std::mem::replace(layer, Layer::new(Box::new(stand_in))))
        });
        stood_in.collect()
    }

    /// Puts the layers back; what was accepted of those in their place is in force until something else is.
    #[cfg(feature = "fs")]
    pub(super) fn stand_back(&mut self, stood_in: Vec<Option<Layer>>) {
        for (layer, real) in self.sources.iter_mut().zip(stood_in) {
            if let Some(real) = real {
                let stand_in = std::mem::replace(layer, real);
                layer.stand_in = stand_in.accepted;
            }
        }
    }

    /// Tells whether something is in force that no source has given.
    #[cfg(feature = "fs")]
    pub(super) fn is_stood_in(&self) -> bool {
        self.sources.iter().any(|layer| layer.stand_in.is_some())
    }

    /// Leaves out of these marks what was accepted since, so that they are those of the next look if nothing changes.
    pub(super) fn still_news<M>(&self, marks: Vec<Option<M>>) -> Vec<Option<M>> {
        let is_news = self.sources.iter().map(|layer| layer.accepted.is_none());
        // What is behind the layers are the files that fields name.
        marks
            .into_iter()
            .zip(is_news.chain([false]))
            .map(|(mark, is_news)| mark.filter(|_| is_news))
            .collect()
    }

    /// Says that what was accepted last is still there.
    pub(super) fn unchanged(&self) -> Vec<Option<Content>> {
        self.sources.iter().map(|_| None).collect()
    }

    /// The cursors move only now that what was fetched has been accepted.
    pub(super) fn accept(&mut self, contents: Vec<Option<Content>>) {
        for (layer, content) in self.sources.iter_mut().zip(contents) {
            if let Some(content) = content {
                layer.accept(content);
            }
        }
    }
}

/// Asks every source, and gathers what is wrong with any of them. What several layers have in common, as a directory
/// that Kubernetes swaps, is read from one side of a swap.
pub(super) async fn fetch<T: Reloadable>(
    stack: &mut Stack,
    limit: Duration,
    asked: Asked,
) -> Result<Vec<Option<Content>>, Error> {
    let layers = &mut stack.sources;
    let is_alone = layers.len() == 1;
    let mut answers = Vec::with_capacity(layers.len());
    for layer in &mut *layers {
        answers.push(layer.fetch(limit, asked).await);
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
                Err(swapped(&layer.origin))
            } else {
                layer.fetch(limit, Asked::Manual).await
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
    let fetched =
        contents.iter().enumerate().filter_map(|(number, content)| Some((number, content.as_ref()?)));
    let fetched = fetched.flat_map(|(number, content)| {
        content.documents.iter().map(move |document| (number, document.clone()))
    });
    let fetched =
        Layers { documents: fetched.collect(), settings: Arc::clone(&stack.settings), lints: stack.lints };
    report.append(faults::<T>(&fetched));
    Err(Error::new(ErrorKind::Unavailable, report))
}

/// Says that there was no moment in which everything stood still.
pub(super) fn swapped(origin: &Origin) -> SourceError {
    let message = "its links led elsewhere whenever it was read";
    SourceError::new(SourceErrorKind::Unstable, origin.clone(), message)
}
