//! The limits of the event backend: how many events it keeps, how many of it there may be, and what it may watch.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reloadable::{Reloader, SourceState};

use crate::saves::same_times;
use crate::{
    App, Followed, Outcome, by_events, child, comes_true, in_namespaces, is_alone, replace, rewrite,
};

const INSTANCES: &str = "/proc/sys/user/max_inotify_instances";
const WATCHES: &str = "/proc/sys/user/max_inotify_watches";
const PLENTY: usize = 1000;

/// How soon native events are tried again.
const SOON: Duration = Duration::from_millis(200);

fn limit(which: &str, number: usize) -> std::io::Result<()> {
    fs::write(which, number.to_string())
}

/// Sends a process a signal, which the standard library cannot.
fn signal(name: &str, process: u32) -> Outcome {
    crate::run(&["sh", "-c", &format!("kill -{name} {process}")])
}

/// The reloader's process is stopped while more happens than the kernel keeps for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_17_queue_overflow() -> Outcome {
    const SHARED: &str = "RELOADABLE_DIRECTORY";
    if is_alone() {
        let directory = PathBuf::from(std::env::var_os(SHARED).ok_or("no directory")?);
        let (watched, notes) = (directory.join("etc"), directory.join("notes"));
        let mut file = Followed::start(by_events().file(watched.join("app.toml"))).await?;
        let mut tree = Followed::start(by_events().directory(&watched, "**/*.toml")).await?;
        for number in 1..=3 {
            fs::write(notes.join(format!("ready {number}")), "")?;
            file.arrives(10 * number).await?;
            tree.arrives(10 * number).await?;
            tree.arrives_in("new", number).await?;
            assert_eq!(file.generation(), 2 * u64::from(number));
            assert_eq!(file.config.status().sources[0].state, SourceState::Watching);
            fs::write(notes.join(format!("seen {number}")), "")?;
            file.arrives(10 * number + 1).await?;
            tree.arrives_in("new", 10 * number).await?;
        }
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let (watched, notes) = (directory.path().join("etc"), directory.path().join("notes"));
    fs::create_dir(&watched)?;
    fs::create_dir(&notes)?;
    rewrite(&watched.join("app.toml"), 0)?;
    let kept: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?.trim().parse()?;
    let mut child = child("limits::row_17_queue_overflow", &[])?.env(SHARED, directory.path()).spawn()?;
    let told = async |note: String| comes_true(|| notes.join(&note).exists()).await;
    let story = async {
        for number in 1..=3 {
            assert!(told(format!("ready {number}")).await, "the child did not start");
            signal("STOP", child.id())?;
            let (one, two) = (watched.join("one"), watched.join("two"));
            fs::write(&one, "")?;
            for _ in 0..kept / 4 + 100 {
                // Two events each, for which there is no room from here on.
                fs::rename(&one, &two)?;
                fs::rename(&two, &one)?;
            }
            // None of this is told: a change, and a directory that nobody watches yet.
            replace(&watched.join("app.toml"), 10 * number)?;
            let folder = watched.join(format!("d{number}"));
            fs::create_dir(&folder)?;
            if number > 1 {
                fs::remove_dir_all(watched.join(format!("d{}", number - 1)))?;
            }
            rewrite(&folder.join("new.toml"), number)?;
            signal("CONT", child.id())?;
            assert!(told(format!("seen {number}")).await, "what was not told was not seen");
            rewrite(&watched.join("app.toml"), 10 * number + 1)?;
            rewrite(&folder.join("new.toml"), 10 * number)?;
        }
        Outcome::Ok(())
    };
    let story = story.await;
    if story.is_err() {
        child.kill()?;
    }
    crate::assert_passed(&child.wait_with_output()?);
    story
}

fn polls(app: &Followed) -> bool {
    let source = &app.config.status().sources[0];
    source.state == SourceState::Polling && source.reason.is_some()
}

fn watches(app: &Followed) -> bool {
    let source = &app.config.status().sources[0];
    source.state == SourceState::Watching && source.reason.is_none()
}

async fn becomes(app: &Followed, what: &str, is_so: fn(&Followed) -> bool) {
    app.until(what, |_| is_so(app)).await;
}

#[test]
fn row_18_instances_are_used_up() -> Outcome {
    in_namespaces("limits::row_18_instances_are_used_up", async {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("app.toml");
        let tree = directory.path().join("tree");
        fs::create_dir_all(tree.join("deep"))?;
        let builder = || Reloader::<App>::builder().resync(SOON);
        for round in 1..=3 {
            let number = round * 1000;
            rewrite(&path, number)?;
            rewrite(&tree.join("deep/a.toml"), number)?;
            limit(INSTANCES, 0)?;
            let mut file = Followed::start(builder().file(&path)).await?;
            let mut layer = Followed::start(builder().directory(&tree, "**/*.toml")).await?;
            becomes(&file, "the file is polled", polls).await;
            becomes(&layer, "the tree is polled", polls).await;
            for number in number + 1..=number + 3 {
                rewrite(&path, number)?;
                file.arrives(number).await?;
                replace(&tree.join("deep/a.toml"), number)?;
                layer.arrives_in("a", number).await?;
            }
            assert!(polls(&file) && polls(&layer));
            limit(INSTANCES, PLENTY)?;
            becomes(&file, "the file is watched", watches).await;
            becomes(&layer, "the tree is watched", watches).await;
            for number in number + 4..=number + 5 {
                rewrite(&path, number)?;
                file.arrives(number).await?;
                replace(&tree.join("deep/a.toml"), number)?;
                layer.arrives_in("a", number).await?;
            }
            assert!(watches(&file) && watches(&layer));
            assert_eq!(file.generation(), 6);
            let closed = |link: PathBuf| link.to_str() == Some("anon_inode:inotify");
            drop((file, layer));
            let is_closed = || {
                let links = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
                !links.filter_map(|it| fs::read_link(it.path()).ok()).any(closed)
            };
            assert!(comes_true(is_closed).await, "the backend outlives the last reloader");
        }
        Ok(())
    })
}

