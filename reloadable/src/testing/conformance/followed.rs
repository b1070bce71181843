//! The checks of the source under a reloader: what is in force, whatever becomes of what the source reads.

use std::time::Duration;

use crate::document::{Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};
use crate::reloader::{Builder, Reloader};
use crate::source::{AnySource, Asked, BoxFuture, Fetched, Health, Hint};
use crate::status::{ReloadOutcome, Status};
use crate::subscribe::Subscription;
use crate::testing::expect::state;

use super::content::{Held, halves, invalid, number_of, text};
use super::finding::Fault;
use super::in_time;
use super::rig::Rig;

/// So seldom that only a hint can have told of a change, also on a clock that is paused.
const NEVER: Duration = Duration::MAX;

/// So often that a change of which nobody is told is found at once.
const OFTEN: Duration = Duration::from_millis(20);

/// A reloader on a source, which holds document 1 at first.
struct Followed<R> {
    rig: R,
    config: Reloader<Held>,
    changes: Subscription<Held>,
    deadline: Duration,
}

impl<R: Rig> Followed<R> {
    async fn begin(rig: R, resync: Duration) -> Result<Self, Fault> {
        Self::with(rig, resync, |source| source).await
    }

    async fn with(
        mut rig: R,
        resync: Duration,
        wrap: impl Fn(Box<dyn AnySource>) -> Box<dyn AnySource>,
    ) -> Result<Self, Fault> {
        let sources = sources(&mut rig, resync).await?;
        let deadline = rig.deadline();
        let followed = Self::start(rig, sources.into_iter().map(wrap), resync, deadline).await?;
        match followed.number()? {
            1 => Ok(followed),
            number => {
                Err(Fault::Broken(format!("it started with document {number}, not with the one there")))
            }
        }
    }

    async fn replace(&mut self, number: u32) -> Result<(), Fault> {
        Ok(self.rig.replace(&text(self.rig.format(), number)?).await?)
    }

    fn must_tell(&self) -> Result<(), Fault> {
        must_tell(&self.rig)
    }

    /// How often to look: where there are hints, they are relied on.
    fn pace(rig: &R) -> Duration {
        if rig.tells() { NEVER } else { OFTEN }
    }
}

impl<R> Followed<R> {
    async fn start(
        rig: R,
        sources: impl IntoIterator<Item = Box<dyn AnySource>>,
        resync: Duration,
        deadline: Duration,
    ) -> Result<Self, Fault> {
        let builder = Reloader::<Held>::builder().resync(resync);
        let builder = sources.into_iter().fold(builder, Builder::any_source);
        let started = in_time(deadline, builder.start()).await;
        let config = started
            .ok_or_else(|| Fault::Broken("it did not start in time".to_owned()))?
            .map_err(|error| Fault::Broken(format!("it did not start: {error}")))?;
        let changes = config.subscribe();
        Ok(Self { rig, config, changes, deadline })
    }

    /// Returns the number of the document in force.
    fn number(&self) -> Result<u32, Fault> {
        number_of(&self.config.load()).map_err(|why| Fault::Broken(format!("in force is {why}")))
    }

    /// Waits for a document, and sees to it that all on the way there are whole and in order.
    async fn arrives(&mut self, number: u32) -> Result<(), Fault> {
        while self.number_seen()? != number {
            let before = self.changes.seen_snapshot().generation();
            let change = in_time(self.deadline, self.changes.changed()).await.ok_or_else(|| {
                Fault::Broken(format!("document {number} did not arrive: {}", state(&self.config)))
            })?;
            let change = change.map_err(|error| Fault::Broken(error.to_string()))?;
            if change.generation() <= before || change.generation() > self.config.snapshot().generation() {
                return Err(Fault::Broken("a change was told before it was in force".to_owned()));
            }
        }
        Ok(())
    }

    fn number_seen(&self) -> Result<u32, Fault> {
        number_of(self.changes.seen()).map_err(|why| Fault::Broken(format!("published was {why}")))
    }

    /// Waits for a status.
    async fn until(&self, what: &str, is_so: impl Fn(&Status) -> bool) -> Result<(), Fault> {
        let mut statuses = self.config.subscribe_status();
        let come = in_time(self.deadline, async {
            while !is_so(&self.config.status()) && statuses.changed().await.is_ok() {}
        });
        match come.await {
            Some(()) if is_so(&self.config.status()) => Ok(()),
            _ => Err(Fault::Broken(format!("{what}: {}", state(&self.config)))),
        }
    }

