//! What is promised of what is left behind: nothing.

use std::fs;

use reloadable::{Candidate, Prepared, Refusal, Reloader};

use crate::{App, Outcome, in_memory, is_alone, text};

/// What this process holds of the operating system; memory in KiB.
fn held() -> Result<(usize, usize, usize), Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let number = |name: &str| -> Option<usize> {
        status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    let threads = number("Threads:").ok_or("no count of threads")?;
    Ok((fs::read_dir("/proc/self/fd")?.count(), threads, number("VmRSS:").ok_or("no resident size")?))
}

/// With gates of every kind, and with those who subscribe and never read.
#[test]
fn promise_11_ten_thousand_reloads_leave_everything_where_it_was() -> Outcome {
    if !is_alone("growth::promise_11_ten_thousand_reloads_leave_everything_where_it_was")? {
        return Ok(());
    }
    // It would print each of the panics.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let (builder, document) = in_memory(&text(0));
        let config = builder
            .gate("prepares", |_| async {
                let prepared = vec![0_u8; 1_000];
                Ok(Prepared::commit(move || drop(prepared)).or_abort(|| {}))
            })
            .gate("judges", |candidate: Candidate<App>| async move {
                match candidate.value().workers % 5 {
                    1 => Err(Refusal::new("no")),
                    2 => panic!("no"),
                    3 => std::future::pending().await,
                    _ => Ok(()),
                }
            })
            .start()
            .await?;
        let never_read = (
            config.subscribe(),
            config.subscribe_to(|app| &app.limits),
            config.outcomes(),
            config.subscribe_status(),
            config.subscribe_pending_restart(),
        );
        let reload = async |number: u32| {
            let workers = number % 50_000;
            let padding = "# padding\n".repeat(100);
            document.replace(format!("listen = {}\n{}{padding}", number % 7, text(workers)));
            let outcome = config.reload().await;
            assert_eq!(outcome.is_in_force(), !matches!(workers % 5, 1..=3), "{outcome}");
            if number % 100 == 0 {
                assert!(config.rollback_to(config.snapshot().generation() - 1).await.is_in_force());
                config.resume().await;
            }
            drop((
                config.subscribe_to(move |app: &App| if number > 0 { &app.limits } else { unreachable!() }),
                config.outcomes(),
            ));
        };
        for number in 1..=2_000 {
            reload(number).await;
        }
        let before = held()?;
        for number in 2_001..=12_000 {
            reload(number).await;
        }
        let after = held()?;
        let alive = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        println!("{before:?} {after:?} tasks {alive}");
        assert_eq!((before.0, before.1), (after.0, after.1));
        // What 10,000 snapshots of over 1 KiB would take is ten times as much.
        assert!(after.2 < before.2 + 1_024, "{before:?} {after:?}");
        assert_eq!((alive, config.history().len()), (1, 8));
        drop(never_read);
        end(config).await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
        Ok(())
    })
}

async fn end(config: Reloader<App>) {
    config.shutdown().await;
}
