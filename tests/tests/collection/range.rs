//! Keys in their order.

use std::ops::Bound;
use std::sync::Arc;

use reloadable::{Store, View};

fn squares(is_ordered: bool) -> View<u32, u32> {
    let builder = Store::builder();
    let mut store = if is_ordered { builder.ordered().build() } else { builder.build() };
    let mut batch = store.batch();
    for number in (0..200).rev() {
        batch.upsert(number, Arc::new(number * number));
    }
    batch.publish();
    store.lister().snapshot()
}

#[test]
fn a_range_is_in_order_also_where_nothing_was_prepared_for_it() {
    for view in [squares(true), squares(false)] {
        let found: Vec<_> = view.range(10..14).map(|(key, square)| (*key, **square)).collect();
        assert_eq!(found, [(10, 100), (11, 121), (12, 144), (13, 169)]);
        let all: Vec<_> = view.range::<u32, _>(..).map(|(key, _)| *key).collect();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        let last: Vec<_> = view.range(197..=500).map(|(key, _)| *key).collect();
        assert_eq!(last, [197, 198, 199]);
    }
}

#[test]
#[allow(clippy::reversed_empty_ranges, reason = "that is what is tried here")]
fn a_reversed_range_is_empty() {
    for view in [squares(true), squares(false)] {
        assert_eq!(view.range(20..10).count(), 0);
        assert_eq!(view.range(20..20).count(), 0);
        assert_eq!(view.range((Bound::Excluded(20), Bound::Included(20))).count(), 0);
        assert_eq!(view.range((Bound::Excluded(20), Bound::Excluded(20))).count(), 0);
        assert_eq!(view.range((Bound::Excluded(199), Bound::Unbounded)).count(), 0);
        assert_eq!(view.range(500..).count(), 0);
    }
}

#[test]
fn a_range_of_texts_is_asked_with_borrowed_ones() {
    let mut store = Store::builder().ordered().build();
    crate::put(&mut store, [("b", crate::route("", &[])), ("c", crate::route("", &[]))]);
    let view = store.lister().snapshot();
    let from: (Bound<&str>, Bound<&str>) = (Bound::Excluded("b"), Bound::Unbounded);
    assert_eq!(crate::keys(view.range::<str, _>(from)), ["c"]);
}
