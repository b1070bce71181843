//! Keys that are to come later.

use std::time::Duration;

use reloadable::Add;
use tokio::time::Instant;

use crate::{Outcome, in_time, millis, queue, ready, rest};

fn after(delay: u64) -> Add {
    Add::new().after(millis(delay))
}

#[tokio::test(start_paused = true)]
async fn a_worker_sleeps_until_the_first_key_is_due() -> Outcome {
    let queue = queue();
    queue.add_with("late", after(500)).await?;
    queue.add_with("soon", after(20)).await?;
    let start = Instant::now();
    for (key, at) in [("soon", 20), ("late", 500)] {
        let item = in_time(queue.next()).await?.ok_or("it is open")?;
        assert_eq!((*item.key(), start.elapsed()), (key, millis(at)));
        item.done();
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_worker_is_told_of_what_is_due_earlier() -> Outcome {
    let queue = queue();
    queue.add_with("late", after(10_000)).await?;
    let worker = queue.clone();
    let worker = tokio::spawn(async move {
        let item = worker.next().await?;
        let key = *item.key();
        item.done();
        Some(key)
    });
    tokio::time::sleep(millis(5)).await;
    let start = Instant::now();
    queue.add_with("soon", after(10)).await?;
    assert_eq!(in_time(worker).await??, Some("soon"));
    assert_eq!(start.elapsed(), millis(10));
    Ok(())
}

/// An entry of its own for what is delayed would fire again, as it does in Kubernetes' clients.
#[tokio::test(start_paused = true)]
async fn an_immediate_add_pulls_the_delayed_one_forward_and_it_fires_once() -> Outcome {
    let queue = queue();
    queue.add_with("a", after(100)).await?;
    queue.add("a").await?;
    assert_eq!(rest(&queue), ["a"]);
    tokio::time::sleep(millis(1_000)).await;
    assert!(ready(&queue).is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_earlier_time_wins() -> Outcome {
    let queue = queue();
    for delay in [100, 50, 200] {
        queue.add_with("a", after(delay)).await?;
    }
    let start = Instant::now();
    in_time(queue.next()).await?.ok_or("it is open")?.done();
    assert_eq!(start.elapsed(), millis(50));
    assert_eq!(queue.stats().delayed, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_worked_on_can_be_delayed_as_well() -> Outcome {
    let queue = queue();
    queue.add("a").await?;
    let item = ready(&queue).ok_or("it is ready")?;
    queue.add_with("a", after(100)).await?;
    item.requeue_after(millis(300));
    let start = Instant::now();
    let item = in_time(queue.next()).await?.ok_or("it is open")?;
    assert_eq!(start.elapsed(), millis(100), "the earlier of the two");
    item.requeue_after(millis(300));
    let item = in_time(queue.next()).await?.ok_or("it is open")?;
    assert_eq!(start.elapsed(), millis(400));
    item.done();
    Ok(())
}

/// One worker sleeps for all. When he is gone, another one does.
#[tokio::test(start_paused = true)]
async fn the_timer_is_handed_on_by_who_gives_up() -> Outcome {
    let queue = queue();
    queue.add_with("a", after(100)).await?;
    let start = Instant::now();
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.next().await.map(|item| *item.key()) })
        })
        .collect();
    tokio::time::sleep(millis(10)).await;
    let mut workers = workers.into_iter();
    for worker in workers.by_ref().take(2) {
        worker.abort();
        tokio::time::sleep(millis(10)).await;
    }
    let last = workers.next().ok_or("there were three")?;
    assert_eq!(in_time(last).await??, Some("a"));
    assert_eq!(start.elapsed(), millis(100));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_delay_is_too_long() -> Outcome {
    let queue = queue();
    queue.add_with("never", Add::new().after(Duration::MAX)).await?;
    let start = Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(86_400), queue.next()).await.is_err());
    assert_eq!(start.elapsed(), Duration::from_secs(86_400), "it slept all the while");
    queue.add("never").await?;
    assert_eq!(rest(&queue), ["never"]);
    Ok(())
}
