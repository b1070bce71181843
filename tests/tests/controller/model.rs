//! Random histories of objects, and of runs that fail in every way: in the end each key is as its object says, or given up,
//! or told as left.

use std::collections::{BTreeSet, HashMap};
use std::sync::MutexGuard;

use super::*;

/// Random numbers that are the same for the same seed.
#[derive(Clone)]
struct Dice(Arc<Mutex<u64>>);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut drawn = *state;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (drawn ^ (drawn >> 31)) % sides
    }
}

/// What the runs have made of the world.
#[derive(Default)]
struct World {
    running: BTreeSet<String>,
    applied: HashMap<String, Option<u16>>,
    faults: Vec<String>,
    is_calm: bool,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<World>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Says that a run is over, however it ends.
struct Running(Shared, String);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().running.remove(&self.1);
    }
}

async fn reconcile(world: Shared, dice: Dice, key: String, context: Context) -> Outcome {
    if !world.lock().running.insert(key.clone()) {
        world.lock().faults.push(format!("two runs of {key}"));
    }
    let _running = Running(world.clone(), key.clone());
    let seen = context.get().map(|route| route.port);
    pass(Duration::from_millis(dice.roll(50))).await;
    let is_calm = world.lock().is_calm;
    match dice.roll(if is_calm { 1 } else { 12 }) {
        9 => return Err(ReconcileError::permanent("for good")),
        8 => panic!("as rolled"),
        7 => std::future::pending().await,
        5..=6 => return Err(ReconcileError::transient("for now")),
        4 => return Err(ReconcileError::transient("busy").retry_after(Duration::from_millis(dice.roll(500)))),
        _ => {}
    }
    world.lock().applied.insert(key, seen);
    let again = !is_calm && dice.roll(4) == 0;
    Ok(if again { Requeue::after(Duration::from_millis(dice.roll(300))) } else { Requeue::done() })
}

/// Returns the keys whose object is not what the world is.
fn behind(world: &Shared, handle: &Handle) -> BTreeSet<String> {
    let applied = world.lock().applied.clone();
    let objects = ports(handle);
    let keys: BTreeSet<_> = applied.keys().chain(objects.keys()).cloned().collect();
    keys.into_iter().filter(|key| applied.get(key).copied().flatten() != objects.get(key).copied()).collect()
}

async fn history(seed: u64) {
    let dice = Dice(Arc::new(Mutex::new(seed)));
    let world = Shared::default();
    let (source, routes) = MemoryCollection::new("routes", Format::Toml);
    let mut builder = Informer::<Route>::builder().source(source);
    if dice.roll(2) == 0 {
        builder = builder.resync(SECOND);
    }
    for number in 0..dice.roll(10) {
        routes.upsert(format!("{number}"), port(1));
    }
    let informer = builder.start().await.unwrap();
    let handle = {
        let (world, dice) = (world.clone(), dice.clone());
        let built = Controller::new(informer)
            .jitter(Jitter::Seeded(seed))
            .concurrency(1 + usize::try_from(dice.roll(4)).unwrap())
            .capacity(if dice.roll(3) == 0 { 3 } else { 1000 })
            .max_dead_letters(if dice.roll(3) == 0 { 2 } else { 1000 })
            .backoff(Duration::from_millis(10), SECOND)
            .max_attempts(3)
            .timeout(Duration::from_millis(200));
        let run = built.run(move |key, context| reconcile(world.clone(), dice.clone(), key, context));
        run.unwrap()
    };
    for _ in 0..dice.roll(100) {
        let key = format!("{}", dice.roll(10));
        match dice.roll(8) {
            0..=3 => drop(routes.upsert(key, port(1 + u16::try_from(dice.roll(1000)).unwrap()))),
            4 => drop(routes.remove(key)),
            5 => drop(handle.enqueue(key)),
            6 => drop(handle.dead_letters().requeue(&key)),
            _ => pass(Duration::from_millis(dice.roll(200))).await,
        }
    }
    // What was written is in the store, and what waited for room in the queue has it.
    pass(Duration::from_millis(1)).await;
    let is_cut_short = dice.roll(2) == 0;
    if is_cut_short {
        let left = handle.clone().shutdown(Duration::from_millis(dice.roll(300))).await;
        let dead: Vec<_> = left.dead().iter().map(|letter| letter.key.clone()).collect();
        let told = [left.aborted(), left.ready(), left.delayed(), &dead].concat();
        let (applied, objects) = (world.lock().applied.clone(), ports(&handle));
        for key in behind(&world, &handle) {
            assert!(
                told.contains(&key),
                "seed {seed}: nobody was told of {key}: {left:?}, {applied:?}, {objects:?}"
            );
        }
        assert!(world.lock().running.is_empty(), "seed {seed}: something still runs");
    } else {
        world.lock().is_calm = true;
        eventually("all is done", || {
            let queue = handle.status().queue;
            queue.depth + queue.in_work + queue.delayed == 0
        })
        .await;
        let dead: BTreeSet<_> = handle.dead_letters().list().into_iter().map(|letter| letter.key).collect();
        let behind = behind(&world, &handle);
        assert!(behind.is_subset(&dead), "seed {seed}: {behind:?} are behind, dead are {dead:?}");
        let most = handle.dead_letters().requeue_all().unwrap_or_default();
        assert!(most <= dead.len());
        eventually("all is done", || {
            let _ = handle.dead_letters().requeue_all();
            let status = handle.status();
            status.queue.depth + status.queue.in_work + status.dead_letters == 0
        })
        .await;
        assert_eq!(self::behind(&world, &handle), BTreeSet::new(), "seed {seed}");
    }
    assert_eq!(world.lock().faults, Vec::<String>::new(), "seed {seed}");
    let status = handle.status();
    assert_eq!((status.active, status.counts.panics), (0, 0), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn every_key_is_as_its_object_says_or_is_told_as_left() {
    std::panic::set_hook(Box::new(|panic| {
        if panic.payload_as_str() != Some("as rolled") {
            eprintln!("{panic}");
        }
    }));
    for seed in 0..400 {
        in_time(history(seed)).await;
    }
}
