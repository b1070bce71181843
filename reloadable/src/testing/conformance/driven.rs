//! The checks of the source alone: what it says to those who ask it, however and whenever they stop asking.

use std::time::Duration;

use crate::document::{Document, Revision};
use crate::error::SourceError;
use crate::reloader::Reloader;
use crate::source::{AnySource, Asked, Fetched};
use crate::testing::deadline::{polled, within};

use super::content::{Held, invalid, number_in, text};
use super::finding::{Fault, holds_secret};
use super::in_time;
use super::rig::Rig;

/// How often a future is polled at most before it is dropped. Whatever awaits more often is tried after that many.
const POLLS: usize = 6;

/// How often in a row a source may have something to tell although nothing happens.
const HINTS: usize = 20;

/// How long nothing may be told after that: on the clock of the machine as long as anybody likes to wait, and on one that
/// is paused, longer than the time after which a source is looked at anyway.
const SILENCE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(60)];

/// How long a source is listened to for what it says of itself.
const LISTEN: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(60)];

/// A source without a reloader, and what is known of it.
struct Driven<R> {
    rig: R,
    source: Box<dyn AnySource>,
    known: Option<Revision>,
    deadline: Duration,
}

impl<R: Rig> Driven<R> {
    /// Holds document 1, which was fetched and accepted.
    async fn begin(rig: R) -> Result<Self, Fault> {
        let mut driven = Self::unread(rig).await?;
        driven.catches_up(1).await?;
        Ok(driven)
    }

    async fn unread(mut rig: R) -> Result<Self, Fault> {
        rig.replace(&text(rig.format(), 1)?).await?;
        let builder = rig.attach(Reloader::<Held>::builder());
        let sources = builder.into_sources().map_err(|error| Fault::Broken(format!("{error}")))?;
        let source = sources.into_iter().next_back();
        let source = source.ok_or_else(|| Fault::Broken("the rig attached no layer".to_owned()))?;
        let deadline = rig.deadline();
        Ok(Self { rig, source, known: None, deadline })
    }

    async fn replace(&mut self, number: u32) -> Result<(), Fault> {
        Ok(self.rig.replace(&text(self.rig.format(), number)?).await?)
    }

    async fn fetch(&mut self, known: Option<&Revision>) -> Result<Result<Fetched, SourceError>, Fault> {
        let fetched = in_time(self.deadline, self.source.fetch(known, Asked::Manual)).await;
        fetched.ok_or_else(|| Fault::Broken("fetch() gave no answer".to_owned()))
    }

    /// Fetches until there is this document, as somebody does who was told of a change, and accepts it.
    async fn catches_up(&mut self, number: u32) -> Result<(), Fault> {
        let mut known = self.known.clone();
        let (revision, _) = self.fetched(known.take().as_ref(), number).await?;
        self.source.accepted(&revision);
        self.known = Some(revision);
        Ok(())
    }

    /// Fetches until there is this document, but accepts nothing.
    async fn fetched(
        &mut self,
        known: Option<&Revision>,
        number: u32,
    ) -> Result<(Revision, Vec<Document>), Fault> {
        let mut last = String::new();
        let found = in_time(self.deadline, async {
            // What is on its way may take a moment; what is not would be asked for without a pause.
            let mut pause = tokio::time::interval(Duration::from_millis(10));
            loop {
                pause.tick().await;
                last = match self.source.fetch(known, Asked::Manual).await {
                    Ok(Fetched::Documents { documents, revision }) => match number_in(&documents) {
                        Ok(found) if found == number => return (revision, documents),
                        Ok(found) => format!("document {found}"),
                        Err(why) => why,
                    },
                    Ok(Fetched::NotModified) => "not modified".to_owned(),
                    Err(error) => error.to_string(),
                };
            }
        })
        .await;
        found.ok_or_else(|| Fault::Broken(format!("fetch() did not find document {number}, but {last}")))
    }

    /// Waits for a hint.
    async fn told(&mut self) -> Result<(), Fault> {
        let told = in_time(self.deadline, hint(&mut *self.source)).await;
        told.ok_or_else(|| Fault::Broken("changed() told nothing".to_owned()))?.map_err(cannot_tell)
    }

