//! What a source hands over: bytes, their format, where they come from, and the source's own mark for this version.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::parsed::{ParseFault, Parsed, ReadFormat};
use crate::path::FieldPath;
use crate::value::Value;

/// How a document's bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// TOML 1.1, feature `toml`.
    Toml,
    /// JSON by RFC 8259, feature `json`.
    Json,
    /// JSON with comments, as in JavaScript, and trailing commas, feature `jsonc`.
    Jsonc,
    /// YAML 1.2 with its core schema, feature `yaml`.
    ///
    /// A file is one document. Anchors and aliases are followed, within bounds. Merge keys (`<<`) are refused, as are
    /// keys that are no scalars, and tags other than those of the core schema.
    Yaml,
    /// A format of the application's own, see [`Format::custom`].
    Custom(CustomFormat),
}

/// The extensions that tell a format.
const EXTENSIONS: [(&str, Format); 5] = [
    ("toml", Format::Toml),
    ("json", Format::Json),
    ("jsonc", Format::Jsonc),
    ("yaml", Format::Yaml),
    ("yml", Format::Yaml),
];

impl Format {
    /// Returns the format that goes with a path's extension, in any case: `toml`, `json`, `jsonc`, `yaml` or `yml`.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        EXTENSIONS
            .into_iter()
            .find_map(|(known, format)| extension.eq_ignore_ascii_case(known).then_some(format))
    }

    /// Returns a format of the application's own. Files of it are named together with it, as by
    /// [`Builder::file_as`](crate::reloader::Builder::file_as), since no extension tells it.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Format, ParseFault, Parsed, ParsedEntry, ReadFormat};
    ///
    /// /// A document that is one text, as the file of a Kubernetes secret.
    /// struct Whole;
    ///
    /// static WHOLE: Whole = Whole;
    ///
    /// impl ReadFormat for Whole {
    ///     fn name(&self) -> &'static str {
    ///         "text"
    ///     }
    ///
    ///     fn parse(&self, text: &str) -> Result<Parsed, Vec<ParseFault>> {
    ///         let value = Parsed::text(0..text.len(), text.trim_end());
    ///         Ok(Parsed::table(0..text.len(), [ParsedEntry::new("token", 0..0, value)]))
    ///     }
    /// }
    ///
    /// assert_eq!(Format::custom(&WHOLE).to_string(), "text");
    /// ```
    #[must_use]
    pub fn custom(format: &'static dyn ReadFormat) -> Self {
        Self::Custom(CustomFormat { name: format.name(), format })
    }

    /// Says that a file has none of the extensions that tell a format.
    #[cfg(feature = "fs")]
    pub(crate) fn unknown_extension() -> String {
        let [first @ .., (last, _)] = EXTENSIONS;
        let first: Vec<_> = first.iter().map(|(extension, _)| format!("`.{extension}`")).collect();
        format!("its extension is not one of {} and `.{last}`", first.join(", "))
    }

    /// Tells whether it is JSON, be it with comments: one value in brackets, and one kind of number.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonc)
    }
}

/// A format of the application's own, made by [`Format::custom`]. Two of the same name are the same.
///
/// # Examples
///
/// ```
/// use reloadable::Format;
///
/// fn is_my_own(format: Format) -> bool {
///     matches!(format, Format::Custom(custom) if custom.name() == "properties")
/// }
///
/// assert!(!is_my_own(Format::Toml));
/// ```
#[derive(Clone, Copy)]
pub struct CustomFormat {
    /// Asked for once, so that no code of the application runs where formats are compared and shown.
    name: &'static str,
    format: &'static dyn ReadFormat,
}

impl CustomFormat {
    /// Returns the name by which messages call the format.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn parse(&self, text: &str) -> Result<Parsed, Vec<ParseFault>> {
        self.format.parse(text)
    }
}

impl PartialEq for CustomFormat {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for CustomFormat {}

impl Hash for CustomFormat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for CustomFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomFormat").field(&self.name).finish()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
            Self::Jsonc => "JSONC",
            Self::Yaml => "YAML",
            Self::Custom(format) => format.name,
        })
    }
}

/// Where a document comes from, as it is printed in reports. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A file.
    File(Arc<Path>),
    /// An environment variable.
    Variable(Arc<str>),
    /// An argument of the command line, without its value.
    Argument(Arc<str>),
    /// Anything else, by the name that its source gives it. It must not hold secrets.
    Named(Arc<str>),
}

impl Origin {
    /// Returns the origin of a file's content.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into().into())
    }

    /// Returns an origin that is no file.
    pub fn named(name: impl Into<String>) -> Self {
        Self::Named(name.into().into())
    }

    /// Returns the path, where the origin is a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "variable {}", plain(name)),
            Self::Argument(name) | Self::Named(name) => f.write_str(&plain(name)),
        }
    }
}

