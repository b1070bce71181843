//! What is mounted, and where.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use reloadable::{Reloader, SourceState};

use crate::{App, Followed, Outcome, by_events, in_namespaces, passed_over, replace, rewrite, run, skipped};

/// How soon what no event tells is found.
const SOON: Duration = Duration::from_millis(200);

fn mount(words: &[&dyn AsRef<OsStr>]) -> Outcome {
    run(&[OsStr::new("mount")].into_iter().chain(words.iter().map(|word| word.as_ref())).collect::<Vec<_>>())
}

fn unmount(path: &Path) -> Outcome {
    // The reloader may be looking at this moment.
    run(&[OsStr::new("umount"), OsStr::new("--lazy"), path.as_os_str()])
}

#[test]
fn row_04_single_file_mounted() -> Outcome {
    in_namespaces("mounts::row_04_single_file_mounted", async {
        let directory = tempfile::tempdir()?;
        let (host, pod) = (directory.path().join("host"), directory.path().join("pod"));
        fs::create_dir(&host)?;
        fs::create_dir(&pod)?;
        let (source, path) = (host.join("app.toml"), pod.join("app.toml"));
        rewrite(&source, 0)?;
        fs::write(&path, "")?;
        mount(&[&"--bind", &source, &path])?;
        let mut app = Followed::start(Reloader::<App>::builder().resync(SOON).file(&path)).await?;
        let warned = |app: &Followed| app.config.status().sources[0].warning.is_some();
        assert!(warned(&app), "{:?}", app.config.status());
        for number in 1..=3 {
            rewrite(&source, number)?;
            app.arrives(number).await?;
        }
        // A replaced source cannot be seen through the mount; a new mount can.
        replace(&source, 4)?;
        rewrite(&path, 5)?;
        app.arrives(5).await?;
        unmount(&path)?;
        mount(&[&"--bind", &source, &path])?;
        app.arrives(4).await?;
        assert!(warned(&app), "{:?}", app.config.status());

        // Unmounted, it is a file like others.
        unmount(&path)?;
        rewrite(&path, 6)?;
        app.arrives(6).await?;
        app.until("there is no warning", |status| status.sources[0].warning.is_none()).await;
        replace(&path, 7)?;
        app.arrives(7).await
    })
}

#[test]
fn row_13_mounted_over_and_unmounted() -> Outcome {
    in_namespaces("mounts::row_13_mounted_over_and_unmounted", async {
        let directory = tempfile::tempdir()?;
        let (folder, other) = (directory.path().join("etc"), directory.path().join("other"));
        fs::create_dir(&folder)?;
        fs::create_dir(&other)?;
        let path = folder.join("app.toml");
        rewrite(&path, 0)?;
        rewrite(&other.join("app.toml"), 100)?;
        // One finds the mount by looking now and then, the other is told to look, and then by events only.
        let mut timed = Followed::start(Reloader::<App>::builder().resync(SOON).file(&path)).await?;
        let mut told = Followed::start(by_events().file(&path)).await?;
        let mut layer = Followed::start(by_events().directory(&folder, "*.toml")).await?;
        for round in 0..3 {
            mount(&[&"--bind", &other, &folder])?;
            timed.arrives(100 + round).await?;
            told.config.reload().await;
            layer.config.reload().await;
            for number in [500, 501, 101 + round] {
                rewrite(&path, number)?;
                for app in [&mut timed, &mut told, &mut layer] {
                    app.arrives(number).await?;
                }
            }
            unmount(&folder)?;
            for app in [&mut timed, &mut told, &mut layer] {
                app.arrives(round).await?;
            }
            for number in [600, 601, round + 1] {
                replace(&path, number)?;
                for app in [&mut timed, &mut told, &mut layer] {
                    app.arrives(number).await?;
                }
            }
        }
        assert_eq!(told.generation(), 1 + 3 * 8);
        Ok(())
    })
}

/// An empty file system over the config is a loss, and no configuration.
#[test]
fn row_13_an_empty_file_system_mounted_over() -> Outcome {
    in_namespaces("mounts::row_13_an_empty_file_system_mounted_over", async {
        let directory = tempfile::tempdir()?;
        let folder = directory.path().join("etc");
        fs::create_dir(&folder)?;
        let path = folder.join("app.toml");
        rewrite(&path, 0)?;
        let mut app = Followed::start(Reloader::<App>::builder().resync(SOON).file(&path)).await?;
        mount(&[&"-t", &"tmpfs", &"none", &folder])?;
        app.is_refused("not_found").await;
        assert_eq!(app.generation(), 1);
        rewrite(&path, 1)?;
        app.arrives(1).await?;
        replace(&path, 2)?;
        app.arrives(2).await?;
        unmount(&folder)?;
        app.arrives(0).await?;
        rewrite(&path, 3)?;
        app.arrives(3).await
    })
}

