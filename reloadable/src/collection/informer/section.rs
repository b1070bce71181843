//! A section of a configuration as a collection: the routes of `app.toml`, each of them an object.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::builder::InformerBuilder;
use super::decode::{Read, Text};
use super::guard::RemovalGuard;
use crate::diff::Diff;
use crate::document::{Document, Origin, Revision};
use crate::error::SourceError;
use crate::key::Key;
use crate::load::{Reloadable, guarded};
use crate::path::FieldPath;
use crate::reloader::Reloader;
use crate::report::Violation;
use crate::source::{
    Changed, Condition, Delta, KeyedDocument, KeyedSource, Listed, Listing, RefusedDocument,
};
use crate::subscribe::Subscription;
use crate::value::Value;

impl<T: Reloadable + Clone> InformerBuilder<T> {
    /// Takes the elements of a sequence in a configuration, each known by what `key` returns for it: what
    /// `#[reload(key = "name")]` says. An element that has not changed keeps its `Arc` and tells nothing, wherever it
    /// stands; one that has is told of by itself. Of two with the same key, the first counts, and the status has the other.
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
            section.into_iter().map(|(key, element)| (key.clone(), element)).collect()
        })
    }

    fn elements<A, S, K, E>(self, subscription: Subscription<A, S>, elements: E) -> InformerBuilder<T, K>
    where
        A: Reloadable,
        S: Diff + ?Sized + 'static,
        K: Key,
        E: Fn(&S) -> Vec<(K, &T)> + Send + 'static,
    {
        let (end, ended) = oneshot::channel();
        let source = Section {
            subscription,
            elements,
            told: HashMap::new(),
            twice: Vec::new(),
            is_news: false,
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

/// The elements of what a subscription selects.
struct Section<A, S: ?Sized, T, K, E> {
    subscription: Subscription<A, S>,
    elements: E,
    /// What was told of, each with the generation in which it changed last.
    told: HashMap<K, (Arc<T>, u64)>,
    /// Those that have the key of another one.
    twice: Vec<K>,
    /// There is something that was not told.
    is_news: bool,
    end: Option<oneshot::Sender<()>>,
}

impl<A, S, T, K, E> Section<A, S, T, K, E>
where
    A: Reloadable,
    S: Diff + ?Sized + 'static,
    T: Reloadable + Clone,
    K: Key,
    E: Fn(&S) -> Vec<(K, &T)> + Send + 'static,
{
    fn generation(&self) -> u64 {
        self.subscription.seen_snapshot().generation()
    }

    /// Takes in what there is, and returns the keys of what is new or has changed, and of what is gone.
    fn look(&mut self) -> (Vec<K>, Vec<K>) {
        let generation = self.generation();
        let elements = (self.elements)(self.subscription.seen());
        let (mut seen, mut twice, mut changed) = (HashSet::new(), Vec::new(), Vec::new());
        for (key, element) in elements {
            if !seen.insert(key.clone()) {
                twice.push(key);
                continue;
            }
            let is_same = self.told.get(&key).is_some_and(|(told, _)| (**told).diff(element).is_none());
            if !is_same {
                changed.push((key, Arc::new(element.clone())));
            }
        }
        // All code of the elements has run: from here on nothing is half done.
        let gone: Vec<K> = self.told.keys().filter(|key| !seen.contains(*key)).cloned().collect();
        for key in &gone {
            self.told.remove(key);
        }
        let keys = changed.iter().map(|(key, _)| key.clone()).collect();
        for (key, object) in changed {
            self.told.insert(key, (object, generation));
        }
        self.twice = twice;
        self.is_news = false;
        (keys, gone)
    }

    fn object(&self, key: K) -> Option<KeyedDocument<K>> {
        let (object, generation) = self.told.get(&key)?;
        let object: Arc<dyn Any + Send + Sync> = Arc::clone(object) as _;
        let document = Document::value(origin(&key), Arc::new(Value::Null));
        Some(KeyedDocument::new(key, document, revision(*generation)).ready_made(object))
    }
}

fn origin<K: Key>(key: &K) -> Origin {
    Origin::named(format!("configuration {key:?}"))
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
    E: Fn(&S) -> Vec<(K, &T)> + Send + 'static,
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
        if !self.is_news {
            if self.subscription.changed().await.is_err() {
                if let Some(end) = self.end.take() {
                    let _ = end.send(());
                }
                return std::future::pending().await;
            }
            self.is_news = true;
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
        let refused = self.twice.iter().map(|key| {
            let message = "another element has the same key, and comes first";
            let violation = Violation::new(FieldPath::root(), "duplicate_key", message);
            RefusedDocument::new(origin(key), violation.into())
        });
        Condition::new().refused(refused, 0)
    }
}
