//! What an attempt costs beyond reading, decoding and validating; what it costs to wake many, and to ask for the status.

mod ratio;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reloadable::{Error, Format, MemoryHandle, MemorySource, ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    #[reload(range(..1_000_000_000))]
    number: u64,
    other: BTreeMap<String, u64>,
}

const SUBSCRIBERS: usize = 1_000;

fn text(number: u64) -> String {
    format!("number = {number}\n[other]\na = 1\nb = 2\n")
}

fn main() -> Result<(), Error> {
    // Everything on one thread, so that no time goes to another one's waking up.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(io)?;
    let is_test = std::env::args().any(|argument| argument == "--test");
    runtime.block_on(async {
        beyond(if is_test { 10 } else { 5_000 }).await?;
        wake(if is_test { 3 } else { 500 }).await
    })?;
    status()
}

fn io(error: std::io::Error) -> Error {
    panic!("no runtime: {error}")
}

async fn start() -> Result<(MemoryHandle, Reloader<App>), Error> {
    let (source, document) = MemorySource::new("memory", Format::Toml, text(0));
    Ok((document, Reloader::<App>::builder().source(source).start().await?))
}

/// Takes the whole of an attempt as whoever asked waits for it, and takes off what its stages say of reading, decoding and
/// validating.
async fn beyond(attempts: u64) -> Result<(), Error> {
    println!("an attempt beyond reading, decoding and validating, median of {attempts}:");
    for subscribers in [0, SUBSCRIBERS] {
        let (document, config) = start().await?;
        let _sleeping: Vec<_> =
            (0..subscribers).map(|_| config.subscribe_to(|app: &App| &app.other)).collect();
        let mut outcomes = config.outcomes();
        let mut beyond = Vec::new();
        let mut whole = Vec::new();
        for number in 1..=attempts {
            document.replace(text(number));
            let started = Instant::now();
            let outcome = config.reload().await;
            let took = started.elapsed();
            assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
            let stages = *outcomes.next().await?.stages();
            whole.push(took);
            beyond.push(took.saturating_sub(stages.fetch + stages.load));
        }
        println!("  {subscribers} subscribers: {:?} of {:?}", median(&mut beyond), median(&mut whole));
    }
    Ok(())
}

/// From the request to the moment at which the last of all subscribers has its change.
async fn wake(rounds: u64) -> Result<(), Error> {
    let (document, config) = start().await?;
    let awake = std::sync::Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let mut numbers = config.subscribe_to(|app: &App| &app.number);
        let awake = std::sync::Arc::clone(&awake);
        tasks.push(tokio::spawn(async move {
            while numbers.changed().await.is_ok() {
                awake.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    tokio::task::yield_now().await;
    let mut all = Vec::new();
    for round in 1..=rounds {
        awake.store(0, Ordering::Relaxed);
        document.replace(text(round));
        let started = Instant::now();
        assert!(config.reload().await.is_in_force());
        while awake.load(Ordering::Relaxed) < SUBSCRIBERS {
            tokio::task::yield_now().await;
        }
        all.push(started.elapsed());
    }
    println!(
        "a change until {SUBSCRIBERS} subscribers of its section have it, median of {rounds}: {:?}",
        median(&mut all)
    );
    for task in tasks {
        task.abort();
    }
    Ok(())
}

fn status() -> Result<(), Error> {
    let mut criterion = ratio::criterion();
    let mut group = ratio::Group::new(&mut criterion, "the status");
    group.by_turns = false;
    for subscribers in [0, 10, SUBSCRIBERS] {
        let (source, _document) = MemorySource::new("memory", Format::Toml, text(0));
        let config = Reloader::<App>::builder().source(source).start_blocking()?;
        let sleeping: Vec<_> = (0..subscribers).map(|_| config.subscribe()).collect();
        group.bench(&format!("{subscribers} subscribers"), move || {
            std::hint::black_box(&sleeping);
            config.status()
        });
    }
    group.finish();
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
