//! Writing violations at the place of the value that is being checked.

use std::borrow::Cow;
use std::fmt;

use super::{Report, Severity, Violation};
use crate::path::{FieldPath, Segment};

/// Writes violations into a [`Report`], each at the place of the value that is being checked.
///
/// A function named by `#[reload(validate = ..)]` on a container gets one:
///
/// ```
/// use reloadable::Reporter;
///
/// struct Limits {
///     soft: u32,
///     hard: u32,
/// }
///
/// impl Limits {
///     fn check(&self, report: &mut Reporter<'_>) {
///         if self.soft > self.hard {
///             report.violation_at("soft", "limits", format!("{} is above hard ({})", self.soft, self.hard));
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Reporter<'r> {
    report: &'r mut Report,
    /// What the types say, for what is written about a field from outside it.
    secrets: Option<&'r dyn Secrets>,
    path: Vec<Segment>,
    /// One frame for every `enter`: what to undo, and whether the value is secret.
    frames: Vec<Frame>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    pushed: bool,
    secret: bool,
    /// The file has another shape from here on, so deeper names are not in it.
    opaque: bool,
    /// What is being checked is the key of an entry, not its value.
    key: bool,
}

impl<'r> Reporter<'r> {
    /// Starts at the root.
    pub fn new(report: &'r mut Report) -> Self {
        Self { report, secrets: None, path: Vec::new(), frames: Vec::new() }
    }

    /// Starts at the root of a configuration whose types tell which values are secret.
    pub(crate) fn with_secrets(report: &'r mut Report, secrets: &'r dyn Secrets) -> Self {
        Self { secrets: Some(secrets), ..Self::new(report) }
    }

    /// Adds a violation at the current place.
    ///
    /// If the value is a secret, the message is withheld, since it may quote it. Use
    /// [`value_violation`](Self::value_violation) for a message with a part that does not.
    pub fn violation(&mut self, code: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        if self.counts_only() {
            return;
        }
        let message = if self.is_secret_here() { WITHHELD.to_owned() } else { message.into() };
        self.add(self.current(), code.into(), message);
    }

    /// Adds a violation on a field below the current place; `path` is relative to it and spelled as in the file. From
    /// where it is none, the rest of `path` is kept as a name.
    ///
    /// If the field is a secret, the message is withheld, as by [`violation`](Self::violation); one that leaves the
    /// value out is added by [`at_name`](Self::at_name) and [`value_violation`](Self::value_violation).
    pub fn violation_at(
        &mut self,
        path: &str,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) {
        if self.counts_only() {
            return;
        }
        let below = FieldPath::read(path);
        let opaque = self.is_opaque();
        let full = if opaque { self.current() } else { self.current().join(&below) };
        // Which of the fields behind an opaque place is meant, the types cannot tell.
        let by_type = self.secrets.is_some_and(|secrets| {
            if opaque { secrets.holds_secret(&full) } else { secrets.is_secret(&full) }
        });
        let message = if self.is_secret() || by_type { WITHHELD.to_owned() } else { message.into() };
        self.add(full, code.into(), message);
    }

    /// Adds a violation whose message is `value`, a space and `problem`; a secret value is left out.
    pub fn value_violation(
        &mut self,
        code: impl Into<Cow<'static, str>>,
        value: impl fmt::Display,
        problem: impl fmt::Display,
    ) {
        if self.counts_only() {
            return;
        }
        let message =
            if self.is_secret_here() { format!("the value {problem}") } else { format!("{value} {problem}") };
        self.add(self.current(), code.into(), message);
    }

