//! Which file has which objects: of two that claim one key, the one whose path comes first has it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::document::Revision;
use crate::error::SourceError;
use crate::path::FieldPath;
use crate::report::{Report, Violation};
use crate::source::fs::read::Stamp;
use crate::source::{Condition, RefusedDocument};

use super::layout::Layout;

/// What is known of a file.
#[derive(Debug)]
pub(super) struct Record {
    /// Of what was read last; nothing where that is to be read again in any case.
    pub(super) read: Option<Shape>,
    pub(super) revision: Revision,
    keys: Box<[String]>,
    /// The number of the list that found it last.
    listed: u64,
}

/// What a file looked like when it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) stamp: Stamp,
    pub(super) is_fresh: bool,
    pub(super) ends_with_newline: bool,
    /// Of the bytes, so that the same content has the same revision.
    pub(super) fingerprint: u64,
}

impl Record {
    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }
}

/// All files, and who has which key.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    files: HashMap<Arc<Path>, Record>,
    owners: HashMap<String, Arc<Path>>,
    /// Those who claim a key that another has.
    rivals: BTreeMap<String, BTreeSet<Arc<Path>>>,
    /// What is no object.
    refused: BTreeMap<Arc<Path>, Report>,
    /// How often something began or ceased to be no object.
    pub(super) judged: u64,
    /// The number of the last list.
    number: u64,
}

/// What a file has brought about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// Keys that nobody claims any more.
    pub(super) gone: Vec<String>,
    /// Files that have a key now that they did not have.
    pub(super) heirs: Vec<Arc<Path>>,
}

impl Ledger {
    /// Forgets all files but these, and returns which have a key now that they did not have.
    pub(super) fn keep(&mut self, files: &[Arc<Path>]) -> Vec<Arc<Path>> {
        self.files.reserve(files.len().saturating_sub(self.files.len()));
        if self.files.is_empty() {
            return Vec::new();
        }
        self.number += 1;
        for file in files {
            if let Some(record) = self.files.get_mut(file) {
                record.listed = self.number;
            }
        }
        let others = self.files.iter().filter(|(_, record)| record.listed != self.number);
        let others: Vec<_> = others.map(|(path, _)| Arc::clone(path)).collect();
        others.iter().flat_map(|path| self.remove(path).heirs).collect()
    }

    /// Returns how many objects there are.
    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Arc<Path>> {
        self.files.keys()
    }

    pub(super) fn record(&self, path: &Path) -> Option<&Record> {
        self.files.get(path)
    }

    /// Tells whether a file has this key.
    pub(super) fn is_owner(&self, path: &Path, key: &str) -> bool {
        self.owners.get(key).is_some_and(|owner| is_same(owner, path))
    }

    pub(super) fn has_owner(&self, key: &str) -> bool {
        self.owners.contains_key(key)
    }

    /// Tells whether a file that claims this key takes it from another.
    pub(super) fn would_take(&self, path: &Path, key: &str) -> bool {
        self.owners.get(key).is_some_and(|owner| path < &**owner)
    }

    /// Takes in what a file claims now.
    pub(super) fn put(
        &mut self,
        path: &Arc<Path>,
        read: Option<Shape>,
        revision: Revision,
        keys: Vec<String>,
        refused: Option<Report>,
    ) -> Moved {
        let mut moved = Moved::default();
        for key in &keys {
            self.claim(path, key);
        }
        let record = Record { read, revision, keys: keys.into(), listed: self.number };
        if let Some(old) = self.files.insert(Arc::clone(path), record) {
            let kept = self.files.get(path).map_or(&[][..], |record| &record.keys);
            let kept: HashSet<_> = kept.iter().collect();
            let lost: Vec<_> = old.keys.into_iter().filter(|key| !kept.contains(key)).collect();
            for key in lost {
                self.release(path, key, &mut moved);
            }
        }
        let is_news = match refused {
            Some(report) => {
                self.refused.insert(Arc::clone(path), report);
                true
            }
            None => self.refused.remove(path).is_some(),
        };
        self.judged += u64::from(is_news);
        moved
    }

    /// Forgets a file that is gone.
    pub(super) fn remove(&mut self, path: &Arc<Path>) -> Moved {
        let mut moved = Moved::default();
        self.judged += u64::from(self.refused.remove(path).is_some());
        if let Some(old) = self.files.remove(path) {
            for key in old.keys {
                self.release(path, key, &mut moved);
            }
        }
        moved
    }

    /// A file must be read again, whatever it looks like.
    pub(super) fn forget_shape(&mut self, path: &Path) {
        if let Some(record) = self.files.get_mut(path) {
            record.read = None;
        }
    }

