//! Files and directories.

#[allow(dead_code)]
mod chain;
mod directory;
mod events;
mod file;
mod look;
#[allow(dead_code)]
mod probe;
mod read;
mod write;

pub(crate) use self::directory::DirectorySource;
pub(crate) use self::file::FileSource;
pub use self::write::atomic_write;
