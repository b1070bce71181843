//! Dead letters: when a key becomes one, and how it comes back.

use reloadable::{DeadLetters, ErrorKind};

use super::*;

/// A controller that fails for good with routes to odd ports, and for now with those to port 2.
fn picky(
    informer: Informer<Route>,
    log: &Log,
    set: impl FnOnce(Controller<Route>) -> Controller<Route>,
) -> Handle {
    let log = log.clone();
    let run = set(controller(informer)).run(move |key, context| {
        log.seen(&key, &context);
        async move {
            match context.get().or(context.last()).map(|route| route.port) {
                Some(2) => Err(ReconcileError::transient("busy")),
                Some(port) if port % 2 == 1 => Err(ReconcileError::permanent(format!("{port} is odd"))),
                _ => Ok(Requeue::done()),
            }
        }
    });
    run.unwrap()
}

fn keys(dead: &DeadLetters<String>) -> Vec<String> {
    dead.list().into_iter().map(|letter| letter.key).collect()
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_given_up_at_once_and_what_fails_for_now_after_so_many_tries() {
    let (informer, _routes) = informer(&[("a", 1), ("b", 2), ("c", 4)]).await;
    let log = Log::default();
    let handle = picky(informer, &log, |controller| controller.max_attempts(12));
    let mut dead = handle.dead_letters();
    in_time(dead.changed()).await.unwrap();
    eventually("both are given up", || dead.len() == 2).await;
    assert_eq!(keys(&dead), ["a", "b"]);
    let a = dead.get(&"a".to_owned()).unwrap();
    assert_eq!((a.attempts, &*a.reason, a.history.len()), (1, "1 is odd", 1));
    let b = dead.get(&"b".to_owned()).unwrap();
    assert_eq!((b.attempts, &*b.reason), (12, "busy"));
    let attempts: Vec<_> = b.history.iter().map(|failure| failure.attempt).collect();
    assert_eq!(attempts, [5, 6, 7, 8, 9, 10, 11, 12], "the last eight");
    // That is the end of it.
    let runs = log.all().len();
    pass(100_000 * SECOND).await;
    assert_eq!((runs, log.all().len()), (14, 14));
    let status = handle.status();
    assert_eq!((status.dead_letters, status.counts.given_up, status.queue.delayed), (2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_change_brings_it_back_with_fresh_attempts_and_a_resync_does_not() {
    let (source, routes) = MemoryCollection::new("routes", Format::Toml);
    routes.upsert("api", port(2));
    let informer = Informer::<Route>::builder().source(source).resync(10 * SECOND).never_reverify();
    let informer = informer.start().await.unwrap();
    let log = Log::default();
    let handle = picky(informer, &log, |controller| controller.max_attempts(3));
    let dead = handle.dead_letters();
    eventually("it is given up", || dead.len() == 1).await;
    let runs = log.all().len();
    pass(100 * SECOND).await;
    assert_eq!(log.all().len(), runs, "ten resyncs");
    routes.upsert("api", port(3));
    eventually("it is given up again", || log.all().len() == runs + 1 && dead.len() == 1).await;
    assert_eq!(dead.list()[0].attempts, 1);
    assert_eq!(dead.list()[0].history.len(), 1);
    routes.upsert("api", port(4));
    eventually("it succeeds", || handle.status().counts.succeeded >= 1).await;
    assert!(dead.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_removal_of_the_object_is_reconciled_with_what_it_was() {
    let (informer, routes) = informer(&[("api", 1)]).await;
    let log = Log::default();
    let handle = picky(informer, &log, |controller| controller);
    let dead = handle.dead_letters();
    eventually("it is given up", || dead.len() == 1).await;
    routes.remove("api");
    // It fails for good as well, and stays with what is known of it.
    eventually("it is given up again", || log.all().len() == 2 && dead.len() == 1).await;
    assert!(dead.requeue(&"api".to_owned()).unwrap());
    eventually("it is given up again", || log.all().len() == 3 && dead.len() == 1).await;
    assert_eq!(log.all(), ["api=1", "api gone, was 1", "api gone, was 1"]);
    assert_eq!(dead.remove(&"api".to_owned()).map(|letter| letter.attempts), Some(1));
    assert!(dead.is_empty());
    handle.enqueue("api".to_owned()).unwrap();
    assert_eq!(log.wait(&handle, 4).await[3], "api unknown");
}

#[tokio::test(start_paused = true)]
async fn they_can_be_asked_for_one_by_one_and_all_together() {
    let (informer, _routes) = informer(&[("a", 1), ("b", 3), ("c", 5)]).await;
    let log = Log::default();
    let handle = picky(informer, &log, |controller| controller);
    let dead = handle.dead_letters();
    eventually("all are given up", || dead.len() == 3).await;
    assert!(!dead.requeue(&"d".to_owned()).unwrap());
    assert!(dead.requeue(&"b".to_owned()).unwrap());
    assert_eq!(keys(&dead), ["a", "c"], "it is gone at once");
    eventually("it is back", || dead.len() == 3).await;
    assert_eq!(dead.requeue_all().unwrap(), 3);
    assert!(dead.is_empty());
    eventually("all are back", || dead.len() == 3).await;
    assert_eq!(log.all().len(), 7);
    assert!(dead.remove(&"a".to_owned()).is_some() && dead.remove(&"a".to_owned()).is_none());
    pass(SECOND).await;
    assert_eq!((keys(&dead).len(), log.all().len()), (2, 7));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_leaves_them_where_they_are() {
    let (informer, _routes) = informer(&[("a", 1), ("b", 3)]).await;
    let log = Log::default();
    let handle = picky(informer, &log, |controller| controller.capacity(1));
    let dead = handle.dead_letters();
    eventually("all are given up", || dead.len() == 2).await;
    // Nobody runs between these lines.
    let refused = dead.requeue_all().unwrap_err();
    assert!(refused.is_full());
    assert_eq!(keys(&dead), [refused.into_key()]);
    eventually("both are back", || dead.len() == 2).await;
    handle.shutdown(SECOND).await;
    assert!(dead.requeue(&"a".to_owned()).unwrap_err().is_closed());
    assert_eq!(dead.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn when_there_are_too_many_the_others_are_tried_again_for_ever() {
    let (informer, routes) = informer(&[("a", 1), ("b", 3), ("c", 5)]).await;
    let log = Log::default();
    let handle =
        picky(informer, &log, |controller| controller.max_dead_letters(2).backoff(SECOND, 1000 * SECOND));
    let dead = handle.dead_letters();
    pass(10 * SECOND).await;
    assert_eq!((dead.len(), handle.status().counts.overflowed, handle.status().queue.delayed), (2, 1, 1));
    pass(1000 * SECOND).await;
    assert_eq!((dead.len(), handle.status().counts.overflowed, log.all().len()), (2, 2, 4));
    // Once there is room, it goes there.
    let first = keys(&dead).remove(0);
    routes.upsert(first, port(4));
    eventually("there is room", || dead.len() == 1).await;
    pass(1000 * SECOND).await;
    assert_eq!((dead.len(), handle.status().queue.delayed), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_them_is_told_of_each_and_of_the_end() {
    let (informer, routes) = informer(&[]).await;
    let log = Log::default();
    let handle = picky(informer, &log, |controller| controller);
    let mut dead = handle.dead_letters();
    routes.upsert("a", port(1));
    in_time(dead.changed()).await.unwrap();
    assert_eq!(keys(&dead), ["a"]);
    let mut late = dead.clone();
    routes.upsert("a", port(4));
    in_time(dead.changed()).await.unwrap();
    assert!(dead.is_empty());
    drop(handle);
    in_time(late.changed()).await.unwrap();
    for mut of in [dead, late] {
        let ended = in_time(of.changed()).await;
        assert_eq!(ended.err().map(|error| error.kind()), Some(ErrorKind::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_come_before_the_backoff_is_over_use_up_no_attempts() {
    let (informer, routes) = informer(&[("api", 2)]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let slow = controller(informer).max_attempts(3).backoff(1000 * SECOND, 1000 * SECOND);
        let run = slow.run(move |key, context| {
            log.seen(&key, &context);
            async { Err(ReconcileError::transient("never")) }
        });
        run.unwrap()
    };
    for number in 3..53 {
        pass(SECOND).await;
        routes.upsert("api", port(number));
    }
    assert_eq!(log.wait(&handle, 51).await.len(), 51);
    assert!(handle.dead_letters().is_empty());
    // The second of those that count is due 1,000 s after the first, the third as much later.
    pass(1900 * SECOND).await;
    assert!(handle.dead_letters().is_empty());
    pass(100 * SECOND).await;
    assert_eq!(handle.dead_letters().list().remove(0).attempts, 3);
}
