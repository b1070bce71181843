//! A file with defaults and a directory of drop-ins, as distributions and administrators share them: what is later in
//! the order of layers, and of names within the directory, wins.
//!
//! Ends with: `rate_limit: 500 -> 100`

use std::error::Error;
use std::fs;

use reloadable::{ErrorKind, ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;

#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct App {
    #[reload(range(1..=10_000))]
    rate_limit: u32,
    log: Log,
}

#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Log {
    #[reload(one_of("error", "warn", "info", "debug"))]
    level: String,
    json: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (defaults, drop_ins) = (directory.path().join("defaults.toml"), directory.path().join("conf.d"));
    fs::write(&defaults, "rate_limit = 100\n\n[log]\nlevel = \"info\"\njson = false\n")?;
    fs::create_dir(&drop_ins)?;

    let config = Reloader::<App>::builder().file(&defaults).directory(&drop_ins, "*.toml").start().await?;
    let mut changes = config.subscribe();

    // A drop-in need not say more than what it changes: tables are merged.
    fs::write(drop_ins.join("20-debug.toml"), "[log]\nlevel = \"debug\"\n")?;
    println!("{}", changes.changed().await?.changes());
    assert!(!config.load().log.json);

    // Of two that say different things, the later name wins.
    fs::write(drop_ins.join("50-limit.toml"), "rate_limit = 500\n")?;
    println!("{}", changes.changed().await?.changes());
    fs::write(drop_ins.join("10-limit.toml"), "rate_limit = 200\n")?;
    let outcome = config.reload().await;
    assert!(matches!(outcome, ReloadOutcome::Unchanged), "50-limit.toml wins: {outcome}");

    // What editors leave beside a file is not read.
    fs::write(drop_ins.join("50-limit.toml~"), "rate_limit = 1\n")?;
    fs::write(drop_ins.join(".50-limit.toml.swp"), "not even TOML")?;
    assert!(config.reload().await.is_in_force());

    // A problem is reported in the file that has it, and what was in force stays.
    fs::write(drop_ins.join("60-wrong.toml"), "rate_limit = 0\n\n[log]\nlevel = \"loud\"\n")?;
    let ReloadOutcome::Rejected(error) = config.reload().await else {
        return Err("it was not refused".into());
    };
    println!("{}", error.report());
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.report().violations().len(), 2);
    assert_eq!(config.load().rate_limit, 500);

    // Taken away again, the layers below show.
    fs::remove_file(drop_ins.join("60-wrong.toml"))?;
    fs::remove_file(drop_ins.join("10-limit.toml"))?;
    fs::remove_file(drop_ins.join("50-limit.toml"))?;
    println!("{}", changes.changed().await?.changes());
    Ok(())
}
