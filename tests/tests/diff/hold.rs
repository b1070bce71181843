//! What needs a restart is kept as it runs, and nothing else is.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use either::Either;
use indexmap::IndexMap;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestCaseError, TestRunner};
use reloadable::{ChangeKind, Changes, Diff, Entry, Reloadable};

/// Every way in which a field that needs a restart may stand in a configuration.
#[derive(Debug, Clone, PartialEq, Reloadable)]
struct App {
    #[reload(restart)]
    listen: String,
    workers: u8,
    #[serde(rename = "db")]
    database: Part,
    #[serde(flatten)]
    flat: Flat,
    optional: Option<Part>,
    #[reload(restart)]
    whole: Option<Part>,
    #[reload(leaf, restart)]
    opaque: Foreign,
    #[reload(leaf)]
    live: Foreign,
    #[reload(skip)]
    skipped: Part,
    row: [Part; 2],
    pair: (u8, Part),
    list: Vec<Part>,
    queue: VecDeque<Part>,
    #[reload(key = "name")]
    routes: Vec<Route>,
    #[reload(key = "name", ordered)]
    rules: Option<Box<[Route]>>,
    #[reload(key = (name, part.live))]
    servers: Arc<[Route]>,
    #[reload(set, restart)]
    kept_set: Vec<u8>,
    #[reload(set)]
    set: Vec<u8>,
    ports: BTreeSet<u8>,
    named: BTreeMap<u8, Part>,
    hashed: HashMap<u8, Part>,
    indexed: IndexMap<u8, Vec<Part>>,
    storage: Storage,
    generic: Generic<Part, u8>,
    either: Either<Part, Storage>,
    shared: Arc<Part>,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Part {
    #[reload(restart)]
    kept: u8,
    live: u8,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Flat {
    #[reload(restart)]
    flat_kept: u8,
    flat_live: u8,
}

#[derive(Debug, Clone, PartialEq)]
struct Foreign(u8);

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Route {
    name: Option<String>,
    #[serde(flatten)]
    part: Part,
    #[reload(key = "name")]
    below: Vec<Route>,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
enum Storage {
    Nothing,
    Memory(#[reload(restart)] u8),
    Pair(u8, #[reload(restart)] u8),
    Disk {
        part: Part,
        #[reload(restart)]
        path: String,
        live: u8,
    },
    Both(Box<Self>, Box<Storage>),
    Chosen(Box<Generic<Storage, u8>>),
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Generic<T, K> {
    held: Option<T>,
    #[reload(restart)]
    kept: K,
}

/// Makes values of bytes; zeros follow the last.
struct Dice<'b>(std::slice::Iter<'b, u8>);

impl Dice<'_> {
    fn below(&mut self, end: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % end)
    }

    fn text(&mut self) -> String {
        self.below(3).to_string()
    }

    fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| make(self))
    }

    fn many<T, C: FromIterator<T>>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> C {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    fn part(&mut self) -> Part {
        Part { kept: self.below(3), live: self.below(3) }
    }

    fn route(&mut self, depth: u8) -> Route {
        let below = if depth == 0 { Vec::new() } else { self.many(|dice| dice.route(depth - 1)) };
        Route { name: self.option(Self::text), part: self.part(), below }
    }

    fn storage(&mut self, depth: u8) -> Storage {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => Storage::Nothing,
            1 => Storage::Memory(self.below(3)),
            2 => Storage::Pair(self.below(3), self.below(3)),
            3 => Storage::Disk { part: self.part(), path: self.text(), live: self.below(3) },
            4 => Storage::Both(Box::new(self.storage(depth - 1)), Box::new(self.storage(depth - 1))),
            _ => {
                let held = self.option(|dice| dice.storage(depth - 1));
                Storage::Chosen(Box::new(Generic { held, kept: self.below(3) }))
            }
        }
    }

    fn app(&mut self) -> App {
        App {
            listen: self.text(),
            workers: self.below(3),
            database: self.part(),
            flat: Flat { flat_kept: self.below(3), flat_live: self.below(3) },
            optional: self.option(Self::part),
            whole: self.option(Self::part),
            opaque: Foreign(self.below(3)),
            live: Foreign(self.below(3)),
            skipped: self.part(),
            row: [self.part(), self.part()],
            pair: (self.below(3), self.part()),
            list: self.many(Self::part),
            queue: self.many(Self::part),
            routes: self.many(|dice| dice.route(1)),
            rules: self.option(|dice| dice.many(|dice| dice.route(0))),
            servers: self.many(|dice| dice.route(0)),
            kept_set: self.many(|dice| dice.below(3)),
            set: self.many(|dice| dice.below(3)),
            ports: self.many(|dice| dice.below(3)),
            named: self.many(|dice| (dice.below(3), dice.part())),
            hashed: self.many(|dice| (dice.below(3), dice.part())),
            indexed: self.many(|dice| (dice.below(3), dice.many(Self::part))),
            storage: self.storage(3),
            generic: Generic { held: self.option(Self::part), kept: self.below(3) },
            either: match self.below(2) {
                0 => Either::Left(self.part()),
                _ => Either::Right(self.storage(1)),
            },
            shared: Arc::new(self.part()),
        }
    }
}

/// A value that shares nothing with others.
fn app(bytes: &[u8]) -> App {
    Dice(bytes.iter()).app()
}

/// What an entry says, but for the value of an element that moved, of which a part may be kept.
fn told(entry: &Entry<'_>) -> String {
    let shown = (entry.kind != ChangeKind::Moved).then_some((&entry.old, &entry.new));
    format!("{} {:?} {:?} {:?} {shown:?}", entry.path, entry.kind, entry.from, entry.to)
}

/// The entries that need a restart, and the others.
fn changes(old: &App, new: &App) -> (Vec<String>, Vec<String>) {
    let changes = old.diff(new);
    let entries = changes.as_ref().map(Changes::entries).unwrap_or_default();
    let (restart, live): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.restart);
    let told = |entries: Vec<&Entry<'_>>| entries.into_iter().map(told).collect();
    (told(restart), told(live))
}

