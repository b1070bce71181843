//! TOML, by the `toml` crate, with the place of every key and value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Error};

use crate::report::Position;

use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};
use super::{DEPTH, Fault, REPORTED};

/// Reads a document. All its syntax errors are found.
pub(super) fn parse(text: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    if let Some(fault) = Depth::new(text.as_bytes()).exceeded() {
        return Err(vec![fault]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(faults(text, &errors, root.get_ref()));
    }
    let mut reader = Reader { layer, faults: Vec::new() };
    let root = reader.table(root);
    if reader.faults.is_empty() { Ok(root) } else { Err(reader.faults) }
}

struct Reader {
    layer: usize,
    faults: Vec<Fault>,
}

impl Reader {
    fn table(&mut self, table: Spanned<DeTable<'_>>) -> Node {
        let span = table.span();
        let mut entries: Vec<_> = table.into_inner().into_iter().collect();
        // The library sorts its keys by name, unless a feature of it is set by somebody.
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries
            .into_iter()
            .filter_map(|(key, value)| {
                let place = self.place(key.span());
                let value = self.value(value)?;
                Some(Entry { key: key.into_inner().into(), place, value })
            })
            .collect();
        self.node(span, Kind::Table(Table::new(entries)))
    }

    fn value(&mut self, value: Spanned<DeValue<'_>>) -> Option<Node> {
        let span = value.span();
        let kind = match value.into_inner() {
            DeValue::String(text) => Kind::Text(text.into()),
            DeValue::Boolean(value) => Kind::Bool(value),
            DeValue::Datetime(value) => Kind::Datetime(value.to_string().into()),
            DeValue::Integer(value) => {
                let number = i128::from_str_radix(value.as_str(), value.radix()).map(Kind::Integer);
                let number = number
                    .or_else(|_| u128::from_str_radix(value.as_str(), value.radix()).map(Kind::Unsigned));
                number.map_err(|_| self.out_of_range(&span)).ok()?
            }
            DeValue::Float(value) => {
                let number: Option<f64> = value.as_str().parse().ok();
                let number = number.filter(|number| !number.is_infinite() || value.as_str().contains("inf"));
                Kind::Float(number.or_else(|| {
                    self.out_of_range(&span);
                    None
                })?)
            }
            DeValue::Array(values) => {
                Kind::Array(values.into_iter().filter_map(|value| self.value(value)).collect())
            }
            DeValue::Table(table) => return Some(self.table(Spanned::new(span, table))),
        };
        Some(self.node(span, kind))
    }

    fn out_of_range(&mut self, span: &Range<usize>) {
        self.faults.push(Fault::new(span.start, "syntax", "number out of range"));
    }

    fn node(&self, span: Range<usize>, kind: Kind) -> Node {
        Node { place: self.place(span), kind }
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place::new(self.layer, span)
    }
}

/// Takes the first error of each line: those after it in the same line mostly follow from it.
fn faults(text: &str, errors: &[Error], root: &DeTable<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut line = 0..0;
    for error in errors {
        let start = error.span().map_or(text.len(), |span| span.start).min(text.len());
        if line.contains(&start) {
            continue;
        }
        let bytes = text.as_bytes();
        line.start = bytes[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        line.end =
            bytes[start..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| start + end) + 1;
        faults.push(fault(text, error, root));
        if faults.len() == REPORTED {
            break;
        }
    }
    faults
}

fn fault(text: &str, error: &Error, root: &DeTable<'_>) -> Fault {
    let span = error.span().unwrap_or(text.len()..text.len());
    match error.message() {
        "duplicate key" => {
            let key = text.get(span.clone()).unwrap_or_default();
            let first = only_key(root, key, span.start).map(|at| Position::of(text, at));
            Fault::duplicate(span.start, key, first)
        }
        message => Fault::new(span.start, "syntax", message),
    }
}

/// Finds where a key stands before `limit`, if it stands there only once: the library does not say which one it means.
fn only_key(root: &DeTable<'_>, key: &str, limit: usize) -> Option<usize> {
    let name = key.trim_matches(['"', '\'']);
    let mut found = Vec::new();
    let mut tables = vec![root];
    let mut values: Vec<&Spanned<DeValue<'_>>> = Vec::new();
    loop {
        if let Some(table) = tables.pop() {
            for (key, value) in table {
                let key: &Spanned<DeString<'_>> = key;
                if key.get_ref() == name && key.span().start < limit {
                    found.push(key.span().start);
                }
                values.push(value);
            }
            continue;
        }
        match values.pop().map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => tables.push(table),
            Some(DeValue::Array(array)) => values.extend(array),
            Some(_) => {}
            None => break,
        }
    }
    match *found {
        [only] => Some(only),
        _ => None,
    }
}

/// How many open brackets, and how many names in a key, the library takes, unless somebody sets its feature
/// `unbounded`.
const LIBRARY: usize = 80;

/// Follows how deep a document nests, by headers, dotted keys and brackets, without building anything: the library
/// bounds each of them, but not what they come to together, and a table that is too deep overflows the stack when it
/// is dropped.
struct Depth<'t> {
    text: &'t [u8],
    at: usize,
    /// The levels that the last header opened.
    header: usize,
    /// The levels around each open bracket, and the bracket.
    open: Vec<(usize, u8)>,
    /// The dots of the key, or number, at hand.
    dots: usize,
    /// The dots of the last key before a `=`.
    key: usize,
    in_header: bool,
    line_start: bool,
}

