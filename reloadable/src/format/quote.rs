//! What is added to a violation once it is known where it is: the line at fault, and the ways to set the field.

use std::ops::Range;

use crate::document::{Body, Given, Origin};
use crate::path::Segment;
use crate::report::{Excerpt, Report, Secrets as _, Violation};

use super::expected::Expected;
use super::tree::{Kind, Node, Text, Tree};
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
        for way in
            tree.layers.iter().filter(|_| is_field).filter_map(|layer| layer.naming.way(violation.path()))
        {
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
    hidden: Vec<Option<Option<Vec<Range<usize>>>>>,
}

impl Quotes<'_> {
    fn excerpt(&mut self, violation: &Violation) -> Option<Excerpt> {
        let origin = violation.origin()?;
        let (Some(span), Some(position)) = (violation.span(), violation.position()) else {
            return self.setting(origin, violation);
        };
        let is_meant = |source: &Text| {
            let layer = self.tree.layers.get(source.layer).map(|layer| &*layer.name);
            source.document().origin() == origin
                && (violation.layer().is_none() || layer == violation.layer())
        };
        let source = self.tree.sources.iter().position(is_meant)?;
        let bytes = self.tree.sources.get(source)?.bytes();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // What comes before the first byte that is wrong is a text all the same.
            Err(error) => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
        };
        let hidden = self.hidden(source)?;
        Some(Excerpt::of(text, Some(position.line), &span, hidden))
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
        // It has one line of text, whatever is in it.
        let text = format!("{name}={}", value.replace(['\n', '\r'], " "));
        let span = if is_unknown { 0..name.len() } else { name.len() + 1..text.len() };
        Some(Excerpt::of(&text, None, &span, &[]))
    }

    fn hidden(&mut self, source: usize) -> Option<&[Range<usize>]> {
        let found = self.hidden.get_mut(source)?;
        if found.is_none() {
            let parsed =
                if self.secretive { body(self.tree.sources.get(source)?, source).ok() } else { None };
            *found = Some(match parsed {
                _ if !self.secretive => Some(Vec::new()),
                Some(Read::Node(node)) => {
                    let mut hidden = Vec::new();
                    hide(&node, self.expected, &mut hidden);
                    Some(hidden)
                }
                // Where in a text that cannot be read the secrets are, nobody knows.
                _ => None,
            });
        }
        found.as_ref()?.as_deref()
    }
}

/// Finds what must not be shown: secrets, and what stands under a key that no field has, which may be misspelt.
fn hide(node: &Node, here: &Expected, hidden: &mut Vec<Range<usize>>) {
    if here.is_secret_here() || here.is_unknown() {
        return hide_all(node, hidden);
    }
    if here.is_beyond() {
        return;
    }
    match &node.kind {
        Kind::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                hide(element, &here.step(&Segment::Index(index)), hidden);
            }
        }
        Kind::Table(entries) => {
            for entry in entries.iter() {
                hide(&entry.value, &here.step(&Segment::Name(entry.key.clone().into())), hidden);
            }
        }
        _ => {}
    }
}

fn hide_all(node: &Node, hidden: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::Array(elements) => {
            hidden.push(node.place.span.clone());
            elements.iter().for_each(|element| hide_all(element, hidden));
        }
        Kind::Table(entries) => {
            for entry in entries.iter() {
                hidden.push(entry.place.span.clone());
                hide_all(&entry.value, hidden);
            }
        }
        _ => hidden.push(node.place.span.clone()),
    }
}
