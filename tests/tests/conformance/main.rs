//! Every source of ours passes the battery, and the battery finds what is wrong with those that are made to fail it.

mod faulty;
mod files;
mod keyed;
mod memory;
mod scripted;

use std::future::Future;

use reloadable::testing::{Conformance, Rig, source_conformance};
use tokio::sync::RwLock;

/// What a source leaves behind is counted in the whole process, so those that are made to leave much are tried alone.
static ALONE: RwLock<()> = RwLock::const_new(());

async fn found_in<R: Rig, F: Future<Output = R>>(factory: impl FnMut() -> F) -> Conformance {
    let _among_others = ALONE.read().await;
    source_conformance(factory).await
}
