//! Metrics, as Prometheus would scrape them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reloadable::{LastGood, ReloadOutcome, Reloader, StartPolicy};

use crate::tracing::{Told, on_last_good};
use crate::{Outcome, assert_without_values, document, eventually, in_memory, invalid, listening_on};

/// A recorder for this thread, on which all of a test runs.
fn record() -> (PrometheusHandle, metrics::LocalRecorderGuard<'static>) {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    (recorder.handle(), metrics::set_default_local_recorder(recorder))
}

/// What was scraped: each line that is no comment.
fn scrape(handle: &PrometheusHandle) -> BTreeMap<String, f64> {
    let text = handle.render();
    assert_without_values(&text);
    let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    samples
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap_or(f64::NAN)))
        .collect()
}

/// The names, with those of the labels.
fn names(scraped: &BTreeMap<String, f64>) -> BTreeSet<&str> {
    scraped.keys().map(|name| name.split_once('{').map_or(&**name, |(name, _)| name)).collect()
}

#[tokio::test(start_paused = true)]
async fn every_outcome_is_counted() -> Outcome {
    let (handle, _recording) = record();
    let (builder, source) = in_memory();
    let config = builder.start().await?;
    let now =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map(|now| now.as_secs_f64());
    let scraped = scrape(&handle);
    assert_eq!(scraped["config_last_reload_successful"], 1.0);
    assert!((now()? - scraped["config_last_reload_success_timestamp_seconds"]).abs() < 60.0);
    for outcome in ["unchanged", "rejected", "failed", "vetoed", "suspended"] {
        assert_eq!(scraped[&format!("config_reloads_total{{outcome=\"{outcome}\"}}")], 0.0);
    }
    assert_eq!(scraped["config_reloads_total{outcome=\"applied\"}"], 1.0);
    assert_eq!(scraped["config_generation"], 1.0);
    assert_eq!(scraped["config_pending_restart_fields"], 0.0);
    assert_eq!(scraped["config_suspended"], 0.0);
    assert_eq!(scraped["config_source_up{source=\"memory\"}"], 1.0);
    assert_eq!(scraped["config_watch_mode{source=\"memory\",mode=\"watching\"}"], 1.0);
    assert_eq!(scraped["config_watch_mode{source=\"memory\",mode=\"polling\"}"], 0.0);
    for stage in ["fetch", "load", "gates"] {
        assert_eq!(
            scraped[&format!("config_reload_duration_seconds_count{{stage=\"{stage}\"}}")],
            1.0,
            "{stage}"
        );
    }

    source.replace(document(2));
    config.reload().await;
    let success = scrape(&handle)["config_last_reload_success_timestamp_seconds"];
    source.replace(invalid());
    config.reload().await;
    let refused = scrape(&handle);
    assert_eq!(refused["config_last_reload_successful"], 0.0);
    assert_eq!(refused["config_last_reload_success_timestamp_seconds"], success);
    source.replace(document(666));
    config.reload().await;
    source.replace(listening_on("b", 2));
    config.reload().await;
    assert_eq!(scrape(&handle)["config_pending_restart_fields"], 1.0);
    config.pause().await?;
    assert!(matches!(config.reload().await, ReloadOutcome::Suspended(_)));
    let scraped = scrape(&handle);
    assert_eq!(scraped["config_suspended"], 1.0);
    assert_eq!(scraped["config_last_reload_successful"], 1.0);
    assert_eq!(scraped["config_generation"], 2.0);
    for (outcome, count) in [
        ("applied", 2.0),
        ("unchanged", 1.0),
        ("rejected", 1.0),
        ("failed", 0.0),
        ("vetoed", 1.0),
        ("suspended", 1.0),
    ] {
        assert_eq!(scraped[&format!("config_reloads_total{{outcome=\"{outcome}\"}}")], count, "{outcome}");
    }
    config.shutdown().await;
    let scraped = scrape(&handle);
    assert_eq!(scraped["config_source_up{source=\"memory\"}"], 0.0);
    assert_eq!(scraped["config_watch_mode{source=\"memory\",mode=\"watching\"}"], 0.0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_no_success_of_what_the_sources_hold() -> Outcome {
    let (handle, _recording) = record();
    let (builder, source) = in_memory();
    let config = builder.start().await?;
    let success = || scrape(&handle)["config_last_reload_success_timestamp_seconds"];
    let is_successful = || scrape(&handle)["config_last_reload_successful"];
    source.replace(document(2));
    assert!(config.reload().await.is_in_force());
    let succeeded = success();

    assert!(config.rollback_to(1).await.is_in_force());
    assert_eq!((is_successful(), success()), (1.0, succeeded), "nothing is wrong with what the sources hold");
    assert!(config.resume().await.is_in_force());
    let succeeded = success();

    source.replace(invalid());
    assert!(!config.reload().await.is_in_force());
    assert!(config.rollback_to(1).await.is_in_force());
    assert_eq!((is_successful(), success()), (0.0, succeeded));
    config.pause().await?;
    assert_eq!((is_successful(), success()), (0.0, succeeded), "nor does a look at it");
    source.replace(document(3));
    assert!(config.resume().await.is_in_force());
    assert_eq!(is_successful(), 1.0);
    Ok(())
}

#[tokio::test]
async fn a_first_load_that_the_last_good_set_replaced_is_counted_as_refused() -> Outcome {
    let directory = tempfile::tempdir()?;
    let builder = || {
        let source = Told::default();
        let last_good = LastGood::in_directory(directory.path().join("state"));
        let builder = Reloader::<BTreeMap<String, u8>>::builder().source(source.clone());
        (builder.keep_last_good(last_good).start_policy(StartPolicy::UseLastGood), source)
    };
    let (handle, _recording) = record();
    let (saving, source) = builder();
    source.answer(Some("a = 1"));
    let config = saving.start().await?;
    eventually("it is kept", || scrape(&handle).get("config_last_good_up") == Some(&1.0)).await;
    config.shutdown().await;

    let (handle, _recording) = record();
    let (starting, source) = builder();
    let config = starting.start().await?;
    let scraped = scrape(&handle);
    assert_eq!(scraped["config_last_reload_successful"], 0.0);
    assert_eq!(scraped["config_last_reload_success_timestamp_seconds"], 0.0);
    assert_eq!(scraped["config_reloads_total{outcome=\"failed\"}"], 1.0, "the first load");
    assert_eq!(scraped["config_reloads_total{outcome=\"applied\"}"], 1.0);
    source.answer(Some("a = 1"));
    assert!(config.reload().await.is_in_force());
    let scraped = scrape(&handle);
    assert_eq!(scraped["config_last_reload_successful"], 1.0);
    assert!(scraped["config_last_reload_success_timestamp_seconds"] > 0.0);
    Ok(())
}

#[tokio::test]
async fn a_set_that_is_not_kept_or_is_of_no_use_is_down() -> Outcome {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("file"), "in the way")?;
    // In memory everything is in one layer, with secrets.
    for place in ["file", "state"] {
        let (handle, _recording) = record();
        let last_good = LastGood::in_directory(directory.path().join(place));
        let _config = in_memory().0.keep_last_good(last_good).start().await?;
        eventually(place, || scrape(&handle).get("config_last_good_up") == Some(&0.0)).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_away_is_down() -> Outcome {
    let (handle, _recording) = record();
    let source = Told::default();
    source.answer(Some("a = 1"));
    let config = Reloader::<BTreeMap<String, u8>>::builder().source(source.clone()).start().await?;
    source.answer(None);
    assert!(matches!(config.reload().await, ReloadOutcome::Failed(_)));
    let scraped = scrape(&handle);
    assert_eq!(scraped["config_source_up{source=\"told\"}"], 0.0);
    assert_eq!(scraped["config_watch_mode{source=\"told\",mode=\"watching\"}"], 0.0);
    assert_eq!(scraped["config_reloads_total{outcome=\"failed\"}"], 1.0);
    source.answer(Some("a = 1"));
    assert!(config.reload().await.is_in_force());
    assert_eq!(scrape(&handle)["config_source_up{source=\"told\"}"], 1.0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waits_is_no_success() -> Outcome {
    let (handle, _recording) = record();
    let source = Told::default();
    let starting = Reloader::<BTreeMap<String, u8>>::builder()
        .source(source.clone())
        .start_policy(reloadable::StartPolicy::WaitForValid(Duration::from_secs(3600)));
    let mending = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let waiting = scrape(&handle);
        source.answer(Some("a = 1"));
        waiting
    };
    let (config, waiting) = tokio::join!(starting.start(), mending);
    let _config = config?;
    assert_eq!((waiting["config_last_reload_successful"], waiting["config_generation"]), (0.0, 0.0));
    let scraped = scrape(&handle);
    // Tried again and again, it failed in one way.
    for outcome in ["failed", "applied"] {
        assert_eq!(scraped[&format!("config_reloads_total{{outcome=\"{outcome}\"}}")], 1.0, "{outcome}");
    }
    assert_eq!((scraped["config_last_reload_successful"], scraped["config_generation"]), (1.0, 1.0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_override_over_a_file_that_is_broken_is_no_success() -> Outcome {
    let (handle, _recording) = record();
    let source = Told::default();
    source.answer(Some("a = 1"));
    let builder = Reloader::<BTreeMap<String, u8>>::builder().source(source.clone());
    let config = builder.min_interval(Duration::from_secs(60)).start().await?;
    let before = scrape(&handle);
    source.answer(Some("a = "));
    assert!(!config.reload().await.is_in_force());
    assert!(config.set_override("a", 5).await.is_in_force());
    assert!(config.set_override("a", 5).await.is_in_force());
    let scraped = scrape(&handle);
    assert_eq!((scraped["config_last_reload_successful"], scraped["config_generation"]), (0.0, 2.0));
    let time = "config_last_reload_success_timestamp_seconds";
    assert_eq!(scraped[time], before[time]);
    Ok(())
}

#[tokio::test]
async fn a_start_on_the_last_good_set_is_no_success() -> Outcome {
    let (handle, _recording) = record();
    let directory = tempfile::tempdir()?;
    let config = on_last_good(directory.path()).await?;
    assert_eq!(scrape(&handle)["config_last_reload_successful"], 0.0);
    reloadable::atomic_write(directory.path().join("app.toml"), "a = 2\n")?;
    config.reload().await;
    assert_eq!(scrape(&handle)["config_last_reload_successful"], 1.0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_prefix_and_a_name_keep_reloaders_apart() -> Outcome {
    let (handle, _recording) = record();
    let _limits = in_memory().0.metrics_prefix("myapp").name("limits").start().await?;
    let _routes = in_memory().0.metrics_prefix("myapp").name("routes").start().await?;
    let scraped = scrape(&handle);
    assert_eq!(scraped["myapp_config_generation{reloader=\"limits\"}"], 1.0);
    assert_eq!(scraped["myapp_config_generation{reloader=\"routes\"}"], 1.0);
    assert!(names(&scraped).iter().all(|name| name.starts_with("myapp_config_")), "{scraped:?}");
    for bad in ["", "my-app", "1app", "a b", "app\n", "ä"] {
        assert!(in_memory().0.metrics_prefix(bad).start().await.is_err(), "{bad:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_comes_late_has_everything_by_the_next_look() -> Outcome {
    let config = in_memory().0.resync(Duration::from_secs(30)).start().await?;
    let (handle, _recording) = record();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(config.status().attempts, 1);
    let scraped = scrape(&handle);
    assert_eq!((scraped["config_last_reload_successful"], scraped["config_generation"]), (1.0, 1.0));
    assert_eq!(scraped["config_source_up{source=\"memory\"}"], 1.0);
    Ok(())
}

/// Every word of a text that begins as a metric does.
fn named_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("config_")).collect()
}

#[tokio::test]
async fn the_documentation_names_what_there_is_and_all_of_it() -> Outcome {
    let (handle, _recording) = record();
    let directory = tempfile::tempdir()?;
    let last_good = LastGood::in_directory(directory.path().join("state")).secrets();
    let _config = in_memory().0.keep_last_good(last_good).start().await?;
    eventually("it is kept", || scrape(&handle).get("config_last_good_up") == Some(&1.0)).await;
    let scraped = scrape(&handle);
    let there: BTreeSet<_> = names(&scraped)
        .into_iter()
        .map(|name| name.trim_end_matches("_sum").trim_end_matches("_count"))
        .collect();
    let guide = include_str!("../../../docs/operate.md");
    let dashboard = include_str!("../../../docs/grafana.json");
    let alerts = include_str!("../../../docs/alerts.yaml");
    for (file, text) in [("operate.md", guide), ("grafana.json", dashboard), ("alerts.yaml", alerts)] {
        for name in named_in(text) {
            let name = name.trim_end_matches("_sum").trim_end_matches("_count").trim_end_matches("_bucket");
            assert!(there.contains(name), "docs/{file} names {name}, which there is not");
        }
    }
    for name in &there {
        assert!(guide.contains(&format!("| `{name}")), "docs/operate.md does not list {name}");
        assert!(dashboard.contains(name), "docs/grafana.json does not show {name}");
    }
    let dashboard: serde_json::Value = serde_json::from_str(dashboard)?;
    let panels = dashboard["panels"].as_array().ok_or("no panels")?;
    assert!(panels.iter().all(|panel| panel["targets"][0]["expr"].is_string()), "a panel shows nothing");
    Ok(())
}
