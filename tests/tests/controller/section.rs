//! Sections of a configuration as collections, and controllers that they feed.

use std::collections::BTreeMap;

use reloadable::{ErrorKind, Event, Events, Index, MemorySource, Reloader, Revision, SourceState};

use super::*;

#[derive(Debug, Deserialize, Reloadable)]
#[serde(default)]
struct App {
    workers: u16,
    #[reload(key = "name")]
    services: Vec<Service>,
    ports: BTreeMap<String, u16>,
}

impl Default for App {
    fn default() -> Self {
        Self { workers: 1, services: Vec::new(), ports: BTreeMap::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
struct Service {
    name: String,
    #[serde(default)]
    zone: String,
    #[reload(range(1..))]
    port: u16,
}

fn services(services: &[(&str, u16)]) -> String {
    let lines = services.iter().map(|(name, port)| format!("[[services]]\nname = '{name}'\nport = {port}\n"));
    lines.collect()
}

async fn app(text: impl Into<String>) -> (Reloader<App>, reloadable::MemoryHandle) {
    let (source, document) = MemorySource::new("app", Format::Toml, text.into().as_str());
    (Reloader::<App>::builder().source(source).start().await.unwrap(), document)
}

async fn of_services(config: &Reloader<App>) -> Informer<Service> {
    let builder = Informer::<Service>::builder();
    builder.section(config, |app| &app.services, |service| service.name.clone()).start().await.unwrap()
}

async fn next(events: &mut Events<String, Service>) -> String {
    match in_time(events.next()).await.unwrap() {
        Event::Snapshot { view, .. } => format!("all {}", view.len()),
        Event::Added { key, object } => format!("added {key}={}", object.port),
        Event::Modified(modified) => format!("{} {}", modified.key(), modified.changes()),
        Event::Removed { key, last, how } => format!("removed {key}={} {how:?}", last.port),
        _ => "?".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn each_element_is_an_object_and_only_what_changed_is_told() {
    let (config, document) = app(services(&[("a", 1), ("b", 2), ("c", 3)])).await;
    let informer = of_services(&config).await;
    let before = informer.lister().get("b").unwrap();
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, "all 3");
    // `b` only stands elsewhere, and `workers` is no service.
    document.replace(format!("workers = 7\n{}", services(&[("b", 2), ("a", 9), ("d", 4)])));
    let mut told = [next(&mut events).await, next(&mut events).await, next(&mut events).await];
    told.sort();
    assert_eq!(told, ["a port: 1 -> 9", "added d=4", "removed c=3 Observed"]);
    assert!(Arc::ptr_eq(&before, &informer.lister().get("b").unwrap()));
    // What is refused never comes here.
    document.replace(services(&[("b", 0)]));
    assert!(!config.reload().await.is_in_force());
    document.replace(services(&[("b", 5)]));
    in_time(informer.wait_for_revision(&Revision::new("3"), SECOND)).await.unwrap();
    assert_eq!(informer.lister().get("b").unwrap().port, 5);
    assert_eq!(informer.lister().len(), 1, "an empty list would be believed as well");
    assert_eq!(informer.status().state, SourceState::Watching);
}

#[tokio::test(start_paused = true)]
async fn maps_and_indexes_and_keys_of_two_parts_work_as_well() {
    let text = "ports = { a = 1, b = 2 }\n[[services]]\nname = 'x'\nzone = 'eu'\nport = 1\n\
                [[services]]\nname = 'x2'\nzone = 'eu'\nport = 2\n";
    let (config, document) = app(text).await;
    let ports = Informer::<u16>::builder().map_section(&config, |app| &app.ports).start().await.unwrap();
    assert_eq!(ports.lister().get("b").as_deref(), Some(&2));
    let by_zone = Index::new("zone", |service: &Service| [service.zone.clone()]);
    let services = Informer::<Service>::builder()
        .section(&config, |app| &app.services, |service| (service.zone.clone(), service.name.clone()))
        .index(&by_zone)
        .start()
        .await
        .unwrap();
    assert_eq!(services.lister().snapshot().by_index(&by_zone, "eu").count(), 2);
    document.replace("ports = { b = 3 }");
    eventually("it is there", || ports.lister().get("b").as_deref() == Some(&3)).await;
    assert_eq!(ports.lister().len(), 1);
    eventually("they are gone", || services.lister().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_with_one_key_the_first_counts() {
    let (config, document) = app(services(&[("a", 1), ("b", 2)])).await;
    let first_letter = |_: &Service| "same".to_owned();
    let informer = Informer::<Service>::builder().section(&config, |app| &app.services, first_letter);
    let informer = informer.start().await.unwrap();
    assert_eq!(informer.lister().get("same").unwrap().port, 1);
    let refused = informer.status().refused;
    assert_eq!(refused.len(), 1);
    assert!(refused[0].report.to_string().contains("another element has the same key"), "{refused:?}");
    document.replace(services(&[("b", 2)]));
    eventually("the other one counts", || informer.lister().get("same").unwrap().port == 2).await;
    eventually("none is refused", || informer.status().refused.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_panics_is_tried_again() {
    let (config, document) = app(services(&[("a", 1)])).await;
    let fuse = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let blown = Arc::clone(&fuse);
    let key = move |service: &Service| {
        assert!(!blown.load(std::sync::atomic::Ordering::SeqCst), "no key");
        service.name.clone()
    };
    let informer = Informer::<Service>::builder().section(&config, |app| &app.services, key);
    let informer = informer.start().await.unwrap();
    fuse.store(true, std::sync::atomic::Ordering::SeqCst);
    document.replace(services(&[("a", 2)]));
    eventually("it is told", || !informer.status().refused.is_empty()).await;
    fuse.store(false, std::sync::atomic::Ordering::SeqCst);
    eventually("it is there", || informer.lister().get("a").unwrap().port == 2).await;
    eventually("none is refused", || informer.status().refused.is_empty()).await;
}

#[derive(Debug, Deserialize, Reloadable)]
struct Fragile {
    #[reload(key = "name")]
    routes: Vec<Poisoned>,
}

#[derive(Debug, PartialEq, Deserialize, Reloadable)]
struct Poisoned {
    name: String,
    port: u16,
}

impl Clone for Poisoned {
    fn clone(&self) -> Self {
        assert_ne!(self.port, 666, "no clone");
        Self { name: self.name.clone(), port: self.port }
    }
}

#[tokio::test(start_paused = true)]
async fn an_element_whose_code_panics_blocks_no_other_and_no_later_one() {
    let routes = |routes: &[(&str, u16)]| services(routes).replace("services", "routes");
    let (source, document) = MemorySource::new("app", Format::Toml, routes(&[("a", 1), ("b", 2)]).as_str());
    let config = Reloader::<Fragile>::builder().source(source).start().await.unwrap();
    let key = |route: &Poisoned| {
        assert_ne!(route.name, "bad", "no key");
        route.name.clone()
    };
    let informer = Informer::<Poisoned>::builder().section(&config, |app| &app.routes, key);
    let informer = informer.start().await.unwrap();
    let now = || informer.lister().snapshot().iter().map(|(key, route)| (key.clone(), route.port)).collect();
    let is = |expected: &[(&str, u16)]| {
        let now: BTreeMap<String, u16> = now();
        now == expected.iter().map(|(key, port)| ((*key).to_owned(), *port)).collect()
    };
    document.replace(routes(&[("a", 666), ("b", 3)]));
    eventually("the other one is followed", || is(&[("a", 1), ("b", 3)])).await;
    let refused = informer.status().refused;
    assert_eq!(refused.len(), 1);
    assert!(refused[0].report.to_string().contains("panicked"), "{refused:?}");
    assert_eq!(informer.status().state, SourceState::Watching);

    // The one that cannot be told may be that which is missing.
    document.replace(routes(&[("bad", 5), ("b", 4), ("c", 1)]));
    eventually("the others are followed", || is(&[("a", 1), ("b", 4), ("c", 1)])).await;
    pass(1000 * SECOND).await;
    assert!(is(&[("a", 1), ("b", 4), ("c", 1)]));

    document.replace(routes(&[("b", 6)]));
    eventually("all is well", || is(&[("b", 6)]) && informer.status().refused.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_section_that_panics_as_a_whole_is_looked_at_as_it_is_now() {
    let (config, document) = app(services(&[("a", 1)])).await;
    fn select(app: &App) -> &Vec<Service> {
        assert_ne!(app.workers, 13, "no section");
        &app.services
    }
    let informer = Informer::<Service>::builder().section(&config, select, |service| service.name.clone());
    let informer = informer.start().await.unwrap();
    document.replace(format!("workers = 13\n{}", services(&[("a", 2)])));
    eventually("it is told", || informer.status().state == SourceState::Interrupted).await;
    document.replace(format!("workers = 14\n{}", services(&[("a", 3)])));
    eventually("it is there", || informer.lister().get("a").unwrap().port == 3).await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_reloader_once_all_is_told() {
    let (config, document) = app(services(&[("a", 1)])).await;
    let informer = of_services(&config).await;
    let mut events = informer.events();
    assert_eq!(next(&mut events).await, "all 1");
    document.replace(services(&[("a", 2)]));
    assert!(config.reload().await.is_in_force());
    config.shutdown().await;
    assert_eq!(next(&mut events).await, "a port: 1 -> 2");
    let ended = in_time(events.next()).await;
    assert_eq!(ended.err().map(|error| error.kind()), Some(ErrorKind::Closed));
    assert_eq!(informer.status().state, SourceState::Closed);
    assert_eq!(informer.lister().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_added_is_the_only_one_that_is_reconciled() {
    let (config, document) = app(services(&[("a", 1), ("b", 2)])).await;
    let log = Log::default();
    let said = log.clone();
    let run = Controller::new(of_services(&config).await).run(move |name, context| {
        said.say(format!("{name}={:?}", context.get().map(|service| service.port)));
        async { Ok(Requeue::done()) }
    });
    let handle = run.unwrap();
    eventually("both are run", || handle.status().counts.succeeded == 2).await;
    document.replace(services(&[("c", 3), ("a", 1), ("b", 2)]));
    eventually("it is run", || handle.status().counts.succeeded == 3).await;
    document.replace(services(&[("c", 3), ("a", 1)]));
    eventually("it is run", || handle.status().counts.succeeded == 4).await;
    pass(10 * SECOND).await;
    assert_eq!(log.all()[2..], ["c=Some(3)", "b=None"]);
}
