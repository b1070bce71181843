//! The filter of `tracing` follows the file: one line in it turns the debug messages of one module on.
//!
//! Ends with: `the filter is off,log_level=debug`

use std::error::Error;

use reloadable::{ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry, reload};

#[derive(Deserialize, Reloadable)]
struct App {
    log: Log,
}

#[derive(Deserialize, Reloadable)]
struct Log {
    /// In the syntax of `RUST_LOG`; one that cannot be read is refused like any other mistake in the file.
    #[reload(validate = is_filter)]
    filter: String,
}

fn is_filter(text: &str) -> Result<(), String> {
    EnvFilter::try_new(text).map(drop).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    std::fs::write(&path, "[log]\nfilter = \"warn\"\n")?;

    let config = Reloader::<App>::builder().file(&path).start().await?;
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(&config.load().log.filter)?);
    registry().with(filter).with(fmt::layer().with_writer(std::io::stdout).without_time()).init();
    tracing::debug!("nobody sees this");
    assert!(!tracing::enabled!(tracing::Level::DEBUG));

    let mut log = config.subscribe_to(|app| &app.log);
    let mut followed = log.clone();
    tokio::spawn(async move {
        while let Ok(change) = log.changed().await {
            // It was validated, so it can be read; the handle fails once the subscriber is gone.
            let Ok(filter) = EnvFilter::try_new(&change.current().filter) else { continue };
            if handle.reload(filter).is_err() {
                return;
            }
        }
    });

    std::fs::write(&path, "[log]\nfilter = \"off,log_level=debug\"\n")?;
    let change = followed.changed().await?;
    println!("{}", change.changes());
    while !tracing::enabled!(tracing::Level::DEBUG) {
        tokio::task::yield_now().await;
    }
    tracing::debug!("everybody sees this");

    std::fs::write(&path, "[log]\nfilter = \"log_level=loud\"\n")?;
    let ReloadOutcome::Rejected(error) = config.reload().await else {
        return Err("it was not refused".into());
    };
    println!("{}", error.report());
    tracing::debug!("and this still");
    println!("the filter is {}", config.load().log.filter);
    Ok(())
}
