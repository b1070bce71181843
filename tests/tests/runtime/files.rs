//! The files that fields name: what they hold belongs to the configuration.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reloadable::{
    Changes, ErrorKind, Format, MemorySource, ReloadOutcome, Reloadable, Reloader, SourceState, Subscription,
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{eventually, in_memory, in_time};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct App {
    #[serde(default)]
    listen: String,
    #[serde(default)]
    tls: Tls,
    #[serde(default)]
    limits: Limits,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
struct Tls {
    #[reload(file)]
    cert: PathBuf,
    #[reload(file)]
    key: Option<Box<Path>>,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    #[reload(file)]
    lists: Vec<PathBuf>,
    #[reload(file)]
    by_name: BTreeMap<String, String>,
    #[reload(file)]
    blocked: BTreeSet<PathBuf>,
    #[reload(file, set)]
    hosts: Vec<PathBuf>,
}

struct Disk {
    directory: TempDir,
}

impl Disk {
    fn new(config: &str) -> std::io::Result<Self> {
        let disk = Self { directory: tempfile::tempdir()? };
        disk.write("app.toml", config)?;
        Ok(disk)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        fs::write(self.path(name), text)
    }

    /// As programs do that replace a file atomically.
    fn replace(&self, name: &str, text: &str) -> std::io::Result<()> {
        reloadable::atomic_write(self.path(name), text)
    }

    async fn start(&self) -> Result<Reloader<App>, reloadable::Error> {
        Reloader::builder().file(self.path("app.toml")).start().await
    }
}

const CERT: &str = "[tls]\ncert = \"server.pem\"\n";

fn cert(app: &reloadable::Snapshot<App>) -> String {
    String::from_utf8_lossy(app.file(&app.tls.cert).unwrap_or_default()).into_owned()
}

/// Waits until the certificate holds this, and tells what the last change was.
async fn arrives(changes: &mut Subscription<App>, text: &str) -> String {
    let mut last = String::new();
    while cert(changes.seen_snapshot()) != text {
        last = in_time(changes.changed()).await.expect("the reloader lives").changes().to_string();
    }
    last
}

#[tokio::test]
async fn a_new_content_is_a_change_of_the_field() -> Outcome {
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "one")?;
    let config = disk.start().await?;
    let mut all = config.subscribe();
    let mut tls = config.subscribe_to(|app| &app.tls);
    let mut itself = config.subscribe_to(|app| &app.tls.cert);
    let mut listen = config.subscribe_to(|app| &app.listen);
    let mut limits = config.subscribe_to(|app| &app.limits);
    assert_eq!(cert(&config.snapshot()), "one");

    disk.replace("server.pem", "two")?;
    let change = in_time(tls.changed()).await?;
    assert_eq!(change.changes().to_string(), "cert: the file \"server.pem\" changed");
    assert_eq!(
        (change.previous().cert.as_path(), change.current().cert.as_path()),
        (Path::new("server.pem"), Path::new("server.pem"))
    );
    assert_eq!(change.snapshot().file(&change.current().cert), Some(&b"two"[..]));
    assert_eq!(change.previous_snapshot().file(&change.previous().cert), Some(&b"one"[..]));
    assert!(in_time(itself.changed()).await?.changes().entries().len() == 1);
    let change = in_time(all.changed()).await?;
    let entries = change.changes();
    let entries = entries.entries();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].file && entries[0].old == entries[0].new);

    let ReloadOutcome::Applied(applied) = config.status().last_outcome().clone() else {
        panic!("it was applied")
    };
    assert_eq!(applied.changes().len(), 1);
    assert_eq!(applied.changes()[0].to_string(), "tls.cert: the file \"server.pem\" changed");
    assert_eq!(config.snapshot().generation(), 2);

    // Sections without the field sleep through it: the next that wakes them is about themselves.
    disk.write("app.toml", &format!("listen = \"::1\"\n{CERT}"))?;
    assert_eq!(in_time(listen.changed()).await?.previous_snapshot().generation(), 1);
    disk.write("app.toml", &format!("listen = \"::1\"\n{CERT}[limits]\nlists = [\"server.pem\"]\n"))?;
    assert_eq!(in_time(limits.changed()).await?.previous_snapshot().generation(), 1);
    Ok(())
}

