//! What is held, and what that costs.

use std::sync::Arc;

use allocation_counter::measure;
use reloadable::Store;

const MANY: u64 = 100_000;

fn filled() -> Store<u64, u64> {
    let mut store = Store::builder().ordered().build();
    let mut batch = store.batch();
    for number in 0..MANY {
        batch.upsert(number, Arc::new(number));
    }
    assert_eq!(batch.publish(), []);
    store
}

fn update(store: &mut Store<u64, u64>, number: u64) {
    let mut batch = store.batch();
    batch.upsert(number, Arc::new(number + MANY));
    batch.publish();
}

#[test]
fn a_held_view_costs_what_has_changed_since() {
    let mut store = filled();
    let view = store.lister().snapshot();
    let single = measure(|| update(&mut store, 7));
    assert!((1..40_000).contains(&single.bytes_current), "{single:?}");
    let more = measure(|| (0..1_000).for_each(|number| update(&mut store, number * 97)));
    assert!(more.bytes_current < 5_000_000, "{more:?}");
    assert!(view.iter().all(|(key, number)| *key == **number), "what is held does not change");
    let freed = measure(|| drop(view));
    assert!(freed.bytes_current < 0, "{freed:?}");
}

/// Once everything was touched, nothing more is copied: neither time nor memory grow with the number of batches.
#[test]
fn updates_leave_memory_where_it_was() {
    let mut store = filled();
    let all = |store: &mut Store<u64, u64>| (0..MANY).step_by(7).for_each(|number| update(store, number));
    all(&mut store);
    let again = measure(|| all(&mut store));
    assert!(again.bytes_current.abs() < 100_000, "{again:?}");
    let single = measure(|| update(&mut store, 7));
    assert!(single.bytes_max < 2_000, "what nobody else has is changed in place: {single:?}");
}

#[test]
fn a_list_in_which_nothing_changed_allocates_nothing() {
    let mut store = filled();
    let objects = store.lister().list();
    let again = measure(|| {
        let mut batch = store.batch();
        for object in &objects {
            batch.upsert(**object, Arc::clone(object));
        }
        batch.publish();
    });
    assert!(again.bytes_max < 2_000, "{again:?}");
}

#[test]
fn a_big_store_is_dropped_on_a_small_stack() {
    let dropping = std::thread::Builder::new().stack_size(64 * 1024).spawn(|| {
        let store = filled();
        let view = store.lister().snapshot();
        drop(store);
        drop(view);
    });
    dropping.expect("a thread starts").join().expect("the stack is enough");
}
