//! Many documents, each with a key of its own: how a source lists them, and tells what became of single ones.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::Serialize;
use tokio::sync::mpsc;

use crate::document::{Document, Origin, Revision};
use crate::error::SourceError;
#[cfg(feature = "fs")]
use crate::format::Piece;
use crate::key::Key;
use crate::report::Report;
use crate::source::BoxFuture;

/// A place with many objects, each of them a document with a key: the files of a directory, the rows of a table.
///
/// It is listed first, and then asked for what has changed. A source that cannot tell implements no
/// [`changed`](Self::changed), and is listed again now and then. Implementations write plain `async fn`.
///
/// # Examples
///
/// ```
/// use reloadable::{
///     Document, Format, KeyedDocument, KeyedSource, Listed, Listing, Origin, Revision, SourceError,
/// };
///
/// /// Two objects that never change.
/// struct Fixed;
///
/// impl KeyedSource for Fixed {
///     type Key = &'static str;
///
///     fn origin(&self) -> Origin {
///         Origin::named("fixed")
///     }
///
///     async fn list(&mut self, listing: &mut Listing<&'static str>) -> Result<Listed, SourceError> {
///         for key in ["api", "web"] {
///             let document = Document::new(Origin::named(key), Format::Toml, &b"port = 80"[..]);
///             listing.push(KeyedDocument::new(key, document, Revision::new("1"))).await;
///         }
///         Ok(Listed::new())
///     }
/// }
/// ```
pub trait KeyedSource: Send + 'static {
    /// What the objects are known by.
    type Key: Key;

    /// Returns the place, as it is printed in reports. It must not hold secrets.
    fn origin(&self) -> Origin;

    /// Hands over every object that is there. To return is to say that these were all of them, so a list that breaks off
    /// must end with an error: nothing of it is used then, and what was there before stays.
    ///
    /// It must begin to watch before it reads: what changes after the list began must be in the list, or be told by
    /// [`changed`](Self::changed).
    ///
    /// # Errors
    ///
    /// What stood in the way. It is asked again after a while.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped when it takes too long from one object to the next, and is then called again.
    fn list(
        &mut self,
        listing: &mut Listing<Self::Key>,
    ) -> impl Future<Output = Result<Listed, SourceError>> + Send;

    /// Waits until something has changed since `from`, and tells what. `from` is the revision up to which everything is
    /// known: that of the list, or of the last [`Delta::Progress`].
    ///
    /// By default it never tells anything.
    ///
    /// # Errors
    ///
    /// It cannot tell at the moment, and is asked again after a while, with the same revision.
    /// [`SourceErrorKind::Expired`](crate::SourceErrorKind::Expired) says that it can no longer tell what has changed
    /// since then, so that everything is listed anew.
    ///
    /// # Cancel safety
    ///
    /// It must be cancel safe: it is dropped and called again when everything is to be listed, when an
    /// [`idle_timeout`](crate::InformerBuilder::idle_timeout) has passed, and once when it has held for 10 s after a
    /// failure; it must then tell what it has not told. A [`resync`](crate::InformerBuilder::resync) drops nothing.
    fn changed(
        &mut self,
        from: Option<&Revision>,
    ) -> impl Future<Output = Result<Changed<Self::Key>, SourceError>> + Send {
        let _ = from;
        std::future::pending()
    }

    /// Drops whatever connection it holds: nothing has come of it for so long that it is taken for dead, see
    /// [`idle_timeout`](crate::InformerBuilder::idle_timeout). The next [`changed`](Self::changed) is to make a new one.
    ///
    /// By default it does nothing, which is right where each `changed` asks anew.
    fn disconnect(&mut self) {}

    /// Tells which of two revisions is the newer one, where it can be told. What is older than what is known already is
    /// then refused, as from a replica that lags behind.
    ///
    /// By default it cannot be told. It should not be told either of revisions before and after the source was put back to
    /// an older state on purpose.
    #[must_use]
    fn compare(one: &Revision, other: &Revision) -> Option<Ordering> {
        (one == other).then_some(Ordering::Equal)
    }

    /// Tells how it is doing, beyond what it told of objects. It is asked after every list and every change, so it should
    /// take moments.
    ///
    /// By default it is told of every change, and refuses nothing.
    fn condition(&self) -> Condition {
        Condition::default()
    }
}

/// How a [`KeyedSource`] is doing, as it is in the status of its informer.
///
/// # Examples
///
/// ```
/// use reloadable::{Condition, FieldPath, Origin, RefusedDocument, Violation};
///
/// let violation = Violation::new(FieldPath::root(), "name", "the name is not Unicode");
/// let refused = RefusedDocument::new(Origin::named("row 7"), violation.into());
/// let condition = Condition::new().polling("the database sends no events").refused([refused], 0);
/// # drop(condition);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub(crate) polling: Option<String>,
    pub(crate) warning: Option<String>,
    pub(crate) refused: Vec<RefusedDocument>,
    pub(crate) refused_omitted: usize,
}

