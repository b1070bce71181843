//! The tests that a program has of its own reloads: what it does when a document changes, is wrong, comes late or in
//! halves. `cargo test --example testing_your_reload` runs them as tests; by itself, the program runs them one by one. In
//! your tests, `#[tokio::test(start_paused = true)]` stands in place of the two attributes.
//!
//! Ends with: `4 tests passed`

use std::error::Error;
use std::time::Duration;

use reloadable::testing::{
    Answer, Save, ScriptedSource, assert_failed, assert_rejected, next_change, next_outcome,
};
use reloadable::{Format, Reloadable, Reloader, SourceErrorKind, Subscription};
use serde::Deserialize;

/// What the program configures.
#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct App {
    #[reload(range(1..=1024))]
    workers: u16,
}

/// The part of the program that lives through a reload: here a pool that is resized.
struct Pool {
    size: u16,
}

impl Pool {
    /// Follows the configuration until the reloader ends.
    async fn follow(mut self, mut changes: Subscription<App>) -> Self {
        while let Ok(change) = changes.changed().await {
            self.size = change.current().workers;
        }
        self
    }
}

type Outcome = Result<(), Box<dyn Error>>;

/// A clock that is paused passes over every wait, so that this takes no time, and every run is the same.
#[cfg_attr(test, tokio::test(start_paused = true))]
#[cfg_attr(not(test), tokio::main(flavor = "current_thread", start_paused = true))]
async fn the_pool_gets_the_size_of_the_last_valid_edit() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, ["workers = 4"]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    let pool = tokio::spawn(Pool { size: 4 }.follow(config.subscribe()));
    let mut outcomes = config.outcomes();

    script.replace("workers = 8");
    next_outcome(&config, &mut outcomes).await;
    script.replace("workers = 5000");
    let attempt = next_outcome(&config, &mut outcomes).await;
    assert_rejected(attempt.outcome(), "range", "workers");

    config.shutdown().await;
    assert_eq!(pool.await?.size, 8);
    Ok(())
}

#[cfg_attr(test, tokio::test(start_paused = true))]
#[cfg_attr(not(test), tokio::main(flavor = "current_thread", start_paused = true))]
async fn a_source_that_is_away_changes_nothing() -> Outcome {
    let (source, script) = ScriptedSource::new(
        "app",
        Format::Toml,
        [
            Answer::text("workers = 4"),
            Answer::error(SourceErrorKind::Other, "the server answers 503"),
            Answer::text("workers = 8").after(Duration::from_secs(20)),
        ],
    );
    let config = Reloader::<App>::builder().source(source).start().await?;
    let mut changes = config.subscribe();
    assert_failed(&config.reload().await, "unreadable");
    assert_eq!((config.load().workers, script.looks()), (4, 2));

    // It is asked again by itself, and waited for.
    assert_eq!(next_change(&config, &mut changes).await.changes().to_string(), "workers: 4 -> 8");
    Ok(())
}

#[cfg_attr(test, tokio::test(start_paused = true))]
#[cfg_attr(not(test), tokio::main(flavor = "current_thread", start_paused = true))]
async fn half_of_a_document_is_refused() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Json, [r#"{"workers": 4}"#]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    script.hold(Answer::half(r#"{"workers": 8}"#));
    assert_rejected(&config.reload().await, "syntax", "");
    assert_eq!(config.load().workers, 4);
    Ok(())
}

/// Real files have events of their own, which do not wait for a clock that is paused: so here it runs.
#[cfg_attr(test, tokio::test)]
#[cfg_attr(not(test), tokio::main(flavor = "current_thread"))]
async fn every_way_of_saving_is_seen() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    std::fs::write(&path, "workers = 1\n")?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();
    for (workers, save) in (2..).zip(Save::ALL) {
        save.to(&path, format!("workers = {workers}\n"))?;
        assert_eq!(next_change(&config, &mut changes).await.current().workers, workers, "{save:?}");
    }
    Ok(())
}

/// As the harness of the tests does it.
fn main() -> Outcome {
    the_pool_gets_the_size_of_the_last_valid_edit()?;
    a_source_that_is_away_changes_nothing()?;
    half_of_a_document_is_refused()?;
    every_way_of_saving_is_seen()?;
    println!("4 tests passed");
    Ok(())
}
