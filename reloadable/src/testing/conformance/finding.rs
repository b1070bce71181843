//! What the battery found.

use std::fmt;

/// How a source kept each promise. `Display` writes a table of it.
///
/// # Examples
///
/// See [`source_conformance`](super::source_conformance).
#[derive(Debug, Clone)]
#[must_use = "nobody has looked yet at what was found"]
pub struct Conformance {
    checks: Vec<Check>,
}

/// One promise of a source, and whether it was kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Check {
    /// The word by which it is called.
    pub name: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// How it went.
    pub finding: Finding,
}

/// Whether a promise was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It was.
    Kept,
    /// It was not, and how that was seen.
    Broken(String),
    /// It was not tried, and why.
    NotApplicable(String),
}

impl Conformance {
    pub(super) fn new(checks: Vec<Check>) -> Self {
        Self { checks }
    }

    /// Returns all checks, in the order in which they were made.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns what was found in the check of this name; nothing if there is none.
    #[must_use]
    pub fn finding(&self, name: &str) -> Option<&Finding> {
        self.checks.iter().find(|check| check.name == name).map(|check| &check.finding)
    }

    /// Returns the names of the promises that were broken.
    #[must_use]
    pub fn broken(&self) -> Vec<&'static str> {
        self.named(|finding| matches!(finding, Finding::Broken(_)))
    }

    /// Returns the names of those that were not tried.
    #[must_use]
    pub fn not_applicable(&self) -> Vec<&'static str> {
        self.named(|finding| matches!(finding, Finding::NotApplicable(_)))
    }

    /// Sees to it that every promise was tried and kept.
    ///
    /// # Panics
    ///
    /// If one was not: with the whole table.
    #[track_caller]
    pub fn assert(&self) {
        self.assert_all_but(&[]);
    }

    /// Sees to it that every promise was tried and kept, but for these checks, in any order, which the rig cannot make:
    /// what is not tried stands in the test, and is noticed there when it becomes more or less.
    ///
    /// # Panics
    ///
    /// If a promise was broken, one that is not in the list was not tried, or one in the list was: with the whole table.
    #[track_caller]
    pub fn assert_all_but(&self, not_tried: &[&str]) {
        assert!(self.broken().is_empty(), "the source breaks {}\n{self}", self.broken().join(", "));
        let left_out = self.not_applicable();
        let more: Vec<_> = left_out.iter().copied().filter(|name| !not_tried.contains(name)).collect();
        assert!(more.is_empty(), "nobody has tried {}\n{self}", more.join(", "));
        let less: Vec<_> = not_tried.iter().copied().filter(|name| !left_out.contains(name)).collect();
        assert!(
            less.is_empty(),
            "said not to be tried, but it was or there is no such check: {}\n{self}",
            less.join(", ")
        );
    }

    fn named(&self, is_so: impl Fn(&Finding) -> bool) -> Vec<&'static str> {
        self.checks.iter().filter(|check| is_so(&check.finding)).map(|check| check.name).collect()
    }
}

impl fmt::Display for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        for (nth, Check { name, promise, finding }) in self.checks.iter().enumerate() {
            if nth > 0 {
                f.write_str("\n")?;
            }
            match finding {
                Finding::Kept => write!(f, "kept    {name:width$}  {promise}")?,
                Finding::Broken(why) => write!(f, "BROKEN  {name:width$}  {promise}: {why}")?,
                Finding::NotApplicable(why) => {
                    write!(f, "-       {name:width$}  {promise}: not tried: {why}")?
                }
            }
        }
        Ok(())
    }
}

/// Why a check came to no good end.
pub(super) enum Fault {
    Broken(String),
    NotApplicable(String),
}

impl Fault {
    /// What was seen is not repeated if a secret is in it.
    pub(super) fn into_finding(self, secrets: &[String]) -> Finding {
        match self {
            Self::Broken(why) if holds_secret(&why, secrets) => {
                Finding::Broken("what was seen has a secret in it, and is not repeated".to_owned())
            }
            Self::Broken(why) => Finding::Broken(why),
            Self::NotApplicable(why) => Finding::NotApplicable(why),
        }
    }
}

impl From<super::rig::RigError> for Fault {
    fn from(error: super::rig::RigError) -> Self {
        match error {
            super::rig::RigError::Unsupported => Self::NotApplicable("the rig cannot do that".to_owned()),
            super::rig::RigError::Failed(error) => Self::Broken(format!("the rig failed: {error}")),
        }
    }
}

/// Tells whether one of these secrets, or a URL with a password, is in a text.
pub(super) fn holds_secret(text: &str, secrets: &[String]) -> bool {
    secrets.iter().any(|secret| text.contains(secret)) || has_password(text)
}

/// Tells whether a URL with a password is in a text.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}
