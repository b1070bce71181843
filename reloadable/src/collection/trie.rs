//! A map by hash whose copies share what they have in common. What one copy alone owns is changed in place; what another
//! one shares is copied first, from the root to the leaf and nothing beside it.
//!
//! Items stand in the leaves themselves: whoever finds one has it at hand, and only the root and two branches, which are
//! small, are on the way.

use std::hint::black_box;
use std::sync::Arc;
use std::{iter, mem, slice};

/// Branches look at so many bits of the hash, from the highest on: the upper two at many, since few steps lead through them
/// to up to 200,000 items; those below at few, since a leaf that is split must not become many that are nearly empty.
const UPPER_BITS: u32 = 6;
const UPPER: u32 = 2 * UPPER_BITS;
const LOWER_BITS: u32 = 3;
/// A leaf has at least so many places.
const LEAF_MIN: usize = 4;
/// A leaf with so many items becomes a branch when another one comes, while there are bits of the hash left.
const LEAF_MAX: usize = 47;
/// A branch with so few items becomes a leaf; far fewer than a leaf may have, so that none is split and joined by turns.
const JOIN_MAX: usize = LEAF_MAX / 6;

/// Something that has its place by a hash, which never changes.
pub(crate) trait Hashed {
    fn hash(&self) -> u32;

    /// Looks at what a clone will count up.
    fn look(&self) -> usize;
}

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
type Places<I> = Arc<[Option<I>]>;

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

    /// Returns all items, in the order of the upper bits of their hashes.
    pub(crate) fn iter(&self) -> Iter<'_, I> {
        Iter { above: Vec::new(), links: slice::from_ref(&self.root).iter(), leaf: [].iter() }
    }
}

impl<I: Hashed> Trie<I> {
    pub(crate) fn get(&self, hash: u32, is: impl Fn(&I) -> bool) -> Option<&I> {
        let (places, shift) = self.leaf(hash);
        let (before, from) = places.split_at(home(places, hash, shift));
        for place in from.iter().chain(before) {
            let item = place.as_ref()?;
            if item.hash() == hash && is(item) {
                return Some(item);
            }
        }
        None
    }

    /// Returns all items with this hash.
    pub(crate) fn with_hash(&self, hash: u32) -> impl Iterator<Item = &I> {
        let (places, shift) = self.leaf(hash);
        probe(places, hash, shift).map(|(_, item)| item).filter(move |item| item.hash() == hash)
    }

    fn leaf(&self, hash: u32) -> (&[Option<I>], u32) {
        let mut link = &self.root;
        let mut shift = 0;
        loop {
            match link {
                Link::Empty => return (&[], shift),
                Link::Leaf(places, _) => return (places, shift),
                Link::Branch(links) => {
                    link = &links[slot(links.len(), hash, shift)];
                    shift += bits(shift);
                }
            }
        }
    }
}

impl<I: Hashed + Clone> Trie<I> {
    pub(crate) fn get_mut(&mut self, hash: u32, is: impl Fn(&I) -> bool) -> Option<&mut I> {
        let mut link = &mut self.root;
        let mut shift = 0;
        loop {
            match link {
                Link::Empty => return None,
                Link::Leaf(places, _) => {
                    let found = find(places, hash, shift, is)?;
                    return own(places, look)[found].as_mut();
                }
                Link::Branch(links) => {
                    let at = slot(links.len(), hash, shift);
                    link = &mut own(links, Link::look)[at];
                    shift += bits(shift);
                }
            }
        }
    }

    /// Puts an item in that is not there.
    pub(crate) fn insert(&mut self, item: I) {
        let hash = item.hash();
        let mut link = &mut self.root;
        let mut shift = 0;
        loop {
            if let Link::Leaf(places, len) = link {
                if *len as usize >= LEAF_MAX && shift < u32::BITS {
                    link.split(shift);
                } else if is_full(places, *len) {
                    // By a quarter, since the size of an item and the free places beside it count more than the moves.
                    *places = moved(places, places.len() * 5 / 4 + 1, shift);
                }
            }
            match link {
                Link::Empty => {
                    *link = Link::leaf(vec![item], shift);
                    break;
                }
                Link::Leaf(places, len) => {
                    put(own(places, look), item, shift);
                    *len += 1;
                    break;
                }
                Link::Branch(links) => {
                    let at = slot(links.len(), hash, shift);
                    link = &mut own(links, Link::look)[at];
                    shift += bits(shift);
                }
            }
        }
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, hash: u32, is: impl Fn(&I) -> bool) -> Option<I> {
        // What is not there must not cost the copy of a path.
        self.get(hash, &is)?;
        let removed = self.root.remove(hash, 0, &is)?;
        self.len -= 1;
        Some(removed)
    }
}

