//! Many keyed objects: how they are kept, found and seen.

mod batch;
mod held;
mod index;
mod model;
mod panicking;
mod range;
mod readers;

use std::sync::Arc;

use reloadable::{Index, Store};

/// What most of these tests keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub host: String,
    pub tags: Vec<u32>,
}

pub fn route(host: &str, tags: &[u32]) -> Arc<Route> {
    Arc::new(Route { host: host.to_owned(), tags: tags.to_vec() })
}

pub fn by_host() -> Index<Route, String> {
    Index::new("host", |route: &Route| [route.host.clone()])
}

pub fn by_tag() -> Index<Route, u32> {
    Index::new("tag", |route: &Route| route.tags.clone())
}

/// Publishes these objects in one batch.
pub fn put<const N: usize>(store: &mut Store<String, Route>, routes: [(&str, Arc<Route>); N]) {
    let mut batch = store.batch();
    for (key, route) in routes {
        batch.upsert(key.to_owned(), route);
    }
    assert_eq!(batch.publish(), []);
}

/// The keys of what was found, in order.
pub fn keys<'v, T: 'v>(found: impl Iterator<Item = (&'v String, &'v Arc<T>)>) -> Vec<&'v str> {
    let mut keys: Vec<_> = found.map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys
}
