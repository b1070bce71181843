//! What becomes of files that are good.

use std::fs;

use reloadable::testing::{TornWrite, swap_link};
use reloadable::{DirectoryCollection, Informer};

use crate::{Place, Route, all, eventually, next, port};

#[tokio::test]
async fn files_are_objects_and_their_changes_are_events() {
    let place = Place::new(&[("api.toml", &port(80)), ("web.toml", &port(81)), ("note.txt", "none")]);
    let informer = place.informer().await;
    assert_eq!(all(&informer), "api=80 web=81");
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, "snapshot: api=80 web=81");

    place.write("new.toml", &port(90));
    assert_eq!(next(&mut events).await, "added new=90");
    place.write("api.toml", &port(8080));
    assert_eq!(next(&mut events).await, "api port: 80 -> 8080");
    // As an editor saves: another inode, and the same object.
    place.replace("api.toml", &port(8081));
    assert_eq!(next(&mut events).await, "api port: 8080 -> 8081");
    place.remove("web.toml");
    assert_eq!(next(&mut events).await, "removed web=81 Observed");
    fs::rename(place.path("new.toml"), place.path("old.toml")).unwrap();
    let mut both = [next(&mut events).await, next(&mut events).await];
    both.sort();
    assert_eq!(both, ["added old=90", "removed new=90 Observed"]);
    assert_eq!(all(&informer), "api=8081 old=90");
}

#[tokio::test]
async fn an_edit_elsewhere_reads_and_lists_nothing_else() {
    let place = Place::new(&[("api.toml", &port(80)), ("web.toml", &port(81))]);
    let informer = place.informer().await;
    let mut events = informer.events();
    next(&mut events).await;
    for turn in 0..20 {
        place.replace("api.toml", &port(100 + turn));
        next(&mut events).await;
    }
    assert_eq!(informer.status().counts.lists, 1);
}

#[tokio::test]
async fn what_is_half_written_is_no_object() {
    let place = Place::new(&[("api.toml", "port = 80\nname = \"long enough\"\n")]);
    let informer = place.informer().await;
    let mut events = informer.events();
    next(&mut events).await;
    let mut write = TornWrite::truncate(place.path("api.toml")).unwrap();
    write.piece("port = 8").unwrap();
    place.write("web.toml", &port(81));
    assert_eq!(next(&mut events).await, "added web=81");
    write.piece("080\n").unwrap();
    write.close();
    assert!(next(&mut events).await.contains("80 -> 8080"));
    assert!(informer.status().broken.is_empty());
}

#[tokio::test]
async fn directories_below_come_and_go() {
    let place = Place::new(&[("eu/api.toml", &port(80)), ("top.toml", &port(1))]);
    let source = DirectoryCollection::new(place.root(), "*.toml").unwrap();
    let source = source.recursive().key_is_relative_path();
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    assert_eq!(all(&informer), "eu/api=80 top=1");
    place.write("us/west/api.toml", &port(90));
    eventually("the new directory is seen", || all(&informer) == "eu/api=80 top=1 us/west/api=90").await;
    place.write("us/west/api.toml", &port(91));
    eventually("so is a change in it", || all(&informer) == "eu/api=80 top=1 us/west/api=91").await;
    fs::rename(place.path("us"), place.base().join("us")).unwrap();
    eventually("and its end", || all(&informer) == "eu/api=80 top=1").await;
}

#[tokio::test]
async fn a_swap_of_links_as_kubernetes_does_it_is_a_change_of_each_file() {
    let place = Place::new(&[("..1/api.toml", &port(80)), ("..1/web.toml", &port(81))]);
    swap_link(place.path("..data"), "..1").unwrap();
    for name in ["api.toml", "web.toml"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), place.path(name)).unwrap();
    }
    let informer = place.informer().await;
    assert_eq!(all(&informer), "api=80 web=81");
    let mut events = informer.events();
    next(&mut events).await;
    place.write("..2/api.toml", &port(90));
    place.write("..2/web.toml", &port(81));
    swap_link(place.path("..data"), "..2").unwrap();
    assert_eq!(next(&mut events).await, "api port: 80 -> 90");
    assert_eq!(all(&informer), "api=90 web=81");
}

#[tokio::test]
async fn more_changes_than_events_are_kept_all_arrive() {
    const FILES: u16 = 5_000;
    let place = Place::new(&[]);
    let informer = place.informer().await;
    // The informer has no turn meanwhile, so that there are more events than are kept for it.
    (0..FILES).for_each(|file| place.write(&format!("{file}.toml"), &port(80)));
    eventually("all have come", || informer.status().objects == usize::from(FILES)).await;
    let lists = informer.status().counts.lists;
    assert!(lists > 1, "they were too many for one by one");
    (0..FILES).for_each(|file| place.write(&format!("{file}.toml"), &port(file + 1)));
    let is_new = || {
        let view = informer.lister().snapshot();
        view.iter().all(|(key, route)| Some(route.port - 1) == key.parse().ok())
    };
    eventually("all are new", is_new).await;
    assert_eq!(informer.status().objects, usize::from(FILES));
    assert!(informer.status().counts.lists > lists, "{:?}", informer.status().counts);
    assert!(informer.status().broken.is_empty());
}
