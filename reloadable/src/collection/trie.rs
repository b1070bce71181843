//! A map by hash whose copies share what they have in common. What one copy alone owns is changed in place; what another
//! one shares is copied first, from the root to the leaf and nothing beside it.

use std::sync::Arc;
use std::{iter, mem, slice};

/// A branch looks at this many bits of the hash. Narrower branches are deeper to read, wider ones dearer to copy.
const BITS: u32 = 3;
const WIDTH: usize = 1 << BITS;
/// A leaf has at least so many places, and twice as many each time it is full.
const LEAF_MIN: usize = 2;

/// Items by their hashes. What makes two items the same is said at each call, and items with one hash are told apart by it.
///
/// A leaf with more than `LEAF` items becomes a branch, while there are bits of the hash left. Smaller leaves are quicker to
/// find something in and cheaper to copy, larger ones are quicker to walk through and need less memory.
#[derive(Debug)]
pub(crate) struct Trie<I, const LEAF: usize = 8> {
    root: Link<I, LEAF>,
    len: usize,
}

#[derive(Debug)]
enum Link<I, const LEAF: usize> {
    Empty,
    Leaf(Leaf<I>),
    Branch(Arc<[Link<I, LEAF>; WIDTH]>),
}

/// The taken places come first. It is one piece of memory, so that what is found in it is one step away.
type Leaf<I> = Arc<[Option<(u64, I)>]>;

impl<I, const LEAF: usize> Clone for Trie<I, LEAF> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), len: self.len }
    }
}

impl<I, const LEAF: usize> Clone for Link<I, LEAF> {
    fn clone(&self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Leaf(leaf) => Self::Leaf(Arc::clone(leaf)),
            Self::Branch(links) => Self::Branch(Arc::clone(links)),
        }
    }
}

impl<I, const LEAF: usize> Default for Trie<I, LEAF> {
    fn default() -> Self {
        Self { root: Link::Empty, len: 0 }
    }
}

impl<I, const LEAF: usize> Trie<I, LEAF> {
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
        let leaf = loop {
            match link {
                Link::Empty => break [].iter(),
                Link::Leaf(leaf) => break leaf.iter(),
                Link::Branch(links) => link = &links[slot(hash, shift)],
            }
            shift += BITS;
        };
        leaf.map_while(Option::as_ref).filter(move |(other, _)| *other == hash).map(|(_, item)| item)
    }

    /// Returns all items, in the order of their hashes' lowest bits.
    pub(crate) fn iter(&self) -> Iter<'_, I, LEAF> {
        Iter { above: Vec::new(), links: slice::from_ref(&self.root).iter(), leaf: [].iter() }
    }
}

impl<I: Clone, const LEAF: usize> Trie<I, LEAF> {
    pub(crate) fn get_mut(&mut self, hash: u64, is: impl Fn(&I) -> bool) -> Option<&mut I> {
        let mut link = &mut self.root;
        let mut shift = 0;
        let leaf = loop {
            match link {
                Link::Empty => return None,
                Link::Leaf(leaf) => break leaf,
                Link::Branch(links) => link = &mut Arc::make_mut(links)[slot(hash, shift)],
            }
            shift += BITS;
        };
        let place = position(leaf, hash, is)?;
        Arc::make_mut(leaf)[place].as_mut().map(|(_, item)| item)
    }

