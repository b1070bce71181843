//! Events that are none of our business, or too many of those that are.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Followed, Outcome, by_events, in_time, replace, rewrite};

#[tokio::test]
async fn row_22_reading_wakes_nobody() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut file = Followed::start(by_events().file(&path)).await?;
    let mut layer = Followed::start(by_events().directory(directory.path(), "*.toml")).await?;
    for _ in 0..50 {
        file.config.reload().await;
        layer.config.reload().await;
        fs::read(&path)?;
        fs::read_dir(directory.path())?.for_each(drop);
    }
    // The first load and those that were asked for.
    assert_eq!((file.attempts(), layer.attempts()), (51, 51));
    // Events come in order: when this one is through, so are all that reading may have caused.
    replace(&path, 1)?;
    file.arrives(1).await?;
    layer.arrives(1).await?;
    assert_eq!((file.attempts(), layer.attempts()), (52, 52));
    Ok(())
}

#[tokio::test]
async fn row_23_log_beside_the_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (path, log) = (directory.path().join("app.toml"), directory.path().join("app.log"));
    rewrite(&path, 0)?;
    let mut file = Followed::start(by_events().file(&path)).await?;
    let mut layer = Followed::start(by_events().directory(directory.path(), "*.toml")).await?;
    let writer = thread::spawn(move || -> std::io::Result<()> {
        for line in 0..1000 {
            let mut log = OpenOptions::new().append(true).create(true).open(&log)?;
            writeln!(log, "line {line}")?;
            drop(log);
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    tokio::task::spawn_blocking(|| writer.join().expect("the writer does not panic")).await??;
    assert_eq!((file.attempts(), layer.attempts()), (1, 1));
    replace(&path, 1)?;
    file.arrives(1).await?;
    layer.arrives(1).await?;
    assert_eq!((file.attempts(), layer.attempts()), (2, 2));
    Ok(())
}

#[tokio::test]
async fn row_25_ten_thousand_renames_beside_the_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&one, "")?;
    for _ in 0..5_000 {
        fs::rename(&one, &two)?;
        fs::rename(&two, &one)?;
    }
    replace(&path, 1)?;
    app.arrives(1).await?;
    // The queue of the kernel may have run over, which is a reason to look.
    assert!(app.attempts() <= 4, "{}", app.attempts());
    replace(&path, 2)?;
    app.arrives(2).await
}

#[tokio::test]
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
#[tokio::test]
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

#[tokio::test]
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
