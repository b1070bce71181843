//! The files that a configuration names: a text is equal to what it was and yet counts as changed where the file that
//! it names has another content.
//!
//! What is compared are two values, which know nothing of contents. So whoever compares says beforehand, for this thread
//! and for as long as the comparison lasts, which texts of the older value are touched. They are told apart by their
//! addresses: two fields may hold the same text and name two files. A published value does not change, so that its texts
//! stay where they are.

use std::cell::{Cell, RefCell};

thread_local! {
    /// It is looked at wherever two texts are equal, so it has to cost as good as nothing.
    static IS_ANY: Cell<bool> = const { Cell::new(false) };
    /// Sorted addresses.
    static TEXTS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
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
pub(crate) use self::contents::{Contents, NamedFile};

#[cfg(feature = "tokio")]
mod contents {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::{IS_ANY, TEXTS};
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

    /// The files that a value names, and what they held when it was accepted.
    #[derive(Clone, Default)]
    pub(crate) struct Contents {
        named: Vec<NamedFile>,
        files: BTreeMap<PathBuf, Arc<[u8]>>,
    }

    impl Contents {
        pub(crate) fn new(named: Vec<NamedFile>, files: BTreeMap<PathBuf, Arc<[u8]>>) -> Self {
            Self { named, files }
        }

        /// Returns the files.
        pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
            self.files.keys()
        }

        /// Returns what the file held that this text of the value names.
        pub(crate) fn of(&self, text: &Path) -> Option<&[u8]> {
            let address = text.as_os_str().as_encoded_bytes().as_ptr().addr();
            let itself = self.named.iter().find(|named| named.address == address);
            let named = itself.or_else(|| self.named.iter().find(|named| Path::new(&*named.text) == text))?;
            self.files.get(&named.file).map(|bytes| &**bytes)
        }

        /// Returns the same files for a value that was read again.
        pub(crate) fn again(&self, named: Vec<NamedFile>) -> Self {
            let mut files = self.files.clone();
            files.retain(|file, _| named.iter().any(|named| named.file == *file));
            Self { named, files }
        }

        /// Keeps what is in force for the fields that are held.
        pub(crate) fn hold(mut self, running: &Self, is_held: impl Fn(&FieldPath) -> bool) -> Self {
            for named in self.named.iter_mut().filter(|named| is_held(&named.field)) {
                let Some(kept) = running.named.iter().find(|kept| kept.field == named.field) else {
                    continue;
                };
                named.file.clone_from(&kept.file);
            }
            self
        }

        /// Compares a value that names these files with one that names the `newer`: what holds something else counts as
        /// changed.
        pub(crate) fn compare<R>(&self, newer: &Self, compare: impl FnOnce() -> R) -> R {
            let _scope = Scope::enter(self.touched(newer));
            compare()
        }

        /// Returns the addresses of the texts that name a file which holds something else now.
        fn touched(&self, newer: &Self) -> Vec<usize> {
            let mut touched: Vec<_> = self
                .named
                .iter()
                .filter(|named| self.is_touched(named, newer))
                .map(|named| named.address)
                .collect();
            touched.sort_unstable();
            touched
        }

        fn is_touched(&self, named: &NamedFile, newer: &Self) -> bool {
            // The same text in the same field may name another file, where another document has set it.
            let elsewhere =
                || newer.named.iter().find(|other| other.field == named.field).map(|other| &other.file);
            let new = newer.files.get(&named.file).or_else(|| newer.files.get(elsewhere()?));
            match (self.files.get(&named.file), new) {
                (Some(old), Some(new)) => !Arc::ptr_eq(old, new) && old != new,
                _ => false,
            }
        }
    }

    /// The contents may be secret.
    impl fmt::Debug for Contents {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let size = |named: &NamedFile| self.files.get(&named.file).map_or(0, |bytes| bytes.len());
            let shown = self.named.iter().map(|named| {
                (named.field.to_string(), format!("{} ({} bytes)", named.file.display(), size(named)))
            });
            f.debug_map().entries(shown).finish()
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
