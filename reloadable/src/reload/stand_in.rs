//! What takes the place of a source that cannot be used.

use crate::document::{Document, Origin, Revision};
use crate::error::SourceError;
use crate::source::{AnySource, Asked, BoxFuture, Fetched, Hint};

/// Gives what was kept of a source.
pub(super) struct StandIn {
    pub(super) origin: Origin,
    pub(super) documents: Vec<Document>,
}

impl AnySource for StandIn {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    fn fetch<'a>(
        &'a mut self,
        _: Option<&'a Revision>,
        _: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        let (documents, revision) = (self.documents.clone(), Revision::new("last good"));
        Box::pin(async { Ok(Fetched::Documents { documents, revision }) })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        Box::pin(std::future::pending())
    }
}
