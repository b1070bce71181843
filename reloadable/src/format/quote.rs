//! What is added to a violation once it is known where it is: the line at fault, and the ways to set the field.

use std::collections::HashSet;
use std::ops::Range;

use crate::document::{Body, Given, Origin};
use crate::path::{FieldPath, Segment};
use crate::report::{Excerpt, Report, Secrets as _, Violation, readable};

use super::expected::Expected;
use super::tree::{Kind, Node, Tree};
use super::{Read, body, settings};

/// Completes each violation of a report.
pub(crate) fn quoted(report: Report, tree: &Tree, expected: &Expected) -> Report {
    let mut quotes = Quotes {
        tree,
        expected,
        secretive: expected.holds_any_secret(),
        hidden: vec![None; tree.sources.len()],
    };
    report.map(|violation| {
        let excerpt = quotes.excerpt(&violation);
        let mut ways = Vec::new();
        let is_field = !violation.path().is_root() && violation.code() != settings::UNKNOWN;
        // Nobody is told to put a secret where none may be.
        let is_secret = is_field && quotes.secretive && expected.holds_secret(violation.path());
        let layers = tree.layers.iter().filter(|layer| is_field && (layer.secrets || !is_secret));
        for way in layers.filter_map(|layer| layer.naming.way(violation.path())) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        violation.quoting(excerpt).settable(ways)
    })
}

struct Quotes<'t> {
    tree: &'t Tree,
    expected: &'t Expected,
    secretive: bool,
    /// For each document that was asked for, what of it must not be shown; nothing where nobody can tell.
    hidden: Vec<Option<Option<Hidden>>>,
}

/// What of a document must not be shown.
#[derive(Clone, Default)]
struct Hidden {
    ranges: Vec<Range<usize>>,
    /// Keys, as they are and as they are written: TOML may name one again, in the header of another table.
    keys: HashSet<String>,
}

impl Quotes<'_> {
    fn excerpt(&mut self, violation: &Violation) -> Option<Excerpt> {
        let origin = violation.origin()?;
        if violation.code() == "missing_field" && violation.path().segments().len() < 2 {
            // No line of the file is the one that lacks it.
            return None;
        }
        let (Some(span), Some(position)) = (violation.span(), violation.position()) else {
            return self.setting(origin, violation);
        };
        let source = violation.document()?;
        let bytes = self.tree.sources.get(source)?.bytes();
        let window = Excerpt::window(bytes, span.start);
        let near = readable(bytes.get(window.clone())?);
        let Hidden { ranges, keys } = self.hidden(source)?;
        let is_near = |range: &&Range<usize>| range.start < window.end && range.end > window.start;
        let mut hidden: Vec<_> = ranges.iter().filter(is_near).cloned().collect();
        let mentioned = mentions(near, span.start - window.start, keys).into_iter();
        hidden.extend(mentioned.map(|range| range.start + window.start..range.end + window.start));
        Some(Excerpt::of(bytes, Some(position.line), &span, &hidden))
    }

    /// Quotes a variable or an argument as it may have been written.
    fn setting(&self, origin: &Origin, violation: &Violation) -> Option<Excerpt> {
        let is_unknown = violation.code() == settings::UNKNOWN;
        if self.secretive && (is_unknown || self.expected.holds_secret(violation.path())) {
            return None;
        }
        let settings = self.tree.sources.iter().filter_map(|source| match source.document().body() {
            Body::Settings(settings) => Some(settings),
            _ => None,
        });
        let mut same =
            settings.flat_map(|settings| settings.iter()).filter(|setting| setting.origin == *origin);
        // An argument may be given twice, and it is the second that is too much.
        let setting = if violation.code() == "duplicate_key" { same.last() } else { same.next() }?;
        let (name, Given::Word(value, _)) = (
            match &setting.origin {
                Origin::Variable(name) | Origin::Argument(name) => name,
                _ => return None,
            },
            &setting.value,
        ) else {
            return None;
        };
        if self.secretive && self.is_part_of_secretive(violation.path(), value) {
            return None;
        }
        // It has one line of text, whatever is in it.
        let text = format!("{name}={}", value.replace(['\n', '\r'], " "));
        let span = if is_unknown { 0..name.len() } else { name.len() + 1..text.len() };
        Some(Excerpt::of(text.as_bytes(), None, &span, &[]))
    }

    /// Tells whether the text of a setting, in which the value at `path` is at fault, may be that of a list or a table
    /// around it, with secrets beside it.
    fn is_part_of_secretive(&self, path: &FieldPath, text: &str) -> bool {
        let is_element = matches!(path.segments().last(), Some(Segment::Index(_)));
        if !is_element && !text.trim_start().starts_with(['[', '{']) {
            return false;
        }
        let mut around = FieldPath::root();
        path.segments().iter().any(|segment| {
            around.push(segment.clone());
            self.expected.holds_secret(&around)
        })
    }

    fn hidden(&mut self, source: usize) -> Option<&Hidden> {
        let found = self.hidden.get_mut(source)?;
        if found.is_none() {
            let parsed =
                if self.secretive { body(self.tree.sources.get(source)?, source).ok() } else { None };
            *found = Some(match parsed {
                _ if !self.secretive => Some(Hidden::default()),
                Some(Read::Node(node)) => {
                    let text = self.tree.sources.get(source)?.bytes();
                    let mut hidden = Hidden::default();
                    hide(&node, self.expected, text, &mut hidden);
                    Some(hidden)
                }
                // Where in a text that cannot be read the secrets are, nobody knows.
                _ => None,
            });
        }
        found.as_ref()?.as_ref()
    }
}

