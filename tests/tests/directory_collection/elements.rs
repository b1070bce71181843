//! The elements of an array as objects.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use reloadable::{
    DirectoryCollection, FileCollection, Informer, Reloadable, RemovalGuard, SourceErrorKind, atomic_write,
};
use serde::Deserialize;

use crate::{Place, Route, all, broken, eventually, next, refused};

fn routes(routes: &[(&str, u16)]) -> String {
    let routes = routes.iter().map(|(name, port)| format!("[[routes]]\nname = \"{name}\"\nport = {port}\n"));
    routes.collect()
}

async fn follow(place: &Place) -> Informer<Route> {
    let source = FileCollection::new(place.path("routes.toml"), "routes", "name");
    let soon = Duration::from_millis(200);
    let guard = RemovalGuard::new().confirm_after(soon).confirm_all_after(soon);
    Informer::<Route>::builder().source(source).removal_guard(guard).start().await.unwrap()
}

#[tokio::test]
async fn only_the_elements_that_differ_are_told_of() {
    let place = Place::new(&[("routes.toml", &routes(&[("api", 80), ("web", 81), ("old", 82)]))]);
    let informer = follow(&place).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, "snapshot: api=80 old=82 web=81");
    place.replace("routes.toml", &routes(&[("new", 90), ("web", 81), ("api", 8080)]));
    let mut three = [next(&mut events).await, next(&mut events).await, next(&mut events).await];
    three.sort();
    assert_eq!(three, ["added new=90", "api port: 80 -> 8080", "removed old=82 Observed"]);
}

