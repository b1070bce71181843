//! Compositions of the types of the standard library.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::collection::{btree_map, btree_set, hash_map, hash_set, vec, vec_deque};
use proptest::option;
use proptest::prelude::*;
use reloadable::{AsSet, Diff, Keyed, Order, Value};
use serde_json::Value as Json;

use crate::patch::Patcher;
use crate::{check, check_changes, pair};

/// A few words, so that keys meet often.
fn word() -> impl Strategy<Value = String> + Clone {
    prop_oneof![Just("a"), Just("b"), Just("c d"), Just("")].prop_map(ToOwned::to_owned)
}

fn float() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(-f64::NAN), Just(1.5), any::<f64>()]
}

/// Equality as the diff has it, apart from which NaN is not itself.
fn float_eq(left: f64, right: f64) -> bool {
    left == right || (left.is_nan() && right.is_nan())
}

type Numbers = (u8, i64, Option<u16>, NonZero<u32>, bool, char, usize, (i8, u64));
type Named = (String, PathBuf, IpAddr, SocketAddr, Duration, SystemTime, std::ops::Range<u8>, ());

fn moment() -> impl Strategy<Value = SystemTime> + Clone {
    (0..2_u64, 0..2_u32).prop_map(|(seconds, nanos)| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos))
}

fn named() -> impl Strategy<Value = Named> + Clone {
    (
        word(),
        word().prop_map(PathBuf::from),
        prop_oneof![Just(IpAddr::from([127, 0, 0, 1])), any::<IpAddr>()],
        (0..3_u16).prop_map(|port| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port))),
        (0..3_u64).prop_map(Duration::from_millis),
        moment(),
        (0..2_u8, 0..2_u8).prop_map(|(start, end)| start..end),
        Just(()),
    )
}

proptest! {
    #[test]
    fn numbers((old, new) in pair(any::<Numbers>())) {
        check(&old, &new, old == new, &Patcher::default())?;
    }

    #[test]
    fn numbers_of_128_bits((old, new) in pair(any::<(u128, i128, NonZero<u128>, NonZero<i128>)>())) {
        prop_assert_eq!(old.diff(&new).is_none(), old == new);
        prop_assert_eq!(old.0.value().to_string(), old.0.to_string());
        prop_assert_eq!(old.1.value().to_string(), old.1.to_string());
    }

    #[test]
    fn names_and_times((old, new) in pair(named())) {
        check(&old, &new, old == new, &Patcher::default())?;
    }

    #[test]
    fn floats((old, new) in pair(vec((float(), any::<f32>()), 0..3))) {
        let equal = old.len() == new.len()
            && old.iter().zip(&new).all(|(old, new)| float_eq(old.0, new.0) && float_eq(old.1.into(), new.1.into()));
        check(&old, &new, equal, &Patcher::default())?;
    }

    #[test]
    fn maps_of_lists_of_options((old, new) in pair(btree_map(word(), vec(option::of(0..3_u8), 0..4), 0..4))) {
        check(&old, &new, old == new, &Patcher::default())?;
    }

    #[test]
    fn hash_maps_with_keys_that_are_no_texts(
        (old, new) in pair(hash_map(0..4_u16, hash_map(any::<char>(), (any::<bool>(), option::of(word())), 0..3), 0..4)),
    ) {
        check(&old, &new, old == new, &Patcher::default())?;
    }

    #[test]
    fn sets((old, new) in pair((hash_set(word(), 0..4), btree_set(-2..2_i32, 0..4), option::of(hash_set(0..3_u8, 0..3))))) {
        let patcher = Patcher::default().set("*");
        check(&old, &new, old == new, &patcher)?;
    }

    #[test]
    fn pointers(
        (old, new) in pair((word(), vec(0..3_u8, 0..3), option::of(word()), vec_deque([0..2_u8, 0..2, 0..2], 0..3))),
    ) {
        type Pointers = (
            Arc<str>, Box<str>, Cow<'static, str>, Arc<[u8]>, Box<[u8]>, Option<Box<String>>, VecDeque<[u8; 3]>,
        );
        let behind = |(text, bytes, name, rows): (String, Vec<u8>, Option<String>, VecDeque<[u8; 3]>)| -> Pointers {
            (
                text.as_str().into(),
                text.as_str().into(),
                text.into(),
                bytes.as_slice().into(),
                bytes.into(),
                name.map(Box::new),
                rows,
            )
        };
        let (old, new) = (behind(old), behind(new));
        check(&old, &new, old == new, &Patcher::default())?;
    }

    #[test]
    fn lists_as_sets((old, new) in pair(vec(0..5_u8, 0..6))) {
        let as_set = |list: &[u8]| list.iter().copied().collect::<HashSet<_>>();
        let equal = as_set(&old) == as_set(&new);
        let changes = old.set_diff(&new);
        let patcher = Patcher::default().set("");
        check_changes(&old, &new, changes.as_ref().map(|changes| changes as _), equal, &patcher)?;
    }

    #[test]
    fn optional_lists_as_sets((old, new) in pair(option::of(vec(word(), 0..4)))) {
        let as_set = |list: &Option<Vec<String>>| list.clone().map(BTreeSet::from_iter);
        let equal = as_set(&old) == as_set(&new);
        let changes = old.set_diff(&new);
        let patcher = Patcher::default().set("");
        check_changes(&old, &new, changes.as_ref().map(|changes| changes as _), equal, &patcher)?;
    }
}

