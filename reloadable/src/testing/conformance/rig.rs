//! What stands behind a source that is put to the test.

use std::fmt;
use std::future::{Future, ready};
use std::time::Duration;

use crate::document::Format;
use crate::load::Reloadable;
use crate::reloader::Builder;
use crate::testing::deadline::DEADLINE;

/// A place that holds one document, the source that reads it, and what can be done to it behind the source's back.
///
/// A check begins with a rig of its own, and with [`replace`](Self::replace): before that, the place may hold nothing. What
/// a rig cannot do stays as it is here; the checks that need it are then reported as not applicable. Implementations write
/// plain `async fn`.
///
/// # Examples
///
/// See [`source_conformance`](super::source_conformance).
pub trait Rig: Send + 'static {
    /// Adds the source as a layer: `builder.source(..)`, `builder.file(..)`. It is called once, after the first
    /// [`replace`](Self::replace).
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T>;

    /// Puts this document in place, whole, and whatever was there before: nothing, half a document, something that cannot
    /// be read.
    ///
    /// # Errors
    ///
    /// What stood in the way.
    fn replace(&mut self, text: &str) -> impl Future<Output = Result<(), RigError>> + Send;

    /// Writes this document in two pieces, in the way in which half of one is seen in this kind of place if the source
    /// does not look out; the second piece comes a moment after the first.
    ///
    /// # Errors
    ///
    /// What stood in the way; [`RigError::Unsupported`] where a document is always whole.
    fn tear(&mut self, _first: &str, _second: &str) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Err(RigError::Unsupported))
    }

    /// Takes the document away, so that the source has nothing to read. It must not be attached as an
    /// [optional](Builder::optional) one.
    ///
    /// # Errors
    ///
    /// What stood in the way; [`RigError::Unsupported`] where it cannot be away.
    fn remove(&mut self) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Err(RigError::Unsupported))
    }

    /// Leaves the document there, but makes it unreadable: a directory in place of a file, a server that answers 500.
    ///
    /// # Errors
    ///
    /// What stood in the way; [`RigError::Unsupported`] where it can always be read.
    fn block(&mut self) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Err(RigError::Unsupported))
    }

    /// Puts another place in place of this one, with this document in it: a link that leads elsewhere, a directory above
    /// that is swapped, a server that is replaced by another.
    ///
    /// # Errors
    ///
    /// What stood in the way; [`RigError::Unsupported`] where there is no such thing.
    fn relocate(&mut self, _text: &str) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Err(RigError::Unsupported))
    }

    /// Tells in which format the documents are to be: TOML unless said otherwise.
    fn format(&self) -> Format {
        Format::Toml
    }

    /// Tells whether the source tells of changes, at least for most of them: yes unless said otherwise. One that is only
    /// looked at now and then does not. Where it does, `changed()` may fail only while the place is away or cannot be read.
    fn tells(&self) -> bool {
        true
    }

    /// Returns the secrets with which the place is reached, as a password in its URL. None may be in an origin or
    /// error.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns how long to wait for what must happen: 10 s unless said otherwise.
    fn deadline(&self) -> Duration {
        DEADLINE
    }
}

/// Why a [`Rig`] did not do what it was asked. Every error becomes one, so that `?` is enough.
pub enum RigError {
    /// There is no such thing in this kind of place.
    Unsupported,
    /// It went wrong, which is no fault of the source.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for RigError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Debug for RigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("Unsupported"),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}
