//! What becomes of files that are not as they should be.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use reloadable::{DirectoryCollection, ErrorKind, Informer, RemovalGuard, SourceErrorKind, SourceState};

use crate::{Place, Route, all, broken, eventually, in_time, next, port, refused};

fn guarded(within: Duration) -> RemovalGuard {
    RemovalGuard::new().confirm_after(within).confirm_all_after(within)
}

#[tokio::test]
async fn a_file_that_breaks_keeps_its_last_good_object_and_is_told_with_its_line() {
    let place = Place::new(&[("api.toml", &port(80)), ("web.toml", &port(81))]);
    let informer = place.informer().await;
    let mut events = informer.events();
    next(&mut events).await;
    place.replace("api.toml", "# a route\nport = \n");
    eventually("it is broken", || !broken(&informer).is_empty()).await;
    let report = broken(&informer).remove(0);
    assert!(report.contains("api.toml:2:"), "{report}");
    assert!(report.starts_with(&format!("api: {}", place.root().display())), "{report}");
    assert!(informer.status().broken[0].has_last_good);
    place.replace("web.toml", "port = 0\n");
    eventually("the other one too", || broken(&informer).len() == 2).await;
    assert!(broken(&informer)[1].contains("web.toml:1:8"), "{:?}", broken(&informer));
    assert_eq!(all(&informer), "api=80 web=81");
    place.replace("api.toml", &port(8080));
    assert_eq!(next(&mut events).await, "api port: 80 -> 8080");
    assert_eq!(broken(&informer).len(), 1);
}

#[tokio::test]
async fn an_empty_file_and_an_unknown_key_are_refused() {
    let place = Place::new(&[("api.toml", &port(80)), ("web.toml", &port(81))]);
    let informer = place.informer().await;
    place.replace("api.toml", "");
    place.replace("web.toml", "port = 1\nprot = 2\n");
    place.write("new.toml", "");
    eventually("all are told", || broken(&informer).len() == 3).await;
    let reports = broken(&informer);
    assert!(reports[0].contains("empty") && reports[1].contains("empty"), "{reports:?}");
    assert!(reports[2].contains("web.toml:2:1") && reports[2].contains("prot"), "{reports:?}");
    assert_eq!(all(&informer), "api=80 web=81");
}

#[tokio::test]
async fn a_file_over_the_limit_is_no_object_and_leaves_the_last_one() {
    let place =
        Place::new(&[("api.toml", &port(80)), ("big.toml", &format!("{}#{}", port(81), "x".repeat(200)))]);
    let source = DirectoryCollection::new(place.root(), "*.toml").unwrap().max_size(100);
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    assert_eq!(all(&informer), "api=80");
    assert!(broken(&informer)[0].contains("limit of 100"), "{:?}", broken(&informer));
    place.replace("api.toml", &format!("{}#{}", port(82), "x".repeat(200)));
    eventually("it is told", || broken(&informer).len() == 2).await;
    place.replace("big.toml", &port(81));
    eventually("the other one is read", || all(&informer) == "api=80 big=81").await;
    assert_eq!(broken(&informer).len(), 1);
}

#[tokio::test]
async fn of_two_files_with_one_key_the_first_path_has_it_until_it_goes() {
    let place = Place::new(&[("eu/api.toml", &port(80)), ("us/api.toml", &port(81))]);
    let source = DirectoryCollection::new(place.root(), "*.toml").unwrap().recursive();
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, "snapshot: api=80");
    let one = refused(&informer);
    assert!(one.len() == 1 && one[0].contains("us/api.toml") && one[0].contains("eu/api.toml"), "{one:?}");
    assert!(one[0].contains("duplicate_key"), "{one:?}");
    // What the other one does concerns nobody.
    place.replace("us/api.toml", &port(82));
    place.remove("eu/api.toml");
    assert_eq!(next(&mut events).await, "api port: 80 -> 82");
    eventually("nothing is refused", || refused(&informer).is_empty()).await;
    // One that comes before takes the key, whoever had it.
    place.write("eu/api.toml", &port(83));
    assert_eq!(next(&mut events).await, "api port: 82 -> 83");
    eventually("the other one is refused", || refused(&informer).len() == 1).await;
    place.remove("eu/api.toml");
    assert_eq!(next(&mut events).await, "api port: 83 -> 82");
    place.remove("us/api.toml");
    assert_eq!(next(&mut events).await, "removed api=82 Observed");
}

