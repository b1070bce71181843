//! What objects are known by.

use reloadable::{DirectoryCollection, Informer};

use crate::{Place, Route, all, broken, eventually, next, refused};

fn named(name: &str, port: u16) -> String {
    format!("port = {port}\nname = \"{name}\"\n")
}

async fn by_name(place: &Place) -> Informer<Route> {
    let source = DirectoryCollection::new(place.root(), "*.toml").unwrap().key_from_field("name");
    Informer::<Route>::builder().source(source).start().await.unwrap()
}

#[tokio::test]
async fn a_key_that_changes_inside_a_file_is_a_removal_and_an_addition() {
    let place = Place::new(&[("1.toml", &named("api", 80)), ("2.toml", &named("web", 81))]);
    let informer = by_name(&place).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, "snapshot: api=80 web=81");
    place.replace("1.toml", &named("app", 80));
    let mut both = [next(&mut events).await, next(&mut events).await];
    both.sort();
    assert_eq!(both, ["added app=80", "removed api=80 Observed"]);
}

#[tokio::test]
async fn a_key_that_goes_from_one_file_to_another_is_never_gone() {
    let place = Place::new(&[("1.toml", &named("api", 80)), ("2.toml", &named("api", 81))]);
    let informer = by_name(&place).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, "snapshot: api=80");
    assert!(refused(&informer)[0].contains("2.toml"), "{:?}", refused(&informer));
    place.replace("1.toml", &named("app", 80));
    let mut both = [next(&mut events).await, next(&mut events).await];
    both.sort();
    assert!(both[0] == "added app=80" && both[1].starts_with("api port: 80 -> 81"), "{both:?}");
    assert!(refused(&informer).is_empty());
}

#[tokio::test]
async fn a_file_whose_key_cannot_be_read_keeps_it() {
    let place = Place::new(&[("1.toml", &named("api", 80)), ("2.toml", "port = 81\n")]);
    let informer = by_name(&place).await;
    assert_eq!(all(&informer), "api=80");
    assert!(refused(&informer)[0].contains("2.toml:1:1"), "{:?}", refused(&informer));
    assert!(refused(&informer)[0].contains("there is no `name`"), "{:?}", refused(&informer));
    place.replace("1.toml", "name = \"api\"\nport = \n");
    eventually("it is broken", || !broken(&informer).is_empty()).await;
    assert!(broken(&informer)[0].starts_with("api: "), "{:?}", broken(&informer));
    assert!(broken(&informer)[0].contains("1.toml:2:"), "{:?}", broken(&informer));
    assert_eq!(all(&informer), "api=80");
    // Of a new file whose text is none, only that can be told.
    place.replace("2.toml", "name = \n");
    eventually("it is told", || refused(&informer)[0].contains("2.toml:1:")).await;
    place.replace("1.toml", &named("api", 82));
    eventually("it is whole", || all(&informer) == "api=82" && broken(&informer).is_empty()).await;
}
