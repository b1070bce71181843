//! Where a value stands in the configuration, spelled as the file spells it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The place of a value: `server.listeners[2].port`, `routes["api"].timeout`.
///
/// Names are those of the file (after `#[serde(rename)]` and the like), so a path can be searched for in it.
/// Map keys are names too. A position in a sequence stands in brackets; so does, in quotes, the identity of an
/// element of a sequence that is compared by key.
///
/// # Examples
///
/// ```
/// use reloadable::FieldPath;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let path: FieldPath = "server.listeners[2].port".parse()?;
/// assert_eq!(path.segments().len(), 4);
/// assert_eq!(path.to_string(), "server.listeners[2].port");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath {
    segments: Vec<Segment>,
}

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Segment {
    /// A key of a table: a field's name or a map's key.
    Name(Cow<'static, str>),
    /// A position in a sequence, from 0.
    Index(usize),
    /// The key of an element of a keyed sequence; more than one text where the key is composite.
    Identity(Vec<String>),
}

impl FieldPath {
    /// Returns the path of the configuration itself, which has no segments.
    #[must_use]
    pub const fn root() -> Self {
        Self { segments: Vec::new() }
    }

    /// Returns the steps from the root to the value.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Tells whether this is the path of the configuration itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// Appends a step.
    pub fn push(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    /// Removes the last step and returns it.
    pub fn pop(&mut self) -> Option<Segment> {
        self.segments.pop()
    }

    /// Returns this path followed by all steps of `tail`.
    #[must_use]
    pub fn join(&self, tail: &Self) -> Self {
        Self { segments: self.segments.iter().chain(&tail.segments).cloned().collect() }
    }

    /// Reads as much of a path as there is; what follows is kept as one name.
    pub(crate) fn read(text: &str) -> Self {
        let mut parser = Parser { text, at: 0 };
        let mut path = Self::root();
        while parser.peek().is_some() {
            let rest = &text[parser.at..];
            match parser.segment() {
                Ok(segment) => path.push(segment),
                Err(_) => {
                    let name = rest.strip_prefix('.').unwrap_or(rest);
                    path.push(Segment::Name(name.to_owned().into()));
                    break;
                }
            }
        }
        path
    }

    /// Tells whether `head` is this path or an ancestor of it.
    #[must_use]
    pub fn starts_with(&self, head: &Self) -> bool {
        self.segments.starts_with(&head.segments)
    }
}

impl From<Vec<Segment>> for FieldPath {
    fn from(segments: Vec<Segment>) -> Self {
        Self { segments }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Name(name) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    if is_bare(name) { f.write_str(name)? } else { write_quoted(f, name)? }
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Identity(keys) => {
                    f.write_str("[")?;
                    for (nth, key) in keys.iter().enumerate() {
                        if nth > 0 {
                            f.write_str(", ")?;
                        }
                        write_quoted(f, key)?;
                    }
                    f.write_str("]")?;
                }
            }
        }
        Ok(())
    }
}

/// As TOML: such a key needs no quotes.
fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            other if other.is_control() => write!(f, "\\u{{{:x}}}", u32::from(other))?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The reason why a text is not a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsePathError {
    at: usize,
    expected: &'static str,
}

impl fmt::Display for ParsePathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a field path: expected {} at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for ParsePathError {}

impl FromStr for FieldPath {
    type Err = ParsePathError;

    /// Reads what [`Display`](fmt::Display) writes. The empty text is the root.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser { text, at: 0 };
        let mut segments = Vec::new();
        while parser.peek().is_some() {
            segments.push(parser.segment()?);
        }
        Ok(Self { segments })
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn segment(&mut self) -> Result<Segment, ParsePathError> {
        if self.peek() == Some(b'[') {
            self.at += 1;
            return self.bracket();
        }
        if self.at > 0 {
            self.expect(b'.', "`.` or `[`")?;
        }
        self.name().map(|name| Segment::Name(name.into()))
    }

