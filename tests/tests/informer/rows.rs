//! What an informer promises, one test for each row of the table in `docs/informers.md`.

use std::sync::Arc;
use std::time::Duration;

use reloadable::{
    Changed, Delta, ErrorKind, Incarnation, Index, Listed, Revision, SourceErrorKind, SourceState,
};

use super::*;

const SOON: Duration = Duration::from_secs(60);
const SOONER: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);

async fn reached(informer: &Informer<Route>, revision: &Revision) {
    in_time(informer.wait_for_revision(revision, SOON)).await.unwrap();
}

/// It is what the status says, whatever lists there were.
async fn come_to(informer: &Informer<Route>, revision: &str) {
    eventually(revision, || informer.status().revision == Some(Revision::new(revision))).await;
}

fn nothing() -> Result<(Objects, Listed), SourceError> {
    Ok((Vec::new(), Listed::new().at(Revision::new([0]))))
}

/// Answers one after the other, and then no more.
fn answers(
    answers: Vec<Result<Changed<String>, SourceError>>,
) -> impl FnMut(Option<&Revision>) -> Option<Result<Changed<String>, SourceError>> + Send {
    let mut answers = answers.into_iter();
    move |_| answers.next()
}

#[tokio::test(start_paused = true)]
async fn source_contract_a_source_that_only_lists_gives_events_as_well() {
    struct Lists(u8);
    impl KeyedSource for Lists {
        type Key = String;
        fn origin(&self) -> Origin {
            Origin::named("lists")
        }
        async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
            self.0 += 1;
            listing.push(object("a", [self.0], &port(self.0.into()))).await;
            Ok(Listed::new())
        }
    }
    let informer = scripted(Lists(0), |builder| builder.reverify(SOONER)).await;
    assert_eq!(next(&mut informer.events()).await, ["Started: a=1", "a port: 1 -> 2", "a port: 2 -> 3"]);
}

#[tokio::test(start_paused = true)]
async fn identity_another_incarnation_is_another_object() {
    let upsert = |revision: &str, incarnation: &str| {
        let object = object("a", revision, "port = 1").incarnation(Incarnation::new(incarnation));
        Ok(Changed::Deltas(vec![Delta::Upsert(object), Delta::Progress(Revision::new(revision))]))
    };
    let (source, _log) = Scripted::new(nothing, answers(vec![upsert("1", "x"), upsert("2", "y")]));
    let informer = scripted(source, |builder| builder).await;
    let mut events = informer.events();
    come_to(&informer, "2").await;
    let told = next::<1>(&mut events).await;
    assert_eq!(told, ["Started: a=1"]);
    assert_eq!(informer.status().counts.removed, 1);
    assert_eq!(informer.status().counts.added, 2);
}

#[tokio::test(start_paused = true)]
async fn ordering_is_that_of_the_source_also_across_keys() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started:"]);
    for (number, key) in ["b", "a", "c", "a", "b"].into_iter().enumerate() {
        routes.upsert(key, port(u16::try_from(number).unwrap() + 1));
    }
    // In one batch each of the last two keys is told once, where it first changed, or more often in several.
    let newest = routes.upsert("end", port(9));
    reached(&informer, &newest).await;
    let mut told = Vec::new();
    while told.last().is_none_or(|event: &String| !event.contains("end")) {
        told.extend(next::<1>(&mut events).await);
    }
    let of = |key: &str| told.iter().position(|event| event.split(' ').any(|word| word.starts_with(key)));
    assert!(of("b=") < of("a=") && of("a=") < of("c=") && of("c=") < of("end="), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn coalescing_is_per_key_and_only_for_who_asks_for_it() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let (mut events, mut latest) = (informer.events(), informer.latest());
    assert_eq!(next(&mut events).await, ["Started:"]);
    for number in 1..=500 {
        reached(&informer, &routes.upsert("a", port(number))).await;
    }
    assert_eq!(short(&in_time(latest.next()).await.unwrap()), "added a=500");
    assert_eq!(next::<500>(&mut events).await[499], "a port: 499 -> 500");
}

