//! Sequences compared position by position.

use std::collections::VecDeque;

use super::Diff;
use super::walk::{ChangeKind, Changes, Walker};
use crate::path::Segment;
use crate::value::Value;

/// The changes of a sequence, position by position: what the older and the newer one both reach was modified or not,
/// what lies beyond was added or removed.
///
/// An element that is inserted in front shifts all others, and each of them counts as modified. Where elements have
/// a name, `#[reload(key = "name")]` compares by it ([`Keyed`](super::Keyed)); where only presence counts,
/// `#[reload(set)]` does ([`AsSet`](super::AsSet)).
///
/// # Examples
///
/// ```
/// use reloadable::Diff;
///
/// let (old, new) = (vec![80_u16, 443], vec![80, 8443, 9000]);
/// let changes = old.diff(&new).ok_or("equal")?;
/// assert_eq!(*changes.modified[0].1.new, 8443);
/// assert_eq!(changes.added, [(2, &9000)]);
/// assert_eq!(changes.to_string(), "[1]: 443 -> 8443\n[2]: added");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SequenceChanges<'a, T, C> {
    /// The changes at the positions that both sequences have, with the position.
    pub modified: Vec<(usize, C)>,
    /// What the newer sequence has beyond the end of the older one, with the position.
    pub added: Vec<(usize, &'a T)>,
    /// What the older sequence had beyond the end of the newer one, with the position.
    pub removed: Vec<(usize, &'a T)>,
}

impl<T: Diff, C: Changes> Changes for SequenceChanges<'_, T, C> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        for (index, changes) in &self.modified {
            walker.within(Segment::Index(*index), changes);
        }
        // From the end, so that no position shifts for whoever replays the entries one by one.
        for (index, old) in self.removed.iter().rev() {
            let positions = (Some(*index), None);
            walker.element_within(
                Segment::Index(*index),
                ChangeKind::Removed,
                positions,
                Some(old.value()),
                None,
            );
        }
        for (index, new) in &self.added {
            let positions = (None, Some(*index));
            walker.element_within(
                Segment::Index(*index),
                ChangeKind::Added,
                positions,
                None,
                Some(new.value()),
            );
        }
    }
}

super::walk::shown!(impl[T: Diff, C: Changes] Display, Serialize, Debug for SequenceChanges<'_, T, C>);

macro_rules! sequences {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<T: Diff, $($generics)*> Diff for $ty {
            type Changes<'a> = SequenceChanges<'a, T, T::Changes<'a>> where Self: 'a;

            fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
                compare(self.iter(), new.iter())
            }

            fn hold(&mut self, running: &Self) {
                for (wanted, running) in self.iter_mut().zip(running.iter()) {
                    wanted.hold(running);
                }
            }

            fn value(&self) -> Value<'_> {
                Value::List(self.iter().map(T::value).collect())
            }
        }
    )*};
}

sequences! { [] Vec<T>, [] VecDeque<T>, [] [T], [const N: usize] [T; N] }

fn compare<'a, T: Diff>(
    mut old: impl Iterator<Item = &'a T>,
    mut new: impl Iterator<Item = &'a T>,
) -> Option<SequenceChanges<'a, T, T::Changes<'a>>> {
    let mut changes = SequenceChanges { modified: Vec::new(), added: Vec::new(), removed: Vec::new() };
    for index in 0.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (None, Some(new)) => changes.added.push((index, new)),
            (Some(old), None) => changes.removed.push((index, old)),
            (Some(old), Some(new)) => changes.modified.extend(old.diff(new).map(|changes| (index, changes))),
        }
    }
    let SequenceChanges { modified, added, removed } = &changes;
    let equal = modified.is_empty() && added.is_empty() && removed.is_empty();
    (!equal).then_some(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_change_by_position() {
        let changes = |old: &[u8], new: &[u8]| old.diff(new).map(|changes| changes.to_string());
        assert_eq!(changes(&[1, 2], &[1, 2]), None);
        assert_eq!(changes(&[1, 2], &[2, 2, 3]).as_deref(), Some("[0]: 1 -> 2\n[2]: added"));
        assert_eq!(changes(&[1, 2, 3], &[1]).as_deref(), Some("[2]: removed\n[1]: removed"));
    }

    #[test]
    fn entries_carry_positions_and_whole_values() {
        let (old, new) = (VecDeque::from([vec![1], vec![2]]), VecDeque::from([vec![1]]));
        let removed = old.diff(&new);
        let entries = removed.as_ref().map(Changes::entries).unwrap_or_default();
        assert_eq!((entries[0].from, entries[0].to), (Some(1), None));
        assert_eq!(entries[0].old.as_ref().map(ToString::to_string).as_deref(), Some("[2]"));
        let added = new.diff(&old);
        let entries = added.as_ref().map(Changes::entries).unwrap_or_default();
        assert_eq!((entries[0].from, entries[0].to), (None, Some(1)));
        assert_eq!(entries[0].new.as_ref().map(ToString::to_string).as_deref(), Some("[2]"));
    }
}
