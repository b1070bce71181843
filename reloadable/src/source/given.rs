//! Documents that the program gives, and that do not change: variables, arguments, defaults.

use std::sync::Arc;

use serde::Serialize;

use crate::document::{Document, Given, Name, Origin, Revision, Setting};
use crate::error::{Error, SourceError};
use crate::path::FieldPath;
use crate::source::{AnySource, Asked, BoxFuture, Fetched, Hint};
use crate::value::Value;

/// One document that does not change.
#[derive(Debug)]
pub(crate) struct Fixed(Document);

impl Fixed {
    pub(crate) fn new(document: Document) -> Self {
        Self(document)
    }
}

impl AnySource for Fixed {
    fn origin(&self) -> Origin {
        self.0.origin().clone()
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        _: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        let fetched = match known {
            Some(_) => Fetched::NotModified,
            None => Fetched::Documents { documents: vec![self.0.clone()], revision: Revision::new("fixed") },
        };
        Box::pin(async { Ok(fetched) })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        Box::pin(std::future::pending())
    }
}

/// Makes a document of a value.
///
/// # Errors
///
/// It is none that serde can write.
pub(crate) fn of_value<V: Serialize + ?Sized>(name: &str, value: &V) -> Result<Document, Error> {
    match Value::of(value) {
        Value::Opaque => {
            let message = format!("the values of `{name}` cannot be serialized: its `Serialize` fails");
            Err(Error::setup("values", message))
        }
        value => Ok(Document::value(Origin::named(name), Arc::new(value))),
    }
}

/// Makes a document of arguments: each a path, `=`, and a value as variables have it. `word` is what stands before each on
/// the command line.
pub(crate) fn of_pairs<S: AsRef<str>>(word: &str, pairs: impl IntoIterator<Item = S>) -> Document {
    let settings = pairs.into_iter().enumerate().map(|(at, pair)| setting(word, at, pair.as_ref()));
    Document::settings(Origin::named("command line"), settings.collect::<Vec<_>>())
}

fn setting(word: &str, at: usize, pair: &str) -> Setting {
    // A path may have a `=` in quotes; a value often has one.
    let parts = pair.match_indices('=').find_map(|(at, _)| {
        let (path, value) = pair.split_at_checked(at)?;
        Some((path, path.trim().parse::<FieldPath>().ok().filter(|path| !path.is_root())?, value.get(1..)?))
    });
    match parts {
        Some((path, parsed, value)) => Setting {
            origin: Origin::Argument(format!("{word} {}", path.trim()).into()),
            name: Name::Path(parsed),
            value: Given::Word(value.to_owned(), ','),
            is_strict: false,
        },
        None => {
            // What is no pair may be a secret, so only its number is told.
            Setting {
                origin: Origin::Argument(format!("{word}, number {}", at + 1).into()),
                name: Name::Path(FieldPath::root()),
                value: Given::Refused(
                    "syntax",
                    format!("write a path and a value, as `{word} database.pool_size=20`"),
                ),
                is_strict: true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_taken_apart_at_the_first_sign_that_ends_a_path() {
        for (pair, path, value) in [
            ("a.b=1", "a.b", "1"),
            ("a = b=c", "a", " b=c"),
            ("\"a=b\".c=", "\"a=b\".c", ""),
            ("routes[\"x=y\"].port=80", "routes[\"x=y\"].port", "80"),
        ] {
            let setting = setting("--set", 0, pair);
            let Name::Path(found) = &setting.name else { unreachable!() };
            assert_eq!(found.to_string(), path);
            assert!(matches!(&setting.value, Given::Word(word, ',') if word == value), "{pair}");
        }
    }

    #[test]
    fn what_is_no_pair_is_refused_without_its_value() {
        for pair in ["", "a", "=1", "a..b=hunter2", "a[=hunter2", "a: hunter2", "a hunter2"] {
            let setting = setting("--set", 0, pair);
            assert!(matches!(setting.value, Given::Refused("syntax", _)), "{pair}");
            assert!(!setting.origin.to_string().contains("hunter2"), "{pair}");
        }
    }
}
