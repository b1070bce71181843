//! A directory of objects: how long the first list takes beside a plain loop that reads and parses the same files, on one
//! thread and on two, and how long it takes from an edit of one file among many to its event. `-- --test` goes through it
//! with 100 files.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use reloadable::{Event, Informer, Reloadable};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Each is the fastest of so many, by turns: whatever else runs here only makes it slower.
const ROUNDS: usize = 5;
const EDITS: usize = 51;

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Route {
    host: String,
    path: String,
    #[reload(range(1..))]
    port: u16,
    timeout_ms: u32,
    retries: u8,
    upstreams: Vec<Upstream>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Upstream {
    address: String,
    weight: u8,
}

fn text(port: usize) -> String {
    format!(
        "host = \"service-{port}.example.org\"\npath = \"/api/v1/{port}\"\nport = {}\ntimeout_ms = 3000\nretries = 3\n\n\
         [[upstreams]]\naddress = \"10.0.0.1:8080\"\nweight = 10\n\n[[upstreams]]\naddress = \"10.0.0.2:8080\"\nweight = 20\n",
        port % 60_000 + 1
    )
}

fn main() -> Outcome {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let sizes: &[usize] = if is_test { &[100] } else { &[100, 10_000, 100_000] };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!(
        "{:>8}{:>12}{:>12}{:>12}{:>10}{:>10}{:>14}{:>14}{:>14}",
        "files", "loop", "loop, two", "first sync", "ratio", "two", "relist", "edit p50", "edit p90"
    );
    for size in sizes {
        row(*size, &runtime)?;
    }
    Ok(())
}

fn row(size: usize, runtime: &Runtime) -> Outcome {
    let place = tempfile::tempdir()?;
    let root = place.path().join("routes.d");
    fs::create_dir(&root)?;
    // The kernel takes up to 30 ms to begin to watch a directory as crowded as `/tmp`, which a program does once.
    let beside = Informer::<Route>::builder().directory(place.path(), "*.none").start();
    let _beside = runtime.block_on(beside)?;
    for file in 0..size {
        fs::write(root.join(format!("route-{file}.toml")), text(file))?;
    }
    // What was only just written is looked at twice.
    thread::sleep(Duration::from_millis(100));
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        let by_turns = [plain(&root, 1, size)?, plain(&root, 2, size)?, runtime.block_on(sync(&root, size))?];
        fastest = std::array::from_fn(|which| fastest[which].min(by_turns[which]));
    }
    let (mut edits, relist) = runtime.block_on(edits(&root))?;
    edits.sort();
    let [one, two, ours] = fastest;
    let ratio = |to: Duration| format!("{:.2}", ours.as_secs_f64() / to.as_secs_f64());
    println!(
        "{size:>8}{:>12}{:>12}{:>12}{:>10}{:>10}{:>14}{:>14}{:>14}",
        millis(one),
        millis(two),
        millis(ours),
        ratio(one),
        ratio(two),
        millis(relist),
        millis(edits[edits.len() / 2]),
        millis(edits[edits.len() * 9 / 10]),
    );
    Ok(())
}

fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

/// As one would write it by hand.
fn plain(root: &Path, threads: usize, size: usize) -> Outcome<Duration> {
    let started = Instant::now();
    let mut paths = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    let read = |paths: &[PathBuf]| -> Outcome<HashMap<String, Route>> {
        let mut routes = HashMap::new();
        for path in paths {
            let key = path.file_stem().and_then(|name| name.to_str()).ok_or("a name")?.to_owned();
            let route: Route = toml::from_str(&fs::read_to_string(path)?)?;
            routes.insert(key, route);
        }
        Ok(routes)
    };
    let routes = thread::scope(|scope| {
        let chunks = paths.chunks(paths.len().div_ceil(threads));
        let readers: Vec<_> = chunks.map(|chunk| scope.spawn(move || read(chunk))).collect();
        let mut routes = HashMap::new();
        for reader in readers {
            routes.extend(reader.join().map_err(|_| "it panicked")??);
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(routes)
    })?;
    let took = started.elapsed();
    assert_eq!(routes.len(), size);
    Ok(took)
}

async fn sync(root: &Path, size: usize) -> Outcome<Duration> {
    let started = Instant::now();
    let informer = Informer::<Route>::builder().directory(root, "*.toml").start().await?;
    let took = started.elapsed();
    assert_eq!(informer.status().objects, size);
    informer.shutdown().await;
    Ok(took)
}

/// How long after the rename of an edit its event comes, and how long it takes to list everything again.
async fn edits(root: &Path) -> Outcome<(Vec<Duration>, Duration)> {
    let informer = Informer::<Route>::builder().directory(root, "*.toml").start().await?;
    let mut events = informer.events();
    events.next().await?;
    let mut took = Vec::new();
    for edit in 0..EDITS {
        let beside = root.join(".next");
        fs::write(&beside, text(1_000 + edit))?;
        // The quiet between two edits by people.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let started = Instant::now();
        fs::rename(beside, root.join("route-7.toml"))?;
        let event = events.next().await?;
        took.push(started.elapsed());
        assert!(matches!(event, Event::Modified(_)), "{event:?}");
    }
    assert_eq!(informer.status().counts.lists, 1);
    informer.shutdown().await;
    let period = Duration::from_millis(600);
    let again = Informer::<Route>::builder().directory(root, "*.toml").reverify(period).start().await?;
    let relist = relist(&again).await?;
    again.shutdown().await;
    Ok((took, relist))
}

/// How long the processor was busy with a list that found nothing new, by the time that this process has used.
async fn relist(informer: &Informer<Route>) -> Outcome<Duration> {
    let used = || -> Outcome<Duration> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        let fields: Vec<&str> = stat.rsplit(')').next().ok_or("fields")?.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    };
    let lists = || informer.status().counts.lists;
    let (begun, before) = (lists(), used()?);
    while lists() < begun + 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok((used()? - before) / u32::try_from(lists() - begun)?)
}
