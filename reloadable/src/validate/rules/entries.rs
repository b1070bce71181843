//! `keys(..)` and `values(..)`: rules for every entry of a map.

use std::borrow::Cow;

use super::through::through_pointers;
use crate::path::Segment;
use crate::report::Reporter;

/// Runs `check` on every key of a map, at the entry's place. Messages say that they are about the key.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
///
/// use reloadable::{Report, Reporter, rules};
///
/// let pools = BTreeMap::from([("a".to_owned(), 1), ("backup".to_owned(), 2)]);
/// let mut report = Report::new();
/// rules::keys(&pools, &mut Reporter::new(&mut report), |key, report| rules::length(key, &(2..), report));
/// assert_eq!(report.to_string(), "a  key: the length is 1, not in 2..  [length]");
/// ```
pub fn keys<'r, T: Entries + ?Sized>(
    value: &T,
    report: &mut Reporter<'r>,
    mut check: impl FnMut(&T::Key, &mut Reporter<'r>),
) {
    report.enter(None, value.is_secret(), false);
    for (key, _) in value.entries() {
        at::<T>(key, report, |report| report.on_key(|report| check(key, report)));
    }
    report.leave();
}

/// Runs `check` on every value of a map, at the entry's place.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
///
/// use reloadable::{Report, Reporter, rules};
///
/// let pools = BTreeMap::from([("main".to_owned(), 0)]);
/// let mut report = Report::new();
/// rules::values(&pools, &mut Reporter::new(&mut report), |size, report| rules::range(size, &(1..), report));
/// assert_eq!(report.to_string(), "main  0 is not in 1..  [range]");
/// ```
pub fn values<'r, T: Entries + ?Sized>(
    value: &T,
    report: &mut Reporter<'r>,
    mut check: impl FnMut(&T::Value, &mut Reporter<'r>),
) {
    report.enter(None, value.is_secret(), false);
    for (key, value) in value.entries() {
        at::<T>(key, report, |report| check(value, report));
    }
    report.leave();
}

/// Beneath a secret the key is left out, since it belongs to what must not be shown.
fn at<'r, T: Entries + ?Sized>(
    key: &T::Key,
    report: &mut Reporter<'r>,
    check: impl FnOnce(&mut Reporter<'r>),
) {
    let name = (!report.is_secret()).then(|| Segment::Name(T::name(key).into_owned().into()));
    report.enter(name, false, false);
    check(report);
    report.leave();
}

/// A value that has entries: keys, each with a value.
///
/// # Examples
///
/// ```
/// use std::borrow::Cow;
/// use std::collections::BTreeMap;
///
/// use reloadable::rules::Entries;
///
/// struct Pools(BTreeMap<String, u32>);
///
/// impl Entries for Pools {
///     type Key = String;
///     type Value = u32;
///
///     fn entries(&self) -> impl Iterator<Item = (&String, &u32)> {
///         self.0.iter()
///     }
///
///     fn name(key: &String) -> Cow<'_, str> {
///         Cow::Borrowed(key)
///     }
/// }
///
/// assert_eq!(Some(Pools(BTreeMap::new())).entries().count(), 0);
/// ```
#[diagnostic::on_unimplemented(
    message = "the rules `keys` and `values` do not work on `{Self}`",
    label = "not a map or an option of one",
    note = "for a sequence or a set use `each(..)`",
    note = "a type of your own joins by implementing `reloadable::rules::Entries`"
)]
pub trait Entries {
    /// The type of the keys.
    type Key;
    /// The type of the values.
    type Value;

    /// Returns the entries.
    fn entries(&self) -> impl Iterator<Item = (&Self::Key, &Self::Value)>;

    /// Returns a key as it is spelled in the file.
    fn name(key: &Self::Key) -> Cow<'_, str>;

    /// Tells whether the entries are secrets by the type of what holds them; messages then do not quote them.
    fn is_secret(&self) -> bool {
        false
    }
}

impl<T: Entries> Entries for Option<T> {
    type Key = T::Key;
    type Value = T::Value;

    fn entries(&self) -> impl Iterator<Item = (&T::Key, &T::Value)> {
        self.iter().flat_map(T::entries)
    }

    fn name(key: &T::Key) -> Cow<'_, str> {
        T::name(key)
    }

    fn is_secret(&self) -> bool {
        self.as_ref().is_some_and(T::is_secret)
    }
}

through_pointers!(Entries {
    type Key = T::Key;
    type Value = T::Value;

    fn entries(&self) -> impl Iterator<Item = (&T::Key, &T::Value)> {
        (**self).entries()
    }

    fn name(key: &T::Key) -> Cow<'_, str> {
        T::name(key)
    }

    fn is_secret(&self) -> bool {
        (**self).is_secret()
    }
});
