//! One reason.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::excerpt::Excerpt;
use crate::document::Origin;
use crate::path::FieldPath;

/// One reason why a candidate was refused: which field, what is wrong with it, and where that was set.
///
/// # Examples
///
/// ```
/// use reloadable::{Origin, Position, Violation};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = "[pool]\nsize = 5000\n";
/// let violation = Violation::new("pool.size".parse()?, "range", "5000 is not in 1..=1024")
///     .located(Origin::file("app.toml"), text.find("5000").map(|at| Position::of(text, at)));
/// assert_eq!(violation.to_string(), "app.toml:2:8: pool.size: 5000 is not in 1..=1024 [range]");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    path: FieldPath,
    code: Cow<'static, str>,
    message: String,
    severity: Severity,
    #[serde(serialize_with = "by_name")]
    layer: Option<Arc<str>>,
    origin: Option<Origin>,
    /// The number of the document, since several may have one name.
    #[serde(skip)]
    document: Option<usize>,
    position: Option<Position>,
    span: Option<Range<usize>>,
    excerpt: Option<Excerpt>,
    ways: Vec<Way>,
    hint: Option<Cow<'static, str>>,
}

/// Whether a violation refuses the candidate.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Severity};
///
/// /// For a check that is to be stricter than the reloader.
/// fn is_spotless(report: &Report) -> bool {
///     report.violations().iter().all(|violation| violation.severity() != Severity::Warning)
/// }
/// assert!(is_spotless(&Report::new()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The candidate is refused.
    Error,
    /// The candidate is accepted all the same.
    Warning,
}

/// One way to set a field, of those that the layers have.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Env, Reloader, Way};
///
/// let variables = [("APP_WORKERS", "many")];
/// let layers = Reloader::<Limits>::builder().env(Env::prefixed("APP").variables(variables)).set([""; 0]);
/// if let Err(error) = layers.check_blocking() {
///     assert_eq!(
///         error.report().violations()[0].ways(),
///         [Way::Variable("APP_WORKERS".into()), Way::Argument("--set workers=".into())]
///     );
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Way {
    /// By a key in a file.
    Key(FieldPath),
    /// By an environment variable of this name.
    Variable(String),
    /// By an argument on the command line, which begins like this.
    Argument(String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(path) => write!(f, "key `{path}`"),
            Self::Variable(name) => f.write_str(name),
            Self::Argument(begin) => write!(f, "{begin}.."),
        }
    }
}

/// A place in a text: line and column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// Finds the position of a byte offset. An offset behind the text's end is taken as its end.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Violation {
    /// Makes a violation without a place. `code` is a stable word for programs, `message` a sentence for people:
    /// lowercase, without the path and without a final dot.
    pub fn new(path: FieldPath, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            path,
            code: code.into(),
            message: message.into(),
            severity: Severity::Error,
            layer: None,
            origin: None,
            document: None,
            position: None,
            span: None,
            excerpt: None,
            ways: Vec::new(),
            hint: None,
        }
    }

    /// Makes it one that does not refuse the candidate.
    #[must_use]
    pub fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Says something else.
    #[cfg(feature = "tokio")]
    pub(crate) fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Says what to do about it: a sentence for people, lowercase and without a final dot.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says in which document the fault is, and where in it if that is known.
    #[must_use]
    pub fn located(mut self, origin: Origin, position: Option<Position>) -> Self {
        self.origin = Some(origin);
        self.position = position;
        self
    }

    /// Returns the field, spelled as in the file; the root where the fault is not in one field.
    #[must_use]
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Returns the stable word for programs: the rule's name, or one such as `type` or `missing_field`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Says that another field is meant.
    pub(crate) fn at(mut self, path: FieldPath) -> Self {
        self.path = path;
        self
    }

    /// Says in which layer and which of all documents it stands, and which bytes of the text are meant.
    pub(crate) fn spanned(mut self, layer: Arc<str>, document: usize, span: Option<Range<usize>>) -> Self {
        self.layer = Some(layer);
        self.document = Some(document);
        self.span = span;
        self
    }

    pub(crate) fn quoting(mut self, excerpt: Option<Excerpt>) -> Self {
        self.excerpt = excerpt;
        self
    }

    pub(crate) fn settable(mut self, ways: Vec<Way>) -> Self {
        self.ways = ways;
        self
    }

    pub(crate) fn document(&self) -> Option<usize> {
        self.document
    }

    /// Returns whether it refuses the candidate.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the name of the layer in which the fault was set, if it is known.
    #[must_use]
    pub fn layer(&self) -> Option<&str> {
        self.layer.as_deref()
    }

    /// Returns the bytes of the document's text that are at fault, if they are known. A byte order mark does not count.
    #[must_use]
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// Returns the line that is at fault, as far as it may be shown.
    #[must_use]
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// Returns all ways to set the field; none where the fault is not in one field.
    #[must_use]
    pub fn ways(&self) -> &[Way] {
        &self.ways
    }

    /// Returns what to do about it, where that is more than to set another value.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns the document in which the fault was set, if it is known.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Returns the line and column at which the fault was set, if they are known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

fn by_name<S: Serializer>(layer: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    layer.as_deref().serialize(serializer)
}

impl Violation {
    /// Returns what stands before the code where the candidate is not refused.
    pub(super) fn prefix(&self) -> &'static str {
        match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        }
    }

    /// Says in which layer it was set, where the place does not say so already, and how else the field can be set.
    pub(super) fn note(&self) -> Option<String> {
        let place = self.origin.as_ref().map(ToString::to_string);
        let layer = self.layer().filter(|layer| place.as_deref() != Some(layer));
        let is_this = |way: &&Way| match (way, &self.origin) {
            (Way::Key(_), _) => self.position.is_some(),
            (Way::Variable(name), Some(Origin::Variable(own))) => **own == **name,
            (Way::Argument(begin), Some(Origin::Argument(own))) => begin.trim_end_matches('=') == &**own,
            _ => false,
        };
        let others: Vec<_> = self.ways.iter().filter(|way| !is_this(way)).map(ToString::to_string).collect();
        let others = if others.is_empty() { None } else { Some(others.join(" or ")) };
        match (layer, others) {
            (None, None) => None,
            (Some(layer), None) => Some(format!("set in layer {layer}")),
            (Some(layer), Some(others)) => Some(format!("set in layer {layer}; also as {others}")),
            (None, Some(others)) => Some(format!("also as {others}")),
        }
    }

    /// Returns origin, line and column as one text; empty where nothing is known.
    pub(super) fn place(&self) -> String {
        match (&self.origin, self.position) {
            (Some(origin), Some(position)) => format!("{origin}:{position}"),
            (Some(origin), None) => origin.to_string(),
            (None, _) => String::new(),
        }
    }
}

/// One line: `conf.d/20-pool.toml:3:13: database.pool_size: 5000 is not in 1..=1024 [range]`.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}")?;
            if let Some(position) = self.position {
                write!(f, ":{position}")?;
            }
            f.write_str(": ")?;
        }
        if !self.path.is_root() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} [{}{}]", self.message, self.prefix(), self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters() {
        let text = "a = 1\nb = \"é\" x\n";
        assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of(text, text.find('x').unwrap_or(0)), Position { line: 2, column: 9 });
        assert_eq!(Position::of(text, 12), Position { line: 2, column: 6 });
        assert_eq!(Position::of(text, usize::MAX), Position { line: 3, column: 1 });
    }
}
