//! A section of a configuration as a collection: the routes of `app.toml`, each of them an object.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::builder::InformerBuilder;
use super::decode::{Read, Text};
use super::guard::RemovalGuard;
use crate::diff::Diff;
use crate::document::{Document, Origin, Revision};
use crate::error::{Error, SourceError};
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::path::FieldPath;
use crate::reloader::Reloader;
use crate::report::{Report, Violation};
use crate::source::{
    Changed, Condition, Delta, KeyedDocument, KeyedSource, Listed, Listing, RefusedDocument,
};
use crate::subscribe::Subscription;
use crate::value::Value;

impl<T: Reloadable + Clone> InformerBuilder<T> {
    /// Takes the elements of a sequence in a configuration, each known by what `key` returns for it: what
    /// `#[reload(key = "name")]` says. An element that has not changed keeps its `Arc` and tells nothing, wherever it
    /// stands; one that has is told of by itself. Of two with the same key, the first counts, and the status has the other.
    /// Elements are cloned, so `T` has to be [`Clone`].
    ///
    /// An element whose key, comparison or `Clone` panics blocks no other: the status has it under `refused`, its last good
    /// object stays, and it is tried again now and then. While the key of an element is not known, none is removed.
    ///
    /// The objects are those that are in force: what the reloader refuses never comes here. The informer ends with the
    /// reloader, once it has told of all that was published. Its revisions are the generations, as text.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use reloadable::{Event, Format, Informer, MemorySource, Reloadable, Reloader};
    ///
    /// #[derive(serde::Deserialize, Reloadable)]
    /// struct App {
    ///     #[reload(key = "name")]
    ///     routes: Vec<Route>,
    /// }
    ///
    /// #[derive(Clone, serde::Deserialize, Reloadable)]
    /// struct Route {
    ///     name: String,
    ///     port: u16,
    /// }
    ///
    /// let (source, document) = MemorySource::new("app", Format::Toml, "routes = [{ name = 'api', port = 80 }]");
    /// let config = Reloader::<App>::builder().source(source).start().await?;
    /// let by_name = |route: &Route| route.name.clone();
    /// let routes = Informer::<Route>::builder().section(&config, |app| &app.routes, by_name).start().await?;
    /// let mut events = routes.events();
    /// assert!(matches!(events.next().await?, Event::Snapshot { view, .. } if view.len() == 1));
    ///
    /// document.replace("routes = [{ name = 'web', port = 90 }, { name = 'api', port = 80 }]");
    /// assert!(matches!(events.next().await?, Event::Added { key, .. } if key == "web"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn section<A, S, K>(
        self,
        config: &Reloader<A>,
        select: impl Fn(&A) -> &S + Send + Sync + 'static,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
    ) -> InformerBuilder<T, K>
    where
        A: Reloadable,
        S: Diff + ?Sized + 'static,
        for<'s> &'s S: IntoIterator<Item = &'s T>,
        K: Key,
    {
        self.elements(config.subscribe_to(select), move |section: &S| {
            let key = |element: &T| guarded::<T, _>("telling the key of an element", || key(element));
            section.into_iter().map(|element| (key(element), element)).collect()
        })
    }

    /// Takes the values of a map in a configuration, each known by its key, as [`section`](Self::section) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct App { upstreams: BTreeMap<String, u16> }
    /// # async fn example(config: reloadable::Reloader<App>) -> Result<(), reloadable::Error> {
    /// use reloadable::Informer;
    ///
    /// let ports = Informer::<u16>::builder().map_section(&config, |app| &app.upstreams).start().await?;
    /// println!("{:?}", ports.lister().get("api"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn map_section<A, S, K>(
        self,
        config: &Reloader<A>,
        select: impl Fn(&A) -> &S + Send + Sync + 'static,
    ) -> InformerBuilder<T, K>
    where
        A: Reloadable,
        S: Diff + ?Sized + 'static,
        for<'s> &'s S: IntoIterator<Item = (&'s K, &'s T)>,
        K: Key,
    {
        self.elements(config.subscribe_to(select), |section: &S| {
            let cloned = |key: &K| guarded::<T, _>("cloning a key", || key.clone());
            section.into_iter().map(|(key, element)| (cloned(key), element)).collect()
        })
    }

    fn elements<A, S, K, E>(self, subscription: Subscription<A, S>, elements: E) -> InformerBuilder<T, K>
    where
        A: Reloadable,
        S: Diff + ?Sized + 'static,
        K: Key,
        E: Fn(&S) -> Elements<'_, K, T> + Send + 'static,
    {
        let (end, ended) = oneshot::channel();
        let source = Section {
            subscription,
            elements,
            told: HashMap::new(),
            refused: Vec::new(),
            is_news: false,
            again: None,
            wait: SHORTEST_WAIT,
            end: Some(end),
        };
        self.source(source).never_reverify().removal_guard(RemovalGuard::off()).set(|mut setup| {
            setup.read = ready_made();
            setup.source_ended = Box::pin(async {
                // It is gone without a word only with the informer itself.
                if ended.await.is_err() {
                    std::future::pending::<()>().await;
                }
            });
            setup
        })
    }
}

