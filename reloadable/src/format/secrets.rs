//! Secrets where none should be: in a layer that is not said to hold any, or in a file that everybody may read.

use std::sync::Arc;

#[cfg(feature = "tokio")]
use crate::describe::Description;
#[cfg(feature = "tokio")]
use crate::layer::Layers;
use crate::layer::{Lint, Lints};
use crate::path::{FieldPath, Segment};
use crate::report::Violation;

use super::expected::Expected;
use super::tree::{Kind, Node, Place, Tree};

/// How many are told of one document.
const REPORTED: usize = 20;

/// Looks at a document before it is laid over the others.
pub(super) fn judge(tree: &mut Tree, node: &Node, expected: &Expected, source: usize, lints: Lints) {
    let (stray, public) = lints_of(tree, source, lints);
    if stray == Lint::Allow && public == Lint::Allow {
        return;
    }
    let mut search = Search { only: None, path: FieldPath::root(), found: Vec::new() };
    search.visit(node, expected);
    tell(tree, search.found, stray, public);
}

/// Looks at single values after they were laid over the others.
pub(super) fn judge_settings(tree: &mut Tree, expected: &Expected, source: usize, lints: Lints) {
    let (stray, public) = lints_of(tree, source, lints);
    if stray == Lint::Allow && public == Lint::Allow {
        return;
    }
    let mut search = Search { only: Some(source), path: FieldPath::root(), found: Vec::new() };
    search.visit(&tree.root, expected);
    tell(tree, search.found, stray, public);
}

/// Returns what becomes of a secret in this document for being there, and for being readable.
fn lints_of(tree: &Tree, source: usize, lints: Lints) -> (Lint, Lint) {
    let Some(text) = tree.sources.get(source) else { return (Lint::Allow, Lint::Allow) };
    let is_allowed = tree.layers.get(text.layer).is_some_and(|layer| layer.secrets);
    let stray = if is_allowed { Lint::Allow } else { lints.stray_secrets };
    let public = if text.document().is_public() { lints.public_secrets } else { Lint::Allow };
    (stray, public)
}

fn tell(tree: &mut Tree, found: Vec<(FieldPath, Place)>, stray: Lint, public: Lint) {
    let mut told = Vec::new();
    if let Some((path, place)) = found.first() {
        let message = "everybody on this machine may read this file, and it holds a secret";
        let violation = Violation::new(path.clone(), "public_secret", message)
            .with_hint("take that permission away, as with `chmod o-r`");
        told.extend(public.judge(tree.blame(violation, place)));
    }
    for (path, place) in found {
        let layer = tree.layer(&place).map_or_else(|| Arc::from("this"), |layer| Arc::clone(&layer.name));
        let message = format!("a secret in layer {layer}, which is not said to hold any");
        let violation = Violation::new(path, "stray_secret", message)
            .with_hint("move it to a layer that is, or say `.secrets()` of this one");
        told.extend(stray.judge(tree.blame(violation, &place)));
    }
    tree.found.extend(told);
}

struct Search {
    /// The document whose values count, where there are others.
    only: Option<usize>,
    path: FieldPath,
    found: Vec<(FieldPath, Place)>,
}

impl Search {
    fn visit(&mut self, node: &Node, here: &Expected) {
        if self.found.len() == REPORTED || !here.holds_any_secret() {
            return;
        }
        match &node.kind {
            _ if here.is_secret_here() => {
                let counts = self.only.is_none_or(|only| holds(node, only));
                if counts && !matches!(node.kind, Kind::Null) {
                    self.found.push((self.path.clone(), place(node, self.only)));
                }
            }
            Kind::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.under(Segment::Index(index), element, here);
                }
            }
            Kind::Table(entries) => {
                for entry in entries.iter() {
                    self.under(Segment::Name(entry.key.clone().into()), &entry.value, here);
                }
            }
            _ => {}
        }
    }

    fn under(&mut self, segment: Segment, node: &Node, here: &Expected) {
        let below = here.step(&segment);
        self.path.push(segment);
        self.visit(node, &below);
        self.path.pop();
    }
}

