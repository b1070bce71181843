//! A key is there once, and worked on by one worker at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reloadable::{Add, WorkQueue};

use crate::{Outcome, in_time, queue, ready, rest};

#[tokio::test]
async fn keys_come_once_and_in_order() -> Outcome {
    let queue = queue();
    for key in ["a", "b", "a", "c", "b"] {
        queue.add(key).await?;
    }
    assert_eq!(rest(&queue), ["a", "b", "c"]);
    queue.add("a").await?;
    assert_eq!(rest(&queue), ["a"]);
    Ok(())
}

/// Whoever adds by reference has the key cloned only where that is needed.
#[tokio::test]
async fn a_key_that_is_ready_is_not_cloned() -> Outcome {
    #[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    struct Counting(u32);

    static CLONES: AtomicUsize = AtomicUsize::new(0);

    impl Clone for Counting {
        fn clone(&self) -> Self {
            CLONES.fetch_add(1, Ordering::SeqCst);
            Self(self.0)
        }
    }

    let queue = WorkQueue::builder().capacity(1).build();
    for _ in 0..3 {
        queue.try_add_ref(&Counting(1), Add::new())?;
    }
    assert_eq!(CLONES.load(Ordering::SeqCst), 1);
    let error =
        queue.try_add_ref(&Counting(2), Add::new()).err().map(|error| (error.is_full(), error.key().0));
    assert_eq!(error, Some((true, 2)));
    let item = ready(&queue).ok_or("it is ready")?;
    queue.try_add_ref(item.key(), Add::new())?;
    item.done();
    ready(&queue).ok_or("it was added meanwhile")?.done();
    assert!(ready(&queue).is_none());
    Ok(())
}

#[tokio::test]
async fn what_is_added_during_the_work_comes_once_more_after_it() -> Outcome {
    let queue = queue();
    queue.try_add("a")?;
    let item = ready(&queue).ok_or("it is ready")?;
    queue.try_add("a")?;
    queue.try_add("a")?;
    assert!(ready(&queue).is_none(), "somebody works on it");
    queue.try_add("b")?;
    item.done();
    assert_eq!(rest(&queue), ["b", "a"]);
    Ok(())
}

/// What Kubernetes' controllers rest upon, on threads: no key has two workers, and none is forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_share_the_keys_and_the_last_state_of_each_is_seen() -> Outcome {
    const KEYS: usize = 20;
    let queue: WorkQueue<usize> = queue();
    let wanted: Arc<Vec<_>> = Arc::new((0..KEYS).map(|_| AtomicUsize::new(0)).collect());
    let seen: Arc<Vec<_>> = Arc::new((0..KEYS).map(|_| AtomicUsize::new(0)).collect());
    let working = Arc::new(Mutex::new(BTreeSet::new()));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (queue, wanted, seen) = (queue.clone(), Arc::clone(&wanted), Arc::clone(&seen));
        let working = Arc::clone(&working);
        tasks.push(tokio::spawn(async move {
            while let Some(item) = queue.next().await {
                let key = *item.key();
                let lock = || working.lock().unwrap_or_else(PoisonError::into_inner);
                assert!(lock().insert(key), "{key} has two workers");
                let now = wanted[key].load(Ordering::SeqCst);
                tokio::task::yield_now().await;
                seen[key].store(now, Ordering::SeqCst);
                lock().remove(&key);
                item.done();
            }
        }));
    }
    let mut producers = Vec::new();
    for producer in 0..2 {
        let (queue, wanted) = (queue.clone(), Arc::clone(&wanted));
        producers.push(tokio::spawn(async move {
            for number in 1..=20_000 {
                let key = (number * 7 + producer) % KEYS;
                wanted[key].fetch_add(1, Ordering::SeqCst);
                queue.add(key).await.map_err(|error| error.to_string())?;
                if number % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Ok::<_, String>(())
        }));
    }
    for producer in producers {
        in_time(producer).await???;
    }
    let left = in_time(queue.drain(std::time::Duration::from_secs(600))).await?;
    assert!(left.is_empty(), "{left:?}");
    for task in tasks {
        in_time(task).await??;
    }
    let numbers = |of: &[AtomicUsize]| {
        of.iter().map(|number| number.load(Ordering::SeqCst)).enumerate().collect::<BTreeMap<_, _>>()
    };
    assert_eq!(numbers(&seen), numbers(&wanted));
    Ok(())
}
