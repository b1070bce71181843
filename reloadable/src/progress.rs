//! Who subscribes, and how far each has come.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use serde::{Serialize, Serializer};
use tokio::sync::watch;

use crate::sync::{AtomicU64, Mutex};

/// How far one subscription has come.
///
/// A subscription whose section did not change has nothing to see and nothing to apply, and counts as having done both.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
/// let _pool = config.subscribe().acknowledging("pool");
/// document.replace("workers = 8");
/// config.blocking_reload();
/// let behind = config.subscribers().into_iter().filter(|subscriber| subscriber.seen < 2);
/// assert_eq!(behind.filter_map(|subscriber| subscriber.name).collect::<Vec<_>>(), ["pool".into()]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriberStatus {
    /// The name, if it acknowledges.
    #[serde(serialize_with = "as_text")]
    pub name: Option<Arc<str>>,
    /// The newest generation that it has seen.
    pub seen: u64,
    /// The newest generation that it has applied; nothing if it does not acknowledge.
    pub applied: Option<u64>,
    /// Why it could not apply what it was given last.
    #[serde(serialize_with = "as_text")]
    pub failed: Option<Arc<str>>,
}

impl SubscriberStatus {
    /// Says that it is not at `generation`; one line.
    pub(crate) fn behind(&self, generation: u64) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let applied = self.applied.unwrap_or_default();
        let failed = self.failed.as_deref();
        let failed = failed.map(|reason| format!(": it failed: {reason}")).unwrap_or_default();
        format!("`{name}` has applied generation {applied}, not {generation}{failed}")
    }
}

fn as_text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

/// Whether a program runs with what is in force, for a health endpoint.
///
/// It is ready as long as the reloader runs and every subscription that acknowledges has applied what is in force. A
/// reload that was refused is no reason against it, since the last good value serves; that is a note.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
/// let mut pool = config.subscribe().acknowledging("pool");
/// document.replace("workers = 8");
/// let change = pool.blocking_changed()?;
/// change.failed("no connection");
/// # config.blocking_wait_applied(2, std::time::Duration::from_secs(20)).unwrap_err();
/// assert_eq!(
///     config.readiness().to_string(),
///     "not ready, generation 2 is in force: `pool` has applied generation 1, not 2: it failed: no connection"
/// );
/// change.applied();
/// assert_eq!(config.readiness().to_string(), "ready, generation 2 is in force");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    ready: bool,
    generation: u64,
    reasons: Vec<String>,
    notes: Vec<String>,
}

impl Readiness {
    /// Tells whether it is ready: whether there is no reason against it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Returns the number of the snapshot in force, of which it is told.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns why it is not ready, a line for each subscription; nothing if it is.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Returns what somebody should know though it is no reason against being ready: why the last attempt was refused.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds what is no reason against it.
    pub(crate) fn noting(mut self, note: Option<String>) -> Self {
        self.notes.extend(note);
        self
    }
}

