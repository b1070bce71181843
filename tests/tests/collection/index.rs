//! Objects are found by what an index makes of them.

use std::ops::Bound;
use std::sync::Arc;

use reloadable::{Index, Store};

use crate::{Route, by_host, by_tag, keys, put, route};

#[test]
fn an_object_is_found_by_each_of_its_values() {
    let (by_host, by_tag) = (by_host(), by_tag());
    let mut store = Store::builder().index(&by_host).index(&by_tag).build();
    put(
        &mut store,
        [
            ("a", route("x.example", &[1, 2])),
            ("b", route("x.example", &[2, 2])),
            ("c", route("y.example", &[])),
        ],
    );
    let view = store.lister().snapshot();
    assert_eq!(keys(view.by_index(&by_host, "x.example")), ["a", "b"]);
    assert_eq!(keys(view.by_index(&by_tag, &1)), ["a"]);
    assert_eq!(keys(view.by_index(&by_tag, &2)), ["a", "b"]);
    assert_eq!(keys(view.by_index(&by_tag, &3)), [""; 0]);
    assert_eq!(store.lister().by_index(&by_host, "y.example"), [route("y.example", &[])]);
}

#[test]
fn values_follow_the_object() {
    let by_tag = by_tag();
    let mut store = Store::builder().index(&by_tag).build();
    put(&mut store, [("a", route("", &[1, 2])), ("b", route("", &[2]))]);
    let before = store.lister().snapshot();
    put(&mut store, [("a", route("", &[2, 3]))]);
    let mut batch = store.batch();
    batch.remove("b");
    batch.publish();
    let view = store.lister().snapshot();
    assert_eq!(keys(view.by_index(&by_tag, &1)), [""; 0]);
    assert_eq!(keys(view.by_index(&by_tag, &2)), ["a"]);
    assert_eq!(keys(view.by_index(&by_tag, &3)), ["a"]);
    assert!(view.by_index(&by_tag, &2).all(|(_, found)| *found == route("", &[2, 3])));
    assert_eq!(keys(before.by_index(&by_tag, &2)), ["a", "b"]);
}

#[test]
fn an_index_that_was_not_declared_gives_the_same_answer() {
    let (declared, other) = (by_tag(), by_tag());
    let mut store = Store::builder().index(&declared).build();
    put(&mut store, [("a", route("", &[1, 2])), ("b", route("", &[2]))]);
    let view = store.lister().snapshot();
    for value in 0..4 {
        assert_eq!(keys(view.by_index(&declared, &value)), keys(view.by_index(&other, &value)), "{value}");
    }
    assert_eq!(keys(view.by_index(&declared.clone(), &2)), ["a", "b"]);
}

/// An answer that was wrong once must not leave the object under what it no longer has.
#[test]
fn a_function_that_changes_its_mind_leaves_nothing_behind() {
    let calls = std::sync::atomic::AtomicU32::new(0);
    let fickle =
        Index::new("fickle", move |_: &Route| [calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed)]);
    let mut store = Store::builder().index(&fickle).build();
    for _ in 0..10 {
        put(&mut store, [("a", route("", &[]))]);
    }
    let view = store.lister().snapshot();
    let found: Vec<_> = (0..20).filter(|value| view.by_index(&fickle, value).count() > 0).collect();
    assert_eq!(found, [9]);
}

#[test]
fn a_function_that_panics_keeps_an_object_out_of_its_index_only() {
    let panicking = Index::new("tags", |route: &Route| {
        let tags = route.tags.clone();
        tags.into_iter().inspect(|tag| assert!(*tag != 13, "a secret"))
    });
    let by_host = by_host();
    let mut store = Store::builder().index(&panicking).index(&by_host).build();
    put(&mut store, [("a", route("x", &[1])), ("b", route("x", &[1]))]);
    let mut batch = store.batch();
    batch.upsert("a".to_owned(), route("x", &[1, 13]));
    batch.upsert("c".to_owned(), route("x", &[1]));
    let faults = batch.publish();
    let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["object \"a\" is not under index `tags`: its function panicked"]);
    assert_eq!((faults[0].key().as_str(), faults[0].index()), ("a", "tags"));
    let view = store.lister().snapshot();
    assert_eq!(view.get("a"), Some(&route("x", &[1, 13])));
    assert_eq!(keys(view.by_index(&panicking, &1)), ["b", "c"]);
    assert_eq!(keys(view.by_index(&by_host, "x")), ["a", "b", "c"]);
    put(&mut store, [("a", route("x", &[1, 2]))]);
    assert_eq!(keys(store.lister().snapshot().by_index(&panicking, &1)), ["a", "b", "c"]);
}

