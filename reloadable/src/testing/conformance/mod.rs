//! The promises of a source, tried on any of them.

mod content;
mod driven;
mod followed;
mod growth;
mod rig;
mod finding;
mod keyed;

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use crate::testing::deadline::within;

use self::finding::Fault;
use self::growth::{Holding, Left};

pub use self::finding::{Check, Conformance, Finding};
pub use self::keyed::{KeyedRig, keyed_source_conformance};
pub use self::rig::{Rig, RigError};

/// Tries every promise that a source makes, each on a new [`Rig`], and returns what was found. Each of our own sources
/// passes it; yours should, too.
///
/// A rig that is on the disk or the network needs a clock that runs. For one in memory the clock may be paused, and all
/// that waits for a source which says nothing is over at once. It runs in any tokio runtime; what reloads leave behind is
/// counted in the whole process, so that a source is best tried in a test binary of its own or with few others.
///
/// What a rig says it cannot do is not tried, and so reported: [`assert_all_but`](Conformance::assert_all_but) takes the
/// list of it, so that it stands in the test.
///
/// What is found has its bounds. A source that has something to tell although nothing happens is noticed if it does so
/// more often than every two seconds, or every minute where the clock is paused. Threads and file descriptors that are
/// left behind are counted on Linux, and memory nowhere.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use reloadable::testing::{Rig, RigError, source_conformance};
/// use reloadable::{Builder, Format, MemoryHandle, MemorySource, Reloadable, SourceErrorKind};
///
/// struct Memory {
///     source: Option<MemorySource>,
///     handle: MemoryHandle,
/// }
///
/// impl Memory {
///     async fn new() -> Self {
///         let (source, handle) = MemorySource::new("memory", Format::Toml, "");
///         Self { source: Some(source), handle }
///     }
/// }
///
/// impl Rig for Memory {
///     fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
///         match self.source.take() {
///             Some(source) => builder.source(source),
///             None => builder,
///         }
///     }
///
///     async fn replace(&mut self, text: &str) -> Result<(), RigError> {
///         self.handle.replace(text);
///         Ok(())
///     }
///
///     async fn remove(&mut self) -> Result<(), RigError> {
///         self.handle.fail(SourceErrorKind::NotFound, "it is gone");
///         Ok(())
///     }
/// }
///
/// let found = source_conformance(Memory::new).await;
/// found.assert_all_but(&["torn_content", "unreadable", "relocated"]);
/// # }
/// ```
pub async fn source_conformance<R: Rig, F: Future<Output = R>>(
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
    FinalContent,
    LostHint,
    FirstLoad,
    InvalidContent,
    EmptyContent,
    TornContent,
    Missing,
    Unreadable,
    Recreated,
    Relocated,
    Reverted,
    Growth,
    Released,
    Answers,
    Revision,
    DroppedWait,
    DroppedFetch,
    KeepsTelling,
    Quiet,
    Origin,
}

const LAWS: [Law; 20] = [
    Law {
        name: "final_content",
        promise: "after the last of several changes, the last is in force",
        check: Which::FinalContent,
    },
    Law {
        name: "lost_hint",
        promise: "a change of which nobody was told is found by the next look",
        check: Which::LostHint,
    },
    Law {
        name: "first_load",
        promise: "a change during the first load is not missed",
        check: Which::FirstLoad,
    },
    Law {
        name: "invalid_content",
        promise: "a document that is not valid changes nothing",
        check: Which::InvalidContent,
    },
    Law { name: "empty_content", promise: "an empty document changes nothing", check: Which::EmptyContent },
    Law { name: "torn_content", promise: "half of a document is never published", check: Which::TornContent },
    Law {
        name: "missing",
        promise: "a document that is gone changes nothing, and is never the defaults",
        check: Which::Missing,
    },
    Law {
        name: "unreadable",
        promise: "a document that cannot be read changes nothing, and is read again when it can",
        check: Which::Unreadable,
    },
    Law {
        name: "recreated",
        promise: "a document that is deleted and made anew is followed as before",
        check: Which::Recreated,
    },
    Law {
        name: "relocated",
        promise: "a place that is swapped for another is followed there",
        check: Which::Relocated,
    },
    Law {
        name: "reverted",
        promise: "a bad edit that is taken back is unchanged and ends the failure, and one look has one outcome",
        check: Which::Reverted,
    },
    Law { name: "growth", promise: "nothing grows with the number of reloads", check: Which::Growth },
    Law { name: "released", promise: "nothing is left running when it has ended", check: Which::Released },
    Law {
        name: "answers",
        promise: "every look has an answer, and what is not there is an error",
        check: Which::Answers,
    },
    Law {
        name: "revision",
        promise: "the same content has the same revision at every look and another has another, and \"not modified\" is said only to who knows the present one",
        check: Which::Revision,
    },
    Law {
        name: "dropped_wait",
        promise: "a wait for a change may be dropped at any time",
        check: Which::DroppedWait,
    },
    Law { name: "dropped_fetch", promise: "a look may be dropped at any time", check: Which::DroppedFetch },
    Law {
        name: "keeps_telling",
        promise: "it tells of one change after the other, and never ends in silence",
        check: Which::KeepsTelling,
    },
    Law { name: "quiet", promise: "while nothing happens, nothing is told", check: Which::Quiet },
    Law {
        name: "origin",
        promise: "the origin stays the same, and no secret is in it, in an error or in what is said of how it is doing",
        check: Which::Origin,
    },
];

async fn tried<R: Rig>(check: Which, rig: R) -> Result<(), Fault> {
    match check {
        Which::FinalContent => followed::final_content(rig).await,
        Which::LostHint => followed::lost_hint(rig).await,
        Which::FirstLoad => followed::first_load(rig).await,
        Which::InvalidContent => followed::invalid_content(rig).await,
        Which::EmptyContent => followed::empty_content(rig).await,
        Which::TornContent => followed::torn_content(rig).await,
        Which::Missing => followed::missing(rig).await,
        Which::Unreadable => followed::unreadable(rig).await,
        Which::Recreated => followed::recreated(rig).await,
        Which::Relocated => followed::relocated(rig).await,
        Which::Reverted => followed::reverted(rig).await,
        Which::Growth => growth::growth(rig).await,
        Which::Released => growth::released(rig).await,
        Which::Answers => driven::answers(rig).await,
        Which::Revision => driven::revision(rig).await,
        Which::DroppedWait => driven::dropped_wait(rig).await,
        Which::DroppedFetch => driven::dropped_fetch(rig).await,
        Which::KeepsTelling => driven::keeps_telling(rig).await,
        Which::Quiet => driven::quiet(rig).await,
        Which::Origin => driven::origin(rig).await,
    }
}

/// Waits for what must happen. On a clock that is paused it is given twelve times the deadline: far more than the pauses
/// of a source, and few enough looks that one which never happens is soon known.
async fn in_time<F: Future>(deadline: Duration, future: F) -> Option<F::Output> {
    within(deadline, deadline.saturating_mul(12), future).await
}

/// Runs a check so that a panic of the source is what was found, and ends nothing.
async fn contained<T>(check: impl Future<Output = T>) -> Result<T, String> {
    let mut check = Box::pin(check);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| check.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(said(&*panic))),
    })
    .await
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}
