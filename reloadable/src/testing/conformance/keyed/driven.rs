//! A source of many objects that is asked without an informer, and what is known of it.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Poll;
use std::time::Duration;

use super::rig::KeyedRig;
use crate::document::Revision;
use crate::error::{SourceError, SourceErrorKind};
use crate::source::{
    AnyKeyedSource, Changed, Delta, Held, Incarnation, Item, KeyedDocument, KeyedSource, Listed, Listing,
};
use crate::testing::conformance::content::{number_in, text};
use crate::testing::conformance::finding::Fault;
use crate::testing::conformance::in_time;

pub(super) type KeyOf<R> = <<R as KeyedRig>::Source as KeyedSource>::Key;

/// So many objects are named where something is wrong.
const SHOWN: usize = 10;

/// How long a source is listened to between two lists.
const MOMENT: Duration = Duration::from_millis(50);

/// What is known of an object.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Which document it holds, or why that is not known.
    pub(super) number: Result<u32, String>,
    pub(super) revision: Option<Revision>,
    pub(super) incarnation: Option<Incarnation>,
}

/// What a list handed over.
pub(super) struct Gathered<K> {
    pub(super) items: Vec<Item<K>>,
    pub(super) listed: Listed,
}

pub(super) struct Driven<R: KeyedRig> {
    pub(super) rig: R,
    pub(super) source: R::Source,
    pub(super) objects: BTreeMap<KeyOf<R>, Seen>,
    pub(super) cursor: Option<Revision>,
    /// Each document of which deltas told, by its object.
    pub(super) told: Vec<(KeyOf<R>, u32)>,
    pub(super) said: Vec<String>,
    pub(super) deadline: Duration,
}

pub(super) fn broken(why: impl Into<String>) -> Fault {
    Fault::Broken(why.into())
}

impl<R: KeyedRig> Driven<R> {
    /// Has not asked for anything yet, and there is nothing.
    pub(super) fn new(mut rig: R) -> Self {
        let source = rig.source();
        let deadline = rig.deadline();
        Self {
            rig,
            source,
            objects: BTreeMap::new(),
            cursor: None,
            told: Vec::new(),
            said: Vec::new(),
            deadline,
        }
    }

    /// Has listed these objects.
    pub(super) async fn holding(rig: R, objects: &[(&str, u32)]) -> Result<Self, Fault> {
        let mut driven = Self::new(rig);
        for (name, number) in objects {
            driven.put(name, *number).await?;
        }
        driven.lists(objects).await?;
        Ok(driven)
    }

    pub(super) async fn put(&mut self, name: &str, number: u32) -> Result<(), Fault> {
        Ok(self.rig.put(name, &text(self.rig.format(), number)?).await?)
    }

    pub(super) fn seen(&self, name: &str) -> Option<&Seen> {
        self.objects.get(&self.rig.key(name))
    }

    pub(super) fn revision_of(&self, name: &str) -> Option<Revision> {
        self.seen(name)?.revision.clone()
    }

    /// Lists, as one who knows these revisions of the objects, and polls so often at most; nothing if that was not enough.
    pub(super) async fn list_knowing(
        &mut self,
        known: HashMap<KeyOf<R>, Held>,
        polls: Option<usize>,
    ) -> Result<Option<Result<Gathered<KeyOf<R>>, SourceError>>, Fault> {
        let (listing, mut taken) = Listing::new(Arc::new(known), self.cursor.clone());
        let mut items = Vec::new();
        let mut left = polls;
        let listed = {
            let mut list = pin!(AnyKeyedSource::list(&mut self.source, listing));
            let listing = poll_fn(|context| {
                if left == Some(0) {
                    return Poll::Ready(None);
                }
                left = left.map(|left| left - 1);
                let polled = list.as_mut().poll(context);
                while let Poll::Ready(Some(item)) = taken.poll_recv(context) {
                    items.push(item);
                }
                match polled {
                    Poll::Pending if left == Some(0) => Poll::Ready(None),
                    polled => polled.map(Some),
                }
            });
            let listed = in_time(self.deadline, listing).await;
            listed.ok_or_else(|| broken("list() gave no answer"))?
        };
        while let Ok(item) = taken.try_recv() {
            items.push(item);
        }
        if let Some(Err(error)) = &listed {
            self.said.push(error.to_string());
        }
        Ok(listed.map(|listed| listed.map(|listed| Gathered { items, listed })))
    }

    /// What an informer would know.
    pub(super) fn known(&self) -> HashMap<KeyOf<R>, Held> {
        let known = self.objects.iter().map(|(key, seen)| (key.clone(), held(seen.revision.clone())));
        known.collect()
    }

    /// Lists, and takes what that gives for all there is.
    pub(super) async fn list(&mut self) -> Result<Result<(), SourceError>, Fault> {
        let listed = self.list_knowing(self.known(), None).await?;
        let Some(listed) = listed else { return Err(broken("list() gave no answer")) };
        let Gathered { items, listed } = match listed {
            Ok(gathered) => gathered,
            Err(error) => return Ok(Err(error)),
        };
        let mut objects = BTreeMap::new();
        for item in items {
            let (key, seen) = match item {
                Item::Document(document) => self.read(document),
                Item::Unchanged(key) => match self.objects.get(&key) {
                    Some(seen) if seen.revision.is_some() => (key, seen.clone()),
                    _ => return Err(broken(format!("{key:?} is said to be unchanged, but nobody knows it"))),
                },
                Item::Unreadable(key, error) => self.unreadable(key, &error),
            };
            if objects.insert(key.clone(), seen).is_some() {
                return Err(broken(format!("{key:?} was handed over twice in one list")));
            }
        }
        self.objects = objects;
        self.cursor = listed.revision;
        Ok(Ok(()))
    }

