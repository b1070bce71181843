//! `length(16..)` and `non_empty`: how many characters or elements there are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};

use super::bounds::Shown;
use super::through::through_pointers;
use crate::report::Reporter;

/// Checks how long a value is: a text in characters, a collection in elements; the code is `length`.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, rules};
///
/// let mut report = Report::new();
/// rules::length("schön", &(6..), &mut Reporter::new(&mut report));
/// assert_eq!(report.to_string(), "the length is 5, not in 6..  [length]");
/// ```
pub fn length<T, B>(value: &T, bounds: &B, report: &mut Reporter<'_>)
where
    T: Length + ?Sized,
    B: RangeBounds<usize>,
{
    let Some(length) = value.length().filter(|length| !bounds.contains(length)) else { return };
    let bounds = Shown { bounds, write: <usize as fmt::Debug>::fmt };
    report.enter(None, value.is_secret(), false);
    if report.is_secret() {
        // How long a secret is helps who guesses it.
        report.value_violation("length", "", format_args!("has a length that is not in {bounds}"));
    } else {
        report.violation("length", format!("the length is {length}, not in {bounds}"));
    }
    report.leave();
}

/// Checks that there is at least one character or element; the code is `non_empty`.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, rules};
///
/// let mut report = Report::new();
/// rules::non_empty(&Vec::<u16>::new(), &mut Reporter::new(&mut report));
/// assert_eq!(report.to_string(), "the value is empty  [non_empty]");
/// ```
pub fn non_empty<T: Length + ?Sized>(value: &T, report: &mut Reporter<'_>) {
    if value.length() == Some(0) {
        report.value_violation("non_empty", "the value", "is empty");
    }
}

/// A value that has a length.
///
/// # Examples
///
/// ```
/// use reloadable::rules::Length;
///
/// struct Hosts(Vec<String>);
///
/// impl Length for Hosts {
///     fn length(&self) -> Option<usize> {
///         Some(self.0.len())
///     }
/// }
///
/// assert_eq!(Some(Hosts(Vec::new())).length(), Some(0));
/// ```
#[diagnostic::on_unimplemented(
    message = "the rules `length` and `non_empty` do not work on `{Self}`",
    label = "not a text, a path, a collection or an option of one",
    note = "for the size of a number use `range(..)`; for each element `each(length(..))`",
    note = "a type of your own joins by implementing `reloadable::rules::Length`"
)]
pub trait Length {
    /// Returns how many characters or elements there are; `None` where there is nothing to count, which passes.
    fn length(&self) -> Option<usize>;

    /// Tells whether the value is a secret by its type; messages then do not say how long it is.
    fn is_secret(&self) -> bool {
        false
    }
}

impl<T: Length> Length for Option<T> {
    fn length(&self) -> Option<usize> {
        self.as_ref().and_then(T::length)
    }

    fn is_secret(&self) -> bool {
        self.as_ref().is_some_and(T::is_secret)
    }
}

through_pointers!(Length {
    fn length(&self) -> Option<usize> {
        (**self).length()
    }

    fn is_secret(&self) -> bool {
        (**self).is_secret()
    }
});

impl Length for str {
    fn length(&self) -> Option<usize> {
        Some(self.chars().count())
    }
}

impl Length for String {
    fn length(&self) -> Option<usize> {
        self.as_str().length()
    }
}

impl Length for OsStr {
    fn length(&self) -> Option<usize> {
        self.to_string_lossy().length()
    }
}

impl Length for OsString {
    fn length(&self) -> Option<usize> {
        self.as_os_str().length()
    }
}

impl Length for Path {
    fn length(&self) -> Option<usize> {
        self.as_os_str().length()
    }
}

impl Length for PathBuf {
    fn length(&self) -> Option<usize> {
        self.as_os_str().length()
    }
}

macro_rules! collections {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<$($generics)*> Length for $ty {
            fn length(&self) -> Option<usize> {
                Some(self.len())
            }
        }
    )*};
}

collections! {
    [T] Vec<T>, [T] VecDeque<T>, [T] [T], [T, const N: usize] [T; N],
    [T, S] HashSet<T, S>, [T] BTreeSet<T>, [K, V, S] HashMap<K, V, S>, [K, V] BTreeMap<K, V>,
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::*;
    use crate::report::Report;

    fn check<T: Length + ?Sized>(value: &T, bounds: impl RangeBounds<usize>) -> String {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        length(value, &bounds, &mut reporter);
        non_empty(value, &mut reporter);
        report.to_string()
    }

    #[test]
    fn texts_count_characters() {
        assert_eq!(check("äöü", ..=3), "");
        assert_eq!(check(&String::from("äöü"), 4..), "the length is 3, not in 4..  [length]");
        assert_eq!(check(&PathBuf::from("/é"), 3..=9), "the length is 2, not in 3..=9  [length]");
        assert_eq!(check(&OsString::new(), ..), "the value is empty  [non_empty]");
    }

    #[test]
    fn collections_count_elements() {
        assert_eq!(check(&vec![1, 2], 1..=2), "");
        assert_eq!(check(&[1, 2, 3], ..3), "the length is 3, not in ..3  [length]");
        assert_eq!(check(&VecDeque::from([1]), 2..), "the length is 1, not in 2..  [length]");
        assert_eq!(check(&HashMap::from([(1, 2)]), 2..), "the length is 1, not in 2..  [length]");
        assert_eq!(check(&BTreeMap::from([(1, 2)]), 2..), "the length is 1, not in 2..  [length]");
        assert_eq!(check(&HashSet::from([1]), 2..), "the length is 1, not in 2..  [length]");
        assert_eq!(check(&BTreeSet::<u8>::new(), ..), "the value is empty  [non_empty]");
    }

    #[test]
    fn options_and_pointers_are_looked_through() {
        assert_eq!(check(&None::<String>, 1..), "");
        assert_eq!(check(&Some(Arc::<str>::from("")), ..), "the value is empty  [non_empty]");
        assert_eq!(check(&Box::<[u8]>::from([1]), 2..), "the length is 1, not in 2..  [length]");
        assert_eq!(check(&Cow::Borrowed("a"), 2..), "the length is 1, not in 2..  [length]");
    }

    #[test]
    fn the_length_of_a_secret_is_not_told() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(None, true, false);
        length("hunter2", &(16..), &mut reporter);
        assert_eq!(report.to_string(), "the value has a length that is not in 16..  [length]");
    }
}
