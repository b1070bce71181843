//! Objects and sources that are not as they should be.

use std::time::Duration;

use reloadable::{Changed, Delta, Index, Listed, RemovalGuard, Revision, SourceErrorKind};

use super::*;

#[tokio::test(start_paused = true)]
async fn an_object_that_breaks_keeps_its_last_good_self_and_holds_up_no_other() {
    let (source, routes) = memory();
    routes.upsert("api", port(80));
    routes.upsert("born broken", "port = 'many'");
    let informer = informer(source).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: api=80"]);
    routes.upsert("api", port(0));
    routes.upsert("web", port(90));
    assert_eq!(next(&mut events).await, ["added web=90"]);
    assert_eq!(informer.lister().get("api").unwrap().port, 80);
    let broken = informer.status().broken;
    let broken: Vec<_> = broken
        .iter()
        .map(|broken| (&*broken.key, broken.has_last_good, broken.report.violations()[0].code()))
        .collect();
    assert_eq!(broken, [("api", true, "range"), ("born broken", false, "type")]);

    routes.upsert("api", port(80));
    routes.upsert("born broken", port(70));
    assert_eq!(next(&mut events).await, ["added born broken=70"]);
    assert!(informer.status().broken.is_empty(), "going back is as good as mending");
    routes.upsert("api", port(0));
    routes.remove("api");
    assert_eq!(next(&mut events).await, ["removed api=80 Observed"]);
    assert!(informer.status().broken.is_empty());
}

#[tokio::test(start_paused = true)]
async fn code_of_the_application_that_panics_breaks_one_object() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Grumpy(u16);
    #[derive(Debug, Deserialize, Reloadable)]
    #[reload(validate = Self::check)]
    struct Fragile {
        #[reload(leaf)]
        port: Grumpy,
    }
    impl Fragile {
        fn check(&self, _: &mut reloadable::Reporter<'_>) {
            assert_ne!(self.port.0, 13, "unlucky");
        }
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            assert!(self.port.0 != 14 || std::thread::panicking(), "sticky");
        }
    }
    let (source, routes) = memory();
    routes.upsert("a", port(13));
    routes.upsert("b", port(14));
    routes.upsert("c", port(1));
    let informer = Informer::<Fragile>::builder().source(source).start().await.unwrap();
    assert_eq!(informer.lister().len(), 2);
    assert_eq!(informer.status().broken[0].report.violations()[0].code(), "panic");
    for number in [15, 14, 16, 13, 14, 17] {
        routes.upsert("b", port(number));
        routes.upsert("c", port(number));
        let newest = routes.upsert("d", port(number));
        in_time(informer.wait_for_revision(&newest, Duration::from_secs(60))).await.unwrap();
    }
    assert_eq!(informer.lister().get("c").unwrap().port.0, 17);
    let api = "a".to_owned();
    let panics = informer.wait_for(&api, |_| panic!("no"), Duration::from_secs(1)).await;
    assert!(panics.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_in_the_middle_changes_nothing() {
    struct Torn(u32);
    impl KeyedSource for Torn {
        type Key = String;
        fn origin(&self) -> Origin {
            Origin::named("torn")
        }
        async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
            self.0 += 1;
            let revision = self.0.to_be_bytes();
            listing.push(object("a", revision, &port(1))).await;
            match self.0 {
                2 => return Err(failure(SourceErrorKind::Other)),
                3 => panic!("as told"),
                _ => {}
            }
            listing.push(object("b", revision, &port(2))).await;
            Ok(Listed::new())
        }
    }
    let informer = scripted(Torn(0), |builder| builder.reverify(Duration::from_secs(60))).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: a=1 b=2"]);
    pass(Duration::from_secs(300)).await;
    let status = informer.status();
    assert_eq!((status.counts.failed_lists, status.generation), (2, 1), "{status:?}");
    assert_eq!(status.last_error.map(|error| error.to_string()), None);
}

