//! One attempt after the other, with time under control.

use std::time::Duration;

use reloadable::{
    Document, Error, ErrorKind, Fetched, Format, Hint, MemorySource, Origin, ReloadOutcome, Reloader,
    Revision, Settle, Source, SourceError, SourceErrorKind, SourceState,
};

use crate::{App, in_memory, in_time};

fn pool(size: u16) -> String {
    format!("[database]\npool_size = {size}\n")
}

#[tokio::test(start_paused = true)]
async fn a_change_is_published_with_the_next_generation() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    let mut changes = config.subscribe();
    assert_eq!(config.snapshot().generation(), 1);

    handle.replace(pool(30));
    let change = in_time(changes.changed()).await?;

    assert_eq!(change.generation(), 2);
    assert_eq!(change.changes().to_string(), "database.pool_size: 20 -> 30");
    assert_eq!(config.load().database.pool_size, 30);
    let status = config.status();
    assert_eq!((status.generation, status.attempts), (2, 2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_leaves_the_last_good_value() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    for (text, code) in [
        ("[database\n", "syntax"),
        ("[database]\npool_size = 'many'\n", "type"),
        ("[database]\npool_size = 5000\n", "range"),
        ("[server]\nname = 'refused'\n", "normalize"),
        ("[server]\nport = 65535\n", "named"),
    ] {
        handle.replace(text);
        let outcome = config.reload().await;
        assert!(matches!(outcome, ReloadOutcome::Rejected(_)), "{text}: {outcome}");
        let status = config.status();
        let codes: Vec<_> = status.last_report().into_iter().flat_map(|report| report.violations()).collect();
        assert_eq!(codes.iter().map(|violation| violation.code()).collect::<Vec<_>>(), [code], "{text}");
        assert!(codes[0].position().is_some(), "{text}: {}", codes[0]);
        assert_eq!((config.load().database.pool_size, status.generation), (20, 1), "{text}");
    }
    assert_eq!(config.status().consecutive_failures, 5);

    handle.replace(pool(30));
    assert!(matches!(config.reload().await, ReloadOutcome::Applied(_)));
    assert!(config.status().is_healthy());
    assert_eq!(config.status().consecutive_failures, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_violation_of_a_candidate_is_reported() -> Result<(), Error> {
    let (config, handle) = in_memory("").await.or(in_memory("token = ''").await)?;
    handle.replace("[server]\nport = 65535\n[database]\npool_size = 5000\n");
    config.reload().await;
    let status = config.status();
    let report = status.last_report().map(ToString::to_string);
    assert_eq!(
        report.as_deref(),
        Some(
            "memory:1:1   server.name         port 65535 needs a name  [named]\n\
             memory:4:13  database.pool_size  5000 is not in ..=1024  [range]"
        )
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn reverting_a_bad_edit_is_unchanged_and_clears_the_failure() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    handle.replace("[database");
    assert!(matches!(config.reload().await, ReloadOutcome::Rejected(_)));
    assert!(!config.status().is_healthy());

    handle.replace(pool(20));
    assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));
    let status = config.status();
    assert!(status.is_healthy());
    assert_eq!(status.generation, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_comment_publishes_nothing() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    handle.replace(format!("# a comment\n{}", pool(20)));
    assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));
    assert_eq!(config.snapshot().generation(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_same_refusal_is_not_repeated_at_every_look() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    handle.replace("[database");
    config.reload().await;
    let attempts = config.status().attempts;
    // Several resyncs.
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(config.status().attempts, attempts);
    // Whoever asks gets an answer all the same.
    assert!(matches!(config.reload().await, ReloadOutcome::Rejected(_)));
    assert_eq!(config.status().attempts, attempts + 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_one_attempt() -> Result<(), Error> {
    let (source, handle) = MemorySource::new("memory", Format::Toml, pool(1));
    let config = Reloader::<App>::builder()
        .source(source)
        .settle(Settle::quiet(Duration::from_millis(50)))
        .max_wait(Duration::from_secs(10))
        .start()
        .await?;
    let mut changes = config.subscribe();
    let started = tokio::time::Instant::now();
    for size in 2..=11 {
        handle.write(pool(size));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let change = in_time(changes.changed()).await?;
    assert_eq!(change.current().database.pool_size, 11);
    assert_eq!((change.generation(), config.status().attempts), (2, 2));
    // The last write came at 180 ms.
    assert_eq!(started.elapsed().as_millis(), 230);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn endless_writing_does_not_hold_up_the_reload_for_ever() -> Result<(), Error> {
    let (source, handle) = MemorySource::new("memory", Format::Toml, pool(0));
    let config = Reloader::<App>::builder()
        .source(source)
        .settle(Settle::quiet(Duration::from_millis(50)))
        .max_wait(Duration::from_millis(200))
        .start()
        .await?;
    for size in 1..=100 {
        handle.write(pool(size));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // A second of writing without a pause, and a look every 200 ms.
    let generation = config.snapshot().generation();
    assert!((4..=6).contains(&generation), "{generation}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn changes_are_published_in_their_order() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(0)).await?;
    let mut changes = config.subscribe();
    for size in 1..=50 {
        handle.replace(pool(size));
        let change = in_time(changes.changed()).await?;
        assert_eq!((change.generation(), change.current().database.pool_size), (u64::from(size) + 1, size));
        assert_eq!(change.previous().database.pool_size, size - 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_application_is_a_refusal() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    for step in ["normalize", "validate"] {
        handle.replace(format!("[server]\nname = 'panic in {step}'\n"));
        let outcome = config.reload().await;
        let error = outcome.error().map(ToString::to_string).unwrap_or_default();
        assert!(matches!(outcome, ReloadOutcome::Rejected(_)), "{step}");
        // The configuration has a secret, which a panic might quote.
        assert!(error.contains("withheld") && error.contains("[panic]"), "{error}");
        assert!(!error.contains("a normalizer") && !error.contains("a validator"), "{error}");
    }
    handle.replace(pool(30));
    assert!(matches!(config.reload().await, ReloadOutcome::Applied(_)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_leaves_the_last_good_value_and_is_asked_again() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    handle.fail(SourceErrorKind::NotFound, "it is gone");
    let outcome = config.reload().await;
    assert_eq!(outcome.to_string(), "configuration unavailable: memory: it is gone [not_found]");
    assert!(matches!(&outcome, ReloadOutcome::Failed(error) if error.kind() == ErrorKind::Unavailable));
    assert_eq!(config.status().sources[0].state, SourceState::Interrupted);
    assert_eq!(config.load().database.pool_size, 20);

    let mut changes = config.subscribe();
    handle.replace(pool(30));
    assert_eq!(in_time(changes.changed()).await?.current().database.pool_size, 30);
    assert_eq!(config.status().sources[0].state, SourceState::Watching);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn normalized_values_are_there_before_the_diff() -> Result<(), Error> {
    let (config, handle) = in_memory("[server]\nname = 'a'\n").await?;
    assert_eq!(config.load().server.greeting, "hello from a");
    let mut changes = config.subscribe();
    handle.replace("[server]\nname = 'b'\n");
    let change = in_time(changes.changed()).await?;
    let greeting = change.changes().server.and_then(|server| server.greeting);
    assert_eq!(greeting.map(|greeting| greeting.new.as_str()), Some("hello from b"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn later_layers_win_and_tables_are_merged() -> Result<(), Error> {
    let (base, _base) = MemorySource::new("base", Format::Toml, "[database]\npool_size = 1\nurl = 'base'\n");
    let (top, handle) = MemorySource::new("top", Format::Json, r#"{"database": {"pool_size": 2}}"#);
    let config = Reloader::<App>::builder().source(base).source(top).start().await?;
    assert_eq!((config.load().database.pool_size, config.load().database.url.as_str()), (2, "base"));

    handle.replace("{}");
    config.reload().await;
    assert_eq!(config.load().database.pool_size, 1);

    handle.replace(r#"{"database": 7}"#);
    let outcome = config.reload().await;
    assert!(matches!(outcome, ReloadOutcome::Rejected(_)), "{outcome}");
    assert_eq!(config.load().database.pool_size, 1);
    Ok(())
}

/// Does not say when it changes.
struct Mute(u16);

impl Source for Mute {
    fn origin(&self) -> Origin {
        Origin::named("mute")
    }

    async fn fetch(&mut self, _known: Option<&Revision>) -> Result<Fetched, SourceError> {
        self.0 += 1;
        let documents = vec![Document::new(self.origin(), Format::Toml, pool(self.0).into_bytes())];
        Ok(Fetched::Documents { documents, revision: Revision::new(self.0.to_le_bytes()) })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_tells_nothing_is_looked_at_at_every_resync() -> Result<(), Error> {
    let config = Reloader::<App>::builder().source(Mute(0)).resync(Duration::from_secs(10)).start().await?;
    let mut changes = config.subscribe();
    let started = tokio::time::Instant::now();
    assert_eq!(in_time(changes.changed()).await?.current().database.pool_size, 2);
    let seconds = started.elapsed().as_secs_f64();
    assert!((8.9..=11.1).contains(&seconds), "{seconds}");
    Ok(())
}

/// Cannot tell of changes, and says so.
struct Deaf(u16);

impl Source for Deaf {
    fn origin(&self) -> Origin {
        Origin::named("deaf")
    }

    async fn fetch(&mut self, _known: Option<&Revision>) -> Result<Fetched, SourceError> {
        self.0 += 1;
        let documents = vec![Document::new(self.origin(), Format::Toml, pool(self.0).into_bytes())];
        Ok(Fetched::Documents { documents, revision: Revision::new(self.0.to_le_bytes()) })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        Err(SourceError::new(SourceErrorKind::Other, self.origin(), "no events here"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_tell_is_looked_at_with_growing_pauses() -> Result<(), Error> {
    let config = Reloader::<App>::builder().source(Deaf(0)).resync(Duration::from_secs(3600)).start().await?;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let status = config.status();
    assert_eq!(status.sources[0].state, SourceState::Polling);
    assert_eq!(status.sources[0].last_error.as_deref(), Some("deaf: no events here"));
    // Waits double from 0.1 s to 30 s with full jitter: some looks, but no storm of them.
    assert!((5..100).contains(&status.generation), "{}", status.generation);
    Ok(())
}

/// Never answers.
struct Hanging;

impl Source for Hanging {
    fn origin(&self) -> Origin {
        Origin::named("hanging")
    }

    async fn fetch(&mut self, _known: Option<&Revision>) -> Result<Fetched, SourceError> {
        std::future::pending().await
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_is_given_up() {
    let started =
        Reloader::<App>::builder().source(Hanging).fetch_timeout(Duration::from_secs(5)).start().await;
    assert_eq!(
        started.map_err(|error| error.to_string()).err().as_deref(),
        Some("configuration unavailable: hanging: it did not answer within 5s [timed_out]")
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_load_fails_with_every_reason() {
    let (one, _one) = MemorySource::new("one", Format::Toml, "[a\n");
    let (two, _two) = MemorySource::new("two", Format::Json, "{,}");
    let error = Reloader::<App>::builder().source(one).source(two).start().await.map(|_| ()).err();
    let origins: Vec<_> = error
        .iter()
        .flat_map(|error| error.report().violations())
        .map(|violation| {
            (violation.origin().map(ToString::to_string).unwrap_or_default(), violation.code().to_owned())
        })
        .collect();
    assert_eq!(origins, [("one".into(), "syntax".into()), ("two".into(), "syntax".into())]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_one_layer_does_not_hide_what_is_wrong_with_another() -> Result<(), Error> {
    let (one, handle) = MemorySource::new("one", Format::Toml, "");
    let (two, _two) = MemorySource::new("two", Format::Json, "{,}");
    handle.fail(SourceErrorKind::NotFound, "it is gone");
    let error = Reloader::<App>::builder().source(one).source(two).start().await.map(|_| ()).err();
    let codes =
        error.as_ref().map(|error| error.report().violations().iter().map(|v| v.code()).collect::<Vec<_>>());
    assert_eq!(codes, Some(vec!["not_found", "syntax"]));
    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Unavailable));
    Ok(())
}

#[tokio::test]
async fn without_a_layer_there_is_nothing_to_start() {
    let error = Reloader::<App>::builder().start().await.map(|_| ()).err();
    assert_eq!(
        error.map(|error| (error.kind(), error.to_string().contains("no layer"))),
        Some((ErrorKind::Setup, true))
    );
}

/// Answers once, and never again.
struct Once(bool);

impl Source for Once {
    fn origin(&self) -> Origin {
        Origin::named("once")
    }

    async fn fetch(&mut self, _known: Option<&Revision>) -> Result<Fetched, SourceError> {
        if std::mem::replace(&mut self.0, true) {
            return std::future::pending().await;
        }
        let documents = vec![Document::new(self.origin(), Format::Toml, pool(1).into_bytes())];
        Ok(Fetched::Documents { documents, revision: Revision::new("1") })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        Ok(Hint::Complete)
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_source_that_hangs() -> Result<(), Error> {
    let config = Reloader::<App>::builder().source(Once(false)).start().await?;
    let waiting = tokio::spawn({
        let config = config.clone();
        async move { config.reload().await }
    });
    tokio::task::yield_now().await;
    let started = tokio::time::Instant::now();
    config.shutdown().await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    let outcome = waiting.await.map_err(|error| error.to_string());
    let kind = outcome.map(|outcome| outcome.error().map(|error| error.kind()));
    assert_eq!(kind, Ok(Some(ErrorKind::Closed)));
    Ok(())
}

/// Panics at every second question.
struct Panicking(u16);

impl Source for Panicking {
    fn origin(&self) -> Origin {
        Origin::named("panicking")
    }

    async fn fetch(&mut self, _known: Option<&Revision>) -> Result<Fetched, SourceError> {
        self.0 += 1;
        assert!(self.0 % 2 == 1, "the source gave up, hunter2");
        let documents = vec![Document::new(self.origin(), Format::Toml, pool(self.0).into_bytes())];
        Ok(Fetched::Documents { documents, revision: Revision::new(self.0.to_le_bytes()) })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        panic!("and here as well")
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_fails_and_is_asked_again() -> Result<(), Error> {
    let config = Reloader::<App>::builder().source(Panicking(0)).start().await?;
    let mut changes = config.subscribe();
    let outcome = config.reload().await;
    assert!(matches!(&outcome, ReloadOutcome::Failed(_)), "{outcome}");
    assert!(!format!("{outcome:?} {:?}", config.status()).contains("hunter2"));
    assert_eq!(in_time(changes.changed()).await?.current().database.pool_size, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_longest_and_the_shortest_times_are_times() -> Result<(), Error> {
    let (source, handle) = MemorySource::new("memory", Format::Toml, pool(1));
    let config = Reloader::<App>::builder()
        .source(source)
        .settle(Settle::quiet(Duration::MAX))
        .max_wait(Duration::MAX)
        .resync(Duration::MAX)
        .fetch_timeout(Duration::MAX)
        .start()
        .await?;
    handle.write(pool(2));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(config.load().database.pool_size, 1, "it is not quiet for long enough");
    assert!(matches!(config.reload().await, ReloadOutcome::Applied(_)));

    let config = Reloader::<App>::builder()
        .source(Mute(0))
        .settle(Settle::quiet(Duration::ZERO))
        .max_wait(Duration::ZERO)
        .resync(Duration::ZERO)
        .start()
        .await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!((50..=120).contains(&config.status().attempts), "{}", config.status().attempts);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_can_be_awaited() -> Result<(), Error> {
    let (config, handle) = in_memory(&pool(20)).await?;
    let mut statuses = config.subscribe_status();
    handle.replace(pool(5_000));
    let status = in_time(statuses.changed()).await?;
    assert!(matches!(status.last_outcome(), ReloadOutcome::Rejected(_)), "{status:?}");
    let again = tokio::time::timeout(Duration::from_secs(300), statuses.changed()).await;
    assert!(again.is_err(), "several looks found the same, and told it again: {again:?}");
    handle.replace(pool(30));
    let mut status = in_time(statuses.changed()).await?;
    while !status.is_healthy() {
        status = in_time(statuses.changed()).await?;
    }
    assert_eq!(status.generation, 2);

    config.shutdown().await;
    let last = in_time(statuses.changed()).await?;
    assert!(!last.is_healthy());
    assert_eq!(last.last_error.map(|error| error.kind()), Some(ErrorKind::Closed));
    assert_eq!(
        in_time(statuses.changed()).await.map(|_| ()).map_err(|error| error.kind()),
        Err(ErrorKind::Closed)
    );
    Ok(())
}
