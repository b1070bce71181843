//! `each(..)`: rules for every element.

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::through::through_pointers;
use crate::report::Reporter;

/// Runs `check` on every element, at the element's place.
///
/// A set keeps no order, so an element of one has no place of its own in the file: what is wrong with it is reported
/// at the set.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, rules};
///
/// let mut report = Report::new();
/// rules::each(&vec![80, 0, 443], &mut Reporter::new(&mut report), |port, report| {
///     rules::range(port, &(1..), report);
/// });
/// assert_eq!(report.to_string(), "[1]  0 is not in 1..  [range]");
/// ```
pub fn each<'r, T: Each + ?Sized>(
    value: &T,
    report: &mut Reporter<'r>,
    mut check: impl FnMut(&T::Item, &mut Reporter<'r>),
) {
    for (index, item) in value.items().enumerate() {
        if T::IN_ORDER {
            report.at_index(index, |report| check(item, report));
        } else {
            check(item, report);
        }
    }
}

/// A value that has elements.
///
/// # Examples
///
/// ```
/// use reloadable::rules::Each;
///
/// struct Hosts(Vec<String>);
///
/// impl Each for Hosts {
///     type Item = String;
///
///     fn items(&self) -> impl Iterator<Item = &String> {
///         self.0.iter()
///     }
/// }
///
/// assert_eq!(Some(Hosts(vec!["a".into()])).items().count(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "the rules for elements do not work on `{Self}`",
    label = "not a sequence, a set or an option of one",
    note = "for a map use `keys(..)` and `values(..)`; a single value takes its rules without `each`",
    note = "a type of your own joins by implementing `reloadable::rules::Each`"
)]
pub trait Each {
    /// The type of the elements.
    type Item;

    /// Whether the elements come as they stand in the file, so that they can be told apart by their position.
    const IN_ORDER: bool = true;

    /// Returns the elements.
    fn items(&self) -> impl Iterator<Item = &Self::Item>;
}

impl<T: Each> Each for Option<T> {
    type Item = T::Item;

    const IN_ORDER: bool = T::IN_ORDER;

    fn items(&self) -> impl Iterator<Item = &T::Item> {
        self.iter().flat_map(T::items)
    }
}

through_pointers!(Each {
    type Item = T::Item;

    const IN_ORDER: bool = T::IN_ORDER;

    fn items(&self) -> impl Iterator<Item = &T::Item> {
        (**self).items()
    }
});

macro_rules! collections {
    ($in_order:literal: $([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<$($generics)*> Each for $ty {
            type Item = T;

            const IN_ORDER: bool = $in_order;

            fn items(&self) -> impl Iterator<Item = &T> {
                self.iter()
            }
        }
    )*};
}

collections!(true: [T] Vec<T>, [T] VecDeque<T>, [T] [T], [T, const N: usize] [T; N]);
collections!(false: [T, S] HashSet<T, S>, [T] BTreeSet<T>);

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::*;
    use crate::report::Report;
    use crate::validate::rules::range;

    fn check<T: Each<Item = u8> + ?Sized>(value: &T) -> String {
        let mut report = Report::new();
        each(value, &mut Reporter::new(&mut report), |item, report| range(item, &(1..), report));
        report.to_string()
    }

    #[test]
    fn an_element_is_named_by_its_position() {
        assert_eq!(check(&vec![1, 2]), "");
        let bad = "[1]  0 is not in 1..  [range]";
        assert_eq!(check(&vec![1, 0]), bad);
        assert_eq!(check(&VecDeque::from([1, 0])), bad);
        assert_eq!(check(&[1, 0]), bad);
        assert_eq!(check([1, 0].as_slice()), bad);
    }

    #[test]
    fn an_element_of_a_set_has_no_position() {
        assert_eq!(check(&BTreeSet::from([0, 1])), "0 is not in 1..  [range]");
        assert_eq!(check(&Some(HashSet::from([0]))), "0 is not in 1..  [range]");
    }

    #[test]
    fn options_and_pointers_are_looked_through() {
        assert_eq!(check(&None::<Vec<u8>>), "");
        assert_eq!(check(&Some(Arc::<[u8]>::from([0]))), "[0]  0 is not in 1..  [range]");
        assert_eq!(check(&Box::<[u8]>::from([0])), "[0]  0 is not in 1..  [range]");
        assert_eq!(check(&Cow::Borrowed(&[0_u8][..])), "[0]  0 is not in 1..  [range]");
    }

    #[test]
    fn each_within_each_names_both_positions() {
        let mut report = Report::new();
        each(&[vec![], vec![1, 0_u8]], &mut Reporter::new(&mut report), |row, report| {
            each(row, report, |item, report| range(item, &(1..), report));
        });
        assert_eq!(report.to_string(), "[1][1]  0 is not in 1..  [range]");
    }
}
