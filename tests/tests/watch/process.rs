//! What a process holds of the operating system, and what its reloaders have to do with each other.

use std::fs;
use std::process::{Command, Stdio};

use reloadable::SourceState;

use crate::{Followed, Outcome, alone, by_events, comes_true, replace, rewrite};

/// Counts the event backends that a process has open.
fn backends(process: &str) -> std::io::Result<usize> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"))?;
    let links = descriptors.filter_map(|it| fs::read_link(it.ok()?.path()).ok());
    Ok(links.filter(|link| link.to_str() == Some("anon_inode:inotify")).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_32_a_child_inherits_nothing() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let _app = Followed::start(by_events().file(&path)).await?;
    assert!(backends("self")? > 0);
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let inherited = backends(&child.id().to_string());
    drop(child.stdin.take());
    child.wait()?;
    assert_eq!(inherited?, 0);
    Ok(())
}

#[test]
fn ten_reloaders_share_one_backend() -> Outcome {
    alone("process::ten_reloaders_share_one_backend", &[], async {
        let directory = tempfile::tempdir()?;
        for round in 0..3 {
            assert_eq!(backends("self")?, 0, "before round {round}");
            let mut apps = Vec::new();
            for number in 0..10 {
                let folder = directory.path().join(format!("{round}/{number}"));
                fs::create_dir_all(&folder)?;
                rewrite(&folder.join("app.toml"), 0)?;
                let builder = by_events().file(folder.join("app.toml")).directory(&folder, "*.toml");
                apps.push((folder.join("app.toml"), Followed::start(builder).await?));
                assert_eq!(backends("self")?, 1);
            }
            for number in 1..=2 {
                for (path, app) in &mut apps {
                    replace(path, number)?;
                    app.arrives(number).await?;
                }
            }
            assert_eq!(backends("self")?, 1);
            // Those that are left go on.
            while apps.len() > 1 {
                apps.remove(0);
                for (path, app) in &mut apps {
                    let number = app.config.load()["app_00"] + 1;
                    rewrite(path, number)?;
                    app.arrives(number).await?;
                }
            }
            drop(apps);
            let is_gone = || backends("self").is_ok_and(|number| number == 0);
            assert!(comes_true(is_gone).await, "the backend outlives the last reloader");
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_one_reloader_loses_the_others_keep() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (lost, kept) = (directory.path().join("lost/etc"), directory.path().join("kept"));
    fs::create_dir_all(&lost)?;
    fs::create_dir(&kept)?;
    rewrite(&lost.join("app.toml"), 0)?;
    rewrite(&kept.join("app.toml"), 0)?;
    let mut loser = Followed::start(by_events().file(lost.join("app.toml"))).await?;
    let mut keeper = Followed::start(by_events().file(kept.join("app.toml"))).await?;
    for number in 1..=3 {
        let attempts = keeper.attempts();
        fs::remove_dir_all(directory.path().join("lost"))?;
        loser.is_refused("not_found").await;
        assert_eq!(loser.config.status().sources[0].state, SourceState::Interrupted);

        let status = keeper.config.status();
        assert!(status.is_healthy() && status.sources[0].state == SourceState::Watching, "{status:?}");
        assert_eq!(status.attempts, attempts, "the other one's loss is nothing to look for here");
        rewrite(&kept.join("app.toml"), number)?;
        keeper.arrives(number).await?;

        fs::create_dir_all(&lost)?;
        rewrite(&lost.join("app.toml"), number)?;
        loser.arrives(number).await?;
    }
    loser.config.shutdown().await;
    replace(&kept.join("app.toml"), 4)?;
    keeper.arrives(4).await?;
    assert_eq!(keeper.generation(), 5);
    Ok(())
}
