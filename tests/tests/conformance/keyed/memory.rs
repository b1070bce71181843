//! Objects in memory, also where nothing is told of them.

use reloadable::testing::{KeyedRig, RigError};
use reloadable::{
    Format, KeyedSource, Listed, Listing, MemoryCollection, MemoryCollectionHandle, Origin, SourceError,
    SourceErrorKind,
};

struct Memory {
    format: Format,
    source: Option<MemoryCollection<String>>,
    handle: MemoryCollectionHandle<String>,
}

impl Memory {
    fn of(format: Format) -> Self {
        let (source, handle) = MemoryCollection::new("memory", format);
        Self { format, source: Some(source), handle }
    }
}

impl KeyedRig for Memory {
    type Source = MemoryCollection<String>;

    fn source(&mut self) -> Self::Source {
        self.source.take().expect("it is asked for once")
    }

    fn key(&self, name: &str) -> String {
        name.to_owned()
    }

    async fn put(&mut self, name: &str, text: &str) -> Result<(), RigError> {
        self.handle.upsert(name, text);
        Ok(())
    }

    async fn delete(&mut self, name: &str) -> Result<(), RigError> {
        self.handle.remove(name);
        Ok(())
    }

    async fn fail(&mut self) -> Result<(), RigError> {
        self.handle.fail(SourceErrorKind::TimedOut, "no answer");
        Ok(())
    }

    async fn recover(&mut self) -> Result<(), RigError> {
        self.handle.recover();
        Ok(())
    }

    async fn forget(&mut self) -> Result<(), RigError> {
        self.handle.forget();
        Ok(())
    }

    fn format(&self) -> Format {
        self.format
    }
}

/// The same, but it can only be listed.
struct Silent(MemoryCollection<String>);

impl KeyedSource for Silent {
    type Key = String;

    fn origin(&self) -> Origin {
        self.0.origin()
    }

    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.0.list(listing).await?;
        Ok(Listed::new())
    }
}

struct SilentMemory(Memory);

impl KeyedRig for SilentMemory {
    type Source = Silent;

    fn source(&mut self) -> Self::Source {
        Silent(self.0.source())
    }

    fn key(&self, name: &str) -> String {
        self.0.key(name)
    }

    async fn put(&mut self, name: &str, text: &str) -> Result<(), RigError> {
        self.0.put(name, text).await
    }

    async fn delete(&mut self, name: &str) -> Result<(), RigError> {
        self.0.delete(name).await
    }

    fn tells(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn a_collection_in_memory_passes() {
    for format in [Format::Toml, Format::Json, Format::Yaml] {
        let found = super::found_in(|| async { Memory::of(format) }).await;
        found.assert_all_but(&["unreadable"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_in_memory_passes_on_a_running_clock() {
    let found = super::found_in(|| async { Memory::of(Format::Toml) }).await;
    found.assert_all_but(&["unreadable"]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_only_lists_passes_what_can_be_tried_on_it() {
    let found = super::found_in(|| async { SilentMemory(Memory::of(Format::Toml)) }).await;
    let not_told = ["first_list", "keeps_telling", "dropped_wait", "cursor", "expired"];
    found.assert_all_but(&[&not_told[..], &["failed_list", "unreadable"]].concat());
}
