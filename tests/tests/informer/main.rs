//! Many objects that are followed: lists, changes, events and what becomes of bad input.

mod broken;
mod defects;
mod follow;
mod model;
mod rows;
mod subscribers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reloadable::{
    Changed, Document, Event, Events, Format, Informer, InformerBuilder, KeyedDocument, KeyedSource, Listed,
    Listing, MemoryCollection, MemoryCollectionHandle, Origin, Reloadable, Revision, SourceError,
    SourceErrorKind,
};
pub use reloadable_tests::waiting::{DEADLINE, eventually, in_time};
use serde::Deserialize;
use tokio::time::Instant;

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Route {
    #[reload(range(1..))]
    pub port: u16,
}

pub fn memory() -> (MemoryCollection<String>, MemoryCollectionHandle<String>) {
    MemoryCollection::new("routes", Format::Toml)
}

pub fn port(port: u16) -> String {
    format!("port = {port}")
}

pub fn object(key: &str, revision: impl AsRef<[u8]>, text: &str) -> KeyedDocument<String> {
    let document = Document::new(Origin::named(key), Format::Toml, text.as_bytes());
    KeyedDocument::new(key.to_owned(), document, Revision::new(revision))
}

pub fn failure(kind: SourceErrorKind) -> SourceError {
    SourceError::new(kind, Origin::named("script"), "as scripted")
}

/// What an event says, in short. A snapshot tells all objects, in their order.
pub fn short(event: &Event<String, Route>) -> String {
    match event {
        Event::Snapshot { view, why } => {
            let mut routes: Vec<_> =
                view.iter().map(|(key, route)| format!(" {key}={}", route.port)).collect();
            routes.sort();
            format!("{why:?}:{}", routes.concat())
        }
        Event::Added { key, object } => format!("added {key}={}", object.port),
        Event::Modified(modified) => format!("{} {}", modified.key(), modified.changes()),
        Event::Removed { key, last, how } => format!("removed {key}={} {how:?}", last.port),
        Event::Resync { key, object } => format!("resync {key}={}", object.port),
        _ => "?".to_owned(),
    }
}

/// The next events, in short.
pub async fn next<const N: usize>(events: &mut Events<String, Route>) -> [String; N] {
    let mut next = [const { String::new() }; N];
    for event in &mut next {
        *event = short(&in_time(events.next()).await.unwrap());
    }
    next
}

pub async fn informer(source: MemoryCollection<String>) -> Informer<Route> {
    Informer::<Route>::builder().source(source).start().await.unwrap()
}

/// A source that answers as it is told to, and remembers when it was asked for what.
pub struct Scripted<L, C> {
    list: L,
    changed: C,
    log: Log,
}

#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<(Instant, Asked)>>>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    List,
    Changed(Option<Vec<u8>>),
}

impl Log {
    pub fn all(&self) -> Vec<(Instant, Asked)> {
        self.0.lock().unwrap().clone()
    }

    pub fn lists(&self) -> Vec<Instant> {
        self.all().into_iter().filter(|(_, asked)| *asked == Asked::List).map(|(at, _)| at).collect()
    }

    /// It was asked so often that it answers no more: paused time does not move while one who never waits goes round, so
    /// that the test would hang and not fail.
    fn is_much(&self) -> bool {
        self.0.lock().unwrap().len() > 10_000
    }

    /// When it was asked for changes, and since when.
    pub fn watches(&self) -> Vec<(Instant, Option<Vec<u8>>)> {
        let watches = self.all().into_iter().filter_map(|(at, asked)| match asked {
            Asked::Changed(from) => Some((at, from)),
            Asked::List => None,
        });
        watches.collect()
    }
}

pub type Objects = Vec<KeyedDocument<String>>;

impl<L, C> Scripted<L, C>
where
    L: FnMut() -> Result<(Objects, Listed), SourceError> + Send + 'static,
    C: FnMut(Option<&Revision>) -> Option<Result<Changed<String>, SourceError>> + Send + 'static,
{
    /// A change of `None` is one that never comes.
    pub fn new(list: L, changed: C) -> (Self, Log) {
        let log = Log::default();
        (Self { list, changed, log: log.clone() }, log)
    }
}

impl<L, C> KeyedSource for Scripted<L, C>
where
    L: FnMut() -> Result<(Objects, Listed), SourceError> + Send + 'static,
    C: FnMut(Option<&Revision>) -> Option<Result<Changed<String>, SourceError>> + Send + 'static,
{
    type Key = String;

    fn origin(&self) -> Origin {
        Origin::named("script")
    }

    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.log.0.lock().unwrap().push((Instant::now(), Asked::List));
        if self.log.is_much() {
            return Err(failure(SourceErrorKind::Other));
        }
        let (objects, listed) = (self.list)()?;
        for object in objects {
            listing.push(object).await;
        }
        Ok(listed)
    }

    async fn changed(&mut self, from: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        let asked = Asked::Changed(from.map(|from| from.as_bytes().to_vec()));
        self.log.0.lock().unwrap().push((Instant::now(), asked));
        if self.log.is_much() {
            return std::future::pending().await;
        }
        match (self.changed)(from) {
            Some(changed) => changed,
            None => std::future::pending().await,
        }
    }
}

/// Starts an informer of a scripted source, and waits for nothing.
pub async fn scripted<S: KeyedSource<Key = String>>(
    source: S,
    set: impl FnOnce(InformerBuilder<Route, String>) -> InformerBuilder<Route, String>,
) -> Informer<Route> {
    set(Informer::<Route>::builder().source(source)).start_unsynced().start().await.unwrap()
}

/// Lets so much of paused time pass.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
