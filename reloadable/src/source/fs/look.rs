//! What one target holds, as far as it is believed: events are hints, and what counts is what a look finds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::chain::{Chain, End, Identity};
use super::events::{Arrived, Deaf, Inbox, Watch, Watches};
use super::probe;
use super::read::{self, Content, Stamp};
use super::settle::{Pace, Settling, Signal, Verdict};
use super::survey::{Subject, Survey, Target, Way};
use crate::document::{Format, Origin};
use crate::error::{SourceError, SourceErrorKind};
use crate::source::Settle;

/// How a target is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pace: Pace,
    pub(super) max_wait: Duration,
    resync: Duration,
    /// How many bytes all files of the target may have.
    limit: u64,
    pub(super) probe: Probe,
}

/// Tells why the changes in a directory send no events, where they do not.
type Probe = fn(&Path) -> std::io::Result<Option<&'static str>>;

impl Settings {
    pub(crate) fn new(settle: Settle, max_wait: Duration, resync: Duration, limit: u64) -> Self {
        let reports_closes = cfg!(any(target_os = "linux", target_os = "android"));
        Self {
            pace: Pace::new(settle, max_wait, reports_closes),
            max_wait,
            resync,
            limit,
            probe: probe::remote,
        }
    }
}

/// The files of a target with their contents, in order.
pub(super) type Files = Vec<(PathBuf, Arc<[u8]>)>;

/// How a target is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    Native,
    /// With the reason, and when to look next.
    Polling {
        why: String,
        every: Duration,
        next: Instant,
    },
}

/// What is known about a target.
#[derive(Debug)]
pub(super) struct Looked {
    target: Target,
    settings: Settings,
    watches: Watches,
    survey: Survey,
    /// What is watched.
    followed: Vec<Watch>,
    members: BTreeMap<PathBuf, Member>,
    /// Pending where the target may consist of other files now.
    whole: Settling,
    pub(super) mode: Mode,
    /// What is to be watched may be something else now.
    is_elsewhere: bool,
    /// Whoever fills the directory was not done at the last look.
    is_unfinished: bool,
    /// Looking takes too long for a thread that must not block.
    is_slow: bool,
    resync_at: Option<Instant>,
    looked_at: Option<SystemTime>,
    /// One more whenever something else was found.
    version: u64,
    mounts: Vec<PathBuf>,
}

/// One file.
#[derive(Debug, Default)]
struct Member {
    settling: Settling,
    found: Option<Result<Content, SourceError>>,
    /// What is in force of it.
    published: Option<(Identity, Arc<[u8]>)>,
    /// The last look did not believe what it saw.
    is_doubtful: bool,
    /// What polling saw last; it is believed when it is still so a little later.
    seen: Option<Stamp>,
    was_dangling: bool,
}

/// What a look at one file came to.
enum Sight {
    Same,
    Read(Content),
    Failed(SourceError),
    Gone,
    /// It is not believed yet.
    Doubtful(Verdict),
    /// It is too large for a thread that must not block.
    Large,
}

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// What is due.
    Due,
    /// All that is not being changed.
    All,
    /// All, since there was time enough to come to rest.
    Forced,
}

/// Where a look takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// On one that must not block.
    Shared,
    Own,
}

/// A look that takes longer is given a thread of its own: this much is read and decoded in well under a millisecond.
const QUICK_BYTES: u64 = 64 * 1024;
const QUICK_FILES: usize = 32;

/// How often links may lead elsewhere in the middle of a look before it waits for quiet.
const TRIES: usize = 5;

/// A tree of directories may grow while it is listed; what is left then is listed at the next look.
const ROUNDS: usize = 16;

/// Polling costs a twentieth of a core at most, and is slower where nothing happens.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(2);
const SHARE: u32 = 20;

