//! Controllers: what is run on which key, when it is run again, and what is left in the end.

mod dead;
mod end;
mod fail;
mod model;
mod observed;
mod owners;
mod room;
mod run;
mod section;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reloadable::{
    Controller, ControllerHandle, Format, Informer, Jitter, MemoryCollection, MemoryCollectionHandle,
    ReconcileContext, ReconcileError, Reloadable, Requeue,
};
pub use reloadable_tests::waiting::{eventually, in_time};
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Route {
    #[reload(range(1..))]
    pub port: u16,
}

pub type Routes = MemoryCollectionHandle<String>;
pub type Handle = ControllerHandle<Route>;
pub type Context = ReconcileContext<Route>;
pub type Outcome = Result<Requeue, ReconcileError>;

pub const SECOND: Duration = Duration::from_secs(1);

pub fn port(port: u16) -> String {
    format!("port = {port}")
}

/// An informer with these routes.
pub async fn informer(ports: &[(&str, u16)]) -> (Informer<Route>, Routes) {
    let (source, routes) = MemoryCollection::new("routes", Format::Toml);
    for (key, number) in ports {
        routes.upsert(*key, port(*number));
    }
    (Informer::<Route>::builder().source(source).start().await.unwrap(), routes)
}

/// A controller without luck.
pub fn controller(informer: Informer<Route>) -> Controller<Route> {
    Controller::new(informer).jitter(Jitter::None)
}

/// What was run, in order.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn say(&self, said: impl Into<String>) {
        self.0.lock().unwrap().push(said.into());
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Says of a run what it has seen.
    pub fn seen(&self, key: &str, context: &Context) {
        let now = context.get().map(|route| route.port);
        self.say(match (now, context.last()) {
            (Some(port), None) => format!("{key}={port}"),
            (None, Some(last)) => format!("{key} gone, was {}", last.port),
            (Some(port), Some(last)) => format!("{key}={port}, was {}", last.port),
            (None, None) => format!("{key} unknown"),
        });
    }

    /// Waits until so much was said, and nothing more is to be done at once.
    pub async fn wait(&self, handle: &Handle, count: usize) -> Vec<String> {
        eventually("all of it is run", || self.all().len() >= count).await;
        idle(handle).await;
        self.all()
    }
}

/// Waits until nothing is ready or worked on.
pub async fn idle(handle: &Handle) {
    eventually("nothing is worked on", || {
        let queue = handle.status().queue;
        queue.depth + queue.in_work == 0
    })
    .await;
}

/// Starts a controller that only says what it sees.
pub fn watching(informer: Informer<Route>, log: &Log) -> Handle {
    let log = log.clone();
    let run = controller(informer).run(move |key, context| {
        log.seen(&key, &context);
        async { Ok(Requeue::done()) }
    });
    run.unwrap()
}

/// Lets so much of paused time pass.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

pub fn ports(handle: &Handle) -> BTreeMap<String, u16> {
    handle.lister().snapshot().iter().map(|(key, route)| (key.clone(), route.port)).collect()
}
