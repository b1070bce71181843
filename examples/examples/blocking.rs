//! A program of threads, without an asynchronous runtime: workers read on a hot path, one thread follows changes.
//!
//! Ends with: `the workers saw rate 20; none saw half a change`

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use reloadable::{Reader, Reloadable, Reloader, Reporter};
use serde::Deserialize;

#[derive(Deserialize, Reloadable)]
#[reload(validate = Self::check)]
struct Limits {
    rate: u64,
    burst: u64,
}

impl Limits {
    /// A rule across fields, on which the workers rely.
    fn check(&self, report: &mut Reporter<'_>) {
        if self.burst != self.rate * 10 {
            report.violation_at("burst", "burst", format!("{} is not ten times the rate", self.burst));
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("limits.toml");
    std::fs::write(&path, "rate = 10\nburst = 100\n")?;

    // One thread is started that watches and loads; everything else happens on the threads that ask.
    let config = Reloader::<Limits>::builder().file(&path).start_blocking()?;
    let ended = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, ended) = (config.reader(), Arc::clone(&ended));
            thread::spawn(move || work(reader, &ended))
        })
        .collect();

    let mut changes = config.subscribe();
    assert!(
        changes.blocking_changed_timeout(Duration::from_millis(50))?.is_none(),
        "nothing has changed yet"
    );
    std::fs::write(&path, "rate = 20\nburst = 200\n")?;
    let change = changes.blocking_changed()?;
    println!("{}", change.changes());

    std::fs::write(&path, "rate = 30\nburst = 200\n")?;
    println!("{}", config.blocking_reload());
    assert_eq!(config.load().rate, 20);

    ended.store(true, Ordering::Relaxed);
    let mut seen = Vec::new();
    for worker in workers {
        seen.push(worker.join().map_err(|_| "a worker panicked")?);
    }
    config.blocking_shutdown();
    assert!(changes.blocking_changed().is_err(), "the subscription ends with the reloader");
    assert_eq!(seen, [20, 20]);
    println!("the workers saw rate {}; none saw half a change", seen[0]);
    Ok(())
}

/// The hot path: each turn costs about a nanosecond while nothing changes.
fn work(mut limits: Reader<Limits>, ended: &AtomicBool) -> u64 {
    let mut rate = 0;
    while !ended.load(Ordering::Relaxed) {
        let now = limits.get();
        assert_eq!(now.burst, now.rate * 10, "a mix of two generations");
        rate = now.rate;
    }
    rate.max(limits.get().rate)
}