/// So many documents that are refused are in a status.
pub(crate) const REFUSED_SHOWN: usize = 100;

impl Condition {
    /// Says that it is told of every change, and refuses nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that it only looks now and then, and why.
    #[must_use]
    pub fn polling(self, why: impl Into<String>) -> Self {
        Self { polling: Some(why.into()), ..self }
    }

    /// Says what it can never see.
    #[must_use]
    pub fn warning(self, warning: impl Into<String>) -> Self {
        Self { warning: Some(warning.into()), ..self }
    }

    /// Says which documents are no objects, and how many more there are. Of those, the first 100 are told.
    #[must_use]
    pub fn refused(self, documents: impl IntoIterator<Item = RefusedDocument>, omitted: usize) -> Self {
        let mut documents = documents.into_iter();
        let refused: Vec<_> = documents.by_ref().take(REFUSED_SHOWN).collect();
        Self { refused, refused_omitted: omitted.saturating_add(documents.count()), ..self }
    }
}

/// A document that is in the place and is no object, as one whose key another one has.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RefusedDocument {
    /// Where it is.
    pub origin: Origin,
    /// Why it is none.
    pub report: Report,
}

impl RefusedDocument {
    /// Says where it is, and why it is none.
    #[must_use]
    pub fn new(origin: Origin, report: Report) -> Self {
        Self { origin, report }
    }
}

/// One object of a [`KeyedSource`].
///
/// # Examples
///
/// ```
/// use reloadable::{Document, Format, Incarnation, KeyedDocument, Origin, Revision};
///
/// let document = Document::new(Origin::named("row 7"), Format::Json, &b"{}"[..]);
/// let object = KeyedDocument::new(7, document, Revision::new("3")).incarnation(Incarnation::new("uid"));
/// # drop(object);
/// ```
#[derive(Debug, Clone)]
pub struct KeyedDocument<K> {
    pub(crate) key: K,
    pub(crate) document: Document,
    pub(crate) revision: Revision,
    pub(crate) incarnation: Option<Incarnation>,
    /// What of the document it is, if not all.
    #[cfg(feature = "fs")]
    pub(crate) piece: Option<Piece>,
    /// The object itself, where there is one already.
    pub(crate) object: Option<Arc<dyn Any + Send + Sync>>,
}

impl<K> KeyedDocument<K> {
    /// Makes an object of its key, its content, and the source's mark for this version of it.
    pub fn new(key: K, document: Document, revision: Revision) -> Self {
        Self {
            key,
            document,
            revision,
            incarnation: None,
            #[cfg(feature = "fs")]
            piece: None,
            object: None,
        }
    }

    /// Says which of all objects that ever had this key it is. Another one is told as removed and added, never as modified.
    #[must_use]
    pub fn incarnation(self, incarnation: Incarnation) -> Self {
        Self { incarnation: Some(incarnation), ..self }
    }

    /// Says that this is the object, and the document only stands for it.
    pub(crate) fn ready_made(self, object: Arc<dyn Any + Send + Sync>) -> Self {
        Self { object: Some(object), ..self }
    }

    /// Says that it is only this of the document.
    #[cfg(feature = "fs")]
    pub(crate) fn piece(self, piece: Option<Piece>) -> Self {
        Self { piece, ..self }
    }
}

/// A source's opaque mark for one object as long as it lives: a UID, an inode with its time of birth. An object that is
/// deleted and made again under the same key has another one.
///
/// # Examples
///
/// ```
/// use reloadable::Incarnation;
///
/// assert_ne!(Incarnation::new("7c1e"), Incarnation::new("0b35"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Incarnation(Arc<[u8]>);

impl Incarnation {
    /// Makes it of whatever the source tells objects apart by.
    pub fn new(mark: impl AsRef<[u8]>) -> Self {
        Self(mark.as_ref().into())
    }
}

/// Says that a list was complete.
///
/// # Examples
///
/// ```
/// use reloadable::{Listed, Revision};
///
/// let listed = Listed::new().at(Revision::new("1207"));
/// # drop(listed);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Listed {
    pub(crate) revision: Option<Revision>,
}

impl Listed {
    /// Says that the list was complete.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says as of which revision of the whole collection: what changes after it is told by [`KeyedSource::changed`].
    #[must_use]
    pub fn at(self, revision: Revision) -> Self {
        Self { revision: Some(revision) }
    }
}

/// What a [`KeyedSource`] tells of changes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Changed<K> {
    /// What became of single objects, in this order.
    Deltas(Vec<Delta<K>>),
    /// Something may be different, and only a list can tell what.
    Relist,
    /// The other side ended the connection. It is asked again after a while, with the same revision.
    Ended,
}

/// What became of a single object, or how far the source has told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Delta<K> {
    /// It is there, as it is now.
    Upsert(KeyedDocument<K>),
    /// It is there, but cannot be read. What is known of it stays.
    Unreadable(K, SourceError),
    /// It is gone.
    Delete(K),
    /// Everything up to this revision of the collection has been told.
    Progress(Revision),
}