impl Looked {
    pub(super) fn new(target: Target, settings: Settings) -> Self {
        Self {
            target,
            settings,
            watches: Watches::new(),
            survey: Survey::default(),
            followed: Vec::new(),
            members: BTreeMap::new(),
            whole: Settling::default(),
            mode: Mode::Native,
            is_elsewhere: true,
            is_unfinished: false,
            is_slow: true,
            resync_at: None,
            looked_at: None,
            version: 0,
            mounts: Vec::new(),
        }
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        self.watches.inbox()
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Tells whether it has never been looked at.
    pub(super) fn is_new(&self) -> bool {
        self.resync_at.is_none()
    }

    pub(super) fn looked_at(&self) -> Option<SystemTime> {
        self.looked_at
    }

    pub(super) fn warning(&self) -> Option<&str> {
        self.survey.warning.as_deref()
    }

    /// Takes in what came.
    pub(super) fn listen(&mut self, now: Instant) {
        let signals = self.signals();
        self.apply(signals, now);
    }

    /// Tells whether part of what was found last is not believed, so that all of it has to wait.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_unfinished || self.members.values().any(|member| member.is_doubtful)
    }

    /// Returns when to look next.
    pub(super) fn due(&self) -> Option<Instant> {
        let pace = &self.settings.pace;
        let members = self.members.values().filter_map(|member| member.settling.due(pace)).min();
        let polled = match &self.mode {
            Mode::Polling { next, .. } => Some(*next),
            Mode::Native => None,
        };
        [members, self.whole.due(pace), polled].into_iter().flatten().min()
    }

    /// Tells whether an event is awaited, or quiet.
    pub(super) fn is_pending(&self) -> bool {
        self.whole.is_pending() || self.members.values().any(|member| member.settling.is_pending())
    }

    pub(super) fn is_resync_due(&self, now: Instant) -> bool {
        self.resync_at.is_none_or(|at| at <= now)
    }

    /// Tells whether other directories may have to be watched.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Tells whether the next look may be had on a thread that must not block.
    pub(super) fn is_quick(&self) -> bool {
        !self.is_slow && self.mode == Mode::Native
    }

    /// Sets what is to be followed.
    pub(super) fn follow(&mut self, target: Target) {
        self.target = target;
        self.is_elsewhere = true;
        self.is_slow = true;
        self.resync_at = None;
    }

    /// Watches what is to be watched, and only then looks at all of it. It blocks.
    pub(super) fn look_at_all(&mut self, now: Instant, scope: Scope) {
        self.mounts = probe::mounts();
        self.watch();
        self.look(now, scope, Thread::Own);
        // So that a look for another reason shortly before the time counts.
        self.resync_at = now.checked_add(self.settings.resync.mul_f64(0.8));
        let bytes: u64 = self.members.values().map(Member::size).sum();
        self.is_slow = bytes > QUICK_BYTES || self.members.len() > QUICK_FILES;
    }

    /// Looks at all of it, as often as it is worth while and no more. It blocks.
    pub(super) fn poll(&mut self, now: Instant) {
        let version = self.version;
        self.look(now, Scope::All, Thread::Own);
        let took = Instant::now().saturating_duration_since(now);
        if let Mode::Polling { every, next, .. } = &mut self.mode {
            *every = if self.version == version { every.mul_f64(1.5).min(SELDOM) } else { OFTEN };
            *every = (*every).max(took.saturating_mul(SHARE));
            *next = now + took + *every;
        }
    }

    /// Sees to it that what has moved is watched where it is now. It blocks.
    pub(super) fn catch_up(&mut self, now: Instant) {
        if self.watch() {
            // What happened before it was watched had no event.
            self.apply(vec![(Subject::Whole, Signal::Lost)], now);
        }
    }

