//! Whatever happens in whatever order, the reloader does what a small model says.

mod reference;

use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reloadable::{Builder, MemoryHandle, Outcomes, Prepared, Refusal, Reloader, RestartPolicy, Settle};
use reloadable::{Snapshot, SourceErrorKind, Subscription, SuspensionCause};

use self::reference::{Content, GATES, Model, Suspended, Values, Verdict};
use crate::{App, Database, Journal, app, in_time};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Edit(Content),
    /// While the first gate is still being asked about it, another one.
    During(Content, Box<Step>),
    Judge(usize, Verdict),
    Reload,
    /// Time passes, until the reloader has looked by itself.
    Look,
    Override(Option<u16>),
    /// To so many generations before the one in force.
    RollBack(u64),
    Pause,
    Resume,
    Subscribe(bool),
    Read(usize),
    Leave(usize),
}

fn values() -> impl Strategy<Value = Values> {
    (0..3_u16, prop_oneof![9 => 0..4_u16, 1 => Just(1_000)], 0..4_u16)
        .prop_map(|(listen, workers, pool)| Values { listen, workers, pool })
}

fn step() -> impl Strategy<Value = Step> {
    use Verdict::{Accept, Panic, Refuse, TimeOut};
    let content = || {
        prop_oneof![
            8 => values().prop_map(Content::Text),
            1 => Just(Content::Malformed),
            1 => Just(Content::Away),
        ]
    };
    let verdict = prop_oneof![4 => Just(Accept), 2 => Just(Refuse), 1 => Just(TimeOut), 1 => Just(Panic)];
    let workers = || prop_oneof![3 => (0..4_u16).prop_map(Some), 1 => Just(Some(1_000)), 2 => Just(None)];
    let back = || prop_oneof![4 => 1..4_u64, 1 => 0..10_u64].prop_map(Step::RollBack);
    let meanwhile = prop_oneof![
        4 => content().prop_map(Step::Edit),
        1 => Just(Step::Reload),
        1 => workers().prop_map(Step::Override),
        1 => back(),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
    ];
    prop_oneof![
        12 => content().prop_map(Step::Edit),
        6 => (content(), meanwhile).prop_map(|(content, step)| Step::During(content, Box::new(step))),
        5 => (0..2_usize, verdict).prop_map(|(gate, verdict)| Step::Judge(gate, verdict)),
        2 => Just(Step::Reload),
        3 => Just(Step::Look),
        3 => workers().prop_map(Step::Override),
        4 => back(),
        1 => Just(Step::Pause),
        4 => Just(Step::Resume),
        2 => any::<bool>().prop_map(Step::Subscribe),
        4 => (0..8_usize).prop_map(Step::Read),
        1 => (0..8_usize).prop_map(Step::Leave),
    ]
}

fn text(values: Values) -> String {
    let Values { listen, workers, pool } = values;
    format!("listen = {listen}\nworkers = {workers}\n[database]\npool = {pool}")
}

fn shown(app: &Snapshot<App>) -> Values {
    Values { listen: app.listen, workers: app.workers, pool: app.database.pool }
}

/// What the gates are to say, and whether the next one that is asked is to be slow.
#[derive(Default)]
struct Judges {
    verdicts: Mutex<[Verdict; 2]>,
    is_next_slow: AtomicBool,
}

type Verdicts = Arc<Judges>;

/// How long a gate may take, and how long one takes that is slow.
const LIMIT: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(50);

/// Answers as it is told, and notes what becomes of it.
async fn judge(gate: usize, journal: Journal, verdicts: Verdicts) -> Result<Prepared, Refusal> {
    journal.note(format!("asks {}", GATES[gate]));
    if verdicts.is_next_slow.swap(false, Ordering::SeqCst) {
        tokio::time::sleep(SLOW).await;
    }
    let verdict = verdicts.verdicts.lock().unwrap_or_else(PoisonError::into_inner)[gate];
    match verdict {
        Verdict::Accept => {}
        Verdict::Refuse => return Err(Refusal::new("it was told to")),
        Verdict::TimeOut => pending().await,
        Verdict::Panic => panic!("it was told to"),
    }
    let committed = journal.clone();
    Ok(Prepared::commit(move || committed.note(format!("commits {}", GATES[gate])))
        .or_abort(move || journal.note(format!("aborts {}", GATES[gate]))))
}

