//! How programs save files, as scripts that a test runs step by step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A way in which programs save a file. [`Save::ALL`] has all of them, for a test that tries each.
///
/// A test that works with real files must not pause tokio's clock: events come in their own time, and what is to be
/// waited for would be passed over.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use reloadable::Reloader;
/// use reloadable::testing::{Save, next_change};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("limits.toml");
/// std::fs::write(&path, "workers = 0\n")?;
/// let config = Reloader::<Limits>::builder().file(&path).start().await?;
/// let mut changes = config.subscribe();
///
/// for (workers, save) in (1..).zip(Save::ALL) {
///     save.to(&path, format!("workers = {workers}\n"))?;
///     let change = next_change(&config, &mut changes).await;
///     assert_eq!(change.current()["workers"], workers, "{save:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Save {
    /// Empties the file and writes it anew: a shell's `>`, `cp`, nano, most programs.
    Truncate,
    /// Writes over the old bytes from the start and cuts off what is left behind them: some databases and `dd`.
    Overwrite,
    /// Empties the file and writes it a line at a time: a script that prints.
    Lines,
    /// Writes beside the file and renames that over it: `sed -i`, rsync, whoever saves atomically.
    Replace,
    /// Renames the file to a backup, which stays, and writes it anew: vim, emacs.
    Backup,
    /// Deletes the file and writes it anew: `install`, `git checkout`.
    Recreate,
}

impl Save {
    /// All ways.
    pub const ALL: [Self; 6] =
        [Self::Truncate, Self::Overwrite, Self::Lines, Self::Replace, Self::Backup, Self::Recreate];

    /// Saves this content to the file, from the first step to the last.
    ///
    /// # Errors
    ///
    /// Whatever a step fails with; those before it have been done.
    pub fn to(self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
        let (path, content) = (path.as_ref(), content.as_ref());
        match self {
            Self::Truncate => fs::write(path, content),
            Self::Overwrite => {
                let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
                file.write_all(content)?;
                file.set_len(content.len() as u64)
            }
            Self::Lines => {
                let mut file = File::create(path)?;
                content.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| file.write_all(line))
            }
            Self::Replace => {
                let beside = beside(path, ".new");
                fs::write(&beside, content)?;
                fs::rename(beside, path)
            }
            Self::Backup => {
                fs::rename(path, beside(path, "~"))?;
                fs::write(path, content)
            }
            Self::Recreate => {
                fs::remove_file(path)?;
                fs::write(path, content)
            }
        }
    }
}

/// A file that is being written in pieces, and stays open in between. A reader sees a torn file until it is closed.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use reloadable::Reloader;
/// use reloadable::testing::{TornWrite, next_change};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("limits.toml");
/// std::fs::write(&path, "workers = 4\nqueue = 10\n")?;
/// let config = Reloader::<Limits>::builder().file(&path).start().await?;
/// let mut changes = config.subscribe();
///
/// let mut write = TornWrite::truncate(&path)?;
/// write.piece("workers = 8\n")?;
/// tokio::task::yield_now().await;
/// write.piece("queue = 20\n")?;
/// write.close();
/// let change = next_change(&config, &mut changes).await;
/// assert_eq!((change.current().len(), change.generation()), (2, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TornWrite {
    file: File,
}

impl TornWrite {
    /// Opens the file and empties it, or makes a new one.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn truncate(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { file: File::create(path)? })
    }

    /// Opens the file to write behind what it holds.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or is not there.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().append(true).open(path)? })
    }

    /// Opens the file to write over what it holds, from the start.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or is not there.
    pub fn overwrite(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().write(true).open(path)? })
    }

    /// Writes the next piece, which others can read from here on.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn piece(&mut self, piece: impl AsRef<[u8]>) -> io::Result<()> {
        self.file.write_all(piece.as_ref())
    }

    /// Closes the file, as dropping does: a watcher is told that it is complete.
    pub fn close(self) {}
}

/// Sets the time of a file's last change to now, as `touch` does. Its content stays.
///
/// # Errors
///
/// If the file is not there or belongs to somebody else.
///
/// # Examples
///
/// See [`Volume`] for how a script is run.
pub fn touch(path: impl AsRef<Path>) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.set_modified(SystemTime::now())
}

