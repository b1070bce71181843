//! Gates: who is asked, in which order, what a refusal does, and what becomes of what was prepared.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use reloadable::{Builder, Candidate, ErrorKind, Prepared, Reason, Refusal, ReloadOutcome, VetoCause};

use crate::{App, Journal, Noting, Outcome, app, eventually, in_time, next, vetoed};

/// A gate that notes that it was asked, and what becomes of what it prepares.
fn noting(builder: Builder<App>, name: &'static str, journal: &Journal) -> Builder<App> {
    let journal = journal.clone();
    builder.gate(name, move |candidate: Candidate<App>| {
        let journal = journal.clone();
        async move {
            journal.note(format!("{name} asked about {}", candidate.value().workers));
            let (committed, aborted) = (journal.clone(), journal);
            Ok::<_, Refusal>(
                Prepared::commit(move || committed.note(format!("{name} commits")))
                    .or_abort(move || aborted.note(format!("{name} aborts"))),
            )
        }
    })
}

/// A gate that refuses a number of workers.
fn refusing(builder: Builder<App>, name: &'static str, refused: u16) -> Builder<App> {
    builder.gate(name, move |candidate: Candidate<App>| async move {
        if candidate.value().workers == refused {
            return Err(Refusal::new(format!("{refused} workers are one too many")));
        }
        Ok(())
    })
}

