//! Outcomes: exactly one for each attempt, in order, with its reason, its documents and its stages.

use std::time::Duration;

use reloadable::SourceErrorKind;
use reloadable::testing::{Answer, ScriptedSource};
use reloadable::{Candidate, ErrorKind, Format, MemorySource, Reason, Refusal, ReloadOutcome, Reloader};

use crate::{App, Outcome, app, in_time, next};

fn names(reasons: &[(u64, &'static str, &'static str)]) -> Vec<(u64, String, String)> {
    reasons.iter().map(|(number, reason, name)| (*number, (*reason).to_owned(), (*name).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn every_attempt_has_one_outcome_in_order_with_its_reason() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder
        .gate("quota", |candidate: Candidate<App>| async move {
            if candidate.value().workers == 66 { Err(Refusal::new("no")) } else { Ok(()) }
        })
        .start()
        .await?;
    assert_eq!(config.status().last_attempt.reason(), &Reason::Initial);
    let mut outcomes = config.outcomes();
    let mut told = Vec::new();
    let mut tell = async |count: usize| {
        for _ in 0..count {
            let attempt = next(&mut outcomes).await;
            told.push((attempt.number(), attempt.reason().to_string(), attempt.outcome().name().to_owned()));
        }
    };
    document.replace("workers = 2");
    tell(1).await;
    document.replace("workers = ");
    tell(1).await;
    document.replace("workers = 66");
    tell(1).await;
    document.fail(SourceErrorKind::Other, "the cable is out");
    tell(1).await;
    // Seen by a retry, or by the hint, whichever comes first: the hint, since it is there already.
    document.replace("workers = 3");
    tell(1).await;
    config.reload().await;
    tell(1).await;
    config.set_override("workers", 9).await;
    tell(1).await;
    config.rollback_to(1).await;
    tell(1).await;
    assert!(matches!(config.reload().await, ReloadOutcome::Suspended(_)));
    config.resume().await;
    tell(1).await;
    assert_eq!(
        told,
        names(&[
            (2, "change", "applied"),
            (3, "change", "rejected"),
            (4, "change", "vetoed"),
            (5, "change", "failed"),
            (6, "change", "applied"),
            (7, "manual", "unchanged"),
            (8, "override", "applied"),
            (9, "rollback to generation 1", "applied"),
            (10, "resume", "applied"),
        ])
    );
    assert_eq!((config.status().attempts, config.status().generation), (10, 6));
    config.shutdown().await;
    let ended = in_time(outcomes.next()).await.unwrap_err();
    assert_eq!((ended.kind(), outcomes.missed()), (ErrorKind::Closed, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_retry_and_a_resync_say_so() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, ["workers = 1"]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    let mut outcomes = config.outcomes();
    // Nothing is told of it, so it is found when it is time to look.
    script.hold("workers = 2");
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.reason(), attempt.outcome().name()), (&Reason::Resync, "applied"));
    assert!(attempt.to_string().starts_with("generation 2 (app, "), "{attempt}");
    script.replace(Answer::error(SourceErrorKind::Other, "away"));
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.reason(), attempt.outcome().name()), (&Reason::Change, "failed"), "{attempt}");
    script.hold("workers = 3");
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.reason(), attempt.outcome().name()), (&Reason::Retry, "applied"), "{attempt}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_names_the_documents_that_changed_and_how_long_its_stages_took() -> Outcome {
    let (base, _base) = MemorySource::new("base", Format::Toml, "workers = 1\n[database]\npool = 1");
    let (local, document) = MemorySource::new("local", Format::Toml, "workers = 2");
    let config = Reloader::<App>::builder()
        .source(base)
        .source(local)
        .gate("slow", |_| async {
            // Time is paused for the gate, yet not for the clock by which stages are measured.
            std::thread::sleep(Duration::from_millis(2));
            Ok(())
        })
        .start()
        .await?;
    assert!(config.status().last_attempt.changed().is_empty());
    let mut outcomes = config.outcomes();
    document.write("workers = 3");
    let attempt = next(&mut outcomes).await;
    let changed: Vec<_> = attempt.changed().iter().map(ToString::to_string).collect();
    assert_eq!(changed, ["local"]);
    let stages = *attempt.stages();
    // It waited for more of the change.
    assert!(stages.settle >= Duration::from_millis(10), "{stages:?}");
    assert!(stages.gates >= Duration::from_millis(2), "{stages:?}");
    assert!(!stages.load.is_zero() && !stages.diff.is_zero() && !stages.publish.is_zero(), "{stages:?}");
    assert_eq!(stages.total(), stages.fetch + stages.load + stages.diff + stages.gates + stages.publish);
    let ReloadOutcome::Applied(applied) = attempt.outcome() else { return Err("not applied".into()) };
    assert_eq!((applied.took(), applied.generation(), attempt.generation()), (stages.total(), 2, 2));
    // A refusal does not come to the later ones.
    document.replace("workers = 'many'");
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.stages().gates, attempt.stages().publish), (Duration::ZERO, Duration::ZERO));
    assert_eq!(attempt.generation(), 2);
    assert_eq!(attempt.changed().len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_revert_is_unchanged_and_clears_the_failure() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    let mut outcomes = config.outcomes();
    for text in ["workers = 'many'", "workers = 101", "workers = "] {
        document.replace(text);
        assert_eq!(next(&mut outcomes).await.outcome().name(), "rejected");
        assert!(!config.status().is_healthy());
        document.replace("workers = 1");
        let attempt = next(&mut outcomes).await;
        assert_eq!((attempt.outcome().name(), attempt.generation()), ("unchanged", 1));
        let status = config.status();
        assert!(status.is_healthy() && status.last_error.is_none() && status.consecutive_failures == 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_same_refusal_is_not_told_again_at_later_looks() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, ["workers = 1"]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    let mut outcomes = config.outcomes();
    script.replace("workers = 101");
    assert_eq!(next(&mut outcomes).await.number(), 2);
    let before = script.looks();
    tokio::time::sleep(Duration::from_secs(10 * 34)).await;
    assert!(script.looks() >= before + 10, "{}", script.looks() - before);
    assert_eq!((config.status().attempts, config.status().consecutive_failures), (2, 1));
    // Whoever asks is told.
    assert_eq!(config.reload().await.name(), "rejected");
    assert_eq!(next(&mut outcomes).await.reason(), &Reason::Manual);
    // A source that cannot be read is told once as well, however often it is tried.
    script.replace(Answer::error(SourceErrorKind::Other, "away"));
    assert_eq!(next(&mut outcomes).await.outcome().name(), "failed");
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(config.status().attempts, 4);
    // The same text again is the same refusal, and yet another attempt: between them something else was wrong.
    script.replace("workers = 101");
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.outcome().name()), (5, "rejected"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_marks_the_same_text_anew_is_not_told_at_each_look() -> Outcome {
    let (source, script) =
        ScriptedSource::new("app", Format::Toml, [Answer::text("workers = 1").revision("0")]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    for mark in 1..=10 {
        script.hold(Answer::text("workers = 1").revision(mark.to_string()));
        let before = script.looks();
        while script.looks() == before {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    }
    assert_eq!(config.status().attempts, 1);
    // Another text of the same values is told: somebody edited it.
    let mut outcomes = config.outcomes();
    script.replace(Answer::text("workers = 1 # as ever").revision("11"));
    assert_eq!(next(&mut outcomes).await.outcome().name(), "unchanged");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_is_busy_is_told_how_many_he_missed() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    let mut busy = config.outcomes();
    let mut outcomes = config.outcomes();
    for number in 2..=101 {
        document.replace(format!("workers = {}", number % 100));
        assert_eq!(next(&mut outcomes).await.number(), number);
    }
    assert_eq!((outcomes.missed(), busy.missed()), (0, 0));
    let first = next(&mut busy).await;
    // 100 attempts, of which 64 are kept.
    assert_eq!((first.number(), busy.missed()), (2 + 36, 36));
    for number in 39..=101 {
        assert_eq!(next(&mut busy).await.number(), number);
    }
    // Whoever comes now is told of what comes from here on.
    let mut late = config.outcomes();
    document.replace("workers = 50");
    assert_eq!(next(&mut late).await.number(), 102);
    config.shutdown().await;
    assert!(late.next().await.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_override_that_is_refused_is_one_attempt_where_the_sources_hold_nothing_new() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    let mut outcomes = config.outcomes();
    assert_eq!(config.set_override("workers", 1_000).await.name(), "rejected");
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.reason()), (2, &Reason::Override));
    // The sources hold what is in force, so the refusal does not stay.
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.number(), attempt.outcome().name()), (3, "unchanged"));
    assert!(config.status().is_healthy());
    // A file that is broken does not stand in the way: the second attempt is made without it.
    document.replace("workers = ");
    assert_eq!(next(&mut outcomes).await.number(), 4);
    assert_eq!(config.set_override("workers", 5).await.name(), "applied");
    let told = [next(&mut outcomes).await, next(&mut outcomes).await];
    let told = told.map(|attempt| (attempt.number(), attempt.reason().name(), attempt.outcome().name()));
    assert_eq!(told, [(5, "override", "rejected"), (6, "override", "applied")]);
    assert_eq!((config.load().workers, config.status().is_healthy()), (5, false));
    // It is still broken, and nobody is told again.
    tokio::time::sleep(Duration::from_secs(300)).await;
    let status = config.status();
    assert_eq!((status.attempts, status.consecutive_failures, status.is_healthy()), (6, 2, false));
    Ok(())
}
