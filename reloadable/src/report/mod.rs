//! Why a candidate was refused.

mod excerpt;
mod line;
#[cfg(feature = "pretty")]
mod pretty;
mod render;
mod reporter;
mod violation;

use serde::Serialize;

pub use self::excerpt::Excerpt;
pub(crate) use self::excerpt::readable;
pub(crate) use self::line::one_line;
#[cfg(feature = "tokio")]
pub(crate) use self::line::with_causes;
#[cfg(feature = "pretty")]
pub use self::pretty::{Color, Pretty};
pub use self::reporter::Reporter;
pub(crate) use self::reporter::Secrets;
pub use self::violation::{Position, Severity, Violation, Way};

/// The reasons why a candidate was refused, in the order in which they were found: all that can be found at once.
///
/// It keeps the first 1,000, since nobody reads more, and counts the others.
///
/// # Examples
///
/// ```
/// use reloadable::{Reloader, Report};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// let (source, _document) =
///     reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = \nqueue = 1 2\n");
/// let refused = Reloader::<Limits>::builder().source(source).start_blocking();
/// let report = refused.err().map_or_else(Report::new, |error| error.report().clone());
/// assert_eq!(report.violations().len(), 2);
/// for violation in report.violations() {
///     println!("{:?}: {}", violation.position(), violation.message());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report {
    violations: Vec<Violation>,
    #[serde(skip)]
    omitted: usize,
    /// Among those that were only counted are some that refuse the candidate.
    #[serde(skip)]
    omits_errors: bool,
}

/// How many violations a report keeps.
const KEPT: usize = 1_000;

impl Report {
    /// Makes a report without violations.
    #[must_use]
    pub const fn new() -> Self {
        Self { violations: Vec::new(), omitted: 0, omits_errors: false }
    }

    /// Tells whether nothing is wrong, and nothing is warned of.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.violations.is_empty()
    }

    /// Tells whether the candidate is refused: there is more than warnings.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.omits_errors || self.errors().next().is_some()
    }

    /// Returns those that refuse the candidate.
    pub fn errors(&self) -> impl Iterator<Item = &Violation> {
        self.violations.iter().filter(|violation| violation.severity() == Severity::Error)
    }

    /// Returns those that do not refuse the candidate.
    pub fn warnings(&self) -> impl Iterator<Item = &Violation> {
        self.violations.iter().filter(|violation| violation.severity() == Severity::Warning)
    }

    /// Returns the violations, the first 1,000 of them.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Returns how many more violations were found than are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{FieldPath, Report, Violation};
    ///
    /// let mut report = Report::new();
    /// for number in 0..1_005 {
    ///     report.push(Violation::new(FieldPath::root(), "limit", format!("{number} is too many")));
    /// }
    /// assert_eq!((report.violations().len(), report.omitted()), (1_000, 5));
    /// assert!(report.to_string().ends_with("... and 5 more"));
    /// ```
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// Adds a violation; once there are 1,000, it is only counted.
    pub fn push(&mut self, violation: Violation) {
        if self.is_full() {
            // What refuses the candidate is not crowded out by what is only suspicious.
            let is_error = violation.severity() == Severity::Error;
            let warning = self.violations.iter().rposition(|kept| kept.severity() != Severity::Error);
            match warning.filter(|_| is_error) {
                Some(warning) => {
                    self.violations.remove(warning);
                    self.violations.push(violation);
                    self.omit(Severity::Warning);
                }
                None => self.omit(violation.severity()),
            }
        } else {
            self.violations.push(violation);
        }
    }

    /// Adds all of another report, those that it only counted too.
    pub(crate) fn append(&mut self, other: Self) {
        self.extend(other.violations);
        self.omitted += other.omitted;
        self.omits_errors |= other.omits_errors;
    }

    /// Puts what refuses the candidate before what is only suspicious.
    pub(crate) fn errors_first(mut self) -> Self {
        self.violations.sort_by_key(|violation| violation.severity() != Severity::Error);
        self
    }

    /// Changes each violation that is kept.
    pub(crate) fn map(self, change: impl FnMut(Violation) -> Violation) -> Self {
        Self { violations: self.violations.into_iter().map(change).collect(), ..self }
    }

    fn is_full(&self) -> bool {
        self.violations.len() >= KEPT
    }

    fn omit(&mut self, severity: Severity) {
        self.omitted += 1;
        self.omits_errors |= severity == Severity::Error;
    }
}

impl Extend<Violation> for Report {
    fn extend<I: IntoIterator<Item = Violation>>(&mut self, violations: I) {
        for violation in violations {
            self.push(violation);
        }
    }
}

impl From<Violation> for Report {
    fn from(violation: Violation) -> Self {
        Self { violations: vec![violation], ..Self::new() }
    }
}
