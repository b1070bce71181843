//! What a queue tells of itself.

use reloadable::{Add, WorkQueue};

use crate::{Outcome, millis, queue, ready};

#[tokio::test(start_paused = true)]
async fn everything_is_counted_by_the_names_of_kubernetes_clients() -> Outcome {
    let queue = queue();
    for key in ["a", "b", "a"] {
        queue.add(key).await?;
    }
    queue.add_with("late", Add::new().after(millis(1_000))).await?;
    let stats = queue.stats();
    assert_eq!((stats.depth, stats.delayed, stats.in_work, stats.adds_total), (2, 1, 0, 2));
    tokio::time::sleep(millis(20)).await;
    let item = ready(&queue).ok_or("it is ready")?;
    assert_eq!(item.waited(), millis(20));
    tokio::time::sleep(millis(30)).await;
    let another = ready(&queue).ok_or("it is ready")?;
    tokio::time::sleep(millis(10)).await;
    let stats = queue.stats();
    assert_eq!((stats.depth, stats.in_work), (0, 2));
    assert_eq!(stats.queue_duration.count, 2);
    assert_eq!((stats.queue_duration.total, stats.queue_duration.longest), (millis(70), millis(50)));
    assert_eq!(stats.unfinished_work, millis(50));
    assert_eq!(stats.longest_running_processor, millis(40));
    item.done();
    another.retry();
    let stats = queue.stats();
    assert_eq!((stats.retries_total, stats.delayed, stats.in_work), (1, 2, 0));
    assert_eq!((stats.work_duration.count, stats.work_duration.total), (2, millis(50)));
    assert_eq!((stats.unfinished_work, stats.longest_running_processor), (millis(0), millis(0)));
    Ok(())
}

#[test]
fn a_queue_shows_itself_without_its_keys() {
    let queue: WorkQueue<&str> = WorkQueue::builder().name("routes").build();
    let shown = format!("{queue:?}");
    assert!(
        shown.starts_with(r#"WorkQueue { name: Some("routes"), stats: QueueStats { depth: 0"#),
        "{shown}"
    );
}
