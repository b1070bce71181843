//! Files and directories on a real disk.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reloadable::{Error, ErrorKind, ReloadOutcome, Reloader, Settle, SourceState, Subscription};

use crate::{App, eventually, in_time};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn pool(size: u16) -> String {
    format!("[database]\npool_size = {size}\n")
}

/// As programs do that replace a file atomically.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("beside");
    fs::write(&beside, text)?;
    fs::rename(beside, path)
}

async fn arrives(changes: &mut Subscription<App>, size: u16) -> Result<(), Error> {
    while changes.seen().database.pool_size != size {
        in_time(changes.changed()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_way_to_save_is_seen_again_and_again() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(0))?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();
    for round in 0..5 {
        let base = round * 10;
        fs::write(&path, pool(base + 1))?;
        arrives(&mut changes, base + 1).await?;
        replace(&path, &pool(base + 2))?;
        arrives(&mut changes, base + 2).await?;
        fs::remove_file(&path)?;
        fs::write(&path, pool(base + 3))?;
        arrives(&mut changes, base + 3).await?;
        // As vim does: move away, write anew.
        fs::rename(&path, path.with_extension("toml~"))?;
        fs::write(&path, pool(base + 4))?;
        arrives(&mut changes, base + 4).await?;
    }
    assert_eq!(config.snapshot().generation(), 21);
    Ok(())
}

#[tokio::test]
async fn a_vanished_file_leaves_the_last_good_value() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(20))?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();

    fs::remove_file(&path)?;
    eventually("the loss is in the status", || !config.status().is_healthy()).await;
    let status = config.status();
    assert_eq!(status.last_report().map(|report| report.violations()[0].code()), Some("not_found"));
    assert_eq!(status.sources[0].state, SourceState::Interrupted);
    assert_eq!(config.load().database.pool_size, 20);

    fs::write(&path, pool(30))?;
    arrives(&mut changes, 30).await?;
    assert!(config.status().is_healthy());
    Ok(())
}

#[tokio::test]
async fn a_vanished_directory_may_come_back() -> Outcome {
    let directory = tempfile::tempdir()?;
    let inner = directory.path().join("etc");
    let path = inner.join("app.toml");
    fs::create_dir(&inner)?;
    fs::write(&path, pool(20))?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();
    fs::remove_dir_all(&inner)?;
    eventually("the loss is in the status", || !config.status().is_healthy()).await;
    for size in 30..33 {
        fs::create_dir_all(&inner)?;
        replace(&path, &pool(size))?;
        arrives(&mut changes, size).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_touch_publishes_nothing() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(20))?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let before = config.status();
    fs::write(&path, pool(20))?;
    eventually("the look has been taken", || {
        config.status().sources[0].last_look > before.sources[0].last_look
    })
    .await;
    assert_eq!(config.status().attempts, before.attempts, "it holds what it held");
    assert_eq!(config.snapshot().generation(), 1);
    Ok(())
}

#[tokio::test]
async fn neighbours_in_the_directory_are_ignored() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(20))?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();
    for round in 0..100 {
        fs::write(directory.path().join("app.log"), format!("line {round}"))?;
        fs::write(directory.path().join("app.toml.swp"), "noise")?;
    }
    fs::write(&path, pool(21))?;
    arrives(&mut changes, 21).await?;
    // Only the last write was about the file; a look in two halves of it is possible.
    assert!(config.status().attempts <= 3, "{}", config.status().attempts);
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_config_map_is_swapped() -> Outcome {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir()?;
    let mount = directory.path();
    fs::create_dir(mount.join("..v0"))?;
    fs::write(mount.join("..v0/app.toml"), pool(0))?;
    symlink("..v0", mount.join("..data"))?;
    symlink("..data/app.toml", mount.join("app.toml"))?;
    let config = Reloader::<App>::builder().file(mount.join("app.toml")).start().await?;
    let mut changes = config.subscribe();
    for version in 1..=10 {
        let name = format!("..v{version}");
        fs::create_dir(mount.join(&name))?;
        fs::write(mount.join(&name).join("app.toml"), pool(version))?;
        symlink(&name, mount.join("..data_tmp"))?;
        fs::rename(mount.join("..data_tmp"), mount.join("..data"))?;
        fs::remove_dir_all(mount.join(format!("..v{}", version - 1)))?;
        arrives(&mut changes, version).await?;
    }
    assert_eq!(config.snapshot().generation(), 11);
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_elsewhere_is_followed() -> Outcome {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir()?;
    let elsewhere = tempfile::tempdir()?;
    let (path, target) = (directory.path().join("app.toml"), elsewhere.path().join("real.toml"));
    fs::write(&target, pool(20))?;
    symlink(&target, &path)?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let mut changes = config.subscribe();
    replace(&target, &pool(21))?;
    arrives(&mut changes, 21).await?;
    fs::write(&target, pool(22))?;
    arrives(&mut changes, 22).await?;
    let other = elsewhere.path().join("other.toml");
    fs::write(&other, pool(23))?;
    fs::remove_file(&path)?;
    symlink(&other, &path)?;
    arrives(&mut changes, 23).await?;
    fs::write(&other, pool(24))?;
    arrives(&mut changes, 24).await?;
    Ok(())
}

#[tokio::test]
async fn a_change_while_starting_is_not_lost() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    for size in 1..=20 {
        fs::write(&path, pool(0))?;
        let writer = {
            let path = path.clone();
            std::thread::spawn(move || replace(&path, &pool(size)))
        };
        let config = Reloader::<App>::builder().file(&path).start().await?;
        let mut changes = config.subscribe();
        arrives(&mut changes, size).await?;
        writer.join().expect("the writer does not panic")?;
    }
    Ok(())
}

