//! Many documents that the program itself holds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::document::{Document, Format, Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};
use crate::key::Key;
use crate::source::{Changed, Delta, Incarnation, KeyedDocument, KeyedSource, Listed, Listing};

/// So many changes are remembered. Who has missed more has to list again.
const REMEMBERED: usize = 1024;

/// Keyed documents in memory, for objects that the program makes itself and for tests. Its [`MemoryCollectionHandle`]
/// changes them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::{Format, Informer, MemoryCollection};
///
/// let (source, ports) = MemoryCollection::<String>::new("ports", Format::Toml);
/// ports.upsert("api", "port = 80");
/// # type Port = std::collections::BTreeMap<String, u16>;
/// let informer = Informer::<Port>::builder().source(source).start().await?;
/// assert_eq!(informer.lister().get("api").map(|api| api["port"]), Some(80));
/// # Ok(())
/// # }
/// ```
pub struct MemoryCollection<K: Key> {
    shared: Arc<Shared<K>>,
    version: watch::Receiver<u64>,
}

/// Changes what a [`MemoryCollection`] holds. When the last handle is gone, the source keeps what it holds.
pub struct MemoryCollectionHandle<K: Key> {
    shared: Arc<Shared<K>>,
    version: Arc<watch::Sender<u64>>,
}

struct Shared<K> {
    origin: Origin,
    format: Format,
    content: Mutex<Content<K>>,
}

struct Content<K> {
    version: u64,
    objects: BTreeMap<K, Object>,
    /// The last changes: at which version, and to what.
    log: VecDeque<(u64, K)>,
    failure: Option<SourceError>,
}

#[derive(Clone)]
struct Object {
    bytes: Arc<[u8]>,
    version: u64,
    /// The version at which it came.
    born: u64,
}

impl<K: Key> MemoryCollection<K> {
    /// Makes a source that holds nothing, and the handle that changes it. `name` is how reports call it.
    #[must_use]
    pub fn new(name: impl Into<String>, format: Format) -> (Self, MemoryCollectionHandle<K>) {
        let content = Content { version: 0, objects: BTreeMap::new(), log: VecDeque::new(), failure: None };
        let shared = Arc::new(Shared { origin: Origin::named(name), format, content: Mutex::new(content) });
        let (sender, version) = watch::channel(0);
        let handle = MemoryCollectionHandle { shared: Arc::clone(&shared), version: Arc::new(sender) };
        (Self { shared, version }, handle)
    }
}

impl<K: Key> MemoryCollectionHandle<K> {
    /// Puts an object in, or another text in the place of the one that it has, and returns the revision from which on that
    /// is so.
    pub fn upsert(&self, key: impl Into<K>, text: impl AsRef<[u8]>) -> Revision {
        let (key, bytes) = (key.into(), text.as_ref().into());
        self.change(|content| {
            let version = content.version + 1;
            let born = content.objects.get(&key).map_or(version, |object| object.born);
            content.objects.insert(key.clone(), Object { bytes, version, born });
            Some(key)
        })
    }

    /// Takes an object out, and returns the revision from which on that is so.
    pub fn remove(&self, key: impl Into<K>) -> Revision {
        let key = key.into();
        self.change(|content| content.objects.remove(&key).map(|_| key))
    }

    /// Makes the source fail until [`recover`](Self::recover).
    pub fn fail(&self, kind: SourceErrorKind, message: impl Into<String>) {
        let failure = SourceError::new(kind, self.shared.origin.clone(), message);
        self.shared.content().failure = Some(failure);
        self.version.send_modify(|_| {});
    }

    /// Ends a failure.
    pub fn recover(&self) {
        self.shared.content().failure = None;
        self.version.send_modify(|_| {});
    }

    /// Forgets which changes there were, so that who has missed any has to list again.
    pub fn forget(&self) {
        self.shared.content().log.clear();
    }

    fn change(&self, change: impl FnOnce(&mut Content<K>) -> Option<K>) -> Revision {
        let version = {
            let mut content = self.shared.content();
            if let Some(key) = change(&mut content) {
                content.version += 1;
                let version = content.version;
                content.log.push_back((version, key));
                if content.log.len() > REMEMBERED {
                    content.log.pop_front();
                }
            }
            content.version
        };
        self.version.send_if_modified(|newest| {
            let is_newer = *newest < version;
            *newest = version.max(*newest);
            is_newer
        });
        revision(version)
    }
}

