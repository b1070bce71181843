//! Files and directories, saved in each way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reloadable::testing::{Rig, RigError, Save, TornWrite, Volume, swap_link};
use reloadable::{Builder, Format, Reloadable};
use tempfile::TempDir;

/// A place in a directory of its own: `etc` is a link to `a` or `b`, in which the document is.
struct OnDisk {
    directory: TempDir,
    file: &'static str,
    save: Save,
    what: What,
    side: &'static str,
}

enum What {
    File,
    Directory,
}

impl OnDisk {
    fn new(what: What, file: &'static str, save: Save) -> io::Result<Self> {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_passes_in_every_way_of_saving() {
    for save in Save::ALL {
        let rig = || async { OnDisk::new(What::File, "app.toml", save).expect("a directory") };
        super::found_in(rig).await.assert();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_passes_in_every_format() {
    for file in ["app.json", "app.yaml"] {
        let rig = || async { OnDisk::new(What::File, file, Save::Truncate).expect("a directory") };
        super::found_in(rig).await.assert();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_directory_passes() {
    for save in [Save::Truncate, Save::Replace] {
        let rig = || async { OnDisk::new(What::Directory, "app.toml", save).expect("a directory") };
        super::found_in(rig).await.assert();
    }
}

/// A file in a mounted volume, which is swapped as a whole.
struct Mounted {
    _directory: TempDir,
    volume: Volume,
}

impl Mounted {
    fn new() -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let volume = Volume::mount(directory.path().join("config"))?;
        Ok(Self { _directory: directory, volume })
    }
}

impl Rig for Mounted {
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
        builder.file(self.volume.path().join("app.toml"))
    }

    async fn replace(&mut self, text: &str) -> Result<(), RigError> {
        Ok(self.volume.publish([("app.toml", text)])?)
    }

    async fn remove(&mut self) -> Result<(), RigError> {
        Ok(self.volume.publish([("other.toml", "")])?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_in_a_config_map_passes() {
    let found = super::found_in(|| async { Mounted::new().expect("a directory") }).await;
    found.assert_all_but(&["torn_content", "unreadable", "relocated"]);
}