    /// Tells whether the value at the current place is a secret, or within one.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.secret)
    }

    /// Runs `check` with the place moved to the element at `index`.
    pub fn at_index(&mut self, index: usize, check: impl FnOnce(&mut Self)) {
        self.within(Segment::Index(index), check);
    }

    /// Runs `check` with the place moved to a field or map entry, spelled as in the file.
    pub fn at_name(&mut self, name: impl Into<Cow<'static, str>>, check: impl FnOnce(&mut Self)) {
        self.within(Segment::Name(name.into()), check);
    }

    fn within(&mut self, segment: Segment, check: impl FnOnce(&mut Self)) {
        self.enter(Some(segment), false, false);
        check(self);
        self.leave();
    }

    /// Moves the place. `None` is for what has no name in the file: a flattened field, a newtype, an untagged variant.
    #[doc(hidden)]
    pub fn enter(&mut self, segment: Option<Segment>, secret: bool, opaque: bool) {
        let outer = self.frames.last().copied().unwrap_or_default();
        let segment = segment.filter(|_| !outer.opaque);
        let pushed = segment.is_some();
        self.path.extend(segment);
        let (secret, opaque) = (outer.secret || secret, outer.opaque || opaque);
        self.frames.push(Frame { pushed, secret, opaque, key: outer.key });
    }

    /// Moves the place back to where it was before the last [`enter`](Self::enter).
    #[doc(hidden)]
    pub fn leave(&mut self) {
        if self.frames.pop().is_some_and(|frame| frame.pushed) {
            self.path.pop();
        }
    }

    /// Runs `check` on the key of the entry at the current place; messages then say that it is the key.
    pub(crate) fn on_key(&mut self, check: impl FnOnce(&mut Self)) {
        self.enter(None, false, false);
        if let Some(frame) = self.frames.last_mut() {
            frame.key = true;
        }
        check(self);
        self.leave();
    }

    /// Returns the current place.
    #[must_use]
    pub fn current(&self) -> FieldPath {
        FieldPath::from(self.path.clone())
    }

    /// As [`is_secret`](Self::is_secret), but also where a validator written by hand has gone by itself. It walks through the types,
    /// so only what is wrong asks for it.
    fn is_secret_here(&self) -> bool {
        let by_type = |secrets: &dyn Secrets| !self.is_opaque() && secrets.is_secret(&self.current());
        self.is_secret() || self.secrets.is_some_and(by_type)
    }

    /// Tells whether a violation is only counted, and counts it: a message that nobody gets need not be made.
    fn counts_only(&mut self) -> bool {
        let full = self.report.is_full();
        if full {
            self.report.omit(Severity::Error);
        }
        full
    }

    fn is_opaque(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.opaque)
    }

    fn add(&mut self, path: FieldPath, code: Cow<'static, str>, mut message: String) {
        if self.frames.last().is_some_and(|frame| frame.key) {
            message.insert_str(0, "key: ");
        }
        let path = match self.secrets {
            Some(secrets) => secrets.shown(path),
            None => path,
        };
        self.report.push(Violation::new(path, code, message));
    }
}

/// What the types of a configuration say of which values are secret.
pub(crate) trait Secrets: fmt::Debug + Send + Sync {
    /// Tells whether the value at `path` is a secret, or within one.
    fn is_secret(&self, path: &FieldPath) -> bool;

    /// Tells whether the value at `path` is a secret, within one, or around one.
    fn holds_secret(&self, path: &FieldPath) -> bool;

    /// Leaves out of `path` what may itself be a part of a secret.
    fn shown(&self, path: FieldPath) -> FieldPath;
}

/// The message of a violation whose own message might quote a secret.
const WITHHELD: &str = "the value was refused; why is withheld, since it is a secret";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_stands_where_the_reporter_is() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.at_name("routes", |reporter| {
            reporter.at_index(2, |reporter| {
                reporter.violation("own", "bad");
                reporter.violation_at("tls.cert", "own", "worse");
            });
        });
        reporter.violation("own", "worst");
        assert_eq!(
            report.to_string(),
            "routes[2]           bad  [own]\nroutes[2].tls.cert  worse  [own]\n                    worst  [own]"
        );
    }

    #[test]
    fn a_secret_is_left_out_of_every_message() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(Some(Segment::Name("token".into())), true, false);
        reporter.violation("own", "hunter2 is too short");
        reporter.violation_at("inner", "own", "hunter2 again");
        reporter.at_index(0, |reporter| reporter.value_violation("length", "hunter2", "is shorter than 16"));
        assert!(!report.to_string().contains("hunter2"), "{report}");
        assert!(report.to_string().contains("the value is shorter than 16"), "{report}");
    }

    #[test]
    fn below_an_opaque_place_no_names_are_added() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(Some(Segment::Name("tls".into())), false, true);
        reporter.at_name("cert", |reporter| reporter.violation("own", "bad"));
        reporter.violation_at("key", "own", "bad");
        assert!(
            report.violations().iter().all(|violation| violation.path().to_string() == "tls"),
            "{report}"
        );
    }
}
