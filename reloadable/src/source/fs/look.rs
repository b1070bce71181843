//! What one target holds, as far as it is believed: events are hints, and what counts is what a look finds.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::chain::Role;
use super::events::Follow;
use super::inbox::{Arrived, Inbox, Kind};
use super::member::{Glance, Member, Scope, Sight, Thread};
use super::mode::Mode;
use super::probe;
use super::read::{self, Content, Found};
use super::settings::{QUICK_BYTES, QUICK_ENTRIES, QUICK_FILES, Settings};
use super::settle::{Settling, Signal, Verdict};
use super::survey::{Links, Subject, Survey, Target, Way};
use super::watched::Watched;
use crate::error::SourceError;

/// What is known about a target.
#[derive(Debug)]
pub(super) struct Looked {
    settings: Settings,
    watched: Watched,
    /// The directory from which is what is believed.
    root: Option<(PathBuf, Way)>,
    /// Why the directory could not be listed at the last look.
    refused: Option<String>,
    members: BTreeMap<PathBuf, Member>,
    /// Pending where the target may consist of other files now.
    whole: Settling,
    /// The way to a file may be another since the last survey.
    is_unsurveyed: bool,
    /// The files that were swapped with a link or a directory on the way to them, since the last look. What is told of
    /// them in the old place is of no interest, as that Kubernetes removes it.
    swapped: HashSet<PathBuf>,
    /// Something has to be watched anew, after the next look.
    is_forgotten: bool,
    /// Whoever fills the directory was not done at the last look.
    is_unfinished: bool,
    /// Looking takes too long for a thread that must not block.
    is_slow: bool,
    resync_at: Option<Instant>,
    looked_at: Option<SystemTime>,
    /// One more whenever something else was found.
    version: u64,
}

/// How often links may lead elsewhere in the middle of a look before it waits for quiet.
const TRIES: usize = 5;

impl Looked {
    pub(super) fn new(target: Target, settings: Settings) -> Self {
        Self {
            watched: Watched::new(target, settings.probe),
            settings,
            root: None,
            refused: None,
            members: BTreeMap::new(),
            whole: Settling::default(),
            is_unsurveyed: true,
            swapped: HashSet::new(),
            is_forgotten: false,
            is_unfinished: false,
            is_slow: true,
            resync_at: None,
            looked_at: None,
            version: 0,
        }
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        self.watched.watches.inbox()
    }

