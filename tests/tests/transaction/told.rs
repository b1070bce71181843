//! What is told of an attempt, to whoever reads a log or the status.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reloadable::testing::{Answer, ScriptedSource};
use reloadable::{Candidate, Format, MemorySource, Prepared, Refusal, ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;

use crate::{App, Outcome, app, in_time, next, vetoed};

#[tokio::test(start_paused = true)]
async fn what_a_gate_says_is_one_line_and_no_more_than_its_beginning() -> Outcome {
    type Limits = BTreeMap<String, u16>;
    let (source, document) = MemorySource::new("limits", Format::Toml, "workers = 1");
    let config = Reloader::<Limits>::builder()
        .source(source)
        .gate("list\nforged: all is well \u{1b}[31m", |candidate: Candidate<Limits>| async move {
            match candidate.value()["workers"] {
                1 => Ok(()),
                2 => Err(Refusal::new(format!("no\r\nforged: ok \u{1b}[31m{}", "x".repeat(1_000_000)))),
                _ => panic!("no\nforged: {}", "x".repeat(1_000_000)),
            }
        })
        .start()
        .await?;
    for text in ["workers = 2", "workers = 3"] {
        document.replace(text);
        let outcome = config.reload().await;
        let (gate, _, reason) = vetoed(&outcome);
        assert_eq!(gate, "list forged: all is well \u{fffd}[31m");
        assert_eq!((reason.chars().count(), reason.ends_with("x..")), (1_000, true));
        let status = config.status();
        let error = status.last_error.as_ref().ok_or("no error")?.report().to_string();
        for shown in [outcome.to_string(), status.last_attempt.to_string(), error] {
            assert!(!shown.contains(char::is_control), "{shown:?}");
            assert!(shown.chars().count() < 1_200, "{shown}");
        }
        assert!(serde_json::to_string(&status)?.len() < 10_000);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_panicked_is_told_and_stays_until_the_next_publication() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder
        .gate("list", |candidate: Candidate<App>| async move {
            let workers = candidate.value().workers;
            Ok(Prepared::commit(move || assert_ne!(workers, 2)))
        })
        .start()
        .await?;
    assert!(config.status().is_healthy());
    document.replace("workers = 2");
    let outcome = config.reload().await;
    let line = "the gate `list` panicked while committing; what it said is withheld, since there are secrets";
    assert!(outcome.to_string().ends_with(&format!("workers: 1 -> 2; {line}")), "{outcome}");
    let attempt = config.status().last_attempt.to_string();
    assert_eq!(attempt.lines().nth(1), Some(format!("commit failed: {line}").as_str()), "{attempt}");
    assert_eq!(config.readiness().notes(), [line]);
    // Nor does it end where there is nothing new, or what is new is refused.
    for text in ["workers = 2", "workers = 'many'"] {
        document.replace(text);
        config.reload().await;
        let status = config.status();
        assert!(!status.is_healthy());
        assert_eq!(status.failed_commits.violations()[0].message(), line);
    }
    let json = serde_json::to_value(config.status())?;
    assert_eq!(json["failed_commits"][0]["message"], line);
    let published = config.history().pop().ok_or("no history")?;
    assert_eq!(serde_json::to_value(published.attempt())?["failed_commits"][0]["message"], line);
    document.replace("workers = 3");
    config.reload().await;
    let status = config.status();
    assert!(status.is_healthy() && status.failed_commits.is_empty());
    assert!(!serde_json::to_string(&status)?.contains("panicked"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_panicked_at_the_first_load_is_told() -> Outcome {
    let (builder, _document) = app("workers = 1");
    let config = builder
        .gate("list", |_: Candidate<App>| async { Ok(Prepared::commit(|| panic!("it is in use"))) })
        .start()
        .await?;
    assert_eq!((config.status().failed_commits.violations().len(), config.status().is_healthy()), (1, false));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_once_though_the_source_has_another_revision_each_time() -> Outcome {
    for (text, name) in
        [("workers = 101", "rejected"), ("workers = 66", "vetoed"), ("workers = ", "rejected")]
    {
        let (source, script) =
            ScriptedSource::new("app", Format::Toml, [Answer::text("workers = 1").revision("0")]);
        let config = Reloader::<App>::builder()
            .source(source)
            .gate("quota", |candidate: Candidate<App>| async move {
                if candidate.value().workers == 66 { Err(Refusal::new("no")) } else { Ok(()) }
            })
            .suspend_after(2, Duration::from_secs(3_600))
            .start()
            .await?;
        let mut outcomes = config.outcomes();
        for mark in 1..=5 {
            script.hold(Answer::text(text).revision(mark.to_string()));
            let before = script.looks();
            in_time(async {
                while script.looks() == before {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
            })
            .await;
        }
        assert_eq!(next(&mut outcomes).await.outcome().name(), name);
        let status = config.status();
        assert_eq!((status.attempts, status.consecutive_failures, status.suspension), (2, 1, None), "{text}");
        // The same fault in another text is told: somebody edited it.
        script.replace(Answer::text(format!("{text}# as ever")).revision("6"));
        assert_eq!(next(&mut outcomes).await.number(), 3);
        // And what is valid is not taken for what was refused.
        config.resume().await;
        script.replace(Answer::text("workers = 2").revision("7"));
        in_time(async {
            while config.load().workers != 2 {
                drop(outcomes.next().await)
            }
        })
        .await;
    }
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable)]
struct Server {
    workers: u16,
    #[reload(file)]
    certificate: PathBuf,
}

/// Named files count as changed if one of those in force has another content, and not where others are followed.
#[tokio::test]
async fn files_that_fields_name_are_named_only_where_one_of_them_changed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    for name in ["a.pem", "b.pem"] {
        std::fs::write(path(name), name)?;
    }
    let text =
        |workers: u16, name: &str| format!("workers = {workers}\ncertificate = '{}'", path(name).display());
    let (source, document) = MemorySource::new("app", Format::Toml, text(1, "a.pem"));
    let config = Reloader::<Server>::builder()
        .source(source)
        .gate("tls", |candidate: Candidate<Server>| async move {
            let refuses = candidate.value().certificate.ends_with("b.pem");
            if refuses { Err(Refusal::new("not this one")) } else { Ok(()) }
        })
        .start()
        .await?;
    let changed =
        || -> Vec<_> { config.status().last_attempt.changed().iter().map(ToString::to_string).collect() };
    document.replace(text(1, "b.pem"));
    assert_eq!(config.reload().await.name(), "vetoed");
    assert_eq!(changed(), ["app"]);
    // Both files are followed now; reverted, that is nothing new.
    document.replace(text(1, "a.pem"));
    assert_eq!(config.reload().await.name(), "unchanged");
    assert_eq!(changed(), [""; 0]);
    document.replace(text(2, "a.pem"));
    assert_eq!(config.reload().await.name(), "applied");
    assert_eq!(changed(), ["app"]);
    std::fs::write(path("b.pem"), "nobody names it")?;
    config.reload().await;
    assert_eq!(changed(), [""; 0]);
    reloadable::atomic_write(path("a.pem"), "renewed")?;
    config.reload().await;
    let renewed = |attempt: &reloadable::Attempt| {
        attempt.changed().iter().any(|it| it.to_string() == "files that fields name")
    };
    assert!(config.history().iter().any(|published| renewed(published.attempt())), "{:?}", config.history());
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable)]
struct Kept {
    #[reload(file, restart)]
    certificate: PathBuf,
    #[reload(file)]
    roots: PathBuf,
}

/// What is in force may have been read from a file that holds something else by now, and that is told when it is found.
#[tokio::test]
async fn files_that_are_kept_or_gone_back_to_are_not_named_again() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    for name in ["a.pem", "b.pem", "c.pem"] {
        std::fs::write(path(name), name)?;
    }
    let text = |certificate: &str, roots: &str| {
        format!("certificate = '{}'\nroots = '{}'", path(certificate).display(), path(roots).display())
    };
    let (source, document) = MemorySource::new("app", Format::Toml, text("a.pem", "b.pem"));
    let config = Reloader::<Kept>::builder().source(source).start().await?;
    let mut outcomes = config.outcomes();
    reloadable::atomic_write(path("a.pem"), "renewed")?;
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.outcome().name(), attempt.pending_restart().len()), ("unchanged", 1), "{attempt}");
    let changed = |attempt: &reloadable::Attempt| -> Vec<_> {
        attempt.changed().iter().map(ToString::to_string).collect()
    };
    assert_eq!(changed(&attempt), ["files that fields name"]);
    // Others are followed from here on, and what is kept is as it was.
    document.replace(text("a.pem", "c.pem"));
    let attempt = next(&mut outcomes).await;
    assert_eq!((attempt.outcome().name(), changed(&attempt)), ("applied", vec!["app".to_owned()]));
    // One is followed again that was forgotten meanwhile, when another changed.
    reloadable::atomic_write(path("c.pem"), "renewed")?;
    assert_eq!(changed(&next(&mut outcomes).await), ["files that fields name"]);
    assert!(config.rollback_to(1).await.is_in_force());
    assert!(next(&mut outcomes).await.changed().is_empty());
    let outcome = config.resume().await;
    assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
    assert_eq!(changed(&next(&mut outcomes).await), [""; 0]);
    // A file that is gone holds something else, and so does one that is there again.
    for is_there in [false, true] {
        match is_there {
            false => std::fs::remove_file(path("c.pem"))?,
            true => reloadable::atomic_write(path("c.pem"), "again")?,
        }
        let attempt = next(&mut outcomes).await;
        assert_eq!(changed(&attempt), ["files that fields name"], "{attempt}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_override_that_is_cleared_while_reloads_are_suspended_does_not_come_back() -> Outcome {
    let overrides = |config: &Reloader<App>| -> Vec<_> {
        config.status().overrides.iter().map(ToString::to_string).collect()
    };
    for all in [false, true] {
        let (builder, _document) = app("workers = 1");
        let config = builder.start().await?;
        config.set_override("workers", 5).await;
        config.set_override("database.pool", 7).await;
        config.rollback_to(1).await;
        assert_eq!((config.load().workers, config.load().database.pool), (1, 0));
        let outcome = match all {
            true => config.clear_overrides().await,
            false => config.clear_override("workers").await,
        };
        assert!(matches!(outcome, ReloadOutcome::Suspended(_)), "{outcome}");
        let left = if all { vec![] } else { vec!["database.pool".to_owned()] };
        assert_eq!(overrides(&config), left);
        // None can be set.
        assert!(matches!(config.set_override("workers", 9).await, ReloadOutcome::Suspended(_)));
        assert_eq!(overrides(&config), left);
        assert!(config.resume().await.is_in_force());
        assert_eq!((config.load().workers, config.load().database.pool), (1, if all { 0 } else { 7 }));
        assert_eq!(overrides(&config), left);
    }
    // What is in force stays until then.
    let (builder, _document) = app("workers = 1");
    let config = builder.start().await?;
    config.set_override("workers", 5).await;
    config.pause().await?;
    config.clear_override("workers").await;
    assert_eq!((config.load().workers, overrides(&config).len()), (5, 0));
    assert!(config.resume().await.is_in_force());
    assert_eq!(config.load().workers, 1);
    Ok(())
}
