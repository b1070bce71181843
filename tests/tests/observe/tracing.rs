//! Spans and events.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reloadable::{
    Document, Fetched, Format, Hint, LastGood, MemorySource, Origin, ReloadOutcome, Reloader, Revision,
};
use reloadable::{Source, SourceError, SourceErrorKind, StartPolicy};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::{
    Outcome, assert_without_values, document, eventually, in_memory, in_time, invalid, listening_on,
};

type Fields = BTreeMap<&'static str, String>;

/// All spans, with their fields, and all events, with the number of the attempt in whose span they are.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<(Vec<Fields>, Vec<String>)>>);

impl Captured {
    fn with<R>(&self, look: impl FnOnce(&mut (Vec<Fields>, Vec<String>)) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn spans(&self) -> Vec<Fields> {
        self.with(|captured| captured.0.clone())
    }

    fn take_events(&self) -> Vec<String> {
        self.with(|captured| std::mem::take(&mut captured.1))
    }

    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(Registry::default().with(self.clone()))
    }
}

struct Named(Fields);

impl Visit for Named {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

/// Which of the spans that were captured this is.
struct Nth(usize);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Captured {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut named = Named(Fields::new());
        attributes.record(&mut named);
        named.0.insert("span", attributes.metadata().name().to_owned());
        named.0.insert("target", attributes.metadata().target().to_owned());
        let nth = self.with(|captured| {
            captured.0.push(named.0);
            captured.0.len() - 1
        });
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Nth(nth));
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let mut named = Named(Fields::new());
        record.record(&mut named);
        if let Some(Nth(nth)) =
            context.span(id).and_then(|span| span.extensions().get().map(|Nth(nth)| Nth(*nth)))
        {
            self.with(|captured| captured.0[nth].append(&mut named.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut named = Named(Fields::new());
        event.record(&mut named);
        let mut line = format!("{}", event.metadata().level());
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Nth(nth)) = span.extensions().get() {
                let attempt = self.with(|captured| captured.0[*nth]["attempt"].clone());
                let _ = write!(line, " <{attempt}>");
            }
        }
        let message = named.0.remove("message").unwrap_or_default();
        let _ = write!(line, " {message}:");
        for (name, value) in named.0 {
            let _ = write!(line, " {name}={value}");
        }
        self.with(|captured| captured.1.push(line));
    }
}

