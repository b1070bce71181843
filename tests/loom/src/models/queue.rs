//! Whoever has something to do is woken, no key has two workers, and whatever is added is worked on.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::thread;

use super::every_order;
use crate::backoff::Jitter;
use crate::queue::{Add, WorkQueue};

fn queue(capacity: usize) -> WorkQueue<u8> {
    WorkQueue::builder().jitter(Jitter::None).capacity(capacity).build()
}

/// Takes one and says which.
fn work(queue: &WorkQueue<u8>) -> Option<u8> {
    let item = block_on(queue.next())?;
    let key = *item.key();
    item.done();
    Some(key)
}

#[test]
fn two_workers_get_what_a_producer_adds() {
    every_order(3, || {
        let queue = queue(2);
        let workers = [queue.clone(), queue.clone()].map(|queue| thread::spawn(move || work(&queue)));
        queue.try_add(1).expect("there is room");
        queue.try_add(2).expect("there is room");
        let mut keys = workers.map(|worker| worker.join().expect("it does not panic"));
        keys.sort_unstable();
        assert_eq!(keys, [Some(1), Some(2)]);
    });
}

/// The first one looks once, and gives up: if he was woken for the key, the other one is to have it.
#[test]
fn who_gives_up_leaves_the_key_to_another() {
    every_order(3, || {
        let queue = queue(2);
        let gives_up = queue.clone();
        let gives_up = thread::spawn(move || {
            let mut next = pin!(gives_up.next());
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(Some(item)) = next.as_mut().poll(&mut context) {
                item.requeue_after(Duration::ZERO);
            }
        });
        let worker = queue.clone();
        let worker = thread::spawn(move || work(&worker));
        queue.try_add(1).expect("there is room");
        assert_eq!(worker.join().expect("it does not panic"), Some(1));
        gives_up.join().expect("it does not panic");
    });
}

/// As above, where another one has the timer and is to be woken all the same.
#[test]
fn who_holds_the_timer_is_woken_as_well() {
    every_order(2, || {
        let queue = queue(3);
        queue.try_add_with(9, Add::new().after(Duration::from_secs(3_600))).expect("there is room");
        let workers = [queue.clone(), queue.clone()].map(|queue| thread::spawn(move || work(&queue)));
        queue.try_add(1).expect("there is room");
        queue.try_add(9).expect("it is there");
        let mut keys = workers.map(|worker| worker.join().expect("it does not panic"));
        keys.sort_unstable();
        assert_eq!(keys, [Some(1), Some(9)]);
    });
}

#[test]
fn what_is_added_during_the_work_is_seen_by_nobody_else_and_not_forgotten() {
    every_order(2, || {
        let (queue, wanted, seen) = (queue(1), Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let is_worked_on = Arc::new(AtomicUsize::new(0));
        queue.try_add(1).expect("there is room");
        let workers = [queue.clone(), queue.clone()].map(|queue| {
            let (wanted, seen) = (Arc::clone(&wanted), Arc::clone(&seen));
            let is_worked_on = Arc::clone(&is_worked_on);
            thread::spawn(move || {
                while let Some(item) = block_on(queue.next()) {
                    assert_eq!(is_worked_on.fetch_add(1, Ordering::SeqCst), 0, "it has two workers");
                    let now = wanted.load(Ordering::SeqCst);
                    thread::yield_now();
                    seen.store(now, Ordering::SeqCst);
                    is_worked_on.fetch_sub(1, Ordering::SeqCst);
                    item.done();
                }
            })
        });
        wanted.store(2, Ordering::SeqCst);
        queue.try_add(1).expect("it is there, or there is room");
        assert!(block_on(queue.drain(Duration::MAX)).is_empty());
        for worker in workers {
            worker.join().expect("it does not panic");
        }
        assert_eq!(seen.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn the_end_is_told_to_everybody() {
    every_order(3, || {
        let queue = queue(1);
        queue.try_add(1).expect("there is room");
        let item = block_on(queue.next()).expect("it is open");
        let worker = queue.clone();
        let worker = thread::spawn(move || work(&worker));
        let adder = queue.clone();
        let adder = thread::spawn(move || block_on(adder.add(2)).is_err_and(|error| error.is_closed()));
        assert_eq!(queue.shutdown().in_work(), [1]);
        assert_eq!(worker.join().expect("it does not panic"), None);
        assert!(adder.join().expect("it does not panic"));
        item.done();
    });
}

#[test]
fn a_drain_ends_with_the_last_work() {
    every_order(3, || {
        let queue = queue(2);
        queue.try_add(1).expect("there is room");
        let item = block_on(queue.next()).expect("it is open");
        let worker = queue.clone();
        let worker = thread::spawn(move || work(&worker));
        let ending = thread::spawn(move || item.done());
        assert!(block_on(queue.drain(Duration::MAX)).is_empty());
        assert_eq!(worker.join().expect("it does not panic"), None);
        ending.join().expect("it does not panic");
    });
}

/// One of them gives up, perhaps when there is room for him already.
#[test]
fn room_is_told_to_those_who_wait_for_it() {
    every_order(2, || {
        let queue = queue(1);
        queue.try_add(1).expect("there is room");
        let adder = queue.clone();
        let adder = thread::spawn(move || block_on(adder.add(2)).expect("it is open"));
        let gives_up = queue.clone();
        let gives_up = thread::spawn(move || {
            let mut add = pin!(gives_up.add(3));
            let mut context = Context::from_waker(Waker::noop());
            add.as_mut().poll(&mut context).is_ready()
        });
        assert_eq!(work(&queue), Some(1));
        let mut keys = vec![work(&queue)];
        if gives_up.join().expect("it does not panic") {
            keys.push(work(&queue));
        }
        adder.join().expect("it does not panic");
        assert!(keys.contains(&Some(2)), "{keys:?}");
    });
}