/// Returns the numbers of the layers with a document that holds a secret, or may: it cannot be read, or sets what stands for
/// no field where there are secrets, as a misspelled one.
#[cfg(feature = "fs")]
pub(crate) fn secret_layers(layers: &Layers, description: Description) -> Vec<usize> {
    let expected = Expected::new(description);
    let mut is_plain = vec![!expected.holds_any_secret(); layers.documents.len()];
    if expected.holds_any_secret() {
        super::read_each(layers, description, |_, document, step| {
            if let (super::Step::Read(node), Some(is_plain)) = (step, is_plain.get_mut(document)) {
                *is_plain = !may_hold(node, &expected);
            }
        });
    }
    let numbers = layers.documents.iter().zip(is_plain);
    numbers.filter_map(|((layer, _), is_plain)| (!is_plain).then_some(*layer)).collect()
}

#[cfg(feature = "fs")]
fn may_hold(node: &Node, here: &Expected) -> bool {
    if !here.holds_any_secret() || matches!(node.kind, Kind::Null) {
        return false;
    }
    if here.is_secret_here() || !here.shows(&node.kind) {
        return true;
    }
    match &node.kind {
        Kind::Array(elements) => elements
            .iter()
            .enumerate()
            .any(|(index, element)| may_hold(element, &here.step(&Segment::Index(index)))),
        Kind::Table(entries) => entries.iter().any(|entry| {
            let name = Segment::Name(entry.key.clone().into());
            let below = here.step(&name);
            !(below.is_known() || here.spells_out(&name)) || may_hold(&entry.value, &below)
        }),
        _ => false,
    }
}

/// The shortest secret that is looked for in a text: a shorter one is in too many texts by chance.
#[cfg(feature = "tokio")]
const SHORTEST: usize = 4;

/// Hides the secrets of these layers in a text of the application's.
#[cfg(feature = "tokio")]
pub(crate) fn hidden(text: &str, layers: &Layers, description: Description) -> String {
    let expected = Expected::new(description);
    let mut secrets = Vec::new();
    if expected.holds_any_secret() {
        if let Ok(tree) = super::read(layers, description) {
            gather(&tree.root, &expected, false, &mut secrets);
        }
    }
    secrets.retain(|secret| secret.len() >= SHORTEST);
    // One may be a part of another one.
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    let hide = |text: String, secret: &String| text.replace(secret.as_str(), crate::value::REDACTED);
    secrets.iter().fold(text.to_owned(), hide)
}

#[cfg(feature = "tokio")]
fn gather(node: &Node, here: &Expected, within: bool, secrets: &mut Vec<String>) {
    let within = within || here.is_secret_here();
    if !within && !here.holds_any_secret() {
        return;
    }
    match &node.kind {
        Kind::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                gather(element, &here.step(&Segment::Index(index)), within, secrets);
            }
        }
        Kind::Table(entries) => {
            for entry in entries.iter() {
                let below = here.step(&Segment::Name(entry.key.clone().into()));
                gather(&entry.value, &below, within, secrets);
            }
        }
        Kind::Text(text) | Kind::Word(text) | Kind::Datetime(text) if within => {
            secrets.push(text.to_string())
        }
        Kind::Integer(number) if within => secrets.push(number.to_string()),
        _ => {}
    }
}

/// Tells whether a part of a value comes from a document.
pub(super) fn holds(node: &Node, source: usize) -> bool {
    node.place.layer() == source
        || match &node.kind {
            Kind::Array(elements) => elements.iter().any(|element| holds(element, source)),
            Kind::Table(entries) => entries.iter().any(|entry| holds(&entry.value, source)),
            _ => false,
        }
}

/// Returns where a value is, or the first part of it that comes from a document.
pub(super) fn place(node: &Node, source: Option<usize>) -> Place {
    let Some(source) = source.filter(|source| node.place.layer() != *source) else {
        return node.place.clone();
    };
    let within = match &node.kind {
        Kind::Array(elements) => elements.iter().find(|element| holds(element, source)),
        Kind::Table(entries) => entries.iter().map(|entry| &entry.value).find(|value| holds(value, source)),
        _ => None,
    };
    within.map_or_else(|| node.place.clone(), |node| place(node, Some(source)))
}