/// The fields, without the time that nobody knows beforehand.
fn shown(span: &Fields) -> String {
    let mut span = span.clone();
    if let Some(took) = span.remove("took") {
        assert!(took.parse::<f64>().is_ok_and(|took| (0.0..60.0).contains(&took)), "{took}");
        span.insert("took", "..".to_owned());
    }
    span.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_a_span_and_its_events_have_no_values() -> Outcome {
    let captured = Captured::default();
    let _listening = captured.listen();
    let (builder, handle) = in_memory();
    let config = builder.name("main").start().await?;
    assert_eq!(
        captured.take_events(),
        [
            "INFO <1> the gate is asked:",
            "INFO <1> configuration applied: attempt=1 changed=0 generation=1 paths= reloader=main",
        ]
    );

    handle.replace(document(2));
    assert!(config.reload().await.is_in_force());
    assert_eq!(
        captured.take_events(),
        [
            "INFO <2> the gate is asked:",
            "INFO <2> configuration applied: attempt=2 changed=3 generation=2 paths=database.url, token, password \
             reloader=main",
        ]
    );

    handle.replace(invalid());
    assert!(!config.reload().await.is_in_force());
    assert_eq!(
        captured.take_events(),
        [
            "WARN <3> configuration refused: attempt=3 generation=2 outcome=rejected problems=2 reloader=main",
            "WARN <3> problem: code=range column=9 line=2 origin=memory path=limit reloader=main",
            "WARN <3> problem: code=length column=7 line=6 origin=memory path=database.url reloader=main",
        ]
    );

    handle.replace(document(666));
    config.trigger("admin").fire()?;
    in_time(config.outcomes().next()).await?;
    assert_eq!(
        captured.take_events(),
        [
            "INFO <4> the gate is asked:",
            "WARN <4> configuration vetoed: attempt=4 cause=no database for *** gate=database generation=2 \
             reloader=main",
        ]
    );

    handle.replace(listening_on("b", 2));
    assert!(config.reload().await.is_in_force());
    handle.replace(document(2));
    assert!(config.reload().await.is_in_force());
    assert_eq!(
        captured.take_events(),
        [
            "INFO <5> what the sources hold is in force again: attempt=5 generation=2 reloader=main",
            "WARN <5> fields wait for a restart: fields=1 paths=listen reloader=main",
            "DEBUG <6> configuration unchanged: attempt=6 generation=2 reloader=main",
            "INFO <6> nothing waits for a restart any more: reloader=main",
        ]
    );

    config.pause().await?;
    assert!(matches!(config.reload().await, ReloadOutcome::Suspended(_)));
    assert!(config.resume().await.is_in_force());
    assert_eq!(
        captured.take_events(),
        [
            "WARN reloads are suspended: cause=reloads are paused; `resume()` ends that reloader=main",
            "WARN not reloaded, since reloads are suspended: cause=reloads are paused; `resume()` ends that \
             reason=manual reloader=main",
            "INFO reloads are resumed: reloader=main",
            "DEBUG <7> configuration unchanged: attempt=7 generation=2 reloader=main",
        ]
    );
    config.shutdown().await;
    assert_eq!(captured.take_events(), ["DEBUG the reloader has ended: reloader=main"]);

    let spans: Vec<_> = captured.spans().iter().map(shown).collect();
    let common = "reloader=main span=reload target=reloadable took=..";
    assert_eq!(
        spans,
        [
            format!("attempt=1 changed=0 generation=1 outcome=applied reason=initial {common}"),
            format!("attempt=2 changed=3 generation=2 outcome=applied reason=manual {common}"),
            format!("attempt=3 generation=2 outcome=rejected reason=manual {common}"),
            format!("attempt=4 generation=2 outcome=vetoed reason=trigger {common} trigger=admin"),
            format!("attempt=5 generation=2 outcome=unchanged reason=manual {common}"),
            format!("attempt=6 generation=2 outcome=unchanged reason=manual {common}"),
            format!("attempt=7 generation=2 outcome=unchanged reason=resume {common}"),
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_value_is_told_whatever_happens() -> Outcome {
    // What the library says at every level, by a formatter as programs have one.
    let written = Written::default();
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(written.clone())
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL);
    let _listening = tracing::subscriber::set_default(Registry::default().with(layer));
    let (builder, handle) = in_memory();
    let config = builder.start().await?;
    let texts = [document(1), invalid(), "token = \"qvx".to_owned(), document(666), listening_on("c", 4)];
    let more = [format!("{}strange = 735117\n", document(5)), "limit = \"qvx\"".to_owned(), document(6)];
    for text in texts.into_iter().chain(more) {
        handle.replace(text);
        config.reload().await;
    }
    config.set_override("limit", 7351170).await;
    config.set_override("token", "qvx-override").await;
    config.rollback_to(1).await;
    config.shutdown().await;
    let text = written.text();
    assert!(text.matches("configuration").count() > 8, "{text}");
    assert_without_values(&text);
    Ok(())
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> tracing_subscriber::fmt::MakeWriter<'w> for Written {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Answers what it is told to, and tells of no changes.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Option<String>>>);

impl Told {
    pub fn answer(&self, text: Option<&str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text.map(str::to_owned);
    }
}

impl Source for Told {
    fn origin(&self) -> Origin {
        Origin::named("told")
    }

    async fn fetch(&mut self, _: Option<&Revision>) -> Result<Fetched, SourceError> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match text {
            Some(text) => {
                let revision = Revision::new(&text);
                let document = Document::new(self.origin(), Format::Toml, text.into_bytes());
                Ok(Fetched::Documents { documents: vec![document], revision })
            }
            None => Err(SourceError::new(SourceErrorKind::NotFound, self.origin(), "it is away")),
        }
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_is_a_span_only_if_it_finds_something() -> Outcome {
    let captured = Captured::default();
    let _listening = captured.listen();
    let source = Told::default();
    source.answer(Some("a = 1"));
    let config = Reloader::<BTreeMap<String, u8>>::builder()
        .source(source.clone())
        .resync(Duration::from_secs(30))
        .gate("resync", |_| async {
            tracing::info!("the gate is asked");
            Ok(())
        })
        .start()
        .await?;
    captured.take_events();
    let mut outcomes = config.outcomes();
    tokio::time::advance(Duration::from_secs(600)).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!((captured.spans().len(), captured.take_events()), (1, Vec::new()));

    source.answer(Some("a = 2"));
    in_time_of_resync(outcomes.next()).await?;
    source.answer(None);
    in_time_of_resync(outcomes.next()).await?;
    source.answer(Some("a = 2"));
    in_time_of_resync(outcomes.next()).await?;
    assert_eq!(
        captured.take_events(),
        [
            "INFO <2> the gate is asked:",
            "INFO <2> configuration applied: attempt=2 changed=1 generation=2 paths=a",
            "WARN <3> configuration refused: attempt=3 generation=2 outcome=failed problems=1",
            "WARN <3> problem: code=not_found origin=told path=",
            "WARN <3> source interrupted: cause=told: it is away source=told",
            "INFO <4> what the sources hold is in force again: attempt=4 generation=2",
            "INFO <4> source is watched again: source=told",
        ]
    );
    let reasons: Vec<_> = captured.spans().iter().map(|span| span["reason"].clone()).collect();
    assert_eq!(reasons, ["initial", "resync", "resync", "retry"]);
    Ok(())
}

async fn in_time_of_resync<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(600), future).await.expect("it did not happen in time")
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waits_tells_each_failure_once() -> Outcome {
    let captured = Captured::default();
    let _listening = captured.listen();
    let source = Told::default();
    let starting = Reloader::<BTreeMap<String, u8>>::builder()
        .source(source.clone())
        .start_policy(reloadable::StartPolicy::WaitForValid(Duration::from_secs(3600)));
    let mending = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        source.answer(Some("a = 'qvx'"));
        tokio::time::sleep(Duration::from_secs(60)).await;
        source.answer(Some("a = 1"));
    };
    let (config, ()) = tokio::join!(starting.start(), mending);
    drop(config?);
    assert_eq!(
        captured.take_events()[..5],
        [
            "WARN <1> no valid configuration to start with: kind=Unavailable problems=1",
            "WARN <1> problem: code=not_found origin=told path=",
            "WARN <2> no valid configuration to start with: kind=Invalid problems=1",
            "WARN <2> problem: code=type column=5 line=1 origin=told path=a",
            "INFO <3> configuration applied: attempt=3 changed=0 generation=1 paths=",
        ]
    );
    assert_eq!(captured.spans().len(), 3);
    Ok(())
}

#[tokio::test]
async fn what_the_last_good_set_lacks_is_told_at_once() -> Outcome {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("file"), "in the way")?;
    let set = |place: &str| directory.path().join(place).join("last-good").display().to_string();
    for (place, told) in [
        (
            "state",
            format!(
                "WARN the last good set is empty, since all layers hold secrets: no start can use it; see \
                 `LastGood::secrets`: layers=memory set={}",
                set("state")
            ),
        ),
        (
            "file",
            format!(
                "WARN the last good set could not be kept: cause=last good set: {}: it is not a directory; name a \
                 directory for the last good set [wrong_kind] set={}",
                directory.path().join("file").display(),
                set("file")
            ),
        ),
    ] {
        let captured = Captured::default();
        let _listening = captured.listen();
        let _config = in_memory()
            .0
            .keep_last_good(LastGood::in_directory(directory.path().join(place)))
            .start()
            .await?;
        let mut events = Vec::new();
        eventually(place, || {
            events.append(&mut captured.take_events());
            events.iter().any(|event| event.contains("last good set"))
        })
        .await;
        assert_eq!(events.last(), Some(&told));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waits_for_a_gate_says_for_which_and_why() -> Outcome {
    let captured = Captured::default();
    let _listening = captured.listen();
    let source = Told::default();
    source.answer(Some("a = 1"));
    let builder = Reloader::<BTreeMap<String, u8>>::builder()
        .source(source.clone())
        .gate("pool", |_| async { Err::<(), _>(reloadable::Refusal::new("no route to db1")) });
    assert!(builder.start().await.is_err());
    assert_eq!(
        captured.take_events()[..1],
        [
            "WARN <1> no valid configuration to start with: cause=no route to db1 gate=pool kind=Vetoed problems=1"
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_panicked_is_told_with_its_gate() -> Outcome {
    let captured = Captured::default();
    let _listening = captured.listen();
    let source = Told::default();
    source.answer(Some("a = 1"));
    let builder = Reloader::<BTreeMap<String, u8>>::builder().source(source.clone());
    let builder = builder.gate("pool", |_| async { Ok(reloadable::Prepared::commit(|| panic!("no pool"))) });
    let _config = builder.start().await?;
    let told = "WARN <1> a gate panicked in its commit: attempt=1 cause=the gate `pool` panicked while committing: \
                no pool generation=1";
    assert_eq!(captured.take_events().last().map(String::as_str), Some(told));
    Ok(())
}

#[tokio::test]
async fn a_start_on_the_last_good_set_is_two_attempts() -> Outcome {
    let directory = tempfile::tempdir()?;
    let builder = || {
        let source = Told::default();
        let last_good = LastGood::in_directory(directory.path().join("state"));
        let builder = Reloader::<BTreeMap<String, u8>>::builder().source(source.clone());
        (builder.keep_last_good(last_good).start_policy(StartPolicy::UseLastGood), source)
    };
    let (saving, source) = builder();
    source.answer(Some("a = 1"));
    let config = saving.start().await?;
    eventually("it is kept", || config.status().last_good.is_some_and(|kept| kept.saved_at.is_some())).await;
    config.shutdown().await;

    let captured = Captured::default();
    let _listening = captured.listen();
    let _config = builder().0.start().await?;
    let events = captured.take_events();
    assert_eq!(
        events[..3],
        [
            "WARN <1> no valid configuration to start with: kind=Unavailable problems=1",
            "WARN <1> problem: code=not_found origin=told path=",
            "INFO <2> configuration applied: attempt=2 changed=0 generation=1 paths=",
        ]
    );
    assert!(
        events.iter().any(|event| event.starts_with("WARN <2> running on the last good set")),
        "{events:?}"
    );
    let spans: Vec<_> = captured.spans().iter().take(2).map(shown).collect();
    assert_eq!(
        spans,
        [
            "attempt=1 generation=0 outcome=failed reason=initial span=reload target=reloadable took=..",
            "attempt=2 changed=0 generation=1 outcome=applied reason=last_good span=reload target=reloadable took=..",
        ]
    );
    Ok(())
}

/// Starts on the last good set, since the file is broken.
pub async fn on_last_good(
    directory: &std::path::Path,
) -> Result<Reloader<BTreeMap<String, u8>>, Box<dyn std::error::Error>> {
    let file = directory.join("app.toml");
    let builder = || {
        Reloader::<BTreeMap<String, u8>>::builder()
            .file(&file)
            .keep_last_good(reloadable::LastGood::in_directory(directory.join("state")))
            .start_policy(reloadable::StartPolicy::UseLastGood)
    };
    reloadable::atomic_write(&file, "a = 1\n")?;
    let config = builder().start().await?;
    crate::eventually("it was saved", || {
        config.status().last_good.is_some_and(|last_good| last_good.saved_at.is_some())
    })
    .await;
    config.shutdown().await;
    reloadable::atomic_write(&file, "a = 'qvx'\n")?;
    Ok(builder().start().await?)
}

#[tokio::test]
async fn a_start_on_the_last_good_set_is_loud() -> Outcome {
    let captured = Captured::default();
    let _listening = captured.listen();
    let directory = tempfile::tempdir()?;
    let config = on_last_good(directory.path()).await?;
    let events = captured.take_events();
    let loud = events.iter().filter(|event| event.starts_with("WARN <"));
    let loud: Vec<_> = loud.map(|event| event.split(':').next().unwrap_or_default()).collect();
    assert_eq!(
        loud,
        [
            "WARN <1> no valid configuration to start with",
            "WARN <1> problem",
            "WARN <2> running on the last good set, not on what the sources hold",
        ]
    );
    assert_without_values(&events.concat());
    let span = captured.spans().pop().ok_or("no span")?;
    assert_eq!((span["reason"].as_str(), span["attempt"].as_str()), ("last_good", "2"));
    drop(config);
    Ok(())
}

#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Few {
    a: u8,
}

#[tokio::test(start_paused = true)]
async fn what_is_suspicious_is_told_once() -> Outcome {
    let captured = Captured::default();
    let _listening = captured.listen();
    let (source, handle) = MemorySource::new("memory", Format::Toml, "a = 1\nhunter2 = 'hunter2'");
    let config = Reloader::<Few>::builder().source(source).start().await?;
    handle.replace("a = 2\nhunter2 = 'hunter3'\nb = 1");
    assert!(config.reload().await.is_in_force());
    handle.replace("a = 2");
    assert!(config.reload().await.is_in_force());
    let warnings: Vec<_> =
        captured.take_events().into_iter().filter(|event| event.starts_with("WARN")).collect();
    assert_eq!(
        warnings,
        [
            "WARN <1> warning: code=unknown_key column=1 line=2 origin=memory path=hunter2",
            "WARN <2> warning: code=unknown_key column=1 line=3 origin=memory path=b",
        ]
    );
    Ok(())
}

/// A subscriber that fails.
struct Panics;

impl<S: Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "reloadable" {
            panic!("a subscriber panicked");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_stops_no_reload() -> Outcome {
    let _listening = tracing::subscriber::set_default(Registry::default().with(Panics));
    let (builder, handle) = in_memory();
    let config = builder.start().await?;
    for number in 2..5 {
        handle.replace(document(number));
        assert!(config.reload().await.is_in_force());
        assert_eq!(config.status().generation, number);
    }
    Ok(())
}
