//! Secrets where none should be, and secrets that everybody may read.

use std::fs;
use std::path::Path;

use reloadable::{Lint, ReloadOutcome, Reloadable, Reloader, Secret};
use serde::Deserialize;

use crate::{NEVER, Outcome, env, lines, refused, toml, until, warnings};

#[derive(Deserialize, Reloadable)]
struct App {
    #[serde(default)]
    port: u16,
    #[reload(secret)]
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    database: Database,
    #[serde(default)]
    keys: Vec<Secret<String>>,
}

#[derive(Default, Deserialize, Reloadable)]
#[serde(default)]
struct Database {
    url: String,
    password: Option<Secret<String>>,
}

const TEXT: &str = "port = 1\ntoken = 'hunter2'\nkeys = ['hunter3', 'hunter4']\n[database]\nurl = 'x'\npassword = 'hunter5'\n";

fn app() -> reloadable::Builder<App> {
    Reloader::builder().resync(NEVER)
}

fn stray(place: &str, path: &str, layer: &str) -> String {
    format!(
        "warning: {place}: {path}: a secret in layer {layer}, which is not said to hold any [stray_secret]"
    )
}

#[test]
fn strays_in_every_kind_of_layer() -> Outcome {
    assert_eq!(
        warnings(app().source(toml("app.toml", TEXT)))?,
        [
            stray("app.toml:2:9", "token", "app.toml"),
            stray("app.toml:3:9", "keys[0]", "app.toml"),
            stray("app.toml:3:20", "keys[1]", "app.toml"),
            stray("app.toml:6:12", "database.password", "app.toml"),
        ]
    );
    assert_eq!(
        warnings(app().env(env([
            ("APP_TOKEN", "hunter2"),
            ("APP_PORT", "1"),
            ("APP_DATABASE__PASSWORD", "x")
        ])))?,
        [
            stray("variable APP_DATABASE__PASSWORD", "database.password", "environment"),
            stray("variable APP_TOKEN", "token", "environment"),
        ]
    );
    assert_eq!(
        warnings(app().env(env([("APP_DATABASE", "{url = 'x', password = 'hunter2'}")])))?,
        [stray("variable APP_DATABASE", "database.password", "environment")]
    );
    assert_eq!(
        warnings(app().set(["keys=hunter2,hunter3"]))?,
        [stray("--set keys", "keys[0]", "command line"), stray("--set keys", "keys[1]", "command line")]
    );
    assert_eq!(
        warnings(app().values("flags", std::collections::BTreeMap::from([("token", "hunter2")])))?,
        [stray("flags", "token", "flags")]
    );
    Ok(())
}

#[test]
fn a_layer_that_is_said_to_hold_them_may() -> Outcome {
    let both = app().source(toml("app.toml", "port = 1")).source(toml("secrets.toml", TEXT)).secrets();
    assert_eq!(warnings(both)?, [""; 0]);
    assert_eq!(warnings(app().env(env([("APP_TOKEN", "hunter2")])).secrets())?, [""; 0]);
    assert_eq!(warnings(app().set(["token=hunter2"]).secrets())?, [""; 0]);
    // Only the layer of which it is said.
    let other = app().source(toml("a", "token = 'hunter2'")).source(toml("b", "token = 'hunter3'")).secrets();
    assert_eq!(warnings(other)?, [stray("a:1:9", "token", "a")]);
    Ok(())
}

#[test]
fn they_are_refused_or_let_be_as_told() -> Outcome {
    let report = refused(app().source(toml("app.toml", "token = 'hunter2'")).stray_secrets(Lint::Deny));
    assert_eq!(
        lines(&report),
        ["app.toml:1:9: token: a secret in layer app.toml, which is not said to hold any [stray_secret]"]
    );
    let told = format!("{report:#}\n{report:?}");
    assert!(told.contains("token = ***") && !told.contains("hunter2"), "{told}");
    assert_eq!(warnings(app().source(toml("app.toml", TEXT)).stray_secrets(Lint::Allow))?, [""; 0]);
    let denied = app().env(env([("APP_TOKEN", "hunter2")])).stray_secrets(Lint::Deny);
    assert!(!format!("{:#}", refused(denied)).contains("hunter2"));
    Ok(())
}