/// Takes objects that are there already.
fn ready_made<T: Reloadable + Clone>() -> Read<T> {
    Arc::new(|text: Text<'_>| {
        let object = text.object().and_then(|object| object.downcast_ref::<T>());
        let cloned = object.map(|object| guarded::<T, _>("cloning an object", || object.clone()));
        cloned
            .unwrap_or_else(|| {
                let message = "it is no object of this informer";
                Err(Violation::new(FieldPath::root(), "object", message).into())
            })
            .map(Some)
    })
}

/// Elements with their keys, where those could be told.
type Elements<'s, K, T> = Vec<(Result<K, Report>, &'s T)>;

/// An element whose code panics is tried again after so long, and then after twice as long each time up to the other bound:
/// mostly it panics again, and each time its panic is told.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The elements of what a subscription selects.
struct Section<A, S: ?Sized, T, K, E> {
    subscription: Subscription<A, S>,
    elements: E,
    /// What was told of, each with the generation in which it changed last.
    told: HashMap<K, (Arc<T>, u64)>,
    /// Those that have the key of another one, or whose code panics.
    refused: Vec<RefusedDocument>,
    /// There is something that was not told.
    is_news: bool,
    /// When those whose code panics are tried again.
    again: Option<Instant>,
    wait: Duration,
    end: Option<oneshot::Sender<()>>,
}

