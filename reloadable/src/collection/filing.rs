//! Under which values of which indexes an object is filed, as one small number for all objects that are filed alike.

use std::collections::HashMap;
use std::sync::Arc;

/// Fewer than so many are never looked through for those that nobody needs any more.
const SWEPT_MIN: usize = 64;

/// One value of one index: the number of the index, the hash of the value, and which one it is of those with this hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) index: u32,
    pub(crate) number: u32,
    pub(crate) value: u64,
}

/// Where one object is filed: a number that [`Filings`] knows, and whether another object may have the same hash as this one.
/// In one word, since each object has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Filed(u32);

/// The bit of a [`Filed`] that says so.
const TWIN: u32 = 1 << 31;

impl Filed {
    fn number(self) -> usize {
        (self.0 & !TWIN) as usize
    }

    pub(crate) fn is_twin(self) -> bool {
        self.0 & TWIN != 0
    }

    /// Once said, it stays so: it only costs whoever finds the object one more look.
    pub(crate) fn twin(self) -> Self {
        Self(self.0 | TWIN)
    }

    /// Returns this as the filing of an object that was filed otherwise until now.
    pub(crate) fn instead_of(self, old: Self) -> Self {
        Self(self.0 | (old.0 & TWIN))
    }
}

/// All ways in which objects are filed. Only the writer has it: what is filed is taken out again without asking the function
/// of the index, which may no longer give the same answer.
#[derive(Debug)]
pub(crate) struct Filings {
    /// The first is that of an object which is filed nowhere.
    all: Vec<Arc<[Place]>>,
    numbers: HashMap<Arc<[Place]>, u32>,
    free: Vec<u32>,
    /// With so many it is time to look which of them are still needed.
    full: usize,
}

impl Default for Filings {
    fn default() -> Self {
        Self { all: vec![Arc::default()], numbers: HashMap::new(), free: Vec::new(), full: SWEPT_MIN }
    }
}

impl Filings {
    /// Returns where it is filed, in order.
    pub(crate) fn places(&self, filed: Option<Filed>) -> &[Place] {
        filed.and_then(|filed| self.all.get(filed.number())).map_or(&[], |places| places)
    }

    /// Returns the number for places, which are in order. The old one of an object is most often also its new one.
    pub(crate) fn filed(&mut self, places: &[Place], old: Filed) -> Filed {
        if self.places(Some(old)) == places {
            return old;
        }
        if places.is_empty() {
            return Filed::default();
        }
        if let Some(number) = self.numbers.get(places) {
            return Filed(*number);
        }
        let places: Arc<[Place]> = places.into();
        let number = self.free.pop().unwrap_or(self.all.len() as u32);
        match self.all.get_mut(number as usize) {
            Some(place) => *place = Arc::clone(&places),
            None => self.all.push(Arc::clone(&places)),
        }
        self.numbers.insert(places, number);
        Filed(number)
    }

    /// Tells whether there may be many that nobody needs any more.
    pub(crate) fn is_full(&self) -> bool {
        self.numbers.len() >= self.full
    }

    /// Forgets all others than these.
    pub(crate) fn keep(&mut self, needed: impl Iterator<Item = Filed>) {
        let mut is_needed = vec![false; self.all.len()];
        needed.for_each(|filed| is_needed[filed.number()] = true);
        let Self { all, numbers, free, .. } = self;
        numbers.retain(|_, number| {
            let is_needed = is_needed[*number as usize];
            if !is_needed {
                all[*number as usize] = Arc::default();
                free.push(*number);
            }
            is_needed
        });
        self.full = SWEPT_MIN.max(numbers.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(value: u64) -> Place {
        Place { index: 0, number: 0, value }
    }

    #[test]
    fn what_is_filed_alike_has_one_number() {
        let mut filings = Filings::default();
        let one = filings.filed(&[place(1)], Filed::default());
        let two = filings.filed(&[place(1), place(2)], one);
        assert_ne!(one, two);
        assert_eq!(filings.filed(&[place(1)], Filed::default()), one);
        assert_eq!(filings.filed(&[place(1)], two), one);
        assert_eq!(filings.filed(&[place(1)], one.twin()), one.twin());
        assert_eq!(filings.places(Some(two.twin())), [place(1), place(2)]);
        assert_eq!(filings.filed(&[], two), Filed::default());
        assert_eq!(filings.places(Some(Filed::default())), []);
    }

    #[test]
    fn numbers_that_nobody_needs_are_given_again() {
        let mut filings = Filings::default();
        let kept = filings.filed(&[place(0)], Filed::default());
        for value in 1..10_000 {
            filings.filed(&[place(value)], Filed::default());
            if filings.is_full() {
                filings.keep([kept, Filed::default()].into_iter());
            }
        }
        assert!(filings.all.len() <= SWEPT_MIN + 1, "{}", filings.all.len());
        assert_eq!(filings.places(Some(kept)), [place(0)]);
        assert_eq!(filings.filed(&[place(0)], Filed::default()), kept);
    }
}
