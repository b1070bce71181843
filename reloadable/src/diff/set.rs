//! Sets, and sequences that stand for sets.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::Diff;
use super::map::key_text;
use super::option::{self, OptionChanges};
use super::touched;
use super::walk::{ChangeKind, Changes, Walker};
use crate::path::Segment;
use crate::report::Reporter;
use crate::validate::Validate;
use crate::value::Value;

/// The changes of a set: the elements that were added and removed.
///
/// They stand in the order of the set or sequence; those of a `HashSet`, which has none, are sorted by their text. An
/// element that names a file ([`#[reload(file)]`](crate::Reloadable)) whose content changed is both removed and added.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeSet;
///
/// use reloadable::Diff;
///
/// let (old, new) = (BTreeSet::from([80, 443]), BTreeSet::from([443, 8443]));
/// let changes = old.diff(&new).ok_or("equal")?;
/// assert_eq!((changes.removed, changes.added), (vec![&80], vec![&8443]));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SetChanges<'a, T> {
    /// The elements that only the older set had.
    pub removed: Vec<&'a T>,
    /// The elements that only the newer set has.
    pub added: Vec<&'a T>,
}

impl<'a, T> SetChanges<'a, T> {
    /// Puts together the changes of a set, `None` where there are none.
    pub(crate) fn new(removed: Vec<&'a T>, added: Vec<&'a T>) -> Option<Self> {
        (!removed.is_empty() || !added.is_empty()).then_some(Self { removed, added })
    }
}

impl<T: Diff> Changes for SetChanges<'_, T> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        for old in &self.removed {
            walker.entry_within(segment(*old), ChangeKind::Removed, Some(old.value()), None);
        }
        for new in &self.added {
            walker.entry_within(segment(*new), ChangeKind::Added, None, Some(new.value()));
        }
    }
}

super::walk::shown!(impl[T: Diff] Display, Serialize, Debug for SetChanges<'_, T>);

/// An element of a set has neither a name nor a position: it is its own identity.
pub(crate) fn segment<T: Diff>(element: &T) -> Segment {
    Segment::Identity(vec![key_text(element).into_owned()])
}

/// Validates the elements of a set, in the order in which they are given.
pub(crate) fn validate_elements<'s, T: Diff + 's>(
    elements: impl IntoIterator<Item = &'s T>,
    report: &mut Reporter<'_>,
) {
    for element in elements {
        // Beneath a secret the element is left out of the path, since it is the secret.
        let segment = (!report.is_secret()).then(|| segment(element));
        report.enter(segment, false, false);
        element.validate(report);
        report.leave();
    }
}

/// Cannot normalize: an element that changes would have to move.
impl<T: Diff + Eq + Hash, S> Validate for HashSet<T, S> {
    const TRIVIAL: bool = T::TRIVIAL;

    fn validate(&self, report: &mut Reporter<'_>) {
        if !T::TRIVIAL {
            validate_elements(sorted(self.iter().collect()), report);
        }
    }
}

/// Cannot normalize: an element that changes would have to move.
impl<T: Diff + Ord> Validate for BTreeSet<T> {
    const TRIVIAL: bool = T::TRIVIAL;

    fn validate(&self, report: &mut Reporter<'_>) {
        if !T::TRIVIAL {
            validate_elements(self, report);
        }
    }
}

impl<T: Diff + Eq + Hash, S: BuildHasher> Diff for HashSet<T, S> {
    type Changes<'a>
        = SetChanges<'a, T>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        let removed = self.iter().filter(|old| is_gone(*old, new.get(*old))).collect();
        let added = new.iter().filter(|new| is_come(self.get(*new), *new)).collect();
        SetChanges::new(sorted(removed), sorted(added))
    }

    fn value(&self) -> Value<'_> {
        Value::List(sorted(self.iter().collect()).into_iter().map(T::value).collect())
    }
}

impl<T: Diff + Ord> Diff for BTreeSet<T> {
    type Changes<'a>
        = SetChanges<'a, T>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        if !touched::is_any() {
            return SetChanges::new(self.difference(new).collect(), new.difference(self).collect());
        }
        let removed = self.iter().filter(|old| is_gone(*old, new.get(*old))).collect();
        let added = new.iter().filter(|new| is_come(self.get(*new), *new)).collect();
        SetChanges::new(removed, added)
    }

    fn value(&self) -> Value<'_> {
        Value::List(self.iter().map(T::value).collect())
    }
}

/// Tells whether an element is not in the newer set any more. One that names a file with another content is another one.
pub(crate) fn is_gone<T: Diff>(old: &T, new: Option<&T>) -> bool {
    new.is_none_or(|new| touched::is_any() && old.diff(new).is_some())
}

/// Tells whether an element was not in the older set.
pub(crate) fn is_come<T: Diff>(old: Option<&T>, new: &T) -> bool {
    old.is_none_or(|old| touched::is_any() && old.diff(new).is_some())
}

/// Sorts by their text what comes out of a set without an order.
pub(crate) fn sorted<T: Diff>(mut elements: Vec<&T>) -> Vec<&T> {
    if elements.len() > 1 {
        elements.sort_by_cached_key(|element| key_text(*element).into_owned());
    }
    elements
}