    /// Gathers what a source says when it is asked for changes, and of how it is doing.
    async fn listen(&mut self, said: &mut Vec<String>) -> Result<(), Fault> {
        let [running, paused] = LISTEN;
        for _ in 0..HINTS {
            match within(running, paused, self.source.changed()).await {
                None => break,
                Some(Err(error)) => {
                    said.push(error.to_string());
                    break;
                }
                Some(Ok(_)) => {
                    if let Err(error) = self.fetch(None).await? {
                        said.push(error.to_string());
                    }
                }
            }
        }
        let health = self.source.health();
        said.extend(health.polls.into_iter().chain(health.warning));
        Ok(())
    }

    fn must_tell(&self) -> Result<(), Fault> {
        match self.rig.tells() {
            true => Ok(()),
            false => Err(Fault::NotApplicable("the source does not tell of changes".to_owned())),
        }
    }
}

/// Waits for a hint; that a source only looked is none.
async fn hint(source: &mut dyn AnySource) -> Result<(), SourceError> {
    while source.changed().await?.is_none() {}
    Ok(())
}

/// Nothing stood in its way, so that an error is no excuse.
fn cannot_tell(error: SourceError) -> Fault {
    Fault::Broken(format!("changed() failed although nothing was wrong: {error}"))
}

/// Documents, errors and absence are answers; a panic is none.
pub(super) async fn answers<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::begin(rig).await?;
    for text in invalid(driven.rig.format())?.into_iter().chain([String::new()]) {
        driven.rig.replace(&text).await?;
        let _ = driven.fetch(None).await?;
    }
    for away in [true, false] {
        let done = if away { driven.rig.remove().await } else { driven.rig.block().await };
        match done.map_err(Fault::from) {
            Err(Fault::NotApplicable(_)) => continue,
            done => done?,
        }
        let known = driven.known.clone();
        if let Ok(fetched) = driven.fetch(known.as_ref()).await? {
            let what = match fetched {
                Fetched::NotModified => "not modified".to_owned(),
                Fetched::Documents { documents, .. } => format!("{} documents", documents.len()),
            };
            return Err(Fault::Broken(format!("there is nothing to be read, but fetch() answered: {what}")));
        }
    }
    driven.replace(2).await?;
    driven.known = None;
    driven.catches_up(2).await
}

/// The revision is another one where the content is, and "not modified" is said only to who knows the very one.
pub(super) async fn revision<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::unread(rig).await?;
    let (first, _) = driven.fetched(None, 1).await?;
    let foreign = Revision::new("a revision that this source never gave");
    for (known, who) in [(None, "nothing"), (Some(&foreign), "a revision that it never gave")] {
        if let Ok(Fetched::NotModified) = driven.fetch(known).await? {
            return Err(Fault::Broken(format!("it says \"not modified\" to who knows {who}")));
        }
    }
    driven.source.accepted(&first);
    for known in [Some(&first), None] {
        if let Ok(Fetched::Documents { documents, revision }) = driven.fetch(known).await? {
            number_in(&documents).map_err(Fault::Broken)?;
            if revision != first {
                let why = "the same content has another revision at the next look";
                return Err(Fault::Broken(why.to_owned()));
            }
        }
    }
    driven.replace(2).await?;
    let (second, _) = driven.fetched(Some(&first), 2).await?;
    if first == second {
        return Err(Fault::Broken("two contents have the same revision".to_owned()));
    }
    // It was given, but never accepted: whoever asks still knows the first.
    driven.fetched(Some(&first), 2).await?;
    driven.source.accepted(&second);
    driven.fetched(Some(&first), 2).await?;
    driven.replace(1).await?;
    let (third, _) = driven.fetched(Some(&second), 1).await?;
    if third == second {
        return Err(Fault::Broken("two contents have the same revision".to_owned()));
    }
    Ok(())
}

