//! Volumes that are swapped as a whole, as kubelet does it with a ConfigMap.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use reloadable::testing;

use crate::{App, Followed, Outcome, assert_whole, by_events, text_for};

/// A volume whose files all have one number.
struct Volume {
    volume: testing::Volume,
    mount: PathBuf,
    names: &'static [&'static str],
}

impl Volume {
    fn create(mount: PathBuf, names: &'static [&'static str]) -> std::io::Result<Self> {
        let mut volume = Self { volume: testing::Volume::mount(&mount)?, mount, names };
        volume.publish(0)?;
        Ok(volume)
    }

    fn publish(&mut self, number: u32) -> std::io::Result<()> {
        self.volume.publish(self.names.iter().map(|name| (name, text_for(name.as_ref(), number))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_02_config_map_swapped() -> Outcome {
    let directory = tempfile::tempdir()?;
    let mut volume = Volume::create(directory.path().join("config"), &["app.toml"])?;
    let mut app = Followed::start(by_events().file(volume.mount.join("app.toml"))).await?;
    for number in 1..=5 {
        volume.publish(number)?;
        app.arrives(number).await?;
    }
    assert_eq!(app.generation(), 6);
    Ok(())
}

/// The config is a link into the volume, through a link to the volume.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_02_config_map_swapped_behind_three_levels_of_links() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    let mut volume = Volume::create(root.join("pod/volumes/config"), &["app.toml"])?;
    fs::create_dir(root.join("etc"))?;
    symlink("pod/volumes", root.join("mnt"))?;
    symlink("../mnt/config/app.toml", root.join("etc/app.toml"))?;
    let mut app = Followed::start(by_events().file(root.join("etc/app.toml"))).await?;
    for number in 1..=5 {
        volume.publish(number)?;
        app.arrives(number).await?;
    }
    assert_eq!(app.generation(), 6);
    Ok(())
}

/// Swaps as fast as it goes, and compares all that is ever in force.
async fn never_mixed(mut app: Followed, mut volume: Volume) -> Outcome {
    const SWAPS: u32 = 200;
    let done = Arc::new(AtomicBool::new(false));
    let observer = {
        let (mut reader, done) = (app.config.reader(), Arc::clone(&done));
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                is_of_one_version(reader.get());
                thread::sleep(Duration::from_micros(50));
            }
        })
    };
    let writer = thread::spawn(move || {
        for number in 1..=SWAPS {
            volume.publish(number)?;
            // Now and then one swap follows the other while the first is still being read.
            if number % 3 == 0 {
                thread::sleep(Duration::from_micros(u64::from(number) * 20));
            }
        }
        Ok::<_, std::io::Error>(volume)
    });
    while app.changes.seen()["a_00"] != SWAPS {
        is_of_one_version(crate::in_time(app.changes.changed()).await?.current());
    }
    let mut volume = writer.join().expect("the writer does not panic")?;
    done.store(true, Ordering::Relaxed);
    observer.join().expect("every snapshot is of one version");
    let before = app.generation();
    volume.publish(SWAPS + 1)?;
    app.arrives_in("a", SWAPS + 1).await?;
    is_of_one_version(app.changes.seen());
    assert_eq!(app.generation(), before + 1);
    Ok(())
}

fn is_of_one_version(app: &App) {
    assert_whole(app);
    let versions: BTreeSet<_> = app.values().collect();
    assert_eq!(versions.len(), 1, "mixed: {versions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_directory_of_three_keys_is_never_mixed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let volume = Volume::create(directory.path().join("config"), &["a.toml", "b.toml", "c.toml"])?;
    let app = Followed::start(by_events().directory(&volume.mount, "*.toml")).await?;
    assert_eq!(app.config.load().len(), 90);
    never_mixed(app, volume).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_files_of_one_config_map_are_never_mixed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let volume = Volume::create(directory.path().join("config"), &["a.toml", "b.toml"])?;
    let builder = by_events().file(volume.mount.join("a.toml")).file(volume.mount.join("b.toml"));
    let app = Followed::start(builder).await?;
    assert_eq!(app.config.load().len(), 60);
    never_mixed(app, volume).await
}

/// The keys come and go with the versions, of which each has those that its number says.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keys_come_and_go() -> Outcome {
    let directory = tempfile::tempdir()?;
    let mut volume = Volume::create(directory.path().join("config"), &["a.toml", "b.toml"])?;
    let mut app = Followed::start(by_events().directory(&volume.mount, "*.toml")).await?;
    for number in 1..=20 {
        volume.names = if number % 2 == 0 { &["a.toml", "b.toml"] } else { &["a.toml", "c.toml", "d.toml"] };
        volume.publish(number)?;
        while app.changes.seen().len() != 30 * volume.names.len() || app.changes.seen()["a_00"] != number {
            is_of_one_version(crate::in_time(app.changes.changed()).await?.current());
        }
    }
    Ok(())
}
