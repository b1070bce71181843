//! A sequence in the order of its keys, as a tree of wide nodes. Like the trie, its copies share what they have in common.

use std::borrow::Borrow;
use std::fmt::Debug;
use std::ops::Bound;
use std::sync::Arc;
use std::{iter, mem, slice};

/// A node with more is split in two.
const NODE_MAX: usize = 32;
/// A node with fewer is joined with one beside it, if both fit into one.
const NODE_MIN: usize = NODE_MAX / 4;

/// Something that has its place in the order by a key.
pub(crate) trait Ordered: Clone {
    type Key: Ord + Clone + Debug;

    fn key(&self) -> &Self::Key;
}

/// Items in the order of their keys, each key once.
#[derive(Debug, Clone)]
pub(crate) struct Sorted<I: Ordered> {
    root: Arc<Node<I>>,
}

#[derive(Debug, Clone)]
enum Node<I: Ordered> {
    Leaf(Vec<I>),
    Branch(Vec<Child<I>>),
}

#[derive(Debug, Clone)]
struct Child<I: Ordered> {
    /// No item of this child is below, and all of those before it are. A copy, since an item is held by its own place only.
    from: I::Key,
    node: Arc<Node<I>>,
}

impl<I: Ordered> Default for Sorted<I> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())) }
    }
}

impl<I: Ordered> Sorted<I> {
    /// Puts an item in, and returns the one whose place it took.
    pub(crate) fn insert(&mut self, item: I) -> Option<I> {
        let root = Arc::make_mut(&mut self.root);
        let (replaced, half) = root.insert(item);
        if let Some(half) = half {
            let first = mem::replace(root, Node::Leaf(Vec::new()));
            // Nobody looks at where the first child begins.
            let first = Child { from: half.from.clone(), node: Arc::new(first) };
            *root = Node::Branch(vec![first, half]);
        }
        replaced
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<I>
    where
        I::Key: Borrow<Q>,
    {
        let removed = Arc::make_mut(&mut self.root).remove(key);
        while let Node::Branch(children) = &*self.root {
            let [only] = children.as_slice() else { break };
            self.root = Arc::clone(&only.node);
        }
        removed
    }

    /// Returns the items within the bounds, in order; none where the bounds cross.
    pub(crate) fn range<Q: Ord + ?Sized>(&self, from: Bound<&Q>, to: Bound<&Q>) -> Range<'_, I>
    where
        I::Key: Borrow<Q>,
    {
        let mut range = Range { above: Vec::new(), leaf: [].iter(), last: self.root.last(to) };
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(items) => {
                    let skipped = items.partition_point(|item| !is_from(item.key().borrow(), from));
                    range.leaf = items[skipped..].iter();
                    break;
                }
                Node::Branch(children) => {
                    let place = match from {
                        Bound::Included(key) | Bound::Excluded(key) => child_of(children, key),
                        Bound::Unbounded => 0,
                    };
                    range.above.push(children[place + 1..].iter());
                    node = &children[place].node;
                }
            }
        }
        // Where the bounds cross, the last item is one that would never be met.
        if range.last.is_some_and(|last| !is_from(last.key().borrow(), from)) {
            range.last = None;
        }
        range
    }
}

fn is_from<Q: Ord + ?Sized>(key: &Q, from: Bound<&Q>) -> bool {
    match from {
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
        Bound::Unbounded => true,
    }
}

fn is_to<Q: Ord + ?Sized>(key: &Q, to: Bound<&Q>) -> bool {
    match to {
        Bound::Included(to) => key <= to,
        Bound::Excluded(to) => key < to,
        Bound::Unbounded => true,
    }
}

/// Returns which child has or would have this key.
fn child_of<I: Ordered, Q: Ord + ?Sized>(children: &[Child<I>], key: &Q) -> usize
where
    I::Key: Borrow<Q>,
{
    children[1..].partition_point(|child| child.from.borrow() <= key)
}

