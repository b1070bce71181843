//! History, going back, standing still, and going on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reloadable::testing::{Answer, ScriptedSource};
use reloadable::{Candidate, Error, ErrorKind, Format, Reason, Refusal, ReloadOutcome, Reloader};
use reloadable::{SourceErrorKind, SuspensionCause};

use crate::{App, Journal, Outcome, app, in_time, next, vetoed};

fn generations(config: &Reloader<App>) -> Vec<u64> {
    config.history().iter().map(|published| published.snapshot().generation()).collect()
}

fn cause(config: &Reloader<App>) -> Option<SuspensionCause> {
    config.status().suspension.map(|suspension| suspension.cause)
}

#[tokio::test(start_paused = true)]
async fn the_last_snapshots_are_kept_and_shared() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    assert_eq!(generations(&config), [1]);
    let first = config.snapshot();
    assert!(Arc::ptr_eq(config.history()[0].snapshot(), &first));
    for workers in 2..=12 {
        document.replace(format!("workers = {workers}"));
        assert!(config.reload().await.is_in_force());
    }
    // Eight unless told.
    assert_eq!(generations(&config), [5, 6, 7, 8, 9, 10, 11, 12]);
    let history = config.history();
    assert!(Arc::ptr_eq(history[7].snapshot(), &config.snapshot()));
    // What was forgotten is gone, but for whoever holds it.
    assert_eq!(Arc::strong_count(&first), 1);
    let ReloadOutcome::Applied(applied) = history[7].attempt().outcome() else {
        return Err("applied".into());
    };
    assert_eq!(applied.changes().iter().map(ToString::to_string).collect::<Vec<_>>(), ["workers: 11 -> 12"]);
    assert!(history.iter().map(|published| published.attempt().generation()).eq(5..=12));
    // What is refused or changes nothing is not in it.
    document.replace("workers = 500");
    assert!(!config.reload().await.is_in_force());
    document.replace("workers = 12");
    assert!(config.reload().await.is_in_force());
    assert_eq!(generations(&config).last(), Some(&12));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_history_is_as_long_as_told() -> Outcome {
    for (told, kept) in [(0, 1), (1, 1), (3, 3), (usize::MAX, 5)] {
        let (builder, document) = app("workers = 1");
        let config = builder.history(told).start().await?;
        for workers in 2..=5 {
            document.replace(format!("workers = {workers}"));
            assert!(config.reload().await.is_in_force());
        }
        assert_eq!(generations(&config).len(), kept, "{told}");
        assert_eq!(generations(&config).last(), Some(&5));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_gone_back_to_stays_until_it_is_resumed() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    let mut changes = config.subscribe();
    let mut outcomes = config.outcomes();
    document.replace("workers = 2");
    assert_eq!(in_time(changes.changed()).await?.generation(), 2);
    assert_eq!(next(&mut outcomes).await.number(), 2);
    let outcome = config.rollback_to(1).await;
    assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
    assert_eq!(next(&mut outcomes).await.reason(), &Reason::Rollback(1));
    let change = in_time(changes.changed()).await?;
    assert_eq!((change.generation(), change.changes().to_string()), (3, "workers: 2 -> 1".to_owned()));
    assert_eq!(cause(&config), Some(SuspensionCause::RolledBack(1)));
    assert!(!config.status().is_healthy());
    assert_eq!(generations(&config), [1, 2, 3]);

    // It survives edits, looks and whoever asks.
    document.replace("workers = 3");
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!((config.load().workers, config.status().attempts), (1, 3));
    for outcome in
        [config.reload().await, config.set_override("workers", 7).await, config.clear_overrides().await]
    {
        assert_eq!(outcome.error().map(Error::kind), Some(ErrorKind::Suspended), "{outcome}");
    }
    assert_eq!(config.status().attempts, 3);
    assert!(config.status().overrides.is_empty());
    // Standing still is no way out of it.
    config.pause().await?;
    assert_eq!(cause(&config), Some(SuspensionCause::RolledBack(1)));
    // Another way back is.
    assert!(config.rollback_to(2).await.is_in_force());
    assert_eq!((config.load().workers, cause(&config)), (2, Some(SuspensionCause::RolledBack(2))));

    let outcome = config.resume().await;
    assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
    assert_eq!((config.load().workers, cause(&config)), (3, None));
    assert!(config.status().is_healthy());
    // One change spans what this subscriber has not asked for meanwhile.
    let change = in_time(changes.changed()).await?;
    assert_eq!((change.previous().workers, change.current().workers), (1, 3));
    document.replace("workers = 4");
    assert_eq!(in_time(changes.changed()).await?.current().workers, 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_in_force_can_be_pinned() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    assert!(matches!(config.rollback_to(1).await, ReloadOutcome::Unchanged));
    assert_eq!((cause(&config), config.snapshot().generation()), (Some(SuspensionCause::RolledBack(1)), 1));
    document.replace("workers = 2");
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(config.load().workers, 1);
    assert!(config.resume().await.is_in_force());
    assert_eq!(config.load().workers, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_is_not_kept_is_refused_and_changes_nothing() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.history(2).start().await?;
    for workers in 2..=4 {
        document.replace(format!("workers = {workers}"));
        config.reload().await;
    }
    for generation in [0, 2, 5, u64::MAX] {
        let outcome = config.rollback_to(generation).await;
        assert_eq!(outcome.error().map(Error::kind), Some(ErrorKind::Unavailable));
        let said = format!("generation {generation} is not in the history, which holds generations 3 to 4");
        assert!(outcome.to_string().contains(&said), "{outcome}");
    }
    assert_eq!((config.status().attempts, cause(&config), config.load().workers), (4, None, 4));
    assert!(config.status().is_healthy());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn going_back_passes_through_the_gates_and_a_refusal_changes_nothing() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let builder = {
        let journal = journal.clone();
        builder.gate("forward", move |candidate: Candidate<App>| {
            let running = candidate.running().map(|app| app.workers);
            journal.note(format!("{running:?} -> {}", candidate.value().workers));
            let goes_back = running > Some(candidate.value().workers);
            async move { if goes_back { Err(Refusal::new("there is no way back")) } else { Ok(()) } }
        })
    };
    let config = builder.start().await?;
    let mut outcomes = config.outcomes();
    document.replace("workers = 2");
    assert_eq!(next(&mut outcomes).await.number(), 2);
    journal.take();
    let outcome = config.rollback_to(1).await;
    assert_eq!(vetoed(&outcome).2, "there is no way back");
    assert_eq!(journal.take(), ["Some(2) -> 1"]);
    assert_eq!((config.load().workers, cause(&config)), (2, None));
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.reason()), (3, &Reason::Rollback(1)));
    // What the sources hold is in force all the while, so the refusal does not stay.
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.outcome().name()), (4, "unchanged"));
    assert!(config.status().is_healthy());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_way_back_is_told_as_a_suspension_only_once_it_is_taken() -> Outcome {
    let (builder, document) = app("workers = 1");
    let (release, released) = tokio::sync::watch::channel(false);
    let config = builder
        .gate("forward", move |candidate: Candidate<App>| {
            let goes_back = candidate.running().map(|app| app.workers) > Some(candidate.value().workers);
            let mut released = released.clone();
            async move {
                if !goes_back {
                    return Ok(());
                }
                // Time for whoever reads the status.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                if *released.borrow_and_update() { Ok(()) } else { Err(Refusal::new("there is no way back")) }
            }
        })
        .start()
        .await?;
    document.replace("workers = 2");
    assert!(config.reload().await.is_in_force());
    let mut statuses = config.subscribe_status();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Ok(status) = statuses.changed().await {
            seen.push((status.generation, status.suspension.map(|suspension| suspension.cause)));
        }
        seen
    });
    assert_eq!(vetoed(&config.rollback_to(1).await).0, "forward");
    release.send(true)?;
    assert!(config.rollback_to(1).await.is_in_force());
    assert_eq!((config.load().workers, cause(&config)), (1, Some(SuspensionCause::RolledBack(1))));
    config.shutdown().await;
    let mut seen = in_time(seen).await?;
    seen.dedup();
    assert_eq!(seen, [(2, None), (3, Some(SuspensionCause::RolledBack(1)))]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_is_refused_does_not_lose_an_edit() -> Outcome {
    let (builder, document) = app("workers = 1");
    let hour = Duration::from_secs(3_600);
    let config = builder
        // Nothing but the hint tells of the edit.
        .resync(20 * hour)
        .max_wait(hour)
        .settle(reloadable::Settle::quiet(Duration::from_secs(10)))
        .gate("forward", |candidate: Candidate<App>| {
            let goes_back = candidate.running().map(|app| app.workers) > Some(candidate.value().workers);
            async move { if goes_back { Err(Refusal::new("there is no way back")) } else { Ok(()) } }
        })
        .start()
        .await?;
    let mut outcomes = config.outcomes();
    document.replace("workers = 2");
    assert_eq!(next(&mut outcomes).await.number(), 2);
    document.write("workers = 3");
    // It has been told of, and is waited for to be complete.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(config.load().workers, 2);
    assert_eq!(vetoed(&config.rollback_to(1).await).0, "forward");
    assert_eq!(next(&mut outcomes).await.number(), 3);
    let before = tokio::time::Instant::now();
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.outcome().name(), config.load().workers), ("applied", 3), "{attempt}");
    let waited = before.elapsed();
    assert!((Duration::from_secs(8)..Duration::from_secs(60)).contains(&waited), "{waited:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_is_refused_is_not_taken_for_done() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app("workers = 1");
    let is_shut = Arc::new(AtomicBool::new(false));
    let builder = {
        let (journal, is_shut) = (journal.clone(), Arc::clone(&is_shut));
        builder.gate("door", move |candidate: Candidate<App>| {
            journal.note(format!("{}", candidate.value().workers));
            let refuses = is_shut.load(Ordering::SeqCst);
            async move { if refuses { Err(Refusal::new("it is shut")) } else { Ok(()) } }
        })
    };
    let config = builder.start().await?;
    document.replace("workers = 2");
    assert!(config.reload().await.is_in_force());
    assert!(config.rollback_to(1).await.is_in_force());
    is_shut.store(true, Ordering::SeqCst);
    assert_eq!(vetoed(&config.resume().await).2, "it is shut");
    // The sources hold what was accepted last, and yet it is not in force.
    tokio::time::sleep(Duration::from_secs(300)).await;
    let status = config.status();
    assert_eq!((config.load().workers, status.is_healthy(), status.suspension), (1, false, None));
    assert_eq!(status.attempts, 4);
    is_shut.store(false, Ordering::SeqCst);
    let mut outcomes = config.outcomes();
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.outcome().name(), config.load().workers), (5, "applied", 2));
    assert!(config.status().is_healthy());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_resume_while_the_source_is_away_is_tried_again() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, ["workers = 1"]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    script.replace("workers = 2");
    config.reload().await;
    assert!(config.rollback_to(1).await.is_in_force());
    script.hold(Answer::error(SourceErrorKind::Other, "away"));
    assert_eq!(config.resume().await.name(), "failed");
    assert_eq!((config.load().workers, cause(&config)), (1, None));
    let mut outcomes = config.outcomes();
    script.hold("workers = 2");
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.outcome().name(), config.load().workers), ("applied", 2), "{attempt}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn paused_the_sources_are_followed_but_not_tried() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, ["workers = 1"]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    config.pause().await?;
    let since = config.status().suspension.map(|suspension| suspension.since);
    script.replace("workers = 2");
    tokio::time::sleep(Duration::from_secs(300)).await;
    // Nothing is read meanwhile, and the hint is heard once.
    assert_eq!((config.load().workers, script.looks(), script.pending_hints()), (1, 1, 0));
    assert_eq!(config.reload().await.name(), "suspended");
    config.pause().await?;
    assert_eq!(config.status().suspension.map(|suspension| suspension.since), since);
    let outcome = config.resume().await;
    assert_eq!((outcome.name(), config.load().workers), ("applied", 2));
    // Resumed where nothing was suspended, it is a look.
    assert_eq!(config.resume().await.name(), "unchanged");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_gone_back_to_has_its_own_overrides_and_places() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    assert!(config.set_override("workers", 5).await.is_in_force());
    assert!(config.clear_override("workers").await.is_in_force());
    document.replace("\n\nworkers = 3");
    assert!(config.reload().await.is_in_force());
    assert!(config.rollback_to(2).await.is_in_force());
    let snapshot = config.snapshot();
    assert_eq!(snapshot.workers, 5);
    assert!(snapshot.origin_of("workers").is_some_and(|set| !set.to_string().contains("app:")));
    assert!(config.resume().await.is_in_force());
    let snapshot = config.snapshot();
    assert_eq!(snapshot.workers, 3);
    assert_eq!(snapshot.origin_of("workers").map(|set| set.to_string()).as_deref(), Some("app:3:11"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_stands_still_does_so_for_as_long_as_it_takes() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    document.replace("workers = 2");
    assert!(config.reload().await.is_in_force());
    assert!(config.rollback_to(1).await.is_in_force());
    document.replace("workers = 3");
    let (generation, attempts) = (config.status().generation, config.status().attempts);
    tokio::time::sleep(Duration::from_secs(10 * 24 * 60 * 60)).await;
    assert_eq!((config.status().generation, config.status().attempts), (generation, attempts));
    config.resume().await;
    config.pause().await?;
    document.replace("workers = 4");
    tokio::time::sleep(Duration::from_secs(10 * 24 * 60 * 60)).await;
    assert_eq!(config.load().workers, 3);
    assert!(config.resume().await.is_in_force());
    assert_eq!(config.load().workers, 4);
    Ok(())
}

/// It tells of a change that is not complete whenever it is asked, and counts how often that was, and the looks.
#[derive(Clone, Default)]
struct Restless(Arc<AtomicUsize>, Arc<AtomicUsize>);

impl Restless {
    fn told(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl reloadable::Source for Restless {
    fn origin(&self) -> reloadable::Origin {
        reloadable::Origin::named("restless")
    }

    async fn fetch(
        &mut self,
        _: Option<&reloadable::Revision>,
    ) -> Result<reloadable::Fetched, reloadable::SourceError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let document = reloadable::Document::new(self.origin(), Format::Toml, "workers = 1".as_bytes());
        let revision = reloadable::Revision::new("1");
        Ok(reloadable::Fetched::Documents { documents: vec![document], revision })
    }

    async fn changed(&mut self) -> Result<reloadable::Hint, reloadable::SourceError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(reloadable::Hint::Settling)
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_tells_all_the_time_is_left_alone_while_paused() -> Outcome {
    let source = Restless::default();
    let config = Reloader::<App>::builder().source(source.clone()).start().await?;
    config.pause().await?;
    let before = source.told();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(source.told() <= before + 2, "{}", source.told() - before);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_tells_all_the_time_is_asked_less_and_less_often_until_it_is_looked_at() -> Outcome {
    let source = Restless::default();
    let wait = Duration::from_secs(60);
    let builder = Reloader::<App>::builder().source(source.clone()).max_wait(wait).resync(10 * wait);
    let config = builder.start().await?;
    // No time passes here, so that only the number tells that it is endless.
    for _ in 0..30_000 {
        tokio::task::yield_now().await;
    }
    let told = source.told();
    assert!((10_000..11_000).contains(&told), "{told}");
    assert_eq!(source.1.load(Ordering::Relaxed), 1);
    tokio::time::sleep(wait + wait / 2).await;
    assert!((1_000..20_000).contains(&(source.told() - told)), "{}", source.told());
    assert_eq!((source.1.load(Ordering::Relaxed), config.status().attempts), (2, 1));
    Ok(())
}
