//! What is promised of sources: that nothing is missed, and that nothing broken comes through.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reloadable::testing::swap_link;
use reloadable::testing::{
    Answer, Rig, RigError, Save, ScriptedSource, TornWrite, Volume, source_conformance,
};
use reloadable::{Builder, Candidate, Format, MemoryHandle, MemorySource, Reloadable, Reloader, Settle};
use reloadable::{SourceErrorKind, SourceState};

use reloadable_tests::on_disk::{OnDisk, What};

use crate::{App, Outcome, eventually, in_memory, in_time, is_alone, text};

/// Longer than any test takes, so that only what was told is looked at.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn promise_01_the_final_content_is_applied_or_refused_and_never_missed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, text(0))?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    for (nth, save) in (1_u32..).zip(Save::ALL) {
        for number in 0..20 {
            save.to(&path, text(1_000 * nth + number))?;
        }
        eventually("the last is in force", || config.load().workers == 1_000 * nth + 19).await;
        save.to(&path, "workers = 100000 # too many\n")?;
        eventually("it is refused", || config.status().last_error.is_some()).await;
        assert_eq!(config.load().workers, 1_000 * nth + 19);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn promise_01_a_change_that_nothing_tells_of_is_found_by_a_resync() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, [text(1)]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    let mut changes = config.subscribe();
    let before = tokio::time::Instant::now();
    script.hold(text(2));
    assert_eq!(in_time(changes.changed()).await?.current().workers, 2);
    assert!(before.elapsed() <= Duration::from_secs(34), "{:?}", before.elapsed());
    Ok(())
}

#[tokio::test]
async fn promise_03_what_is_broken_never_changes_the_running_value() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, text(7))?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let first = config.snapshot();
    let broken: [(&str, &dyn Fn() -> std::io::Result<()>); 7] = [
        ("invalid", &|| fs::write(&path, "workers = 70000\n")),
        ("malformed", &|| fs::write(&path, "workers = \n")),
        ("empty", &|| fs::write(&path, "")),
        ("of another encoding", &|| fs::write(&path, [0xff, 0xfe, 0x00])),
        ("missing", &|| fs::remove_file(&path)),
        ("a directory", &|| fs::create_dir(&path)),
        ("torn", &|| {
            fs::remove_dir(&path)?;
            let mut torn = TornWrite::truncate(&path)?;
            torn.piece("workers = 9\n[limi")?;
            torn.close();
            Ok(())
        }),
    ];
    for (what, spoil) in broken {
        spoil()?;
        let outcome = config.reload().await;
        assert!(!outcome.is_in_force(), "{what}: {outcome}");
        let now = config.snapshot();
        assert!(Arc::ptr_eq(&now, &first) && now.workers == 7 && now.limits.connections == 7, "{what}");
        assert!(!config.status().is_healthy(), "{what}");
    }
    fs::write(&path, text(8))?;
    eventually("it is mended", || config.load().workers == 8).await;
    // Whoever may read everything sees no difference.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000))?;
    if fs::read(&path).is_err() {
        assert!(!config.reload().await.is_in_force());
    }
    assert_eq!(config.load().workers, 8);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn promise_03_a_source_that_hangs_panics_or_fails_changes_nothing() -> Outcome {
    let (source, script) = ScriptedSource::new("app", Format::Toml, [text(1)]);
    let config = Reloader::<App>::builder().source(source).start().await?;
    for answer in [Answer::never(), Answer::panic(), Answer::error(SourceErrorKind::PermissionDenied, "no")] {
        script.replace(answer);
        assert_eq!(in_time(config.reload()).await.name(), "failed");
        assert_eq!((config.load().workers, config.snapshot().generation()), (1, 1));
    }
    script.replace(Answer::documents([]));
    assert_eq!(config.reload().await.name(), "applied", "it is there, and holds no document");
    script.replace(text(2));
    assert!(config.reload().await.is_in_force());
    Ok(())
}

/// Puts a text in place in some way.
type Change<'t> = &'t dyn Fn(&str) -> std::io::Result<()>;

