//! What goes wrong, for people and for programs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::document::Origin;
use crate::path::FieldPath;
use crate::report::{Report, Violation};

/// Why a configuration could not be loaded, or why a reloader cannot do what it was asked.
///
/// [`Display`](fmt::Display) is one line: what is wrong, and the first reason. `Debug` adds the whole report, so that
/// an error that leaves `main` is readable. Cheap to clone.
///
/// # Examples
///
/// ```
/// use reloadable::{Error, ErrorKind};
///
/// fn exit_code(error: &Error) -> i32 {
///     if error.kind() == ErrorKind::Invalid { 1 } else { 2 }
/// }
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    kind: ErrorKind,
    report: Report,
}

/// The kinds of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A source could not be read: the report says which and why.
    Unavailable,
    /// Everything was read, but the configuration is not valid: the report says why.
    Invalid,
    /// The last good document set could not be kept or used: the report says why.
    LastGood,
    /// The reloader was not set up in a way in which it can run.
    Setup,
    /// The configuration is valid, but a gate refused it: the report says which and why.
    Vetoed,
    /// Reloads are paused, rolled back, or were refused too often: the report says which, and how to resume.
    Suspended,
    /// Code that a reload waits for, as a gate, asked for another one and would have waited for itself.
    Deadlock,
    /// The reloader has ended.
    Closed,
    /// A generation was not applied by everybody who is to acknowledge it: the report says by whom not, and why.
    NotApplied,
}

impl Error {
    #[cfg(feature = "tokio")]
    pub(crate) fn new(kind: ErrorKind, report: Report) -> Self {
        Self { inner: Arc::new(Inner { kind, report }) }
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn setup(code: &'static str, message: impl Into<String>) -> Self {
        Self::saying(ErrorKind::Setup, code, message)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn invalid(report: Report) -> Self {
        Self::new(ErrorKind::Invalid, report)
    }

    /// Says one thing.
    #[cfg(feature = "tokio")]
    pub(crate) fn saying(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(kind, Violation::new(FieldPath::root(), code, message).into())
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, Report::new())
    }

    /// Returns what kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Says in a word or two what the kind is.
    pub(crate) fn heading(&self) -> &'static str {
        match self.inner.kind {
            ErrorKind::Unavailable => "configuration unavailable",
            ErrorKind::Invalid => "configuration refused",
            ErrorKind::LastGood => "last good set",
            ErrorKind::Setup => "reloader not set up",
            ErrorKind::Vetoed => "configuration vetoed",
            ErrorKind::Suspended => "reloads are suspended",
            ErrorKind::Deadlock => "not reloaded",
            ErrorKind::Closed => "the reloader has ended",
            ErrorKind::NotApplied => "not applied everywhere",
        }
    }

    /// Returns the reasons; empty where the kind says it all.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.inner.report
    }

    /// Returns the source or document that the first reason is about, if it is about one.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.inner.report.errors().find_map(Violation::origin)
    }
}

/// With `{:#}`, the whole report follows on lines of its own, as [`Report`] writes it with `{:#}`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.heading())?;
        let report = &self.inner.report;
        let (problems, warnings) = (report.errors().count() + report.omitted(), report.warnings().count());
        if f.alternate() {
            if report.is_empty() {
                return Ok(());
            }
            match problems {
                1 => f.write_str(": 1 problem")?,
                many => write!(f, ": {many} problems")?,
            }
            match warnings {
                0 => {}
                1 => f.write_str(", 1 warning")?,
                many => write!(f, ", {many} warnings")?,
            }
            return write!(f, "\n  {}", indented(report));
        }
        if let Some(first) = report.errors().next() {
            write!(f, ": {first}")?;
        }
        match problems {
            0 | 1 => Ok(()),
            2 => f.write_str(" (and 1 more problem)"),
            many => write!(f, " (and {} more problems)", many - 1),
        }
    }
}

fn indented(report: &Report) -> String {
    format!("{report:#}").replace('\n', "\n  ")
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl std::error::Error for Error {}

/// Its kind and its report.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Error", 2)?;
        out.serialize_field("kind", &self.inner.kind)?;
        out.serialize_field("report", &self.inner.report)?;
        out.end()
    }
}

/// Why a source did not give its documents.
#[derive(Debug, Clone)]
pub struct SourceError {
    kind: SourceErrorKind,
    origin: Origin,
    message: String,
    retry_after: Option<Duration>,
}

/// The kinds of a [`SourceError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// There is nothing there.
    NotFound,
    /// It is there, but may not be read.
    PermissionDenied,
    /// It is there, but not of the kind that was asked for: a directory in place of a file, a pipe, a device.
    WrongKind,
    /// It holds more bytes than the limit allows.
    TooLarge,
    /// Its format is not known.
    UnknownFormat,
    /// It changed while it was read, again and again.
    Unstable,
    /// It did not answer in time.
    TimedOut,
    /// It cannot tell what has changed since the revision that it was asked about: it no longer knows, or never had one
    /// so new.
    Expired,
    /// Anything else.
    Other,
}

impl SourceErrorKind {
    /// Returns the stable word for this kind, which is the code of the violation made from it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::WrongKind => "wrong_kind",
            Self::TooLarge => "too_large",
            Self::UnknownFormat => "unknown_format",
            Self::Unstable => "unstable",
            Self::TimedOut => "timed_out",
            Self::Expired => "expired",
            Self::Other => "unreadable",
        }
    }
}

impl SourceError {
    /// Makes an error of its kind, the place it is about, and a sentence for people: lowercase, without the place and
    /// without secrets.
    pub fn new(kind: SourceErrorKind, origin: Origin, message: impl Into<String>) -> Self {
        Self { kind, origin, message: message.into(), retry_after: None }
    }

    /// Makes an error of one of the operating system.
    #[must_use]
    pub fn io(origin: Origin, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => SourceErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => SourceErrorKind::PermissionDenied,
            std::io::ErrorKind::IsADirectory => SourceErrorKind::WrongKind,
            std::io::ErrorKind::TimedOut => SourceErrorKind::TimedOut,
            _ => SourceErrorKind::Other,
        };
        Self::new(kind, origin, error.to_string())
    }

    /// Says for how long the place has asked to be left alone, as a server does with `Retry-After`. An informer waits for
    /// at least that long, but for no more than an hour; a reloader looks again when it would.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use reloadable::{Origin, SourceError, SourceErrorKind};
    ///
    /// let error = SourceError::new(SourceErrorKind::Other, Origin::named("routes"), "too many requests");
    /// let error = error.with_retry_after(Duration::from_secs(30));
    /// assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    /// ```
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Returns for how long the place has asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns what kind of error this is.
    #[must_use]
    pub fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    /// Returns the place that the error is about.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the sentence for people, without the place.
    #[cfg(feature = "tokio")]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Tells whether trying again may help without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            SourceErrorKind::Unstable
                | SourceErrorKind::TimedOut
                | SourceErrorKind::Expired
                | SourceErrorKind::Other
        )
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

impl std::error::Error for SourceError {}

impl From<SourceError> for Violation {
    fn from(error: SourceError) -> Self {
        Self::new(FieldPath::root(), error.kind.code(), error.message).located(error.origin, None)
    }
}
