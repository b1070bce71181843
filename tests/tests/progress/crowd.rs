//! Many subscribers that come and go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reloadable::Error;

use crate::{App, DEADLINE, both, in_memory, in_time, publish};

/// Each sees everything that changed between its coming and its going, and nobody is left in the list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_subscribers_come_and_go_during_a_thousand_reloads() -> Result<(), Error> {
    const CROWD: usize = 1_000;
    let (config, handle) = in_memory().await?;
    let enough = Arc::new(AtomicBool::new(false));
    let came = Arc::new(AtomicU64::new(0));
    let churning: Vec<_> = (0..2)
        .map(|nth: u64| {
            let (config, enough, came) = (config.clone(), Arc::clone(&enough), Arc::clone(&came));
            std::thread::spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let mut short = config.subscribe_to(|app: &App| &app.pool).acknowledging("short");
                    let own = config.subscribe_to(move |app: &App| (&app.pool, nth).0);
                    assert!(own.seen_snapshot().generation() >= short.seen_snapshot().generation());
                    if came.fetch_add(1, Ordering::Relaxed) % 4 == nth {
                        if let Ok(Some(change)) =
                            short.blocking_changed_timeout(std::time::Duration::from_millis(1))
                        {
                            change.applied();
                        }
                    }
                }
            })
        })
        .collect();

    let mut steady = config.subscribe_to(|app: &App| &app.pool).acknowledging("steady");
    let steady = tokio::spawn(async move {
        while let Ok(change) = steady.changed().await {
            change.applied();
        }
    });

    let mut crowd = VecDeque::new();
    for size in 2..=1_001 {
        while crowd.len() < CROWD {
            let nth = crowd.len();
            crowd.push_back(if nth % 10 == 0 {
                config.subscribe_to(move |app: &App| (&app.pool, nth).0)
            } else {
                config.subscribe_to(|app: &App| &app.pool)
            });
        }
        let generation = publish(&config, &handle, both(80, size)).await;
        let mut goes = crowd.pop_front().expect("there is a crowd");
        let seen = goes.seen().size;
        let change = in_time(goes.changed()).await?;
        assert_eq!((change.previous().size, change.current().size), (seen, size));
        assert_eq!(change.generation(), generation);
        drop(goes);
        assert!(config.status().subscribers.len() < CROWD + 10, "the list has grown");
    }
    for mut waits in crowd {
        assert_eq!(in_time(waits.changed()).await?.current().size, 1_001);
    }
    enough.store(true, Ordering::Relaxed);
    for thread in churning {
        thread.join().expect("it does not panic");
    }
    assert!(came.load(Ordering::Relaxed) > 0);

    config.wait_applied(1_001, DEADLINE).await?;
    let [left] = &config.status().subscribers[..] else {
        panic!("one is left: {:?}", config.status().subscribers)
    };
    assert_eq!((left.name.as_deref(), left.seen, left.applied), (Some("steady"), 1_001, Some(1_001)));
    config.shutdown().await;
    steady.await.expect("it does not panic");
    Ok(())
}
