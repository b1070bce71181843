//! JSON, by `serde_json`, with the place of every key and value.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::report::Position;

use super::compact::Compact;
use super::table::{Entry, Table, repeats};
use super::tree::{Kind, Node, Place};
use super::{DEPTH, Fault, REPORTED};

/// Reads a document.
pub(super) fn parse(text: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    parse_as(text, text, layer)
}

/// Reads a document that is `written` otherwise, with every byte that JSON knows at the same place.
pub(super) fn parse_as(text: &str, written: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    let cursor = Cursor { text, layer, at: 0 };
    let quick = Quick { cursor, depth: 0, entries: Vec::new(), nodes: Vec::new() };
    if let Some(root) = quick.document() {
        return Ok(root);
    }
    if let Some(at) = too_deep(text.as_bytes()) {
        return Err(vec![Fault::too_deep(at)]);
    }
    let mut reader = Reader { text, written, layer, at: 0, depth: 0, faults: Vec::new() };
    let mut library = serde_json::Deserializer::from_str(text);
    let root = Value(&mut reader).deserialize(&mut library).and_then(|root| library.end().map(|()| root));
    match root {
        Ok(Some(root)) if reader.faults.is_empty() => return Ok(root),
        Ok(_) => {}
        Err(error) => reader.faults.push(fault(text, 0, &error)),
    }
    Err(reader.faults)
}

/// Writes a value as JSON, on one line.
#[cfg(feature = "tokio")]
pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    // What the library writes itself has no keys that JSON cannot have.
    serde_json::to_string(value).unwrap_or_default()
}

/// Finds the bracket that is one level too deep.
fn too_deep(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH {
                    return Some(at);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'\\' => {
                            bytes.next();
                        }
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// Goes through the text beside the library, which does not say where it is: a raw value, borrowed from the text,
/// tells where it stands by its address, and between values there is only punctuation.
struct Reader<'t> {
    text: &'t str,
    /// What people see, and count the columns of.
    written: &'t str,
    layer: usize,
    /// Where the library stands, but for space and punctuation.
    at: usize,
    depth: usize,
    faults: Vec<Fault>,
}

/// The depth at which a second deserializer takes over: each takes somewhat less than our own limit.
const TAKEOVER: usize = 100;

impl<'t> Reader<'t> {
    fn skip_punctuation(&mut self) {
        self.at += punctuation(self.text, self.at);
    }

    fn container<D: Deserializer<'t>>(&mut self, library: D) -> Result<Option<Node>, D::Error> {
        let start = self.at;
        self.at += 1;
        self.depth += 1;
        let kind = match self.text.as_bytes().get(start) {
            Some(b'{') => library.deserialize_map(Container(self))?,
            _ => library.deserialize_seq(Container(self))?,
        };
        self.depth -= 1;
        self.skip_punctuation();
        self.at += 1;
        Ok(Some(self.node(start, kind)))
    }

    fn taken_over<D: Deserializer<'t>>(&mut self, library: D) -> Result<Option<Node>, D::Error> {
        let raw = <&RawValue>::deserialize(library)?.get();
        let start = self.offset(raw);
        let node = self.container(&mut serde_json::Deserializer::from_str(raw));
        (self.at, self.depth) = (start + raw.len(), TAKEOVER);
        Ok(node.unwrap_or_else(|error| self.refuse(start, &error)))
    }

    /// Reads a value, or says what is wrong with it. What stands beside it is read in either case.
    fn scalar(&mut self, source: &'t str) -> Option<Node> {
        let start = self.offset(source);
        self.at = start + source.len();
        let kind = match source.as_bytes().first()? {
            b'n' => Kind::Null,
            b't' => Kind::Bool(true),
            b'f' => Kind::Bool(false),
            b'"' => match serde_json::from_str::<String>(source) {
                Ok(text) => Kind::Text(Compact::from(text)),
                Err(error) => return self.refuse(start, &error),
            },
            _ => self.number(source, start)?,
        };
        Some(self.node(start, kind))
    }

    fn refuse(&mut self, start: usize, error: &serde_json::Error) -> Option<Node> {
        if self.faults.len() < REPORTED {
            self.faults.push(fault(self.text, start, error));
        }
        None
    }

    /// Makes a node of what stands from `start` to here.
    fn node(&self, start: usize, kind: Kind) -> Node {
        Node { place: self.place(start), kind }
    }

    fn place(&self, start: usize) -> Place {
        Place::new(self.layer, start..self.at)
    }

    fn duplicate(&mut self, key: &str, first: usize, second: usize) {
        if self.faults.len() < REPORTED {
            let first = Position::of(self.written, first);
            self.faults.push(Fault::duplicate(second, key, Some(first)));
        }
    }

    fn number(&mut self, source: &str, start: usize) -> Option<Kind> {
        let number = number(source);
        if number.is_none() && self.faults.len() < REPORTED {
            self.faults.push(Fault::new(start, "syntax", "number out of range"));
        }
        number
    }

    /// Returns where a slice of the text stands in it.
    fn offset(&self, slice: &str) -> usize {
        offset(self.text, slice)
    }
}

