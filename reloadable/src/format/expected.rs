//! What a type says of a place in the tree: which names it goes by, and whether it is a secret.

#[cfg(feature = "tokio")]
use std::collections::HashMap;

use crate::describe::{Description, Field, Shape, Tagging, Variant, hold_secret};
use crate::path::{FieldPath, Segment};
use crate::report::Secrets;

use super::table::Table;
use super::tree::{Kind, Node};

/// The types that a place may hold. There is more than one where an untagged enum leaves the choice to the value, and
/// none where nothing is known.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    shapes: Vec<Shape>,
    /// The fields of a converted type: not in the file, but the type's own code may speak of them.
    converted: Vec<&'static Field>,
    secret: bool,
    /// By which of their fields the elements are told apart, as it is written in Rust.
    key: Option<&'static str>,
    /// A field, or a key of the user's choice, leads here.
    is_known: bool,
    /// The names of the variants, where what stands here is the tag of an enum.
    tags: Vec<&'static str>,
}

impl Expected {
    /// Starts at the type of the whole configuration.
    pub(crate) fn new(description: Description) -> Self {
        let mut here = Here::default();
        here.add(description);
        here.into_expected()
    }

    /// Goes one step down. A name may be any of those by which the file can call the field.
    pub(crate) fn step(&self, segment: &Segment) -> Self {
        let mut below = Here { secret: self.secret, ..Here::default() };
        for shape in &self.shapes {
            match (segment, shape) {
                (Segment::Index(_) | Segment::Identity(_), Shape::Sequence(element)) => below.add(element()),
                (Segment::Index(index), Shape::Tuple(fields)) => {
                    if let Some(field) = fields.get(*index) {
                        below.add_field(field);
                    }
                }
                // Beside flattened fields, a map gets the keys that are none of theirs.
                (Segment::Name(name), Shape::Map(value)) if self.has_field(name) => {
                    below.secret |= value().shape.holds_secret();
                }
                (Segment::Name(_), Shape::Map(value)) => below.add(value()),
                (Segment::Name(name), Shape::Struct(fields)) => {
                    for field in fields.iter().filter(|field| answers_to(field.name, field.aliases, name)) {
                        below.add_field(field);
                    }
                }
                (
                    Segment::Name(name),
                    Shape::Enum(Tagging::Internal(tag) | Tagging::Adjacent(tag, _), variants),
                ) if name == tag => below.add_tag(variants),
                (Segment::Name(name), Shape::Enum(Tagging::Adjacent(_, content), variants)) => {
                    for variant in variants.iter().filter(|_| name == content) {
                        below.add_variant(variant);
                    }
                }
                (Segment::Name(name), Shape::Enum(Tagging::External, variants)) => {
                    for variant in variants.iter().filter(|variant| variant_answers_to(variant, name)) {
                        below.add_variant(variant);
                    }
                }
                _ => {}
            }
        }
        if let Segment::Name(name) = segment {
            for field in self.converted.iter().filter(|field| answers_to(field.name, field.aliases, name)) {
                below.add_field(field);
            }
        }
        below.into_expected()
    }

    fn has_field(&self, name: &str) -> bool {
        let has = |shape: &Shape| match shape {
            Shape::Struct(fields) => {
                fields.iter().any(|field| !field.flatten && answers_to(field.name, field.aliases, name))
            }
            _ => false,
        };
        self.shapes.iter().any(has)
    }

    /// Goes down a path.
    fn at(&self, path: &FieldPath) -> Self {
        path.segments().iter().fold(self.clone(), |here, segment| here.step(segment))
    }

    /// Tells whether a field, or a key of the user's choice, leads here.
    #[cfg(feature = "fs")]
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn spells_out(&self, segment: &Segment) -> bool {
        match segment {
            Segment::Index(_) => true,
            Segment::Identity(_) => false,
            Segment::Name(name) => {
                let named = |shape: &Shape| match shape {
                    Shape::Enum(Tagging::Internal(tag), _) => name == tag,
                    Shape::Enum(Tagging::Adjacent(tag, content), _) => name == tag || name == content,
                    _ => false,
                };
                !self.spellings(name).is_empty() || self.shapes.iter().any(named)
            }
        }
    }

