//! Readers and the writer at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reloadable::{Index, Store};

const KEYS: u32 = 500;

/// Each batch moves all keys to one number, so that no view may ever see two.
#[test]
fn every_view_is_of_one_batch() {
    let by_number = Index::new("number", |number: &u64| [*number]);
    let mut store = Store::builder().index(&by_number).ordered().build();
    let publish = |store: &mut Store<u32, u64>, number: u64| {
        let mut batch = store.batch();
        for key in 0..KEYS {
            batch.upsert(key, Arc::new(number));
        }
        assert_eq!(batch.publish(), []);
    };
    publish(&mut store, 0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let lister = store.lister();
                let (by_number, is_over) = (&by_number, &is_over);
                scope.spawn(move || {
                    let (mut last, mut seen) = (0, 0_u32);
                    while !is_over.load(Ordering::Relaxed) || seen == 0 {
                        let view = lister.snapshot();
                        let number = view.get(&0).map(|number| **number).expect("it is never taken out");
                        assert!(number >= last && number == view.generation() - 1);
                        assert!(view.iter().all(|(_, other)| **other == number));
                        assert_eq!(view.by_index(by_number, &number).count(), KEYS as usize);
                        assert_eq!(view.range::<u32, _>(..).count(), KEYS as usize);
                        let single = lister.get(&(KEYS - 1)).expect("it is never taken out");
                        assert!(*single >= number, "a read is not of before the view");
                        last = number;
                        seen += 1;
                    }
                    seen
                })
            })
            .collect();
        for number in 1..300 {
            publish(&mut store, number);
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(readers.into_iter().all(|reader| reader.join().is_ok_and(|seen| seen > 0)));
    });
    assert!(store.lister().list().iter().all(|number| **number == 299));
}

/// Application code is run under no lock: it may read the very store that it is called by.
#[test]
fn functions_and_destructors_may_read_the_store() {
    struct Reads(Option<reloadable::Lister<u32, Reads>>);
    impl Drop for Reads {
        fn drop(&mut self) {
            if let Some(lister) = &self.0 {
                assert!(lister.get(&1).is_some_and(|other| other.0.is_none()), "the new one is in force");
            }
        }
    }
    let reading = Index::new("reading", |object: &Reads| {
        object.0.iter().map(|lister| lister.len()).collect::<Vec<_>>()
    });
    let mut store = Store::builder().index(&reading).build();
    let lister = store.lister();
    let mut batch = store.batch();
    batch.upsert(1, Arc::new(Reads(Some(lister))));
    assert_eq!(batch.publish(), []);
    assert_eq!(store.lister().snapshot().by_index(&reading, &0).count(), 1);
    let mut batch = store.batch();
    batch.upsert(1, Arc::new(Reads(None)));
    assert_eq!(batch.publish(), []);
}
