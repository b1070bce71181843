//! Files whose objects are followed one by one.
//!
//! `layout` says which objects a file holds, `ledger` who has which key, `sight` looks at one file, and `burst` counts what
//! goes together. `follow` has what is known of all of them; `list` and `change` tell of it.

mod layout;
mod ledger;
mod sight;
mod burst;
mod follow;
mod list;
mod change;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::document::{Origin, Revision};
use crate::error::{Error, SourceError};
use crate::path::FieldPath;
use crate::source::{Changed, Condition, KeyedSource, Listed, Listing, Settle};

use super::directory::{Directory, Patterns};
use super::settings::Settings;
use super::survey::Target;

use self::follow::Follower;
use self::layout::{KeyBy, Layout};

/// 1 MiB: far above every object that people write.
const MAX_SIZE: u64 = 1 << 20;
/// As for the file of a configuration.
const MAX_ARRAY_SIZE: u64 = 16 << 20;
/// As for the files of a configuration.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The files of a directory as objects, one in each file, or all elements of an array.
///
/// An object is known by the name of its file without the extension, unless told otherwise. An event about a file leads to
/// a look at that file alone, so a change among 100,000 files costs what it costs among 100. All files are looked at when
/// everything is listed, and those that look as before are not read again.
///
/// What is half written is no object: a file that was renamed into its place is read at once, and so is one that was
/// closed after writing, unless it is suspicious or busy, as [`Settle`] says. A rename over a file is a change of its object.
/// So is a file that is removed and made again within 20 ms. A file that stays open for writing and is silent for 1 s is
/// read as it is; the elements and keys that it lacks then are removed only when it is closed, or with the next list.
///
/// | what is there | what comes of it |
/// |---|---|
/// | a file that cannot be read or decoded, or is empty | its object stays as it was, and is among the broken ones |
/// | two files with one key | the one whose path comes first has it, good or not; the other one is refused and takes over when it may |
/// | something else in the place of an array of objects | all elements stay, and are among the broken ones |
/// | another key in a file | the object is removed, and another one added |
/// | a name that is not Unicode, where it is the key | refused |
/// | a directory in the place of a file | the object is removed |
/// | a link out of the directory | refused, unless [`follow_links_outside`](Self::follow_links_outside) |
/// | a file that is too large | the object stays as it was, and is among the broken ones |
/// | the directory is gone | nothing is removed; everything goes on when it is back |
/// | the files are removed one by one, without a pause, for more than 1 s | they go until half of them is gone |
/// | more than half of the files are gone, less than 1 s apart | they are kept until a second list confirms that, see [`RemovalGuard`] |
///
/// What is refused is in [`InformerStatus::refused`], what is broken in [`InformerStatus::broken`], both with a report.
///
/// [`RemovalGuard`]: crate::RemovalGuard
/// [`InformerStatus::refused`]: crate::InformerStatus::refused
/// [`InformerStatus::broken`]: crate::InformerStatus::broken
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let root = directory.path();
/// # type Route = std::collections::BTreeMap<String, u16>;
/// use std::fs;
///
/// use reloadable::{DirectoryCollection, Informer};
///
/// fs::create_dir(root.join("eu"))?;
/// fs::write(root.join("eu/api.toml"), "port = 80\n")?;
/// let source = DirectoryCollection::new(root, "*.toml")?.recursive().key_is_relative_path();
/// let routes = Informer::<Route>::builder().source(source).start().await?;
/// assert_eq!(routes.lister().get("eu/api").map(|api| api["port"]), Some(80));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct DirectoryCollection {
    directory: Directory,
    patterns: Patterns,
    layout: Layout,
    options: Options,
    follower: Option<Follower>,
}

/// How files are looked at.
#[derive(Debug, Clone)]
struct Options {
    max_size: u64,
    settle: Settle,
    follows_outside: bool,
}

impl Options {
    fn follower(&self, layout: Layout, target: Target) -> Follower {
        // When to look at everything again is for the informer to say.
        let settings = Settings::new(self.settle, MAX_WAIT, Duration::MAX, self.max_size);
        Follower::new(layout, target, settings, self.follows_outside)
    }
}

impl DirectoryCollection {
    /// Takes all files of a directory that match any of the patterns; see [`Patterns`] for what they mean, and which files
    /// are left out whatever they say. A relative path starts where the process is now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setup`](crate::ErrorKind::Setup) for a pattern that is none, or can never match. The directory need not
    /// be there.
    pub fn new(path: impl Into<PathBuf>, patterns: impl Into<Patterns>) -> Result<Self, Error> {
        let (written, patterns) = (path.into(), patterns.into());
        let absolute = std::path::absolute(&written).unwrap_or_else(|_| written.clone());
        let directory = Directory::of(absolute.clone(), &patterns)?;
        let layout = Layout { written, absolute, key_by: KeyBy::Name, array: None };
        let options = Options { max_size: MAX_SIZE, settle: Settle::default(), follows_outside: false };
        Ok(Self { directory, patterns, layout, options, follower: None })
    }