    /// Returns all names of the field or variant that `name` is one of.
    pub(crate) fn spellings(&self, name: &str) -> Vec<&'static str> {
        let mut spellings = Vec::new();
        for shape in &self.shapes {
            match shape {
                Shape::Struct(fields) => {
                    for field in fields.iter().filter(|field| answers_to(field.name, field.aliases, name)) {
                        spellings.push(field.name);
                        spellings.extend(field.aliases);
                    }
                }
                Shape::Enum(Tagging::External, variants) => {
                    for variant in variants.iter().filter(|variant| variant_answers_to(variant, name)) {
                        spellings.push(variant.name);
                        spellings.extend(variant.aliases);
                    }
                }
                _ => {}
            }
        }
        spellings
    }

    /// Tells whether this is an enum whose variant is told by its only key, so that two layers with two variants
    /// cannot both be meant.
    pub(crate) fn is_choice(&self) -> bool {
        matches!(*self.shapes.as_slice(), [Shape::Enum(Tagging::External, _)])
    }

    /// Returns the fields by which the elements of this list are told apart: each a way through the element, as Rust
    /// calls its parts. Nothing where a function makes the key.
    pub(super) fn key(&self) -> Option<Vec<Vec<&'static str>>> {
        let parts = self.key?.trim_matches(['(', ')']).split(',').map(|part| part.trim().trim_matches('"'));
        let parts: Vec<Vec<_>> = parts
            .filter(|part| !part.is_empty())
            .map(|part| part.split('.').map(str::trim).collect())
            .collect();
        let is_name =
            |name: &&str| !name.is_empty() && !name.contains(|c: char| !c.is_alphanumeric() && c != '_');
        parts.iter().flatten().all(is_name).then_some(parts)
    }

    /// Tells whether the elements of this list are, or may be, told apart by a secret.
    fn is_keyed_by_secret(&self) -> bool {
        let element = self.step(&Segment::Index(0));
        match self.key() {
            Some(key) => key.iter().any(|way| element.is_secret_at(way)),
            None => element.holds_any_secret(),
        }
    }

    /// Tells whether the way through the fields, as Rust calls them, leads to a secret.
    fn is_secret_at(&self, way: &[&str]) -> bool {
        let Some((member, rest)) = way.split_first() else { return self.holds_any_secret() };
        let mut fields = self.shapes.iter().flat_map(|shape| match shape {
            Shape::Struct(fields) => *fields,
            _ => &[],
        });
        match fields.find(|field| field.member == *member) {
            Some(field) => {
                let mut below = Here { secret: self.secret, ..Here::default() };
                below.add_field(field);
                below.into_expected().is_secret_at(rest)
            }
            None => self.holds_any_secret(),
        }
    }

    /// Returns by what an element is told from the others: what stands where `key` leads.
    pub(super) fn identity(&self, element: &Node, key: &[Vec<&str>]) -> Option<Vec<String>> {
        key.iter().map(|way| self.part(element, way)).collect()
    }

    /// Finds the element of a list that these parts of its key name.
    pub(super) fn position(&self, node: &Node, parts: &[String]) -> Option<usize> {
        let (key, below) = (self.key()?, self.step(&Segment::Index(0)));
        let is_meant =
            |element: &Node| below.identity(element, &key).is_some_and(|identity| identity == parts);
        (0..).map_while(|at| node.element(at)).position(is_meant)
    }

    /// Returns the position of each element by its key; where two have the same, of the first.
    #[cfg(feature = "tokio")]
    pub(super) fn positions(&self, node: &Node) -> HashMap<Vec<String>, usize> {
        let mut positions = HashMap::new();
        let Some(key) = self.key() else { return positions };
        let below = self.step(&Segment::Index(0));
        for (at, element) in (0..).map_while(|at| node.element(at)).enumerate() {
            if let Some(identity) = below.identity(element, &key) {
                positions.entry(identity).or_insert(at);
            }
        }
        positions
    }

    fn part(&self, node: &Node, way: &[&str]) -> Option<String> {
        let Some((member, rest)) = way.split_first() else { return node.as_key() };
        let fields = self.shapes.iter().flat_map(|shape| match shape {
            Shape::Struct(fields) => *fields,
            _ => &[],
        });
        let field = fields.into_iter().find(|field| field.member == *member)?;
        let mut spellings = std::iter::once(field.name).chain(field.aliases.iter().copied());
        let child = spellings.find_map(|spelling| node.child(spelling))?;
        self.step(&Segment::Name(field.name.into())).part(child, rest)
    }

    /// Returns the names that may stand here, as far as the type has them.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for shape in &self.shapes {
            match shape {
                Shape::Struct(fields) => {
                    for field in fields.iter().filter(|field| !field.skip && !field.name.is_empty()) {
                        names.push(field.name);
                        names.extend(field.aliases);
                    }
                }
                Shape::Enum(tagging, variants) => match tagging {
                    Tagging::Internal(tag) => names.push(tag),
                    Tagging::Adjacent(tag, content) => names.extend([tag, content]),
                    Tagging::External => {
                        names.extend(names_of(variants));
                    }
                    Tagging::Untagged => {}
                },
                _ => {}
            }
        }
        names
    }

    /// Returns the names of the variants among which a text chooses.
    pub(super) fn choices(&self) -> Vec<&'static str> {
        match self.shapes.as_slice() {
            [Shape::Enum(Tagging::External, _)] => self.names(),
            [] => self.tags.clone(),
            _ => Vec::new(),
        }
    }

    /// Tells whether keys of the user's choice may stand here, or nothing is known of which may.
    pub(super) fn is_open(&self) -> bool {
        self.shapes.is_empty()
            || self.shapes.iter().any(|shape| matches!(shape, Shape::Map(_) | Shape::Opaque))
    }

    pub(super) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// Returns the key that tells which variant of an enum a table is.
    pub(super) fn tag(&self) -> Option<&'static str> {
        match self.shapes.first() {
            Some(Shape::Enum(Tagging::Internal(tag) | Tagging::Adjacent(tag, _), _)) => Some(tag),
            _ => None,
        }
    }

    /// Tells whether something else than a table may stand here.
    pub(super) fn is_value(&self) -> bool {
        self.shapes.is_empty()
            || self.shapes.iter().any(|shape| !matches!(shape, Shape::Struct(_) | Shape::Map(_)))
    }

    /// Tells whether no field leads here.
    pub(super) fn is_unknown(&self) -> bool {
        !self.is_known
    }

    /// Tells whether a field leads here, but nothing is known of what is within it.
    pub(super) fn is_beyond(&self) -> bool {
        self.is_known
            && (self.shapes.is_empty() || self.shapes.iter().any(|shape| matches!(shape, Shape::Opaque)))
    }

    pub(super) fn is_secret_here(&self) -> bool {
        self.secret
    }

    /// Tells whether a value may be shown, but for secrets within it. Where something of another shape was expected, which
    /// holds secrets, it is as secret as they would have been.
    pub(super) fn shows(&self, value: &Kind) -> bool {
        if !self.holds_any_secret() {
            return true;
        }
        let is_any = |fits: fn(&Shape) -> bool| !self.secret && self.shapes.iter().any(fits);
        match value {
            Kind::Array(_) => {
                is_any(|shape| matches!(shape, Shape::Sequence(_) | Shape::Tuple(_) | Shape::Enum(..)))
            }
            Kind::Table(_) => {
                is_any(|shape| matches!(shape, Shape::Struct(_) | Shape::Map(_) | Shape::Enum(..)))
            }
            Kind::Text(variant) => !self.secret && self.choices().contains(&variant.as_str()),
            _ => false,
        }
    }

    /// Tells whether the value is a secret, within one, or around one.
    pub(crate) fn holds_any_secret(&self) -> bool {
        self.secret || self.shapes.iter().any(|shape| shape.holds_secret())
    }
}