    /// Waits until what is there now was refused, and sees to it that this has changed nothing.
    async fn is_refused(&self, number: u32, what: &str) -> Result<(), Fault> {
        let generation = self.changes.seen_snapshot().generation();
        let is_settled = |status: &Status| status.last_error.is_some() || status.generation != generation;
        self.until(&format!("{what} was neither refused nor told"), is_settled).await?;
        let force = self.number();
        if self.config.snapshot().generation() != generation || force.as_ref().ok() != Some(&number) {
            let force = match force {
                Err(Fault::Broken(why)) => why,
                _ => "another document is in force".to_owned(),
            };
            return Err(Fault::Broken(format!("{what} changed the running value: {force}")));
        }
        Ok(())
    }
}

/// Puts document 1 there, and returns what reads it.
async fn sources<R: Rig>(rig: &mut R, resync: Duration) -> Result<Vec<Box<dyn AnySource>>, Fault> {
    rig.replace(&text(rig.format(), 1)?).await?;
    let sources = rig.attach(Reloader::<Held>::builder().resync(resync)).into_sources();
    sources.map_err(|error| Fault::Broken(error.to_string()))
}

fn must_tell(rig: &impl Rig) -> Result<(), Fault> {
    match rig.tells() {
        true => Ok(()),
        false => Err(Fault::NotApplicable("the source does not tell of changes".to_owned())),
    }
}

/// After the last of several changes, the last is in force, by the source's own hints.
pub(super) async fn final_content<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut followed = Followed::with(rig, NEVER, Unasked::since(Since::AnError)).await?;
    followed.must_tell()?;
    for last in [5, 6, 12] {
        let first = followed.number_seen()? + 1;
        for number in first..=last {
            followed.replace(number).await?;
        }
        followed.arrives(last).await?;
    }
    Ok(())
}

/// A change of which nobody is told is found by the next look.
pub(super) async fn lost_hint<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut followed = Followed::with(rig, OFTEN, Unasked::since(Since::Now)).await?;
    for number in 2..=4 {
        followed.replace(number).await?;
        followed.arrives(number).await?;
    }
    Ok(())
}

/// A change between the first look and the first wait is not missed.
pub(super) async fn first_load<R: Rig>(mut rig: R) -> Result<(), Fault> {
    must_tell(&rig)?;
    let deadline = rig.deadline();
    let mut sources = sources(&mut rig, NEVER).await?;
    if let Some(source) = sources.pop() {
        let edited = Edited { source, rig, is_edited: false };
        sources.push(Unasked::since(Since::AnError)(Box::new(edited)));
    }
    Followed::start((), sources, NEVER, deadline).await?.arrives(2).await
}

/// What is no document, or none for the type, changes nothing, and a good one after it is taken.
pub(super) async fn invalid_content<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    for (number, text) in (2..).zip(invalid(followed.rig.format())?) {
        followed.rig.replace(&text).await?;
        followed.is_refused(number - 1, "a document that is not valid").await?;
        followed.replace(number).await?;
        followed.arrives(number).await?;
    }
    Ok(())
}

/// An empty document is no configuration of defaults.
pub(super) async fn empty_content<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    followed.rig.replace("").await?;
    followed.is_refused(1, "an empty document").await?;
    followed.replace(2).await?;
    followed.arrives(2).await
}

/// Half of a document is never published.
pub(super) async fn torn_content<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    for number in 2..=4 {
        let [first, second] = halves(followed.rig.format(), number)?;
        followed.rig.tear(&first, &second).await?;
        followed.arrives(number).await?;
        let generation = followed.config.snapshot().generation();
        if generation != u64::from(number) {
            return Err(Fault::Broken(format!("{generation} generations were made of {number} documents")));
        }
    }
    Ok(())
}

/// A source that has vanished changes nothing, and is never a configuration of defaults.
pub(super) async fn missing<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    followed.rig.remove().await?;
    followed.is_refused(1, "a document that is gone").await
}

