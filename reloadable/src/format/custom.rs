//! A format of the application's own.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::document::CustomFormat;
use crate::parsed::{ParseFault, Parsed, ParsedEntry, ParsedKind};
use crate::report::Position;

use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};
use super::{Fault, REPORTED};

/// Has a document read by code that may panic, and say anything about the text.
pub(super) fn parse(format: CustomFormat, text: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    let name = format.name();
    let parsed = catch_unwind(AssertUnwindSafe(|| format.parse(text))).map_err(|_| {
        let message = format!("the reader of {name} panicked; the panic hook was told what it said");
        vec![Fault::new(0, "panic", message)]
    })?;
    let root = parsed.map_err(|faults| told(name, text, faults))?;
    let mut reader = Reader { text, layer, faults: Vec::new() };
    match reader.node(root) {
        Some(root) if reader.faults.is_empty() => Ok(root),
        _ => Err(reader.faults),
    }
}

fn told(name: &str, text: &str, faults: Vec<ParseFault>) -> Vec<Fault> {
    let withheld = format!("this is not {name}; what its reader said is withheld, since there are secrets");
    if faults.is_empty() {
        return vec![Fault::new(0, "syntax", format!("this is not {name}"))];
    }
    let faults = faults.into_iter().take(REPORTED).map(|fault| Fault {
        redacted: Some(withheld.clone()),
        ..Fault::new(boundary(text, fault.at), "syntax", fault.message)
    });
    faults.collect()
}

struct Reader<'t> {
    text: &'t str,
    layer: usize,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    /// Takes over a value, or says what is wrong with it. What stands beside it is taken over in either case.
    fn node(&mut self, parsed: Parsed) -> Option<Node> {
        let place = self.place(&parsed.span());
        let kind = match parsed.into_kind() {
            ParsedKind::Null => Kind::Null,
            ParsedKind::Bool(value) => Kind::Bool(value),
            ParsedKind::Integer(value) => Kind::Integer(value),
            ParsedKind::Float(value) => Kind::Float(value),
            ParsedKind::Text(value) => Kind::Text(value.into()),
            ParsedKind::Word(value) => Kind::Word(value.into()),
            ParsedKind::Array(elements) => {
                Kind::Array(elements.into_iter().filter_map(|element| self.node(element)).collect())
            }
            ParsedKind::Table(entries) => Kind::Table(self.table(entries)),
            ParsedKind::TooDeep => {
                self.fault(|_| Fault::too_deep(place.span().start));
                return None;
            }
        };
        Some(Node { place, kind })
    }

    fn table(&mut self, parsed: Vec<ParsedEntry>) -> Table {
        let mut known = HashMap::with_capacity(parsed.len());
        let mut entries = Vec::with_capacity(parsed.len());
        for ParsedEntry { key, key_span, value } in parsed {
            let place = self.place(&key_span);
            let value = self.node(value);
            if let Some(first) = known.get(&key) {
                self.fault(|text| {
                    Fault::duplicate(place.span().start, &key, Some(Position::of(text, *first)))
                });
                continue;
            }
            known.insert(key.clone(), place.span().start);
            entries.extend(value.map(|value| Entry { key: key.into(), place, value }));
        }
        Table::new(entries)
    }

    fn fault(&mut self, fault: impl FnOnce(&str) -> Fault) {
        if self.faults.len() < REPORTED {
            self.faults.push(fault(self.text));
        }
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let start = boundary(self.text, span.start);
        Place::new(self.layer, start..boundary(self.text, span.end).max(start))
    }
}

/// Returns the place within the text that comes nearest to what the reader says.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
