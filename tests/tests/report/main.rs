//! Reports as a whole: that everything is in them, and nothing else.

mod mutation;
mod together;

use reloadable::__private::decode;
use reloadable::{Diff, Document, Format, Origin};
use serde::de::DeserializeOwned;

fn toml(text: impl AsRef<[u8]>) -> Document {
    Document::new(Origin::file("a.toml"), Format::Toml, text.as_ref())
}

fn json(text: impl AsRef<[u8]>) -> Document {
    Document::new(Origin::file("a.json"), Format::Json, text.as_ref())
}

fn refused<T: DeserializeOwned + Diff>(document: Document) -> Vec<String> {
    let report = decode::<T>(&[document]).err().unwrap_or_default();
    report.violations().iter().map(ToString::to_string).collect()
}
