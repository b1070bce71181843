//! The checks of what a source takes of the machine: nothing more for each reload, and nothing when it has ended.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::reloader::Reloader;
use crate::status::ReloadOutcome;

use super::content::{Held, text};
use super::finding::Fault;
use super::in_time;
use super::rig::Rig;

const DESCRIPTORS: &str = "/proc/self/fd";
const THREADS: &str = "/proc/self/task";

pub(super) const RELOADS: u32 = 100;

/// What is made once, as pools and caches, is there after so many.
pub(super) const BEFORE: u32 = 20;

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
pub(super) struct Taken {
    /// None where the system does not say, as with the threads.
    descriptors: usize,
    threads: usize,
    tasks: usize,
}

impl Taken {
    pub(super) fn now() -> Self {
        let entries = |directory| std::fs::read_dir(directory).map_or(0, Iterator::count);
        Self { descriptors: entries(DESCRIPTORS), threads: entries(THREADS), tasks: tasks() }
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

/// What is left by one source after the other. Others in the process take something as well, but not while each of the
/// sources is tried, and not for longer than all of them together.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// What was not there before, for each source.
    sources: Vec<BTreeSet<Holding>>,
}

/// A thread or a descriptor that this process has: its number, and what a descriptor stands for. None where the system
/// does not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holding {
    Thread(OsString),
    Descriptor(OsString, PathBuf),
}

impl Holding {
    pub(super) fn all() -> BTreeSet<Self> {
        let names = |directory| {
            let entries = std::fs::read_dir(directory).into_iter().flatten();
            entries.filter_map(|entry| Some(entry.ok()?.file_name()))
        };
        let descriptors = names(DESCRIPTORS).filter_map(|number| {
            // One that is gone by now was that of the list.
            let of = std::fs::read_link(Path::new(DESCRIPTORS).join(&number)).ok()?;
            Some(Self::Descriptor(number, of))
        });
        names(THREADS).map(Self::Thread).chain(descriptors).collect()
    }
}

impl Left {
    /// Takes in that one has ended, when its tasks have: what is still ending would be counted by the next.
    pub(super) async fn note(&mut self, tasks: usize, before: &BTreeSet<Holding>) {
        tasks_end(tasks, Duration::from_secs(1)).await;
        self.sources.push(Holding::all().difference(before).cloned().collect());
    }

    /// Says what most of them have left, and still have when all that is ending has had the time for it.
    pub(super) async fn fault(mut self) -> Option<Fault> {
        let mut why = None;
        // A runtime ends the threads of its that nobody needs after ten.
        let ended = in_time(Duration::from_secs(15), async {
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            loop {
                why = self.still();
                if why.is_none() {
                    return;
                }
                pause.tick().await;
            }
        });
        match ended.await {
            Some(()) => None,
            None => why.map(Fault::Broken),
        }
    }

    fn still(&mut self) -> Option<String> {
        let now = Holding::all();
        for source in &mut self.sources {
            source.retain(|holding| now.contains(holding));
        }
        let all = self.sources.len();
        let left = |what: &str, is_one: fn(&Holding) -> bool| {
            let times = self.sources.iter().filter(|source| source.iter().any(is_one)).count();
            let why = || format!("{times} of {all} sources left {what} behind when they had ended");
            (times > 0 && times * 3 >= all * 2).then(why)
        };
        left("threads", |holding| matches!(holding, Holding::Thread(_)))
            .or_else(|| left("descriptors", |holding| matches!(holding, Holding::Descriptor(..))))
    }
}

pub(super) fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits for what ends a moment later, as a connection that is being closed.
pub(super) async fn is_no_more_than(before: Taken, deadline: Duration) -> Result<(), Fault> {
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
