//! Which files a value names, as far as its type says so.

use std::borrow::Cow;
use std::collections::HashMap;

use super::claim::claim;
use super::fits::{entry, fits, is_tag};
use super::{Describer, Description, Field, Shape, Tagging, Variant};
use crate::path::{FieldPath, Segment};
use crate::value::Value;

/// A text under a field marked `file`, as the value has it; none where a value stands there that cannot be followed.
pub(crate) type Named<'v> = (FieldPath, Option<&'v str>);

impl Description {
    /// Tells whether a field within is marked `file`.
    pub(crate) fn holds_file(self) -> bool {
        holds_file(self, &mut Vec::new())
    }

    /// Returns what stands under the fields marked `file`. Empty texts name nothing.
    pub(crate) fn files<'v>(self, value: &Value<'v>) -> Vec<Named<'v>> {
        let mut finder = Finder::default();
        finder.description(self, value, &[]);
        finder.found
    }
}

fn holds_file(description: Description, seen: &mut Vec<&'static str>) -> bool {
    if seen.contains(&description.type_name) {
        return false;
    }
    seen.push(description.type_name);
    shape_holds_file(description.shape, seen)
}

fn shape_holds_file(shape: Shape, seen: &mut Vec<&'static str>) -> bool {
    let mut field_holds = |field: &Field| field.file || (!field.skip && holds_file((field.describe)(), seen));
    match shape {
        Shape::Optional(describe)
        | Shape::Sequence(describe)
        | Shape::Map(describe)
        | Shape::Like(describe) => holds_file(describe(), seen),
        Shape::Newtype(field) => field_holds(field),
        Shape::Struct(fields) | Shape::Tuple(fields) => fields.iter().any(field_holds),
        Shape::Enum(_, variants) => variants.iter().any(|variant| shape_holds_file(variant.shape, seen)),
        _ => false,
    }
}

/// Walks through a value beside its description.
#[derive(Default)]
struct Finder<'v> {
    path: Vec<Segment>,
    /// Within a marked field.
    is_marked: bool,
    /// Where the shape in the file is not that of the type, paths end.
    end: Option<usize>,
    found: Vec<Named<'v>>,
    /// Which types have marks within, so that a list of structs is asked once.
    marked: HashMap<&'static str, bool>,
}

impl<'v> Finder<'v> {
    /// `claimed` are the names in a table that belong to others, where this is flattened into it.
    fn description(&mut self, description: Description, value: &Value<'v>, claimed: &[&str]) {
        if !self.is_marked && !self.holds_file(description) {
            return;
        }
        match value {
            Value::Null => {}
            Value::Secret | Value::Opaque => self.found(None),
            _ => self.shape(description.shape, value, claimed),
        }
    }

    fn holds_file(&mut self, description: Description) -> bool {
        *self.marked.entry(description.type_name).or_insert_with(|| description.holds_file())
    }

    fn shape(&mut self, shape: Shape, value: &Value<'v>, claimed: &[&str]) {
        match (shape, value) {
            (Shape::Optional(describe), _) => self.description(describe(), value, claimed),
            (Shape::Like(describe), _) => self.like(describe, value),
            (Shape::Newtype(field), _) => self.field(None, field, value, claimed),
            (Shape::Sequence(describe), Value::List(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    self.within(Segment::Index(index), |finder| finder.description(describe(), element, &[]));
                }
            }
            (Shape::Map(describe), Value::Table(entries)) => {
                for (name, value) in entries.iter().filter(|(name, _)| !claimed.contains(&&**name)) {
                    self.within(named(name), |finder| finder.description(describe(), value, &[]));
                }
            }
            (Shape::Tuple(fields), Value::List(elements)) => {
                let mut elements = elements.iter();
                let in_file = fields.iter().filter(|field| !field.skip);
                for (index, field) in in_file.enumerate().filter(|(_, field)| !field.left_out) {
                    let Some(element) = elements.next() else { break };
                    self.field(Some(Segment::Index(index)), field, element, &[]);
                }
            }
            (Shape::Struct(fields), Value::Table(entries)) => {
                let mut names = claimed.to_vec();
                if fields.iter().any(|field| field.flatten) {
                    claim(fields, &mut names, &mut Vec::new());
                }
                for field in fields.iter().filter(|field| !field.skip && !field.left_out) {
                    if field.flatten {
                        self.field(None, field, value, &names);
                    } else if let Some(value) = entry(entries, field.name) {
                        self.field(Some(named(field.name)), field, value, &[]);
                    }
                }
            }
            (Shape::Enum(tagging, variants), _) => self.enumeration(tagging, variants, value),
            _ if self.is_marked => self.texts(value),
            _ => {}
        }
    }

