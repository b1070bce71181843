//! A map by hash whose copies share what they have in common. What one copy alone owns is changed in place; what another
//! one shares is copied first, from the root to the leaf and nothing beside it.

use std::sync::Arc;
use std::{iter, mem, slice};

/// Branches look at so many bits of the hash: the upper two at many, since few steps lead through them to up to 200,000
/// items; those below at few, since a leaf that is split must not become many that are nearly empty.
const UPPER_BITS: u32 = 6;
const UPPER: u32 = 2 * UPPER_BITS;
const LOWER_BITS: u32 = 3;
/// A leaf has from so many places to so many. A larger one becomes a branch, while there are bits of the hash left.
const LEAF_MIN: usize = 4;
const LEAF_MAX: usize = 64;
/// A branch with so few items becomes a leaf; far fewer than a leaf may have, so that none is split and joined by turns.
const JOIN_MAX: usize = LEAF_MAX / 8;

/// Items by their hashes. What makes two items the same is said at each call, and items with one hash are told apart by it.
#[derive(Debug)]
pub(crate) struct Trie<I> {
    root: Link<I>,
    len: usize,
}

#[derive(Debug)]
enum Link<I> {
    Empty,
    /// A table in one piece of memory, with the number of items in it.
    Leaf(Places<I>, u32),
    Branch(Arc<[Link<I>]>),
}

/// An item is in the place that its hash says, or in one of those behind it, with none free between them.
type Places<I> = Arc<[Option<(u64, I)>]>;

impl<I> Clone for Trie<I> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), len: self.len }
    }
}

impl<I> Clone for Link<I> {
    fn clone(&self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Leaf(places, len) => Self::Leaf(Arc::clone(places), *len),
            Self::Branch(links) => Self::Branch(Arc::clone(links)),
        }
    }
}

impl<I> Default for Trie<I> {
    fn default() -> Self {
        Self { root: Link::Empty, len: 0 }
    }
}

impl<I> Trie<I> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn get(&self, hash: u64, is: impl Fn(&I) -> bool) -> Option<&I> {
        self.with_hash(hash).find(|item| is(item))
    }

    /// Returns all items with this hash.
    pub(crate) fn with_hash(&self, hash: u64) -> impl Iterator<Item = &I> {
        let mut link = &self.root;
        let mut shift = 0;
        let places = loop {
            match link {
                Link::Empty => break [].as_slice(),
                Link::Leaf(places, _) => break places,
                Link::Branch(links) => {
                    link = &links[slot(links.len(), hash, shift)];
                    shift += bits(shift);
                }
            }
        };
        probe(places, hash, shift).filter(move |(_, other, _)| *other == hash).map(|(_, _, item)| item)
    }

    /// Returns all items, in the order of the bits of their hashes.
    pub(crate) fn iter(&self) -> Iter<'_, I> {
        Iter { above: Vec::new(), links: slice::from_ref(&self.root).iter(), leaf: [].iter() }
    }
}

impl<I: Clone> Trie<I> {
    pub(crate) fn get_mut(&mut self, hash: u64, is: impl Fn(&I) -> bool) -> Option<&mut I> {
        let mut link = &mut self.root;
        let mut shift = 0;
        loop {
            match link {
                Link::Empty => return None,
                Link::Leaf(places, _) => {
                    let found = find(places, hash, shift, is)?;
                    return Arc::make_mut(places)[found].as_mut().map(|(_, item)| item);
                }
                Link::Branch(links) => {
                    let at = slot(links.len(), hash, shift);
                    link = &mut Arc::make_mut(links)[at];
                    shift += bits(shift);
                }
            }
        }
    }

