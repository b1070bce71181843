//! Events that are none of our business, or too many of those that are.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reloadable::Builder;

use crate::{App, Followed, Outcome, alone, by_events, comes_true, in_time, replace, rewrite};

/// How often a reloader that has a thread of its own was woken: a look that finds nothing new is no attempt.
fn wakes() -> Result<u64, Box<dyn std::error::Error>> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == "reloadable" {
            let status = fs::read_to_string(task.join("status"))?;
            let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            return Ok(count.ok_or("no count of wakes")?.trim().parse()?);
        }
    }
    Err("there is no such thread".into())
}

/// Fewer than any kind of loop brings about, more than the machine does by itself.
const FEW: u64 = 10;

/// Makes noise, which may wake the reloader so many times and causes no attempt, and then changes, which do.
async fn noisy(
    noise: impl FnOnce(&Path) -> Outcome,
    builder: fn(&Path) -> Builder<App>,
    most: u64,
) -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let config = builder(&path).start_blocking()?;
    let changes = config.subscribe();
    let mut app = Followed { config, changes };
    let before = wakes()?;
    noise(&path)?;
    // What waits for quiet before it looks has looked by then, and what then wakes itself has begun to.
    thread::sleep(Duration::from_millis(200));
    assert!(wakes()? <= before + most, "woken {} times", wakes()? - before);
    assert_eq!(app.attempts(), 1);
    for number in 1..=2 {
        replace(&path, number)?;
        app.arrives(number).await?;
    }
    assert_eq!(app.attempts(), 3);
    drop(app);
    assert!(comes_true(|| wakes().is_err()).await, "the thread outlives the last handle");
    Ok(())
}

fn as_file(path: &Path) -> Builder<App> {
    by_events().file(path)
}

fn as_directory(path: &Path) -> Builder<App> {
    by_events().directory(path.parent().unwrap_or(path), "*.toml")
}

fn as_tree(path: &Path) -> Builder<App> {
    by_events().directory(path.parent().unwrap_or(path), "**/*.toml")
}

/// Any name may be that of a new directory in a tree, so there a name alone does not tell that it is noise.
/// Builds a reloader on one kind of layer.
type Start = fn(&Path) -> Builder<App>;

const KINDS: [(Start, u64); 3] =
    [(as_file, FEW), (as_directory, FEW), (as_tree, u64::MAX / 2)];

#[test]
fn row_22_reading_wakes_nobody() -> Outcome {
    alone("noise::row_22_reading_wakes_nobody", &[], async {
        for (builder, _) in KINDS {
            let read = |path: &Path| {
                for _ in 0..100 {
                    fs::read(path)?;
                    fs::read_dir(path.parent().unwrap_or(path))?.for_each(drop);
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            };
            noisy(read, builder, FEW).await?;
        }
        Ok(())
    })
}

#[test]
fn row_23_log_beside_the_file() -> Outcome {
    alone("noise::row_23_log_beside_the_file", &[], async {
        for (builder, most) in KINDS {
            let log = |path: &Path| {
                for line in 0..500 {
                    let log = path.with_file_name("app.log");
                    let mut log = OpenOptions::new().append(true).create(true).open(log)?;
                    writeln!(log, "line {line}")?;
                    drop(log);
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            };
            noisy(log, builder, most).await?;
        }
        Ok(())
    })
}

#[test]
fn row_25_ten_thousand_renames_beside_the_file() -> Outcome {
    alone("noise::row_25_ten_thousand_renames_beside_the_file", &[], async {
        for (builder, most) in KINDS {
            let rename = |path: &Path| {
                let (one, two) = (path.with_file_name("one"), path.with_file_name("two"));
                fs::write(&one, "")?;
                for _ in 0..5_000 {
                    fs::rename(&one, &two)?;
                    fs::rename(&two, &one)?;
                }
                Ok(())
            };
            noisy(rename, builder, most).await?;
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_25_replaced_without_a_pause() -> Outcome {
    const EVERY: Duration = Duration::from_millis(50);
    const LAST: u32 = 1_500;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut eager = Followed::start(by_events().file(&path)).await?;
    let mut calm = Followed::start(by_events().file(&path).min_interval(EVERY)).await?;
    let began = Instant::now();
    let writer =
        thread::spawn(move || (1..=LAST).try_for_each(|number| replace(&path, number)).map(|()| path));
    eager.arrives(LAST).await?;
    calm.arrives(LAST).await?;
    // One at the start and one at the end of each interval.
    let most = 2 + began.elapsed().as_millis() / EVERY.as_millis();
    assert!(u128::from(calm.generation()) <= 1 + most, "{} {most}", calm.generation());
    let path = writer.join().expect("the writer does not panic")?;
    let before = eager.generation();
    replace(&path, LAST + 1)?;
    eager.arrives(LAST + 1).await?;
    calm.arrives(LAST + 1).await?;
    assert_eq!(eager.generation(), before + 1);
    Ok(())
}

/// As a checkout does, back and forth: each file is moved away, and another one into its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_25_ten_thousand_renames_in_a_directory_layer() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path().to_owned();
    let path = move |file: u32, suffix: &str| root.join(format!("f{file}.{suffix}"));
    for file in 0..20 {
        rewrite(&path(file, "even"), 1000)?;
        rewrite(&path(file, "odd"), 1001)?;
        fs::rename(path(file, "even"), path(file, "toml"))?;
    }
    let mut app = Followed::start(by_events().directory(directory.path(), "*.toml")).await?;
    let writer = thread::spawn(move || -> std::io::Result<()> {
        for round in 0..251 {
            let (away, into) = if round % 2 == 0 { ("even", "odd") } else { ("odd", "even") };
            for file in 0..20 {
                fs::rename(path(file, "toml"), path(file, away))?;
                fs::rename(path(file, into), path(file, "toml"))?;
            }
        }
        replace(&path(7, "toml"), 1002)
    });
    app.arrives_in("f7", 1002).await?;
    writer.join().expect("the writer does not panic")?;
    for file in (0..20).filter(|file| *file != 7) {
        app.arrives_in(&format!("f{file}"), 1001).await?;
    }
    rewrite(&directory.path().join("f7.toml"), 1003)?;
    app.arrives_in("f7", 1003).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_26_written_without_end() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (path, stop) = (path.clone(), Arc::clone(&stop));
        thread::spawn(move || -> std::io::Result<u32> {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                rewrite(&path, number)?;
                thread::sleep(Duration::from_millis(5));
            }
            Ok(number)
        })
    };
    for _ in 0..3 {
        crate::assert_whole(in_time(app.changes.changed()).await?.current());
    }
    stop.store(true, Ordering::Relaxed);
    let last = writer.join().expect("the writer does not panic")?;
    app.arrives(last).await?;
    rewrite(&path, last + 1)?;
    app.arrives(last + 1).await
}