    fn claim(&mut self, path: &Arc<Path>, key: &str) {
        let rival = match self.owners.get_mut(key) {
            None => {
                self.owners.insert(key.to_owned(), Arc::clone(path));
                return;
            }
            Some(owner) if is_same(owner, path) => return,
            Some(owner) if path < owner => std::mem::replace(owner, Arc::clone(path)),
            Some(_) => Arc::clone(path),
        };
        let rivals = self.rivals.entry(key.to_owned()).or_default();
        rivals.remove(path);
        self.judged += u64::from(rivals.insert(rival));
    }

    fn release(&mut self, path: &Arc<Path>, key: String, moved: &mut Moved) {
        let is_owner = self.is_owner(path, &key);
        let heir = match self.rivals.get_mut(&key) {
            Some(rivals) => {
                self.judged += u64::from(rivals.remove(path));
                let heir = if is_owner { rivals.pop_first() } else { None };
                if rivals.is_empty() {
                    self.rivals.remove(&key);
                }
                heir
            }
            None => None,
        };
        if let Some(heir) = heir {
            self.judged += 1;
            moved.heirs.push(Arc::clone(&heir));
            self.owners.insert(key, heir);
        } else if is_owner {
            self.owners.remove(&key);
            moved.gone.push(key);
        }
    }

    /// Says what is no object: what could not be listed, the files that claim a key of another, and the rest.
    pub(super) fn condition(&self, layout: &Layout, unlisted: &[(PathBuf, SourceError)]) -> Condition {
        let listed_not = unlisted.iter().map(|(path, error)| {
            let report = Report::from(Violation::from(layout.as_written(error)));
            RefusedDocument::new(layout.origin(path), report)
        });
        let rivals = self.rivals.iter().flat_map(|(key, paths)| {
            let owner = self.owners.get(key);
            paths.iter().map(move |path| {
                let owner = owner.map_or_else(String::new, |owner| format!("{}", layout.origin(owner)));
                let message = format!("`{key}` is the key of {owner}, which comes first");
                let origin = layout.origin(path);
                let violation = Violation::new(FieldPath::root(), "duplicate_key", message);
                RefusedDocument::new(origin.clone(), violation.located(origin, None).into())
            })
        });
        let refused = self
            .refused
            .iter()
            .map(|(path, report)| RefusedDocument::new(layout.origin(path), report.clone()));
        let total =
            unlisted.len() + self.rivals.values().map(BTreeSet::len).sum::<usize>() + self.refused.len();
        let shown: Vec<_> =
            listed_not.chain(rivals).chain(refused).take(crate::source::REFUSED_SHOWN).collect();
        let omitted = total - shown.len();
        Condition::new().refused(shown, omitted)
    }
}

/// Paths are made of the same text here, which need not be taken apart.
fn is_same(one: &Path, other: &Path) -> bool {
    one.as_os_str() == other.as_os_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Arc<Path> {
        Path::new(path).into()
    }

    fn put(ledger: &mut Ledger, file: &str, keys: &[&str]) -> Moved {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        ledger.put(&path(file), None, Revision::new([]), keys, None)
    }

    #[test]
    fn the_first_path_has_a_key_whoever_came_first_and_the_next_one_inherits_it() {
        let mut ledger = Ledger::default();
        assert_eq!(put(&mut ledger, "b", &["k"]), Moved::default());
        assert_eq!(put(&mut ledger, "c", &["k"]), Moved::default());
        assert!(ledger.is_owner(&path("b"), "k"));
        assert_eq!(put(&mut ledger, "a", &["k"]), Moved::default());
        assert!(ledger.is_owner(&path("a"), "k"));
        assert_eq!(put(&mut ledger, "a", &[]), Moved { gone: vec![], heirs: vec![path("b")] });
        assert_eq!(ledger.remove(&path("b")), Moved { gone: vec![], heirs: vec![path("c")] });
        assert_eq!(ledger.remove(&path("c")), Moved { gone: vec!["k".into()], heirs: vec![] });
        assert_eq!(ledger.remove(&path("a")), Moved::default());
        assert!(ledger.rivals.is_empty() && ledger.owners.is_empty() && ledger.files.is_empty());
    }

    #[test]
    fn a_rival_that_gives_up_changes_nothing() {
        let mut ledger = Ledger::default();
        put(&mut ledger, "a", &["k", "l"]);
        put(&mut ledger, "b", &["k"]);
        assert_eq!(put(&mut ledger, "b", &["m"]), Moved::default());
        assert_eq!(put(&mut ledger, "a", &["l"]), Moved { gone: vec!["k".into()], heirs: vec![] });
        assert_eq!(ledger.len(), 2);
    }
}
