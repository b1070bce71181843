//! Ours, and what people write by hand: each reads the file when it is told to, decodes it, stores the value where
//! readers find it, and wakes a task.
//!
//! Those by hand get what they need to survive the ways to save that are measured here: they watch the directory and
//! not the file, know that `..data` stands for it, watch the directory above, and watch the directory anew once another
//! one took its place. They still do not see what only the last one does: a symlink that leads out of the directory, a
//! directory further up that is swapped, a lost event (none of them looks again by itself, or after the kernel's queue
//! overflowed), a write after the watch limit was reached. They also publish what a look finds, torn or not, as long
//! as it can be decoded.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use inotify::{EventMask, Inotify, WatchMask};
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use reloadable::{Reloadable, Reloader};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::saves::{DATA, DIRECTORY, FILE, Place};

/// What is configured; by its number a save is known again.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct App {
    number: u64,
    server: Server,
    limits: BTreeMap<String, u64>,
    #[reload(key = "name")]
    routes: Vec<Route>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Server {
    name: String,
    address: String,
    workers: u16,
    verbose: bool,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Route {
    name: String,
    upstream: String,
    timeout: f64,
}

/// The text of a file with about 40 keys. Numbers of as many digits make texts of the same length.
pub fn text(number: u64) -> String {
    let mut text = format!(
        "# The configuration of a server.\nnumber = {number}\n\n[server]\nname = \"the first of two\"\n\
         address = \"127.0.0.1:8080\"\nworkers = 16\nverbose = false\n\n[limits]\n"
    );
    for limit in 0..16 {
        text += &format!("requests_of_group_{limit:02} = {}\n", 1_000 + limit);
    }
    for route in 0..6 {
        text += &format!(
            "\n[[routes]]\nname = \"route {route}\"\nupstream = \"http://upstream-{route}.internal:9000/api\"\n\
             timeout = 2.5\n"
        );
    }
    text
}

/// When a task that waited was running, and with which number.
pub type Arrival = (u64, Instant);

/// One way to follow a file. Dropped, it stops.
pub struct Competitor {
    pub arrivals: mpsc::Receiver<Arrival>,
    _watcher: Box<dyn Any>,
}

pub type Start = fn(&Handle, &Place) -> Result<Competitor, Box<dyn Error>>;

/// The first is what the last is compared with.
pub const ALL: [(&str, Start); 4] = [
    ("inotify by hand", inotify_by_hand),
    ("notify callback", notify_callback),
    ("debouncer, 50 ms", debouncer),
    ("reloadable", ours),
];

fn ours(tasks: &Handle, place: &Place) -> Result<Competitor, Box<dyn Error>> {
    let config = tasks.block_on(Reloader::<App>::builder().file(place.file()).start())?;
    let mut changes = config.subscribe();
    let (sender, arrivals) = mpsc::channel();
    tasks.spawn(async move {
        while let Ok(change) = changes.changed().await {
            let awake = Instant::now();
            if sender.send((change.current().number, awake)).is_err() {
                return;
            }
        }
    });
    Ok(Competitor { arrivals, _watcher: Box::new(config) })
}

/// What those by hand share: the value in force, and who waits for the next one.
struct Published {
    file: PathBuf,
    current: ArcSwap<App>,
    woken: watch::Sender<()>,
}

impl Published {
    fn new(tasks: &Handle, place: &Place) -> Result<(Arc<Self>, mpsc::Receiver<Arrival>), Box<dyn Error>> {
        let file = place.file();
        let current = ArcSwap::from_pointee(toml::from_str(&fs::read_to_string(&file)?)?);
        let (woken, mut wakes) = watch::channel(());
        let published = Arc::new(Self { file, current, woken });
        let (sender, arrivals) = mpsc::channel();
        let reader = Arc::downgrade(&published);
        tasks.spawn(async move {
            while wakes.changed().await.is_ok() {
                let awake = Instant::now();
                let Some(published) = reader.upgrade() else { return };
                if sender.send((published.current.load().number, awake)).is_err() {
                    return;
                }
            }
        });
        Ok((published, arrivals))
    }

    /// What cannot be read or decoded is passed over: there will be another event once it can.
    fn look(&self) {
        let Ok(text) = fs::read_to_string(&self.file) else { return };
        let Ok(app) = toml::from_str(&text) else { return };
        self.current.store(Arc::new(app));
        self.woken.send_replace(());
    }
}

fn inotify_by_hand(tasks: &Handle, place: &Place) -> Result<Competitor, Box<dyn Error>> {
    let (published, arrivals) = Published::new(tasks, place)?;
    let place = place.clone();
    let mut inotify = Inotify::init()?;
    let mut watches = inotify.watches();
    let above = watches.add(&place.root, WatchMask::MOVED_TO)?;
    let mask = WatchMask::CLOSE_WRITE | WatchMask::MOVED_TO;
    let mut inside = watches.add(place.directory(), mask)?;
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(events) = inotify.read_events_blocking(&mut buffer) {
            let (mut look, mut moved) = (false, false);
            for event in events {
                let name = event.name.and_then(OsStr::to_str);
                if event.wd == above {
                    // The kernel's last word on a watch: the root was removed, and the measurement is over.
                    if event.mask.contains(EventMask::IGNORED) {
                        return;
                    }
                    moved |= name == Some(DIRECTORY);
                } else if event.wd == inside {
                    look |= matches!(name, Some(FILE | DATA));
                }
            }
            if moved {
                let _ = watches.remove(inside.clone());
                let Ok(anew) = watches.add(place.directory(), mask) else { continue };
                inside = anew;
            }
            if look || moved {
                published.look();
            }
        }
    });
    // It ends with its directory.
    Ok(Competitor { arrivals, _watcher: Box::new(()) })
}

