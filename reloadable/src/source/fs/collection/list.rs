//! Looks at all files, and tells a list of what is different since the last one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::document::Revision;
use crate::error::{SourceError, SourceErrorKind};
use crate::source::fs::events::Follow;
use crate::source::fs::mode::Mode;
use crate::source::fs::probe;
use crate::source::fs::settle::{Signal, Verdict};
use crate::source::fs::survey::{Target, Way};
use crate::source::{Delta, Known, Listed, Listing};

use super::follow::{Follower, now};
use super::ledger::{Ledger, Record};
use super::sight::{Glance, Job, Sight};

/// So many files are looked at by one task.
const CHUNK: usize = 64;
/// So many tasks look at a time, however many processors there are.
const WIDEST: usize = 4;
/// For how long files are waited for that are being written when everything is listed first.
const LONGEST: Duration = Duration::from_secs(1);

impl Follower {
    /// Hands over every object.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped, it has changed nothing but what is watched.
    pub(super) async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.join().await;
        while self.read_under_way().await.is_some() {}
        let began = std::time::Instant::now();
        self.whole.looked(Verdict::Believed, began, &self.settings.pace);
        let members = self.survey().await?;
        let known = listing.all_known();
        let mut next = Ledger::with_capacity(members.len());
        let mut members = members.into_iter();
        let width = available_parallelism().map_or(1, |width| width.get().min(WIDEST));
        loop {
            while self.reading.len() < width {
                let chunk: Vec<_> = members.by_ref().take(CHUNK).collect();
                if chunk.is_empty() {
                    break;
                }
                self.listen(now());
                let jobs = self.listed(chunk, &known, &mut next, listing).await;
                self.start(jobs);
            }
            let Some(sights) = self.read_under_way().await else { break };
            self.listen(now());
            for (job, sight) in sights.each {
                self.take_listed(job, sight, &mut next, &known, listing).await?;
            }
        }
        drop(known);
        if !self.has_listed {
            self.await_unsettled(&mut next, listing).await?;
        }
        self.ledger = next;
        self.has_listed = true;
        Ok(Listed::new())
    }

    /// Watches, and returns what files there are.
    async fn survey(&mut self) -> Result<BTreeMap<PathBuf, Way>, SourceError> {
        if let Some(mut watched) = self.watched.take() {
            self.surveying = Some(tokio::task::spawn_blocking(move || {
                watched.mounts = probe::mounts();
                watched.watch(Follow::Renewed);
                watched
            }));
        }
        self.join().await;
        let now = now();
        self.listen(now);
        let pace = self.settings.pace;
        let Some(watched) = &mut self.watched else { return Err(self.failed("it could not be looked at")) };
        let took = Instant::now().into_std().saturating_duration_since(now);
        watched.mode.polled(false, now, took);
        self.poll_at = match &watched.mode {
            Mode::Polling { next, .. } => Some(*next),
            Mode::Native => None,
        };
        if let Some(error) = &watched.survey.refused {
            return Err(self.layout.as_written(error));
        }
        // The second time it is so, whoever fills the directory has left it so.
        if watched.survey.is_unfinished && !self.is_unfinished {
            self.whole.looked(Verdict::Unstable, now, &pace);
        }
        self.is_unfinished = watched.survey.is_unfinished;
        let members = std::mem::take(&mut watched.survey.members);
        let linked = members.iter().filter(|(_, way)| **way != Way::Straight);
        self.links = linked.map(|(path, way)| (path.clone(), way.clone())).collect();
        let within = match &watched.survey.root {
            Some((_, Way::Directory(real, _))) if !self.follows_outside => Some(real.clone()),
            _ => None,
        };
        self.glance = Some(Glance {
            layout: Arc::clone(&self.layout),
            pace,
            limit: self.settings.limit,
            largest: u64::MAX,
            is_polled: watched.mode != Mode::Native,
            within,
            root: watched.survey.root.clone(),
        });
        Ok(members)
    }

    /// Says what to look at, and of what is being changed that it is there.
    async fn listed(
        &mut self,
        chunk: Vec<(PathBuf, Way)>,
        known: &Known<String>,
        next: &mut Ledger,
        listing: &mut Listing<String>,
    ) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(chunk.len());
        for (path, _) in chunk {
            let path: Arc<Path> = path.into();
            if self.pending.get(&path).is_some_and(|pending| pending.settling.is_pending()) {
                self.carry_over(&path, known, next, listing).await;
                continue;
            }
            let is_known = |record: &&Record| {
                let is_known = |key: &String| {
                    let held = known.get(key).and_then(|held| held.revision.as_ref());
                    held == Some(&record.revision) || !self.ledger.is_owner(&path, key)
                };
                record.keys().iter().all(is_known)
            };
            let record = self.ledger.record(&path).filter(is_known);
            jobs.push(self.job(path.clone(), record.and_then(|record| record.read), now()));
        }
        jobs
    }

    /// What is known of a file stays, and is still there.
    async fn carry_over(
        &self,
        path: &Arc<Path>,
        known: &Known<String>,
        next: &mut Ledger,
        listing: &mut Listing<String>,
    ) {
        let Some(record) = self.ledger.record(path) else { return };
        let Record { read, revision, .. } = record.clone();
        next.put(path, read, revision, record.keys().to_vec(), self.ledger.refused(path).cloned());
        for key in record.keys() {
            if next.is_owner(path, key) && known.contains_key(key) {
                listing.unchanged(key.clone()).await;
            }
        }
    }

    async fn take_listed(
        &mut self,
        job: Job,
        sight: Sight,
        next: &mut Ledger,
        known: &Known<String>,
        listing: &mut Listing<String>,
    ) -> Result<(), SourceError> {
        let pace = self.settings.pace;
        let now = now();
        if self.is_overtaken(&job, now) {
            self.carry_over(&job.path, known, next, listing).await;
            return Ok(());
        }
        match sight {
            Sight::Same => self.carry_over(&job.path, known, next, listing).await,
            Sight::Doubtful(..) | Sight::Dangling | Sight::Elsewhere | Sight::Large => {
                self.not_yet(&job, &sight, now, &pace);
                self.carry_over(&job.path, known, next, listing).await;
            }
            Sight::Gone => {
                if matches!(self.target, Target::Files(_)) {
                    return Err(self.missing(&job.path));
                }
            }
            Sight::Failed(_) | Sight::Read(_) => {
                let (deltas, _) = self.put(next_of(next, &self.ledger, &job.path), &job.path, sight);
                for delta in deltas {
                    hand_over(delta, listing).await;
                }
            }
        }
        Ok(())
    }

    /// Waits for a while for files that are new and still being written.
    async fn await_unsettled(
        &mut self,
        next: &mut Ledger,
        listing: &mut Listing<String>,
    ) -> Result<(), SourceError> {
        let deadline = Instant::now() + LONGEST;
        loop {
            let pace = self.settings.pace;
            self.listen(now());
            let unsettled = self
                .pending
                .iter()
                .filter(|(path, pending)| pending.settling.is_pending() && next.record(path).is_none());
            let Some(due) = unsettled.filter_map(|(_, pending)| pending.settling.due(&pace)).min() else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                return Ok(());
            }
            if due > now() {
                let until = Instant::from_std(due).min(deadline);
                let _ = timeout_at(until, self.inbox.woken()).await;
                continue;
            }
            let jobs = self.due(now(), |path| next.record(path).is_none());
            self.start(jobs);
            let Some(sights) = self.read_under_way().await else { return Ok(()) };
            self.listen(now());
            for (job, sight) in sights.each {
                let claims = match &sight {
                    Sight::Read(seen) => seen.holds.objects.iter().any(|(key, _)| next.has_owner(key)),
                    _ => false,
                };
                if self.is_overtaken(&job, now()) || claims {
                    // Of a key that was handed over already it is told afterwards.
                    if claims {
                        self.signal(&job.path, Signal::Replaced, now());
                        next.put(&job.path, None, Revision::new([]), Vec::new(), None);
                    }
                    continue;
                }
                self.settled(&job.path, now());
                match sight {
                    Sight::Doubtful(..) | Sight::Dangling | Sight::Elsewhere | Sight::Large => {
                        self.not_yet(&job, &sight, now(), &pace);
                    }
                    Sight::Gone if matches!(self.target, Target::Files(_)) => {
                        return Err(self.missing(&job.path));
                    }
                    Sight::Gone | Sight::Same => {}
                    Sight::Failed(_) | Sight::Read(_) => {
                        for delta in self.put(next, &job.path, sight).0 {
                            hand_over(delta, listing).await;
                        }
                    }
                }
            }
        }
    }

    fn missing(&self, path: &Path) -> SourceError {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        SourceError::io(self.layout.origin(path), &missing)
    }

    fn failed(&self, message: &str) -> SourceError {
        SourceError::new(SourceErrorKind::Other, self.origin(), message)
    }
}

/// Puts what is known of a file into the ledger of the list, so that what it takes in is compared with that.
fn next_of<'l>(next: &'l mut Ledger, ledger: &Ledger, path: &Arc<Path>) -> &'l mut Ledger {
    if let Some(record) = ledger.record(path) {
        next.put(path, record.read, record.revision.clone(), record.keys().to_vec(), None);
    }
    next
}

async fn hand_over(delta: Delta<String>, listing: &mut Listing<String>) {
    match delta {
        Delta::Upsert(object) => listing.push(object).await,
        Delta::Unreadable(key, error) => listing.unreadable(key, error).await,
        Delta::Delete(_) | Delta::Progress(_) => {}
    }
}
