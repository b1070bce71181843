//! What fails, in whatever way.

use std::sync::Mutex;

use reloadable::{FailureKind, Secret};

use super::*;

/// Runs this, and notes after how many milliseconds each run began.
async fn timed<R>(
    set: impl FnOnce(Controller<Route>) -> Controller<Route>,
    run: impl Fn(u32) -> R + Send + Sync + 'static,
) -> (Handle, Routes, Arc<Mutex<Vec<u128>>>)
where
    R: Future<Output = Outcome> + Send + 'static,
{
    let (informer, routes) = informer(&[("api", 1)]).await;
    let times = Arc::new(Mutex::new(Vec::new()));
    let (noted, begun) = (Arc::clone(&times), tokio::time::Instant::now());
    let handle = set(controller(informer)).run(move |_, context: Context| {
        noted.lock().unwrap().push(begun.elapsed().as_millis());
        run(context.attempt())
    });
    (handle.unwrap(), routes, times)
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_again_with_waits_that_grow_and_forgotten_once_it_succeeds() {
    let slow = |controller: Controller<Route>| controller.backoff(SECOND, 8 * SECOND);
    let (handle, routes, times) = timed(slow, |attempt| async move {
        if attempt < 7 { Err(ReconcileError::transient("not yet")) } else { Ok(Requeue::done()) }
    })
    .await;
    eventually("it succeeds", || handle.status().counts.succeeded == 1).await;
    assert_eq!(*times.lock().unwrap(), [0, 1_000, 3_000, 7_000, 15_000, 23_000, 31_000]);
    routes.upsert("api", port(2));
    eventually("it succeeds again", || handle.status().counts.succeeded == 2).await;
    let waits: Vec<_> = times.lock().unwrap().windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits[7..10], [1_000, 2_000, 4_000], "as if it had never failed");
    assert_eq!(handle.status().counts.failed, 12);
}

#[tokio::test(start_paused = true)]
async fn every_error_is_worth_another_try_and_its_causes_are_told() {
    let (handle, ..) = timed(
        |controller| controller.max_attempts(2),
        |_| async {
            let _: u16 = "eighty".parse()?;
            Ok(Requeue::done())
        },
    )
    .await;
    eventually("it is given up", || handle.dead_letters().len() == 1).await;
    let letter = handle.dead_letters().get(&"api".to_owned()).unwrap();
    assert_eq!((&*letter.reason, letter.kind), ("invalid digit found in string", FailureKind::Transient));
    assert_eq!(letter.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn the_wait_may_be_given() {
    let (_handle, _routes, times) = timed(
        |controller| controller,
        |attempt| async move {
            match attempt {
                1 => Err(ReconcileError::transient("busy").retry_after(90 * SECOND)),
                _ => Ok(Requeue::done()),
            }
        },
    )
    .await;
    pass(200 * SECOND).await;
    assert_eq!(*times.lock().unwrap(), [0, 90_000]);
}

#[tokio::test(start_paused = true)]
async fn panics_are_failures_wherever_they_are() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("as it is dropped");
        }
    }
    let (handle, ..) = timed(
        |controller| controller.timeout(SECOND),
        |attempt| {
            assert!(attempt != 1, "before it begins");
            async move {
                assert!(attempt != 2, "in the midst\nof it");
                let _panics = (attempt == 3).then(|| Panics);
                if attempt == 3 {
                    pass(1000 * SECOND).await;
                }
                if attempt < 5 { Err(ReconcileError::permanent("the end")) } else { Ok(Requeue::done()) }
            }
        },
    )
    .await;
    eventually("it is given up", || handle.dead_letters().len() == 1).await;
    let history = handle.dead_letters().list().remove(0).history;
    let history: Vec<_> = history.iter().map(|failure| (failure.kind, &*failure.message)).collect();
    assert_eq!(
        history,
        [
            (FailureKind::Panicked, "panicked while reconciling: before it begins"),
            (FailureKind::Panicked, "panicked while reconciling: in the midst of it"),
            (FailureKind::TimedOut, "it took longer than 1s"),
            (FailureKind::Permanent, "the end"),
        ]
    );
    let counts = handle.status().counts;
    assert_eq!((counts.failed, counts.panicked, counts.timed_out, counts.permanent), (4, 2, 1, 1));
    // The worker lives on.
    handle.enqueue("api".to_owned()).unwrap();
    eventually("it fails again", || handle.status().counts.panicked == 3).await;
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_holds_up_nobody_for_longer() {
    let (informer, _routes) = informer(&[("a", 1), ("b", 1)]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).timeout(5 * SECOND).backoff(1000 * SECOND, 1000 * SECOND).run(
            move |key: String, _| {
                log.say(key.clone());
                async move {
                    if key == "a" {
                        std::future::pending::<()>().await;
                    }
                    Ok(Requeue::done())
                }
            },
        );
        run.unwrap()
    };
    pass(10 * SECOND).await;
    assert_eq!(log.all().len(), 2);
    let counts = handle.status().counts;
    assert_eq!((counts.timed_out, counts.succeeded), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_change_is_looked_at_at_once_and_a_resync_waits() {
    let (source, routes) = MemoryCollection::new("routes", Format::Toml);
    routes.upsert("api", port(1));
    let informer = Informer::<Route>::builder().source(source).resync(10 * SECOND).never_reverify();
    let informer = informer.start().await.unwrap();
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).backoff(1000 * SECOND, 1000 * SECOND).run(move |key, context| {
            log.seen(&key, &context);
            async { Err(ReconcileError::transient("never")) }
        });
        run.unwrap()
    };
    pass(500 * SECOND).await;
    assert_eq!(log.all(), ["api=1"], "fifty resyncs");
    routes.upsert("api", port(2));
    pass(SECOND).await;
    assert_eq!(log.all(), ["api=1", "api=2"]);
    // It was due after 1,000 s, and is so still: what came in between does not count.
    pass(498 * SECOND).await;
    assert_eq!(log.all().len(), 2);
    pass(5 * SECOND).await;
    assert_eq!(log.all().len(), 3);
    drop(handle);
}

#[derive(Debug, Deserialize, Reloadable)]
struct Login {
    password: Secret<String>,
}

#[tokio::test(start_paused = true)]
async fn what_a_panic_says_is_withheld_where_there_are_secrets() {
    let (source, logins) = MemoryCollection::<String>::new("logins", Format::Toml);
    logins.upsert("db", "password = 'hunter2'");
    let informer = Informer::<Login>::builder().source(source).start().await.unwrap();
    let handle = Controller::new(informer).max_attempts(1).run(|_, context| async move {
        panic!("{:?}", context.get().map(|login| login.password.expose_secret().clone()));
    });
    let handle = handle.unwrap();
    eventually("it is given up", || handle.dead_letters().len() == 1).await;
    let told = format!("{:?} {:?}", handle.dead_letters().list(), handle);
    assert!(told.contains("withheld") && !told.contains("hunter2"), "{told}");
}