/// The paths start at the type that this was made of.
impl Secrets for Expected {
    fn is_secret(&self, path: &FieldPath) -> bool {
        self.at(path).secret
    }

    fn holds_secret(&self, path: &FieldPath) -> bool {
        self.at(path).holds_any_secret()
    }

    /// Cuts a path where it leads from a secret to what the type does not spell out: such a name is a key that the
    /// user chose, which is as secret as its value.
    fn shown(&self, path: FieldPath) -> FieldPath {
        let mut here = self.clone();
        let mut shown = FieldPath::root();
        for segment in path.segments() {
            if here.secret && !here.spells_out(segment) {
                break;
            }
            let is_hidden = match segment {
                // A name beneath what has none: it may be that of a secret, where the type has secrets instead.
                Segment::Name(_) => !here.secret && !here.shows(&Kind::Table(Table::default())),
                Segment::Identity(_) => here.is_keyed_by_secret(),
                Segment::Index(_) => false,
            };
            if is_hidden {
                break;
            }
            here = here.step(segment);
            shown.push(segment.clone());
        }
        shown
    }
}

fn answers_to(own: &str, aliases: &[&str], name: &str) -> bool {
    !own.is_empty() && (own == name || aliases.contains(&name))
}

fn variant_answers_to(variant: &Variant, name: &str) -> bool {
    !variant.untagged && answers_to(variant.name, variant.aliases, name)
}

