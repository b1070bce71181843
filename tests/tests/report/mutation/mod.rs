//! Valid documents of which some leaves are broken: the report names exactly these.
//!
//! Nothing here asks the library where anything is. A document is made as a tree of what its type allows, and the writers
//! know on which line and column they put each value.

mod configs;
mod model;
mod write;

use std::fmt::Debug;

use reloadable::__private::decode;
use reloadable::{Diff, Document, Origin};
use serde::de::DeserializeOwned;

use self::model::{Case, Dice, Node};
use self::write::{JSON, JSONC, TOML, Writer, YAML};

/// How many documents of each type are tried with each number of faults, unless `RELOADABLE_MUTATIONS` says otherwise.
const CASES: u64 = 100;

const WRITERS: [&dyn Writer; 4] = [&TOML, &JSON, &JSONC, &YAML];

fn holds<T: DeserializeOwned + Diff>(model: fn(&mut Dice) -> Node) {
    let cases = std::env::var("RELOADABLE_MUTATIONS").ok().and_then(|cases| cases.parse().ok());
    let (mut wanted, mut broken) = (0, 0);
    for faults in [0, 1, 2, 3, 5, 9] {
        for nth in 0..cases.unwrap_or(CASES) {
            let seed = nth * 100 + faults;
            let mut dice = Dice::new(seed);
            let case = Case::new(&mut dice, model, faults as usize);
            wanted += faults;
            broken += case.breaks.len() as u64;
            compare::<T>(&mut dice, &case, seed);
        }
    }
    // Some faults hide others, so that not as many as were wanted can be put into a small document.
    assert!(broken * 4 > wanted * 3, "only {broken} of {wanted} leaves were broken");
}

fn compare<T: DeserializeOwned + Diff>(dice: &mut Dice, case: &Case, seed: u64) {
    let mut documents = Vec::new();
    let mut texts = String::new();
    let mut places = Vec::new();
    for (nth, layer) in case.layers.iter().enumerate() {
        let writer = *dice.pick(&WRITERS);
        let written = writer.write(layer, dice);
        let name = format!("{nth}.{}", writer.extension());
        texts.push_str(&format!("--- {name}\n{}\n", written.text));
        documents.push(Document::new(Origin::file(&name), writer.format(), written.text.into_bytes()));
        places.push((name, written.places));
    }
    let mut expected: Vec<_> = case
        .breaks
        .iter()
        .map(|broken| {
            let (name, places) = &places[broken.layer];
            let (line, column) = places[&broken.place];
            format!("{name}:{line}:{column}: {}", broken.path)
        })
        .collect();
    let mut found: Vec<_> = match decode::<T>(&documents) {
        Ok(_) => Vec::new(),
        Err(report) => {
            texts.push_str(&format!("--- report\n{report}\n"));
            let place = |violation: &reloadable::Violation| {
                let origin = violation.origin().map(ToString::to_string).unwrap_or_default();
                let position = violation.position().map(|at| at.to_string()).unwrap_or_default();
                format!("{origin}:{position}: {}", violation.path())
            };
            report.violations().iter().map(place).collect()
        }
    };
    expected.sort();
    found.sort();
    assert_same(&found, &expected, seed, &texts);
}

fn assert_same<T: Debug + PartialEq>(found: &[T], expected: &[T], seed: u64, texts: &str) {
    assert!(found == expected, "seed {seed}\n{texts}\nfound    {found:#?}\nexpected {expected:#?}");
}

macro_rules! configs {
    ($($name:ident: $ty:ty),* $(,)?) => {$(
        #[test]
        fn $name() {
            holds::<$ty>(configs::$name);
        }
    )*};
}

configs! {
    a_service: configs::Service,
    flattened_fields: configs::Flattened,
    a_flattened_map: configs::Open,
    tagged_enums: configs::Tagged,
    lists_and_maps: configs::Lists,
    types_within_types: configs::Wrapped,
}
