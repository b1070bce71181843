//! Random histories against a plain map: store, events and what they come to must agree with it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use reloadable::{Changed, Delta, Incarnation, Index, KeyedDocument, Latest, Listed, SourceErrorKind};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::*;

/// What is done to a source, or by those who are told.
#[derive(Debug, Clone)]
enum Act {
    Put(u8, u16),
    /// Another object with the same key.
    Renew(u8, u16),
    Break(u8),
    Delete(u8),
    /// What is told next is told twice.
    Repeat,
    /// The source tells of nothing from here, until it lists.
    Lose,
    Expire,
    Fail,
    End,
    Hint,
    /// So many events are read.
    Read(usize),
    ReadLatest(usize),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let key: Range<u8> = 0..6;
    let port: Range<u16> = 1..5;
    prop_oneof![
        6 => (key.clone(), port.clone()).prop_map(|(key, port)| Act::Put(key, port)),
        2 => (key.clone(), port).prop_map(|(key, port)| Act::Renew(key, port)),
        2 => key.clone().prop_map(Act::Break),
        4 => key.prop_map(Act::Delete),
        1 => Just(Act::Repeat),
        1 => Just(Act::Lose),
        1 => Just(Act::Expire),
        1 => Just(Act::Fail),
        1 => Just(Act::End),
        1 => Just(Act::Hint),
        2 => (0_usize..4).prop_map(Act::Read),
        2 => (0_usize..4).prop_map(Act::ReadLatest),
        4 => (0_u64..2000).prop_map(Act::Pass),
    ]
}

/// What there is, and what is still to be told of it.
#[derive(Default)]
struct World {
    version: u64,
    objects: BTreeMap<u8, Thing>,
    log: VecDeque<(u64, Delta<String>)>,
    /// What came before this is not told, and nothing tells so.
    forgotten: u64,
    answers: VecDeque<Result<Changed<String>, SourceErrorKind>>,
    list_failures: u32,
    repeats: u32,
}

#[derive(Clone)]
struct Thing {
    text: String,
    version: u64,
    born: u64,
    /// Nothing if it is broken.
    port: Option<u16>,
}

impl Thing {
    fn document(&self, key: u8) -> KeyedDocument<String> {
        let incarnation = Incarnation::new(self.born.to_be_bytes());
        object(&key.to_string(), self.version.to_be_bytes(), &self.text).incarnation(incarnation)
    }
}

impl World {
    fn put(&mut self, key: u8, text: String, port: Option<u16>, renew: bool) {
        self.version += 1;
        let version = self.version;
        let old = self.objects.remove(&key);
        let born = old.as_ref().filter(|_| !renew).map_or(version, |old| old.born);
        let thing = Thing { text, version, born, port };
        self.log.push_back((version, Delta::Upsert(thing.document(key))));
        self.objects.insert(key, thing);
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Put(key, number) => self.put(key, port(number), Some(number), false),
            Act::Renew(key, number) => self.put(key, port(number), Some(number), true),
            Act::Break(key) => self.put(key, port(0), None, false),
            Act::Delete(key) => {
                self.version += 1;
                self.objects.remove(&key);
                self.log.push_back((self.version, Delta::Delete(key.to_string())));
            }
            Act::Repeat => self.repeats += 1,
            Act::Lose => self.forgotten = self.version,
            Act::Expire => self.answers.push_back(Err(SourceErrorKind::Expired)),
            Act::Fail => {
                self.list_failures += 1;
                self.answers.push_back(Err(SourceErrorKind::Other));
            }
            Act::End => self.answers.push_back(Ok(Changed::Ended)),
            Act::Hint => self.answers.push_back(Ok(Changed::Relist)),
            Act::Read(_) | Act::ReadLatest(_) | Act::Pass(_) => {}
        }
    }

    /// What is told of what has changed since then.
    fn told(&mut self, from: u64) -> Option<Result<Changed<String>, SourceError>> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(answer.map_err(failure));
        }
        let from = from.max(self.forgotten);
        let (version, delta) = self.log.iter().find(|(version, _)| *version > from)?.clone();
        let mut deltas = vec![delta.clone()];
        if self.repeats > 0 {
            self.repeats -= 1;
            deltas.push(delta);
        }
        deltas.push(Delta::Progress(Revision::new(version.to_be_bytes())));
        Some(Ok(Changed::Deltas(deltas)))
    }
}

/// A source of the world, which may be able to tell which of two revisions is the newer one.
struct Place<const ORDERED: bool> {
    world: Arc<(Mutex<World>, Notify)>,
}

fn version(revision: &Revision) -> u64 {
    u64::from_be_bytes(revision.as_bytes().try_into().unwrap())
}

impl<const ORDERED: bool> KeyedSource for Place<ORDERED> {
    type Key = String;

    fn origin(&self) -> Origin {
        Origin::named("world")
    }

    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        let (objects, version, fails) = {
            let mut world = self.world.0.lock().unwrap();
            let fails = world.list_failures > 0;
            world.list_failures -= u32::from(fails);
            (world.objects.clone(), world.version, fails)
        };
        for (number, (key, thing)) in objects.into_iter().enumerate() {
            if fails && number == 2 {
                break;
            }
            let document = thing.document(key);
            let name = key.to_string();
            let is_known = listing
                .known(&name)
                .is_some_and(|known| *known == Revision::new(thing.version.to_be_bytes()));
            // What has another incarnation has another version.
            if is_known && number % 2 == 0 {
                listing.unchanged(name).await;
            } else {
                listing.push(document).await;
            }
        }
        if fails {
            return Err(failure(SourceErrorKind::Unstable));
        }
        Ok(Listed::new().at(Revision::new(version.to_be_bytes())))
    }

    async fn changed(&mut self, from: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        let from = from.map_or(0, version);
        loop {
            let told = self.world.0.lock().unwrap().told(from);
            match told {
                Some(told) => return told,
                None => self.world.1.notified().await,
            }
        }
    }

    fn compare(one: &Revision, other: &Revision) -> Option<std::cmp::Ordering> {
        ORDERED.then(|| version(one).cmp(&version(other)))
    }
}

