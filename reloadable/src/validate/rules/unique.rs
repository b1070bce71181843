//! `unique`, and the keys of a keyed sequence: no element occurs twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use super::QUOTED;
use super::each::Each;
use crate::report::Reporter;
use crate::value::Value;

/// Checks that no element equals an earlier one; the code is `unique`, the place is that of the later element.
///
/// `shown` says how messages show an element.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, Value, rules};
///
/// let mut report = Report::new();
/// rules::unique(&[80, 81, 80], |port| Value::Integer(*port), &mut Reporter::new(&mut report));
/// assert_eq!(report.to_string(), "[2]  element 2 is the same as element 0: 80  [unique]");
/// ```
pub fn unique<T, V>(value: &T, shown: V, report: &mut Reporter<'_>)
where
    T: Each + ?Sized,
    T::Item: Distinct,
    V: for<'x> Fn(&'x T::Item) -> Value<'x>,
{
    let mut seen = HashMap::new();
    report.enter(None, value.is_secret(), false);
    for (index, item) in value.items().enumerate() {
        match seen.entry(item) {
            Entry::Vacant(vacant) => {
                vacant.insert(index);
            }
            Entry::Occupied(first) => {
                let problem = format!("is the same as element {}", first.get());
                repeated("unique", index, &problem, &shown(item), report);
            }
        }
    }
    report.leave();
}

/// An element that can be told from others: every type with `Eq` and `Hash`.
#[diagnostic::on_unimplemented(
    message = "the rule `unique` cannot tell one `{Self}` from another",
    label = "its elements need `Eq` and `Hash`"
)]
pub trait Distinct: Eq + Hash {}

#[diagnostic::do_not_recommend]
impl<T: Eq + Hash> Distinct for T {}

/// Checks that no two elements have the same key; the code is `unique_key`, the place is that of the later element.
///
/// An element whose key is [`Value::Null`] has none. A key that is not shown, such as a secret, cannot be told from
/// another and counts as none, too. Of a list with [`Value::Secret`] among its parts the other parts are compared, and
/// the message shows none of them.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, Value, rules};
///
/// let routes = [("api", 80), ("web", 80), ("api", 81)];
/// let mut report = Report::new();
/// rules::unique_keys(&routes, |route| Value::Text(route.0.into()), &mut Reporter::new(&mut report));
/// assert_eq!(report.to_string(), r#"[2]  element 2 has the same key as element 0: "api"  [unique_key]"#);
/// ```
pub fn unique_keys<T, K>(value: &T, key: K, report: &mut Reporter<'_>)
where
    T: Each + ?Sized,
    K: for<'x> Fn(&'x T::Item) -> Value<'x>,
{
    let mut seen = HashMap::new();
    report.enter(None, value.is_secret(), false);
    for (index, item) in value.items().enumerate() {
        let mut key = key(item);
        let mut shown = None;
        if let Value::List(parts) = &mut key {
            let whole = parts.len();
            parts.retain(|part| *part != Value::Secret);
            if parts.len() < whole {
                if parts.is_empty() {
                    continue;
                }
                shown = Some(Value::Secret);
            }
        }
        if matches!(key, Value::Null) || !key.is_shown() {
            continue;
        }
        // As printed, a text differs from a number and a list from a text with a comma in it.
        match seen.entry(key.to_string()) {
            Entry::Vacant(vacant) => {
                vacant.insert(index);
            }
            Entry::Occupied(first) => {
                let problem = format!("has the same key as element {}", first.get());
                repeated("unique_key", index, &problem, shown.as_ref().unwrap_or(&key), report);
            }
        }
    }
    report.leave();
}

fn repeated(code: &'static str, index: usize, problem: &str, shown: &Value<'_>, report: &mut Reporter<'_>) {
    report.at_index(index, |report| {
        if report.is_secret() {
            report.value_violation(code, "", problem);
        } else if *shown == Value::Secret {
            report.violation(code, format!("element {index} {problem}"));
        } else {
            report.violation(code, format!("element {index} {problem}: {}", shown.shortened(QUOTED)));
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::report::Report;

    fn check<T: Each<Item = u8> + ?Sized>(value: &T) -> String {
        let mut report = Report::new();
        unique(value, |item| Value::Integer((*item).into()), &mut Reporter::new(&mut report));
        report.to_string()
    }

    fn check_keys(keys: &[Value<'static>]) -> String {
        let mut report = Report::new();
        unique_keys(keys, |key| key.clone(), &mut Reporter::new(&mut report));
        report.to_string()
    }

    fn text(text: &'static str) -> Value<'static> {
        Value::Text(text.into())
    }

    #[test]
    fn each_repetition_names_both_positions() {
        assert_eq!(check(&vec![1, 2]), "");
        assert_eq!(
            check(&vec![1, 2, 1, 1]),
            "[2]  element 2 is the same as element 0: 1  [unique]\n\
             [3]  element 3 is the same as element 0: 1  [unique]"
        );
    }

    #[test]
    fn options_and_pointers_are_looked_through() {
        assert_eq!(check(&None::<Vec<u8>>), "");
        assert_eq!(
            check(&Some(Arc::<[u8]>::from([7, 7]))),
            "[1]  element 1 is the same as element 0: 7  [unique]"
        );
    }

    #[test]
    fn equal_keys_name_both_positions() {
        assert_eq!(check_keys(&[text("a"), text("b")]), "");
        assert_eq!(
            check_keys(&[text("b"), text("a"), text("a")]),
            "[2]  element 2 has the same key as element 1: \"a\"  [unique_key]"
        );
        let pair = || Value::List(vec![text("a"), Value::Integer(80)]);
        assert_eq!(
            check_keys(&[pair(), pair()]),
            "[1]  element 1 has the same key as element 0: [\"a\", 80]  [unique_key]"
        );
    }

    #[test]
    fn keys_of_another_kind_differ() {
        assert_eq!(check_keys(&[text("1"), Value::Integer(1), Value::Bool(true), text("true")]), "");
        assert_eq!(
            check_keys(&[Value::List(vec![text("a, b")]), Value::List(vec![text("a"), text("b")])]),
            ""
        );
    }

    #[test]
    fn what_has_no_key_is_not_compared() {
        for key in [Value::Null, Value::Secret, Value::Opaque, Value::List(vec![Value::Secret])] {
            assert_eq!(check_keys(&[key.clone(), key]), "");
        }
    }

    #[test]
    fn a_secret_is_not_quoted() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(None, true, false);
        unique_keys(&["hunter2", "hunter2"], |key| text(key), &mut reporter);
        assert_eq!(report.to_string(), "[1]  the value has the same key as element 0  [unique_key]");
    }
}
