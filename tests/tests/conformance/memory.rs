//! A document in memory.

use reloadable::testing::{Rig, RigError};
use reloadable::{Builder, Format, MemoryHandle, MemorySource, Reloadable, SourceErrorKind};

struct Memory {
    format: Format,
    source: Option<MemorySource>,
    handle: MemoryHandle,
}

impl Memory {
    fn of(format: Format) -> Self {
        let (source, handle) = MemorySource::new("memory", format, "");
        Self { format, source: Some(source), handle }
    }
}

impl Rig for Memory {
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
        builder.source(self.source.take().expect("it is attached once"))
    }

    async fn replace(&mut self, text: &str) -> Result<(), RigError> {
        self.handle.replace(text);
        Ok(())
    }

    async fn tear(&mut self, first: &str, second: &str) -> Result<(), RigError> {
        self.handle.write(first);
        tokio::task::yield_now().await;
        self.handle.write([first, second].concat());
        Ok(())
    }

    async fn remove(&mut self) -> Result<(), RigError> {
        self.handle.fail(SourceErrorKind::NotFound, "it is gone");
        Ok(())
    }

    async fn block(&mut self) -> Result<(), RigError> {
        self.handle.fail(SourceErrorKind::PermissionDenied, "it is locked away");
        Ok(())
    }

    fn format(&self) -> Format {
        self.format
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_in_memory_passes() {
    for format in [Format::Toml, Format::Json, Format::Jsonc, Format::Yaml] {
        let found = super::found_in(|| async { Memory::of(format) }).await;
        found.assert_all_but(&["relocated"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_in_memory_passes_on_a_running_clock() {
    let found = super::found_in(|| async { Memory::of(Format::Toml) }).await;
    found.assert_all_but(&["relocated"]);
}