/// What one who is told makes of it. Each event must fit what came before. What has changed and changed back need not be
/// told, so objects are compared, and not where they are.
#[derive(Default)]
struct Mirror(BTreeMap<String, Arc<Route>>);

impl Mirror {
    fn take_in(&mut self, event: Event<String, Route>) {
        match event {
            Event::Snapshot { view, .. } => {
                self.0 = view.iter().map(|(key, route)| (key.clone(), Arc::clone(route))).collect();
            }
            Event::Added { key, object } => {
                assert!(self.0.insert(key.clone(), object).is_none(), "{key} was there");
            }
            Event::Modified(modified) => {
                let old = self.0.insert(modified.key().clone(), Arc::clone(modified.current()));
                assert_eq!(old.as_ref(), Some(modified.previous()), "a change is missing");
                assert_eq!(
                    modified.changes().port.map(|port| (*port.old, *port.new)),
                    Some((modified.previous().port, modified.current().port))
                );
            }
            Event::Removed { key, last, .. } => {
                assert_eq!(self.0.remove(&key), Some(last), "a change is missing");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What is to be told now.
async fn now<E>(next: impl Future<Output = E>) -> Option<E> {
    timeout(Duration::from_millis(1), next).await.ok()
}

async fn read(events: &mut Events<String, Route>, mirror: &mut Mirror, most: usize) {
    for _ in 0..most {
        let Some(event) = now(events.next()).await else { return };
        mirror.take_in(event.unwrap());
    }
}

async fn read_latest(latest: &mut Latest<String, Route>, mirror: &mut Mirror, most: usize) {
    for _ in 0..most {
        let Some(event) = now(latest.next()).await else { return };
        mirror.take_in(event.unwrap());
    }
}

async fn history<const ORDERED: bool>(acts: Vec<Act>) {
    let world = Arc::new((Mutex::new(World::default()), Notify::new()));
    let by_port = Index::new("port", |route: &Route| [route.port]);
    let source = Place::<ORDERED> { world: Arc::clone(&world) };
    let informer = scripted(source, |builder| {
        builder
            .reverify(Duration::from_secs(20))
            .max_backoff(Duration::from_secs(2))
            .index(&by_port)
            .ordered()
    })
    .await;
    let (mut events, mut latest) = (informer.events_up_to(4), informer.latest());
    let (mut mirror, mut newest) = (Mirror::default(), Mirror::default());
    for act in &acts {
        world.0.lock().unwrap().act(act);
        world.1.notify_one();
        match *act {
            Act::Read(most) => read(&mut events, &mut mirror, most).await,
            Act::ReadLatest(most) => read_latest(&mut latest, &mut newest, most).await,
            Act::Pass(millis) => pass(Duration::from_millis(millis)).await,
            _ => {}
        }
    }
    // Longer than everything that may be waited for: failures, a list, and another that confirms it.
    for round in 0..2 {
        pass(Duration::from_secs(120)).await;
        let view = informer.lister().snapshot();
        let objects = world.0.lock().unwrap().objects.clone();
        for (key, thing) in &objects {
            let port = view.get(&key.to_string()).map(|route| route.port);
            match thing.port {
                Some(_) => assert_eq!(port, thing.port, "{key}"),
                None => assert!(port.is_none_or(|port| port != 0), "{key}"),
            }
        }
        let mut stored: Vec<_> = view.iter().map(|(key, route)| (key.clone(), route.port)).collect();
        assert!(stored.iter().all(|(key, _)| objects.contains_key(&key.parse().unwrap())), "{stored:?}");
        let broken = objects.values().filter(|thing| thing.port.is_none()).count();
        assert_eq!(informer.status().broken.len(), broken);
        assert_eq!((informer.status().withheld, informer.status().objects), (0, stored.len()));
        for number in 0..6 {
            let indexed = view.by_index(&by_port, &number).count();
            assert_eq!(indexed, stored.iter().filter(|(_, port)| *port == number).count());
        }
        read(&mut events, &mut mirror, usize::MAX).await;
        read_latest(&mut latest, &mut newest, usize::MAX).await;
        stored.sort();
        for mirror in [&mirror, &newest] {
            let mirrored: Vec<_> = mirror.0.iter().map(|(key, route)| (key.clone(), route.port)).collect();
            assert_eq!(mirrored, stored);
        }
        if round == 0 {
            for key in objects.into_iter().filter(|(_, thing)| thing.port.is_none()).map(|(key, _)| key) {
                world.0.lock().unwrap().act(&Act::Put(key, 5));
                world.1.notify_one();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn store_and_subscribers_agree_with_the_source(
        acts in prop::collection::vec(act(), 1..80),
        is_ordered in any::<bool>(),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            if is_ordered { history::<true>(acts).await } else { history::<false>(acts).await }
        });
    }
}
