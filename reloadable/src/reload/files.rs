//! The files that fields marked `#[reload(file)]` name: they are followed as a layer is, and what they hold belongs to
//! the value that names them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::describe::Describe;
use crate::diff::Diff;
use crate::diff::touched::{Contents, NamedFile, copies};
use crate::document::Origin;
use crate::error::{Error, ErrorKind, SourceError, SourceErrorKind};
use crate::load::{Loaded, guarded};
use crate::report::{Report, Violation};
use crate::source::{AnyFiles, Asked};

use super::layer::{Content, Layer};

/// The code of a violation that is about a named file.
const FILE: &str = "file";

/// The files that are followed.
pub(super) struct Files {
    /// Nothing where no field is marked, or nothing can be watched.
    layer: Option<Layer<dyn AnyFiles>>,
    /// Those that are followed for the value in force, and what was found in them when that was last accepted.
    accepted: BTreeMap<PathBuf, Option<Held>>,
    followed: BTreeSet<PathBuf>,
}

/// What a file was found to hold; nothing where it could not be read.
type Held = Result<Arc<[u8]>, ()>;

/// A file that a candidate names, and where that was set.
pub(super) struct Reference {
    named: NamedFile,
    /// What is said of it, but for what is wrong.
    blame: Violation,
}

impl Reference {
    pub(super) fn into_named(self) -> NamedFile {
        self.named
    }
}

impl Files {
    /// Follows nothing where `T` has no field that names a file.
    pub(super) fn new<T: Describe>(files: Option<Box<dyn AnyFiles>>) -> Result<Self, Error> {
        let is_marked = guarded::<T, _>("describing the configuration", || T::describe().holds_file())
            .map_err(|report| Error::new(ErrorKind::Invalid, report))?;
        let layer = files.filter(|_| is_marked).map(Layer::new);
        Ok(Self { layer, accepted: BTreeMap::new(), followed: BTreeSet::new() })
    }

    pub(super) fn layer(&self) -> Option<&Layer<dyn AnyFiles>> {
        self.layer.as_ref()
    }

    pub(super) fn layer_mut(&mut self) -> Option<&mut Layer<dyn AnyFiles>> {
        self.layer.as_mut()
    }

    /// Looks at the files; nothing if they hold what was last accepted.
    pub(super) async fn fetch(
        &mut self,
        limit: Duration,
        asked: Asked,
    ) -> Result<Option<Content>, SourceError> {
        match &mut self.layer {
            Some(layer) => layer.fetch(limit, asked).await,
            None => Ok(None),
        }
    }

    /// Follows the files of a candidate beside those of the value in force. A file that is missing may appear, whether
    /// the candidate is accepted or not.
    ///
    /// Tells whether there are any that were not followed.
    pub(super) fn try_out(&mut self, references: &[Reference]) -> bool {
        let tried = references.iter().map(|reference| reference.named.file.clone());
        let all: BTreeSet<_> = self.accepted.keys().cloned().chain(tried).collect();
        let is_more = !all.is_subset(&self.followed);
        self.follow(all);
        is_more
    }

    /// The candidate that was tried is in force now.
    pub(super) fn accept(&mut self, content: Option<Content>, contents: &Contents) {
        let is_news = content.is_some();
        if let (Some(layer), Some(content)) = (&mut self.layer, content) {
            layer.accept(content);
        }
        let before = std::mem::take(&mut self.accepted);
        let known = |file: &Path| before.get(file).filter(|_| !is_news).cloned();
        let files = contents.files().into_iter();
        let accepted = files.map(|file| {
            let held = known(&file).unwrap_or_else(|| self.held(&file));
            (file, held)
        });
        self.accepted = accepted.collect();
        self.settle();
    }

    /// Follows the files of the value in force and no others.
    pub(super) fn settle(&mut self) {
        self.follow(self.accepted.keys().cloned().collect());
    }

    fn follow(&mut self, files: BTreeSet<PathBuf>) {
        if let Some(layer) = &mut self.layer {
            layer.source.follow(files.clone());
            self.followed = files;
        }
    }

    /// Names the files if one of those that are followed for the value in force holds something else. Where there is news of
    /// the files, that may be no more than that others are followed.
    pub(super) fn changed(&self) -> Option<Origin> {
        let is_other = |(file, before): (&PathBuf, &Option<Held>)| match (before, self.held(file)) {
            (Some(before), Some(held)) => *before != held,
            // Nobody looked at it before or after.
            _ => false,
        };
        let layer = self.layer.as_ref()?;
        self.accepted.iter().any(is_other).then(|| layer.origin.clone())
    }