#[tokio::test]
async fn a_broken_element_is_told_with_its_line_and_path_and_holds_up_no_other() {
    let place = Place::new(&[("routes.toml", &routes(&[("api", 80), ("web", 81)]))]);
    let informer = follow(&place).await;
    place.replace("routes.toml", &routes(&[("new", 90), ("api", 0), ("web", 82)]));
    eventually("the others are told", || all(&informer) == "api=80 new=90 web=82").await;
    let report = broken(&informer).remove(0);
    assert!(report.starts_with("api: ") && report.contains("routes.toml:6:8"), "{report}");
    assert!(report.contains("routes[1].port"), "{report}");
    // A type that does not fit, and a key that is none.
    place.replace(
        "routes.toml",
        "[[routes]]\nname = 'api'\nport = 'x'\nprot = 1\n[[routes]]\nname = 'web'\nport = 83\n",
    );
    eventually("the others are told", || all(&informer).contains("web=83")).await;
    let report = broken(&informer).remove(0);
    assert!(report.contains("routes[0].port") && report.contains("routes.toml:3:8"), "{report}");
    assert!(report.contains("routes[0].prot") && report.contains("routes.toml:4:1"), "{report}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_at_all_changes_nothing() {
    let place = Place::new(&[("routes.toml", &routes(&[("api", 80), ("web", 81)]))]);
    let informer = follow(&place).await;
    place.replace("routes.toml", "[[routes]\n");
    eventually("all are broken", || broken(&informer).len() == 2).await;
    assert!(broken(&informer)[0].contains("routes.toml:1:"), "{:?}", broken(&informer));
    place.remove("routes.toml");
    eventually("it is missed", || informer.status().last_error.is_some()).await;
    assert_eq!(informer.status().last_error.unwrap().kind(), SourceErrorKind::NotFound);
    assert_eq!(all(&informer), "api=80 web=81");
    place.replace("routes.toml", &routes(&[("api", 82), ("web", 81)]));
    eventually("it is back", || all(&informer) == "api=82 web=81").await;
    eventually("nothing is broken", || broken(&informer).is_empty()).await;
}

#[tokio::test]
async fn a_list_that_shrinks_to_nothing_is_believed_only_the_second_time() {
    let place = Place::new(&[("routes.toml", &routes(&[("api", 80), ("web", 81)]))]);
    let informer = follow(&place).await;
    place.replace("routes.toml", "routes = []\n");
    eventually("they are missed", || informer.status().withheld == 2).await;
    assert_eq!(all(&informer), "api=80 web=81");
    eventually("they are gone", || all(&informer).is_empty()).await;
}

#[tokio::test]
async fn what_is_no_array_and_what_has_no_key_is_refused() {
    let text =
        "[[routes]]\nname = 'api'\nport = 80\n[[routes]]\nport = 81\n[[routes]]\nname = 'api'\nport = 82\n";
    let place = Place::new(&[("routes.toml", text)]);
    let informer = follow(&place).await;
    assert_eq!(all(&informer), "api=80");
    let told = refused(&informer).join("\n");
    assert!(told.contains("routes.toml:4:1") && told.contains("routes[1].name"), "{told}");
    assert!(told.contains("routes.toml:6:1") && told.contains("duplicate_key"), "{told}");
    place.replace("routes.toml", "routes = 7\n");
    eventually("it is told", || {
        !broken(&informer).is_empty() || refused(&informer).join("").contains("array")
    })
    .await;
    assert_eq!(all(&informer), "api=80");
}

#[tokio::test]
async fn arrays_of_several_files_are_one_collection() {
    let place =
        Place::new(&[("a.toml", &routes(&[("api", 80)])), ("b.toml", &routes(&[("api", 81), ("web", 82)]))]);
    fs::write(place.path("none.toml"), "# nothing\n").unwrap();
    let source = DirectoryCollection::new(place.root(), "*.toml").unwrap().elements_of("routes", "name");
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    assert_eq!(all(&informer), "api=80 web=82");
    assert!(refused(&informer)[0].contains("b.toml"), "{:?}", refused(&informer));
    atomic_write(place.path("a.toml"), "# nothing\n").unwrap();
    eventually("the other one has it", || all(&informer) == "api=81 web=82").await;
}

/// Any document is one of these.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Reloadable)]
#[serde(default)]
struct Lax {
    name: String,
    port: u16,
}

#[tokio::test]
async fn a_document_without_its_array_is_never_taken_for_an_element() {
    let text = format!("port = 9\n{}", routes(&[("api", 80), ("web", 81)]));
    let place = Place::new(&[("routes.toml", &text)]);
    let source = FileCollection::new(place.path("routes.toml"), "routes", "name");
    let informer = Informer::<Lax>::builder().source(source).start().await.unwrap();
    let ports = || ["api", "web"].map(|key| informer.lister().get(key).map(|route| route.port));
    // A table of the same name, and a text that nobody can read.
    for (text, wrong) in [
        ("port = 9\n[routes]\nname = 'api'\nport = 1\n", "expected an array"),
        ("port = 9\n[[routes]\nname = 'api'\n", "routes.toml:2:"),
    ] {
        place.replace("routes.toml", text);
        let told = || informer.status().broken.iter().map(|one| one.report.to_string()).collect::<Vec<_>>();
        eventually("both are broken", || {
            let told = told();
            told.len() == 2 && told.iter().all(|report| report.contains(wrong))
        })
        .await;
        assert!(told()[0].contains("routes.toml:2:"), "{:?}", told());
        assert_eq!(ports(), [Some(80), Some(81)]);
    }
    assert_eq!(informer.status().counts.modified, 0);
    place.replace("routes.toml", &routes(&[("api", 82), ("web", 81)]));
    eventually("it is mended", || ports() == [Some(82), Some(81)]).await;
    assert!(informer.status().broken.is_empty());
}

#[tokio::test]
async fn what_is_missing_while_a_file_is_open_for_writing_is_removed_only_when_it_is_closed() {
    let text = routes(&[("api", 80), ("old", 81), ("web", 82)]);
    let place = Place::new(&[("routes.toml", &text)]);
    let informer = follow(&place).await;
    let mut file = fs::File::create(place.path("routes.toml")).unwrap();
    file.write_all(routes(&[("api", 8080), ("web", 82)]).as_bytes()).unwrap();
    // It is believed in its silence.
    eventually("what is there is read", || all(&informer).contains("api=8080")).await;
    assert_eq!(all(&informer), "api=8080 old=81 web=82");
    drop(file);
    eventually("it is complete", || all(&informer) == "api=8080 web=82").await;
}