    /// Puts an item in, and returns the one whose place it took.
    pub(crate) fn insert(&mut self, hash: u64, item: I, is: impl Fn(&I) -> bool) -> Option<I> {
        let mut link = &mut self.root;
        let mut shift = 0;
        loop {
            if let Link::Leaf(places, len) = link {
                if let Some(found) = find(places, hash, shift, &is) {
                    let (_, old) = Arc::make_mut(places)[found].replace((hash, item))?;
                    return Some(old);
                }
                if is_full(places, *len) {
                    if places.len() >= LEAF_MAX && shift < u64::BITS {
                        link.split(shift);
                    } else {
                        *places = moved(places, places.len() * 2, shift);
                    }
                }
            }
            match link {
                Link::Empty => {
                    let mut places = free(LEAF_MIN);
                    put(&mut places, hash, item, shift);
                    *link = Link::Leaf(places.into(), 1);
                    break;
                }
                Link::Leaf(places, len) => {
                    put(Arc::make_mut(places), hash, item, shift);
                    *len += 1;
                    break;
                }
                Link::Branch(links) => {
                    let at = slot(links.len(), hash, shift);
                    link = &mut Arc::make_mut(links)[at];
                    shift += bits(shift);
                }
            }
        }
        self.len += 1;
        None
    }

    pub(crate) fn remove(&mut self, hash: u64, is: impl Fn(&I) -> bool) -> Option<I> {
        // What is not there must not cost the copy of a path.
        self.get(hash, &is)?;
        let removed = self.root.remove(hash, 0, &is)?;
        self.len -= 1;
        Some(removed)
    }
}

impl<I: Clone> Link<I> {
    fn split(&mut self, shift: u32) {
        let Self::Leaf(places, _) = self else { return };
        let mut parts: Vec<Vec<(u64, I)>> = Vec::new();
        parts.resize_with(1 << bits(shift), Vec::new);
        for (hash, item) in emptied(places) {
            let at = slot(parts.len(), hash, shift);
            parts[at].push((hash, item));
        }
        let below = shift + bits(shift);
        *self = Self::Branch(parts.into_iter().map(|part| Self::leaf(part, below)).collect());
    }

    fn leaf(items: Vec<(u64, I)>, shift: u32) -> Self {
        if items.is_empty() {
            return Self::Empty;
        }
        let mut places = free((items.len() * 4).div_ceil(3).next_power_of_two().max(LEAF_MIN));
        let len = items.len() as u32;
        for (hash, item) in items {
            put(&mut places, hash, item, shift);
        }
        Self::Leaf(places.into(), len)
    }

    /// The depth is bounded by the bits of a hash.
    fn remove(&mut self, hash: u64, shift: u32, is: &impl Fn(&I) -> bool) -> Option<I> {
        match self {
            Self::Empty => None,
            Self::Leaf(places, len) => {
                let found = find(places, hash, shift, is)?;
                let removed = take(Arc::make_mut(places), found, shift)?;
                *len -= 1;
                if *len == 0 {
                    *self = Self::Empty;
                } else if places.len() > LEAF_MIN && *len as usize <= places.len() / 8 {
                    *places = moved(places, places.len() / 2, shift);
                }
                Some(removed)
            }
            Self::Branch(links) => {
                let at = slot(links.len(), hash, shift);
                let link = &mut Arc::make_mut(links)[at];
                let removed = link.remove(hash, shift + bits(shift), is);
                if link.few().is_some_and(|few| few <= JOIN_MAX) {
                    self.join(shift);
                }
                removed
            }
        }
    }

    /// Returns how many items there are, unless it is a branch.
    fn few(&self) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Leaf(_, len) => Some(*len as usize),
            Self::Branch(_) => None,
        }
    }

    /// Makes a leaf of a branch that has but few items.
    fn join(&mut self, shift: u32) {
        let Self::Branch(links) = self else { return };
        let sum =
            links.iter().try_fold(0, |sum, link| Some(sum + link.few()?).filter(|sum| *sum <= JOIN_MAX));
        if sum.is_none() {
            return;
        }
        let mut items = Vec::new();
        for link in Arc::make_mut(links) {
            if let Self::Leaf(places, _) = link {
                items.extend(emptied(places));
            }
        }
        *self = Self::leaf(items, shift);
    }
}

