//! Keys that no field of the type goes by, all at once and also beside flattened fields, where serde cannot tell.

use std::collections::HashSet;

use crate::describe::{Describer, Description, Field, Shape, Tagging, Variant};
use crate::layer::Lint;
use crate::nearest::nearest;
use crate::path::{FieldPath, Segment};
use crate::report::{Secrets, Violation};

use super::compact::Compact;
use super::expected::Expected;
use super::listed;
use super::table::{Entry, Table};
use super::tree::{Kind, Node, Tree};

/// How many are reported: a file that was written for something else says nothing more.
pub(super) const REPORTED: usize = 100;

/// Returns a violation for every key that stands for no field. It refuses the candidate where the type does so, and
/// elsewhere as told.
pub(crate) fn unknown_keys(tree: &Tree, description: Description, lint: Lint) -> Vec<Violation> {
    search(tree, description, lint).found
}

/// Returns the tree without those keys that its types refuse, if there are any, and the paths of the fields that they
/// seem to mean.
pub(super) fn without_unknown(tree: &Tree, description: Description) -> Option<(Node, Vec<FieldPath>)> {
    let Search { refused, meant, .. } = search(tree, description, Lint::Allow);
    let unknown: HashSet<_> = refused.into_iter().collect();
    (!unknown.is_empty()).then(|| (without(&tree.root, &unknown), meant))
}

fn without(node: &Node, unknown: &HashSet<*const Entry>) -> Node {
    let kind = match &node.kind {
        Kind::Array(elements) => {
            Kind::Array(elements.iter().map(|element| without(element, unknown)).collect())
        }
        Kind::Table(entries) => {
            let kept = entries.iter().filter(|entry| !unknown.contains(&std::ptr::from_ref(*entry)));
            let kept = kept.map(|Entry { key, place, value }| Entry {
                key: key.clone(),
                place: place.clone(),
                value: without(value, unknown),
            });
            Kind::Table(Table::new(kept.collect()))
        }
        other => other.clone(),
    };
    Node { place: node.place.clone(), kind }
}

fn search(tree: &Tree, description: Description, lint: Lint) -> Search<'_> {
    let root = Expected::new(description);
    let mut search = Search {
        tree,
        root,
        lint,
        path: Vec::new(),
        found: Vec::new(),
        refused: Vec::new(),
        meant: Vec::new(),
    };
    search.described(&tree.root, description);
    search
}

struct Search<'t> {
    tree: &'t Tree,
    root: Expected,
    lint: Lint,
    path: Vec<Step<'t>>,
    found: Vec<Violation>,
    /// Where in memory those are that a type refuses, also those that are not reported.
    refused: Vec<*const Entry>,
    /// The fields whose names are near to theirs.
    meant: Vec<FieldPath>,
}

/// A step of a path that is spelled out only where something is found.
#[derive(Clone, Copy)]
enum Step<'t> {
    Key(&'t Entry),
    Index(usize),
}

impl<'t> Search<'t> {
    /// Goes on where there are keys at all: what a type says of itself costs more than a look at most values.
    fn value(&mut self, node: &'t Node, describe: Describer) {
        if matches!(node.kind, Kind::Table(_) | Kind::Array(_)) {
            self.described(node, describe());
        }
    }

    fn described(&mut self, node: &'t Node, description: Description) {
        self.shape(node, description.shape, description.deny_unknown);
    }

    fn shape(&mut self, node: &'t Node, shape: Shape, deny: bool) {
        match (shape, &node.kind) {
            (Shape::Optional(describe) | Shape::Like(describe), _) => self.value(node, describe),
            (Shape::Newtype(field), _) if !field.opaque => self.value(node, field.describe),
            (Shape::Struct(fields), Kind::Table(entries)) => self.table(entries, fields, deny, None),
            (Shape::Map(describe), Kind::Table(entries)) => {
                for entry in entries.iter() {
                    self.within(entry, |search| search.value(&entry.value, describe));
                }
            }
            (Shape::Sequence(describe), Kind::Array(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    self.under(Step::Index(index), |search| search.value(element, describe));
                }
            }
            (Shape::Tuple(fields), Kind::Array(elements)) => {
                for (index, (element, field)) in elements.iter().zip(fields).enumerate() {
                    if !field.opaque {
                        self.under(Step::Index(index), |search| search.value(element, field.describe));
                    }
                }
            }
            (Shape::Enum(tagging, variants), Kind::Table(entries)) => {
                self.variant(entries, tagging, variants, deny);
            }
            _ => {}
        }
    }

