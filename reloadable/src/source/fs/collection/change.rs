//! Looks at the files of which something was told, and tells what has become of them.

use std::collections::HashSet;

use tokio::time::{Instant, timeout_at};

use crate::document::Revision;
use crate::error::SourceError;
use crate::source::fs::settings::QUICK_BYTES;
use crate::source::fs::settle::{Signal, Verdict};
use crate::source::fs::survey::Target;
use crate::source::{Changed, Delta};

use super::follow::{Follower, now};
use super::sight::{Glance, Job, Sight, Sights};

/// So few are looked at where that is asked for, instead of on a thread of their own.
const FEW: usize = 4;

impl Follower {
    /// Waits until something has changed, and tells what.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn changed(&mut self) -> Result<Changed<String>, SourceError> {
        self.join().await;
        loop {
            if let Some(sights) = self.read_under_way().await {
                if let Some(changed) = self.take_in(sights) {
                    return Ok(changed);
                }
                continue;
            }
            let time = now();
            self.listen(time);
            let pace = self.settings.pace;
            let whole = [self.whole.due(&pace), self.poll_at].into_iter().flatten().min();
            // A list of what is half removed would not show how much of it is.
            let whole = whole.map(|due| self.held_until(time).map_or(due, |held| due.max(held)));
            if whole.is_some_and(|due| due <= time) {
                self.whole.looked(Verdict::Believed, time, &pace);
                self.poll_at = None;
                return Ok(self.relist());
            }
            let jobs = self.due(time, |_| true);
            if !jobs.is_empty() {
                let Some(jobs) = self.at_once(jobs) else { continue };
                match jobs {
                    Ok(sights) => {
                        if let Some(changed) = self.take_in(sights) {
                            return Ok(changed);
                        }
                    }
                    Err(jobs) => self.start(jobs),
                }
                continue;
            }
            let due = self.pending.values().filter_map(|pending| pending.settling.due(&pace)).min();
            match [whole, due].into_iter().flatten().min() {
                Some(due) => drop(timeout_at(Instant::from_std(due), self.inbox.woken()).await),
                None => self.inbox.woken().await,
            }
        }
    }

    /// Looks at few small files here, which is done in less time than it takes to hand them to another thread.
    fn at_once(&self, jobs: Vec<Job>) -> Option<Result<Sights, Vec<Job>>> {
        let glance = self.glance.as_ref()?;
        if jobs.len() > FEW || glance.is_polled {
            return Some(Err(jobs));
        }
        let sights = Glance { largest: QUICK_BYTES, ..glance.clone() }.all(jobs);
        if sights.each.iter().any(|(_, sight)| matches!(sight, Sight::Large)) {
            return Some(Err(sights.each.into_iter().map(|(job, _)| job).collect()));
        }
        Some(Ok(sights))
    }

    /// Takes in what was seen. Nothing is told where nothing is known for certain.
    fn take_in(&mut self, sights: Sights) -> Option<Changed<String>> {
        let Sights { each, is_root_there } = sights;
        let time = now();
        self.listen(time);
        let pace = self.settings.pace;
        let (mut deltas, mut gone) = (Vec::new(), Vec::new());
        let (before, judged) = (self.ledger.len(), self.ledger.judged);
        let is_held = self.held_until(time).is_some();
        let mut heirs = Vec::new();
        for (job, sight) in each {
            if self.is_overtaken(&job, time) {
                continue;
            }
            match sight {
                Sight::Same => self.settled(&job.path, time),
                Sight::Gone if !is_root_there || matches!(self.target, Target::Files(_)) => {
                    self.settled(&job.path, time);
                    self.whole.signal(Signal::Replaced, time, &pace);
                }
                Sight::Gone if is_held => {
                    self.not_yet(&job, &Sight::Doubtful(Verdict::Unstable, None), time);
                }
                Sight::Gone => {
                    self.settled(&job.path, time);
                    let moved = self.ledger.remove(&job.path);
                    gone.extend(moved.gone);
                    heirs.extend(moved.heirs);
                }
                Sight::Failed(_) | Sight::Read(_) => {
                    let sight = self.keeping(&job, sight);
                    self.settled(&job.path, time);
                    let (told, moved) = self.put(&job.path, sight);
                    deltas.extend(told);
                    gone.extend(moved.gone);
                    heirs.extend(moved.heirs);
                }
                sight => self.not_yet(&job, &sight, time),
            }
        }
        for heir in heirs {
            self.inherits(&heir);
        }
        // A key may have gone from one file to another, of which was told.
        gone.retain(|key| !self.ledger.has_owner(key));
        // Whether that many are gone is not for a look to tell, nor anything after which a list is due.
        if !gone.is_empty() {
            let going = self.going();
            if self.whole.is_pending() || self.is_list_due {
                gone.clear();
            } else if !self.burst.may_go(time, before, gone.len(), going) {
                return Some(self.relist());
            }
        }
        deltas.extend(gone.into_iter().map(Delta::Delete));
        if deltas.is_empty() && self.ledger.judged != judged {
            // Nothing became of any object, but the status is another one.
            deltas.push(Delta::Progress(Revision::new(self.ledger.judged.to_le_bytes())));
        }
        (!deltas.is_empty()).then_some(Changed::Deltas(deltas))
    }

    /// What a file lacks while it is open for writing may be what is not written yet.
    fn keeping(&self, job: &Job, mut sight: Sight) -> Sight {
        if let (true, Sight::Read(seen), Some(record)) =
            (job.is_open, &mut sight, self.ledger.record(&job.path))
        {
            let holds = &mut seen.holds;
            let there: HashSet<_> = holds.objects.iter().map(|(key, _)| key).collect();
            let lacking = record.keys().iter().filter(|key| !holds.is_unread && !there.contains(key));
            holds.kept = lacking.cloned().collect();
        }
        sight
    }

    /// Until everything was listed, nothing is told as gone.
    fn relist(&mut self) -> Changed<String> {
        self.is_list_due = true;
        Changed::Relist
    }
}
