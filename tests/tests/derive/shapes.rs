//! Structs of every form.

use std::marker::PhantomData;

use reloadable::{Describe, Description, Diff, Reloadable, Shape};
use serde::Deserialize;

use crate::read::{changes, shown, violations};

#[derive(Deserialize, Reloadable)]
struct Port(#[reload(range(1..))] u16);

#[derive(Deserialize, Reloadable)]
struct Pair(#[serde(skip)] PhantomData<u8>, #[reload(range(1..))] u16, String);

#[derive(Deserialize, Reloadable)]
struct Nothing;

#[derive(Deserialize, Reloadable)]
struct Empty {}

#[derive(Deserialize, Reloadable)]
#[serde(transparent)]
struct Transparent {
    #[serde(default)]
    mark: PhantomData<u8>,
    #[reload(range(1..))]
    size: u8,
}

#[derive(Deserialize, Reloadable)]
struct All {
    port: Port,
    pair: Pair,
    nothing: Nothing,
    empty: Empty,
    transparent: Transparent,
    pairs: Vec<Pair>,
}

const ALL: &str = r#"{"port":1,"pair":[2,"a"],"nothing":null,"empty":{},"transparent":3,"pairs":[[4,"b"]]}"#;

#[test]
fn a_newtype_stands_where_its_value_stands() {
    assert_eq!(changes::<All>(ALL, &ALL.replace("\"port\":1", "\"port\":9")), "port: 1 -> 9");
    assert_eq!(violations::<All>(&ALL.replace("\"port\":1", "\"port\":0")), "port  0 is not in 1..  [range]");
}

#[test]
fn a_tuple_counts_what_the_file_counts() {
    assert_eq!(changes::<All>(ALL, &ALL.replace("[2,", "[7,")), "pair[0]: 2 -> 7");
    assert_eq!(changes::<All>(ALL, &ALL.replace("\"b\"", "\"c\"")), "pairs[0][1]: \"b\" -> \"c\"");
    assert_eq!(violations::<All>(&ALL.replace("[4,", "[0,")), "pairs[0][0]  0 is not in 1..  [range]");
}

#[test]
fn a_transparent_struct_is_its_field() {
    assert_eq!(
        changes::<All>(ALL, &ALL.replace("\"transparent\":3", "\"transparent\":9")),
        "transparent: 3 -> 9"
    );
    assert_eq!(
        violations::<All>(&ALL.replace("\"transparent\":3", "\"transparent\":0")),
        "transparent  0 is not in 1..  [range]"
    );
}

#[test]
fn a_value_is_shown_in_the_shape_of_the_file() {
    assert_eq!(shown::<All>(ALL), ALL);
}

#[test]
fn descriptions_have_the_shape_of_the_file() {
    assert!(matches!(Port::describe().shape, Shape::Newtype(_)));
    assert!(matches!(Pair::describe().shape, Shape::Tuple(fields) if fields.len() == 3 && fields[0].skip));
    assert!(matches!(Nothing::describe().shape, Shape::Tuple([])));
    assert!(matches!(Transparent::describe().shape, Shape::Newtype(_)));
    assert_eq!(Description::of::<All>().fields().len(), 6);
    assert!(Description::of::<All>().type_name.ends_with("shapes::All"));
}

#[test]
fn changes_are_typed() {
    let (old, new) = (Pair(PhantomData, 1, "a".into()), Pair(PhantomData, 2, "a".into()));
    let changes: Option<PairChanges<'_>> = old.diff(&new);
    let changes = changes.and_then(|changes| changes.0);
    assert_eq!(changes.map(|port| (*port.old, *port.new)), Some((1, 2)));
}

/// More than fifteen fields: the changes are boxed.
#[derive(Deserialize, Reloadable)]
struct Wide {
    a1: u8,
    a2: u8,
    a3: u8,
    a4: u8,
    a5: u8,
    a6: u8,
    a7: u8,
    a8: u8,
    b1: u8,
    b2: u8,
    b3: u8,
    b4: u8,
    b5: u8,
    b6: u8,
    b7: u8,
    b8: Option<Box<Wide>>,
}

#[test]
fn wide_structs_have_boxed_changes() {
    let wide = r#"{"a1":1,"a2":1,"a3":1,"a4":1,"a5":1,"a6":1,"a7":1,"a8":1,"b1":1,"b2":1,"b3":1,"b4":1,"b5":1,"b6":1,"b7":1,"b8":null}"#;
    assert_eq!(changes::<Wide>(wide, &wide.replace("\"b3\":1", "\"b3\":2")), "b3: 1 -> 2");
    assert_eq!(size_of::<<Wide as Diff>::Changes<'_>>(), size_of::<usize>());
}