/// What says nothing cannot be a secret.
#[test]
fn nothing_is_no_secret() -> Outcome {
    let (source, _handle) =
        reloadable::MemorySource::new("a", reloadable::Format::Json, r#"{"token": null, "keys": []}"#);
    assert_eq!(warnings(app().source(source))?, [""; 0]);
    Ok(())
}

#[cfg(unix)]
mod public {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path, mode: u32) -> std::io::Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    fn line(path: &Path, position: &str, field: &str) -> String {
        format!(
            "warning: {}:{position}: {field}: everybody on this machine may read this file, and it holds a secret [public_secret]",
            path.display()
        )
    }

    #[test]
    fn files_and_directories_by_their_modes() -> Outcome {
        let directory = tempfile::tempdir()?;
        let root = directory.path();
        let file = root.join("secrets.toml");
        fs::write(&file, TEXT)?;
        for (bits, is_told) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true), (0o622, false)]
        {
            mode(&file, bits)?;
            let told = warnings(app().file(&file).secrets())?;
            let expected: &[_] = if is_told { &[line(&file, "2:9", "token")] } else { &[] };
            assert_eq!(told, expected, "{bits:o}");
        }
        let conf = root.join("conf.d");
        fs::create_dir(&conf)?;
        let [open, closed, plain] = ["a.toml", "b.toml", "c.toml"].map(|name| conf.join(name));
        fs::write(&open, "token = 'hunter2'")?;
        fs::write(&closed, "database.password = 'hunter3'")?;
        fs::write(&plain, "port = 1")?;
        mode(&open, 0o644)?;
        mode(&closed, 0o600)?;
        mode(&plain, 0o644)?;
        let builder = || app().directory(&conf, "*.toml").secrets();
        assert_eq!(warnings(builder())?, [line(&open, "1:9", "token")]);
        let report = refused(builder().public_secrets(Lint::Deny));
        assert_eq!(lines(&report).len(), 1);
        assert!(
            format!("{report:#}").contains("take that permission away, as with `chmod o-r`"),
            "{report:#}"
        );
        assert_eq!(warnings(builder().public_secrets(Lint::Allow))?, [""; 0]);
        Ok(())
    }

    /// Also where nobody said that it may hold any, and by a relative path or a link.
    #[test]
    fn links_count_by_what_they_lead_to() -> Outcome {
        let directory = tempfile::tempdir()?;
        let (file, link) = (directory.path().join("real.toml"), directory.path().join("link.toml"));
        fs::write(&file, "token = 'hunter2'")?;
        std::os::unix::fs::symlink(&file, &link)?;
        mode(&file, 0o600)?;
        assert_eq!(warnings(app().file(&link).secrets())?, [""; 0]);
        mode(&file, 0o644)?;
        assert_eq!(warnings(app().file(&link).secrets())?, [line(&link, "1:9", "token")]);
        assert_eq!(warnings(app().file(&link))?.len(), 2);
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_later_chmod_is_seen_and_is_no_change() -> Outcome {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("secrets.toml");
        fs::write(&file, TEXT)?;
        mode(&file, 0o600)?;
        let config = app().file(&file).secrets().start().await?;
        assert!(config.status().warnings.is_empty());
        for _ in 0..3 {
            mode(&file, 0o644)?;
            until(&config, "the warning", |status| !status.warnings.is_empty()).await;
            assert_eq!(lines(&config.snapshot().warnings()), [line(&file, "2:9", "token")]);
            assert_eq!(config.status().attempts, 1, "no document changed");
            mode(&file, 0o600)?;
            until(&config, "the end of it", |status| status.warnings.is_empty()).await;
            assert!(config.snapshot().warnings().is_empty());
        }
        assert_eq!(config.snapshot().generation(), 1);
        // Another mode that says the same is nothing to tell.
        let attempts = config.status().attempts;
        mode(&file, 0o640)?;
        mode(&file, 0o400)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));
        assert_eq!((config.status().attempts, config.status().warnings.is_empty()), (attempts + 1, true));
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_chmod_may_refuse_what_is_read_again() -> Outcome {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("secrets.toml");
        fs::write(&file, TEXT)?;
        mode(&file, 0o600)?;
        let config = app().file(&file).secrets().public_secrets(Lint::Deny).start().await?;
        mode(&file, 0o644)?;
        until(&config, "the refusal", |status| status.last_error.is_some()).await;
        assert_eq!(config.snapshot().generation(), 1);
        mode(&file, 0o600)?;
        until(&config, "the mending", |status| status.last_error.is_none()).await;
        assert_eq!(config.snapshot().generation(), 1);
        Ok(())
    }
}
