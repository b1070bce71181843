//! How few elements of a keyed list are said to have moved.

use proptest::prelude::*;
use reloadable::{Changes, Diff, Keyed, Order};

/// The length of the longest increasing subsequence, by trying all subsequences.
fn longest(numbers: &[u8]) -> usize {
    (0..1_u32 << numbers.len())
        .filter(|choice| {
            let chosen = (0..numbers.len()).filter(|nth| choice & (1 << nth) != 0);
            chosen.map(|nth| numbers[nth]).is_sorted()
        })
        .map(|choice| choice.count_ones() as usize)
        .max()
        .unwrap_or(0)
}

proptest! {
    #[test]
    fn as_few_elements_move_as_can_be(new in Just((0..8_u8).collect::<Vec<_>>()).prop_shuffle()) {
        let old: Vec<u8> = (0..8).collect();
        let moved = old.keyed_diff(&new, |number| number.value(), Order::Kept).map_or(0, |changes| {
            assert!(changes.modified.is_empty() && changes.added.is_empty() && changes.removed.is_empty());
            changes.moved.len()
        });
        prop_assert_eq!(moved, new.len() - longest(&new));
    }
}

#[test]
fn a_long_list_turned_round_is_done_in_an_instant() {
    let old: Vec<u32> = (0..100_000).collect();
    let new: Vec<u32> = old.iter().rev().copied().collect();
    let changes = old.keyed_diff(&new, |number| number.value(), Order::Kept);
    assert_eq!(changes.map(|changes| changes.entries().len()), Some(99_999));
}
