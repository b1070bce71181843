//! A place on the disk, as the conformance battery needs it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reloadable::testing::{Rig, RigError, Save, TornWrite, swap_link};
use reloadable::{Builder, Format, Reloadable};
use tempfile::TempDir;

/// A place in a directory of its own: `etc` is a link to `a` or `b`, in which the document is.
pub struct OnDisk {
    directory: TempDir,
    file: &'static str,
    save: Save,
    what: What,
    side: &'static str,
}

/// What is followed.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// One file.
    File,
    /// The directory that it is in.
    Directory,
}

impl OnDisk {
    /// # Errors
    ///
    /// Fails if the directory cannot be made.
    pub fn new(what: What, file: &'static str, save: Save) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        for side in ["a", "b"] {
            fs::create_dir(directory.path().join(side))?;
        }
        swap_link(directory.path().join("etc"), "a")?;
        Ok(Self { directory, file, save, what, side: "a" })
    }

    fn etc(&self) -> PathBuf {
        self.directory.path().join("etc")
    }

    fn path(&self) -> PathBuf {
        self.etc().join(self.file)
    }

    /// Takes away what stands in the way of a file.
    fn clear(&self) -> io::Result<()> {
        let path = self.path();
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir(path),
            _ => Ok(()),
        }
    }
}

impl Rig for OnDisk {
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
        match self.what {
            What::File => builder.file(self.path()),
            What::Directory => builder.directory(self.etc(), ["*.toml", "*.json", "*.yaml"]),
        }
    }

    async fn replace(&mut self, text: &str) -> Result<(), RigError> {
        if !self.etc().is_dir() {
            swap_link(self.etc(), self.side)?;
        }
        self.clear()?;
        if self.path().exists() {
            self.save.to(self.path(), text)?;
        } else {
            fs::write(self.path(), text)?;
        }
        Ok(())
    }

    async fn tear(&mut self, first: &str, second: &str) -> Result<(), RigError> {
        let mut write = TornWrite::truncate(self.path())?;
        write.piece(first)?;
        // The watcher reads its events meanwhile.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        write.piece(second)?;
        write.close();
        Ok(())
    }

    async fn remove(&mut self) -> Result<(), RigError> {
        self.clear()?;
        // A directory without files is empty, and not missing.
        let gone = match self.what {
            What::File => self.path(),
            What::Directory => self.etc(),
        };
        match fs::remove_file(gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => Ok(done?),
        }
    }

    async fn block(&mut self) -> Result<(), RigError> {
        match self.what {
            What::File => {
                if self.path().is_file() {
                    fs::remove_file(self.path())?;
                }
                fs::create_dir(self.path())?;
            }
            What::Directory => {
                fs::write(self.directory.path().join("file"), "")?;
                swap_link(self.etc(), "file")?;
            }
        }
        Ok(())
    }

    async fn relocate(&mut self, text: &str) -> Result<(), RigError> {
        self.side = if self.side == "a" { "b" } else { "a" };
        fs::write(self.directory.path().join(self.side).join(self.file), text)?;
        swap_link(self.etc(), self.side)?;
        Ok(())
    }

    fn format(&self) -> Format {
        Format::from_path(Path::new(self.file)).expect("the extension is known")
    }
}
