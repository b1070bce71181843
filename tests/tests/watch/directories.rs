//! Directories that are absent, go, come back, are swapped, and grow.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reloadable::{ErrorKind, Reloader, Settle};

use crate::{Followed, Outcome, by_events, in_time, replace, rewrite};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_10_missing_at_the_start() -> Outcome {
    let directory = tempfile::tempdir()?;
    let folder = directory.path().join("a/b/c");
    let path = folder.join("app.toml");
    let refused = Followed::start(by_events().file(&path)).await.err().ok_or("nothing was loaded")?;
    assert_eq!(
        (refused.kind(), refused.report().violations()[0].code()),
        (ErrorKind::Unavailable, "not_found")
    );
    fs::create_dir_all(&folder)?;
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;

    // The same while it runs: only an ancestor is left, of which the missing one is not even the child.
    for number in 1..=5 {
        fs::remove_dir_all(directory.path().join("a"))?;
        app.is_refused("not_found").await;
        if number % 2 == 0 {
            fs::create_dir(directory.path().join("a"))?;
            fs::create_dir(directory.path().join("a/b"))?;
        }
        fs::create_dir_all(&folder)?;
        rewrite(&path, number)?;
        app.arrives(number).await?;
        app.until("all is well", |status| status.is_healthy()).await;
    }
    replace(&path, 6)?;
    app.arrives(6).await?;
    assert_eq!(app.generation(), 7);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_11_directory_deleted_and_created_again() -> Outcome {
    let directory = tempfile::tempdir()?;
    let folder = directory.path().join("etc/app");
    let path = folder.join("app.toml");
    fs::create_dir_all(&folder)?;
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=10 {
        // In turn the folder and the one above it.
        fs::remove_dir_all(if number % 2 == 0 { &folder } else { folder.parent().unwrap_or(&folder) })?;
        fs::create_dir_all(&folder)?;
        rewrite(&path, number * 2)?;
        app.arrives(number * 2).await?;
        rewrite(&path, number * 2 + 1)?;
        app.arrives(number * 2 + 1).await?;
    }
    assert_eq!(app.generation(), 21);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_11_directory_layer_deleted_and_created_again() -> Outcome {
    let directory = tempfile::tempdir()?;
    let folder = directory.path().join("conf.d");
    fs::create_dir(&folder)?;
    rewrite(&folder.join("a.toml"), 0)?;
    let mut app = Followed::start(by_events().directory(&folder, "*.toml")).await?;
    for number in 1..=5 {
        fs::remove_dir_all(&folder)?;
        app.is_refused("not_found").await;
        fs::create_dir(&folder)?;
        replace(&folder.join("a.toml"), number * 2)?;
        app.arrives_in("a", number * 2).await?;
        rewrite(&folder.join("a.toml"), number * 2 + 1)?;
        app.arrives_in("a", number * 2 + 1).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_12_directory_swapped_by_rename() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (live, blue, green) =
        (directory.path().join("live"), directory.path().join("blue"), directory.path().join("green"));
    fs::create_dir(&live)?;
    rewrite(&live.join("app.toml"), 0)?;
    let mut file = Followed::start(by_events().file(live.join("app.toml"))).await?;
    let mut layer = Followed::start(by_events().directory(&live, "*.toml")).await?;
    for round in 0..5 {
        let number = round * 10;
        fs::create_dir(&green)?;
        rewrite(&green.join("app.toml"), number + 1)?;
        fs::rename(&live, &blue)?;
        fs::rename(&green, &live)?;
        for (step, save) in
            [None, Some(rewrite as fn(&Path, u32) -> _), Some(replace)].into_iter().enumerate()
        {
            let number = number + 1 + step as u32;
            if let Some(save) = save {
                // What happens in the old directory is not told of the new one.
                rewrite(&blue.join("app.toml"), 999)?;
                save(&live.join("app.toml"), number)?;
            }
            file.arrives(number).await?;
            layer.arrives(number).await?;
        }
        fs::remove_dir_all(&blue)?;
    }
    assert_eq!(file.generation(), 16);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_16_made_and_written_at_once() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    rewrite(&root.join("first.toml"), 0)?;
    let mut app = Followed::start(by_events().directory(root, "**/*.toml")).await?;
    for number in 1..=200 {
        let (folder, name) = (root.join(format!("d{number}")), format!("f{number}"));
        let folder = if number % 4 == 0 { folder.join("deep/er") } else { folder };
        let path = folder.join(&name).with_extension("toml");
        fs::create_dir_all(&folder)?;
        rewrite(&path, number)?;
        app.arrives_in(&name, number).await?;
        // It would grow to 200 files that each look reads.
        if number % 10 != 0 {
            fs::remove_dir_all(root.join(format!("d{number}")))?;
        }
    }
    for (path, name) in [("d10/f10.toml", "f10"), ("d200/deep/er/f200.toml", "f200"), ("first.toml", "first")]
    {
        rewrite(&root.join(path), 1000)?;
        app.arrives_in(name, 1000).await?;
        replace(&root.join(path), 1001)?;
        app.arrives_in(name, 1001).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_16_all_made_in_one_burst() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    let mut app = Followed::start(by_events().directory(root, "**/*.toml")).await?;
    for number in 0..200 {
        let folder = root.join(format!("d{}/e{number}", number % 7));
        fs::create_dir_all(&folder)?;
        rewrite(&folder.join(format!("f{number}.toml")), number)?;
    }
    for number in 0..200 {
        app.arrives_in(&format!("f{number}"), number).await?;
    }
    for number in [0, 100, 199] {
        rewrite(&root.join(format!("d{}/e{number}/f{number}.toml", number % 7)), 1000)?;
        app.arrives_in(&format!("f{number}"), 1000).await?;
    }
    Ok(())
}

/// A tree is moved in as a whole, moved within, and out.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_16_trees_that_move() -> Outcome {
    let directory = tempfile::tempdir()?;
    let outside = tempfile::tempdir()?;
    let root = directory.path();
    fs::create_dir(root.join("base"))?;
    rewrite(&root.join("base/base.toml"), 0)?;
    let mut app = Followed::start(by_events().directory(root, "**/*.toml")).await?;
    for round in 0..5 {
        let number = round * 10;
        fs::create_dir_all(outside.path().join("tree/deep"))?;
        rewrite(&outside.path().join("tree/deep/a.toml"), number)?;
        fs::rename(outside.path().join("tree"), root.join("tree"))?;
        app.arrives_in("a", number).await?;
        rewrite(&root.join("tree/deep/a.toml"), number + 1)?;
        app.arrives_in("a", number + 1).await?;
        fs::rename(root.join("tree"), root.join("base/moved"))?;
        rewrite(&root.join("base/moved/deep/a.toml"), number + 2)?;
        app.arrives_in("a", number + 2).await?;
        fs::rename(root.join("base/moved"), outside.path().join("tree"))?;
        while app.changes.seen().contains_key("a_00") {
            crate::in_time(app.changes.changed()).await?;
        }
        // It is nobody's business there.
        let attempts = app.attempts();
        for noise in 0..30 {
            rewrite(&outside.path().join("tree/deep/a.toml"), noise)?;
        }
        replace(&root.join("base/base.toml"), number + 3)?;
        app.arrives_in("base", number + 3).await?;
        assert!(app.attempts() <= attempts + 3, "{attempts} {}", app.attempts());
        fs::remove_dir_all(outside.path().join("tree"))?;
    }
    Ok(())
}

/// All reloaders have their events from one thread, which a large tree must not keep for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn large_tree_deleted_beside_another() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (root, path) = (directory.path().join("tree"), directory.path().join("other/app.toml"));
    for folder in 0..2_000 {
        fs::create_dir_all(root.join(format!("{}/{folder}", folder % 20)))?;
    }
    rewrite(&root.join("app.toml"), 0)?;
    fs::create_dir(directory.path().join("other"))?;
    rewrite(&path, 0)?;
    // While the tree is removed, it is for a moment one without files, which may be meant: patience tells.
    let patient = by_events().settle(Settle::quiet(Duration::from_secs(2))).max_wait(Duration::from_secs(60));
    let mut tree = Followed::start(patient.directory(&root, "**/*.toml")).await?;
    let mut other = Followed::start(by_events().file(&path)).await?;
    fs::remove_dir_all(&root)?;
    replace(&path, 1)?;
    other.arrives(1).await?;
    tree.is_refused("not_found").await;
    fs::create_dir(&root)?;
    replace(&root.join("app.toml"), 2)?;
    tree.arrives(2).await
}

/// Makes a directory of files that all say the same version.
fn release(root: &Path, version: u16, files: usize) -> std::io::Result<PathBuf> {
    let path = root.join(format!("release-{version}"));
    fs::create_dir(&path)?;
    for file in 0..files {
        fs::write(path.join(format!("{file:02}.toml")), format!("k{file:02} = {version}\n"))?;
    }
    Ok(path)
}

type Versions = std::collections::BTreeMap<String, u16>;

/// Swaps a whole directory again and again, and looks at every snapshot.
async fn a_swapped_directory_is_never_mixed(
    swap: impl Fn(&Path, &Path) -> std::io::Result<()> + Send + 'static,
    first: impl Fn(&Path, &Path) -> std::io::Result<()>,
) -> Outcome {
    const FILES: usize = 25;
    const SWAPS: u16 = 150;
    let directory = tempfile::tempdir()?;
    let root = directory.path().to_path_buf();
    let conf = root.join("conf.d");
    first(&release(&root, 0, FILES)?, &conf)?;
    let config = Reloader::<Versions>::builder().directory(&conf, "*.toml").start().await?;
    let mut changes = config.subscribe();
    let writer = std::thread::spawn(move || -> std::io::Result<()> {
        for version in 1..=SWAPS {
            swap(&release(&root, version, FILES)?, &conf)?;
            // Part of what is tried is a swap soon after the other.
            std::thread::sleep(Duration::from_micros(u64::from(version) % 40 * 50));
        }
        Ok(())
    });
    loop {
        let versions: Vec<_> = changes.seen().values().copied().collect();
        assert_eq!(versions.len(), FILES, "{versions:?}");
        assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
        if versions[0] == SWAPS {
            break;
        }
        in_time(changes.changed()).await?;
    }
    writer.join().expect("the writer does not panic")?;
    Ok(())
}

#[tokio::test]
async fn a_directory_behind_a_link_is_never_mixed() -> Outcome {
    use std::os::unix::fs::symlink;
    let swap = |release: &Path, conf: &Path| {
        let beside = conf.with_extension("new");
        symlink(release, &beside)?;
        fs::rename(beside, conf)
    };
    a_swapped_directory_is_never_mixed(swap, swap).await
}

#[tokio::test]
async fn row_12_a_directory_swapped_by_two_renames_is_never_mixed_or_empty() -> Outcome {
    let swap = |release: &Path, conf: &Path| {
        let old = release.with_extension("old");
        fs::rename(conf, old)?;
        fs::rename(release, conf)
    };
    a_swapped_directory_is_never_mixed(swap, |release, conf| fs::rename(release, conf)).await
}
