//! What a controller tells metrics. What it logs is tried where nobody else logs the same.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;

/// Fails for now at the first try, for good at the second, panics at the next and so on.
async fn mixed() -> Handle {
    let (informer, _routes) = informer(&[("api", 80)]).await;
    let runs = std::sync::atomic::AtomicU32::new(0);
    let run = controller(informer).name("routes").concurrency(2).timeout(SECOND).run(move |_, _| {
        let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            pass(SECOND / 2).await;
            match run {
                0 => Err(ReconcileError::transient("busy")),
                1 => panic!("oh"),
                2 => std::future::pending().await,
                3 => Ok(Requeue::after(SECOND)),
                4 => Err(ReconcileError::permanent("no such upstream")),
                _ => Ok(Requeue::done()),
            }
        }
    });
    let handle = run.unwrap();
    eventually("it is given up", || handle.dead_letters().len() == 1).await;
    handle.enqueue("api".to_owned()).unwrap();
    eventually("it is done", || handle.status().counts.succeeded == 2).await;
    handle
}

#[tokio::test(start_paused = true)]
async fn metrics_have_the_names_of_kubernetes_controllers() {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    let _recording = metrics::set_default_local_recorder(recorder);
    let handle = mixed().await;
    pass(SECOND).await;
    let text = recorder.handle().render();
    for line in [
        r#"controller_runtime_reconcile_total{controller="routes",result="success"} 1"#,
        r#"controller_runtime_reconcile_total{controller="routes",result="requeue_after"} 1"#,
        r#"controller_runtime_reconcile_total{controller="routes",result="requeue"} 0"#,
        r#"controller_runtime_reconcile_total{controller="routes",result="error"} 4"#,
        r#"controller_runtime_reconcile_errors_total{controller="routes"} 4"#,
        r#"controller_runtime_terminal_reconcile_errors_total{controller="routes"} 1"#,
        r#"controller_runtime_reconcile_timeouts_total{controller="routes"} 1"#,
        r#"controller_runtime_reconcile_panics_total{controller="routes"} 1"#,
        r#"controller_runtime_reconcile_time_seconds_count{controller="routes"} 6"#,
        r#"controller_runtime_reconcile_time_seconds_sum{controller="routes"} 3.5"#,
        r#"controller_runtime_active_workers{controller="routes"} 0"#,
        r#"controller_runtime_max_concurrent_reconciles{controller="routes"} 2"#,
        r#"controller_started{controller="routes"} 1"#,
        r#"controller_dead_letters{controller="routes"} 0"#,
        r#"controller_given_up_total{controller="routes"} 1"#,
        r#"controller_overflowed_total{controller="routes"} 0"#,
        r#"workqueue_retries_total{name="routes"} 3"#,
        r#"workqueue_depth{name="routes"} 0"#,
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    let text_of = text;
    for text in [include_str!("../../../docs/operate.md"), include_str!("../../../docs/alerts.yaml")] {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for name in words.filter(|word| word.starts_with("controller_")) {
            assert!(text_of.contains(name), "{name} is documented, and is not there");
        }
    }
    drop(handle);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_and_those_for_which_there_is_no_room_are_told() {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    let _recording = metrics::set_default_local_recorder(recorder);
    let (informer, _routes) = informer(&[("a", 1), ("b", 1)]).await;
    let run = controller(informer).name("few").max_dead_letters(1);
    let run = run.run(|_, _| async { Err(ReconcileError::permanent("no")) });
    let handle = run.unwrap();
    eventually("one is given up", || handle.status().counts.overflowed == 1).await;
    pass(SECOND).await;
    let text = recorder.handle().render();
    for line in [
        r#"controller_dead_letters{controller="few"} 1"#,
        r#"controller_given_up_total{controller="few"} 1"#,
        r#"controller_overflowed_total{controller="few"} 1"#,
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    drop(handle);
}

#[tokio::test(start_paused = true)]
async fn a_queue_whose_workers_are_stuck_is_told_of() {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    let _recording = metrics::set_default_local_recorder(recorder);
    let (informer, _routes) = informer(&[("api", 80)]).await;
    let run = controller(informer).name("stuck").run(|_, _| std::future::pending());
    let handle = run.unwrap();
    pass(100 * SECOND).await;
    let text = recorder.handle().render();
    let name = "workqueue_longest_running_processor_seconds{name=\"stuck\"} ";
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    assert!(line.is_some_and(|seconds| seconds.parse::<f64>().unwrap() > 98.0), "{text}");
    drop(handle);
}
