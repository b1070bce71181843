//! What stands behind a source of many objects that is put to the test.

use std::future::{Future, ready};
use std::time::Duration;

use crate::document::Format;
use crate::source::KeyedSource;
use crate::testing::conformance::rig::RigError;
use crate::testing::deadline::DEADLINE;

/// A place that holds many objects, the source that lists and follows them, and what can be done to them behind the
/// source's back.
///
/// A check begins with a rig of its own, whose place is empty. What a rig cannot do stays as it is here; the checks that
/// need it are then reported as not applicable. Implementations write plain `async fn`.
///
/// # Examples
///
/// See [`keyed_source_conformance`](super::keyed_source_conformance).
pub trait KeyedRig: Send + 'static {
    /// The source.
    type Source: KeyedSource;

    /// Returns the source of this place. It is called once.
    fn source(&mut self) -> Self::Source;

    /// Returns the key of the object with this name: some letters.
    fn key(&self, name: &str) -> <Self::Source as KeyedSource>::Key;

    /// Puts an object with this text there, whole, and in the place of whatever had its name, which stays the same object
    /// if it was one.
    ///
    /// # Errors
    ///
    /// What stood in the way.
    fn put(&mut self, name: &str, text: &str) -> impl Future<Output = Result<(), RigError>> + Send;

    /// Takes an object away.
    ///
    /// # Errors
    ///
    /// What stood in the way.
    fn delete(&mut self, name: &str) -> impl Future<Output = Result<(), RigError>> + Send;

    /// Leaves an object there, but makes it unreadable, until another one is put in its place.
    ///
    /// # Errors
    ///
    /// What stood in the way; [`RigError::Unsupported`] where all can be read or none.
    fn block(&mut self, _name: &str) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Err(RigError::Unsupported))
    }

    /// Makes the whole place fail, as a server that is away, while the objects stay as they are: so that they cannot be
    /// listed, or that a list breaks off.
    ///
    /// # Errors
    ///
    /// What stood in the way; [`RigError::Unsupported`] where it cannot fail.
    fn fail(&mut self) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Err(RigError::Unsupported))
    }

    /// Ends a failure.
    ///
    /// # Errors
    ///
    /// What stood in the way.
    fn recover(&mut self) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Ok(()))
    }

    /// Makes the place forget what has changed up to now, so that the source cannot tell of it: a compacted log, a queue
    /// that ran over.
    ///
    /// # Errors
    ///
    /// What stood in the way; [`RigError::Unsupported`] where nothing is forgotten, or nothing remembered.
    fn forget(&mut self) -> impl Future<Output = Result<(), RigError>> + Send {
        ready(Err(RigError::Unsupported))
    }

    /// Tells in which format the objects are to be: TOML unless said otherwise.
    fn format(&self) -> Format {
        Format::Toml
    }

    /// Tells whether the source tells of changes: yes unless said otherwise. One that can only list does not.
    fn tells(&self) -> bool {
        true
    }

    /// Returns the secrets with which the place is reached. None may be in an origin or error.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns how long to wait for what must happen: 10 s unless said otherwise.
    fn deadline(&self) -> Duration {
        DEADLINE
    }
}
