//! What is promised of what is published: to whoever reads, and to whoever waits.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use reloadable::{Candidate, SourceState};

use crate::{App, Outcome, in_memory, in_time, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_02_readers_never_block_and_never_see_a_mix() -> Outcome {
    let (builder, document) = in_memory(&text(1));
    let config = builder
        .gate("endless", |candidate: Candidate<App>| async move {
            if candidate.value().workers == 50_000 {
                pending::<()>().await;
            }
            Ok(())
        })
        .start()
        .await?;
    let ends = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|kind| {
            let (config, ends) = (config.clone(), Arc::clone(&ends));
            thread::spawn(move || {
                let mut reader = config.reader();
                let mut last = 0;
                while !ends.load(Ordering::SeqCst) {
                    let (workers, connections) = match kind {
                        0 => {
                            let app = config.load();
                            (app.workers, app.limits.connections)
                        }
                        1 => {
                            let app = config.snapshot();
                            (app.workers, app.limits.connections)
                        }
                        _ => {
                            let app = reader.get();
                            (app.workers, app.limits.connections)
                        }
                    };
                    assert_eq!(workers, connections, "a mix");
                    assert!(workers >= last, "it went back");
                    last = workers;
                }
                last
            })
        })
        .collect();
    for workers in 2..=2_000 {
        document.replace(text(workers));
        assert!(in_time(config.reload()).await.is_in_force());
    }
    // In the middle of an attempt that does not end, reading goes on.
    document.replace(text(50_000));
    let stuck = tokio::spawn({
        let config = config.clone();
        async move { config.reload().await }
    });
    for _ in 0..1_000 {
        assert_eq!((config.load().workers, config.snapshot().generation()), (2_000, 2_000));
        tokio::task::yield_now().await;
    }
    ends.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.join().is_ok_and(|last| last <= 2_000));
    }
    assert!(!stuck.is_finished());
    in_time(config.shutdown()).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_07_all_sections_come_from_one_snapshot_that_is_stored_before_anyone_is_woken() -> Outcome {
    let (builder, document) = in_memory(&text(1));
    let config = builder.start().await?;
    let mut limits = config.subscribe_to(|app| &app.limits);
    let mut whole = config.subscribe();
    let watching = {
        let config = config.clone();
        tokio::spawn(async move {
            let mut seen = 0;
            while let Ok(change) = limits.changed().await {
                let stored = config.snapshot();
                assert!(stored.generation() >= change.generation(), "it was woken before it was stored");
                assert!(config.status().generation >= change.generation());
                // Whatever else it reads of this event belongs to it.
                assert_eq!(change.current().connections, change.snapshot().workers);
                assert_eq!(u64::from(change.snapshot().workers), change.generation());
                assert!(change.generation() > seen);
                seen = change.generation();
            }
            seen
        })
    };
    for workers in 2..=500 {
        document.replace(text(workers));
        let change = in_time(whole.changed()).await?;
        assert_eq!(
            (u64::from(change.current().workers), change.generation()),
            (workers.into(), workers.into())
        );
    }
    // Two sections that are told of one publication share it.
    let (mut one, mut other) =
        (config.subscribe_to(|app| &app.limits), config.subscribe_to(|app| &app.workers));
    document.replace(text(501));
    let (one, other) = (in_time(one.changed()).await?, in_time(other.changed()).await?);
    assert!(Arc::ptr_eq(one.snapshot(), other.snapshot()));
    config.clone().shutdown().await;
    assert_eq!(in_time(watching).await?, 501);
    assert_eq!(config.status().sources[0].state, SourceState::Closed);
    Ok(())
}
