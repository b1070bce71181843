//! Keys that do not do what keys should.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use reloadable::WorkQueue;

use crate::{Outcome, queue, ready};

const WELL: u8 = 0;
const HASH: u8 = 1;
const EQ: u8 = 2;
const DROP: u8 = 3;

/// A key whose code panics when it is told to.
#[derive(Debug, Clone)]
struct Hostile {
    name: &'static str,
    panics: Arc<AtomicU8>,
}

impl Hostile {
    fn answer(&self, to: u8) {
        if self.panics.load(Ordering::SeqCst) == to {
            panic!("as it was told");
        }
    }
}

impl Hash for Hostile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.answer(HASH);
        // All of them collide, so that all are compared.
        0.hash(state);
    }
}

impl PartialEq for Hostile {
    fn eq(&self, other: &Self) -> bool {
        self.answer(EQ);
        self.name == other.name
    }
}

impl Eq for Hostile {}

impl PartialOrd for Hostile {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hostile {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(other.name)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.answer(DROP);
        }
    }
}

fn key(name: &'static str, panics: &Arc<AtomicU8>) -> Hostile {
    Hostile { name, panics: Arc::clone(panics) }
}

#[tokio::test]
async fn a_key_that_panics_does_so_where_it_is_added_and_harms_nothing() -> Outcome {
    let panics = Arc::new(AtomicU8::new(WELL));
    let queue = queue();
    queue.try_add(key("a", &panics))?;
    let item = ready(&queue).ok_or("it is ready")?;
    queue.try_add(key("b", &panics))?;
    for part in [HASH, EQ] {
        panics.store(part, Ordering::SeqCst);
        let added = catch_unwind(AssertUnwindSafe(|| queue.try_add(key("c", &panics)).is_ok()));
        assert!(added.is_err(), "the panic is for who adds");
        let forgotten = catch_unwind(AssertUnwindSafe(|| queue.forget(&key("b", &panics))));
        assert!(forgotten.is_err());
        panics.store(WELL, Ordering::SeqCst);
    }
    let stats = queue.stats();
    assert_eq!((stats.depth, stats.in_work, stats.adds_total), (1, 1, 2));
    queue.try_add(key("c", &panics))?;
    item.done();
    for name in ["b", "c"] {
        let item = ready(&queue).ok_or("it goes on")?;
        assert_eq!(item.key().name, name);
        item.done();
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_panics_when_it_is_dropped_takes_nothing_along() -> Outcome {
    let panics = Arc::new(AtomicU8::new(WELL));
    let queue = queue();
    queue.try_add(key("a", &panics))?;
    queue.try_add(key("b", &panics))?;
    let item = ready(&queue).ok_or("it is ready")?;
    panics.store(DROP, Ordering::SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| item.done())).is_err());
    panics.store(WELL, Ordering::SeqCst);
    let item = ready(&queue).ok_or("it goes on")?;
    assert_eq!(item.key().name, "b");
    item.done();
    assert_eq!(queue.stats().in_work, 0);
    Ok(())
}

/// A lock that is held while a key is dropped would be waited for by a key that asks the queue.
#[test]
fn no_key_is_dropped_under_the_lock() -> Outcome {
    #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
    struct Asking(u32);

    thread_local! {
        static QUEUE: std::cell::RefCell<Option<WorkQueue<Asking>>> = const { std::cell::RefCell::new(None) };
    }

    impl Drop for Asking {
        fn drop(&mut self) {
            QUEUE.with_borrow(|queue| queue.as_ref().map(WorkQueue::stats));
        }
    }

    let queue = WorkQueue::builder().capacity(2).build();
    QUEUE.set(Some(queue.clone()));
    queue.try_add(Asking(1))?;
    queue.try_add(Asking(1))?;
    queue.try_add(Asking(2))?;
    assert!(queue.try_add(Asking(3)).is_err());
    queue.forget(&Asking(1));
    ready(&queue).ok_or("it is ready")?.done();
    ready(&queue).ok_or("it is ready")?.retry();
    queue.try_add(Asking(4))?;
    drop(queue.shutdown());
    assert!(queue.try_add(Asking(5)).is_err());
    QUEUE.set(None);
    Ok(())
}

#[test]
fn a_fairness_that_panics_does_so_where_a_key_is_added() -> Outcome {
    let queue = WorkQueue::builder()
        .fairness(|key: &u32| if *key == 13 { panic!("as it was told") } else { *key % 2 })
        .build();
    queue.try_add(1)?;
    assert!(catch_unwind(AssertUnwindSafe(|| queue.try_add(13).is_ok())).is_err());
    queue.try_add(2)?;
    assert_eq!(crate::rest(&queue), [1, 2]);
    Ok(())
}