/// A terminal obeys control characters, and whoever sets a variable need not be whoever reads of it.
fn plain(name: &str) -> Cow<'_, str> {
    if name.contains(char::is_control) {
        Cow::Owned(name.replace(char::is_control, "\u{fffd}"))
    } else {
        Cow::Borrowed(name)
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A source's own, opaque mark for one version of its content: an ETag, a resource version, a hash.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Revision(Arc<[u8]>);

impl Revision {
    /// Makes a revision of whatever the source tells versions apart by.
    pub fn new(mark: impl AsRef<[u8]>) -> Self {
        Self(mark.as_ref().into())
    }

    /// Returns what the source made the revision of.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The content itself as the mark, without a copy of it.
impl From<Arc<[u8]>> for Revision {
    fn from(mark: Arc<[u8]>) -> Self {
        Self(mark)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may be the content, which may hold secrets.
        write!(f, "Revision({} bytes)", self.0.len())
    }
}

/// A document as its source holds it, not yet decoded.
#[derive(Clone)]
pub struct Document {
    origin: Origin,
    body: Body,
    /// Everybody on this machine may read it.
    is_public: bool,
}

/// What a document holds.
#[derive(Clone)]
pub(crate) enum Body {
    /// A text, to be read.
    Text(Format, Arc<[u8]>),
    /// Single values by name.
    Settings(Arc<[Setting]>),
    /// A value that the program holds.
    Value(Arc<Value<'static>>),
}

/// A value for one field.
#[derive(Clone)]
pub(crate) struct Setting {
    /// The variable or argument.
    pub(crate) origin: Origin,
    pub(crate) name: Name,
    pub(crate) value: Given,
    /// It is refused where it stands for no field, whatever becomes of others that do.
    pub(crate) is_strict: bool,
}

/// Which field is meant.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    /// Names that are spelled in the way of variables.
    Words(Words),
    /// As it is spelled in a file.
    Path(FieldPath),
}

impl Name {
    /// Counts the names on the way to the field, or the words that they may be made of.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.words.len(),
            Self::Path(path) => path.segments().len(),
        }
    }
}

/// The name of a variable, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) words: Vec<String>,
    /// One name may be made of several words: what stands between names also stands within them.
    pub(crate) may_join: bool,
    /// Names that the user chooses, as keys of a map, are meant as they are spelled.
    pub(crate) keeps_case: bool,
    /// What the variables begin with, and what stands between two names.
    pub(crate) prefix: Arc<str>,
    pub(crate) separator: Arc<str>,
}

/// What a field is set to.
#[derive(Clone)]
pub(crate) enum Given {
    /// A text, from which the value is read as the field's type wants it; the character that stands between the elements
    /// of a list.
    Word(String, char),
    Value(Value<'static>),
    /// It cannot be read: a code and a message.
    Refused(&'static str, String),
}

impl Document {
    /// Makes a document of its bytes.
    pub fn new(origin: Origin, format: Format, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { origin, body: Body::Text(format, bytes.into()), is_public: false }
    }

    /// Makes a document of single values.
    pub(crate) fn settings(origin: Origin, settings: impl Into<Arc<[Setting]>>) -> Self {
        Self { origin, body: Body::Settings(settings.into()), is_public: false }
    }

    /// Makes a document of a value that the program holds.
    pub(crate) fn value(origin: Origin, value: Arc<Value<'static>>) -> Self {
        Self { origin, body: Body::Value(value), is_public: false }
    }

    /// Tells whether both hold the same in the same place. Values that the program holds are not looked into.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_same = match (&self.body, &other.body) {
            (Body::Text(format, bytes), Body::Text(other, others)) => format == other && bytes == others,
            (Body::Settings(settings), Body::Settings(others)) => Arc::ptr_eq(settings, others),
            (Body::Value(value), Body::Value(other)) => Arc::ptr_eq(value, other),
            _ => false,
        };
        is_same && self.origin == other.origin && self.is_public == other.is_public
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// Says whether everybody on this machine may read it.
    #[cfg(feature = "fs")]
    pub(crate) fn set_public(&mut self, is_public: bool) {
        self.is_public = is_public;
    }

    pub(crate) fn is_public(&self) -> bool {
        self.is_public
    }

    /// Returns where the document comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    #[cfg(feature = "fs")]
    pub(crate) fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Returns how the bytes are to be read; nothing where there are none, but values that the program holds.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        match self.body {
            Body::Text(format, _) => Some(format),
            _ => None,
        }
    }

    /// Returns the content as text; empty where it is made of values that the program holds.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Text(_, bytes) => bytes,
            _ => &[],
        }
    }
}

/// The bytes may hold secrets, so only their number is shown.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("origin", &self.origin)
            .field("format", &self.format())
            .field("bytes", &self.bytes().len())
            .finish()
    }
}
