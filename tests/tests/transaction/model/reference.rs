//! What a reloader does, in as few words as it can be said: no waiting, no sources, no texts.

use std::collections::VecDeque;

use reloadable::RestartPolicy;

/// A configuration: a field that needs a restart, one that does not, and a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    pub listen: u16,
    pub workers: u16,
    pub pool: u16,
}

impl Values {
    fn is_valid(self) -> bool {
        self.workers <= 100 && (self.listen == 0 || self.listen != self.pool)
    }
}

/// What a source may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Text(Values),
    Malformed,
    Away,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Refuse,
    TimeOut,
    Panic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Sources,
    Anew,
    Accepted,
    Snapshot(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspended {
    Paused,
    RolledBack(u64),
}

/// Why something is not in force, and by what that is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    Failed,
    Rejected(Content, Values),
    Vetoed(usize, Verdict),
}

/// What a candidate was made of, where that is not the accepted version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Source(Option<Content>),
    Back,
}

/// An attempt as it is told: number, reason, outcome, and the generation in force after it.
pub type Told = (u64, String, &'static str, u64);

pub struct Subscriber {
    pub of_pool: bool,
    pub seen: Values,
    woken: bool,
}

pub struct Model {
    pub policy: RestartPolicy,
    pub verdicts: [Verdict; 2],
    /// What the source holds, and what was last accepted of it, with their versions.
    held: (u64, Content),
    accepted: (u64, Values),
    pub overridden: Option<u16>,
    pub running: Values,
    pub generation: u64,
    /// What each snapshot was made of.
    pub history: VecDeque<(u64, Values)>,
    pub pending: Option<(u16, u16)>,
    pub suspended: Option<Suspended>,
    is_back: bool,
    failure: Option<Failure>,
    refused: Option<Mark>,
    told_mark: Option<Mark>,
    pub attempts: u64,
    pub failures: u64,
    pub told: Vec<Told>,
    pub journal: Vec<String>,
    pub subscribers: Vec<Subscriber>,
}

pub const GATES: [&str; 2] = ["whole", "pool"];

impl Model {
    pub fn new(policy: RestartPolicy, first: Values) -> Self {
        let journal =
            ["asks whole", "asks pool", "commits whole", "commits pool"].map(str::to_owned).to_vec();
        Self {
            policy,
            verdicts: [Verdict::Accept; 2],
            held: (0, Content::Text(first)),
            accepted: (0, first),
            overridden: None,
            running: first,
            generation: 1,
            history: VecDeque::from([(1, first)]),
            pending: None,
            suspended: None,
            is_back: false,
            failure: None,
            refused: None,
            told_mark: None,
            attempts: 1,
            failures: 0,
            told: Vec::new(),
            journal,
            subscribers: Vec::new(),
        }
    }

    pub fn is_healthy(&self) -> bool {
        self.failure.is_none() && self.suspended.is_none()
    }

    /// The source holds something else, and tells of it.
    pub fn edit(&mut self, content: Content) {
        self.held = (self.held.0 + 1, content);
        self.look("change");
    }

    /// The reloader looks by itself.
    pub fn look(&mut self, reason: &str) {
        if self.suspended.is_none() {
            self.attempt(false, reason, Over::Sources);
        }
    }

    pub fn reload(&mut self) -> &'static str {
        if self.suspended.is_some() { "suspended" } else { self.attempt(true, "manual", Over::Sources) }
    }

    pub fn resume(&mut self) -> &'static str {
        self.suspended = None;
        self.attempt(true, "resume", Over::Anew)
    }

    pub fn pause(&mut self) {
        self.suspended = self.suspended.or(Some(Suspended::Paused));
    }

    pub fn roll_back(&mut self, generation: u64) -> &'static str {
        if !self.history.iter().any(|(kept, _)| *kept == generation) {
            return "failed";
        }
        let before = self.suspended.replace(Suspended::RolledBack(generation));
        let outcome =
            self.attempt(true, &format!("rollback to generation {generation}"), Over::Snapshot(generation));
        if !is_in_force(outcome) {
            self.suspended = before;
            self.look("retry");
        }
        outcome
    }

    pub fn override_workers(&mut self, workers: Option<u16>) -> &'static str {
        if self.suspended.is_some() {
            // It does not come back with the end of that.
            self.overridden = workers.and(self.overridden);
            return "suspended";
        }
        let before = std::mem::replace(&mut self.overridden, workers);
        let mut outcome = self.attempt(true, "override", Over::Anew);
        let has_changed = self.held.1 != Content::Text(self.accepted.1);
        if !is_in_force(outcome) && has_changed {
            outcome = self.attempt(true, "override", Over::Accepted);
        }
        if !is_in_force(outcome) {
            self.overridden = before;
        }
        self.refused = None;
        self.look("retry");
        outcome
    }

    pub fn subscribe(&mut self, of_pool: bool) {
        self.subscribers.push(Subscriber { of_pool, seen: self.running, woken: false });
    }

    /// What a subscriber is given who asks now: what it saw, what it sees, and of which generation.
    pub fn read(&mut self, nth: usize) -> Option<(Values, Values, u64)> {
        let subscriber = &mut self.subscribers[nth];
        if !std::mem::take(&mut subscriber.woken) {
            return None;
        }
        let seen = std::mem::replace(&mut subscriber.seen, self.running);
        let differs = if subscriber.of_pool { seen.pool != self.running.pool } else { seen != self.running };
        differs.then_some((seen, self.running, self.generation))
    }

    fn attempt(&mut self, is_asked: bool, reason: &str, over: Over) -> &'static str {
        let over = if over == Over::Sources && self.is_back { Over::Anew } else { over };
        let looks = matches!(over, Over::Sources | Over::Anew);
        let version = Some(self.held.0).filter(|held| looks && *held != self.accepted.0);
        let (mark, content) = match over {
            Over::Snapshot(generation) => {
                let (_, wanted) =
                    self.history[self.history.iter().position(|it| it.0 == generation).unwrap()];
                (Mark::Back, Content::Text(wanted))
            }
            Over::Accepted => (Mark::Source(None), Content::Text(self.accepted.1)),
            _ => (Mark::Source(version.map(|_| self.held.1)), self.held.1),
        };
        if content == Content::Away {
            self.refused = None;
            return self.refuse(is_asked, reason, Failure::Failed, None, looks);
        }
        if over == Over::Sources && version.is_none() {
            self.refused = None;
            return self.unchanged(is_asked, reason, true, looks);
        }
        if over == Over::Sources && !is_asked && self.refused == Some(mark) {
            return "unchanged";
        }
        let reject = |model: &mut Self, next: Values| {
            model.refused = Some(mark);
            model.refuse(is_asked, reason, Failure::Rejected(content, next), Some(mark), looks)
        };
        // What is said of it does not depend on what is in force.
        let nothing = Values { listen: 0, workers: 0, pool: 0 };
        let Content::Text(mut wanted) = content else { return reject(self, nothing) };
        if mark != Mark::Back {
            wanted.workers = self.overridden.unwrap_or(wanted.workers);
        }
        let (running, mut next) = (self.running, wanted);
        let needs_restart = wanted.listen != running.listen;
        let mut pending = None;
        if needs_restart && self.policy == RestartPolicy::Hold {
            next.listen = running.listen;
            pending = Some((running.listen, wanted.listen));
        }
        if !wanted.is_valid() || !next.is_valid() || needs_restart && self.policy == RestartPolicy::Refuse {
            return reject(self, next);
        }
        if next != running {
            if let Err((gate, verdict)) = self.ask(next) {
                self.refused = None;
                return self.refuse(is_asked, reason, Failure::Vetoed(gate, verdict), Some(mark), looks);
            }
        }
        // From here on, it is in force.
        let is_same_text = self.held.1 == Content::Text(self.accepted.1);
        if let (true, Content::Text(values)) = (looks, self.held.1) {
            self.accepted = (self.held.0, values);
        }
        self.is_back = mark == Mark::Back;
        self.refused = None;
        self.pending = pending;
        if next == running {
            self.history.back_mut().unwrap().1 = wanted;
            return self.unchanged(is_asked, reason, is_same_text, looks);
        }
        (self.running, self.generation) = (next, self.generation + 1);
        self.history.push_back((self.generation, wanted));
        if self.history.len() > 8 {
            self.history.pop_front();
        }
        for subscriber in &mut self.subscribers {
            subscriber.woken |= if subscriber.of_pool { next.pool != running.pool } else { true };
        }
        self.tell(reason, "applied", None, looks)
    }

    fn ask(&mut self, next: Values) -> Result<(), (usize, Verdict)> {
        let concerned: Vec<_> = (0..2).filter(|gate| *gate == 0 || next.pool != self.running.pool).collect();
        for (nth, gate) in concerned.iter().enumerate() {
            self.journal.push(format!("asks {}", GATES[*gate]));
            if self.verdicts[*gate] != Verdict::Accept {
                let aborts = concerned[..nth].iter().rev().map(|gate| format!("aborts {}", GATES[*gate]));
                self.journal.extend(aborts);
                return Err((*gate, self.verdicts[*gate]));
            }
        }
        self.journal.extend(concerned.iter().map(|gate| format!("commits {}", GATES[*gate])));
        Ok(())
    }

    /// Nobody is told what he knows, unless he asked.
    fn unchanged(&mut self, is_asked: bool, reason: &str, is_same_text: bool, looks: bool) -> &'static str {
        if !is_asked && is_same_text && self.failure.is_none() {
            return "unchanged";
        }
        self.tell(reason, "unchanged", None, looks)
    }

    fn refuse(
        &mut self,
        is_asked: bool,
        reason: &str,
        failure: Failure,
        mark: Option<Mark>,
        looks: bool,
    ) -> &'static str {
        let name = match failure {
            Failure::Failed => "failed",
            Failure::Rejected(..) => "rejected",
            Failure::Vetoed(..) => "vetoed",
        };
        let is_same = self.told_mark == mark;
        if looks {
            self.told_mark = mark;
        }
        if !is_asked && is_same && self.failure.as_ref() == Some(&failure) {
            return name;
        }
        self.tell(reason, name, Some(failure), looks)
    }

    /// What did not look at the sources says nothing of what they hold, unless it is refused.
    fn tell(
        &mut self,
        reason: &str,
        outcome: &'static str,
        failure: Option<Failure>,
        looks: bool,
    ) -> &'static str {
        self.attempts += 1;
        if failure.is_some() {
            (self.failures, self.failure) = (self.failures + 1, failure);
        } else if looks {
            (self.failures, self.failure) = (0, None);
        }
        self.told.push((self.attempts, reason.to_owned(), outcome, self.generation));
        outcome
    }
}

fn is_in_force(outcome: &str) -> bool {
    matches!(outcome, "applied" | "unchanged")
}
