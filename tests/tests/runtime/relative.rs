//! Paths that are relative mean what they meant when the reloader was started.

use std::env::set_current_dir;
use std::fs;
use std::path::PathBuf;

use reloadable::{Format, MemorySource, ReloadOutcome, Reloadable, Reloader, atomic_write};
use serde::Deserialize;

use crate::in_time;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    #[reload(file)]
    cert: PathBuf,
    #[reload(file)]
    key: PathBuf,
    number: u32,
    other: u32,
}

/// The current directory is that of the whole process, so this runs itself alone in a child.
#[test]
fn paths_stay_where_they_were_when_the_process_goes_elsewhere() -> Outcome {
    const CHILD: &str = "RELOADABLE_MOVE_ALONE";
    if std::env::var_os(CHILD).is_some() {
        return go_elsewhere();
    }
    let child = std::process::Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "relative::paths_stay_where_they_were_when_the_process_goes_elsewhere",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .output()?;
    assert!(
        child.status.success(),
        "{}{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
    Ok(())
}

fn go_elsewhere() -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (directory, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("conf.d"))?;
        fs::write(path("app.toml"), "number = 1\ncert = \"cert.pem\"\n")?;
        fs::write(path("conf.d/other.toml"), "other = 1\n")?;
        fs::write(path("cert.pem"), "one")?;
        fs::write(path("key.pem"), "one")?;
        set_current_dir(directory.path())?;
        let (memory, handle) = MemorySource::new("memory", Format::Toml, "key = \"key.pem\"\n");
        let config = Reloader::<App>::builder()
            .file("app.toml")
            .directory("./conf.d", "*.toml")
            .source(memory)
            .start()
            .await?;
        let mut changes = config.subscribe();
        set_current_dir(elsewhere.path())?;

        atomic_write(path("app.toml"), "number = 2\ncert = \"cert.pem\"\n")?;
        assert_eq!(in_time(changes.changed()).await?.current().number, 2);
        atomic_write(path("conf.d/other.toml"), "other = 2\n")?;
        assert_eq!(in_time(changes.changed()).await?.current().other, 2);
        atomic_write(path("cert.pem"), "two")?;
        let change = in_time(changes.changed()).await?;
        assert_eq!(change.snapshot().file(&change.current().cert), Some(&b"two"[..]));
        atomic_write(path("key.pem"), "two")?;
        let change = in_time(changes.changed()).await?;
        assert_eq!(change.snapshot().file(&change.current().key), Some(&b"two"[..]));
        // What is named only now is found as well.
        fs::write(path("new.pem"), "new")?;
        handle.replace("key = \"new.pem\"\n");
        let change = in_time(changes.changed()).await?;
        assert_eq!(change.snapshot().file("new.pem"), Some(&b"new"[..]));

        // People are told of the paths as they have written them.
        let origins: Vec<_> =
            config.status().sources.iter().map(|source| source.origin.to_string()).collect();
        assert_eq!(origins, ["app.toml", "./conf.d", "memory", "files that fields name"]);
        fs::remove_file(path("app.toml"))?;
        let ReloadOutcome::Failed(error) = config.reload().await else { panic!("it is gone") };
        assert_eq!(error.origin().map(ToString::to_string).as_deref(), Some("app.toml"));
        atomic_write(path("app.toml"), "number = 2\ncert = \"cert.pem\"\n")?;
        atomic_write(path("conf.d/other.toml"), "other = \"x\"\n")?;
        let ReloadOutcome::Rejected(error) = config.reload().await else { panic!("it is no number") };
        assert_eq!(error.origin().map(ToString::to_string).as_deref(), Some("./conf.d/other.toml"));
        Ok(())
    })
}
