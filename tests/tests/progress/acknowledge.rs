//! What an acknowledgement covers, and who is waited for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use reloadable::{Error, ErrorKind, Format, MemorySource, Reloader};

use crate::{App, DEADLINE, both, in_memory, in_time, missing, now, publish};

/// Counts how often it is woken.
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_force_is_waited_for_until_everybody_has_applied_it() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut first = config.subscribe().acknowledging("first");
    let mut second = config.subscribe().acknowledging("second");
    config.wait_applied(1, Duration::ZERO).await?;

    let generation = publish(&config, &handle, both(80, 2)).await;
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&counter));
    let mut context = Context::from_waker(&waker);
    let mut waiting = pin!(config.wait_applied(generation, DEADLINE));
    assert!(waiting.as_mut().poll(&mut context).is_pending());

    in_time(first.changed()).await?.applied();
    assert_eq!(counter.0.load(Ordering::Relaxed), 1, "an acknowledgement wakes who waits");
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    in_time(second.changed()).await?.applied();
    assert_eq!(counter.0.load(Ordering::Relaxed), 2);
    waiting.await?;
    config.wait_applied(1, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_answer_is_named() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut applies = config.subscribe().acknowledging("applies");
    let mut drops = config.subscribe().acknowledging("drops");
    let _never_reads = config.subscribe().acknowledging("never reads");
    let generation = publish(&config, &handle, both(80, 2)).await;
    in_time(applies.changed()).await?.applied();
    drop(in_time(drops.changed()).await?);

    let error = config.wait_applied(generation, Duration::from_secs(5)).await.expect_err("two are missing");
    assert_eq!(error.kind(), ErrorKind::NotApplied);
    assert_eq!(
        error.to_string(),
        "not applied everywhere: `drops` has applied generation 1, not 2 [not_applied] (and 1 more problem)"
    );
    assert_eq!(
        missing(&config, generation).await,
        [
            "not_applied: `drops` has applied generation 1, not 2",
            "not_applied: `never reads` has applied generation 1, not 2"
        ]
    );
    let come: Vec<_> =
        config.status().subscribers.into_iter().map(|come| (come.seen, come.applied)).collect();
    assert_eq!(come, [(2, Some(2)), (2, Some(1)), (1, Some(1))]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_as_soon_as_everybody_has_answered() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut applies = config.subscribe().acknowledging("applies");
    let mut fails = config.subscribe().acknowledging("fails");
    let generation = publish(&config, &handle, both(80, 2)).await;
    let failed = in_time(fails.changed()).await?;
    failed.failed("no\n  connection");
    assert!(now(config.wait_applied(generation, DEADLINE)).is_none(), "one may still answer");

    in_time(applies.changed()).await?.applied();
    let error = now(config.wait_applied(generation, DEADLINE)).expect("all have answered").err();
    let error = error.expect("one has failed");
    assert_eq!(error.kind(), ErrorKind::NotApplied);
    assert_eq!(error.report().violations()[0].code(), "failed");
    assert_eq!(
        error.report().violations()[0].message(),
        "`fails` has applied generation 1, not 2: it failed: no connection"
    );
    assert_eq!(config.status().subscribers[1].failed.as_deref(), Some("no connection"));

    // It was tried again.
    failed.applied();
    config.wait_applied(generation, Duration::ZERO).await?;
    assert_eq!(config.status().subscribers[1].failed, None);

    // And it is given up after all.
    failed.failed("x".repeat(5_000));
    assert_eq!(config.status().subscribers[1].applied, Some(1));
    assert_eq!(config.status().subscribers[1].failed.as_deref().map(str::len), Some(1_000));
    assert!(config.wait_applied(generation, Duration::ZERO).await.is_err());

    // The next change makes up for it.
    let generation = publish(&config, &handle, both(80, 3)).await;
    in_time(applies.changed()).await?.applied();
    assert!(now(config.wait_applied(generation, DEADLINE)).is_none(), "the failure is no answer to that");
    in_time(fails.changed()).await?.applied();
    config.wait_applied(generation, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_covers_what_came_before_and_nothing_after() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut pool = config.subscribe().acknowledging("pool");
    publish(&config, &handle, both(80, 2)).await;
    let second = in_time(pool.changed()).await?;
    publish(&config, &handle, both(80, 3)).await;
    let third = in_time(pool.changed()).await?;
    publish(&config, &handle, both(80, 4)).await;

    second.applied();
    config.wait_applied(2, Duration::ZERO).await?;
    assert_eq!(missing(&config, 3).await, ["not_applied: `pool` has applied generation 2, not 3"]);
    third.clone().applied();
    second.failed("too late");
    second.applied();
    config.wait_applied(3, Duration::ZERO).await?;
    assert_eq!(missing(&config, 4).await, ["not_applied: `pool` has applied generation 3, not 4"]);

    // One change that spans two generations.
    publish(&config, &handle, both(80, 5)).await;
    let fifth = in_time(pool.changed()).await?;
    assert_eq!((fifth.previous_snapshot().generation(), fifth.generation()), (3, 5));
    fifth.applied();
    config.wait_applied(4, Duration::ZERO).await?;
    config.wait_applied(5, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn only_those_who_acknowledge_are_waited_for() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut silent = config.subscribe();
    let generation = publish(&config, &handle, both(80, 2)).await;
    config.wait_applied(generation, Duration::ZERO).await?;
    let change = in_time(silent.changed()).await?;
    change.failed("nobody asked");
    change.applied();
    let [silent] = &config.status().subscribers[..] else { panic!("there is one") };
    assert_eq!((&silent.name, silent.seen, silent.applied, &silent.failed), (&None, 2, None, &None));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_ends_is_no_longer_waited_for() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut ends = config.subscribe().acknowledging("ends");
    let generation = publish(&config, &handle, both(80, 2)).await;
    let change = in_time(ends.changed()).await?;
    let mut waiting = pin!(config.wait_applied(generation, DEADLINE));
    assert!(now(waiting.as_mut()).is_none());
    drop(ends);
    now(waiting).expect("nobody is left to wait for")?;
    change.failed("it has ended");
    config.wait_applied(generation, Duration::ZERO).await?;
    assert!(config.status().subscribers.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_subscription_begins_with_what_it_has_seen() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut pool = config.subscribe();
    publish(&config, &handle, both(80, 2)).await;
    let unseen = pool.clone().acknowledging("unseen");
    assert_eq!(missing(&config, 2).await, ["not_applied: `unseen` has applied generation 1, not 2"]);
    drop(unseen);

    in_time(pool.changed()).await?;
    let mut pool = pool.acknowledging("pool");
    config.wait_applied(2, Duration::ZERO).await?;

    // A clone acknowledges for itself, and has what it has seen.
    publish(&config, &handle, both(80, 3)).await;
    let change = in_time(pool.changed()).await?;
    let mut clone = pool.clone();
    assert_eq!(missing(&config, 3).await, ["not_applied: `pool` has applied generation 2, not 3"]);
    change.applied();
    config.wait_applied(3, Duration::ZERO).await?;
    publish(&config, &handle, both(80, 4)).await;
    in_time(pool.changed()).await?.applied();
    assert_eq!(missing(&config, 4).await, ["not_applied: `pool` has applied generation 3, not 4"]);
    in_time(clone.changed()).await?.applied();
    config.wait_applied(4, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_is_yet_to_come_is_waited_for() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    assert_eq!(missing(&config, 3).await, ["not_published: generation 3 is not published, 1 is in force"]);
    let mut waiting = pin!(config.wait_applied(3, DEADLINE));
    publish(&config, &handle, both(80, 2)).await;
    assert!(now(waiting.as_mut()).is_none());
    publish(&config, &handle, both(80, 3)).await;
    now(waiting).expect("it is published")
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_reloader_ends_the_waiting() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut pool = config.subscribe().acknowledging("pool");
    publish(&config, &handle, both(80, 2)).await;
    let mut waiting = pin!(config.wait_applied(2, DEADLINE));
    assert!(now(waiting.as_mut()).is_none());
    config.clone().shutdown().await;
    let error = now(waiting).expect("it has ended").expect_err("it was not applied");
    assert_eq!(error.kind(), ErrorKind::Closed);

    // What was published can still be applied.
    in_time(pool.changed()).await?.applied();
    config.wait_applied(2, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_never_reads_holds_up_nobody() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let never = config.subscribe().acknowledging("never");
    let mut reads = config.subscribe();
    for size in 2..=200 {
        assert_eq!(publish(&config, &handle, both(80, size)).await, u64::from(size));
        assert_eq!(in_time(reads.changed()).await?.current().pool.size, size);
    }
    assert_eq!(never.seen().pool.size, 1);
    assert_eq!(missing(&config, 200).await, ["not_applied: `never` has applied generation 1, not 200"]);
    Ok(())
}

#[test]
fn waiting_works_without_a_runtime() -> Result<(), Error> {
    let (source, handle) = MemorySource::new("memory", Format::Toml, both(80, 1));
    let config = Reloader::<App>::builder().source(source).start_blocking()?;
    let mut pool = config.subscribe().acknowledging("pool");
    handle.replace(both(80, 2));
    config.blocking_reload();
    let error = config.blocking_wait_applied(2, Duration::ZERO).expect_err("it is not applied");
    assert_eq!(error.kind(), ErrorKind::NotApplied);
    let applying = std::thread::spawn(move || pool.blocking_changed().map(|change| change.applied()));
    config.blocking_wait_applied(2, DEADLINE)?;
    config.blocking_wait_applied(2, Duration::MAX)?;
    applying.join().expect("it does not panic")
}