#[tokio::test]
async fn the_files_of_a_directory_are_one_layer() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (app, conf) = (directory.path().join("app.toml"), directory.path().join("conf.d"));
    fs::create_dir(&conf)?;
    fs::write(&app, pool(1))?;
    let config = Reloader::<App>::builder().file(&app).directory(&conf, "*.toml").start().await?;
    let mut changes = config.subscribe();
    assert_eq!(config.load().database.pool_size, 1);

    replace(&conf.join("20-b.toml"), &pool(20))?;
    arrives(&mut changes, 20).await?;
    replace(&conf.join("10-a.toml"), "[database]\npool_size = 10\nurl = 'a'\n")?;
    while changes.seen().database.url != "a" {
        in_time(changes.changed()).await?;
    }
    assert_eq!(config.load().database.pool_size, 20, "the later name wins");

    fs::write(conf.join(".hidden.toml"), pool(99))?;
    fs::write(conf.join("30-c.toml~"), pool(99))?;
    fs::write(conf.join("30-c.json"), "{}")?;
    assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));

    fs::remove_file(conf.join("20-b.toml"))?;
    arrives(&mut changes, 10).await?;
    fs::remove_file(conf.join("10-a.toml"))?;
    arrives(&mut changes, 1).await?;

    fs::remove_dir_all(&conf)?;
    let outcome = config.reload().await;
    assert!(
        matches!(&outcome, ReloadOutcome::Failed(error) if error.kind() == ErrorKind::Unavailable),
        "{outcome}"
    );
    assert_eq!(config.load().database.pool_size, 1);

    fs::create_dir(&conf)?;
    replace(&conf.join("40-d.toml"), &pool(40))?;
    arrives(&mut changes, 40).await?;
    Ok(())
}

#[tokio::test]
async fn quiet_holds_up_even_what_is_complete_but_not_who_asks() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(20))?;
    let hour = Duration::from_secs(3600);
    let config =
        Reloader::<App>::builder().file(&path).settle(Settle::quiet(hour)).max_wait(hour).start().await?;
    for size in 21..24 {
        replace(&path, &pool(size))?;
        // It would be unchanged if the replacement had been looked at before.
        let outcome = in_time(config.reload()).await;
        assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
        assert_eq!(config.load().database.pool_size, size);
    }
    Ok(())
}

#[tokio::test]
async fn a_fast_pace_doubts_nothing() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(1000))?;
    let config = Reloader::<App>::builder().file(&path).settle(Settle::Fast).start().await?;
    let mut changes = config.subscribe();
    for size in [999, 99, 9] {
        // Shorter each time, in its place.
        fs::write(&path, pool(size))?;
        arrives(&mut changes, size).await?;
    }
    assert_eq!(config.snapshot().generation(), 4);
    Ok(())
}

#[tokio::test]
async fn snapshots_keep_their_distance_but_for_who_asks() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(20))?;
    let config =
        Reloader::<App>::builder().file(&path).min_interval(Duration::from_secs(3600)).start().await?;
    let mut changes = config.subscribe();
    let hasty = Reloader::<App>::builder().file(&path).start().await?;
    let mut seen = hasty.subscribe();
    replace(&path, &pool(21))?;
    arrives(&mut changes, 21).await?;
    for size in 22..25 {
        replace(&path, &pool(size))?;
        // Whoever keeps no distance has it by now.
        arrives(&mut seen, size).await?;
        let outcome = in_time(config.reload()).await;
        assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
        assert_eq!(config.load().database.pool_size, size);
    }
    Ok(())
}

/// A runtime of one thread: if the reloader kept it busy while it waits, nothing else would ever run.
#[tokio::test]
async fn what_waits_for_the_interval_leaves_the_runtime_to_others() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(20))?;
    let config =
        Reloader::<App>::builder().file(&path).min_interval(Duration::from_secs(3600)).start().await?;
    let hasty = Reloader::<App>::builder().file(&path).start().await?;
    let (mut changes, mut seen) = (config.subscribe(), hasty.subscribe());
    replace(&path, &pool(21))?;
    arrives(&mut changes, 21).await?;
    for size in 22..30 {
        replace(&path, &pool(size))?;
        arrives(&mut seen, size).await?;
    }
    assert_eq!(config.load().database.pool_size, 21);
    Ok(())
}

#[tokio::test]
async fn a_file_that_never_holds_still_is_no_empty_configuration() -> Outcome {
    use std::io::Write as _;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, pool(20) + &"# filled up\n".repeat(100_000))?;
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = {
        let (path, done) = (path.clone(), std::sync::Arc::clone(&done));
        std::thread::spawn(move || -> std::io::Result<()> {
            let mut file = fs::OpenOptions::new().append(true).open(path)?;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_all(b"#\n")?;
            }
            Ok(())
        })
    };
    let started = Reloader::<App>::builder().file(&path).max_size(u64::MAX).start().await;
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().expect("the writer does not panic")?;
    // Whether it was ever stable is chance; that it was there is not.
    match started {
        Ok(config) => assert_eq!(config.load().database.pool_size, 20),
        Err(error) => assert_eq!(error.report().violations()[0].code(), "unstable", "{error}"),
    }
    Ok(())
}
