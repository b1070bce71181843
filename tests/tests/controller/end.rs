//! How a controller ends, and what is left.

use std::sync::atomic::{AtomicUsize, Ordering};

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
