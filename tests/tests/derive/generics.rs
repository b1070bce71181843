//! Bounds stand on the types of fields.

use std::collections::HashMap;
use std::fmt::Debug;
use std::marker::PhantomData;

use reloadable::{Diff, Reloadable};
use serde::Deserialize;

use crate::read::{changes, violations};

/// Not reloadable, and needs not be.
#[derive(Debug, Deserialize)]
struct Unset;

#[derive(Debug, Deserialize, Reloadable)]
struct Batch<T, D = Unset, const N: usize = 2>
where
    T: Debug,
{
    value: Vec<T>,
    #[serde(skip)]
    marker: PhantomData<D>,
    sizes: Sizes<N>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Sizes<const N: usize> {
    #[serde(skip, default = "zeros")]
    #[reload(diff)]
    sizes: [u8; N],
}

fn zeros<const N: usize>() -> [u8; N] {
    [0; N]
}

trait Backend {
    type Options: Debug;
}

#[derive(Debug)]
struct File;

impl Backend for File {
    type Options = Options;
}

#[derive(Debug, Deserialize, Reloadable)]
struct Options {
    #[reload(range(1..))]
    size: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(bound = "B::Options: Deserialize<'de>")]
struct Component<B: Backend> {
    #[reload(restart, leaf, by = name)]
    name: Name,
    options: B::Options,
    more: HashMap<String, B::Options>,
    #[serde(skip)]
    backend: PhantomData<B>,
}

#[derive(Debug, Clone, Deserialize)]
struct Name(String);

fn name(name: &Name) -> &str {
    &name.0
}

#[derive(Debug, Deserialize, Reloadable)]
struct Leaves<T, K> {
    #[reload(leaf)]
    leaf: T,
    #[reload(key = name_of)]
    keyed: Vec<K>,
    #[reload(set, restart)]
    set: Vec<u8>,
}

fn name_of<T>(_: &T) -> &'static str {
    "one"
}

#[derive(Debug, Deserialize, Reloadable)]
#[reload(bound = "T: Diff")]
struct Bound<T> {
    values: Vec<T>,
    #[reload(skip)]
    #[serde(default)]
    #[allow(dead_code)]
    skipped: Option<T>,
}

#[derive(Deserialize, Reloadable)]
struct List<T> {
    value: T,
    next: Option<Box<List<T>>>,
}

#[test]
fn a_generic_field_is_compared_by_its_type() {
    type Config = Batch<Bound<u8>>;
    assert_eq!(
        changes::<Config>(
            r#"{"value":[{"values":[1]}],"sizes":{}}"#,
            r#"{"value":[{"values":[2]}],"sizes":{}}"#
        ),
        "value[0].values[0]: 1 -> 2"
    );
}

#[test]
fn an_associated_type_is_compared_by_its_type() {
    let old = r#"{"name":"a","options":{"size":1},"more":{"x":{"size":1}}}"#;
    assert_eq!(
        changes::<Component<File>>(old, &old.replace("\"a\"", "\"b\"").replace("1", "0")),
        "name: \"Name(\\\"a\\\")\" -> \"Name(\\\"b\\\")\"\noptions.size: 1 -> 0\nmore.x.size: 1 -> 0"
    );
    assert_eq!(
        violations::<Component<File>>(&old.replace("1", "0")),
        "options.size  0 is not in 1..  [range]\nmore.x.size   0 is not in 1..  [range]"
    );
}

#[test]
fn leaves_ask_for_no_more_than_comparison() {
    type Config = Leaves<f32, String>;
    assert_eq!(
        changes::<Config>(
            r#"{"leaf":1.5,"keyed":["a"],"set":[1]}"#,
            r#"{"leaf":2.5,"keyed":["b"],"set":[1]}"#
        ),
        "leaf: (not shown) -> (not shown)\nkeyed[\"one\"]: \"a\" -> \"b\""
    );
}

/// Lifetimes and `Self` in places where the type of the changes has its own.
#[derive(Debug, Deserialize, Reloadable)]
struct Awkward<T, U = u8>
where
    for<'a> &'a T: PartialEq,
    T: for<'b> PartialEq<T>,
    Self: Sized,
{
    #[reload(leaf)]
    first: T,
    #[reload(skip)]
    #[serde(default)]
    #[allow(dead_code, reason = "it is there to be skipped")]
    second: Option<U>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct AwkwardTuple<T, U>(u8, #[serde(skip)] PhantomData<(T, U)>);

#[test]
fn awkward_generics() {
    type Config = (Awkward<u8>, AwkwardTuple<Unset, Unset>);
    assert_eq!(
        changes::<Config>(r#"[{"first":1},[1]]"#, r#"[{"first":2},[2]]"#),
        "[0].first: (not shown) -> (not shown)\n[1][0]: 1 -> 2"
    );
}

/// Contains itself, and asks nothing of its parameter.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(bound = "B::Options: Deserialize<'de>")]
enum Tree<B: Backend> {
    Leaf(B::Options),
    Branch(Vec<Self>),
    Named { by_name: HashMap<String, Tree<B>> },
}

#[test]
fn a_generic_type_that_contains_itself_asks_nothing_more() {
    assert_eq!(
        changes::<Tree<File>>(r#"{"Branch":[{"Leaf":{"size":1}}]}"#, r#"{"Branch":[{"Leaf":{"size":2}}]}"#),
        "Branch[0].Leaf.size: 1 -> 2"
    );
    assert_eq!(
        violations::<Tree<File>>(r#"{"Named":{"by_name":{"a":{"Leaf":{"size":0}}}}}"#),
        "Named.by_name.a.Leaf.size  0 is not in 1..  [range]"
    );
}

#[test]
fn a_generic_type_may_contain_itself() {
    assert_eq!(
        changes::<List<u8>>(
            r#"{"value":1,"next":{"value":1,"next":null}}"#,
            r#"{"value":1,"next":{"value":2,"next":null}}"#
        ),
        "next.value: 1 -> 2"
    );
}
