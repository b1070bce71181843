//! Reading a file that others may be writing.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::chain::Identity;
use super::probe;
use crate::document::{Document, Format, Origin};
use crate::error::{SourceError, SourceErrorKind};

/// How often a file that changes under the reader's hands is read again before that is an error; its writer's next
/// event, or the next look, tries anew.
const TRIES: usize = 5;

/// What a file holds, and the marks by which it is known again.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) stamp: Stamp,
    pub(super) bytes: Arc<[u8]>,
    /// It was read so soon after it was written to that a later write might leave the same stamp.
    pub(super) is_fresh: bool,
}

/// The bytes may hold secrets, so only their number is shown.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("stamp", &self.stamp)
            .field("bytes", &self.bytes.len())
            .field("is_fresh", &self.is_fresh)
            .finish()
    }
}

/// Where the kernel tells times apart only by its timer's ticks (before Linux 6.13), two writes within 10 ms may leave
/// the same times. Twice that.
const TICK: Duration = Duration::from_millis(20);

/// Reads a regular file of at most `limit` bytes, of which `metadata` was found just now. Between the look at its
/// metadata and the one after it was read, nothing about it changed.
pub(super) fn stable(path: &Path, metadata: &Metadata, limit: u64) -> Result<Content, SourceError> {
    let origin = || Origin::file(path);
    let failed = |error: std::io::Error| SourceError::io(origin(), &error);
    let mut before = metadata.clone();
    for _ in 0..TRIES {
        // Before the open, since opening a device may do something.
        regular(path, &before)?;
        if before.len() > limit {
            return Err(too_large(origin(), before.len(), limit));
        }
        let bytes = read(path, before.len(), limit).map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(too_large(origin(), bytes.len() as u64, limit));
        }
        let after = std::fs::metadata(path).map_err(failed)?;
        // A file that was moved away and back in between was changed by that.
        let stamp = Stamp::of(&after);
        // The files of proc have no size, and say nothing of when they change.
        let is_without_size = after.len() == 0 && !bytes.is_empty();
        if Stamp::of(&before) == stamp && (bytes.len() as u64 == after.len() || is_without_size) {
            let is_fresh = is_without_size || stamp.is_fresh(SystemTime::now());
            return Ok(Content { stamp, bytes: bytes.into(), is_fresh });
        }
        before = after;
    }
    Err(unstable(path))
}

pub(super) fn unstable(path: &Path) -> SourceError {
    SourceError::new(SourceErrorKind::Unstable, Origin::file(path), "it changed whenever it was read")
}

/// Reads all of it, one byte more than the limit at most.
fn read(path: &Path, size: u64, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut file = open(path)?.take(limit.saturating_add(1));
    let size = usize::try_from(size).unwrap_or(0);
    let mut bytes = vec![0; size.saturating_add(1)];
    let mut filled = 0;
    loop {
        let read = match file.read(bytes.get_mut(filled..).unwrap_or_default()) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        filled += read;
        // At the size that it had nobody has to ask for more: whether it still has that is looked at afterwards.
        if read == 0 || filled == size {
            break;
        }
        if filled == bytes.len() {
            bytes.resize(filled.saturating_mul(2), 0);
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// It does not wait where a pipe has taken the file's place.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, probe::NONBLOCK);
    options.open(path)
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

/// The bit of a file's mode that lets everybody read it.
#[cfg(unix)]
const OTHERS_READ: u32 = 0o004;

/// The files of a target with their contents, in order.
pub(super) type Files = Vec<(PathBuf, Held)>;

/// The files of a target in order, each with its content or what stands in its way.
pub(super) type Found = Vec<(PathBuf, Result<Held, SourceError>)>;

impl Content {
    /// Returns what is handed on of it.
    pub(super) fn held(&self) -> Held {
        Held { bytes: Arc::clone(&self.bytes), is_public: self.stamp.is_public() }
    }
}

/// What is handed on of a file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) bytes: Arc<[u8]>,
    /// Everybody on this machine may read it.
    pub(super) is_public: bool,
}

impl Held {
    pub(super) fn document(self, origin: Origin, format: Format) -> Document {
        let mut document = Document::new(origin, format, self.bytes);
        document.set_public(self.is_public);
        document
    }
}

/// The bytes may hold secrets, so only their number is shown.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("bytes", &self.bytes.len()).field("is_public", &self.is_public).finish()
    }
}

/// Two equal stamps: the same file, not written to in between. A time that goes back differs, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: Identity,
    size: u64,
    modified: Option<SystemTime>,
    /// When anything about it was changed last; nobody can set that.
    #[cfg(unix)]
    changed: (i64, i64),
    is_public: bool,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            identity: Identity::from_metadata(metadata),
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            #[cfg(unix)]
            is_public: metadata.mode() & OTHERS_READ != 0,
            #[cfg(not(unix))]
            is_public: false,
        }
    }

    /// Tells whether everybody may read the file, as far as its mode says so.
    pub(super) fn is_public(&self) -> bool {
        self.is_public
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Tells whether what was done to the file last, as a rename, left its content as it was.
    pub(super) fn is_moved(&self) -> bool {
        let modified = self.modified.zip(self.changed());
        modified.is_some_and(|(modified, changed)| modified < changed)
    }

    /// Tells whether the file was changed so short a time ago that it may be about to change again.
    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        let Some(changed) = self.changed() else { return true };
        match now.duration_since(changed) {
            Ok(age) => age < TICK,
            // A clock that is not ours, or was set: nothing can be told.
            Err(_) => true,
        }
    }

    /// Tells whether it is known that the file was changed so short a time ago.
    pub(super) fn is_young(&self, now: SystemTime) -> bool {
        let age = self.changed().and_then(|changed| now.duration_since(changed).ok());
        age.is_some_and(|age| age < TICK)
    }

    #[cfg(unix)]
    fn changed(&self) -> Option<SystemTime> {
        let (seconds, nanos) = self.changed;
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }

    #[cfg(not(unix))]
    fn changed(&self) -> Option<SystemTime> {
        self.modified
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_holds_is_not_printed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        std::fs::write(&path, "token = \"hidden\"").unwrap();
        let content = stable(&path, &std::fs::metadata(&path).unwrap(), 100).unwrap();
        let printed = format!("{content:?}");
        assert!(printed.contains("bytes: 16") && !printed.contains("104, 105"), "{printed}");
    }
}
