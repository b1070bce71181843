//! The files of a target one by one: an event about one is a look at that one, and only a list looks at all.

use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::document::{Origin, Revision};
use crate::format::{Piece, Refused};
use crate::report::{Report, Violation};
use crate::source::fs::chain::Role;
use crate::source::fs::inbox::{Arrived, Inbox, Kind};
use crate::source::fs::mode::Mode;
use crate::source::fs::read::Stamp;
use crate::source::fs::settings::Settings;
use crate::source::fs::settle::{Settling, Signal, Verdict};
use crate::source::fs::survey::{Subject, Target, Way};
use crate::source::fs::watched::Watched;
use crate::source::{Condition, Delta, KeyedDocument};

use super::burst::Burst;
use super::layout::{Holds, Layout};
use super::ledger::{Ledger, Moved, Shape};
use super::sight::{Glance, Job, Seen, Sight, Sights};

/// So many of what is due are looked at before something is told.
const MOST: usize = 256;

/// What is followed, and what is known of it.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) layout: Arc<Layout>,
    pub(super) target: Target,
    pub(super) settings: Settings,
    pub(super) follows_outside: bool,
    /// Away while it is surveyed.
    pub(super) watched: Option<Box<Watched>>,
    pub(super) surveying: Option<JoinHandle<Box<Watched>>>,
    /// What was given up waiting for. Another list does not start before these end.
    pub(super) reading: VecDeque<JoinHandle<Sights>>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) glance: Option<Glance>,
    pub(super) ledger: Ledger,
    pub(super) pending: HashMap<Arc<Path>, Pending>,
    /// Files with a link on the way.
    pub(super) links: HashMap<PathBuf, Way>,
    /// Pending where only a list can tell what is different.
    pub(super) whole: Settling,
    pub(super) burst: Burst,
    /// The informer was told to list, and has not.
    pub(super) is_list_due: bool,
    pub(super) poll_at: Option<std::time::Instant>,
    pub(super) is_unfinished: bool,
    pub(super) has_listed: bool,
    /// The last list found that nothing is there.
    pub(super) is_absent: bool,
    pub(super) revisions: u64,
    pub(super) hasher: RandomState,
}

/// A file of which something was told.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) settling: Settling,
    /// How many events there were.
    pub(super) events: u64,
    pub(super) seen: Option<Stamp>,
    pub(super) was_dangling: bool,
    /// The last that was told is that it is gone.
    pub(super) is_going: bool,
    /// It was written, and not closed since.
    pub(super) is_open: bool,
    /// The last that was told is that a change was complete, and nothing was lost since.
    pub(super) is_vouched: bool,
}

impl Follower {
    pub(super) fn new(layout: Layout, target: Target, settings: Settings, follows_outside: bool) -> Self {
        let watched = Box::new(Watched::new(target.clone(), settings.probe));
        let inbox = Arc::clone(watched.watches.inbox());
        Self {
            layout: Arc::new(layout),
            target,
            settings,
            follows_outside,
            watched: Some(watched),
            surveying: None,
            reading: VecDeque::new(),
            inbox,
            glance: None,
            ledger: Ledger::default(),
            pending: HashMap::new(),
            links: HashMap::new(),
            whole: Settling::default(),
            burst: Burst::default(),
            is_list_due: false,
            poll_at: None,
            is_unfinished: false,
            has_listed: false,
            is_absent: false,
            revisions: 0,
            hasher: RandomState::new(),
        }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::file(&self.layout.written)
    }

    pub(super) fn condition(&self) -> Condition {
        let unlisted = self.watched.as_ref().map(|watched| watched.survey.unlisted.as_slice());
        let condition = self.ledger.condition(&self.layout, unlisted.unwrap_or_default());
        let Some(watched) = &self.watched else { return condition };
        let condition = match &watched.mode {
            Mode::Polling { why, .. } => condition.polling(why.clone()),
            Mode::Native => condition.awaiting(self.is_absent),
        };
        match &watched.survey.warning {
            Some(warning) => condition.warning(warning.clone()),
            None => condition,
        }
    }

    pub(super) fn job(&self, path: Arc<Path>, known: Option<Shape>, now: std::time::Instant) -> Job {
        let pace = &self.settings.pace;
        let pending = self.pending.get(&path);
        Job {
            known,
            seen: pending.and_then(|pending| pending.seen),
            events: pending.map_or(0, |pending| pending.events),
            is_pending: pending.is_some_and(|pending| pending.settling.is_pending()),
            doubts: pending.map_or_else(
                || Settling::default().doubts(now, pace),
                |pending| pending.settling.doubts(now, pace),
            ),
            is_replaced: pending.is_some_and(|pending| pending.settling.is_replaced()),
            is_busy: pending.is_some_and(|pending| pending.settling.is_busy()),
            is_open: pending.is_some_and(|pending| pending.is_open),
            is_vouched: pending.is_some_and(|pending| pending.is_vouched),
            is_forced: pending.is_some_and(|pending| pending.settling.is_forced(now, pace)),
            was_dangling: pending.is_some_and(|pending| pending.was_dangling),
            is_linked: self.links.contains_key(&*path) || matches!(self.target, Target::Files(_)),
            path,
        }
    }