    /// Listens for a moment: what is not complete yet may be left out of a list and told after it.
    pub(super) async fn listen(&mut self) -> Result<(), Fault> {
        if !self.rig.tells() {
            return Ok(());
        }
        let cursor = self.cursor.clone();
        let answer = AnyKeyedSource::changed(&mut self.source, cursor.as_ref());
        match tokio::time::timeout(MOMENT, answer).await {
            Ok(answer) => self.take(answer).await,
            Err(_) => Ok(()),
        }
    }

    /// Lists until these are all.
    pub(super) async fn lists(&mut self, expected: &[(&str, u32)]) -> Result<(), Fault> {
        let deadline = self.deadline;
        let listed = in_time(deadline, async {
            let mut pause = tokio::time::interval(Duration::from_millis(10));
            loop {
                pause.tick().await;
                let listed = self.list().await?;
                if listed.is_ok() && self.holds(expected) {
                    return Ok(());
                }
                self.listen().await?;
            }
        })
        .await;
        listed.unwrap_or_else(|| Err(broken(format!("list() {}", self.difference(expected)))))
    }

    /// Follows the source as an informer does, until these are all. A list is only made when the source asks for one, or
    /// never tells anything.
    pub(super) async fn comes_to(&mut self, expected: &[(&str, u32)]) -> Result<(), Fault> {
        let deadline = self.deadline;
        let come = in_time(deadline, async {
            let mut pause = tokio::time::interval(Duration::from_millis(10));
            while !self.holds(expected) {
                if self.rig.tells() {
                    self.step().await?;
                } else {
                    let _ = self.list().await?;
                }
                pause.tick().await;
            }
            Ok(())
        })
        .await;
        come.unwrap_or_else(|| Err(broken(format!("the source {}", self.difference(expected)))))
    }

    /// Waits for one answer, and does what it says.
    pub(super) async fn step(&mut self) -> Result<(), Fault> {
        let cursor = self.cursor.clone();
        let answer = AnyKeyedSource::changed(&mut self.source, cursor.as_ref()).await;
        self.take(answer).await
    }

    /// Does what an answer says.
    pub(super) async fn take(&mut self, answer: Result<Changed<KeyOf<R>>, SourceError>) -> Result<(), Fault> {
        match answer {
            Ok(Changed::Deltas(deltas)) => deltas.into_iter().for_each(|delta| self.apply(delta)),
            Ok(Changed::Ended) => {}
            Ok(Changed::Relist) => drop(self.list().await?),
            Err(error) => {
                self.said.push(error.to_string());
                if error.kind() == SourceErrorKind::Expired {
                    let _ = self.list().await?;
                }
            }
        }
        Ok(())
    }

    fn apply(&mut self, delta: Delta<KeyOf<R>>) {
        match delta {
            Delta::Upsert(document) => {
                let (key, seen) = self.read(document);
                if let Ok(number) = seen.number {
                    self.told.push((key.clone(), number));
                }
                self.objects.insert(key, seen);
            }
            Delta::Unreadable(key, error) => {
                let (key, seen) = self.unreadable(key, &error);
                self.objects.insert(key, seen);
            }
            Delta::Delete(key) => drop(self.objects.remove(&key)),
            Delta::Progress(revision) => self.cursor = Some(revision),
        }
    }

    fn read(&mut self, found: KeyedDocument<KeyOf<R>>) -> (KeyOf<R>, Seen) {
        let KeyedDocument { key, document, revision, incarnation, .. } = found;
        self.said.push(document.origin().to_string());
        let number = number_in(std::slice::from_ref(&document));
        (key, Seen { number, revision: Some(revision), incarnation })
    }

    fn unreadable(&mut self, key: KeyOf<R>, error: &SourceError) -> (KeyOf<R>, Seen) {
        self.said.push(error.to_string());
        (key, Seen { number: Err("it cannot be read".to_owned()), revision: None, incarnation: None })
    }

    pub(super) fn holds(&self, expected: &[(&str, u32)]) -> bool {
        let is_there = |(name, number): &(&str, u32)| {
            self.seen(name).is_some_and(|seen| seen.number.as_ref() == Ok(number))
        };
        self.objects.len() == expected.len() && expected.iter().all(is_there)
    }

    fn difference(&self, expected: &[(&str, u32)]) -> String {
        let seen: Vec<_> = self.objects.iter().take(SHOWN).map(|(key, seen)| (key, &seen.number)).collect();
        let (objects, there) = (self.objects.len(), expected.len());
        let expected = &expected[..there.min(SHOWN)];
        format!("came to {objects} objects, {seen:?}, and there are {there}, {expected:?}")
    }

    pub(super) fn must_tell(&self) -> Result<(), Fault> {
        match self.rig.tells() {
            true => Ok(()),
            false => Err(Fault::NotApplicable("the source does not tell of changes".to_owned())),
        }
    }
}

pub(super) fn held(revision: Option<Revision>) -> Held {
    Held { revision, fingerprint: None, incarnation: None, listed: AtomicU64::new(0) }
}