/// Lists so many objects, one number after the other, the last again and again.
fn shrinking(lengths: &'static [usize]) -> (impl KeyedSource<Key = String>, Log) {
    let mut lengths = lengths.iter().copied();
    let mut length = 0;
    let list = move || {
        length = lengths.next().unwrap_or(length);
        let objects = (0..length).map(|number| object(&number.to_string(), "1", "port = 1"));
        Ok((objects.collect(), Listed::new()))
    };
    Scripted::new(list, |_| None)
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_suddenly_empty_removes_nothing() {
    let (source, log) = shrinking(&[20, 0, 20]);
    let informer = scripted(source, |builder| builder.reverify(Duration::from_secs(100))).await;
    pass(Duration::from_secs(1)).await;
    eventually("the second list", || log.lists().len() == 2).await;
    eventually("it is doubted", || informer.status().withheld == 20).await;
    assert_eq!(informer.lister().len(), 20);
    eventually("it was a mistake", || informer.status().withheld == 0).await;
    let lists = log.lists();
    assert_eq!(lists[2] - lists[1], Duration::from_secs(10), "it is looked at soon");
    assert_eq!((informer.lister().len(), informer.status().generation), (20, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_second_list_confirms_is_removed() {
    let (source, _log) = shrinking(&[20, 9]);
    let informer = scripted(source, |builder| builder.reverify(Duration::from_secs(100))).await;
    eventually("it is doubted", || informer.status().withheld == 11).await;
    assert_eq!(informer.lister().len(), 20);
    eventually("it is confirmed", || informer.lister().len() == 9).await;
    assert_eq!(informer.status().withheld, 0);
}

#[tokio::test(start_paused = true)]
async fn who_believes_every_list_need_not_wait() {
    let (source, _log) = shrinking(&[20, 0]);
    let informer = scripted(source, |builder| {
        builder.reverify(Duration::from_secs(20)).removal_guard(RemovalGuard::off())
    })
    .await;
    let mut events = informer.events();
    assert!(next::<1>(&mut events).await[0].starts_with("Started"));
    assert!(next::<20>(&mut events).await.iter().all(|event| event.ends_with("Relisted")));
    assert!(informer.lister().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_two_objects_with_one_key_the_first_is_taken_and_the_other_told() {
    let mut is_mended = false;
    let list = move || {
        let mut objects = vec![object("a", "1", "port = 1"), object("b", "1", "port = 2")];
        if !is_mended {
            objects.push(object("a", "2", "port = 3"));
        }
        is_mended = true;
        Ok((objects, Listed::new()))
    };
    let (source, _log) = Scripted::new(list, |_| None);
    let informer = scripted(source, |builder| builder.reverify(Duration::from_secs(60))).await;
    informer.wait_synced(Duration::from_secs(5)).await.unwrap();
    let status = informer.status();
    assert_eq!(status.broken[0].report.violations()[0].code(), "duplicate_key");
    assert_eq!((informer.lister().get("a").unwrap().port, status.counts.duplicates), (1, 1));
    eventually("it is mended", || informer.status().broken.is_empty()).await;
    assert_eq!(informer.status().generation, 1);
}

#[tokio::test(start_paused = true)]
async fn what_goes_back_is_refused_and_counted() {
    // A replica that is behind answers in between.
    let mut versions = [3_u8, 2, 4].into_iter();
    let list = move || {
        let version = versions.next().unwrap_or(4);
        Ok((vec![object("a", [version], &port(version.into()))], Listed::new().at(Revision::new([version]))))
    };
    struct Ordered<S>(S);
    impl<S: KeyedSource<Key = String>> KeyedSource for Ordered<S> {
        type Key = String;
        fn origin(&self) -> Origin {
            self.0.origin()
        }
        async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
            self.0.list(listing).await
        }
        async fn changed(&mut self, from: Option<&Revision>) -> Result<Changed<String>, SourceError> {
            self.0.changed(from).await
        }
        fn compare(one: &Revision, other: &Revision) -> Option<std::cmp::Ordering> {
            Some(one.as_bytes().cmp(other.as_bytes()))
        }
    }
    let mut is_told = false;
    let changed = move |from: Option<&Revision>| {
        if from.is_none_or(|from| from.as_bytes() != [4]) || std::mem::replace(&mut is_told, true) {
            return None;
        }
        let deltas = vec![
            Delta::Upsert(object("a", [1], &port(1))),
            Delta::Progress(Revision::new([2])),
            Delta::Upsert(object("b", [5], &port(5))),
        ];
        Some(Ok(Changed::Deltas(deltas)))
    };
    let (source, log) = Scripted::new(list, changed);
    let informer = scripted(Ordered(source), |builder| builder.reverify(Duration::from_secs(20))).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, ["Started: a=3", "a port: 3 -> 4", "added b=5"]);
    let status = informer.status();
    assert!(status.counts.stale >= 3 && status.counts.failed_lists == 1, "{status:?}");
    assert_eq!(status.revision, Some(Revision::new([4])));
    assert!(log.watches().iter().all(|(_, from)| from.as_deref().unwrap()[0] >= 3));
}

#[tokio::test(start_paused = true)]
async fn an_index_that_panics_leaves_the_object_in_the_store() {
    let by_port = Index::new("port", |route: &Route| {
        assert_ne!(route.port, 13, "unlucky");
        [route.port]
    });
    let (source, routes) = memory();
    routes.upsert("a", port(13));
    routes.upsert("b", port(14));
    let informer = Informer::<Route>::builder().source(source).index(&by_port).start().await.unwrap();
    assert_eq!((informer.lister().len(), informer.lister().by_index(&by_port, &14).len()), (2, 1));
    assert_eq!(informer.status().counts.index_faults, 1);
}

/// A key whose code panics now and then must not end what follows it.
#[tokio::test(start_paused = true)]
async fn a_key_that_panics_ends_nothing() {
    use std::sync::atomic::{AtomicBool, Ordering};

    static IS_BAD: AtomicBool = AtomicBool::new(false);

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Bad(u8);
    impl std::hash::Hash for Bad {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            assert!(self.0 != 2 || !IS_BAD.load(Ordering::Relaxed), "bad");
            self.0.hash(state);
        }
    }
    let (source, routes) = MemoryCollection::<Bad>::new("routes", Format::Toml);
    for key in 1..4 {
        routes.upsert(Bad(key), port(1));
    }
    let informer = Informer::<Route>::builder().source(source).reverify(Duration::from_secs(30));
    let informer = informer.resync(Duration::from_secs(50)).start().await.unwrap();
    IS_BAD.store(true, Ordering::Relaxed);
    for key in 1..4 {
        routes.upsert(Bad(key), port(2));
    }
    pass(Duration::from_secs(100)).await;
    IS_BAD.store(false, Ordering::Relaxed);
    for key in 1..4 {
        in_time(informer.wait_for(&Bad(key), |route| route.is_some_and(|route| route.port == 2), DEADLINE))
            .await
            .unwrap();
    }
    assert_eq!(informer.lister().len(), 3);
}

/// What was not put into force because a key panicked is not told again: a list must find it, whatever it was.
#[tokio::test(start_paused = true)]
async fn a_key_that_panics_when_objects_go_leaves_none_behind() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The clone of `z` that panics, counted down.
    static FUSE: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    struct Bad(&'static str);
    impl Clone for Bad {
        fn clone(&self) -> Self {
            let left = FUSE.load(Ordering::Relaxed);
            if self.0 == "z" && left > 0 {
                FUSE.store(left - 1, Ordering::Relaxed);
                assert_ne!(left, 1, "bad");
            }
            Self(self.0)
        }
    }
    let mut panics = 0;
    for fuse in 1..=6 {
        let (source, routes) = MemoryCollection::<Bad>::new("routes", Format::Toml);
        for key in ["a", "b", "c", "d", "z"] {
            routes.upsert(Bad(key), port(1));
        }
        let informer = Informer::<Route>::builder().source(source).never_reverify().start().await.unwrap();
        routes.remove(Bad("a"));
        routes.remove(Bad("z"));
        routes.upsert(Bad("b"), port(2));
        // From here on it is the informer that clones.
        FUSE.store(fuse, Ordering::Relaxed);
        pass(Duration::from_secs(100)).await;
        FUSE.store(0, Ordering::Relaxed);
        let view = informer.lister().snapshot();
        let mut keys: Vec<_> = view.iter().map(|(key, route)| (key.0, route.port)).collect();
        keys.sort_unstable();
        assert_eq!(keys, [("b", 2), ("c", 1), ("d", 1)], "fuse {fuse}: {:?}", informer.status());
        panics += informer.status().counts.panics;
    }
    assert!(panics > 0, "none of them met the store");
}

#[tokio::test(start_paused = true)]
async fn a_list_without_an_end_fails_at_the_bound() {
    struct Endless;
    impl KeyedSource for Endless {
        type Key = u64;
        fn origin(&self) -> Origin {
            Origin::named("endless")
        }
        async fn list(&mut self, listing: &mut Listing<u64>) -> Result<Listed, SourceError> {
            for key in 0.. {
                let document = Document::new(Origin::named("row"), Format::Toml, &b"port = 1"[..]);
                listing.push(KeyedDocument::new(key % 70, document, Revision::new("1"))).await;
            }
            Ok(Listed::new())
        }
    }
    let informer = Informer::<Route>::builder().source(Endless).max_objects(100).start_unsynced();
    let informer = informer.start().await.unwrap();
    let error = in_time(informer.wait_synced(Duration::from_secs(5))).await.unwrap_err();
    assert!(error.to_string().contains("it lists more than 100 objects"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_object_beyond_the_bound_is_refused_until_there_is_room() {
    let (source, routes) = memory();
    routes.upsert("a", port(1));
    let informer = Informer::<Route>::builder().source(source).max_objects(2).never_reverify();
    let informer = informer.start().await.unwrap();
    routes.upsert("b", port(1));
    routes.upsert("c", port(1));
    routes.upsert("a", port(2));
    eventually("it is refused", || informer.status().refused.len() == 1).await;
    let refused = informer.status().refused.remove(0);
    assert_eq!(refused.report.violations()[0].code(), "max_objects");
    assert!(refused.origin.to_string().contains('c'));
    eventually("others are followed", || informer.lister().get("a").unwrap().port == 2).await;
    assert_eq!(informer.lister().len(), 2);
    routes.remove("b");
    eventually("there is room", || informer.lister().get("c").is_some()).await;
    eventually("it is refused no more", || informer.status().refused.is_empty()).await;
    assert!(informer.lister().get("b").is_none());
}

#[tokio::test(start_paused = true)]
async fn that_everything_is_gone_is_believed_later_or_never() {
    for (guard, within) in
        [(RemovalGuard::new(), Some(55..75)), (RemovalGuard::new().confirm_all_after(Duration::MAX), None)]
    {
        let (source, _log) = shrinking(&[20, 0]);
        let informer =
            scripted(source, |builder| builder.reverify(Duration::from_secs(100)).removal_guard(guard)).await;
        eventually("it is doubted", || informer.status().withheld == 20).await;
        let since = Instant::now();
        while informer.status().withheld > 0 && since.elapsed() < Duration::from_secs(7200) {
            pass(Duration::from_secs(1)).await;
        }
        let took = since.elapsed().as_secs();
        assert_eq!(informer.lister().len(), if within.is_some() { 0 } else { 20 });
        assert!(within.is_none_or(|within| within.contains(&took)), "{took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revision_is_not_reached_while_objects_are_withheld() {
    let mut lists = 0;
    let list = move || {
        lists += 1;
        let objects =
            (0..if lists == 1 { 20 } else { 0 }).map(|number: u8| object(&number.to_string(), "1", &port(1)));
        Ok((objects.collect(), Listed::new().at(Revision::new([lists]))))
    };
    let (source, _log) = Scripted::new(list, |_| None);
    let informer = scripted(source, |builder| builder.reverify(Duration::from_secs(10))).await;
    eventually("it is doubted", || informer.status().withheld == 20).await;
    let second = informer.status().revision.unwrap();
    let error = informer.wait_for_revision(&second, Duration::from_secs(5)).await.unwrap_err();
    assert!(error.to_string().contains("20 objects are kept"), "{error}");
    let newest = || informer.status().revision.unwrap();
    eventually("it is believed", || informer.status().withheld == 0).await;
    informer.wait_for_revision(&newest(), Duration::from_secs(5)).await.unwrap();
    assert!(informer.lister().is_empty());
}