/// Returns how many bits the branch looks at that begins with this one.
fn bits(shift: u32) -> u32 {
    if shift < UPPER { UPPER_BITS } else { LOWER_BITS }
}

/// Returns which of so many it is by the bits from this one on. Both branches and leaves are powers of two.
fn slot(many: usize, hash: u64, shift: u32) -> usize {
    // Below the last bit all are the same, and no branch is made there.
    hash.checked_shr(shift).unwrap_or(0) as usize & (many - 1)
}

/// Three quarters of the places are taken at most, or so many would have to be looked at that it takes longer than a branch.
fn is_full<I>(places: &[Option<(u64, I)>], len: u32) -> bool {
    len as usize >= places.len() / 4 * 3
}

/// Goes through the taken places from the one that the hash says up to the first free one.
fn probe<I>(places: &[Option<(u64, I)>], hash: u64, shift: u32) -> impl Iterator<Item = (usize, u64, &I)> {
    let first = if places.is_empty() { 0 } else { slot(places.len(), hash, shift) };
    let (before, from) = places.split_at(first);
    let probed = from.iter().chain(before).zip((first..places.len()).chain(0..first));
    probed.map_while(|(place, at)| place.as_ref().map(|(hash, item)| (at, *hash, item)))
}

fn find<I>(places: &[Option<(u64, I)>], hash: u64, shift: u32, is: impl Fn(&I) -> bool) -> Option<usize> {
    let mut same = probe(places, hash, shift).filter(|(_, other, item)| *other == hash && is(item));
    same.next().map(|(at, _, _)| at)
}

fn free<I>(places: usize) -> Vec<Option<(u64, I)>> {
    iter::repeat_with(|| None).take(places).collect()
}

/// Puts an item that is not there into a leaf that is not full.
fn put<I>(places: &mut [Option<(u64, I)>], hash: u64, item: I, shift: u32) {
    let first = slot(places.len(), hash, shift);
    let (before, from) = places.split_at_mut(first);
    if let Some(place) = from.iter_mut().chain(before).find(|place| place.is_none()) {
        *place = Some((hash, item));
    }
}

/// Takes an item out, and those behind it again to where they belong, so that there is no free place before any.
fn take<I>(places: &mut [Option<(u64, I)>], found: usize, shift: u32) -> Option<I> {
    let (_, removed) = places[found].take()?;
    let mut at = (found + 1) & (places.len() - 1);
    while let Some((hash, item)) = places[at].take() {
        put(places, hash, item, shift);
        at = (at + 1) & (places.len() - 1);
    }
    Some(removed)
}

/// Returns a leaf with the same items and so many places.
fn moved<I: Clone>(places: &mut Places<I>, many: usize, shift: u32) -> Places<I> {
    let mut more = free(many);
    for (hash, item) in emptied(places) {
        put(&mut more, hash, item, shift);
    }
    more.into()
}

/// Takes the items out of a leaf that is about to go, or clones them where somebody else has it too.
fn emptied<I: Clone>(places: &mut Places<I>) -> impl Iterator<Item = (u64, I)> {
    Arc::make_mut(places).iter_mut().filter_map(Option::take)
}

/// Items of a [`Trie`].
#[derive(Debug)]
pub(crate) struct Iter<'t, I> {
    above: Vec<slice::Iter<'t, Link<I>>>,
    links: slice::Iter<'t, Link<I>>,
    leaf: slice::Iter<'t, Option<(u64, I)>>,
}

impl<I> Default for Iter<'_, I> {
    fn default() -> Self {
        Self { above: Vec::new(), links: [].iter(), leaf: [].iter() }
    }
}

impl<'t, I> Iterator for Iter<'t, I> {
    type Item = &'t I;

    fn next(&mut self) -> Option<&'t I> {
        loop {
            if let Some((_, item)) = self.leaf.find_map(Option::as_ref) {
                return Some(item);
            }
            match self.links.next() {
                Some(Link::Empty) => {}
                Some(Link::Leaf(places, _)) => self.leaf = places.iter(),
                Some(Link::Branch(links)) => {
                    self.above.push(mem::replace(&mut self.links, links.iter()));
                }
                None => self.links = self.above.pop()?,
            }
        }
    }
}