fn offset(text: &str, slice: &str) -> usize {
    (slice.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// Reads a number to the last bit, which the library does not do unless a feature of it is set.
fn number(source: &str) -> Option<Kind> {
    let whole = !source.contains(['.', 'e', 'E']) && source != "-0";
    if whole {
        if let Ok(number) = source.parse() {
            return Some(Kind::Integer(number));
        }
        if let Ok(number) = source.parse() {
            return Some(Kind::Unsigned(number));
        }
    }
    source.parse().ok().filter(|number: &f64| number.is_finite()).map(Kind::Float)
}

/// Counts what stands between two values.
fn punctuation(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let between = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':');
    rest.iter().take_while(between).count()
}

/// Returns the length of the string that `text` starts with, quotes included.
fn key_length(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `serde_json` counts lines and bytes from the start of what it was given.
fn fault(text: &str, start: usize, error: &serde_json::Error) -> Fault {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let slice = &text[start..];
    if error.is_eof() {
        return Fault::new(text.len(), "syntax", message);
    }
    let line: usize = slice.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    Fault::new(start + line + error.column().saturating_sub(1), "syntax", message)
}

/// Reads whatever comes next.
struct Value<'r, 't>(&'r mut Reader<'t>);

impl<'t> DeserializeSeed<'t> for Value<'_, 't> {
    type Value = Option<Node>;

    fn deserialize<D: Deserializer<'t>>(self, library: D) -> Result<Option<Node>, D::Error> {
        let Self(reader) = self;
        reader.skip_punctuation();
        match reader.text.as_bytes().get(reader.at) {
            Some(b'{' | b'[') if reader.depth == TAKEOVER => reader.taken_over(library),
            Some(b'{' | b'[') => reader.container(library),
            _ => Ok(reader.scalar(<&RawValue>::deserialize(library)?.get())),
        }
    }
}

/// Reads what an array or an object holds.
struct Container<'r, 't>(&'r mut Reader<'t>);

impl<'t> Visitor<'t> for Container<'_, 't> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut elements: A) -> Result<Kind, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = elements.next_element_seed(Value(self.0))? {
            nodes.extend(node);
        }
        Ok(Kind::Array(nodes))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Kind, A::Error> {
        let Self(reader) = self;
        let mut known = HashMap::new();
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            reader.skip_punctuation();
            let start = reader.at;
            reader.at += key_length(reader.text.get(start..).unwrap_or_default());
            let place = reader.place(start);
            let value = members.next_value_seed(Value(reader))?;
            if let Some(first) = known.get(&key) {
                reader.duplicate(&key, *first, start);
                continue;
            }
            known.insert(key.clone(), start);
            entries.extend(value.map(|value| Entry { key: key.into(), place, value }));
        }
        Ok(Kind::Table(Table::new(entries)))
    }
}

/// Reads a document without faults in one go. The library would go through each value once for its type and once more
/// for its place, which takes twice as long. So this knows what JSON looks like, but never says what is wrong: it gives
/// up, also at what is rare.
struct Quick<'t> {
    cursor: Cursor<'t>,
    depth: usize,
    /// What the open containers hold so far, so that each gets its memory once, and no more than it needs.
    entries: Vec<Entry>,
    nodes: Vec<Node>,
}

