//! Back to what worked: the last configurations are kept, one of them is put in force again, and edits wait.
//!
//! Ends with: `generation 5: 32 workers`

use std::error::Error;
use std::path::Path;

use reloadable::{Reloadable, Reloader};
use serde::Deserialize;

#[derive(Deserialize, Reloadable)]
struct App {
    #[reload(range(1..=64))]
    workers: u16,
}

fn write(path: &Path, workers: u16) -> std::io::Result<()> {
    reloadable::atomic_write(path, format!("workers = {workers}\n"))
}

fn show(config: &Reloader<App>) {
    let app = config.snapshot();
    println!("generation {}: {} workers", app.generation(), app.workers);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    write(&path, 4)?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();
    for workers in [8, 16] {
        write(&path, workers)?;
        changes.changed().await?;
    }
    for published in config.history() {
        let snapshot = published.snapshot();
        println!("kept: generation {}, {} workers", snapshot.generation(), snapshot.workers);
    }

    // The old value is a new generation, so that everybody is told of it as of any change.
    config.rollback_to(1).await;
    let change = changes.changed().await?;
    println!("rolled back: {}", change.changes());
    show(&config);

    // Edits wait, and whoever asks is told why.
    write(&path, 32)?;
    println!("{}", config.reload().await);

    // Until somebody says that the file is right again.
    config.resume().await;
    show(&config);
    Ok(())
}
