//! Five kinds of writer at full speed on one file. Every snapshot that is published must be one that a writer wrote as a
//! whole, and the last one must be what the file holds in the end.
//!
//! `RELOADABLE_TORTURE_SECONDS` says how long each writer writes, 1 unless set. `RELOADABLE_TORTURE_STRICT` is for a
//! machine that does nothing else: then the final content must be in force within 60 ms of the last write, and there is
//! no excuse for a torn snapshot. Without it there is one: the threads here were seen to stand still for 20 ms or more
//! just before. A writer that stands still between two of its steps for longer than any quiet period cannot be told from
//! one that is done.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use reloadable::{Reloadable, Reloader, Snapshot};
use serde::Deserialize;

type Outcome = Result<(), Box<dyn Error>>;

/// Far above what it takes, so that only a test that fails ever waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// What is promised of a machine that has nothing else to do.
const PROMISED: Duration = Duration::from_millis(60);

/// How long the slow writer rests after each line.
const REST: Duration = Duration::from_millis(2);

/// A thread that takes longer for its next step did not get its turn: the shortest quiet period that is relied on.
const STALL: Duration = Duration::from_millis(20);

/// How long before a torn snapshot a stall may have ended to be its cause.
const AFTERMATH: Duration = Duration::from_millis(200);

/// No key is required, so that nothing but the watcher stands between a torn file and the application.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct App {
    first: Option<u64>,
    key_01: Option<String>,
    key_02: Option<String>,
    key_03: Option<String>,
    key_04: Option<String>,
    key_05: Option<String>,
    key_06: Option<String>,
    key_07: Option<String>,
    key_08: Option<String>,
    key_09: Option<String>,
    key_10: Option<String>,
    key_11: Option<String>,
    key_12: Option<String>,
    key_13: Option<String>,
    key_14: Option<String>,
    key_15: Option<String>,
    key_16: Option<String>,
    key_17: Option<String>,
    key_18: Option<String>,
    key_19: Option<String>,
    key_20: Option<String>,
    key_21: Option<String>,
    key_22: Option<String>,
    key_23: Option<String>,
    key_24: Option<String>,
    key_25: Option<String>,
    key_26: Option<String>,
    key_27: Option<String>,
    key_28: Option<String>,
    key_29: Option<String>,
    key_30: Option<String>,
    last: Option<u64>,
}

const KEYS: u64 = 30;

impl App {
    fn is_torn(&self) -> bool {
        self.first.is_none() || self.first != self.last
    }
}

/// The lines of a version. Versions differ in their length by up to a tenth, so that a complete file may well be shorter
/// than the one before.
fn lines(version: u64) -> Vec<String> {
    let mut lines = vec![format!("first = {version}\n")];
    for key in 1..=KEYS {
        let filling = "x".repeat(20 + (version * 7 % 5) as usize);
        lines.push(format!("key_{key:02} = \"{filling} {version}\"\n"));
    }
    lines.push(format!("last = {version}\n"));
    lines
}

fn text(version: u64) -> String {
    lines(version).concat()
}

/// When threads of this test stood still: from when to when.
type Stalls = Arc<Mutex<Vec<(Instant, Instant)>>>;

/// Finds out when a thread did not get its turn.
struct Pulse {
    last: Instant,
    stalls: Stalls,
}

impl Pulse {
    fn new(stalls: &Stalls) -> Self {
        Self { last: Instant::now(), stalls: Arc::clone(stalls) }
    }

    /// Between two of these nothing takes long by itself.
    fn beat(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.last) >= STALL {
            locked(&self.stalls).push((self.last, now));
        }
        self.last = now;
    }
}

/// Saves a version of the file.
type Save = fn(&Path, u64, &mut Pulse) -> std::io::Result<()>;

fn rewrite(path: &Path, version: u64, pulse: &mut Pulse) -> std::io::Result<()> {
    fs::write(path, text(version))?;
    pulse.beat();
    Ok(())
}

fn line_by_line(path: &Path, version: u64, pulse: &mut Pulse) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for line in lines(version) {
        file.write_all(line.as_bytes())?;
        thread::sleep(REST);
        pulse.beat();
    }
    Ok(())
}

/// A third of the lines at a time. The file that each cycle leaves is valid: only what follows shows that it was not
/// complete.
fn several_cycles(path: &Path, version: u64, pulse: &mut Pulse) -> std::io::Result<()> {
    let lines = lines(version);
    let mut parts = lines.chunks(lines.len().div_ceil(3));
    fs::write(path, parts.next().unwrap_or_default().concat())?;
    pulse.beat();
    for part in parts {
        OpenOptions::new().append(true).open(path)?.write_all(part.concat().as_bytes())?;
        pulse.beat();
    }
    Ok(())
}

fn replace(path: &Path, version: u64, pulse: &mut Pulse) -> std::io::Result<()> {
    let beside = path.with_extension("beside");
    fs::write(&beside, text(version))?;
    fs::rename(beside, path)?;
    pulse.beat();
    Ok(())
}

#[test]
fn whole_file_rewrite() -> Outcome {
    torture("whole-file rewrite", 1, rewrite)
}

#[test]
fn line_by_line_with_pauses() -> Outcome {
    torture("line by line, with pauses", 1, line_by_line)
}

#[test]
fn several_open_and_close_cycles() -> Outcome {
    torture("several open and close cycles", 1, several_cycles)
}

#[test]
fn atomic_replace() -> Outcome {
    torture("atomic replace", 1, replace)
}

