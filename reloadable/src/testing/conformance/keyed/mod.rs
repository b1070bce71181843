//! The promises of a source of many objects, tried on any of them.

mod rig;
mod driven;
mod lists;
mod changes;
mod informed;

use std::future::Future;

use super::contained;
use super::finding::{Check, Conformance, Fault, Finding};
use super::growth::{self, Holding, Left};

pub use self::rig::KeyedRig;

/// Tries every promise that a [`KeyedSource`](crate::KeyedSource) makes, each on a new [`KeyedRig`], and returns what was
/// found. It is to sources of many objects what [`source_conformance`](super::source_conformance) is to those of one
/// document, and has the same bounds.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use reloadable::testing::{KeyedRig, RigError, keyed_source_conformance};
/// use reloadable::{Format, MemoryCollection, MemoryCollectionHandle, SourceErrorKind};
///
/// struct Memory {
///     source: Option<MemoryCollection<String>>,
///     handle: MemoryCollectionHandle<String>,
/// }
///
/// impl Memory {
///     async fn new() -> Self {
///         let (source, handle) = MemoryCollection::new("memory", Format::Toml);
///         Self { source: Some(source), handle }
///     }
/// }
///
/// impl KeyedRig for Memory {
///     type Source = MemoryCollection<String>;
///
///     fn source(&mut self) -> Self::Source {
///         self.source.take().expect("it is asked for once")
///     }
///
///     fn key(&self, name: &str) -> String {
///         name.to_owned()
///     }
///
///     async fn put(&mut self, name: &str, text: &str) -> Result<(), RigError> {
///         self.handle.upsert(name, text);
///         Ok(())
///     }
///
///     async fn delete(&mut self, name: &str) -> Result<(), RigError> {
///         self.handle.remove(name);
///         Ok(())
///     }
///
///     async fn fail(&mut self) -> Result<(), RigError> {
///         self.handle.fail(SourceErrorKind::TimedOut, "no answer");
///         Ok(())
///     }
///
///     async fn recover(&mut self) -> Result<(), RigError> {
///         self.handle.recover();
///         Ok(())
///     }
///
///     async fn forget(&mut self) -> Result<(), RigError> {
///         self.handle.forget();
///         Ok(())
///     }
/// }
///
/// let found = keyed_source_conformance(Memory::new).await;
/// found.assert_all_but(&["unreadable"]);
/// # }
/// ```
pub async fn keyed_source_conformance<R: KeyedRig, F: Future<Output = R>>(
    mut factory: impl FnMut() -> F,
) -> Conformance {
    let mut checks = Vec::new();
    let mut left = Left::default();
    for Law { name, promise, check } in LAWS {
        let (tasks, before) = (growth::tasks(), Holding::all());
        let rig = factory().await;
        let secrets = rig.secrets();
        let finding = match contained(tried(check, rig)).await {
            Ok(Ok(())) => Finding::Kept,
            Ok(Err(fault)) => fault.into_finding(&secrets),
            Err(panic) => Fault::Broken(format!("it panicked: {panic}")).into_finding(&secrets),
        };
        checks.push((check, Check { name, promise, finding }));
        left.note(tasks, &before).await;
    }
    let fault = left.fault().await;
    let released = checks.iter_mut().find(|(which, _)| matches!(which, Which::Released));
    // One by itself does not tell what it leaves from what others in the process take.
    if let (Some((_, Check { finding: finding @ Finding::Kept, .. })), Some(fault)) = (released, fault) {
        *finding = fault.into_finding(&[]);
    }
    Conformance::new(checks.into_iter().map(|(_, check)| check).collect())
}

/// A promise.
struct Law {
    name: &'static str,
    promise: &'static str,
    check: Which,
}

/// How a promise is tried.
#[derive(Clone, Copy)]
enum Which {
    FinalObjects,
    ListComplete,
    FirstList,
    FailedList,
    DroppedList,
    ListedOnce,
    Revision,
    Known,
    Unreadable,
    KeepsTelling,
    Order,
    Deleted,
    Recreated,
    Reverted,
    DroppedWait,
    Cursor,
    Expired,
    Compare,
    Quiet,
    Growth,
    Released,
    Origin,
}

const fn law(name: &'static str, promise: &'static str, check: Which) -> Law {
    Law { name, promise, check }
}

const LAWS: [Law; 22] = [
    law(
        "final_objects",
        "after the last of many changes the store holds what is there, and what is not valid keeps its last good self",
        Which::FinalObjects,
    ),
    law("list_complete", "a list has all that is there, and nothing else", Which::ListComplete),
    law("first_list", "a change during a list is in it, or is told after it", Which::FirstList),
    law("failed_list", "a list that could not be completed is an error, and never a part", Which::FailedList),
    law("dropped_list", "a list may be dropped at any time", Which::DroppedList),
    law("listed_once", "no object is in a list twice", Which::ListedOnce),
    law(
        "revision",
        "an object has the same revision while its content is the same, and another one with another content",
        Which::Revision,
    ),
    law("known", "\"unchanged\" is said only to who knows the present revision", Which::Known),
    law("unreadable", "an object that cannot be read is there, and keeps no other away", Which::Unreadable),
    law(
        "keeps_telling",
        "it tells of one change after the other, and never ends in silence",
        Which::KeepsTelling,
    ),
    law("order", "of one object, nothing older is told after something newer", Which::Order),
    law("deleted", "what is deleted is told to be gone, or is in no list", Which::Deleted),
    law("recreated", "what is deleted and made anew is another object", Which::Recreated),
    law("reverted", "what goes back to how it was is told", Which::Reverted),
    law("dropped_wait", "a wait for changes may be dropped at any time", Which::DroppedWait),
    law("cursor", "what was told and not accepted is told again", Which::Cursor),
    law("expired", "where it cannot tell what has changed, it says so", Which::Expired),
    law("compare", "of two revisions, the newer one is said to be", Which::Compare),
    law("quiet", "while nothing happens, nothing is told", Which::Quiet),
    law("growth", "nothing grows with the number of lists and changes", Which::Growth),
    law("released", "nothing is left running when it has ended", Which::Released),
    law("origin", "the origin stays the same, and no secret is in it or in an error", Which::Origin),
];

async fn tried<R: KeyedRig>(check: Which, rig: R) -> Result<(), Fault> {
    match check {
        Which::FinalObjects => informed::final_objects(rig).await,
        Which::ListComplete => lists::complete(rig).await,
        Which::FirstList => lists::first(rig).await,
        Which::FailedList => lists::failed(rig).await,
        Which::DroppedList => lists::dropped(rig).await,
        Which::ListedOnce => lists::once(rig).await,
        Which::Revision => lists::revision(rig).await,
        Which::Known => lists::known(rig).await,
        Which::Unreadable => lists::unreadable(rig).await,
        Which::KeepsTelling => changes::keeps_telling(rig).await,
        Which::Order => changes::order(rig).await,
        Which::Deleted => changes::deleted(rig).await,
        Which::Recreated => changes::recreated(rig).await,
        Which::Reverted => changes::reverted(rig).await,
        Which::DroppedWait => changes::dropped(rig).await,
        Which::Cursor => changes::cursor(rig).await,
        Which::Expired => changes::expired(rig).await,
        Which::Compare => changes::compare(rig).await,
        Which::Quiet => changes::quiet(rig).await,
        Which::Growth => informed::growth(rig).await,
        Which::Released => informed::released(rig).await,
        Which::Origin => changes::origin(rig).await,
    }
}
