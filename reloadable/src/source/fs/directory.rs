//! The files of a directory, as one layer.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

use super::chain::Identity;
use super::settings::Settings;
use super::survey::Target;
use super::unit::Unit;
use crate::document::{Format, Origin, Revision};
use crate::error::{Error, SourceError, SourceErrorKind};
use crate::source::{AnySource, Asked, BoxFuture, Fetched, Health, Hint};

/// All files of a directory that match its patterns, merged in the order of their names.
#[derive(Debug)]
pub(crate) struct DirectorySource {
    path: PathBuf,
    unit: Unit,
}

/// The patterns of the files that a directory gives: one, or several, of which a file has to match any.
///
/// A pattern is held against the path below the directory, and case counts. `*` stands for any part of a name, `?` for
/// one character, `[a-z]` and `[!a-z]` for one of these or of no such, `**` for any directories, also none.
///
/// | pattern | takes in |
/// |---|---|
/// | `*.toml` | the files of the directory itself |
/// | `**/*.toml` | those, and the files of all directories below |
/// | `*/app.toml` | one file of each directory in it |
///
/// Whatever the pattern, what is hidden is left out, and what editors and package managers leave behind: names that
/// begin with `.` or `#`, or end in `~`, `#`, `.tmp`, `.temp`, `.bak`, `.orig`, `.swp`, `.swo`, `.swx`, `.part`, `.new`,
/// `.dpkg-old`, `.dpkg-dist`, `.rpmsave` or `.rpmnew`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let root = directory.path();
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use std::fs;
///
/// use reloadable::Reloader;
///
/// fs::create_dir(root.join("eu"))?;
/// fs::write(root.join("base.toml"), "workers = 4\n")?;
/// fs::write(root.join("base.toml~"), "workers = 3\n")?;
/// fs::write(root.join("eu/limits.json"), r#"{ "queue": 100 }"#)?;
///
/// let config = Reloader::<Limits>::builder().directory(root, ["*.toml", "**/*.json"]).start().await?;
/// assert_eq!((config.load()["workers"], config.load()["queue"]), (4, 100));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Builder::start`](crate::reloader::Builder::start) refuses a pattern that is none, one that can never match, as
/// `./*.toml` or `*.{toml,json}`, and an empty list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl From<&str> for Patterns {
    fn from(pattern: &str) -> Self {
        Self(vec![pattern.to_owned()])
    }
}

impl From<String> for Patterns {
    fn from(pattern: String) -> Self {
        Self(vec![pattern])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Patterns {
    fn from(patterns: [S; N]) -> Self {
        Self(patterns.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String>> From<Vec<S>> for Patterns {
    fn from(patterns: Vec<S>) -> Self {
        Self(patterns.into_iter().map(Into::into).collect())
    }
}

impl Patterns {
    /// Returns the patterns of the same files in all directories below as well.
    pub(super) fn below(&self) -> Self {
        let below = |pattern: &String| match pattern.strip_prefix("**/") {
            Some(_) => pattern.clone(),
            None => format!("**/{pattern}"),
        };
        Self(self.0.iter().map(below).collect())
    }
}

impl DirectorySource {
    /// Refuses a pattern that is none.
    pub(crate) fn new(path: PathBuf, patterns: &Patterns, settings: Settings) -> Result<Self, Error> {
        let directory = Directory::new(path.clone(), &patterns.0)?;
        Ok(Self { path, unit: Unit::new(Target::Directory(directory), settings) })
    }
}

impl AnySource for DirectorySource {
    fn origin(&self) -> Origin {
        Origin::file(&self.path)
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            let Some((files, revision)) = self.unit.fetch(known, asked).await? else {
                return Ok(Fetched::NotModified);
            };
            let documents = files.into_iter().map(|(path, held)| match Format::from_path(&path) {
                Some(format) => Ok(held.document(Origin::file(path), format)),
                None => Err(SourceError::new(
                    SourceErrorKind::UnknownFormat,
                    Origin::file(path),
                    format!("{}; narrow the pattern of the directory", Format::unknown_extension()),
                )),
            });
            Ok(Fetched::Documents { documents: documents.collect::<Result<_, _>>()?, revision })
        })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        Box::pin(async { Ok(self.unit.changed().await) })
    }

    fn accepted(&mut self, revision: &Revision) {
        self.unit.accepted(revision);
    }

    fn is_one_side(&self) -> bool {
        self.unit.is_one_side()
    }

    fn health(&self) -> Health {
        self.unit.health()
    }
}

/// A directory, and the patterns of the files in it that are meant.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    path: PathBuf,
    patterns: Arc<[Pattern]>,
    is_recursive: bool,
    /// Names that are not Unicode are compared as they are shown.
    takes_any_name: bool,
}

/// What a directory holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// It and, where the patterns reach there, those below it: the path, the real path, and which one that was.
    pub(super) directories: Vec<(PathBuf, PathBuf, Identity)>,
    /// The files that are meant, and whether each is a symbolic link.
    pub(super) files: Vec<(PathBuf, bool)>,
    /// How many entries were looked at for that.
    pub(super) entries: usize,
    /// Why it could not be listed itself.
    pub(super) refused: Option<SourceError>,
    /// The directories below that could not be listed, and why.
    pub(super) unlisted: Vec<(PathBuf, SourceError)>,
    /// There is a file in `..data` which has no name in the directory yet.
    pub(super) is_unfinished: bool,
}

/// A star stays within one name; `**` does not.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

impl Directory {
    /// Refuses a pattern that is none.
    pub(super) fn new(path: PathBuf, patterns: &[String]) -> Result<Self, Error> {
        let patterns: Vec<_> = patterns
            .iter()
            .map(|pattern| {
                let refused =
                    |why: String| Error::setup("pattern", format!("`{pattern}` is not a pattern: {why}"));
                match never_matches(pattern) {
                    Some(why) => Err(refused(why.to_owned())),
                    None => Pattern::new(pattern).map_err(|error| refused(error.to_string())),
                }
            })
            .collect::<Result<_, _>>()?;
        if patterns.is_empty() {
            return Err(Error::setup("pattern", format!("no pattern for the files of {}", path.display())));
        }
        let is_recursive = patterns.iter().any(|pattern| pattern.as_str().contains(['/', '\\']));
        Ok(Self { path, patterns: patterns.into(), is_recursive, takes_any_name: false })
    }

