//! The directory of the good sets, and whether anybody else could have touched what is in it.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::source::fs;

use super::refusal::{failed, refusal};

/// An open directory that belongs to this process's user.
#[derive(Debug)]
pub(super) struct Directory<'p> {
    path: &'p Path,
    #[cfg(unix)]
    file: File,
}

/// What a writer holds until it is done: then nobody else writes.
#[derive(Debug)]
pub(super) struct Lock {
    #[cfg(unix)]
    _file: Option<File>,
}

/// How long another writer is waited for, which needs a few milliseconds unless it was stopped in the middle.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

impl<'p> Directory<'p> {
    /// Opens the directory; nothing where there is none.
    pub(super) fn open(path: &'p Path) -> Result<Option<Self>, Error> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path, "open the directory", &error)),
        };
        if !metadata.is_dir() {
            return Err(refusal(
                path,
                "wrong_kind",
                "it is not a directory; name a directory for the last good set",
            ));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let file = File::open(path).map_err(|error| failed(path, "open the directory", &error))?;
            // Of what is open, since the path may lead elsewhere by now.
            let metadata = file.metadata().map_err(|error| failed(path, "look at", &error))?;
            owned(path, &metadata)?;
            let mode = metadata.mode() & 0o7777;
            if mode & 0o022 != 0 {
                let message = format!(
                    "others may write to this directory (mode {mode:o}), and so could exchange the last good set; \
                     take that permission away, as with `chmod go-w`"
                );
                return Err(refusal(path, "exposed", message));
            }
            Ok(Some(Self { path, file }))
        }
        #[cfg(not(unix))]
        Ok(Some(Self { path }))
    }

    /// Opens the directory, which is made where it is not there, for this user alone.
    pub(super) fn make(path: &'p Path) -> Result<Self, Error> {
        if let Some(directory) = Self::open(path)? {
            return Ok(directory);
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| failed(path, "make the directory", &error))?;
        #[cfg(unix)]
        if let Some(parent) = path.parent() {
            // Where the file system cannot do that, the directory may be gone after a power cut, and is made again.
            let _ = File::open(parent).and_then(|parent| parent.sync_all());
        }
        Self::open(path)?.ok_or_else(|| failed(path, "make the directory", &io::ErrorKind::NotFound.into()))
    }

    /// Waits until no other process writes; removes what writers of the set `name` have left behind that were killed.
    pub(super) fn lock(self, name: &str) -> Result<Lock, Error> {
        #[cfg(unix)]
        {
            let began = Instant::now();
            loop {
                match fs::try_lock(&self.file) {
                    Ok(true) => break,
                    Ok(false) if began.elapsed() < PATIENCE => sleep(PAUSE),
                    Ok(false) => {
                        let message = format!(
                            "another process has been writing there for more than {PATIENCE:?}; see whether it hangs, \
                             or give each its own directory"
                        );
                        return Err(refusal(self.path, "busy", message));
                    }
                    // Without locks, what is there may be of a writer that lives.
                    Err(_) => return Ok(Lock { _file: None }),
                }
            }
            remove_stale(self.path, name);
            Ok(Lock { _file: Some(self.file) })
        }
        #[cfg(not(unix))]
        {
            let _ = (self.path, name);
            Ok(Lock {})
        }
    }
}

/// If one cannot be removed, neither can anything be written, and that is told.
#[cfg(unix)]
fn remove_stale(directory: &Path, name: &str) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if fs::is_temporary(&entry.file_name(), name) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Opens a file that nobody but this user may read or write; nothing where there is none.
pub(super) fn open_file(path: &Path) -> Result<Option<(File, Metadata)>, Error> {
    let regular = |metadata: &Metadata| {
        let message = "it is not a regular file; remove it, or give the last good set another name";
        metadata.is_file().then_some(()).ok_or_else(|| refusal(path, "wrong_kind", message))
    };
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => regular(&metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "look at", &error)),
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, fs::NOFOLLOW);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "open", &error)),
    };
    let metadata = file.metadata().map_err(|error| failed(path, "look at", &error))?;
    regular(&metadata)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        owned(path, &metadata)?;
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            let message = format!(
                "others may read or write this file (mode {mode:o}); if nobody has tampered with it, take that \
                 permission away, as with `chmod 600`, or remove it"
            );
            return Err(refusal(path, "exposed", message));
        }
    }
    Ok(Some((file, metadata)))
}

/// Nobody but this user, and root, may have made it.
#[cfg(unix)]
fn owned(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let (owner, own) = (std::os::unix::fs::MetadataExt::uid(metadata), fs::effective_user());
    if owner == own || owner == 0 {
        return Ok(());
    }
    let message = format!(
        "it belongs to user {owner}, and this process is of user {own}; change its owner, or keep the last good set \
         elsewhere"
    );
    Err(refusal(path, "owner", message))
}
