//! Those who are slow, late, or many.

use std::time::Duration;

use reloadable::{Latest, Revision, SourceErrorKind};

use super::*;

const SOON: Duration = Duration::from_secs(60);

async fn reached(informer: &Informer<Route>, revision: &Revision) {
    in_time(informer.wait_for_revision(revision, SOON)).await.unwrap();
}

async fn newest<const N: usize>(latest: &mut Latest<String, Route>) -> [String; N] {
    let mut next = [const { String::new() }; N];
    for event in &mut next {
        *event = short(&in_time(latest.next()).await.unwrap());
    }
    next
}

#[tokio::test(start_paused = true)]
async fn one_who_lags_is_told_so_and_holds_up_nobody() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let (mut slow, mut fast) = (informer.events_up_to(3), informer.events_up_to(3));
    assert_eq!(next(&mut slow).await, ["Started:"]);
    assert_eq!(next(&mut fast).await, ["Started:"]);
    for number in 1..=10 {
        routes.upsert("api", port(number));
        assert!(in_time(fast.next()).await.unwrap().key().is_some());
    }
    assert_eq!(next(&mut slow).await, ["Lagged { missed: 10 }: api=10"]);
    routes.upsert("api", port(11));
    assert_eq!(next(&mut slow).await, ["api port: 10 -> 11"]);
}

#[tokio::test(start_paused = true)]
async fn one_who_is_late_misses_nothing_and_is_told_nothing_twice() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    for number in 1..=50 {
        reached(&informer, &routes.upsert("api", port(number))).await;
        let mut events = informer.events();
        reached(&informer, &routes.upsert("web", port(number))).await;
        let [first] = next(&mut events).await;
        assert_eq!(first, format!("Started: api={number} web={number}"));
        routes.upsert("api", port(1000 + number));
        let [second] = next(&mut events).await;
        assert_eq!(second, format!("api port: {number} -> {}", 1000 + number));
    }
}

#[tokio::test(start_paused = true)]
async fn the_latest_is_told_of_what_changes_come_to() {
    let (source, routes) = memory();
    routes.upsert("api", port(1));
    routes.upsert("gone", port(1));
    let informer = informer(source).await;
    let mut latest = informer.latest();
    let mut first = newest::<2>(&mut latest).await;
    first.sort();
    assert_eq!(first, ["added api=1", "added gone=1"]);
    let steps: [(&str, Option<u16>); 9] = [
        ("api", Some(2)),
        ("back", Some(1)),
        ("api", Some(3)),
        ("back", None),
        ("web", Some(1)),
        ("web", Some(2)),
        ("gone", None),
        ("same", Some(1)),
        ("api", Some(4)),
    ];
    for (key, number) in steps {
        let newest = match number {
            Some(number) => routes.upsert(key, port(number)),
            None => routes.remove(key),
        };
        reached(&informer, &newest).await;
    }
    let told = newest::<4>(&mut latest).await;
    assert_eq!(told, ["api port: 1 -> 4", "added web=2", "removed gone=1 Observed", "added same=1"]);
    reached(&informer, &routes.upsert("api", port(5))).await;
    reached(&informer, &routes.upsert("api", port(4))).await;
    reached(&informer, &routes.upsert("end", port(1))).await;
    assert_eq!(newest(&mut latest).await, ["added end=1"]);
}

#[tokio::test(start_paused = true)]
async fn the_latest_is_told_of_a_replacement_as_such() {
    let (source, routes) = memory();
    routes.upsert("api", port(1));
    let informer = informer(source).await;
    let mut latest = informer.latest();
    assert_eq!(newest(&mut latest).await, ["added api=1"]);
    reached(&informer, &routes.upsert("api", port(2))).await;
    routes.remove("api");
    reached(&informer, &routes.upsert("api", port(3))).await;
    assert_eq!(newest(&mut latest).await, ["removed api=1 Replaced", "added api=3"]);
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_an_object_to_be_as_wanted() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let key = "api".to_owned();
    let is_90 = |route: Option<&Route>| route.is_some_and(|route| route.port == 90);
    let waiting = informer.wait_for(&key, is_90, SOON);
    let (found, ()) = tokio::join!(waiting, async {
        routes.upsert("api", port(80));
        pass(Duration::from_secs(1)).await;
        routes.upsert("api", port(90));
    });
    assert_eq!(found.unwrap().unwrap().port, 90);
    assert!(informer.wait_for(&key, |route| route.is_none(), SOON).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_last_handle() {
    let (source, routes) = memory();
    routes.upsert("api", port(80));
    let informer = informer(source).await;
    let (mut events, mut latest, lister) = (informer.events(), informer.latest(), informer.lister());
    assert_eq!(next(&mut events).await, ["Started: api=80"]);
    assert_eq!(newest(&mut latest).await, ["added api=80"]);
    let another = informer.clone();
    drop(informer);
    routes.upsert("api", port(81));
    assert_eq!(next(&mut events).await, ["api port: 80 -> 81"]);
    drop(another);
    assert!(in_time(events.next()).await.is_err());
    assert_eq!(newest(&mut latest).await, ["api port: 80 -> 81"]);
    assert!(in_time(latest.next()).await.is_err());
    assert_eq!(lister.get("api").unwrap().port, 81);
}

#[tokio::test(start_paused = true)]
async fn it_is_fresh_only_while_the_source_can_be_followed() {
    let (source, routes) = memory();
    let informer = Informer::<Route>::builder().source(source).reverify(SOON).start().await.unwrap();
    informer.wait_fresh(SOON, Duration::ZERO).await.unwrap();
    routes.fail(SourceErrorKind::TimedOut, "no answer");
    pass(2 * SOON).await;
    let error = informer.wait_fresh(3 * SOON, SOON).await.unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
    routes.recover();
    informer.wait_fresh(SOON, SOON).await.unwrap();
    assert!(informer.status().last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_latest_is_told_nothing_of_what_went_before_it_began_to_look() {
    let (source, routes) = memory();
    routes.upsert("gone", port(1));
    routes.upsert("api", port(1));
    let informer = informer(source).await;
    let mut latest = informer.latest();
    reached(&informer, &routes.upsert("api", port(2))).await;
    reached(&informer, &routes.remove("gone")).await;
    assert_eq!(newest(&mut latest).await, ["added api=2"]);
    reached(&informer, &routes.upsert("end", port(1))).await;
    assert_eq!(newest(&mut latest).await, ["added end=1"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_that_an_object_is_gone_before_there_was_a_list() {
    let (source, routes) = memory();
    routes.upsert("a", port(1));
    routes.fail(SourceErrorKind::TimedOut, "no answer");
    let informer = Informer::<Route>::builder().source(source).start_unsynced().start().await.unwrap();
    let (key, soon) = ("a".to_owned(), Duration::from_secs(60));
    let error = informer.wait_for(&key, |route| route.is_none(), soon).await.unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
    routes.recover();
    assert!(informer.wait_for(&key, |_| true, soon).await.unwrap().is_some());
}

/// On several threads, whoever waits by the status must find the event that belongs to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_has_waited_for_has_been_told() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started:"]);
    for number in 1..=500 {
        let newest = routes.upsert("a", port(number));
        in_time(informer.wait_for_revision(&newest, DEADLINE)).await.unwrap();
        let told = tokio::time::timeout(Duration::ZERO, tokio::task::unconstrained(events.next())).await;
        assert!(told.is_ok(), "change {number} is in the store, and was not told");
    }
}
