//! Writing a file so that whoever reads it finds the old content or the new one, whole.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::chain::{self, Chain, End, Role};

/// Replaces the content of a file in one step: who opens it finds the old content or the new one, never a part and
/// never nothing. A [`Reloader`](crate::reloader::Reloader) that watches the file takes such a change at once.
///
/// The bytes go to a hidden file in the same directory, which is synchronized to the disk and then renamed over the
/// target; then the directory is synchronized. So a return without an error says that the new content survives a power
/// cut, as far as the file system keeps its word. Several writers at once do not disturb each other, and the last one
/// wins.
///
/// - **Symbolic links** stay; what they lead to is replaced, or made if it is not there.
/// - **The mode** of an existing file is kept, and so are its owner and group where the process may set them. Where it
///   may not set the group, the group gets no more rights than everybody has. A new file gets the mode that
///   [`File::create`] would give it. Until it is complete, the new content can be read by nobody who may not read the
///   file itself.
/// - **Other attributes** are not kept: access control lists, extended attributes, security labels. Of several **hard
///   links** only this one gets the new content.
/// - **What it needs** is the right to write to the directory, not to the file, and twice the space for a moment. A file
///   that is itself a mount point, as a single file mounted into a container is, cannot be replaced.
/// - **On Windows** it fails while another program has the file open and does not share its deletion, and the directory
///   is not synchronized.
/// - **If the process is killed** in the middle, the file has its old content, and a hidden `.app.toml.1234-0.tmp` stays
///   behind; a directory that is watched does not count it in.
///
/// It blocks: within a task, call it through `spawn_blocking`.
///
/// # Errors
///
/// The error of the step that failed, with its kind; the message names step and path. The old content is in force and
/// the hidden file removed, but for one case: where only the last step fails, the synchronization of the directory, the
/// new content is there and might not survive a power cut.
///
/// What is there and is no regular file is refused: directories ([`IsADirectory`](io::ErrorKind::IsADirectory)), pipes
/// and devices ([`InvalidInput`](io::ErrorKind::InvalidInput)).
///
/// # Examples
///
/// ```
/// # use reloadable::atomic_write;
/// # fn main() -> std::io::Result<()> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.toml");
/// atomic_write(&path, "workers = 4\n")?;
/// atomic_write(&path, "workers = 8\n")?;
/// assert_eq!(std::fs::read_to_string(&path)?, "workers = 8\n");
/// # Ok(())
/// # }
/// ```
pub fn atomic_write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    Replacement::prepare(path.as_ref(), bytes.as_ref())?.commit()
}

/// Does as [`atomic_write`] does, but follows no symbolic link, and only the owner may read or write the file, from the
/// first moment on and whatever was there.
pub(crate) fn private_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    existing(path)?;
    Replacement::beside(path.to_owned(), bytes, true, |_| Ok(()))?.commit()
}