impl<I> iter::FusedIterator for Iter<'_, I> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Pairs = Trie<(u32, u32)>;

    fn put(trie: &mut Pairs, hash: u64, key: u32, value: u32) -> Option<u32> {
        trie.insert(hash, (key, value), |item| item.0 == key).map(|item| item.1)
    }

    fn pairs(trie: &Pairs) -> BTreeMap<u32, u32> {
        let pairs: BTreeMap<_, _> = trie.iter().copied().collect();
        assert_eq!(pairs.len(), trie.iter().count());
        assert_eq!(pairs.len(), trie.len());
        pairs
    }

    /// Hashes that are spread, that share their lowest or highest bits, or that are all the same.
    fn hash(kind: u32, key: u32) -> u64 {
        match kind {
            0 => u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29),
            1 => u64::from(key) << 58,
            2 => u64::from(key % 3),
            _ => u64::MAX,
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u32),
        Remove(u32),
        Edit(u32),
        Hold,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0..200_u32).prop_map(Step::Insert),
            4 => (0..200_u32).prop_map(Step::Remove),
            1 => (0..200_u32).prop_map(Step::Edit),
            1 => Just(Step::Hold),
        ];
        proptest::collection::vec(step, 0..600)
    }

    proptest! {
        #[test]
        fn it_is_a_map_and_its_copies_never_change(kind in 0..4_u32, steps in steps()) {
            let mut trie = Pairs::default();
            let mut model = BTreeMap::new();
            let mut held = Vec::new();
            for (number, step) in (0_u32..).zip(steps) {
                match step {
                    Step::Insert(key) => {
                        prop_assert_eq!(put(&mut trie, hash(kind, key), key, number), model.insert(key, number));
                    }
                    Step::Remove(key) => {
                        let removed = trie.remove(hash(kind, key), |item| item.0 == key);
                        prop_assert_eq!(removed.map(|item| item.1), model.remove(&key));
                    }
                    Step::Edit(key) => {
                        let found = trie.get_mut(hash(kind, key), |item| item.0 == key);
                        let known = model.get_mut(&key);
                        prop_assert_eq!(found.is_some(), known.is_some());
                        if let (Some(found), Some(known)) = (found, known) {
                            found.1 = number;
                            *known = number;
                        }
                    }
                    Step::Hold => held.push((trie.clone(), model.clone())),
                }
            }
            held.push((trie, model));
            for (trie, model) in held {
                prop_assert_eq!(&pairs(&trie), &model);
                for key in 0..200 {
                    let found = trie.get(hash(kind, key), |item| item.0 == key);
                    prop_assert_eq!(found.map(|item| &item.1), model.get(&key));
                }
            }
        }
    }

    #[test]
    fn what_was_emptied_holds_nothing() {
        let mut trie = Pairs::default();
        for key in 0..10_000 {
            put(&mut trie, hash(0, key), key, key);
        }
        for key in 0..10_000 {
            assert!(trie.remove(hash(0, key), |item| item.0 == key).is_some());
        }
        assert!(trie.is_empty());
        assert!(matches!(trie.root, Link::Empty), "no branch is left");
    }

    #[test]
    fn one_path_is_copied_where_a_copy_is_held() {
        let value = |key: u32| Arc::new(key);
        let mut trie: Trie<Arc<u32>> = Trie::default();
        for key in 0..10_000 {
            trie.insert(hash(0, key), value(key), |item| **item == key);
        }
        let held = trie.clone();
        trie.insert(hash(0, 77), value(77), |item| **item == 77);
        let copied = held.iter().filter(|item| Arc::strong_count(item) > 1).count();
        assert!((1..=LEAF_MAX).contains(&copied), "{copied} items were copied");
        drop(held);
        assert!(trie.iter().all(|item| Arc::strong_count(item) == 1));
    }
}
