//! Maps, compared by key.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::Diff;
use super::walk::{ChangeKind, Changes, Walker};
use crate::path::Segment;
use crate::report::Reporter;
use crate::validate::Validate;
use crate::value::Value;

/// The changes of a map: entries that were added, removed or modified.
///
/// They stand in the order of the map; those of a `HashMap`, which has none, are sorted by the text of their keys.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
///
/// use reloadable::Diff;
///
/// let old = BTreeMap::from([("blue", 1_u8), ("green", 2)].map(|(name, weight)| (name.to_owned(), weight)));
/// let new = BTreeMap::from([("blue", 1_u8), ("green", 3), ("red", 4)].map(|(name, weight)| (name.to_owned(), weight)));
/// let changes = old.diff(&new).ok_or("equal")?;
/// assert_eq!(*changes.modified[0].1.new, 3);
/// assert_eq!(changes.added, [(&"red".to_owned(), &4)]);
/// assert_eq!(changes.to_string(), "green: 2 -> 3\nred: added");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct MapChanges<'a, K, V, C> {
    /// The entries whose value changed, with the changes.
    pub modified: Vec<(&'a K, C)>,
    /// The entries that only the older map had.
    pub removed: Vec<(&'a K, &'a V)>,
    /// The entries that only the newer map has.
    pub added: Vec<(&'a K, &'a V)>,
}

impl<'a, K, V, C> MapChanges<'a, K, V, C> {
    /// Puts together the changes of a map, `None` where there are none.
    pub(crate) fn new(
        modified: Vec<(&'a K, C)>,
        removed: Vec<(&'a K, &'a V)>,
        added: Vec<(&'a K, &'a V)>,
    ) -> Option<Self> {
        let equal = modified.is_empty() && removed.is_empty() && added.is_empty();
        (!equal).then_some(Self { modified, removed, added })
    }
}

impl<K: Diff, V: Diff, C: Changes> Changes for MapChanges<'_, K, V, C> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        for (key, changes) in &self.modified {
            walker.within(segment(*key), changes);
        }
        for (key, old) in &self.removed {
            walker.entry_within(segment(*key), ChangeKind::Removed, Some(old.value()), None);
        }
        for (key, new) in &self.added {
            walker.entry_within(segment(*key), ChangeKind::Added, None, Some(new.value()));
        }
    }
}

super::walk::shown!(impl[K: Diff, V: Diff, C: Changes] Display, Serialize, Debug for MapChanges<'_, K, V, C>);

/// Returns the text by which a map's key is shown, in paths and on pages.
pub(crate) fn key_text<K: Diff + ?Sized>(key: &K) -> Cow<'_, str> {
    key.value().into_key()
}

fn segment<K: Diff>(key: &K) -> Segment {
    Segment::Name(key_text(key).into_owned().into())
}

/// Writes the violations of a map's keys and values into the report, each at its key.
///
/// Beneath a secret the key is left out, since it belongs to what must not be shown.
pub(crate) fn at_key<K: Diff>(report: &mut Reporter<'_>, key: &K, check: impl FnOnce(&mut Reporter<'_>)) {
    let segment = (!report.is_secret()).then(|| segment(key));
    report.enter(segment, false, false);
    check(report);
    report.leave();
}

/// Validates the entries of a map, in the order in which they are given.
pub(crate) fn validate_entries<'m, K: Diff + 'm, V: Validate + 'm>(
    entries: impl IntoIterator<Item = (&'m K, &'m V)>,
    report: &mut Reporter<'_>,
) {
    for (key, value) in entries {
        at_key(report, key, |report| {
            report.on_key(|report| key.validate(report));
            value.validate(report);
        });
    }
}

impl<K: Diff + Eq + Hash, V: Validate, S> Validate for HashMap<K, V, S> {
    const TRIVIAL: bool = K::TRIVIAL && V::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        if !V::TRIVIAL {
            let mut entries: Vec<_> = self.iter_mut().collect();
            entries.sort_by_cached_key(|(key, _)| key_text(*key).into_owned());
            for (key, value) in entries {
                at_key(report, key, |report| value.normalize(report));
            }
        }
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        if !Self::TRIVIAL {
            validate_entries(sorted(self.iter().collect()), report);
        }
    }
}

impl<K: Diff + Ord, V: Validate> Validate for BTreeMap<K, V> {
    const TRIVIAL: bool = K::TRIVIAL && V::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        if !V::TRIVIAL {
            for (key, value) in self {
                at_key(report, key, |report| value.normalize(report));
            }
        }
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        if !Self::TRIVIAL {
            validate_entries(self, report);
        }
    }
}

impl<K: Diff + Eq + Hash, V: Diff, S: BuildHasher> Diff for HashMap<K, V, S> {
    type Changes<'a>
        = MapChanges<'a, K, V, V::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        let (modified, removed, added) = compare(self, new, |key| self.get(key), |key| new.get(key));
        MapChanges::new(sorted(modified), sorted(removed), sorted(added))
    }

    fn hold(&mut self, running: &Self) {
        hold(self, |key| running.get(key));
    }

    fn value(&self) -> Value<'_> {
        let mut entries: Vec<_> = self.iter().map(|(key, value)| (key_text(key), value.value())).collect();
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        Value::Table(entries)
    }
}