    /// Returns what the last look found in a file; nothing if it did not look there.
    fn held(&self, file: &Path) -> Option<Held> {
        let found = self.layer.as_ref()?.source.content(file)?;
        Some(found.map_err(drop))
    }

    /// Tells whether nothing was swapped since they were looked at.
    pub(super) fn is_one_side(&self) -> bool {
        self.layer.as_ref().is_none_or(|layer| layer.source.is_one_side())
    }

    /// Returns what the files hold that a candidate names.
    ///
    /// # Errors
    ///
    /// Every file that cannot be read, at the field that names it.
    pub(super) fn contents(&self, references: Vec<Reference>) -> Result<Contents, Report> {
        let Some(layer) = &self.layer else { return Ok(Contents::default()) };
        let mut report = Report::new();
        let mut files = BTreeMap::new();
        let mut left = layer.source.limit();
        for Reference { named, blame } in &references {
            let content = layer.source.content(&named.file);
            match content {
                Some(Ok(_)) if files.contains_key(&named.file) => {}
                Some(Ok(bytes)) if bytes.len() as u64 > left => {
                    report.push(blame.clone().saying(too_large(layer.source.limit())));
                }
                Some(Ok(bytes)) => {
                    left -= bytes.len() as u64;
                    files.insert(named.file.clone(), bytes);
                }
                Some(Err(error)) if error.kind() == SourceErrorKind::TooLarge => {
                    report.push(blame.clone().saying(too_large(layer.source.limit())));
                }
                Some(Err(error)) => report.push(blame.clone().saying(unreadable(&named.file, &error))),
                None => {
                    let message = format!("the file {} was not looked at in time", named.file.display());
                    report.push(blame.clone().saying(message));
                }
            }
        }
        if report.is_empty() {
            let named = references.into_iter().map(|reference| reference.named);
            Ok(Contents::new(named.collect(), files))
        } else {
            Err(report)
        }
    }
}

/// Finds the files that a candidate names. Relative paths start at the directory of the document that has set the field,
/// or around it, where it is a default; at the current directory where that is no file.
///
/// # Errors
///
/// Every field that is marked and cannot be followed.
pub(super) fn references<T: Diff>(loaded: &Loaded<T>) -> Result<Vec<Reference>, Report> {
    guarded::<T, _>("finding the files that fields name", || {
        let mut report = Report::new();
        let mut references = Vec::new();
        let value = loaded.value.value();
        for (field, text) in T::describe().files(&value) {
            let blame = loaded.blame(Violation::new(field.clone(), FILE, ""));
            let Some(text) = text else {
                let message = "no file can be followed here; mark a `PathBuf` or a `String` that is neither secret nor a leaf";
                report.push(blame.saying(message));
                continue;
            };
            let document = blame.origin().and_then(|origin| origin.path()?.parent());
            let file = document.unwrap_or(Path::new("")).join(text);
            let (text, address) = (text.into(), text.as_ptr().addr());
            references.push(Reference { named: NamedFile { field, text, address, file }, blame });
        }
        if report.is_empty() { Ok(references) } else { Err(report) }
    })
    .and_then(|references| references)
}

/// Makes a wanted value keep what needs a restart, and returns the files that it names then: those of what was kept are
/// as they were for the running value.
///
/// # Errors
///
/// What panicked.
pub(super) fn hold<T: Diff>(
    wanted: &mut T,
    files: Contents,
    running: &T,
    running_files: &Contents,
) -> Result<Contents, Report> {
    guarded::<T, _>("keeping what needs a restart", || {
        let copies = copies(|| wanted.hold(running));
        let value = wanted.value();
        let texts = T::describe().files(&value).into_iter();
        files.hold(texts.filter_map(|(field, text)| Some((field, text?))), &copies, running_files)
    })
}

fn too_large(limit: u64) -> String {
    format!(
        "with this file, those that fields name have more than the limit of {limit} bytes together; `.max_size(bytes)` raises that"
    )
}

