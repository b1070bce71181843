//! Types of other crates as fields of derived structs: decoded, edited, and every edit told in its exact words.

mod bytes;
mod bytesize;
mod camino;
mod chrono;
mod describe;
mod either;
mod http;
mod indexmap;
mod ipnet;
mod jiff;
mod normalize;
mod regex;
mod secrecy;
mod semver;
mod serde_json;
mod toml;
mod url;
mod uuid;

use reloadable::{Changes, Diff, Report, Reporter, Validate};
use serde::de::DeserializeOwned;

/// Returns what changes from one TOML document to another, an entry a line, after checking that the same documents
/// as JSON give the same.
#[track_caller]
fn edited<T: DeserializeOwned + Diff>(old: &str, new: &str) -> Vec<String> {
    let in_json = entries::<T>(&from_json(old), &from_json(new));
    let in_toml = entries::<T>(&from_toml(old), &from_toml(new));
    assert_eq!(in_json, in_toml);
    in_toml
}

fn entries<T: Diff>(old: &T, new: &T) -> Vec<String> {
    assert!(old.diff(old).is_none() && new.diff(new).is_none(), "a value differs from itself");
    match old.diff(new) {
        Some(changes) => changes.entries().iter().map(ToString::to_string).collect(),
        None => Vec::new(),
    }
}

#[track_caller]
fn from_toml<T: DeserializeOwned>(document: &str) -> T {
    ::toml::from_str(document).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn from_json<T: DeserializeOwned>(document: &str) -> T {
    let tree: ::toml::Table = from_toml(document);
    let text = ::serde_json::to_string(&tree).unwrap_or_else(|error| panic!("{error}"));
    ::serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns what is wrong with a TOML document, a violation a line.
#[track_caller]
fn problems<T: DeserializeOwned + Validate>(document: &str) -> Vec<String> {
    let value: T = from_toml(document);
    let mut report = Report::new();
    value.validate(&mut Reporter::new(&mut report));
    report.violations().iter().map(ToString::to_string).collect()
}
