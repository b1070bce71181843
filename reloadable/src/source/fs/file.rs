//! One file, as one layer.

use std::path::PathBuf;

use super::settings::Settings;
use super::survey::Target;
use super::unit::Unit;
use crate::document::{Format, Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};
use crate::source::{AnySource, Asked, BoxFuture, Fetched, Health, Hint};

/// A file, watched through the directories on the way to it.
#[derive(Debug)]
pub(crate) struct FileSource {
    path: PathBuf,
    format: Option<Format>,
    unit: Unit,
}

impl FileSource {
    /// `format` is told by the extension if it is not given.
    pub(crate) fn new(path: PathBuf, format: Option<Format>, settings: Settings) -> Self {
        let format = format.or_else(|| Format::from_path(&path));
        Self { format, unit: Unit::new(Target::Files(vec![path.clone()]), settings), path }
    }
}

impl AnySource for FileSource {
    fn origin(&self) -> Origin {
        Origin::file(&self.path)
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            let Some(format) = self.format else {
                return Err(SourceError::new(
                    SourceErrorKind::UnknownFormat,
                    self.origin(),
                    format!("{}; use `.file_as(path, format)`", Format::unknown_extension()),
                ));
            };
            let Some((files, revision)) = self.unit.fetch(known, asked).await? else {
                return Ok(Fetched::NotModified);
            };
            let documents = files.into_iter().map(|(_, held)| held.document(self.origin(), format));
            Ok(Fetched::Documents { documents: documents.collect(), revision })
        })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        Box::pin(async { Ok(self.unit.changed().await) })
    }

    fn accepted(&mut self, revision: &Revision) {
        self.unit.accepted(revision);
    }

    fn is_one_side(&self) -> bool {
        self.unit.is_one_side()
    }

    fn health(&self) -> Health {
        self.unit.health()
    }
}