#[test]
fn an_object_may_have_very_many_values() {
    let by_tag = by_tag();
    let mut store = Store::builder().index(&by_tag).build();
    let many: Vec<_> = (0..20_000).collect();
    put(&mut store, [("a", route("", &many)), ("b", route("", &many[..10]))]);
    put(&mut store, [("a", route("", &many[5_000..]))]);
    let view = store.lister().snapshot();
    assert_eq!(keys(view.by_index(&by_tag, &4)), ["b"]);
    assert_eq!(keys(view.by_index(&by_tag, &19_999)), ["a"]);
    let found = (0..20_000).filter(|tag| view.by_index(&by_tag, tag).count() > 0).count();
    assert_eq!(found, 15_010);
}

#[test]
#[allow(clippy::reversed_empty_ranges, reason = "that is what is tried here")]
fn a_range_of_values_is_in_their_order() {
    let (declared, other, by_host) = (by_tag(), by_tag(), by_host());
    let mut store = Store::builder().index(&declared).index(&by_host).build();
    put(&mut store, [("a", route("x", &[30, 10])), ("b", route("z", &[20, 20])), ("c", route("y", &[]))]);
    put(&mut store, [("d", route("y", &[40])), ("b", route("z", &[25]))]);
    let view = store.lister().snapshot();
    for index in [&declared, &other] {
        let found =
            |found: Vec<_>| found.into_iter().map(|(key, _): (&String, _)| key.clone()).collect::<String>();
        assert_eq!(found(view.index_range::<_, u32, _>(index, ..).collect()), "abad");
        assert_eq!(found(view.index_range(index, 10..25).collect()), "a");
        assert_eq!(found(view.index_range(index, 25..=30).collect()), "ba");
        assert_eq!(found(view.index_range(index, 31..).collect()), "d");
        assert_eq!(found(view.index_range(index, 30..10).collect()), "");
    }
    let from: (Bound<&str>, Bound<&str>) = (Bound::Excluded("x"), Bound::Unbounded);
    let hosts: Vec<_> =
        view.index_range::<_, str, _>(&by_host, from).map(|(_, route)| &*route.host).collect();
    assert_eq!(hosts, ["y", "y", "z"]);
}

/// Objects are told apart by their keys, not by what they are: one object may be there under several keys.
#[test]
fn one_object_under_several_keys_of_one_hash_is_found_under_each() {
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Crowded(u32);
    impl std::hash::Hash for Crowded {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }
    let by_tag = by_tag();
    let mut store = Store::builder().index(&by_tag).build();
    let object = route("", &[1]);
    let found = |store: &Store<Crowded, Route>| {
        let view = store.lister().snapshot();
        let mut keys: Vec<_> = view.by_index(&by_tag, &1).map(|(key, _)| key.0).collect();
        keys.sort_unstable();
        assert_eq!(store.lister().by_index(&by_tag, &1).len(), keys.len());
        keys
    };
    for held in [false, true] {
        let view = held.then(|| store.lister().snapshot());
        let mut batch = store.batch();
        for key in 0..5 {
            batch.upsert(Crowded(key), Arc::clone(&object));
        }
        batch.publish();
        assert_eq!(found(&store), [0, 1, 2, 3, 4]);
        let mut batch = store.batch();
        batch.remove(&Crowded(1));
        batch.upsert(Crowded(3), route("", &[2]));
        batch.publish();
        assert_eq!(found(&store), [0, 2, 4]);
        drop(view);
    }
}

#[test]
fn a_view_can_be_filtered() {
    let mut store = Store::builder().build();
    put(&mut store, [("a", route("x", &[])), ("b", route("y", &[])), ("c", route("x", &[]))]);
    let view = store.lister().snapshot();
    assert_eq!(keys(view.select(|_, route| route.host == "x")), ["a", "c"]);
    assert_eq!(keys(view.select(|key, _| key == "b")), ["b"]);
    assert_eq!(keys(view.iter()), ["a", "b", "c"]);
    assert!(view.iter().all(|(key, route)| view.get(key).is_some_and(|same| Arc::ptr_eq(same, route))));
}
