//! How long what has failed waits.

use std::collections::BTreeSet;
use std::time::Duration;

use reloadable::{Item, Jitter, WorkQueue};
use tokio::time::Instant;

use crate::{Outcome, in_time, millis, queue, ready};

async fn next(queue: &WorkQueue<u32>) -> Result<Item<u32>, Box<dyn std::error::Error>> {
    Ok(in_time(queue.next()).await?.ok_or("it is open")?)
}

/// As the table of Kubernetes' clients has it, from 5 ms to 1,000 s.
#[tokio::test(start_paused = true)]
async fn waits_double_up_to_the_cap() -> Outcome {
    let queue = queue();
    queue.add(1).await?;
    let mut waits = Vec::new();
    let mut item = next(&queue).await?;
    for attempts in 0..25 {
        assert_eq!(item.attempts(), attempts);
        let start = Instant::now();
        item.retry();
        item = next(&queue).await?;
        waits.push(start.elapsed());
    }
    let expected = (0..25_u32).map(|failures| millis(5 << failures.min(20)).min(Duration::from_secs(1_000)));
    assert_eq!(waits, expected.collect::<Vec<_>>());
    Ok(())
}

/// Keys that failed together do not come back together.
#[tokio::test(start_paused = true)]
async fn waits_are_spread() -> Outcome {
    for jitter in [Jitter::Full, Jitter::Seeded(1)] {
        let queue = WorkQueue::builder()
            .jitter(jitter)
            .backoff(Duration::from_secs(100), Duration::from_secs(100))
            .build();
        for key in 0..100 {
            queue.add(key).await?;
        }
        while let Some(item) = ready(&queue) {
            item.retry();
        }
        let start = Instant::now();
        let mut seconds = BTreeSet::new();
        for _ in 0..100 {
            next(&queue).await?.done();
            seconds.insert(start.elapsed().as_secs());
        }
        assert!(seconds.len() > 40, "{seconds:?}");
        assert!(seconds.iter().all(|second| *second <= 100));
    }
    Ok(())
}

/// Events made the backoff of Kubernetes' clients grow with each of them: some events a second, and the key was left alone
/// for a quarter of an hour.
#[tokio::test(start_paused = true)]
async fn events_neither_lengthen_nor_shorten_the_backoff() -> Outcome {
    let queue = WorkQueue::builder()
        .jitter(Jitter::None)
        .backoff(Duration::from_secs(1), Duration::from_secs(1_000))
        .build();
    queue.add(1).await?;
    let start = Instant::now();
    next(&queue).await?.retry();
    let mut early = 0;
    let mut due = Vec::new();
    // An event every 100 ms for a minute, each of which is worked on, in vain.
    for _ in 0..600 {
        tokio::time::sleep(millis(100)).await;
        // What is due is handed out at its own time, so not because of the event.
        let is_due = ready(&queue).map(Item::retry).is_some();
        if is_due {
            due.push(start.elapsed().as_millis());
        }
        queue.add(1).await?;
        let item = ready(&queue).ok_or("an event is worked on at once")?;
        assert_eq!(item.attempts() as usize, due.len() + 1, "it is not counted");
        item.retry();
        early += 1;
    }
    assert_eq!(early, 600);
    assert_eq!(due, [1_000, 3_000, 7_000, 15_000, 31_000]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn success_and_forgetting_begin_again() -> Outcome {
    let queue = queue();
    queue.add(1).await?;
    for _ in 0..5 {
        next(&queue).await?.retry();
    }
    let item = next(&queue).await?;
    assert_eq!(item.attempts(), 5);
    assert!(queue.forget(&1));
    item.retry();
    let item = next(&queue).await?;
    assert_eq!(item.attempts(), 1);
    item.requeue_after(millis(1));
    let item = next(&queue).await?;
    assert_eq!(item.attempts(), 0);
    item.done();
    assert!(!queue.forget(&1), "nothing is kept of what is done");
    Ok(())
}

/// Neither the backoff nor anything else of a key is there when it is done: nobody need remember to forget.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_what_failed_once() -> Outcome {
    let queue = queue();
    for key in 0..1_000 {
        queue.add(key).await?;
        next(&queue).await?.retry();
        next(&queue).await?.done();
    }
    let stats = queue.stats();
    assert_eq!((stats.depth, stats.delayed, stats.in_work), (0, 0, 0));
    assert_eq!(stats.retries_total, 1_000);
    Ok(())
}