/// Counts what the event backends of this process watch.
fn watched() -> std::io::Result<usize> {
    let descriptors = fs::read_dir("/proc/self/fdinfo")?;
    let texts = descriptors.filter_map(|it| fs::read_to_string(it.ok()?.path()).ok());
    Ok(texts.map(|text| text.lines().filter(|line| line.starts_with("inotify wd:")).count()).sum())
}

#[test]
fn row_18_watches_are_used_up() -> Outcome {
    in_namespaces("limits::row_18_watches_are_used_up", async {
        let directory = tempfile::tempdir()?;
        let make = |name: &str| -> std::io::Result<PathBuf> {
            let path = directory.path().join(name).join("app.toml");
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            rewrite(&path, 0)?;
            Ok(path)
        };
        let (first, second) = (make("first")?, make("second")?);
        let mut early = Followed::start(by_events().file(&first)).await?;
        assert!(watches(&early));
        // Whoever came first keeps what it has; whoever comes next polls.
        limit(WATCHES, watched()?)?;
        let mut late = Followed::start(Reloader::builder().resync(SOON).file(&second)).await?;
        becomes(&late, "the second is polled", polls).await;
        for number in 1..=3 {
            rewrite(&first, number)?;
            early.arrives(number).await?;
            replace(&second, number)?;
            late.arrives(number).await?;
        }
        assert!(watches(&early) && polls(&late));
        limit(WATCHES, PLENTY)?;
        becomes(&late, "the second is watched", watches).await;
        for number in 4..=5 {
            rewrite(&first, number)?;
            early.arrives(number).await?;
            replace(&second, number)?;
            late.arrives(number).await?;
        }
        assert_eq!((early.generation(), late.generation()), (6, 6));
        Ok(())
    })
}

/// A directory comes back, or a tree grows, when there is no watch left for it.
#[test]
fn row_18_watches_are_used_up_later() -> Outcome {
    in_namespaces("limits::row_18_watches_are_used_up_later", async {
        let directory = tempfile::tempdir()?;
        let (folder, tree) = (directory.path().join("etc"), directory.path().join("tree"));
        let path = folder.join("app.toml");
        fs::create_dir(&folder)?;
        fs::create_dir(&tree)?;
        rewrite(&path, 0)?;
        let builder = || Reloader::<App>::builder().resync(SOON);
        let mut file = Followed::start(builder().file(&path)).await?;
        let mut layer = Followed::start(builder().directory(&tree, "**/*.toml")).await?;
        for number in 1..=3 {
            limit(WATCHES, 0)?;
            fs::remove_dir_all(&folder)?;
            fs::create_dir(&folder)?;
            rewrite(&path, 10 * number)?;
            file.arrives(10 * number).await?;
            becomes(&file, "the file is polled", polls).await;
            rewrite(&path, 10 * number + 1)?;
            file.arrives(10 * number + 1).await?;

            let name = format!("d{number}");
            fs::create_dir(tree.join(&name))?;
            rewrite(&tree.join(&name).join(format!("{name}.toml")), 10 * number)?;
            layer.arrives_in(&name, 10 * number).await?;
            becomes(&layer, "the tree is polled", polls).await;
            rewrite(&tree.join(&name).join(format!("{name}.toml")), 10 * number + 1)?;
            layer.arrives_in(&name, 10 * number + 1).await?;

            limit(WATCHES, PLENTY)?;
            becomes(&file, "the file is watched", watches).await;
            becomes(&layer, "the tree is watched", watches).await;
            rewrite(&path, 10 * number + 2)?;
            file.arrives(10 * number + 2).await?;
            rewrite(&tree.join(&name).join(format!("{name}.toml")), 10 * number + 2)?;
            layer.arrives_in(&name, 10 * number + 2).await?;
        }
        Ok(())
    })
}

/// Whoever polls is told nothing, so the times and the size decide; a time that goes back is a change as well.
#[test]
fn row_21_time_of_modification_goes_back_while_polling() -> Outcome {
    in_namespaces("limits::row_21_time_of_modification_goes_back_while_polling", async {
        let directory = tempfile::tempdir()?;
        let path: &Path = &directory.path().join("app.toml");
        rewrite(path, 1000)?;
        limit(INSTANCES, 0)?;
        let mut app = Followed::start(by_events().file(path)).await?;
        becomes(&app, "the file is polled", polls).await;
        same_times(&mut app, path, 1001..1011).await?;
        assert!(polls(&app));
        assert_eq!(app.generation(), 11);
        Ok(())
    })
}
