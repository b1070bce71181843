//! The rules of `#[reload(..)]`, one file per word, on derived types decoded from TOML.

mod each;
mod key;
mod keys;
mod length;
mod non_empty;
mod normalize;
mod one_of;
mod pattern;
mod range;
mod secret;
mod unique;
mod validate;
mod values;
mod when;

use reloadable::{Report, Reporter, Validate};
use serde::de::DeserializeOwned;

/// A rule on a type that it does not work on: each message says on which it does. The twins that compile are the
/// other tests here.
#[test]
fn a_rule_on_the_wrong_type_is_refused() {
    if reloadable_tests::compares_messages() {
        trybuild::TestCases::new().compile_fail("tests/rules/ui/*.rs");
    }
}

/// Decodes a document and returns what is wrong with it, a violation a line: `path: message [code]`.
#[track_caller]
fn problems<T: DeserializeOwned + Validate>(document: &str) -> Vec<String> {
    let mut value: T = toml::from_str(document).unwrap_or_else(|error| panic!("{error}"));
    let mut report = Report::new();
    value.normalize(&mut Reporter::new(&mut report));
    value.validate(&mut Reporter::new(&mut report));
    report.violations().iter().map(ToString::to_string).collect()
}

#[track_caller]
fn passes<T: DeserializeOwned + Validate>(document: &str) {
    assert_eq!(problems::<T>(document), Vec::<String>::new());
}

#[track_caller]
fn fails<T: DeserializeOwned + Validate>(document: &str, violations: &[&str]) {
    assert_eq!(problems::<T>(document), violations);
}
