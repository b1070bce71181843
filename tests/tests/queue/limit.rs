//! How many keys are handed out in a time.

use std::time::Duration;

use reloadable::{Add, Jitter, Priority, RateLimit, WorkQueue};
use tokio::time::Instant;

use crate::{Outcome, in_time, millis, ready};

fn limited(limit: RateLimit) -> WorkQueue<u32> {
    WorkQueue::builder().jitter(Jitter::None).rate_limit(limit).build()
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_the_rest_as_it_may() -> Outcome {
    let queue = limited(RateLimit::per_second(10).burst(3));
    let start = Instant::now();
    for key in 0..6 {
        queue.add(key).await?;
    }
    let mut times = Vec::new();
    for key in 0..6 {
        let item = in_time(queue.next()).await?.ok_or("it is open")?;
        assert_eq!(*item.key(), key);
        times.push(start.elapsed().as_millis());
        item.done();
    }
    assert_eq!(times, [0, 0, 0, 100, 200, 300]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_limit_is_passed_by_what_is_urgent() -> Outcome {
    let queue = limited(RateLimit::per_second(1));
    for key in 0..3 {
        queue.add(key).await?;
    }
    ready(&queue).ok_or("the first goes at once")?.done();
    assert!(ready(&queue).is_none());
    queue.add_with(9, Add::new().priority(Priority::High)).await?;
    assert!(ready(&queue).is_none(), "it waits as well");
    let item = in_time(queue.next()).await?.ok_or("it is open")?;
    assert_eq!(*item.key(), 9);
    Ok(())
}

/// By the limit of Kubernetes' clients, ten a second and a hundred at once, the last of ten thousand keys waits for 16
/// minutes.
#[tokio::test(start_paused = true)]
async fn ten_thousand_keys_at_once_do_not_wait_for_a_quarter_of_an_hour() -> Outcome {
    let queue = limited(RateLimit::per_second(10).burst(100).max_wait(Duration::from_secs(5)));
    let start = Instant::now();
    for key in 0..10_000 {
        queue.add(key).await?;
    }
    let mut longest = Duration::ZERO;
    for _ in 0..10_000 {
        let item = in_time(queue.next()).await?.ok_or("it is open")?;
        longest = longest.max(item.waited());
        item.done();
    }
    assert!(start.elapsed() <= Duration::from_secs(5) + millis(1), "{:?}", start.elapsed());
    assert!(longest >= Duration::from_secs(5), "the limit has held: {longest:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several_workers_share_the_limit() -> Outcome {
    let queue = limited(RateLimit::new(1, millis(10)));
    let start = Instant::now();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while let Some(item) = queue.next().await {
                    times.push(start.elapsed().as_millis());
                    item.done();
                }
                times
            })
        })
        .collect();
    for key in 0..20 {
        queue.add(key).await?;
    }
    assert!(in_time(queue.drain(Duration::from_secs(10))).await?.is_empty());
    let mut times = Vec::new();
    for worker in workers {
        times.extend(in_time(worker).await??);
    }
    times.sort_unstable();
    assert_eq!(times, (0..20).map(|nth| nth * 10).collect::<Vec<_>>());
    Ok(())
}
