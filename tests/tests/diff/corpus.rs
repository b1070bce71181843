//! The corpus: every edit of a file gives exactly its path, and any two versions of a file differ by what leads from
//! one to the other.

use std::fmt::Debug;
use std::time::Duration;

use humantime_serde::re::humantime::format_duration;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reloadable::{Changes, Diff, Order};
use reloadable_tests::corpus::foreign::Fetcher;
use reloadable_tests::corpus::hidden::Client;
use reloadable_tests::corpus::keyed::Gateway;
use reloadable_tests::corpus::recursive::Menu;
use reloadable_tests::corpus::wide::Wide;
use reloadable_tests::corpus::{Edit, Sample, through_json, through_toml, tree};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::check_changes;
use crate::patch::Patcher;

fn lines<T: Diff>(old: &T, new: &T) -> String {
    let changes = old.diff(new);
    let entries = changes.as_ref().map(Changes::entries).unwrap_or_default();
    entries.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Applies every edit by itself, in both formats.
fn every_edit_gives_exactly_its_path<T: Sample + Diff + Debug>() {
    let original = tree::<T>();
    for edit in T::EDITS {
        let mut edited = original.clone();
        assert!(edit.apply(&mut edited), "{edit:?}");
        for decode in [through_json::<T>, through_toml::<T>] {
            let (old, new) = (decode(&original).unwrap(), decode(&edited).unwrap());
            assert_eq!(lines(&old, &new), edit.lines, "{edit:?}");
        }
        let (from_toml, from_json) =
            (through_toml::<T>(&edited).unwrap(), through_json::<T>(&edited).unwrap());
        assert_eq!(lines(&from_toml, &from_json), "", "{edit:?}");
    }
    assert_eq!(unedited::<T>(), Vec::<String>::new(), "values that no edit touches");
}

/// Returns the values of the sample that no edit changes, neither by themselves nor with the table around them.
fn unedited<T: Sample>() -> Vec<String> {
    let mut pointers = Vec::new();
    leaves(&tree::<T>(), String::new(), &mut pointers);
    let edited = |pointer: &str| T::EDITS.iter().any(|edit| edit.at == pointer);
    pointers.retain(|pointer| !edited(pointer) && !edited(pointer.rsplit_once('/').unwrap_or_default().0));
    pointers
}

fn leaves(value: &Json, at: String, found: &mut Vec<String>) {
    match value {
        Json::Object(entries) => {
            entries.iter().for_each(|(name, value)| leaves(value, format!("{at}/{name}"), found));
        }
        Json::Array(elements) => {
            elements
                .iter()
                .enumerate()
                .for_each(|(index, value)| leaves(value, format!("{at}/{index}"), found));
        }
        _ => found.push(at),
    }
}

/// Applies some edits one after the other, leaving out those that no longer fit.
fn edited<T: Sample>(edits: &[Edit]) -> T {
    let mut current = tree::<T>();
    for edit in edits {
        let mut next = current.clone();
        if edit.apply(&mut next) && through_json::<T>(&next).is_ok() {
            current = next;
        }
    }
    through_json(&current).unwrap()
}

/// Runs `check` on pairs of versions, each with a few random edits of the sample.
fn any_two_versions<T: Sample>(check: impl Fn(&T, &T) -> Result<(), TestCaseError>) {
    let some = || subsequence(T::EDITS, 0..=T::EDITS.len().min(8)).prop_shuffle();
    let pairs = prop_oneof![
        1 => some().prop_map(|edits| (edits.clone(), edits)),
        7 => (some(), some()),
    ];
    TestRunner::new(Config { failure_persistence: None, ..Config::default() })
        .run(&pairs, |(old, new)| check(&edited(&old), &edited(&new)))
        .unwrap();
}

fn changes_lead_from_old_to_new<T: Sample + Diff + Serialize>(patcher: &Patcher) {
    any_two_versions::<T>(|old, new| {
        prop_assert!(old.diff(old).is_none());
        let json = |value: &T| patcher.normalized(serde_json::to_value(value).unwrap());
        let changes = old.diff(new);
        let equal = json(old) == json(new);
        check_changes(old, new, changes.as_ref().map(|changes| changes as _), equal, patcher)
    });
}

#[test]
fn wide_edits() {
    every_edit_gives_exactly_its_path::<Wide>();
}

#[test]
fn wide_versions() {
    let patcher = Patcher::default().set("origins").set("unique_names").set("unique_counts");
    changes_lead_from_old_to_new::<Wide>(&patcher);
}

#[test]
fn keyed_edits() {
    every_edit_gives_exactly_its_path::<Gateway>();
}

#[test]
fn keyed_versions() {
    let patcher = Patcher::default()
        .keyed("listeners", |listener| Some(vec![listener["name"].as_str()?.to_owned()]), Order::Ignored)
        .keyed(
            "listeners.*.routes",
            |route| Some(vec![route["host"].as_str()?.to_owned(), route["pathPrefix"].as_str()?.to_owned()]),
            Order::Ignored,
        )
        .keyed(
            "listeners.*.routes.*.backends",
            |backend| Some(vec![backend["address"].as_str()?.to_owned()]),
            Order::Kept,
        )
        .keyed("policies", |policy| Some(vec![policy["name"].as_str()?.to_owned()]), Order::Ignored)
        .keyed(
            "rules",
            |rule| Some(vec![format!("{}>{}", rule["from"].as_str()?, rule["to"].as_str()?)]),
            Order::Kept,
        );
    changes_lead_from_old_to_new::<Gateway>(&patcher);
}

#[test]
fn a_kept_order_tells_what_moved_at_any_depth() {
    let old = edited::<Gateway>(&[]);
    let mut new = old.clone();
    new.rules.rotate_right(1);
    new.listeners.reverse();
    new.listeners[2].routes.reverse();
    let moved = "rules[\"any>any\"]: moved from 2 to 0";
    assert_eq!(lines(&old, &new), moved, "the order of listeners and routes does not count");
}

#[test]
fn recursive_edits() {
    every_edit_gives_exactly_its_path::<Menu>();
}

#[test]
fn recursive_versions() {
    changes_lead_from_old_to_new::<Menu>(&Patcher::default());
}

#[test]
fn foreign_edits() {
    every_edit_gives_exactly_its_path::<Fetcher>();
}

#[test]
fn foreign_versions() {
    // In the file a time is written as people write it.
    let written = |value: &Json| match (value["secs"].as_u64(), value["nanos"].as_u64()) {
        (Some(secs), Some(nanos)) => {
            let time = Duration::from_secs(secs) + Duration::from_nanos(nanos);
            json!(format_duration(time).to_string())
        }
        _ => value.clone(),
    };
    let patcher = Patcher::default()
        .written("connect-timeout", written)
        .written("idle-timeout", written)
        .written("retry-policy.base-delay", written);
    changes_lead_from_old_to_new::<Fetcher>(&patcher);
}

#[test]
fn hidden_edits() {
    every_edit_gives_exactly_its_path::<Client>();
}

#[test]
fn hidden_versions() {
    any_two_versions::<Client>(|old, new| {
        let told = |client: &Client| format!("{:?}", Client { comment: String::new(), ..client.clone() });
        prop_assert!(old.diff(old).is_none());
        prop_assert_eq!(old.diff(new).is_none(), told(old) == told(new));
        let changes = old.diff(new);
        let serialized = serde_json::to_string(&changes.as_ref().map(Changes::entries)).unwrap();
        let shown = format!("{} {changes:?} {serialized} {}", lines(old, new), new.value());
        prop_assert!(!["hunter", "root", "admin"].iter().any(|secret| shown.contains(secret)), "{}", shown);
        Ok(())
    });
}

#[test]
fn a_skipped_field_counts_only_where_it_was_asked_for() {
    let old = edited::<Client>(&[]);
    assert_eq!(lines(&old, &Client { seen: vec!["x".to_owned()], ..old.clone() }), "");
    assert_eq!(lines(&old, &Client { derived: 7, ..old.clone() }), "derived: 0 -> 7");
}