impl<I: Ordered> Node<I> {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(items) => items.len(),
            Self::Branch(children) => children.len(),
        }
    }

    /// Returns the item that was replaced, and the second half where the node was split.
    fn insert(&mut self, item: I) -> (Option<I>, Option<Child<I>>) {
        match self {
            Self::Leaf(items) => match items.binary_search_by(|other| other.key().cmp(item.key())) {
                Ok(place) => (Some(mem::replace(&mut items[place], item)), None),
                Err(place) => {
                    items.insert(place, item);
                    (None, self.split(place))
                }
            },
            Self::Branch(children) => {
                let place = child_of(children, item.key());
                let (replaced, half) = Arc::make_mut(&mut children[place].node).insert(item);
                let Some(half) = half else { return (replaced, None) };
                children.insert(place + 1, half);
                (replaced, self.split(place + 1))
            }
        }
    }

    /// Takes the second half away where there are too many. `place` is where the last one came in.
    fn split(&mut self, place: usize) -> Option<Child<I>> {
        let len = self.len();
        if len <= NODE_MAX {
            return None;
        }
        // What comes in order leaves full nodes behind.
        let middle = if place + 1 == len { NODE_MAX } else { len / 2 };
        Some(match self {
            Self::Leaf(items) => {
                let half = items.split_off(middle);
                Child { from: half[0].key().clone(), node: Arc::new(Self::Leaf(half)) }
            }
            Self::Branch(children) => {
                let half = children.split_off(middle);
                Child { from: half[0].from.clone(), node: Arc::new(Self::Branch(half)) }
            }
        })
    }

    fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<I>
    where
        I::Key: Borrow<Q>,
    {
        match self {
            Self::Leaf(items) => {
                let place = items.binary_search_by(|other| other.key().borrow().cmp(key)).ok()?;
                Some(items.remove(place))
            }
            Self::Branch(children) => {
                let place = child_of(children, key);
                let removed = Arc::make_mut(&mut children[place].node).remove(key)?;
                if children[place].node.len() < NODE_MIN {
                    join(children, place);
                }
                Some(removed)
            }
        }
    }

    /// Returns the last item within the bound. A child may have none within it although it begins there.
    fn last<Q: Ord + ?Sized>(&self, to: Bound<&Q>) -> Option<&I>
    where
        I::Key: Borrow<Q>,
    {
        match self {
            Self::Leaf(items) => {
                let count = items.partition_point(|item| is_to(item.key().borrow(), to));
                items[..count].last()
            }
            Self::Branch(children) => {
                let place = match to {
                    Bound::Included(key) | Bound::Excluded(key) => child_of(children, key),
                    Bound::Unbounded => children.len() - 1,
                };
                children[..=place].iter().rev().find_map(|child| child.node.last(to))
            }
        }
    }
}

/// Joins a child with the one before or after it, if both fit into one.
fn join<I: Ordered>(children: &mut Vec<Child<I>>, place: usize) {
    let fits = |first: usize| {
        children
            .get(first + 1)
            .is_some_and(|second| children[first].node.len() + second.node.len() <= NODE_MAX)
    };
    let Some(first) = [place.checked_sub(1), Some(place)].into_iter().flatten().find(|first| fits(*first))
    else {
        return;
    };
    let second = children.remove(first + 1);
    match (Arc::make_mut(&mut children[first].node), Arc::unwrap_or_clone(second.node)) {
        (Node::Leaf(items), Node::Leaf(more)) => items.extend(more),
        (Node::Branch(children), Node::Branch(more)) => children.extend(more),
        // All leaves are equally deep.
        (Node::Leaf(_), Node::Branch(_)) | (Node::Branch(_), Node::Leaf(_)) => {}
    }
}

/// Items of a [`Sorted`].
#[derive(Debug)]
pub(crate) struct Range<'s, I: Ordered> {
    above: Vec<slice::Iter<'s, Child<I>>>,
    leaf: slice::Iter<'s, I>,
    last: Option<&'s I>,
}

impl<I: Ordered> Default for Range<'_, I> {
    fn default() -> Self {
        Self { above: Vec::new(), leaf: [].iter(), last: None }
    }
}

impl<'s, I: Ordered> Iterator for Range<'s, I> {
    type Item = &'s I;