/// A source that cannot be read changes nothing, and is read again when it can.
pub(super) async fn unreadable<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    followed.rig.block().await?;
    followed.is_refused(1, "a document that cannot be read").await?;
    followed.replace(2).await?;
    followed.arrives(2).await?;
    followed.until("it is read again, but said to be unreadable", Status::is_healthy).await
}

/// A document that is deleted and made anew is followed as before.
pub(super) async fn recreated<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    for number in 2..=5 {
        followed.rig.remove().await?;
        if number % 2 == 0 {
            followed.is_refused(number - 1, "a document that is gone").await?;
        }
        followed.replace(number).await?;
        followed.arrives(number).await?;
    }
    Ok(())
}

/// A place that is swapped for another is followed there.
pub(super) async fn relocated<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    for number in [2, 4, 6] {
        let text = text(followed.rig.format(), number)?;
        followed.rig.relocate(&text).await?;
        followed.arrives(number).await?;
        followed.replace(number + 1).await?;
        followed.arrives(number + 1).await?;
    }
    Ok(())
}

/// To take back a bad edit is no change, and ends the failure; to ask has one outcome.
pub(super) async fn reverted<R: Rig>(rig: R) -> Result<(), Fault> {
    let pace = Followed::pace(&rig);
    let mut followed = Followed::begin(rig, pace).await?;
    let [bad, _] = invalid(followed.rig.format())?;
    followed.rig.replace(&bad).await?;
    followed.is_refused(1, "a document that is not valid").await?;
    followed.replace(1).await?;
    followed.until("the bad edit was taken back, but is still a failure", Status::is_healthy).await?;
    let status = followed.config.status();
    if status.generation != 1 || !matches!(status.last_outcome(), ReloadOutcome::Unchanged) {
        return Err(Fault::Broken(format!(
            "what was there before is not `unchanged`: {}",
            state(&followed.config)
        )));
    }
    let outcome = in_time(followed.deadline, followed.config.reload()).await;
    match (outcome, followed.config.status().attempts - status.attempts) {
        (Some(ReloadOutcome::Unchanged), 1) => Ok(()),
        (Some(outcome), attempts) => {
            Err(Fault::Broken(format!("who asked got `{outcome}`, which was made of {attempts} attempts")))
        }
        (None, _) => Err(Fault::Broken("who asked got no outcome".to_owned())),
    }
}

/// Is not asked whether it has changed, or not any more.
struct Unasked {
    source: Box<dyn AnySource>,
    since: Since,
}

#[derive(Clone, Copy, PartialEq)]
enum Since {
    Now,
    /// A reloader would look at it then, and ask again, so that no hint is needed.
    AnError,
}

impl Unasked {
    fn since(since: Since) -> impl Fn(Box<dyn AnySource>) -> Box<dyn AnySource> {
        move |source| Box::new(Self { source, since })
    }
}

/// Is edited in the middle of the first look, when it has been read.
struct Edited<R> {
    source: Box<dyn AnySource>,
    rig: R,
    is_edited: bool,
}

impl AnySource for Unasked {
    fn origin(&self) -> Origin {
        self.source.origin()
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        self.source.fetch(known, asked)
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        Box::pin(async move {
            if self.since == Since::Now {
                return std::future::pending().await;
            }
            match self.source.changed().await {
                Ok(hint) => Ok(hint),
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn accepted(&mut self, revision: &Revision) {
        self.source.accepted(revision);
    }

    fn is_one_side(&self) -> bool {
        self.source.is_one_side()
    }

    fn health(&self) -> Health {
        self.source.health()
    }
}

impl<R: Rig> AnySource for Edited<R> {
    fn origin(&self) -> Origin {
        self.source.origin()
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            let fetched = self.source.fetch(known, asked).await;
            if !std::mem::replace(&mut self.is_edited, true) {
                let text = text(self.rig.format(), 2).unwrap_or_default();
                if let Err(error) = self.rig.replace(&text).await {
                    let message = format!("the rig failed: {error:?}");
                    return Err(SourceError::new(SourceErrorKind::Other, self.origin(), message));
                }
            }
            fetched
        })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        self.source.changed()
    }

    fn accepted(&mut self, revision: &Revision) {
        self.source.accepted(revision);
    }

    fn is_one_side(&self) -> bool {
        self.source.is_one_side()
    }

    fn health(&self) -> Health {
        self.source.health()
    }
}
