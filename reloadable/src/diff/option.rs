//! Values that may be absent.

use super::Diff;
use super::walk::{ChangeKind, Changes, Walker};
use crate::value::Value;

/// The change of an option.
///
/// # Examples
///
/// ```
/// use reloadable::{Diff, OptionChanges};
///
/// let (old, new) = (None, Some(30));
/// match old.diff(&new) {
///     Some(OptionChanges::Set(seconds)) => assert_eq!(*seconds, 30),
///     other => unreachable!("{other:?}"),
/// }
/// ```
#[derive(Clone, Copy)]
pub enum OptionChanges<'a, T: ?Sized, C> {
    /// It was empty; this is the value now.
    Set(&'a T),
    /// It is empty; this was the value before.
    Cleared(&'a T),
    /// It was and is not empty, and the value within changed.
    Changed(C),
}

impl<T: Diff + ?Sized, C: Changes> Changes for OptionChanges<'_, T, C> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        match self {
            Self::Set(new) => walker.entry(ChangeKind::Set, None, Some(new.value())),
            Self::Cleared(old) => walker.entry(ChangeKind::Cleared, Some(old.value()), None),
            Self::Changed(changes) => changes.walk(walker),
        }
    }
}

super::walk::shown!(impl[T: Diff + ?Sized, C: Changes] Display, Serialize, Debug for OptionChanges<'_, T, C>);

impl<T: Diff> Diff for Option<T> {
    type Changes<'a>
        = OptionChanges<'a, T, T::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        compare(self.as_ref(), new.as_ref(), T::diff)
    }

    fn hold(&mut self, running: &Self) {
        if let (Some(wanted), Some(running)) = (self, running) {
            wanted.hold(running);
        }
    }

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::value)
    }

    fn identity(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::identity)
    }
}

/// Compares two options, and what is within both by `compare`.
pub(super) fn compare<'a, T: ?Sized, C>(
    old: Option<&'a T>,
    new: Option<&'a T>,
    compare: impl FnOnce(&'a T, &'a T) -> Option<C>,
) -> Option<OptionChanges<'a, T, C>> {
    match (old, new) {
        (None, None) => None,
        (None, Some(new)) => Some(OptionChanges::Set(new)),
        (Some(old), None) => Some(OptionChanges::Cleared(old)),
        (Some(old), Some(new)) => compare(old, new).map(OptionChanges::Changed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_set_cleared_or_changed() {
        for (old, new, shown) in [
            (None, Some(1), Some("(root): set to 1")),
            (Some(1), None, Some("(root): cleared, was 1")),
            (Some(1), Some(2), Some("(root): 1 -> 2")),
            (Some(1), Some(1), None),
            (None, None, None),
        ] {
            let changes = old.diff(&new).map(|changes| changes.to_string());
            assert_eq!(changes.as_deref(), shown);
        }
    }
}