/// A name that may be absent or be there twice, a port, and two parts, of which one is a keyed list's own list.
type Route = (Option<String>, u16, Vec<u8>, BTreeMap<String, bool>);

fn routes() -> impl Strategy<Value = Vec<Route>> + Clone {
    let name = prop_oneof![Just(None), Just(Some("a")), Just(Some("b")), Just(Some("c")), Just(Some("d"))]
        .prop_map(|name| name.map(ToOwned::to_owned));
    vec((name, 0..2_u16, vec(0..2_u8, 0..2), btree_map(word(), any::<bool>(), 0..2)), 0..7)
}

fn name(route: &Route) -> Value<'_> {
    route.0.value()
}

fn json_name(route: &Json) -> Option<Vec<String>> {
    Some(vec![route[0].as_str()?.to_owned()])
}

fn name_and_port(route: &Route) -> Value<'_> {
    Value::List(vec![route.0.value(), route.1.value()])
}

fn json_name_and_port(route: &Json) -> Option<Vec<String>> {
    Some(vec![route[0].as_str().unwrap_or("none").to_owned(), route[1].to_string()])
}

/// The same elements by key in any order, those that share a key in the same order.
fn equal_in_any_order(old: &[Route], new: &[Route], key: impl Fn(&Route) -> String) -> bool {
    let groups = |routes: &[Route]| {
        let mut groups: HashMap<String, Vec<Route>> = HashMap::new();
        for route in routes {
            groups.entry(key(route)).or_default().push(route.clone());
        }
        groups
    };
    groups(old) == groups(new)
}

proptest! {
    #[test]
    fn keyed_lists_without_order((old, new) in pair(routes())) {
        let equal = equal_in_any_order(&old, &new, |route| format!("{:?}", route.0));
        let changes = old.keyed_diff(&new, name, Order::Ignored);
        let patcher = Patcher::default().keyed("", json_name, Order::Ignored);
        check_changes(&old, &new, changes.as_ref().map(|changes| changes as _), equal, &patcher)?;
    }

    #[test]
    fn keyed_lists_in_order((old, new) in pair(routes())) {
        let changes = old.keyed_diff(&new, name, Order::Kept);
        let patcher = Patcher::default().keyed("", json_name, Order::Kept);
        check_changes(&old, &new, changes.as_ref().map(|changes| changes as _), old == new, &patcher)?;
    }

    #[test]
    fn composite_keys((old, new) in pair(routes())) {
        let equal = equal_in_any_order(&old, &new, |route| format!("{:?} {}", route.0, route.1));
        let changes = old.keyed_diff(&new, name_and_port, Order::Ignored);
        let patcher = Patcher::default().keyed("", json_name_and_port, Order::Ignored);
        check_changes(&old, &new, changes.as_ref().map(|changes| changes as _), equal, &patcher)?;
    }

    #[test]
    fn optional_keyed_lists((old, new) in pair(option::of(routes()))) {
        let changes = old.keyed_diff(&new, name_and_port, Order::Kept);
        let patcher = Patcher::default().keyed("", json_name_and_port, Order::Kept);
        check_changes(&old, &new, changes.as_ref().map(|changes| changes as _), old == new, &patcher)?;
    }
}
