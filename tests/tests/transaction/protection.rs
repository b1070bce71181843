//! Stopping by itself: after too many refusals, and where it goes back and forth; and not publishing too often.

use std::time::Duration;

use reloadable::testing::{Answer, ScriptedSource};
use reloadable::{Candidate, Format, Outcomes, Refusal, Reloader, SourceErrorKind, SuspensionCause};

use crate::{App, Outcome, app, in_time, next};

const MINUTE: Duration = Duration::from_secs(60);

fn cause(config: &Reloader<App>) -> Option<SuspensionCause> {
    config.status().suspension.map(|suspension| suspension.cause)
}

async fn edit(document: &reloadable::MemoryHandle, outcomes: &mut Outcomes, text: &str) -> String {
    document.replace(text);
    next(outcomes).await.outcome().name().to_owned()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_too_much_unless_told() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    let mut outcomes = config.outcomes();
    for number in 0..100 {
        let workers = if number % 3 == 0 { 1_000 + number } else { number % 2 };
        edit(&document, &mut outcomes, &format!("workers = {workers} # {number}")).await;
        assert_eq!(cause(&config), None);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn too_many_refusals_suspend_until_somebody_asks() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder
        .suspend_after(3, MINUTE)
        .gate("quota", |candidate: Candidate<App>| async move {
            if candidate.value().workers == 50 { Err(Refusal::new("no")) } else { Ok(()) }
        })
        .start()
        .await?;
    let mut outcomes = config.outcomes();
    assert_eq!(edit(&document, &mut outcomes, "workers = 101").await, "rejected");
    // What the application asks for does not count, nor does what is told a second time.
    assert_eq!(config.reload().await.name(), "rejected");
    assert_eq!(next(&mut outcomes).await.number(), 3);
    assert_eq!(edit(&document, &mut outcomes, "workers = 50").await, "vetoed");
    tokio::time::sleep(MINUTE / 4).await;
    assert_eq!(cause(&config), None);
    assert_eq!(edit(&document, &mut outcomes, "workers = ").await, "rejected");
    let refusals = SuspensionCause::Refusals { count: 3, window: MINUTE };
    assert_eq!(cause(&config), Some(refusals.clone()));
    // What would be valid is not tried.
    document.replace("workers = 2");
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!((config.load().workers, config.status().attempts), (1, 5));
    // Whoever asks is answered; that it is refused does not end it.
    document.replace("workers = 102");
    assert_eq!(config.reload().await.name(), "rejected");
    assert_eq!(cause(&config), Some(refusals));
    document.replace("workers = 2");
    assert_eq!(config.reload().await.name(), "applied");
    assert_eq!((cause(&config), config.load().workers, config.status().is_healthy()), (None, 2, true));
    // It counts from the beginning.
    for text in ["workers = 103", "workers = 104"] {
        document.replace(text);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(cause(&config), None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn refusals_that_are_far_apart_do_not_suspend() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.suspend_after(2, MINUTE).start().await?;
    let mut outcomes = config.outcomes();
    for number in 0..10 {
        edit(&document, &mut outcomes, &format!("workers = {}", 101 + number)).await;
        assert_eq!(cause(&config), None);
        tokio::time::advance(2 * MINUTE).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_same_refusal_at_each_look_counts_once_and_an_unreadable_source_never() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, ["workers = 1"]);
    let config = Reloader::<App>::builder().source(source).suspend_after(2, 1_000 * MINUTE).start().await?;
    script.replace("workers = 101");
    tokio::time::sleep(10 * MINUTE).await;
    script.replace(Answer::error(SourceErrorKind::Other, "away"));
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!((cause(&config), config.status().attempts), (None, 3));
    Ok(())
}

/// Nor is it right again because something else was applied meanwhile.
#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_count_again_after_an_override_or_a_way_back() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder
        .suspend_after(2, MINUTE)
        .gate("quota", |candidate: Candidate<App>| async move {
            if candidate.value().workers == 1 && candidate.generation() > 1 {
                return Err(Refusal::new("no"));
            }
            Ok(())
        })
        .start()
        .await?;
    document.replace("workers = 2");
    assert!(config.reload().await.is_in_force());
    let mut outcomes = config.outcomes();
    assert_eq!(edit(&document, &mut outcomes, "workers = ").await, "rejected");
    assert!(config.set_override("workers", 5).await.is_in_force());
    let status = config.status();
    assert!(!status.is_healthy() && status.last_error.is_some() && status.consecutive_failures > 0);
    assert_eq!(config.rollback_to(1).await.name(), "vetoed");
    tokio::time::sleep(MINUTE / 2).await;
    assert_eq!((cause(&config), config.load().workers), (None, 5));
    assert_eq!(edit(&document, &mut outcomes, "workers = ]").await, "rejected");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn going_back_and_forth_suspends_until_resumed() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.suspend_on_flapping(3, MINUTE).start().await?;
    let mut outcomes = config.outcomes();
    // Going on is no flapping.
    for workers in [2, 3, 4, 5] {
        edit(&document, &mut outcomes, &format!("workers = {workers}")).await;
    }
    for workers in [4, 5, 4] {
        assert_eq!(cause(&config), None);
        assert_eq!(edit(&document, &mut outcomes, &format!("workers = {workers}")).await, "applied");
    }
    assert_eq!(cause(&config), Some(SuspensionCause::Flapping { count: 3, window: MINUTE }));
    assert!(config.status().suspension.is_some_and(|it| it.to_string().starts_with("went back and forth 3")));
    document.replace("workers = 5");
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(config.load().workers, 4);
    assert_eq!(config.resume().await.name(), "applied");
    assert_eq!((cause(&config), config.load().workers), (None, 5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_may_go_back_and_forth() -> Outcome {
    let (builder, _document) = app("workers = 1");
    let config = builder.suspend_on_flapping(2, MINUTE).start().await?;
    let mut statuses = config.subscribe_status();
    for number in 0..10 {
        assert!(config.set_override("workers", number % 2 + 1).await.is_in_force());
        assert_eq!(in_time(statuses.changed()).await?.suspension, None);
    }
    assert_eq!(cause(&config), None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_changes_within_the_interval_is_published_together_and_the_latest_wins() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.min_interval(MINUTE).start().await?;
    let mut changes = config.subscribe();
    document.replace("workers = 2");
    assert_eq!(in_time(changes.changed()).await?.generation(), 2);
    let before = tokio::time::Instant::now();
    for workers in 3..=9 {
        document.replace(format!("workers = {workers}"));
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let change = in_time(changes.changed()).await?;
    assert_eq!((change.generation(), change.current().workers), (3, 9));
    assert!(before.elapsed() >= MINUTE - Duration::from_secs(1), "{:?}", before.elapsed());
    Ok(())
}
