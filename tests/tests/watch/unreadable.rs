//! What stands at the path cannot be read or is not accepted: the last good value stays, and the next good one is seen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use reloadable::{Reloadable, Reloader, Reporter};
use serde::Deserialize;

use crate::{Followed, NEVER, Outcome, alone, by_events, in_time, is_alone, replace, rewrite, run, skipped};

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Whoever may read everything notices nothing of permissions, so that right is given up.
#[test]
fn row_27_permissions_taken_and_given() -> Outcome {
    const MODEST: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let directory = tempfile::tempdir()?;
    let probe = directory.path().join("probe");
    fs::write(&probe, "")?;
    set_mode(&probe, 0o000)?;
    let reads_everything = fs::read(&probe).is_ok();
    if reads_everything && !is_alone() && run(&[&MODEST[..], &["true"]].concat()).is_err() {
        return skipped("this user may read everything, and `setpriv` cannot change that");
    }
    let wrapper = if reads_everything { &MODEST[..] } else { &[] };
    alone("unreadable::row_27_permissions_taken_and_given", wrapper, async {
        let path = directory.path().join("app.toml");
        rewrite(&path, 0)?;
        let mut app = Followed::start(by_events().file(&path)).await?;
        for round in 0..3 {
            let number = round * 10;
            set_mode(&path, 0o000)?;
            // A reader has no reason to look again at what has not been written, but may.
            let hidden = path.with_extension("hidden");
            fs::write(&hidden, crate::text("app", number + 1))?;
            set_mode(&hidden, 0o000)?;
            fs::rename(&hidden, &path)?;
            app.is_refused("permission_denied").await;
            assert_eq!(app.config.load()["app_00"], number);
            // Nothing but the mode tells that it can be read now.
            set_mode(&path, 0o644)?;
            app.arrives(number + 1).await?;
            app.until("all is well", |status| status.is_healthy()).await;

            // The same with the directory.
            set_mode(directory.path(), 0o000)?;
            app.config.reload().await;
            app.is_refused("permission_denied").await;
            set_mode(directory.path(), 0o755)?;
            rewrite(&path, number + 10)?;
            app.arrives(number + 10).await?;
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_28_replaced_by_what_is_no_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    rewrite(&path, 0)?;
    let mut app = Followed::start(by_events().file(&path)).await?;
    let beside = directory.path().join("beside");
    for number in 1..=3 {
        run(&[Path::new("mkfifo"), &beside])?;
        fs::rename(&beside, &path)?;
        app.is_refused("wrong_kind").await;
        replace(&path, 10 * number)?;
        app.arrives(10 * number).await?;

        fs::remove_file(&path)?;
        fs::create_dir(&path)?;
        app.is_refused("wrong_kind").await;
        fs::remove_dir(&path)?;
        rewrite(&path, 10 * number + 1)?;
        app.arrives(10 * number + 1).await?;

        // In place, since a file of holes may grow to any size within a moment.
        fs::OpenOptions::new().write(true).open(&path)?.set_len(10 << 30)?;
        app.is_refused("too_large").await;
        rewrite(&path, 10 * number + 2)?;
        app.arrives(10 * number + 2).await?;

        std::os::unix::fs::symlink("/dev/zero", &beside)?;
        fs::rename(&beside, &path)?;
        app.is_refused("wrong_kind").await;
        replace(&path, 10 * number + 3)?;
        app.arrives(10 * number + 3).await?;
    }
    assert_eq!(app.generation(), 13);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_28_a_file_of_a_directory_that_is_no_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    rewrite(&directory.path().join("a.toml"), 0)?;
    let mut app = Followed::start(by_events().directory(directory.path(), "*.toml")).await?;
    for number in 1..=3 {
        run(&[Path::new("mkfifo"), &directory.path().join("b.toml")])?;
        app.is_refused("wrong_kind").await;
        fs::remove_file(directory.path().join("b.toml"))?;
        app.until("all is well", |status| status.is_healthy()).await;
        rewrite(&directory.path().join("a.toml"), number)?;
        app.arrives_in("a", number).await?;
    }
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable)]
#[reload(validate = Self::check)]
struct Touchy {
    number: u32,
}

impl Touchy {
    fn check(&self, _: &mut Reporter<'_>) {
        assert!(self.number % 2 == 0, "a validator panicked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_31_validator_that_panics() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, "number = 0\n")?;
    let config = in_time(Reloader::<Touchy>::builder().file(&path).resync(NEVER).start()).await?;
    let mut changes = config.subscribe();
    let mut statuses = config.subscribe_status();
    for round in 1..=5 {
        fs::write(&path, format!("number = {}\n", 2 * round - 1))?;
        while in_time(statuses.changed())
            .await?
            .last_report()
            .is_none_or(|report| report.violations()[0].code() != "panic")
        {}
        assert_eq!(config.load().number, 2 * (round - 1));
        fs::write(&path, format!("number = {}\n", 2 * round))?;
        assert_eq!(in_time(changes.changed()).await?.current().number, 2 * round);
    }
    assert_eq!(config.snapshot().generation(), 6);
    Ok(())
}
