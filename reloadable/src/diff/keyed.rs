//! Sequences whose elements have an identity.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::Diff;
use super::option::{self, OptionChanges};
use super::walk::{ChangeKind, Changes, Walker};
use crate::path::Segment;
use crate::value::Value;

/// Says by what an element of a sequence is known: one value, or a [`Value::List`] of the parts of a composite key.
/// [`Value::Null`] is no key.
///
/// A list with a [`Value::Secret`] among its parts is a key that is not shown: elements are matched by the other parts,
/// and named by their positions.
pub type KeyFn<T> = for<'x> fn(&'x T) -> Value<'x>;

/// Whether the order of a keyed sequence is part of what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// The order means nothing: a sequence that was only sorted anew has not changed. This is the default, since most
    /// lists of named things (routes, pools, users) are looked up by name.
    Ignored,
    /// The order means something, as it does for rules of which the first that fits wins: elements that changed
    /// places are reported as moved. This is what `#[reload(ordered)]` is for.
    Kept,
}

/// A sequence that can be compared by the keys of its elements, as `#[reload(key = "name")]` does: an element that is
/// inserted in front of the others was added, and nothing else changed.
///
/// Elements are matched by key. Those without a key ([`Value::Null`]) are matched by their order among themselves, and
/// so are those that share a key, which validation refuses; nothing is lost. The key must belong to what is compared:
/// sequences that are equal element by element are equal, and no key is looked at.
///
/// Implemented for `Vec`, `VecDeque`, slices and arrays, and for `Box`, `Arc` and `Option` of those.
///
/// # Examples
///
/// ```
/// use reloadable::{Keyed, Order, Value};
///
/// let old = vec![("api".to_owned(), 10)];
/// let new = vec![("web".to_owned(), 5), ("api".to_owned(), 20)];
/// let changes = old.keyed_diff(&new, |route| Value::Text((&*route.0).into()), Order::Ignored).ok_or("equal")?;
/// assert_eq!(changes.added[0].value, &new[0]);
/// assert_eq!(changes.to_string(), "[\"api\"][1]: 10 -> 20\n[\"web\"]: added");
/// # Ok::<(), &str>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no elements that could be compared by key",
    label = "`key` is for sequences: `Vec`, `VecDeque`, slices and arrays, also within `Box`, `Arc` and `Option`"
)]
pub trait Keyed: Diff {
    /// What the sequence holds.
    type Item: Diff;
    /// What changed between two values: it borrows from both.
    type Changes<'a>: Changes
    where
        Self: 'a;

    /// Compares `self`, the older value, with `new`.
    fn keyed_diff<'a>(
        &'a self,
        new: &'a Self,
        key: KeyFn<Self::Item>,
        order: Order,
    ) -> Option<<Self as Keyed>::Changes<'a>>;

    /// Makes the elements of `self`, the wanted value, keep what cannot change while the program runs, as
    /// [`Diff::hold`] does, where each element keeps what the one with its key has. The provided body keeps nothing.
    fn keyed_hold(&mut self, running: &Self, key: KeyFn<Self::Item>) {
        let _ = (running, key);
    }
}

/// The changes of a sequence that is compared by key.
///
/// Each change has the path segment by which its element is shown: its key, or the position (the older one, except of
/// what was added) where it has none. An element that shares its key with others is shown with its number among them,
/// from the second on: `routes["api", "#2"]`.
///
/// An element that changed both its content and its place is both in `modified` and in `moved`.
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyedChanges<'a, T, C> {
    /// The elements whose content changed, in the order of the newer sequence.
    pub modified: Vec<KeyedModified<'a, T, C>>,
    /// The elements that only the older sequence had, in its order.
    pub removed: Vec<KeyedElement<'a, T>>,
    /// The fewest elements that must be taken out and put back elsewhere to turn the older order into the newer one,
    /// in the order of the newer sequence. Empty where the order is ignored.
    pub moved: Vec<KeyedMoved<'a, T>>,
    /// The elements that only the newer sequence has, in its order.
    pub added: Vec<KeyedElement<'a, T>>,
}