fn notify_callback(tasks: &Handle, place: &Place) -> Result<Competitor, Box<dyn Error>> {
    let (published, arrivals) = Published::new(tasks, place)?;
    let (swaps, swapped) = mpsc::channel();
    let (file, data, directory) = (place.file(), place.directory().join(DATA), place.directory());
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // The last path is the one that is there now.
        let Some(path) = event.paths.last() else { return };
        let complete = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => *path == file,
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
                *path == file || *path == data || *path == directory
            }
            _ => false,
        };
        if complete {
            published.look();
            if *path == directory {
                let _ = swaps.send(());
            }
        }
    })?;
    let watcher = rewatched(watcher, place, swapped)?;
    Ok(Competitor { arrivals, _watcher: Box::new(watcher) })
}

fn debouncer(tasks: &Handle, place: &Place) -> Result<Competitor, Box<dyn Error>> {
    let (published, arrivals) = Published::new(tasks, place)?;
    let (swaps, swapped) = mpsc::channel();
    let (file, data, directory) = (place.file(), place.directory().join(DATA), place.directory());
    let watcher = new_debouncer(Duration::from_millis(50), None, move |events: DebounceEventResult| {
        let Ok(events) = events else { return };
        let names = |path: &Path| {
            events.iter().any(|event| {
                // It joins the two halves of a rename, and a creation with the writes after it.
                let changes = matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_));
                changes && event.paths.last().is_some_and(|last| last == path)
            })
        };
        let moved = names(&directory);
        if moved || names(&file) || names(&data) {
            published.look();
        }
        if moved {
            let _ = swaps.send(());
        }
    })?;
    let watcher = rewatched(watcher, place, swapped)?;
    Ok(Competitor { arrivals, _watcher: Box::new(watcher) })
}

trait Watches: Send + 'static {
    fn watch_directory(&mut self, directory: &Path) -> notify::Result<()>;
    fn unwatch_directory(&mut self, directory: &Path) -> notify::Result<()>;
}

impl Watches for RecommendedWatcher {
    fn watch_directory(&mut self, directory: &Path) -> notify::Result<()> {
        self.watch(directory, RecursiveMode::NonRecursive)
    }

    fn unwatch_directory(&mut self, directory: &Path) -> notify::Result<()> {
        self.unwatch(directory)
    }
}

impl Watches for Debouncer<RecommendedWatcher, RecommendedCache> {
    fn watch_directory(&mut self, directory: &Path) -> notify::Result<()> {
        self.watch(directory, RecursiveMode::NonRecursive)
    }

    fn unwatch_directory(&mut self, directory: &Path) -> notify::Result<()> {
        self.unwatch(directory)
    }
}

/// Watches the directory and the one above, and the directory anew after each swap: on a thread of its own, since a
/// callback that asks its own watcher for something waits for itself.
fn rewatched<W: Watches>(
    mut watcher: W,
    place: &Place,
    swapped: mpsc::Receiver<()>,
) -> notify::Result<Arc<Mutex<W>>> {
    let directory = place.directory();
    watcher.watch_directory(&place.root)?;
    watcher.watch_directory(&directory)?;
    let watcher = Arc::new(Mutex::new(watcher));
    let weak: Weak<Mutex<W>> = Arc::downgrade(&watcher);
    thread::spawn(move || {
        for () in swapped {
            let Some(watcher) = weak.upgrade() else { return };
            let Ok(mut watcher) = watcher.lock() else { return };
            // It has forgotten the old one by itself where it saw it go.
            let _ = watcher.unwatch_directory(&directory);
            let _ = watcher.watch_directory(&directory);
        }
    });
    Ok(watcher)
}