/// A wait that is dropped, after however many polls, loses no hint.
pub(super) async fn dropped_wait<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::begin(rig).await?;
    driven.must_tell()?;
    for polls in 0..=POLLS {
        let number = 2 + polls as u32;
        // One that began before the change, and one that is in the middle of telling it.
        if let Some(Err(error)) = polled(hint(&mut *driven.source), 1).await {
            return Err(cannot_tell(error));
        }
        driven.replace(number).await?;
        let told = in_time(driven.deadline, polled(hint(&mut *driven.source), polls)).await;
        let lost =
            || Fault::Broken(format!("a hint was lost with a wait that was dropped after {polls} polls"));
        match told.ok_or_else(lost)? {
            Some(told) => told.map_err(cannot_tell)?,
            None => {
                let told = in_time(driven.deadline, hint(&mut *driven.source)).await;
                told.ok_or_else(lost)?.map_err(cannot_tell)?;
            }
        }
        driven.catches_up(number).await?;
    }
    Ok(())
}

/// A look that is dropped, after however many polls, keeps nothing from the next one.
pub(super) async fn dropped_fetch<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::begin(rig).await?;
    for polls in 0..=POLLS {
        let number = 2 + polls as u32;
        driven.replace(number).await?;
        let known = driven.known.clone();
        let source = &mut driven.source;
        let look = polled(source.fetch(known.as_ref(), Asked::Manual), polls);
        let dropped = in_time(driven.deadline, look).await;
        dropped.ok_or_else(|| Fault::Broken("fetch() asks to be polled no more".to_owned()))?;
        driven.catches_up(number).await.map_err(|fault| match fault {
            Fault::Broken(why) => {
                Fault::Broken(format!("after one that was dropped after {polls} polls, {why}"))
            }
            other => other,
        })?;
    }
    Ok(())
}

/// One change after the other is told, for as long as anybody listens.
pub(super) async fn keeps_telling<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::begin(rig).await?;
    driven.must_tell()?;
    for number in 2..=12 {
        driven.replace(number).await?;
        driven.told().await.map_err(|fault| match fault {
            Fault::Broken(why) => {
                Fault::Broken(format!("after {} changes that it told of: {why}", number - 2))
            }
            other => other,
        })?;
        driven.catches_up(number).await?;
    }
    Ok(())
}

/// While nothing happens, nothing is told: what is left of the last change may be, and then there is silence.
pub(super) async fn quiet<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::begin(rig).await?;
    let [running, paused] = SILENCE;
    for _ in 0..HINTS {
        match within(running, paused, hint(&mut *driven.source)).await {
            Some(Ok(())) => {
                let known = driven.known.clone();
                let _ = driven.fetch(known.as_ref()).await?;
            }
            Some(Err(error)) if driven.rig.tells() => return Err(cannot_tell(error)),
            Some(Err(_)) | None => return Ok(()),
        }
    }
    Err(Fault::Broken(format!("it told of {HINTS} changes in a row, but there was none")))
}

/// The origin is always the same, and nothing that is said of it holds a secret.
pub(super) async fn origin<R: Rig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::unread(rig).await?;
    let (_, documents) = driven.fetched(None, 1).await?;
    let origin = driven.source.origin();
    let mut said = vec![origin.to_string()];
    said.extend(documents.iter().map(|document| document.origin().to_string()));
    driven.listen(&mut said).await?;
    for away in [true, false] {
        let done = if away { driven.rig.remove().await } else { driven.rig.block().await };
        match done.map_err(Fault::from) {
            Err(Fault::NotApplicable(_)) => continue,
            done => done?,
        }
        if let Err(error) = driven.fetch(None).await? {
            said.push(error.to_string());
        }
        driven.listen(&mut said).await?;
    }
    if driven.source.origin() != origin {
        return Err(Fault::Broken(format!("it was {origin}, and is {} now", driven.source.origin())));
    }
    if said[0].trim().is_empty() {
        return Err(Fault::Broken("it has no name".to_owned()));
    }
    let secrets = driven.rig.secrets();
    match said.iter().position(|text| holds_secret(text, &secrets)) {
        // What it says is not repeated.
        Some(0) => Err(Fault::Broken("a secret is in the origin of the source".to_owned())),
        Some(_) => Err(Fault::Broken(
            "a secret is in the origin of a document, in an error, or in what it says of how it is doing"
                .to_owned(),
        )),
        None => Ok(()),
    }
}