    /// Tells whether something is watched that was not.
    fn watch(&mut self) -> bool {
        self.is_elsewhere = false;
        let mut grew = false;
        for _ in 0..ROUNDS {
            let survey = Survey::of(&self.target, &self.mounts);
            let is_new = !survey.is_watched_by(&self.followed);
            self.survey = survey;
            if let Err(why) = self.follow_survey() {
                self.watches.release();
                self.followed.clear();
                if let Mode::Polling { why: known, .. } = &mut self.mode {
                    *known = why;
                } else {
                    let next = Instant::now() + OFTEN;
                    self.mode = Mode::Polling { why, every: OFTEN, next };
                }
                return false;
            }
            self.mode = Mode::Native;
            if !is_new {
                return grew;
            }
            // A directory that was made before its parent was watched is listed now, and watched in the next round.
            grew = true;
        }
        self.is_elsewhere = true;
        grew
    }

    fn follow_survey(&mut self) -> Result<(), String> {
        for watch in self.survey.watches.iter().filter(|watch| watch.required) {
            if let Ok(Some(kind)) = (self.settings.probe)(&watch.path) {
                let path = watch.path.display();
                return Err(format!("{path} is on {kind}, which sends no events for the changes of others"));
            }
        }
        self.watches.follow(&self.survey.watches).map_err(|Deaf(why)| why)?;
        self.followed.clone_from(&self.survey.watches);
        Ok(())
    }

    /// Looks at what the scope says. A thread that must not block gives up before anything that takes long; then
    /// another look has to follow on one that may.
    pub(super) fn look(&mut self, now: Instant, scope: Scope, thread: Thread) {
        self.listen(now);
        self.looked_at = Some(SystemTime::now());
        let pace = self.settings.pace;
        let is_due = |settling: &Settling| settling.due(&pace).is_some_and(|due| due <= now);
        let is_all = scope != Scope::Due || is_due(&self.whole);
        for _ in 0..TRIES {
            if is_all || matches!(self.target, Target::Files(_)) {
                self.survey_again();
            }
            let is_chosen = |member: &Member| match scope {
                Scope::Forced => true,
                _ => is_due(&member.settling) || (is_all && !member.settling.is_pending()),
            };
            let chosen: Vec<_> = self
                .members
                .iter()
                .filter(|(_, member)| is_chosen(member))
                .map(|(path, _)| path.clone())
                .collect();
            let mut sights = Vec::with_capacity(chosen.len());
            for path in chosen {
                match self.sight(&path, now, thread) {
                    Sight::Large => {
                        self.is_slow = true;
                        return;
                    }
                    sight => sights.push((path, sight)),
                }
            }
            if !self.is_one_side() {
                continue;
            }
            let newer = self.signals();
            for (path, sight) in sights {
                self.judge(&path, sight, &newer, now);
            }
            if is_all {
                self.judge_whole(now);
            }
            self.apply(newer, now);
            return;
        }
        self.apply(vec![(Subject::Whole, Signal::Lost)], now);
    }

    /// Takes in which files there are, without watching what is new about that.
    fn survey_again(&mut self) {
        let mut survey = Survey::of(&self.target, &self.mounts);
        if !survey.is_watched_by(&self.followed) {
            self.is_elsewhere = true;
            // What is watched now still tells of itself.
            survey.keep_routes_of(&mut self.survey);
        }
        let told = |survey: &Survey| survey.refused.as_ref().map(ToString::to_string);
        self.version += u64::from(told(&survey) != told(&self.survey));
        self.survey = survey;
        self.members.retain(|path, member| {
            let is_there = self.survey.members.contains_key(path);
            if !is_there && member.found.is_some() {
                self.version += 1;
            }
            is_there
        });
        for path in self.survey.members.keys() {
            self.members.entry(path.clone()).or_default();
        }
    }

    /// Tells whether every link still leads where it led before the files were read.
    pub(super) fn is_one_side(&self) -> bool {
        self.survey.members.iter().all(|(path, way)| match way {
            Way::Straight => true,
            Way::Linked(found) => match Chain::of(path).end {
                End::Found(now) => found.as_ref() == Some(&now),
                _ => found.is_none(),
            },
        })
    }

