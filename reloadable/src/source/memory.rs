//! A document that the program itself holds.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::document::{Document, Format, Origin, Revision};
use crate::error::SourceError;
use crate::source::{Fetched, Hint, Source};

/// A document in memory, for defaults that the program carries and for tests. Its [`MemoryHandle`] changes it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::{Format, MemorySource, Reloader};
///
/// let (source, handle) = MemorySource::new("settings", Format::Toml, "[limits]\nworkers = 4");
/// # type App = std::collections::BTreeMap<String, std::collections::BTreeMap<String, u16>>;
/// let config = Reloader::<App>::builder().source(source).start().await?;
/// let mut changes = config.subscribe();
/// handle.replace("[limits]\nworkers = 8");
/// assert_eq!(changes.changed().await?.changes().to_string(), "limits.workers: 4 -> 8");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MemorySource {
    origin: Origin,
    format: Format,
    content: watch::Receiver<Content>,
}

/// Changes what a [`MemorySource`] holds. When the last handle is gone, the source keeps what it holds.
#[derive(Debug, Clone)]
pub struct MemoryHandle {
    origin: Origin,
    content: Arc<watch::Sender<Content>>,
}

struct Content {
    bytes: Result<Arc<[u8]>, SourceError>,
    version: u64,
    hint: Hint,
}

/// The text may hold secrets, so it is not shown.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("version", &self.version).finish_non_exhaustive()
    }
}

impl MemorySource {
    /// Makes a source that holds `text`, and the handle that changes it. `name` is how reports call it.
    pub fn new(name: impl Into<String>, format: Format, text: impl AsRef<[u8]>) -> (Self, MemoryHandle) {
        let origin = Origin::named(name);
        let bytes = Ok(text.as_ref().into());
        let (sender, content) = watch::channel(Content { bytes, version: 0, hint: Hint::Complete });
        (Self { origin: origin.clone(), format, content }, MemoryHandle { origin, content: Arc::new(sender) })
    }
}

impl MemoryHandle {
    /// Puts a complete new text in place of the old one: it is looked at at once.
    pub fn replace(&self, text: impl AsRef<[u8]>) {
        self.put(Ok(text.as_ref().into()), Hint::Complete);
    }

    /// Puts a new text in place of the old one, as one of several that may follow: it is looked at after a moment of
    /// quiet.
    pub fn write(&self, text: impl AsRef<[u8]>) {
        self.put(Ok(text.as_ref().into()), Hint::Settling);
    }

    /// Makes the source fail until the next text comes.
    pub fn fail(&self, kind: crate::error::SourceErrorKind, message: impl Into<String>) {
        self.put(Err(SourceError::new(kind, self.origin.clone(), message)), Hint::Complete);
    }

    fn put(&self, bytes: Result<Arc<[u8]>, SourceError>, hint: Hint) {
        self.content.send_modify(|content| {
            *content = Content { bytes, version: content.version + 1, hint };
        });
    }
}

impl Source for MemorySource {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn fetch(&mut self, known: Option<&Revision>) -> Result<Fetched, SourceError> {
        let (bytes, version) = {
            let content = self.content.borrow_and_update();
            (content.bytes.clone()?, content.version)
        };
        let revision = Revision::new(version.to_le_bytes());
        if known == Some(&revision) {
            return Ok(Fetched::NotModified);
        }
        let documents = vec![Document::new(self.origin(), self.format, bytes)];
        Ok(Fetched::Documents { documents, revision })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        match self.content.changed().await {
            Ok(()) => Ok(self.content.borrow().hint),
            Err(_) => std::future::pending().await,
        }
    }
}
