//! A source whose path is relative: it stays where it was when it was made, wherever the process goes.

use std::path::{Path, PathBuf};

use crate::document::{Origin, Revision};
use crate::error::SourceError;
use crate::source::{AnySource, Asked, BoxFuture, Fetched, Health, Hint};

/// A source of an absolute path that is told of by the path as it was written.
pub(crate) struct Relative<S> {
    source: S,
    written: PathBuf,
    absolute: PathBuf,
}

impl<S: AnySource> Relative<S> {
    /// `source` was made of the absolute path.
    pub(crate) fn new(source: S, written: PathBuf, absolute: PathBuf) -> Self {
        Self { source, written, absolute }
    }

    fn as_written(&self, origin: &Origin) -> Origin {
        match origin.path().and_then(|path| path.strip_prefix(&self.absolute).ok()) {
            None => origin.clone(),
            Some(below) if below == Path::new("") => Origin::file(&self.written),
            Some(below) => Origin::file(self.written.join(below)),
        }
    }
}

impl<S: AnySource> AnySource for Relative<S> {
    fn origin(&self) -> Origin {
        self.as_written(&self.source.origin())
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            match self.source.fetch(known, asked).await {
                Ok(Fetched::NotModified) => Ok(Fetched::NotModified),
                Ok(Fetched::Documents { mut documents, revision }) => {
                    for document in &mut documents {
                        document.set_origin(self.as_written(document.origin()));
                    }
                    Ok(Fetched::Documents { documents, revision })
                }
                Err(error) => {
                    let origin = self.as_written(error.origin());
                    Err(SourceError::new(error.kind(), origin, error.message()))
                }
            }
        })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        self.source.changed()
    }

    fn accepted(&mut self, revision: &Revision) {
        self.source.accepted(revision);
    }

    fn is_one_side(&self) -> bool {
        self.source.is_one_side()
    }

    fn health(&self) -> Health {
        self.source.health()
    }
}