impl Quick<'_> {
    fn document(mut self) -> Option<Node> {
        let root = self.element()?;
        self.cursor.space();
        (self.cursor.at == self.cursor.text.len()).then_some(root)
    }

    fn element(&mut self) -> Option<Node> {
        self.cursor.space();
        let start = self.cursor.at;
        let mut kind = Kind::Null;
        match self.container()? {
            Some(container) => kind = container,
            None => self.cursor.scalar(&mut kind)?,
        }
        Some(Node { place: self.cursor.place(start), kind })
    }

    fn container(&mut self) -> Option<Option<Kind>> {
        let read = match self.cursor.byte()? {
            b'{' => Self::table,
            b'[' => Self::array,
            _ => return Some(None),
        };
        self.cursor.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        self.cursor.space();
        let kind = read(self)?;
        self.depth -= 1;
        Some(Some(kind))
    }

    fn array(&mut self) -> Option<Kind> {
        let first = self.nodes.len();
        while !self.cursor.takes(b']') {
            if self.nodes.len() > first && !self.cursor.takes(b',') {
                return None;
            }
            let node = self.element()?;
            self.nodes.push(node);
            self.cursor.space();
        }
        Some(Kind::Array(self.nodes.split_off(first)))
    }

    fn table(&mut self) -> Option<Kind> {
        let first = self.entries.len();
        while !self.cursor.takes(b'}') {
            if self.entries.len() > first && !self.cursor.takes(b',') {
                return None;
            }
            self.member()?;
            self.cursor.space();
        }
        if repeats(&self.entries[first..]) {
            return None;
        }
        Some(Kind::Table(Table::new(self.entries.split_off(first))))
    }

    /// Fills an entry where it stands: to move it there costs as much as to read it.
    fn member(&mut self) -> Option<()> {
        let at = self.entries.len();
        let nowhere = Place::nowhere;
        let value = Node { place: nowhere(), kind: Kind::Null };
        self.entries.push(Entry { key: Compact::default(), place: nowhere(), value });
        let entry = self.entries.last_mut()?;
        self.cursor.space();
        let start = self.cursor.at;
        self.cursor.string(&mut entry.key)?;
        entry.place = self.cursor.place(start);
        self.cursor.space();
        if !self.cursor.takes(b':') {
            return None;
        }
        self.cursor.space();
        let start = self.cursor.at;
        match self.container()? {
            Some(kind) => self.entries.get_mut(at)?.value.kind = kind,
            None => self.cursor.scalar(&mut self.entries.get_mut(at)?.value.kind)?,
        }
        self.entries.get_mut(at)?.value.place = self.cursor.place(start);
        Some(())
    }
}

struct Cursor<'t> {
    text: &'t str,
    layer: usize,
    at: usize,
}

impl Cursor<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.byte() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn space(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
    }

    fn place(&self, start: usize) -> Place {
        Place::new(self.layer, start..self.at)
    }

    fn scalar(&mut self, kind: &mut Kind) -> Option<()> {
        match self.byte()? {
            b'"' => {
                *kind = Kind::Text(Compact::default());
                let Kind::Text(text) = kind else { return None };
                self.string(text)?;
            }
            b'n' => self.word("null")?,
            b't' => {
                self.word("true")?;
                *kind = Kind::Bool(true);
            }
            b'f' => {
                self.word("false")?;
                *kind = Kind::Bool(false);
            }
            _ => *kind = self.number()?,
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_next = self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes());
        self.at += word.len();
        is_next.then_some(())
    }

    fn string(&mut self, into: &mut Compact) -> Option<()> {
        let start = self.at;
        if !self.takes(b'"') {
            return None;
        }
        self.at += plain_length(self.text.as_bytes().get(self.at..)?);
        match self.byte()? {
            b'"' => {
                into.set(self.text.get(start + 1..self.at)?);
                self.at += 1;
            }
            b'\\' => {
                let rest = self.text.get(start..)?;
                let length = key_length(rest);
                self.at = start + length;
                *into = serde_json::from_str::<String>(rest.get(..length)?).ok()?.into();
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<Kind> {
        let start = self.at;
        let is_negative = self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        let mut is_whole = true;
        if self.takes(b'.') {
            is_whole = false;
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            is_whole = false;
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        let source = self.text.get(start..self.at)?;
        match source.parse::<i64>() {
            Ok(number) if is_whole && !(is_negative && number == 0) => Some(Kind::Integer(number.into())),
            _ => number(source),
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// Counts the bytes before the first that is a quote, a backslash or a control character, eight at a time.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xFF;
    let mut length = 0;
    while let Some(eight) = bytes.get(length..).and_then(<[u8]>::first_chunk) {
        let eight = u64::from_le_bytes(*eight);
        // The lowest high bit marks the first byte that is below `limit`; those above it mean nothing.
        let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes;
        let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
        let found = (is(b'"') | is(b'\\') | below(eight, 0x20)) & (ONES * 0x80);
        if found != 0 {
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bytes_are_counted_up_to_the_first_that_is_not() {
        for byte in u8::MIN..=u8::MAX {
            for before in 0..20 {
                for fill in [b'a', 0x21, 0x7F, 0x80, 0xFF] {
                    let mut bytes = vec![fill; 20];
                    bytes[before] = byte;
                    let wanted = if matches!(byte, b'"' | b'\\' | ..0x20) { before } else { 20 };
                    assert_eq!(plain_length(&bytes), wanted, "{byte} at {before}");
                }
            }
        }
    }
}
