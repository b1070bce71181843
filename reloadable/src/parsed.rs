//! What an application's own format makes of a text.

use std::fmt;
use std::ops::Range;

/// How deep tables and arrays may be nested. Every walk through a tree is recursive, so this bounds the stack.
pub(crate) const DEPTH: usize = 128;

/// A format of your own, for [`Format::custom`](crate::document::Format::custom).
///
/// What it reads is treated as every other document: merged, decoded, validated, and each mistake is reported with the
/// line and column that the spans tell.
///
/// # Examples
///
/// A small format of lines `key = value`, in which `#` begins a comment:
///
/// ```
/// use reloadable::{Format, ParseFault, Parsed, ParsedEntry, ReadFormat, Reloader};
///
/// struct Properties;
///
/// static PROPERTIES: Properties = Properties;
///
/// impl ReadFormat for Properties {
///     fn name(&self) -> &'static str {
///         "properties"
///     }
///
///     fn parse(&self, text: &str) -> Result<Parsed, Vec<ParseFault>> {
///         let (mut entries, mut faults) = (Vec::new(), Vec::new());
///         let mut end = 0;
///         for line in text.split_inclusive('\n') {
///             let start = end;
///             end += line.len();
///             if line.trim().is_empty() || line.starts_with('#') {
///                 continue;
///             }
///             let Some((key, value)) = line.split_once('=') else {
///                 faults.push(ParseFault::new(start, "expected `key = value`"));
///                 continue;
///             };
///             let behind = start + key.len() + 1;
///             let value_start = behind + value.len() - value.trim_start().len();
///             let (key, value) = (key.trim_end(), value.trim());
///             let span = value_start..value_start + value.len();
///             let key_span = start..start + key.len();
///             entries.push(ParsedEntry::new(key, key_span, Parsed::word(span, value)));
///         }
///         if faults.is_empty() { Ok(Parsed::table(0..text.len(), entries)) } else { Err(faults) }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.properties");
/// # type App = std::collections::BTreeMap<String, u16>;
/// std::fs::write(&path, "# Limits\nworkers = 4\nqueue = 100\n")?;
/// let config = Reloader::<App>::builder().file_as(&path, Format::custom(&PROPERTIES)).start().await?;
/// assert_eq!((config.load()["workers"], config.load()["queue"]), (4, 100));
///
/// std::fs::write(&path, "workers = 4\nqueue = many\n")?;
/// let refused = config.reload().await.to_string();
/// assert!(refused.contains("app.properties:2:9"), "{refused}");
/// # Ok(())
/// # }
/// ```
pub trait ReadFormat: Send + Sync + 'static {
    /// Returns the name by which messages call the format, as `properties`. Two formats of one name are taken for the
    /// same.
    fn name(&self) -> &'static str;

    /// Reads a document, which is UTF-8, has no byte order mark, and is not empty.
    ///
    /// What it returns must be a table, as any configuration is. If it panics, the document is refused, and nothing
    /// else happens. It is called from the thread that loads, so a parser that recurses has to bound its own depth.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with the text. Where the configuration has secrets, only the places are
    /// reported, since a message may quote one.
    fn parse(&self, text: &str) -> Result<Parsed, Vec<ParseFault>>;
}

/// A value of a document and where it stands, made by a [`ReadFormat`].
///
/// A span is a range of bytes of the text. Its start is what is reported as line and column; what is outside of the text
/// is taken as its end.
///
/// Arrays and tables may be nested 128 levels deep. If they are nested deeper, what is in them is dropped, and the
/// document is refused.
///
/// # Examples
///
/// The text `ports = 80 443`:
///
/// ```
/// use reloadable::{Parsed, ParsedEntry};
///
/// let ports = Parsed::array(8..14, [Parsed::integer(8..10, 80), Parsed::integer(11..14, 443)]);
/// let root = Parsed::table(0..14, [ParsedEntry::new("ports", 0..5, ports)]);
/// assert_eq!(root.span(), 0..14);
/// ```
pub struct Parsed {
    span: Range<usize>,
    kind: ParsedKind,
    /// How many containers are within each other, this one counted.
    height: usize,
}

pub(crate) enum ParsedKind {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Word(String),
    Array(Vec<Parsed>),
    Table(Vec<ParsedEntry>),
    /// A container, of which the content was dropped.
    TooDeep,
}

impl Parsed {
    /// Makes a value that is explicitly nothing, as `null` in JSON.
    #[must_use]
    pub fn null(span: Range<usize>) -> Self {
        Self::scalar(span, ParsedKind::Null)
    }

