//! From a value to its parts, by what its type looks like in a file.

use crate::describe::{Description, Field, Shape, Tagging, Variant};
use crate::path::Segment;

use super::super::decode::Fault;
use super::super::table::{Entry, Table};
use super::super::tree::{Kind, Node};
use super::Walk;
use super::lens::Lens;

impl Walk<'_> {
    /// Tells what is wrong with the parts of a value.
    pub(super) fn shape(&mut self, node: &Node, shape: Shape, fixed: bool, lens: Option<&Lens>) {
        if self.is_done() {
            return;
        }
        match (shape, &node.kind) {
            (Shape::Optional(_), Kind::Null) => {}
            (Shape::Optional(describe), _) => self.through(node, describe(), lens),
            (Shape::Like(describe), _) => {
                self.standing.ruled = false;
                self.through(node, describe(), lens);
            }
            (Shape::Newtype(field), _) => self.field(node, field),
            (Shape::Struct(fields), Kind::Table(entries)) => self.table(node, entries, fields),
            (Shape::Map(describe), Kind::Table(entries)) => self.entries(node, entries, describe, lens),
            (Shape::Sequence(describe), Kind::Array(elements)) => {
                self.elements(node, elements, describe, lens.filter(|_| !fixed));
            }
            (Shape::Tuple(fields), Kind::Array(elements)) => self.tuple(elements, fields),
            (Shape::Enum(tagging, variants), Kind::Table(entries)) => {
                self.variant(node, entries, tagging, variants);
            }
            _ => {}
        }
    }

    /// Tells what is wrong with a field.
    pub(super) fn field(&mut self, node: &Node, field: &'static Field) {
        let standing = self.standing;
        self.standing.secret |= field.secret;
        self.standing.opaque |= field.opaque;
        let description = description_of(field);
        let own = field.probe.and_then(|probe| probe.downcast_ref()).copied();
        self.value(node, description, own, None);
        self.standing = standing;
    }

    /// Follows the variant that the table names. Without tags any may be meant, so nothing can be told of a part.
    fn variant(&mut self, node: &Node, entries: &Table, tagging: Tagging, variants: &'static [Variant]) {
        match tagging {
            Tagging::External => {
                let [entry] = &**entries else { return };
                let Some(variant) = named(variants, &entry.key) else { return };
                let (spelled, typed) = (name(&entry.key), Segment::Name(variant.name.into()));
                self.under(spelled, typed, |walk| walk.shape(&entry.value, variant.shape, false, None));
            }
            Tagging::Internal(tag) => {
                let Some(variant) = tagged(entries, tag, variants) else { return };
                let content = entries.iter().filter(|entry| entry.key != tag).cloned().collect();
                let content = Node { place: node.place.clone(), kind: Kind::Table(Table::new(content)) };
                self.shape(&content, variant.shape, false, None);
            }
            Tagging::Adjacent(tag, content) => {
                let Some(variant) = tagged(entries, tag, variants) else { return };
                let Some(entry) = entry(entries, content) else { return };
                let step = Segment::Name(content.into());
                self.under(step.clone(), step, |walk| walk.shape(&entry.value, variant.shape, false, None));
            }
            Tagging::Untagged => {}
        }
    }

    /// Moves a fault of an enum as a whole to the tag that names no variant, or to what is not there.
    pub(super) fn at_tag(&self, mut fault: Fault, node: &Node, description: Description) -> Fault {
        let (Some((tagging, variants)), Kind::Table(entries)) = (tags(description), &node.kind) else {
            return fault;
        };
        let (tag, content) = match tagging {
            Tagging::Internal(tag) => (tag, None),
            Tagging::Adjacent(tag, content) => (tag, Some(content)),
            Tagging::External | Tagging::Untagged => return fault,
        };
        if fault.path != self.path {
            return fault;
        }
        if let Some(missing) = fault.missing.filter(|name| *name == tag || Some(*name) == content) {
            fault.path.push(Segment::Name(missing.into()));
            fault.missing = None;
        } else if let (Some(entry), None) = (entry(entries, tag), tagged(entries, tag, variants)) {
            fault.path.push(Segment::Name(tag.into()));
            fault.place = Some(entry.value.place.clone());
        }
        fault
    }
}

/// Describes a field, as far as the file has the names of its type.
pub(super) fn description_of(field: &Field) -> Description {
    let description = (field.describe)();
    if field.opaque { Description::new(description.type_name, Shape::Opaque) } else { description }
}

/// Finds how the variants of an enum are told apart, also behind what has no name in the file.
fn tags(mut description: Description) -> Option<(Tagging, &'static [Variant])> {
    // A type that is nothing but itself has no value, so that no file leads here; but the search must end.
    for _ in 0..8 {
        description = match description.shape {
            Shape::Enum(tagging, variants) => return Some((tagging, variants)),
            Shape::Optional(describe) | Shape::Like(describe) => describe(),
            Shape::Newtype(field) => description_of(field),
            _ => return None,
        };
    }
    None
}

pub(super) fn named(variants: &'static [Variant], name: &str) -> Option<&'static Variant> {
    let mut tagged = variants.iter().filter(|variant| !variant.untagged && !variant.skip);
    tagged.find(|variant| variant.name == name || variant.aliases.contains(&name))
}

fn tagged(entries: &Table, tag: &str, variants: &'static [Variant]) -> Option<&'static Variant> {
    match &entry(entries, tag)?.value.kind {
        Kind::Text(name) | Kind::Word(name) => named(variants, name),
        _ => None,
    }
}

fn entry<'t>(entries: &'t Table, key: &str) -> Option<&'t Entry> {
    entries.find(key).and_then(|at| entries.get(at))
}

fn name(key: &str) -> Segment {
    Segment::Name(key.to_owned().into())
}
