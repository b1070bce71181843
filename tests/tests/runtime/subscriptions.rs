//! Who is woken, with what, and who is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reloadable::{Error, ErrorKind, Reloader};

use crate::{App, in_memory, in_time};

fn both(port: u16, pool: u16) -> String {
    format!("[server]\nport = {port}\n[database]\npool_size = {pool}\n")
}

#[tokio::test(start_paused = true)]
async fn a_section_is_woken_by_its_own_changes_only() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(80, 20)).await?;
    let mut database = config.subscribe_to(|app: &App| &app.database);
    let mut server = config.subscribe_to(|app: &App| &app.server);

    handle.replace(both(81, 20));
    assert_eq!(in_time(server.changed()).await?.changes().to_string(), "port: 80 -> 81");
    let woken = futures_poll(database.changed());
    assert!(woken.is_none(), "the database did not change");

    handle.replace(both(81, 30));
    let change = in_time(database.changed()).await?;
    assert_eq!((change.generation(), change.previous().pool_size, change.current().pool_size), (3, 20, 30));
    assert_eq!(change.changes().pool_size.map(|pool| (*pool.old, *pool.new)), Some((20, 30)));
    assert_eq!(change.snapshot().server.port, 81);
    Ok(())
}

/// Polls once.
fn futures_poll<F: Future>(future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// Counts how often it is woken.
struct Counter(AtomicUsize);

impl std::task::Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_section_costs_no_wakes() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(0, 20)).await?;
    let mut database = config.subscribe_to(|app: &App| &app.database);
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let waker = std::task::Waker::from(Arc::clone(&counter));
    let mut sleeping = std::pin::pin!(database.changed());
    assert!(sleeping.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());

    let mut server = config.subscribe_to(|app: &App| &app.server);
    for port in 1..=1_000 {
        handle.replace(both(port, 20));
        in_time(server.changed()).await?;
    }
    assert_eq!(counter.0.load(Ordering::Relaxed), 0);

    handle.replace(both(1_000, 21));
    assert_eq!(sleeping.await?.generation(), 1_002);
    assert_eq!(counter.0.load(Ordering::Relaxed), 0, "the last poll was by the test's own waker");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_gets_one_change_that_spans_what_it_missed() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(80, 20)).await?;
    let mut slow = config.subscribe();
    for pool in 21..=29 {
        handle.replace(both(80, pool));
        config.reload().await;
    }
    handle.replace(both(81, 30));
    config.reload().await;

    let change = in_time(slow.changed()).await?;
    assert_eq!(change.changes().to_string(), "server.port: 80 -> 81\ndatabase.pool_size: 20 -> 30");
    assert_eq!(change.generation(), 11);
    assert!(futures_poll(slow.changed()).is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn there_and_back_again_is_no_change() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(80, 20)).await?;
    let mut slow = config.subscribe_to(|app: &App| &app.database);
    for pool in [30, 20] {
        handle.replace(both(80, pool));
        config.reload().await;
    }
    assert!(futures_poll(slow.changed()).is_none());
    assert_eq!(slow.seen_snapshot().generation(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_is_stored_before_anyone_is_woken() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(0, 20)).await?;
    let mut changes = config.subscribe();
    for port in 1..=200 {
        handle.replace(both(port, 20));
        let change = in_time(changes.changed()).await?;
        assert!(config.snapshot().generation() >= change.generation());
        assert!(config.status().generation >= change.generation());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_loses_nothing() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(80, 20)).await?;
    let mut changes = config.subscribe();
    for pool in 21..=40 {
        assert!(futures_poll(changes.changed()).is_none());
        handle.replace(both(80, pool));
        config.reload().await;
        assert_eq!(in_time(changes.changed()).await?.current().database.pool_size, pool);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_selector_with_captures_is_a_section_of_its_own() -> Result<(), Error> {
    let (config, handle) = in_memory("[[routes]]\nname = 'a'\n[[routes]]\nname = 'b'\n").await?;
    let mut routes: Vec<_> =
        (0..2).map(|index| config.subscribe_to(move |app: &App| &app.routes[index])).collect();
    handle.replace("[[routes]]\nname = 'a'\n[[routes]]\nname = 'b'\ntimeout = 5\n");
    assert_eq!(in_time(routes[1].changed()).await?.changes().to_string(), "timeout: 0 -> 5");
    assert!(futures_poll(routes[0].changed()).is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_panics_harms_only_its_own_subscription() -> Result<(), Error> {
    let (config, handle) = in_memory("[[routes]]\nname = 'a'\n").await?;
    let index = 0;
    let mut broken = config.subscribe_to(move |app: &App| &app.routes[index]);
    let mut changes = config.subscribe();
    handle.replace(both(80, 20));
    in_time(changes.changed()).await?;
    let panicked =
        tokio::spawn(async move { in_time(broken.changed()).await.map(|change| change.generation()) }).await;
    assert!(panicked.is_err_and(|error| error.is_panic()));

    handle.replace(both(80, 21));
    assert_eq!(in_time(changes.changed()).await?.generation(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_clone_of_a_subscription_is_woken() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(80, 20)).await?;
    let mut one = config.subscribe();
    let mut other = one.clone();
    handle.replace(both(80, 21));
    assert_eq!(in_time(one.changed()).await?.generation(), 2);
    assert_eq!(in_time(other.changed()).await?.generation(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_end_wakes_everybody() -> Result<(), Error> {
    let (config, _handle) = in_memory(&both(80, 20)).await?;
    let mut changes = config.subscribe();
    let waiting =
        tokio::spawn(async move { in_time(changes.changed()).await.map(|change| change.generation()) });
    config.shutdown().await;
    let ended = waiting.await.map_err(|error| error.to_string());
    assert_eq!(ended.map(|ended| ended.map_err(|error| error.kind())), Ok(Err(ErrorKind::Closed)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_published_before_the_end_is_still_delivered() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(80, 20)).await?;
    let mut changes = config.subscribe();
    handle.replace(both(80, 21));
    config.reload().await;
    config.shutdown().await;
    assert_eq!(in_time(changes.changed()).await?.generation(), 2);
    assert_eq!(
        in_time(changes.changed()).await.map(|_| ()).map_err(|error| error.kind()),
        Err(ErrorKind::Closed)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_is_the_end() -> Result<(), Error> {
    let (config, _handle) = in_memory(&both(80, 20)).await?;
    let mut changes = config.subscribe();
    let clone = config.clone();
    drop(config);
    assert!(futures_poll(changes.changed()).is_none());
    drop(clone);
    assert_eq!(
        in_time(changes.changed()).await.map(|_| ()).map_err(|error| error.kind()),
        Err(ErrorKind::Closed)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_the_end_the_snapshot_stays_and_the_handle_says_so() -> Result<(), Error> {
    let (config, _handle) = in_memory(&both(80, 20)).await?;
    let clone = config.clone();
    config.shutdown().await;
    assert_eq!(clone.load().database.pool_size, 20);
    assert_eq!(clone.reload().await.error().map(|error| error.kind()), Some(ErrorKind::Closed));
    assert_eq!(clone.status().sources[0].state, reloadable::SourceState::Closed);
    let mut late = clone.subscribe();
    assert_eq!(
        in_time(late.changed()).await.map(|_| ()).map_err(|error| error.kind()),
        Err(ErrorKind::Closed)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_secret_shows_only_that_it_changed() -> Result<(), Error> {
    let (config, handle) = in_memory("token = 'hunter2'\n").await?;
    let mut changes = config.subscribe();
    handle.replace("token = 'swordfish'\n");
    let outcome = config.reload().await;
    let change = in_time(changes.changed()).await?;
    let changes = change.changes();
    let printed = format!("{changes} {changes:?} {outcome} {outcome:?} {:?}", config.status());
    assert!(!printed.contains("hunter2") && !printed.contains("swordfish"), "{printed}");
    assert_eq!(changes.to_string(), "token: changed");
    assert_eq!(changes.token.as_ref().map(|token| token.new.as_str()), Some("swordfish"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn subscriptions_that_are_gone_leave_nothing_although_nothing_is_published() -> Result<(), Error> {
    let (config, _handle) = in_memory(&both(80, 20)).await?;
    let captured = Arc::new(());
    for _ in 0..10_000 {
        let captured = Arc::clone(&captured);
        drop(config.subscribe_to(move |app: &App| {
            let _ = &captured;
            &app.database
        }));
    }
    assert!(Arc::strong_count(&captured) < 20, "{}", Arc::strong_count(&captured));
    let kept: Vec<_> = (0..100)
        .map(|_| {
            let captured = Arc::clone(&captured);
            config.subscribe_to(move |app: &App| {
                let _ = &captured;
                &app.database
            })
        })
        .collect();
    assert!(Arc::strong_count(&captured) < 320, "{}", Arc::strong_count(&captured));
    drop(kept);
    config.shutdown().await;
    assert_eq!(Arc::strong_count(&captured), 1);
    Ok(())
}

/// Subscribes again when it is dropped, as application code may.
struct Reentrant(Option<Reloader<App>>);

impl Drop for Reentrant {
    fn drop(&mut self) {
        if let Some(config) = self.0.take() {
            drop(config.subscribe());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_selector_has_captured_is_dropped_without_a_lock() -> Result<(), Error> {
    let (config, handle) = in_memory(&both(80, 20)).await?;
    for _ in 0..100 {
        let captured = Reentrant(Some(config.clone()));
        drop(config.subscribe_to(move |app: &App| {
            let _ = &captured;
            &app.database
        }));
    }
    handle.replace(both(81, 20));
    config.reload().await;
    assert_eq!(config.snapshot().generation(), 2);
    Ok(())
}
