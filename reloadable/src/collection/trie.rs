//! A map by hash whose copies share what they have in common. What one copy alone owns is changed in place; what another
//! one shares is copied first, from the root to the leaf and nothing beside it.

use std::sync::Arc;
use std::{iter, mem, slice};

/// A branch looks at this many bits of the hash. Narrower branches are deeper to read, wider ones dearer to copy.
const BITS: u32 = 4;
const WIDTH: usize = 1 << BITS;
/// A leaf with more items becomes a branch, while there are bits of the hash left.
const LEAF_MAX: usize = 24;
/// A branch with so few below becomes a leaf; far from `LEAF_MAX`, so that no item splits and joins it by turns.
const JOIN_MAX: usize = LEAF_MAX / 4;
/// A leaf grows by so many, since doubling would leave a third of the memory of all leaves unused.
const GROWTH: usize = 4;

/// Items by their hashes. What makes two items the same is said at each call, and items with one hash are told apart by it.
#[derive(Debug)]
pub(crate) struct Trie<I> {
    root: Link<I>,
    len: usize,
}

#[derive(Debug)]
enum Link<I> {
    Empty,
    Leaf(Arc<Vec<(u64, I)>>),
    Branch(Arc<[Link<I>; WIDTH]>),
}

impl<I> Clone for Trie<I> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), len: self.len }
    }
}

impl<I> Clone for Link<I> {
    fn clone(&self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Leaf(leaf) => Self::Leaf(Arc::clone(leaf)),
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
        let leaf = loop {
            match link {
                Link::Empty => break [].iter(),
                Link::Leaf(leaf) => break leaf.iter(),
                Link::Branch(links) => link = &links[slot(hash, shift)],
            }
            shift += BITS;
        };
        leaf.filter(move |(other, _)| *other == hash).map(|(_, item)| item)
    }

    /// Returns all items, in the order of their hashes' lowest bits.
    pub(crate) fn iter(&self) -> Iter<'_, I> {
        Iter { above: Vec::new(), links: slice::from_ref(&self.root).iter(), leaf: [].iter() }
    }
}

impl<I: Clone> Trie<I> {
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
        Arc::make_mut(leaf).get_mut(place).map(|(_, item)| item)
    }

    /// Puts an item in, and returns the one whose place it took.
    pub(crate) fn insert(&mut self, hash: u64, item: I, is: impl Fn(&I) -> bool) -> Option<I> {
        let mut link = &mut self.root;
        let mut shift = 0;
        loop {
            if matches!(link, Link::Leaf(leaf) if leaf.len() >= LEAF_MAX && shift < u64::BITS) {
                if let Link::Leaf(leaf) = link {
                    if let Some(place) = position(leaf, hash, &is) {
                        return Some(mem::replace(&mut Arc::make_mut(leaf)[place].1, item));
                    }
                }
                link.split(shift);
            }
            match link {
                Link::Empty => {
                    let mut leaf = Vec::with_capacity(GROWTH);
                    leaf.push((hash, item));
                    *link = Link::Leaf(Arc::new(leaf));
                    break;
                }
                Link::Leaf(leaf) => {
                    let place = position(leaf, hash, &is);
                    let leaf = Arc::make_mut(leaf);
                    if let Some(place) = place {
                        return Some(mem::replace(&mut leaf[place].1, item));
                    }
                    if leaf.len() == leaf.capacity() {
                        // Beyond LEAF_MAX are only items of one hash, whose number has no bound.
                        leaf.reserve_exact(GROWTH.max(leaf.len().saturating_sub(LEAF_MAX)));
                    }
                    leaf.push((hash, item));
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

impl<I: Clone> Link<I> {
    fn split(&mut self, shift: u32) {
        if let Self::Leaf(leaf) = mem::replace(self, Self::Empty) {
            let mut leaves: [Vec<(u64, I)>; WIDTH] = Default::default();
            for (hash, item) in Arc::unwrap_or_clone(leaf) {
                leaves[slot(hash, shift)].push((hash, item));
            }
            *self = Self::Branch(Arc::new(leaves.map(|mut leaf| {
                leaf.shrink_to_fit();
                if leaf.is_empty() { Self::Empty } else { Self::Leaf(Arc::new(leaf)) }
            })));
        }
    }

    /// The depth is bounded by the bits of a hash.
    fn remove(&mut self, hash: u64, shift: u32, is: &impl Fn(&I) -> bool) -> Option<I> {
        match self {
            Self::Empty => None,
            Self::Leaf(leaf) => {
                let place = position(leaf, hash, is)?;
                let leaf = Arc::make_mut(leaf);
                let (_, removed) = leaf.swap_remove(place);
                if leaf.is_empty() {
                    *self = Self::Empty;
                } else if leaf.capacity() >= leaf.len() + 2 * GROWTH {
                    leaf.shrink_to(leaf.len() + GROWTH);
                }
                Some(removed)
            }
            Self::Branch(links) => {
                let links = Arc::make_mut(links);
                let link = &mut links[slot(hash, shift)];
                let removed = link.remove(hash, shift + BITS, is);
                if link.few() && links.iter().all(Self::few) {
                    self.join();
                }
                removed
            }
        }
    }

    fn few(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Leaf(leaf) => leaf.len() <= JOIN_MAX,
            Self::Branch(_) => false,
        }
    }

    /// Makes a leaf of a branch whose leaves are few enough.
    fn join(&mut self) {
        let Self::Branch(links) = self else { return };
        let count: usize =
            links.iter().map(|link| if let Self::Leaf(leaf) = link { leaf.len() } else { 0 }).sum();
        if count > JOIN_MAX {
            return;
        }
        let mut items = Vec::with_capacity(count);
        for link in Arc::make_mut(links) {
            if let Self::Leaf(leaf) = mem::replace(link, Self::Empty) {
                items.extend(Arc::unwrap_or_clone(leaf));
            }
        }
        *self = if items.is_empty() { Self::Empty } else { Self::Leaf(Arc::new(items)) };
    }
}

fn slot(hash: u64, shift: u32) -> usize {
    // Below the last bit of the hash no branch is made, see `split`.
    (hash.checked_shr(shift).unwrap_or(0) % WIDTH as u64) as usize
}

fn position<I>(leaf: &[(u64, I)], hash: u64, is: impl Fn(&I) -> bool) -> Option<usize> {
    leaf.iter().position(|(other, item)| *other == hash && is(item))
}

/// Items of a [`Trie`].
#[derive(Debug)]
pub(crate) struct Iter<'t, I> {
    above: Vec<slice::Iter<'t, Link<I>>>,
    links: slice::Iter<'t, Link<I>>,
    leaf: slice::Iter<'t, (u64, I)>,
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
            if let Some((_, item)) = self.leaf.next() {
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
        let mut trie = Trie::<Arc<u32>>::default();
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
