//! The notify protocol, with a real socket in the place of systemd's.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reloadable::ReloadOutcome;

use crate::{Outcome, alone, assert_without_values, document, in_memory, invalid, is_inner, listening_on};

/// Runs the service, and returns what it said, a datagram each; nothing in the process that runs it.
fn said(
    test: &str,
    name: &str,
    socket: &UnixDatagram,
    service: impl FnOnce() -> Outcome,
) -> Result<Option<Vec<String>>, Box<dyn std::error::Error>> {
    if is_inner() {
        service()?;
        return Ok(None);
    }
    // Read meanwhile, as systemd does, since a socket queues but a few.
    socket.set_read_timeout(Some(Duration::from_millis(10)))?;
    let is_over = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                // All of it was sent before the process ended.
                let was_over = is_over.load(Ordering::Acquire);
                match socket.recv(&mut buffer) {
                    Ok(length) => said.push(String::from_utf8_lossy(&buffer[..length]).into_owned()),
                    Err(_) if was_over => return said,
                    Err(_) => {}
                }
            }
        });
        let ran = alone(test, &[("NOTIFY_SOCKET", name)], service);
        is_over.store(true, Ordering::Release);
        ran?;
        reading.join().map_err(|_| "the reader panicked".into())
    });
    let said: Vec<String> = said.map_err(|error: Box<dyn std::error::Error>| error)?;
    assert_without_values(&said.concat());
    Ok(Some(said))
}

fn run<F: Future<Output = Outcome>>(run: F) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run)
}

/// Without the times.
fn timeless(said: &[String]) -> Vec<String> {
    let line = |line: &str| match line.strip_prefix("MONOTONIC_USEC=") {
        Some(time) => {
            assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{line}");
            "MONOTONIC_USEC".to_owned()
        }
        None => line.to_owned(),
    };
    said.iter().map(|said| said.lines().map(line).collect::<Vec<_>>().join(" ")).collect()
}

async fn every_outcome() -> Outcome {
    let (builder, handle) = in_memory();
    let config = builder.notify_systemd().start().await?;
    handle.replace(document(2));
    assert!(config.reload().await.is_in_force());
    handle.replace(invalid());
    assert!(matches!(config.reload().await, ReloadOutcome::Rejected(_)));
    handle.replace(document(666));
    assert!(matches!(config.reload().await, ReloadOutcome::Vetoed(_)));
    handle.replace(listening_on("b", 2));
    assert!(config.reload().await.is_in_force());
    config.pause().await?;
    assert!(matches!(config.reload().await, ReloadOutcome::Suspended(_)));
    assert!(config.resume().await.is_in_force());
    // What nobody asked for is no reload to systemd.
    let mut outcomes = config.outcomes();
    handle.replace(listening_on("a", 3));
    outcomes.next().await?;
    config.shutdown().await;
    Ok(())
}

const EVERY_OUTCOME: [&str; 17] = [
    "READY=1 STATUS=generation 1",
    "RELOADING=1 MONOTONIC_USEC",
    "READY=1 STATUS=generation 2: 3 changes",
    "RELOADING=1 MONOTONIC_USEC",
    "READY=1 STATUS=generation 2 stays in force, rejected: 2 problems",
    "RELOADING=1 MONOTONIC_USEC",
    "READY=1 STATUS=generation 2 stays in force, vetoed by the gate `database`",
    "RELOADING=1 MONOTONIC_USEC",
    "READY=1 STATUS=generation 2: unchanged; 1 field waits for a restart",
    "STATUS=generation 2: unchanged; 1 field waits for a restart; reloads are paused; `resume()` ends that",
    "RELOADING=1 MONOTONIC_USEC",
    "READY=1 STATUS=generation 2: unchanged; 1 field waits for a restart; reloads are paused; `resume()` ends that",
    "STATUS=generation 2: unchanged; 1 field waits for a restart",
    "RELOADING=1 MONOTONIC_USEC",
    "READY=1 STATUS=generation 2: unchanged; 1 field waits for a restart",
    "STATUS=generation 3: 3 changes",
    "STOPPING=1",
];

#[test]
fn systemd_is_told_of_every_outcome() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path)?;
    let path = path.to_str().ok_or("not text")?;
    let test = "systemd::systemd_is_told_of_every_outcome";
    let Some(said) = said(test, path, &socket, || run(every_outcome()))? else { return Ok(()) };
    assert_eq!(timeless(&said), EVERY_OUTCOME);
    Ok(())
}

#[test]
fn an_abstract_socket_does_as_well() -> Outcome {
    let name = format!("reloadable-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    let test = "systemd::an_abstract_socket_does_as_well";
    let Some(said) = said(test, &format!("@{name}"), &socket, || run(every_outcome()))? else {
        return Ok(());
    };
    assert_eq!(timeless(&said), EVERY_OUTCOME);
    Ok(())
}

#[test]
fn a_service_that_cannot_start_is_not_ready() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path)?;
    let path = path.to_str().ok_or("not text")?;
    let Some(said) = said("systemd::a_service_that_cannot_start_is_not_ready", path, &socket, || {
        let (builder, handle) = in_memory();
        handle.replace(invalid());
        assert!(builder.notify_systemd().start_blocking().is_err());
        Ok(())
    })?
    else {
        return Ok(());
    };
    assert_eq!(said, ["STATUS=no valid configuration to start with: 2 problems"]);
    Ok(())
}

async fn going_back() -> Outcome {
    let (builder, handle) = in_memory();
    let config = builder.notify_systemd().start().await?;
    handle.replace(document(2));
    assert!(config.reload().await.is_in_force());
    assert!(config.rollback_to(1).await.is_in_force());
    config.shutdown().await;
    Ok(())
}

#[test]
fn the_status_says_what_was_gone_back_to() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path)?;
    let path = path.to_str().ok_or("not text")?;
    let test = "systemd::the_status_says_what_was_gone_back_to";
    let Some(said) = said(test, path, &socket, || run(going_back()))? else { return Ok(()) };
    assert_eq!(
        timeless(&said)[3..],
        [
            "RELOADING=1 MONOTONIC_USEC",
            "READY=1 STATUS=generation 3: 3 changes; rolled back to generation 1, which stays; `resume()` ends that",
            "STOPPING=1",
        ]
    );
    Ok(())
}

#[test]
fn a_manager_that_is_gone_or_does_not_read_stops_nothing() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path)?;
    let text = path.to_str().ok_or("not text")?;
    let test = "systemd::a_manager_that_is_gone_or_does_not_read_stops_nothing";
    // Nobody reads until the service has ended, and far more is sent than a socket queues.
    alone(test, &[("NOTIFY_SOCKET", text)], || {
        run(async {
            let config = in_memory().0.notify_systemd().start().await?;
            let began = std::time::Instant::now();
            for _ in 0..1_000 {
                assert!(config.reload().await.is_in_force());
            }
            // It is waited for once, and not 2,000 times 0.2 s.
            assert!(began.elapsed() < Duration::from_secs(100));
            std::fs::remove_file(std::env::var_os("NOTIFY_SOCKET").ok_or("no socket")?)?;
            assert!(config.reload().await.is_in_force());
            Ok(())
        })
    })?;
    drop(socket);
    Ok(())
}

#[test]
fn without_a_manager_nothing_is_sent() -> Outcome {
    for (variable, value) in [("UNRELATED", "1"), ("NOTIFY_SOCKET", ""), ("NOTIFY_SOCKET", "vsock:2:1")] {
        alone("systemd::without_a_manager_nothing_is_sent", &[(variable, value)], || run(every_outcome()))?;
    }
    Ok(())
}
