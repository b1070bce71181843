//! Reading a file that others may be writing.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::document::Origin;
use crate::error::{SourceError, SourceErrorKind};

/// How often a file that changes under the reader's hands is read again before that is an error; its writer's next
/// event, or the next look, tries anew.
const TRIES: usize = 5;

/// Reads a regular file of at most `limit` bytes. Between the first look at its metadata and the last, nothing about
/// it changed.
pub(super) fn stable(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    let origin = || Origin::file(path);
    let failed = |error: std::io::Error| SourceError::io(origin(), &error);
    for _ in 0..TRIES {
        // Before the open, since opening a pipe waits for its writer.
        regular(path, &std::fs::metadata(path).map_err(failed)?)?;
        let mut file = File::open(path).map_err(failed)?;
        let before = file.metadata().map_err(failed)?;
        regular(path, &before)?;
        if before.len() > limit {
            return Err(too_large(origin(), before.len(), limit));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(0).saturating_add(1));
        (&mut file).take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(too_large(origin(), bytes.len() as u64, limit));
        }
        let now = std::fs::metadata(path).map_err(failed)?;
        if Stamp::of(&before) == Stamp::of(&now) && bytes.len() as u64 == now.len() {
            return Ok(bytes);
        }
    }
    Err(SourceError::new(SourceErrorKind::Unstable, origin(), "it changed while it was read"))
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), SourceError> {
    let what = if metadata.is_file() {
        return Ok(());
    } else if metadata.is_dir() {
        "it is a directory, not a file; use `.directory(path, pattern)` for one"
    } else {
        "it is not a regular file"
    };
    Err(SourceError::new(SourceErrorKind::WrongKind, Origin::file(path), what))
}

pub(super) fn too_large(origin: Origin, size: u64, limit: u64) -> SourceError {
    SourceError::new(
        SourceErrorKind::TooLarge,
        origin,
        format!(
            "it has at least {size} bytes, more than the limit of {limit}; `.max_size(bytes)` raises that"
        ),
    )
}

/// Two equal stamps: the same file, not written to in between.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64),
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino()),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Returns the directories in which something happens when a file at `path` does: the one that holds the name, and,
/// where symbolic links lead elsewhere, the one that holds the file itself.
pub(super) fn directories_of(path: &Path) -> Vec<PathBuf> {
    let mut directories = vec![parent(path)];
    if let Ok(target) = path.canonicalize() {
        let directory = parent(&target);
        if directories.iter().all(|known| known.canonicalize().ok().as_ref() != Some(&directory)) {
            directories.push(directory);
        }
    }
    directories
}

/// Returns the directory that holds a name; the current one for a bare name.
pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Tells whether a name belongs to the machinery by which Kubernetes and others swap whole directories (`..data`):
/// any event on it may change every file beside it.
pub(super) fn is_swap(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"..")
}