impl<K: Key> Clone for MemoryCollectionHandle<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), version: Arc::clone(&self.version) }
    }
}

impl<K> Shared<K> {
    fn content(&self) -> MutexGuard<'_, Content<K>> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Shared<K> {
    fn document(&self, key: K, object: Object) -> KeyedDocument<K> {
        let origin = Origin::named(format!("{} {key:?}", self.origin));
        let document = Document::new(origin, self.format, object.bytes);
        KeyedDocument::new(key, document, revision(object.version))
            .incarnation(Incarnation::new(object.born.to_be_bytes()))
    }
}

impl<K: Key> Content<K> {
    /// Returns which objects have changed since then, the one that did first coming first; nothing if that is not known.
    fn since(&self, from: u64) -> Option<Vec<K>> {
        let missed = self.version.checked_sub(from)?;
        let kept = self.log.iter().filter(|(version, _)| *version > from);
        let keys: Vec<_> = kept.map(|(_, key)| key.clone()).collect();
        (u64::try_from(keys.len()) == Ok(missed)).then_some(keys)
    }
}

fn revision(version: u64) -> Revision {
    Revision::new(version.to_be_bytes())
}

fn version(revision: &Revision) -> Option<u64> {
    revision.as_bytes().try_into().ok().map(u64::from_be_bytes)
}

impl<K: Key> KeyedSource for MemoryCollection<K> {
    type Key = K;

    fn origin(&self) -> Origin {
        self.shared.origin.clone()
    }

    async fn list(&mut self, listing: &mut Listing<K>) -> Result<Listed, SourceError> {
        let (version, objects) = {
            let content = self.shared.content();
            if let Some(failure) = &content.failure {
                return Err(failure.clone());
            }
            (content.version, content.objects.clone())
        };
        for (key, object) in objects {
            listing.push(self.shared.document(key, object)).await;
        }
        Ok(Listed::new().at(revision(version)))
    }

    async fn changed(&mut self, from: Option<&Revision>) -> Result<Changed<K>, SourceError> {
        let from = from.and_then(version).unwrap_or(0);
        loop {
            // Marked as seen first, so that what comes after the look is waited for.
            self.version.borrow_and_update();
            let expired = || {
                let message = "it no longer knows what has changed since then";
                SourceError::new(SourceErrorKind::Expired, self.shared.origin.clone(), message)
            };
            let (to, changed) = {
                let content = self.shared.content();
                if let Some(failure) = &content.failure {
                    return Err(failure.clone());
                }
                let keys = content.since(from).ok_or_else(expired)?;
                let changed: Vec<_> = keys
                    .into_iter()
                    .map(|key| {
                        let object = content.objects.get(&key).cloned();
                        (key, object)
                    })
                    .collect();
                (content.version, changed)
            };
            if !changed.is_empty() {
                let mut deltas: Vec<_> = changed
                    .into_iter()
                    .map(|(key, object)| match object {
                        Some(object) => Delta::Upsert(self.shared.document(key, object)),
                        None => Delta::Delete(key),
                    })
                    .collect();
                deltas.push(Delta::Progress(revision(to)));
                return Ok(Changed::Deltas(deltas));
            }
            if self.version.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    fn compare(one: &Revision, other: &Revision) -> Option<Ordering> {
        Some(version(one)?.cmp(&version(other)?))
    }
}

impl<K: Key> fmt::Debug for MemoryCollection<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("MemoryCollection", &self.shared, f)
    }
}

impl<K: Key> fmt::Debug for MemoryCollectionHandle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("MemoryCollectionHandle", &self.shared, f)
    }
}

/// The texts may hold secrets, so only their number is shown.
fn show<K: Key>(name: &str, shared: &Shared<K>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let objects = shared.content().objects.len();
    f.debug_struct(name).field("origin", &shared.origin).field("objects", &objects).finish_non_exhaustive()
}
