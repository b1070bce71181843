//! Nothing grows with the number of reloads, and nothing is left when a reloader ends.

use std::fs;

use reloadable::{ReloadOutcome, Reloader};

use crate::{App, eventually, in_time};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What this process holds of the operating system.
#[derive(Debug, Clone, Copy)]
struct Held {
    descriptors: usize,
    threads: usize,
    /// In KiB.
    resident: usize,
}

impl Held {
    fn now() -> Result<Self, Box<dyn std::error::Error>> {
        let status = fs::read_to_string("/proc/self/status")?;
        let number = |name: &str| -> Option<usize> {
            status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
        };
        Ok(Self {
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            threads: number("Threads:").ok_or("no count of threads")?,
            resident: number("VmRSS:").ok_or("no resident size")?,
        })
    }
}

/// The one test of this kind: others in the same process would be counted as well, so it runs itself alone in a child.
#[test]
fn ten_thousand_reloads_leave_everything_where_it_was() -> Outcome {
    const CHILD: &str = "RELOADABLE_COUNT_ALONE";
    if std::env::var_os(CHILD).is_some() {
        return count();
    }
    let child = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", "leaks::ten_thousand_reloads_leave_everything_where_it_was", "--nocapture"])
        .env(CHILD, "1")
        .output()?;
    assert!(
        child.status.success(),
        "{}{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
    Ok(())
}

fn count() -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
    runtime.block_on(async {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("app.toml");
        let text =
            |number: u32| format!("[server]\nport = {}\n{}", number % 60_000, "# padding\n".repeat(100));
        fs::write(&path, text(0))?;
        let config = Reloader::<App>::builder().file(&path).start().await?;
        let mut changes = config.subscribe();
        let reload = async |number: u32| -> Outcome {
            fs::write(&path, text(number))?;
            let outcome = config.reload().await;
            // A look that a hint asked for may have come first.
            assert!(matches!(outcome, ReloadOutcome::Applied(_) | ReloadOutcome::Unchanged), "{outcome}");
            Ok(())
        };
        for number in 1..=1_000 {
            reload(number).await?;
            in_time(changes.changed()).await?;
        }
        let before = Held::now()?;
        for number in 1_001..=11_000 {
            reload(number).await?;
            in_time(changes.changed()).await?;
            drop(config.subscribe_to(move |app: &App| if number > 0 { &app.server } else { unreachable!() }));
        }
        let after = Held::now()?;
        let alive = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        println!("{before:?} {after:?} tasks {alive}");
        assert_eq!(before.descriptors, after.descriptors);
        // This one, the harness's, the event backend's, and as many as the runtime may have for what blocks.
        assert!(after.threads <= 3 + 4, "{before:?} {after:?}");
        // What 10,000 snapshots of over 1 KiB would take is ten times as much.
        assert!(after.resident < before.resident + 1_024, "{before:?} {after:?}");
        assert_eq!(alive, 1);

        config.shutdown().await;
        assert!(in_time(changes.changed()).await.is_err());
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
        // The event backend closes its descriptors on a thread of its own.
        let is_closed = || Held::now().is_ok_and(|ended| ended.descriptors < after.descriptors);
        eventually("the event backend is gone", is_closed).await;
        Ok(())
    })
}
