//! Starting with the last good set.

use std::fs;

use reloadable::{
    Document, ErrorKind, Fetched, Format, Hint, MemorySource, Origin, Reason, Refusal, ReloadOutcome,
    Reloader, Revision, Source, SourceError, SourceErrorKind, SourceState, StartPolicy,
};

use super::*;

type Break = fn(&Place) -> std::io::Result<()>;

#[tokio::test]
async fn it_runs_on_the_last_good_set_until_the_source_is_mended() -> Outcome {
    let breaks: [(Break, ErrorKind); 3] = [
        (|place| fs::remove_file(place.path("app.toml")), ErrorKind::Unavailable),
        (|place| place.write("workers = 'many'\n"), ErrorKind::Invalid),
        (|place| place.write("workers = \n"), ErrorKind::Invalid),
    ];
    for (destroy, kind) in breaks {
        let place = Place::new()?;
        place.save("workers = 4\n").await?;
        destroy(&place)?;
        let config = in_time(place.builder().start()).await?;
        assert_eq!((config.load().workers, config.snapshot().generation()), (4, 1));
        let status = config.status();
        assert_eq!(status.last_error.as_ref().map(|error| error.kind()), Some(kind));
        assert!(!status.is_healthy());
        assert_eq!((status.attempts, status.consecutive_failures), (2, 1));
        assert_eq!(status.last_attempt.reason(), &Reason::LastGood);
        let refusal = status.last_refusal.as_ref().ok_or("the first load was refused")?;
        assert_eq!((refusal.number(), refusal.reason(), refusal.generation()), (1, &Reason::Initial, 0));
        let kept = last_good(&status);
        assert!(kept.is_in_force && kept.saved_at.is_some() && kept.last_error.is_none());
        assert_eq!(kept.origin.path(), Some(place.set().as_path()));
        assert_eq!(status.sources.len(), 1);
        assert_eq!(status.sources[0].state == SourceState::Interrupted, kind == ErrorKind::Unavailable);
        let saved_at = kept.saved_at;

        place.write("workers = 5\n")?;
        until(&config, "it is mended", |status| {
            status.is_healthy() && last_good(status).saved_at != saved_at
        })
        .await;
        assert_eq!((config.load().workers, config.snapshot().generation()), (5, 2));
        assert!(!last_good(&config.status()).is_in_force);
    }
    Ok(())
}

#[tokio::test]
async fn a_source_that_says_the_same_again_is_in_force_again() -> Outcome {
    let place = Place::new()?;
    place.save("workers = 4\n").await?;
    fs::remove_file(place.path("app.toml"))?;
    let config = in_time(place.builder().start()).await?;
    assert!(!config.reload().await.is_in_force());
    place.write("workers = 4 # the same\n")?;
    until(&config, "it is mended", |status| status.is_healthy()).await;
    assert!(!last_good(&config.status()).is_in_force);
    assert_eq!(config.snapshot().generation(), 1);
    Ok(())
}

#[tokio::test]
async fn what_a_gate_refuses_is_replaced_as_well() -> Outcome {
    let place = Place::new()?;
    place.save("workers = 4\n").await?;
    place.write("workers = 5\n")?;
    let builder = place.builder().gate("even", |candidate| async move {
        if candidate.value().workers % 2 == 0 { Ok(()) } else { Err(Refusal::new("it is odd")) }
    });
    let config = in_time(builder.start()).await?;
    assert_eq!(config.load().workers, 4);
    let refusal = config.status().last_refusal.ok_or("the first load was refused")?;
    assert!(matches!(refusal.outcome(), ReloadOutcome::Vetoed(_)));
    place.write("workers = 6\n")?;
    until(&config, "it is mended", |status| status.is_healthy()).await;
    assert_eq!(config.load().workers, 6);
    Ok(())
}

#[tokio::test]
async fn a_source_that_is_well_is_what_counts() -> Outcome {
    let place = Place::new()?;
    place.save("workers = 4\n").await?;
    place.write("workers = 5\n")?;
    let config = in_time(place.builder().start()).await?;
    let status = config.status();
    assert_eq!((config.load().workers, status.attempts), (5, 1));
    assert!(status.is_healthy() && !last_good(&status).is_in_force);
    Ok(())
}

#[tokio::test]
async fn values_of_the_program_are_those_of_now() -> Outcome {
    let place = Place::new()?;
    let builder = |name: &str| place.layers().set([format!("name={name}")]).keep_last_good(place.last_good());
    place.write("workers = 4\nname = 'file'\n")?;
    place.saved(builder("before")).await?;
    fs::remove_file(place.path("app.toml"))?;
    let config = in_time(builder("now").start()).await?;
    assert_eq!((config.load().workers, &*config.load().name), (4, "now"));
    Ok(())
}

