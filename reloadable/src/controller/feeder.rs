//! From what informers tell to keys in the queue.
//!
//! What has come and gone again, or was changed and changed back, must be told as well: a run that was made for another
//! reason may have seen it. So each event is taken in, at once, and they are merged by key only here.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::status::count;
use super::work::{Contained, Core, Phase, before};
use crate::collection::{Event, Informer, SnapshotCause};
use crate::error::Error;
use crate::key::Key;
use crate::load::Reloadable;
use crate::queue::{Add, AddError, Priority};

/// So many events are taken in before keys are added again.
const AT_ONCE: usize = 1_000;

/// So many events may wait while the thread is busy with something else. Those who miss some look at everything.
const WAITING: usize = 65_536;

/// What is in the store is told in a moment, unless whoever is to tell it is stuck.
const TOLD_WITHIN: Duration = Duration::from_millis(100);

/// What says which keys are to be looked at after an event.
pub(super) trait KeysOf<T, K: Key, J: Key, U>: Send + 'static {
    fn keys_of(&mut self, core: &Core<T, K>, event: Event<J, U>) -> Vec<K>;
}

/// Those of the objects themselves. It remembers which there are, in case that it misses some.
pub(super) struct Own<K>(HashSet<K>);

impl<K> Own<K> {
    pub(super) fn new() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Reloadable, K: Key> KeysOf<T, K, K, T> for Own<K> {
    fn keys_of(&mut self, core: &Core<T, K>, event: Event<K, T>) -> Vec<K> {
        match event {
            Event::Snapshot { view, .. } => {
                let now: HashSet<K> = view.iter().map(|(key, _)| key.clone()).collect();
                let before = std::mem::replace(&mut self.0, now);
                let gone = before.into_iter().filter(|key| !self.0.contains(key));
                self.0.iter().cloned().chain(gone).collect()
            }
            Event::Added { key, object } => {
                drop_contained(object);
                self.0.insert(key.clone());
                vec![key]
            }
            Event::Modified(modified) => {
                let key = modified.key().clone();
                drop_contained(modified);
                vec![key]
            }
            Event::Resync { key, .. } => vec![key],
            Event::Removed { key, last, .. } => {
                drop_contained(core.records.removed(&key, last));
                self.0.remove(&key);
                vec![key]
            }
        }
    }
}

/// Those of what owns the objects.
pub(super) struct Owners<F>(pub(super) F);

impl<T, K, J, U, F, O> KeysOf<T, K, J, U> for Owners<F>
where
    T: Reloadable,
    K: Key,
    J: Key,
    U: Reloadable,
    F: Fn(&J, &U) -> O + Send + 'static,
    O: IntoIterator<Item = K>,
{
    fn keys_of(&mut self, core: &Core<T, K>, event: Event<J, U>) -> Vec<K> {
        let mut keys = Vec::new();
        let mut ask = |key: &J, object: &U| {
            let owners =
                catch_unwind(AssertUnwindSafe(|| (self.0)(key, object).into_iter().collect::<Vec<_>>()));
            match owners {
                Ok(mut owners) => keys.append(&mut owners),
                Err(_) => count(&core.figures.panics),
            }
        };
        match &event {
            Event::Snapshot { view, why } => {
                view.iter().for_each(|(key, object)| ask(key, object));
                if *why != SnapshotCause::Started {
                    // Who owned what is gone is not known any more.
                    keys.extend(core.lister.snapshot().iter().map(|(key, _)| key.clone()));
                }
            }
            Event::Added { key, object } | Event::Resync { key, object } => ask(key, object),
            // Who owned it before has to know as well.
            Event::Modified(modified) => {
                ask(modified.key(), modified.previous());
                ask(modified.key(), modified.current());
            }
            Event::Removed { key, last, .. } => ask(key, last),
        }
        drop_contained(event);
        keys
    }
}

/// It may be the last of an object, whose destructor is the application's.
fn drop_contained<D>(dropped: D) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(dropped)));
}

/// Keys that are to be added, each once.
struct Pending<K> {
    wanted: HashMap<K, Wanted>,
    /// Those that were told of and not tried yet, in that order.
    told: VecDeque<K>,
    /// Those for which there was no room. All of them are new to the queue, so nothing that it has waits behind them.
    line: BTreeMap<u64, K>,
    tickets: u64,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    priority: Priority,
    /// It tells nothing new.
    is_resync: bool,
    is_told: bool,
    /// Its place in the line.
    ticket: Option<u64>,
}

