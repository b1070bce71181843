//! Runs a group of benchmarks with criterion and prints each as a ratio to the first, which holds on a noisy machine.

use std::path::PathBuf;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};

/// The names of a group's benchmarks, in the order in which they ran; the first is what the others are compared with.
pub struct Group<'c> {
    title: String,
    group: BenchmarkGroup<'c, WallTime>,
    names: Vec<String>,
}

pub fn criterion() -> Criterion {
    Criterion::default()
        .output_directory(&directory())
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
        .configure_from_args()
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ratios")
}

impl<'c> Group<'c> {
    pub fn new(criterion: &'c mut Criterion, title: &str) -> Self {
        Self { title: title.to_owned(), group: criterion.benchmark_group(title), names: Vec::new() }
    }

    pub fn bench<R>(&mut self, name: &str, mut run: impl FnMut() -> R) {
        self.group.bench_function(name, |bencher| bencher.iter(&mut run));
        self.names.push(name.to_owned());
    }

    /// Prints the table.
    pub fn finish(self) {
        self.group.finish();
        let medians: Vec<_> = self.names.iter().map(|name| median(&self.title, name)).collect();
        println!("\n| {} | median | ratio |\n|---|---|---|", self.title);
        for (name, nanos) in self.names.iter().zip(&medians) {
            match (nanos, medians[0]) {
                (Some(nanos), Some(first)) => {
                    println!("| {name} | {} | {:.2} |", readable(*nanos), nanos / first)
                }
                _ => println!("| {name} | not measured | |"),
            }
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
