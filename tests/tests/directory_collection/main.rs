//! The files of a directory as objects, on a real disk.

mod bad_input;
mod elements;
mod follow;
mod keys;

use std::fs;
use std::path::{Path, PathBuf};

use reloadable::{Event, Events, Informer, Reloadable, atomic_write};
pub use reloadable_tests::waiting::{eventually, in_time};
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Route {
    #[serde(default)]
    pub name: String,
    #[reload(range(1..))]
    pub port: u16,
}

/// A directory `routes.d` within one that is removed in the end.
pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(place.root()).unwrap();
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    pub fn base(&self) -> &Path {
        self.directory.path()
    }

    pub fn root(&self) -> PathBuf {
        self.base().join("routes.d")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes in place, as an editor does that knows no better.
    pub fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    pub fn replace(&self, name: &str, text: &str) {
        atomic_write(self.path(name), text).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub async fn informer(&self) -> Informer<Route> {
        Informer::<Route>::builder().directory(self.root(), "*.toml").start().await.unwrap()
    }
}

pub fn port(port: u16) -> String {
    format!("port = {port}\n")
}

/// What an event says, in short. A snapshot tells all objects, in their order.
pub fn short(event: &Event<String, Route>) -> String {
    match event {
        Event::Snapshot { view, .. } => {
            let mut routes: Vec<_> =
                view.iter().map(|(key, route)| format!(" {key}={}", route.port)).collect();
            routes.sort();
            format!("snapshot:{}", routes.concat())
        }
        Event::Added { key, object } => format!("added {key}={}", object.port),
        Event::Modified(modified) => format!("{} {}", modified.key(), modified.changes()),
        Event::Removed { key, last, how } => format!("removed {key}={} {how:?}", last.port),
        Event::Resync { key, object } => format!("resync {key}={}", object.port),
        _ => "?".to_owned(),
    }
}

/// The next event, in short.
pub async fn next(events: &mut Events<String, Route>) -> String {
    short(&in_time(events.next()).await.unwrap())
}

/// All objects, in their order.
pub fn all(informer: &Informer<Route>) -> String {
    let view = informer.lister().snapshot();
    let mut routes: Vec<_> = view.iter().map(|(key, route)| format!("{key}={}", route.port)).collect();
    routes.sort();
    routes.join(" ")
}

/// What is broken, each with its report.
pub fn broken(informer: &Informer<Route>) -> Vec<String> {
    let broken = informer.status().broken;
    broken.iter().map(|broken| format!("{}: {}", broken.key, broken.report)).collect()
}

/// The reports of what is no object.
pub fn refused(informer: &Informer<Route>) -> Vec<String> {
    informer.status().refused.iter().map(|refused| refused.report.to_string()).collect()
}