/// A sequence that can be compared as a set, as `#[reload(set)]` does: neither order nor repetition counts, an
/// element is there or is not.
///
/// Implemented for `Vec`, `VecDeque`, slices and arrays of elements with `Eq` and `Hash`, and for `Box`, `Arc` and
/// `Option` of those.
///
/// # Examples
///
/// ```
/// use reloadable::AsSet;
///
/// let (old, new) = (vec!["a.example".to_owned()], vec!["b.example".to_owned(), "a.example".to_owned()]);
/// let changes = old.set_diff(&new).ok_or("equal")?;
/// assert_eq!(changes.to_string(), r#"["b.example"]: added"#);
/// # Ok::<(), &str>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared as a set",
    label = "`set` is for sequences whose elements have `Eq` and `Hash`"
)]
pub trait AsSet: Diff {
    /// What changed between two values: it borrows from both.
    type Changes<'a>: Changes
    where
        Self: 'a;

    /// Compares `self`, the older value, with `new`.
    fn set_diff<'a>(&'a self, new: &'a Self) -> Option<<Self as AsSet>::Changes<'a>>;
}

/// An element of a sequence that stands for a set: every type with `Eq` and `Hash`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an element of a set",
    label = "`set` is for sequences whose elements have `Eq` and `Hash`"
)]
pub trait Member: Eq + Hash {}

#[diagnostic::do_not_recommend]
impl<T: Eq + Hash> Member for T {}

macro_rules! sequences {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<T: Diff + Member, $($generics)*> AsSet for $ty {
            type Changes<'a> = SetChanges<'a, T> where Self: 'a;

            fn set_diff<'a>(&'a self, new: &'a Self) -> Option<SetChanges<'a, T>> {
                if !touched::is_any() && self.iter().eq(new.iter()) {
                    return None;
                }
                let mut changes = (without(self.iter(), new.iter()), without(new.iter(), self.iter()));
                if touched::is_any() {
                    for (old, new) in pairs(self.iter(), new.iter()) {
                        if old.diff(new).is_some() {
                            changes.0.push(old);
                            changes.1.push(new);
                        }
                    }
                }
                SetChanges::new(changes.0, changes.1)
            }
        }
    )*};
}

sequences! { [] Vec<T>, [] VecDeque<T>, [] [T], [const N: usize] [T; N] }

/// Returns each element once that is not among `others`.
fn without<'a, T: Eq + Hash>(
    elements: impl Iterator<Item = &'a T>,
    others: impl Iterator<Item = &'a T>,
) -> Vec<&'a T> {
    let mut known: HashSet<_> = others.collect();
    elements.filter(|element| known.insert(element)).collect()
}

/// Returns the elements that are among the others, once each and with their counterpart.
fn pairs<'a, T: Eq + Hash>(
    elements: impl Iterator<Item = &'a T>,
    others: impl Iterator<Item = &'a T>,
) -> Vec<(&'a T, &'a T)> {
    let others: HashSet<_> = others.collect();
    let mut known = HashSet::new();
    elements
        .filter(|element| known.insert(*element))
        .filter_map(|element| Some((element, *others.get(element)?)))
        .collect()
}

macro_rules! pointers {
    ($($pointer:ident),*) => {$(
        impl<Q: AsSet + ?Sized> AsSet for $pointer<Q> {
            type Changes<'a>
                = <Q as AsSet>::Changes<'a>
            where
                Self: 'a;

            fn set_diff<'a>(&'a self, new: &'a Self) -> Option<<Q as AsSet>::Changes<'a>> {
                (**self).set_diff(new)
            }
        }
    )*};
}

pointers! { Box, Arc }

impl<Q: AsSet> AsSet for Option<Q> {
    type Changes<'a>
        = OptionChanges<'a, Q, <Q as AsSet>::Changes<'a>>
    where
        Self: 'a;

    fn set_diff<'a>(&'a self, new: &'a Self) -> Option<<Self as AsSet>::Changes<'a>> {
        option::compare(self.as_ref(), new.as_ref(), Q::set_diff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_and_go() {
        let (old, new) = (HashSet::from(['x', 'b', 'a']), HashSet::from(['x', 'd', 'c']));
        assert_eq!(
            old.diff(&new).map(|changes| changes.to_string()).as_deref(),
            Some("[\"a\"]: removed\n[\"b\"]: removed\n[\"c\"]: added\n[\"d\"]: added")
        );
        assert!(old.diff(&old.clone()).is_none());
        assert_eq!(old.value().to_string(), r#"["a", "b", "x"]"#);
    }

    #[test]
    fn a_sequence_as_a_set_knows_no_order_and_no_repetition() {
        let changes = |old: &[u8], new: &[u8]| old.set_diff(new).map(|changes| changes.to_string());
        assert_eq!(changes(&[1, 2], &[2, 1, 1]), None);
        assert_eq!(changes(&[1, 1, 2], &[2]).as_deref(), Some("[\"1\"]: removed"));
        assert_eq!(changes(&[2], &[3, 1, 3, 2]).as_deref(), Some("[\"3\"]: added\n[\"1\"]: added"));
    }

    #[test]
    fn an_optional_set_may_come_as_a_whole() {
        type Ports = Option<Box<[u8]>>;
        let shown = |old: Ports, new: Ports| old.set_diff(&new).map(|changes| changes.to_string());
        assert_eq!(shown(None, Some([1].into())).as_deref(), Some("(root): set to [1]"));
        assert_eq!(shown(Some([1].into()), Some([].into())).as_deref(), Some("[\"1\"]: removed"));
    }
}