    /// Makes a boolean.
    #[must_use]
    pub fn bool(span: Range<usize>, value: bool) -> Self {
        Self::scalar(span, ParsedKind::Bool(value))
    }

    /// Makes a whole number.
    #[must_use]
    pub fn integer(span: Range<usize>, value: i128) -> Self {
        Self::scalar(span, ParsedKind::Integer(value))
    }

    /// Makes a number that need not be whole.
    #[must_use]
    pub fn float(span: Range<usize>, value: f64) -> Self {
        Self::scalar(span, ParsedKind::Float(value))
    }

    /// Makes a text in a format that has only texts: a number or a boolean is read from it where the type asks for
    /// one, as from an environment variable.
    pub fn word(span: Range<usize>, value: impl Into<String>) -> Self {
        Self::scalar(span, ParsedKind::Word(value.into()))
    }

    /// Makes a text.
    pub fn text(span: Range<usize>, value: impl Into<String>) -> Self {
        Self::scalar(span, ParsedKind::Text(value.into()))
    }

    /// Makes an array.
    pub fn array(span: Range<usize>, elements: impl IntoIterator<Item = Self>) -> Self {
        let elements: Vec<_> = elements.into_iter().collect();
        let below = elements.iter().map(|element| element.height).max();
        Self::container(span, below, ParsedKind::Array(elements))
    }

    /// Makes a table. A key that is there twice is reported when the document is read.
    pub fn table(span: Range<usize>, entries: impl IntoIterator<Item = ParsedEntry>) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        let below = entries.iter().map(|entry| entry.value.height).max();
        Self::container(span, below, ParsedKind::Table(entries))
    }

    /// Returns the span that it was made with.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(crate) fn into_kind(self) -> ParsedKind {
        self.kind
    }

    fn scalar(span: Range<usize>, kind: ParsedKind) -> Self {
        Self { span, kind, height: 0 }
    }

    /// Only here a tree grows deeper, so none is ever too deep to be walked through or dropped.
    fn container(span: Range<usize>, below: Option<usize>, kind: ParsedKind) -> Self {
        match below.unwrap_or(0) {
            DEPTH => Self::scalar(span, ParsedKind::TooDeep),
            height => Self { span, kind, height: height + 1 },
        }
    }
}

/// The value may be a secret, so only its place is shown.
impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parsed").field("span", &self.span).finish_non_exhaustive()
    }
}

/// A key and its value in a [`Parsed::table`].
pub struct ParsedEntry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Parsed,
}

impl ParsedEntry {
    /// Makes an entry of its key, where the key stands, and the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Parsed, ParsedEntry};
    ///
    /// let text = "workers = 4";
    /// let entry = ParsedEntry::new("workers", 0..7, Parsed::integer(10..11, 4));
    /// let root = Parsed::table(0..text.len(), [entry]);
    /// assert_eq!(root.span(), 0..11);
    /// ```
    pub fn new(key: impl Into<String>, key_span: Range<usize>, value: Parsed) -> Self {
        Self { key: key.into(), key_span, value }
    }
}

/// The key may be a secret's as well, so only the places are shown.
impl fmt::Debug for ParsedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedEntry")
            .field("key_span", &self.key_span)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

/// What a [`ReadFormat`] finds wrong with a text.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseFault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl ParseFault {
    /// Makes a fault of its place, in bytes of the text, and a message, by convention in lower case and without a final
    /// dot.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::ParseFault;
    ///
    /// let line = "workers 4";
    /// let fault = (!line.contains('=')).then(|| ParseFault::new(0, "expected `key = value`"));
    /// assert!(fault.is_some());
    /// ```
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// The message may quote a secret, so only the place is shown.
impl fmt::Debug for ParseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParseFault").field("at", &self.at).finish_non_exhaustive()
    }
}

const _: () = {
    const fn assert<T: Send + Sync>() {}
    assert::<Parsed>();
    assert::<ParsedEntry>();
    assert::<ParseFault>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tree_is_deeper_than_the_limit() {
        let nested = |levels: usize| {
            (0..levels).fold(Parsed::null(0..0), |inner, level| match level % 2 {
                0 => Parsed::array(0..0, [inner]),
                _ => Parsed::table(0..0, [ParsedEntry::new("a", 0..0, inner)]),
            })
        };
        assert_eq!(nested(DEPTH).height, DEPTH);
        assert!(matches!(nested(DEPTH + 1).kind, ParsedKind::TooDeep));
        // Neither this nor dropping it takes much of the stack.
        assert!(nested(1_000_000).height <= DEPTH);
    }
}
