//! Looks at all files, and tells a list of what is different since the last one.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::{SourceError, SourceErrorKind};
use crate::source::fs::events::Follow;
use crate::source::fs::mode::Mode;
use crate::source::fs::probe;
use crate::source::fs::settle::{Signal, Verdict};
use crate::source::fs::survey::{Target, Way};
use crate::source::{Delta, Known, Listed, Listing};

use super::follow::{Follower, now};
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
    /// Cancel safe: what was read is known, and whether it was handed over is asked of the next list.
    pub(super) async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.join().await;
        while self.read_under_way().await.is_some() {}
        self.await_removals().await;
        self.whole.looked(Verdict::Believed, now(), &self.settings.pace);
        self.is_absent = false;
        let mut members = self.survey().await?;
        // Nobody knows what is there now.
        let unseen = self.unseen();
        members.extend(unseen.iter().cloned());
        for heir in self.ledger.keep(&members) {
            self.inherits(&heir);
        }
        let known = listing.all_known();
        for path in &unseen {
            self.carry_over(path, &known, listing).await;
        }
        members.truncate(members.len() - unseen.len());
        let mut members = members.into_iter();
        let width = available_parallelism().map_or(1, |width| width.get().min(WIDEST));
        loop {
            while self.reading.len() < width {
                let chunk: Vec<_> = members.by_ref().take(CHUNK).collect();
                if chunk.is_empty() {
                    break;
                }
                self.listen(now());
                let jobs = self.listed(chunk, &known, listing).await;
                self.start(jobs);
            }
            let Some(sights) = self.read_under_way().await else { break };
            self.listen(now());
            for (job, sight) in sights.each {
                self.take_listed(job, sight, &known, listing).await?;
            }
        }
        drop(known);
        if !self.has_listed {
            self.await_unsettled(listing).await?;
        }
        self.has_listed = true;
        self.is_list_due = false;
        self.burst.listed();
        Ok(Listed::new())
    }

    /// Waits while files are being removed: how many are missing shows only in the end.
    async fn await_removals(&mut self) {
        loop {
            let time = now();
            self.listen(time);
            let Some(until) = self.held_until(time) else { return };
            let _ = timeout_at(Instant::from_std(until), self.inbox.woken()).await;
        }
    }

    /// Watches, and returns what files there are, in order.
    async fn survey(&mut self) -> Result<Vec<Arc<Path>>, SourceError> {
        let began = now();
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
        let took = now.saturating_duration_since(began);
        watched.mode.polled(false, began, took);
        self.poll_at = match &watched.mode {
            Mode::Polling { next, .. } => Some(*next),
            Mode::Native => None,
        };
        if let Some(error) = &watched.survey.refused {
            self.is_absent = true;
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
            hasher: self.hasher.clone(),
            pace,
            limit: self.settings.limit,
            largest: u64::MAX,
            is_polled: watched.mode != Mode::Native,
            within,
            root: watched.survey.root.clone(),
        });
        Ok(members.into_keys().map(Arc::from).collect())
    }

    /// Returns the files that are known in directories that could not be listed.
    fn unseen(&self) -> Vec<Arc<Path>> {
        let unlisted = self.watched.iter().flat_map(|watched| &watched.survey.unlisted);
        let unlisted: Vec<_> = unlisted.map(|(path, _)| path.as_path()).collect();
        if unlisted.is_empty() {
            return Vec::new();
        }
        let is_unseen = |path: &&Arc<Path>| unlisted.iter().any(|unlisted| path.starts_with(unlisted));
        self.ledger.paths().filter(is_unseen).cloned().collect()
    }

    /// Says what to look at, and of what is being changed that it is there.
    async fn listed(
        &mut self,
        chunk: Vec<Arc<Path>>,
        known: &Known<String>,
        listing: &mut Listing<String>,
    ) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(chunk.len());
        for path in chunk {
            if self.pending.get(&path).is_some_and(|pending| pending.settling.is_pending()) {
                self.carry_over(&path, known, listing).await;
                continue;
            }
            let record = self.ledger.record(&path).filter(|record| {
                // What was read of it was handed over, and taken.
                record.keys().iter().all(|key| {
                    let held = known.get(key).and_then(|held| held.revision.as_ref());
                    held == Some(&record.revision) || !self.ledger.is_owner(&path, key)
                })
            });
            let read = record.and_then(|record| record.read);
            jobs.push(self.job(path, read, now()));
        }
        jobs
    }

    /// What is known of a file stays, and is still there.
    async fn carry_over(&self, path: &Path, known: &Known<String>, listing: &mut Listing<String>) {
        let Some(record) = self.ledger.record(path) else { return };
        for key in record.keys() {
            if self.ledger.is_owner(path, key) && known.contains_key(key) {
                listing.unchanged(key.clone()).await;
            }
        }
    }

    async fn take_listed(
        &mut self,
        job: Job,
        sight: Sight,
        known: &Known<String>,
        listing: &mut Listing<String>,
    ) -> Result<(), SourceError> {
        let now = now();
        if self.is_overtaken(&job, now) {
            self.carry_over(&job.path, known, listing).await;
            return Ok(());
        }
        match sight {
            Sight::Same => self.carry_over(&job.path, known, listing).await,
            Sight::Doubtful(..) | Sight::Dangling | Sight::Elsewhere | Sight::Large => {
                self.not_yet(&job, &sight, now);
                self.carry_over(&job.path, known, listing).await;
            }
            Sight::Gone if matches!(self.target, Target::Files(_)) => return Err(self.missing(&job.path)),
            // It was there a moment ago.
            Sight::Gone => self.signal(&job.path, Signal::Removed, now),
            Sight::Failed(_) | Sight::Read(_) => {
                let (deltas, moved) = self.put(&job.path, sight);
                for heir in moved.heirs {
                    self.inherits(&heir);
                }
                for delta in deltas {
                    hand_over(delta, listing).await;
                }
            }
        }
        Ok(())
    }

    /// Waits for a while for files that are new and still being written.
    async fn await_unsettled(&mut self, listing: &mut Listing<String>) -> Result<(), SourceError> {
        let deadline = Instant::now() + LONGEST;
        let mut late = HashSet::new();
        loop {
            let pace = self.settings.pace;
            self.listen(now());
            let unsettled = self
                .pending
                .iter()
                .filter(|(path, pending)| pending.settling.is_pending() && self.is_unlisted(path, &late));
            let due = unsettled.filter_map(|(_, pending)| pending.settling.due(&pace)).min();
            let Some(due) = due.filter(|_| Instant::now() < deadline) else { return Ok(()) };
            if due > now() {
                let until = Instant::from_std(due).min(deadline);
                let _ = timeout_at(until, self.inbox.woken()).await;
                continue;
            }
            let jobs = self.due(now(), |path| self.is_unlisted(path, &late));
            self.start(jobs);
            let Some(sights) = self.read_under_way().await else { return Ok(()) };
            self.listen(now());
            for (job, sight) in sights.each {
                if self.is_overtaken(&job, now()) {
                    continue;
                }
                // One that takes a key that was handed over is told of afterwards.
                if let Sight::Read(seen) = &sight {
                    let takes = |(key, _): &(String, _)| self.ledger.would_take(&job.path, key);
                    if seen.holds.objects.iter().any(takes) {
                        late.insert(Arc::clone(&job.path));
                        continue;
                    }
                }
                match sight {
                    Sight::Doubtful(..) | Sight::Dangling | Sight::Elsewhere | Sight::Large => {
                        self.not_yet(&job, &sight, now());
                    }
                    Sight::Gone if matches!(self.target, Target::Files(_)) => {
                        return Err(self.missing(&job.path));
                    }
                    Sight::Gone | Sight::Same => self.settled(&job.path, now()),
                    Sight::Failed(_) | Sight::Read(_) => {
                        self.settled(&job.path, now());
                        for delta in self.put(&job.path, sight).0 {
                            hand_over(delta, listing).await;
                        }
                    }
                }
            }
        }
    }

    fn is_unlisted(&self, path: &Path, late: &HashSet<Arc<Path>>) -> bool {
        self.ledger.record(path).is_none() && !late.contains(path)
    }

    fn missing(&mut self, path: &Path) -> SourceError {
        self.is_absent = true;
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        SourceError::io(self.layout.origin(path), &missing)
    }

    fn failed(&self, message: &str) -> SourceError {
        SourceError::new(SourceErrorKind::Other, self.origin(), message)
    }
}

async fn hand_over(delta: Delta<String>, listing: &mut Listing<String>) {
    match delta {
        Delta::Upsert(object) => listing.push(object).await,
        Delta::Unreadable(key, error) => listing.unreadable(key, error).await,
        Delta::Delete(_) | Delta::Progress(_) => {}
    }
}