/// One line, of everything.
impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ready = if self.ready { "ready" } else { "not ready" };
        write!(f, "{ready}, generation {} is in force", self.generation)?;
        for (nth, line) in self.reasons.iter().chain(&self.notes).enumerate() {
            write!(f, "{}{line}", if nth == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

/// The generation at which a section last changed. Clones share it.
#[derive(Clone)]
pub(crate) struct LastChange(Arc<AtomicU64>);

impl LastChange {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    /// Only who publishes does this, before [`Roster::judged`].
    pub(crate) fn set(&self, generation: u64) {
        self.0.store(generation, Ordering::Release);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// All subscriptions of a reloader. Clones share it.
///
/// The lock of the list is taken before that of a [`Place`], and neither is held while code of the application runs.
#[derive(Clone)]
pub(crate) struct Roster(Arc<Shared>);

struct Shared {
    list: Mutex<List>,
    /// Something may have been reached: a generation was judged or applied, or a subscription ended.
    moved: watch::Sender<()>,
}

struct List {
    /// The numbers grow, so that the oldest comes first.
    next: u64,
    /// The generation of which it is known for every section whether it changed.
    judged: u64,
    closed: bool,
    acknowledging: BTreeMap<u64, Arc<Place>>,
    others: BTreeMap<u64, Arc<Place>>,
}

/// How far an acknowledged generation has come.
#[derive(Debug)]
pub(crate) enum Reached {
    Everywhere,
    /// With the generation that was published last, and those who have not applied it.
    NotYet(u64, Vec<SubscriberStatus>),
    /// Everybody has answered, and these could not apply it.
    Failed(Vec<SubscriberStatus>),
    Closed,
}

impl Roster {
    /// `first` is the generation that the first subscriptions are given.
    pub(crate) fn new(first: u64) -> Self {
        let list = List {
            next: 0,
            judged: first,
            closed: false,
            acknowledging: BTreeMap::new(),
            others: BTreeMap::new(),
        };
        Self(Arc::new(Shared { list: Mutex::new(list), moved: watch::Sender::new(()) }))
    }

    /// Registers a subscription that has seen `seen`.
    pub(crate) fn enter(&self, section: LastChange, seen: u64) -> Subscriber {
        self.enter_as(None, section, seen)
    }

    fn enter_as(&self, name: Option<Arc<str>>, section: LastChange, seen: u64) -> Subscriber {
        self.with(|list| {
            let number = list.next;
            list.next += 1;
            // Read under the lock: what is judged before is in it, and what is judged later finds this place.
            let last = section.get();
            let come = Come { seen, given: seen, applied: seen, last, failure: None };
            let place = Arc::new(Place { name, section, come: Mutex::new(come) });
            list.of(&place).insert(number, Arc::clone(&place));
            Subscriber { roster: self.clone(), number, place }
        })
    }

    /// Enters that for each section it is known whether `generation` changed it.
    pub(crate) fn judged(&self, generation: u64) {
        self.with(|list| {
            list.judged = generation;
            for place in list.acknowledging.values() {
                place.judged(generation);
            }
        });
        self.moved();
    }

    /// Ends all waiting.
    pub(crate) fn close(&self) {
        self.with(|list| list.closed = true);
        self.moved();
    }

    /// Returns how far each subscription has come: first those that acknowledge, the oldest first.
    pub(crate) fn statuses(&self) -> Vec<SubscriberStatus> {
        self.with(|list| {
            let places = list.acknowledging.values().chain(list.others.values());
            places.map(|place| place.status(list.judged)).collect()
        })
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.with(|list| {
            let generation = list.judged;
            let behind =
                list.acknowledging.values().filter(|place| place.come().applied_of(generation) < generation);
            let mut reasons: Vec<_> =
                behind.map(|place| place.status(generation).behind(generation)).collect();
            if list.closed {
                reasons.push("the reloader has ended".to_owned());
            }
            Readiness { ready: reasons.is_empty(), generation, reasons, notes: Vec::new() }
        })
    }

    /// Tells how far `generation` has come.
    pub(crate) fn reached(&self, generation: u64) -> Reached {
        self.with(|list| {
            let judged = list.judged;
            let (mut behind, mut all_answered) = (Vec::new(), true);
            for place in list.acknowledging.values() {
                let come = place.come();
                if come.applied_of(judged) < generation {
                    all_answered &= come.has_answered(generation);
                    drop(come);
                    behind.push(place.status(judged));
                }
            }
            match (judged < generation, behind.is_empty()) {
                (false, true) => Reached::Everywhere,
                _ if list.closed => Reached::Closed,
                (false, false) if all_answered => Reached::Failed(behind),
                _ => Reached::NotYet(judged, behind),
            }
        })
    }

    /// Waits until `generation` has been answered by everybody, and returns how.
    pub(crate) async fn answered(&self, generation: u64) -> Reached {
        // Before the first look, so that what moves after a look is told.
        let mut moved = self.0.moved.subscribe();
        loop {
            match self.reached(generation) {
                Reached::NotYet(..) => {}
                answered => return answered,
            }
            if moved.changed().await.is_err() {
                return Reached::Closed;
            }
        }
    }

    fn moved(&self) {
        self.0.moved.send_replace(());
    }

    fn with<R>(&self, act: impl FnOnce(&mut List) -> R) -> R {
        act(&mut self.0.list.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl List {
    fn of(&mut self, place: &Place) -> &mut BTreeMap<u64, Arc<Place>> {
        if place.name.is_some() { &mut self.acknowledging } else { &mut self.others }
    }
}

/// The place of one subscription in the list.
struct Place {
    /// It acknowledges if it has one.
    name: Option<Arc<str>>,
    section: LastChange,
    come: Mutex<Come>,
}

/// How far a subscription has come, in generations.
struct Come {
    seen: u64,
    /// That of the change it was given last. What it has seen since then is the same.
    given: u64,
    applied: u64,
    /// At which its section last changed, of those that are judged.
    last: u64,
    failure: Option<(u64, Arc<str>)>,
}

impl Come {
    /// Returns up to where all is applied: if that is the last change of its section, up to what was judged.
    fn applied_of(&self, judged: u64) -> u64 {
        if self.applied >= self.last { self.applied.max(judged) } else { self.applied }
    }

    /// Tells whether it could not apply what it needs for `generation`.
    fn has_answered(&self, generation: u64) -> bool {
        self.failure.as_ref().is_some_and(|(failed, _)| *failed >= generation.min(self.last))
    }
}

impl Place {
    fn come(&self) -> impl std::ops::DerefMut<Target = Come> + '_ {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judged(&self, generation: u64) {
        if self.section.get() == generation {
            let mut come = self.come();
            // What was up to date was so until now.
            come.applied = come.applied_of(generation.saturating_sub(1));
            come.last = generation;
        }
    }

    fn status(&self, judged: u64) -> SubscriberStatus {
        let come = self.come();
        let seen = if come.seen >= self.section.get() { come.seen.max(judged) } else { come.seen };
        SubscriberStatus {
            name: self.name.clone(),
            seen,
            applied: self.name.is_some().then(|| come.applied_of(judged)),
            failed: come.failure.as_ref().map(|(_, reason)| Arc::clone(reason)),
        }
    }
}

/// A subscription's hold on its place, which is given up when this is dropped.
pub(crate) struct Subscriber {
    roster: Roster,
    number: u64,
    place: Arc<Place>,
}

impl Subscriber {
    /// Registers another subscription to the same section, with the same name if it has one.
    pub(crate) fn another(&self, seen: u64) -> Self {
        self.roster.enter_as(self.place.name.clone(), self.place.section.clone(), seen)
    }

    /// Registers it anew as one that acknowledges.
    pub(crate) fn acknowledging(self, name: Arc<str>, seen: u64) -> Self {
        self.roster.enter_as(Some(name), self.place.section.clone(), seen)
    }

    /// Enters that it has looked at `generation`, and was given a change by that or none.
    pub(crate) fn saw(&self, generation: u64, is_change: bool) {
        let is_news = {
            let mut come = self.place.come();
            come.seen = generation;
            // What went back to how it was needs no acknowledgement, unless one is missing already.
            let is_news = !is_change && come.applied >= come.given;
            if is_change {
                come.given = generation;
            } else if is_news {
                come.applied = come.applied.max(generation);
            }
            is_news
        };
        if is_news && self.place.name.is_some() {
            self.roster.moved();
        }
    }

    /// Returns what a change needs to be acknowledged; nothing if the subscription does not acknowledge.
    pub(crate) fn acknowledgement(&self) -> Option<Acknowledgement> {
        let acknowledges = self.place.name.is_some();
        acknowledges.then(|| Acknowledgement { roster: self.roster.clone(), place: Arc::clone(&self.place) })
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.roster.with(|list| list.of(&self.place).remove(&self.number));
        if self.place.name.is_some() {
            self.roster.moved();
        }
    }
}

/// How a change is acknowledged.
#[derive(Clone)]
pub(crate) struct Acknowledgement {
    roster: Roster,
    place: Arc<Place>,
}

impl Acknowledgement {
    /// How much of a reason is kept.
    const LONGEST_REASON: usize = 1_000;

    pub(crate) fn applied(&self, generation: u64) {
        {
            let mut come = self.place.come();
            let applied = if generation >= come.given { come.seen } else { generation };
            come.applied = come.applied.max(applied);
            come.failure.take_if(|(failed, _)| *failed <= generation);
        }
        self.roster.moved();
    }

    /// Of the change from `previous` to `generation`.
    pub(crate) fn failed(&self, previous: u64, generation: u64, reason: &str) {
        let end = reason.char_indices().nth(Self::LONGEST_REASON).map_or(reason.len(), |(end, _)| end);
        // It is told within one line.
        let reason = reason[..end].split_whitespace().collect::<Vec<_>>().join(" ").into();
        {
            let mut come = self.place.come();
            let is_old = generation < come.given && come.applied >= generation;
            if is_old || come.failure.as_ref().is_some_and(|(failed, _)| *failed > generation) {
                return;
            }
            if come.applied >= generation {
                come.applied = previous;
            }
            come.failure = Some((generation, reason));
        }
        self.roster.moved();
    }
}