impl<'t> Depth<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, header: 0, open: Vec::new(), dots: 0, key: 0, in_header: false, line_start: true }
    }

    /// Finds what is one level too deep. A bracket that closes nothing is passed over, so that a
    /// document with mistakes is taken for deeper than it is rather than for less.
    fn exceeded(mut self) -> Option<Fault> {
        while let Some(&byte) = self.text.get(self.at) {
            let start = self.at;
            self.at += 1;
            let first_of_line = std::mem::replace(&mut self.line_start, false);
            match byte {
                b' ' | b'\t' | b'\r' => self.line_start = first_of_line,
                b'\n' => self.end_line(),
                b'#' => self.skip_to(|rest| rest.starts_with(b"\n"), 0),
                b'"' | b'\'' => self.string(byte),
                b'[' if first_of_line && self.open.is_empty() => {
                    self.in_header = true;
                    self.header = 0;
                    // An array of tables is a level of its own.
                    if self.text.get(self.at) == Some(&b'[') {
                        self.at += 1;
                        self.header = 1;
                    }
                }
                b'.' => self.dots += 1,
                b'=' => self.key = std::mem::take(&mut self.dots) + 1,
                b',' => (self.dots, self.key) = (0, 0),
                b'[' | b'{' if !self.in_header => {
                    let around = self.levels();
                    self.open.push((around, byte));
                    (self.dots, self.key) = (0, 0);
                }
                b']' | b'}' if !self.in_header => self.close(byte),
                _ => {}
            }
            if !matches!(byte, b'.' | b'=' | b'[' | b'{' | b'\n') {
                // Nothing else leads deeper.
                continue;
            }
            // The root is a level too.
            if self.levels() >= DEPTH {
                return Some(Fault::too_deep(start));
            }
            if self.open.len() > LIBRARY {
                let message = format!("arrays and inline tables nested more than {LIBRARY} levels deep");
                return Some(Fault::new(start, "depth", message));
            }
            if self.dots >= LIBRARY {
                return Some(Fault::new(start, "depth", format!("a key of more than {LIBRARY} names")));
            }
        }
        None
    }

    /// Returns how many tables and arrays are around the value at hand, the root not counted.
    fn levels(&self) -> usize {
        if self.in_header {
            return self.header + self.dots + 1;
        }
        let around = self.open.last().map_or(self.header, |(around, _)| around + 1);
        let in_array = matches!(self.open.last(), Some((_, b'[')));
        match self.key {
            0 if in_array => around,
            // What has no `=` yet may be a key: its last name is not a table.
            0 => around + self.dots,
            key => around + key - 1,
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.in_header) {
            self.header += self.dots + 1;
        }
        self.line_start = self.open.is_empty();
        self.dots = 0;
        if self.line_start {
            self.key = 0;
        }
    }

    fn close(&mut self, byte: u8) {
        let opening = if byte == b']' { b'[' } else { b'{' };
        if self.open.last().is_some_and(|(_, open)| *open == opening) {
            self.open.pop();
        }
        (self.dots, self.key) = (0, 0);
    }

    fn string(&mut self, quote: u8) {
        let long = [quote; 3];
        if self.text[self.at - 1..].starts_with(&long) {
            self.at += 2;
            self.skip_string(quote, |rest| rest.starts_with(&long), 3);
            // Two more quotes may belong to the text.
            for _ in 0..2 {
                if self.text.get(self.at) == Some(&quote) {
                    self.at += 1;
                }
            }
        } else {
            self.skip_string(quote, |rest| rest.starts_with(&[quote]) || rest.starts_with(b"\n"), 1);
        }
    }

    fn skip_string(&mut self, quote: u8, ends: impl Fn(&[u8]) -> bool, length: usize) {
        loop {
            let rest = &self.text[self.at..];
            if rest.is_empty() {
                return;
            }
            if ends(rest) {
                // The end of a line is not a part of a string that lacks its quote.
                self.at += if rest.starts_with(b"\n") { 0 } else { length };
                return;
            }
            let escape =
                quote == b'"' && rest.starts_with(b"\\") && rest.get(1).is_some_and(|next| *next != b'\n');
            self.at += if escape { 2 } else { 1 };
        }
    }

    fn skip_to(&mut self, ends: impl Fn(&[u8]) -> bool, length: usize) {
        while self.at < self.text.len() && !ends(&self.text[self.at..]) {
            self.at += 1;
        }
        self.at += length;
    }
}
