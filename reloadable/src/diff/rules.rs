//! The rules for the elements of sets and the entries of maps. They stand here, since an element of a set and a key
//! are named as the diff shows them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Diff;
use super::map::{self, key_text};
use super::set;
use crate::path::Segment;
use crate::validate::rules::{Each, Entries};

impl<K: Diff, V, S> Entries for HashMap<K, V, S> {
    type Key = K;
    type Value = V;

    fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        map::sorted(self.iter().collect()).into_iter()
    }

    fn name(key: &K) -> Cow<'_, str> {
        key_text(key)
    }
}

impl<K: Diff, V> Entries for BTreeMap<K, V> {
    type Key = K;
    type Value = V;

    fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.iter()
    }

    fn name(key: &K) -> Cow<'_, str> {
        key_text(key)
    }
}

impl<T: Diff, S> Each for HashSet<T, S> {
    type Item = T;

    fn items(&self) -> impl Iterator<Item = &T> {
        set::sorted(self.iter().collect()).into_iter()
    }

    fn place(_: usize, item: &T) -> Segment {
        set::segment(item)
    }
}

impl<T: Diff> Each for BTreeSet<T> {
    type Item = T;

    fn items(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }

    fn place(_: usize, item: &T) -> Segment {
        set::segment(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Report, Reporter};
    use crate::validate::rules::{each, keys, length, range, values};

    fn checked(secret: bool, check: impl FnOnce(&mut Reporter<'_>)) -> String {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(Some(Segment::Name("it".into())), secret, false);
        check(&mut reporter);
        report.to_string()
    }

    #[test]
    fn an_entry_is_named_by_its_key() {
        let map = HashMap::from([("b".to_owned(), 0_u8), ("a".to_owned(), 0), ("ok".to_owned(), 1)]);
        let tree = Some(Box::new(map.clone().into_iter().collect::<BTreeMap<_, _>>()));
        let about_keys = "it.a  key: the length is 1, not in 2..  [length]\n\
                          it.b  key: the length is 1, not in 2..  [length]";
        let about_values = "it.a  0 is not in 1..  [range]\nit.b  0 is not in 1..  [range]";
        assert_eq!(
            checked(false, |report| keys(&map, report, |key, report| length(key, &(2..), report))),
            about_keys
        );
        assert_eq!(
            checked(false, |report| keys(&tree, report, |key, report| length(key, &(2..), report))),
            about_keys
        );
        assert_eq!(
            checked(false, |report| values(&map, report, |value, report| range(value, &(1..), report))),
            about_values
        );
        assert_eq!(
            checked(false, |report| values(&tree, report, |value, report| range(value, &(1..), report))),
            about_values
        );
    }

    #[test]
    fn a_key_that_is_no_text_is_named_as_printed() {
        let map = BTreeMap::from([(80_u16, "")]);
        let report =
            checked(false, |report| values(&map, report, |value, report| length(*value, &(1..), report)));
        assert_eq!(report, "it.80  the length is 0, not in 1..  [length]");
    }

    #[test]
    fn an_element_of_a_set_is_its_own_place() {
        let bad = "it[\"3\"]  3 is not in ..3  [range]\nit[\"4\"]  4 is not in ..3  [range]";
        let (hashed, sorted) = (HashSet::from([4, 2, 3]), BTreeSet::from([4, 2, 3]));
        assert_eq!(
            checked(false, |report| each(&hashed, report, |item, report| range(item, &(..3), report))),
            bad
        );
        assert_eq!(
            checked(false, |report| each(&sorted, report, |item, report| range(item, &(..3), report))),
            bad
        );
    }

    #[test]
    fn beneath_a_secret_neither_keys_nor_elements_are_named() {
        let map = HashMap::from([("hunter2".to_owned(), "hunter3".to_owned())]);
        let set = HashSet::from(["hunter2".to_owned()]);
        let report = checked(true, |report| {
            keys(&map, report, |key, report| length(key, &(9..), report));
            values(&map, report, |value, report| length(value, &(9..), report));
            each(&set, report, |item, report| length(item, &(9..), report));
        });
        assert_eq!(
            report,
            "it  key: the value has a length that is not in 9..  [length]\n\
             it  the value has a length that is not in 9..  [length]\n\
             it  the value has a length that is not in 9..  [length]"
        );
    }
}
