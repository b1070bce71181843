//! What the assertions let pass, and what they say where they do not.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use reloadable::testing::{
    assert_applied, assert_failed, assert_no_change, assert_outcome, assert_rejected, assert_unchanged,
    assert_vetoed, next_change, next_outcome,
};
use reloadable::{
    Error, Format, MemoryHandle, MemorySource, Refusal, ReloadOutcome, Reloader, SourceErrorKind,
};

use crate::Limits;

async fn start(text: &str) -> Result<(Reloader<Limits>, MemoryHandle), Error> {
    let (source, handle) = MemorySource::new("memory", Format::Toml, text);
    let builder = Reloader::<Limits>::builder().source(source).gate("pool", |candidate| async move {
        match candidate.value().get("workers") {
            Some(100..) => Err(Refusal::new("there is no room for so many")),
            _ => Ok(()),
        }
    });
    Ok((builder.start().await?, handle))
}

/// Returns what a panic says.
fn said(panic: Box<dyn std::any::Any + Send>) -> String {
    panic.downcast::<String>().map(|text| *text).unwrap_or_else(|_| "no text".to_owned())
}

fn fails(assertion: impl FnOnce()) -> String {
    said(catch_unwind(AssertUnwindSafe(assertion)).expect_err("the assertion does not pass"))
}

async fn fails_later<T: Send + 'static>(waiting: impl Future<Output = T> + Send + 'static) -> String {
    let failed = tokio::spawn(waiting).await.err().expect("the wait has no end");
    said(failed.into_panic())
}

#[tokio::test(start_paused = true)]
async fn each_outcome_passes_its_assertion_and_no_other() -> Result<(), Error> {
    let (config, handle) = start("workers = 4").await?;
    let mut outcomes = Vec::new();
    for text in ["workers = 8", "workers = 8 # cores", "workers = 'many'", "workers = 200"] {
        handle.replace(text);
        outcomes.push(config.reload().await);
    }
    handle.fail(SourceErrorKind::PermissionDenied, "it is locked away");
    outcomes.push(config.reload().await);

    type Assertion = fn(&ReloadOutcome);
    let assertions: [(&str, Assertion); 5] = [
        ("applied", |outcome| assert!(assert_applied(outcome, "workers: 4 -> 8").generation() == 2)),
        ("unchanged", assert_unchanged),
        ("rejected", |outcome| {
            assert_eq!(assert_rejected(outcome, "type", "workers").violations().len(), 1);
        }),
        ("vetoed", |outcome| assert!(assert_vetoed(outcome, "pool").reason().contains("no room"))),
        ("failed", |outcome| assert!(!assert_failed(outcome, "permission_denied").is_empty())),
    ];
    for (nth, outcome) in outcomes.iter().enumerate() {
        for (other, (name, assertion)) in assertions.iter().enumerate() {
            if nth == other {
                assertion(outcome);
                assert_outcome(outcome, name);
            } else {
                let wanted = [name, assertions[nth].0];
                for told in [fails(|| assertion(outcome)), fails(|| assert_outcome(outcome, name))] {
                    assert!(wanted.iter().all(|word| told.contains(*word)), "{told}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_fails_says_the_whole_report() -> Result<(), Error> {
    let (config, handle) = start("workers = 4\nqueue = 10").await?;
    handle.replace("workers = 'many'\nqueue = 'long'");
    let outcome = config.reload().await;
    let told = fails(|| {
        assert_rejected(&outcome, "range", "workers");
    });
    for part in ["`workers` [range]", "memory:1:11", "memory:2:9", "[type]", "workers = 'many'"] {
        assert!(told.contains(part), "{part} is not in: {told}");
    }
    handle.replace("workers = 5\nqueue = 20");
    let outcome = config.reload().await;
    let told = fails(|| {
        assert_applied(&outcome, "workers: 4 -> 5");
    });
    assert!(told.contains("queue: 10 -> 20; workers: 4 -> 5"), "{told}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_come_fails_at_once_and_with_the_reason() -> Result<(), Error> {
    let (config, handle) = start("workers = 4").await?;
    let (mut changes, mut outcomes) = (config.subscribe(), config.outcomes());
    let began = Instant::now();
    handle.replace("workers = 'many'");
    next_outcome(&config, &mut outcomes).await;
    for told in [
        {
            let config = config.clone();
            fails_later(async move { next_change(&config, &mut changes).await.generation() }).await
        },
        {
            let config = config.clone();
            fails_later(async move { next_outcome(&config, &mut outcomes).await }).await
        },
    ] {
        for part in
            [file!(), "generation 1 is in force", "rejected", "memory:1:11", "source memory: Watching"]
        {
            assert!(told.contains(part), "{part} is not in: {told}");
        }
    }
    assert!(began.elapsed() < Duration::from_secs(9), "nothing more could have happened");

    let (mut changes, mut outcomes) = (config.subscribe(), config.outcomes());
    config.clone().shutdown().await;
    let ended = config.clone();
    let told = fails_later(async move { next_change(&ended, &mut changes).await.generation() }).await;
    assert!(told.contains("the reloader has ended"), "{told}");
    let told = fails_later(async move { next_outcome(&config, &mut outcomes).await }).await;
    assert!(told.contains("the reloader has ended"), "{told}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_change_where_there_should_be_none_is_told() -> Result<(), Error> {
    let (config, handle) = start("workers = 4\nqueue = 10").await?;
    let mut workers = config.subscribe_to(|limits| &limits["workers"]);
    handle.replace("workers = 4\nqueue = 20");
    config.reload().await;
    assert_no_change(&mut workers).await;
    handle.replace("workers = 5\nqueue = 20");
    config.reload().await;
    let told = fails_later(async move { assert_no_change(&mut workers).await }).await;
    assert!(told.contains("generation 3") && told.contains("4 -> 5"), "{told}");
    Ok(())
}
