//! Four defects that another informer was found to have.

use std::time::Duration;

use reloadable::{Changed, Delta, Listed, SourceErrorKind};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_list_that_keeps_failing_is_tried_less_and_less_often() {
    let (source, log) = Scripted::new(|| Err(failure(SourceErrorKind::Other)), |_| None);
    let informer = scripted(source, |builder| builder).await;
    pass(HOUR).await;
    // Once a second would be 3,600; 15 s on average is 240.
    let tried = log.lists().len();
    assert!((150..400).contains(&tried), "{tried}");
    assert_eq!(informer.status().state, reloadable::SourceState::Interrupted);
    assert!(!informer.has_synced());
}

/// A source that tells of a change every 0.7 s, and of which only the first list works, up to so many.
struct HalfDown {
    log: Log,
    told: u16,
    failing: usize,
}

impl KeyedSource for HalfDown {
    type Key = String;
    fn origin(&self) -> Origin {
        Origin::named("half")
    }
    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.log.0.lock().unwrap().push((Instant::now(), Asked::List));
        if (2..2 + self.failing).contains(&self.log.lists().len()) {
            return Err(failure(SourceErrorKind::PermissionDenied));
        }
        listing.push(object("a", self.told.to_string(), &port(1 + self.told))).await;
        Ok(Listed::new())
    }
    async fn changed(&mut self, _: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        pass(Duration::from_millis(700)).await;
        self.told += 1;
        Ok(Changed::Deltas(vec![Delta::Upsert(object("a", self.told.to_string(), &port(1 + self.told)))]))
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_keeps_failing_under_a_watch_that_works_is_tried_less_and_less_often_and_told() {
    let log = Log::default();
    let source = HalfDown { log: log.clone(), told: 0, failing: usize::MAX - 2 };
    let informer = scripted(source, |builder| builder.reverify(Duration::from_secs(10))).await;
    eventually("a list fails", || informer.status().last_error.is_some()).await;
    for _ in 0..3600 {
        pass(Duration::from_secs(1)).await;
        let status = informer.status();
        assert!(status.last_error.is_some() && status.state == reloadable::SourceState::Interrupted);
    }
    let tried = log.lists().len();
    assert!((150..400).contains(&tried), "{tried}");
    assert!(informer.wait_fresh(HOUR, Duration::from_secs(10)).await.is_err());
    assert!(informer.lister().get("a").unwrap().port > 4000, "changes are followed all the same");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_works_ends_what_was_told_of_lists_that_failed() {
    let log = Log::default();
    let source = HalfDown { log: log.clone(), told: 0, failing: 3 };
    let informer = scripted(source, |builder| builder.reverify(Duration::from_secs(10))).await;
    eventually("a list fails", || informer.status().last_error.is_some()).await;
    eventually("a list works", || informer.status().last_error.is_none()).await;
    assert_eq!((log.lists().len(), informer.status().counts.failed_lists), (5, 3));
    assert_eq!(informer.status().state, reloadable::SourceState::Watching);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_at_once_is_tried_less_and_less_often_and_told() {
    let list = || Ok((vec![object("a", "1", "port = 1")], Listed::new()));
    let (source, log) = Scripted::new(list, |_| Some(Ok(Changed::Ended)));
    let informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(HOUR).await;
    let tried = log.watches().len();
    assert!((150..400).contains(&tried), "{tried}");
    assert_eq!(log.lists().len(), 1, "what is known stays known");
    let status = informer.status();
    assert!(status.last_error.is_some_and(|error| error.to_string().contains("ended the connection")));
    assert_eq!(status.objects, 1);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_tells_nothing_is_one_that_ends() {
    let list = || Ok((Vec::new(), Listed::new()));
    let (source, log) = Scripted::new(list, |_| Some(Ok(Changed::Deltas(Vec::new()))));
    let _informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(HOUR).await;
    assert!(log.watches().len() < 400);
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_listed_again() {
    let mut lists = 0_u8;
    let list = move || {
        lists += 1;
        let objects = vec![object("a", [lists], &port(lists.into()))];
        Ok((objects, Listed::new().at(Revision::new([lists]))))
    };
    let changed = |from: Option<&Revision>| match from.map(Revision::as_bytes) {
        Some([1]) => Some(Err(failure(SourceErrorKind::Expired))),
        _ => None,
    };
    let (source, log) = Scripted::new(list, changed);
    let informer = scripted(source, |builder| builder.never_reverify()).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: a=1", "a port: 1 -> 2"]);
    pass(HOUR).await;
    assert_eq!(log.lists().len(), 2);
    assert_eq!(informer.status().counts.expired, 1);
}

#[tokio::test(start_paused = true)]
async fn what_expires_again_and_again_is_listed_less_and_less_often() {
    let list = || Ok((Vec::new(), Listed::new().at(Revision::new("1"))));
    let (source, log) = Scripted::new(list, |_| Some(Err(failure(SourceErrorKind::Expired))));
    let _informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(HOUR).await;
    let tried = log.lists().len();
    assert!((150..400).contains(&tried), "{tried}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_fails_goes_on_from_where_it_was() {
    let mut answers = 0;
    let changed = move |_: Option<&Revision>| {
        answers += 1;
        match answers {
            1 => Some(Ok(Changed::Deltas(vec![Delta::Progress(Revision::new("7"))]))),
            2..6 => Some(Err(failure(SourceErrorKind::Other))),
            _ => None,
        }
    };
    let list = || Ok((Vec::new(), Listed::new().at(Revision::new("1"))));
    let (source, log) = Scripted::new(list, changed);
    let informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(HOUR).await;
    let from: Vec<_> = log.watches().into_iter().map(|(_, from)| from.unwrap()).collect();
    assert_eq!(from[0], b"1");
    assert!(from.len() > 5 && from[1..].iter().all(|from| from == b"7"), "{from:?}");
    assert_eq!(log.lists().len(), 1);
    // A connection that holds is one that works.
    assert_eq!(informer.status().state, reloadable::SourceState::Watching);
    assert!(informer.status().last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_is_told_of_what_came_and_went_before_it_looked() {
    let (source, routes) = memory();
    let informer = informer(source).await;
    let (mut events, mut latest) = (informer.events(), informer.latest());
    assert_eq!(next(&mut events).await, ["Started:"]);
    for (key, is_there) in [("a", true), ("a", false), ("b", true)] {
        let newest = if is_there { routes.upsert(key, port(1)) } else { routes.remove(key) };
        in_time(informer.wait_for_revision(&newest, HOUR)).await.unwrap();
    }
    assert_eq!(next(&mut events).await, ["added a=1", "removed a=1 Observed", "added b=1"]);
    assert_eq!(short(&in_time(latest.next()).await.unwrap()), "added b=1");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hints_all_the_time_is_listed_twice_a_second() {
    let list = || Ok((Vec::new(), Listed::new()));
    let (source, log) = Scripted::new(list, |_| Some(Ok(Changed::Relist)));
    let _informer = scripted(source, |builder| builder.never_reverify()).await;
    pass(Duration::from_secs(100)).await;
    let (lists, watches) = (log.lists().len(), log.watches().len());
    assert!((150..=201).contains(&lists) && watches <= lists, "{lists} {watches}");
}

/// What is told again must not cost an answer that takes its time.
#[tokio::test(start_paused = true)]
async fn a_resync_drops_no_answer_that_is_on_its_way() {
    struct Slow(Log);
    impl KeyedSource for Slow {
        type Key = String;
        fn origin(&self) -> Origin {
            Origin::named("slow")
        }
        async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
            listing.push(object("a", "1", &port(1))).await;
            Ok(Listed::new())
        }
        async fn changed(&mut self, _: Option<&Revision>) -> Result<Changed<String>, SourceError> {
            let asked = self.0.watches().len();
            self.0.0.lock().unwrap().push((Instant::now(), Asked::Changed(None)));
            match asked {
                0 => pass(Duration::from_secs(4)).await,
                _ => std::future::pending().await,
            }
            Ok(Changed::Deltas(vec![Delta::Upsert(object("a", "2", &port(2)))]))
        }
    }
    let log = Log::default();
    let informer =
        scripted(Slow(log.clone()), |builder| builder.resync(Duration::from_secs(30)).never_reverify()).await;
    let mut events = informer.events();
    let told = next::<4>(&mut events).await;
    assert_eq!(told, ["Started: a=1", "resync a=1", "a port: 1 -> 2", "resync a=2"]);
    assert_eq!(log.watches().len(), 2, "one that told, and one that waits");
}

/// A server that sends one bookmark and ends, or says again that something is gone.
#[tokio::test(start_paused = true)]
async fn who_tells_only_what_is_known_is_not_asked_all_the_time() {
    let gone = || Delta::Delete("gone".to_owned());
    let same = || Delta::Progress(Revision::new("1"));
    let known = || Delta::Upsert(object("a", "1", &port(1)));
    let unreadable = || Delta::Unreadable("b".to_owned(), failure(SourceErrorKind::PermissionDenied));
    let tellers: [fn() -> Delta<String>; 4] = [gone, same, known, unreadable];
    for tell in tellers {
        let list = || Ok((vec![object("a", "1", &port(1))], Listed::new().at(Revision::new("1"))));
        let (source, log) = Scripted::new(list, move |_| Some(Ok(Changed::Deltas(vec![tell()]))));
        let _informer = scripted(source, |builder| builder.never_reverify()).await;
        pass(Duration::from_secs(100)).await;
        let asked = log.watches().len();
        assert!((150..250).contains(&asked), "{:?}: {asked}", tell());
    }
}
