//! How a controller ends, and what is left.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use reloadable::{
    Changed, Condition, Delta, Document, KeyedDocument, KeyedSource, Listed, Listing, Origin, Revision,
    SourceError,
};

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

/// It tells of one object, and is then stuck where its informer asks how it is doing.
struct Stuck {
    is_told: bool,
    is_stuck: Arc<AtomicBool>,
    until: Mutex<mpsc::Receiver<()>>,
}

impl KeyedSource for Stuck {
    type Key = String;

    fn origin(&self) -> Origin {
        Origin::named("stuck")
    }

    async fn list(&mut self, _: &mut Listing<String>) -> Result<Listed, SourceError> {
        Ok(Listed::new())
    }

    async fn changed(&mut self, _: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        if self.is_told {
            std::future::pending::<()>().await;
        }
        self.is_told = true;
        let document = Document::new(Origin::named("a"), Format::Toml, port(1).as_bytes());
        let object = KeyedDocument::new("a".to_owned(), document, Revision::new([1]));
        Ok(Changed::Deltas(vec![Delta::Upsert(object)]))
    }

    fn condition(&self) -> Condition {
        if self.is_told {
            self.is_stuck.store(true, Ordering::SeqCst);
            let _ = self.until.lock().unwrap().recv();
        }
        Condition::new()
    }
}

/// Whoever has seen it in the store wants to know that nobody has looked at it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_in_the_store_and_was_told_to_nobody_is_left() {
    let (release, until) = mpsc::channel();
    let is_stuck = Arc::new(AtomicBool::new(false));
    let source = Stuck { is_told: false, is_stuck: Arc::clone(&is_stuck), until: Mutex::new(until) };
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    let handle = controller(informer).run(|_, _| std::future::pending::<super::Outcome>()).unwrap();
    eventually("it is stuck", || is_stuck.load(Ordering::SeqCst)).await;
    assert_eq!(handle.lister().len(), 1);
    let left = handle.shutdown(SECOND).await;
    drop(release);
    let told: Vec<_> = left.ready().iter().chain(left.aborted()).collect();
    assert_eq!(told, ["a"]);
}
