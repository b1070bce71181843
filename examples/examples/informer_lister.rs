//! An informer follows many objects: its store is read, searched and listened to while they come, change, break and go.
//!
//! Ends with: `2 routes, 1 broken; on port 8080: ["api", "web"]`

use std::error::Error;
use std::time::Duration;

use reloadable::{Event, Events, Format, Index, Informer, MemoryCollection, Reloadable};
use serde::Deserialize;

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    #[reload(range(1..))]
    port: u16,
    #[serde(default)]
    path: String,
}

/// Tells what is told.
async fn tell(mut events: Events<String, Route>) {
    while let Ok(event) = events.next().await {
        match &event {
            Event::Snapshot { view, .. } => println!("{} routes to begin with", view.len()),
            Event::Added { key, object } => println!("{key} came, on port {}", object.port),
            Event::Modified(modified) => println!("{} changed: {}", modified.key(), modified.changes()),
            Event::Removed { key, how, .. } => println!("{key} went: {how:?}"),
            _ => {}
        }
        // Whoever waits for it knows now that this is in use.
        events.applied();
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let soon = Duration::from_secs(10);
    // A directory or a source of one's own stands here as well.
    let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
    routes.upsert("api", "port = 80\npath = '/api'");
    routes.upsert("old", "port = 81");

    let by_port = Index::new("port", |route: &Route| [route.port]);
    let informer = Informer::<Route>::builder().source(source).index(&by_port).ordered().start().await?;
    let lister = informer.lister();
    let telling = tokio::spawn(tell(informer.events().acknowledging("printer")));

    routes.upsert("api", "port = 8080\npath = '/api'");
    routes.upsert("web", "port = 8080");
    let written = routes.remove("old");

    // What was written is in the store now, and then everybody has it.
    informer.wait_for_revision(&written, soon).await?;
    informer.wait_applied(lister.snapshot().generation(), soon).await?;

    // One that breaks keeps its last good self, and says why.
    let written = routes.upsert("web", "port = 0");
    informer.wait_for_revision(&written, soon).await?;
    let status = informer.status();
    for broken in status.broken.iter() {
        println!("{} is refused, and serves as it was: {}", broken.key, broken.report);
    }

    // All reads of one view agree with each other.
    let view = lister.snapshot();
    let mut found: Vec<_> = view.by_index(&by_port, &8080).map(|(key, _)| key.clone()).collect();
    found.sort();
    let api = view.get("api").map(|route| route.path.as_str());
    println!("api is at {}", api.unwrap_or("no place"));

    informer.shutdown().await;
    telling.await?;
    println!("{} routes, {} broken; on port 8080: {found:?}", view.len(), status.broken.len());
    Ok(())
}