    pub(super) fn start(&mut self, jobs: Vec<Job>) {
        if let (Some(glance), false) = (self.glance.clone(), jobs.is_empty()) {
            self.reading.push_back(tokio::task::spawn_blocking(move || glance.all(jobs)));
        }
    }

    /// Waits for the first look that is under way.
    pub(super) async fn read_under_way(&mut self) -> Option<Sights> {
        let first = self.reading.front_mut()?;
        let sights = first.await;
        self.reading.pop_front();
        // A look does not panic; if one did, what it was for is still pending, or found by the next list.
        Some(sights.unwrap_or_else(|_| {
            self.whole.signal(Signal::Lost, now(), &self.settings.pace);
            Sights { each: Vec::new(), is_root_there: true }
        }))
    }

    /// Waits for a survey that is under way.
    pub(super) async fn join(&mut self) {
        if let Some(surveying) = &mut self.surveying {
            let watched = surveying.await;
            self.surveying = None;
            let anew = || Box::new(Watched::new(self.target.clone(), self.settings.probe));
            let watched = watched.unwrap_or_else(|_| anew());
            self.inbox = Arc::clone(watched.watches.inbox());
            self.watched = Some(watched);
        }
    }

    /// Takes in what came.
    pub(super) fn listen(&mut self, now: std::time::Instant) {
        let Arrived { events, lost } = self.inbox.take();
        let pace = self.settings.pace;
        if lost {
            self.whole.signal(Signal::Lost, now, &pace);
            // Removals may be among them.
            self.burst.removed(now, self.ledger.len());
            self.pending.values_mut().for_each(|pending| pending.is_vouched = false);
            // One that is open for writing still waits for its close, or for the end of the longest silence.
            let pending = self
                .pending
                .values_mut()
                .filter(|pending| pending.settling.is_pending() && !pending.settling.is_being_written());
            pending.for_each(|pending| pending.settling.signal(Signal::Lost, now, &pace));
        }
        let Some(watched) = self.watched.take() else { return };
        for event in events {
            let is_removal = matches!(event.kind, Kind::MovedFrom | Kind::Removed);
            if event.name.is_none() && is_removal {
                self.whole.signal(Signal::Removed, now, &pace);
            }
            let (concerned, is_elsewhere) = watched.survey.route(&self.target, &event);
            if is_elsewhere {
                self.whole.signal(Signal::Appeared, now, &pace);
            }
            for (subject, signal, role) in concerned {
                match subject {
                    Subject::Member(path) if role == Role::Target => {
                        if is_removal {
                            self.burst.removed(now, self.ledger.len());
                        }
                        self.signal(&path.into(), signal, now);
                    }
                    _ => self.whole.signal(signal, now, &pace),
                }
            }
        }
        self.watched = Some(watched);
    }

    /// A file has a key now that was another's, so what is in it is read again.
    pub(super) fn inherits(&mut self, heir: &Arc<Path>) {
        self.ledger.forget_shape(heir);
        self.signal(heir, Signal::Replaced, now());
    }

    pub(super) fn signal(&mut self, path: &Arc<Path>, signal: Signal, now: std::time::Instant) {
        let pace = self.settings.pace;
        let pending = self.pending.entry(Arc::clone(path)).or_default();
        pending.events += u64::from(signal != Signal::Metadata);
        pending.is_going = signal == Signal::Removed || (pending.is_going && signal == Signal::Metadata);
        pending.settling.signal(signal, now, &pace);
        let is_over = matches!(signal, Signal::Closed | Signal::Replaced | Signal::Removed);
        pending.is_open = pending.settling.is_being_written() || (pending.is_open && !is_over);
        pending.is_vouched = is_over || (pending.is_vouched && signal == Signal::Metadata);
    }

    /// Returns until when nothing is believed to be gone.
    pub(super) fn held_until(&self, now: std::time::Instant) -> Option<std::time::Instant> {
        self.burst.held_until(now, 0)?;
        self.burst.held_until(now, self.going())
    }

    /// Returns how many objects are about to go, as far as was told.
    pub(super) fn going(&self) -> usize {
        let going = self.pending.iter().filter(|(_, pending)| pending.is_going);
        going.map(|(path, _)| self.ledger.record(path).map_or(0, |record| record.keys().len())).sum()
    }

    /// What was read while it changed does not count, unless it changes all the time.
    pub(super) fn is_overtaken(&self, job: &Job, now: std::time::Instant) -> bool {
        let pace = &self.settings.pace;
        self.pending
            .get(&job.path)
            .is_some_and(|pending| pending.events != job.events && !pending.settling.is_forced(now, pace))
    }

