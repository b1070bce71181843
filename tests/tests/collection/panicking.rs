//! Keys whose own code panics, at each call of it in turn.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use reloadable::{Index, Store, View};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Hash,
    Eq,
    Ord,
    Clone,
}

thread_local! {
    /// The call that panics, and how many of the same go before it.
    static FUSE: Cell<Option<(Call, u32)>> = const { Cell::new(None) };
}

fn burn(call: Call) {
    if let Some((armed, left)) = FUSE.get().filter(|(armed, _)| *armed == call) {
        FUSE.set(left.checked_sub(1).map(|left| (armed, left)));
        assert!(left > 0, "this key panics");
    }
}

#[derive(Debug)]
struct Fussy(u32);

impl Hash for Fussy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        burn(Call::Hash);
        // Some have the same hash as others, so that keys are compared.
        (self.0 / 3).hash(state);
    }
}

impl PartialEq for Fussy {
    fn eq(&self, other: &Self) -> bool {
        burn(Call::Eq);
        self.0 == other.0
    }
}

impl Eq for Fussy {}

impl PartialOrd for Fussy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fussy {
    fn cmp(&self, other: &Self) -> Ordering {
        burn(Call::Ord);
        self.0.cmp(&other.0)
    }
}

impl Clone for Fussy {
    fn clone(&self) -> Self {
        burn(Call::Clone);
        Self(self.0)
    }
}

type Model = BTreeMap<u32, u32>;

fn check(view: &View<Fussy, u32>, tens: &Index<u32, u32>, model: &Model) {
    let seen = |(key, object): (&Fussy, &Arc<u32>)| (key.0, **object);
    assert_eq!(&view.iter().map(seen).collect::<Model>(), model);
    assert!(view.range::<Fussy, _>(..).map(seen).eq(model.iter().map(|(key, object)| (*key, *object))));
    for (key, object) in model {
        assert_eq!(view.get(&Fussy(*key)).map(|found| **found), Some(*object));
    }
    let filed: Model =
        (0..100).flat_map(|ten| view.by_index(tens, &ten).map(seen).collect::<Vec<_>>()).collect();
    assert_eq!(&filed, model);
}

/// In the middle of a batch: what was changed before it is still published, or nothing of the batch, but never half a change.
#[test]
fn a_key_that_panics_costs_its_batch_at_most() {
    let mut panics = 0;
    for call in [Call::Hash, Call::Eq, Call::Ord, Call::Clone] {
        for fuse in 0..40 {
            let tens = Index::new("tens", |object: &u32| [object / 10]);
            let mut store = Store::builder().index(&tens).ordered().build();
            let lister = store.lister();
            let mut before = Model::new();
            let mut batch = store.batch();
            for key in 0..100 {
                batch.upsert(Fussy(key), Arc::new(key));
                before.insert(key, key);
            }
            assert_eq!(batch.publish(), []);
            let held = lister.snapshot();

            let mut batch = store.batch();
            let mut after = before.clone();
            batch.upsert(Fussy(7), Arc::new(500));
            after.insert(7, 500);
            FUSE.set(Some((call, fuse)));
            let changed = catch_unwind(AssertUnwindSafe(|| {
                batch.remove(&Fussy(8));
                batch.upsert(Fussy(9), Arc::new(501));
                batch.upsert(Fussy(200), Arc::new(502));
            }));
            FUSE.set(None);
            if changed.is_err() {
                panics += 1;
            }
            let is_there = |key| batch.get(&Fussy(key)).map(|object| **object);
            let whole: Vec<_> = [8, 9, 200].into_iter().map(|key| (key, is_there(key))).collect();
            for (key, object) in whole {
                match object {
                    Some(object) => after.insert(key, object),
                    None => after.remove(&key),
                };
            }
            batch.publish();
            let view = lister.snapshot();
            match view.generation() {
                1 => check(&view, &tens, &before),
                _ => check(&view, &tens, &after),
            }
            check(&held, &tens, &before);

            let mut model = if view.generation() == 1 { before.clone() } else { after };
            for round in 0..3 {
                let mut batch = store.batch();
                batch.remove(&Fussy(20 + round));
                batch.upsert(Fussy(7), Arc::new(600 + round));
                batch.upsert(Fussy(300 + round), Arc::new(700));
                assert_eq!(batch.publish(), []);
                model.remove(&(20 + round));
                model.insert(7, 600 + round);
                model.insert(300 + round, 700);
                check(&lister.snapshot(), &tens, &model);
            }
            check(&held, &tens, &before);
        }
    }
    assert!(panics > 20, "the keys have panicked {panics} times");
}

/// Once a batch is in force, the writer alone goes on; what panics there is told, and the next batch begins anew.
#[test]
fn a_key_that_panics_while_a_batch_is_published_harms_no_reader() {
    for call in [Call::Eq, Call::Ord, Call::Clone] {
        for fuse in 0..20 {
            let tens = Index::new("tens", |object: &u32| [object / 10]);
            let mut store = Store::builder().index(&tens).ordered().build();
            let lister = store.lister();
            let mut model = Model::new();
            for round in 0..3 {
                let mut batch = store.batch();
                for key in 0..20 {
                    batch.upsert(Fussy(100 * round + key), Arc::new(key + round));
                    model.insert(100 * round + key, key + round);
                }
                FUSE.set(Some((call, fuse)).filter(|_| round == 1));
                let published = catch_unwind(AssertUnwindSafe(|| batch.publish()));
                FUSE.set(None);
                assert!(round == 1 || published.is_ok());
                check(&lister.snapshot(), &tens, &model);
            }
        }
    }
}