#[tokio::test(start_paused = true)]
async fn batching_publishes_what_came_together_once() {
    let deltas = (0..1000).map(|number| Delta::Upsert(object(&number.to_string(), "1", "port = 1")));
    let mut deltas: Vec<_> = deltas.collect();
    deltas.push(Delta::Progress(Revision::new("end")));
    let (source, _log) = Scripted::new(nothing, answers(vec![Ok(Changed::Deltas(deltas))]));
    let informer = scripted(source, |builder| builder).await;
    come_to(&informer, "end").await;
    assert_eq!((informer.lister().len(), informer.status().generation), (1000, 1));
}

#[tokio::test(start_paused = true)]
async fn initial_list_is_never_seen_in_part() {
    struct Slow;
    impl KeyedSource for Slow {
        type Key = String;
        fn origin(&self) -> Origin {
            Origin::named("slow")
        }
        async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
            for number in 0..200 {
                listing.push(object(&number.to_string(), "1", "port = 1")).await;
                pass(Duration::from_millis(100)).await;
            }
            Ok(Listed::new())
        }
    }
    let informer = scripted(Slow, |builder| builder).await;
    let mut seen = Vec::new();
    while !informer.has_synced() {
        seen.push(informer.lister().len());
        pass(Duration::from_secs(1)).await;
    }
    assert!(seen.len() > 10 && seen.iter().all(|len| *len == 0), "{seen:?}");
    assert_eq!(informer.lister().len(), 200);
}

