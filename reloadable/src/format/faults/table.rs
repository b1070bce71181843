//! The fields of one table, also of flattened ones.

use serde::de::Error as _;

use crate::describe::{Description, Field, Shape, Tagging};
use crate::path::Segment;

use super::super::decode::{self, Error};
use super::super::listed;
use super::super::table::{Entry, Table};
use super::super::tree::{Kind, Node};
use super::lens::Outcome;
use super::shape::{description_of, named};
use super::{Walk, probe_of};

impl Walk<'_> {
    /// Tells what is wrong with the fields of a struct, and which are not there.
    pub(super) fn table(&mut self, node: &Node, entries: &Table, fields: &'static [Field]) {
        for field in fields.iter().filter(|field| !field.skip && !field.flatten) {
            if self.is_done() {
                return;
            }
            let mut spellings = std::iter::once(field.name).chain(field.aliases.iter().copied());
            let entry = spellings.find_map(|spelling| entries.find(spelling)).and_then(|at| entries.get(at));
            let typed = Segment::Name(field.name.into());
            match entry {
                Some(entry) => {
                    let spelled = Segment::Name(entry.key.clone().into());
                    self.under(spelled, typed, |walk| walk.field(&entry.value, field));
                }
                None if field.optional => {}
                None => self.under(typed.clone(), typed, |walk| walk.missing(node, field)),
            }
        }
        if fields.iter().any(|field| field.flatten) {
            self.flattened(node, entries, fields);
        }
    }

    /// Tells of a field that is not there, unless its type can do without.
    fn missing(&mut self, table: &Node, field: &'static Field) {
        let standing = self.standing;
        self.standing.secret |= field.secret;
        self.standing.opaque |= field.opaque;
        let own = field.probe.and_then(|probe| probe.downcast_ref()).copied();
        let lens = own.or_else(|| probe_of(description_of(field))).map(|probe| self.lens(probe));
        match self.look(lens.as_ref(), &decode::missing()) {
            Outcome::Fits(broken) => self.add_broken(broken),
            Outcome::Panicked(panicked) => self.add_panic(panicked),
            Outcome::Unknown => {}
            Outcome::Refused(_) if self.is_meant(field) => {}
            Outcome::Refused(_) => {
                let mut fault = Error::missing_field(field.name).within(table).into_fault();
                fault.missing = None;
                fault.path.clone_from(&self.path);
                self.refuse(fault);
            }
        }
        self.standing = standing;
    }

    /// Tells that a table has no key that says which variant of a flattened enum is meant.
    fn lacks_variant(&mut self, table: &Node, names: &[&str]) {
        let message = format!("missing variant, {}", listed(names, "there are none"));
        let mut fault = Error::custom(message).within(table).into_fault();
        fault.code = "missing_field";
        fault.redacted.clone_from(&fault.message);
        fault.path.clone_from(&self.path);
        self.refuse(fault);
    }

    /// Tells whether an unknown key seems to mean this field, which the walk is at.
    fn is_meant(&self, field: &Field) -> bool {
        let Some((_, table)) = self.path.split_last() else { return false };
        self.meant.iter().any(|meant| match meant.segments().split_last() {
            Some((Segment::Name(near), around)) => {
                around == table && (*near == field.name || field.aliases.contains(&&**near))
            }
            _ => false,
        })
    }

    /// Tells what is wrong with flattened fields: each gets the keys that serde would give it.
    fn flattened(&mut self, node: &Node, entries: &Table, fields: &'static [Field]) {
        let own = names(fields);
        let mut left: Vec<&Entry> = entries.iter().filter(|entry| !own.contains(&&*entry.key)).collect();
        for field in fields.iter().filter(|field| field.flatten && !field.skip && !field.opaque) {
            let is_optional = matches!(description_of(field).shape, Shape::Optional(_));
            let taken = match taken(description_of(field)) {
                Taken::Nothing => continue,
                Taken::All => left.clone(),
                Taken::Names(names) => {
                    let (taken, rest) = left.iter().partition(|entry| names.contains(&&*entry.key));
                    left = rest;
                    taken
                }
                Taken::First(names) => match left.iter().position(|entry| names.contains(&&*entry.key)) {
                    Some(at) => vec![left.remove(at)],
                    None if is_optional => continue,
                    None => {
                        self.lacks_variant(node, &names);
                        continue;
                    }
                },
            };
            let table = Table::new(taken.into_iter().cloned().collect());
            let table = Node { place: node.place.clone(), kind: Kind::Table(table) };
            let mark = self.found.len();
            self.field(&table, field);
            // What cannot be decoded is none, as serde has it.
            if is_optional && self.found[mark..].iter().any(|found| found.fault.is_some()) {
                self.found.truncate(mark);
            }
        }
    }
}

/// Which keys of a table a flattened field gets.
enum Taken {
    /// It reads none, or nobody knows which.
    Nothing,
    /// Those that no other field took.
    All,
    Names(Vec<&'static str>),
    /// The first of these.
    First(Vec<&'static str>),
}

fn taken(mut description: Description) -> Taken {
    // As long as a type can be nothing but another one.
    for _ in 0..8 {
        description = match description.shape {
            Shape::Optional(describe) | Shape::Like(describe) => describe(),
            Shape::Newtype(field) => description_of(field),
            Shape::Struct(fields) if fields.iter().any(|field| field.flatten) => return Taken::All,
            Shape::Struct(fields) => return Taken::Names(names(fields)),
            Shape::Map(_) => return Taken::All,
            Shape::Enum(Tagging::Internal(_) | Tagging::Untagged, _) => return Taken::All,
            Shape::Enum(Tagging::Adjacent(tag, content), _) => return Taken::Names(vec![tag, content]),
            Shape::Enum(Tagging::External, variants) => {
                let tagged = variants.iter().filter(|variant| named(variants, variant.name).is_some());
                let names = tagged.flat_map(|variant| std::iter::once(&variant.name).chain(variant.aliases));
                return Taken::First(names.copied().collect());
            }
            _ => return Taken::Nothing,
        };
    }
    Taken::Nothing
}

/// Returns every name of the fields that stand in a table by themselves.
fn names(fields: &'static [Field]) -> Vec<&'static str> {
    let own = fields.iter().filter(|field| !field.skip && !field.flatten);
    own.flat_map(|field| std::iter::once(&field.name).chain(field.aliases)).copied().collect()
}
