//! The first load, and what becomes of a start without one.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reloadable::testing::{Answer, ScriptedSource};
use reloadable::{Candidate, ErrorKind, Format, Reason, Refusal, Reloadable, Reloader, SourceErrorKind};
use reloadable::{StartPolicy, atomic_write};
use serde::Deserialize;

use crate::{App, Outcome, app, in_time, vetoed};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_start_fails_with_everything_that_is_wrong_unless_told_to_wait() -> Outcome {
    let (builder, _document) = app("workers = 101\nlisten = 'none'");
    let before = tokio::time::Instant::now();
    let error = builder.start().await.unwrap_err();
    assert_eq!((error.kind(), error.report().violations().len()), (ErrorKind::Invalid, 2));
    assert_eq!(before.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_the_edit_that_makes_it_valid() -> Outcome {
    let (builder, document) = app("workers = ");
    let start = tokio::spawn(builder.start_policy(StartPolicy::WaitForValid(MINUTE)).start());
    for text in ["workers = 'many'", "workers = 1000", "workers = 7"] {
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(!start.is_finished());
        document.replace(text);
    }
    let before = tokio::time::Instant::now();
    let config = in_time(start).await??;
    // The edit wakes it.
    assert!(before.elapsed() < Duration::from_millis(10), "{:?}", before.elapsed());
    let status = config.status();
    assert_eq!((config.load().workers, status.generation, status.attempts), (7, 1, 4));
    assert_eq!((status.last_attempt.number(), status.last_attempt.reason()), (4, &Reason::Initial));
    assert_eq!((status.is_healthy(), status.consecutive_failures), (true, 0));
    // What was refused before is told, and that it was looked at again and again is not.
    let refusal = status.last_refusal.ok_or("nothing was refused")?;
    assert_eq!((refusal.number(), refusal.generation(), refusal.reason()), (3, 0, &Reason::Initial));
    assert_eq!(refusal.outcome().name(), "rejected");
    assert!(refusal.to_string().contains("1000"), "{refusal}");
    // It goes on as any other.
    let mut changes = config.subscribe();
    document.replace("workers = 8");
    assert_eq!(in_time(changes.changed()).await?.current().workers, 8);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waited_too_long_fails_with_the_last_report() -> Outcome {
    let (builder, document) = app("workers = ");
    let start = tokio::spawn(builder.start_policy(StartPolicy::WaitForValid(MINUTE)).start());
    let before = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(10)).await;
    document.replace("workers = 1000");
    let error = in_time(start).await?.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("1000"), "{error}");
    assert!((MINUTE..MINUTE + Duration::from_secs(1)).contains(&before.elapsed()), "{:?}", before.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_tell_is_looked_at_now_and_then() -> Outcome {
    let (source, script) =
        ScriptedSource::new("app", Format::Toml, [Answer::error(SourceErrorKind::NotFound, "not yet")]);
    let builder = Reloader::<App>::builder().source(source).start_policy(StartPolicy::WaitForValid(MINUTE));
    let start = tokio::spawn(builder.start());
    tokio::time::sleep(MINUTE / 2).await;
    // Ever less often, yet not seldom.
    assert!((10..200).contains(&script.looks()), "{}", script.looks());
    script.hold("workers = 3");
    let config = in_time(start).await??;
    assert_eq!(config.load().workers, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_refuses_the_first_load_is_asked_again() -> Outcome {
    let (builder, _document) = app("workers = 1");
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let config = builder
        .start_policy(StartPolicy::WaitForValid(MINUTE))
        .gate("database", move |_: Candidate<App>| {
            let nth = counted.fetch_add(1, Ordering::SeqCst);
            async move { if nth < 4 { Err(Refusal::new("connection refused")) } else { Ok(()) } }
        })
        .start()
        .await?;
    assert_eq!((asked.load(Ordering::SeqCst), config.snapshot().generation()), (5, 1));
    // The same refusal is told once.
    let status = config.status();
    assert_eq!((status.attempts, status.consecutive_failures), (2, 0));
    assert_eq!(vetoed(status.last_refusal.ok_or("nothing was refused")?.outcome()).2, "connection refused");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_waited_for_any_more_leaves_nothing() -> Outcome {
    let (builder, document) = app("workers = ");
    let start = builder.start_policy(StartPolicy::WaitForValid(60 * MINUTE)).start();
    assert!(tokio::time::timeout(MINUTE, start).await.is_err());
    document.replace("workers = 1");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable)]
struct Tls {
    #[reload(file)]
    cert: PathBuf,
}

/// In real time, as files are.
#[tokio::test]
async fn a_start_waits_for_a_file_and_for_the_file_that_it_names() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    let builder = Reloader::<Tls>::builder().file(&path).start_policy(StartPolicy::WaitForValid(MINUTE));
    let start = tokio::spawn(builder.start());
    tokio::task::yield_now().await;
    atomic_write(&path, "cert = 3")?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    atomic_write(&path, "cert = 'cert.pem'")?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!start.is_finished());
    fs::write(directory.path().join("cert.pem"), "certificate")?;
    let config = tokio::time::timeout(Duration::from_secs(20), start).await???;
    let snapshot = config.snapshot();
    assert_eq!(snapshot.file(&snapshot.cert), Some(&b"certificate"[..]));
    let mut changes = config.subscribe();
    atomic_write(directory.path().join("cert.pem"), "another")?;
    let change = tokio::time::timeout(Duration::from_secs(20), changes.changed()).await??;
    assert_eq!(change.snapshot().file(&change.current().cert), Some(&b"another"[..]));
    Ok(())
}

#[test]
fn a_start_without_a_runtime_waits_as_well() -> Outcome {
    let (builder, document) = app("workers = ");
    let mending = std::thread::spawn(move || {
        document.replace("workers = 1");
        document
    });
    let config = builder.start_policy(StartPolicy::WaitForValid(MINUTE)).start_blocking()?;
    assert_eq!(config.load().workers, 1);
    drop(mending.join());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_time_is_over_also_while_a_gate_is_asked() -> Outcome {
    let (builder, _document) = app("workers = 1");
    let started = tokio::time::Instant::now();
    let refused = builder
        .gate("hangs", |_| std::future::pending::<Result<(), Refusal>>())
        .start_policy(StartPolicy::WaitForValid(Duration::from_millis(500)))
        .start()
        .await;
    let error = refused.err().ok_or("started")?;
    assert!(error.to_string().contains("did not answer within"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    Ok(())
}
