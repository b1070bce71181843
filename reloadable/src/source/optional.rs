//! A source that need not be there.

use crate::document::{Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};
use crate::source::{AnySource, Asked, BoxFuture, Fetched, Health, Hint};

/// While there is nothing, it gives no documents, so that the layers below show through.
pub(crate) struct Optional {
    inner: Box<dyn AnySource>,
    absent: Revision,
}

impl Optional {
    pub(crate) fn new(inner: Box<dyn AnySource>) -> Self {
        Self { inner, absent: Revision::new("absent") }
    }
}

impl AnySource for Optional {
    fn origin(&self) -> Origin {
        self.inner.origin()
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        let Self { inner, absent } = self;
        let was_absent = known == Some(&*absent);
        Box::pin(async move {
            match inner.fetch(known.filter(|_| !was_absent), asked).await {
                // A file of a directory that is gone while its link stays is not the directory.
                Err(error)
                    if error.kind() == SourceErrorKind::NotFound && *error.origin() == inner.origin() =>
                {
                    Ok(if was_absent {
                        Fetched::NotModified
                    } else {
                        Fetched::Documents { documents: Vec::new(), revision: absent.clone() }
                    })
                }
                fetched => fetched,
            }
        })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        self.inner.changed()
    }

    fn accepted(&mut self, revision: &Revision) {
        if *revision != self.absent {
            self.inner.accepted(revision);
        }
    }

    fn is_one_side(&self) -> bool {
        self.inner.is_one_side()
    }

    fn health(&self) -> Health {
        self.inner.health()
    }
}
