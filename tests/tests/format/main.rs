//! From documents to a value: what is read, what is refused, and which line is named.

mod arbitrary;
mod bad_input;
mod corpus;
mod custom;
mod depth;
mod derived;
mod jsonc;
mod layers;
mod mistaken;
mod places;
mod same_as_library;
mod secrets;
mod unknown_keys;
mod yaml;

use reloadable::__private::{Loaded, decode};
use reloadable::{Diff, Document, Format, Origin, Report};
use serde::de::DeserializeOwned;

/// Implements what a derive would, as far as decoding asks for it.
macro_rules! reloadable {
    ($ty:ty) => {
        reloadable!($ty, reloadable::Shape::Opaque);
    };
    ($ty:ty, $shape:expr) => {
        impl reloadable::Describe for $ty {
            fn describe() -> reloadable::Description {
                reloadable::Description::new(std::any::type_name::<Self>(), $shape)
            }
        }
        impl reloadable::Validate for $ty {}
        reloadable!(@diff $ty);
    };
    (@diff $ty:ty) => {
        impl reloadable::Diff for $ty {
            type Changes<'a> = reloadable::Leaf<'a, Self>;

            fn diff<'a>(&'a self, _: &'a Self) -> Option<Self::Changes<'a>> {
                None
            }

            fn value(&self) -> reloadable::Value<'_> {
                reloadable::Value::Opaque
            }
        }
    };
}
pub(crate) use reloadable;

fn toml(name: &str, text: impl AsRef<[u8]>) -> Document {
    Document::new(Origin::file(name), Format::Toml, text.as_ref())
}

fn json(name: &str, text: impl AsRef<[u8]>) -> Document {
    Document::new(Origin::file(name), Format::Json, text.as_ref())
}

fn jsonc(name: &str, text: impl AsRef<[u8]>) -> Document {
    Document::new(Origin::file(name), Format::Jsonc, text.as_ref())
}

fn yaml(name: &str, text: impl AsRef<[u8]>) -> Document {
    Document::new(Origin::file(name), Format::Yaml, text.as_ref())
}

fn refused<T: DeserializeOwned + Diff>(documents: &[Document]) -> Vec<String> {
    match decode::<T>(documents) {
        Ok(_) => Vec::new(),
        Err(report) => lines(&report),
    }
}

fn lines(report: &Report) -> Vec<String> {
    report.violations().iter().map(ToString::to_string).collect()
}

fn accepted<T: DeserializeOwned + Diff>(documents: &[Document]) -> Loaded<T> {
    match decode(documents) {
        Ok(loaded) => loaded,
        Err(report) => panic!("{report}"),
    }
}
