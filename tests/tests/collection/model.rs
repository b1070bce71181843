//! Random batches against plain maps, with views held across them; for keys and values that hash well, and for such that
//! all meet in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use proptest::prelude::*;
use reloadable::{Index, Key, Store, View};

/// Everything of this type has one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Crowded(u32);

impl Hash for Crowded {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

#[derive(Debug)]
struct Object {
    version: usize,
    tags: Vec<u32>,
}

#[derive(Debug, Clone)]
enum Change {
    Upsert(u32, Vec<u32>),
    Same(u32),
    Remove(u32),
}

#[derive(Debug, Clone)]
struct Round {
    changes: Vec<Change>,
    is_published: bool,
    is_held: bool,
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let change = prop_oneof![
        5 => (0..80_u32, proptest::collection::vec(0..12_u32, 0..4)).prop_map(|(key, tags)| Change::Upsert(key, tags)),
        1 => (0..80_u32).prop_map(Change::Same),
        3 => (0..80_u32).prop_map(Change::Remove),
    ];
    let round =
        (proptest::collection::vec(change, 0..40), prop::bool::weighted(0.9), prop::bool::weighted(0.3))
            .prop_map(|(changes, is_published, is_held)| Round { changes, is_published, is_held });
    proptest::collection::vec(round, 1..25)
}

type Model<K> = BTreeMap<K, Arc<Object>>;

/// Tells whether the view is what the model says, with indexes that are made from nothing.
fn check<K: Key, V: Key>(
    view: &View<K, Object>,
    model: &Model<K>,
    index: &Index<Object, V>,
    tag: fn(u32) -> V,
) {
    let seen: Model<K> = view.iter().map(|(key, object)| (key.clone(), Arc::clone(object))).collect();
    assert_eq!((seen.len(), view.iter().count()), (view.len(), view.len()));
    assert!(same(seen.iter(), model.iter()), "{seen:?} is not {model:?}");
    assert!(same(view.range::<K, _>(..), model.iter()), "the order is not that of {model:?}");
    for (key, object) in model {
        assert!(view.get(key).is_some_and(|found| Arc::ptr_eq(found, object)), "{key:?}");
    }
    for value in 0..13 {
        let found: BTreeSet<_> = view.by_index(index, &tag(value)).map(|(key, _)| key.clone()).collect();
        let known = model.iter().filter(|(_, object)| object.tags.contains(&value));
        assert!(
            view.by_index(index, &tag(value)).all(|(key, object)| Arc::ptr_eq(object, &model[key])),
            "an object of before is under {value}"
        );
        assert_eq!(found, known.map(|(key, _)| key.clone()).collect(), "under {value}");
        assert_eq!(view.by_index(index, &tag(value)).count(), found.len(), "twice under {value}");
    }
}

fn same<'a, K: Key>(
    one: impl Iterator<Item = (&'a K, &'a Arc<Object>)>,
    other: impl Iterator<Item = (&'a K, &'a Arc<Object>)>,
) -> bool {
    let (one, other): (Vec<_>, Vec<_>) = (one.collect(), other.collect());
    one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(a.1, b.1))
}

fn run<K: Key, V: Key>(rounds: Vec<Round>, is_ordered: bool, key: fn(u32) -> K, tag: fn(u32) -> V) {
    let index = Index::new("tag", move |object: &Object| object.tags.clone().into_iter().map(tag));
    let builder = Store::builder().index(&index);
    let mut store = if is_ordered { builder.ordered().build() } else { builder.build() };
    let lister = store.lister();
    let mut model = Model::new();
    let mut held = Vec::new();
    for (version, round) in rounds.into_iter().enumerate() {
        let mut batch = store.batch();
        let mut next = model.clone();
        for change in round.changes {
            match change {
                Change::Upsert(number, tags) => {
                    let object = Arc::new(Object { version, tags });
                    let before = batch.upsert(key(number), Arc::clone(&object));
                    let known = next.insert(key(number), object);
                    assert_eq!(before.map(Arc::as_ptr), known.as_ref().map(Arc::as_ptr));
                }
                Change::Same(number) => {
                    if let Some(object) = next.get(&key(number)) {
                        assert!(batch.upsert(key(number), Arc::clone(object)).is_some());
                    }
                }
                Change::Remove(number) => {
                    let before = batch.remove(&key(number));
                    let known = next.remove(&key(number));
                    assert_eq!(before.map(Arc::as_ptr), known.as_ref().map(Arc::as_ptr));
                }
            }
        }
        if round.is_published {
            assert_eq!(batch.publish(), []);
            model = next;
        } else {
            drop(batch);
        }
        check(&lister.snapshot(), &model, &index, tag);
        if round.is_held {
            held.push((lister.snapshot(), model.clone()));
        }
    }
    let versions = model.values().map(|object| object.version).max();
    assert!(versions.is_none_or(|version| version < 25));
    for (view, model) in held {
        check(&view, &model, &index, tag);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn store_views_and_indexes_agree_with_plain_maps(rounds in rounds(), is_ordered in any::<bool>()) {
        run(rounds, is_ordered, |key| format!("key {key}"), |tag| tag);
    }

    #[test]
    fn keys_and_values_of_one_hash_are_told_apart(rounds in rounds(), is_ordered in any::<bool>()) {
        run(rounds, is_ordered, Crowded, Crowded);
    }
}
