//! Handles that ask for reloads.

use std::sync::{Arc, OnceLock};

use reloadable::{ErrorKind, Format, MemorySource, Reason, ReloadOutcome, Reloader, Trigger};

use crate::{Outcome, document, in_memory, in_time};

#[tokio::test(start_paused = true)]
async fn a_trigger_reloads_and_names_itself() -> Outcome {
    let (builder, handle) = in_memory();
    let config = builder.start().await?;
    let mut outcomes = config.outcomes();
    let trigger = config.trigger("admin");
    handle.replace(document(2));
    trigger.fire()?;
    let attempt = in_time(outcomes.next()).await?;
    assert_eq!(attempt.reason(), &Reason::Trigger("admin".into()));
    assert!(matches!(attempt.outcome(), ReloadOutcome::Applied(_)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_fired_before_the_attempt_begins_is_one_attempt() -> Outcome {
    let config = in_memory().0.start().await?;
    let mut outcomes = config.outcomes();
    let trigger = config.trigger("admin");
    // The task cannot run in between: nothing here is awaited.
    for _ in 0..1_000 {
        trigger.clone().fire()?;
    }
    let other = config.trigger("other");
    other.fire()?;
    assert_eq!(in_time(outcomes.next()).await?.reason(), &Reason::Trigger("admin".into()));
    assert_eq!(in_time(outcomes.next()).await?.reason(), &Reason::Trigger("other".into()));
    // It may be fired again, and nothing was left of the thousand.
    trigger.fire()?;
    assert_eq!(in_time(outcomes.next()).await?.reason(), &Reason::Trigger("admin".into()));
    config.reload().await;
    assert_eq!(config.status().attempts, 5);
    Ok(())
}

#[tokio::test]
async fn a_trigger_does_not_keep_the_reloader() -> Outcome {
    let config = in_memory().0.start().await?;
    let trigger = config.trigger("admin");
    let mut outcomes = config.outcomes();
    assert!(!trigger.is_closed());
    drop(config);
    assert!(in_time(outcomes.next()).await.is_err());
    crate::eventually("the trigger is closed", || trigger.is_closed()).await;
    assert_eq!(trigger.fire().err().map(|error| error.kind()), Some(ErrorKind::Closed));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_of_it_while_reloads_are_paused() -> Outcome {
    let (builder, handle) = in_memory();
    let config = builder.start().await?;
    let trigger = config.trigger("admin");
    config.pause().await?;
    handle.replace(document(2));
    trigger.fire()?;
    assert!(matches!(config.reload().await, ReloadOutcome::Suspended(_)));
    assert_eq!((config.status().attempts, config.status().generation), (1, 1));
    assert!(config.resume().await.is_in_force());
    assert_eq!(config.status().generation, 2);
    Ok(())
}

#[tokio::test]
async fn a_gate_may_fire() -> Outcome {
    let (source, handle) = MemorySource::new("memory", Format::Toml, "a = 1");
    let slot: Arc<OnceLock<Trigger>> = Arc::default();
    let fired = Arc::clone(&slot);
    let config = Reloader::<std::collections::BTreeMap<String, u8>>::builder()
        .source(source)
        .gate("firing", move |_| {
            if let Some(trigger) = fired.get() {
                let _ = trigger.fire();
            }
            async { Ok(()) }
        })
        .start()
        .await?;
    let _ = slot.set(config.trigger("gate"));
    let mut outcomes = config.outcomes();
    handle.replace("a = 2");
    assert_eq!(in_time(outcomes.next()).await?.generation(), 2);
    assert_eq!(in_time(outcomes.next()).await?.reason(), &Reason::Trigger("gate".into()));
    Ok(())
}

#[test]
fn threads_that_fire_are_all_heard() -> Outcome {
    let (builder, handle) = in_memory();
    let config = builder.start_blocking()?;
    let trigger = config.trigger("admin");
    for number in 1..=50 {
        // Each of them could be the one that adds nothing.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    handle.replace(document(number));
                    trigger.fire()
                });
            }
        });
    }
    let mut changes = config.subscribe();
    while !config.load().database.url.ends_with("-50") {
        changes.blocking_changed()?;
    }
    assert_eq!(format!("{trigger:?}"), "Trigger { name: \"admin\", is_closed: false, .. }");
    Ok(())
}
