//! How a queue ends.

use std::time::Duration;

use reloadable::{Add, WorkQueue};
use tokio::time::Instant;

use crate::{Outcome, in_time, millis, queue, ready};

#[tokio::test(start_paused = true)]
async fn a_drain_hands_out_what_is_ready_and_waits_for_the_work() -> Outcome {
    let queue = queue();
    for key in ["a", "b", "c"] {
        queue.add(key).await?;
    }
    queue.add_with("late", Add::new().after(millis(10))).await?;
    let worker = queue.clone();
    let worker = tokio::spawn(async move {
        let mut keys = Vec::new();
        while let Some(item) = worker.next().await {
            tokio::time::sleep(millis(100)).await;
            keys.push(*item.key());
            if *item.key() == "b" { item.retry() } else { item.done() }
        }
        keys
    });
    let start = Instant::now();
    let left = in_time(queue.drain(Duration::from_secs(10))).await?;
    assert_eq!(start.elapsed(), millis(300));
    assert_eq!(in_time(worker).await??, ["a", "b", "c"]);
    assert_eq!((left.ready(), left.delayed(), left.in_work()), (&[][..], &["late", "b"][..], &[][..]));
    assert!(!left.is_empty());
    assert_eq!(left.into_keys(), ["late", "b"]);
    assert!(queue.is_closed());
    Ok(())
}

/// Whoever forgets that he works on a key holds up a drain of Kubernetes' clients for ever.
#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_its_time_is_up() -> Outcome {
    let queue = queue();
    for key in ["a", "b", "c"] {
        queue.add(key).await?;
    }
    let item = ready(&queue).ok_or("it is ready")?;
    let start = Instant::now();
    let left = in_time(queue.drain(millis(50))).await?;
    assert_eq!(start.elapsed(), millis(50));
    assert_eq!((left.ready(), left.delayed(), left.in_work()), (&["b", "c"][..], &[][..], &["a"][..]));
    item.retry();
    assert_eq!(queue.stats().delayed, 0, "nothing comes back");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn workers_wait_for_what_may_come_back_and_end_when_nothing_can() -> Outcome {
    let queue = queue();
    queue.add("a").await?;
    let item = ready(&queue).ok_or("it is ready")?;
    queue.add("a").await?;
    let drain = queue.clone();
    let drain = tokio::spawn(async move { drain.drain(Duration::from_secs(10)).await });
    let worker = queue.clone();
    let worker = tokio::spawn(async move {
        let item = worker.next().await?;
        let key = *item.key();
        item.done();
        assert!(worker.next().await.is_none());
        Some(key)
    });
    tokio::time::sleep(millis(1)).await;
    assert!(queue.try_add("b").is_err_and(|error| error.is_closed()), "nothing is taken any more");
    assert!(queue.try_add("a").is_err_and(|error| error.is_closed()), "not even what is known");
    assert!(!queue.is_closed());
    item.done();
    assert_eq!(in_time(worker).await??, Some("a"), "what was added before is worked on");
    assert!(in_time(drain).await??.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_empty_queue_is_drained_at_once_and_twice() -> Outcome {
    let queue: WorkQueue<u32> = queue();
    let start = Instant::now();
    assert!(queue.drain(Duration::MAX).await.is_empty());
    assert!(queue.drain(Duration::ZERO).await.is_empty());
    assert_eq!(start.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_given_up_can_be_done_again() -> Outcome {
    let queue = queue();
    queue.add("a").await?;
    assert!(tokio::time::timeout(millis(5), queue.drain(Duration::from_secs(10))).await.is_err());
    assert!(queue.try_add("b").is_err());
    ready(&queue).ok_or("it is handed out all the same")?.done();
    assert!(queue.drain(Duration::from_secs(10)).await.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_everything_at_once() -> Outcome {
    let queue = queue();
    for key in ["a", "b"] {
        queue.add(key).await?;
    }
    queue.add_with("late", Add::new().after(millis(10))).await?;
    let item = ready(&queue).ok_or("it is ready")?;
    let second = ready(&queue).ok_or("it is ready")?;
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.next().await.is_none() })
        })
        .collect();
    let drain = queue.clone();
    let drain = tokio::spawn(async move { drain.drain(Duration::MAX).await });
    tokio::time::sleep(millis(1)).await;
    second.done();
    let left = queue.shutdown();
    assert_eq!((left.ready(), left.delayed(), left.in_work()), (&[][..], &["late"][..], &["a"][..]));
    for worker in workers {
        assert!(in_time(worker).await??);
    }
    assert_eq!(in_time(drain).await??.in_work(), ["a"], "the drain is over as well");
    assert_eq!(queue.shutdown().in_work(), ["a"]);
    item.done();
    assert!(queue.shutdown().is_empty());
    assert!(queue.next().await.is_none());
    Ok(())
}
