//! JSON, by `serde_json`, with the place of every key and value.

mod quick;

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::report::Position;

use self::quick::quick;
use super::compact::Compact;
use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};
use super::{DEPTH, Fault, REPORTED};

/// Reads a document.
pub(super) fn parse(text: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    parse_as(text, text, layer)
}

/// Reads a document that is `written` otherwise, with every byte that JSON knows at the same place.
pub(super) fn parse_as(text: &str, written: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    if let Some(root) = quick(text, layer) {
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
    let mut at = (start + line + error.column().saturating_sub(1)).min(text.len());
    // The library counts bytes, and may mean the last one of the character before.
    while !text.is_char_boundary(at) {
        at += 1;
    }
    Fault::new(at, "syntax", message)
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