    fn error(&self, expected: &'static str) -> ParsePathError {
        ParsePathError { at: self.at, expected }
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ParsePathError> {
        if self.peek() != Some(byte) {
            return Err(self.error(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<String, ParsePathError> {
        if self.peek() == Some(b'"') {
            return self.quoted();
        }
        let rest = &self.text[self.at..];
        let end = rest.find(['.', '[', ']', '"']).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.error("a name"));
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn bracket(&mut self) -> Result<Segment, ParsePathError> {
        if self.peek() != Some(b'"') {
            let rest = &self.text[self.at..];
            let end = rest.find(']').ok_or_else(|| self.error("`]`"))?;
            let index = rest[..end].parse().map_err(|_| self.error("a position or a quoted key"))?;
            self.at += end + 1;
            return Ok(Segment::Index(index));
        }
        let mut keys = vec![self.quoted()?];
        while self.peek() == Some(b',') {
            self.at += 1;
            while self.peek() == Some(b' ') {
                self.at += 1;
            }
            keys.push(self.quoted()?);
        }
        self.expect(b']', "`]`")?;
        Ok(Segment::Identity(keys))
    }

    fn quoted(&mut self) -> Result<String, ParsePathError> {
        self.expect(b'"', "a quoted key")?;
        let mut out = String::new();
        loop {
            let Some(character) = self.text[self.at..].chars().next() else {
                return Err(self.error("a closing quote"));
            };
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(out),
                '\\' => out.push(self.escaped()?),
                other => out.push(other),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, ParsePathError> {
        let code = self.peek().ok_or_else(|| self.error("an escaped character"))?;
        self.at += 1;
        match code {
            b'"' => Ok('"'),
            b'\\' => Ok('\\'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => {
                self.expect(b'{', "`{`")?;
                let rest = &self.text[self.at..];
                let end = rest.find('}').ok_or_else(|| self.error("`}`"))?;
                let character = u32::from_str_radix(&rest[..end], 16).ok().and_then(char::from_u32);
                self.at += end + 1;
                character.ok_or_else(|| self.error("a character's number"))
            }
            _ => {
                self.at -= 1;
                Err(self.error("one of the escapes \\\" \\\\ \\n \\r \\t \\u{..}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Segment {
        Segment::Name(Cow::Owned(text.to_owned()))
    }

    #[test]
    fn what_is_written_is_read_again() {
        for segments in [
            vec![],
            vec![name("server"), name("listeners"), Segment::Index(2), name("port")],
            vec![name("routes"), Segment::Identity(vec!["api".into()]), name("timeout")],
            vec![
                name("a.b"),
                name(""),
                name("q\"uo\\te\n\u{1}"),
                Segment::Identity(vec!["é".into(), "80".into()]),
            ],
            vec![Segment::Index(0), Segment::Index(1)],
        ] {
            let path = FieldPath::from(segments);
            assert_eq!(path.to_string().parse::<FieldPath>().as_ref(), Ok(&path), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_a_name_from_there_on() {
        for (text, read) in [
            ("", ""),
            ("a.b[0]", "a.b[0]"),
            ("a.b c.d", "a.\"b c\".d"),
            ("a.b\"c.d", "a.b.\"\\\"c.d\""),
            ("a.b[c].d", "a.b.\"[c].d\""),
            ("a..b", "a.\".b\""),
            ("[", "\"[\""),
        ] {
            assert_eq!(FieldPath::read(text).to_string(), read, "{text}");
        }
    }

    #[test]
    fn malformed_paths_are_refused_with_a_position() {
        for (text, at) in [
            ("a..b", 2),
            (".a", 0),
            ("a[", 2),
            ("a[x]", 2),
            ("a[\"x\"", 5),
            ("\"a", 2),
            ("a]", 1),
            ("\"\\", 2),
        ] {
            assert_eq!(text.parse::<FieldPath>().map_err(|error| error.at), Err(at), "{text}");
        }
    }
}