    /// Looks at one file.
    fn sight(&mut self, path: &Path, now: Instant, thread: Thread) -> Sight {
        let left = self.room_for(path);
        let is_tree = matches!(self.target, Target::Directory(_));
        let is_polled = self.mode != Mode::Native;
        let pace = self.settings.pace;
        let Some(member) = self.members.get_mut(path) else { return Sight::Gone };
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if is_tree && error.kind() == std::io::ErrorKind::NotFound => {
                if path.symlink_metadata().is_err() {
                    return Sight::Gone;
                }
                // Kubernetes removes the links to files that are gone after it has swapped `..data`.
                return if std::mem::replace(&mut member.was_dangling, true) {
                    Sight::Failed(SourceError::io(Origin::file(path), &error))
                } else {
                    Sight::Doubtful(Verdict::Unstable)
                };
            }
            Err(error) => return Sight::Failed(SourceError::io(Origin::file(path), &error)),
        };
        member.was_dangling = false;
        let stamp = Stamp::of(&metadata);
        if let Some(Ok(content)) = &member.found {
            if content.stamp == stamp && !content.is_fresh {
                return Sight::Same;
            }
        }
        if thread == Thread::Shared && stamp.size() > QUICK_BYTES {
            return Sight::Large;
        }
        if is_polled && member.found.is_some() && member.seen.replace(stamp) != Some(stamp) {
            member.settling.signal(Signal::Lost, now, &pace);
            return Sight::Doubtful(Verdict::Suspicious);
        }
        let content = match read::stable(path, left) {
            Ok(content) => content,
            Err(error) => {
                return match error.kind() {
                    SourceErrorKind::Unstable => Sight::Doubtful(Verdict::Unstable),
                    SourceErrorKind::TooLarge if is_tree => {
                        let limit = self.settings.limit;
                        Sight::Failed(read::too_large(Origin::file(path), limit.saturating_add(1), limit))
                    }
                    _ => Sight::Failed(error),
                };
            }
        };
        let is_same = matches!(&member.found, Some(Ok(known)) if known.bytes == content.bytes);
        // Nothing told of this change, so nothing tells whether it is complete.
        if !is_same && content.is_fresh && !member.settling.is_pending() {
            return Sight::Doubtful(Verdict::Unstable);
        }
        if !is_same && member.settling.doubts(now, &pace) && member.is_suspicious(path, &content) {
            return Sight::Doubtful(Verdict::Suspicious);
        }
        Sight::Read(content)
    }

    /// The limit counts for all files together.
    fn room_for(&self, path: &Path) -> u64 {
        if self.members.len() < 2 {
            return self.settings.limit;
        }
        let others = self.members.iter().filter(|(other, _)| *other != path);
        let used: u64 = others.map(|(_, member)| member.size()).sum();
        self.settings.limit.saturating_sub(used)
    }

    fn judge(&mut self, path: &Path, sight: Sight, newer: &[(Subject, Signal)], now: Instant) {
        let pace = self.settings.pace;
        let Some(member) = self.members.get_mut(path) else { return };
        // What was read while it changed does not count, unless it changes all the time.
        let is_overtaken = newer.iter().any(|(subject, signal)| {
            matches!(subject, Subject::Member(member) if member == path)
                && matches!(signal, Signal::Written | Signal::Closed | Signal::Appeared | Signal::Removed)
        });
        if is_overtaken && member.settling.is_pending() && !member.settling.is_forced(now, &pace) {
            return;
        }
        let verdict = match sight {
            Sight::Doubtful(verdict) => {
                member.is_doubtful = true;
                member.settling.looked(verdict, now, &pace);
                return;
            }
            Sight::Same => false,
            Sight::Read(content) => {
                let is_new = !matches!(&member.found, Some(Ok(known)) if known.bytes == content.bytes);
                member.found = Some(Ok(match (&member.found, is_new) {
                    // The same bytes need no second copy.
                    (Some(Ok(known)), false) => Content { bytes: Arc::clone(&known.bytes), ..content },
                    _ => content,
                }));
                is_new
            }
            Sight::Failed(error) => {
                let is_new =
                    !matches!(&member.found, Some(Err(known)) if known.to_string() == error.to_string());
                member.found = Some(Err(error));
                is_new
            }
            Sight::Gone => {
                let member = self.members.remove(path);
                self.survey.members.remove(path);
                self.version += u64::from(member.is_some_and(|member| member.found.is_some()));
                return;
            }
            Sight::Large => return,
        };
        member.is_doubtful = false;
        member.seen = None;
        member.settling.looked(Verdict::Believed, now, &pace);
        self.version += u64::from(verdict);
    }

    fn judge_whole(&mut self, now: Instant) {
        let pace = self.settings.pace;
        // The second time it is so, whoever fills the directory has left it so.
        let is_unfinished = self.survey.is_unfinished && !self.is_unfinished;
        self.is_unfinished = is_unfinished;
        let verdict = if is_unfinished { Verdict::Unstable } else { Verdict::Believed };
        self.whole.looked(verdict, now, &pace);
    }

    /// What came, by what it concerns.
    fn signals(&mut self) -> Vec<(Subject, Signal)> {
        let Arrived { events, lost } = self.watches.inbox().take();
        if lost {
            self.is_elsewhere = true;
            return vec![(Subject::Whole, Signal::Lost)];
        }
        let mut signals = Vec::new();
        for event in events {
            let (concerned, is_elsewhere) = self.survey.route(&self.target, &event);
            self.is_elsewhere |= is_elsewhere;
            signals.extend(concerned);
        }
        signals
    }

    fn apply(&mut self, signals: Vec<(Subject, Signal)>, now: Instant) {
        let pace = self.settings.pace;
        for (subject, signal) in signals {
            match subject {
                Subject::Member(path) => {
                    self.members.entry(path).or_default().settling.signal(signal, now, &pace);
                }
                Subject::Whole => {
                    self.whole.signal(signal, now, &pace);
                    for member in self.members.values_mut() {
                        member.settling.signal(signal, now, &pace);
                    }
                }
            }
        }
    }

    /// Returns what was found: all files, or what stands in the way.
    pub(super) fn found(&self) -> Result<Files, SourceError> {
        if let Some(error) = &self.survey.refused {
            return Err(error.clone());
        }
        let mut files = Vec::with_capacity(self.members.len());
        for (path, member) in &self.members {
            match &member.found {
                Some(Ok(content)) => files.push((path.clone(), Arc::clone(&content.bytes))),
                Some(Err(error)) => return Err(error.clone()),
                None => {}
            }
        }
        Ok(files)
    }

    /// Returns what was found of one file.
    pub(super) fn found_of(&self, path: &Path) -> Option<Result<Arc<[u8]>, SourceError>> {
        let found = self.members.get(path)?.found.as_ref()?;
        Some(found.as_ref().map(|content| Arc::clone(&content.bytes)).map_err(Clone::clone))
    }

    /// What was found is in force now.
    pub(super) fn accept(&mut self, files: &Files) {
        for (path, bytes) in files {
            let Some(member) = self.members.get_mut(path) else { continue };
            let identity = match (&member.found, &member.published) {
                (Some(Ok(content)), _) => content.stamp.identity,
                (_, Some((identity, _))) => *identity,
                _ => continue,
            };
            member.published = Some((identity, Arc::clone(bytes)));
        }
    }
}

impl Member {
    fn size(&self) -> u64 {
        match &self.found {
            Some(Ok(content)) => content.bytes.len() as u64,
            _ => 0,
        }
    }

    /// A file that is written anew in its place is shorter for a moment, or ends in the middle of a line. JSON tells
    /// by itself that its end is missing.
    fn is_suspicious(&self, path: &Path, content: &Content) -> bool {
        let Some((identity, published)) = &self.published else { return false };
        if *identity != content.stamp.identity {
            return false;
        }
        let (old, new) = (published, &content.bytes);
        let lost_its_newline = old.ends_with(b"\n") && !new.ends_with(b"\n");
        new.is_empty()
            || (Format::from_path(path) != Some(Format::Json) && (new.len() < old.len() || lost_its_newline))
    }
}