const NOTHING: [String; 0] = [];

#[test]
fn what_needs_a_restart_is_kept_and_nothing_else() {
    let bytes = || vec(any::<u8>(), 0..400);
    let edits = || vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    // Two that have little in common, and two that have most.
    let pairs = prop_oneof![
        (bytes(), bytes()),
        (bytes(), edits()).prop_map(|(running, edits)| {
            let mut wanted = running.clone();
            for (at, byte) in edits.into_iter().filter(|_| !running.is_empty()) {
                wanted[at.index(running.len())] = byte;
            }
            (running, wanted)
        }),
    ];
    let check = |(running, wanted): (Vec<u8>, Vec<u8>)| {
        let (running, mut held, wanted) = (app(&running), app(&wanted), app(&wanted));
        held.hold(&running);
        let live = changes(&running, &wanted).1;
        prop_assert_eq!(changes(&running, &held), (NOTHING.to_vec(), live), "all that is live arrives");
        prop_assert_eq!(changes(&wanted, &held).1, NOTHING, "nothing else is kept");
        prop_assert_eq!(&held.skipped, &wanted.skipped);

        let mut again = held.clone();
        again.shared = Arc::new((*held.shared).clone());
        again.servers = held.servers.iter().cloned().collect();
        again.hold(&running);
        prop_assert_eq!(&again, &held);
        again.hold(&held);
        prop_assert_eq!(again, held);
        Ok::<(), TestCaseError>(())
    };
    TestRunner::new(Runs { failure_persistence: None, cases: 2_000, ..Runs::default() })
        .run(&pairs, check)
        .unwrap();
}

/// Fields of which no more is told than that they changed.
#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Untold {
    #[reload(secret)]
    marked: Part,
    by_type: Sealed<Part>,
    by_types: Vec<Sealed<Part>>,
    #[serde(deserialize_with = "never")]
    opaque: Vec<Part>,
    converted: Converted,
    deeper: Outer,
    variant: Variants,
    #[reload(secret)]
    most: Deep,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
