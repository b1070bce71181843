//! Three parts of a program, each of which follows its own section of one file.
//!
//! Ends with: `pool: woken 2 times, greeter: woken 1 time, mailer: woken 0 times`

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use reloadable::{Diff, Reloadable, Reloader, Subscription};
use serde::Deserialize;
use tokio::time::timeout;

#[derive(Deserialize, Reloadable)]
struct App {
    pool: Pool,
    greeter: Greeter,
    #[serde(default)]
    mailer: Mailer,
}

#[derive(Clone, Copy, Deserialize, Reloadable)]
struct Pool {
    #[reload(range(1..=64))]
    size: u32,
    idle_seconds: u64,
}

#[derive(Deserialize, Reloadable)]
struct Greeter {
    text: String,
}

#[derive(Default, Deserialize, Reloadable)]
struct Mailer {
    host: Option<String>,
}

fn write(path: &Path, size: u32, idle: u64, text: &str) -> std::io::Result<()> {
    let text = format!("[pool]\nsize = {size}\nidle_seconds = {idle}\n[greeter]\ntext = {text:?}\n");
    std::fs::write(path, text)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    write(&path, 4, 60, "hello")?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut pool = config.subscribe_to(|app| &app.pool);
    let mut greeter = config.subscribe_to(|app| &app.greeter);
    let mut mailer = config.subscribe_to(|app| &app.mailer);
    let mut woken = [0, 0, 0];

    // One edit in one section wakes one subscriber.
    write(&path, 8, 60, "hello")?;
    let change = pool.changed().await?;
    woken[0] += 1;
    println!("pool, generation {}: {}", change.generation(), change.changes());
    woken[1] += count(&mut greeter).await;

    // A subscriber that is busy misses nothing: two edits later it gets one change, against what it saw last. Only
    // `config` is asked here, so both edits are published while the pool does not look.
    for (size, text) in [(16, "hello"), (32, "good morning")] {
        write(&path, size, 60, text)?;
        println!("applied: {}", config.reload().await);
    }
    let change = pool.changed().await?;
    woken[0] += 1;
    println!("pool, generation {}: {}", change.generation(), change.changes());
    assert_eq!((change.previous().size, change.current().size), (8, 32));

    // Whatever a section's change tells is from one snapshot, and so is all the rest of it.
    assert_eq!(change.snapshot().greeter.text, "good morning");
    woken[1] += count(&mut greeter).await;

    // Written again, the same content is no change.
    write(&path, 32, 60, "good morning")?;
    println!("again: {}", config.reload().await);
    woken[0] += count(&mut pool).await;
    woken[2] += count(&mut mailer).await;

    println!(
        "pool: woken {} times, greeter: woken {} time, mailer: woken {} times",
        woken[0], woken[1], woken[2]
    );
    Ok(())
}

/// Returns how often a subscriber is woken before it has been quiet for a while.
async fn count<S: Diff>(subscription: &mut Subscription<App, S>) -> u32 {
    let mut woken = 0;
    while let Ok(Ok(_)) = timeout(Duration::from_millis(100), subscription.changed()).await {
        woken += 1;
    }
    woken
}