#[tokio::test]
async fn more_is_refused_than_a_status_lists() {
    let place = Place::new(&[]);
    for name in 0..130 {
        place.write(&format!("{name:03}/api.toml"), &port(80));
    }
    let source = DirectoryCollection::new(place.root(), "*/*.toml").unwrap();
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    let status = informer.status();
    assert_eq!((status.objects, status.refused.len(), status.refused_omitted), (1, 100, 29));
}

#[tokio::test]
async fn a_name_that_is_not_unicode_is_refused() {
    let place = Place::new(&[("api.toml", &port(80))]);
    let odd = place.root().join(std::ffi::OsStr::from_bytes(b"b\xff.toml"));
    fs::write(&odd, port(81)).unwrap();
    let informer = place.informer().await;
    assert_eq!(all(&informer), "api=80");
    let told = refused(&informer);
    assert!(told.len() == 1 && told[0].contains("not Unicode"), "{told:?}");
    fs::remove_file(odd).unwrap();
    eventually("nothing is refused", || refused(&informer).is_empty()).await;
}

#[tokio::test]
async fn a_directory_in_the_place_of_a_file_is_its_removal() {
    let place = Place::new(&[("api.toml", &port(80)), ("web.toml", &port(81)), ("x.toml", &port(82))]);
    let informer = place.informer().await;
    let mut events = informer.events();
    next(&mut events).await;
    place.remove("api.toml");
    fs::create_dir(place.path("api.toml")).unwrap();
    assert_eq!(next(&mut events).await, "removed api=80 Observed");
    fs::remove_dir(place.path("api.toml")).unwrap();
    place.write("api.toml", &port(90));
    assert_eq!(next(&mut events).await, "added api=90");
}