/// Queue overflow and exhausted limits need a process of their own, with privileges; they are tried where watching is.
#[tokio::test]
async fn promise_04_the_watcher_survives_whatever_is_done_to_the_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    fs::create_dir_all(root.join("one"))?;
    fs::create_dir_all(root.join("two"))?;
    fs::write(root.join("one/app.toml"), text(0))?;
    std::os::unix::fs::symlink("one", root.join("current"))?;
    let path = root.join("current/app.toml");
    let config = Reloader::<App>::builder().file(&path).resync(NEVER).start().await?;
    let state = || config.status().sources[0].state;
    assert_eq!(state(), SourceState::Watching);
    let steps: [(&str, Change<'_>); 6] = [
        ("replaced", &|text| Save::Replace.to(&path, text)),
        ("backed up", &|text| Save::Backup.to(&path, text)),
        ("created anew", &|text| {
            fs::remove_file(&path)?;
            fs::write(&path, text)
        }),
        ("a link that is swapped", &|text| {
            fs::write(root.join("two/app.toml"), text)?;
            swap_link(root.join("current"), "two")
        }),
        ("a directory that is swapped", &|text| {
            fs::rename(root.join("two"), root.join("old"))?;
            fs::create_dir(root.join("two"))?;
            fs::write(root.join("two/app.toml"), text)
        }),
        ("written in place", &|text| Save::Overwrite.to(&path, text)),
    ];
    for (number, (what, change)) in (1_u32..).zip(steps) {
        change(&text(number))?;
        eventually(what, || config.load().workers == number).await;
        eventually("it is watched", || state() == SourceState::Watching).await;
    }
    fs::remove_file(&path)?;
    eventually("it says that it is gone", || state() == SourceState::Interrupted).await;
    fs::write(&path, text(100))?;
    eventually("it is back", || config.load().workers == 100 && state() == SourceState::Watching).await;
    config.clone().shutdown().await;
    // And it never ends silently.
    assert_eq!(state(), SourceState::Closed);
    assert!(config.status().last_error.is_some());
    Ok(())
}

#[tokio::test]
async fn promise_04_a_swapped_volume_is_followed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let mut volume = Volume::mount(directory.path().join("etc"))?;
    volume.publish([("app.toml", text(1))])?;
    let config =
        Reloader::<App>::builder().file(volume.path().join("app.toml")).resync(NEVER).start().await?;
    for number in 2..=5 {
        volume.publish([("app.toml", text(number))])?;
        eventually("it is in force", || config.load().workers == number).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn promise_10_there_is_no_gap_between_loading_and_watching() -> Outcome {
    let (builder, document) = in_memory(&text(1));
    // It changes after it was read, and before anybody follows it.
    let editing = Arc::new(Mutex::new(Some(document)));
    let between = Arc::clone(&editing);
    let config = builder
        .resync(NEVER)
        .gate("between", move |candidate: Candidate<App>| {
            if candidate.running().is_none() {
                if let Some(document) = between.lock().ok().as_deref().and_then(Option::as_ref) {
                    document.replace(text(2));
                }
            }
            async { Ok(()) }
        })
        .start()
        .await?;
    assert_eq!(config.snapshot().generation(), 1);
    in_time(async {
        let mut changes = config.subscribe();
        while config.load().workers != 2 {
            changes.changed().await.expect("it is still there");
        }
    })
    .await;
    drop(editing);
    Ok(())
}

#[tokio::test]
async fn promise_10_there_is_no_gap_for_a_file() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    for round in 0..20 {
        fs::write(&path, text(0))?;
        let (edited, edit) = (path.clone(), round % 2 == 0);
        let config = Reloader::<App>::builder()
            .file(&path)
            .settle(Settle::quiet(Duration::from_millis(1)))
            .resync(NEVER)
            .gate("between", move |candidate: Candidate<App>| {
                let written = if candidate.running().is_none() {
                    if edit { fs::write(&edited, text(1)) } else { Save::Replace.to(&edited, text(1)) }
                } else {
                    Ok(())
                };
                async move { Ok(written?) }
            })
            .start()
            .await?;
        eventually("what came between is in force", || config.load().workers == 1).await;
        config.shutdown().await;
    }
    Ok(())
}

struct Memory(Option<MemorySource>, MemoryHandle);

impl Rig for Memory {
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
        match self.0.take() {
            Some(source) => builder.source(source),
            None => builder,
        }
    }

    async fn replace(&mut self, text: &str) -> Result<(), RigError> {
        self.1.replace(text);
        Ok(())
    }

    async fn remove(&mut self) -> Result<(), RigError> {
        self.1.fail(SourceErrorKind::NotFound, "it is gone");
        Ok(())
    }
}

/// Each of our sources passes it in more ways where the battery itself is tested.
#[test]
fn promise_12_every_source_passes_one_conformance_battery() -> Outcome {
    if !is_alone("sources::promise_12_every_source_passes_one_conformance_battery")? {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let memory = async || {
            let (source, handle) = MemorySource::new("memory", Format::Toml, "");
            Memory(Some(source), handle)
        };
        let not_tried = ["torn_content", "unreadable", "relocated"];
        source_conformance(memory).await.assert_all_but(&not_tried);
        for what in [What::File, What::Directory] {
            let rig = async || OnDisk::new(what, "app.toml", Save::Replace).expect("a directory");
            source_conformance(rig).await.assert();
        }
    });
    Ok(())
}