impl Wanted {
    fn by<K: Key, T>(event: &Event<K, T>) -> Self {
        let (priority, is_resync) = match event {
            Event::Snapshot { .. } => (Priority::Low, false),
            Event::Resync { .. } => (Priority::Low, true),
            _ => (Priority::Normal, false),
        };
        Self { priority, is_resync, is_told: true, ticket: None }
    }

    fn add(self) -> Add {
        let add = Add::new().priority(self.priority);
        if self.is_resync { add.respecting_backoff() } else { add }
    }
}

impl<K: Key> Pending<K> {
    fn new() -> Self {
        Self { wanted: HashMap::new(), told: VecDeque::new(), line: BTreeMap::new(), tickets: 0 }
    }

    fn push(&mut self, key: K, new: Wanted) {
        match self.wanted.get_mut(&key) {
            Some(wanted) => {
                wanted.priority = wanted.priority.max(new.priority);
                wanted.is_resync &= new.is_resync;
                // It may be known by now.
                if !wanted.is_told {
                    wanted.is_told = true;
                    self.told.push_back(key);
                }
            }
            None => {
                self.wanted.insert(key.clone(), new);
                self.told.push_back(key);
            }
        }
    }

    /// Adds the key that was told of first, or puts it in the line. Says whether it may go on, and there was one.
    fn try_next<T>(&mut self, core: &Core<T, K>) -> ControlFlow<()> {
        let Some(key) = self.told.pop_front() else { return ControlFlow::Break(()) };
        let tried = catch_unwind(AssertUnwindSafe(|| self.try_one(core, &key)));
        tried.unwrap_or_else(|_| {
            // A key's own code has. It cannot be added.
            count(&core.figures.panics);
            let _ = catch_unwind(AssertUnwindSafe(|| self.forget(&key)));
            ControlFlow::Continue(())
        })
    }

    fn try_one<T>(&mut self, core: &Core<T, K>, key: &K) -> ControlFlow<()> {
        let Some(wanted) = self.wanted.get_mut(key) else { return ControlFlow::Continue(()) };
        wanted.is_told = false;
        // What was given up stays so until there is something new.
        let is_moot = wanted.is_resync && core.letters.has(key);
        match if is_moot { Ok(()) } else { core.queue.try_add_ref(key, wanted.add()) } {
            Ok(()) => self.forget(key),
            Err(refused) if refused.is_full() => {
                if wanted.ticket.is_none() {
                    self.tickets += 1;
                    wanted.ticket = Some(self.tickets);
                    self.line.insert(self.tickets, refused.into_key());
                }
            }
            // It is closed, and the key is left.
            Err(_) => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// What was to be done for a key has been done, or cannot be.
    fn over<T>(&mut self, core: &Core<T, K>, key: K) {
        if catch_unwind(AssertUnwindSafe(|| self.forget(&key))).is_err() {
            count(&core.figures.panics);
            // Its place in the line must not be tried for ever.
            self.line.pop_first().map(drop_contained);
        }
        drop_contained(key);
    }

    fn forget(&mut self, key: &K) {
        if let Some(ticket) = self.wanted.remove(key).and_then(|wanted| wanted.ticket) {
            self.line.remove(&ticket);
        }
    }

    /// The first of the line. What cannot be asked for is taken out of it.
    fn first<T>(&mut self, core: &Core<T, K>) -> Option<(K, Wanted)> {
        while let Some(first) = self.line.first_entry() {
            let wanted = catch_unwind(AssertUnwindSafe(|| {
                self.wanted.get(first.get()).map(|wanted| (first.get().clone(), *wanted))
            }));
            match wanted {
                Ok(Some(wanted)) => return Some(wanted),
                Ok(None) => drop_contained(first.remove()),
                Err(_) => {
                    count(&core.figures.panics);
                    drop_contained(first.remove());
                }
            }
        }
        None
    }
}

/// How many keys wait for room here, for all to see.
struct Outside<'c, T, K: Key> {
    core: &'c Core<T, K>,
    keys: usize,
}

impl<T, K: Key> Outside<'_, T, K> {
    fn are(&mut self, keys: usize) {
        let all = &self.core.figures.waiting_for_room;
        // Others count theirs in it, too.
        all.fetch_add(keys.wrapping_sub(self.keys), Ordering::Relaxed);
        self.keys = keys;
    }
}

impl<T, K: Key> Drop for Outside<'_, T, K> {
    fn drop(&mut self) {
        self.are(0);
    }
}

