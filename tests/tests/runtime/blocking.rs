//! Without an asynchronous runtime.

use std::fs;
use std::time::Duration;

use reloadable::{ErrorKind, Format, MemorySource, ReloadOutcome, Reloader};

use crate::{App, DEADLINE};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn the_same_engine_runs_on_a_thread_of_its_own() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, "[server]\nport = 80\n")?;
    let config = Reloader::<App>::builder().file(&path).start_blocking()?;
    let mut changes = config.subscribe_to(|app: &App| &app.server);
    fs::write(&path, "[server]\nport = 81\n")?;
    let change = changes.blocking_changed_timeout(DEADLINE)?.ok_or("no change came")?;
    assert_eq!(change.changes().to_string(), "port: 80 -> 81");

    fs::write(&path, "[server\n")?;
    assert!(matches!(config.blocking_reload(), ReloadOutcome::Rejected(_)));
    assert!(changes.blocking_changed_timeout(Duration::from_millis(1))?.is_none());
    fs::write(&path, "[server]\nport = 82\n")?;
    assert!(matches!(config.blocking_reload(), ReloadOutcome::Applied(_)));
    assert_eq!(changes.blocking_changed()?.current().port, 82);

    let waiting = std::thread::spawn(move || changes.blocking_changed().map(|change| change.generation()));
    config.blocking_shutdown();
    let ended = waiting.join().map_err(|_| "the subscriber panicked")?;
    assert_eq!(ended.map_err(|error| error.kind()), Err(ErrorKind::Closed));
    Ok(())
}

#[test]
fn the_first_load_fails_with_its_report() {
    let (source, _handle) = MemorySource::new("memory", Format::Toml, "[server]\nport = 'x'\n");
    let error = Reloader::<App>::builder().source(source).start_blocking().map(|_| ()).err();
    assert_eq!(error.map(|error| error.report().violations()[0].code().to_owned()).as_deref(), Some("type"));
}

#[test]
fn start_without_a_runtime_says_what_to_do() {
    let (source, _handle) = MemorySource::new("memory", Format::Toml, "[server]\n");
    let mut start = std::pin::pin!(Reloader::<App>::builder().source(source).start());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match start.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(error)) => {
            assert_eq!(error.kind(), ErrorKind::Setup);
            assert!(error.to_string().contains("start_blocking"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}