#[tokio::test]
async fn every_way_to_save_is_seen_again_and_again() -> Outcome {
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "start")?;
    let config = disk.start().await?;
    let mut changes = config.subscribe();
    for round in 0..5 {
        disk.replace("server.pem", &format!("replaced {round}"))?;
        arrives(&mut changes, &format!("replaced {round}")).await;
        disk.write("server.pem", &format!("in place, and longer {round}"))?;
        arrives(&mut changes, &format!("in place, and longer {round}")).await;
        fs::remove_file(disk.path("server.pem"))?;
        disk.write("server.pem", &format!("anew {round}"))?;
        arrives(&mut changes, &format!("anew {round}")).await;
    }
    assert_eq!(config.snapshot().generation(), 16);
    Ok(())
}

#[tokio::test]
async fn the_watch_follows_the_path() -> Outcome {
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "old one")?;
    disk.write("other.pem", "new one")?;
    let config = disk.start().await?;
    let mut changes = config.subscribe();
    disk.replace("app.toml", &CERT.replace("server", "other"))?;
    assert_eq!(arrives(&mut changes, "new one").await, "tls.cert: \"server.pem\" -> \"other.pem\"");

    // It belongs to nothing any more: an attempt that it led to would come before the next one.
    let attempts = config.status().attempts;
    for round in 1..=10 {
        let text = format!("new and {round}");
        disk.replace("server.pem", &text)?;
        disk.replace("other.pem", &text)?;
        assert_eq!(arrives(&mut changes, &text).await, "tls.cert: the file \"other.pem\" changed");
        assert_eq!(config.status().attempts, attempts + round);
    }
    assert_eq!(config.snapshot().generation(), 12);
    Ok(())
}

#[tokio::test]
async fn a_relative_path_starts_at_the_document_that_has_set_it() -> Outcome {
    let disk = Disk::new("[limits]\nlists = [\"here.txt\"]\n")?;
    for directory in ["conf.d", "elsewhere"] {
        fs::create_dir(disk.path(directory))?;
    }
    disk.write("conf.d/10-tls.toml", "[tls]\ncert = \"server.pem\"\nkey = \"../elsewhere/server.key\"\n")?;
    disk.write("conf.d/server.pem", "certificate")?;
    disk.write("elsewhere/server.key", "key")?;
    disk.write("here.txt", "list")?;
    // The link is where the user says, and its directory counts, not that of what it leads to.
    fs::rename(disk.path("app.toml"), disk.path("elsewhere/real.toml"))?;
    #[cfg(unix)]
    std::os::unix::fs::symlink("elsewhere/real.toml", disk.path("app.toml"))?;
    let config = Reloader::<App>::builder()
        .file(disk.path("app.toml"))
        .directory(disk.path("conf.d"), "*.toml")
        .start()
        .await?;
    let snapshot = config.snapshot();
    assert_eq!(cert(&snapshot), "certificate");
    assert_eq!(snapshot.file(snapshot.tls.key.as_ref().ok_or("there is a key")?), Some(&b"key"[..]));
    assert_eq!(snapshot.file("here.txt"), Some(&b"list"[..]));
    assert_eq!(snapshot.file("nobody names it"), None);

    let mut changes = config.subscribe();
    disk.replace("elsewhere/server.key", "another key")?;
    assert_eq!(
        in_time(changes.changed()).await?.changes().to_string(),
        "tls.key: the file \"../elsewhere/server.key\" changed"
    );
    Ok(())
}

#[tokio::test]
async fn the_same_text_may_name_another_file() -> Outcome {
    let disk = Disk::new("")?;
    for directory in ["a", "b"] {
        fs::create_dir(disk.path(directory))?;
        disk.write(&format!("{directory}/server.pem"), directory)?;
    }
    disk.write("app.toml", "listen = \"\"\n")?;
    disk.write("a/a.toml", CERT)?;
    let config = Reloader::<App>::builder()
        .file(disk.path("app.toml"))
        .directory(disk.path("a"), "*.toml")
        .directory(disk.path("b"), "*.toml")
        .start()
        .await?;
    let mut changes = config.subscribe();
    assert_eq!(cert(&config.snapshot()), "a");
    disk.replace("b/b.toml", CERT)?;
    assert_eq!(arrives(&mut changes, "b").await, "tls.cert: the file \"server.pem\" changed");
    disk.replace("b/server.pem", "b again")?;
    arrives(&mut changes, "b again").await;
    Ok(())
}