/// What two writers who truncate and write leave in the end may be a mixture of both, so that one of them saves once more
/// when the other is done.
#[test]
fn two_writers_of_the_same_file() -> Outcome {
    torture("two writers of the same file", 2, rewrite)
}

/// What was seen of the snapshots that were published. Both that wait and that poll put it in here.
#[derive(Debug, Default)]
struct Seen {
    /// By generation: what it holds and when it was seen, if it is torn.
    snapshots: BTreeMap<u64, Option<(String, Instant)>>,
    /// The newest, with the number in its last line and when it was seen first.
    newest: Option<(u64, Option<u64>, Instant)>,
}

impl Seen {
    fn see(&mut self, snapshot: &Snapshot<App>) {
        let (generation, first, last) = (snapshot.generation(), snapshot.first, snapshot.last);
        let torn = format!("generation {generation}: first {first:?}, last {last:?}");
        let torn = snapshot.is_torn().then(|| (torn, Instant::now()));
        self.snapshots.entry(generation).or_insert(torn);
        if self.newest.is_none_or(|(newest, ..)| newest < generation) {
            self.newest = Some((generation, last, Instant::now()));
        }
    }

    /// Returns those that are torn: how many there are, and what those hold for which no stall is an excuse.
    fn torn(&self, stalls: &[(Instant, Instant)]) -> (usize, Vec<&str>) {
        let is_excused = |seen: Instant| {
            stalls.iter().any(|(begin, end)| *begin <= seen && seen.duration_since(*end) <= AFTERMATH)
        };
        let torn: Vec<_> = self.snapshots.values().flatten().collect();
        let unexcused = torn.iter().filter(|(_, seen)| is_strict() || !is_excused(*seen));
        (torn.len(), unexcused.map(|(torn, _)| torn.as_str()).collect())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One after the other: five at once would be slower than any of them is meant to be.
static ALONE: Mutex<()> = Mutex::new(());

fn torture(name: &str, writers: u64, save: Save) -> Outcome {
    let _alone = locked(&ALONE);
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    let stalls = Stalls::default();
    fs::write(&path, text(0))?;
    let config = Reloader::<App>::builder().file(&path).start_blocking()?;
    let (seen, ended) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));

    let mut changes = config.subscribe();
    let told = {
        let seen = Arc::clone(&seen);
        thread::spawn(move || {
            while let Ok(change) = changes.blocking_changed() {
                locked(&seen).see(change.snapshot());
            }
        })
    };
    let mut reader = config.reader();
    let polled = {
        let (seen, ended) = (Arc::clone(&seen), Arc::clone(&ended));
        let mut pulse = Pulse::new(&stalls);
        thread::spawn(move || {
            let mut generation = 0;
            while !ended.load(Ordering::Relaxed) {
                let snapshot = reader.snapshot();
                if snapshot.generation() != generation {
                    generation = snapshot.generation();
                    locked(&seen).see(&snapshot);
                }
                thread::park_timeout(Duration::from_micros(200));
                pulse.beat();
            }
        })
    };

    let (version, end) = (Arc::new(AtomicU64::new(0)), Instant::now() + seconds()?);
    let writing: Vec<_> = (0..writers)
        .map(|_| {
            let (version, path, mut pulse) = (Arc::clone(&version), path.clone(), Pulse::new(&stalls));
            thread::spawn(move || {
                // The version is counted before it is written: the numbers of two writers then differ.
                while Instant::now() < end {
                    save(&path, version.fetch_add(1, Ordering::Relaxed) + 1, &mut pulse)?;
                }
                Ok::<_, std::io::Error>(())
            })
        })
        .collect();
    for writer in writing {
        writer.join().map_err(|_| "a writer panicked")??;
    }
    if writers > 1 {
        save(&path, version.fetch_add(1, Ordering::Relaxed) + 1, &mut Pulse::new(&stalls))?;
    }
    let (written, saves) = (Instant::now(), version.load(Ordering::Relaxed));

    // The last save has the highest version, whoever wrote it.
    let converged = loop {
        let newest = locked(&seen).newest;
        match newest {
            Some((_, last, at)) if last == Some(saves) => break Some(at.saturating_duration_since(written)),
            _ if written.elapsed() > DEADLINE => break None,
            _ => {}
        }
        thread::park_timeout(Duration::from_millis(1));
    };
    let published = config.snapshot().generation();
    config.blocking_shutdown();
    ended.store(true, Ordering::Relaxed);
    told.join().map_err(|_| "the subscriber panicked")?;
    polled.join().map_err(|_| "the reader panicked")?;

    let (seen, stalls) = (locked(&seen), locked(&stalls));
    let (torn, unexcused) = seen.torn(&stalls);
    println!(
        "{name}: {saves} saves, {published} snapshots, {} of them looked at, {torn} torn, {} stalls, right {}",
        seen.snapshots.len(),
        stalls.len(),
        converged.map_or("never".to_owned(), |time| format!("after {:.1} ms", time.as_secs_f64() * 1e3))
    );
    assert!(unexcused.is_empty(), "{name}: {unexcused:#?}");
    let converged = converged.ok_or("the final content was not in force in time")?;
    assert!(!is_strict() || converged <= PROMISED, "{name}: it took {converged:?}");
    Ok(())
}

fn is_strict() -> bool {
    std::env::var_os("RELOADABLE_TORTURE_STRICT").is_some()
}

fn seconds() -> Result<Duration, Box<dyn Error>> {
    match std::env::var("RELOADABLE_TORTURE_SECONDS") {
        Ok(seconds) => Ok(Duration::try_from_secs_f64(seconds.parse()?)?),
        Err(_) => Ok(Duration::from_secs(1)),
    }
}