    pub(super) fn due(&self, now: std::time::Instant, is_meant: impl Fn(&Path) -> bool) -> Vec<Job> {
        let pace = &self.settings.pace;
        let due = self.pending.iter().filter(|(path, pending)| {
            pending.settling.due(pace).is_some_and(|due| due <= now) && is_meant(path)
        });
        let mut due: Vec<_> = due.map(|(path, _)| Arc::clone(path)).collect();
        due.sort();
        due.truncate(MOST);
        let read = |path: &Arc<Path>| self.ledger.record(path).and_then(|record| record.read);
        due.into_iter().map(|path| self.job(Arc::clone(&path), read(&path), now)).collect()
    }

    /// A file was looked at, and nothing is awaited of it.
    pub(super) fn settled(&mut self, path: &Arc<Path>, now: std::time::Instant) {
        let pace = self.settings.pace;
        if let Some(pending) = self.pending.get_mut(path) {
            (pending.seen, pending.was_dangling, pending.is_going) = (None, false, false);
            pending.settling.looked(Verdict::Believed, now, &pace);
        }
        // Those that rest are kept for a while, to tell which of them are busy.
        if self.pending.len() > MOST {
            self.pending.retain(|_, pending| pending.settling.is_pending());
        }
    }

    /// A file was looked at, and is looked at again.
    pub(super) fn not_yet(&mut self, job: &Job, sight: &Sight, now: std::time::Instant) {
        let pace = &self.settings.pace;
        let pending = self.pending.entry(Arc::clone(&job.path)).or_default();
        match sight {
            Sight::Doubtful(verdict, seen) => {
                if seen.is_some() {
                    pending.settling.signal(Signal::Lost, now, pace);
                    pending.seen = *seen;
                }
                pending.settling.looked(*verdict, now, pace);
            }
            Sight::Dangling => {
                pending.was_dangling = true;
                pending.settling.looked(Verdict::Unstable, now, pace);
            }
            _ => self.whole.signal(Signal::Appeared, now, pace),
        }
    }

    /// Takes in what one file holds, and says what that has changed.
    pub(super) fn put(&mut self, path: &Arc<Path>, sight: Sight) -> (Vec<Delta<String>>, Moved) {
        self.revisions += 1;
        let revision = Revision::new(self.revisions.to_le_bytes());
        let ledger = &mut self.ledger;
        let before = ledger.record(path).map(|record| record.keys().to_vec()).unwrap_or_default();
        match sight {
            Sight::Failed(error) => {
                let keys = match self.layout.key_of(path) {
                    Some(Ok(key)) => vec![key],
                    _ => before,
                };
                let is_known = !keys.is_empty();
                let refused = (!is_known).then(|| Report::from(Violation::from(error.clone())));
                let moved = ledger.put(path, None, revision, keys.clone(), refused);
                let owned = keys.into_iter().filter(|key| ledger.is_owner(path, key));
                (owned.map(|key| Delta::Unreadable(key, error.clone())).collect(), moved)
            }
            Sight::Read(seen) => {
                let Seen { shape, document, holds } = *seen;
                let Holds { mut objects, mut refused, is_unread, kept } = holds;
                if is_unread {
                    // Each of them is refused for what is wrong with the whole, which may well be a `T` by itself.
                    let report = refused.clone().unwrap_or_default();
                    let piece = Piece::refused(Arc::new(Refused::new(report)));
                    if before.iter().any(|key| ledger.is_owner(path, key)) {
                        refused = None;
                    }
                    objects = before.into_iter().map(|key| (key, Some(piece.clone()))).collect();
                }
                // What is kept in spite of what was read is for the next look to tell, even if it reads the same.
                let shape = kept.is_empty().then_some(shape);
                let keys: Vec<_> = objects.iter().map(|(key, _)| key.clone()).chain(kept).collect();
                // What was read again because it was young, and is as it was, is nothing new.
                let same = ledger.record(path).filter(|record| {
                    let fingerprint = |shape: &Shape| shape.fingerprint;
                    let was = record.read.as_ref().map(fingerprint);
                    was.is_some() && was == shape.as_ref().map(fingerprint) && *record.keys() == *keys
                });
                let revision = same.map_or(revision, |record| record.revision.clone());
                let moved = ledger.put(path, shape, revision.clone(), keys, refused);
                let owned = objects.into_iter().filter(|(key, _)| ledger.is_owner(path, key));
                let told = owned.map(|(key, piece)| {
                    let object = KeyedDocument::new(key, document.clone(), revision.clone());
                    Delta::Upsert(object.piece(piece))
                });
                (told.collect(), moved)
            }
            _ => (Vec::new(), Moved::default()),
        }
    }
}

pub(super) fn now() -> std::time::Instant {
    Instant::now().into_std()
}