#[tokio::test(start_paused = true)]
async fn relist_tells_only_what_is_different_and_keeps_the_rest() {
    let mut lists = 0_u8;
    let list = move || {
        lists += 1;
        let mut objects = vec![object("same", "1", "port = 1"), object("new", [lists], &port(lists.into()))];
        if lists == 1 {
            objects.push(object("gone", "1", "port = 3"));
        }
        // Nothing is lost if the revision of what has not changed is another one.
        objects.push(object("touched", [lists], "port = 4"));
        Ok((objects, Listed::new()))
    };
    let (source, _log) = Scripted::new(list, |_| None);
    let informer = scripted(source, |builder| builder.reverify(SOONER)).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: gone=3 new=1 same=1 touched=4"]);
    let before = informer.lister().snapshot();
    let mut told = next::<2>(&mut events).await;
    told.sort();
    assert_eq!(told, ["new port: 1 -> 2", "removed gone=3 Relisted"]);
    for key in ["same", "touched"] {
        assert!(Arc::ptr_eq(before.get(key).unwrap(), &informer.lister().get(key).unwrap()), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_op_updates_tell_nothing() {
    let (source, routes) = memory();
    routes.upsert("a", port(1));
    let informer = informer(source).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: a=1"]);
    reached(&informer, &routes.upsert("a", port(1))).await;
    reached(&informer, &routes.upsert("a", "port   = 1 # as it was")).await;
    routes.upsert("end", port(2));
    assert_eq!(next(&mut events).await, ["added end=2"]);
}

#[tokio::test(start_paused = true)]
async fn deletes_say_how_they_are_known() {
    let mut lists = vec![vec!["c"], vec!["a", "b", "c"], vec!["a", "b", "c"]];
    let list = move || {
        let keys = if lists.len() > 1 { lists.pop().unwrap() } else { lists[0].clone() };
        Ok((keys.into_iter().map(|key| object(key, "1", "port = 1")).collect(), Listed::new()))
    };
    let mut asked = 0;
    let changed = move |_: Option<&Revision>| {
        asked += 1;
        let deltas = vec![Delta::Delete("a".to_owned()), Delta::Delete("never there".to_owned())];
        (asked == 2).then_some(Ok(Changed::Deltas(deltas)))
    };
    let (source, _log) = Scripted::new(list, changed);
    let informer = scripted(source, |builder| builder.reverify(SOONER)).await;
    let mut latest = informer.latest();
    for key in ["a", "b", "c"] {
        assert!(short(&in_time(latest.next()).await.unwrap()).starts_with("added"), "{key}");
    }
    assert_eq!(short(&in_time(latest.next()).await.unwrap()), "removed a=1 Observed");
    assert_eq!(short(&in_time(latest.next()).await.unwrap()), "removed b=1 Relisted");
    assert_eq!(informer.status().counts.unknown, 1);
}

#[tokio::test(start_paused = true)]
async fn filter_what_enters_is_added_and_what_leaves_is_removed() {
    let (source, routes) = memory();
    routes.upsert("low", port(1));
    routes.upsert("high", port(1000));
    let is_high = |route: &Route| {
        assert_ne!(route.port, 13, "unlucky");
        route.port >= 1000
    };
    let informer = Informer::<Route>::builder().source(source).filter(is_high).reverify(SOON);
    let informer = informer.start().await.unwrap();
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: high=1000"]);
    routes.upsert("low", port(2000));
    assert_eq!(next(&mut events).await, ["added low=2000"]);
    routes.upsert("high", port(999));
    assert_eq!(next(&mut events).await, ["removed high=1000 Filtered"]);
    // Where the filter panics, nobody knows: the last good one stays.
    reached(&informer, &routes.upsert("low", port(13))).await;
    let status = informer.status();
    assert_eq!(status.broken[0].report.violations()[0].code(), "panic");
    assert!(status.broken[0].has_last_good);
    assert_eq!(informer.lister().get("low").unwrap().port, 2000);
    routes.upsert("low", port(12));
    assert_eq!(next(&mut events).await, ["removed low=2000 Filtered"]);
    assert!(informer.status().broken.is_empty());
    // It is known all the same, and a list does not doubt that.
    pass(2 * SOON).await;
    routes.remove("low");
    let newest = routes.upsert("high", port(1001));
    reached(&informer, &newest).await;
    assert_eq!(next(&mut events).await, ["added high=1001"]);
    assert_eq!(informer.status().counts.unknown, 0);
}

#[tokio::test(start_paused = true)]
async fn resync_is_paced_and_reverify_asks_the_source() {
    let list =
        || Ok(((0..100).map(|number| object(&number.to_string(), "1", "port = 1")).collect(), Listed::new()));
    let (source, log) = Scripted::new(list, |_| None);
    let period = Duration::from_secs(100);
    let informer = scripted(source, |builder| builder.resync(period).reverify(10 * period)).await;
    let mut events = informer.events();
    assert!(next::<1>(&mut events).await[0].starts_with("Started"));
    let mut since = Instant::now();
    let mut most = 0;
    for _ in 0..20 {
        let mut at_once = 0;
        while since.elapsed() < Duration::from_millis(500) {
            let event = in_time(events.next()).await.unwrap();
            assert!(short(&event).starts_with("resync"), "{event:?}");
            at_once += 1;
        }
        since = Instant::now();
        most = most.max(at_once);
    }
    assert!(most <= 2, "{most} at once");
    assert_eq!(log.lists().len(), 1);
    pass(11 * period).await;
    assert_eq!(log.lists().len(), 2);
    let status = informer.status();
    assert_eq!((status.generation, status.counts.lists), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn has_synced_delivered_and_fresh_are_each_awaited() {
    let (source, routes) = memory();
    routes.upsert("a", port(1));
    routes.fail(SourceErrorKind::PermissionDenied, "not for you");
    let informer = Informer::<Route>::builder().source(source).start_unsynced().start().await.unwrap();
    let error = informer.wait_synced(SOON).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.to_string().contains("not for you"), "{error}");
    assert_eq!(informer.status().lag(), None);
    let error = informer.wait_applied(1, SOON).await.unwrap_err();
    assert!(error.to_string().contains("not for you"), "{error}");
    routes.recover();
    informer.wait_synced(SOON).await.unwrap();
    informer.wait_fresh(SOON, SOON).await.unwrap();

    let mut events = informer.events().acknowledging("proxy");
    let mut latest = informer.latest().acknowledging("cache");
    let generation = informer.lister().snapshot().generation();
    let error = informer.wait_applied(generation, SOON).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotApplied);
    assert!(error.to_string().contains("`proxy` has applied generation 0, not 1"), "{error}");
    assert_eq!(next(&mut events).await, ["Started: a=1"]);
    assert!(informer.wait_applied(generation, SOON).await.is_err(), "given is not applied");
    events.applied();
    assert!(in_time(latest.next()).await.is_ok());
    latest.failed("no room");
    let error = informer.wait_applied(generation, SOON).await.unwrap_err();
    assert!(
        error.to_string().contains("`cache` has applied generation 0, not 1: it failed: no room"),
        "{error}"
    );
    latest.applied();
    informer.wait_applied(generation, SOON).await.unwrap();

    // What comes to nothing needs no acknowledgement of one who is told what changes come to.
    reached(&informer, &routes.upsert("b", port(2))).await;
    reached(&informer, &routes.remove("b")).await;
    let last = informer.lister().snapshot().generation();
    assert_eq!((generation, last), (1, 3));
    let names = |informer: &Informer<Route>| {
        let behind = informer.status().subscribers.into_iter().filter(|one| one.applied != Some(3));
        behind.filter_map(|one| one.name.map(|name| name.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(names(&informer), ["proxy", "cache"]);
    assert!(latest.next().now().is_none());
    assert_eq!(names(&informer), ["proxy"]);
    assert_eq!(next(&mut events).await, ["added b=2", "removed b=2 Observed"]);
    events.applied();
    informer.wait_applied(last, SOON).await.unwrap();
    assert_eq!((events.generation(), latest.generation()), (3, 3));

    // Half of a batch is none of it.
    let mut more = events;
    reached(&informer, &routes.upsert("c", port(1))).await;
    drop(latest);
    assert_eq!(next(&mut more).await, ["added c=1"]);
    drop(more);
    informer.wait_applied(4, SOON).await.unwrap();

    // Fresh goes back to stale.
    routes.fail(SourceErrorKind::TimedOut, "no answer");
    pass(HOUR).await;
    let status = informer.status();
    assert!(!status.is_connected() && status.lag().unwrap() >= HOUR / 2, "{status:?}");
    assert!(status.has_synced);
    assert!(informer.wait_fresh(SOON, SOON).await.unwrap_err().to_string().contains("no answer"));
}

/// Polls a future once.
trait Now: Future + Sized {
    fn now(self) -> Option<Self::Output> {
        let mut future = std::pin::pin!(self);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}

impl<F: Future> Now for F {}

#[tokio::test(start_paused = true)]
async fn late_subscriber_begins_with_all_there_is() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    for number in 1..=20 {
        reached(&informer, &routes.upsert("a", port(number))).await;
    }
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: a=20"]);
    routes.upsert("a", port(21));
    assert_eq!(next(&mut events).await, ["a port: 20 -> 21"]);
}

#[tokio::test(start_paused = true)]
async fn watch_resume_is_from_what_was_accepted_last() {
    let deltas = vec![Delta::Progress(Revision::new([5])), Delta::Upsert(object("a", "1", "port = 1"))];
    let failure = || Err(failure(SourceErrorKind::Other));
    let (source, log) =
        Scripted::new(nothing, answers(vec![failure(), Ok(Changed::Deltas(deltas)), failure()]));
    let informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(HOUR).await;
    let from: Vec<_> = log.watches().into_iter().filter_map(|(_, from)| from).map(|from| from[0]).collect();
    assert!(from.starts_with(&[0, 0, 5]) && from[2..].iter().all(|from| *from == 5), "{from:?}");
    assert_eq!(informer.lister().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn expired_is_listed_anew_but_never_goes_back_in_time() {
    struct Replicas {
        lists: u8,
        has_expired: bool,
        asked: Arc<Mutex<Vec<Option<u8>>>>,
    }
    impl KeyedSource for Replicas {
        type Key = String;
        fn origin(&self) -> Origin {
            Origin::named("replicas")
        }
        async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
            self.lists += 1;
            self.asked.lock().unwrap().push(listing.at_least().map(|revision| revision.as_bytes()[0]));
            // One that lags behind answers second.
            let version = [7, 3, 9][usize::from(self.lists - 1).min(2)];
            listing.push(object("a", [version], &port(version.into()))).await;
            Ok(Listed::new().at(Revision::new([version])))
        }
        async fn changed(&mut self, _: Option<&Revision>) -> Result<Changed<String>, SourceError> {
            if std::mem::replace(&mut self.has_expired, true) {
                return std::future::pending().await;
            }
            Err(failure(SourceErrorKind::Expired))
        }
        fn compare(one: &Revision, other: &Revision) -> Option<std::cmp::Ordering> {
            Some(one.as_bytes().cmp(other.as_bytes()))
        }
    }
    let asked = Arc::new(Mutex::new(Vec::new()));
    let source = Replicas { lists: 0, has_expired: false, asked: Arc::clone(&asked) };
    let informer = scripted(source, |builder| builder.never_reverify()).await;
    assert_eq!(next(&mut informer.events()).await, ["Started: a=7", "a port: 7 -> 9"]);
    assert_eq!(*asked.lock().unwrap(), [None, Some(7), Some(7)]);
    let counts = informer.status().counts;
    assert_eq!((counts.expired, counts.failed_lists, counts.stale), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn bookmarks_answer_who_waits_for_what_it_has_written() {
    let progress = |revision: u8| Ok(Changed::Deltas(vec![Delta::Progress(Revision::new([revision]))]));
    let (source, _log) = Scripted::new(nothing, answers(vec![progress(4), progress(5)]));
    let informer = scripted(source, |builder| builder).await;
    informer.wait_for_revision(&Revision::new([5]), SOON).await.unwrap();
    assert_eq!(informer.status().generation, 0, "nothing has changed");
    assert!(informer.wait_for_revision(&Revision::new([6]), Duration::from_secs(1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn backoff_honours_what_the_source_asks_for_within_bounds() {
    for (asks, at_least, at_most) in [(600, 600, 700), (u64::MAX, 3600, 3700), (0, 0, 60)] {
        let mut lists = 0;
        let list = move || {
            lists += 1;
            let busy = failure(SourceErrorKind::Other).with_retry_after(Duration::from_secs(asks));
            if lists == 1 { Err(busy) } else { nothing() }
        };
        let (source, log) = Scripted::new(list, |_| None);
        let informer = scripted(source, |builder| builder).await;
        informer.wait_synced(2 * HOUR).await.unwrap();
        let lists = log.lists();
        let waited = (lists[1] - lists[0]).as_secs();
        assert!((at_least..=at_most).contains(&waited), "{waited} s for {asks}");
    }
    // Also between connections.
    let busy = || failure(SourceErrorKind::Other).with_retry_after(Duration::from_secs(600));
    let (source, log) = Scripted::new(nothing, answers(vec![Err(busy())]));
    let _informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(HOUR).await;
    let watches = log.watches();
    assert!((watches[1].0 - watches[0].0).as_secs() >= 600);
}

#[tokio::test(start_paused = true)]
async fn short_watches_and_connections_that_fail_lead_to_no_list() {
    let mut answers = 0;
    let changed = move |_: Option<&Revision>| {
        answers += 1;
        if answers % 2 == 0 {
            Some(Ok(Changed::Ended))
        } else {
            Some(Err(failure(SourceErrorKind::TimedOut)))
        }
    };
    let (source, log) = Scripted::new(nothing, changed);
    let informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(HOUR).await;
    let watches = log.watches();
    assert!((150..400).contains(&watches.len()), "{}", watches.len());
    assert_eq!(log.lists().len(), 1);
    let closest = watches.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap();
    assert!(closest >= Duration::from_millis(500), "{closest:?}");
    assert_eq!(informer.status().state, SourceState::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn dead_connections_are_found_and_made_anew() {
    struct Dead {
        is_connected: bool,
        connections: Arc<Mutex<Vec<Instant>>>,
    }
    impl KeyedSource for Dead {
        type Key = String;
        fn origin(&self) -> Origin {
            Origin::named("dead")
        }
        async fn list(&mut self, _: &mut Listing<String>) -> Result<Listed, SourceError> {
            Ok(Listed::new().at(Revision::new([0])))
        }
        async fn changed(&mut self, _: Option<&Revision>) -> Result<Changed<String>, SourceError> {
            if std::mem::replace(&mut self.is_connected, true) {
                return std::future::pending().await;
            }
            let mut connections = self.connections.lock().unwrap();
            connections.push(Instant::now());
            let number = u8::try_from(connections.len()).unwrap();
            Ok(Changed::Deltas(vec![Delta::Progress(Revision::new([number]))]))
        }
        fn disconnect(&mut self) {
            self.is_connected = false;
        }
    }
    let connections = Arc::new(Mutex::new(Vec::new()));
    let source = Dead { is_connected: false, connections: Arc::clone(&connections) };
    let informer = scripted(source, |builder| builder.idle_timeout(SOON).never_reverify()).await;
    pass(100 * SOON).await;
    let connections = connections.lock().unwrap().clone();
    let waits: Vec<_> = connections.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert!((70..150).contains(&waits.len()), "{waits:?}");
    assert!(waits.iter().all(|wait| (30..=91).contains(wait)), "{waits:?}");
    assert!(
        waits.iter().any(|wait| *wait < 50) && waits.iter().any(|wait| *wait > 70),
        "not spread: {waits:?}"
    );
    let counts = informer.status().counts;
    assert!(counts.interruptions >= 70 && counts.lists == 1, "{counts:?}");

    // Without being told, silence is no fault.
    let (source, log) = Scripted::new(nothing, |_| None);
    let informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(24 * HOUR).await;
    assert_eq!((log.lists().len(), informer.status().state), (1, SourceState::Watching));
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_all_who_wait_and_keeps_what_is_known() {
    let (source, routes) = memory();
    routes.upsert("a", port(1));
    let informer = informer(source).await;
    let (lister, mut events, mut latest) = (informer.lister(), informer.events(), informer.latest());
    let other = informer.clone();
    let waiting = tokio::spawn(async move { other.wait_applied(7, HOUR).await });
    tokio::task::yield_now().await;
    in_time(informer.shutdown()).await;
    assert_eq!(in_time(waiting).await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(next(&mut events).await, ["Started: a=1"]);
    assert_eq!(in_time(events.next()).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(short(&in_time(latest.next()).await.unwrap()), "added a=1");
    assert!(in_time(latest.next()).await.is_err());
    assert_eq!(lister.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn slow_subscribers_hold_up_nobody_and_are_told_that_they_lag() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let (mut slow, mut fast) = (informer.events_up_to(10), informer.events_up_to(10));
    assert_eq!([next::<1>(&mut slow).await, next::<1>(&mut fast).await].concat(), ["Started:", "Started:"]);
    for number in 1..=100 {
        reached(&informer, &routes.upsert("a", port(number))).await;
        assert_eq!(next::<1>(&mut fast).await.len(), 1);
    }
    assert_eq!(next(&mut slow).await, ["Lagged { missed: 100 }: a=100"]);
    assert_eq!(informer.status().counts.lagged, 1);
}

#[tokio::test(start_paused = true)]
async fn store_index_and_lister_agree_within_a_view() {
    let by_port = Index::new("port", |route: &Route| [route.port]);
    let (source, routes) = memory();
    let informer =
        Informer::<Route>::builder().source(source).index(&by_port).ordered().start().await.unwrap();
    for (key, number) in [("c", 1), ("a", 1), ("b", 2)] {
        routes.upsert(key, port(number));
    }
    reached(&informer, &routes.remove("c")).await;
    let view = informer.lister().snapshot();
    routes.upsert("a", port(2));
    reached(&informer, &routes.upsert("d", port(1))).await;
    assert_eq!(
        (view.len(), view.by_index(&by_port, &1).count(), view.by_index(&by_port, &2).count()),
        (2, 1, 1)
    );
    let now = informer.lister().snapshot();
    assert_eq!(
        (now.len(), now.by_index(&by_port, &1).count(), now.by_index(&by_port, &2).count()),
        (3, 1, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn transform_keeps_only_what_is_needed() {
    let (source, routes) = memory();
    routes.upsert("a", port(80));
    routes.upsert("b", port(81));
    let is_even = Index::new("even", |route: &u16| [route % 2 == 0]);
    let informer = Informer::<Route>::builder()
        .source(source)
        .filter(|route| route.port != 81)
        .project(|route| {
            assert_ne!(route.port, 13, "unlucky");
            route.port / 10
        })
        .index(&is_even);
    let informer = informer.start().await.unwrap();
    let mut latest = informer.latest();
    let Event::Added { object, .. } = in_time(latest.next()).await.unwrap() else { panic!("not added") };
    assert_eq!(*object, 8);
    // No difference is seen between 80 and 83.
    for number in [83, 13] {
        in_time(informer.wait_for_revision(&routes.upsert("a", port(number)), SOON)).await.unwrap();
    }
    assert_eq!(informer.status().broken.len(), 1);
    routes.upsert("a", port(90));
    let Event::Modified(modified) = in_time(latest.next()).await.unwrap() else { panic!("not modified") };
    assert_eq!((**modified.previous(), **modified.current()), (8, 9));
    assert_eq!(informer.lister().by_index(&is_even, &false).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn wait_for_has_a_deadline_and_says_why_it_was_in_vain() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let key = "a".to_owned();
    let error = informer.wait_for(&key, |route| route.is_some(), SOON).await.unwrap_err();
    assert!(error.to_string().contains("did not happen within 60s"), "{error}");
    routes.fail(SourceErrorKind::TimedOut, "no answer");
    let error = informer.wait_for(&key, |route| route.is_some(), SOON).await.unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_set_in_the_wrong_place_is_said_at_the_start() {
    let (source, _routes) = memory();
    let error = Informer::<Route>::builder().never_reverify().source(source).start().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Setup && error.to_string().contains("name it first"), "{error}");
    let by_port = Index::new("port", |route: &Route| [route.port]);
    let (source, _routes) = memory();
    let builder = Informer::<Route>::builder().source(source).index(&by_port);
    let error = builder.project(|route| route.port).start().await.unwrap_err();
    assert!(error.to_string().contains("set it after that"), "{error}");
    let error = Informer::<Route>::builder().start().await.unwrap_err();
    assert!(error.to_string().contains("no source"), "{error}");
}

#[test]
fn without_a_runtime_everything_blocks() {
    let (source, routes) = memory();
    routes.upsert("a", port(1));
    let informer = Informer::<Route>::builder().source(source).start_blocking().unwrap();
    informer.blocking_wait_synced(DEADLINE).unwrap();
    informer.blocking_wait_fresh(SOON, DEADLINE).unwrap();
    let (mut events, mut latest) = (informer.events().acknowledging("events"), informer.latest());
    assert_eq!(short(&events.blocking_next().unwrap()), "Started: a=1");
    assert_eq!(short(&latest.blocking_next().unwrap()), "added a=1");
    assert!(events.blocking_next_timeout(Duration::ZERO).unwrap().is_none());
    let newest = routes.upsert("a", port(2));
    informer.blocking_wait_for_revision(&newest, DEADLINE).unwrap();
    let key = "a".to_owned();
    let is_2 = |route: Option<&Route>| route.is_some_and(|route| route.port == 2);
    assert!(informer.blocking_wait_for(&key, is_2, DEADLINE).unwrap().is_some());
    let event = latest.blocking_next_timeout(DEADLINE).unwrap();
    assert_eq!(event.as_ref().map(short).as_deref(), Some("a port: 1 -> 2"));
    assert!(informer.blocking_wait_applied(2, Duration::ZERO).is_err());
    assert_eq!(short(&events.blocking_next().unwrap()), "a port: 1 -> 2");
    events.applied();
    informer.blocking_wait_applied(2, DEADLINE).unwrap();
    informer.blocking_shutdown();
    assert!(events.blocking_next().is_err());

    let (source, routes) = memory();
    routes.fail(SourceErrorKind::NotFound, "not there");
    let builder = Informer::<Route>::builder().source(source).sync_within(Duration::from_millis(1));
    let error = builder.start_blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn the_status_serializes_as_data() {
    let (source, routes) = memory();
    routes.upsert("a", port(1));
    routes.upsert("b", port(0));
    let informer = informer(source).await;
    let status = serde_json::to_value(informer.status()).unwrap();
    assert_eq!(status["origin"], "routes");
    assert_eq!(status["state"], "watching");
    assert_eq!(status["revision"], "0000000000000002");
    assert_eq!((&status["objects"], &status["counts"]["added"]), (&1.into(), &1.into()));
    assert_eq!(
        (&status["broken"][0]["key"], &status["broken"][0]["has_last_good"]),
        (&"b".into(), &false.into())
    );
    routes.fail(SourceErrorKind::TimedOut, "no answer");
    eventually("it is told", || informer.status().last_error.is_some()).await;
    let status = serde_json::to_value(informer.status()).unwrap();
    assert_eq!(status["last_error"], "routes: no answer");
}
