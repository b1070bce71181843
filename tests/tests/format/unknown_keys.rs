//! All keys that no field goes by, in one report with what else is wrong.

use reloadable::{Describe, Description, Field, Reporter, Shape, Tagging, Validate, Variant};
use serde::Deserialize;

use crate::{accepted, json, refused, reloadable, toml};

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct App {
    #[serde(default)]
    workers: u16,
}

const FLAT: &[Field] = &[Field::new("extra", u8::describe).aliases(&["more"])];
const KIND: &[Variant] = &[
    Variant::new("blob", Shape::Struct(&[Field::new("size", u32::describe)])).aliases(&["bin"]),
    Variant::new("none", Shape::Tuple(&[])),
];
const ROUTE: &[Field] = &[Field::new("name", String::describe), Field::new("target", choice)];
const POOL: &[Field] = &[
    Field::new("size", u32::describe),
    Field::new("", || Description::new("Flat", Shape::Struct(FLAT))).flatten(),
    Field::new("", || Description::new("Kind", Shape::Enum(Tagging::Internal("type"), KIND))).flatten(),
];
const OPEN: &[Field] = &[Field::new("", <std::collections::BTreeMap<String, u8>>::describe).flatten()];
const FIELDS: &[Field] = &[
    Field::new("workers", u16::describe),
    Field::new("routes", || Description::new("Vec<Route>", Shape::Sequence(|| strict("Route", ROUTE)))),
    Field::new("pools", || Description::new("Map<Pool>", Shape::Map(|| strict("Pool", POOL)))),
    Field::new("open", || strict("Open", OPEN)),
    Field::new("foreign", || strict("Route", ROUTE)).opaque(),
    Field::new("cache", u8::describe).skip(),
    Field::new("kind", || {
        Description::new("Kind", Shape::Enum(Tagging::Internal("type"), KIND)).deny_unknown()
    }),
    Field::new("beside", || {
        Description::new("Beside", Shape::Enum(Tagging::Adjacent("t", "c"), KIND)).deny_unknown()
    }),
];

fn strict(name: &'static str, fields: &'static [Field]) -> Description {
    Description::new(name, Shape::Struct(fields)).deny_unknown()
}

fn choice() -> Description {
    Description::new("Choice", Shape::Enum(Tagging::External, KIND)).deny_unknown()
}

impl Describe for App {
    fn describe() -> Description {
        strict("App", FIELDS)
    }
}

impl Validate for App {
    fn validate(&self, report: &mut Reporter<'_>) {
        if self.workers > 9 {
            report.violation_at("workers", "range", format!("{} is not in ..=9", self.workers));
        }
    }
}

reloadable!(@diff App);

#[test]
fn every_one_is_found_and_the_rest_too() {
    let text = "wokers = 1\nworkers = 'many'\ncache = 1\n[[routes]]\nnmae = 'x'\n[[routes]]\ntarget.bin.length = 1\n[pools.a]\nsize = 1\n\
        more = 2\ntype = 'blob'\nsiz = 3\n";
    assert_eq!(
        refused::<App>(&[toml("a.toml", text)]),
        [
            "a.toml:1:1: wokers: unknown key, did you mean `workers`? [unknown_key]",
            "a.toml:3:1: cache: unknown key, expected one of `workers`, `routes`, `pools`, `open`, `foreign`, `kind`, `beside` [unknown_key]",
            "a.toml:5:1: routes[0].nmae: unknown key, did you mean `name`? [unknown_key]",
            "a.toml:7:12: routes[1].target.bin.length: unknown key, expected `size` [unknown_key]",
            "a.toml:12:1: pools.a.siz: unknown key, did you mean `size`? [unknown_key]",
            "a.toml:2:11: workers: invalid type: string \"many\", expected u16 [type]",
            "a.toml:6:1: routes[1].name: missing field `name` [missing_field]",
            "a.toml:7:8: routes[1].target.bin.size: missing field `size` [missing_field]",
        ]
    );
}

#[test]
fn broken_rules_are_in_the_same_report() {
    assert_eq!(
        refused::<App>(&[json("a.json", "{\"workers\": 10,\n \"x\": 1}")]),
        [
            "a.json:2:2: x: unknown key, expected one of `workers`, `routes`, `pools`, `open`, `foreign`, `kind`, `beside` [unknown_key]",
            "a.json:1:13: workers: 10 is not in ..=9 [range]",
        ]
    );
}

#[test]
fn tagged_variants_have_keys_of_their_own() {
    let text = "[kind]\ntype = 'bin'\nsize = 1\nsice = 2\n[beside]\nt = 'blob'\nc = { size = 1, x = 1 }\n";
    assert_eq!(
        refused::<App>(&[toml("a.toml", text)]),
        [
            "a.toml:4:1: kind.sice: unknown key, did you mean `size`? [unknown_key]",
            "a.toml:7:17: beside.c.x: unknown key, expected `size` [unknown_key]",
        ]
    );
}

#[test]
fn where_anything_goes_nothing_is_unknown() {
    let text = "[open]\na = 1\nb = 2\n[foreign]\nx = 1\n[kind]\ntype = 'none'\nx = 1\n[pools.a]\nmore = 1\ntype = 'none'\nsize = 1\n";
    accepted::<App>(&[toml("a.toml", text)]);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Strict {
    #[serde(default)]
    a: u8,
}

reloadable!(@diff Strict);

impl Describe for Strict {
    fn describe() -> Description {
        const FIELDS: &[Field] = &[Field::new("a", u8::describe)];
        strict("Strict", FIELDS)
    }
}

impl Validate for Strict {}

#[test]
fn what_serde_finds_too_is_said_once() {
    assert_eq!(
        refused::<Strict>(&[toml("a.toml", "b = 1\nc = 2")]),
        [
            "a.toml:1:1: b: unknown key, expected `a` [unknown_key]",
            "a.toml:2:1: c: unknown key, expected `a` [unknown_key]",
        ]
    );
}
