//! What it costs to read the configuration in force, beside the other ways to share a value, while nothing, 100 and
//! 10,000 times a second something new is published.

mod ratio;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Cache};
use reloadable::{Format, MemorySource, Reloadable, Reloader};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize, Reloadable)]
struct App {
    number: u64,
}

fn main() -> Result<(), reloadable::Error> {
    let mut criterion = ratio::criterion();
    for rate in [0, 100, 10_000] {
        let (source, handle) = MemorySource::new("memory", Format::Toml, "number = 0");
        let config = Reloader::<App>::builder().source(source).start_blocking()?;
        let swap = Arc::new(ArcSwap::from_pointee(App { number: 0 }));
        let lock = RwLock::new(Arc::new(App { number: 0 }));
        let (sender, receiver) = tokio::sync::watch::channel(Arc::new(App { number: 0 }));
        let (ended, published) = (AtomicBool::new(false), AtomicU64::new(0));
        let started = Instant::now();
        std::thread::scope(|scope| {
            // One writer feeds all, so that each is read under the same load.
            scope.spawn(|| {
                for number in 1.. {
                    if ended.load(Ordering::Relaxed) || rate == 0 {
                        break;
                    }
                    let due = started + Duration::from_secs(1) * number / rate;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    handle.replace(format!("number = {number}"));
                    let app = App { number: number.into() };
                    swap.store(Arc::new(app.clone()));
                    *lock.write().expect("no reader panics") = Arc::new(app.clone());
                    sender.send_replace(Arc::new(app));
                    // By itself the reloader would join writes that come this fast.
                    config.blocking_reload();
                    published.store(number.into(), Ordering::Relaxed);
                }
            });
            let title = |what: &str| format!("{what}, {rate} publishes a second");
            let (mut cache, mut reader) = (Cache::new(Arc::clone(&swap)), config.reader());
            let mut group = ratio::Group::new(&mut criterion, &title("read, one reader a thread"));
            group.bench("arc_swap::Cache::load", || cache.load().number);
            group.bench("reader.get()", || reader.get().number);
            group.finish();
            let mut group = ratio::Group::new(&mut criterion, &title("read for a moment"));
            group.bench("ArcSwap::load", || swap.load().number);
            group.bench("config.load()", || config.load().number);
            group.bench("watch::Receiver::borrow", || receiver.borrow().number);
            group.bench("RwLock::read", || lock.read().expect("no writer panics").number);
            group.finish();
            let mut group = ratio::Group::new(&mut criterion, &title("read and keep"));
            group.bench("ArcSwap::load_full", || swap.load_full().number);
            group.bench("config.snapshot()", || config.snapshot().number);
            group.bench("watch::Receiver::borrow, Arc cloned", || Arc::clone(&receiver.borrow()).number);
            group.bench("RwLock::read, Arc cloned", || {
                Arc::clone(&lock.read().expect("no writer panics")).number
            });
            group.finish();
            ended.store(true, Ordering::Relaxed);
        });
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "written {:.0} times a second, of which the reloader published {:.0}\n",
            published.load(Ordering::Relaxed) as f64 / seconds,
            (config.snapshot().generation() - 1) as f64 / seconds
        );
        config.blocking_shutdown();
    }
    Ok(())
}
