//! A work queue: a storm of events becomes a little work, failures come again by themselves, and nothing is lost at the
//! end.
//!
//! Ends with: `1000 events, 7 runs, 2 retries, left: []`

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reloadable::{Add, Priority, WorkQueue};

/// How often each route was worked on.
type Runs = Arc<Mutex<BTreeMap<String, u32>>>;

/// Brings one route to where it should be, from whatever it is now. An event says no more than which one.
async fn reconcile(route: &str, runs: &Runs) -> Result<(), String> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
    let run = runs.entry(route.to_owned()).or_default();
    *run += 1;
    if route == "flaky" && *run <= 2 {
        Err(format!("the upstream does not answer, run {run}"))
    } else {
        Ok(())
    }
}

async fn work(queue: WorkQueue<String>, runs: Runs) {
    while let Some(item) = queue.next().await {
        match reconcile(item.key(), &runs).await {
            Ok(()) => item.done(),
            Err(error) => {
                println!("{}: {error}", item.key());
                item.retry();
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let queue = WorkQueue::builder()
        .name("routes")
        .capacity(10_000)
        .backoff(Duration::from_millis(5), Duration::from_secs(60))
        .build();

    // Whoever hears of changes adds the names, and need not care whether they are known already.
    for event in 0..998 {
        let route = ["api", "web", "flaky"][event % 3];
        queue.add_with(route.to_owned(), Add::new().priority(Priority::Low)).await?;
    }
    queue.add_with("checkout".to_owned(), Add::new().priority(Priority::High)).await?;
    println!("999 events, {} keys", queue.stats().depth);

    let runs = Runs::default();
    let workers: Vec<_> = (0..2).map(|_| tokio::spawn(work(queue.clone(), Arc::clone(&runs)))).collect();

    // What failed comes again until it succeeds.
    loop {
        let stats = queue.stats();
        if stats.depth + stats.delayed + stats.in_work == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    // What was added before the end is worked on.
    queue.add("api".to_owned()).await?;

    let left = queue.drain(Duration::from_secs(10)).await;
    for worker in workers {
        worker.await?;
    }
    let stats = queue.stats();
    println!(
        "1000 events, {} runs, {} retries, left: {:?}",
        stats.work_duration.count,
        stats.retries_total,
        left.into_keys()
    );
    Ok(())
}
