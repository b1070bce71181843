//! The checks of what a source takes of the machine: nothing more for each reload, and nothing when it has ended.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::reloader::Reloader;
use crate::status::ReloadOutcome;

use super::content::{Held, text};
use super::in_time;
use super::rig::Rig;
use super::verdict::Fault;

const RELOADS: u32 = 100;

/// What is made once, as pools and caches, is there after so many.
const BEFORE: u32 = 20;

/// Other tests in the same process come and go meanwhile. Whatever one reload leaves behind is four times as much.
const ROOM: usize = (RELOADS / 4) as usize;

pub(super) async fn growth<R: Rig>(mut rig: R) -> Result<(), Fault> {
    let Some(mut before) = Taken::now() else {
        return Err(Fault::NotApplicable("what a process has open is known on Linux only".to_owned()));
    };
    rig.replace(&text(rig.format(), 1)?).await?;
    let deadline = rig.deadline();
    let builder = rig.attach(Reloader::<Held>::builder().resync(Duration::MAX));
    let config =
        builder.start().await.map_err(|error| Fault::Broken(format!("it did not start: {error}")))?;
    for number in 2..RELOADS + BEFORE {
        if number == BEFORE {
            before = Taken::now().unwrap_or(before);
        }
        rig.replace(&text(rig.format(), number)?).await?;
        let outcome = in_time(deadline, config.reload()).await;
        // A look for which a hint asked may have come first.
        if !matches!(outcome, Some(ReloadOutcome::Applied(_) | ReloadOutcome::Unchanged)) {
            let told = outcome.map_or_else(|| "nothing".to_owned(), |outcome| outcome.to_string());
            return Err(Fault::Broken(format!("reload {number} ended with {told}")));
        }
    }
    is_no_more_than(before, deadline).await
}

pub(super) async fn released<R: Rig>(mut rig: R) -> Result<(), Fault> {
    rig.replace(&text(rig.format(), 1)?).await?;
    let deadline = rig.deadline();
    let before = tasks();
    let builder = rig.attach(Reloader::<Held>::builder());
    let config =
        builder.start().await.map_err(|error| Fault::Broken(format!("it did not start: {error}")))?;
    let ended = in_time(deadline, config.shutdown()).await;
    ended.ok_or_else(|| Fault::Broken("it did not end".to_owned()))?;
    match tasks_end(before, deadline).await {
        true => Ok(()),
        false => Err(Fault::Broken(format!(
            "{} tasks were left when it had ended",
            tasks().saturating_sub(before)
        ))),
    }
}

/// Waits until there are no more tasks than before.
pub(super) async fn tasks_end(before: usize, deadline: Duration) -> bool {
    let ended = in_time(deadline, async {
        let mut pause = tokio::time::interval(Duration::from_millis(2));
        while tasks() > before {
            pause.tick().await;
        }
    });
    ended.await.is_some()
}

/// What this process holds of the operating system, and of the runtime.
#[derive(Debug, Clone, Copy)]
struct Taken {
    descriptors: usize,
    tasks: usize,
}

impl Taken {
    fn now() -> Option<Self> {
        let descriptors = std::fs::read_dir("/proc/self/fd").ok()?.count();
        Some(Self { descriptors, tasks: tasks() })
    }
}

pub(super) fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits for what ends a moment later, as a connection that is being closed.
async fn is_no_more_than(before: Taken, deadline: Duration) -> Result<(), Fault> {
    let mut now = before;
    let flat = in_time(deadline, async {
        let mut pause = tokio::time::interval(Duration::from_millis(2));
        loop {
            now = Taken::now().unwrap_or(before);
            if now.descriptors <= before.descriptors + ROOM && now.tasks <= before.tasks + ROOM {
                return;
            }
            pause.tick().await;
        }
    });
    flat.await.ok_or_else(|| Fault::Broken(format!("{now:?} after {RELOADS} reloads, and {before:?} before")))
}
