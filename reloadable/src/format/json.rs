//! JSON, by `serde_json`, with the place of every key and value.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::report::Position;

use super::tree::{Entry, Kind, Node, Place};
use super::{DEPTH, Fault, REPORTED};

/// Reads a document.
pub(super) fn parse(text: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    if let Some(at) = too_deep(text.as_bytes()) {
        return Err(vec![Fault::too_deep(at)]);
    }
    let root: &RawValue = serde_json::from_str(text).map_err(|error| vec![fault(text, 0, &error)])?;
    let mut reader = Reader { text, layer, faults: Vec::new() };
    match reader.value(root) {
        Some(node) if reader.faults.is_empty() => Ok(node),
        _ => Err(reader.faults),
    }
}

/// Finds the bracket that is one level too deep. `serde_json` skips a raw value without recursion, so nothing before
/// this bounds the depth.
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

struct Reader<'t> {
    text: &'t str,
    layer: usize,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    /// Reads a value, or says what is wrong with it. What stands beside it is read in either case.
    fn value(&mut self, raw: &'t RawValue) -> Option<Node> {
        let source = raw.get();
        let start = self.offset(source);
        let kind = match source.as_bytes().first()? {
            b'n' => Kind::Null,
            b't' => Kind::Bool(true),
            b'f' => Kind::Bool(false),
            b'"' => Kind::Text(self.read(source)?),
            b'[' => {
                let elements: Vec<&RawValue> = self.read(source)?;
                Kind::Array(elements.into_iter().filter_map(|element| self.value(element)).collect())
            }
            b'{' => Kind::Table(self.table(source, start)?),
            _ => self.number(source, start)?,
        };
        Some(Node { place: self.place(start, source.len()), kind })
    }

    fn table(&mut self, source: &'t str, start: usize) -> Option<Vec<Entry>> {
        let Members(members) = self.read(source)?;
        let mut known = HashMap::with_capacity(members.len());
        let mut entries: Vec<Entry> = Vec::with_capacity(members.len());
        let mut before = start + 1;
        for (key, raw) in members {
            // Only space and a comma stand between a value and the next key.
            let opening = before + self.text[before..].find('"')?;
            let length = key_length(&self.text[opening..]);
            before = self.offset(raw.get()) + raw.get().len();
            let place = self.place(opening, length);
            let value = self.value(raw);
            if let Some(first) = known.get(&key) {
                self.duplicate(&key, *first, opening);
                continue;
            }
            known.insert(key.clone(), opening);
            entries.extend(value.map(|value| Entry { key, place, value }));
        }
        Some(entries)
    }

    fn duplicate(&mut self, key: &str, first: usize, second: usize) {
        if self.faults.len() < REPORTED {
            let first = Position::of(self.text, first);
            let message = format!("duplicate key `{key}`, first set at {first}");
            self.faults.push(Fault::new(second, "duplicate_key", message));
        }
    }

    fn number(&mut self, source: &str, start: usize) -> Option<Kind> {
        let whole = !source.contains(['.', 'e', 'E']) && source != "-0";
        if whole {
            if let Ok(number) = source.parse() {
                return Some(Kind::Integer(number));
            }
            if let Ok(number) = source.parse() {
                return Some(Kind::Unsigned(number));
            }
        }
        let number: Option<f64> = source.parse().ok().filter(|number: &f64| number.is_finite());
        if number.is_none() && self.faults.len() < REPORTED {
            self.faults.push(Fault::new(start, "syntax", "number out of range"));
        }
        number.map(Kind::Float)
    }

    fn read<T: Deserialize<'t>>(&mut self, source: &'t str) -> Option<T> {
        let start = self.offset(source);
        match serde_json::from_str(source) {
            Ok(value) => Some(value),
            Err(error) => {
                if self.faults.len() < REPORTED {
                    self.faults.push(fault(self.text, start, &error));
                }
                None
            }
        }
    }

    /// Returns where a slice of the text stands in it.
    fn offset(&self, slice: &str) -> usize {
        (slice.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }

    fn place(&self, start: usize, length: usize) -> Place {
        Place { layer: self.layer, span: start..start + length }
    }
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

/// The members of an object in their order, with those that are there twice.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(map.size_hint().unwrap_or(0));
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
