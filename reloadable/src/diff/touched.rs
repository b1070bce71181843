//! The files that a configuration names: a text is equal to what it was and yet counts as changed where the file that
//! it names has another content.
//!
//! What is compared are two values, which know nothing of contents. So whoever compares says beforehand, for this thread
//! and for as long as the comparison lasts, which texts of the older value are touched. They are told apart by their
//! addresses: two fields may hold the same text and name two files. A published value does not change, so that its texts
//! stay where they are.
//!
//! In the same way it is told which texts of a wanted value are copies of those of the running one, where it keeps a field
//! until a restart: their files are kept with them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use crate::value::Value;

thread_local! {
    /// It is looked at wherever two texts are equal, so it has to cost as good as nothing.
    static IS_ANY: Cell<bool> = const { Cell::new(false) };
    /// Sorted addresses.
    static TEXTS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// The copies that were made; nothing where nobody asks.
    static COPIES: RefCell<Option<Vec<Copied>>> = const { RefCell::new(None) };
}

/// The address of a text that was copied, and that of the copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copied {
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only a reloader asks"))]
    original: usize,
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only a reloader asks"))]
    copy: usize,
}

/// Says that one value is a copy of another. They are looked at only if somebody asks.
pub(crate) fn copied<'v>(original: impl FnOnce() -> Value<'v>, copy: impl FnOnce() -> Value<'v>) {
    if COPIES.try_with(|copies| copies.borrow().is_some()) != Ok(true) {
        return;
    }
    // Both are made beforehand, since the application's code may be asked for them.
    let (original, copy) = (original(), copy());
    let mut found = Vec::new();
    pair(&original, &copy, &mut found);
    // A thread that is ending keeps nothing any more.
    let _ = COPIES.try_with(|copies| copies.borrow_mut().as_mut().map(|copies| copies.append(&mut found)));
}

fn pair(original: &Value<'_>, copy: &Value<'_>, found: &mut Vec<Copied>) {
    match (original, copy) {
        (Value::Text(Cow::Borrowed(original)), Value::Text(Cow::Borrowed(copy))) => {
            found.push(Copied { original: original.as_ptr().addr(), copy: copy.as_ptr().addr() });
        }
        (Value::List(originals), Value::List(copies)) => {
            originals.iter().zip(copies).for_each(|(original, copy)| pair(original, copy, found));
        }
        (Value::Table(originals), Value::Table(copies)) => {
            originals.iter().zip(copies).for_each(|((_, original), (_, copy))| pair(original, copy, found));
        }
        _ => {}
    }
}

/// Tells whether this text, of the older value, names a file that holds something else than before.
#[inline]
pub(crate) fn is_touched(text: &[u8]) -> bool {
    IS_ANY.get() && is_listed(text.as_ptr().addr())
}

/// Tells whether any text is touched, so that what is equal has to be compared all the same.
#[inline]
pub(crate) fn is_any() -> bool {
    IS_ANY.get()
}

#[cold]
fn is_listed(address: usize) -> bool {
    // A thread that is ending compares nothing any more.
    TEXTS.try_with(|texts| texts.borrow().binary_search(&address).is_ok()).unwrap_or(false)
}

#[cfg(feature = "tokio")]
pub(crate) use self::contents::{Contents, NamedFile, copies};

#[cfg(feature = "tokio")]
mod contents {
    use std::cell::RefCell;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::{COPIES, Copied, IS_ANY, TEXTS};
    use crate::path::FieldPath;

    /// A text under a field marked `#[reload(file)]`.
    #[derive(Debug, Clone)]
    pub(crate) struct NamedFile {
        pub(crate) field: FieldPath,
        pub(crate) text: Box<str>,
        /// Where the value has the text.
        pub(crate) address: usize,
        /// The file.
        pub(crate) file: PathBuf,
    }

    /// A text that was kept until a restart.
    #[derive(Clone)]
    struct Held {
        named: NamedFile,
        /// Where the value has the text of which this is a copy.
        original: usize,
        /// What the file held when that value was accepted.
        bytes: Arc<[u8]>,
    }

    /// The files that a value names, and what they held when it was accepted.
    #[derive(Clone, Default)]
    pub(crate) struct Contents {
        /// The texts that name one of the `files`.
        named: Vec<NamedFile>,
        files: BTreeMap<PathBuf, Arc<[u8]>>,
        /// The texts that name a file as it was, sorted by their originals.
        held: Vec<Held>,
        /// What the documents name, where that is not what the value names.
        wanted: Option<BTreeSet<PathBuf>>,
    }

    impl Contents {
        pub(crate) fn new(named: Vec<NamedFile>, files: BTreeMap<PathBuf, Arc<[u8]>>) -> Self {
            Self { named, files, held: Vec::new(), wanted: None }
        }

        /// Returns the files that the documents name: these are to be followed.
        pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
            self.wanted.clone().unwrap_or_else(|| self.files.keys().cloned().collect())
        }

        /// Returns what the file held that this text of the value names.
        pub(crate) fn of(&self, text: &Path) -> Option<&[u8]> {
            let address = text.as_os_str().as_encoded_bytes().as_ptr().addr();
            self.find(address, text).map(|(_, bytes)| &**bytes)
        }

