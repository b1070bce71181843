//! A section that did not change has nothing to apply.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use reloadable::Error;

use crate::{App, both, in_memory, in_time, missing, now, publish};

#[tokio::test(start_paused = true)]
async fn a_section_that_did_not_change_is_up_to_date() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut pool = config.subscribe_to(|app: &App| &app.pool).acknowledging("pool");
    let generation = publish(&config, &handle, both(81, 1)).await;
    config.wait_applied(generation, Duration::ZERO).await?;
    let [status] = &config.status().subscribers[..] else { panic!("there is one") };
    assert_eq!((status.seen, status.applied), (2, Some(2)));

    let generation = publish(&config, &handle, both(82, 2)).await;
    assert_eq!(missing(&config, generation).await, ["not_applied: `pool` has applied generation 2, not 3"]);
    in_time(pool.changed()).await?.applied();
    config.wait_applied(generation, Duration::ZERO).await?;
    let generation = publish(&config, &handle, both(83, 2)).await;
    config.wait_applied(generation, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn what_needed_no_acknowledgement_needs_none_once_the_section_has_changed() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let port = 80;
    let pool = config.subscribe_to(move |app: &App| (&app.pool, port).0);
    let _pool = pool.acknowledging("pool");
    publish(&config, &handle, both(81, 1)).await;
    publish(&config, &handle, both(82, 1)).await;
    publish(&config, &handle, both(82, 2)).await;
    publish(&config, &handle, both(83, 3)).await;
    config.wait_applied(3, Duration::ZERO).await?;
    assert_eq!(missing(&config, 4).await, ["not_applied: `pool` has applied generation 3, not 4"]);
    assert_eq!(missing(&config, 5).await, ["not_applied: `pool` has applied generation 3, not 5"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_section_missed_is_owed_by_whoever_begins_to_acknowledge() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let pool = config.subscribe_to(|app: &App| &app.pool);
    publish(&config, &handle, both(80, 2)).await;
    publish(&config, &handle, both(81, 2)).await;
    let mut pool = pool.acknowledging("pool");
    assert_eq!(missing(&config, 3).await, ["not_applied: `pool` has applied generation 1, not 3"]);
    in_time(pool.changed()).await?.applied();
    config.wait_applied(3, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn there_and_back_again_needs_no_acknowledgement() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut pool = config.subscribe_to(|app: &App| &app.pool).acknowledging("pool");
    publish(&config, &handle, both(80, 2)).await;
    publish(&config, &handle, both(80, 1)).await;
    assert_eq!(missing(&config, 3).await, ["not_applied: `pool` has applied generation 1, not 3"]);
    assert!(now(pool.changed()).is_none());
    config.wait_applied(3, Duration::ZERO).await?;

    // Not so while something before it is owed.
    publish(&config, &handle, both(80, 4)).await;
    let fourth = in_time(pool.changed()).await?;
    publish(&config, &handle, both(80, 5)).await;
    publish(&config, &handle, both(80, 4)).await;
    assert!(now(pool.changed()).is_none());
    assert_eq!(missing(&config, 6).await, ["not_applied: `pool` has applied generation 3, not 6"]);
    // The same is in force still, so this is an answer for now as well.
    fourth.applied();
    config.wait_applied(6, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_failure_stands_while_other_sections_change() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut pool = config.subscribe_to(|app: &App| &app.pool).acknowledging("pool");
    publish(&config, &handle, both(80, 2)).await;
    in_time(pool.changed()).await?.failed("no connection");
    publish(&config, &handle, both(81, 2)).await;
    let told = now(config.wait_applied(3, crate::DEADLINE)).expect("it has answered").err();
    assert_eq!(
        told.map(|error| error.report().violations()[0].message().to_owned()).as_deref(),
        Some("`pool` has applied generation 1, not 3: it failed: no connection")
    );
    publish(&config, &handle, both(81, 1)).await;
    in_time(pool.changed()).await?.applied();
    config.wait_applied(4, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_panics_owes_an_acknowledgement_until_its_subscription_ends() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut bad = config
        .subscribe_to(|app: &App| if app.pool.size == 2 { panic!("a bad selector") } else { &app.pool })
        .acknowledging("bad");
    let generation = publish(&config, &handle, both(80, 2)).await;
    assert_eq!(missing(&config, generation).await, ["not_applied: `bad` has applied generation 1, not 2"]);
    assert!(catch_unwind(AssertUnwindSafe(|| now(bad.changed()))).is_err());
    assert_eq!(missing(&config, generation).await, ["not_applied: `bad` has applied generation 1, not 2"]);
    drop(bad);
    config.wait_applied(generation, Duration::ZERO).await
}
