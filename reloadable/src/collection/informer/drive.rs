//! The one task of an informer: it asks the source, puts into force what it says, and tells of it.

use std::collections::HashSet;
use std::future::{Future as _, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::cycle::{Cycle, Do};
use super::decode::{Decoder, Decoding, Ended};
use super::event::Event;
use super::feed::{Feed, Told};
use super::gather::{Segment, both, collect, ended};
use super::objects::{Found, Objects};
use super::observing::Observer;
use super::resync::Resync;
use super::status::InformerStatus;
use crate::document::{Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};
use crate::key::Key;
use crate::load::Reloadable;
use crate::observe::InformerFigures;
use crate::source::{AnyKeyedSource, BoxFuture, Changed, Delta, Listing, contained};
use crate::status::SourceState;

pub(super) struct Drive<K: Key, T> {
    pub(super) source: Box<dyn AnyKeyedSource<K>>,
    pub(super) source_ended: BoxFuture<'static, ()>,
    pub(super) origin: Origin,
    pub(super) objects: Objects<K, T>,
    pub(super) cycle: Cycle,
    pub(super) resync: Option<Resync<K>>,
    pub(super) feed: Feed<K, T>,
    pub(super) status: watch::Sender<InformerStatus<K>>,
    /// The revision of the source up to which everything is in force.
    pub(super) cursor: Option<Revision>,
    pub(super) decoder: Decoder<T>,
    /// For how long a source may hand over nothing while it lists.
    pub(super) stall: Duration,
    /// The connection failed, and it is not known yet that it works again.
    pub(super) is_interrupted: bool,
    /// Why the last list failed. It stands until one works, whatever is told meanwhile.
    pub(super) list_error: Option<SourceError>,
    /// It has what the source told of, and has not put all of that into force.
    pub(super) is_taking_in: bool,
    /// The number of the list that is in force.
    pub(super) listed: u64,
    pub(super) observer: Observer,
}

/// Why the task woke up.
enum Wake<K> {
    Changed(Result<Changed<K>, SourceError>),
    Due,
}

impl<K: Key, T: Reloadable> Drive<K, T> {
    /// Follows the source until the sender of `stop` is gone or says so.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<()>) {
        // However the task ends, everybody is told.
        let _end = End { feed: self.feed.clone(), status: self.status.clone() };
        let mut source_ended = std::mem::replace(&mut self.source_ended, Box::pin(std::future::pending()));
        let mut stopped = pin!(stop.changed());
        let mut following = pin!(self.follow());
        poll_fn(|context| {
            if stopped.as_mut().poll(context).is_ready() || source_ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            following.as_mut().poll(context)
        })
        .await;
    }

    async fn follow(&mut self) {
        loop {
            // A source that always has something to tell must not keep the thread from everything else.
            tokio::task::consume_budget().await;
            let origin = self.origin.clone();
            if contained(&origin, || Box::pin(self.step())).await.is_err() {
                // A key's own code has panicked where nothing else does. What is known may be wrong from here on.
                self.objects.counts.panics += 1;
                self.cycle.expired(now());
            }
        }
    }

    async fn step(&mut self) -> Result<(), SourceError> {
        let origin = self.origin.clone();
        match self.cycle.next(now()) {
            Do::Wait(until) => self.wait(until).await,
            Do::List => {
                let listed = contained(&origin, || Box::pin(self.list())).await;
                if let Err(error) = listed {
                    self.objects.counts.failed_lists += 1;
                    self.cycle.list_failed(now());
                    self.defer(&error);
                    self.list_error = Some(error.clone());
                    self.restate(Some(error));
                }
            }
            Do::Watch(until) => {
                let watched = contained(&origin, || Box::pin(self.watch(until))).await;
                if let Err(error) = watched {
                    self.objects.counts.interruptions += 1;
                    if error.kind() == SourceErrorKind::Expired {
                        self.objects.counts.expired += 1;
                        self.cycle.expired(now());
                    } else if std::mem::take(&mut self.is_taking_in) {
                        // It is not told again, so that only a list finds it.
                        self.objects.tear();
                        self.cycle.expired(now());
                    } else {
                        self.cycle.watch_failed(now());
                    }
                    self.defer(&error);
                    self.interrupted(error);
                }
            }
        }
        Ok(())
    }

    /// Leaves the source alone for as long as it asks.
    fn defer(&mut self, error: &SourceError) {
        if let Some(wait) = error.retry_after() {
            self.cycle.defer(now() + wait.min(LONGEST_DEFERRAL));
        }
    }

    /// Waits until then, and for what is due before.
    async fn wait(&mut self, until: std::time::Instant) {
        let due = self.resync.as_ref().map_or(until, |resync| resync.due().min(until));
        sleep_until(Instant::from_std(due)).await;
        let Self { resync, objects, feed, .. } = self;
        tell_again(resync, objects, feed);
    }

    /// Lists everything, and puts it into force as a whole.
    async fn list(&mut self) -> Result<(), SourceError> {
        let (number, known) = self.objects.begin_list();
        self.status.send_modify(|status| status.begun = number);
        let (listing, items) = Listing::new(known, self.cursor.clone());
        let Self { source, objects, origin, stall, decoder, .. } = self;
        let decoding = Decoding::new(decoder.clone());
        let collecting = collect(objects, decoding, items, origin, *stall);
        let (listed, found) = both(source.list(listing), collecting).await?;
        if let Some(revision) = &listed.revision {
            if self.objects.is_stale(revision, self.cursor.as_ref()) {
                let message = "it listed an older state than is known already";
                return Err(SourceError::new(SourceErrorKind::Unstable, self.origin.clone(), message));
            }
        }
        let replaced = self.objects.replace(found, now());
        self.listed = self.objects.number();
        self.cursor = listed.revision;
        self.list_error = None;
        self.cycle.listed(now());
        if let Some(at) = replaced.confirm_at {
            self.cycle.list_by(at);
        }
        self.told(replaced.told);
        if self.objects.is_torn() {
            self.cycle.expired(now());
        }
        Ok(())
    }

    /// Waits for changes, or until it is time for something else, and puts them into force.
    async fn watch(&mut self, until: Option<std::time::Instant>) -> Result<(), SourceError> {
        let healthy = self.cycle.healthy_at().filter(|_| self.is_interrupted);
        let idle = self.cycle.idle_at();
        let ends = [until, healthy, idle].into_iter().flatten().min();
        let wake = {
            let Self { source, cursor, resync, objects, feed, .. } = self;
            let mut changed = source.changed(cursor.as_ref());
            // A resync asks nobody, so it must not cost an answer that is on its way.
            loop {
                let resynced = resync.as_ref().map(Resync::due);
                let due = [ends, resynced].into_iter().flatten().min().map(Instant::from_std);
                // Without anything due, it is due in a day, which leads to nothing.
                let mut due = pin!(sleep_until(due.unwrap_or_else(|| Instant::now() + IDLE)));
                let wake = poll_fn(|context| {
                    // A source that always has something to tell must not keep it from what is due.
                    if due.as_mut().poll(context).is_ready() {
                        return Poll::Ready(Wake::Due);
                    }
                    changed.as_mut().poll(context).map(Wake::Changed)
                })
                .await;
                if matches!(wake, Wake::Changed(_)) || ends.is_some_and(|at| at <= now()) {
                    break wake;
                }
                tell_again(resync, objects, feed);
            }
        };
        let changed = match wake {
            Wake::Due => {
                if healthy.is_some_and(|at| at <= now()) {
                    self.restate(None);
                }
                if idle.is_some_and(|at| at <= now()) {
                    self.source.disconnect();
                    let message = "it has told nothing for so long that the connection is taken for dead";
                    return Err(SourceError::new(SourceErrorKind::TimedOut, self.origin.clone(), message));
                }
                return Ok(());
            }
            Wake::Changed(changed) => changed?,
        };
        match changed {
            Changed::Relist => self.cycle.hinted(now()),
            // To tell nothing is what a connection does that is of no use, and must not be done all the time.
            Changed::Deltas(deltas) if !deltas.is_empty() => {
                self.is_taking_in = true;
                self.deltas(deltas).await?;
                self.is_taking_in = false;
            }
            Changed::Deltas(_) | Changed::Ended => {
                self.objects.counts.interruptions += 1;
                self.cycle.ended(now());
                let message = "the other side ended the connection";
                self.interrupted(SourceError::new(SourceErrorKind::Other, self.origin.clone(), message));
            }
        }
        Ok(())
    }

    /// Takes in what the source has told, in as few batches as may be: in one, there is nothing twice of one object.
    async fn deltas(&mut self, deltas: Vec<Delta<K>>) -> Result<(), SourceError> {
        let mut segment = Segment::new(self.decoder.clone());
        let mut keys = HashSet::new();
        let mut is_news = false;
        for delta in deltas {
            let key = match &delta {
                Delta::Upsert(found) => Some(&found.key),
                Delta::Unreadable(key, _) | Delta::Delete(key) => Some(key),
                Delta::Progress(_) => None,
            };
            if key.is_some_and(|key| !keys.insert(key.clone())) {
                let found = segment.finish().await.map_err(|Ended| ended(&self.origin))?;
                is_news |= self.apply(found);
                let again = key.cloned();
                keys = again.into_iter().collect();
                segment = Segment::new(self.decoder.clone());
            }
            match delta {
                Delta::Upsert(found) => {
                    if let Some(undecoded) = self.objects.undecoded(found) {
                        is_news = true;
                        let pushed = segment.decode(undecoded).await;
                        pushed.map_err(|Ended| ended(&self.origin))?;
                    }
                }
                Delta::Unreadable(key, error) => {
                    is_news |= self.objects.is_readable(&key);
                    segment.push(Found::Unreadable(key, error));
                }
                Delta::Delete(key) => segment.push(Found::Deleted(key)),
                Delta::Progress(revision) => {
                    // The cursor moves only now that what came before is in force.
                    let found = segment.finish().await.map_err(|Ended| ended(&self.origin))?;
                    let is_stale = self.objects.is_stale(&revision, self.cursor.as_ref());
                    if !is_stale && self.cursor.as_ref() != Some(&revision) {
                        is_news = true;
                        self.cursor = Some(revision);
                    }
                    is_news |= self.apply(found);
                    keys.clear();
                    segment = Segment::new(self.decoder.clone());
                }
            }
        }
        let found = segment.finish().await.map_err(|Ended| ended(&self.origin))?;
        is_news |= self.apply(found);
        if self.objects.is_torn() {
            // What was told is lost to the store, and is not told again.
            self.cycle.expired(now());
        } else if is_news {
            self.cycle.told(now());
        } else {
            self.cycle.repeated(now());
        }
        Ok(())
    }

    /// Tells whether it has changed anything.
    fn apply(&mut self, found: Vec<Found<K, T>>) -> bool {
        let told = self.objects.apply(found);
        let is_news = told.has_changed || !told.events.is_empty();
        self.told(told);
        if self.objects.has_room_again() {
            self.cycle.has_room(now());
        }
        is_news
    }

    /// The store has it: now whoever wants to know, and then the status, by which one waits for what was told.
    fn told(&mut self, told: Told<K, T>) {
        count(&mut self.objects, &told);
        self.feed.tell(told);
        self.restate(None);
    }

    fn interrupted(&mut self, error: SourceError) {
        self.restate(Some(error));
        self.is_interrupted = true;
    }

    fn restate(&mut self, error: Option<SourceError>) {
        self.is_interrupted &= error.is_some();
        let error = error.or_else(|| self.list_error.clone());
        let view = self.objects.lister().snapshot();
        let mut broken = self.objects.broken();
        let withheld = self.objects.withheld();
        self.objects.counts.lagged = self.feed.lagged();
        let (counts, listed) = (self.objects.counts, self.listed);
        let condition = catch_unwind(AssertUnwindSafe(|| self.source.condition()));
        let mut condition = condition.unwrap_or_default();
        let (beyond, omitted) = self.objects.beyond();
        if !beyond.is_empty() {
            let refused = std::mem::take(&mut condition.refused).into_iter().chain(beyond.iter().cloned());
            let omitted = condition.refused_omitted.saturating_add(*omitted);
            condition = condition.refused(refused, omitted);
        }
        self.status.send_modify(|status| {
            status.state = match &error {
                Some(_) => SourceState::Interrupted,
                None if condition.polling.is_some() => SourceState::Polling,
                None => SourceState::Watching,
            };
            (status.reason, status.warning) = (condition.polling, condition.warning);
            (status.refused, status.refused_omitted) = (condition.refused, condition.refused_omitted);
            if error.is_none() {
                status.has_synced = true;
                status.last_confirmed = Some(SystemTime::now());
                status.confirmed = Some(Instant::now());
            }
            status.last_error = error;
            status.revision.clone_from(&self.cursor);
            status.generation = view.generation();
            status.objects = view.len();
            // What was told before goes with the lock released.
            if let Some((broken, omitted)) = &mut broken {
                std::mem::swap(&mut status.broken, broken);
                status.broken_omitted = *omitted;
            }
            status.withheld = withheld;
            status.counts = counts;
            status.listed = listed;
        });
        self.observe();
    }

    fn observe(&mut self) {
        let (refused, broken) = self.objects.take_refused();
        self.observer.refused(&refused);
        let counts = self.objects.counts;
        let withheld = self.objects.withheld();
        let (state, last_error, last_confirmed, generation, objects) = {
            let status = self.status.borrow();
            let error = status.last_error.clone();
            (status.state, error, status.last_confirmed, status.generation, status.objects)
        };
        self.observer.restated(&InformerFigures {
            generation,
            state,
            last_error: last_error.as_ref(),
            last_confirmed,
            objects,
            broken,
            withheld,
            events: [counts.added, counts.modified, counts.removed, counts.resynced],
            lists: [counts.lists, counts.failed_lists],
            interruptions: counts.interruptions,
            lagged: counts.lagged,
            subscribers: self.feed.roster.statuses(),
        });
    }
}

