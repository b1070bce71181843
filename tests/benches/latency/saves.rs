//! The ways to save a file, and when each is complete.

use std::fs::{self, File, Permissions};
use std::io::{Result, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// In how many pieces a slow writer writes, and how long it rests after each.
const CHUNKS: usize = 10;
const REST: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Save {
    Replace,
    Rewrite,
    Slow,
    Vim,
    DataSwap,
    Recreate,
    DirectorySwap,
}

impl Save {
    pub const ALL: [Self; 7] = [
        Self::Replace,
        Self::Rewrite,
        Self::Slow,
        Self::Vim,
        Self::DataSwap,
        Self::Recreate,
        Self::DirectorySwap,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Replace => "atomic replace",
            Self::Rewrite => "plain rewrite",
            Self::Slow => "slow writer",
            Self::Vim => "vim save",
            Self::DataSwap => "`..data` swap",
            Self::Recreate => "delete and re-create",
            Self::DirectorySwap => "directory swap",
        }
    }

    /// Makes the directory with its first file.
    pub fn lay_out(self, place: &Place, text: &str) -> Result<()> {
        fs::create_dir(place.directory())?;
        if self != Self::DataSwap {
            return fs::write(place.file(), text);
        }
        let version = place.directory().join("..0");
        fs::create_dir(&version)?;
        fs::write(version.join(FILE), text)?;
        symlink("..0", place.directory().join(DATA))?;
        symlink(Path::new(DATA).join(FILE), place.file())
    }

    /// Saves.
    pub fn save(self, place: &Place, text: &str, number: u64) -> Result<Complete> {
        let file = place.file();
        match self {
            Self::Replace => {
                let beside = place.directory().join(".app.toml.beside");
                fs::write(&beside, text)?;
                complete(|| fs::rename(beside, file))
            }
            Self::Rewrite => write(&file, text),
            Self::Slow => {
                let mut open = File::create(&file)?;
                let mut rest = text.as_bytes();
                for left in (1..=CHUNKS).rev() {
                    let (chunk, later) = rest.split_at(rest.len() / left);
                    open.write_all(chunk)?;
                    rest = later;
                    if left > 1 {
                        thread::sleep(REST);
                    }
                }
                complete(|| close(open))
            }
            Self::Vim => {
                let probe = place.directory().join("4913");
                File::create(&probe)?;
                fs::remove_file(probe)?;
                let backup = place.directory().join("app.toml~");
                fs::rename(&file, &backup)?;
                let saved = write(&file, text)?;
                fs::set_permissions(&file, Permissions::from_mode(0o644))?;
                fs::remove_file(backup)?;
                Ok(saved)
            }
            Self::DataSwap => {
                let directory = place.directory();
                let old = fs::read_link(directory.join(DATA))?;
                let new = format!("..{number}");
                let version = directory.join(&new);
                fs::create_dir(&version)?;
                fs::set_permissions(&version, Permissions::from_mode(0o755))?;
                fs::write(version.join(FILE), text)?;
                symlink(&new, directory.join("..data_tmp"))?;
                let saved = complete(|| fs::rename(directory.join("..data_tmp"), directory.join(DATA)))?;
                fs::remove_dir_all(directory.join(old))?;
                Ok(saved)
            }
            Self::Recreate => {
                fs::remove_file(&file)?;
                write(&file, text)
            }
            Self::DirectorySwap => {
                let (old, new) = (place.root.join("etc.old"), place.root.join("etc.new"));
                if old.exists() {
                    fs::remove_dir_all(&old)?;
                }
                fs::create_dir(&new)?;
                fs::write(new.join(FILE), text)?;
                fs::rename(place.directory(), old)?;
                complete(|| fs::rename(new, place.directory()))
            }
        }
    }
}

/// The moments around the system call that made a save complete.
#[derive(Debug, Clone, Copy)]
pub struct Complete {
    pub began: Instant,
    pub returned: Instant,
}

fn complete(call: impl FnOnce() -> Result<()>) -> Result<Complete> {
    let began = Instant::now();
    call()?;
    Ok(Complete { began, returned: Instant::now() })
}

fn write(file: &Path, text: &str) -> Result<Complete> {
    let mut open = File::create(file)?;
    open.write_all(text.as_bytes())?;
    complete(|| close(open))
}

fn close(open: File) -> Result<()> {
    drop(open);
    Ok(())
}

pub const DIRECTORY: &str = "etc";
pub const FILE: &str = "app.toml";
pub const DATA: &str = "..data";

/// Where one competitor's file is: in the same place for each, under a root of its own.
#[derive(Debug, Clone)]
pub struct Place {
    pub root: PathBuf,
}

impl Place {
    pub fn directory(&self) -> PathBuf {
        self.root.join(DIRECTORY)
    }

    pub fn file(&self) -> PathBuf {
        self.directory().join(FILE)
    }
}
