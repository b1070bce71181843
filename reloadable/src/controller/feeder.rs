//! From what informers tell to keys in the queue.
//!
//! What has come and gone again, or was changed and changed back, must be told as well: a run that was made for another
//! reason may have seen it. So each event is taken in, at once, and they are merged by key only here.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::watch;

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

/// Keys that are to be added, each once, in the order in which they were first told of.
struct Pending<K> {
    order: VecDeque<K>,
    wanted: HashMap<K, Wanted>,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    priority: Priority,
    /// It tells nothing new.
    is_resync: bool,
}

impl Wanted {
    fn by<K: Key, T>(event: &Event<K, T>) -> Self {
        match event {
            Event::Snapshot { .. } => Self { priority: Priority::Low, is_resync: false },
            Event::Resync { .. } => Self { priority: Priority::Low, is_resync: true },
            _ => Self { priority: Priority::Normal, is_resync: false },
        }
    }

    fn add(self) -> Add {
        let add = Add::new().priority(self.priority);
        if self.is_resync { add.respecting_backoff() } else { add }
    }
}

impl<K: Key> Pending<K> {
    fn push(&mut self, key: K, new: Wanted) {
        match self.wanted.get_mut(&key) {
            Some(wanted) => {
                wanted.priority = wanted.priority.max(new.priority);
                wanted.is_resync &= new.is_resync;
            }
            None => {
                self.wanted.insert(key.clone(), new);
                self.order.push_back(key);
            }
        }
    }

    fn first(&self) -> Option<(&K, Wanted)> {
        let key = self.order.front()?;
        self.wanted.get(key).map(|wanted| (key, *wanted))
    }

    fn pop(&mut self) {
        if let Some(key) = self.order.pop_front() {
            self.wanted.remove(&key);
        }
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
    let mut pending = Pending { order: VecDeque::new(), wanted: HashMap::new() };
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
        for _ in 0..AT_ONCE {
            let Some(Ok(event)) = at_once(events.next()).await else { break };
            take_in(&mut pending, event);
        }
        let next = match pending.first() {
            // What was given up stays so until there is something new.
            Some((key, wanted)) if wanted.is_resync && core.letters.has(key) => Next::Added(Ok(())),
            Some((key, wanted)) => {
                let (key, add) = (key.clone(), wanted.add());
                let adding = Contained::new(|| core.queue.add_with(key, add));
                let either = either(events.next(), adding);
                match before(&mut phase, Phase::Stopping, either).await {
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
            Next::Added(Ok(())) => pending.pop(),
            Next::Added(Err(_)) => break,
            Next::Panicked => {
                count(&core.figures.panics);
                pending.pop();
            }
        }
    }
    // What there was no room for is told as left.
    while let Some(Ok(event)) = at_once(events.next()).await {
        take_in(&mut pending, event);
    }
    pending.wanted.retain(|_, wanted| !wanted.is_resync);
    core.leave(pending.wanted.into_keys());
}

enum Next<K, J: Key, U> {
    Told(Event<J, U>),
    Added(Result<(), AddError<K>>),
    /// A key's own code has. It cannot be added.
    Panicked,
}

/// Waits for an event or for room in the queue.
async fn either<K, J: Key, U, P>(
    event: impl Future<Output = Result<Event<J, U>, Error>>,
    adding: Result<Contained<impl Future<Output = Result<(), AddError<K>>>>, P>,
) -> Next<K, J, U> {
    let Ok(adding) = adding else { return Next::Panicked };
    let (mut event, mut adding) = (pin!(event), pin!(adding));
    let mut has_ended = false;
    poll_fn(|context| {
        if let Poll::Ready(added) = adding.as_mut().poll(context) {
            return Poll::Ready(added.map_or(Next::Panicked, Next::Added));
        }
        if !has_ended {
            match event.as_mut().poll(context) {
                Poll::Ready(Ok(event)) => return Poll::Ready(Next::Told(event)),
                // What was told is still to be added.
                Poll::Ready(Err(_)) => has_ended = true,
                Poll::Pending => {}
            }
        }
        Poll::Pending
    })
    .await
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