    /// Follows the variant that the table names. Under `untagged` any may be meant, so nothing is said of those.
    fn variant(&mut self, entries: &'t [Entry], tagging: Tagging, variants: &[Variant], deny: bool) {
        let named = |name: &str| {
            let mut tagged = variants.iter().filter(|variant| !variant.untagged);
            tagged.find(|variant| variant.name == name || variant.aliases.contains(&name))
        };
        let entry_of = |key: &str| entries.iter().find(|entry| entry.key == key);
        let tagged = |tag: &str| match entry_of(tag).map(|entry| &entry.value.kind) {
            Some(Kind::Text(name) | Kind::Word(name)) => named(name),
            _ => None,
        };
        match tagging {
            Tagging::External => {
                if let [entry] = entries {
                    if let Some(variant) = named(&entry.key) {
                        self.within(entry, |search| search.shape(&entry.value, variant.shape, deny));
                    }
                }
            }
            Tagging::Internal(tag) => {
                if let Some(Shape::Struct(fields)) = tagged(tag).map(|variant| variant.shape) {
                    self.table(entries, fields, deny, Some(tag));
                }
            }
            Tagging::Adjacent(tag, content) => {
                if let (Some(variant), Some(entry)) = (tagged(tag), entry_of(content)) {
                    self.within(entry, |search| search.shape(&entry.value, variant.shape, deny));
                }
            }
            Tagging::Untagged => {}
        }
    }

    fn table(
        &mut self,
        entries: &'t [Entry],
        fields: &'static [Field],
        deny: bool,
        tag: Option<&'static str>,
    ) {
        if fields.iter().any(|field| field.flatten || field.skip) {
            self.joined_table(entries, fields, deny, tag);
            return;
        }
        // Most files have their keys in the order of the type, so the search goes on where the last one ended.
        let mut next = 0;
        for entry in entries {
            let (before, after) = fields.split_at(next);
            let found = after.iter().chain(before).position(|field| goes_by(field, &entry.key));
            match found.map(|found| (next + found) % fields.len()) {
                Some(at) => {
                    next = at + 1;
                    if !fields[at].opaque {
                        self.within(entry, |search| search.value(&entry.value, fields[at].describe));
                    }
                }
                None if tag.is_some_and(|tag| entry.key == tag) => {}
                None => {
                    let names: Vec<_> = fields.iter().map(|field| field.name).chain(tag).collect();
                    let aliases: Vec<_> = fields.iter().flat_map(|field| field.aliases).copied().collect();
                    self.within(entry, |search| search.unknown(entry, &names, &aliases, deny));
                }
            }
        }
    }

    /// Looks at a table that holds what more than one type says.
    fn joined_table(
        &mut self,
        entries: &'t [Entry],
        fields: &'static [Field],
        deny: bool,
        tag: Option<&'static str>,
    ) {
        let mut known = Known::default();
        known.names.extend(tag);
        known.add_fields(fields);
        for entry in entries {
            let mut fields = known.fields.iter().filter(|field| goes_by(field, &entry.key));
            match (fields.next(), fields.next()) {
                // Two variants of a flattened enum may have a field of the same name.
                (Some(_), Some(_)) => {}
                (Some(field), None) if field.opaque => {}
                (Some(field), None) => {
                    self.within(entry, |search| search.value(&entry.value, field.describe));
                }
                (None, _) if known.is_map_only() && !known.names.contains(&entry.key.as_str()) => {
                    for describe in known.maps.clone() {
                        self.within(entry, |search| search.value(&entry.value, describe));
                    }
                }
                (None, _)
                    if known.open || !known.maps.is_empty() || known.names.contains(&entry.key.as_str()) => {}
                (None, _) => {
                    let names: Vec<_> =
                        known.fields.iter().map(|field| field.name).chain(known.names.clone()).collect();
                    let aliases: Vec<_> =
                        known.fields.iter().flat_map(|field| field.aliases).copied().collect();
                    self.within(entry, |search| search.unknown(entry, &names, &aliases, deny));
                }
            }
        }
    }

