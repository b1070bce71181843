//! Workers that give up, fail or panic.

use reloadable::{Item, WorkQueue};

use crate::{Outcome, at_once, in_time, millis, queue, ready, rest};

#[tokio::test(start_paused = true)]
async fn who_is_woken_and_does_not_look_leaves_the_key_to_another() -> Outcome {
    let queue = queue();
    let mut first = Box::pin(queue.next());
    assert!(at_once(first.as_mut()).is_none());
    let second = queue.clone();
    let second = tokio::spawn(async move { second.next().await.map(|item| *item.key()) });
    tokio::time::sleep(millis(1)).await;
    queue.add("a").await?;
    drop(first);
    assert_eq!(in_time(second).await??, Some("a"));
    Ok(())
}

/// In Kubernetes' clients such a key is worked on for ever, and a drain never ends.
#[tokio::test(start_paused = true)]
async fn an_item_that_is_dropped_without_a_word_has_failed() -> Outcome {
    let queue = queue();
    queue.add("a").await?;
    drop(ready(&queue).ok_or("it is ready")?);
    let item = in_time(queue.next()).await?.ok_or("it is open")?;
    assert_eq!((*item.key(), item.attempts()), ("a", 1));
    item.done();
    assert_eq!(queue.stats().retries_total, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_or_is_aborted_has_failed() -> Outcome {
    let queue: WorkQueue<&str> = queue();
    queue.add("a").await?;
    let worker = queue.clone();
    let panicking = tokio::spawn(async move {
        let _item = worker.next().await;
        panic!("as it was told");
    });
    assert!(in_time(panicking).await?.is_err_and(|error| error.is_panic()));
    let worker = queue.clone();
    let aborted = tokio::spawn(async move {
        let _item = worker.next().await;
        std::future::pending::<()>().await;
    });
    tokio::time::sleep(millis(100)).await;
    assert_eq!(queue.stats().in_work, 1);
    aborted.abort();
    assert!(in_time(aborted).await?.is_err_and(|error| error.is_cancelled()));
    let item = in_time(queue.next()).await?.ok_or("it is open")?;
    assert_eq!(item.attempts(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_during_work_that_fails_is_worked_on_at_once() -> Outcome {
    let queue = queue();
    queue.add("a").await?;
    let item = ready(&queue).ok_or("it is ready")?;
    queue.add("a").await?;
    item.retry();
    let item = ready(&queue).ok_or("because of the event")?;
    assert_eq!(item.attempts(), 1);
    item.retry();
    assert!(ready(&queue).is_none(), "the backoff of the first failure holds");
    tokio::time::sleep(millis(5)).await;
    let item = ready(&queue).ok_or("it is due")?;
    assert_eq!(item.attempts(), 1, "and it was no further failure");
    Ok(())
}

/// Whoever finds something every time must let others run all the same.
#[tokio::test]
async fn a_worker_that_never_waits_lets_others_run() -> Outcome {
    let queue = queue();
    queue.add("a").await?;
    let worker = queue.clone();
    let worker = tokio::spawn(async move {
        while let Some(item) = worker.next().await {
            item.requeue_after(std::time::Duration::ZERO);
        }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    queue.shutdown();
    in_time(worker).await??;
    Ok(())
}

#[tokio::test]
async fn items_tell_what_they_are() -> Outcome {
    let queue = queue();
    queue.add("a").await?;
    let item: Item<&str> = ready(&queue).ok_or("it is ready")?;
    assert_eq!(format!("{item:?}"), r#"Item { key: "a", priority: Normal, attempts: 0, .. }"#);
    item.done();
    assert!(rest(&queue).is_empty());
    Ok(())
}