#[tokio::test]
async fn a_directory_that_disappears_takes_nothing_with_it() {
    for is_moved in [true, false] {
        let place = Place::new(&[("api.toml", &port(80)), ("web.toml", &port(81))]);
        let informer = Informer::<Route>::builder()
            .directory(place.root(), "*.toml")
            .max_backoff(Duration::from_millis(50))
            .start()
            .await
            .unwrap();
        let mut events = informer.events();
        next(&mut events).await;
        if is_moved {
            fs::rename(place.root(), place.base().join("away")).unwrap();
        } else {
            fs::remove_dir_all(place.root()).unwrap();
        }
        eventually("it is missed", || informer.status().state == SourceState::Interrupted).await;
        let error = informer.status().last_error.unwrap();
        assert_eq!(error.kind(), SourceErrorKind::NotFound, "{error}");
        assert_eq!(all(&informer), "api=80 web=81");
        if is_moved {
            fs::rename(place.base().join("away"), place.root()).unwrap();
        } else {
            fs::create_dir(place.root()).unwrap();
            place.write("api.toml", &port(80));
            place.write("web.toml", &port(81));
        }
        eventually("it is back", || informer.status().state == SourceState::Watching).await;
        place.replace("api.toml", &port(8080));
        assert_eq!(next(&mut events).await, "api port: 80 -> 8080", "{is_moved}");
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_yet_is_waited_for() {
    let place = Place::new(&[]);
    fs::remove_dir(place.root()).unwrap();
    let builder = Informer::<Route>::builder().directory(place.root(), "*.toml");
    let informer = builder.max_backoff(Duration::from_millis(50)).start_unsynced().start().await.unwrap();
    eventually("it is missed", || informer.status().last_error.is_some()).await;
    fs::create_dir(place.root()).unwrap();
    place.write("api.toml", &port(80));
    eventually("it is read", || all(&informer) == "api=80").await;
}

#[tokio::test]
async fn files_that_vanish_together_are_kept_until_that_is_confirmed() {
    let place = Place::new(&[]);
    let files = || (0..20).map(|name| format!("{name}.toml"));
    files().for_each(|name| place.write(&name, &port(80)));
    let builder = Informer::<Route>::builder().directory(place.root(), "*.toml");
    let informer = builder.removal_guard(guarded(Duration::from_millis(200))).start().await.unwrap();
    files().for_each(|name| place.remove(&name));
    eventually("they are missed", || informer.status().withheld == 20).await;
    assert_eq!(informer.status().objects, 20);
    eventually("they are gone", || informer.status().objects == 0).await;
    assert!(informer.has_synced());
}

#[tokio::test]
async fn more_files_than_one_look_takes_vanish_together_as_well() {
    for many in [300, 2_000] {
        let place = Place::new(&[]);
        let files = move || (0..many).map(|name| format!("{name:04}.toml"));
        files().for_each(|name| place.write(&name, &port(80)));
        let builder = Informer::<Route>::builder().directory(place.root(), "*.toml");
        let informer = builder.removal_guard(guarded(Duration::from_secs(600))).start().await.unwrap();
        let root = place.root();
        tokio::task::spawn_blocking(move || {
            files().for_each(|name| fs::remove_file(root.join(name)).unwrap());
        })
        .await
        .unwrap();
        eventually("they are missed", || informer.status().withheld > 0).await;
        let status = informer.status();
        assert_eq!((status.objects, status.withheld, status.counts.removed), (many, many, 0));
    }
}

#[tokio::test]
async fn a_link_out_of_the_directory_is_refused_unless_it_is_allowed() {
    let place = Place::new(&[("api.toml", &port(80)), ("real/in.toml", &port(81))]);
    fs::write(place.base().join("out.toml"), port(82)).unwrap();
    std::os::unix::fs::symlink(place.path("real/in.toml"), place.path("in.toml")).unwrap();
    std::os::unix::fs::symlink("../out.toml", place.path("out.toml")).unwrap();
    let informer = place.informer().await;
    assert_eq!(all(&informer), "api=80 in=81");
    assert!(broken(&informer)[0].starts_with("out: "), "{:?}", broken(&informer));
    assert!(broken(&informer)[0].contains("out of the directory"), "{:?}", broken(&informer));
    // What is within is followed to where it is.
    place.replace("real/in.toml", &port(8181));
    eventually("the change is seen", || all(&informer) == "api=80 in=8181").await;

    let source = DirectoryCollection::new(place.root(), "*.toml").unwrap().follow_links_outside();
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    assert_eq!(all(&informer), "api=80 in=8181 out=82");
    fs::write(place.base().join("out.toml"), port(8282)).unwrap();
    eventually("the change is seen", || all(&informer) == "api=80 in=8181 out=8282").await;
    // A link that comes later, and one that is put in the place of a file.
    std::os::unix::fs::symlink("../out.toml", place.path("late.toml")).unwrap();
    eventually("the link is seen", || all(&informer) == "api=80 in=8181 late=8282 out=8282").await;
}

#[tokio::test]
async fn a_file_that_may_not_be_read_keeps_its_object() {
    let place = Place::new(&[("api.toml", &port(80)), ("web.toml", &port(81))]);
    let informer = place.informer().await;
    // As for root, whom no mode stops: a link in a circle cannot be read either.
    place.remove("api.toml");
    std::os::unix::fs::symlink("api.toml", place.path("api.toml")).unwrap();
    eventually("it is told", || !broken(&informer).is_empty()).await;
    assert!(broken(&informer)[0].starts_with("api: "), "{:?}", broken(&informer));
    assert_eq!(all(&informer), "api=80 web=81");
    place.remove("api.toml");
    place.write("api.toml", &port(82));
    eventually("it is read again", || all(&informer) == "api=82 web=81").await;
    assert!(broken(&informer).is_empty());
}

#[tokio::test]
async fn a_pattern_that_can_never_match_is_refused_at_the_start() {
    let place = Place::new(&[]);
    let started = Informer::<Route>::builder().directory(place.root(), "./*.toml").start();
    let error = in_time(started).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("as `*.toml`"), "{error}");
}

#[tokio::test]
async fn a_format_that_nobody_knows_is_told() {
    let place = Place::new(&[("api.toml", &port(80)), ("web.ini", "port = 81\n")]);
    let informer = Informer::<Route>::builder().directory(place.root(), "*").start().await.unwrap();
    assert_eq!(all(&informer), "api=80");
    assert!(broken(&informer)[0].contains("its extension is not one of"), "{:?}", broken(&informer));
}
