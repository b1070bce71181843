//! Readers never wait and never see a mix.

use std::sync::atomic::{AtomicBool, Ordering};

use reloadable::{Format, MemorySource, ReloadOutcome, Reloader};

use crate::App;

#[test]
fn readers_never_see_a_mix_of_two_generations() -> Result<(), Box<dyn std::error::Error>> {
    let text = |number: u16| format!("[server]\nport = {number}\n[database]\npool_size = {number}\n");
    let (source, handle) = MemorySource::new("memory", Format::Toml, text(0));
    let config = Reloader::<App>::builder().source(source).start_blocking()?;
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Also when an assertion below fails, or the scope would wait for ever.
        let _end = End(&ended);
        for _ in 0..2 {
            scope.spawn(|| {
                let mut reader = config.reader();
                let mut last = 0;
                while !ended.load(Ordering::Relaxed) {
                    let app = reader.get();
                    assert_eq!(app.server.port, app.database.pool_size);
                    assert!(app.server.port >= last, "it went back");
                    last = app.server.port;
                    let app = config.load();
                    assert_eq!(app.server.port, app.database.pool_size);
                    let snapshot = config.snapshot();
                    assert_eq!(u64::from(snapshot.server.port) + 1, snapshot.generation());
                }
            });
        }
        for number in 1..=1_000 {
            handle.replace(text(number));
            let outcome = config.blocking_reload();
            assert!(matches!(outcome, ReloadOutcome::Applied(_) | ReloadOutcome::Unchanged), "{outcome}");
        }
    });
    assert_eq!(config.load().server.port, 1_000);
    Ok(())
}

struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
