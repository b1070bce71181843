//! A scripted source does what it is told, and remembers what it was asked.

use std::time::Duration;

use reloadable::testing::{
    Answer, LookEnd, Script, ScriptedSource, assert_applied, assert_failed, assert_rejected,
    assert_unchanged, next_change, next_outcome,
};
use reloadable::{
    Document, Error, Format, Hint, Origin, Reason, Reloader, Revision, SourceErrorKind, SourceState,
};
use tokio::time::Instant;

use crate::Limits;

/// So seldom that only what a test does has anything looked at.
async fn start<A: Into<Answer>>(
    answers: impl IntoIterator<Item = A>,
) -> Result<(Reloader<Limits>, Script), Error> {
    let (source, script) = ScriptedSource::new("scripted", Format::Toml, answers);
    let builder = Reloader::builder().source(source).resync(Duration::MAX);
    Ok((builder.start().await?, script))
}

#[tokio::test(start_paused = true)]
async fn each_look_takes_the_next_answer_and_the_last_stays() -> Result<(), Error> {
    let (config, script) = start(["a = 1", "a = 2", "a = 3"]).await?;
    assert_applied(&config.reload().await, "a: 1 -> 2");
    assert_applied(&config.reload().await, "a: 2 -> 3");
    assert_unchanged(&config.reload().await);
    script.then("a = 4");
    assert_applied(&config.reload().await, "a: 3 -> 4");
    assert_unchanged(&config.reload().await);
    assert_eq!(script.looks(), 6);
    let looks = script.last_looks();
    assert!(looks.iter().all(|look| look.end == LookEnd::Answered), "{looks:?}");
    assert_eq!(looks[0].known, None);
    assert!(looks[1].known.is_some() && looks[3].known == looks[4].known.clone().and(looks[3].known.clone()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_come_late_and_never() -> Result<(), Error> {
    let minute = Duration::from_secs(60);
    let (source, script) = ScriptedSource::new(
        "scripted",
        Format::Toml,
        [Answer::text("a = 1").after(minute), Answer::never(), Answer::text("a = 2")],
    );
    let began = Instant::now();
    let builder = Reloader::<Limits>::builder().source(source).fetch_timeout(minute * 2);
    let config = builder.resync(Duration::MAX).start().await?;
    assert_eq!(began.elapsed(), minute);
    assert_failed(&config.reload().await, "timed_out");
    assert_eq!(began.elapsed(), minute * 3);
    let ends: Vec<_> = script.last_looks().iter().map(|look| look.end).collect();
    assert_eq!(ends, [LookEnd::Answered, LookEnd::Dropped]);
    assert_applied(&config.reload().await, "a: 1 -> 2");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn errors_panics_and_halves_change_nothing() -> Result<(), Error> {
    let (config, script) = start(["a = 1"]).await?;
    for (answer, code) in [
        (Answer::error(SourceErrorKind::NotFound, "it is gone"), "not_found"),
        (Answer::error(SourceErrorKind::Unstable, "it is busy"), "unstable"),
        (Answer::panic(), "unreadable"),
    ] {
        script.hold(answer);
        assert_failed(&config.reload().await, code);
        assert_eq!(config.status().sources[0].state, SourceState::Interrupted);
    }
    script.hold(Answer::half("a = 'äöüß'"));
    assert_rejected(&config.reload().await, "syntax", "");
    assert_eq!(config.load()["a"], 1);
    script.hold("a = 2");
    assert_applied(&config.reload().await, "a: 1 -> 2");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_lie_about_the_revision_is_believed() -> Result<(), Error> {
    let (config, script) = start([Answer::text("a = 1").revision("1")]).await?;
    script.hold(Answer::text("a = 2").revision("1"));
    assert_unchanged(&config.reload().await);
    script.hold(Answer::never_modified());
    assert_unchanged(&config.reload().await);
    script.hold(Answer::text("a = 2").revision("2"));
    assert_applied(&config.reload().await, "a: 1 -> 2");
    assert_eq!(script.last_looks()[1].known, Some(Revision::new("1")));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several_documents_are_merged() -> Result<(), Error> {
    let document =
        |name: &str, text: &'static str| Document::new(Origin::named(name), Format::Toml, text.as_bytes());
    let both = [document("base", "a = 1\nb = 1"), document("top", "b = 2")];
    let (config, script) = start([Answer::documents(both)]).await?;
    assert_eq!(*config.load(), Limits::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
    script.hold(Answer::documents([document("base", "a = 1\nb = 1")]));
    assert_applied(&config.reload().await, "b: 2 -> 1");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_hints_is_over_after_one_change() -> Result<(), Error> {
    let (config, script) = start(["a = 1"]).await?;
    let (mut changes, mut outcomes) = (config.subscribe(), config.outcomes());
    script.hold("a = 2");
    script.hints(Hint::Settling, 1_000);
    let began = Instant::now();
    assert_eq!(next_change(&config, &mut changes).await.generation(), 2);
    assert_eq!(began.elapsed(), Duration::from_millis(50));
    assert_eq!((script.looks(), script.pending_hints()), (2, 0));
    assert_eq!(next_outcome(&config, &mut outcomes).await.reason(), &Reason::Change);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_tell_is_asked_again() -> Result<(), Error> {
    let (config, script) = start(["a = 1"]).await?;
    let mut changes = config.subscribe();
    script.cannot_tell(SourceErrorKind::Other, "no events here");
    script.replace("a = 2");
    assert_eq!(next_change(&config, &mut changes).await.current()["a"], 2);
    assert_eq!(script.pending_hints(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waits_that_are_dropped_are_counted() -> Result<(), Error> {
    let (config, script) = start(["a = 1"]).await?;
    tokio::task::yield_now().await;
    assert_eq!((script.waits(), script.dropped_waits()), (1, 0));
    // Whoever asks interrupts the wait.
    config.reload().await;
    tokio::task::yield_now().await;
    assert_eq!((script.waits(), script.dropped_waits()), (2, 1));
    script.replace("a = 2");
    let mut changes = config.subscribe();
    next_change(&config, &mut changes).await;
    assert_eq!(script.dropped_waits(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_there_is_nothing() {
    let Err(error) = start([""; 0]).await else { panic!("it started with nothing") };
    assert_eq!(error.report().violations()[0].code(), "not_found");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_looks_are_remembered() -> Result<(), Error> {
    let (config, script) = start(["a = 1"]).await?;
    for _ in 0..1_100 {
        config.reload().await;
    }
    assert_eq!((script.looks(), script.last_looks().len()), (1_101, 1_000));
    Ok(())
}

/// What it holds may be a secret.
#[test]
fn texts_are_not_shown() {
    let (source, script) = ScriptedSource::new("scripted", Format::Toml, ["token = 'hunter2'"]);
    let answer = Answer::text("token = 'hunter2'");
    let shown = format!("{source:?}{script:?}{answer:?}");
    assert!(!shown.contains("hunter2") && shown.contains("17 bytes"), "{shown}");
}