#[tokio::test(start_paused = true)]
async fn gates_are_asked_in_order_and_commit_in_order_also_at_the_first_load() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = noting(noting(builder, "first", &journal), "second", &journal);
    let config = builder.start().await?;
    let all = |workers| {
        vec![
            format!("first asked about {workers}"),
            format!("second asked about {workers}"),
            "first commits".to_owned(),
            "second commits".to_owned(),
        ]
    };
    assert_eq!(journal.take(), all(1));
    document.replace("workers = 2");
    assert!(config.reload().await.is_in_force());
    assert_eq!(journal.take(), all(2));
    // Nothing changes, so nobody is asked.
    document.replace("workers = 2 # the same");
    assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));
    assert!(journal.take().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_gives_up_what_was_prepared_before_it_the_last_first() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = noting(noting(builder, "first", &journal), "second", &journal);
    let builder = noting(refusing(builder, "quota", 2), "last", &journal);
    let config = builder.start().await?;
    let mut changes = config.subscribe();
    journal.take();
    document.replace("workers = 2");
    let outcome = config.reload().await;
    assert_eq!(vetoed(&outcome), ("quota", VetoCause::Refused, "2 workers are one too many"));
    assert_eq!(
        outcome.to_string(),
        "configuration vetoed: the gate `quota` refused: 2 workers are one too many [gate]"
    );
    assert_eq!(
        journal.take(),
        ["first asked about 2", "second asked about 2", "second aborts", "first aborts"]
    );
    assert_eq!((config.load().workers, config.snapshot().generation()), (1, 1));
    let status = config.status();
    assert_eq!((status.consecutive_failures, status.is_healthy()), (1, false));
    assert_eq!(status.last_refusal.map(|attempt| attempt.number()), Some(2));
    // The number of the snapshot that was refused is given to the next.
    document.replace("workers = 3");
    assert!(config.reload().await.is_in_force());
    assert_eq!(in_time(changes.changed()).await?.generation(), 2);
    assert!(config.status().is_healthy());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_commit_comes_after_the_publication_and_before_anybody_is_woken() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let running = Arc::new(Mutex::new(None::<reloadable::Reloader<App>>));
    let builder = {
        let (journal, running) = (journal.clone(), Arc::clone(&running));
        builder.gate("commits", move |candidate: Candidate<App>| {
            let (journal, running) = (journal.clone(), Arc::clone(&running));
            let generation = candidate.generation();
            async move {
                Ok::<_, Refusal>(Prepared::commit(move || {
                    let Some(config) = running.lock().ok().and_then(|config| config.clone()) else { return };
                    journal.note(format!(
                        "{generation} commits while {} is in force",
                        config.snapshot().generation()
                    ));
                }))
            }
        })
    };
    let config = builder.start().await?;
    *running.lock().map_err(|_| "poisoned")? = Some(config.clone());
    let mut changes = config.subscribe();
    let woken = {
        let journal = journal.clone();
        tokio::spawn(async move {
            let change = changes.changed().await;
            journal.note(format!("woken with {:?}", change.map(|change| change.generation()).ok()));
        })
    };
    document.replace("workers = 2");
    in_time(woken).await?;
    assert_eq!(journal.take(), ["2 commits while 2 is in force", "woken with Some(2)"]);
    *running.lock().map_err(|_| "poisoned")? = None;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_sees_what_is_in_force_and_what_would_be() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1\n[database]\npool = 5");
    let builder = {
        let journal = journal.clone();
        builder.gate_on(
            "pool",
            |app: &App| &app.database,
            move |candidate| {
                let running = candidate.running().map(|database| database.pool);
                let changes = candidate.changes().map(|changes| changes.to_string());
                let whole =
                    (candidate.snapshot().workers, candidate.running_snapshot().map(|app| app.workers));
                let generation = candidate.generation();
                journal.note(format!(
                    "{generation}: {running:?} {} {changes:?} {whole:?}",
                    candidate.value().pool
                ));
                async { Ok(()) }
            },
        )
    };
    let config = builder.start().await?;
    document.replace("workers = 2\n[database]\npool = 6");
    assert!(config.reload().await.is_in_force());
    assert_eq!(
        journal.take(),
        ["1: None 5 None (1, None)", "2: Some(5) 6 Some(\"pool: 5 -> 6\") (2, Some(1))"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_of_a_section_is_asked_only_if_that_changes() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1\n[database]\npool = 5");
    let builder = {
        let journal = journal.clone();
        builder.gate_on(
            "pool",
            |app: &App| &app.database,
            move |candidate| {
                journal.note(format!("pool {}", candidate.value().pool));
                async { Ok(()) }
            },
        )
    };
    let config = builder.start().await?;
    assert_eq!(journal.take(), ["pool 5"]);
    document.replace("workers = 2\n[database]\npool = 5");
    assert!(matches!(config.reload().await, ReloadOutcome::Applied(_)));
    assert!(journal.take().is_empty());
    document.replace("workers = 2\n[database]\npool = 6");
    assert!(matches!(config.reload().await, ReloadOutcome::Applied(_)));
    assert_eq!(journal.take(), ["pool 6"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_fails_the_start_and_nothing_is_left_of_what_was_prepared() -> Outcome {
    let journal = Journal::default();
    let (builder, _document) = app("workers = 2");
    let error = refusing(noting(builder, "first", &journal), "quota", 2).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Vetoed);
    assert!(error.to_string().contains("the gate `quota` refused: 2 workers"), "{error}");
    assert_eq!(journal.take(), ["first asked about 2", "first aborts"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_does_not_answer_in_time_refuses_and_what_it_holds_is_dropped() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = noting(builder, "first", &journal);
    let builder = {
        let journal = journal.clone();
        builder.gate("slow", move |candidate: Candidate<App>| {
            let held = (candidate.value().workers == 2).then(|| Noting(journal.clone(), "slow dropped"));
            async move {
                if held.is_some() {
                    pending::<()>().await;
                }
                drop(held);
                Ok(())
            }
        })
    };
    let config = builder.gate_timeout(Duration::from_secs(5)).start().await?;
    journal.take();
    document.replace("workers = 2");
    let before = tokio::time::Instant::now();
    let outcome = config.reload().await;
    assert_eq!(vetoed(&outcome), ("slow", VetoCause::TimedOut, "it did not answer within 5s"));
    assert!(before.elapsed() < Duration::from_secs(6), "{:?}", before.elapsed());
    assert_eq!(journal.take(), ["first asked about 2", "slow dropped", "first aborts"]);
    // Asked again at once, it is asked indeed.
    assert_eq!(vetoed(&config.reload().await).2, "it did not answer within 5s");
    document.replace("workers = 3");
    assert!(config.reload().await.is_in_force());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_may_take_half_a_minute_unless_told_otherwise() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder
        .gate("slow", |candidate: Candidate<App>| async move {
            tokio::time::sleep(Duration::from_secs(candidate.value().workers.into())).await;
            Ok(())
        })
        .start()
        .await?;
    document.replace("workers = 29");
    assert!(config.reload().await.is_in_force());
    document.replace("workers = 31");
    assert_eq!(vetoed(&config.reload().await).2, "it did not answer within 30s");
    Ok(())
}

/// What a gate does that prepares something and is ended before anybody takes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_gate_prepares_after_its_time_is_given_up() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let builder = {
        let journal = journal.clone();
        builder.gate("blocks", move |candidate: Candidate<App>| {
            let (journal, released) = (journal.clone(), Arc::clone(&released));
            let workers = candidate.value().workers;
            async move {
                if workers == 2 {
                    // A call that waits for the network, on a thread that is not its own.
                    let _ = released.lock().map(|released| released.recv());
                }
                let aborted = journal.clone();
                Ok::<_, Refusal>(
                    Prepared::commit(move || journal.note(format!("{workers} commits")))
                        .or_abort(move || aborted.note(format!("{workers} aborts"))),
                )
            }
        })
    };
    let config = builder.gate_timeout(Duration::from_millis(20)).start().await?;
    assert_eq!(journal.take(), ["1 commits"]);
    document.replace("workers = 2");
    assert_eq!(vetoed(&config.reload().await).1, VetoCause::TimedOut);
    // It is not asked a second time while it is at it, and nothing else is held up.
    document.replace("workers = 3");
    let outcome = config.reload().await;
    assert_eq!(vetoed(&outcome).2, "it has not ended since it was asked before; does it block its thread?");
    assert_eq!(config.snapshot().workers, 1);
    assert!(journal.take().is_empty());
    release.send(())?;
    let mut noted = Vec::new();
    eventually("it is given up", || {
        noted.extend(journal.take());
        !noted.is_empty()
    })
    .await;
    assert_eq!(noted, ["2 aborts"]);
    document.replace("workers = 4");
    assert!(config.reload().await.is_in_force());
    assert_eq!(journal.take(), ["4 commits"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_panics_refuses_wherever_it_does() -> Outcome {
    /// Without secrets, so that what a panic says may be told.
    #[derive(Debug, serde::Deserialize, reloadable::Reloadable)]
    struct Open {
        workers: u16,
    }
    let journal = Journal::default();
    let (source, document) = reloadable::MemorySource::new("open", reloadable::Format::Toml, "workers = 1");
    let noted = journal.clone();
    let config = reloadable::Reloader::<Open>::builder()
        .source(source)
        .gate("first", move |_| {
            let noted = noted.clone();
            async move { Ok(Prepared::commit(|| {}).or_abort(move || noted.note("first aborts"))) }
        })
        .gate_on(
            "panics",
            |open: &Open| {
                assert!(open.workers != 4, "in its selector");
                open
            },
            |candidate| {
                let workers = candidate.value().workers;
                assert!(workers != 2, "before its first step");
                async move {
                    tokio::task::yield_now().await;
                    assert!(workers != 3, "in the middle");
                    Ok(())
                }
            },
        )
        .start()
        .await?;
    for (workers, said) in [(2, "before its first step"), (3, "in the middle"), (4, "in its selector")] {
        document.replace(format!("workers = {workers}"));
        let outcome = config.reload().await;
        let (gate, cause, reason) = vetoed(&outcome);
        assert_eq!((gate, cause), ("panics", VetoCause::Panicked));
        assert!(reason.contains(said), "{reason}");
        assert_eq!(journal.take(), ["first aborts"]);
        assert_eq!(config.load().workers, 1);
    }
    document.replace("workers = 5");
    assert!(config.reload().await.is_in_force());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_gate_says_when_it_panics_is_not_told_where_there_are_secrets() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder
        .gate("panics", |candidate: Candidate<App>| async move {
            assert!(candidate.value().workers == 1, "cannot log in with {}", candidate.value().token);
            Ok(())
        })
        .start()
        .await?;
    document.replace("workers = 2\ntoken = 'hunter2'");
    let outcome = config.reload().await;
    assert_eq!(vetoed(&outcome).1, VetoCause::Panicked);
    assert!(!format!("{outcome} {outcome:?} {:?}", config.status()).contains("hunter2"), "{outcome}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_panics_is_told_and_stops_nothing() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = builder.gate("clumsy", |candidate: Candidate<App>| {
        let workers = candidate.value().workers;
        async move { Ok(Prepared::commit(move || assert!(workers != 2, "dropped it"))) }
    });
    let config = noting(builder, "after", &journal).start().await?;
    let mut changes = config.subscribe();
    let mut outcomes = config.outcomes();
    journal.take();
    document.replace("workers = 2");
    let attempt = next(&mut outcomes).await;
    let ReloadOutcome::Applied(applied) = attempt.outcome() else { return Err("not applied".into()) };
    let failed = applied.failed_commits();
    assert_eq!((failed.violations().len(), failed.is_refusal()), (1, false));
    assert!(failed.to_string().contains("the gate `clumsy`"), "{failed}");
    assert_eq!(journal.take(), ["after asked about 2", "after commits"]);
    assert_eq!(in_time(changes.changed()).await?.generation(), 2);
    document.replace("workers = 3");
    assert!(config.reload().await.is_in_force());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_panics_does_not_keep_the_others() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = noting(builder, "before", &journal)
        .gate("clumsy", |_| async { Ok(Prepared::commit(|| {}).or_abort(|| panic!("dropped it"))) });
    let config = refusing(noting(builder, "after", &journal), "quota", 2).start().await?;
    journal.take();
    document.replace("workers = 2");
    assert_eq!(vetoed(&config.reload().await).0, "quota");
    assert_eq!(
        journal.take(),
        ["before asked about 2", "after asked about 2", "after aborts", "before aborts"]
    );
    document.replace("workers = 3");
    assert!(config.reload().await.is_in_force());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_commit_owns_is_dropped_when_somebody_else_refuses() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = {
        let journal = journal.clone();
        builder.gate("binds", move |_| {
            let bound = Noting(journal.clone(), "released");
            async move { Ok(Prepared::commit(move || bound.0.note("taken over"))) }
        })
    };
    let config = refusing(builder, "quota", 2).start().await?;
    assert_eq!(journal.take(), ["taken over", "released"]);
    document.replace("workers = 2");
    assert_eq!(vetoed(&config.reload().await).0, "quota");
    assert_eq!(journal.take(), ["released"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_in_the_middle_of_a_gate_ends_it_and_gives_up_what_was_prepared() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = noting(builder, "first", &journal);
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let asked = Arc::new(Mutex::new(Some(asked)));
    let builder = {
        let journal = journal.clone();
        builder.gate("endless", move |candidate: Candidate<App>| {
            let (journal, asked) = (journal.clone(), Arc::clone(&asked));
            async move {
                if candidate.value().workers == 2 {
                    let _held = Noting(journal, "endless dropped");
                    asked.lock().ok().and_then(|mut asked| asked.take()).map(|asked| asked.send(()));
                    pending::<()>().await;
                }
                Ok(())
            }
        })
    };
    let config = builder.start().await?;
    journal.take();
    document.replace("workers = 2");
    let waiting = tokio::spawn({
        let config = config.clone();
        async move { config.reload().await }
    });
    in_time(is_asked).await?;
    let before = tokio::time::Instant::now();
    in_time(config.clone().shutdown()).await;
    assert!(before.elapsed() < Duration::from_secs(1));
    let outcome = in_time(waiting).await?;
    assert_eq!(outcome.error().map(reloadable::Error::kind), Some(ErrorKind::Closed));
    tokio::task::yield_now().await;
    let mut noted = journal.take();
    noted.sort();
    assert_eq!(noted, ["endless dropped", "first aborts", "first asked about 2"]);
    assert_eq!(config.load().workers, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_veto_is_asked_about_at_each_look_and_told_once() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let is_open = Arc::new(AtomicBool::new(false));
    let builder = {
        let (journal, is_open) = (journal.clone(), Arc::clone(&is_open));
        builder.gate("window", move |candidate: Candidate<App>| {
            journal.note("asked");
            let refuses = candidate.value().workers > 1 && !is_open.load(Ordering::SeqCst);
            async move { if refuses { Err(Refusal::new("not now")) } else { Ok(()) } }
        })
    };
    let config = builder.start().await?;
    journal.take();
    let mut outcomes = config.outcomes();
    document.replace("workers = 2");
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.reason()), (2, &Reason::Change));
    assert_eq!(vetoed(attempt.outcome()).2, "not now");
    // Ten looks later.
    tokio::time::sleep(Duration::from_secs(10 * 34)).await;
    let asked = journal.take().len();
    assert!((10..=14).contains(&asked), "{asked}");
    assert_eq!((config.status().attempts, config.status().consecutive_failures), (2, 1));
    // What it looked at is another way now.
    is_open.store(true, Ordering::SeqCst);
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.reason()), (3, &Reason::Resync));
    assert!(matches!(attempt.outcome(), ReloadOutcome::Applied(_)), "{attempt}");
    assert!(config.status().is_healthy());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_candidate_that_is_refused_in_the_same_words_is_told() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder
        .gate("closed", |candidate: Candidate<App>| async move {
            if candidate.value().workers > 1 { Err(Refusal::new("no")) } else { Ok(()) }
        })
        .start()
        .await?;
    let mut outcomes = config.outcomes();
    for (number, workers) in [(2, 2), (3, 3), (4, 4)] {
        document.replace(format!("workers = {workers}"));
        let attempt = next(&mut outcomes).await;
        assert_eq!((attempt.number(), vetoed(attempt.outcome()).2), (number, "no"));
    }
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(config.status().consecutive_failures, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_veto_that_is_reverted_is_unchanged_and_clears_the_failure() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = refusing(builder, "quota", 2).start().await?;
    let mut outcomes = config.outcomes();
    document.replace("workers = 2");
    assert_eq!(vetoed(next(&mut outcomes).await.outcome()).0, "quota");
    assert!(!config.status().is_healthy());
    document.replace("workers = 1");
    let attempt = next(&mut outcomes).await;
    assert!(matches!(attempt.outcome(), ReloadOutcome::Unchanged), "{attempt}");
    let status = config.status();
    assert_eq!((status.is_healthy(), status.consecutive_failures, status.generation), (true, 0, 1));
    assert_eq!(status.last_refusal.map(|attempt| attempt.number()), Some(2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_timeout_goes_behind_its_gate() {
    let (builder, _document) = app("workers = 1");
    let error = builder.gate_timeout(Duration::from_secs(1)).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
}

#[tokio::test(start_paused = true)]
async fn each_gate_has_a_name_of_its_own() {
    for (first, second) in [("a", "a"), ("a", " \n"), ("a", "a\n")] {
        let builder = app("workers = 1").0.gate(first, |_| async { Ok(()) });
        let error = builder.gate(second, |_| async { Ok(()) }).start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_panics_when_it_is_dropped_comes_after_the_commit() -> Outcome {
    struct Bad;

    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    let committed = Arc::new(AtomicBool::new(false));
    let commits = Arc::clone(&committed);
    let (builder, _document) = app("workers = 1");
    let config = builder
        .gate("bad", move |_| {
            let (commits, bad) = (Arc::clone(&commits), Bad);
            async move {
                let prepared = Prepared::commit(move || commits.store(true, Ordering::Relaxed));
                Ok(prepared.or_abort(move || drop(bad)))
            }
        })
        .start()
        .await?;
    assert!(committed.load(Ordering::Relaxed));
    assert_eq!(config.load().workers, 1);
    Ok(())
}

/// Programs without a runtime are those that block.
#[test]
fn without_a_runtime_a_gate_may_block_its_thread_and_use_the_network() -> Outcome {
    let (builder, document) = app("workers = 1");
    let (go_on, held_up) = mpsc::channel::<()>();
    let held_up = Arc::new(Mutex::new(held_up));
    let journal = Journal::default();
    let noted = journal.clone();
    let config = builder
        .gate("blocks", move |candidate: Candidate<App>| {
            let (held_up, noted) = (Arc::clone(&held_up), noted.clone());
            async move {
                if candidate.value().workers == 2 {
                    let end = held_up.lock().map(|held_up| held_up.recv_timeout(Duration::from_secs(20)));
                    noted.note(format!("{end:?}"));
                }
                tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                Ok(())
            }
        })
        .gate_timeout(Duration::from_millis(200))
        .start_blocking()?;
    document.replace("workers = 2");
    let ReloadOutcome::Vetoed(veto) = config.blocking_reload() else { return Err("not vetoed".into()) };
    assert_eq!(veto.cause(), VetoCause::TimedOut);
    assert_eq!(journal.take(), [""; 0], "the answer came while the gate was blocked");
    drop(go_on);
    document.replace("workers = 3");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !config.blocking_reload().is_in_force() {
        assert!(std::time::Instant::now() < deadline);
    }
    assert_eq!(config.load().workers, 3);
    config.blocking_shutdown();
    Ok(())
}
