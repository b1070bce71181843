//! Lists that run through numbered places, as the slots of a table: each adds at its end and takes away anywhere at the
//! same cost, and allocates for neither.

const NONE: u32 = u32::MAX;

/// The highest number that a place may have.
pub(super) const HIGHEST: u32 = NONE - 1;

#[derive(Debug, Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

/// What leads from place to place. A place may be in one list of the same links at a time.
#[derive(Debug, Default)]
pub(super) struct Links {
    of: Vec<Link>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    first: u32,
    last: u32,
    len: usize,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn first(&self) -> Option<u32> {
        (self.first != NONE).then_some(self.first)
    }
}

impl Links {
    pub(super) fn push(&mut self, list: &mut List, place: u32) {
        if self.of.len() <= place as usize {
            self.of.resize(place as usize + 1, Link { before: NONE, after: NONE });
        }
        self.of[place as usize] = Link { before: list.last, after: NONE };
        match list.last {
            NONE => list.first = place,
            last => self.of[last as usize].after = place,
        }
        list.last = place;
        list.len += 1;
    }

    /// The place must be in this list.
    pub(super) fn remove(&mut self, list: &mut List, place: u32) {
        let Link { before, after } = self.of[place as usize];
        match before {
            NONE => list.first = after,
            before => self.of[before as usize].after = after,
        }
        match after {
            NONE => list.last = before,
            after => self.of[after as usize].before = before,
        }
        list.len -= 1;
    }

    pub(super) fn pop(&mut self, list: &mut List) -> Option<u32> {
        let first = list.first()?;
        self.remove(list, first);
        Some(first)
    }

    pub(super) fn iter(&self, list: &List) -> impl Iterator<Item = u32> {
        std::iter::successors(list.first(), |place| {
            let after = self.of[*place as usize].after;
            (after != NONE).then_some(after)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_leave_from_anywhere_and_the_others_keep_their_order() {
        let (mut links, mut list) = (Links::default(), List::default());
        for place in [3, 1, 4, 0, 5] {
            links.push(&mut list, place);
        }
        for (leaves, left) in [(4, vec![3, 1, 0, 5]), (3, vec![1, 0, 5]), (5, vec![1, 0])] {
            links.remove(&mut list, leaves);
            assert_eq!(links.iter(&list).collect::<Vec<_>>(), left);
            assert_eq!(list.len(), left.len());
        }
        links.push(&mut list, 3);
        assert_eq!(std::iter::from_fn(|| links.pop(&mut list)).collect::<Vec<_>>(), [1, 0, 3]);
        assert!(list.is_empty());
    }

    #[test]
    fn two_lists_share_their_links() {
        let mut links = Links::default();
        let (mut even, mut odd) = (List::default(), List::default());
        for place in 0..10 {
            links.push(if place % 2 == 0 { &mut even } else { &mut odd }, place);
        }
        assert_eq!(links.iter(&even).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
        assert_eq!(links.iter(&odd).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
    }
}