/// What [`KeyedSource::list`] hands its objects to.
///
/// # Examples
///
/// ```
/// # use reloadable::{KeyedDocument, Listing, Origin, Revision, SourceError, SourceErrorKind};
/// # fn read(key: &String) -> Result<reloadable::Document, SourceError> {
/// #     Err(SourceError::new(SourceErrorKind::NotFound, Origin::named(key.clone()), "gone"))
/// # }
/// async fn hand_over(listing: &mut Listing<String>, rows: Vec<(String, Revision)>) {
///     for (key, revision) in rows {
///         // What has not changed need not be read.
///         if listing.known(&key) == Some(&revision) {
///             listing.unchanged(key).await;
///             continue;
///         }
///         match read(&key) {
///             Ok(document) => listing.push(KeyedDocument::new(key, document, revision)).await,
///             Err(error) => listing.unreadable(key, error).await,
///         }
///     }
/// }
/// ```
pub struct Listing<K> {
    known: Known<K>,
    at_least: Option<Revision>,
    items: mpsc::Sender<Item<K>>,
}

/// What a source hands over.
#[derive(Debug)]
pub(crate) enum Item<K> {
    Document(KeyedDocument<K>),
    Unchanged(K),
    Unreadable(K, SourceError),
}

/// What is known of each object, good or not.
pub(crate) type Known<K> = Arc<HashMap<K, Held>>;

/// What is known of one object.
#[derive(Debug)]
pub(crate) struct Held {
    /// Of what was seen last, be it good or not; nothing if that could not be read.
    pub(crate) revision: Option<Revision>,
    /// Of the content that was seen last.
    pub(crate) fingerprint: Option<u64>,
    /// Of the last good object.
    pub(crate) incarnation: Option<Incarnation>,
    /// The number of the last list in which it was. It changes while the source can look at the rest.
    pub(crate) listed: AtomicU64,
}

/// How many objects wait to be decoded. Beyond that, the source waits.
const WAITING: usize = 256;

impl<K: Key> Listing<K> {
    pub(crate) fn new(known: Known<K>, at_least: Option<Revision>) -> (Self, mpsc::Receiver<Item<K>>) {
        let (items, taken) = mpsc::channel(WAITING);
        (Self { known, at_least, items }, taken)
    }

    /// Hands over an object. It waits while those before it are worked on.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has handed over nothing.
    pub async fn push(&mut self, object: KeyedDocument<K>) {
        self.give(Item::Document(object)).await;
    }

    /// Says that an object is there, at the revision that is [`known`](Self::known) of it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has said nothing.
    pub async fn unchanged(&mut self, key: K) {
        self.give(Item::Unchanged(key)).await;
    }

    /// Says that an object is there, but cannot be read. What is known of it stays, and it is told in the status.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has said nothing.
    pub async fn unreadable(&mut self, key: K, error: SourceError) {
        self.give(Item::Unreadable(key, error)).await;
    }

    /// Returns what is known of each object, for a source that works on it in several places.
    #[cfg(feature = "fs")]
    pub(crate) fn all_known(&self) -> Known<K> {
        Arc::clone(&self.known)
    }

    /// Returns the revision at which an object was seen last, even if it was not accepted.
    #[must_use]
    pub fn known(&self, key: &K) -> Option<&Revision> {
        self.known.get(key)?.revision.as_ref()
    }

    /// Returns the revision of the whole collection up to which everything is known: a list must not be of an older one,
    /// as from a replica that lags behind. One that is, so far as [`KeyedSource::compare`] can tell, is refused.
    #[must_use]
    pub fn at_least(&self) -> Option<&Revision> {
        self.at_least.as_ref()
    }

    async fn give(&self, item: Item<K>) {
        // Nobody takes it once the list is over for another reason.
        let _ = self.items.send(item).await;
    }
}

impl<K> fmt::Debug for Listing<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

/// A source of many objects, without its type.
pub(crate) trait AnyKeyedSource<K: Key>: Send {
    fn origin(&self) -> Origin;

    /// The listing goes with the list, so that whoever takes its items sees their end.
    fn list(&mut self, listing: Listing<K>) -> BoxFuture<'_, Result<Listed, SourceError>>;

    fn changed<'a>(
        &'a mut self,
        from: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Changed<K>, SourceError>>;

    fn condition(&self) -> Condition;

    fn disconnect(&mut self);
}

impl<S: KeyedSource> AnyKeyedSource<S::Key> for S {
    fn origin(&self) -> Origin {
        KeyedSource::origin(self)
    }

    fn list(&mut self, mut listing: Listing<S::Key>) -> BoxFuture<'_, Result<Listed, SourceError>> {
        Box::pin(async move { KeyedSource::list(self, &mut listing).await })
    }

    fn changed<'a>(
        &'a mut self,
        from: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Changed<S::Key>, SourceError>> {
        Box::pin(KeyedSource::changed(self, from))
    }

    fn condition(&self) -> Condition {
        KeyedSource::condition(self)
    }

    fn disconnect(&mut self) {
        KeyedSource::disconnect(self);
    }
}