        /// Turns the contents of a wanted value into those of that value after it kept what needs a restart, where
        /// `texts` are what stands in its marked fields now: a copy of a text of the running value names what that does.
        pub(crate) fn hold<'v>(
            self,
            texts: impl IntoIterator<Item = (FieldPath, &'v str)>,
            copies: &[Copied],
            running: &Self,
        ) -> Self {
            let wanted = self.files();
            let originals: BTreeMap<_, _> =
                copies.iter().map(|copied| (copied.copy, copied.original)).collect();
            let by_address: BTreeMap<_, _> = self.named.iter().map(|named| (named.address, named)).collect();
            let (mut named, mut held) = (Vec::new(), Vec::new());
            for (field, text) in texts {
                let address = text.as_ptr().addr();
                if let Some(&original) = originals.get(&address) {
                    if let Some((of, bytes)) = running.find(original, Path::new(text)) {
                        let named = NamedFile { field, text: text.into(), address, file: of.file.clone() };
                        held.push(Held { named, original, bytes: Arc::clone(bytes) });
                    }
                    continue;
                }
                // Whoever keeps a text within itself took it along when the value was moved, but not to another field.
                let same = || self.named.iter().find(|named| named.field == field && *named.text == *text);
                if let Some(of) = by_address.get(&address).copied().or_else(same) {
                    named.push(NamedFile { field, text: text.into(), address, file: of.file.clone() });
                }
            }
            held.sort_by_key(|held| held.original);
            let mut files = self.files;
            let live: BTreeSet<_> = named.iter().map(|named| &named.file).collect();
            files.retain(|file, _| live.contains(file));
            Self { named, files, held, wanted: Some(wanted) }
        }

        /// Returns the same files for a value that was read again from the same documents.
        pub(crate) fn again(&self, named: Vec<NamedFile>) -> Self {
            let kept = self.held.iter().map(|held| (held.named.file.clone(), Arc::clone(&held.bytes)));
            let mut files: BTreeMap<_, _> = kept.collect();
            files.extend(self.files.clone());
            Self { named, files, held: Vec::new(), wanted: Some(self.files()) }
        }

        /// Compares a value that names these files with one that names the `newer`: what holds something else counts as
        /// changed.
        pub(crate) fn compare<R>(&self, newer: &Self, compare: impl FnOnce() -> R) -> R {
            let _scope = Scope::enter(self.touched(newer));
            compare()
        }

        /// Returns every text with what its file held.
        fn all(&self) -> impl Iterator<Item = (&NamedFile, &Arc<[u8]>)> {
            let named = self.named.iter().filter_map(|named| Some((named, self.files.get(&named.file)?)));
            named.chain(self.held.iter().map(|held| (&held.named, &held.bytes)))
        }

        /// Returns the text at an address, or else one that reads the same.
        fn find(&self, address: usize, text: &Path) -> Option<(&NamedFile, &Arc<[u8]>)> {
            let itself = self.all().find(|(named, _)| named.address == address);
            itself.or_else(|| self.all().find(|(named, _)| Path::new(&*named.text) == text))
        }

        /// Returns the addresses of the texts that name a file which holds something else now.
        fn touched(&self, newer: &Self) -> Vec<usize> {
            let mut touched: Vec<_> = self
                .all()
                .filter(|(named, bytes)| newer.touches(named, bytes))
                .map(|(named, _)| named.address)
                .collect();
            touched.sort_unstable();
            touched
        }

        /// Tells whether a text of an older value names something else here.
        fn touches(&self, old: &NamedFile, bytes: &Arc<[u8]>) -> bool {
            let is_same = |new: &Arc<[u8]>| Arc::ptr_eq(bytes, new) || bytes == new;
            // Its own copy may stand at another position, beside a text that names the file as it is now.
            let copy = self.held.binary_search_by_key(&old.address, |held| held.original);
            if copy.is_ok_and(|at| is_same(&self.held[at].bytes)) {
                return false;
            }
            let held = |is_wanted: &dyn Fn(&NamedFile) -> bool| {
                self.held.iter().find(|held| is_wanted(&held.named)).map(|held| &held.bytes)
            };
            let new = held(&|new| new.field == old.field && new.file == old.file)
                .or_else(|| self.files.get(&old.file))
                .or_else(|| held(&|new| new.file == old.file))
                // The same text in the same field may name another file, where another document has set it.
                .or_else(|| Some(self.all().find(|(new, _)| new.field == old.field)?.1));
            new.is_some_and(|new| !is_same(new))
        }
    }

    /// The contents may be secret.
    impl fmt::Debug for Contents {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let shown = self.all().map(|(named, bytes)| {
                (named.field.to_string(), format!("{} ({} bytes)", named.file.display(), bytes.len()))
            });
            f.debug_map().entries(shown).finish()
        }
    }

    /// Returns which texts a wanted value copies while it keeps what needs a restart.
    pub(crate) fn copies(hold: impl FnOnce()) -> Vec<Copied> {
        let asking =
            Asking { outer: COPIES.try_with(|copies| copies.replace(Some(Vec::new()))).ok().flatten() };
        hold();
        let copies = COPIES.try_with(RefCell::take).ok().flatten();
        drop(asking);
        copies.unwrap_or_default()
    }

    /// While it lives, somebody asks for copies. Then whoever did before.
    struct Asking {
        outer: Option<Vec<Copied>>,
    }

    impl Drop for Asking {
        fn drop(&mut self) {
            let outer = self.outer.take();
            let _ = COPIES.try_with(|copies| copies.replace(outer));
        }
    }

    /// While it lives, these texts are touched on this thread. Then those again that were before.
    struct Scope {
        outer: Vec<usize>,
    }

    impl Scope {
        fn enter(touched: Vec<usize>) -> Self {
            Self { outer: set(touched) }
        }
    }

    impl Drop for Scope {
        fn drop(&mut self) {
            set(std::mem::take(&mut self.outer));
        }
    }

    fn set(touched: Vec<usize>) -> Vec<usize> {
        if touched.is_empty() && !IS_ANY.get() {
            return touched;
        }
        IS_ANY.set(!touched.is_empty());
        TEXTS.try_with(|texts| texts.replace(touched)).unwrap_or_default()
    }
}
