//! A target that is followed: it waits for events and for time, and looks where that may block.

use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::inbox::Inbox;
use super::look::Looked;
use super::member::{Scope, Thread};
use super::mode::Mode;
use super::read::{Files, Found, Held};
use super::settings::Settings;
use super::survey::{self, Links, Target};
use crate::document::Revision;
use crate::error::SourceError;
use crate::source::{Asked, Health, Hint};

/// A target, what was found of it, and what of that was offered.
#[derive(Debug)]
pub(super) struct Unit {
    target: Target,
    settings: Settings,
    /// Away while a look is under way.
    looked: Option<Box<Looked>>,
    /// A look that was given up waiting for. Another one does not start before it ends, so that a file system that
    /// hangs costs one thread and no more.
    looking: Option<JoinHandle<Box<Looked>>>,
    inbox: Arc<Inbox>,
    /// What was offered last.
    offered: Option<Offered>,
    health: Health,
    revisions: u64,
    /// How many looks have panicked, each of which has lost what was known.
    lost: u64,
    /// It follows something that it has not looked at.
    is_moved: bool,
}

#[derive(Debug)]
struct Offered {
    /// That of the look, and how many were lost before it: one that begins anew also counts its versions anew.
    version: (u64, u64),
    revision: Revision,
    found: Result<Found, SourceError>,
    /// Where the links on the way to the files led.
    links: Links,
}

/// What is to be done next.
enum Next {
    Look(Scope),
    LookAtAll(Scope),
    Poll,
    CatchUp,
    Wait(Option<std::time::Instant>),
}

impl Unit {
    pub(super) fn new(target: Target, settings: Settings) -> Self {
        let looked = Box::new(Looked::new(target.clone(), settings.clone()));
        let inbox = Arc::clone(looked.inbox());
        Self {
            target,
            settings,
            looked: Some(looked),
            looking: None,
            inbox,
            offered: None,
            health: Health::default(),
            revisions: 0,
            lost: 0,
            is_moved: false,
        }
    }

    /// Says how changes are noticed at present.
    pub(super) fn health(&self) -> Health {
        self.health.clone()
    }

    /// Sets what is to be followed from now on. What is followed no longer is no news; what is followed anew is known
    /// after the next look.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, nothing has changed.
    pub(super) async fn follow(&mut self, target: Target) {
        // What a look under way has found of the files that stay is kept.
        self.join().await;
        self.is_moved = true;
        self.target = target;
        if let Some(looked) = &mut self.looked {
            looked.follow(self.target.clone());
        }
    }

    /// Returns the files, with the mark of this state of them; nothing if that is what is known.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a look that was under way is the answer to the next call.
    pub(super) async fn fetch(
        &mut self,
        known: Option<&Revision>,
        asked: Asked,
    ) -> Result<Option<(Files, Revision)>, SourceError> {
        let revision = self.look(asked).await;
        let Some(Offered { found, .. }) = &self.offered else { return Ok(None) };
        let found = found.as_ref().map_err(Clone::clone)?;
        if let Some(error) = found.iter().find_map(|(_, found)| found.as_ref().err()) {
            return Err(error.clone());
        }
        if known == Some(&revision) {
            return Ok(None);
        }
        let files = found.iter().filter_map(|(path, found)| Some((path.clone(), found.clone().ok()?)));
        Ok(Some((files.collect(), revision)))
    }

    /// Looks, and returns the mark of what was found: of all files, also where some of them cannot be read.
    ///
    /// # Cancel safety
    ///
    /// As [`fetch`](Self::fetch).
    pub(super) async fn look(&mut self, asked: Asked) -> Revision {
        if asked == Asked::Manual || self.offered.is_none() {
            self.look_until_settled().await;
        } else {
            self.look_at_what_is_due().await;
            if self.is_moved {
                self.look_until_known().await;
            }
        }
        self.is_moved = false;
        self.offer()
    }

    /// What was offered with this mark is in force now.
    pub(super) fn accepted(&mut self, revision: &Revision) {
        if let (Some(looked), Some(offered)) = (&mut self.looked, &self.offered) {
            if let (true, Ok(found)) = (offered.revision == *revision, &offered.found) {
                for (path, held) in
                    found.iter().filter_map(|(path, found)| Some((path, found.as_ref().ok()?)))
                {
                    looked.accept(path, &held.bytes);
                }
            }
        }
    }