    pub(super) fn mode(&self) -> &Mode {
        &self.watched.mode
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    #[cfg(test)]
    pub(super) fn set_probe(&mut self, probe: super::settings::Probe) {
        self.watched.probe = probe;
    }

    /// Tells whether it has never been looked at.
    pub(super) fn is_new(&self) -> bool {
        self.resync_at.is_none()
    }

    pub(super) fn looked_at(&self) -> Option<SystemTime> {
        self.looked_at
    }

    pub(super) fn warning(&self) -> Option<&str> {
        self.watched.survey.warning.as_deref()
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
        let polled = match &self.watched.mode {
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
        self.watched.is_elsewhere
    }

    /// Tells whether the next look may be had on a thread that must not block.
    pub(super) fn is_quick(&self) -> bool {
        !self.is_slow && self.watched.mode == Mode::Native
    }

    /// Sets what is to be followed. What belongs to it no more is forgotten without being news.
    pub(super) fn follow(&mut self, target: Target) {
        if let Target::Files(paths) = &target {
            let paths: HashSet<_> = paths.iter().collect();
            self.members.retain(|path, _| paths.contains(path));
        }
        self.watched.target = target;
        self.watched.is_elsewhere = true;
        self.is_unsurveyed = true;
        self.is_slow = true;
        self.resync_at = None;
    }

    /// Watches what is to be watched, and only then looks at all of it. It blocks.
    pub(super) fn look_at_all(&mut self, now: Instant, scope: Scope) {
        self.watched.mounts = probe::mounts();
        self.watched.watch(Follow::Renewed);
        self.look(now, scope, Thread::Own);
        // So that a look for another reason shortly before the time counts.
        self.resync_at = now.checked_add(self.settings.resync.mul_f64(0.8));
        let bytes: u64 = self.members.values().map(Member::size).sum();
        self.is_slow = bytes > QUICK_BYTES
            || self.members.len() > QUICK_FILES
            || self.watched.survey.entries > QUICK_ENTRIES;
    }

    /// Looks at all of it, as often as it is worth while and no more. It blocks.
    pub(super) fn poll(&mut self, now: Instant) {
        let version = self.version;
        self.look(now, Scope::All, Thread::Own);
        let took = Instant::now().saturating_duration_since(now);
        self.watched.mode.polled(self.version != version, now, took);
    }

    /// Sees to it that what has moved is watched where it is now. It blocks.
    pub(super) fn catch_up(&mut self, now: Instant) {
        if self.watched.watch(Follow::New) {
            // What happened before it was watched had no event.
            self.apply(vec![(Subject::Whole, Signal::Appeared)], now);
        }
    }

    /// Looks at what the scope says. A thread that must not block gives up before anything that takes long; then
    /// another look has to follow on one that may.
    pub(super) fn look(&mut self, now: Instant, scope: Scope, thread: Thread) {
        self.listen(now);
        self.looked_at = Some(SystemTime::now());
        let pace = self.settings.pace;
        let is_due = |settling: &Settling| settling.due(&pace).is_some_and(|due| due <= now);
        let mut is_all = scope != Scope::Due || is_due(&self.whole);
        for _ in 0..TRIES {
            if is_all || self.is_unsurveyed {
                self.survey_again();
            }
            if self.is_slow && thread == Thread::Shared {
                return;
            }
            // What is believed is from elsewhere, so none of it may be mixed with what is here.
            let is_moved = self.watched.survey.root != self.root;
            is_all |= is_moved;
            let is_chosen = |path: &PathBuf, member: &Member| match scope {
                Scope::Forced => true,
                _ if is_moved
                    || member.way.is_some()
                        && member.way.as_ref() != self.watched.survey.members.get(path) =>
                {
                    true
                }
                Scope::Asked => !member.settling.is_being_written(),
                _ => is_due(&member.settling) || (is_all && !member.settling.is_pending()),
            };
            let chosen: Vec<_> = self
                .members
                .iter()
                .filter(|(path, member)| is_chosen(path, member))
                .map(|(path, _)| path.clone())
                .collect();
            let Some(sights) = self.sights(chosen, now, scope, thread) else {
                self.is_slow = true;
                return;
            };
            self.is_unsurveyed |= sights.iter().any(|(_, sight)| matches!(sight, Sight::Elsewhere));
            if self.is_unsurveyed || !self.is_one_side() {
                self.is_unsurveyed = true;
                continue;
            }
            let newer = self.signals();
            for (path, sight) in sights {
                self.judge(&path, sight, &newer, now);
            }
            if is_all {
                self.root.clone_from(&self.watched.survey.root);
                self.judge_whole(now);
            }
            self.apply(newer, now);
            self.swapped.clear();
            self.watched.is_elsewhere |= std::mem::take(&mut self.is_forgotten);
            return;
        }
        self.apply(vec![(Subject::Whole, Signal::Lost)], now);
    }

    /// Takes in which files there are, without watching what is new about that.
    fn survey_again(&mut self) {
        let mut survey = Survey::of(&self.watched.target, &self.watched.mounts);
        if !survey.is_watched_by(&self.watched.followed) {
            self.watched.is_elsewhere = true;
            // What is watched now still tells of itself.
            survey.keep_routes_of(&mut self.watched.survey);
        }
        let refused = survey.obstacle().map(ToString::to_string);
        self.version += u64::from(refused != self.refused);
        self.refused = refused;
        self.is_slow |= survey.entries > QUICK_ENTRIES;
        self.watched.survey = survey;
        self.is_unsurveyed = false;
        self.members.retain(|path, member| {
            let is_there = self.watched.survey.members.contains_key(path);
            if !is_there && member.found.is_some() {
                self.version += 1;
            }
            is_there
        });
        for path in self.watched.survey.members.keys() {
            self.members.entry(path.clone()).or_default();
        }
    }

    /// Tells whether every link still leads where it led before the files were read.
    fn is_one_side(&self) -> bool {
        // One file has only one side.
        let is_alone = self.watched.survey.root.is_none() && self.members.len() < 2;
        is_alone
            || (self.watched.survey.root.iter().all(|(path, way)| way.is_still(path))
                && self.watched.survey.members.iter().all(|(path, way)| way.is_still(path)))
    }

    /// Returns where the links led on the way to what is believed of the files. By now another survey may know more.
    pub(super) fn links(&self) -> Links {
        let ways = self.members.iter().filter_map(|(path, member)| Some((path, member.way.as_ref()?)));
        let linked = ways.filter(|(_, way)| **way != Way::Straight);
        linked.map(|(path, way)| (path.clone(), way.clone())).chain(self.root.clone()).collect()
    }

    /// Tells whether there is a file of which nothing was ever believed.
    pub(super) fn lacks_any(&self) -> bool {
        self.is_new() || self.members.values().any(|member| member.found.is_none())
    }

    /// Looks at files, as far as this thread may.
    fn sights(
        &mut self,
        chosen: Vec<PathBuf>,
        now: Instant,
        scope: Scope,
        thread: Thread,
    ) -> Option<Vec<(PathBuf, Sight)>> {
        let mut used: u64 = self.members.values().map(Member::size).sum();
        let mut glance = Glance {
            now,
            pace: self.settings.pace,
            is_in_directory: matches!(self.watched.target, Target::Directory(_)),
            is_patient: self.settings.is_patient,
            is_polled: self.watched.mode != Mode::Native,
            is_straight: false,
            is_forced: scope == Scope::Forced,
            largest: if thread == Thread::Shared { QUICK_BYTES } else { u64::MAX },
            limit: self.settings.limit,
            left: self.settings.limit,
        };
        let mut sights = Vec::with_capacity(chosen.len());
        for path in chosen {
            let Some(member) = self.members.get_mut(&path) else { continue };
            glance.is_straight = self.watched.survey.members.get(&path) == Some(&Way::Straight);
            used -= member.size();
            // The limit counts for all files together.
            glance.left = self.settings.limit.saturating_sub(used);
            let sight = member.sight(&path, &glance);
            used += match &sight {
                Sight::Large => return None,
                Sight::Read(content) => content.bytes.len() as u64,
                _ => member.size(),
            };
            sights.push((path, sight));
        }
        Some(sights)
    }

    fn judge(&mut self, path: &Path, sight: Sight, newer: &[(Subject, Signal)], now: Instant) {
        let Some(member) = self.members.get_mut(path) else { return };
        // What was read while it changed does not count.
        let is_overtaken = newer.iter().any(|(subject, signal)| {
            matches!(subject, Subject::Member(member) if member == path)
                && matches!(signal, Signal::Written | Signal::Closed | Signal::Appeared | Signal::Removed)
        });
        if matches!(sight, Sight::Gone) {
            self.version += u64::from(member.found.is_some());
            self.members.remove(path);
            self.watched.survey.members.remove(path);
            return;
        }
        let way = self.watched.survey.members.get(path).cloned();
        if member.judge(sight, way, is_overtaken, now, &self.settings.pace) {
            self.version += 1;
        }
    }

    fn judge_whole(&mut self, now: Instant) {
        let pace = self.settings.pace;
        // The second time it is so, whoever fills the directory has left it so.
        let may_return = self.settings.is_patient
            && !self.is_new()
            && self.watched.survey.is_missing()
            && !self.whole.is_forced(now, &pace);
        let is_unfinished = self.watched.survey.is_unfinished && !self.is_unfinished || may_return;
        self.is_unfinished = is_unfinished;
        let verdict = if is_unfinished { Verdict::Unstable } else { Verdict::Believed };
        self.whole.looked(verdict, now, &pace);
    }

    /// What came, by what it concerns.
    fn signals(&mut self) -> Vec<(Subject, Signal)> {
        let Arrived { events, lost } = self.watched.watches.inbox().take();
        if lost {
            self.watched.is_elsewhere = true;
            self.is_unsurveyed = true;
            return vec![(Subject::Whole, Signal::Lost)];
        }
        let mut signals = Vec::new();
        for event in events {
            // Its watch is gone. There is time until the look that this leads to, and then there may be another.
            self.is_forgotten |=
                event.name.is_none() && matches!(event.kind, Kind::MovedFrom | Kind::Removed);
            let (concerned, is_elsewhere) = self.watched.survey.route(&self.watched.target, &event);
            self.watched.is_elsewhere |= is_elsewhere;
            for (subject, signal, role) in concerned {
                self.is_unsurveyed |= role != Role::Target;
                // A file that was linked to another name says so by its metadata; to watch it there is not urgent.
                self.is_forgotten |= signal == Signal::Metadata;
                if let Subject::Member(path) = &subject {
                    if role != Role::Target && signal == Signal::Replaced {
                        self.swapped.insert(path.clone());
                    } else if signal == Signal::Removed && self.swapped.contains(path) {
                        continue;
                    }
                }
                signals.push((subject, signal));
            }
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
                Subject::Below(directory) => {
                    self.whole.signal(signal, now, &pace);
                    let below = self.members.iter_mut().filter(|(path, _)| path.starts_with(&directory));
                    below.for_each(|(_, member)| member.settling.signal(signal, now, &pace));
                }
                Subject::Whole => {
                    self.whole.signal(signal, now, &pace);
                    for (path, member) in &mut self.members {
                        if signal != Signal::Removed || !self.swapped.contains(path) {
                            member.settling.signal(signal, now, &pace);
                        }
                    }
                }
            }
        }
    }

    /// Returns what was found of every file, or what stands in the way of all. Where everything is to be told, what could
    /// not be read yet is an error; otherwise a file that has just come to a directory is left out until it can be.
    pub(super) fn found(&self, everything: bool) -> Result<Found, SourceError> {
        if let Some(error) = self.watched.survey.obstacle() {
            return Err(error.clone());
        }
        let everything = everything || matches!(self.watched.target, Target::Files(_));
        let found = self.members.iter().filter_map(|(path, member)| {
            let found = match &member.found {
                Some(found) => found.as_ref().map(Content::held).map_err(Clone::clone),
                None if everything => Err(read::unstable(path)),
                None => return None,
            };
            Some((path.clone(), found))
        });
        Ok(found.collect())
    }

    /// These bytes of a file are in force now.
    pub(super) fn accept(&mut self, path: &Path, bytes: &Arc<[u8]>) {
        if let Some(member) = self.members.get_mut(path) {
            member.accept(bytes);
        }
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::source::Settle;
    use crate::source::fs::directory::Directory;

    #[test]
    fn a_directory_that_comes_says_nothing_of_a_file_beside_it_that_is_being_written() {
        let place = tempfile::tempdir().unwrap();
        let (root, new) = (place.path().join("root"), place.path().join("new"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("a.toml"), "a = 1\n").unwrap();
        fs::create_dir(&new).unwrap();
        let directory = Directory::new(root.clone(), &["**/*.toml".to_owned()]).unwrap();
        let settings = Settings::new(Settle::Balanced, Duration::from_secs(1), Duration::from_secs(30), 1024);
        let mut looked = Looked::new(Target::Directory(directory), settings);
        let now = Instant::now();
        // The first look does not believe a file that was only just written.
        looked.look_at_all(now, Scope::Forced);
        looked.look_at_all(now, Scope::Forced);
        let content = |looked: &Looked| looked.found(false).unwrap().remove(0).1.unwrap().bytes;
        looked.accept(&root.join("a.toml"), &content(&looked));
        assert!(!looked.is_elsewhere());

        let _open = fs::File::create(root.join("a.toml")).unwrap();
        fs::rename(&new, root.join("new")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !looked.is_elsewhere() {
            assert!(Instant::now() < deadline, "the directory was seen in time");
            std::thread::yield_now();
            looked.listen(now);
        }
        assert_eq!(looked.due(), Some(now), "the directory is complete");
        looked.look(now, Scope::Due, Thread::Own);
        assert_eq!(content(&looked)[..], *b"a = 1\n");
        assert!(looked.is_pending(), "the file waits for its close");
    }
}
