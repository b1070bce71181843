//! What comes, changes and goes.

use std::sync::Arc;
use std::time::Duration;

use reloadable::{Changed, Delta, Incarnation, Listed, Revision, SourceErrorKind};

use super::*;

#[tokio::test(start_paused = true)]
async fn every_event_is_told_in_order_with_what_has_changed() {
    let (source, routes) = memory();
    routes.upsert("api", port(80));
    let informer = informer(source).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: api=80"]);
    routes.upsert("web", port(90));
    assert_eq!(next(&mut events).await, ["added web=90"]);
    routes.upsert("api", port(81));
    assert_eq!(next(&mut events).await, ["api port: 80 -> 81"]);
    routes.remove("web");
    assert_eq!(next(&mut events).await, ["removed web=90 Observed"]);
    assert_eq!(informer.lister().len(), 1);
    informer.shutdown().await;
    assert!(events.next().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_store_is_up_to_date_before_anybody_is_told() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let (mut events, lister) = (informer.events(), informer.lister());
    assert_eq!(next(&mut events).await, ["Started:"]);
    for number in 1..200 {
        routes.upsert("api", port(number));
        let event = in_time(events.next()).await.unwrap();
        assert!(event.key().is_some());
        assert_eq!(lister.get("api").unwrap().port, number);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_not_changed_keeps_its_arc_and_tells_nothing() {
    let (source, routes) = memory();
    routes.upsert("api", port(80));
    let informer = Informer::<Route>::builder().source(source).reverify(Duration::from_secs(60));
    let informer = informer.start().await.unwrap();
    let before = informer.lister().get("api").unwrap();
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: api=80"]);
    // The same content, then another text of the same value, then lists.
    routes.upsert("api", port(80));
    routes.upsert("api", "# the same\nport = 80");
    pass(Duration::from_secs(600)).await;
    assert!(informer.status().counts.lists >= 9);
    routes.upsert("web", port(90));
    assert_eq!(next(&mut events).await, ["added web=90"]);
    assert!(Arc::ptr_eq(&before, &informer.lister().get("api").unwrap()));
}

#[tokio::test(start_paused = true)]
async fn another_incarnation_is_removed_and_added() {
    let (source, routes) = memory();
    routes.upsert("api", port(80));
    let informer = informer(source).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: api=80"]);
    // Nobody looked in between.
    routes.remove("api");
    routes.upsert("api", port(81));
    assert_eq!(next(&mut events).await, ["removed api=80 Replaced", "added api=81"]);
    // Also if it is equal.
    routes.remove("api");
    routes.upsert("api", port(81));
    assert_eq!(next(&mut events).await, ["removed api=81 Replaced", "added api=81"]);
    assert_eq!(informer.lister().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_list_no_longer_has_is_removed() {
    let mut keys = vec!["a", "b", "c"];
    let list = move || {
        let objects = keys.iter().map(|key| object(key, "1", "port = 1")).collect();
        keys.pop();
        Ok((objects, Listed::new()))
    };
    let (source, _log) = Scripted::new(list, |_| None);
    let informer = scripted(source, |builder| builder.reverify(Duration::from_secs(20))).await;
    let mut events = informer.events();
    assert_eq!(
        next(&mut events).await,
        ["Started: a=1 b=1 c=1", "removed c=1 Relisted", "removed b=1 Relisted"]
    );
}

#[tokio::test(start_paused = true)]
async fn one_object_may_change_several_times_in_one_answer() {
    let mut answers = vec![Changed::Deltas(vec![
        Delta::Upsert(object("a", "1", "port = 1")),
        Delta::Upsert(object("a", "2", "port = 2")),
        Delta::Delete("a".to_owned()),
        Delta::Delete("a".to_owned()),
        Delta::Upsert(object("a", "3", "port = 3").incarnation(Incarnation::new("x"))),
        Delta::Progress(Revision::new("9")),
    ])];
    let (source, log) = Scripted::new(|| Ok((Vec::new(), Listed::new())), move |_| Some(Ok(answers.pop()?)));
    let informer = scripted(source, |builder| builder).await;
    let mut events = informer.events();
    eventually("all of it is told", || informer.status().revision == Some(Revision::new("9"))).await;
    assert_eq!(informer.lister().get("a").unwrap().port, 3);
    // The subscriber began with the end of it, or was told of each.
    let [first] = next(&mut events).await;
    assert_eq!(first, "Started: a=3");
    assert_eq!(informer.status().counts.unknown, 1);
    assert_eq!(log.watches().last().unwrap().1.as_deref(), Some(&b"9"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_resync_tells_of_every_object_and_asks_no_source() {
    let (source, routes) = memory();
    for number in 1..=20 {
        routes.upsert(format!("{number:02}"), port(number));
    }
    let informer = Informer::<Route>::builder().source(source).never_reverify();
    let informer = informer.resync(Duration::from_secs(100)).start().await.unwrap();
    let mut events = informer.events();
    assert!(next::<1>(&mut events).await[0].starts_with("Started"));
    let begun = Instant::now();
    let mut resynced = std::collections::BTreeSet::new();
    for event in next::<20>(&mut events).await {
        assert!(event.starts_with("resync "), "{event}");
        resynced.insert(event);
    }
    assert_eq!(resynced.len(), 20);
    assert!(begun.elapsed() > Duration::from_secs(10), "all at once");
    assert_eq!(informer.status().counts.lists, 1);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_never_syncs_fails_with_what_the_source_said() {
    let (source, routes) = memory();
    routes.fail(SourceErrorKind::PermissionDenied, "not for you");
    let started = Informer::<Route>::builder().source(source).sync_within(Duration::from_secs(20)).start();
    let error = in_time(started).await.unwrap_err();
    assert!(error.to_string().contains("not for you"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_fails_its_list_in_time() {
    struct Silent;
    impl KeyedSource for Silent {
        type Key = String;
        fn origin(&self) -> Origin {
            Origin::named("silent")
        }
        async fn list(&mut self, _: &mut Listing<String>) -> Result<Listed, SourceError> {
            std::future::pending().await
        }
    }
    let started = Informer::<Route>::builder().source(Silent).list_timeout(Duration::from_secs(5)).start();
    let error = in_time(started).await.unwrap_err();
    assert!(error.to_string().contains("handed over nothing"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_object_of_a_known_revision_is_not_looked_at() {
    let mut answers = vec![Changed::Deltas(vec![
        Delta::Upsert(object("a", "1", "not even TOML")),
        Delta::Upsert(object("b", "1", "port = 2")),
    ])];
    let list = || Ok((vec![object("a", "1", "port = 1")], Listed::new()));
    let (source, _log) = Scripted::new(list, move |_| Some(Ok(answers.pop()?)));
    let informer = scripted(source, |builder| builder).await;
    eventually("the other is there", || informer.lister().len() == 2).await;
    assert!(informer.status().broken.is_empty());
    assert_eq!(informer.lister().get("a").unwrap().port, 1);
}
