//! A disk that does not play along, and writers that are killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::*;

#[tokio::test]
async fn a_directory_that_is_gone_is_made_again() -> Outcome {
    let place = Place::new()?;
    place.write("workers = 4\n")?;
    let config = in_time(place.builder().start()).await?;
    until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
    let saved_at = last_good(&config.status()).saved_at;
    fs::remove_dir_all(place.path("state"))?;
    place.write("workers = 5\n")?;
    until(&config, "it is saved", |status| last_good(status).saved_at != saved_at).await;
    assert!(fs::read_to_string(place.set())?.contains("workers = 5"));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_saved_is_told_and_holds_nothing_up() -> Outcome {
    let place = Place::new()?;
    place.write("workers = 4\n")?;
    fs::write(place.path("state"), "a file in the way")?;
    let config = in_time(place.builder().start()).await?;
    until(&config, "it cannot be saved", |status| last_good(status).last_error.is_some()).await;
    let status = config.status();
    assert!(status.is_healthy() && last_good(&status).saved_at.is_none());
    let error = last_good(&status).last_error.as_ref().ok_or("there is one")?.to_string();
    assert!(
        error.starts_with("last good set: ") && error.contains("state: it is not a directory"),
        "{error}"
    );

    place.write("workers = 5\n")?;
    until(&config, "it is applied", |status| status.generation == 2).await;
    fs::remove_file(place.path("state"))?;
    place.write("workers = 6\n")?;
    until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
    assert!(last_good(&config.status()).last_error.is_none());
    Ok(())
}

#[tokio::test]
async fn what_could_not_be_saved_is_saved_at_a_later_look() -> Outcome {
    let place = Place::new()?;
    place.write("workers = 4\n")?;
    fs::write(place.path("state"), "a file in the way")?;
    let config = in_time(place.builder().start()).await?;
    until(&config, "it cannot be saved", |status| last_good(status).last_error.is_some()).await;
    fs::remove_file(place.path("state"))?;
    assert_eq!(config.reload().await.name(), "unchanged");
    until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
    assert!(last_good(&config.status()).last_error.is_none());
    Ok(())
}

/// Tells a process that it is the child of a test, and where it works.
const CHILD: &str = "RELOADABLE_LAST_GOOD";

fn child(test: &str, wrapper: &[&str], directory: &Path) -> std::io::Result<Command> {
    let executable = std::env::current_exe()?.into_os_string();
    let mut words = wrapper.iter().map(Into::into).chain([executable]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).args(["--exact", test, "--nocapture"]).env(CHILD, directory);
    command.stdout(Stdio::piped());
    Ok(command)
}

fn run(words: &[&str]) -> bool {
    let status =
        Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The set is on a file system of 64 KiB.
#[tokio::test]
async fn a_disk_that_is_full_leaves_the_old_set() -> Outcome {
    const WRAPPER: [&str; 3] = ["unshare", "--map-root-user", "--mount"];
    let Some(root) = std::env::var_os(CHILD) else {
        if !run(&[&WRAPPER[..], &["true"]].concat()) {
            if std::env::var("RELOADABLE_PRIVILEGED").is_ok_and(|value| value == "required") {
                return Err("`unshare --map-root-user --mount` is refused here".into());
            }
            writeln!(std::io::stderr(), "skipped: `unshare --map-root-user --mount` is refused here")?;
            return Ok(());
        }
        let root = tempfile::tempdir()?;
        let output =
            child("faults::a_disk_that_is_full_leaves_the_old_set", &WRAPPER, root.path())?.output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains(" 1 passed"), "{told}");
        return Ok(());
    };
    let root = Path::new(&root);
    let state = root.join("state");
    fs::create_dir(&state)?;
    let mounted = state.to_str().ok_or("a path that is a text")?;
    assert!(run(&["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", mounted]));
    let file = root.join("app.toml");
    let builder = || {
        Reloader::<App>::builder()
            .file(&file)
            .keep_last_good(LastGood::in_directory(&state))
            .start_policy(StartPolicy::UseLastGood)
    };
    reloadable::atomic_write(&file, "workers = 4\n")?;
    let config = in_time(builder().start()).await?;
    until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
    reloadable::atomic_write(&file, format!("workers = 5\n# {}\n", "x".repeat(100_000)))?;
    until(&config, "the disk is full", |status| last_good(status).last_error.is_some()).await;
    assert_eq!(config.load().workers, 5);
    let told = format!("{:?}", last_good(&config.status()).last_error);
    assert!(told.contains("it was not saved: cannot write"), "{told}");
    assert_eq!(names(&state)?, ["last-good"]);
    // A disk that may only be read is another way of being full.
    assert!(run(&["mount", "-o", "remount,ro", mounted]));
    reloadable::atomic_write(&file, "workers = 6\n")?;
    until(&config, "it is applied", |status| status.generation == 3).await;
    until(&config, "it may only be read", |status| {
        format!("{:?}", last_good(status).last_error).contains("cannot create")
    })
    .await;
    in_time(config.shutdown()).await;

    fs::remove_file(&file)?;
    assert_eq!(in_time(builder().start()).await?.load().workers, 4);
    Ok(())
}

/// The child saves one set after the other until it is killed. Whoever starts next without the file finds one of them.
#[tokio::test]
async fn a_program_that_is_killed_leaves_a_set_to_start_with() -> Outcome {
    const TEST: &str = "faults::a_program_that_is_killed_leaves_a_set_to_start_with";
    if let Some(root) = std::env::var_os(CHILD) {
        let root = Path::new(&root);
        let file = root.join("app.toml");
        let last_good = LastGood::in_directory(root.join("state"));
        let config =
            in_time(Reloader::<App>::builder().file(&file).keep_last_good(last_good).start()).await?;
        until(&config, "it is saved", |status| super::last_good(status).saved_at.is_some()).await;
        writeln!(std::io::stdout(), "\nready")?;
        std::io::stdout().flush()?;
        // It ends also if nobody is there to kill it.
        for number in 0..20_000_usize {
            let workers = number % 100;
            let text =
                format!("workers = {workers}\nname = '{}'\n", workers.to_string().repeat(workers * 50));
            reloadable::atomic_write(&file, text)?;
            config.reload().await;
        }
        return Ok(());
    }
    let place = Place::new()?;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        place.write("workers = 1\nname = '1'\n")?;
        let mut child = child(TEST, &[], place.root.path())?.spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("its output is piped")?).lines();
        assert!(output.any(|line| line.is_ok_and(|line| line == "ready")), "the child has begun");
        let first = fs::read(place.set())?;
        let deadline = std::time::Instant::now() + DEADLINE;
        // Where in a write it is by then, the scheduler decides.
        while fs::read(place.set())? == first {
            assert!(std::time::Instant::now() < deadline, "nothing is saved");
        }
        child.kill()?;
        child.wait()?;
        fs::remove_file(place.path("app.toml"))?;
        let config = in_time(place.builder().start()).await?;
        let App { name, workers, .. } = &*config.load();
        let wanted = workers.to_string().repeat(usize::from(*workers) * 50);
        assert!(*name == wanted || (*workers == 1 && name == "1"), "{workers}: {} bytes", name.len());
        seen.insert(*workers);
        in_time(config.shutdown()).await;
    }
    assert!(!seen.is_empty());
    Ok(())
}
