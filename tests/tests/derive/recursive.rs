//! Types that contain themselves.

use std::collections::BTreeMap;

use reloadable::{Description, Reloadable};
use serde::Deserialize;

use crate::read::{changes, violations};

#[derive(Deserialize, Reloadable)]
struct Node {
    #[reload(range(1..))]
    value: u8,
    #[serde(default)]
    next: Option<Box<Self>>,
    #[serde(default)]
    children: Vec<Self>,
    #[serde(default)]
    #[reload(key = "value")]
    keyed: Vec<Node>,
    #[serde(default)]
    named: BTreeMap<String, Node>,
    #[serde(default)]
    condition: Option<Condition<u8>>,
}

#[derive(Deserialize, Reloadable)]
enum Condition<T> {
    Value(T),
    Not(Box<Condition<T>>),
    All(Vec<Self>),
    Two { pair: Box<[Condition<T>; 2]> },
}

#[test]
fn changes_are_found_at_any_depth() {
    for (old, new, expected) in [
        (
            r#"{"value":1,"next":{"value":1,"next":{"value":1}}}"#,
            r#"{"value":1,"next":{"value":1,"next":{"value":2}}}"#,
            "next.next.value: 1 -> 2",
        ),
        (
            r#"{"value":1,"children":[{"value":1}]}"#,
            r#"{"value":1,"children":[{"value":2}]}"#,
            "children[0].value: 1 -> 2",
        ),
        (
            r#"{"value":1,"named":{"a":{"value":1}}}"#,
            r#"{"value":1,"named":{"a":{"value":2}}}"#,
            "named.a.value: 1 -> 2",
        ),
        (
            r#"{"value":1,"condition":{"Not":{"Value":1}}}"#,
            r#"{"value":1,"condition":{"Not":{"Value":2}}}"#,
            "condition.Not.Value: 1 -> 2",
        ),
        (
            r#"{"value":1,"condition":{"All":[{"Value":1}]}}"#,
            r#"{"value":1,"condition":{"All":[{"Value":2}]}}"#,
            "condition.All[0].Value: 1 -> 2",
        ),
    ] {
        assert_eq!(changes::<Node>(old, new), expected);
    }
}

#[test]
fn rules_are_checked_at_any_depth() {
    assert_eq!(
        violations::<Node>(r#"{"value":1,"next":{"value":0,"named":{"a":{"value":0}}}}"#),
        "next.value          0 is not in 1..  [range]\nnext.named.a.value  0 is not in 1..  [range]"
    );
}

#[test]
fn a_description_ends_where_it_began() {
    let fields = Description::of::<Node>().fields();
    let reloadable::Shape::Sequence(within) = (fields[2].describe)().shape else { panic!("a sequence") };
    assert_eq!(within().type_name, Description::of::<Node>().type_name);
}
