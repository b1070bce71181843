//! What is run, with what, and when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use reloadable::{Changed, ErrorKind, KeyedSource, Listed, Listing, Origin, Revision, SourceError};

use super::*;

#[tokio::test(start_paused = true)]
async fn each_change_is_one_run_that_sees_the_object_as_it_is() {
    let (informer, routes) = informer(&[("api", 80)]).await;
    let log = Log::default();
    let handle = watching(informer, &log);
    assert_eq!(log.wait(&handle, 1).await, ["api=80"]);
    routes.upsert("web", port(90));
    assert_eq!(log.wait(&handle, 2).await[1], "web=90");
    routes.upsert("api", port(81));
    assert_eq!(log.wait(&handle, 3).await[2], "api=81");
    routes.remove("web");
    assert_eq!(log.wait(&handle, 4).await[3], "web gone, was 90");
    routes.upsert("web", port(91));
    assert_eq!(log.wait(&handle, 5).await[4], "web=91", "what was removed was dealt with");
    // The same object is no news, a broken one keeps its last good self.
    routes.upsert("api", port(81));
    routes.upsert("web", "port = 'none'");
    pass(10 * SECOND).await;
    assert_eq!(log.all().len(), 5);
    let counts = handle.status().counts;
    assert_eq!((counts.succeeded, counts.failed), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn what_changes_while_it_is_worked_on_is_one_more_run_after_that() {
    let (informer, routes) = informer(&[("api", 1)]).await;
    let log = Log::default();
    let running = Arc::new(AtomicUsize::new(0));
    let handle = {
        let (log, running) = (log.clone(), Arc::clone(&running));
        let run = controller(informer).concurrency(4).run(move |key, context| {
            let (log, running) = (log.clone(), Arc::clone(&running));
            async move {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two runs of one key");
                log.seen(&key, &context);
                pass(SECOND).await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(Requeue::done())
            }
        });
        run.unwrap()
    };
    eventually("it runs", || running.load(Ordering::SeqCst) == 1).await;
    for number in 2..100 {
        routes.upsert("api", port(number));
        pass(Duration::from_millis(1)).await;
    }
    eventually("all is in the store", || ports(&handle)["api"] == 99).await;
    assert_eq!(log.wait(&handle, 2).await, ["api=1", "api=99"]);
}

#[tokio::test(start_paused = true)]
async fn keys_are_worked_on_in_parallel_up_to_a_number() {
    for (concurrency, most) in [(1, 1), (3, 3), (0, 1)] {
        let keys: Vec<_> = (0..10).map(|number| format!("{number}")).collect();
        let pairs: Vec<_> = keys.iter().map(|key| (key.as_str(), 1)).collect();
        let (informer, _routes) = informer(&pairs).await;
        let (now, highest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, seen) = (Arc::clone(&now), Arc::clone(&highest));
        let handle = controller(informer).concurrency(concurrency).run(move |_, _| {
            let (now, highest) = (Arc::clone(&counted), Arc::clone(&seen));
            async move {
                highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                pass(SECOND).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(Requeue::done())
            }
        });
        let handle = handle.unwrap();
        eventually("all are done", || handle.status().counts.succeeded == 10).await;
        assert_eq!(highest.load(Ordering::SeqCst), most);
        assert_eq!(handle.status().concurrency, most);
    }
}

#[tokio::test(start_paused = true)]
async fn runs_are_on_tasks_of_their_own() {
    let (informer, _routes) = informer(&[("a", 1), ("b", 2)]).await;
    let (both, tasks) = (Arc::new(tokio::sync::Barrier::new(2)), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&tasks);
    let handle = controller(informer).concurrency(2).run(move |_, _| {
        let (both, noted) = (Arc::clone(&both), Arc::clone(&noted));
        async move {
            both.wait().await;
            noted.lock().unwrap().push(tokio::task::id());
            Ok(Requeue::done())
        }
    });
    let handle = handle.unwrap();
    eventually("both are done", || handle.status().counts.succeeded == 2).await;
    let tasks = tasks.lock().unwrap();
    assert_ne!(tasks[0], tasks[1]);
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_when_it_asked_for_it_and_earlier_if_something_changes() {
    let (informer, routes) = informer(&[("api", 1)]).await;
    let times = Arc::new(Mutex::new(Vec::new()));
    let begun = tokio::time::Instant::now();
    let noted = Arc::clone(&times);
    let handle = controller(informer).run(move |_, _| {
        noted.lock().unwrap().push(begun.elapsed().as_secs());
        async { Ok(Requeue::after(60 * SECOND)) }
    });
    let handle = handle.unwrap();
    pass(90 * SECOND).await;
    routes.upsert("api", port(2));
    pass(90 * SECOND).await;
    assert_eq!(*times.lock().unwrap(), [0, 60, 90, 150]);
    let status = handle.status();
    assert_eq!((status.counts.succeeded, status.counts.requeued, status.queue.delayed), (4, 4, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_there_at_the_start_lets_later_changes_go_first() {
    let keys: Vec<_> = (0..100).map(|number| format!("old{number}")).collect();
    let pairs: Vec<_> = keys.iter().map(|key| (key.as_str(), 1)).collect();
    let (informer, routes) = informer(&pairs).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).run(move |key: String, _| {
            log.say(key);
            async {
                pass(SECOND).await;
                Ok(Requeue::done())
            }
        });
        run.unwrap()
    };
    eventually("it has begun", || log.all().len() >= 2).await;
    routes.upsert("new", port(1));
    eventually("it is run", || log.all().iter().any(|key| key == "new")).await;
    assert!(log.all().len() < 6, "{:?}", log.all());
    eventually("all are done", || handle.status().counts.succeeded == 101).await;
}

/// A source whose list is held up until it is told.
struct Late(tokio::sync::watch::Receiver<bool>);

impl KeyedSource for Late {
    type Key = String;

    fn origin(&self) -> Origin {
        Origin::named("late")
    }

    async fn list(&mut self, _: &mut Listing<String>) -> Result<Listed, SourceError> {
        let _ = self.0.wait_for(|now| *now).await;
        Ok(Listed::new())
    }

    async fn changed(&mut self, _: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_run_before_every_informer_has_its_list() {
    let (informer, _routes) = informer(&[("api", 1)]).await;
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let late = Informer::<Route>::builder().source(Late(receiver)).start_unsynced().start().await.unwrap();
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).owns(late, |_, _| None).run(move |key, context| {
            log.seen(&key, &context);
            async { Ok(Requeue::done()) }
        });
        run.unwrap()
    };
    pass(20 * SECOND).await;
    assert!(!handle.status().has_started && log.all().is_empty());
    sender.send_replace(true);
    assert_eq!(log.wait(&handle, 1).await, ["api=1"]);
    assert!(handle.status().has_started);
}

#[tokio::test(start_paused = true)]
async fn a_key_can_be_asked_for() {
    let (informer, _routes) = informer(&[("api", 1)]).await;
    let log = Log::default();
    let handle = watching(informer, &log);
    log.wait(&handle, 1).await;
    handle.enqueue("api".to_owned()).unwrap();
    handle.enqueue("nobody".to_owned()).unwrap();
    assert_eq!(log.wait(&handle, 3).await[1..], ["api=1", "nobody unknown"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_loses_nothing() {
    let (informer, routes) = informer(&[]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).capacity(2).run(move |key, context| {
            log.seen(&key, &context);
            async {
                pass(SECOND).await;
                Ok(Requeue::done())
            }
        });
        run.unwrap()
    };
    for number in 1..=50 {
        routes.upsert(format!("{number}"), port(number));
    }
    eventually("all are run", || log.all().len() >= 50).await;
    for number in 1..=50 {
        routes.remove(format!("{number}"));
    }
    eventually("all are run", || log.all().len() >= 100).await;
    assert!(log.all()[50..].iter().all(|said| said.contains("gone, was")), "{:?}", log.all());
    assert!(handle.status().queue.depth <= 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_and_comes_back_before_it_was_looked_at_is_told_as_both() {
    let (informer, routes) = informer(&[("api", 1)]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).run(move |key, context: Context| {
            log.seen(&key, &context);
            async move {
                pass(10 * SECOND).await;
                Ok(Requeue::done())
            }
        });
        run.unwrap()
    };
    eventually("it runs", || log.all().len() == 1).await;
    routes.remove("api");
    eventually("it is gone", || handle.lister().is_empty()).await;
    routes.upsert("api", port(2));
    eventually("it is back", || handle.lister().len() == 1).await;
    assert_eq!(log.wait(&handle, 2).await, ["api=1", "api=2, was 1"]);
}

#[test]
fn without_a_runtime_it_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (informer, _routes) = runtime.block_on(informer(&[]));
    let run = Controller::new(informer).run(|_, _| async { Ok(Requeue::done()) });
    assert_eq!(run.err().map(|error| error.kind()), Some(ErrorKind::Setup));
}

/// A run that nobody told of it may have seen what has come and gone, or was changed and changed back.
#[tokio::test(start_paused = true)]
async fn what_comes_to_nothing_is_looked_at_as_well() {
    let (informer, routes) = informer(&[("api", 1)]).await;
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let run = controller(informer).capacity(1).run(move |key, context: Context| {
            log.seen(&key, &context);
            async move {
                pass(10 * SECOND).await;
                Ok(Requeue::done())
            }
        });
        run.unwrap()
    };
    eventually("it runs", || log.all().len() == 1).await;
    // There is no room for it yet, and each is in the store before the next.
    routes.upsert("web", port(1));
    eventually("it has come", || handle.lister().len() == 2).await;
    routes.remove("web");
    eventually("it has gone", || handle.lister().len() == 1).await;
    routes.upsert("api", port(2));
    eventually("it has changed", || ports(&handle)["api"] == 2).await;
    routes.upsert("api", port(1));
    eventually("it has changed back", || ports(&handle)["api"] == 1).await;
    let mut said = log.wait(&handle, 3).await;
    said.sort();
    assert_eq!(said, ["api=1", "api=1", "web gone, was 1"]);
}
