//! One file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::look::{Looker, Target};
use super::read;
use crate::document::{Document, Format, Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};
use crate::source::{Fetched, Hint, Source};

/// A file, watched through the directory that holds it.
#[derive(Debug)]
pub(crate) struct FileSource {
    file: WatchedFile,
    format: Option<Format>,
    looker: Looker<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct WatchedFile {
    path: PathBuf,
    limit: u64,
}

impl FileSource {
    /// `format` is told by the extension if it is not given.
    pub(crate) fn new(path: PathBuf, format: Option<Format>, limit: u64) -> Self {
        let format = format.or_else(|| Format::from_path(&path));
        Self { file: WatchedFile { path, limit }, format, looker: Looker::new() }
    }
}

impl Source for FileSource {
    fn origin(&self) -> Origin {
        Origin::file(&self.file.path)
    }

    async fn fetch(&mut self, known: Option<&Revision>) -> Result<Fetched, SourceError> {
        let Some(format) = self.format else {
            return Err(SourceError::new(
                SourceErrorKind::UnknownFormat,
                self.origin(),
                "its extension is not one of `.toml` and `.json`; use `.file_as(path, format)`",
            ));
        };
        let bytes: Arc<[u8]> = self.looker.look(&self.file).await?.into();
        let revision = Revision::from(Arc::clone(&bytes));
        if known == Some(&revision) {
            return Ok(Fetched::NotModified);
        }
        Ok(Fetched::Documents { documents: vec![Document::new(self.origin(), format, bytes)], revision })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        self.looker.changed().await
    }
}

impl Target for WatchedFile {
    type Found = Vec<u8>;

    fn path(&self) -> &Path {
        &self.path
    }

    fn directories(&self) -> Vec<PathBuf> {
        read::directories_of(&self.path)
    }

    /// An event concerns the file if it names it, what a link of that name leads to, or a swap of its directory.
    fn concerns(&self, changed: &Path) -> bool {
        let Some(name) = changed.file_name() else { return true };
        Some(name) == self.path.file_name()
            || read::is_swap(name)
            || self.path.canonicalize().is_ok_and(|target| target.file_name() == Some(name))
    }

    fn read(&self) -> Result<Vec<u8>, SourceError> {
        read::stable(&self.path, self.limit)
    }
}
