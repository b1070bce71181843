//! The last good document set on disk: what to start with while a source is broken or away.

mod checksum;
mod directory;
mod record;
mod refusal;
mod saver;
mod set;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::document::Format;
use crate::error::Error;
use crate::layer::LayerSettings;
use crate::source::fs::private_write;

use self::directory::Directory;
use self::record::{MAGIC, Unread};
use self::refusal::{failed, refusal};
pub(crate) use self::saver::{Saved, Saver};
pub(crate) use self::set::GoodSet;

/// Where the last good document set is kept, so that a program can start while its sources are broken or away.
///
/// What is kept are the documents, as their sources gave them, of the layers that were in force together: files,
/// directories and other sources. Values that the program has itself (variables, arguments, defaults, overrides) and the
/// files that fields name are always taken as they are then.
///
/// - **Secrets** are kept only if [told so](Self::secrets). Otherwise a layer is left out, and read as it is then, if it is
///   said to hold secrets, if a field that is a secret is set in it, or if it sets what stands for no field beside such.
///   So a program with one file that has a secret in it needs `.secrets()`, or a file of their own for its secrets:
///   otherwise nothing is kept. [`LastGoodStatus::left_out`](crate::LastGoodStatus::left_out) names what was left out, and
///   so does the log. Comments are kept with the rest, whatever they say.
/// - **Who may read it**: on Unix the directory is made with mode 0700 and the file with mode 0600, from the first moment
///   on. A directory to which others may write, or that belongs to another user, is refused, and so is a file that others
///   may read; root counts as no other. A symbolic link in the file's place is not followed.
/// - **Whole**: it is replaced as [`atomic_write`](crate::atomic_write) does, so that a process that is killed at any moment
///   leaves the old set or the new one. A checksum tells damage, not tampering: whoever may write the file may write any.
/// - **Its own**: the names of all layers are kept with it. A set of other layers, or of a newer version of this library, is
///   refused, and so is damage, each with what to do. A file that never was such a set is not overwritten.
/// - **One at a time**: processes that share a directory take turns in writing, by a lock on it.
///
/// # Examples
///
/// ```
/// use reloadable::LastGood;
///
/// let last_good = LastGood::in_directory("/var/lib/shop").named("prices").secrets();
/// assert_eq!(last_good.path(), std::path::Path::new("/var/lib/shop/prices"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it is kept only by a reloader that is told of it"]
pub struct LastGood {
    directory: PathBuf,
    name: String,
    with_secrets: bool,
    formats: Vec<Format>,
}

impl LastGood {
    /// Keeps it in this directory, in a file of the name `last-good`. The directory is made when it is first needed. A
    /// relative path starts at the directory that is current when the reloader is started.
    pub fn in_directory(path: impl Into<PathBuf>) -> Self {
        Self {
            directory: path.into(),
            name: "last-good".to_owned(),
            with_secrets: false,
            formats: Vec::new(),
        }
    }

    /// Gives the file another name, where several reloaders share a directory: up to 50 ASCII letters, digits, `.`, `-` and
    /// `_`, the first no dot. Any other name is refused when the reloader is started.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Keeps secrets as well, readable on the disk for whoever may read the file.
    pub fn secrets(mut self) -> Self {
        self.with_secrets = true;
        self
    }

    /// Says how documents of a [format of the application's own](Format::custom) are read, where a source gives such. Those
    /// of [`file_as`](crate::Builder::file_as) are known without that.
    ///
    /// # Examples
    ///
    /// ```
    /// # use reloadable::{LastGood, ParseFault, Parsed, ReadFormat};
    /// # struct Properties;
    /// # impl ReadFormat for Properties {
    /// #     fn name(&self) -> &'static str { "properties" }
    /// #     fn parse(&self, _: &str) -> Result<Parsed, Vec<ParseFault>> { Err(Vec::new()) }
    /// # }
    /// use reloadable::Format;
    ///
    /// static PROPERTIES: Properties = Properties;
    ///
    /// let last_good = LastGood::in_directory("/var/lib/shop").format(Format::custom(&PROPERTIES));
    /// # let _ = last_good;
    /// ```
    pub fn format(mut self, format: Format) -> Self {
        self.formats.push(format);
        self
    }