    /// Takes the files of all directories below as well: each pattern stands for names in any of them.
    pub fn recursive(self) -> Self {
        let patterns = self.patterns.below();
        // What is a pattern is one also below.
        let directory = Directory::of(self.layout.absolute.clone(), &patterns).unwrap_or(self.directory);
        Self { directory, patterns, ..self }
    }

    /// Knows an object by the path of its file below the directory, without the extension, with `/` between the names. By
    /// default it is the name alone.
    pub fn key_is_relative_path(self) -> Self {
        self.keyed(KeyBy::RelativePath)
    }

    /// Knows an object by what this field of it holds: a text, a number or a boolean. A file is read for that even if its
    /// object turns out to be broken; what has no such field is refused.
    pub fn key_from_field(self, field: impl Into<String>) -> Self {
        self.keyed(KeyBy::Field(field.into()))
    }

    /// Takes the elements of an array in each file as objects, each known by what this field of it holds. `array` is the
    /// path of the array, as `routes` or `http.routes`. A file without it holds none. Reports name the element by its
    /// place in the file.
    pub fn elements_of(self, array: &str, key: impl Into<String>) -> Self {
        let keyed = self.keyed(KeyBy::Field(key.into()));
        let layout = Layout { array: Some(FieldPath::read(array)), ..keyed.layout };
        Self { layout, ..keyed }
    }

    /// Sets how many bytes a file may have. By default that is 1 MiB.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.options.max_size = bytes;
        self
    }

    /// Sets how long to wait for the rest of a change.
    pub fn settle(mut self, settle: Settle) -> Self {
        self.options.settle = settle;
        self
    }

    /// Reads also what links in the directory lead to outside of it. By default such a file is refused: whoever may put a
    /// link there could otherwise have any file read that this process may read.
    pub fn follow_links_outside(mut self) -> Self {
        self.options.follows_outside = true;
        self
    }

    fn keyed(self, key_by: KeyBy) -> Self {
        Self { layout: Layout { key_by, ..self.layout }, ..self }
    }

    fn follower(&mut self) -> &mut Follower {
        let Self { directory, layout, options, follower, .. } = self;
        follower.get_or_insert_with(|| options.follower(layout.clone(), Target::Directory(directory.clone())))
    }
}

impl KeyedSource for DirectoryCollection {
    type Key = String;

    fn origin(&self) -> Origin {
        Origin::file(&self.layout.written)
    }

    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.follower().list(listing).await
    }

    async fn changed(&mut self, _from: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        self.follower().changed().await
    }

    fn condition(&self) -> Condition {
        self.follower.as_ref().map(Follower::condition).unwrap_or_default()
    }
}

/// The elements of an array in one file as objects, each known by what one of its fields holds.
///
/// The file is read once for all of them when it changes, and those that are as before are told to nobody. What is wrong
/// with one is told with its place in the file, as `routes[3].port`, and concerns no other; while the file cannot be read
/// at all, all of them stay as they are.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("routes.toml");
/// # type Route = std::collections::BTreeMap<String, String>;
/// use reloadable::{FileCollection, Informer};
///
/// std::fs::write(&path, "[[routes]]\nname = 'api'\nto = 'localhost:80'\n")?;
/// let source = FileCollection::new(&path, "routes", "name");
/// let routes = Informer::<Route>::builder().source(source).start().await?;
/// assert_eq!(routes.lister().get("api").map(|api| api["to"].clone()).as_deref(), Some("localhost:80"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct FileCollection {
    layout: Layout,
    options: Options,
    follower: Option<Follower>,
}

impl FileCollection {
    /// Takes the elements of the array at this path in the file, as `routes` or `http.routes`, each known by what the field
    /// `key` of it holds. A relative path starts where the process is now. The file need not be there yet.
    pub fn new(path: impl Into<PathBuf>, array: &str, key: impl Into<String>) -> Self {
        let written = path.into();
        let absolute = std::path::absolute(&written).unwrap_or_else(|_| written.clone());
        let (key_by, array) = (KeyBy::Field(key.into()), Some(FieldPath::read(array)));
        let options = Options { max_size: MAX_ARRAY_SIZE, settle: Settle::default(), follows_outside: true };
        Self { layout: Layout { written, absolute, key_by, array }, options, follower: None }
    }

    /// Sets how many bytes the file may have. By default that is 16 MiB.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.options.max_size = bytes;
        self
    }

    /// Sets how long to wait for the rest of a change.
    pub fn settle(mut self, settle: Settle) -> Self {
        self.options.settle = settle;
        self
    }

    fn path(&self) -> &Path {
        &self.layout.absolute
    }

    fn follower(&mut self) -> &mut Follower {
        let target = Target::Files(vec![self.path().to_path_buf()]);
        let Self { layout, options, follower } = self;
        follower.get_or_insert_with(|| options.follower(layout.clone(), target))
    }
}

impl KeyedSource for FileCollection {
    type Key = String;

    fn origin(&self) -> Origin {
        Origin::file(&self.layout.written)
    }

    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.follower().list(listing).await
    }

    async fn changed(&mut self, _from: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        self.follower().changed().await
    }

    fn condition(&self) -> Condition {
        self.follower.as_ref().map(Follower::condition).unwrap_or_default()
    }
}