    /// Resolves when something else was found than what was offered last, with a hint, or when it was only looked.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn changed(&mut self) -> Option<Hint> {
        let before = self.health.clone();
        while !self.has_news() {
            if self.health != before {
                return None;
            }
            let next = self.next(None);
            self.step(next, None).await;
        }
        Some(Hint::Complete)
    }

    /// Tells whether what was offered last is still from one side of whatever may be swapped.
    pub(super) fn is_one_side(&self) -> bool {
        self.offered.as_ref().is_none_or(|offered| survey::lead_there(&offered.links))
    }

    /// Returns what was offered last of one file.
    pub(super) fn offered_of(&self, path: &Path) -> Option<&Result<Held, SourceError>> {
        let found = self.offered.as_ref()?.found.as_ref().ok()?;
        let at = found.binary_search_by(|(known, _)| known.as_path().cmp(path)).ok()?;
        found.get(at).map(|(_, found)| found)
    }

    fn has_news(&self) -> bool {
        let offered = self.offered.as_ref().map(|offered| offered.version);
        self.looked.as_ref().is_some_and(|looked| {
            // What was never looked at holds nothing yet.
            !looked.is_new()
                && !looked.is_doubtful()
                && offered.is_some_and(|offered| offered != self.version(looked))
        })
    }

    fn version(&self, looked: &Looked) -> (u64, u64) {
        (self.lost, looked.version())
    }

    /// Somebody asks for what is there now, so it is given time to come to rest, but not for ever.
    async fn look_until_settled(&mut self) {
        let deadline = Instant::now() + self.settings.asked_wait;
        let mut next = Next::LookAtAll(Scope::Asked);
        loop {
            self.join().await;
            self.step(next, Some(deadline)).await;
            self.join().await;
            let is_settled = self.looked.as_ref().is_some_and(|looked| !looked.is_pending());
            if is_settled {
                return;
            }
            if Instant::now() >= deadline {
                break;
            }
            next = self.next(Some(deadline));
        }
        self.step(Next::LookAtAll(Scope::Forced), None).await;
        self.join().await;
    }

    /// What is followed anew may be in the middle of a change; it is given as long as anything else.
    async fn look_until_known(&mut self) {
        let deadline = Instant::now() + self.settings.asked_wait;
        while self.looked.as_ref().is_some_and(|looked| looked.lacks_any()) {
            if Instant::now() >= deadline {
                self.step(Next::LookAtAll(Scope::Forced), None).await;
                return self.join().await;
            }
            let next = self.next(Some(deadline));
            self.step(next, Some(deadline)).await;
            self.join().await;
        }
    }

    async fn look_at_what_is_due(&mut self) {
        self.join().await;
        let now = Instant::now().into_std();
        let is_resync = self.looked.as_ref().is_some_and(|looked| looked.is_resync_due(now));
        let next = if is_resync { Next::LookAtAll(Scope::All) } else { self.next(None) };
        if !matches!(next, Next::Wait(_) | Next::CatchUp) {
            self.step(next, None).await;
            self.join().await;
            // A look that must not block may have found that it has to.
            let next = self.next(None);
            if matches!(next, Next::Look(_)) {
                self.step(next, None).await;
                self.join().await;
            }
        }
    }

    /// Waits for a look that is under way.
    async fn join(&mut self) {
        if let Some(looking) = &mut self.looking {
            let looked = looking.await;
            self.looking = None;
            // A look does not panic; if one did, everything is looked at anew.
            let looked = looked.unwrap_or_else(|_| {
                self.lost += 1;
                self.anew()
            });
            self.inbox = Arc::clone(looked.inbox());
            self.looked = Some(looked);
        }
        self.check_health();
    }

    fn anew(&self) -> Box<Looked> {
        Box::new(Looked::new(self.target.clone(), self.settings.clone()))
    }

    /// Decides what to do now.
    fn next(&mut self, until: Option<Instant>) -> Next {
        let now = Instant::now().into_std();
        let Some(looked) = &mut self.looked else { return Next::Wait(None) };
        looked.listen(now);
        if looked.is_new() {
            return Next::LookAtAll(Scope::All);
        }
        let due = looked.due();
        if due.is_some_and(|due| due <= now) {
            return if *looked.mode() == Mode::Native { Next::Look(Scope::Due) } else { Next::Poll };
        }
        // After what is due, since nobody waits for it.
        if looked.is_elsewhere() && *looked.mode() == Mode::Native {
            return Next::CatchUp;
        }
        let until = until.map(Instant::into_std);
        Next::Wait([due, until].into_iter().flatten().min())
    }

    async fn step(&mut self, next: Next, until: Option<Instant>) {
        if self.looking.is_some() {
            return self.join().await;
        }
        let now = Instant::now().into_std();
        match next {
            Next::Wait(due) => {
                let due = due.map(Instant::from_std).into_iter().chain(until).min();
                match due {
                    // Whether it was an event or the time is found out next.
                    Some(due) => {
                        let _ = timeout_at(due, self.inbox.woken()).await;
                    }
                    None => self.inbox.woken().await,
                }
            }
            Next::Look(scope) if self.looked.as_ref().is_some_and(|looked| looked.is_quick()) => {
                if let Some(looked) = &mut self.looked {
                    looked.look(now, scope, Thread::Shared);
                }
                self.check_health();
            }
            Next::Look(scope) => self.start(move |looked| looked.look(now, scope, Thread::Own)),
            Next::LookAtAll(scope) => self.start(move |looked| looked.look_at_all(now, scope)),
            Next::Poll => self.start(move |looked| looked.poll(now)),
            Next::CatchUp => self.start(move |looked| looked.catch_up(now)),
        }
    }

    /// Looks on a thread that may block.
    fn start(&mut self, look: impl FnOnce(&mut Looked) + Send + 'static) {
        if let Some(mut looked) = self.looked.take() {
            self.looking = Some(tokio::task::spawn_blocking(move || {
                look(&mut looked);
                looked
            }));
        }
    }

    fn check_health(&mut self) {
        let Some(looked) = &self.looked else { return };
        self.health = Health {
            polls: match looked.mode() {
                Mode::Native => None,
                Mode::Polling { why, .. } => Some(why.clone()),
            },
            warning: looked.warning().map(str::to_owned),
            looked_at: looked.looked_at(),
        };
    }

    /// Takes in what was found, unless part of it is not believed. Returns the mark of what is offered.
    fn offer(&mut self) -> Revision {
        let has_news = self.has_news();
        let known = self.offered.take();
        let Some(looked) = &self.looked else {
            let revision = known.as_ref().map_or_else(|| Revision::new([]), |known| known.revision.clone());
            self.offered = known;
            return revision;
        };
        let offered = match known {
            Some(mut known) if !has_news => {
                if !looked.is_doubtful() {
                    // The same files may be reached by other ways now.
                    known.links = looked.links();
                }
                known
            }
            known => {
                let found = looked.found(known.is_none());
                let same = known.filter(|known| is_same(&known.found, &found)).map(|known| known.revision);
                let revision = same.unwrap_or_else(|| {
                    self.revisions += 1;
                    Revision::new(self.revisions.to_le_bytes())
                });
                Offered { version: self.version(looked), revision, found, links: looked.links() }
            }
        };
        self.offered.insert(offered).revision.clone()
    }
}

