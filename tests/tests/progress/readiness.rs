//! Whether a program runs with what is in force.

use reloadable::Error;

use crate::{App, both, in_memory, in_time, publish};

#[tokio::test(start_paused = true)]
async fn a_program_is_ready_once_everybody_has_applied_what_is_in_force() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let mut pool = config.subscribe_to(|app: &App| &app.pool).acknowledging("pool");
    let _silent = config.subscribe();
    assert_eq!(config.readiness().to_string(), "ready, generation 1 is in force");

    publish(&config, &handle, both(80, 2)).await;
    let readiness = config.readiness();
    assert!(!readiness.is_ready());
    assert_eq!((readiness.generation(), readiness.notes().len()), (2, 0));
    assert_eq!(readiness.reasons(), ["`pool` has applied generation 1, not 2"]);

    let change = in_time(pool.changed()).await?;
    change.failed("no connection");
    assert_eq!(
        config.readiness().to_string(),
        "not ready, generation 2 is in force: `pool` has applied generation 1, not 2: it failed: no connection"
    );
    change.applied();
    assert!(config.readiness().is_ready());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refused_reload_is_a_note() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    handle.replace(both(80, 20_000));
    assert!(!config.reload().await.is_in_force());
    let readiness = config.readiness();
    assert!(readiness.is_ready());
    assert_eq!(
        readiness.notes(),
        ["configuration refused: memory:4:8: pool.size: 20000 is not in ..=10000 [range]"]
    );
    assert_eq!(
        serde_json::to_value(&readiness).ok(),
        Some(serde_json::json!({
            "ready": true,
            "generation": 1,
            "reasons": [],
            "notes": ["configuration refused: memory:4:8: pool.size: 20000 is not in ..=10000 [range]"],
        }))
    );
    publish(&config, &handle, both(80, 1)).await;
    assert_eq!(config.readiness().to_string(), "ready, generation 1 is in force");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn that_no_change_is_followed_is_a_note() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    config.pause().await?;
    assert_eq!(
        config.readiness().to_string(),
        "ready, generation 1 is in force: no change is followed: reloads are paused; `resume()` ends that"
    );
    config.resume().await;
    assert_eq!(config.readiness().to_string(), "ready, generation 1 is in force");

    publish(&config, &handle, both(80, 2)).await;
    config.rollback_to(1).await;
    assert_eq!(
        config.readiness().notes(),
        ["no change is followed: rolled back to generation 1, which stays; `resume()` ends that"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reloader_that_has_ended_is_not_ready() -> Result<(), Error> {
    let (config, _handle) = in_memory().await?;
    config.clone().shutdown().await;
    assert_eq!(config.readiness().to_string(), "not ready, generation 1 is in force: the reloader has ended");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn how_far_everybody_has_come_is_plain_data() -> Result<(), Error> {
    let (config, handle) = in_memory().await?;
    let _silent = config.subscribe();
    let mut pool = config.subscribe().acknowledging("pool");
    publish(&config, &handle, both(80, 2)).await;
    in_time(pool.changed()).await?.failed("no connection");
    assert_eq!(
        serde_json::to_value(config.status().subscribers).ok(),
        Some(serde_json::json!([
            { "name": "pool", "seen": 2, "applied": 1, "failed": "no connection" },
            { "name": null, "seen": 1, "applied": null, "failed": null },
        ]))
    );
    Ok(())
}
