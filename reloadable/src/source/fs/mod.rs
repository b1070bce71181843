//! Files and directories.

mod directory;
mod events;
mod file;
mod look;
mod read;
// Nothing calls it before the watcher does.
#[allow(dead_code)]
mod settle;

pub(crate) use self::directory::DirectorySource;
pub(crate) use self::file::FileSource;
