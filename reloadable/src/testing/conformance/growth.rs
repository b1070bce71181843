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

/// Other tests in the same process come and go meanwhile. Whatever one reload leaves behind is twice as much.
const ROOM: usize = (RELOADS / 2) as usize;

pub(super) async fn growth<R: Rig>(mut rig: R) -> Result<(), Fault> {
    let mut before = Taken::now();
    rig.replace(&text(rig.format(), 1)?).await?;
    let deadline = rig.deadline();
    let builder = rig.attach(Reloader::<Held>::builder().resync(Duration::MAX));
    let config =
        builder.start().await.map_err(|error| Fault::Broken(format!("it did not start: {error}")))?;
    for number in 2..RELOADS + BEFORE {
        if number == BEFORE {
            before = Taken::now();
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
async fn tasks_end(before: usize, deadline: Duration) -> bool {
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
pub(super) struct Taken {
    /// None where the system does not say, as with the threads.
    descriptors: usize,
    threads: usize,
    tasks: usize,
}

impl Taken {
    pub(super) fn now() -> Self {
        let entries = |directory| std::fs::read_dir(directory).map_or(0, Iterator::count);
        Self { descriptors: entries("/proc/self/fd"), threads: entries("/proc/self/task"), tasks: tasks() }
    }

    /// Says of what there is more than before, and more than that much more.
    fn exceeds(self, before: Self, room: usize) -> Option<&'static str> {
        let is_more = |now: usize, before: usize| now > before + room;
        match self {
            _ if is_more(self.tasks, before.tasks) => Some("tasks"),
            _ if is_more(self.threads, before.threads) => Some("threads"),
            _ if is_more(self.descriptors, before.descriptors) => Some("descriptors"),
            _ => None,
        }
    }
}

/// What is left by one source after the other. Others in the process take something now and then as well, but not
/// always just while one is being tried.
#[derive(Debug, Default)]
pub(super) struct Left {
    sources: usize,
    threads: usize,
    descriptors: usize,
}

impl Left {
    /// Takes in that one has ended, when all that is still ending has.
    pub(super) async fn note(&mut self, before: Taken) {
        let ended = in_time(Duration::from_secs(1), async {
            let mut pause = tokio::time::interval(Duration::from_millis(2));
            while Taken::now().exceeds(before, 0).is_some() {
                pause.tick().await;
            }
        });
        self.sources += 1;
        if ended.await.is_none() {
            let now = Taken::now();
            self.threads += usize::from(now.threads > before.threads);
            self.descriptors += usize::from(now.descriptors > before.descriptors);
        }
    }

    /// Says what most of them have left.
    pub(super) fn fault(&self) -> Option<Fault> {
        let Self { sources, threads, descriptors } = self;
        [("threads", threads), ("descriptors", descriptors)].into_iter().find_map(|(what, times)| {
            let why = || format!("{times} of {sources} sources left {what} behind when they had ended");
            (times * 3 >= sources * 2).then(|| Fault::Broken(why()))
        })
    }
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits for what ends a moment later, as a connection that is being closed.
async fn is_no_more_than(before: Taken, deadline: Duration) -> Result<(), Fault> {
    let mut now = before;
    let flat = in_time(deadline, async {
        let mut pause = tokio::time::interval(Duration::from_millis(2));
        loop {
            now = Taken::now();
            if now.exceeds(before, ROOM).is_none() {
                return;
            }
            pause.tick().await;
        }
    });
    flat.await.ok_or_else(|| Fault::Broken(format!("{now:?} after {RELOADS} reloads, and {before:?} before")))
}
