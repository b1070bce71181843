//! The store of a collection beside that of kube-runtime: 100,000 `ConfigMap`s in 100 namespaces, in one run, so that the
//! ratios hold on any machine. Beside them stand the figures of client-go, which were measured elsewhere.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_runtime::reflector::ObjectRef;
use kube_runtime::reflector::store::Writer;
use kube_runtime::watcher::Event;
use reloadable::{Index, Lister, Store};
use rustix::time::{ClockId, clock_gettime};

type Objects = Vec<(String, Arc<ConfigMap>)>;

const NAMESPACES: usize = 100;

/// Measures and prints one part of the table.
type Part = fn(&Bench);

struct Bench {
    objects: Objects,
    /// The same keys with other objects.
    others: Objects,
    /// An order in which no object is beside the one before it.
    shuffled: Vec<usize>,
    rounds: usize,
}

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let count = if is_test { 2_000 } else { 100_000 };
    let mut shuffled: Vec<_> = (0..count).collect();
    let mut random = 88_172_645_463_325_252_u64;
    for place in (1..count).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        shuffled.swap(place, (random % (place as u64 + 1)) as usize);
    }
    let rounds = if is_test { 1 } else { 9 };
    let bench = Bench { objects: objects(count, 1), others: objects(count, 2), shuffled, rounds };
    println!("{count} objects in {NAMESPACES} namespaces, median of {rounds} rounds");
    println!("{:<52} {:>12} {:>14} {:>12}", "", "reloadable", "kube-runtime", "client-go");
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, Part); 5] = [
        ("gets", Bench::gets),
        ("lists", Bench::lists),
        ("updates", Bench::updates),
        ("loads", Bench::loads),
        ("memory", Bench::memory),
    ];
    for (name, run) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run(&bench);
        }
    }
}

fn object(number: usize, version: usize) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            namespace: Some(namespace(number)),
            name: Some(format!("config-{number:06}")),
            resource_version: Some(format!("{}", number * 10 + version)),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([("key".to_owned(), format!("value {version} of {number}"))])),
        ..ConfigMap::default()
    }
}

fn namespace(number: usize) -> String {
    format!("namespace-{:03}", number % NAMESPACES)
}

fn objects(count: usize, version: usize) -> Objects {
    (0..count)
        .map(|number| {
            let key = format!("{}/config-{number:06}", namespace(number));
            (key, Arc::new(object(number, version)))
        })
        .collect()
}

fn by_namespace() -> Index<ConfigMap, String> {
    Index::new("namespace", |object: &ConfigMap| object.metadata.namespace.clone())
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Indexed,
    Ordered,
}

fn store(kind: Kind, index: &Index<ConfigMap, String>) -> Store<String, ConfigMap> {
    match kind {
        Kind::Plain => Store::builder().build(),
        Kind::Indexed => Store::builder().index(index).build(),
        Kind::Ordered => Store::builder().ordered().build(),
    }
}

fn fill(store: &mut Store<String, ConfigMap>, objects: &Objects) {
    let mut batch = store.batch();
    for (key, object) in objects {
        batch.upsert(key.clone(), Arc::clone(object));
    }
    assert!(batch.publish().is_empty(), "no index fails");
}

/// In nanoseconds, of which tenths count.
type Time = f64;