impl<I: Hashed + Clone> Link<I> {
    fn split(&mut self, shift: u32) {
        let Self::Leaf(places, _) = self else { return };
        let mut parts: Vec<Vec<I>> = Vec::new();
        parts.resize_with(1 << bits(shift), Vec::new);
        for item in emptied(places) {
            let at = slot(parts.len(), item.hash(), shift);
            parts[at].push(item);
        }
        let below = shift + bits(shift);
        *self = Self::Branch(parts.into_iter().map(|part| Self::leaf(part, below)).collect());
    }

    fn leaf(items: Vec<I>, shift: u32) -> Self {
        if items.is_empty() {
            return Self::Empty;
        }
        let mut places = free((items.len() * 3 / 2).max(LEAF_MIN));
        let len = items.len() as u32;
        for item in items {
            put(&mut places, item, shift);
        }
        Self::Leaf(places.into(), len)
    }

    /// The depth is bounded by the bits of a hash.
    fn remove(&mut self, hash: u32, shift: u32, is: &impl Fn(&I) -> bool) -> Option<I> {
        match self {
            Self::Empty => None,
            Self::Leaf(places, len) => {
                let found = find(places, hash, shift, is)?;
                let removed = take(own(places, look), found, shift)?;
                *len -= 1;
                if *len == 0 {
                    *self = Self::Empty;
                } else if places.len() > LEAF_MIN && *len as usize <= places.len() / 4 {
                    *places = moved(places, (places.len() / 2).max(LEAF_MIN), shift);
                }
                Some(removed)
            }
            Self::Branch(links) => {
                let at = slot(links.len(), hash, shift);
                let link = &mut own(links, Link::look)[at];
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
        for link in own(links, Link::look) {
            if let Self::Leaf(places, _) = link {
                items.extend(emptied(places));
            }
        }
        *self = Self::leaf(items, shift);
    }
}

impl<I> Link<I> {
    fn look(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Leaf(places, _) => Arc::strong_count(places),
            Self::Branch(links) => Arc::strong_count(links),
        }
    }
}

fn look<I: Hashed>(place: &Option<I>) -> usize {
    place.as_ref().map_or(0, I::look)
}

/// Returns a node to be changed; a copy, where another one shares it.
fn own<P: Clone>(node: &mut Arc<[P]>, look: impl Fn(&P) -> usize) -> &mut [P] {
    if Arc::strong_count(node) > 1 {
        // To count one up, the processor waits until it has it from memory; merely to look at several, it fetches all at once.
        black_box(node.iter().map(look).sum::<usize>());
    }
    Arc::make_mut(node)
}

/// Returns how many bits the branch looks at that begins with this one.
fn bits(shift: u32) -> u32 {
    if shift < UPPER { UPPER_BITS } else { LOWER_BITS }
}

/// Returns which of so many it is by the bits from this one on. It need not be a power of two.
fn slot(many: usize, hash: u32, shift: u32) -> usize {
    // Behind the last bit all are the same, and no branch is made there.
    let rest = hash.checked_shl(shift).unwrap_or(0);
    ((u64::from(rest) * many as u64) >> u32::BITS) as usize
}

/// Returns in which place of a leaf an item is looked for first.
fn home<I>(places: &[Option<I>], hash: u32, shift: u32) -> usize {
    slot(places.len(), hash, shift)
}

/// Four of five places are taken at most, or so many would have to be looked at that it takes longer than a branch.
fn is_full<I>(places: &[Option<I>], len: u32) -> bool {
    len as usize >= places.len() * 4 / 5
}

/// Goes through the taken places from the one that the hash says up to the first free one.
fn probe<I>(places: &[Option<I>], hash: u32, shift: u32) -> impl Iterator<Item = (usize, &I)> {
    let first = home(places, hash, shift);
    let (before, from) = places.split_at(first);
    let probed = from.iter().chain(before).zip((first..places.len()).chain(0..first));
    probed.map_while(|(place, at)| place.as_ref().map(|item| (at, item)))
}

fn find<I: Hashed>(places: &[Option<I>], hash: u32, shift: u32, is: impl Fn(&I) -> bool) -> Option<usize> {
    probe(places, hash, shift).find(|(_, item)| item.hash() == hash && is(item)).map(|(at, _)| at)
}

fn free<I>(places: usize) -> Vec<Option<I>> {
    iter::repeat_with(|| None).take(places).collect()
}

/// Puts an item that is not there into a leaf that is not full.
fn put<I: Hashed>(places: &mut [Option<I>], item: I, shift: u32) {
    let first = home(places, item.hash(), shift);
    let (before, from) = places.split_at_mut(first);
    if let Some(place) = from.iter_mut().chain(before).find(|place| place.is_none()) {
        *place = Some(item);
    }
}

/// Takes an item out, and those behind it again to where they belong, so that there is no free place before any.
fn take<I: Hashed>(places: &mut [Option<I>], found: usize, shift: u32) -> Option<I> {
    let removed = places[found].take()?;
    let mut at = (found + 1) % places.len();
    while let Some(item) = places[at].take() {
        put(places, item, shift);
        at = (at + 1) % places.len();
    }
    Some(removed)
}

/// Returns a leaf with the same items and so many places.
fn moved<I: Hashed + Clone>(places: &mut Places<I>, many: usize, shift: u32) -> Places<I> {
    let mut more = free(many);
    for item in emptied(places) {
        put(&mut more, item, shift);
    }
    more.into()
}

/// Takes the items out of a leaf that is about to go, or clones them where somebody else has it too.
fn emptied<I: Hashed + Clone>(places: &mut Places<I>) -> impl Iterator<Item = I> {
    own(places, look).iter_mut().filter_map(Option::take)
}

/// Items of a [`Trie`].
#[derive(Debug)]
pub(crate) struct Iter<'t, I> {
    above: Vec<slice::Iter<'t, Link<I>>>,
    links: slice::Iter<'t, Link<I>>,
    leaf: slice::Iter<'t, Option<I>>,
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
            if let Some(item) = self.leaf.find_map(Option::as_ref) {
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

    type Pairs = Trie<Pair>;

    #[derive(Debug, Clone)]
    struct Pair {
        hash: u32,
        key: u32,
        value: u32,
    }

    impl Hashed for Pair {
        fn hash(&self) -> u32 {
            self.hash
        }

        fn look(&self) -> usize {
            0
        }
    }

    fn put(trie: &mut Pairs, hash: u32, key: u32, value: u32) -> Option<u32> {
        if let Some(item) = trie.get_mut(hash, |item| item.key == key) {
            return Some(mem::replace(&mut item.value, value));
        }
        trie.insert(Pair { hash, key, value });
        None
    }

    fn pairs(trie: &Pairs) -> BTreeMap<u32, u32> {
        let pairs: BTreeMap<_, _> = trie.iter().map(|item| (item.key, item.value)).collect();
        assert_eq!(pairs.len(), trie.iter().count());
        assert_eq!(pairs.len(), trie.len());
        pairs
    }

    /// Hashes that are spread, that share their lowest or highest bits, or that are all the same.
    fn hash(kind: u32, key: u32) -> u32 {
        match kind {
            0 => key.wrapping_mul(0x9e37_79b9),
            1 => key << 24,
            2 => key % 3,
            _ => u32::MAX,
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
                        let removed = trie.remove(hash(kind, key), |item| item.key == key);
                        prop_assert_eq!(removed.map(|item| item.value), model.remove(&key));
                    }
                    Step::Edit(key) => {
                        let found = trie.get_mut(hash(kind, key), |item| item.key == key);
                        let known = model.get_mut(&key);
                        prop_assert_eq!(found.is_some(), known.is_some());
                        if let (Some(found), Some(known)) = (found, known) {
                            found.value = number;
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
                    let found = trie.get(hash(kind, key), |item| item.key == key);
                    prop_assert_eq!(found.map(|item| &item.value), model.get(&key));
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
            assert!(trie.remove(hash(0, key), |item| item.key == key).is_some());
        }
        assert_eq!(trie.len(), 0);
        assert!(matches!(trie.root, Link::Empty), "no branch is left");
    }

    #[test]
    fn one_path_is_copied_where_a_copy_is_held() {
        #[derive(Clone)]
        struct Counted(u32, Arc<()>);
        impl Hashed for Counted {
            fn hash(&self) -> u32 {
                self.0
            }

            fn look(&self) -> usize {
                Arc::strong_count(&self.1)
            }
        }
        let mut trie: Trie<Counted> = Trie::default();
        for key in 0..10_000 {
            trie.insert(Counted(hash(0, key), Arc::default()));
        }
        let held = trie.clone();
        let item = trie.get_mut(hash(0, 77), |_| true).expect("it was put in");
        item.1 = Arc::default();
        let copied = held.iter().filter(|item| Arc::strong_count(&item.1) > 1).count();
        assert!((1..=LEAF_MAX).contains(&copied), "{copied} items were copied");
        drop(held);
        assert!(trie.iter().all(|item| Arc::strong_count(&item.1) == 1));
    }

    #[test]
    fn most_places_are_taken() {
        let mut trie = Pairs::default();
        let mut places = Vec::new();
        for key in 0..100_000 {
            put(&mut trie, hash(0, key), key, key);
            if key % 10_000 == 9_999 {
                places.push(trie.root.places() as f64 / f64::from(key + 1));
            }
        }
        assert!(places[1..].iter().all(|share| *share < 1.6), "{places:?}");
    }

    impl Link<Pair> {
        fn places(&self) -> usize {
            match self {
                Self::Empty => 0,
                Self::Leaf(places, _) => places.len(),
                Self::Branch(links) => links.iter().map(Self::places).sum(),
            }
        }
    }
}
