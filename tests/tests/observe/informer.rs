//! What an informer logs and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use reloadable::{Format, Informer, MemoryCollection, Reloadable, SourceErrorKind};
use serde::Deserialize;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    #[reload(range(1..))]
    port: u16,
    #[serde(default)]
    #[reload(secret)]
    token: String,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.0.lock().unwrap())).into_owned()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Whoever comes first to a line says for all threads whether anybody wants it, so both tests do.
fn logging(lines: &Lines) -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
    let subscriber = subscriber.with_writer(lines.clone()).with_ansi(false).without_time();
    tracing::subscriber::set_default(subscriber.finish())
}

const SOON: Duration = Duration::from_secs(60);

async fn start(name: &str) -> (Informer<Route>, reloadable::MemoryCollectionHandle<String>) {
    let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
    routes.upsert("a", "port = 1\ntoken = 'hunter2'");
    routes.upsert("b", "port = 2");
    let builder = Informer::<Route>::builder().source(source).name(name).reverify(SOON);
    (builder.start().await.unwrap(), routes)
}

#[tokio::test(start_paused = true)]
async fn the_log_says_what_changed_what_was_refused_and_how_the_source_is() {
    let lines = Lines::default();
    let _logging = logging(&lines);
    let (informer, routes) = start("edge").await;
    let log = lines.take();
    let changed = "objects changed informer=\"edge\" source=routes generation=1 added=2 modified=0 removed=0";
    assert!(log.contains(changed), "{log}");

    let newest = routes.upsert("a", "port = 0\ntoken = 'hunter3'");
    informer.wait_for_revision(&newest, SOON).await.unwrap();
    let log = lines.take();
    assert_eq!(
        log.matches("object refused informer=\"edge\" key=\"a\" path=port code=\"range\"").count(),
        1,
        "{log}"
    );
    assert!(log.contains("line=1 column=8"), "{log}");
    // A list finds what was refused before, and does not say so again.
    tokio::time::sleep(2 * SOON).await;
    assert!(!lines.take().contains("object refused"));

    routes.fail(SourceErrorKind::TimedOut, "no answer");
    tokio::time::sleep(10 * SOON).await;
    let log = lines.take();
    assert_eq!(log.matches("source interrupted informer=\"edge\"").count(), 1, "{log}");
    assert!(log.contains("cause=\"routes: no answer\""), "{log}");
    routes.recover();
    tokio::time::sleep(2 * SOON).await;
    assert_eq!(lines.take().matches("source is followed again").count(), 1);

    let mut slow = informer.events_up_to(1);
    slow.next().await.unwrap();
    for number in 5..9 {
        let newest = routes.upsert("b", format!("port = {number}"));
        informer.wait_for_revision(&newest, SOON).await.unwrap();
    }
    routes.upsert("b", "port = 80");
    informer
        .wait_for(&"b".to_owned(), |route| route.is_some_and(|route| route.port == 80), SOON)
        .await
        .unwrap();
    let log = lines.take();
    assert_eq!(log.matches("a subscriber is too slow").count(), 1, "{log}");
    routes.remove("a");
    routes.forget();
    routes.remove("b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let log = lines.take();
    assert!(
        log.contains("so many objects are missing that they are kept") && log.contains("withheld=2"),
        "{log}"
    );
    informer.shutdown().await;
    let log = lines.take();
    assert!(log.contains("the informer has ended"), "{log}");
    assert!(!log.contains("hunter"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn every_metric_is_there_counted_and_listed() {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    let handle = recorder.handle();
    let _logging = logging(&Lines::default());
    let _recording = metrics::set_default_local_recorder(recorder);
    let (informer, routes) = start("edge").await;
    let scrape = || -> BTreeMap<String, f64> {
        let text = handle.render();
        let samples = text.lines().filter(|line| line.starts_with("informer_"));
        let samples = samples.filter_map(|line| line.rsplit_once(' '));
        samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
    };
    let mut events = informer.events_up_to(1).acknowledging("proxy");
    events.next().await.unwrap();
    events.applied();
    routes.upsert("a", "port = 0");
    for number in 3..6 {
        let newest = routes.upsert("b", format!("port = {number}"));
        informer.wait_for_revision(&newest, SOON).await.unwrap();
    }
    routes.fail(SourceErrorKind::TimedOut, "no answer");
    tokio::time::sleep(2 * SOON).await;
    let scraped = scrape();
    let of = |name: &str, label: &str| {
        let label = if label.is_empty() { String::new() } else { format!(",{label}") };
        let key = format!("{name}{{informer=\"edge\",source=\"routes\"{label}}}");
        *scraped.get(&key).unwrap_or_else(|| panic!("{key} is not in {scraped:#?}"))
    };
    assert_eq!(of("informer_objects", ""), 2.0);
    assert_eq!(of("informer_broken_objects", ""), 1.0);
    assert_eq!(of("informer_withheld_objects", ""), 0.0);
    assert_eq!((of("informer_synced", ""), of("informer_connected", "")), (1.0, 0.0));
    assert!(of("informer_last_confirmed_timestamp_seconds", "") > 1e9);
    assert_eq!(of("informer_events_total", "kind=\"added\""), 2.0);
    assert_eq!(of("informer_events_total", "kind=\"modified\""), 3.0);
    assert_eq!(of("informer_events_total", "kind=\"removed\""), 0.0);
    assert_eq!(of("informer_events_total", "kind=\"resync\""), 0.0);
    assert_eq!(of("informer_lists_total", "outcome=\"complete\""), 1.0);
    assert!(of("informer_lists_total", "outcome=\"failed\"") >= 1.0);
    assert!(of("informer_interruptions_total", "") >= 1.0);
    assert_eq!(of("informer_lagged_total", ""), 1.0);
    assert_eq!(of("informer_subscriber_lag", "subscriber=\"proxy\""), 3.0);

    let names: BTreeSet<_> =
        scraped.keys().filter_map(|name| name.split_once('{')).map(|(name, _)| name).collect();
    let guide = include_str!("../../../docs/operate.md");
    for name in &names {
        assert!(guide.contains(&format!("| `{name}")), "docs/operate.md does not list {name}");
    }
    for text in [guide, include_str!("../../../docs/alerts.yaml")] {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for name in words.filter(|word| word.starts_with("informer_")) {
            assert!(names.contains(name), "{name} is documented, and is not there");
        }
    }
    // One who is gone does not lag.
    drop(events);
    routes.recover();
    tokio::time::sleep(2 * SOON).await;
    assert_eq!(
        scrape()["informer_subscriber_lag{informer=\"edge\",source=\"routes\",subscriber=\"proxy\"}"],
        0.0
    );
    informer.shutdown().await;
    assert_eq!(scrape()["informer_connected{informer=\"edge\",source=\"routes\"}"], 0.0);
}
