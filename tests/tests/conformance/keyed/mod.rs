//! Sources of many objects: ours pass their battery, and it finds what is wrong with those that are made to fail it.

mod directory;
mod faulty;
mod memory;

use std::future::Future;

use reloadable::testing::{Conformance, KeyedRig, keyed_source_conformance};

async fn found_in<R: KeyedRig, F: Future<Output = R>>(factory: impl FnMut() -> F) -> Conformance {
    let _among_others = super::ALONE.read().await;
    keyed_source_conformance(factory).await
}