/// Finds what must not be shown: secrets, and what stands under a key that no field has, which may be misspelt.
fn hide(node: &Node, here: &Expected, text: &[u8], hidden: &mut Hidden) {
    if here.is_unknown() || !here.shows(&node.kind) {
        return hide_all(node, text, hidden);
    }
    if here.is_beyond() {
        return;
    }
    match &node.kind {
        Kind::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                hide(element, &here.step(&Segment::Index(index)), text, hidden);
            }
        }
        Kind::Table(entries) => {
            for entry in entries.iter() {
                hide(&entry.value, &here.step(&Segment::Name(entry.key.clone().into())), text, hidden);
            }
        }
        _ => {}
    }
}

fn hide_all(node: &Node, text: &[u8], hidden: &mut Hidden) {
    match &node.kind {
        Kind::Array(elements) => {
            hidden.ranges.push(node.place.span());
            elements.iter().for_each(|element| hide_all(element, text, hidden));
        }
        Kind::Table(entries) => {
            for entry in entries.iter() {
                let span = entry.place.span();
                hidden.keys.insert(String::from(entry.key.as_str()));
                let written = text.get(span.clone()).and_then(|written| std::str::from_utf8(written).ok());
                hidden.keys.extend(written.map(|written| written.trim_matches(['"', '\'']).to_owned()));
                hidden.ranges.push(span);
                hide_all(&entry.value, text, hidden);
            }
        }
        _ => hidden.ranges.push(node.place.span()),
    }
}

/// Finds the words of a line that are one of these keys; what stands between quotes is one word.
fn mentions(text: &str, at: usize, keys: &HashSet<String>) -> Vec<Range<usize>> {
    if keys.is_empty() {
        return Vec::new();
    }
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |newline| at + newline);
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut found = Vec::new();
    let mut next = start;
    while let Some(byte) = bytes[..end].get(next) {
        let rest = &bytes[next + 1..end];
        let quoted = rest.iter().position(|other| other == byte).filter(|_| matches!(byte, b'"' | b'\''));
        let word = match quoted {
            Some(length) => next + 1..next + 1 + length,
            None if is_bare(byte) => {
                next..next + 1 + rest.iter().position(|byte| !is_bare(byte)).unwrap_or(rest.len())
            }
            None => next..next,
        };
        next = word.end.max(next) + usize::from(quoted.is_some() || word.is_empty());
        found.extend(text.get(word.clone()).filter(|text| keys.contains(*text)).map(|_| word));
    }
    found
}
