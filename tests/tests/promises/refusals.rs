//! What is promised where something is refused, panics, or is a secret.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reloadable::Reporter;
use reloadable::{Candidate, Format, MemorySource, Prepared, Refusal, ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;

use crate::{App, Outcome, in_memory, in_time, text};

#[tokio::test(start_paused = true)]
async fn promise_05_every_attempt_has_one_outcome_and_a_revert_clears_the_failure() -> Outcome {
    let (builder, document) = in_memory(&text(1));
    let config = builder.start().await?;
    let mut outcomes = config.outcomes();
    let mut expected = 1;
    for bad in ["workers = 70000", "workers = ", "wrokers = 1"] {
        for (text, name) in [(bad.to_owned(), "rejected"), (text(1), "unchanged")] {
            document.replace(text);
            let attempt = in_time(outcomes.next()).await?;
            expected += 1;
            assert_eq!((attempt.number(), attempt.outcome().name()), (expected, name));
            let status = config.status();
            assert_eq!((status.attempts, status.is_healthy()), (expected, name == "unchanged"));
        }
    }
    // No look tells of anything else.
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!((config.status().attempts, config.snapshot().generation()), (expected, 1));
    Ok(())
}

/// A configuration whose own code uses the handle wherever it runs: with a lock held it would wait for itself.
#[derive(Debug, Deserialize, Reloadable)]
#[reload(normalize = Self::fill_in, validate = Self::check)]
struct Inward {
    number: u32,
    #[serde(default)]
    #[reload(leaf)]
    text: Compared,
}

#[derive(Debug, Default, Deserialize)]
struct Compared(String);

static RUNNING: Mutex<Option<Reloader<Inward>>> = Mutex::new(None);

fn use_handle() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(config) = running else { return };
    let section = config.subscribe_to(move |inward| &inward.number);
    let all = (config.load().number, config.snapshot(), config.reader().snapshot(), config.history());
    drop((all, section, config.subscribe(), config.outcomes(), config.subscribe_status(), config.status()));
    assert!(!config.blocking_reload().is_in_force(), "it would wait for itself, and is told so");
}

impl PartialEq for Compared {
    fn eq(&self, other: &Self) -> bool {
        use_handle();
        self.0 == other.0
    }
}

impl Inward {
    fn fill_in(&mut self) -> Result<(), String> {
        use_handle();
        assert!(self.number != 13, "a normalizer panics");
        Ok(())
    }

    fn check(&self, _: &mut Reporter<'_>) {
        use_handle();
        assert!(self.number != 14, "a validator panics");
    }
}

impl Drop for Inward {
    fn drop(&mut self) {
        use_handle();
        assert!(self.number != 16, "a destructor panics");
    }
}

