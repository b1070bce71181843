//! How programs save: none of it is missed, torn or told twice.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use reloadable::SourceState;

use crate::{Followed, Outcome, by_events, lines, replace, rewrite, run, text};

/// How often a save is tried again whose pauses the machine made longer than they were meant to be.
const TRIES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_01_rename_over_a_watched_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=4 {
        replace(&path, number)?;
        app.arrives(number).await?;
    }
    rewrite(&path, 5)?;
    app.arrives(5).await?;
    assert_eq!(app.generation(), 6);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_05_truncated_then_written() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=20 {
        let mut file = File::create(&path)?;
        thread::sleep(Duration::from_millis(5));
        file.write_all(text("app", number).as_bytes())?;
        drop(file);
        app.arrives(number).await?;
    }
    assert_eq!(app.generation(), 21, "an empty file was published");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_05_truncated_and_written_at_full_speed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    let writer = {
        let path = path.clone();
        thread::spawn(move || (1..=1_000).try_for_each(|number| rewrite(&path, number)))
    };
    app.arrives(1_000).await?;
    writer.join().expect("the writer does not panic")?;
    rewrite(&path, 1_001)?;
    app.arrives(1_001).await
}

/// Writes in two halves; returns the longest time for which the file may have been quiet.
fn slowly(path: &Path, text: &str, pause: Duration) -> std::io::Result<Duration> {
    let (first, second) = text.split_at(text.len() / 2);
    let began = Instant::now();
    let mut file = File::create(path)?;
    file.write_all(first.as_bytes())?;
    thread::sleep(pause);
    file.write_all(second.as_bytes())?;
    drop(file);
    Ok(began.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_06_slow_writer() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..TRIES as u32 {
        let (path, before) = (path.clone(), app.generation());
        let save = move || slowly(&path, &text("app", 2 * number), Duration::from_millis(400));
        let quiet = tokio::task::spawn_blocking(save).await??;
        // A second of silence is taken for the end, so a pause that became that long shows nothing.
        if quiet > Duration::from_millis(900) {
            app.arrives(2 * number).await?;
            continue;
        }
        app.arrives(2 * number).await?;
        replace(&directory.path().join("app.toml"), 2 * number + 1)?;
        app.arrives(2 * number + 1).await?;
        assert_eq!(app.generation(), before + 2, "half of a file was published");
        return Ok(());
    }
    Err("this machine is too busy to write a file within 900 ms".into())
}

/// A document that tells its own end is not published in halves, however long the pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_06_slow_writer_of_json() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.json");
    let text = |number: u32| {
        let line = |line: &String| line.replacen("app_", "\"app_", 1).replace(" = ", "\": ");
        format!("{{{}}}", lines("app", number).iter().map(line).collect::<Vec<_>>().join(","))
    };
    fs::write(&path, text(0))?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=2 {
        let (path, text) = (path.clone(), text(number));
        let save = move || slowly(&path, &text, Duration::from_secs(2));
        tokio::task::spawn_blocking(save).await??;
        app.arrives(number).await?;
        assert_eq!(app.generation(), u64::from(number) + 1);
    }
    Ok(())
}

/// Saves in three cycles of open, write and close; returns the longest time between two of them.
fn in_cycles(path: &Path, number: u32, pause: Duration) -> std::io::Result<Duration> {
    let mut longest = Duration::ZERO;
    let mut began = Instant::now();
    for (cycle, part) in lines("app", number).chunks(10).enumerate() {
        if cycle > 0 {
            thread::sleep(pause);
        }
        let mut file =
            if cycle == 0 { File::create(path)? } else { OpenOptions::new().append(true).open(path)? };
        file.write_all(part.concat().as_bytes())?;
        longest = longest.max(began.elapsed());
        began = Instant::now();
    }
    Ok(longest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_07_several_cycles_of_open_and_close() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    let mut number = 0;
    for pause in [0, 10, 30].map(Duration::from_millis) {
        let (mut shown, mut tries) = (0, 0);
        while shown < 5 {
            tries += 1;
            assert!(tries < TRIES, "this machine is too busy to write a file within {pause:?} and a little");
            // A file that changes again soon after it was looked at is waited for anyway.
            thread::sleep(Duration::from_millis(150));
            let before = app.generation();
            number += 2;
            let longest = in_cycles(&path, number, pause)?;
            app.arrives(number).await?;
            replace(&path, number + 1)?;
            app.arrives(number + 1).await?;
            // From 50 ms on, a pause is taken for the end.
            if longest < Duration::from_millis(45) {
                assert_eq!(app.generation(), before + 2, "a part was published, at a pause of {pause:?}");
                shown += 1;
            }
        }
    }
    Ok(())
}

/// As an editor does that opens and closes the file once more after it has saved.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_07_closed_twice() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=10 {
        rewrite(&path, number)?;
        drop(OpenOptions::new().append(true).open(&path)?);
        app.arrives(number).await?;
    }
    assert_eq!(app.generation(), 11);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_08_overwritten_in_place() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 1000)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1001..=1005 {
        let text = text("app", number);
        let (first, second) = text.split_at(text.len() / 2);
        let file = OpenOptions::new().write(true).open(&path)?;
        file.write_all_at(first.as_bytes(), 0)?;
        thread::sleep(Duration::from_millis(100));
        file.write_all_at(second.as_bytes(), first.len() as u64)?;
        drop(file);
        app.arrives(number).await?;
    }
    assert_eq!(app.generation(), 6, "old and new lines were mixed");
    Ok(())
}