/// An element that was added or removed.
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyedElement<'a, T> {
    /// How it is shown in paths.
    pub key: Segment,
    /// The position in the sequence that has it.
    pub index: usize,
    /// The element.
    pub value: &'a T,
}

/// An element whose content changed.
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyedModified<'a, T, C> {
    /// How it is shown in paths.
    pub key: Segment,
    /// The position before.
    pub from: usize,
    /// The position now.
    pub to: usize,
    /// The older element.
    pub old: &'a T,
    /// The newer element.
    pub new: &'a T,
    /// What changed in it.
    pub changes: C,
}

/// An element that changed places.
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyedMoved<'a, T> {
    /// How it is shown in paths.
    pub key: Segment,
    /// The position before.
    pub from: usize,
    /// The position now.
    pub to: usize,
    /// The element as it is now.
    pub value: &'a T,
}

impl<T: Diff, C: Changes> Changes for KeyedChanges<'_, T, C> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        for KeyedModified { key, changes, .. } in &self.modified {
            walker.within(key.clone(), changes);
        }
        // From the end, so that no position shifts for whoever replays the entries one by one.
        for KeyedElement { key, index, value } in self.removed.iter().rev() {
            let positions = (Some(*index), None);
            walker.element_within(key.clone(), ChangeKind::Removed, positions, Some(value.value()), None);
        }
        for KeyedMoved { key, from, to, value } in &self.moved {
            let positions = (Some(*from), Some(*to));
            walker.element_within(key.clone(), ChangeKind::Moved, positions, None, Some(value.value()));
        }
        for KeyedElement { key, index, value } in &self.added {
            let positions = (None, Some(*index));
            walker.element_within(key.clone(), ChangeKind::Added, positions, None, Some(value.value()));
        }
    }
}

super::walk::shown!(impl[T: Diff, C: Changes] Display, Serialize, Debug for KeyedChanges<'_, T, C>);

/// Shows the element as [`Diff::value`] does, without its secrets.
impl<T: Diff> fmt::Debug for KeyedElement<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, index, value } = self;
        f.debug_struct("KeyedElement")
            .field("key", key)
            .field("index", index)
            .field("value", &format_args!("{}", value.value()))
            .finish()
    }
}

/// Shows the elements as [`Diff::value`] does, without their secrets.
impl<T: Diff, C: fmt::Debug> fmt::Debug for KeyedModified<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, from, to, old, new, changes } = self;
        f.debug_struct("KeyedModified")
            .field("key", key)
            .field("from", from)
            .field("to", to)
            .field("old", &format_args!("{}", old.value()))
            .field("new", &format_args!("{}", new.value()))
            .field("changes", changes)
            .finish()
    }
}

/// Shows the element as [`Diff::value`] does, without its secrets.
impl<T: Diff> fmt::Debug for KeyedMoved<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, from, to, value } = self;
        f.debug_struct("KeyedMoved")
            .field("key", key)
            .field("from", from)
            .field("to", to)
            .field("value", &format_args!("{}", value.value()))
            .finish()
    }
}

macro_rules! sequences {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<T: Diff, $($generics)*> Keyed for $ty {
            type Item = T;
            type Changes<'a> = KeyedChanges<'a, T, <T as Diff>::Changes<'a>> where Self: 'a;

            fn keyed_diff<'a>(
                &'a self,
                new: &'a Self,
                key: KeyFn<T>,
                order: Order,
            ) -> Option<<Self as Keyed>::Changes<'a>> {
                // Looked at first, since it needs no memory.
                let equal = self.len() == new.len()
                    && self.iter().zip(new.iter()).all(|(old, new)| old.diff(new).is_none());
                if equal {
                    return None;
                }
                compare(&self.iter().collect::<Vec<_>>(), &new.iter().collect::<Vec<_>>(), key, order)
            }

            fn keyed_hold(&mut self, running: &Self, key: KeyFn<T>) {
                let running: Vec<_> = running.iter().collect();
                let pairs = pairs(&running, &self.iter().collect::<Vec<_>>(), key);
                let mut wanted: Vec<_> = self.iter_mut().collect();
                for Place { from, to, .. } in pairs {
                    wanted[to].hold(running[from]);
                }
            }
        }
    )*};
}