#[serde(from = "String")]
struct Converted {
    #[reload(restart)]
    kept: u8,
    live: u8,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
#[serde(from = "String")]
struct Outer {
    part: Part,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
enum Variants {
    #[serde(with = "variant")]
    One {
        #[reload(restart)]
        kept: u8,
        live: u8,
    },
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Deep {
    #[reload(secret)]
    within: Option<Sealed<Part>>,
    #[serde(deserialize_with = "never")]
    opaque: Vec<Part>,
}

/// Shows as little as any secret.
type Sealed<T> = reloadable::Secret<T>;

impl reloadable::Zeroize for Part {
    fn zeroize(&mut self) {
        (self.kept, self.live) = (0, 0);
    }
}

fn never<'de, D: serde::Deserializer<'de>, T>(_: D) -> Result<T, D::Error> {
    Err(serde::de::Error::custom("never"))
}

/// Two values that differ in some of the fields, each in what is kept, in what is live, in both or in neither.
fn untold(differs: [(bool, bool); 8]) -> [Untold; 2] {
    let make = |by: u8| {
        let part = |at: usize| {
            let (kept, live) = differs[at];
            Part { kept: u8::from(kept) * by, live: u8::from(live) * by }
        };
        let sealed = |at| Sealed::new(part(at));
        let (converted, variant) = (part(4), part(6));
        Untold {
            marked: part(0),
            by_type: sealed(1),
            by_types: vec![sealed(2)],
            // The first change of all decides nothing.
            opaque: vec![Part { kept: 0, ..part(3) }, part(3)],
            converted: Converted { kept: converted.kept, live: converted.live },
            deeper: Outer { part: part(5) },
            variant: Variants::One { kept: variant.kept, live: variant.live },
            most: Deep { within: Some(sealed(7)), opaque: vec![part(7)] },
        }
    };
    [make(0), make(1)]
}

#[test]
fn what_is_not_told_needs_a_restart_if_it_is_kept() {
    let paths = ["marked", "by_type", "by_types[0]", "opaque", "converted", "deeper", "variant.One", "most"];
    let told = |old: &Untold, new: &Untold| {
        let changes = old.diff(new);
        let entries = changes.as_ref().map(Changes::entries).unwrap_or_default();
        entries.iter().map(|entry| (entry.path.to_string(), entry.restart)).collect::<Vec<_>>()
    };
    for bits in 0_u16..1 << 10 {
        // Two bits for each, where the last three go together.
        let differs: [(bool, bool); 8] = std::array::from_fn(|at| {
            let pair = bits >> (2 * at.min(4));
            (pair & 1 == 1, pair & 2 == 2)
        });
        let [running, wanted] = untold(differs);
        let [_, live] = untold(differs.map(|(_, live)| (false, live)));
        let mut held = wanted.clone();
        held.hold(&running);
        assert_eq!(held, live);
        let expected = |of: &dyn Fn((bool, bool)) -> bool, restart: &dyn Fn((bool, bool)) -> bool| {
            let changed = paths.iter().zip(differs).filter(|(_, differs)| of(*differs));
            changed.map(|(path, differs)| ((*path).to_owned(), restart(differs))).collect::<Vec<_>>()
        };
        assert_eq!(told(&running, &wanted), expected(&|(kept, live)| kept || live, &|(kept, _)| kept));
        assert_eq!(told(&running, &held), expected(&|(_, live)| live, &|_| false));
    }
}

#[test]
fn a_shared_value_cannot_keep_anything() {
    let (running, mut wanted) = (app(&[]), app(&[]));
    let mut part = Part { kept: 1, live: 1 };
    wanted.shared = Arc::new(part.clone());
    let shared = Arc::clone(&wanted.shared);
    wanted.hold(&running);
    assert_eq!(*wanted.shared, part);
    drop(shared);
    wanted.hold(&running);
    part.kept = 0;
    assert_eq!(*wanted.shared, part);
}

#[test]
fn what_only_one_of_both_has_is_not_kept() {
    let mut running = app(&[]);
    running.named.insert(1, Part { kept: 1, live: 1 });
    running.storage = Storage::Memory(1);
    let mut wanted = app(&[]);
    wanted.named.insert(2, Part { kept: 2, live: 2 });
    wanted.storage = Storage::Pair(2, 2);
    wanted.optional = Some(Part { kept: 2, live: 2 });
    let before = wanted.clone();
    wanted.shared = Arc::new((*before.shared).clone());
    wanted.hold(&running);
    assert_eq!(wanted, before);
}