    fn next(&mut self) -> Option<&'s I> {
        let last = self.last?;
        loop {
            if let Some(item) = self.leaf.next() {
                if std::ptr::eq(item, last) {
                    self.last = None;
                }
                return Some(item);
            }
            let Some(child) = self.above.last_mut()?.next() else {
                self.above.pop();
                continue;
            };
            match &*child.node {
                Node::Leaf(items) => self.leaf = items.iter(),
                Node::Branch(children) => self.above.push(children.iter()),
            }
        }
    }
}

impl<I: Ordered> iter::FusedIterator for Range<'_, I> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Ordered for (u32, u32) {
        type Key = u32;

        fn key(&self) -> &u32 {
            &self.0
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u32),
        Remove(u32),
        RemoveBetween(u32, u32),
        Hold,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            20 => (0..2_000_u32).prop_map(Step::Insert),
            10 => (0..2_000_u32).prop_map(Step::Remove),
            1 => (0..2_000_u32, 0..500_u32).prop_map(|(from, many)| Step::RemoveBetween(from, from + many)),
            1 => Just(Step::Hold),
        ];
        proptest::collection::vec(step, 0..2_000)
    }

    fn bound(kind: u8, key: &u32) -> Bound<&u32> {
        match kind % 3 {
            0 => Bound::Included(key),
            1 => Bound::Excluded(key),
            _ => Bound::Unbounded,
        }
    }

    fn is_within(key: u32, from: Bound<&u32>, to: Bound<&u32>) -> bool {
        is_from(&key, from) && is_to(&key, to)
    }

    /// The number of items below it, with whether all leaves are equally deep.
    fn depth(node: &Node<(u32, u32)>) -> usize {
        assert!(node.len() <= NODE_MAX);
        match node {
            Node::Leaf(_) => 0,
            Node::Branch(children) => {
                let depths: Vec<_> = children.iter().map(|child| depth(&child.node)).collect();
                assert!(depths.windows(2).all(|pair| pair[0] == pair[1]), "{depths:?}");
                depths[0] + 1
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn it_is_an_ordered_map_and_its_copies_never_change(
            ascending in 0..2_000_u32,
            steps in steps(),
            ranges in proptest::collection::vec((any::<u8>(), 0..2_000_u32, any::<u8>(), 0..2_000_u32), 20),
        ) {
            let mut sorted = Sorted::default();
            let mut model = BTreeMap::new();
            let mut held = Vec::new();
            let first = (0..ascending).map(Step::Insert);
            for (number, step) in (0_u32..).zip(first.chain(steps)) {
                match step {
                    Step::Insert(key) => {
                        let replaced = sorted.insert((key, number));
                        prop_assert_eq!(replaced.map(|item| item.1), model.insert(key, number));
                    }
                    Step::Remove(key) => {
                        prop_assert_eq!(sorted.remove(&key).map(|item| item.1), model.remove(&key));
                    }
                    Step::RemoveBetween(from, to) => {
                        for key in from..to {
                            prop_assert_eq!(sorted.remove(&key).map(|item| item.1), model.remove(&key));
                        }
                    }
                    Step::Hold => held.push((sorted.clone(), model.clone())),
                }
            }
            held.push((sorted, model));
            for (sorted, model) in held {
                depth(&sorted.root);
                for (from_kind, from, to_kind, to) in &ranges {
                    let (from, to) = (bound(*from_kind, from), bound(*to_kind, to));
                    let found: Vec<_> = sorted.range(from, to).copied().collect();
                    let known: Vec<_> = model.iter().map(|(key, value)| (*key, *value))
                        .filter(|(key, _)| is_within(*key, from, to))
                        .collect();
                    prop_assert_eq!(found, known);
                }
                let all = sorted.range::<u32>(Bound::Unbounded, Bound::Unbounded);
                prop_assert_eq!(all.count(), model.len());
            }
        }
    }

    #[test]
    fn what_was_emptied_is_one_leaf() {
        let mut sorted = Sorted::default();
        for key in 0..10_000 {
            sorted.insert((key, 0));
        }
        assert!(depth(&sorted.root) > 1);
        for key in (0..10_000).rev() {
            assert!(sorted.remove(&key).is_some());
        }
        assert!(matches!(&*sorted.root, Node::Leaf(items) if items.is_empty()));
    }
}
