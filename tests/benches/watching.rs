//! What it costs to watch very much, to look at all of it although nothing happened, and to do nothing.
//!
//! Each is measured in a process of its own, beside a process that only reads the same files by hand. `-- --test` goes
//! through it once with little, `-- idle tree` takes only what is named so, and `RELOADABLE_BENCH_IDLE_SECONDS` says how
//! long an idle reloader is watched.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use reloadable::{ReloadOutcome, Reloader};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;
type Numbers = BTreeMap<String, u32>;

/// Asks this program for one measurement.
const MEASURE: &str = "RELOADABLE_BENCH_MEASURE";

/// So many looks are taken by hand and by the clock.
const LOOKS: u32 = 10;

/// How much there is to measure.
struct Size {
    files: usize,
    directories: usize,
    resyncs: [usize; 2],
    resync_period: Duration,
    idle: Duration,
}

impl Size {
    const FULL: Self = Self {
        files: 10_000,
        directories: 10_000,
        resyncs: [10_000, 100_000],
        resync_period: Duration::from_secs(3),
        idle: Duration::from_secs(60),
    };
    const TEST: Self = Self {
        files: 100,
        directories: 100,
        resyncs: [100, 200],
        resync_period: Duration::from_millis(50),
        idle: Duration::from_secs(1),
    };
}

fn main() -> Outcome {
    if let Ok(what) = std::env::var(MEASURE) {
        return measure(&what);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = if arguments.iter().any(|argument| argument == "--test") { Size::TEST } else { Size::FULL };
    let idle = match std::env::var("RELOADABLE_BENCH_IDLE_SECONDS") {
        Ok(seconds) => Duration::try_from_secs_f64(seconds.parse()?)?,
        Err(_) => size.idle,
    };
    let words: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));

    let place = tempfile::tempdir()?;
    if wanted("files") || wanted("tree") {
        println!("| start | wall | processor | resident memory | watches |\n|---|---|---|---|---|");
    }
    if wanted("files") {
        let files = place.path().join("files");
        lay_files(&files, size.files)?;
        in_a_process("files by hand", &files, size.files, size.resync_period)?;
        in_a_process("files watched", &files, size.files, size.resync_period)?;
    }
    if wanted("tree") {
        let tree = place.path().join("tree");
        lay_tree(&tree, size.directories)?;
        in_a_process("tree by hand", &tree, size.directories, size.resync_period)?;
        in_a_process("tree watched", &tree, size.directories, size.resync_period)?;
    }
    if wanted("resync") {
        println!(
            "\n| nothing has changed | wall of a `reload()` | its processor time | processor time of a resync |"
        );
        println!("|---|---|---|---|");
        for count in size.resyncs {
            let files = place.path().join(format!("resync-{count}"));
            lay_files(&files, count)?;
            in_a_process("resync", &files, count, size.resync_period)?;
        }
    }
    if wanted("idle") {
        println!("\n| idle | processor time | wake-ups of its threads |\n|---|---|---|");
        let files = place.path().join("idle");
        lay_files(&files, 3)?;
        in_a_process("idle", &files, 3, idle)?;
    }
    Ok(())
}

/// One key in each file, so that the value is as small as it can be beside the watching.
fn lay_files(directory: &Path, count: usize) -> Outcome {
    fs::create_dir(directory)?;
    for number in 0..count {
        fs::write(directory.join(format!("{number:06}.toml")), format!("k{number:06} = 1\n"))?;
    }
    Ok(())
}

/// So many directories in two levels, with a file in each.
fn lay_tree(root: &Path, count: usize) -> Outcome {
    let width = count.isqrt().max(1);
    for number in 0..count {
        let (outer, inner) = (number / width, number % width);
        // The first of each group is the outer one itself.
        let directory = match inner {
            0 => root.join(format!("d{outer:04}")),
            _ => root.join(format!("d{outer:04}/d{inner:04}")),
        };
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("app.toml"), format!("k{number:06} = 1\n"))?;
    }
    Ok(())
}

fn in_a_process(what: &str, path: &Path, count: usize, time: Duration) -> Outcome {
    let status = Command::new(std::env::current_exe()?)
        .env(MEASURE, what)
        .arg(path)
        .arg(count.to_string())
        .arg(time.as_secs_f64().to_string())
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("{what}: {status}").into()) }
}

fn measure(what: &str) -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("an argument is missing");
    let (path, count, time) = (next()?, next()?.parse()?, Duration::try_from_secs_f64(next()?.parse()?)?);
    let path = Path::new(&path);
    match what {
        "files by hand" => started(&format!("read {count} files by hand"), count, || {
            let mut numbers = Numbers::new();
            read(path, &mut numbers)?;
            Ok((numbers.len(), numbers))
        }),
        "files watched" => started(&format!("watch {count} files in one directory"), count, || {
            let config = Reloader::<Numbers>::builder().directory(path, "*.toml").start_blocking()?;
            Ok((config.load().len(), config))
        }),
        "tree by hand" => started(&format!("read {count} directories by hand"), count, || {
            let mut numbers = Numbers::new();
            read(path, &mut numbers)?;
            Ok((numbers.len(), numbers))
        }),
        "tree watched" => started(&format!("watch a tree of {count} directories"), count, || {
            let config = Reloader::<Numbers>::builder().directory(path, "**/*.toml").start_blocking()?;
            Ok((config.load().len(), config))
        }),
        "resync" => resync(path, count, time),
        "idle" => idle(path, time),
        _ => Err(format!("{what} is not measured").into()),
    }
}