/// As vim does: the old file is moved away, and the new one written under its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_09_path_missing_while_it_is_saved() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    let backup = directory.path().join("app.toml~");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=6 {
        fs::write(directory.path().join("4913"), "")?;
        fs::remove_file(directory.path().join("4913"))?;
        fs::rename(&path, &backup)?;
        if number % 2 == 0 {
            thread::sleep(Duration::from_millis(200));
        }
        rewrite(&path, number)?;
        fs::remove_file(&backup)?;
        app.arrives(number).await?;
    }
    assert_eq!(app.generation(), 7);

    fs::remove_file(&path)?;
    app.is_refused("not_found").await;
    assert_eq!(app.config.status().sources[0].state, SourceState::Interrupted);
    assert_eq!(app.generation(), 7, "the last good value stays");
    rewrite(&path, 7)?;
    app.arrives(7).await?;
    app.until("all is well", |status| status.is_healthy()).await;
    assert_eq!(app.config.status().sources[0].state, SourceState::Watching);
    Ok(())
}

/// The time of modification goes back, or stays as it was, and so does the size.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_21_time_of_modification_goes_back() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 1000)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    same_times(&mut app, &path, 1001..1021).await?;
    assert_eq!(app.generation(), 21);
    Ok(())
}

/// Content of the same size with a time that was there before, in place and by rename.
pub(crate) async fn same_times(app: &mut Followed, path: &Path, numbers: std::ops::Range<u32>) -> Outcome {
    let modified = fs::metadata(path)?.modified()?;
    for number in numbers {
        let time = match number % 3 {
            0 => modified - Duration::from_secs(3600),
            _ => modified,
        };
        let beside = path.with_extension("beside");
        let target = if number % 2 == 0 { path } else { &beside };
        let mut file = File::create(target)?;
        file.write_all(text("app", number).as_bytes())?;
        file.set_times(FileTimes::new().set_modified(time))?;
        drop(file);
        if number % 2 != 0 {
            fs::rename(&beside, path)?;
        }
        assert_eq!(fs::metadata(path)?.modified()?, time);
        app.arrives(number).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_24_changed_while_it_is_loaded() -> Outcome {
    for save in [rewrite, replace] {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("app.toml");
        for number in 1..=50 {
            rewrite(&path, 0)?;
            let writer = {
                let path = path.clone();
                thread::spawn(move || {
                    // From before the first watch to after the first look.
                    thread::sleep(Duration::from_micros(u64::from(number) * 20));
                    save(&path, number)
                })
            };
            // Nothing is accepted that is empty, so a start may fall into the moment in which the file is.
            let started = loop {
                match Followed::start(by_events().file(&path)).await {
                    Err(error) if error.report().violations()[0].code() == "empty" => {}
                    started => break started,
                }
            };
            started?.arrives(number).await?;
            writer.join().expect("the writer does not panic")?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_33_one_save_is_told_once() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (path, draft) = (directory.path().join("app.toml"), directory.path().join("draft"));
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    for number in 1..=10 {
        fs::write(&draft, text("app", number))?;
        run(&[Path::new("cp"), &draft, &path])?;
        let change = crate::in_time(app.changes.changed()).await?;
        assert_eq!(change.current()["app_00"], number);
        assert_eq!(change.generation(), u64::from(number) + 1);
    }
    // The same bytes again are no change, and neither is a touch.
    run(&[Path::new("cp"), &draft, &path])?;
    run(&[Path::new("touch"), &path])?;
    rewrite(&path, 11)?;
    let change = crate::in_time(app.changes.changed()).await?;
    assert_eq!((change.current()["app_00"], change.generation()), (11, 12));
    assert_eq!(app.attempts(), 12, "no save is looked at twice");
    Ok(())
}
