//! The least that there is to write: a struct, a file, and what changed in it.
//!
//! Ends with: `generation 2: workers: 4 -> 8`

use std::error::Error;

use reloadable::{Reloadable, Reloader};
use serde::Deserialize;

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    /// How many requests are worked on at once.
    #[reload(range(1..=1024))]
    workers: u16,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    std::fs::write(&path, "workers = 4\n")?;

    let config = Reloader::<App>::builder().file(&path).start().await?;
    println!("generation {}: {:?}", config.snapshot().generation(), *config.load());

    let mut changes = config.subscribe();
    std::fs::write(&path, "workers = 8\n")?;
    let change = changes.changed().await?;
    if let Some(workers) = change.changes().workers {
        println!("{} threads more", workers.new - workers.old);
    }
    println!("generation {}: {}", change.generation(), change.changes());
    Ok(())
}