    /// Returns the file in which it is kept.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// Makes the file for a set-up whose layers give documents of `formats`. Its file has no more bytes than `limit`.
    ///
    /// # Errors
    ///
    /// The name is none, or a relative path starts nowhere.
    pub(crate) fn into_file(
        self,
        formats: impl IntoIterator<Item = Format>,
        limit: u64,
    ) -> Result<SetFile, Error> {
        let Self { directory, name, with_secrets, formats: mut known } = self;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if name.is_empty() || name.len() > 50 || name.starts_with('.') || !name.bytes().all(is_plain) {
            let message = format!(
                "`{}` is no name for the last good set; use up to 50 letters, digits, `.`, `-` and `_`, the first no dot",
                name.escape_debug()
            );
            return Err(Error::setup("last_good", message));
        }
        let directory = std::path::absolute(&directory).map_err(|error| {
            Error::setup("last_good", format!("no directory for the last good set: {error}"))
        })?;
        known.extend(formats);
        Ok(SetFile { path: directory.join(&name), directory, name, with_secrets, formats: known, limit })
    }
}

/// The file with the last good set. Whatever it does blocks.
#[derive(Debug)]
pub(crate) struct SetFile {
    path: PathBuf,
    directory: PathBuf,
    name: String,
    with_secrets: bool,
    formats: Vec<Format>,
    limit: u64,
}

impl SetFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the set. Whoever is killed in the middle leaves the old one.
    ///
    /// # Errors
    ///
    /// Where it cannot be written, or could not be loaded. The old set is still there.
    pub(crate) fn save(&self, set: &GoodSet) -> Result<(), Error> {
        self.check_formats(set)?;
        let text = record::encode(set);
        let (length, limit) = (text.len() as u64, self.limit);
        if length > limit {
            return Err(self.too_large(length));
        }
        let _lock = Directory::make(&self.directory)?.lock(&self.name)?;
        self.check_own()?;
        private_write(&self.path, &text)
            .map_err(|error| refusal(&self.path, "last_good", format!("it was not saved: {error}")))
    }

    /// Makes the directory, which a save would do as well.
    ///
    /// # Errors
    ///
    /// It cannot be made, so that nothing will ever be saved there.
    pub(crate) fn prepare(&self) -> Result<(), Error> {
        Directory::make(&self.directory).map(|_| ())
    }

    /// Returns the set that was saved last by a set-up with these layers; nothing where none was.
    ///
    /// # Errors
    ///
    /// What is there is no such set, or may have been written by somebody else.
    pub(crate) fn load(&self, layers: &[LayerSettings]) -> Result<Option<GoodSet>, Error> {
        let path = self.path.as_path();
        let Some(_directory) = Directory::open(&self.directory)? else { return Ok(None) };
        let Some((file, metadata)) = directory::open_file(path)? else { return Ok(None) };
        let limit = self.limit;
        if metadata.len() > limit {
            return Err(self.too_large(metadata.len()));
        }
        let mut text = Vec::new();
        file.take(limit).read_to_end(&mut text).map_err(|error| failed(path, "read", &error))?;
        let set = record::decode(&text, &self.formats).map_err(|unread| self.unread(unread))?;
        let is_own = set.layers.iter().map(|layer| &layer.name).eq(layers.iter().map(|layer| &layer.name));
        if is_own {
            return Ok(Some(set));
        }
        let saved: Vec<_> = set.layers.iter().map(|layer| &*layer.name).collect();
        let now: Vec<_> = layers.iter().map(|layer| &*layer.name).collect();
        let message = format!(
            "it was saved by a set-up with other layers: {}; this one has {}. Give each its own name or directory, or \
             remove the file",
            listed(&saved),
            listed(&now)
        );
        Err(refusal(path, "foreign", message))
    }

    /// What cannot be read again is not worth saving.
    fn check_formats(&self, set: &GoodSet) -> Result<(), Error> {
        let documents = set.layers.iter().filter_map(|layer| layer.documents.as_ref()).flatten();
        let mut formats = documents.filter_map(|document| document.format());
        let is_unknown =
            |format: &Format| matches!(format, Format::Custom(_)) && !self.formats.contains(format);
        match formats.find(is_unknown) {
            Some(format) => Err(self.unread(Unread::Format(format.to_string()))),
            None => Ok(()),
        }
    }

    /// Whatever was given this name by mistake is not overwritten. What is empty or damaged behind its first words is.
    fn check_own(&self) -> Result<(), Error> {
        let Some((file, metadata)) = directory::open_file(&self.path)? else { return Ok(()) };
        let mut text = Vec::new();
        let read = file.take(MAGIC.len() as u64).read_to_end(&mut text);
        read.map_err(|error| failed(&self.path, "read", &error))?;
        if metadata.len() == 0 || text == MAGIC { Ok(()) } else { Err(self.unread(Unread::Other)) }
    }

    fn too_large(&self, length: u64) -> Error {
        let message = format!(
            "it has {length} bytes, more than the limit of {}; `.max_size(bytes)` raises that",
            self.limit
        );
        refusal(&self.path, "too_large", message)
    }

    fn unread(&self, unread: Unread) -> Error {
        let (code, message) = match unread {
            Unread::Other => (
                "foreign",
                "this file is no last good set; remove it, or give the last good set another name".to_owned(),
            ),
            Unread::Newer(version) => (
                "newer",
                format!(
                    "it was saved by a newer version of this library, in format {version}; remove it to go on with this one"
                ),
            ),
            Unread::Damaged => {
                ("damaged", "it is damaged: its checksum does not fit what it holds; remove it".to_owned())
            }
            Unread::Format(name) => (
                "unknown_format",
                format!(
                    "it holds a document of the format `{name}`; say how that is read with `LastGood::format`"
                ),
            ),
        };
        refusal(&self.path, code, message)
    }
}

