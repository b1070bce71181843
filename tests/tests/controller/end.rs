//! How a controller ends, and what is left.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reloadable::{ErrorKind, SourceErrorKind};

use super::*;

/// Counts how many futures are there.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Works on each route for as many seconds as its port says. Those with 13 fail, and those with 7 want to come back.
fn slow(informer: Informer<Route>, alive: &Arc<AtomicUsize>) -> Handle {
    let alive = Arc::clone(alive);
    let slow = controller(informer).concurrency(3).backoff(100 * SECOND, 100 * SECOND);
    let run = slow.run(move |_, context: Context| {
        let alive = Alive::new(&alive);
        async move {
            let _alive = alive;
            let port = context.get().map_or(0, |route| route.port);
            pass(u32::from(port) * SECOND).await;
            match port {
                13 => Err(ReconcileError::transient("thirteen")),
                15 => Err(ReconcileError::permanent("fifteen")),
                7 => Ok(Requeue::after(50 * SECOND)),
                _ => Ok(Requeue::done()),
            }
        }
    });
    run.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_worked_on_may_finish_and_nothing_else_is_begun() {
    let (informer, _routes) = informer(&[("a", 7), ("b", 13), ("c", 10_000)]).await;
    let alive = Arc::default();
    let handle = slow(informer, &alive);
    eventually("all run", || alive.load(Ordering::SeqCst) == 3).await;
    handle.enqueue("d".to_owned()).unwrap();
    handle.enqueue("a".to_owned()).unwrap();
    let begun = tokio::time::Instant::now();
    let left = handle.clone().shutdown(60 * SECOND).await;
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(left.aborted(), ["c"]);
    assert_eq!(left.delayed(), ["b"]);
    let failing: Vec<_> = left.failing().iter().map(|(key, failure)| (&**key, &*failure.message)).collect();
    assert_eq!(failing, [("b", "thirteen")]);
    let mut ready = left.ready().to_vec();
    ready.sort();
    assert_eq!(ready, ["a", "d"], "`a` had something new while it was worked on");
    assert!(left.dead().is_empty() && !left.is_empty());
    assert_eq!(alive.load(Ordering::SeqCst), 0, "what was aborted is dropped");
    assert!(handle.enqueue("a".to_owned()).unwrap_err().is_closed());
    assert!(handle.shutdown(SECOND).await.is_empty(), "to do it twice is to do it once");
}

#[tokio::test(start_paused = true)]
async fn it_ends_as_soon_as_everything_is_finished() {
    let (informer, _routes) = informer(&[("a", 7), ("b", 15), ("c", 1)]).await;
    let alive = Arc::default();
    let handle = slow(informer, &alive);
    eventually("all run", || alive.load(Ordering::SeqCst) == 3).await;
    let begun = tokio::time::Instant::now();
    let left = handle.shutdown(1000 * SECOND).await;
    assert!(begun.elapsed() <= 15 * SECOND);
    assert_eq!((left.aborted(), left.ready(), left.delayed()), (&[][..], &[][..], &["a".to_owned()][..]));
    assert_eq!(left.dead().iter().map(|letter| &*letter.key).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn without_time_everything_is_aborted_at_once() {
    let (informer, _routes) = informer(&[("a", 100), ("b", 100)]).await;
    let alive = Arc::default();
    let handle = slow(informer, &alive);
    eventually("all run", || alive.load(Ordering::SeqCst) == 2).await;
    let left = handle.shutdown(Duration::ZERO).await;
    assert_eq!((left.aborted().len(), alive.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_ends_it_with_its_informer() {
    let (informer, routes) = informer(&[("a", 100)]).await;
    let mut events = informer.events();
    let alive = Arc::default();
    let handle = slow(informer, &alive);
    let (other, dead) = (handle.clone(), handle.dead_letters());
    eventually("it runs", || alive.load(Ordering::SeqCst) == 1).await;
    drop(handle);
    pass(SECOND).await;
    assert_eq!(alive.load(Ordering::SeqCst), 1, "there is another handle");
    drop(other);
    eventually("it is dropped", || alive.load(Ordering::SeqCst) == 0).await;
    in_time(async { while events.next().await.is_ok() {} }).await;
    routes.upsert("b", port(1));
    pass(SECOND).await;
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    assert!(dead.is_empty());
}

#[tokio::test(start_paused = true)]
async fn before_it_has_begun_all_is_left() {
    let (informer, _routes) = informer(&[("a", 1), ("b", 1)]).await;
    let handle = controller(informer.clone()).owns(informer, |key, _| Some(key.clone())).run(|_, _| async {
        std::future::pending::<()>().await;
        Ok(Requeue::done())
    });
    let handle = handle.unwrap();
    eventually("one runs", || handle.status().active == 1).await;
    let left = handle.shutdown(SECOND).await;
    assert_eq!((left.aborted().len(), left.ready().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_informer_that_ends_leaves_the_controller_with_what_it_has() {
    let (informer, _routes) = informer(&[("a", 1)]).await;
    let log = Log::default();
    let handle = watching(informer.clone(), &log);
    log.wait(&handle, 1).await;
    informer.shutdown().await;
    handle.enqueue("a".to_owned()).unwrap();
    assert_eq!(log.wait(&handle, 2).await[1], "a=1");
}

/// Whoever has seen in the store what was written finds it done, or in the report, in whatever order threads get on.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_in_the_store_is_done_or_left() {
    for round in 0..60_u32 {
        let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
        let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
        let done = Arc::new(Mutex::new(BTreeMap::new()));
        let seen = Arc::clone(&done);
        let handle = controller(informer.clone()).concurrency(1 + round as usize % 4).run(
            move |key, context: Context| {
                let seen = Arc::clone(&seen);
                async move {
                    tokio::task::yield_now().await;
                    seen.lock().unwrap().insert(key, context.get().map(|route| route.port));
                    Ok(Requeue::done())
                }
            },
        );
        let handle = handle.unwrap();
        let mut written = None;
        for step in 0..30_u16 {
            written = Some(routes.upsert(format!("{}", step % 7), port(round as u16 * 30 + step + 1)));
        }
        informer.wait_for_revision(&written.unwrap(), 10 * SECOND).await.unwrap();
        let left = handle.shutdown(Duration::from_millis(u64::from(round % 3))).await;
        let done = done.lock().unwrap();
        for (key, route) in informer.lister().snapshot().iter() {
            let is_told =
                left.aborted().iter().chain(left.ready()).chain(left.delayed()).any(|told| told == key);
            assert!(
                is_told || done.get(key) == Some(&Some(route.port)),
                "round {round}: {key}: {left:?}, {done:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_comes_back_later_is_done() {
    let (informer, _routes) = informer(&[("a", 7)]).await;
    let alive = Arc::default();
    let handle = slow(informer, &alive);
    eventually("it is run", || handle.status().counts.requeued == 1).await;
    let left = handle.shutdown(SECOND).await;
    assert_eq!((left.periodic(), left.failing()), (&["a".to_owned()][..], &[][..]));
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_worked_on_may_finish_though_nobody_waits_for_the_end_any_more() {
    let (informer, _routes) = informer(&[("a", 10), ("b", 100)]).await;
    let (alive, finished) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (living, done) = (Arc::clone(&alive), Arc::clone(&finished));
    let run = controller(informer).concurrency(2).run(move |_, context: Context| {
        let (alive, done) = (Alive::new(&living), Arc::clone(&done));
        async move {
            let _alive = alive;
            pass(context.get().map_or(0, |route| u32::from(route.port)) * SECOND).await;
            done.fetch_add(1, Ordering::SeqCst);
            Ok(Requeue::done())
        }
    });
    let handle = run.unwrap();
    let mut dead = handle.dead_letters();
    eventually("both run", || alive.load(Ordering::SeqCst) == 2).await;
    let given_up = tokio::time::timeout(SECOND, handle.shutdown(60 * SECOND)).await;
    assert!(given_up.is_err(), "it has not ended by then");
    pass(20 * SECOND).await;
    assert_eq!((finished.load(Ordering::SeqCst), alive.load(Ordering::SeqCst)), (1, 1));
    // Its time is over for the other one, too.
    in_time(async { while dead.changed().await.is_ok() {} }).await;
    eventually("it is dropped", || alive.load(Ordering::SeqCst) == 0).await;
    assert_eq!(finished.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_can_never_work_says_so_and_ends() {
    let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
    routes.fail(SourceErrorKind::Other, "no permission");
    let starting = Informer::<Route>::builder().source(source).start_unsynced();
    let informer = starting.start().await.unwrap();
    let handle = watching(informer.clone(), &Log::default());
    let mut dead = handle.dead_letters();
    eventually("it is told what is missing", || {
        let status = handle.status();
        let error = status.unsynced.first().and_then(|unsynced| unsynced.last_error.as_ref());
        error.is_some_and(|error| error.to_string().contains("no permission"))
    })
    .await;
    assert!(!handle.status().has_started && !handle.status().has_ended);
    let status = serde_json::to_value(handle.status()).unwrap();
    assert!(status["unsynced"][0]["last_error"].as_str().unwrap().contains("no permission"), "{status}");
    handle.enqueue("a".to_owned()).unwrap();
    informer.shutdown().await;
    eventually("it has ended", || handle.status().has_ended).await;
    assert!(handle.enqueue("b".to_owned()).unwrap_err().is_closed());
    let ended = in_time(dead.changed()).await;
    assert_eq!(ended.err().map(|error| error.kind()), Some(ErrorKind::Closed));
    assert_eq!(handle.shutdown(SECOND).await.ready(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn once_it_works_nothing_is_missing() {
    let (informer, _routes) = informer(&[("a", 15)]).await;
    let alive = Arc::default();
    let handle = slow(informer, &alive);
    eventually("it is given up", || handle.dead_letters().len() == 1).await;
    let status = handle.status();
    assert!(status.has_started && status.unsynced.is_empty());
    let letter = serde_json::to_value(handle.dead_letters().list()).unwrap();
    assert_eq!(letter[0]["key"], "a");
    assert_eq!(letter[0]["kind"], "permanent");
    assert_eq!(letter[0]["history"][0]["message"], "fifteen");
    let status = serde_json::to_value(status).unwrap();
    assert_eq!(status["counts"]["given_up"], 1);
    assert_eq!(status["queue"]["work_duration"]["longest"], 15.0);
}
