//! Runs all by turns and prints the table.

use std::error::Error;
use std::fs;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};

use crate::competitors::{self, Competitor, text};
use crate::saves::{Place, Save};

const ROUNDS: usize = 200;
const TEST_ROUNDS: usize = 3;

/// Before each save, so that none of them finds the processor warm from the one before. Four of them also keep the saves
/// of the same file so far apart that it does not count as busy.
const REST: Duration = Duration::from_millis(40);

/// What takes longer than this counts as missed.
const PATIENCE: Duration = Duration::from_secs(5);

/// All texts are of the same length.
const FIRST_NUMBER: u64 = 1_000_000;

pub fn all() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = match std::env::var("RELOADABLE_BENCH_ROUNDS") {
        Ok(rounds) => rounds.parse()?,
        Err(_) if arguments.iter().any(|argument| argument == "--test") => TEST_ROUNDS,
        Err(_) => ROUNDS,
    };
    let wanted: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let saves: Vec<_> = Save::ALL
        .into_iter()
        .filter(|save| wanted.is_empty() || wanted.iter().any(|word| save.name().contains(word.as_str())))
        .collect();
    println!(
        "From the end of a save to the task awake; {rounds} rounds; p50 / p95 / p99 in us.\n\
         The kernel tells of a rename before the call returns, so that the task may run before that: the time is then\n\
         below 0 and its ratio says nothing."
    );

    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let missed = tables("tasks on two threads", runtime.handle(), &saves, rounds)?;
    drop(runtime);

    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let driver = thread::spawn(move || runtime.block_on(ended));
    let missed = missed + tables("tasks on one thread", &handle, &saves, rounds)?;
    drop(end);
    let _ = driver.join();

    match missed {
        0 => Ok(()),
        _ => Err(format!("{missed} saves were missed by reloadable").into()),
    }
}

/// Returns how many saves ours has missed.
fn tables(title: &str, tasks: &Handle, saves: &[Save], rounds: usize) -> Result<usize, Box<dyn Error>> {
    let mut measured = Vec::new();
    for save in saves {
        measured.push((save.name(), measure(*save, tasks, rounds)?));
    }
    table(&format!("{title}, since the call returned"), &measured, rounds, |sample| sample.since_return);
    table(&format!("{title}, since the call began"), &measured, rounds, |sample| sample.since_begin);
    let ours = measured.iter().filter_map(|(_, all)| all.last());
    Ok(ours.map(|samples| rounds - samples.len()).sum())
}

fn table(title: &str, measured: &[(&str, Vec<Vec<Sample>>)], rounds: usize, time: fn(&Sample) -> i64) {
    print!("\n| {title} |");
    for (name, _) in competitors::ALL {
        print!(" {name} |");
    }
    println!(" ratio of the last to the first, p50 |\n|{}", "---|".repeat(competitors::ALL.len() + 2));
    for (save, all) in measured {
        let times: Vec<_> = all.iter().map(|samples| Times::new(samples.iter().map(time))).collect();
        print!("| {save} |");
        for (times, samples) in times.iter().zip(all) {
            print!(" {} / {} / {}", times.micros(50), times.micros(95), times.micros(99));
            match rounds - samples.len() {
                0 => print!(" |"),
                missed => print!(", {missed} missed |"),
            }
        }
        match (times[0].at(50), times[times.len() - 1].at(50)) {
            (Some(first @ 1..), Some(last @ 1..)) => println!(" **{:.2}** |", last as f64 / first as f64),
            _ => println!(" - |"),
        }
    }
}

/// How long it took from the call that completed a save to the task that waited for it; in nanoseconds.
#[derive(Debug)]
struct Sample {
    since_begin: i64,
    since_return: i64,
}

/// The samples of all competitors; there is none of what was missed.
fn measure(save: Save, tasks: &Handle, rounds: usize) -> Result<Vec<Vec<Sample>>, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let mut all = Vec::new();
    for (nth, (_, start)) in competitors::ALL.into_iter().enumerate() {
        let place = Place { root: directory.path().join(nth.to_string()) };
        fs::create_dir(&place.root)?;
        save.lay_out(&place, &text(FIRST_NUMBER))?;
        let competitor = start(tasks, &place)?;
        all.push((place, competitor, Vec::new()));
    }
    for round in 0..rounds {
        // Nobody is always the first.
        for turn in 0..all.len() {
            let nth = (turn + round) % all.len();
            let (place, competitor, samples) = &mut all[nth];
            let number = FIRST_NUMBER + 1 + round as u64;
            let text = text(number);
            thread::sleep(REST);
            let complete = save.save(place, &text, number)?;
            if let Some(awake) = awake(competitor, number)? {
                samples.push(Sample {
                    since_begin: nanos(complete.began, awake),
                    since_return: nanos(complete.returned, awake),
                });
            }
        }
    }
    Ok(all.into_iter().map(|(_, _, samples)| samples).collect())
}

/// Below 0 if `to` was earlier.
fn nanos(from: Instant, to: Instant) -> i64 {
    to.duration_since(from).as_nanos() as i64 - from.duration_since(to).as_nanos() as i64
}

/// Waits for the task that has seen this number.
fn awake(competitor: &Competitor, number: u64) -> Result<Option<Instant>, Box<dyn Error>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match competitor.arrivals.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((seen, awake)) if seen == number => return Ok(Some(awake)),
            // Somebody who does not compare tells the same value twice.
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => return Err("a competitor has ended".into()),
        }
    }
}

struct Times(Vec<i64>);

impl Times {
    fn new(nanos: impl Iterator<Item = i64>) -> Self {
        let mut nanos: Vec<_> = nanos.collect();
        nanos.sort_unstable();
        Self(nanos)
    }

    /// The time that so many of a hundred saves did not exceed.
    fn at(&self, percent: usize) -> Option<i64> {
        let rank = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(rank).copied()
    }

    fn micros(&self, percent: usize) -> String {
        self.at(percent).map_or_else(|| "-".to_owned(), |nanos| (nanos / 1_000).to_string())
    }
}