#[test]
fn row_19_fuse() -> Outcome {
    // A kernel without FUSE cannot fail this way.
    if !Path::new("/dev/fuse").exists() {
        return passed_over("there is no /dev/fuse");
    }
    in_namespaces("mounts::row_19_fuse", async {
        let directory = tempfile::tempdir()?;
        let (remote, local) = (directory.path().join("remote"), directory.path().join("local"));
        fs::create_dir(&remote)?;
        fs::create_dir(&local)?;
        rewrite(&remote.join("app.toml"), 0)?;
        rewrite(&remote.join("a.toml"), 0)?;
        // What is cached is not asked for again, and then a change is seen when it has expired.
        let bindfs = ["bindfs", "-o", "attr_timeout=0,entry_timeout=0"].map(OsStr::new);
        if let Err(error) = run(&[&bindfs[..], &[remote.as_os_str(), local.as_os_str()]].concat()) {
            return skipped(&format!("no FUSE file system can be mounted with `bindfs`: {error}"));
        }
        let story = async {
            let mut file = Followed::start(by_events().file(local.join("app.toml"))).await?;
            let mut layer = Followed::start(by_events().directory(&local, "a*.toml")).await?;
            for app in [&file, &layer] {
                let status = app.config.status();
                let source = &status.sources[0];
                assert_eq!(source.state, SourceState::Polling, "{source:?}");
                let reason = source.reason.as_deref().unwrap_or_default();
                assert!(reason.to_lowercase().contains("fuse"), "{reason}");
            }
            // From the other side, of which no event tells here, and from this side.
            for (side, save, number) in [
                (&remote, rewrite as fn(&Path, u32) -> _, 1),
                (&remote, replace, 2),
                (&local, rewrite, 3),
                (&local, replace, 4),
                (&remote, rewrite, 5),
            ] {
                save(&side.join("app.toml"), number)?;
                file.arrives(number).await?;
                save(&side.join("a.toml"), number)?;
                layer.arrives_in("a", number).await?;
            }
            assert_eq!(file.generation(), 6);
            assert_eq!(file.config.status().sources[0].state, SourceState::Polling);
            Ok(())
        };
        let story = story.await;
        // The server of the file system ends with it.
        run(&[OsStr::new("umount"), local.as_os_str()]).or_else(|_| unmount(&local))?;
        story
    })
}

#[test]
fn row_20_overlay() -> Outcome {
    in_namespaces("mounts::row_20_overlay", async {
        let directory = tempfile::tempdir()?;
        let [lower, upper, work, merged] =
            ["lower", "upper", "work", "merged"].map(|name| directory.path().join(name));
        for folder in [&lower, &upper, &work, &merged] {
            fs::create_dir(folder)?;
        }
        for name in ["app.toml", "a.toml", "b.toml"] {
            rewrite(&lower.join(name), 0)?;
        }
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
        mount(&[&"-t", &"overlay", &"overlay", &"-o", &options, &merged])?;
        let path = merged.join("app.toml");
        let mut file = Followed::start(by_events().file(&path)).await?;
        let mut layer = Followed::start(by_events().directory(&merged, "?.toml")).await?;
        assert_eq!(file.config.status().sources[0].state, SourceState::Watching);
        // The first write copies the file up, the next ones do not.
        for number in 1..=3 {
            rewrite(&path, number)?;
            file.arrives(number).await?;
            rewrite(&merged.join("a.toml"), number)?;
            layer.arrives_in("a", number).await?;
        }
        for number in 4..=5 {
            replace(&path, number)?;
            file.arrives(number).await?;
            replace(&merged.join("b.toml"), number)?;
            layer.arrives_in("b", number).await?;
        }
        assert_eq!((file.generation(), layer.generation()), (6, 6));
        drop((file, layer));
        unmount(&merged)
    })
}

/// What is changed below an overlay causes no event in it.
#[test]
fn row_20_overlay_whose_lower_layer_is_edited() -> Outcome {
    in_namespaces("mounts::row_20_overlay_whose_lower_layer_is_edited", async {
        let directory = tempfile::tempdir()?;
        let [lower, upper, work, merged] =
            ["lower", "upper", "work", "merged"].map(|name| directory.path().join(name));
        for folder in [&lower, &upper, &work, &merged] {
            fs::create_dir(folder)?;
        }
        rewrite(&lower.join("app.toml"), 0)?;
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
        mount(&[&"-t", &"overlay", &"overlay", &"-o", &options, &merged])?;
        let builder = Reloader::<App>::builder().resync(SOON).file(merged.join("app.toml"));
        let mut app = Followed::start(builder).await?;
        for number in 1..=3 {
            rewrite(&lower.join("app.toml"), number)?;
            app.arrives(number).await?;
        }
        rewrite(&merged.join("app.toml"), 4)?;
        app.arrives(4).await?;
        drop(app);
        unmount(&merged)
    })
}