    /// Puts an item in, and returns the one whose place it took.
    pub(crate) fn insert(&mut self, hash: u64, item: I, is: impl Fn(&I) -> bool) -> Option<I> {
        let mut link = &mut self.root;
        let mut shift = 0;
        loop {
            if let Link::Leaf(leaf) = link {
                if let Some(place) = position(leaf, hash, &is) {
                    let (_, old) = Arc::make_mut(leaf)[place].replace((hash, item))?;
                    return Some(old);
                }
                if leaf.len() >= LEAF && is_full(leaf) && shift < u64::BITS {
                    link.split(shift);
                }
            }
            match link {
                Link::Empty => {
                    *link = Link::Leaf(made(iter::once((hash, item)), LEAF_MIN));
                    break;
                }
                Link::Leaf(leaf) => {
                    if is_full(leaf) {
                        let places = leaf.len() * 2;
                        *leaf = made(emptied(leaf), places);
                    }
                    if let Some(place) = Arc::make_mut(leaf).iter_mut().find(|place| place.is_none()) {
                        *place = Some((hash, item));
                    }
                    break;
                }
                Link::Branch(links) => link = &mut Arc::make_mut(links)[slot(hash, shift)],
            }
            shift += BITS;
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

impl<I: Clone, const LEAF: usize> Link<I, LEAF> {
    fn split(&mut self, shift: u32) {
        if let Self::Leaf(leaf) = self {
            let mut parts: [Vec<(u64, I)>; WIDTH] = Default::default();
            for (hash, item) in emptied(leaf) {
                parts[slot(hash, shift)].push((hash, item));
            }
            *self = Self::Branch(Arc::new(parts.map(Self::leaf)));
        }
    }

    fn leaf(items: Vec<(u64, I)>) -> Self {
        if items.is_empty() {
            return Self::Empty;
        }
        let places = items.len().next_power_of_two().max(LEAF_MIN);
        Self::Leaf(made(items.into_iter(), places))
    }

    /// The depth is bounded by the bits of a hash.
    fn remove(&mut self, hash: u64, shift: u32, is: &impl Fn(&I) -> bool) -> Option<I> {
        match self {
            Self::Empty => None,
            Self::Leaf(leaf) => {
                let found = position(leaf, hash, is)?;
                let places = Arc::make_mut(leaf);
                let last = places.iter().rposition(Option::is_some)?;
                places.swap(found, last);
                let (_, removed) = places[last].take()?;
                if last == 0 {
                    *self = Self::Empty;
                } else if places.len() > LEAF_MIN && last <= places.len() / 4 {
                    let half = places.len() / 2;
                    *leaf = made(emptied(leaf), half);
                }
                Some(removed)
            }
            Self::Branch(links) => {
                let links = Arc::make_mut(links);
                let link = &mut links[slot(hash, shift)];
                let removed = link.remove(hash, shift + BITS, is);
                if link.few().is_some() {
                    self.join();
                }
                removed
            }
        }
    }

    /// Returns how many items there are, unless it is a branch.
    fn few(&self) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Leaf(leaf) => Some(leaf.iter().flatten().count()),
            Self::Branch(_) => None,
        }
    }

    /// Makes a leaf of a branch that has but few items; far fewer than a leaf may have, so that no item splits and joins it
    /// by turns.
    fn join(&mut self) {
        let Self::Branch(links) = self else { return };
        if links.iter().try_fold(0, |sum, link| Some(sum + link.few()?)).is_none_or(|sum| sum > LEAF / 4) {
            return;
        }
        let mut items = Vec::new();
        for link in Arc::make_mut(links) {
            if let Self::Leaf(leaf) = link {
                items.extend(emptied(leaf));
            }
        }
        *self = Self::leaf(items);
    }
}

/// Returns a leaf with these items, and free places up to so many.
fn made<I>(items: impl Iterator<Item = (u64, I)>, places: usize) -> Leaf<I> {
    let mut items = items.fuse();
    (0..places).map(|_| items.next()).collect()
}

/// Takes the items out of a leaf that is about to go, or clones them where somebody else has it too.
fn emptied<I: Clone>(leaf: &mut Leaf<I>) -> impl Iterator<Item = (u64, I)> {
    Arc::make_mut(leaf).iter_mut().map_while(Option::take)
}

fn is_full<I>(leaf: &[Option<(u64, I)>]) -> bool {
    leaf.last().is_none_or(Option::is_some)
}

fn slot(hash: u64, shift: u32) -> usize {
    // Below the last bit of the hash no branch is made, see `split`.
    (hash.checked_shr(shift).unwrap_or(0) % WIDTH as u64) as usize
}

fn position<I>(leaf: &[Option<(u64, I)>], hash: u64, is: impl Fn(&I) -> bool) -> Option<usize> {
    leaf.iter().map_while(Option::as_ref).position(|(other, item)| *other == hash && is(item))
}

/// Items of a [`Trie`].
#[derive(Debug)]
pub(crate) struct Iter<'t, I, const LEAF: usize> {
    above: Vec<slice::Iter<'t, Link<I, LEAF>>>,
    links: slice::Iter<'t, Link<I, LEAF>>,
    leaf: slice::Iter<'t, Option<(u64, I)>>,
}

impl<I, const LEAF: usize> Default for Iter<'_, I, LEAF> {
    fn default() -> Self {
        Self { above: Vec::new(), links: [].iter(), leaf: [].iter() }
    }
}

impl<'t, I, const LEAF: usize> Iterator for Iter<'t, I, LEAF> {
    type Item = &'t I;

    fn next(&mut self) -> Option<&'t I> {
        loop {
            if let Some(Some((_, item))) = self.leaf.next() {
                return Some(item);
            }
            match self.links.next() {
                Some(Link::Empty) => {}
                Some(Link::Leaf(leaf)) => self.leaf = leaf.iter(),
                Some(Link::Branch(links)) => {
                    self.above.push(mem::replace(&mut self.links, links.iter()));
                }
                None => self.links = self.above.pop()?,
            }
        }
    }
}

impl<I, const LEAF: usize> iter::FusedIterator for Iter<'_, I, LEAF> {}

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
        assert!((1..=8).contains(&copied), "{copied} items were copied");
        drop(held);
        assert!(trie.iter().all(|item| Arc::strong_count(item) == 1));
    }
}