impl<K: Diff + Ord, V: Diff> Diff for BTreeMap<K, V> {
    type Changes<'a>
        = MapChanges<'a, K, V, V::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        let (modified, removed, added) = compare(self, new, |key| self.get(key), |key| new.get(key));
        MapChanges::new(modified, removed, added)
    }

    fn hold(&mut self, running: &Self) {
        hold(self, |key| running.get(key));
    }

    fn value(&self) -> Value<'_> {
        Value::Table(self.iter().map(|(key, value)| (key_text(key), value.value())).collect())
    }
}

/// Makes the entries of a wanted map keep what those of the running one have.
pub(crate) fn hold<'m, K: 'm, V: Diff + 'm>(
    wanted: impl IntoIterator<Item = (&'m K, &'m mut V)>,
    running: impl Fn(&K) -> Option<&'m V>,
) {
    for (key, wanted) in wanted {
        if let Some(running) = running(key) {
            wanted.hold(running);
        }
    }
}

type Compared<'a, K, V> = (Vec<(&'a K, <V as Diff>::Changes<'a>)>, Vec<(&'a K, &'a V)>, Vec<(&'a K, &'a V)>);

/// Compares the entries of two maps: what is modified or gone in the order of `old`, what is new in that of `new`.
pub(crate) fn compare<'a, K: 'a, V: Diff + 'a>(
    old: impl IntoIterator<Item = (&'a K, &'a V)>,
    new: impl IntoIterator<Item = (&'a K, &'a V), IntoIter: ExactSizeIterator>,
    in_old: impl Fn(&K) -> Option<&'a V>,
    in_new: impl Fn(&K) -> Option<&'a V>,
) -> Compared<'a, K, V> {
    let (mut modified, mut removed) = (Vec::new(), Vec::new());
    let mut in_both = 0;
    for (key, value) in old {
        match in_new(key) {
            Some(now) => {
                in_both += 1;
                modified.extend(value.diff(now).map(|changes| (key, changes)));
            }
            None => removed.push((key, value)),
        }
    }
    let new = new.into_iter();
    // Where all that is new was met above, as in the usual case of equal maps, no key is looked up twice.
    let added = if new.len() == in_both {
        Vec::new()
    } else {
        new.filter(|(key, _)| in_old(key).is_none()).collect()
    };
    (modified, removed, added)
}

/// Sorts by the text of the key what comes out of a map without an order.
pub(crate) fn sorted<K: Diff, T>(mut entries: Vec<(&K, T)>) -> Vec<(&K, T)> {
    if entries.len() > 1 {
        entries.sort_by_cached_key(|(key, _)| key_text(*key).into_owned());
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::Describe;
    use crate::diff::Leaf;
    use crate::report::Report;

    fn named<T, const N: usize>(entries: [(&str, T); N]) -> HashMap<String, T> {
        entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn entries_come_and_go_and_change() {
        let old = named([("x", 1), ("kept", 2), ("b", 3), ("a", 4)]);
        let new = named([("kept", 2), ("x", 5), ("z", 6), ("y", 7)]);
        assert_eq!(
            old.diff(&new).map(|changes| changes.to_string()).as_deref(),
            Some("x: 1 -> 5\na: removed\nb: removed\ny: added\nz: added")
        );
        assert!(old.diff(&old.clone()).is_none());
    }

    #[test]
    fn keys_that_are_no_texts_are_shown_without_quotes() {
        let old = BTreeMap::from([(9_u8, [true]), (10, [true])]);
        let new = BTreeMap::from([(9_u8, [false]), (10, [false])]);
        assert_eq!(
            old.diff(&new).map(|changes| changes.to_string()).as_deref(),
            Some("9[0]: true -> false\n10[0]: true -> false")
        );
        assert_eq!(old.value().to_string(), "{9 = [true], 10 = [true]}");
    }

    /// Refuses 0.
    #[derive(Debug)]
    struct Strict(u8);

    impl Validate for Strict {
        fn normalize(&mut self, _: &mut Reporter<'_>) {
            self.0 = self.0.saturating_sub(1);
        }

        fn validate(&self, report: &mut Reporter<'_>) {
            if self.0 == 0 {
                report.violation("own", "zero");
            }
        }
    }

    #[test]
    fn violations_stand_at_their_keys_in_order() {
        let mut map = named([("b", Strict(1)), ("c", Strict(2)), ("a", Strict(1))]);
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        map.normalize(&mut reporter);
        map.validate(&mut reporter);
        assert_eq!(report.to_string(), "a  zero  [own]\nb  zero  [own]");
    }

    /// A name that must not be empty.
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Name(String);

    impl Describe for Name {}

    impl Validate for Name {
        fn validate(&self, report: &mut Reporter<'_>) {
            if self.0.is_empty() {
                report.violation("own", "empty");
            }
        }
    }

    impl Diff for Name {
        type Changes<'a> = Leaf<'a, Self>;

        fn diff<'a>(&'a self, new: &'a Self) -> Option<Leaf<'a, Self>> {
            (self != new).then_some(Leaf { old: self, new })
        }

        fn value(&self) -> Value<'_> {
            self.0.value()
        }
    }

    #[test]
    fn keys_are_validated_too() {
        let map = BTreeMap::from([(Name(String::new()), 1), (Name("a".to_owned()), 2)]);
        let mut report = Report::new();
        map.validate(&mut Reporter::new(&mut report));
        assert_eq!(report.to_string(), "\"\"  key: empty  [own]");
    }

    #[test]
    fn a_secret_map_does_not_tell_its_keys() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(Some(Segment::Name("tokens".into())), true, false);
        named([("hunter2", Strict(0))]).validate(&mut reporter);
        assert_eq!(report.violations().len(), 1);
        assert_eq!(report.violations()[0].path().to_string(), "tokens");
    }
}
