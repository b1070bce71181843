//! Files and directories: events say when to look, and a look says what is there.

mod chain;
mod settle;
mod probe;
mod settings;
mod read;
mod inbox;
mod events;
mod survey;
mod member;
mod mode;
mod watched;
mod look;
mod unit;
mod file;
mod directory;
mod named;
mod relative;
mod collection;
mod write;

pub use self::collection::{DirectoryCollection, FileCollection};
pub(crate) use self::directory::DirectorySource;
pub use self::directory::Patterns;
pub(crate) use self::file::FileSource;
pub(crate) use self::named::NamedFiles;
pub(crate) use self::probe::{NOFOLLOW, effective_user, try_lock};
pub(crate) use self::relative::Relative;
pub(crate) use self::settings::Settings;
pub use self::write::atomic_write;
pub(crate) use self::write::{is_temporary, private_write};
