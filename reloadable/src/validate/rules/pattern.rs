//! `pattern("^[a-z-]+$")`: the text matches a regular expression.

use std::sync::OnceLock;

use regex::Regex;

use super::QUOTED;
use super::text::Text;
use crate::report::Reporter;
use crate::value::Value;

/// Checks that a text matches a regular expression; the code is `pattern`.
///
/// A match anywhere in the text will do, as in JSON Schema: write `^` and `$` for the whole text. A pattern that is
/// no regular expression, or too large a one, refuses every text and says so.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, rules};
///
/// static NAME: rules::Pattern = rules::Pattern::new("^[a-z]+$");
///
/// let mut report = Report::new();
/// rules::pattern("Api", &NAME, &mut Reporter::new(&mut report));
/// assert_eq!(report.to_string(), r#""Api" does not match `^[a-z]+$`  [pattern]"#);
/// ```
pub fn pattern<T: Text + ?Sized>(value: &T, pattern: &Pattern, report: &mut Reporter<'_>) {
    let Some(text) = value.text() else { return };
    let problem = match pattern.compiled() {
        Ok(regex) if regex.is_match(&text) => return,
        Ok(_) => format!("does not match `{}`", pattern.source),
        Err(error) => format!("cannot be checked: `{}` is not a pattern: {error}", pattern.source),
    };
    report.enter(None, value.is_secret(), false);
    report.value_violation("pattern", Value::Text(text).shortened(QUOTED), problem);
    report.leave();
}

/// A regular expression that is compiled when it is first used.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    compiled: OnceLock<Result<Regex, String>>,
}

impl Pattern {
    /// Makes a pattern; what is wrong with it is told by the rule that uses it.
    #[must_use]
    pub const fn new(source: &'static str) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    fn compiled(&self) -> Result<&Regex, &str> {
        let compiled = self.compiled.get_or_init(|| Regex::new(self.source).map_err(|error| reason(&error)));
        compiled.as_ref().map_err(String::as_str)
    }
}

/// The last line of what `regex` says; those before it draw the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::report::Report;

    fn check<T: Text + ?Sized>(value: &T, source: &'static str) -> String {
        let mut report = Report::new();
        pattern(value, &Pattern::new(source), &mut Reporter::new(&mut report));
        report.to_string()
    }

    #[test]
    fn a_match_anywhere_will_do() {
        assert_eq!(check("a1b", "[0-9]"), "");
        assert_eq!(check("a1b", "^[0-9]$"), "\"a1b\" does not match `^[0-9]$`  [pattern]");
        assert_eq!(check("é", r"^\w$"), "");
    }

    #[test]
    fn options_and_pointers_are_looked_through() {
        assert_eq!(check(&None::<String>, "a"), "");
        assert_eq!(check(&Some(Arc::<str>::from("b")), "a"), "\"b\" does not match `a`  [pattern]");
        assert_eq!(check(&Box::<str>::from("b"), "a"), "\"b\" does not match `a`  [pattern]");
        assert_eq!(check(&Cow::Borrowed("b"), "a"), "\"b\" does not match `a`  [pattern]");
        assert_eq!(check(&PathBuf::from("/b"), "a"), "\"/b\" does not match `a`  [pattern]");
    }

    #[test]
    fn a_pattern_that_is_none_refuses_and_says_why() {
        assert_eq!(
            check("a", "("),
            "\"a\" cannot be checked: `(` is not a pattern: unclosed group  [pattern]"
        );
        let large = check("a", r"(\w{1000}){1000}");
        assert!(large.contains("cannot be checked") && large.contains("size limit"), "{large}");
    }

    #[test]
    fn a_secret_is_not_quoted() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(None, true, false);
        pattern("hunter2", &Pattern::new("^a"), &mut reporter);
        pattern("hunter2", &Pattern::new("("), &mut reporter);
        assert!(!report.to_string().contains("hunter2"), "{report}");
        assert_eq!(report.violations()[0].message(), "the value does not match `^a`");
    }
}
