//! `SIGHUP`. Each test has a process of its own, since one that listens once listens for good.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use reloadable::{ErrorKind, Format, MemorySource, Reason, Reloader, StartPolicy};

use crate::{Outcome, alone, eventually, in_time};

type Limits = BTreeMap<String, u16>;

/// Returns once the signal has been sent, and so is pending.
fn hang_up() -> std::io::Result<()> {
    let sent = Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status()?;
    assert!(sent.success());
    Ok(())
}

fn run<F: Future<Output = Outcome>>(run: F) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run)
}

#[test]
fn the_signal_reloads() -> Outcome {
    alone("signal::the_signal_reloads", &[], || {
        run(async {
            let (source, handle) = MemorySource::new("limits", Format::Toml, "a = 1");
            let first = Reloader::<Limits>::builder().source(source).reload_on_hangup().start().await?;
            let (source, _other) = MemorySource::new("limits", Format::Toml, "a = 1");
            let second = Reloader::<Limits>::builder().source(source).reload_on_hangup().start().await?;
            let (mut outcomes, mut others) = (first.outcomes(), second.outcomes());
            for round in 2..5 {
                handle.replace(format!("a = {round}"));
                first.reload().await;
                in_time(outcomes.next()).await?;
                hang_up()?;
                assert_eq!(in_time(outcomes.next()).await?.reason(), &Reason::Signal);
                assert_eq!(in_time(others.next()).await?.reason(), &Reason::Signal);
            }
            // What is left listens on.
            second.shutdown().await;
            hang_up()?;
            assert_eq!(in_time(outcomes.next()).await?.reason(), &Reason::Signal);
            first.shutdown().await;
            hang_up()?;
            tokio::task::yield_now().await;
            Ok(())
        })
    })
}

#[test]
fn a_burst_is_one_attempt_or_two() -> Outcome {
    alone("signal::a_burst_is_one_attempt_or_two", &[], || {
        run(async {
            let (source, _handle) = MemorySource::new("limits", Format::Toml, "a = 1");
            let config = Reloader::<Limits>::builder().source(source).reload_on_hangup().start().await?;
            let mut outcomes = config.outcomes();
            for _ in 0..20 {
                hang_up()?;
            }
            assert_eq!(in_time(outcomes.next()).await?.reason(), &Reason::Signal);
            config.reload().await;
            assert!(config.status().attempts <= 4, "{}", config.status().attempts);
            Ok(())
        })
    })
}

#[test]
fn a_signal_during_the_first_load_is_not_lost_and_ends_nothing() -> Outcome {
    alone("signal::a_signal_during_the_first_load_is_not_lost_and_ends_nothing", &[], || {
        run(async {
            let (source, _handle) = MemorySource::new("limits", Format::Toml, "a = 1");
            let config = Reloader::<Limits>::builder()
                .source(source)
                .reload_on_hangup()
                .gate("slow", |candidate| async move {
                    if candidate.running().is_none() {
                        hang_up()?;
                    }
                    Ok(())
                })
                .start()
                .await?;
            eventually("it was reloaded", || config.status().last_attempt.reason() == &Reason::Signal).await;
            Ok(())
        })
    })
}

#[test]
fn a_start_that_waits_tries_again() -> Outcome {
    alone("signal::a_start_that_waits_tries_again", &[], || {
        run(async {
            let (source, _handle) = MemorySource::new("limits", Format::Toml, "a = 1");
            let tries = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let asked = std::sync::Arc::clone(&tries);
            tokio::time::pause();
            let starting = Reloader::<Limits>::builder()
                .source(source)
                .reload_on_hangup()
                .start_policy(StartPolicy::WaitForValid(Duration::from_secs(3600)))
                .gate("thirtieth", move |_| {
                    let number = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    async move {
                        hang_up()?;
                        if number < 29 { Err(reloadable::Refusal::new("not yet")) } else { Ok(()) }
                    }
                });
            let before = tokio::time::Instant::now();
            let _config = starting.start().await?;
            assert_eq!(tries.load(std::sync::atomic::Ordering::Relaxed), 30);
            // Without the signal, each of the later ones waits for a second on average.
            assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
            Ok(())
        })
    })
}

#[test]
fn it_works_without_a_runtime() -> Outcome {
    alone("signal::it_works_without_a_runtime", &[], || {
        let (source, _handle) = MemorySource::new("limits", Format::Toml, "a = 1");
        let config = Reloader::<Limits>::builder().source(source).reload_on_hangup().start_blocking()?;
        let mut outcomes = config.outcomes();
        hang_up()?;
        assert_eq!(outcomes.blocking_next()?.reason(), &Reason::Signal);
        Ok(())
    })
}

#[test]
fn a_runtime_without_io_is_named() -> Outcome {
    alone("signal::a_runtime_without_io_is_named", &[], || {
        std::panic::set_hook(Box::new(|_| {}));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (source, _handle) = MemorySource::new("limits", Format::Toml, "a = 1");
        let starting = Reloader::<Limits>::builder().source(source).reload_on_hangup();
        let error = runtime.block_on(starting.start()).err().ok_or("it was not refused")?;
        assert_eq!(error.kind(), ErrorKind::Setup);
        assert!(error.to_string().contains("enable_io()"), "{error}");
        Ok(())
    })
}