/// Adds the keys that are returned for what an informer tells.
pub(super) async fn feed<T, K, J, U>(
    core: Arc<Core<T, K>>,
    informer: Informer<U, J>,
    mut keys_of: impl KeysOf<T, K, J, U>,
    mut phase: watch::Receiver<Phase>,
) where
    T: Reloadable,
    K: Key,
    J: Key,
    U: Reloadable,
{
    let mut events = informer.events_up_to(WAITING);
    let mut pending = Pending::new();
    let mut outside = Outside { core: &core, keys: 0 };
    let mut take_in = |pending: &mut Pending<K>, event: Event<J, U>| {
        let wanted = Wanted::by(&event);
        let taken_in = catch_unwind(AssertUnwindSafe(|| {
            keys_of.keys_of(&core, event).into_iter().for_each(|key| pending.push(key, wanted));
        }));
        if taken_in.is_err() {
            count(&core.figures.panics);
        }
    };
    loop {
        let mut is_busy = true;
        for _ in 0..AT_ONCE {
            let Some(Ok(event)) = at_once(events.next()).await else {
                is_busy = false;
                break;
            };
            take_in(&mut pending, event);
        }
        for _ in 0..AT_ONCE {
            if pending.try_next(&core).is_break() {
                break;
            }
        }
        outside.are(pending.line.len());
        if is_busy || !pending.told.is_empty() {
            // Nothing here waits, and others are to have their turn.
            match before(&mut phase, Phase::Stopping, yield_now()).await {
                Some(()) => continue,
                None => break,
            }
        }
        let next = match pending.first(&core) {
            // What was given up stays so until there is something new.
            Some((key, wanted)) if wanted.is_resync && core.letters.has(&key) => Next::Added(key, Ok(())),
            Some((key, wanted)) => {
                let adding = Contained::new(|| core.queue.add_with(key.clone(), wanted.add()));
                match before(&mut phase, Phase::Stopping, either(key, events.next(), adding)).await {
                    Some(next) => next,
                    None => break,
                }
            }
            None => match before(&mut phase, Phase::Stopping, events.next()).await {
                Some(Ok(event)) => Next::Told(event),
                Some(Err(_)) => return,
                None => break,
            },
        };
        match next {
            Next::Told(event) => take_in(&mut pending, event),
            Next::Added(key, Ok(())) => pending.over(&core, key),
            Next::Added(_, Err(_)) => break,
            Next::Panicked(key) => {
                count(&core.figures.panics);
                pending.over(&core, key);
            }
        }
    }
    // What there was no room for is told as left, and so is what is in the store and was not told yet.
    loop {
        while let Some(Ok(event)) = at_once(events.next()).await {
            take_in(&mut pending, event);
        }
        let view = informer.lister().snapshot();
        if view.generation() <= events.generation() {
            drop_contained(view);
            break;
        }
        match timeout(TOLD_WITHIN, events.next()).await {
            Ok(Ok(event)) => {
                drop_contained(view);
                take_in(&mut pending, event);
            }
            // Nobody says what it is, so it may be everything.
            Ok(Err(_)) | Err(_) => {
                take_in(&mut pending, Event::Snapshot { view, why: SnapshotCause::Lagged { missed: 0 } });
                break;
            }
        }
    }
    pending.wanted.retain(|_, wanted| !wanted.is_resync);
    core.leave(pending.wanted.into_keys());
}

enum Next<K, J: Key, U> {
    Told(Event<J, U>),
    Added(K, Result<(), AddError<K>>),
    /// A key's own code has. It cannot be added.
    Panicked(K),
}

/// Waits for an event or for room in the queue.
async fn either<K, J: Key, U, P>(
    key: K,
    event: impl Future<Output = Result<Event<J, U>, Error>>,
    adding: Result<Contained<impl Future<Output = Result<(), AddError<K>>>>, P>,
) -> Next<K, J, U> {
    let Ok(adding) = adding else { return Next::Panicked(key) };
    let (mut event, mut adding) = (pin!(event), pin!(adding));
    let mut has_ended = false;
    let next = poll_fn(|context| {
        if let Poll::Ready(added) = adding.as_mut().poll(context) {
            return Poll::Ready(Err(added.ok()));
        }
        if !has_ended {
            match event.as_mut().poll(context) {
                Poll::Ready(Ok(event)) => return Poll::Ready(Ok(event)),
                // What was told is still to be added.
                Poll::Ready(Err(_)) => has_ended = true,
                Poll::Pending => {}
            }
        }
        Poll::Pending
    })
    .await;
    match next {
        Ok(event) => Next::Told(event),
        Err(Some(added)) => Next::Added(key, added),
        Err(None) => Next::Panicked(key),
    }
}

/// What is there without waiting for it.
async fn at_once<R>(run: impl Future<Output = R>) -> Option<R> {
    let mut run = pin!(tokio::task::unconstrained(run));
    poll_fn(|context| match run.as_mut().poll(context) {
        Poll::Ready(ready) => Poll::Ready(Some(ready)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