/// Tells whether all files could be read and hold the same.
fn is_same(before: &Result<Found, SourceError>, now: &Result<Found, SourceError>) -> bool {
    let (Ok(before), Ok(now)) = (before, now) else { return false };
    before.len() == now.len()
        && before.iter().zip(now).all(|((path, before), (other, now))| {
            path == other && matches!((before, now), (Ok(before), Ok(now)) if before == now)
        })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::source::Settle;

    fn settings() -> Settings {
        Settings::new(Settle::Balanced, Duration::from_secs(1), Duration::from_secs(30), 1 << 20)
    }

    fn contents(fetched: Result<Option<(Files, Revision)>, SourceError>) -> Vec<Vec<u8>> {
        let (files, _) = fetched.unwrap().expect("there is something new");
        files.into_iter().map(|(_, held)| held.bytes.to_vec()).collect()
    }

    async fn news(unit: &mut Unit) -> Vec<Vec<u8>> {
        let news = async { while unit.changed().await.is_none() {} };
        tokio::time::timeout(Duration::from_secs(20), news).await.expect("it was seen in time");
        contents(unit.fetch(None, Asked::Automatic).await)
    }

    #[tokio::test]
    async fn a_remote_file_system_is_polled_from_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        fs::write(&path, "a = 1\n").unwrap();
        let settings = Settings { probe: |_| Ok(Some("NFS")), ..settings() };
        let mut unit = Unit::new(Target::Files(vec![path.clone()]), settings);
        assert_eq!(contents(unit.fetch(None, Asked::Manual).await), [b"a = 1\n"]);
        assert!(unit.health().polls.is_some_and(|why| why.contains("is on NFS")));

        fs::write(&path, "a = 2\n").unwrap();
        assert_eq!(news(&mut unit).await, [b"a = 2\n"]);
        // As large as before, and as old: only the time that nobody can set tells.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut &file, b"a = 3\n").unwrap();
        file.set_modified(modified).unwrap();
        drop(file);
        assert_eq!(news(&mut unit).await, [b"a = 3\n"]);
        // Older than before.
        let other = directory.path().join("other");
        fs::write(&other, "a = 4\n").unwrap();
        fs::File::options().write(true).open(&other).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(news(&mut unit).await, [b"a = 4\n"]);
    }

    #[tokio::test]
    async fn native_events_come_back_at_a_resync() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        fs::write(&path, "a = 1\n").unwrap();
        let settings = Settings { probe: |_| Ok(Some("NFS")), ..settings() };
        let mut unit = Unit::new(Target::Files(vec![path.clone()]), settings.clone());
        unit.fetch(None, Asked::Manual).await.unwrap();
        assert!(unit.health().polls.is_some());
        let mut looked = unit.looked.take().unwrap();
        looked.set_probe(|_| Ok(None));
        unit.looked = Some(looked);
        unit.fetch(None, Asked::Manual).await.unwrap();
        assert_eq!(unit.health().polls, None);
        fs::write(&path, "a = 2\n").unwrap();
        assert_eq!(news(&mut unit).await, [b"a = 2\n"]);
    }

    #[tokio::test]
    async fn what_changed_before_a_look_panicked_is_still_news() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        fs::write(&path, "a = 1\n").unwrap();
        let mut unit = Unit::new(Target::Files(vec![path.clone()]), settings());
        let Ok(Some((_, first))) = unit.fetch(None, Asked::Manual).await else { panic!("it is there") };
        unit.accepted(&first);
        let mut looked = unit.looked.take().unwrap();
        looked.set_probe(|_| panic!("a look panicked"));
        unit.looked = Some(looked);
        fs::write(&path, "a = 2\n").unwrap();
        assert!(matches!(unit.fetch(Some(&first), Asked::Manual).await, Ok(None)));
        assert_eq!(news(&mut unit).await, [b"a = 2\n"]);
    }

    #[tokio::test]
    async fn a_look_that_finds_nothing_new_is_no_news() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        fs::write(&path, "a = 1\n").unwrap();
        let mut unit = Unit::new(Target::Files(vec![path.clone()]), settings());
        let Ok(Some((_, first))) = unit.fetch(None, Asked::Manual).await else { panic!("it is there") };
        unit.accepted(&first);
        fs::write(&path, "a = 1\n").unwrap();
        assert_eq!(unit.changed().await, None);
        assert!(matches!(unit.fetch(Some(&first), Asked::Automatic).await, Ok(None)));
        fs::write(&path, "a = 2\n").unwrap();
        assert_eq!(news(&mut unit).await, [b"a = 2\n"]);
    }

    #[tokio::test]
    async fn a_file_that_shrinks_in_its_place_is_believed_only_after_quiet() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.toml");
        fs::write(&path, "a = 1\nb = 1\n").unwrap();
        let mut unit = Unit::new(Target::Files(vec![path.clone()]), settings());
        let Ok(Some((_, first))) = unit.fetch(None, Asked::Manual).await else { panic!("it is there") };
        unit.accepted(&first);
        let began = Instant::now();
        fs::write(&path, "a = 1\n").unwrap();
        assert_eq!(news(&mut unit).await, [b"a = 1\n"]);
        assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    }
}