/// Tells of objects again that are due.
fn tell_again<K: Key, T: Reloadable>(
    resync: &mut Option<Resync<K>>,
    objects: &mut Objects<K, T>,
    feed: &Feed<K, T>,
) {
    let Some(resync) = resync else { return };
    let view = objects.lister().snapshot();
    let keys = resync.take(now(), || view.iter().map(|(key, _)| key.clone()).collect());
    let events = keys.into_iter().filter_map(|key| {
        let object = view.get(&key).map(std::sync::Arc::clone)?;
        Some(Event::Resync { key, object })
    });
    let told = Told { generation: view.generation(), has_changed: false, events: events.collect() };
    count(objects, &told);
    feed.tell(told);
}

fn count<K: Key, T: Reloadable>(objects: &mut Objects<K, T>, told: &Told<K, T>) {
    let counts = &mut objects.counts;
    for event in &told.events {
        match event {
            Event::Added { .. } => counts.added += 1,
            Event::Modified(_) => counts.modified += 1,
            Event::Removed { .. } => counts.removed += 1,
            Event::Resync { .. } => counts.resynced += 1,
            Event::Snapshot { .. } => {}
        }
    }
}

/// For how long a source is left alone at most, whatever it asks.
const LONGEST_DEFERRAL: Duration = Duration::from_secs(60 * 60);

/// For how long nothing is due where nothing ever is.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

struct End<K: Key, T: Reloadable> {
    feed: Feed<K, T>,
    status: watch::Sender<InformerStatus<K>>,
}

impl<K: Key, T: Reloadable> Drop for End<K, T> {
    fn drop(&mut self) {
        self.status.send_modify(|status| status.state = SourceState::Closed);
        self.feed.close();
    }
}