fn gated(builder: Builder<App>, journal: &Journal, verdicts: &Verdicts) -> Builder<App> {
    let (whole, judged) = (journal.clone(), Arc::clone(verdicts));
    let builder =
        builder.gate(GATES[0], move |_| judge(0, whole.clone(), Arc::clone(&judged))).gate_timeout(LIMIT);
    let (pool, judged) = (journal.clone(), Arc::clone(verdicts));
    builder
        .gate_on(GATES[1], |app: &App| &app.database, move |_| judge(1, pool.clone(), Arc::clone(&judged)))
        .gate_timeout(LIMIT)
}

enum Place {
    Whole(Subscription<App>),
    Pool(Subscription<App, Database>),
}

impl Place {
    /// What is there to be seen, without waiting for more.
    async fn read(&mut self) -> Option<(Values, Values, u64)> {
        macro_rules! read {
            ($subscription:expr) => {
                tokio::select! {
                    biased;
                    change = $subscription.changed() => {
                        let change = change.ok()?;
                        Some((shown(change.previous_snapshot()), shown(change.snapshot()), change.generation()))
                    }
                    () = ready(()) => None,
                }
            };
        }
        match self {
            Self::Whole(subscription) => read!(subscription),
            Self::Pool(subscription) => read!(subscription),
        }
    }
}

fn put(document: &MemoryHandle, content: Content) {
    match content {
        Content::Text(values) => document.replace(text(values)),
        Content::Malformed => document.replace("workers = "),
        Content::Away => document.fail(SourceErrorKind::Other, "away"),
    }
}

/// The reloader and its model, side by side.
struct Pair {
    config: Reloader<App>,
    document: MemoryHandle,
    verdicts: Verdicts,
    journal: Journal,
    outcomes: Outcomes,
    places: Vec<Place>,
    model: Model,
}

impl Pair {
    async fn start(policy: RestartPolicy) -> Result<Self, reloadable::Error> {
        let first = Values { listen: 1, workers: 1, pool: 2 };
        let (journal, verdicts) = (Journal::default(), Verdicts::default());
        let (builder, document) = app(&text(first));
        let builder = gated(builder, &journal, &verdicts).restart_policy(policy).settle(Settle::Balanced);
        let config = builder.start().await?;
        let outcomes = config.outcomes();
        let model = Model::new(policy, first);
        Ok(Self { config, document, verdicts, journal, outcomes, places: Vec::new(), model })
    }