/// Sets the mode of a file or directory, as `chmod` does. Root reads it whatever its mode.
///
/// # Errors
///
/// If it is not there or belongs to somebody else.
///
/// # Examples
///
/// See [`Volume`] for how a script is run.
#[cfg(unix)]
pub fn chmod(path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Lets a symbolic link lead elsewhere in one step, as `ln -sfn` and deployments do; makes it if it is not there.
///
/// # Errors
///
/// If it cannot be made, or something other than a link is there that cannot be replaced.
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use reloadable::testing::swap_link;
///
/// let directory = tempfile::tempdir()?;
/// let current = directory.path().join("current");
/// for release in ["release-1", "release-2"] {
///     std::fs::create_dir(directory.path().join(release))?;
///     swap_link(&current, release)?;
///     assert!(std::fs::canonicalize(&current)?.ends_with(release));
/// }
/// # Ok(())
/// # }
/// ```
#[cfg(unix)]
pub fn swap_link(link: impl AsRef<Path>, target: impl AsRef<Path>) -> io::Result<()> {
    let link = link.as_ref();
    let beside = beside(link, ".new");
    std::os::unix::fs::symlink(target, &beside)?;
    fs::rename(beside, link)
}

/// A mounted volume of Kubernetes, as of a ConfigMap: links to files in `..data`, which is a link to a directory that is
/// swapped as a whole, in the steps and the order of kubelet.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use reloadable::Reloader;
/// use reloadable::testing::{Volume, next_change};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let directory = tempfile::tempdir()?;
/// let mut volume = Volume::mount(directory.path().join("config"))?;
/// volume.publish([("a.toml", "workers = 4"), ("b.toml", "queue = 10")])?;
/// let config = Reloader::<Limits>::builder().directory(volume.path(), "*.toml").start().await?;
/// let mut changes = config.subscribe();
///
/// volume.publish([("a.toml", "workers = 8"), ("b.toml", "queue = 20")])?;
/// let change = next_change(&config, &mut changes).await;
/// assert_eq!(change.changes().to_string(), "queue: 10 -> 20\nworkers: 4 -> 8");
/// # Ok(())
/// # }
/// ```
#[cfg(unix)]
#[derive(Debug)]
pub struct Volume {
    path: PathBuf,
    published: u64,
    names: Vec<PathBuf>,
}

#[cfg(unix)]
impl Volume {
    /// Makes the directory, with nothing in it yet.
    ///
    /// # Errors
    ///
    /// If the directory cannot be made.
    pub fn mount(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Self { path, published: 0, names: Vec::new() })
    }

    /// Returns the directory in which the files are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts these files in place of all that were there, in one step; links to new ones follow, and those of files that
    /// are no more go.
    ///
    /// # Errors
    ///
    /// Whatever a step fails with; those before it have been done.
    pub fn publish<N: AsRef<Path>, C: AsRef<[u8]>>(
        &mut self,
        files: impl IntoIterator<Item = (N, C)>,
    ) -> io::Result<()> {
        let data = self.path.join("..data");
        let old = fs::read_link(&data).ok();
        self.published += 1;
        // The real one has the time in it, and some random digits.
        let version = format!("..2025_01_31_12_00_00.{:09}", self.published);
        let directory = self.path.join(&version);
        fs::create_dir(&directory)?;
        chmod(&directory, 0o755)?;
        let mut names = Vec::new();
        for (name, content) in files {
            let name = name.as_ref();
            if let Some(parent) = name.parent() {
                fs::create_dir_all(directory.join(parent))?;
            }
            fs::write(directory.join(name), content)?;
            chmod(directory.join(name), 0o644)?;
            names.push(name.to_owned());
        }

        let next = self.path.join("..data_tmp");
        std::os::unix::fs::symlink(&version, &next)?;
        fs::rename(&next, &data)?;

        let visible = |names: &[PathBuf]| {
            let firsts = names.iter().filter_map(|name| name.iter().next().map(PathBuf::from));
            firsts.collect::<std::collections::BTreeSet<_>>()
        };
        let (before, after) = (visible(&self.names), visible(&names));
        for name in after.difference(&before) {
            std::os::unix::fs::symlink(Path::new("..data").join(name), self.path.join(name))?;
        }
        for name in before.difference(&after) {
            fs::remove_file(self.path.join(name))?;
        }
        self.names = names;
        match old {
            Some(old) => fs::remove_dir_all(self.path.join(old)),
            None => Ok(()),
        }
    }
}

/// A path in the same directory, so that a rename stays within its file system.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
