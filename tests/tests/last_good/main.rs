//! The last good set on disk: what is saved, what a program starts with, and what happens when the disk does not play
//! along.

mod faults;
mod kept;
mod start;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reloadable::{
    Builder, Error, LastGood, LastGoodStatus, Reloadable, Reloader, Reporter, StartPolicy, Status,
};
pub use reloadable_tests::waiting::{DEADLINE, in_time};
use serde::Deserialize;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
#[reload(validate = Self::check)]
pub struct App {
    pub name: String,
    pub workers: u16,
    #[reload(secret)]
    pub token: String,
}

impl App {
    fn check(&self, report: &mut Reporter<'_>) {
        if self.workers > 100 {
            report.violation("crowd", "too many workers");
        }
    }
}

/// A directory with a file `app.toml`, and with the last good set in `state`.
pub struct Place {
    root: tempfile::TempDir,
}

impl Place {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { root: tempfile::tempdir()? })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, text: &str) -> std::io::Result<()> {
        reloadable::atomic_write(self.path("app.toml"), text)
    }

    pub fn set(&self) -> PathBuf {
        self.path("state/last-good")
    }

    pub fn last_good(&self) -> LastGood {
        LastGood::in_directory(self.path("state"))
    }

    /// One layer, the file.
    pub fn builder(&self) -> Builder<App> {
        self.layers().keep_last_good(self.last_good())
    }

    pub fn layers(&self) -> Builder<App> {
        Reloader::builder().file(self.path("app.toml")).start_policy(StartPolicy::UseLastGood)
    }

    /// Runs on these until it is saved.
    pub async fn save(&self, text: &str) -> Outcome {
        self.write(text)?;
        self.saved(self.builder()).await
    }

    pub async fn saved(&self, builder: Builder<App>) -> Outcome {
        let config = in_time(builder.start()).await?;
        until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
        in_time(config.shutdown()).await;
        Ok(())
    }
}

pub fn last_good(status: &Status) -> &LastGoodStatus {
    status.last_good.as_ref().expect("one is kept")
}

/// Waits for this status.
pub async fn until<T: Reloadable>(config: &Reloader<T>, what: &str, mut is_so: impl FnMut(&Status) -> bool) {
    let mut statuses = config.subscribe_status();
    let waiting = async {
        while !is_so(&config.status()) {
            statuses.changed().await.expect("the reloader runs");
        }
    };
    if tokio::time::timeout(DEADLINE, waiting).await.is_err() {
        panic!("it did not happen in time: {what}: {:#?}", config.status());
    }
}

pub async fn refused(builder: Builder<App>) -> Error {
    match in_time(builder.start()).await {
        Ok(config) => panic!("it was started: {:?}", config.load()),
        Err(error) => error,
    }
}

#[track_caller]
pub fn assert_codes(error: &Error, codes: &[&str]) {
    let found: Vec<_> = error.report().violations().iter().map(|violation| violation.code()).collect();
    assert_eq!(found, codes, "{error:#}");
}

pub fn names(directory: &Path) -> std::io::Result<Vec<String>> {
    let names: std::io::Result<Vec<_>> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    names.map(|mut names| {
        names.sort();
        names
    })
}