    /// Does it, and has the model do it; both give the same answer.
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let Self { config, model, .. } = self;
        // So that everything is over that happens by itself, but for what is tried again as long as a source is away.
        let settled = || tokio::time::sleep(Duration::from_millis(800));
        match step {
            Step::Edit(content) => {
                put(&self.document, *content);
                model.edit(*content);
                if model.suspended.is_none() {
                    settled().await;
                }
            }
            Step::During(content, step) => {
                self.verdicts.is_next_slow.store(true, Ordering::SeqCst);
                put(&self.document, *content);
                // Not every edit comes as far as the gates.
                for _ in 0..800 {
                    if !self.verdicts.is_next_slow.load(Ordering::SeqCst) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                self.verdicts.is_next_slow.store(false, Ordering::SeqCst);
                model.edit(*content);
                Box::pin(self.take(step)).await?;
                settled().await;
            }
            Step::Judge(gate, verdict) => {
                self.verdicts.verdicts.lock().unwrap_or_else(PoisonError::into_inner)[*gate] = *verdict;
                model.verdicts[*gate] = *verdict;
            }
            Step::Reload => prop_assert_eq!(config.reload().await.name(), model.reload()),
            Step::Look => {
                if model.suspended.is_none() {
                    let last_look = || config.status().sources[0].last_look;
                    let before = last_look();
                    while last_look() == before {
                        settled().await;
                    }
                    model.look("resync");
                }
            }
            Step::Override(workers) => {
                let outcome = match workers {
                    Some(workers) => config.set_override("workers", *workers).await,
                    None => config.clear_overrides().await,
                };
                prop_assert_eq!(outcome.name(), model.override_workers(*workers));
                settled().await;
            }
            Step::RollBack(before) => {
                let generation = (model.generation + 1).saturating_sub(*before);
                let outcome = config.rollback_to(generation).await;
                prop_assert_eq!(outcome.name(), model.roll_back(generation));
                settled().await;
            }
            Step::Pause => {
                prop_assert!(config.pause().await.is_ok());
                model.pause();
            }
            Step::Resume => prop_assert_eq!(config.resume().await.name(), model.resume()),
            Step::Subscribe(of_pool) => {
                self.places.push(if *of_pool {
                    Place::Pool(config.subscribe_to(|app| &app.database))
                } else {
                    Place::Whole(config.subscribe())
                });
                model.subscribe(*of_pool);
            }
            Step::Read(nth) if !self.places.is_empty() => {
                let nth = nth % self.places.len();
                let read = self.places[nth].read().await;
                prop_assert_eq!(read, model.read(nth));
            }
            Step::Leave(nth) if !self.places.is_empty() => {
                let nth = nth % self.places.len();
                drop((self.places.swap_remove(nth), model.subscribers.swap_remove(nth)));
            }
            Step::Read(_) | Step::Leave(_) => {}
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Everything that can be seen is what the model says.
    async fn compare(&mut self) -> Result<(), TestCaseError> {
        let mut told = Vec::new();
        loop {
            let attempt = tokio::select! {
                biased;
                attempt = self.outcomes.next() => attempt,
                () = ready(()) => break,
            };
            let attempt = attempt.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let (reason, name) = (attempt.reason().to_string(), attempt.outcome().name());
            told.push((attempt.number(), reason, name, attempt.generation()));
        }
        let model = &mut self.model;
        prop_assert_eq!(told, std::mem::take(&mut model.told));
        prop_assert_eq!(self.journal.take(), std::mem::take(&mut model.journal));
        let (snapshot, status) = (self.config.snapshot(), self.config.status());
        prop_assert_eq!((shown(&snapshot), snapshot.generation()), (model.running, model.generation));
        prop_assert_eq!((status.generation, status.attempts), (model.generation, model.attempts));
        prop_assert_eq!(
            (status.is_healthy(), status.consecutive_failures),
            (model.is_healthy(), model.failures)
        );
        let pending: Vec<_> = status.pending_restart().iter().map(ToString::to_string).collect();
        let expected: Vec<_> = model
            .pending
            .iter()
            .map(|(running, wanted)| format!("listen (running {running}, wanted {wanted}, app:1:10)"))
            .collect();
        prop_assert_eq!(pending, expected);
        prop_assert_eq!(status.overrides.len(), usize::from(model.overridden.is_some()));
        let suspended = status.suspension.map(|suspension| suspension.cause);
        let expected = model.suspended.map(|suspended| match suspended {
            Suspended::Paused => SuspensionCause::Paused,
            Suspended::RolledBack(generation) => SuspensionCause::RolledBack(generation),
        });
        prop_assert_eq!(suspended, expected);
        let kept = self.config.history().into_iter().map(|published| published.snapshot().generation());
        prop_assert!(kept.eq(model.history.iter().map(|(generation, _)| *generation)));
        let seen = self.places.iter().map(|place| match place {
            Place::Whole(subscription) => shown(subscription.seen_snapshot()),
            Place::Pool(subscription) => shown(subscription.seen_snapshot()),
        });
        prop_assert!(seen.eq(model.subscribers.iter().map(|subscriber| subscriber.seen)));
        Ok(())
    }

    async fn run(steps: &[Step], policy: RestartPolicy) -> Result<(), TestCaseError> {
        let mut pair =
            in_time(Self::start(policy)).await.map_err(|error| TestCaseError::fail(error.to_string()))?;
        pair.compare().await?;
        for (nth, step) in steps.iter().enumerate() {
            let after = |error| match error {
                TestCaseError::Fail(why) => TestCaseError::fail(format!("step {nth}, {step:?}: {why}")),
                error => error,
            };
            pair.take(step).await.map_err(after)?;
            pair.compare().await.map_err(after)?;
        }
        pair.config.shutdown().await;
        prop_assert!(pair.outcomes.next().await.is_err());
        prop_assert_eq!(pair.journal.take(), Vec::<String>::new());
        Ok(())
    }
}

#[test]
fn whatever_happens_the_reloader_does_what_the_model_says() {
    let policy = prop_oneof![3 => Just(RestartPolicy::Hold), 1 => Just(RestartPolicy::Refuse), 1 => Just(RestartPolicy::Apply)];
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let ran = runner.run(&(vec(step(), 1..50), policy), |(steps, policy)| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        runtime.block_on(Pair::run(&steps, policy))
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}