sequences! { [] Vec<T>, [] VecDeque<T>, [] [T], [const N: usize] [T; N] }

macro_rules! pointers {
    ($($pointer:ident, $reached:expr;)*) => {$(
        impl<Q: Keyed + ?Sized> Keyed for $pointer<Q> {
            type Item = Q::Item;
            type Changes<'a>
                = <Q as Keyed>::Changes<'a>
            where
                Self: 'a;

            fn keyed_diff<'a>(
                &'a self,
                new: &'a Self,
                key: KeyFn<Q::Item>,
                order: Order,
            ) -> Option<<Q as Keyed>::Changes<'a>> {
                (**self).keyed_diff(new, key, order)
            }

            fn keyed_hold(&mut self, running: &Self, key: KeyFn<Q::Item>) {
                let reached: fn(&mut Self) -> Option<&mut Q> = $reached;
                if let Some(wanted) = reached(self) {
                    wanted.keyed_hold(running, key);
                }
            }
        }
    )*};
}

pointers! {
    Box, |wanted| Some(&mut **wanted);
    Arc, Self::get_mut;
}

impl<Q: Keyed> Keyed for Option<Q> {
    type Item = Q::Item;
    type Changes<'a>
        = OptionChanges<'a, Q, <Q as Keyed>::Changes<'a>>
    where
        Self: 'a;

    fn keyed_diff<'a>(
        &'a self,
        new: &'a Self,
        key: KeyFn<Q::Item>,
        order: Order,
    ) -> Option<<Self as Keyed>::Changes<'a>> {
        option::compare(self.as_ref(), new.as_ref(), |old, new| old.keyed_diff(new, key, order))
    }

    fn keyed_hold(&mut self, running: &Self, key: KeyFn<Q::Item>) {
        if let (Some(wanted), Some(running)) = (self, running) {
            wanted.keyed_hold(running, key);
        }
    }
}

