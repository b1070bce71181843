//! Runs a group of benchmarks with criterion and prints each as a ratio to the first.
//!
//! Each is measured by turns with the first, in slices of a few milliseconds, so that other work on the machine meets
//! both: the ratio holds where the times do not.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};

/// How many samples are taken of each. What criterion runs before them, to warm up, is too short to be compared.
const SAMPLES: usize = 50;

/// How often a sample changes from one to the other.
const TURNS: u64 = 8;

/// A group of benchmarks; the first is what the others are compared with.
pub struct Group<'c, 'r> {
    title: String,
    group: BenchmarkGroup<'c, WallTime>,
    /// Whether each is measured by turns with the first. What runs on threads of its own is better left alone: the
    /// threads of both would take the processors from each other.
    pub by_turns: bool,
    first: Option<Timed<'r>>,
    /// Names, with the ratios to the first.
    ran: Vec<(String, Vec<f64>)>,
}

/// Runs something as often as told and returns how long that took.
type Timed<'r> = Box<dyn FnMut(u64) -> Duration + 'r>;

pub fn criterion() -> Criterion {
    Criterion::default()
        .output_directory(&directory())
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(SAMPLES)
        .configure_from_args()
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ratios")
}

impl<'c, 'r> Group<'c, 'r> {
    pub fn new(criterion: &'c mut Criterion, title: &str) -> Self {
        let group = criterion.benchmark_group(title);
        Self { title: title.to_owned(), group, by_turns: true, first: None, ran: Vec::new() }
    }

    pub fn bench<R: 'r>(&mut self, name: &str, mut run: impl FnMut() -> R + 'r) {
        let mut timed: Timed<'r> = Box::new(move |iterations| {
            let started = Instant::now();
            for _ in 0..iterations {
                black_box(run());
            }
            started.elapsed()
        });
        let mut ratios = Vec::new();
        let mut first = self.first.as_mut().filter(|_| self.by_turns);
        self.group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let Some(first) = &mut first else { return timed(iterations) };
                let (mut own, mut others) = (Duration::ZERO, Duration::ZERO);
                for turn in 0..TURNS {
                    let slice = iterations * (turn + 1) / TURNS - iterations * turn / TURNS;
                    others += first(slice);
                    own += timed(slice);
                }
                ratios.push(own.as_secs_f64() / others.as_secs_f64());
                own
            });
        });
        self.first.get_or_insert(timed);
        self.ran.push((name.to_owned(), ratios));
    }

    /// Prints the table.
    pub fn finish(self) {
        self.group.finish();
        println!("\n| {} | median | ratio |\n|---|---|---|", self.title);
        let first = self.ran.first().and_then(|(name, _)| median(&self.title, name)).unwrap_or(f64::NAN);
        for (name, mut ratios) in self.ran {
            let time = median(&self.title, &name).unwrap_or(f64::NAN);
            ratios.drain(..ratios.len().saturating_sub(SAMPLES));
            ratios.sort_by(f64::total_cmp);
            let ratio = ratios.get(ratios.len() / 2).copied().unwrap_or(time / first);
            println!("| {name} | {} | {ratio:.2} |", readable(time));
        }
        println!();
    }
}

/// In nanoseconds, as criterion has written it down.
fn median(title: &str, name: &str) -> Option<f64> {
    let file = |text: &str| text.replace(['/', '"', '?', '*', '\\', ':', '<', '>', '|'], "_");
    let path = directory().join(file(title)).join(file(name)).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn readable(nanos: f64) -> String {
    match nanos {
        ..1e3 => format!("{nanos:.1} ns"),
        1e3..1e6 => format!("{:.1} us", nanos / 1e3),
        _ => format!("{:.1} ms", nanos / 1e6),
    }
}
