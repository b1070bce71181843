//! Whatever happens in whatever order, the queue does what a small model says, and everybody is woken who has something to
//! do: who waits here is looked after only when he was woken.

mod reference;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reloadable::{Add, AddError, Item, Jitter, Priority, Remaining, WorkQueue};

use self::reference::{End, Key, Left, Model, Phase, Taken, group};
use crate::millis;

/// One thing that happens. Keys, workers and the others are numbered; there may be none of that number.
#[derive(Debug, Clone)]
enum Step {
    Add(Key, u64, Priority),
    /// Waits for room.
    AddInTime(Key),
    GiveUpAdding(usize),
    /// A worker asks for a key.
    Next,
    /// And gives up, perhaps after he was woken.
    GiveUp(usize),
    End(usize, End),
    Forget(Key),
    Pass(u64),
    Drain(u64),
    GiveUpDrain,
    Shutdown,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..7_u8;
    let priority =
        prop_oneof![2 => Just(Priority::Low), 4 => Just(Priority::Normal), 3 => Just(Priority::High)];
    let delay = prop_oneof![5 => Just(0), 3 => 1..30_u64];
    let end = prop_oneof![
        4 => Just(End::Done),
        4 => Just(End::Retry),
        1 => Just(End::Drop),
        2 => (0..30_u64).prop_map(End::RequeueAfter),
    ];
    prop_oneof![
        20 => (key(), delay, priority).prop_map(|(key, delay, priority)| Step::Add(key, delay, priority)),
        4 => key().prop_map(Step::AddInTime),
        1 => (0..3_usize).prop_map(Step::GiveUpAdding),
        18 => Just(Step::Next),
        4 => (0..4_usize).prop_map(Step::GiveUp),
        16 => (0..4_usize, end).prop_map(|(nth, end)| Step::End(nth, end)),
        1 => key().prop_map(Step::Forget),
        8 => (1..25_u64).prop_map(Step::Pass),
    ]
}

/// How it ends, if it does.
fn last_steps() -> impl Strategy<Value = Vec<Step>> {
    let ending = prop_oneof![
        5 => (0..40_u64).prop_map(|within| vec![Step::Drain(within)]),
        1 => (0..40_u64).prop_map(|within| vec![Step::Drain(within), Step::GiveUpDrain]),
        1 => (0..40_u64).prop_map(|within| vec![Step::Drain(within), Step::Drain(7)]),
        1 => Just(vec![Step::Shutdown]),
        2 => Just(vec![]),
    ];
    (ending, vec(step(), 0..25)).prop_map(|(mut ending, after)| {
        ending.extend(after);
        ending
    })
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A future that is polled once, and then only after it was woken.
struct Waiting<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    woken: Arc<Woken>,
}

impl<T> Waiting<T> {
    fn new(future: impl Future<Output = T> + 'static) -> Self {
        let woken = Arc::new(Woken::default());
        woken.0.store(true, Ordering::SeqCst);
        Self { future: Box::pin(future), woken }
    }

