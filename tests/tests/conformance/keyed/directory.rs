//! The files of a directory as objects, on a real disk.

use std::fs;
use std::path::PathBuf;

use reloadable::testing::{KeyedRig, RigError};
use reloadable::{DirectoryCollection, Settle, atomic_write};
use tempfile::TempDir;

struct Files {
    directory: TempDir,
    /// How a file is written.
    is_atomic: bool,
}

impl Files {
    fn new(is_atomic: bool) -> Self {
        let files = Self { directory: tempfile::tempdir().expect("there is room"), is_atomic };
        fs::create_dir(files.root()).expect("it is new");
        files
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("objects.d")
    }

    fn away(&self) -> PathBuf {
        self.directory.path().join("away")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name).with_extension("toml")
    }
}

impl KeyedRig for Files {
    type Source = DirectoryCollection;

    fn source(&mut self) -> DirectoryCollection {
        let source = DirectoryCollection::new(self.root(), "*.toml").expect("that is a pattern");
        source.max_size(4096).settle(Settle::Fast)
    }

    fn key(&self, name: &str) -> String {
        name.to_owned()
    }

    async fn put(&mut self, name: &str, text: &str) -> Result<(), RigError> {
        match self.is_atomic {
            true => atomic_write(self.path(name), text)?,
            false => fs::write(self.path(name), text)?,
        }
        Ok(())
    }

    async fn delete(&mut self, name: &str) -> Result<(), RigError> {
        Ok(fs::remove_file(self.path(name))?)
    }

    async fn block(&mut self, name: &str) -> Result<(), RigError> {
        Ok(fs::write(self.path(name), "# too much\n".repeat(1000))?)
    }

    async fn fail(&mut self) -> Result<(), RigError> {
        Ok(fs::rename(self.root(), self.away())?)
    }

    async fn recover(&mut self) -> Result<(), RigError> {
        Ok(fs::rename(self.away(), self.root())?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_whose_files_are_objects_passes() {
    for is_atomic in [true, false] {
        let found = super::found_in(|| async { Files::new(is_atomic) }).await;
        // It has no revision of the whole, and forgets nothing that it could be asked for.
        found.assert_all_but(&["cursor", "expired"]);
    }
}
