//! What the reload itself runs may use the handle, and is told so where it would wait for itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reloadable::{Candidate, Error, ErrorKind, Format, MemorySource, Prepared, Refusal, ReloadOutcome};
use reloadable::{Reloadable, Reloader, Reporter, VetoCause};
use serde::Deserialize;

use crate::{App, Journal, Outcome, app, in_time, vetoed};

/// Where code finds the handle that it is run by.
struct Handle<T>(Arc<Mutex<Option<Reloader<T>>>>);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Handle<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn put(&self, config: Option<Reloader<T>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }

    fn get(&self) -> Option<Reloader<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn kind(outcome: &ReloadOutcome) -> String {
    format!("{:?}", outcome.error().map(Error::kind))
}

#[tokio::test(start_paused = true)]
async fn a_gate_may_read_and_subscribe_and_what_would_wait_for_itself_is_refused() -> Outcome {
    let journal = Journal::default();
    let handle = Handle::<App>::new();
    let (builder, document) = app("workers = 1");
    let builder = {
        let (journal, handle) = (journal.clone(), handle.clone());
        builder.gate("inward", move |candidate: Candidate<App>| {
            let (journal, config) = (journal.clone(), handle.get());
            async move {
                let Some(config) = config else { return Ok(()) };
                assert_eq!((config.snapshot().workers, config.load().workers), (1, 1));
                assert_eq!(config.reader().get().workers, 1);
                assert_eq!(config.subscribe_to(|app| &app.database).seen().pool, 0);
                assert_eq!(config.status().generation, 1);
                assert_eq!(config.history().len(), 1);
                let _ = (config.subscribe(), config.outcomes(), config.subscribe_status());
                journal.note(kind(&config.reload().await));
                journal.note(kind(&config.blocking_reload()));
                journal.note(kind(&config.rollback_to(1).await));
                journal.note(kind(&config.set_override("workers", 7).await));
                journal.note(kind(&config.clear_override("workers").await));
                journal.note(kind(&config.clear_overrides().await));
                journal.note(kind(&config.resume().await));
                journal.note(format!("{:?}", config.pause().await.err().map(|error| error.kind())));
                journal.note(format!("{:?}", config.blocking_pause().err().map(|error| error.kind())));
                // Somebody else may wait for it.
                let elsewhere = config.clone();
                drop(tokio::spawn(async move { elsewhere.reload().await }));
                assert_eq!(candidate.value().workers, 2);
                Ok(())
            }
        })
    };
    let config = builder.start().await?;
    handle.put(Some(config.clone()));
    document.replace("workers = 2");
    let outcome = in_time(config.reload()).await;
    assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
    assert_eq!(journal.take(), ["Some(Deadlock)"; 9]);
    assert!(config.status().overrides.is_empty() && config.status().suspension.is_none());
    let refused = {
        let config = config.clone();
        handle.put(None);
        document.replace("workers = 3");
        config.reload().await
    };
    assert!(refused.is_in_force(), "{refused}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_waits_for_its_own_publication_only_loses_its_time() -> Outcome {
    let handle = Handle::<App>::new();
    let (builder, document) = app("workers = 1");
    let builder = {
        let handle = handle.clone();
        builder.gate("impatient", move |_| {
            let config = handle.get();
            async move {
                if let Some(config) = config {
                    config.subscribe().changed().await?;
                }
                Ok(())
            }
        })
    };
    let config = builder.start().await?;
    handle.put(Some(config.clone()));
    document.replace("workers = 2");
    assert_eq!(vetoed(&in_time(config.reload()).await).1, VetoCause::TimedOut);
    handle.put(None);
    assert!(config.reload().await.is_in_force());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_from_inside_a_gate_ends_the_reloader() -> Outcome {
    let handle = Handle::<App>::new();
    let (builder, document) = app("workers = 1");
    let builder = {
        let handle = handle.clone();
        builder.gate("fatal", move |_| {
            let config = handle.get();
            async move {
                if let Some(config) = config {
                    config.shutdown().await;
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        })
    };
    let config = builder.start().await?;
    handle.put(Some(config.clone()));
    let mut changes = config.subscribe();
    document.replace("workers = 2");
    let outcome = in_time(config.reload()).await;
    assert_eq!(kind(&outcome), "Some(Closed)");
    assert!(in_time(changes.changed()).await.is_err());
    assert_eq!(config.load().workers, 1);
    handle.put(None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_may_be_dropped_inside_a_gate() -> Outcome {
    let handle = Handle::<App>::new();
    let (builder, document) = app("workers = 1");
    let builder = {
        let handle = handle.clone();
        builder.gate("last", move |_| {
            let config = handle.get();
            handle.put(None);
            async move {
                drop(config);
                Ok(())
            }
        })
    };
    let config = builder.start().await?;
    let mut changes = config.subscribe();
    handle.put(Some(config));
    document.replace("workers = 2");
    // Either the publication is still told, or the end.
    while in_time(changes.changed()).await.is_ok() {}
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_may_wait_for_another_reloader() -> Outcome {
    let (other, other_document) = app("workers = 10");
    let other = other.gate("of the other", |_| async { Ok(()) }).start().await?;
    let (builder, document) = app("workers = 1");
    let builder = {
        let other = other.clone();
        builder.gate("asks the other", move |candidate: Candidate<App>| {
            let other = other.clone();
            async move {
                let outcome = other.reload().await;
                let workers = other.load().workers;
                if workers < candidate.value().workers || !outcome.is_in_force() {
                    return Err(Refusal::new(format!("the other has {workers}")));
                }
                Ok(())
            }
        })
    };
    let config = builder.start().await?;
    document.replace("workers = 11");
    assert_eq!(vetoed(&in_time(config.reload()).await).2, "the other has 10");
    other_document.replace("workers = 12");
    assert!(in_time(config.reload()).await.is_in_force());
    assert_eq!((config.load().workers, other.load().workers), (11, 12));
    Ok(())
}

/// A configuration whose own code asks for a reload, wherever it is run.
#[derive(Debug, Deserialize, Reloadable)]
#[reload(normalize = Self::fill_in, validate = Self::check)]
struct Inward {
    workers: u16,
    #[serde(default)]
    #[reload(leaf)]
    text: Compared,
}

static INWARD: Mutex<Option<Reloader<Inward>>> = Mutex::new(None);
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ask(who: &str) {
    let config = locked(&INWARD).clone();
    if let Some(config) = config {
        let outcome = config.blocking_reload();
        locked(&SAID).push(format!("{who}: {}", kind(&outcome)));
    }
}

impl Inward {
    fn fill_in(&mut self) -> Result<(), String> {
        ask("normalizer");
        Ok(())
    }

    fn check(&self, _: &mut Reporter<'_>) {
        ask("validator");
    }
}

impl Drop for Inward {
    fn drop(&mut self) {
        ask("destructor");
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
struct Compared(String);

impl PartialEq for Compared {
    fn eq(&self, other: &Self) -> bool {
        ask("comparison");
        self.0 == other.0
    }
}

/// In one test, since what they share is static; with a small text and with one that is decoded on a thread of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_reload_runs_on_the_way_is_refused_another_reload() -> Outcome {
    for padding in ["", &"# padding\n".repeat(10_000)] {
        let (source, document) = MemorySource::new("inward", Format::Toml, format!("workers = 1\n{padding}"));
        let config = Reloader::<Inward>::builder()
            .source(source)
            .history(1)
            .gate("commits", |_| async { Ok(Prepared::commit(|| ask("commit")).or_abort(|| ask("abort"))) })
            .gate("quota", |candidate: Candidate<Inward>| async move {
                if candidate.value().workers == 3 { Err(Refusal::new("no")) } else { Ok(()) }
            })
            .start()
            .await?;
        *locked(&INWARD) = Some(config.clone());
        document.replace(format!("workers = 2\n{padding}"));
        let outcome = tokio::time::timeout(Duration::from_secs(20), config.reload()).await?;
        // A look that the hint asked for may have come first.
        assert!(outcome.is_in_force() && config.load().workers == 2, "{outcome}");
        document.replace(format!("workers = 3\n{padding}"));
        let outcome = tokio::time::timeout(Duration::from_secs(20), config.reload()).await?;
        assert_eq!(vetoed(&outcome).0, "quota");
        *locked(&INWARD) = None;
        let said = std::mem::take(&mut *locked(&SAID));
        for who in ["normalizer", "validator", "comparison", "commit", "abort", "destructor"] {
            assert!(said.contains(&format!("{who}: Some(Deadlock)")), "{who}: {said:?}");
        }
        assert!(said.iter().all(|said| said.ends_with("Some(Deadlock)")), "{said:?}");
        assert!(config.reload().await.error().is_some_and(|error| error.kind() == ErrorKind::Vetoed));
        config.shutdown().await;
    }
    Ok(())
}

#[test]
fn a_gate_of_a_reloader_without_a_runtime_is_refused_as_well() -> Outcome {
    let handle = Handle::<App>::new();
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = {
        let (journal, handle) = (journal.clone(), handle.clone());
        builder.gate("inward", move |_| {
            let (journal, config) = (journal.clone(), handle.get());
            async move {
                if let Some(config) = config {
                    journal.note(kind(&config.blocking_reload()));
                    journal.note(kind(&config.blocking_rollback_to(1)));
                    journal.note(kind(&config.blocking_set_override("workers", 1)));
                }
                Ok(())
            }
        })
    };
    let config = builder.start_blocking()?;
    handle.put(Some(config.clone()));
    document.replace("workers = 2");
    assert!(config.blocking_reload().is_in_force());
    handle.put(None);
    assert_eq!(config.load().workers, 2);
    // A look that the hint asked for may have come first, and nothing changes in the second.
    assert_eq!(journal.take(), ["Some(Deadlock)"; 3]);
    config.blocking_shutdown();
    Ok(())
}

/// Whoever reads what is printed may make the printing wait, as a pipe does that is full.
#[test]
fn whoever_is_printed_slowly_holds_nothing_up() -> Outcome {
    use std::fmt::Write;

    /// Waits in the middle of what is written to it for a reload on another thread.
    struct Slow(Reloader<App>, Option<bool>);

    impl Write for Slow {
        fn write_str(&mut self, _: &str) -> std::fmt::Result {
            if self.1.is_none() {
                let (config, (tell, told)) = (self.0.clone(), std::sync::mpsc::channel());
                std::thread::spawn(move || tell.send(config.blocking_reload().is_in_force()));
                self.1 = Some(told.recv_timeout(Duration::from_secs(20)).unwrap_or_default());
            }
            Ok(())
        }
    }

    let (builder, _document) = app("workers = 1");
    let config = builder.start_blocking()?;
    let statuses = config.subscribe_status();
    for shown in [&config as &dyn std::fmt::Debug, &statuses] {
        let mut slow = Slow(config.clone(), None);
        write!(slow, "{shown:?}")?;
        assert_eq!(slow.1, Some(true));
    }
    Ok(())
}