impl<A, S, T, K, E> Section<A, S, T, K, E>
where
    A: Reloadable,
    S: Diff + ?Sized + 'static,
    T: Reloadable + Clone,
    K: Key,
    E: Fn(&S) -> Elements<'_, K, T> + Send + 'static,
{
    fn generation(&self) -> u64 {
        self.subscription.seen_snapshot().generation()
    }

    /// Takes in what there is, and returns the keys of what is new or has changed, and of what is gone.
    fn look(&mut self) -> (Vec<K>, Vec<K>) {
        self.is_news = true;
        self.subscription.catch_up();
        let generation = self.generation();
        let elements = (self.elements)(self.subscription.seen());
        let (mut seen, mut refused, mut changed) = (HashSet::new(), Vec::new(), Vec::new());
        let (mut has_unknown, mut has_panicked) = (false, false);
        for (place, (key, element)) in elements.into_iter().enumerate() {
            let taken = key.and_then(|key| {
                let is_first = guarded::<T, _>("taking the key of an element", || seen.insert(key.clone()))?;
                Ok((key, is_first))
            });
            let (key, is_first) = match taken {
                Ok(taken) => taken,
                Err(report) => {
                    // Its object may be any of those that seem to be gone.
                    (has_unknown, has_panicked) = (true, true);
                    refused.push(RefusedDocument::new(nameless(place), report));
                    continue;
                }
            };
            if !is_first {
                let message = "another element has the same key, and comes first";
                let violation = Violation::new(FieldPath::root(), "duplicate_key", message);
                refused.push(RefusedDocument::new(origin(&key, place), violation.into()));
                continue;
            }
            let told = &self.told;
            let object = guarded::<T, _>("comparing and cloning an element", || {
                let is_same = told.get(&key).is_some_and(|(told, _)| (**told).diff(element).is_none());
                (!is_same).then(|| Arc::new(element.clone()))
            });
            match object {
                Ok(Some(object)) => changed.push((key, object)),
                Ok(None) => {}
                Err(report) => {
                    has_panicked = true;
                    refused.push(RefusedDocument::new(origin(&key, place), report));
                }
            }
        }
        let mut gone: Vec<K> = Vec::new();
        if !has_unknown {
            gone.extend(self.told.keys().filter(|key| !seen.contains(*key)).cloned());
        }
        let keys = changed.iter().map(|(key, _)| key.clone()).collect();
        // Only keys run code from here on: where they panic all is looked at again.
        for key in &gone {
            self.told.remove(key);
        }
        for (key, object) in changed {
            self.told.insert(key, (object, generation));
        }
        self.refused = refused;
        self.is_news = false;
        self.wait = if has_panicked { (self.wait * 2).min(LONGEST_WAIT) } else { SHORTEST_WAIT };
        self.again = if has_panicked { Instant::now().checked_add(self.wait / 2) } else { None };
        (keys, gone)
    }

    /// Waits until there may be something new; an error once there never is.
    async fn news(&mut self) -> Result<(), Error> {
        let Some(again) = self.again else { return self.subscription.woken().await };
        match timeout_at(again, self.subscription.woken()).await {
            Ok(woken) => woken,
            Err(_) => Ok(()),
        }
    }

    fn object(&self, key: K) -> Option<KeyedDocument<K>> {
        let (object, generation) = self.told.get(&key)?;
        let object: Arc<dyn Any + Send + Sync> = Arc::clone(object) as _;
        let document = Document::value(origin(&key, 0), Arc::new(Value::Null));
        Some(KeyedDocument::new(key, document, revision(*generation)).ready_made(object))
    }
}

fn origin<K: Key>(key: &K, place: usize) -> Origin {
    let shown = catch_unwind(AssertUnwindSafe(|| format!("configuration {key:?}")));
    shown.map_or_else(|_| nameless(place), Origin::named)
}

fn nameless(place: usize) -> Origin {
    Origin::named(format!("configuration, element {}", place.saturating_add(1)))
}

fn revision(generation: u64) -> Revision {
    Revision::new(generation.to_string())
}

fn generation(revision: &Revision) -> Option<u64> {
    std::str::from_utf8(revision.as_bytes()).ok()?.parse().ok()
}

impl<A, S, T, K, E> KeyedSource for Section<A, S, T, K, E>
where
    A: Reloadable,
    S: Diff + ?Sized + 'static,
    T: Reloadable + Clone,
    K: Key,
    E: Fn(&S) -> Elements<'_, K, T> + Send + 'static,
{
    type Key = K;

    fn origin(&self) -> Origin {
        Origin::named("configuration")
    }

    async fn list(&mut self, listing: &mut Listing<K>) -> Result<Listed, SourceError> {
        self.look();
        let keys: Vec<_> = self.told.keys().cloned().collect();
        for key in keys {
            if let Some(object) = self.object(key) {
                listing.push(object).await;
            }
        }
        Ok(Listed::new().at(revision(self.generation())))
    }

    async fn changed(&mut self, _: Option<&Revision>) -> Result<Changed<K>, SourceError> {
        if !self.is_news && self.news().await.is_err() {
            if let Some(end) = self.end.take() {
                let _ = end.send(());
            }
            return std::future::pending().await;
        }
        let (changed, gone) = self.look();
        let upserts = changed.into_iter().filter_map(|key| self.object(key)).map(Delta::Upsert);
        let mut deltas: Vec<_> = gone.into_iter().map(Delta::Delete).chain(upserts).collect();
        deltas.push(Delta::Progress(revision(self.generation())));
        Ok(Changed::Deltas(deltas))
    }

    fn compare(one: &Revision, other: &Revision) -> Option<Ordering> {
        Some(generation(one)?.cmp(&generation(other)?))
    }

    fn condition(&self) -> Condition {
        Condition::new().refused(self.refused.iter().cloned(), 0)
    }
}