    /// An alias may have been meant, but is not among the names that are told.
    fn unknown(&mut self, entry: &Entry, names: &[&str], aliases: &[&str], deny: bool) {
        let of_layer = self.tree.layer(&entry.place).and_then(|layer| layer.unknown);
        let lint = if deny { Lint::Deny } else { of_layer.unwrap_or(self.lint) };
        if deny {
            self.refused.push(entry);
        } else if lint == Lint::Allow || self.found.len() == REPORTED {
            return;
        }
        let path = self.path.iter().fold(FieldPath::root(), |mut path, step| {
            path.push(match step {
                Step::Key(entry) => Segment::Name(entry.key.clone().into()),
                Step::Index(index) => Segment::Index(*index),
            });
            path
        });
        let secret = self.root.is_secret(&path);
        let near = nearest(&entry.key, names.iter().chain(aliases).copied());
        if let Some(near) = near.filter(|_| deny) {
            let mut meant = path.clone();
            meant.pop();
            // What is missing is told by the first of its names.
            let here = meant.segments().iter().fold(self.root.clone(), |here, step| here.step(step));
            let name =
                here.spellings(near).first().map_or_else(|| near.to_owned(), |name| (*name).to_owned());
            meant.push(Segment::Name(name.into()));
            self.meant.push(meant);
        }
        if self.found.len() == REPORTED {
            return;
        }
        let message = match near.filter(|_| !secret) {
            Some(near) => format!("unknown key, did you mean `{near}`?"),
            None => format!("unknown key, {}", listed(names, "there are no keys here")),
        };
        let violation = Violation::new(self.root.shown(path), "unknown_key", message);
        self.found.extend(lint.judge(self.tree.blame(violation, &entry.place)));
    }

    fn within(&mut self, entry: &'t Entry, search: impl FnOnce(&mut Self)) {
        self.under(Step::Key(entry), search);
    }

    fn under(&mut self, step: Step<'t>, search: impl FnOnce(&mut Self)) {
        self.path.push(step);
        search(self);
        self.path.pop();
    }
}

fn goes_by(field: &Field, key: &Compact) -> bool {
    *key == field.name || field.aliases.iter().any(|alias| *key == *alias)
}

/// What may stand in one table, that of flattened fields included.
#[derive(Default)]
struct Known {
    fields: Vec<&'static Field>,
    /// Tags, and variants' names.
    names: Vec<&'static str>,
    /// A type that nothing is known of takes any key.
    open: bool,
    /// What the flattened maps hold.
    maps: Vec<Describer>,
    /// The types already looked at: one that flattens itself would have no end.
    seen: Vec<&'static str>,
}

impl Known {
    fn add_fields(&mut self, fields: &'static [Field]) {
        for field in fields.iter().filter(|field| !field.skip) {
            match (field.flatten, field.opaque) {
                (false, _) => self.fields.push(field),
                (true, true) => self.open = true,
                (true, false) => self.add((field.describe)()),
            }
        }
    }

    fn add(&mut self, description: Description) {
        if !self.seen.contains(&description.type_name) {
            self.seen.push(description.type_name);
            self.add_shape(description.shape);
        }
    }

    fn add_shape(&mut self, shape: Shape) {
        match shape {
            Shape::Struct(fields) => self.add_fields(fields),
            Shape::Optional(describe) | Shape::Like(describe) => self.add(describe()),
            Shape::Newtype(field) if !field.opaque => self.add((field.describe)()),
            Shape::Tuple([]) => {}
            Shape::Enum(tagging, variants) => {
                match tagging {
                    Tagging::External | Tagging::Untagged => {}
                    Tagging::Internal(tag) => self.names.push(tag),
                    Tagging::Adjacent(tag, content) => self.names.extend([tag, content]),
                }
                for variant in variants {
                    match tagging {
                        Tagging::External if !variant.untagged => {
                            self.names.push(variant.name);
                            self.names.extend(variant.aliases);
                        }
                        Tagging::Adjacent(..) if !variant.untagged => {}
                        _ => self.add_shape(variant.shape),
                    }
                }
            }
            Shape::Map(describe) => self.maps.push(describe),
            _ => self.open = true,
        }
    }

    /// Tells whether any other key is one of a map.
    fn is_map_only(&self) -> bool {
        !self.open && self.maps.len() == 1
    }
}