    /// Returns nothing if it was not woken, or has nothing.
    fn look(&mut self, looked: &mut bool) -> Option<T> {
        if !self.woken.0.swap(false, Ordering::SeqCst) {
            return None;
        }
        *looked = true;
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

/// One who waits for room, with the key.
type Adder = (Key, Waiting<Result<(), AddError<Key>>>);

/// The queue and its model, side by side.
struct Pair {
    queue: WorkQueue<Key>,
    model: Model,
    workers: Vec<Waiting<Option<Item<Key>>>>,
    adders: Vec<Adder>,
    drains: Vec<(u64, Waiting<Remaining<Key>>)>,
    items: Vec<Item<Key>>,
}

fn left(remaining: &Remaining<Key>) -> Left {
    let sorted = |keys: &[Key]| {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys
    };
    [sorted(remaining.ready()), sorted(remaining.delayed()), sorted(remaining.in_work())]
}

impl Pair {
    fn new(capacity: usize, is_fair: bool) -> Self {
        let builder = WorkQueue::builder().capacity(capacity).jitter(Jitter::None);
        let builder = builder.backoff(millis(8), millis(100));
        let builder = if is_fair { builder.fairness(|key| group(*key)) } else { builder };
        Self {
            queue: builder.build(),
            model: Model::new(capacity, is_fair),
            workers: Vec::new(),
            adders: Vec::new(),
            drains: Vec::new(),
            items: Vec::new(),
        }
    }

    /// Does it, and has the model do it; both give the same answer.
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let Self { queue, model, .. } = self;
        model.promote();
        match step {
            Step::Add(key, after, priority) => {
                let is_open = model.phase == Phase::Open;
                let added = queue.try_add_with(*key, Add::new().after(millis(*after)).priority(*priority));
                prop_assert_eq!(added.is_ok(), model.add(*key, *after, *priority));
                if let Err(error) = added {
                    prop_assert_eq!((error.is_full(), error.is_closed()), (is_open, !is_open));
                    prop_assert_eq!(error.into_key(), *key);
                }
            }
            Step::AddInTime(key) => {
                let (queue, key) = (queue.clone(), *key);
                self.adders.push((key, Waiting::new(async move { queue.add(key).await })));
            }
            Step::GiveUpAdding(nth) if *nth < self.adders.len() => drop(self.adders.remove(*nth)),
            Step::Next => {
                let queue = queue.clone();
                self.workers.push(Waiting::new(async move { queue.next().await }));
            }
            Step::GiveUp(nth) if *nth < self.workers.len() => drop(self.workers.remove(*nth)),
            Step::End(nth, end) if *nth < self.items.len() => {
                let item = self.items.remove(*nth);
                model.end(*item.key(), *end);
                match end {
                    End::Done => item.done(),
                    End::Retry => item.retry(),
                    End::Drop => drop(item),
                    End::RequeueAfter(delay) => item.requeue_after(millis(*delay)),
                }
            }
            Step::Forget(key) => prop_assert_eq!(queue.forget(key), model.forget(*key)),
            Step::Pass(time) => {
                model.now += time;
                tokio::time::sleep(millis(*time)).await;
            }
            Step::Drain(within) => {
                let (queue, within) = (queue.clone(), *within);
                self.drains.push((
                    model.now + within,
                    Waiting::new(async move { queue.drain(millis(within)).await }),
                ));
            }
            Step::GiveUpDrain => drop(self.drains.pop()),
            Step::Shutdown => prop_assert_eq!(left(&queue.shutdown()), model.close()),
            Step::GiveUpAdding(_) | Step::GiveUp(_) | Step::End(..) => {}
        }
        Ok(())
    }

    /// Whoever was woken looks, one after the other, until nobody is any more; each does what the model does.
    async fn look(&mut self) -> Result<(), TestCaseError> {
        let mut looked = true;
        while looked {
            looked = false;
            // Those who always find something else stop at some time, to let others run.
            tokio::task::yield_now().await;
            for nth in (0..self.drains.len()).rev() {
                let (until, drain) = &mut self.drains[nth];
                if drain.woken.0.load(Ordering::SeqCst) {
                    self.model.drain();
                }
                if let Some(remaining) = drain.look(&mut looked) {
                    prop_assert!(self.model.has_ended() || *until <= self.model.now, "too early");
                    prop_assert_eq!(left(&remaining), self.model.close());
                    drop(self.drains.remove(nth));
                }
            }
            for nth in (0..self.workers.len()).rev() {
                let Some(found) = self.workers[nth].look(&mut looked) else { continue };
                self.model.promote();
                match found {
                    Some(item) => {
                        let taken = Taken {
                            key: *item.key(),
                            priority: item.priority(),
                            attempts: item.attempts(),
                            waited: u64::try_from(item.waited().as_millis()).unwrap_or(u64::MAX),
                        };
                        prop_assert_eq!(Some(taken), self.model.take());
                        self.items.push(item);
                    }
                    None => prop_assert!(self.model.has_ended()),
                }
                drop(self.workers.remove(nth));
            }
            for nth in (0..self.adders.len()).rev() {
                let (key, adder) = &mut self.adders[nth];
                let Some(added) = adder.look(&mut looked) else { continue };
                self.model.promote();
                prop_assert_eq!(added.is_ok(), self.model.add(*key, 0, Priority::Normal));
                prop_assert_eq!(added.is_err_and(|error| error.is_closed()), self.model.phase != Phase::Open);
                drop(self.adders.remove(nth));
            }
        }
        Ok(())
    }

    /// Nobody waits for what is there, and everything that can be seen is what the model says.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let Self { model, .. } = self;
        let stats = self.queue.stats();
        model.promote();
        prop_assert_eq!([stats.depth, stats.delayed, stats.in_work], model.counts());
        prop_assert_eq!(stats.adds_total, model.adds);
        prop_assert_eq!(stats.retries_total, model.retries);
        prop_assert_eq!(stats.in_work, self.items.len());
        prop_assert_eq!(self.queue.is_closed(), model.has_ended());
        if model.counts()[0] > 0 || model.has_ended() {
            prop_assert!(self.workers.is_empty(), "a worker sleeps");
        }
        for (key, _) in &self.adders {
            prop_assert!(
                !model.has_room() && model.phase == Phase::Open,
                "{key} has room, and its adder sleeps"
            );
        }
        for (until, _) in &self.drains {
            prop_assert!(!model.has_ended() && *until > model.now, "a drain sleeps");
        }
        Ok(())
    }

    async fn run(steps: &[Step], capacity: usize, is_fair: bool) -> Result<(), TestCaseError> {
        let mut pair = Self::new(capacity, is_fair);
        for (nth, step) in steps.iter().enumerate() {
            let after = |error| match error {
                TestCaseError::Fail(why) => TestCaseError::fail(format!("step {nth}, {step:?}: {why}")),
                error => error,
            };
            pair.take(step).await.map_err(after)?;
            pair.look().await.map_err(after)?;
            pair.compare().map_err(after)?;
        }
        Ok(())
    }
}

#[test]
fn whatever_happens_the_queue_does_what_the_model_says() {
    let steps = (vec(step(), 1..120), last_steps()).prop_map(|(mut steps, last)| {
        steps.extend(last);
        steps
    });
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let ran = runner.run(&(steps, 3..8_usize, any::<bool>()), |(steps, capacity, is_fair)| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        runtime.block_on(Pair::run(&steps, capacity, is_fair))
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}
