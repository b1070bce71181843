//! Links, symbolic and hard.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::{Followed, Outcome, alone, by_events, replace, rewrite, text};

/// As `ln -sfn` does.
fn link(target: impl AsRef<Path>, path: &Path) -> std::io::Result<()> {
    let beside = path.with_extension("link");
    symlink(target, &beside)?;
    fs::rename(beside, path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_03_chain_of_links_that_leaves_the_directory() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    for name in ["etc", "opt", "releases/1", "releases/2", "shared/a", "shared/b"] {
        fs::create_dir_all(root.join(name))?;
    }
    let path = root.join("etc/app.toml");
    symlink(root.join("opt/current/app.toml"), &path)?;
    symlink("../releases/1", root.join("opt/current"))?;
    symlink("../../shared/a/app.toml", root.join("releases/1/app.toml"))?;
    symlink("../../shared/b/app.toml", root.join("releases/2/app.toml"))?;
    let (a, b) = (root.join("shared/a/app.toml"), root.join("shared/b/app.toml"));
    rewrite(&a, 0)?;
    rewrite(&b, 1)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for round in 0..3 {
        let number = round * 10;
        // The link to the release.
        link("../releases/2", &root.join("opt/current"))?;
        app.arrives(number + 1).await?;
        rewrite(&b, number + 2)?;
        app.arrives(number + 2).await?;
        replace(&b, number + 3)?;
        app.arrives(number + 3).await?;
        // The link within the release.
        rewrite(&a, number + 4)?;
        link("../../shared/a/app.toml", &root.join("releases/2/app.toml"))?;
        app.arrives(number + 4).await?;
        rewrite(&a, number + 5)?;
        app.arrives(number + 5).await?;
        // The first link, and back.
        rewrite(&b, number + 6)?;
        link(&b, &path)?;
        app.arrives(number + 6).await?;
        replace(&b, number + 7)?;
        app.arrives(number + 7).await?;
        rewrite(&a, number + 8)?;
        link(root.join("opt/current/app.toml"), &path)?;
        app.arrives(number + 8).await?;
        // A folder of the targets.
        fs::rename(root.join("shared/a"), root.join("shared/old"))?;
        fs::create_dir(root.join("shared/a"))?;
        rewrite(&a, number + 9)?;
        app.arrives(number + 9).await?;
        rewrite(&b, number + 11)?;
        link("../../shared/b/app.toml", &root.join("releases/2/app.toml"))?;
        app.arrives(number + 11).await?;
        link("../releases/1", &root.join("opt/current"))?;
        app.arrives(number + 9).await?;
        replace(&a, number + 10)?;
        app.arrives(number + 10).await?;
        link("../../shared/b/app.toml", &root.join("releases/2/app.toml"))?;
        fs::remove_dir_all(root.join("shared/old"))?;
    }
    assert_eq!(app.generation(), 1 + 3 * 12);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_14_hard_links() -> Outcome {
    let directory = tempfile::tempdir()?;
    let elsewhere = tempfile::tempdir()?;
    let (path, other) = (directory.path().join("app.toml"), elsewhere.path().join("app.toml"));
    rewrite(&other, 0)?;
    fs::hard_link(&other, &path)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=3 {
        rewrite(&other, number)?;
        app.arrives(number).await?;
    }
    // The names part.
    replace(&path, 4)?;
    app.arrives(4).await?;
    rewrite(&other, 99)?;
    rewrite(&path, 5)?;
    app.arrives(5).await?;
    assert_eq!(app.generation(), 6);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_15_two_watched_paths_to_one_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (real, alias) = (directory.path().join("real"), directory.path().join("alias"));
    fs::create_dir(&real)?;
    symlink("real", &alias)?;
    let path = real.join("app.toml");
    rewrite(&path, 0)?;
    let mut one = Followed::start(by_events().file(&path)).await?;
    let mut two = Followed::start(by_events().file(alias.join("app.toml"))).await?;
    let mut both = Followed::start(by_events().file(&path).file(alias.join("app.toml"))).await?;
    for number in 1..=3 {
        rewrite(&path, number)?;
        for app in [&mut one, &mut two, &mut both] {
            app.arrives(number).await?;
        }
    }
    // The end of one takes no watch from the others.
    two.config.shutdown().await;
    replace(&path, 4)?;
    one.arrives(4).await?;
    both.arrives(4).await?;
    one.config.shutdown().await;
    rewrite(&path, 5)?;
    both.arrives(5).await?;
    replace(&path, 6)?;
    both.arrives(6).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_30_links_in_a_circle() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (path, next) = (directory.path().join("app.toml"), directory.path().join("next"));
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=3 {
        symlink("app.toml", &next)?;
        link("next", &path)?;
        app.is_refused("unreadable").await;
        assert_eq!(app.generation(), u64::from(number));
        // The circle is cut at the end that the user did not name.
        fs::write(directory.path().join("beside"), text("app", number))?;
        fs::rename(directory.path().join("beside"), &next)?;
        app.arrives(number).await?;
        app.until("all is well", |status| status.is_healthy()).await;
        fs::remove_file(&next)?;
        app.is_refused("not_found").await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_30_a_tree_that_links_to_itself() -> Outcome {
    let directory = tempfile::tempdir()?;
    let inner = directory.path().join("inner");
    fs::create_dir(&inner)?;
    symlink("..", inner.join("up"))?;
    symlink(".", inner.join("here"))?;
    rewrite(&inner.join("a.toml"), 0)?;
    let mut app = Followed::start(by_events().directory(directory.path(), "**/*.toml")).await?;
    for number in 1..=3 {
        rewrite(&inner.join("a.toml"), number)?;
        app.arrives_in("a", number).await?;
    }
    assert_eq!(app.generation(), 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_that_becomes_a_link_is_followed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let elsewhere = tempfile::tempdir()?;
    let (path, target) = (directory.path().join("app.toml"), elsewhere.path().join("app.toml"));
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for round in 0..3 {
        let number = round * 10;
        rewrite(&target, number + 1)?;
        link(&target, &path)?;
        app.arrives(number + 1).await?;
        rewrite(&target, number + 2)?;
        app.arrives(number + 2).await?;
        replace(&target, number + 3)?;
        app.arrives(number + 3).await?;
        replace(&path, number + 4)?;
        app.arrives(number + 4).await?;
        rewrite(&path, number + 5)?;
        app.arrives(number + 5).await?;
    }
    // What the link led to concerns nobody any more: neither read nor watched.
    let attempts = app.attempts();
    for number in 50..80 {
        rewrite(&target, number)?;
    }
    rewrite(&path, 100)?;
    app.arrives(100).await?;
    assert!(app.attempts() <= attempts + 3, "{} {attempts}", app.attempts());
    assert_eq!(app.generation(), 17);
    Ok(())
}

/// The name appears at once with all that is in it, and no close ever follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_link_is_put_in_the_place_of_what_was_removed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let elsewhere = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    let mut layer = Followed::start(by_events().directory(directory.path(), "*.toml")).await?;
    for number in 1..=6 {
        let target = elsewhere.path().join(format!("{number}/app.toml"));
        fs::create_dir(elsewhere.path().join(number.to_string()))?;
        rewrite(&target, number * 10)?;
        fs::remove_file(&path)?;
        if number % 2 == 0 {
            symlink(&target, &path)?
        } else {
            fs::hard_link(&target, &path)?
        };
        for step in 0..3 {
            if step > 0 {
                rewrite(&path, number * 10 + step)?;
            }
            app.arrives(number * 10 + step).await?;
            layer.arrives(number * 10 + step).await?;
        }
    }
    assert_eq!(app.generation(), 19);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_link_to_a_directory_is_swapped() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (live, one, two) =
        (directory.path().join("live"), directory.path().join("one"), directory.path().join("two"));
    for (folder, number) in [(&one, 1), (&two, 2)] {
        fs::create_dir_all(folder.join("deep"))?;
        rewrite(&folder.join("app.toml"), number)?;
        rewrite(&folder.join("deep/a.toml"), number)?;
    }
    symlink("one", &live)?;
    let mut file = Followed::start(by_events().file(live.join("app.toml"))).await?;
    let mut layer = Followed::start(by_events().directory(&live, "*.toml")).await?;
    let mut tree = Followed::start(by_events().directory(&live, "**/*.toml")).await?;
    for round in 1..=5 {
        let (target, number) = if round % 2 == 0 { (&one, 10 * round) } else { (&two, 10 * round) };
        rewrite(&target.join("app.toml"), number)?;
        rewrite(&target.join("deep/a.toml"), number)?;
        link(target, &live)?;
        for number in number..number + 3 {
            rewrite(&target.join("app.toml"), number)?;
            replace(&target.join("deep/a.toml"), number)?;
            file.arrives(number).await?;
            layer.arrives(number).await?;
            tree.arrives(number).await?;
            tree.arrives_in("a", number).await?;
        }
    }
    assert_eq!(file.generation(), 16);
    Ok(())
}

/// Paths that are relative, go up, and go through a link before they go up.
#[test]
fn a_path_is_followed_however_it_is_spelled() -> Outcome {
    alone("links::a_path_is_followed_however_it_is_spelled", &[], async {
        let directory = tempfile::tempdir()?;
        std::env::set_current_dir(directory.path())?;
        fs::create_dir_all("etc/deep")?;
        fs::create_dir_all("work/here")?;
        symlink("../etc/deep", "work/link")?;
        let path = directory.path().join("etc/app.toml");
        rewrite(&path, 0)?;
        let mut apps = Vec::new();
        for spelled in ["etc/app.toml", "./etc//app.toml", "work/../etc/app.toml", "work/link/../app.toml"] {
            apps.push(Followed::start(by_events().file(spelled)).await?);
        }
        for spelled in ["etc", "etc/", "./work/../etc", "work/link/.."] {
            apps.push(Followed::start(by_events().directory(spelled, "*.toml")).await?);
            apps.push(Followed::start(by_events().directory(spelled, "**/*.toml")).await?);
        }
        for number in 1..=3 {
            rewrite(&path, 2 * number)?;
            for app in &mut apps {
                app.arrives(2 * number).await?;
            }
            fs::rename(directory.path().join("etc"), directory.path().join("old"))?;
            fs::create_dir_all(directory.path().join("etc/deep"))?;
            rewrite(&path, 2 * number + 1)?;
            for app in &mut apps {
                app.arrives(2 * number + 1).await?;
            }
            fs::remove_dir_all(directory.path().join("old"))?;
        }
        Ok(())
    })
}
