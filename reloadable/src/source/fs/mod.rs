//! Files and directories: events say when to look, and a look says what is there.

mod chain;
mod settle;
mod probe;
mod read;
mod events;
mod survey;
mod look;
mod unit;
mod file;
mod directory;

pub(crate) use self::directory::DirectorySource;
pub use self::directory::Patterns;
pub(crate) use self::file::FileSource;
pub(crate) use self::look::Settings;