    /// The value is that of a type which is converted from the one described: what is marked there is looked for under
    /// the same name, and must be there.
    fn like(&mut self, describe: Describer, value: &Value<'v>) {
        let description = describe();
        let fields = description.fields();
        let is_told = |field: &Field| match value {
            Value::Table(entries) => entry(entries, field.name).is_some(),
            _ => false,
        };
        if let Some(field) = fields.iter().find(|field| field.file && !is_told(field)) {
            return self.within(named(field.name), |finder| finder.found(None));
        }
        self.description(description, value, &[]);
    }

    fn field(&mut self, segment: Option<Segment>, field: &Field, value: &Value<'v>, claimed: &[&str]) {
        let outer = (self.path.len(), self.is_marked, self.end);
        self.is_marked |= field.file;
        self.path.extend(segment);
        if field.opaque {
            self.end.get_or_insert(self.path.len());
        }
        let description = (field.describe)();
        if field.leaf && *value != Value::Null && (self.is_marked || self.holds_file(description)) {
            // How it is compared knows nothing of files.
            self.found(None);
        } else {
            self.description(description, value, claimed);
        }
        self.path.truncate(outer.0);
        (self.is_marked, self.end) = (outer.1, outer.2);
    }

    fn enumeration(&mut self, tagging: Tagging, variants: &'static [Variant], value: &Value<'v>) {
        let tagged = || variants.iter().filter(|variant| !variant.untagged);
        match (tagging, value) {
            (Tagging::External, Value::Text(name)) if tagged().any(|variant| variant.name == *name) => return,
            (Tagging::External, Value::Table(entries)) => {
                let held = tagged().find_map(|variant| Some((variant, entry(entries, variant.name)?)));
                if let Some((variant, value)) = held {
                    return self
                        .within(named(variant.name), |finder| finder.shape(variant.shape, value, &[]));
                }
            }
            (Tagging::Internal(tag), Value::Table(entries)) => {
                if let Some(variant) = tagged().find(|variant| is_tag(entries, tag, variant)) {
                    return self.shape(variant.shape, value, &[tag]);
                }
            }
            (Tagging::Adjacent(tag, content), Value::Table(entries)) => {
                if let Some(variant) = tagged().find(|variant| is_tag(entries, tag, variant)) {
                    if let Some(value) = entry(entries, content) {
                        self.within(named(content), |finder| finder.shape(variant.shape, value, &[]));
                    }
                    return;
                }
            }
            _ => {}
        }
        let untagged = variants.iter().filter(|variant| tagging == Tagging::Untagged || variant.untagged);
        self.untagged(untagged, value);
    }

    /// Nothing tells which variant it is, so one that fits and has a mark goes first: where one without a mark would
    /// take every text, serde never comes to the other.
    fn untagged(&mut self, variants: impl Iterator<Item = &'static Variant>, value: &Value<'v>) {
        let known = self.found.len();
        let mut best = None;
        for variant in variants.filter(|variant| fits(variant.shape, value)) {
            self.shape(variant.shape, value, &[]);
            let found = self.found.split_off(known);
            if !found.is_empty() && found.iter().all(|(_, text)| text.is_some()) {
                best = Some(found);
                break;
            }
            best.get_or_insert(found);
        }
        self.found.extend(best.unwrap_or_default());
    }

    /// Takes every text, where the type does not say which are what.
    fn texts(&mut self, value: &Value<'v>) {
        match value {
            Value::Text(text) if text.is_empty() => {}
            Value::Text(Cow::Borrowed(text)) => self.found(Some(text)),
            // What is made anew for every look has no address by which it is known again.
            Value::Text(Cow::Owned(_)) | Value::Secret | Value::Opaque => self.found(None),
            Value::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.within(Segment::Index(index), |finder| finder.texts(element));
                }
            }
            Value::Table(entries) => {
                for (name, value) in entries {
                    self.within(named(name), |finder| finder.texts(value));
                }
            }
            _ => {}
        }
    }

    fn within(&mut self, segment: Segment, find: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        find(self);
        self.path.pop();
    }

    fn found(&mut self, text: Option<&'v str>) {
        let shown = self.end.unwrap_or(self.path.len()).min(self.path.len());
        self.found.push((FieldPath::from(self.path[..shown].to_vec()), text));
    }
}

fn named(name: &str) -> Segment {
    Segment::Name(name.to_owned().into())
}