/// How many layers a message names.
const LISTED: usize = 12;

fn listed(names: &[&str]) -> String {
    let mut text =
        names.iter().take(LISTED).map(|name| format!("`{}`", name.escape_debug())).collect::<Vec<_>>();
    if names.len() > LISTED {
        text.push("..".to_owned());
    }
    if text.is_empty() { "none".to_owned() } else { text.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;
    use std::time::{Duration, Instant, UNIX_EPOCH};

    use super::set::KeptLayer;
    use super::*;
    use crate::document::{Document, Origin};
    use crate::error::ErrorKind;
    use crate::parsed::{ParseFault, Parsed, ReadFormat};

    const LIMIT: u64 = 1 << 20;

    fn set_file(directory: &Path) -> SetFile {
        LastGood::in_directory(directory).into_file([], LIMIT).expect("the name is one")
    }

    /// What its text is follows from its number, so that a mix of two is told.
    fn set(generation: u64) -> GoodSet {
        let text = generation.to_string().repeat(1 + usize::try_from(generation % 7).unwrap() * 4001);
        let document = Document::new(Origin::file("app.toml"), Format::Toml, text.as_bytes());
        GoodSet {
            saved_at: UNIX_EPOCH + Duration::new(generation, 5),
            generation,
            layers: vec![
                KeptLayer { name: "app.toml".into(), documents: Some(vec![document]) },
                KeptLayer { name: "environment".into(), documents: None },
            ],
        }
    }

    fn layers(names: &[&str]) -> Vec<LayerSettings> {
        names.iter().map(|name| LayerSettings::new(Arc::from(*name))).collect()
    }

    fn load(set_file: &SetFile) -> Result<Option<GoodSet>, Error> {
        set_file.load(&layers(&["app.toml", "environment"]))
    }

    /// Returns the number of the set, which is whole.
    #[track_caller]
    fn generation(set_file: &SetFile) -> Option<u64> {
        let loaded = load(set_file).unwrap()?;
        let wanted = set(loaded.generation);
        let text = |set: &GoodSet| {
            let documents = set.layers[0].documents.as_ref().unwrap();
            documents.iter().map(|document| document.bytes().to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(text(&loaded), text(&wanted));
        Some(loaded.generation)
    }

    #[track_caller]
    fn assert_refused<T>(result: Result<T, Error>, code: &str, about: &Path, message: &str) {
        let error = result.err().expect("it is refused");
        assert_eq!(error.kind(), ErrorKind::LastGood);
        let violation = &error.report().violations()[0];
        assert_eq!((violation.code(), violation.origin()), (code, Some(&Origin::file(about))), "{error}");
        assert!(violation.message().contains(message), "{error}");
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_set_that_was_saved_last_is_loaded() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("state/app");
        let set_file = set_file(&directory);
        assert_eq!(generation(&set_file), None, "there is no directory");
        for number in 1..4 {
            set_file.save(&set(number)).unwrap();
            assert_eq!(generation(&set_file), Some(number));
            assert_eq!(load(&set_file).unwrap().unwrap().saved_at, set(number).saved_at);
        }
        assert_eq!(names(&directory), ["last-good"]);
        fs::remove_file(set_file.path()).unwrap();
        assert_eq!(generation(&set_file), None, "there is no file");
        fs::remove_dir_all(root.path().join("state")).unwrap();
        set_file.save(&set(4)).unwrap();
        assert_eq!(generation(&set_file), Some(4), "the directory is made again");
    }

    #[test]
    fn several_share_a_directory_by_name() {
        let root = tempfile::tempdir().unwrap();
        let named = |name: &str| LastGood::in_directory(root.path()).named(name).into_file([], LIMIT);
        let (one, two) = (named("one").unwrap(), named("two.1").unwrap());
        one.save(&set(1)).unwrap();
        two.save(&set(2)).unwrap();
        assert_eq!((generation(&one), generation(&two)), (Some(1), Some(2)));
        let long = "a".repeat(51);
        for name in ["", ".", "..", ".hidden", "a/b", "a b", "a\\b", "\u{e9}", "a\0", "a\n", &long] {
            let error = named(name).expect_err("it is no name");
            assert_eq!(error.kind(), ErrorKind::Setup, "{error}");
        }
        named(&long[1..]).unwrap().save(&set(3)).unwrap();
    }

    #[test]
    fn what_is_damaged_is_refused_and_replaced() {
        let root = tempfile::tempdir().unwrap();
        let set_file = set_file(root.path());
        set_file.save(&set(7)).unwrap();
        let path = set_file.path();
        let whole = fs::read(path).unwrap();
        let flipped = |at: usize| {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            damaged
        };
        for damaged in [
            flipped(MAGIC.len() + 3),
            flipped(whole.len() - 1),
            whole[..whole.len() - 1].to_vec(),
            whole[..MAGIC.len()].to_vec(),
            [&whole[..], b"\n"].concat(),
        ] {
            fs::write(path, &damaged).unwrap();
            assert_refused(load(&set_file), "damaged", path, "remove it");
        }
        set_file.save(&set(8)).unwrap();
        assert_eq!(generation(&set_file), Some(8));
        fs::write(path, "").unwrap();
        assert_refused(load(&set_file), "foreign", path, "is no last good set");
        set_file.save(&set(9)).unwrap();
        assert_eq!(generation(&set_file), Some(9));
    }

    #[test]
    fn what_never_was_a_set_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let set_file = LastGood::in_directory(root.path()).named("app.toml").into_file([], LIMIT).unwrap();
        set_file.save(&set(1)).unwrap();
        fs::write(set_file.path(), "workers = 4\n").unwrap();
        assert_refused(load(&set_file), "foreign", set_file.path(), "is no last good set");
        assert_refused(
            set_file.save(&set(2)),
            "foreign",
            set_file.path(),
            "give the last good set another name",
        );
        assert_eq!(fs::read_to_string(set_file.path()).unwrap(), "workers = 4\n");
    }

    #[test]
    fn a_set_of_other_layers_or_a_newer_version_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let set_file = set_file(root.path());
        set_file.save(&set(1)).unwrap();
        for other in [&["app.toml"][..], &["app.toml", "--set"], &["environment", "app.toml"]] {
            let refused = set_file.load(&layers(other));
            assert_refused(
                refused,
                "foreign",
                set_file.path(),
                "other layers: `app.toml`, `environment`; this one",
            );
        }
        fs::write(set_file.path(), "reloadable last good set 2\nwho knows\n").unwrap();
        assert_refused(load(&set_file), "newer", set_file.path(), "in format 2");
        set_file.save(&set(2)).unwrap();
        assert_eq!(generation(&set_file), Some(2));
    }

    #[test]
    fn what_is_too_large_is_neither_saved_nor_read() {
        let root = tempfile::tempdir().unwrap();
        let length = record::encode(&set(3)).len() as u64;
        let limited = |limit| LastGood::in_directory(root.path()).into_file([], limit).unwrap();
        limited(length).save(&set(3)).unwrap();
        assert_eq!(generation(&limited(length)), Some(3));
        let small = limited(length - 1);
        assert_refused(load(&small), "too_large", small.path(), "`.max_size(bytes)`");
        assert_refused(small.save(&set(3)), "too_large", small.path(), "`.max_size(bytes)`");
        small.save(&set(7)).unwrap();
    }

    struct Own;

    impl ReadFormat for Own {
        fn name(&self) -> &'static str {
            "own"
        }

        fn parse(&self, _: &str) -> Result<Parsed, Vec<ParseFault>> {
            Err(Vec::new())
        }
    }

    #[test]
    fn a_format_of_the_applications_own_must_be_known() {
        static OWN: Own = Own;
        let root = tempfile::tempdir().unwrap();
        let format = Format::custom(&OWN);
        let mut set = set(0);
        set.layers[0].documents = Some(vec![Document::new(Origin::file("app.own"), format, *b"0")]);
        let known = LastGood::in_directory(root.path()).format(format).into_file([], LIMIT).unwrap();
        known.save(&set).unwrap();
        assert_eq!(generation(&known), Some(0));
        let unknown = set_file(root.path());
        assert_refused(load(&unknown), "unknown_format", unknown.path(), "`LastGood::format`");
        assert_refused(unknown.save(&set), "unknown_format", unknown.path(), "the format `own`");
        let known = LastGood::in_directory(root.path()).into_file([format], LIMIT).unwrap();
        assert_eq!(generation(&known), Some(0));
    }

    #[cfg(unix)]
    mod unix {
        use std::io::{BufRead as _, BufReader, Write as _};
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
        use std::os::unix::net::UnixListener;
        use std::process::{Command, Stdio};

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::symlink_metadata(path).unwrap().mode() & 0o7777
        }

        fn set_mode(path: &Path, mode: u32) {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }

        #[test]
        fn nobody_else_may_read_it() {
            let root = tempfile::tempdir().unwrap();
            let directory = root.path().join("state");
            let set_file = set_file(&directory);
            set_file.save(&set(1)).unwrap();
            assert_eq!((mode(&directory), mode(set_file.path())), (0o700, 0o600));
            // The next one does not inherit the mode, not even one with fewer rights.
            set_mode(set_file.path(), 0o400);
            set_file.save(&set(2)).unwrap();
            assert_eq!(mode(set_file.path()), 0o600);
        }

        #[test]
        fn what_others_could_touch_is_refused() {
            let root = tempfile::tempdir().unwrap();
            let directory = root.path().join("state");
            let set_file = set_file(&directory);
            set_file.save(&set(1)).unwrap();
            for exposed in [0o777, 0o720, 0o702, 0o1777] {
                set_mode(&directory, exposed);
                assert_refused(load(&set_file), "exposed", &directory, "`chmod go-w`");
                assert_refused(set_file.save(&set(2)), "exposed", &directory, &format!("mode {exposed:o}"));
            }
            set_mode(&directory, 0o755);
            for exposed in [0o640, 0o604, 0o620, 0o601, 0o666] {
                set_mode(set_file.path(), exposed);
                assert_refused(load(&set_file), "exposed", set_file.path(), "`chmod 600`");
                assert_refused(
                    set_file.save(&set(2)),
                    "exposed",
                    set_file.path(),
                    &format!("mode {exposed:o}"),
                );
            }
            set_mode(set_file.path(), 0o600);
            assert_eq!(generation(&set_file), Some(1));
            // Only root may give files away.
            if chown(set_file.path(), Some(65_534), None).is_ok() {
                assert_refused(load(&set_file), "owner", set_file.path(), "belongs to user 65534");
                assert_refused(set_file.save(&set(2)), "owner", set_file.path(), "change its owner");
                chown(&directory, Some(65_534), None).unwrap();
                assert_refused(load(&set_file), "owner", &directory, "belongs to user 65534");
                assert_refused(
                    set_file.save(&set(2)),
                    "owner",
                    &directory,
                    "keep the last good set elsewhere",
                );
            }
        }

        #[test]
        fn what_is_no_file_is_refused_and_a_link_not_followed() {
            let root = tempfile::tempdir().unwrap();
            let set_file = set_file(root.path());
            let other = root.path().join("other");
            fs::write(&other, record::encode(&set(1))).unwrap();
            set_mode(&other, 0o600);
            let path = set_file.path();
            let refused = || {
                assert_refused(load(&set_file), "wrong_kind", path, "not a regular file");
                assert_refused(set_file.save(&set(2)), "wrong_kind", path, "remove it");
            };
            symlink(&other, path).unwrap();
            refused();
            assert!(fs::read(&other).unwrap() == record::encode(&set(1)));
            fs::remove_file(path).unwrap();
            symlink("nowhere", path).unwrap();
            refused();
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            refused();
            fs::remove_dir(path).unwrap();
            let _socket = UnixListener::bind(path).unwrap();
            refused();

            let not_a_directory = super::set_file(&other);
            assert_refused(load(&not_a_directory), "wrong_kind", &other, "not a directory");
            assert_refused(not_a_directory.save(&set(1)), "wrong_kind", &other, "name a directory");
            let below = super::set_file(&other.join("below"));
            assert_refused(load(&below), "last_good", &other.join("below"), "cannot open the directory");
        }

        #[test]
        fn what_killed_writers_left_behind_is_removed_and_nothing_else() {
            let root = tempfile::tempdir().unwrap();
            let set_file = set_file(root.path());
            let own = [".last-good.1-0.tmp", ".last-good.4194304-99.tmp"];
            let others = [
                ".app.toml.1-0.tmp",
                ".last-good.1-0.tmp.orig",
                ".last-good.1-.tmp",
                ".last-good.1.tmp",
                ".last-good.x-0.tmp",
                ".last-good2.1-0.tmp",
                "last-good.1-0.tmp",
            ];
            own.iter().chain(&others).for_each(|name| fs::write(root.path().join(name), "left").unwrap());
            set_file.save(&set(1)).unwrap();
            let mut wanted: Vec<_> = others.into_iter().chain(["last-good"]).collect();
            wanted.sort_unstable();
            assert_eq!(names(root.path()), wanted);
        }

        /// Without turns, each would take what another one is writing for something left behind.
        #[test]
        fn several_writers_take_turns() {
            let root = tempfile::tempdir().unwrap();
            std::thread::scope(|scope| {
                for writer in 1..5 {
                    let set_file = set_file(root.path());
                    scope.spawn(move || {
                        (0..10).for_each(|nth| set_file.save(&set(writer * 10 + nth)).unwrap())
                    });
                }
            });
            assert!(generation(&set_file(root.path())).is_some());
            assert_eq!(names(root.path()), ["last-good"]);
        }

        const WRITES_TO: &str = "RELOADABLE_STORE";

        /// Is run by a shell that lets files be no larger than a few blocks.
        #[test]
        fn a_disk_that_is_full_leaves_the_old_set() {
            if let Some(directory) = std::env::var_os(WRITES_TO) {
                let set_file = set_file(Path::new(&directory));
                assert_refused(
                    set_file.save(&set(6)),
                    "last_good",
                    set_file.path(),
                    "it was not saved: cannot write",
                );
                return;
            }
            let root = tempfile::tempdir().unwrap();
            let set_file = set_file(root.path());
            set_file.save(&set(1)).unwrap();
            let output = Command::new("sh")
                .args([
                    "-c",
                    r#"trap "" XFSZ; ulimit -f 8; exec "$0" a_disk_that_is_full_leaves_the_old_set"#,
                ])
                .arg(std::env::current_exe().unwrap())
                .env(WRITES_TO, root.path())
                .output()
                .unwrap();
            let output = String::from_utf8_lossy(&output.stdout);
            assert!(output.contains("1 passed"), "{output}");
            assert_eq!(generation(&set_file), Some(1));
            assert_eq!(names(root.path()), ["last-good"]);
        }

        /// The child is killed on the way into each system call of a write in turn, so between any two of its steps.
        #[cfg(target_os = "linux")]
        #[test]
        fn a_writer_that_is_killed_at_any_step_leaves_a_whole_set() {
            const TEST: &str =
                "last_good::tests::unix::a_writer_that_is_killed_at_any_step_leaves_a_whole_set";
            // Not of the writer but of its allocator and its runtime, and not the same in each run.
            const OTHERS: [&str; 8] =
                ["brk", "futex", "madvise", "mmap", "mprotect", "mremap", "munmap", "sigaltstack"];
            if let Some(directory) = std::env::var_os(WRITES_TO) {
                let directory = Path::new(&directory);
                // The calls of each thread are counted apart, and no other thread makes as many as this one by now.
                let scratch = set_file(&directory.with_file_name("scratch"));
                (0..12).for_each(|_| scratch.save(&set(6)).unwrap());
                set_file(directory).save(&set(6)).unwrap();
                std::process::exit(0);
            }
            let root = tempfile::tempdir().unwrap();
            let directory = root.path().join("state");
            let log = root.path().join("log");
            let traced = |how: &str| {
                let mut command = Command::new("strace");
                command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", how]);
                command.arg(std::env::current_exe().unwrap()).args(["--exact", TEST]);
                command.env(WRITES_TO, &directory).output()
            };
            if !traced("trace=all").is_ok_and(|output| output.status.success()) {
                let is_required =
                    std::env::var("RELOADABLE_PRIVILEGED").is_ok_and(|value| value == "required");
                assert!(!is_required, "`strace` must be there, and must be allowed to trace");
                writeln!(std::io::stderr(), "skipped: `strace` is not there, or is refused here").unwrap();
                return;
            }
            let set_file = set_file(&directory);
            for old in [None, Some(1)] {
                let reset = || match old {
                    Some(old) => set_file.save(&set(old)).unwrap(),
                    None => fs::remove_dir_all(&directory).unwrap(),
                };
                reset();
                traced("trace=all").unwrap();
                let trace = fs::read_to_string(&log).unwrap();
                let thread = trace.lines().find(|line| line.contains(directory.to_str().unwrap())).unwrap();
                let (thread, _) = thread.split_once(' ').unwrap();
                let calls =
                    trace.lines().filter_map(|line| line.strip_prefix(thread)?.trim_start().split_once('('));
                let calls = calls.filter(|(call, _)| !OTHERS.contains(call));
                let calls: Vec<_> = calls.take_while(|(call, _)| *call != "exit_group").collect();
                let is_here = |(_, line): &(&str, &str)| line.contains(directory.to_str().unwrap());
                let first = calls.iter().position(is_here).unwrap();
                let (mut before, mut after, mut left_behind) = (0, 0, 0);
                for (at, (call, line)) in calls.iter().enumerate().skip(first) {
                    reset();
                    let nth = calls[..=at].iter().filter(|(other, _)| other == call).count();
                    let killed = traced(&format!("inject={call}:signal=KILL:when={nth}")).unwrap();
                    assert!(!killed.status.success(), "{line}");
                    match generation(&set_file) {
                        found if found == old => before += 1,
                        found => {
                            assert_eq!(found, Some(6), "{line}");
                            after += 1;
                        }
                    }
                    let files = if directory.is_dir() { names(&directory) } else { Vec::new() };
                    left_behind += files.iter().filter(|name| name.ends_with(".tmp")).count();
                    set_file.save(&set(6)).unwrap();
                    assert_eq!(generation(&set_file), Some(6), "{line}");
                    assert_eq!(names(&directory), ["last-good"], "{line}");
                }
                assert!(
                    before > 10 && after > 1 && left_behind > 2,
                    "{before} {after} {left_behind}: {trace}"
                );
            }
        }

        /// The child writes until it is killed; whenever that is, the old set or the new one is there.
        #[test]
        fn a_writer_that_is_killed_leaves_a_whole_set() {
            if let Some(directory) = std::env::var_os(WRITES_TO) {
                let set_file = set_file(Path::new(&directory));
                let first = generation(&set_file).unwrap_or_default() + 1;
                writeln!(std::io::stdout(), "\nready").unwrap();
                std::io::stdout().flush().unwrap();
                // It ends also if nobody is there to kill it.
                return (first..first + 20_000).for_each(|number| set_file.save(&set(number)).unwrap());
            }
            let root = tempfile::tempdir().unwrap();
            let set_file = set_file(root.path());
            let mut newest = 0;
            let mut left_behind = 0;
            for round in 0..50_u64 {
                let mut child = Command::new(std::env::current_exe().unwrap())
                    .args(["a_writer_that_is_killed_leaves_a_whole_set", "--nocapture"])
                    .env(WRITES_TO, root.path())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
                assert!(output.any(|line| line.unwrap() == "ready"), "the child has begun");
                // Where in a write it is by then, the scheduler decides.
                let deadline = Instant::now() + Duration::from_secs(60);
                let until = newest + 1 + round % 5;
                while generation(&set_file).unwrap_or_default() < until {
                    assert!(Instant::now() < deadline, "nothing is written");
                }
                child.kill().unwrap();
                child.wait().unwrap();
                left_behind += names(root.path()).len() - 1;
                newest = generation(&set_file).unwrap();
                assert!(newest >= until);
            }
            set_file.save(&set(newest + 1)).unwrap();
            assert_eq!(generation(&set_file), Some(newest + 1));
            assert_eq!(names(root.path()), ["last-good"]);
            assert!(left_behind > 0, "no writer was killed in the middle");
        }
    }
}
