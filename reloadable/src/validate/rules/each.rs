//! `each(..)`: rules for every element.

use std::collections::VecDeque;

use super::through::through_pointers;
use crate::path::Segment;
use crate::report::Reporter;

/// Runs `check` on every element, at the element's place.
///
/// An element of a sequence stands at its position. A set keeps no order: an element of one stands at itself.
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
    report.enter(None, value.is_secret(), false);
    for (index, item) in value.items().enumerate() {
        let place = T::place(index, item);
        // Beneath a secret a position may be told, but not an element that is its own place.
        let hidden = report.is_secret() && !matches!(place, Segment::Index(_));
        report.enter(Some(place).filter(|_| !hidden), false, false);
        check(item, report);
        report.leave();
    }
    report.leave();
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

    /// Returns the elements.
    fn items(&self) -> impl Iterator<Item = &Self::Item>;

    /// Returns where an element stands within the value: by default at its position.
    fn place(index: usize, item: &Self::Item) -> Segment {
        let _ = item;
        Segment::Index(index)
    }

    /// Tells whether the elements are secrets by the type of what holds them; messages then do not quote them.
    fn is_secret(&self) -> bool {
        false
    }
}

impl<T: Each> Each for Option<T> {
    type Item = T::Item;

    fn items(&self) -> impl Iterator<Item = &T::Item> {
        self.iter().flat_map(T::items)
    }

    fn place(index: usize, item: &T::Item) -> Segment {
        T::place(index, item)
    }

    fn is_secret(&self) -> bool {
        self.as_ref().is_some_and(T::is_secret)
    }
}

through_pointers!(Each {
    type Item = T::Item;

    fn items(&self) -> impl Iterator<Item = &T::Item> {
        (**self).items()
    }

    fn place(index: usize, item: &T::Item) -> Segment {
        T::place(index, item)
    }

    fn is_secret(&self) -> bool {
        (**self).is_secret()
    }
});

macro_rules! collections {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<T, $($generics)*> Each for $ty {
            type Item = T;

            fn items(&self) -> impl Iterator<Item = &T> {
                self.iter()
            }
        }
    )*};
}

collections!([] Vec<T>, [] VecDeque<T>, [] [T], [const N: usize] [T; N]);

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