/// Tells whether this is the name of a hidden file that a write to the file `name` leaves behind if it is killed.
pub(crate) fn is_temporary(found: &OsStr, name: &str) -> bool {
    let numbers = || {
        let found = found.to_str()?.strip_prefix('.')?.strip_prefix(&shortened(name))?;
        found.strip_prefix('.')?.strip_suffix(".tmp")?.split_once('-')
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers().is_some_and(|(process, number)| is_number(process) && is_number(number))
}

/// The new content, complete and on the disk, under its temporary name.
#[derive(Debug)]
struct Replacement {
    target: PathBuf,
    temporary: Temporary,
    /// Open before anything is done, so that a directory that cannot be opened changes nothing.
    #[cfg(unix)]
    directory: File,
}

impl Replacement {
    fn prepare(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let target = target_of(path)?;
        let existing = existing(&target)?;
        Self::beside(target, bytes, existing.is_some(), |file| match &existing {
            Some(existing) => inherit(file, existing),
            None => Ok(()),
        })
    }

    /// Writes beside the target, and then does to the file what is said.
    fn beside(
        target: PathBuf,
        bytes: &[u8],
        is_private: bool,
        finish: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<Self> {
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(is_a_directory(&target));
        };
        #[cfg(unix)]
        let directory = File::open(parent).map_err(failed("open the directory", parent))?;
        let (temporary, mut file) = Temporary::create(parent, name, is_private)?;
        let at = temporary.path.as_path();
        file.write_all(bytes).map_err(failed("write", at))?;
        finish(&file).map_err(failed("set the mode of", at))?;
        file.sync_all().map_err(failed("synchronize", at))?;
        Ok(Self {
            target,
            temporary,
            #[cfg(unix)]
            directory,
        })
    }

    fn commit(self) -> io::Result<()> {
        self.temporary.rename(&self.target)?;
        #[cfg(unix)]
        match self.directory.sync_all() {
            // Some file systems know no synchronization of directories.
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                return Err(failed("synchronize the directory after replacing", &self.target)(error));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A file that is removed again unless it is renamed.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// So many names may be taken, all left behind by processes that had the same number and were killed.
    const TRIES: usize = 1000;

    /// Creates an empty file beside the target, open to nobody else where it is private or will get another mode.
    #[cfg_attr(not(unix), allow(unused_variables, reason = "only Unix has modes"))]
    fn create(directory: &Path, name: &OsStr, is_private: bool) -> io::Result<(Self, File)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if is_private {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let name = shortened(&name.to_string_lossy());
        let mut tries = 0;
        loop {
            // Relaxed, since nothing but the number itself is shared.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!(".{name}.{}-{number}.tmp", std::process::id()));
            match options.open(&path) {
                Ok(file) => return Ok((Self { path, renamed: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < Self::TRIES => {
                    tries += 1
                }
                Err(error) => return Err(failed("create", &path)(error)),
            }
        }
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, target).map_err(failed("replace", target))?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // There is an error under way already, which says more.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A name may have 255 bytes, and that of the hidden file is longer than that of the target.
fn shortened(name: &str) -> String {
    name.chars().take(50).collect()
}

/// Follows the symbolic links of a path, also to where nothing is yet.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    let chain = Chain::of(path);
    let kind = match chain.end {
        End::Found(target) => return Ok(target),
        End::Missing => match chain.places.last() {
            Some(place) if place.role == Role::Target && chain::needs_directory(path) => {
                return Err(is_a_directory(path));
            }
            Some(place) if place.role == Role::Target => return Ok(place.directory.join(&place.name)),
            _ => io::ErrorKind::NotFound,
        },
        End::NotADirectory(_) => io::ErrorKind::NotADirectory,
        End::Denied(_) => io::ErrorKind::PermissionDenied,
        End::Failed(_, kind) => kind,
        End::Loop => return Err(failed("find", path)(io::Error::other("too many symbolic links"))),
    };
    Err(failed("find", path)(kind.into()))
}

/// Returns what is known of the regular file that will be replaced, if there is one.
fn existing(target: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(metadata) if metadata.is_dir() => Err(is_a_directory(target)),
        Ok(_) => Err(failed("replace", target)(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", target)(error)),
    }
}

/// Gives the new file the owner, the group and the mode of the one that it will replace. The mode comes last, since a
/// change of the owner takes bits away from it.
#[cfg(unix)]
fn inherit(file: &File, existing: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let own = file.metadata()?;
    let (user, group) = (existing.uid(), existing.gid());
    let is_same = (own.uid(), own.gid()) == (user, group);
    // Most processes may give nothing away, and the file is still good without.
    let keeps_group = is_same
        || fchown(file, Some(user), Some(group)).is_ok()
        || own.gid() == group
        || fchown(file, None, Some(group)).is_ok();
    let mode = if keeps_group { existing.mode() } else { without_group(existing.mode()) };
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn inherit(file: &File, existing: &Metadata) -> io::Result<()> {
    file.set_permissions(existing.permissions())
}

/// Leaves a group that the mode was not meant for no more rights than everybody has.
#[cfg(unix)]
fn without_group(mode: u32) -> u32 {
    let everybody = mode & 0o007;
    mode & !0o2070 | mode & (everybody << 3)
}

fn is_a_directory(path: &Path) -> io::Error {
    failed("replace", path)(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"))
}

fn failed<'a>(step: &'a str, path: &'a Path) -> impl Fn(io::Error) -> io::Error + 'a {
    move |error| io::Error::new(error.kind(), format!("cannot {step} {}: {error}", path.display()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;
    use std::process::Command;
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[track_caller]
    fn assert_refused(path: &Path, kind: io::ErrorKind, message: &str) {
        let error = atomic_write(path, "new").unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn the_mode_of_an_existing_file_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        for wanted in [0o600, 0o640, 0o604, 0o444, 0o666, 0o777] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
            atomic_write(&path, "new").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
            assert_eq!(mode(&path), wanted, "{wanted:o}");
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_new_file_has_the_mode_that_others_have() {
        let directory = tempfile::tempdir().unwrap();
        let [other, path] = ["other", "app.toml"].map(|name| directory.path().join(name));
        fs::write(&other, "").unwrap();
        atomic_write(&path, "new").unwrap();
        assert_eq!(mode(&path), mode(&other));
    }

    #[test]
    fn what_is_written_for_a_secret_file_is_secret_from_the_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let (temporary, _file) = Temporary::create(directory.path(), OsStr::new("app.toml"), true).unwrap();
        assert_eq!(mode(&temporary.path) & 0o077, 0);
    }

    #[test]
    fn owner_and_group_are_kept_where_they_can_be() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        // Only root may do this; for others the file stays their own, and is to stay so.
        let _ = std::os::unix::fs::chown(&path, Some(65_534), Some(65_533));
        let before = fs::metadata(&path).unwrap();
        atomic_write(&path, "new").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_ne!(before.ino(), after.ino());
        assert_eq!((before.uid(), before.gid(), before.mode()), (after.uid(), after.gid(), after.mode()));
    }

    #[test]
    fn a_group_that_is_not_the_files_gets_what_everybody_has() {
        for (before, after) in
            [(0o640, 0o600), (0o644, 0o644), (0o664, 0o644), (0o604, 0o604), (0o2771, 0o711)]
        {
            assert_eq!(without_group(before), after, "{before:o}");
        }
    }

    #[test]
    fn links_stay_and_their_target_is_replaced_in_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let [links, data] = ["links", "data"].map(|name| directory.path().join(name));
        fs::create_dir(&links).unwrap();
        fs::create_dir(&data).unwrap();
        symlink("../data", links.join("..data")).unwrap();
        symlink("..data/real", links.join("app.toml")).unwrap();
        // First it dangles.
        for content in ["first", "second"] {
            atomic_write(links.join("app.toml"), content).unwrap();
            assert_eq!(fs::read_link(links.join("app.toml")).unwrap(), Path::new("..data/real"));
            assert!(fs::symlink_metadata(data.join("real")).unwrap().is_file());
            assert_eq!(fs::read_to_string(data.join("real")).unwrap(), content);
            assert_eq!(names(&links), ["..data", "app.toml"]);
            assert_eq!(names(&data), ["real"]);
        }
    }

    #[test]
    fn readers_see_only_whole_versions() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        let version = |n: usize| n.to_string().repeat(1 + n * 997);
        atomic_write(&path, version(0)).unwrap();
        let ended = AtomicBool::new(false);
        let seen: usize = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut reads = 0;
                        while !ended.load(Ordering::Relaxed) {
                            let content = fs::read_to_string(&path).unwrap();
                            assert!((0..10).any(|n| version(n) == content), "{} bytes", content.len());
                            reads += 1;
                        }
                        reads
                    })
                })
                .collect();
            // The flag must be set even where a write fails, or the readers never end.
            let written = (0..200).try_for_each(|n| atomic_write(&path, version(n % 10)));
            ended.store(true, Ordering::Relaxed);
            written.unwrap();
            readers.into_iter().map(|reader| reader.join().unwrap()).sum()
        });
        assert!(seen > 0);
    }

    #[test]
    fn many_writers_leave_one_version_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..25 {
                        atomic_write(path, writer.to_string().repeat(10_000)).unwrap();
                    }
                });
            }
        });
        let content = fs::read_to_string(&path).unwrap();
        assert!((0..4).any(|writer: i32| writer.to_string().repeat(10_000) == content));
        assert_eq!(names(directory.path()), ["app.toml"]);
    }

    #[test]
    fn names_that_were_left_behind_are_passed_over_and_long_ones_fit() {
        let directory = tempfile::tempdir().unwrap();
        let create = || Temporary::create(directory.path(), OsStr::new("a"), true).unwrap().0;
        let first = create();
        let number = first.path.to_str().unwrap().rsplit(['-', '.']).nth(1).unwrap();
        let number: u64 = number.parse().unwrap();
        let left: Vec<_> = (number..number + 500)
            .map(|number| directory.path().join(format!(".a.{}-{number}.tmp", std::process::id())))
            .collect();
        left.iter().for_each(|path| fs::write(path, "left").unwrap());
        drop(create());
        assert!(left.iter().all(|path| fs::read_to_string(path).unwrap() == "left"));

        for name in ["a".repeat(255), "\u{e9}".repeat(127)] {
            let path = directory.path().join(name);
            atomic_write(&path, "new").unwrap();
            assert_eq!(fs::read_to_string(path).unwrap(), "new");
        }
    }

    #[test]
    fn a_replace_that_fails_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        let replacement = Replacement::prepare(&path, b"new").unwrap();
        assert_eq!(names(directory.path()).len(), 1);
        fs::create_dir(&path).unwrap();
        let error = replacement.commit().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert!(error.to_string().starts_with(&format!("cannot replace {}: ", path.display())), "{error}");
        assert_eq!(names(directory.path()), ["app.toml"]);
    }

    const LIMITED: &str = "RELOADABLE_LIMITED";

    /// It has itself run by a shell that lets files be no larger than a few blocks.
    #[test]
    fn a_write_that_fails_changes_nothing() {
        if let Some(path) = std::env::var_os(LIMITED) {
            let path = PathBuf::from(path);
            let error = atomic_write(&path, vec![b'n'; 1 << 20]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
            let directory = path.parent().unwrap().canonicalize().unwrap();
            let temporary = directory.join(".app.toml.");
            assert!(
                error.to_string().starts_with(&format!("cannot write {}", temporary.display())),
                "{error}"
            );
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        fs::write(&path, "old").unwrap();
        let output = Command::new("sh")
            .args(["-c", r#"trap "" XFSZ; ulimit -f 8; exec "$0" a_write_that_fails_changes_nothing"#])
            .arg(std::env::current_exe().unwrap())
            .env(LIMITED, &path)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&output.stdout);
        assert!(output.contains("1 passed"), "{output}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(directory.path()), ["app.toml"]);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let text = root.display();
        let refused = |name: &str, kind, message: String| assert_refused(&root.join(name), kind, &message);
        fs::create_dir(root.join("directory")).unwrap();
        let is_a_directory = format!("cannot replace {text}/directory: it is a directory");
        refused("directory", io::ErrorKind::IsADirectory, is_a_directory);
        let is_a_directory = format!("cannot replace {text}/new/: it is a directory");
        refused("new/", io::ErrorKind::IsADirectory, is_a_directory);
        let _socket = UnixListener::bind(root.join("socket")).unwrap();
        let not_regular = format!("cannot replace {text}/socket: it is not a regular file");
        refused("socket", io::ErrorKind::InvalidInput, not_regular);
        assert_eq!(names(&root), ["directory", "socket"]);
        let root_of_all = "cannot replace /: it is a directory";
        assert_refused(Path::new("/"), io::ErrorKind::IsADirectory, root_of_all);
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let text = root.display();
        fs::write(root.join("file"), "").unwrap();
        symlink("circle", root.join("circle")).unwrap();
        for (name, kind, why) in [
            ("none/app.toml", io::ErrorKind::NotFound, "entity not found"),
            ("file/app.toml", io::ErrorKind::NotADirectory, "not a directory"),
            ("circle", io::ErrorKind::Other, "too many symbolic links"),
        ] {
            assert_refused(&root.join(name), kind, &format!("cannot find {text}/{name}: {why}"));
        }
        assert_eq!(names(root), ["circle", "file"]);
    }
}
