//! Prints how each source is followed, and every change of that, while the files of a directory are edited, replaced and
//! taken away. With paths it follows those until Ctrl-C: a file, or a directory with all that lies below it.
//!
//! Ends with: `back again, with 6 workers and 2 sites`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reloadable::{Builder, Reloadable, Reloader, SourceState, SourceStatus, Status, atomic_write};
use serde::Deserialize;
use tokio::time::timeout;

/// Whatever stands in the files that somebody names is good enough here, so nothing is required or unknown.
#[derive(Deserialize, Reloadable)]
struct App {
    #[serde(default)]
    workers: u32,
    #[serde(default)]
    sites: BTreeMap<String, String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if given.is_empty() {
        return edit().await;
    }
    let add = |builder: Builder<App>, path: &PathBuf| match path.is_dir() {
        true => builder.directory(path, ["**/*.toml", "**/*.json"]),
        false => builder.file(path),
    };
    let config = given.iter().fold(Reloader::builder(), add).start().await?;
    tokio::spawn(print_changes(config.clone()));
    Ok(tokio::signal::ctrl_c().await?)
}

async fn print_changes(config: Reloader<App>) {
    let mut told = config.status().sources;
    let mut statuses = config.subscribe_status();
    told.iter().for_each(print);
    while let Ok(status) = statuses.changed().await {
        // Two are equal if they differ only by the time of the last look, so what is printed is news.
        status.sources.iter().zip(&told).filter(|(new, old)| new != old).for_each(|(new, _)| print(new));
        told = status.sources;
    }
}

fn print(source: &SourceStatus) {
    let SourceStatus { origin, state, reason, warning, last_error, .. } = source;
    println!("{origin}: {state:?}");
    for (what, text) in [("reason", reason), ("warning", warning), ("last error", last_error)] {
        if let Some(text) = text {
            println!("    {what}: {text}");
        }
    }
}

async fn edit() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (folder, away) = (directory.path().join("conf.d"), directory.path().join("away"));
    std::fs::create_dir(&folder)?;
    atomic_write(folder.join("10-base.toml"), "workers = 1\n")?;

    // After one snapshot the next one comes half a second later at the earliest, with all that changed meanwhile.
    let builder = Reloader::<App>::builder().directory(&folder, "**/*.toml");
    let config = builder.min_interval(Duration::from_millis(500)).start().await?;
    let printing = tokio::spawn(print_changes(config.clone()));
    let mut changes = config.subscribe();

    println!("> replace a file, again and again");
    for workers in 2..=4 {
        atomic_write(folder.join("10-base.toml"), format!("workers = {workers}\n"))?;
    }
    until(&config, |_| config.load().workers == 4).await?;
    println!("  {} in generation {}", changes.changed().await?.changes(), config.snapshot().generation());

    println!("> add a directory with two files");
    add_sites(&folder)?;
    until(&config, |_| config.load().sites.len() == 2).await?;
    println!("  {}", changes.changed().await?.changes().to_string().replace('\n', ", "));

    println!("> take the whole directory away, and put it back with another value");
    std::fs::rename(&folder, &away)?;
    until(&config, |status| status.sources[0].state == SourceState::Interrupted).await?;
    println!("  {} workers all the same", config.load().workers);
    atomic_write(away.join("10-base.toml"), "workers = 6\n")?;
    std::fs::rename(&away, &folder)?;
    until(&config, |_| config.load().workers == 6).await?;

    config.clone().shutdown().await;
    printing.await?;
    println!("back again, with {} workers and {} sites", config.load().workers, config.load().sites.len());
    Ok(())
}

/// The files are written elsewhere and moved in together, so that they come in one snapshot.
fn add_sites(folder: &Path) -> std::io::Result<()> {
    let new = folder.with_file_name("new");
    std::fs::create_dir(&new)?;
    for site in ["north", "south"] {
        atomic_write(new.join(format!("{site}.toml")), format!("[sites]\n{site} = '10.0.0.1'\n"))?;
    }
    std::fs::rename(&new, folder.join("sites"))
}

/// Waits until something is so, of which the status tells.
async fn until(config: &Reloader<App>, is_so: impl Fn(&Status) -> bool) -> Result<(), Box<dyn Error>> {
    let mut statuses = config.subscribe_status();
    while !is_so(&config.status()) {
        timeout(Duration::from_secs(10), statuses.changed()).await??;
    }
    Ok(())
}
