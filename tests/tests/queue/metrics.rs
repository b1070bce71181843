//! Metrics of a queue, as Prometheus would scrape them.

use std::collections::BTreeMap;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reloadable::{Jitter, WorkQueue};

use crate::{Outcome, at_once, millis, ready};

fn record() -> (PrometheusHandle, metrics::LocalRecorderGuard<'static>) {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    (recorder.handle(), metrics::set_default_local_recorder(recorder))
}

fn scrape(handle: &PrometheusHandle) -> BTreeMap<String, f64> {
    let text = handle.render();
    let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    samples
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap_or(f64::NAN)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_named_queue_tells_of_itself_and_another_one_does_not() -> Outcome {
    let (handle, _recording) = record();
    let unnamed = WorkQueue::builder().build();
    unnamed.add("a").await?;
    ready(&unnamed).ok_or("it is ready")?.done();
    assert_eq!(scrape(&handle), BTreeMap::new());

    let queue = WorkQueue::builder().jitter(Jitter::None).name("routes").build();
    for key in ["a", "b", "c"] {
        queue.add(key).await?;
    }
    tokio::time::sleep(millis(2_000)).await;
    let item = ready(&queue).ok_or("it is ready")?;
    ready(&queue).ok_or("it is ready")?.retry();
    tokio::time::sleep(millis(3_000)).await;
    queue.publish_metrics();
    let scraped = scrape(&handle);
    let of = |name: &str| scraped.get(&format!("workqueue_{name}{{name=\"routes\"}}")).copied();
    // What has failed is due again, though nobody was there to see it.
    assert_eq!(of("depth"), Some(2.0));
    assert_eq!(of("adds_total"), Some(4.0));
    assert_eq!(of("retries_total"), Some(1.0));
    assert_eq!(of("unfinished_work_seconds"), Some(3.0));
    assert_eq!(of("longest_running_processor_seconds"), Some(3.0));
    assert_eq!(of("queue_duration_seconds_count"), Some(2.0));
    assert_eq!(of("queue_duration_seconds_sum"), Some(4.0));
    assert_eq!(of("work_duration_seconds_count"), Some(1.0));
    let help = handle.render();
    assert!(help.contains("# HELP workqueue_depth Keys that are ready and wait for a worker."), "{help}");

    // Whoever finds nothing tells how things stand before he sleeps.
    item.done();
    while let Some(item) = ready(&queue) {
        item.done();
    }
    assert!(at_once(queue.next()).is_none());
    let scraped = scrape(&handle);
    assert_eq!(scraped["workqueue_depth{name=\"routes\"}"], 0.0);
    assert_eq!(scraped["workqueue_adds_total{name=\"routes\"}"], 4.0);
    assert_eq!(scraped["workqueue_unfinished_work_seconds{name=\"routes\"}"], 0.0);
    Ok(())
}