/// Returns the names by which a text or a tag may choose one of the variants.
fn names_of(variants: &[Variant]) -> impl Iterator<Item = &'static str> {
    let tagged = variants.iter().filter(|variant| !variant.untagged && !variant.skip);
    tagged.flat_map(|variant| std::iter::once(variant.name).chain(variant.aliases.iter().copied()))
}

/// Gathers every type whose keys may stand in one table: those of flattened fields too.
#[derive(Default)]
struct Here {
    shapes: Vec<Shape>,
    converted: Vec<&'static Field>,
    secret: bool,
    key: Option<&'static str>,
    is_known: bool,
    tags: Vec<&'static str>,
    /// The types already gathered: one that flattens itself would have no end.
    seen: Vec<&'static str>,
}

impl Here {
    fn into_expected(self) -> Expected {
        Expected {
            shapes: self.shapes,
            converted: self.converted,
            secret: self.secret,
            key: self.key,
            is_known: self.is_known,
            tags: self.tags,
        }
    }

    fn add(&mut self, description: Description) {
        self.is_known = true;
        if self.seen.contains(&description.type_name) {
            return;
        }
        self.seen.push(description.type_name);
        // Nobody knows where the type that it is converted from has its secrets, unless that one tells.
        self.secret |= hold_secret(description.converted) && !description.shape.holds_secret();
        self.converted.extend(description.converted);
        self.add_shape(description.shape);
    }

    fn add_field(&mut self, field: &Field) {
        self.is_known = true;
        self.secret |= field.secret;
        self.key =
            self.key.or_else(|| field.rules.iter().find(|(word, _)| *word == "key").map(|(_, key)| *key));
        match (field.skip, field.opaque) {
            (true, _) => {}
            (false, false) => self.add((field.describe)()),
            // Where in the file its secrets are, nobody knows.
            (false, true) => self.secret |= (field.describe)().holds_secret(),
        }
    }

    fn add_tag(&mut self, variants: &[Variant]) {
        self.is_known = true;
        self.tags.extend(names_of(variants));
    }

    fn add_variant(&mut self, variant: &Variant) {
        self.is_known = true;
        self.secret |= hold_secret(variant.converted);
        self.add_shape(variant.shape);
    }

    fn add_shape(&mut self, shape: Shape) {
        match shape {
            Shape::Optional(describe) | Shape::Like(describe) => self.add(describe()),
            Shape::Newtype(field) => self.add_field(field),
            Shape::Struct(fields) => {
                self.shapes.push(shape);
                for field in fields.iter().filter(|field| field.flatten) {
                    self.add_field(field);
                }
            }
            Shape::Enum(tagging, variants) => {
                self.shapes.push(shape);
                let beside = matches!(tagging, Tagging::Internal(_) | Tagging::Untagged);
                for variant in variants.iter().filter(|variant| beside || variant.untagged) {
                    self.add_variant(variant);
                }
            }
            _ => self.shapes.push(shape),
        }
    }
}
