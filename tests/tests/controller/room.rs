//! Who waits for room in the queue, and who does not.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test(start_paused = true)]
async fn keys_that_come_back_keep_no_new_one_out() {
    let (informer, routes) = informer(&[("a", 1), ("b", 1)]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).capacity(2).run(move |key, context| {
            log.seen(&key, &context);
            async { Ok(Requeue::after(60 * SECOND)) }
        });
        run.unwrap()
    };
    assert_eq!(log.wait(&handle, 2).await.len(), 2);
    for number in 1..=10 {
        routes.upsert(format!("{number}"), port(number));
    }
    pass(SECOND).await;
    assert_eq!(log.all().len(), 12, "{:?}", log.all());
    routes.remove("a");
    pass(SECOND).await;
    assert_eq!(log.all()[12..], ["a gone, was 1"]);
    assert_eq!(handle.status().queue.delayed, 12);
}

/// Whoever is always ready again must not either.
#[tokio::test(start_paused = true)]
async fn keys_that_come_back_at_once_keep_no_new_one_out() {
    let (informer, routes) = informer(&[("a", 1), ("b", 1)]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).capacity(2).run(move |key, context| {
            if !["a", "b"].contains(&key.as_str()) {
                log.seen(&key, &context);
            }
            async {
                pass(SECOND).await;
                Ok(Requeue::after(Duration::ZERO))
            }
        });
        run.unwrap()
    };
    eventually("both have run", || handle.status().counts.succeeded >= 2).await;
    routes.upsert("c", port(3));
    routes.upsert("d", port(4));
    routes.upsert("e", port(5));
    pass(60 * SECOND).await;
    for said in ["c=3", "d=4", "e=5"] {
        assert!(log.all().contains(&said.to_owned()), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_mend_of_a_key_waits_behind_no_new_one() {
    let (informer, routes) = informer(&[("a", 1)]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).capacity(2).concurrency(2).backoff(1000 * SECOND, 1000 * SECOND).run(
            move |key, context: Context| {
                log.seen(&key, &context);
                async move {
                    if key.starts_with("slow") {
                        pass(100 * SECOND).await;
                    }
                    match context.get().map(|route| route.port) {
                        Some(1) => Err(ReconcileError::transient("one")),
                        _ => Ok(Requeue::done()),
                    }
                }
            },
        );
        run.unwrap()
    };
    assert_eq!(log.wait(&handle, 1).await, ["a=1"]);
    // These fill it, and one worker is to be free for a while.
    routes.upsert("slow", port(2));
    eventually("it runs", || log.all().len() == 2).await;
    handle.enqueue("asked".to_owned()).unwrap();
    eventually("it has run", || log.all().len() == 3).await;
    routes.upsert("slow2", port(2));
    eventually("it runs", || log.all().len() == 4).await;
    for key in ["new", "new2", "new3"] {
        routes.upsert(key, port(3));
    }
    eventually("they wait", || handle.status().waiting_for_room == 3).await;
    // Two run their first run, so the queue is full of such.
    assert_eq!((handle.status().queue.depth, handle.status().queue.in_work), (0, 2));
    routes.upsert("a", port(2));
    pass(SECOND).await;
    assert_eq!(handle.status().queue.depth, 1, "it is in the queue, before all those that wait");
    assert_eq!(handle.status().waiting_for_room, 3);
    assert_eq!(log.wait(&handle, 8).await[4], "a=2");
    assert_eq!(handle.status().waiting_for_room, 0);
}

/// Others have a turn while it adds what there is.
#[tokio::test(start_paused = true)]
async fn a_long_list_is_added_by_turns() {
    let keys: Vec<_> = (0..10_000).map(|number| number.to_string()).collect();
    let pairs: Vec<_> = keys.iter().map(|key| (key.as_str(), 1)).collect();
    let (informer, _routes) = informer(&pairs).await;
    let handle = controller(informer).run(|_, _| async {
        std::future::pending::<()>().await;
        Ok(Requeue::done())
    });
    let handle = handle.unwrap();
    let mut depths = Vec::new();
    in_time(async {
        while depths.last() != Some(&9_999) {
            tokio::task::yield_now().await;
            depths.push(handle.status().queue.depth);
        }
    })
    .await;
    let longest = depths.windows(2).map(|two| two[1].saturating_sub(two[0])).max();
    assert!(longest <= Some(1_000), "{longest:?}");
}

/// A run that takes longer than its backoff and is changed all the while.
#[tokio::test(start_paused = true)]
async fn what_always_fails_is_given_up_however_often_it_changes() {
    let (informer, routes) = informer(&[("a", 1)]).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let handle = {
        let (runs, routes) = (Arc::clone(&runs), routes.clone());
        let often = controller(informer).timeout(60 * SECOND).max_attempts(5);
        let run = often.backoff(Duration::from_millis(5), 30 * SECOND).run(move |_, _| {
            let number = runs.fetch_add(1, Ordering::SeqCst) + 2;
            routes.upsert("a", port(u16::try_from(number).unwrap_or(u16::MAX)));
            std::future::pending::<Outcome>()
        });
        run.unwrap()
    };
    pass(330 * SECOND).await;
    // What changed during the last run takes it back, with fresh attempts.
    let counts = handle.status().counts;
    assert_eq!((counts.failed, counts.given_up), (5, 1), "{counts:?}");
}