fn started<T>(title: &str, count: usize, start: impl FnOnce() -> Outcome<(usize, T)>) -> Outcome {
    let (memory, processor, began) = (resident()?, processor()?, Instant::now());
    let (found, kept) = start()?;
    let wall = began.elapsed();
    let (memory, processor) = (resident()?.saturating_sub(memory), self::processor()? - processor);
    println!(
        "| {title} | {} | {} | {:.1} MB | {} |",
        millis(wall),
        millis(processor),
        memory as f64 / 1e3,
        watches()?
    );
    drop(kept);
    if found == count { Ok(()) } else { Err(format!("{title}: {found} were found").into()) }
}

fn read(directory: &Path, numbers: &mut Numbers) -> Outcome {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => read(&entry.path(), numbers)?,
            false => numbers.extend(toml::from_str::<Numbers>(&fs::read_to_string(entry.path())?)?),
        }
    }
    Ok(())
}

fn resync(path: &Path, count: usize, period: Duration) -> Outcome {
    let builder = Reloader::<Numbers>::builder().directory(path, "*.toml");
    let by_hand = builder.start_blocking()?;
    let mut walls = Vec::new();
    let before = processor()?;
    for _ in 0..LOOKS {
        let began = Instant::now();
        let outcome = by_hand.blocking_reload();
        walls.push(began.elapsed());
        if !matches!(outcome, ReloadOutcome::Unchanged) {
            return Err(format!("it was not unchanged: {outcome}").into());
        }
    }
    let processor_by_hand = (processor()? - before) / LOOKS;
    walls.sort();
    by_hand.blocking_shutdown();

    let builder = Reloader::<Numbers>::builder().directory(path, "*.toml");
    let by_clock = builder.resync(period).start_blocking()?;
    let last_look = || by_clock.status().sources.first().and_then(|source| source.last_look);
    let (mut looks, mut last, before) = (0, last_look(), processor()?);
    let end = Instant::now() + period * (LOOKS + 1);
    // A look that finds nothing new is told by its time alone.
    while Instant::now() < end {
        thread::sleep(period / 20);
        let now = last_look();
        looks += u32::from(now != last);
        last = now;
    }
    let processor_by_clock = processor()? - before;
    if looks == 0 {
        return Err("it has not looked by itself".into());
    }
    println!(
        "| {count} files | {} | {} | {} |",
        millis(walls[walls.len() / 2]),
        millis(processor_by_hand),
        millis(processor_by_clock / looks)
    );
    Ok(())
}

fn idle(path: &Path, time: Duration) -> Outcome {
    let builder = Reloader::<Numbers>::builder().file(path.join("000000.toml")).directory(path, "*.toml");
    let config = builder.start_blocking()?;
    let mut changes = config.subscribe();
    thread::spawn(move || changes.blocking_changed());
    // What the start itself still has to do is not idleness.
    thread::sleep(Duration::from_secs(1));
    let (processor, wakes) = (processor()?, wakes()?);
    thread::sleep(time);
    // This thread's own wake is not the reloader's.
    let wakes = self::wakes()?.saturating_sub(wakes).saturating_sub(1);
    let processor = self::processor()? - processor;
    println!("| {:.0} s | {} | {wakes} |", time.as_secs_f64(), millis(processor));
    Ok(())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// What all threads of this process have used so far, those that have ended too. Linux counts in hundredths of a second.
fn processor() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program may hold anything, and ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (ticks.next().ok_or("no utime")??, ticks.next().ok_or("no stime")??);
    Ok(Duration::from_millis((user + system) * 10))
}

/// In KB.
fn resident() -> Outcome<u64> {
    of_status("/proc/self/status", "VmRSS:")
}

/// How often the threads of this process have gone to sleep by themselves.
fn wakes() -> Outcome<u64> {
    let mut wakes = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        wakes += of_status(thread?.path().join("status"), "voluntary_ctxt_switches:")?;
    }
    Ok(wakes)
}

fn of_status(file: impl AsRef<Path>, name: &str) -> Outcome<u64> {
    let status = fs::read_to_string(file)?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("it is not in the status")?;
    Ok(value.split_whitespace().next().ok_or("it has no value")?.parse()?)
}

/// How many inotify watches this process has.
fn watches() -> Outcome<usize> {
    let mut watches = 0;
    for descriptor in fs::read_dir("/proc/self/fdinfo")? {
        // The descriptor of this listing is gone again by now.
        let Ok(information) = fs::read_to_string(descriptor?.path()) else { continue };
        watches += information.lines().filter(|line| line.starts_with("inotify wd:")).count();
    }
    Ok(watches)
}