#[tokio::test]
async fn a_layer_with_secrets_is_read_as_it_is_unless_told() -> Outcome {
    let place = Place::new()?;
    let secrets = place.path("secrets.toml");
    let builder = |last_good| place.layers().file(&secrets).secrets().keep_last_good(last_good);
    place.write("workers = 4\n")?;
    fs::write(&secrets, "token = 'hunter2'\n")?;
    place.saved(builder(place.last_good())).await?;
    assert!(!String::from_utf8_lossy(&fs::read(place.set())?).contains("hunter2"));

    fs::remove_file(place.path("app.toml"))?;
    fs::write(&secrets, "token = 'hunter3'\n")?;
    let config = in_time(builder(place.last_good()).start()).await?;
    assert_eq!((config.load().workers, &*config.load().token), (4, "hunter3"));
    in_time(config.shutdown()).await;
    fs::write(&secrets, "token = \n")?;
    let error = refused(builder(place.last_good())).await;
    assert_codes(&error, &["not_found", "syntax", "last_good", "syntax"]);

    let told = || place.last_good().secrets();
    place.write("workers = 4\n")?;
    fs::write(&secrets, "token = 'hunter2'\n")?;
    place.saved(builder(told())).await?;
    fs::remove_file(&secrets)?;
    let config = in_time(builder(told()).start()).await?;
    assert_eq!((config.load().workers, &*config.load().token), (4, "hunter2"));
    assert!(!format!("{:?}", config.status()).contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn without_a_set_that_will_do_the_start_fails_with_both_reports() -> Outcome {
    let place = Place::new()?;
    let error = refused(place.builder()).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_codes(&error, &["not_found", "not_found"]);
    assert!(format!("{error:#}").contains("there is no last good set yet"), "{error:#}");

    // It was valid, but is not by the rules of now.
    let (source, _document) =
        MemorySource::new(place.path("app.toml").display().to_string(), Format::Toml, "workers = 101");
    let loose = Reloader::<std::collections::BTreeMap<String, u16>>::builder()
        .source(source)
        .keep_last_good(place.last_good());
    let config = in_time(loose.start()).await?;
    until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
    in_time(config.shutdown()).await;
    let error = refused(place.builder()).await;
    assert_codes(&error, &["not_found", "last_good", "crowd"]);
    assert!(error.to_string().ends_with("(and 2 more problems)"), "{error}");

    fs::write(place.set(), "reloadable last good set 1\nand then nothing")?;
    let error = refused(place.builder()).await;
    assert_codes(&error, &["not_found", "damaged"]);
    assert!(format!("{error:#}").contains(&place.set().display().to_string()), "{error:#}");

    place.save("workers = 4\n").await?;
    place.write("workers = \n")?;
    let error = refused(place.layers().set(["name=now"]).keep_last_good(place.last_good())).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_codes(&error, &["syntax", "foreign"]);
    Ok(())
}

#[tokio::test]
async fn a_set_with_nothing_in_it_is_said_to_be_empty() -> Outcome {
    let place = Place::new()?;
    place.write("token = 'hunter2'\n")?;
    // An empty directory and a file that may be missing are nothing to start with either.
    fs::create_dir(place.path("conf.d"))?;
    let builder = || {
        let builder = place.builder().directory(place.path("conf.d"), ["*.toml"]);
        builder.file(place.path("local.toml")).optional().keep_last_good(place.last_good())
    };
    let config = in_time(builder().start()).await?;
    until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
    let kept = config.status().last_good.ok_or("it is kept")?;
    assert_eq!((kept.left_out, kept.is_empty), (vec![place.path("app.toml").display().to_string()], true));
    in_time(config.shutdown()).await;
    fs::remove_file(place.path("app.toml"))?;
    let error = refused(builder()).await;
    assert_codes(&error, &["not_found", "last_good"]);
    assert!(format!("{error:#}").contains(".secrets()` keeps those with secrets"), "{error:#}");
    Ok(())
}

#[tokio::test]
async fn what_is_left_out_is_named_where_a_start_fails_for_it() -> Outcome {
    let place = Place::new()?;
    fs::write(place.path("secrets.toml"), "token = 'hunter2'\n")?;
    let builder = || {
        let builder = place.builder().file(place.path("secrets.toml")).secrets();
        builder.keep_last_good(place.last_good())
    };
    place.write("workers = 4\n")?;
    let config = in_time(builder().start()).await?;
    until(&config, "it is saved", |status| last_good(status).saved_at.is_some()).await;
    let kept = config.status().last_good.ok_or("it is kept")?;
    assert_eq!(
        (kept.left_out, kept.is_empty),
        (vec![place.path("secrets.toml").display().to_string()], false)
    );
    in_time(config.shutdown()).await;
    fs::write(place.path("secrets.toml"), "token = \n")?;
    let error = format!("{:#}", refused(builder()).await);
    let named = format!("as they are now: `{}`", place.path("secrets.toml").display());
    assert!(error.contains(&named) && error.contains("`.secrets()` keeps"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() -> Outcome {
    let place = Place::new()?;
    fs::write(place.path("file"), "in the way")?;
    let error =
        refused(place.layers().keep_last_good(LastGood::in_directory(place.path("file/state")))).await;
    assert_codes(&error, &["not_found", "last_good"]);
    assert!(!format!("{error:#}").contains("there is no last good set yet"), "{error:#}");
    Ok(())
}

#[tokio::test]
async fn it_is_used_only_where_that_is_the_policy() -> Outcome {
    let place = Place::new()?;
    place.save("workers = 4\n").await?;
    fs::remove_file(place.path("app.toml"))?;
    let error = refused(place.builder().start_policy(StartPolicy::Fail)).await;
    assert_codes(&error, &["not_found"]);
    let error = refused(place.layers()).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("keep_last_good"), "{error}");
    let error = refused(place.layers().keep_last_good(place.last_good().named("a/b"))).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    Ok(())
}

#[test]
fn an_override_over_the_set_is_no_reason_to_save_it_again() -> Outcome {
    // With one thread for what blocks, whatever was given to it before has ended when its turn comes.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    runtime.block_on(async {
        let place = Place::new()?;
        place.save("workers = 4\n").await?;
        fs::remove_file(place.path("app.toml"))?;
        let config = in_time(place.builder().start()).await?;
        let saved = fs::read(place.set())?;
        assert!(config.set_override("workers", 7).await.is_in_force());
        assert_eq!(config.load().workers, 7);
        assert!(last_good(&config.status()).is_in_force);
        tokio::task::spawn_blocking(|| ()).await?;
        assert_eq!(fs::read(place.set())?, saved);
        Ok(())
    })
}

/// Cannot be reached so many times, and tells of nothing.
struct Remote {
    failures: u32,
    workers: u16,
}

impl Source for Remote {
    fn origin(&self) -> Origin {
        Origin::named("remote")
    }

    async fn fetch(&mut self, _: Option<&Revision>) -> Result<Fetched, SourceError> {
        if self.failures > 0 {
            self.failures -= 1;
            return Err(SourceError::new(SourceErrorKind::TimedOut, self.origin(), "it is away"));
        }
        let text = format!("workers = {}\n", self.workers);
        let document = Document::new(self.origin(), Format::Toml, text.as_bytes());
        Ok(Fetched::Documents { documents: vec![document], revision: Revision::new(text) })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_source_that_was_away_is_asked_again_soon() -> Outcome {
    let place = Place::new()?;
    let hour = Duration::from_secs(60 * 60);
    let builder = |failures, workers| {
        Reloader::<App>::builder()
            .source(Remote { failures, workers })
            .resync(hour)
            .start_policy(StartPolicy::UseLastGood)
            .keep_last_good(place.last_good())
    };
    place.saved(builder(0, 4)).await?;
    let config = in_time(builder(2, 5).start()).await?;
    assert_eq!(config.load().workers, 4);
    until(&config, "it is back", |status| status.is_healthy()).await;
    assert_eq!(config.load().workers, 5);
    Ok(())
}

#[tokio::test]
async fn what_was_refused_at_the_start_is_not_told_at_every_look() -> Outcome {
    for text in ["workers = 'many'\n", "workers = 13\n"] {
        let place = Place::new()?;
        let builder = || {
            let hour = Duration::from_secs(60 * 60);
            let builder = place.layers().set(["name=now"]).keep_last_good(place.last_good());
            let builder = builder.resync(Duration::from_millis(10)).suspend_after(1, hour);
            builder.gate("lucky", |candidate| async move {
                if candidate.value().workers == 13 { Err(Refusal::new("bad luck")) } else { Ok(()) }
            })
        };
        place.write("workers = 4\n")?;
        place.saved(builder()).await?;
        place.write(text)?;
        let config = in_time(builder().start()).await?;
        let mut looks = std::collections::BTreeSet::new();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        let mut pause = tokio::time::interval(Duration::from_millis(1));
        while looks.len() < 6 {
            looks.insert(config.status().sources[0].last_look);
            assert!(tokio::time::Instant::now() < deadline, "nobody looks");
            pause.tick().await;
        }
        let status = config.status();
        assert!(status.suspension.is_none(), "{:?}", status.suspension);
        assert_eq!((status.attempts, status.consecutive_failures), (2, 1), "{text}");
    }
    Ok(())
}
