//! What a batch changes, and when it is to be seen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use reloadable::{Lister, Store, View};

use crate::{Route, put, route};

#[test]
fn a_batch_is_seen_whole_and_not_before_it_is_published() {
    let mut store = Store::builder().build();
    let lister = store.lister();
    let mut batch = store.batch();
    assert_eq!(batch.upsert("a".to_owned(), route("a.example", &[])), None);
    assert_eq!(batch.upsert("b".to_owned(), route("b.example", &[])), None);
    assert_eq!(batch.get("a"), Some(&route("a.example", &[])));
    assert_eq!(lister.get("a"), None);
    assert!(lister.is_empty());
    batch.publish();
    assert_eq!(lister.get("a"), Some(route("a.example", &[])));
    assert_eq!((lister.len(), lister.list().len()), (2, 2));
}

#[test]
fn what_was_there_before_is_returned() {
    let mut store = Store::builder().build();
    put(&mut store, [("a", route("1", &[]))]);
    let mut batch = store.batch();
    assert_eq!(batch.upsert("a".to_owned(), route("2", &[])), Some(&route("1", &[])));
    assert_eq!(batch.upsert("a".to_owned(), route("3", &[])), Some(&route("2", &[])));
    assert_eq!(batch.remove("a"), Some(&route("3", &[])));
    assert_eq!(batch.remove("a"), None);
    assert_eq!(batch.upsert("a".to_owned(), route("4", &[])), None);
    batch.publish();
    assert_eq!(store.lister().get("a"), Some(route("4", &[])));
}

#[test]
fn what_is_dropped_or_panics_changes_nothing() {
    let mut store = Store::builder().build();
    put(&mut store, [("a", route("1", &[]))]);
    let mut batch = store.batch();
    batch.upsert("a".to_owned(), route("2", &[]));
    drop(batch);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let mut batch = store.batch();
        batch.remove("a");
        panic!("while a batch is open");
    }));
    assert!(ended.is_err());
    put(&mut store, [("b", route("3", &[]))]);
    let view = store.lister().snapshot();
    assert_eq!((view.len(), view.generation()), (2, 2));
    assert_eq!(view.get("a"), Some(&route("1", &[])));
}

#[test]
fn a_batch_that_changes_nothing_is_not_published() {
    let mut store = Store::builder().build();
    let object = route("1", &[]);
    put(&mut store, [("a", Arc::clone(&object))]);
    let mut batch = store.batch();
    assert!(batch.upsert("a".to_owned(), Arc::clone(&object)).is_some_and(|same| Arc::ptr_eq(same, &object)));
    assert_eq!(batch.remove("b"), None);
    batch.publish();
    assert_eq!(store.lister().snapshot().generation(), 1);
    put(&mut store, [("a", route("1", &[]))]);
    assert_eq!(store.lister().snapshot().generation(), 2, "an equal object is another one");
}

#[test]
fn what_is_removed_is_dropped_as_soon_as_nobody_has_it() {
    let mut store = Store::builder().index(&crate::by_host()).ordered().build();
    let lister = store.lister();
    for many in [1, 10_000] {
        let objects: Vec<_> = (0..many).map(|number| (number.to_string(), route("a.example", &[]))).collect();
        let weak: Vec<_> = objects.iter().map(|(_, object)| Arc::downgrade(object)).collect();
        let mut batch = store.batch();
        for (key, object) in objects {
            batch.upsert(key, object);
        }
        batch.publish();
        let view = lister.snapshot();
        let mut batch = store.batch();
        for number in 0..many {
            assert!(batch.remove(&number.to_string()).is_some());
        }
        batch.publish();
        let has = |weak: &std::sync::Weak<Route>| weak.strong_count() == 2;
        assert!(weak.iter().all(has), "the view has them, itself and under the index, and nobody else");
        drop(view);
        // The next batch begins with a clone where a view was in the way, and what it began with is gone.
        put(&mut store, [("other", route("", &[]))]);
        assert!(weak.iter().all(|weak| weak.strong_count() == 0));
        assert!(store.batch().remove("other").is_some());
    }
}

#[test]
fn a_batch_that_is_dropped_keeps_nothing() {
    let mut store = Store::builder().build();
    let object = route("1", &[]);
    let mut batch = store.batch();
    batch.upsert("a".to_owned(), Arc::clone(&object));
    drop(batch);
    assert_eq!(Arc::strong_count(&object), 1);
}

#[test]
fn the_store_need_not_outlive_its_readers() {
    let mut store = Store::builder().build();
    put(&mut store, [("a", route("1", &[]))]);
    let lister = store.lister();
    drop(store);
    assert_eq!(lister.get("a"), Some(route("1", &[])));
}

#[test]
fn nothing_of_an_object_is_shown() {
    let mut store = Store::builder().index(&crate::by_host()).build();
    put(&mut store, [("name", route("a secret", &[]))]);
    let lister = store.lister();
    let view = lister.snapshot();
    let shown = format!("{store:?} {lister:?} {view:?}");
    let shown = format!("{shown} {:?}", store.batch());
    assert!(shown.contains("len: 1") && !shown.contains("secret"), "{shown}");
}

#[test]
fn all_can_be_sent_and_shared() {
    fn check<A: Send + Sync + 'static>() {}
    check::<Store<String, Route>>();
    check::<Lister<String, Route>>();
    check::<View<String, Route>>();
    check::<reloadable::Index<Route, String>>();
}

#[test]
fn a_panicking_destructor_harms_nothing_else() {
    struct Loud(bool);
    impl Drop for Loud {
        fn drop(&mut self) {
            assert!(!self.0, "this one is loud");
        }
    }
    let mut store = Store::builder().build();
    let mut batch = store.batch();
    batch.upsert(1, Arc::new(Loud(true)));
    batch.upsert(2, Arc::new(Loud(false)));
    batch.publish();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let mut batch = store.batch();
        batch.upsert(1, Arc::new(Loud(false)));
        batch.publish();
    }));
    assert!(ended.is_err());
    assert_eq!(store.lister().snapshot().generation(), 2, "it was published before");
    let mut batch = store.batch();
    batch.upsert(3, Arc::new(Loud(false)));
    batch.publish();
    assert_eq!(store.lister().len(), 3);
}