fn compare<'a, T: Diff>(
    old: &[&'a T],
    new: &[&'a T],
    key: KeyFn<T>,
    order: Order,
) -> Option<KeyedChanges<'a, T, T::Changes<'a>>> {
    let old_keys: Vec<_> = old.iter().map(|element| Identity::of(key(element))).collect();
    let new_keys: Vec<_> = new.iter().map(|element| Identity::of(key(element))).collect();
    let Matches { pairs, removed, added } = Matches::of(&old_keys, &new_keys);

    let mut changes =
        KeyedChanges { modified: Vec::new(), removed: Vec::new(), moved: Vec::new(), added: Vec::new() };
    for &Place { from, to, number } in &pairs {
        let (old, new) = (old[from], new[to]);
        changes.modified.extend(old.diff(new).map(|changes| {
            let key = old_keys[from].segment(from, number);
            KeyedModified { key, from, to, old, new, changes }
        }));
    }
    if order == Order::Kept {
        let staying = longest_increasing(&pairs.iter().map(|place| place.from).collect::<Vec<_>>());
        let moved = pairs.iter().zip(staying).filter(|(_, stays)| !stays);
        changes.moved.extend(moved.map(|(&Place { from, to, number }, _)| {
            let key = old_keys[from].segment(from, number);
            KeyedMoved { key, from, to, value: new[to] }
        }));
    }
    changes.removed.extend(removed.into_iter().map(|(index, number)| KeyedElement {
        key: old_keys[index].segment(index, number),
        index,
        value: old[index],
    }));
    changes.added.extend(added.into_iter().map(|(index, number)| KeyedElement {
        key: new_keys[index].segment(index, number),
        index,
        value: new[index],
    }));

    let KeyedChanges { modified, removed, moved, added } = &changes;
    let equal = modified.is_empty() && removed.is_empty() && moved.is_empty() && added.is_empty();
    (!equal).then_some(changes)
}

/// Tells which elements of the older sequence became which of the newer one.
fn pairs<'a, T: Diff>(old: &[&'a T], new: &[&'a T], key: KeyFn<T>) -> Vec<Place> {
    let identities =
        |elements: &[&'a T]| elements.iter().map(|element| Identity::of(key(element))).collect::<Vec<_>>();
    Matches::of(&identities(old), &identities(new)).pairs
}

/// What an element is known by, as text, so that it can be hashed and shown.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Identity<'a> {
    None,
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
    /// What elements are matched by, but not named.
    Hidden(Vec<Cow<'a, str>>),
}

impl<'a> Identity<'a> {
    fn of(key: Value<'a>) -> Self {
        match key {
            // A secret is printed as any other, so that it tells no element from another.
            Value::Null | Value::Secret => Self::None,
            Value::List(parts) if parts.contains(&Value::Secret) => {
                let parts = parts.into_iter().filter(|part| *part != Value::Secret);
                Self::Hidden(parts.map(Value::into_key).collect())
            }
            Value::List(parts) => Self::Many(parts.into_iter().map(Value::into_key).collect()),
            key => Self::One(key.into_key()),
        }
    }

    /// Returns how the element is shown that has this identity as the `number`-th, from 0, and stands at `index`.
    fn segment(&self, index: usize, number: usize) -> Segment {
        let mut keys = match self {
            Self::None | Self::Hidden(_) => return Segment::Index(index),
            Self::One(key) => vec![key.to_string()],
            Self::Many(keys) => keys.iter().map(ToString::to_string).collect(),
        };
        if number > 0 {
            keys.push(format!("#{}", number + 1));
        }
        Segment::Identity(keys)
    }
}

/// Which element became which. Elements with the same identity are matched in their order.
#[derive(Debug, Default)]
struct Matches {
    /// In the order of the newer sequence.
    pairs: Vec<Place>,
    /// Positions in the older sequence, each with its number among those of its identity.
    removed: Vec<(usize, usize)>,
    /// Positions in the newer sequence, each with its number among those of its identity.
    added: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    from: usize,
    to: usize,
    number: usize,
}

/// The elements of one identity, as far as they are matched.
#[derive(Debug, Default)]
struct Group {
    /// The first older element that is not matched yet; the next is in a list beside.
    unmatched: Option<usize>,
    /// How many elements of the identity were numbered.
    numbered: usize,
}

impl Group {
    fn number(&mut self) -> usize {
        self.numbered += 1;
        self.numbered - 1
    }
}

impl Matches {
    fn of(old: &[Identity<'_>], new: &[Identity<'_>]) -> Self {
        let mut groups: HashMap<&Identity<'_>, Group> = HashMap::with_capacity(old.len());
        let mut next = vec![None; old.len()];
        for (index, identity) in old.iter().enumerate().rev() {
            next[index] = groups.entry(identity).or_default().unmatched.replace(index);
        }

        let mut matches = Self::default();
        let mut is_matched = vec![false; old.len()];
        for (to, identity) in new.iter().enumerate() {
            let group = groups.entry(identity).or_default();
            let number = group.number();
            match group.unmatched {
                Some(from) => {
                    group.unmatched = next[from];
                    is_matched[from] = true;
                    matches.pairs.push(Place { from, to, number });
                }
                None => matches.added.push((to, number)),
            }
        }
        for (index, identity) in old.iter().enumerate().filter(|(index, _)| !is_matched[*index]) {
            matches.removed.push((index, groups.entry(identity).or_default().number()));
        }
        matches
    }
}

/// Tells for each of the numbers, which are all different, whether it is in a longest increasing subsequence.
fn longest_increasing(numbers: &[usize]) -> Vec<bool> {
    // `ends[n]` is where the subsequence of length n + 1 ends that has the smallest end.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![None; numbers.len()];
    for (at, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers[*end] < *number);
        before[at] = length.checked_sub(1).map(|shorter| ends[shorter]);
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut chosen = vec![false; numbers.len()];
    let mut last = ends.last().copied();
    while let Some(at) = last {
        chosen[at] = true;
        last = before[at];
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    type Route = (Option<&'static str>, u8);

    fn diff(old: &[Route], new: &[Route], order: Order) -> Vec<String> {
        let own = |routes: &[Route]| -> Vec<(Option<String>, u8)> {
            routes.iter().map(|(name, weight)| (name.map(ToOwned::to_owned), *weight)).collect()
        };
        let (old, new) = (own(old), own(new));
        let changes = old.keyed_diff(&new, |route| route.0.value(), order);
        changes
            .map(|changes| changes.to_string().lines().map(ToOwned::to_owned).collect())
            .unwrap_or_default()
    }

    const A: Route = (Some("a"), 1);
    const B: Route = (Some("b"), 1);
    const C: Route = (Some("c"), 1);
    const D: Route = (Some("d"), 1);

    #[test]
    fn elements_are_matched_by_key() {
        assert!(diff(&[A, B], &[A, B], Order::Kept).is_empty());
        assert_eq!(
            diff(&[A, B, D], &[C, (Some("b"), 2), A], Order::Ignored),
            [r#"["b"][1]: 1 -> 2"#, r#"["d"]: removed"#, r#"["c"]: added"#]
        );
    }

    #[test]
    fn order_counts_only_where_it_is_kept() {
        assert!(diff(&[A, B, C], &[C, A, B], Order::Ignored).is_empty());
        assert_eq!(diff(&[A, B, C, D], &[D, A, B, C], Order::Kept), [r#"["d"]: moved from 3 to 0"#]);
        assert_eq!(diff(&[A, B, C, D], &[B, C, A, D], Order::Kept), [r#"["a"]: moved from 0 to 2"#]);
        assert_eq!(diff(&[A, B], &[B], Order::Kept), [r#"["a"]: removed"#]);
    }

    #[test]
    fn elements_without_a_key_are_matched_in_their_order() {
        let none = |weight| (None, weight);
        assert_eq!(
            diff(&[none(1), A, none(2)], &[A, none(1), none(3), none(4)], Order::Ignored),
            ["[2][1]: 2 -> 3", "[3]: added"]
        );
        assert_eq!(diff(&[none(1), A, none(2)], &[A, none(1)], Order::Ignored), ["[2]: removed"]);
    }

    #[test]
    fn duplicates_are_numbered() {
        let twice = [A, (Some("a"), 2)];
        assert_eq!(diff(&twice, &[A, (Some("a"), 3)], Order::Ignored), [r##"["a", "#2"][1]: 2 -> 3"##]);
        assert_eq!(diff(&twice, &[A], Order::Ignored), [r##"["a", "#2"]: removed"##]);
        assert_eq!(diff(&[A], &twice, Order::Ignored), [r##"["a", "#2"]: added"##]);
    }

    #[test]
    fn a_composite_key_has_all_its_parts_in_the_path() {
        let key: KeyFn<(String, u16)> = |server| Value::List(vec![server.0.value(), server.1.value()]);
        let (old, new) = (Some(VecDeque::new()), Some(VecDeque::from([("db".to_owned(), 5432)])));
        let changes = old.keyed_diff(&new, key, Order::Ignored).map(|changes| changes.to_string());
        assert_eq!(changes.as_deref(), Some(r#"["db", "5432"]: added"#));
    }

    #[test]
    fn the_longest_increasing_subsequence_is_chosen() {
        for (numbers, length) in
            [(&[][..], 0), (&[3, 1, 2], 2), (&[5, 4, 3], 1), (&[0, 8, 4, 12, 2, 10, 6, 14, 1, 9], 4)]
        {
            let chosen = longest_increasing(numbers);
            let picked: Vec<_> =
                numbers.iter().zip(chosen).filter_map(|(number, chosen)| chosen.then_some(number)).collect();
            assert_eq!(picked.len(), length, "{numbers:?}");
            assert!(picked.is_sorted(), "{picked:?}");
        }
    }
}
