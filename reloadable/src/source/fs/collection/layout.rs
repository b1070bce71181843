//! Which objects a file holds, and what they are known by.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::document::{Document, Origin};
use crate::error::SourceError;
use crate::format::{Piece, Whole};
use crate::path::FieldPath;
use crate::report::{Report, Violation};

/// What an object is known by.
#[derive(Debug, Clone)]
pub(super) enum KeyBy {
    /// The name of its file, without the extension.
    Name,
    /// The path of its file below the directory, without the extension.
    RelativePath,
    /// What this field of it holds.
    Field(String),
}

#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Where the files are, as the user wrote it, and as it was when that was written.
    pub(super) written: PathBuf,
    pub(super) absolute: PathBuf,
    pub(super) key_by: KeyBy,
    /// The array whose elements are objects; without one, a file is an object.
    pub(super) array: Option<FieldPath>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// By their keys, each once. Without a piece, it is the whole file.
    pub(super) objects: Vec<(String, Option<Piece>)>,
    /// Why some of it is no object.
    pub(super) refused: Option<Report>,
    /// The text could not be read or has something else where the array should be, so that nobody knows what it holds.
    pub(super) is_unread: bool,
    /// What is not in it, but may be in what is not written yet.
    pub(super) kept: Vec<String>,
}

impl Layout {
    /// Returns the place of a file as people know it.
    pub(super) fn origin(&self, path: &Path) -> Origin {
        match path.strip_prefix(&self.absolute) {
            Ok(below) if below == Path::new("") => Origin::file(&self.written),
            Ok(below) => Origin::file(self.written.join(below)),
            Err(_) => Origin::file(path),
        }
    }

    /// Tells of an error at a file by the place as people know it.
    pub(super) fn as_written(&self, error: &SourceError) -> SourceError {
        let origin = error.origin().path().map(|path| self.origin(path));
        SourceError::new(error.kind(), origin.unwrap_or_else(|| error.origin().clone()), error.message())
    }

    /// Returns what the one object of a file is known by, where that does not depend on what is in it.
    pub(super) fn key_of(&self, path: &Path) -> Option<Result<String, Report>> {
        if self.array.is_some() {
            return None;
        }
        let key = match self.key_by {
            KeyBy::Field(_) => return None,
            KeyBy::Name => path.file_stem().and_then(|name| name.to_str()).map(str::to_owned),
            KeyBy::RelativePath => self.below(path),
        };
        Some(key.ok_or_else(|| {
            let message = "the name is not Unicode, so it is known by nothing";
            let violation = Violation::new(FieldPath::root(), "name", message);
            violation.located(self.origin(path), None).into()
        }))
    }

    fn below(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.absolute).ok()?.with_extension("");
        let names: Option<Vec<_>> = below.iter().map(|name| name.to_str()).collect();
        names.map(|names| names.join("/"))
    }

    /// Returns what is in a file.
    pub(super) fn holds(&self, path: &Path, document: &Document) -> Holds {
        match self.key_of(path) {
            Some(Ok(key)) => return Holds { objects: vec![(key, None)], ..Holds::default() },
            Some(Err(report)) => return Holds { refused: Some(report), ..Holds::default() },
            None => {}
        }
        let whole = match Whole::read(document.clone(), self.array.is_none()) {
            Ok(whole) => Arc::new(whole),
            Err(report) => return Holds { refused: Some(report), is_unread: true, ..Holds::default() },
        };
        let paths = match &self.array {
            None => vec![FieldPath::root()],
            Some(array) => match whole.elements(array) {
                Ok(paths) => paths,
                Err(report) => {
                    return Holds { refused: Some(report), is_unread: true, ..Holds::default() };
                }
            },
        };
        let KeyBy::Field(field) = &self.key_by else { return Holds::default() };
        let mut holds = Holds::default();
        let mut keys = HashSet::new();
        let mut report = Report::new();
        for path in paths {
            match whole.key(&path, field) {
                Ok(key) if keys.insert(key.clone()) => {
                    holds.objects.push((key, Some(Piece::new(Arc::clone(&whole), path))));
                }
                Ok(key) => {
                    let message = format!("`{key}` is the key of an earlier element");
                    report.push(whole.locate(Violation::new(path, "duplicate_key", message)));
                }
                Err(refused) => report.append(refused),
            }
        }
        holds.refused = (!report.is_empty()).then_some(report);
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Format;

    fn layout(key_by: KeyBy, array: Option<&str>) -> Layout {
        let array = array.map(FieldPath::read);
        Layout { written: "routes.d".into(), absolute: "/etc/routes.d".into(), key_by, array }
    }

    fn keys(layout: &Layout, path: &str, text: &str) -> (Vec<String>, Option<String>) {
        let path = Path::new(path);
        let document = Document::new(layout.origin(path), Format::Toml, text.as_bytes());
        let holds = layout.holds(path, &document);
        let keys = holds.objects.into_iter().map(|(key, _)| key).collect();
        (keys, holds.refused.map(|report| report.to_string()))
    }

    #[test]
    fn a_file_is_known_by_its_name_or_its_path() {
        let path = "/etc/routes.d/eu/api.v1.toml";
        assert_eq!(keys(&layout(KeyBy::Name, None), path, ""), (vec!["api.v1".into()], None));
        assert_eq!(keys(&layout(KeyBy::RelativePath, None), path, ""), (vec!["eu/api.v1".into()], None));
    }

    #[cfg(feature = "toml")]
    #[test]
    fn an_object_is_known_by_a_field_and_what_has_none_is_told_with_its_place() {
        let of_field = |array| layout(KeyBy::Field("name".into()), array);
        let path = "/etc/routes.d/a.toml";
        assert_eq!(keys(&of_field(None), path, "name = 7\n"), (vec!["7".into()], None));
        let (none, refused) = keys(&of_field(None), path, "port = 7\n");
        assert!(none.is_empty());
        assert!(refused.unwrap().starts_with("routes.d/a.toml:1:1  name "));

        let text =
            "[[routes]]\nname = 'a'\n[[routes]]\nport = 1\n[[routes]]\nname = 'a'\n[[routes]]\nname = 'b'\n";
        let (both, refused) = keys(&of_field(Some("routes")), path, text);
        assert_eq!(both, ["a", "b"]);
        let refused = refused.unwrap();
        assert!(refused.contains("routes.d/a.toml:3:1  routes[1].name"), "{refused}");
        assert!(refused.contains("routes.d/a.toml:5:1  routes[2] "), "{refused}");
    }
}