#[tokio::test(start_paused = true)]
async fn promise_06_no_application_code_runs_under_a_lock() -> Outcome {
    let (source, document) = MemorySource::new("inward", Format::Toml, "number = 1");
    let config = Reloader::<Inward>::builder()
        .source(source)
        .history(1)
        .gate_on(
            "selects",
            |inward: &Inward| {
                use_handle();
                inward
            },
            |candidate| {
                use_handle();
                let refuses = candidate.value().number == 15;
                async move {
                    use_handle();
                    if refuses {
                        return Err(Refusal::new("no"));
                    }
                    Ok(Prepared::commit(use_handle).or_abort(use_handle))
                }
            },
        )
        .gate("refuses", |candidate: Candidate<Inward>| async move {
            if candidate.value().number == 12 { Err(Refusal::new("no")) } else { Ok(()) }
        })
        .start()
        .await?;
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(config.clone());
    let mut section = config.subscribe_to(|inward| {
        use_handle();
        inward
    });
    for (number, name) in [
        (2, "applied"),
        (12, "vetoed"),
        (13, "rejected"),
        (14, "rejected"),
        (15, "vetoed"),
        (16, "applied"),
        (17, "applied"),
    ] {
        document.replace(format!("number = {number}"));
        assert_eq!(in_time(config.reload()).await.name(), name, "{number}");
    }
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    assert_eq!(in_time(section.changed()).await?.current().number, 17);
    config.shutdown().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn promise_06_nobody_who_panics_or_is_slow_stops_later_reloads() -> Outcome {
    let (builder, document) = in_memory(&text(1));
    let config = builder
        .gate("unreliable", |candidate: Candidate<App>| async move {
            match candidate.value().workers {
                2 => panic!("a gate panics"),
                3 => std::future::pending().await,
                workers => Ok(Prepared::commit(move || assert!(workers != 4, "a commit panics"))),
            }
        })
        .start()
        .await?;
    let _never_reads = (config.subscribe(), config.outcomes(), config.subscribe_status());
    let mut panics = config.subscribe_to(|app| {
        assert!(app.workers != 5, "a selector panics");
        app
    });
    let panicking = tokio::spawn(async move { while panics.changed().await.is_ok() {} });
    let mut changes = config.subscribe();
    for (workers, name) in [(2, "vetoed"), (3, "vetoed"), (4, "applied"), (5, "applied"), (6, "applied")] {
        document.replace(text(workers));
        assert_eq!(in_time(config.reload()).await.name(), name, "{workers}");
        if name == "applied" {
            assert_eq!(in_time(changes.changed()).await?.current().workers, workers);
        }
    }
    assert!(in_time(panicking).await.is_err_and(|error| error.is_panic()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn promise_08_what_needs_a_restart_is_pending_until_a_revert_and_keeps_its_old_value() -> Outcome {
    let (builder, document) = in_memory("listen = 1\nworkers = 1");
    let config = builder.start().await?;
    document.replace("workers = 2\nlisten = 2");
    assert!(config.reload().await.is_in_force());
    for text in ["workers = 3\nlisten = 2", "workers = 70000", "listen = 2\nworkers = "] {
        assert_eq!(config.load().listen, 1);
        let listed: Vec<_> = config.status().pending_restart().iter().map(ToString::to_string).collect();
        assert_eq!(listed, ["listen (running 1, wanted 2, app:2:10)"]);
        document.replace(text);
        config.reload().await;
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    document.replace("listen = 1\nworkers = 3");
    assert!(config.reload().await.is_in_force());
    assert!(config.status().pending_restart().is_empty());
    Ok(())
}

/// Logs, metrics and whole programs are tried where secrets are.
#[tokio::test(start_paused = true)]
async fn promise_09_a_secret_is_never_printed() -> Outcome {
    let secret = |number| format!("listen = {number}\nworkers = {number}\ntoken = 'hunter{number}'");
    let (builder, document) = in_memory(&secret(1));
    let is_shut = Arc::new(AtomicBool::new(false));
    let shut = Arc::clone(&is_shut);
    let config = builder
        .gate("panics", move |candidate: Candidate<App>| {
            let panics = shut.load(Ordering::SeqCst);
            async move {
                assert!(!panics, "cannot log in with {}", candidate.value().token);
                Ok(())
            }
        })
        .start()
        .await?;
    let mut changes = config.subscribe();
    let mut printed = String::new();
    let mut note = |config: &Reloader<App>, outcome: &ReloadOutcome| -> Outcome {
        let (status, snapshot) = (config.status(), config.snapshot());
        printed +=
            &format!("{outcome} {outcome:?} {status:?} {snapshot:?} {config:?} {:?}", config.history());
        printed +=
            &format!("{} {} {:?}", snapshot.explain_all(), status.last_attempt, status.pending_restart());
        printed += &serde_json::to_string(&status)?;
        if let Some(error) = outcome.error() {
            printed += &format!("{error:#} {:#} {}", error.report(), error.report().pretty());
        }
        Ok(())
    };
    document.replace(secret(2));
    note(&config, &config.reload().await)?;
    let change = in_time(changes.changed()).await?;
    let changed = change.changes().to_string();
    assert!(changed.contains("token") && !changed.contains("hunter"), "{changed}");
    for broken in [
        "token = ['hunter3']",
        "token = 'hunter3",
        "token.hunter3 = 'hunter3'",
        "token = 'hunter3'\ntoken = 1",
    ] {
        document.replace(broken);
        note(&config, &config.reload().await)?;
    }
    note(&config, &config.set_override("token", ["hunter4"]).await)?;
    note(&config, &config.set_override("token", "hunter4").await)?;
    is_shut.store(true, Ordering::SeqCst);
    document.replace(secret(5));
    note(&config, &config.reload().await)?;
    note(&config, &config.rollback_to(1).await)?;
    assert!(!printed.contains("hunter"), "{printed}");
    assert!(printed.contains("token"));
    assert_eq!(config.load().token, "hunter4");
    Ok(())
}
