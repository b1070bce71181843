//! The files of a directory, as one layer.

use std::path::{Path, PathBuf};

use glob::Pattern;

use super::look::{Looker, Target};
use super::read;
use crate::document::{Document, Format, Origin, Revision};
use crate::error::{Error, SourceError, SourceErrorKind};
use crate::source::{Fetched, Hint, Source};

/// All files of one directory whose names match a pattern, merged in the order of their names.
#[derive(Debug)]
pub(crate) struct DirectorySource {
    directory: WatchedDirectory,
    looker: Looker<Files>,
}

#[derive(Debug, Clone)]
struct WatchedDirectory {
    path: PathBuf,
    pattern: Pattern,
    limit: u64,
}

type Files = Vec<(PathBuf, Vec<u8>)>;

impl DirectorySource {
    /// Refuses a pattern that is none.
    pub(crate) fn new(path: PathBuf, pattern: &str, limit: u64) -> Result<Self, Error> {
        let pattern = Pattern::new(pattern)
            .map_err(|error| Error::setup("pattern", format!("`{pattern}` is not a pattern: {error}")))?;
        Ok(Self { directory: WatchedDirectory { path, pattern, limit }, looker: Looker::new() })
    }
}

impl Source for DirectorySource {
    fn origin(&self) -> Origin {
        Origin::file(&self.directory.path)
    }

    async fn fetch(&mut self, known: Option<&Revision>) -> Result<Fetched, SourceError> {
        let files = self.looker.look(&self.directory).await?;
        let revision = revision_of(&files);
        if known == Some(&revision) {
            return Ok(Fetched::NotModified);
        }
        let documents = files.into_iter().map(|(path, bytes)| match Format::from_path(&path) {
            Some(format) => Ok(Document::new(Origin::file(path), format, bytes)),
            None => Err(SourceError::new(
                SourceErrorKind::UnknownFormat,
                Origin::file(path),
                "its extension is not one of `.toml` and `.json`; narrow the pattern of the directory",
            )),
        });
        Ok(Fetched::Documents { documents: documents.collect::<Result<_, _>>()?, revision })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        self.looker.changed().await
    }
}

impl Target for WatchedDirectory {
    type Found = Files;

    fn path(&self) -> &Path {
        &self.path
    }

    /// Its parent too, in which it may be replaced.
    fn directories(&self) -> Vec<PathBuf> {
        let mut directories = read::directories_of(&self.path);
        directories.push(self.path.clone());
        directories
    }

    fn concerns(&self, changed: &Path) -> bool {
        let Some(name) = changed.file_name() else { return true };
        Some(name) == self.path.file_name()
            || read::is_swap(name)
            || name.to_str().is_some_and(|name| included(&self.pattern, name))
    }

    fn read(&self) -> Result<Files, SourceError> {
        list(&self.path, &self.pattern, self.limit)
    }
}

/// Names and contents, each with its length before it, so that no two listings look alike.
fn revision_of(files: &[(PathBuf, Vec<u8>)]) -> Revision {
    let mut mark = Vec::new();
    for (path, bytes) in files {
        for part in [path.as_os_str().as_encoded_bytes(), bytes] {
            mark.extend_from_slice(&(part.len() as u64).to_le_bytes());
            mark.extend_from_slice(part);
        }
    }
    Revision::new(mark)
}

/// Reads the matching files in the order of their names. The limit counts for all of them together.
fn list(path: &Path, pattern: &Pattern, limit: u64) -> Result<Files, SourceError> {
    let failed = |error: std::io::Error| SourceError::io(Origin::file(path), &error);
    let mut names = Vec::new();
    let entries = std::fs::read_dir(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotADirectory => SourceError::new(
            SourceErrorKind::WrongKind,
            Origin::file(path),
            "it is not a directory; use `.file(path)` for a file",
        ),
        _ => failed(error),
    })?;
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if name.to_str().is_some_and(|name| included(pattern, name)) {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut left = limit;
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let file = path.join(name);
        if file.is_dir() {
            continue;
        }
        let bytes = read::stable(&file, left).map_err(|error| match error.kind() {
            SourceErrorKind::TooLarge => read::too_large(Origin::file(path), limit.saturating_add(1), limit),
            _ => error,
        })?;
        left -= bytes.len() as u64;
        files.push((file, bytes));
    }
    Ok(files)
}

/// Leaves out what editors and other programs put beside a file while they save it.
fn included(pattern: &Pattern, name: &str) -> bool {
    let temporary = name.starts_with(['.', '#'])
        || name.ends_with(['~', '#'])
        || [
            ".tmp",
            ".temp",
            ".bak",
            ".orig",
            ".swp",
            ".swo",
            ".swx",
            ".part",
            ".new",
            ".dpkg-old",
            ".dpkg-dist",
            ".rpmsave",
            ".rpmnew",
        ]
        .iter()
        .any(|suffix| name.ends_with(suffix));
    !temporary && pattern.matches(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_backup_and_temporary_names_are_left_out() {
        let Ok(everything) = Pattern::new("*") else { unreachable!("a star is a pattern") };
        for name in ["10-a.toml", "b.json", "c"] {
            assert!(included(&everything, name), "{name}");
        }
        for name in
            [".10-a.toml", "a.toml~", "#a.toml#", ".#a.toml", "a.toml.swp", "a.tmp", "a.toml.bak", "..data"]
        {
            assert!(!included(&everything, name), "{name}");
        }
    }

    #[test]
    fn a_byte_that_moves_from_name_to_content_makes_another_revision() {
        let one = revision_of(&[("ab".into(), b"c".to_vec())]);
        let other = revision_of(&[("a".into(), b"bc".to_vec())]);
        assert_ne!(one, other);
    }
}