#[tokio::test]
async fn what_is_missing_at_the_start_is_an_error_with_its_place() -> Outcome {
    let disk = Disk::new("listen = \"::1\"\n[tls]\ncert = \"no.pem\"\nkey = \"directory\"\n")?;
    fs::create_dir(disk.path("directory"))?;
    let error = disk.start().await.err().ok_or("a file is missing")?;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let violations = error.report().violations();
    let origin = reloadable::Origin::file(disk.path("app.toml"));
    let shown: Vec<_> = violations
        .iter()
        .map(|violation| {
            assert_eq!(violation.origin(), Some(&origin));
            let position = violation.position().map(|position| position.to_string()).unwrap_or_default();
            format!("{} {position} [{}] {}", violation.path(), violation.code(), violation.message())
        })
        .collect();
    let (missing, directory) = (disk.path("no.pem"), disk.path("directory"));
    assert_eq!(
        shown,
        [
            format!(
                "tls.cert 3:8 [file] there is no file {}; correct the path or put the file there",
                missing.display()
            ),
            format!("tls.key 4:7 [file] {} is not a regular file; name a file", directory.display()),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_candidate_whose_file_appears_later_is_accepted_then() -> Outcome {
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "one")?;
    let config = disk.start().await?;
    let mut changes = config.subscribe();
    disk.replace("app.toml", &CERT.replace("server", "later"))?;
    eventually("it is refused", || !config.status().is_healthy()).await;
    assert_eq!(cert(&config.snapshot()), "one");
    // What is in force is followed all the same, and refused with the rest.
    disk.write("later.pem", "two")?;
    assert_eq!(arrives(&mut changes, "two").await, "tls.cert: \"server.pem\" -> \"later.pem\"");
    assert!(config.status().is_healthy());

    // A candidate that is taken back leaves nothing behind.
    disk.replace("app.toml", &CERT.replace("server", "never"))?;
    eventually("it is refused", || !config.status().is_healthy()).await;
    disk.replace("app.toml", &CERT.replace("server", "later"))?;
    eventually("it is taken back", || config.status().is_healthy()).await;
    disk.replace("later.pem", "three")?;
    arrives(&mut changes, "three").await;
    assert_eq!(config.snapshot().generation(), 3);
    Ok(())
}

#[tokio::test]
async fn a_file_that_vanishes_leaves_the_last_good_value() -> Outcome {
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "one")?;
    let config = disk.start().await?;
    let mut changes = config.subscribe();
    fs::remove_file(disk.path("server.pem"))?;
    eventually("the loss is in the status", || !config.status().is_healthy()).await;
    let status = config.status();
    let report = status.last_report().ok_or("it was refused")?;
    assert_eq!(
        (report.violations()[0].code(), report.violations()[0].path().to_string().as_str()),
        ("file", "tls.cert")
    );
    assert_eq!(cert(&config.snapshot()), "one");

    disk.write("server.pem", "one")?;
    eventually("it is back", || config.status().is_healthy()).await;
    assert_eq!(Some(config.status().last_outcome().to_string()), Some(ReloadOutcome::Unchanged.to_string()));
    assert_eq!(config.snapshot().generation(), 1);

    fs::remove_file(disk.path("server.pem"))?;
    eventually("the loss is in the status", || !config.status().is_healthy()).await;
    disk.write("server.pem", "two")?;
    assert_eq!(arrives(&mut changes, "two").await, "tls.cert: the file \"server.pem\" changed");
    assert_eq!(config.snapshot().generation(), 2);
    Ok(())
}

#[tokio::test]
async fn lists_maps_options_and_sets_name_files_too() -> Outcome {
    let disk = Disk::new(
        "[tls]\ncert = \"\"\nkey = \"key\"\n[limits]\nlists = [\"a\", \"b\"]\nby_name = { x = \"c\", y = \"\" }\nblocked = [\"d\", \"e\"]\nhosts = [\"f\", \"g\"]\n",
    )?;
    for name in ["key", "a", "b", "c", "d", "e", "f", "g"] {
        disk.write(name, "before")?;
    }
    let config = disk.start().await?;
    let mut changes = config.subscribe();
    for (name, shown) in [
        ("key", "tls.key: the file \"key\" changed"),
        ("b", "limits.lists[1]: the file \"b\" changed"),
        ("c", "limits.by_name.x: the file \"c\" changed"),
        ("e", "limits.blocked[\"e\"]: removed\nlimits.blocked[\"e\"]: added"),
        ("g", "limits.hosts[\"g\"]: removed\nlimits.hosts[\"g\"]: added"),
    ] {
        disk.replace(name, "after")?;
        let change = in_time(changes.changed()).await?;
        assert_eq!(change.changes().to_string(), shown);
        assert_eq!(change.snapshot().file(name), Some(&b"after"[..]));
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_subscriber_is_told_what_differs_from_what_it_saw() -> Outcome {
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "one")?;
    let config = disk.start().await?;
    let (mut all, mut slow) = (config.subscribe(), config.subscribe_to(|app| &app.tls));
    let (mut back, mut listen) = (slow.clone(), config.subscribe());
    disk.replace("server.pem", "two")?;
    arrives(&mut all, "two").await;
    disk.replace("server.pem", "three")?;
    arrives(&mut all, "three").await;
    let change = in_time(slow.changed()).await?;
    assert_eq!((change.previous_snapshot().generation(), change.generation()), (1, 3));
    assert_eq!(change.changes().to_string(), "cert: the file \"server.pem\" changed");

    // As it was when it was seen: the next change is the first.
    disk.replace("server.pem", "one")?;
    arrives(&mut all, "one").await;
    assert_eq!(tokio::time::timeout(std::time::Duration::ZERO, back.changed()).await.ok().map(drop), None);
    disk.replace("server.pem", "four")?;
    arrives(&mut listen, "four").await;
    assert_eq!(in_time(back.changed()).await?.generation(), 5);
    Ok(())
}

#[cfg(unix)]
mod volume {
    use std::os::unix::fs::symlink;

    use super::*;

    /// As Kubernetes fills a volume.
    fn swap(disk: &Disk, version: usize, files: &[(&str, String)]) -> std::io::Result<()> {
        let name = format!("..v{version}");
        fs::create_dir(disk.path(&name))?;
        for (file, text) in files {
            disk.write(&format!("{name}/{file}"), text)?;
        }
        symlink(&name, disk.path("..data_tmp"))?;
        fs::rename(disk.path("..data_tmp"), disk.path("..data"))?;
        for (file, _) in files {
            if disk.path(file).symlink_metadata().is_err() {
                symlink(format!("..data/{file}"), disk.path(file))?;
            }
        }
        if version > 0 {
            fs::remove_dir_all(disk.path(&format!("..v{}", version - 1)))?;
        }
        Ok(())
    }

    fn held(snapshot: &reloadable::Snapshot<App>) -> [String; 3] {
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let key = snapshot.tls.key.as_ref().and_then(|key| snapshot.file(key));
        [snapshot.listen.clone(), text(snapshot.file(&snapshot.tls.cert)), text(key)]
    }

    /// Swaps as fast as it is seen, and twice in a row now and then.
    async fn is_never_mixed(
        disk: &Disk,
        config: Reloader<App>,
        fill: impl Fn(usize) -> Vec<(&'static str, String)>,
        has_config: bool,
    ) -> Outcome {
        let mut changes = config.subscribe();
        for version in 1..=100_usize {
            swap(disk, version, &fill(version))?;
            if version % 5 == 1 {
                continue;
            }
            while held(changes.seen_snapshot())[1] != version.to_string() {
                let change = in_time(changes.changed()).await?;
                let [listen, cert, key] = held(change.snapshot());
                assert_eq!(cert, key, "in version {version}");
                if has_config {
                    assert_eq!(listen, cert, "in version {version}");
                }
            }
        }
        assert!(config.status().is_healthy());
        Ok(())
    }

    const BOTH: &str = "[tls]\ncert = \"tls.crt\"\nkey = \"tls.key\"\n";

    #[tokio::test]
    async fn a_certificate_and_its_key_are_from_one_side_of_a_swap() -> Outcome {
        let disk = Disk::new("")?;
        let fill = |version: usize| vec![("tls.crt", version.to_string()), ("tls.key", version.to_string())];
        swap(&disk, 0, &fill(0))?;
        disk.write("app.toml", BOTH)?;
        let config = disk.start().await?;
        is_never_mixed(&disk, config, fill, false).await
    }

    #[tokio::test]
    async fn documents_and_the_files_that_they_name_are_from_one_side_of_a_swap() -> Outcome {
        let disk = Disk { directory: tempfile::tempdir()? };
        let fill = |version: usize| {
            vec![
                ("app.toml", format!("listen = \"{version}\"\n{BOTH}")),
                ("tls.crt", version.to_string()),
                ("tls.key", version.to_string()),
            ]
        };
        swap(&disk, 0, &fill(0))?;
        let config = disk.start().await?;
        assert_eq!(held(&config.snapshot()), ["0", "0", "0"]);
        is_never_mixed(&disk, config, fill, true).await
    }

    #[tokio::test]
    async fn new_names_come_with_a_swap() -> Outcome {
        let disk = Disk { directory: tempfile::tempdir()? };
        let fill = |version: usize| {
            let (crt, key) = if version % 2 == 0 { ("a.crt", "a.key") } else { ("b.crt", "b.key") };
            let both = BOTH.replace("tls.crt", crt).replace("tls.key", key);
            vec![
                ("app.toml", format!("listen = \"{version}\"\n{both}")),
                (crt, version.to_string()),
                (key, version.to_string()),
            ]
        };
        swap(&disk, 0, &fill(0))?;
        let config = disk.start().await?;
        is_never_mixed(&disk, config, fill, true).await
    }
}

#[tokio::test]
async fn unmarked_configurations_follow_nothing_more() -> Outcome {
    let (config, _) = in_memory("token = 'x'").await?;
    assert_eq!(config.status().sources.len(), 1);
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "one")?;
    let config = disk.start().await?;
    let sources = config.status().sources;
    assert_eq!(sources.len(), 2);
    assert_eq!(
        (sources[1].state, sources[1].origin.to_string().as_str()),
        (SourceState::Watching, "files that fields name")
    );
    Ok(())
}

#[tokio::test]
async fn the_limit_counts_for_all_named_files_together() -> Outcome {
    let disk = Disk::new("[tls]\ncert = \"a\"\nkey = \"b\"\n")?;
    disk.write("a", &"x".repeat(600))?;
    disk.write("b", &"x".repeat(600))?;
    let start = |limit| Reloader::<App>::builder().file(disk.path("app.toml")).max_size(limit).start();
    let error = start(1000).await.err().ok_or("it is too much")?;
    assert_eq!(error.report().violations().len(), 1);
    let message = error.report().violations()[0].message().to_owned();
    assert!(
        message.contains("more than the limit of 1000 bytes") && message.contains("`.max_size(bytes)`"),
        "{message}"
    );
    let config = start(1200).await?;
    // What is left behind takes nothing from what comes.
    disk.write("c", &"x".repeat(1200))?;
    let mut changes = config.subscribe();
    disk.replace("app.toml", "[tls]\ncert = \"c\"\n")?;
    assert_eq!(in_time(changes.changed()).await?.current().tls.cert, Path::new("c"));
    disk.replace("c", &"x".repeat(1201))?;
    eventually("it is refused", || !config.status().is_healthy()).await;
    Ok(())
}

#[tokio::test]
async fn what_the_files_hold_is_printed_nowhere() -> Outcome {
    let disk = Disk::new(CERT)?;
    disk.write("server.pem", "hunter2")?;
    let config = disk.start().await?;
    let mut changes = config.subscribe();
    disk.replace("server.pem", "hunter3")?;
    let change = in_time(changes.changed()).await?;
    let mut printed = format!(
        "{change:?}{}{:?}{:?}{:?}{:?}",
        change.changes(),
        change.changes(),
        change.snapshot(),
        config.load(),
        config.status()
    );
    printed += &serde_json::to_string(&change.changes())?;
    disk.replace("app.toml", &format!("{CERT}key = \"no\"\n"))?;
    eventually("it is refused", || !config.status().is_healthy()).await;
    printed += &format!("{:?}{:?}{config:?}", config.status(), config.status().last_error);
    assert!(printed.contains("server.pem"));
    assert!(!printed.contains("hunter"), "{printed}");
    Ok(())
}

#[tokio::test]
async fn the_path_may_change_again_and_again() -> Outcome {
    let disk = Disk::new("[tls]\ncert = \"0.pem\"\n")?;
    disk.write("0.pem", "0")?;
    let config = disk.start().await?;
    let mut changes = config.subscribe();
    for round in 1..=30 {
        disk.write(&format!("{round}.pem"), &round.to_string())?;
        disk.replace("app.toml", &format!("[tls]\ncert = \"{round}.pem\"\n"))?;
        arrives(&mut changes, &round.to_string()).await;
        // Nobody misses it.
        fs::remove_file(disk.path(&format!("{}.pem", round - 1)))?;
    }
    disk.replace("30.pem", "the end")?;
    arrives(&mut changes, "the end").await;
    assert!(config.status().is_healthy());
    assert_eq!(config.snapshot().generation(), 32);
    Ok(())
}

#[tokio::test]
async fn every_kind_of_text_names_a_file() -> Outcome {
    #[derive(Deserialize, Reloadable)]
    struct Texts {
        #[reload(file)]
        string: String,
        #[reload(file)]
        path: PathBuf,
        #[reload(file)]
        boxed: Box<Path>,
        #[reload(file)]
        shared: Arc<Path>,
        #[reload(file)]
        borrowed: Cow<'static, str>,
        #[reload(file)]
        utf8: camino::Utf8PathBuf,
        #[reload(key = "name")]
        sites: Vec<Site>,
        storage: Storage,
        /// The same text, and no file.
        unmarked: String,
    }
    #[derive(Deserialize, Reloadable)]
    struct Site {
        name: String,
        #[reload(file)]
        certificate: PathBuf,
    }
    #[derive(Deserialize, Reloadable)]
    #[serde(tag = "type")]
    enum Storage {
        Disk {
            #[reload(file)]
            key: PathBuf,
        },
    }
    let disk = Disk::new(
        "string = 'a'\npath = 'b'\nboxed = 'c'\nshared = 'd'\nborrowed = 'e'\nutf8 = 'f'\nunmarked = 'a'\nstorage = { type = 'Disk', key = 'h' }\n[[sites]]\nname = 'x'\ncertificate = 'g'\n[[sites]]\nname = 'y'\ncertificate = 'a'\n",
    )?;
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        disk.write(name, "before")?;
    }
    let config = Reloader::<Texts>::builder().file(disk.path("app.toml")).start().await?;
    let mut changes = config.subscribe();
    for (name, shown) in [
        ("a", "string: the file \"a\" changed\nsites[\"y\"].certificate: the file \"a\" changed"),
        ("b", "path: the file \"b\" changed"),
        ("c", "boxed: the file \"c\" changed"),
        ("d", "shared: the file \"d\" changed"),
        ("e", "borrowed: the file \"e\" changed"),
        ("f", "utf8: the file \"f\" changed"),
        ("g", "sites[\"x\"].certificate: the file \"g\" changed"),
        ("h", "storage.key: the file \"h\" changed"),
    ] {
        disk.replace(name, "after")?;
        assert_eq!(in_time(changes.changed()).await?.changes().to_string(), shown);
    }
    // A list that was only sorted anew has not changed, whatever its elements name.
    let sorted = fs::read_to_string(disk.path("app.toml"))?
        .replace("'x'\ncertificate = 'g'", "'z'\ncertificate = 'a'")
        .replace("'y'\ncertificate = 'a'", "'x'\ncertificate = 'g'")
        .replace("'z'", "'y'");
    disk.replace("app.toml", &sorted)?;
    eventually("it was looked at", || config.status().attempts == 10).await;
    assert_eq!(config.snapshot().generation(), 9);
    Ok(())
}

/// The field and the text of every file that a configuration names, by what is said when there are none.
fn named<T: Reloadable>(text: &str) -> Vec<String> {
    let (source, _) = MemorySource::new("memory", Format::Toml, text);
    let Err(error) = Reloader::<T>::builder().source(source).start_blocking() else { return Vec::new() };
    error
        .report()
        .violations()
        .iter()
        .map(|violation| {
            assert_eq!(violation.code(), "file", "{error}");
            let message =
                violation.message().strip_prefix("there is no file ").unwrap_or(violation.message());
            let position = violation.position().map_or_else(String::new, |position| position.to_string());
            format!("{}: {} {position}", violation.path(), message.split(';').next().unwrap_or_default())
        })
        .collect()
}

#[derive(Deserialize, Reloadable)]
struct Named {
    #[reload(file)]
    file: PathBuf,
}

#[test]
fn enums_of_every_tagging_name_files() {
    #[derive(Deserialize, Reloadable)]
    enum External {
        Nothing,
        New(#[reload(file)] String),
        Row(u8, #[reload(skip)] String, #[reload(file)] String),
        Table {
            #[reload(file)]
            at: String,
        },
        Nested(Named),
        Other(String),
    }
    #[derive(Deserialize, Reloadable)]
    #[serde(tag = "type")]
    enum Internal {
        Table {
            #[reload(file)]
            at: String,
        },
        Nested(Named),
        Other {
            at: String,
        },
    }
    #[derive(Deserialize, Reloadable)]
    #[serde(tag = "type", content = "with")]
    enum Adjacent {
        Nothing,
        New(#[reload(file)] String),
        Table {
            #[reload(file)]
            at: String,
        },
        Other {
            at: String,
        },
    }
    #[derive(Deserialize, Reloadable)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
        Address(std::net::IpAddr),
        File(#[reload(file)] PathBuf),
        Table {
            #[reload(file)]
            at: String,
            #[serde(default)]
            mode: u16,
        },
        Other {
            at: String,
        },
    }
    #[derive(Deserialize, Reloadable)]
    struct All {
        #[serde(default)]
        external: Vec<External>,
        #[serde(default)]
        internal: Vec<Internal>,
        #[serde(default)]
        adjacent: Vec<Adjacent>,
        #[serde(default)]
        untagged: Vec<Untagged>,
    }
    assert_eq!(
        named::<All>(
            "external = [\"Nothing\", { New = \"no/a\" }, { Row = [1, \"\", \"no/b\"] }, { Table = { at = \"no/c\" } }, { Nested = { file = \"no/d\" } }, { Other = \"no\" }]"
        ),
        [
            "external[1].New: no/a 1:32",
            "external[2].Row[2]: no/b 1:58",
            "external[3].Table.at: no/c 1:86",
            "external[4].Nested.file: no/d 1:118"
        ]
    );
    assert_eq!(
        named::<All>(
            "internal = [{ type = \"Table\", at = \"no/a\" }, { type = \"Nested\", file = \"no/b\" }, { type = \"Other\", at = \"no\" }]"
        ),
        ["internal[0].at: no/a 1:36", "internal[1].file: no/b 1:72"]
    );
    assert_eq!(
        named::<All>(
            "adjacent = [{ type = \"Nothing\" }, { type = \"New\", with = \"no/a\" }, { type = \"Table\", with = { at = \"no/b\" } }, { type = \"Other\", with = { at = \"no\" } }]"
        ),
        ["adjacent[1].with: no/a 1:58", "adjacent[2].with.at: no/b 1:100"]
    );
    assert_eq!(
        named::<All>("untagged = [1, \"::1\", \"no/a\", { at = \"no/b\" }]"),
        ["untagged[2]: no/a 1:23", "untagged[3].at: no/b 1:38"]
    );
}

#[test]
fn structs_of_every_shape_name_files() {
    #[derive(Deserialize, Reloadable)]
    #[serde(rename_all = "kebab-case")]
    struct All {
        #[serde(flatten)]
        flat: Flat,
        #[serde(flatten)]
        sites: HashMap<String, Named>,
    }
    #[derive(Deserialize, Reloadable)]
    #[serde(rename_all = "kebab-case")]
    struct Flat {
        #[serde(default, alias = "old-name")]
        #[reload(file)]
        new_name: String,
        #[serde(default)]
        nested: Option<Box<Named>>,
        #[serde(default)]
        #[reload(file)]
        whole: Option<Whole>,
        #[serde(default)]
        #[reload(file)]
        utf8: Option<camino::Utf8PathBuf>,
        #[serde(default)]
        #[reload(file)]
        shared: Option<std::sync::Arc<str>>,
        #[serde(default)]
        newtype: Option<New>,
        #[serde(default)]
        converted: Option<Converted>,
        #[serde(default)]
        unmarked: String,
    }
    #[derive(Deserialize, Reloadable)]
    struct Whole {
        certificate: PathBuf,
        keys: Vec<String>,
        mode: u16,
        kind: Kind,
    }
    #[derive(Deserialize, Reloadable)]
    enum Kind {
        Pem,
    }
    #[derive(Deserialize, Reloadable)]
    struct New(#[reload(file)] PathBuf);
    #[derive(Deserialize, Reloadable)]
    #[serde(from = "Raw")]
    struct Converted {
        at: PathBuf,
    }
    #[derive(Deserialize, Reloadable)]
    struct Raw {
        #[reload(file)]
        at: String,
    }
    impl From<Raw> for Converted {
        fn from(raw: Raw) -> Self {
            Self { at: raw.at.into() }
        }
    }
    let text = "old-name = 'no/a'\nnested = { file = 'no/b' }\nutf8 = 'no/c'\nshared = 'no/d'\nnewtype = 'no/e'\nconverted = { at = 'no/f' }\nunmarked = 'no'\n[whole]\ncertificate = 'no/g'\nkeys = ['no/h', '']\nmode = 1\nkind = 'Pem'\n[site]\nfile = 'no/i'\n";
    let mut found = named::<All>(text);
    found.sort();
    assert_eq!(
        found,
        [
            "converted.at: no/f 6:20",
            "nested.file: no/b 2:19",
            "new-name: no/a 1:12",
            "newtype: no/e 5:11",
            "shared: no/d 4:10",
            "site.file: no/i 14:8",
            "utf8: no/c 3:8",
            "whole.certificate: no/g 9:15",
            "whole.keys[0]: no/h 10:9",
        ]
    );
}

#[test]
fn what_cannot_be_followed_is_refused() {
    #[derive(Deserialize, Reloadable)]
    struct Hidden {
        #[reload(secret)]
        within: Option<Named>,
        #[reload(file)]
        address: Option<std::net::IpAddr>,
        #[reload(leaf)]
        leaf: Option<Leaf>,
        converted: Option<Converted>,
    }
    #[derive(PartialEq, Deserialize, Reloadable)]
    struct Leaf {
        #[reload(file)]
        file: PathBuf,
    }
    #[derive(Deserialize, Reloadable)]
    #[serde(from = "Raw")]
    struct Converted {
        other: PathBuf,
    }
    #[derive(Deserialize, Reloadable)]
    struct Raw {
        #[reload(file)]
        at: String,
    }
    impl From<Raw> for Converted {
        fn from(raw: Raw) -> Self {
            Self { other: raw.at.into() }
        }
    }
    assert_eq!(
        named::<Hidden>(
            "address = '::1'\nwithin = { file = '/dev/null' }\nleaf = { file = '/dev/null' }\nconverted = { at = '/dev/null' }\n"
        ),
        [
            "within: no file can be followed here 2:10",
            "address: no file can be followed here 1:11",
            "leaf: no file can be followed here 3:8",
            "converted.at: no file can be followed here 4:20",
        ]
    );
}