    /// As [`new`](Self::new), but with all files whose names, as they are shown, match.
    pub(super) fn of(path: PathBuf, patterns: &Patterns) -> Result<Self, Error> {
        Ok(Self { takes_any_name: true, ..Self::new(path, &patterns.0)? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the patterns reach below the directory.
    pub(super) fn is_recursive(&self) -> bool {
        self.is_recursive
    }

    /// Tells whether a file of this path is meant.
    pub(super) fn includes(&self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(&self.path) else { return false };
        path.file_name().is_some_and(|name| !is_temporary(name))
            && matches_any(&self.patterns, relative, self.takes_any_name)
    }

    /// Returns what tells, by an entry's name alone, whether it may matter.
    pub(super) fn filter(&self) -> Arc<dyn Fn(&OsStr) -> bool + Send + Sync> {
        if self.is_recursive {
            return Arc::new(|name| !is_temporary(name));
        }
        let (patterns, takes_any_name) = (Arc::clone(&self.patterns), self.takes_any_name);
        Arc::new(move |name| !is_temporary(name) && matches_any(&patterns, Path::new(name), takes_any_name))
    }

    /// Lists what is there. Only what stands in the way of the directory itself, or of reading one below it, is told.
    pub(super) fn list(&self) -> Listing {
        let mut listing = Listing::default();
        let mut left = vec![(self.path.clone(), None)];
        while let Some((path, real)) = left.pop() {
            if let Err(error) = self.list_one(&path, real, &mut left, &mut listing) {
                let refused = refused(&path, &error);
                if path == self.path {
                    listing.refused = Some(refused);
                } else if error.kind() != std::io::ErrorKind::NotFound {
                    listing.unlisted.push((path, refused));
                }
                // One below may have been removed since it was listed.
            }
        }
        listing.is_unfinished = self.is_unfinished(&listing);
        listing
    }

    fn list_one(
        &self,
        path: &Path,
        real: Option<PathBuf>,
        left: &mut Vec<(PathBuf, Option<PathBuf>)>,
        listing: &mut Listing,
    ) -> std::io::Result<()> {
        let identity = Identity::of(path)?;
        let real = real.map_or_else(|| path.canonicalize(), Ok)?;
        let entries = std::fs::read_dir(path)?;
        listing.directories.push((path.to_path_buf(), real.clone(), identity));
        for entry in entries {
            let entry = entry?;
            listing.entries += 1;
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            if is_temporary(&name) {
                continue;
            }
            let file = path.join(&name);
            // Links to directories are not followed: they may lead in a circle.
            if kind.is_dir() && self.is_recursive {
                left.push((file, Some(real.join(&name))));
            } else if self.includes(&file) && !kind.is_dir() && !(kind.is_symlink() && file.is_dir()) {
                listing.files.push((file, kind.is_symlink()));
            }
        }
        Ok(())
    }

    /// Kubernetes makes the links to new files after it has swapped `..data`, in which they are already.
    fn is_unfinished(&self, listing: &Listing) -> bool {
        let Ok(data) = std::fs::read_dir(self.path.join("..data")) else { return false };
        let known: HashSet<_> = listing.files.iter().filter_map(|(path, _)| path.file_name()).collect();
        data.filter_map(Result::ok).any(|entry| {
            let name = entry.file_name();
            let path = self.path.join(&name);
            !known.contains(name.as_os_str())
                && self.includes(&path)
                && entry.file_type().is_ok_and(|kind| !kind.is_dir())
                && path.symlink_metadata().is_err()
        })
    }
}

/// A name that is not Unicode matches no pattern.
fn matches_any(patterns: &[Pattern], path: &Path, takes_any_name: bool) -> bool {
    if takes_any_name && path.to_str().is_none() {
        let shown = path.to_string_lossy();
        return patterns.iter().any(|pattern| pattern.matches_with(&shown, MATCHING));
    }
    patterns.iter().any(|pattern| pattern.matches_path_with(path, MATCHING))
}

fn refused(path: &Path, error: &std::io::Error) -> SourceError {
    match error.kind() {
        std::io::ErrorKind::NotADirectory => SourceError::new(
            SourceErrorKind::WrongKind,
            Origin::file(path),
            "it is not a directory; use `.file(path)` for a file",
        ),
        _ => SourceError::io(Origin::file(path), error),
    }
}

/// Tells why no file can ever match, for what people write who know other patterns.
fn never_matches(pattern: &str) -> Option<&'static str> {
    let mut parts = pattern.split(['/', '\\']);
    if pattern.is_empty() {
        Some("it is empty, write `*` for all files")
    } else if pattern.contains(['{', '}']) {
        Some("braces stand for themselves, give several patterns instead, as `[\"*.toml\", \"*.json\"]`")
    } else if parts.any(|part| matches!(part, "" | "." | "..")) {
        Some("it is compared with paths within the directory, as `*.toml` or `sites/*.toml`")
    } else {
        None
    }
}

/// Tells what editors and other programs put beside a file while they save it.
fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    const ENDS: [&[u8]; 17] = [
        b"~",
        b"#",
        b".tmp",
        b".temp",
        b".bak",
        b".orig",
        b".swp",
        b".swo",
        b".swx",
        b".part",
        b".new",
        b".dpkg-old",
        b".dpkg-dist",
        b".dpkg-new",
        b".dpkg-tmp",
        b".rpmsave",
        b".rpmnew",
    ];
    // Vim tries by the name 4913 whether it may make files.
    name == b"4913"
        || name.starts_with(b".")
        || name.starts_with(b"#")
        || ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_backup_and_temporary_names_are_left_out() -> Result<(), Error> {
        let everything = Directory::new("conf.d".into(), &["*".to_owned()])?;
        for name in ["10-a.toml", "b.json", "c"] {
            assert!(everything.includes(&Path::new("conf.d").join(name)), "{name}");
            assert!(everything.filter()(OsStr::new(name)), "{name}");
        }
        for name in
            [".10-a.toml", "a.toml~", "#a.toml#", ".#a.toml", "a.toml.swp", "a.tmp", "a.toml.bak", "..data"]
        {
            assert!(!everything.includes(&Path::new("conf.d").join(name)), "{name}");
            assert!(!everything.filter()(OsStr::new(name)), "{name}");
        }
        Ok(())
    }

    #[test]
    fn what_can_never_match_is_refused_with_what_to_write() {
        for (pattern, advice) in [
            ("", "`*` for all"),
            ("*.{toml,json}", "several patterns"),
            ("./*.toml", "as `*.toml`"),
            ("/etc/*.toml", "as `*.toml`"),
            ("../*.toml", "as `*.toml`"),
            ("sites/", "as `*.toml`"),
            ("[", "is not a pattern"),
        ] {
            let refused = Directory::new("conf.d".into(), &[pattern.to_owned()]).unwrap_err().to_string();
            assert!(refused.contains(advice), "{pattern}: {refused}");
        }
    }

    #[test]
    fn a_pattern_reaches_below_only_where_it_says_so() -> Result<(), Error> {
        let flat = Directory::new("d".into(), &["*.toml".to_owned(), "*.json".to_owned()])?;
        assert!(!flat.is_recursive());
        assert!(flat.includes(Path::new("d/a.toml")) && flat.includes(Path::new("d/a.json")));
        assert!(!flat.includes(Path::new("d/e/a.toml")) && !flat.includes(Path::new("d/a.txt")));
        let deep = Directory::new("d".into(), &["**/*.toml".to_owned()])?;
        assert!(deep.is_recursive());
        for path in ["d/a.toml", "d/e/a.toml", "d/e/f/a.toml"] {
            assert!(deep.includes(Path::new(path)), "{path}");
        }
        assert!(!deep.includes(Path::new("d/e/a.json")) && !deep.includes(Path::new("e/a.toml")));
        Ok(())
    }
}
