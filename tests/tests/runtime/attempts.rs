//! How often a reloader tries: news that cannot be put to use yet must not be told again and again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reloadable::{Reloadable, Reloader, Settle, atomic_write};
use serde::Deserialize;

use crate::{App, eventually, in_time};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Debug, Deserialize, Reloadable)]
struct Tls {
    #[reload(file)]
    cert: PathBuf,
}

/// Replaces a named file while the document cannot be used, and counts the attempts until another reloader, which
/// waits for half a second of quiet, has told of a later change.
async fn attempts_while(spoil: impl FnOnce(&Path) -> std::io::Result<()>) -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    let cert = directory.path().join("cert.pem");
    fs::write(&cert, "one")?;
    fs::write(&path, "cert = \"cert.pem\"\n")?;
    let config = Reloader::<Tls>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();

    let elsewhere = tempfile::tempdir()?;
    let later = elsewhere.path().join("later.toml");
    fs::write(&later, "# nothing\n")?;
    let quiet = Settle::quiet(Duration::from_millis(500));
    let witness = Reloader::<App>::builder().file(&later).settle(quiet).start().await?;
    let mut witnessed = witness.subscribe();

    spoil(&path)?;
    eventually("it was refused", || config.status().last_error.is_some()).await;
    let before = config.status().attempts;
    atomic_write(&cert, "two")?;
    eventually("it was tried again", || config.status().attempts > before).await;
    fs::write(&later, "token = \"later\"\n")?;
    in_time(witnessed.changed()).await?;
    let attempts = config.status().attempts - before;
    assert!(attempts < 20, "{attempts} attempts");

    // What was new meanwhile is not lost.
    atomic_write(&path, "cert = \"cert.pem\"\n")?;
    let change = in_time(changes.changed()).await?;
    assert_eq!(change.snapshot().file(&change.current().cert), Some(&b"two"[..]));
    Ok(())
}

#[tokio::test]
async fn a_named_file_that_changes_while_the_document_is_gone_is_tried_seldom() -> Outcome {
    attempts_while(|path| fs::remove_file(path)).await
}

#[tokio::test]
async fn a_named_file_that_changes_while_the_document_is_malformed_is_tried_seldom() -> Outcome {
    attempts_while(|path| atomic_write(path, "cert = ")).await
}

#[tokio::test]
async fn a_reload_of_a_file_that_is_being_written_answers_within_the_fetch_timeout() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, "[server]\nport = 1\n")?;
    let config = Reloader::<App>::builder()
        .file(&path)
        .max_wait(Duration::from_secs(60 * 60))
        .fetch_timeout(Duration::from_millis(800))
        .start()
        .await?;
    let mut file = fs::OpenOptions::new().append(true).open(&path)?;
    writeln!(file, "name = \"half\"")?;
    let writer = tokio::spawn(async move {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while writeln!(file, "# more").is_ok() {
            pause.tick().await;
        }
    });
    // On a machine that is busy one of them may still be late.
    in_time(async {
        while config.load().server.name != "half" {
            config.reload().await;
        }
    })
    .await;
    writer.abort();
    Ok(())
}
