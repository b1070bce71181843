//! A field that cannot change while the program runs: the rest goes live, and what waits for a restart is named.
//!
//! Ends with: `nothing waits for a restart`

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

use reloadable::{Reloadable, Reloader, RestartPolicy};
use serde::Deserialize;

#[derive(Deserialize, Reloadable)]
struct App {
    #[reload(restart)]
    listen: SocketAddr,
    #[reload(range(1..=64))]
    workers: u16,
}

fn write(path: &Path, listen: &str, workers: u16) -> std::io::Result<()> {
    reloadable::atomic_write(path, format!("listen = \"{listen}\"\nworkers = {workers}\n"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    write(&path, "127.0.0.1:8080", 4)?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut outcomes = config.outcomes();

    // Two fields in one edit: one is live at once, the other one is kept and listed.
    write(&path, "127.0.0.1:9090", 8)?;
    let attempt = outcomes.next().await?;
    println!("generation {}:", attempt.generation());
    for pending in attempt.pending_restart() {
        let wanted = pending.wanted().ok_or("nothing is wanted")?;
        println!("  {} stays as it is until a restart, then it will be {wanted}", pending.path());
    }
    let app = config.load();
    println!("  listens at {} with {} workers", app.listen, app.workers);
    drop(app);

    // It stays listed, whatever else changes.
    write(&path, "127.0.0.1:9090", 16)?;
    outcomes.next().await?;
    println!("still pending: {}", config.status().pending_restart()[0].path());

    // Where half of an edit must not go live, the whole of it is refused.
    let strict = Reloader::<App>::builder().file(&path).restart_policy(RestartPolicy::Refuse).start().await?;
    write(&path, "127.0.0.1:8080", 16)?;
    let refused = strict.reload().await;
    println!("with `Refuse`: {}", refused.name());

    // For the first one, that edit was a revert.
    if !config.status().pending_restart().is_empty() {
        outcomes.next().await?;
    }
    assert!(config.status().pending_restart().is_empty());
    println!("nothing waits for a restart");
    Ok(())
}