fn unreadable(file: &Path, error: &SourceError) -> String {
    let file = file.display();
    match error.kind() {
        SourceErrorKind::NotFound => {
            format!("there is no file {file}; correct the path or put the file there")
        }
        SourceErrorKind::PermissionDenied => {
            format!("the file {file} may not be read; let this program read it")
        }
        SourceErrorKind::WrongKind => format!("{file} is not a regular file; name a file"),
        _ => format!("the file {file} cannot be read: {}", error.message()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::document::{Origin, Revision};
    use crate::path::FieldPath;
    use crate::source::{AnySource, BoxFuture, Fetched, Hint};

    /// Remembers what it was to follow.
    struct Fake(Arc<Mutex<BTreeSet<PathBuf>>>);

    impl AnySource for Fake {
        fn origin(&self) -> Origin {
            Origin::named("fake")
        }

        fn fetch<'a>(
            &'a mut self,
            _: Option<&'a Revision>,
            _: Asked,
        ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
            Box::pin(async { Ok(Fetched::NotModified) })
        }

        fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
            Box::pin(std::future::pending())
        }
    }

    impl AnyFiles for Fake {
        fn follow(&mut self, files: BTreeSet<PathBuf>) {
            *self.0.lock().unwrap() = files;
        }

        fn limit(&self) -> u64 {
            10
        }

        fn content(&self, file: &Path) -> Option<Result<Arc<[u8]>, SourceError>> {
            Some(Ok(file.as_os_str().as_encoded_bytes().into()))
        }
    }

    fn references(files: &[&str]) -> Vec<Reference> {
        let reference = |file: &&str| Reference {
            named: NamedFile {
                field: FieldPath::root(),
                text: (*file).into(),
                address: 0,
                file: file.into(),
            },
            blame: Violation::new(FieldPath::root(), FILE, ""),
        };
        files.iter().map(reference).collect()
    }

    #[test]
    fn a_candidate_is_followed_beside_what_is_in_force_until_it_is_decided() {
        let followed = Arc::new(Mutex::new(BTreeSet::<PathBuf>::new()));
        let names =
            || followed.lock().unwrap().iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        let layer = Layer::<dyn AnyFiles>::new(Box::new(Fake(Arc::clone(&followed))));
        let mut files = Files { layer: Some(layer), accepted: BTreeMap::new(), followed: BTreeSet::new() };

        assert!(files.try_out(&references(&["a", "b"])));
        let contents = files.contents(references(&["a", "b", "a"])).unwrap();
        files.accept(None, &contents);
        assert_eq!(names(), ["a", "b"]);
        assert!(!files.try_out(&references(&["b"])), "there is nothing new to look at");
        assert!(files.try_out(&references(&["b", "c"])));
        assert_eq!(names(), ["a", "b", "c"]);
        files.settle();
        assert_eq!(names(), ["a", "b"]);

        assert!(files.try_out(&references(&["b", "c"])));
        let contents = files.contents(references(&["b", "c"])).unwrap();
        files.accept(None, &contents);
        assert_eq!(names(), ["b", "c"]);
        assert!(files.contents(references(&["twelve bytes", "b"])).is_err());
    }

    #[cfg(feature = "derive")]
    mod held {
        use reloadable_derive::Reloadable;

        use super::super::*;
        use crate::diff::Changes;

        #[derive(Clone, Reloadable)]
        #[reload(crate = crate)]
        struct App {
            #[reload(file, restart)]
            cert: PathBuf,
            #[reload(file)]
            roots: String,
            #[reload(key = "name")]
            sites: Vec<Site>,
        }

        #[derive(Clone, Reloadable)]
        #[reload(crate = crate)]
        struct Site {
            name: u8,
            #[reload(restart)]
            tls: Vec<Tls>,
        }

        #[derive(Clone, Reloadable)]
        #[reload(crate = crate)]
        struct Tls {
            #[reload(file)]
            cert: PathBuf,
            strict: bool,
        }

        fn app(cert: &str, roots: &str, sites: &[(u8, &str)]) -> App {
            let site = |&(name, cert): &(u8, &str)| {
                let tls = vec![Tls { cert: cert.into(), strict: name == 0 }];
                Site { name, tls }
            };
            App { cert: cert.into(), roots: roots.to_owned(), sites: sites.iter().map(site).collect() }
        }

        /// The contents that a value names; every file in `directory` holds `bytes`.
        fn contents(value: &App, directory: &str, bytes: &str) -> Contents {
            let shown = value.value();
            let named: Vec<_> = App::describe()
                .files(&shown)
                .into_iter()
                .filter_map(|(field, text)| {
                    let text = text?;
                    let (file, address) = (Path::new(directory).join(text), text.as_ptr().addr());
                    Some(NamedFile { field, text: text.into(), address, file })
                })
                .collect();
            let files = named.iter().map(|named| (named.file.clone(), bytes.as_bytes().into())).collect();
            Contents::new(named, files)
        }

        struct Version(App, Contents);

        impl Version {
            fn new(value: App, directory: &str, bytes: &str) -> Self {
                let contents = contents(&value, directory, bytes);
                Self(value, contents)
            }

            fn after(self, running: &Self) -> Self {
                let Self(mut value, files) = self;
                let files = hold(&mut value, files, &running.0, &running.1).unwrap();
                Self(value, files)
            }

            fn of(&self, text: impl AsRef<Path>) -> &str {
                std::str::from_utf8(self.1.of(text.as_ref()).unwrap()).unwrap()
            }

            /// What changed since an older version, with a mark where it needs a restart.
            fn since(&self, older: &Self) -> Vec<String> {
                older.1.compare(&self.1, || {
                    let changes = older.0.diff(&self.0);
                    let entries = changes.as_ref().map(Changes::entries).unwrap_or_default();
                    entries
                        .iter()
                        .map(|entry| format!("{entry}{}", if entry.restart { "!" } else { "" }))
                        .collect()
                })
            }

            fn followed(&self) -> Vec<String> {
                self.1.files().iter().map(|file| file.display().to_string()).collect()
            }
        }

        #[test]
        fn what_is_kept_names_the_file_of_the_running_value() {
            let running = Version::new(app("old", "old", &[]), "a", "one");
            let wanted = Version::new(app("new", "new", &[]), "b", "two");
            let changes = ["cert: \"old\" -> \"new\"!", "roots: \"old\" -> \"new\""];
            assert_eq!(wanted.since(&running), changes);
            let held = wanted.after(&running);
            assert_eq!((held.of(&held.0.cert), held.of(&held.0.roots)), ("one", "two"));
            assert_eq!(held.since(&running), changes[1..]);
            assert_eq!(held.followed(), ["b/new"], "what is wanted is watched, and what is kept is not");
            assert_eq!(format!("{:?}", held.1), r#"{"roots": "b/new (3 bytes)", "cert": "a/old (3 bytes)"}"#);

            // For as long as it is wanted; a revert takes nothing along.
            let later = Version::new(app("new", "new", &[]), "b", "three").after(&held);
            assert_eq!((later.of(&later.0.cert), later.of(&later.0.roots)), ("one", "three"));
            let reverted = Version::new(app("old", "old", &[]), "a", "one").after(&later);
            assert!(reverted.since(&running).is_empty());
            assert_eq!(reverted.followed(), ["a/old"]);
        }

        #[test]
        fn one_file_is_known_as_it_was_and_as_it_is() {
            let named = || app("it", "it", &[]);
            let running = Version::new(named(), "", "one");
            let wanted = Version::new(named(), "", "two");
            let changes = ["cert: the file \"it\" changed!", "roots: the file \"it\" changed"];
            assert_eq!(wanted.since(&running), changes);
            let held = wanted.after(&running);
            assert_eq!((held.of(&held.0.cert), held.of(&held.0.roots)), ("one", "two"));
            assert_eq!(held.since(&running), changes[1..]);

            let same = Version::new(named(), "", "two");
            assert_eq!(same.since(&held), changes[..1], "it is still pending");
            let same = same.after(&held);
            assert!(same.since(&held).is_empty());
            assert_eq!(
                same.since(&running),
                changes[1..],
                "somebody who missed one in between is told the same"
            );
            assert!(Version::new(named(), "", "one").since(&same).starts_with(&[changes[1].to_owned()]));
        }

        #[test]
        fn an_element_keeps_its_file_wherever_it_stands() {
            let running = Version::new(app("", "", &[(0, "it"), (1, "it")]), "", "one");
            let wanted = Version::new(app("", "", &[(2, "it"), (0, "it"), (1, "other")]), "", "two");
            assert_eq!(
                wanted.since(&running),
                [
                    r#"sites["0"].tls[0].cert: the file "it" changed!"#,
                    r#"sites["1"].tls[0].cert: "it" -> "other"!"#,
                    r#"sites["2"]: added"#
                ]
            );
            let held = wanted.after(&running);
            assert_eq!(held.since(&running), [r#"sites["2"]: added"#]);
            let of = |site: usize| held.of(&held.0.sites[site].tls[0].cert);
            assert_eq!([of(0), of(1), of(2)], ["two", "one", "one"]);
            assert!(held.0.sites[1].tls[0].strict);
            assert_eq!(held.followed(), ["it", "other"]);
        }
    }
}