/// Of all threads of this process.
fn processor_time() -> Time {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Returns the time of one of so many.
fn timed(many: usize, run: &mut dyn FnMut()) -> Time {
    let started = processor_time();
    run();
    (processor_time() - started) / many as f64
}

fn row(what: &str, ours: Time, kube: Option<Time>, go: &str) {
    let text = |time: Time| match time {
        _ if time < 1e3 => format!("{time:.1} ns"),
        _ if time < 1e6 => format!("{:.2} us", time / 1e3),
        _ => format!("{:.2} ms", time / 1e6),
    };
    println!("{what:<52} {:>12} {:>14} {go:>12}", text(ours), kube.map_or("-".to_owned(), text));
}

impl Bench {
    /// Returns the median time of one of so many, by the processor's time: others may be at work on this machine.
    fn each(&self, many: usize, mut run: impl FnMut()) -> Time {
        let mut times: Vec<_> = (0..self.rounds).map(|_| timed(many, &mut run)).collect();
        times.sort_by(Time::total_cmp);
        times[times.len() / 2]
    }

    /// Returns the median times of two things, which take turns: whatever others do to this machine, they do to both.
    fn both(&self, many: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> (Time, Time) {
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            ones.push(timed(many, &mut one));
            others.push(timed(many, &mut other));
        }
        ones.sort_by(Time::total_cmp);
        others.sort_by(Time::total_cmp);
        (ones[ones.len() / 2], others[others.len() / 2])
    }

    fn kube(&self) -> Writer<ConfigMap> {
        let mut writer = Writer::new(());
        self.relist(&mut writer);
        writer
    }

    fn relist(&self, writer: &mut Writer<ConfigMap>) {
        writer.apply_watcher_event(&Event::Init);
        for (_, object) in &self.objects {
            // It makes a clone of the object by itself.
            let event = Event::InitApply(ConfigMap::clone(object));
            writer.apply_watcher_event(&event);
        }
        writer.apply_watcher_event(&Event::InitDone);
    }

    fn gets(&self) {
        let index = by_namespace();
        let mut store = store(Kind::Plain, &index);
        fill(&mut store, &self.objects);
        let lister = store.lister();
        let keys: Vec<_> = self.shuffled.iter().map(|at| self.objects[*at].0.clone()).collect();
        let missing: Vec<_> = keys.iter().map(|key| format!("{key}-none")).collect();
        let kube = self.kube();
        let reader = kube.as_reader();
        let refs: Vec<_> =
            self.shuffled.iter().map(|at| ObjectRef::from_obj(&*self.objects[*at].1)).collect();
        let none: Vec<ObjectRef<ConfigMap>> =
            missing.iter().map(|key| ObjectRef::new(key).within("namespace-001")).collect();

        let get = |keys: &[String]| keys.iter().filter(|key| lister.get(key.as_str()).is_some()).count();
        let kube_get =
            |refs: &[ObjectRef<ConfigMap>]| refs.iter().filter(|key| reader.get(key).is_some()).count();
        let (ours, theirs) = self.both(
            keys.len(),
            || assert_eq!(get(&keys), keys.len()),
            || assert_eq!(kube_get(&refs), refs.len()),
        );
        row("get", ours, Some(theirs), "175 ns");
        let hot = &keys[..1_000];
        let hot_refs = &refs[..1_000];
        let (ours, theirs) = self.both(
            100_000,
            || (0..100).for_each(|_| assert_eq!(get(hot), hot.len())),
            || (0..100).for_each(|_| assert_eq!(kube_get(hot_refs), hot.len())),
        );
        row("get, the same 1,000 again and again", ours, Some(theirs), "");
        let (ours, theirs) = self.both(
            100_000,
            || (0..1_000).for_each(|_| assert_eq!(get(&hot[..100]), 100)),
            || (0..1_000).for_each(|_| assert_eq!(kube_get(&hot_refs[..100]), 100)),
        );
        row("get, the same 100 again and again", ours, Some(theirs), "");
        let view = lister.snapshot();
        let ours = self.each(keys.len(), || {
            assert_eq!(keys.iter().filter(|key| view.get(key.as_str()).is_some()).count(), keys.len());
        });
        row("get from a view, borrowed", ours, None, "");
        let (ours, theirs) =
            self.both(none.len(), || assert_eq!(get(&missing), 0), || assert_eq!(kube_get(&none), 0));
        row("get of what is not there", ours, Some(theirs), "");
        let two = |run: &(dyn Fn() + Sync)| {
            std::thread::scope(|scope| {
                scope.spawn(run);
                run();
            });
        };
        let (ours, theirs) = self.both(
            2 * keys.len(),
            || two(&|| assert_eq!(get(&keys), keys.len())),
            || two(&|| assert_eq!(kube_get(&refs), refs.len())),
        );
        row("get, from each of two threads", ours, Some(theirs), "172 ns");
        drop(kube);
        self.gets_while_written(store);
    }

    fn gets_while_written(&self, mut store: Store<String, ConfigMap>) {
        let lister = store.lister();
        let keys: Vec<_> = self.shuffled.iter().map(|at| self.objects[*at].0.clone()).collect();
        let is_over = AtomicBool::new(false);
        let (mut times, mut published) = (Vec::new(), 0);
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let mut published = 0_u64;
                let objects = self.others.iter().chain(&self.objects).cycle();
                for (key, object) in objects.take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    let mut batch = store.batch();
                    batch.upsert(key.clone(), Arc::clone(object));
                    batch.publish();
                    published += 1;
                }
                published
            });
            for _ in 0..self.rounds {
                for key in &keys {
                    let started = Instant::now();
                    black_box(lister.get(key.as_str()));
                    times.push(started.elapsed());
                }
            }
            is_over.store(true, Ordering::Relaxed);
            published = writing.join().expect("the writer does not panic");
        });
        times.sort();
        let nanos = |time: Duration| time.as_secs_f64() * 1e9;
        let average = nanos(times.iter().sum()) / times.len() as f64;
        row("get while single objects are written, average", average, None, "");
        row("  of 1,000 the slowest", nanos(times[times.len() - times.len() / 1_000 - 1]), None, "");
        println!("  ({published} batches were published)");
    }

    fn lists(&self) {
        let index = by_namespace();
        let mut store = store(Kind::Indexed, &index);
        fill(&mut store, &self.objects);
        let lister: Lister<String, ConfigMap> = store.lister();
        let view = lister.snapshot();
        let kube = self.kube();
        let reader = kube.as_reader();
        let many = self.objects.len() / NAMESPACES;
        let count = self.objects.len();
        let (ours, theirs) = self.both(
            1,
            || assert_eq!(lister.list().len(), count),
            || assert_eq!(reader.state().len(), count),
        );
        row("list of all, counted up to keep", ours, Some(theirs), "");
        // As client-go does it: it copies where the objects are, and does not touch them.
        let ours = self.each(1, || {
            let objects: Vec<_> = view.iter().map(|(_, object)| object).collect();
            assert_eq!(black_box(objects).len(), count);
        });
        row("list of all, borrowed", ours, None, "2.7 ms");
        let ours = self.each(NAMESPACES, || {
            for number in 0..NAMESPACES {
                assert_eq!(lister.by_index(&index, namespace(number).as_str()).len(), many);
            }
        });
        let theirs = self.each(1, || {
            let is = |object: &ConfigMap| object.metadata.namespace.as_deref() == Some("namespace-007");
            assert_eq!(reader.state_filter(is).len(), many);
        });
        row("by index, 1,000 of 100,000, counted up to keep", ours, Some(theirs), "69 us");
        let ours = self.each(NAMESPACES, || {
            for number in 0..NAMESPACES {
                let name = namespace(number);
                let objects = view.by_index(&index, name.as_str()).map(|(_, object)| object);
                assert_eq!(objects.filter(|object| Arc::strong_count(object) > 0).count(), many);
            }
        });
        row("  with keys, from a view, borrowed", ours, None, "");
        // As client-go does it.
        let ours = self.each(NAMESPACES, || {
            for number in 0..NAMESPACES {
                let name = namespace(number);
                let objects: Vec<_> = view.objects_by_index(&index, name.as_str()).collect();
                assert_eq!(black_box(objects).len(), many);
            }
        });
        row("  borrowed", ours, None, "69 us");
    }

    fn updates(&self) {
        let index = by_namespace();
        for (kind, what, go) in [
            (Kind::Plain, "no index", "370 ns"),
            (Kind::Indexed, "one index", "648 ns"),
            (Kind::Ordered, "ordered", ""),
        ] {
            for batch in [1_000, 1] {
                let mut kube = (kind == Kind::Plain && batch == 1).then(|| self.kube());
                for is_held in [false, true] {
                    let mut store = store(kind, &index);
                    fill(&mut store, &self.objects);
                    let lister = store.lister();
                    let mut flip = false;
                    let ours = self.each(self.objects.len(), || {
                        flip = !flip;
                        let from = if flip { &self.others } else { &self.objects };
                        for part in from.chunks(batch) {
                            let held = is_held.then(|| lister.snapshot());
                            let mut batch = store.batch();
                            for (key, object) in part {
                                batch.upsert(key.clone(), Arc::clone(object));
                            }
                            batch.publish();
                            drop(held);
                        }
                    });
                    let held = if is_held { ", view held" } else { "" };
                    let theirs = kube.take().map(|mut kube| {
                        let others = self.others.iter();
                        let events: Vec<_> =
                            others.map(|(_, object)| Event::Apply(ConfigMap::clone(object))).collect();
                        self.each(events.len(), || {
                            events.iter().for_each(|event| kube.apply_watcher_event(event));
                        })
                    });
                    row(&format!("update, {what}, batches of {batch}{held}"), ours, theirs, go);
                }
            }
        }
    }

    fn loads(&self) {
        let index = by_namespace();
        for (kind, what) in
            [(Kind::Plain, "no index"), (Kind::Indexed, "one index"), (Kind::Ordered, "ordered")]
        {
            let ours = self.each(self.objects.len(), || {
                let mut store = store(kind, &index);
                fill(&mut store, &self.objects);
                std::mem::forget(store);
            });
            let theirs = (kind == Kind::Plain)
                .then(|| self.each(self.objects.len(), || std::mem::forget(self.kube())));
            row(&format!("first list, {what}, an object"), ours, theirs, "");
        }
        let mut store = store(Kind::Indexed, &index);
        fill(&mut store, &self.objects);
        let ours = self.each(1, || fill(&mut store, &self.objects));
        let mut kube = self.kube();
        let theirs = self.each(1, || self.relist(&mut kube));
        row("list again, one index, nothing changed", ours, Some(theirs), "151 ms");
    }

    fn memory(&self) {
        let count = self.objects.len();
        let index = by_namespace();
        let per = |bytes: i64| bytes / count as i64;
        let line = |what: &str, ours: i64, kube: &str, go: &str| {
            println!("{what:<52} {:>12} {kube:>14} {go:>12}", format!("{} B", per(ours)));
        };
        println!("bytes an object, beyond the object itself");
        let kube = measure(|| std::mem::forget(self.kube())).bytes_current;
        let clones = measure(|| {
            self.objects
                .iter()
                .for_each(|(_, object)| std::mem::forget(black_box(Arc::new(ConfigMap::clone(object)))))
        });
        let kube = format!("{} B", per(kube - clones.bytes_current));
        let shared: Vec<(Arc<str>, _)> =
            self.objects.iter().map(|(key, object)| (key.as_str().into(), object)).collect();
        for (builder, what, go) in [
            (Store::builder(), "in the store, keys shared", "44 B"),
            (Store::builder().index(&index), "  with one index", "99 B"),
        ] {
            let mut store = builder.build();
            let filled = measure(|| {
                let mut batch = store.batch();
                for (key, object) in &shared {
                    batch.upsert(Arc::clone(key), Arc::clone(object));
                }
                batch.publish();
            });
            line(what, filled.bytes_current, "", go);
        }
        for (kind, what, theirs, go) in [
            (Kind::Plain, "in the store", kube.as_str(), ""),
            (Kind::Indexed, "with one index", "", ""),
            (Kind::Ordered, "ordered", "", ""),
        ] {
            let mut store = store(kind, &index);
            let filled = measure(|| fill(&mut store, &self.objects)).bytes_current;
            line(what, filled, theirs, go);
            let written = measure(|| {
                for at in &self.shuffled {
                    let (key, object) = &self.others[*at];
                    let mut batch = store.batch();
                    batch.upsert(key.clone(), Arc::clone(object));
                    batch.publish();
                }
            });
            line("  after each was updated by itself", filled + written.bytes_current, "", "");
            let held = store.lister().snapshot();
            let copied = measure(|| {
                for at in &self.shuffled[..count / 100] {
                    let (key, object) = &self.objects[*at];
                    let mut batch = store.batch();
                    batch.upsert(key.clone(), Arc::clone(object));
                    batch.publish();
                }
            });
            drop(held);
            let an_update = copied.bytes_current / (count as i64 / 100);
            println!("{:<52} {:>12}", "  each update while a view is held", format!("{an_update} B"));
            let again = measure(|| fill(&mut store, &self.others));
            line("  list again, at most", again.bytes_max as i64, "", "");
        }
    }
}
