//! Files and directories, saved in each way.

use std::io;

use reloadable::testing::{Rig, RigError, Save, Volume};
use reloadable::{Builder, Reloadable};
use reloadable_tests::on_disk::{OnDisk, What};
use tempfile::TempDir;

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
