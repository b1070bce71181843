//! Layers that need not be there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use reloadable::{
    Builder, Document, ErrorKind, Fetched, Format, Hint, Origin, ReloadOutcome, Reloader, Revision, Source,
    SourceError, SourceErrorKind, SourceState,
};

use crate::{DEADLINE, NEVER, Outcome, until};

type App = BTreeMap<String, u16>;

/// With a long wait for what vanishes, so that a slow machine does not make a test fail.
fn patient() -> Builder<App> {
    Reloader::builder().resync(NEVER)
}

fn base(root: &Path) -> std::io::Result<()> {
    fs::write(root.join("base.toml"), "a = 1\nb = 1\n")
}

async fn arrives(changes: &mut reloadable::Subscription<App>, expected: &[u16]) -> Outcome {
    loop {
        let values: Vec<_> = changes.seen().values().copied().collect();
        if values == expected {
            return Ok(());
        }
        let change = tokio::time::timeout(DEADLINE, changes.changed()).await;
        let Ok(change) = change else { panic!("{expected:?} did not arrive, {values:?} is in force") };
        change?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_appears_and_vanishes() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    let top = root.join("top.toml");
    let config = patient()
        .max_wait(Duration::from_millis(100))
        .file(root.join("base.toml"))
        .file(&top)
        .optional()
        .start()
        .await?;
    let mut changes = config.subscribe();
    assert_eq!(config.status().sources[1].state, SourceState::Watching);
    for round in 2..5 {
        fs::write(&top, format!("b = {round}\nc = {round}\n"))?;
        arrives(&mut changes, &[1, round, round]).await?;
        fs::remove_file(&top)?;
        arrives(&mut changes, &[1, 1]).await?;
    }
    assert_eq!((config.snapshot().generation(), config.status().last_error.is_none()), (7, true));
    assert_eq!(config.snapshot().origin_of("b").map(|set| set.layer().ends_with("base.toml")), Some(true));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_required_one_that_vanishes_is_a_failure() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    let top = root.join("top.toml");
    fs::write(&top, "b = 2\n")?;
    let config = patient().file(root.join("base.toml")).file(&top).start().await?;
    fs::remove_file(&top)?;
    until(&config, "the failure", |status| status.last_error.is_some()).await;
    assert!(matches!(config.status().last_outcome(), ReloadOutcome::Failed(_)));
    assert_eq!(config.status().last_error.map(|error| error.kind()), Some(ErrorKind::Unavailable));
    assert_eq!((config.load()["b"], config.snapshot().generation()), (2, 1));
    fs::write(&top, "b = 3\n")?;
    until(&config, "the end of it", |status| status.last_error.is_none()).await;
    assert_eq!(config.load()["b"], 3);
    Ok(())
}

/// Half a second lies between the two: far more than a script needs, and less than what is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_that_is_deleted_and_written_anew_uncovers_nothing() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    let top = root.join("top.toml");
    fs::write(&top, "b = 2\n")?;
    let config = patient()
        .max_wait(Duration::from_secs(60))
        .file(root.join("base.toml"))
        .file(&top)
        .optional()
        .start()
        .await?;
    let mut changes = config.subscribe();
    for (round, pause) in [(3, 0), (4, 30), (5, 500)] {
        fs::remove_file(&top)?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        fs::write(&top, format!("b = {round}\n"))?;
        let change = tokio::time::timeout(DEADLINE, changes.changed()).await??;
        assert_eq!(change.current()["b"], round, "the layer below was published");
    }
    assert_eq!(config.snapshot().generation(), 4);
    // The same again is no change at all.
    fs::remove_file(&top)?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    fs::write(&top, "b = 5\n")?;
    fs::write(root.join("base.toml"), "a = 9\nb = 1\n")?;
    arrives(&mut changes, &[9, 5]).await?;
    assert_eq!(config.snapshot().generation(), 5);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_asks_learns_that_it_is_gone() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    let top = root.join("top.toml");
    fs::write(&top, "b = 2\n")?;
    let config = patient()
        .max_wait(Duration::from_millis(50))
        .file(root.join("base.toml"))
        .file(&top)
        .optional()
        .start()
        .await?;
    fs::remove_file(&top)?;
    config.reload().await;
    assert_eq!(config.load()["b"], 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_directory_appears_and_vanishes() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    let conf = root.join("conf.d");
    let config = patient()
        .max_wait(Duration::from_millis(100))
        .file(root.join("base.toml"))
        .directory(&conf, "*.toml")
        .optional()
        .start()
        .await?;
    let mut changes = config.subscribe();
    for round in 2..4 {
        fs::create_dir(&conf)?;
        fs::write(conf.join("x.toml"), format!("b = {round}\n"))?;
        arrives(&mut changes, &[1, round]).await?;
        fs::remove_dir_all(&conf)?;
        arrives(&mut changes, &[1, 1]).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_directory_that_is_made_anew_uncovers_nothing() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    let conf = root.join("conf.d");
    fs::create_dir(&conf)?;
    fs::write(conf.join("x.toml"), "b = 2\n")?;
    let config = patient()
        .max_wait(Duration::from_secs(60))
        .file(root.join("base.toml"))
        .directory(&conf, "*.toml")
        .optional()
        .start()
        .await?;
    let mut changes = config.subscribe();
    let new = root.join("new");
    for (round, pause) in [(3, 0), (4, 300)] {
        fs::create_dir(&new)?;
        fs::write(new.join("x.toml"), format!("b = {round}\n"))?;
        fs::rename(&conf, root.join(format!("old{round}")))?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        fs::rename(&new, &conf)?;
        let change = tokio::time::timeout(DEADLINE, changes.changed()).await??;
        assert_eq!(change.current()["b"], round, "the layer below was published");
    }
    Ok(())
}

/// What is missing is a file of it, and not the directory.
#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_no_missing_directory() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    let conf = root.join("conf.d");
    fs::create_dir(&conf)?;
    fs::write(conf.join("x.toml"), "b = 2\n")?;
    std::os::unix::fs::symlink(root.join("nowhere.toml"), conf.join("y.toml"))?;
    let builder = patient().file(root.join("base.toml")).directory(&conf, "*.toml").optional();
    match builder.check_blocking() {
        Ok(plan) => assert_eq!(plan.candidate()["b"], 2, "all of the directory was left out"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
    }
    Ok(())
}

#[test]
fn what_is_there_but_wrong_is_no_absence() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    base(root)?;
    for (name, text) in [("empty.toml", ""), ("torn.toml", "b = "), ("other.toml", "b = 'x'")] {
        fs::write(root.join(name), text)?;
        let refused =
            patient().file(root.join("base.toml")).file(root.join(name)).optional().check_blocking();
        assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Invalid), "{name}");
    }
    fs::create_dir(root.join("dir.toml"))?;
    let refused =
        patient().file(root.join("base.toml")).file(root.join("dir.toml")).optional().check_blocking();
    assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
    Ok(())
}

/// Holds nothing until it is told that it does.
struct Late(bool);

impl Source for Late {
    fn origin(&self) -> Origin {
        Origin::named("late")
    }

    async fn fetch(&mut self, _: Option<&Revision>) -> Result<Fetched, SourceError> {
        if std::mem::replace(&mut self.0, true) {
            let document = Document::new(self.origin(), Format::Toml, *b"b = 2");
            return Ok(Fetched::Documents { documents: vec![document], revision: Revision::new("1") });
        }
        Err(SourceError::new(SourceErrorKind::NotFound, self.origin(), "not yet"))
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_source_of_ones_own_may_be_optional() -> Outcome {
    let config = patient().set(["a=1"]).source(Late(false)).optional().start().await?;
    assert_eq!(config.load().get("b"), None);
    assert!(matches!(config.reload().await, ReloadOutcome::Applied(_)));
    assert_eq!(config.load()["b"], 2);
    let refused = patient().set(["a=1"]).source(Late(false)).start().await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
    Ok(())
}
