//! Why a value does not fit its type.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use crate::nearest::nearest;
use crate::path::Segment;

use super::super::listed;
use super::super::tree::{Kind, Node, Place};
use super::name;

/// An error on its way out: it collects its path from the innermost step outwards.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    fault: Fault,
    /// What the file must hold where the error is, for an error that comes out of serde's own buffer.
    clue: Option<Clue>,
    /// The path of the fault, backwards.
    steps: Vec<Segment>,
}

/// A finished error.
#[derive(Debug)]
pub(in crate::format) struct Fault {
    pub(in crate::format) code: &'static str,
    pub(in crate::format) message: String,
    /// The message without anything that may come from the value.
    pub(in crate::format) redacted: String,
    pub(in crate::format) path: Vec<Segment>,
    pub(in crate::format) place: Option<Place>,
    /// The field that is not there.
    pub(in crate::format) missing: Option<&'static str>,
}

#[derive(Debug)]
enum Clue {
    Key(String),
    Text(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
}

const WITHHELD: &str = "the value was refused; why is withheld, since it may quote a secret";

impl Error {
    fn new(code: &'static str, message: String, redacted: String, clue: Option<Clue>) -> Self {
        let fault = Fault { code, message, redacted, path: Vec::new(), place: None, missing: None };
        Self(Box::new(Inner { fault, clue, steps: Vec::new() }))
    }

    /// Gives the error its place, unless it has one: that of `node`, or of the only value within it that can be meant.
    pub(in crate::format) fn within(mut self, node: &Node) -> Self {
        if self.0.fault.place.is_none() {
            let found = self.0.clue.as_ref().and_then(|clue| clue.find(node));
            let (steps, place) = found.unwrap_or_else(|| (Vec::new(), node.place.clone()));
            self.0.steps.extend(steps);
            self.0.fault.place = Some(place);
        }
        self
    }

    /// Gives the error the place of a key, unless it has one.
    pub(super) fn at_key(mut self, key: &str, place: &Place) -> Self {
        if self.0.fault.place.is_none() {
            self.0.steps.push(name(key));
            self.0.fault.place = Some(place.clone());
        }
        self
    }

    /// Adds the step that leads to where the error comes from.
    pub(super) fn under(mut self, step: Segment) -> Self {
        self.0.steps.push(step);
        self
    }

    pub(super) fn is_duplicate_without_place(&self) -> bool {
        self.0.fault.place.is_none() && self.0.fault.code == "duplicate_key"
    }

    pub(in crate::format) fn into_fault(self) -> Fault {
        let Inner { mut fault, mut steps, .. } = *self.0;
        steps.reverse();
        fault.path = steps;
        fault
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.fault.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        // How serde's derive refuses a key where `flatten` and `deny_unknown_fields` meet.
        let key = message.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`'));
        if let Some(key) = key.filter(|key| !key.contains('`')) {
            return Self::new(
                "unknown_key",
                "unknown key".into(),
                "unknown key".into(),
                Some(Clue::Key(key.to_owned())),
            );
        }
        Self::new("decode", message, WITHHELD.into(), None)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let clue = Clue::of(unexpected);
        let (value, kind) = (describe(unexpected), kind(unexpected));
        let message = format!("invalid type: {value}, expected {expected}");
        Self::new("type", message, format!("invalid type: {kind}, expected {expected}"), clue)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // A text may have been cut out of the file's, a number hardly.
        let clue = Clue::of(unexpected).filter(|clue| !matches!(clue, Clue::Text(_)));
        let (value, kind) = (describe(unexpected), kind(unexpected));
        let message = format!("invalid value: {value}, expected {expected}");
        Self::new("value", message, format!("invalid value: {kind}, expected {expected}"), clue)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let message = format!("invalid length {length}, expected {expected}");
        Self::new("value", message.clone(), message, None)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let choice = choice(variant, expected, "there are no variants");
        let redacted = format!("unknown variant, {}", listed(expected, "there are no variants"));
        let clue = Clue::Text(variant.to_owned());
        Self::new(
            "unknown_variant",
            format!("unknown variant `{}`, {choice}", shortened(variant)),
            redacted,
            Some(clue),
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown key, {}", choice(field, expected, "there are no keys here"));
        let redacted = format!("unknown key, {}", listed(expected, "there are no keys here"));
        Self::new("unknown_key", message, redacted, Some(Clue::Key(field.to_owned())))
    }

    fn missing_field(field: &'static str) -> Self {
        let message = format!("missing field `{field}`");
        let mut error = Self::new("missing_field", message.clone(), message, None);
        error.0.fault.missing = Some(field);
        error
    }

    fn duplicate_field(field: &'static str) -> Self {
        let message = format!("`{field}` is set twice, by two of its names");
        Self::new("duplicate_key", message.clone(), message, None)
    }
}

fn choice(found: &str, expected: &[&str], none: &str) -> String {
    match nearest(found, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => listed(expected, none),
    }
}

/// How many characters of a value a message quotes.
const QUOTED: usize = 120;

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => Cow::Owned(format!("{}..", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// What serde says, but for the unit value, which no file has, and long texts.
fn describe(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Unit => "null".to_owned(),
        Unexpected::Str(text) => format!("string {:?}", shortened(text)),
        other => other.to_string(),
    }
}

/// What serde says, without the value.
fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "floating point number",
        Unexpected::Char(_) => "character",
        Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "byte array",
        Unexpected::Unit => "null",
        Unexpected::Option => "Option value",
        Unexpected::NewtypeStruct => "newtype struct",
        Unexpected::Seq => "sequence",
        Unexpected::Map => "map",
        Unexpected::Enum => "enum",
        Unexpected::UnitVariant => "unit variant",
        Unexpected::NewtypeVariant => "newtype variant",
        Unexpected::TupleVariant => "tuple variant",
        Unexpected::StructVariant => "struct variant",
        _ => "value",
    }
}

impl Clue {
    fn of(unexpected: Unexpected<'_>) -> Option<Self> {
        match unexpected {
            Unexpected::Bool(value) => Some(Self::Bool(value)),
            Unexpected::Unsigned(value) => Some(Self::Integer(value.into())),
            Unexpected::Signed(value) => Some(Self::Integer(value.into())),
            Unexpected::Float(value) => Some(Self::Float(value)),
            Unexpected::Str(text) => Some(Self::Text(text.to_owned())),
            _ => None,
        }
    }

    /// Finds what the clue fits within `node`, if there is only one such place: its path, backwards, and itself.
    fn find(&self, node: &Node) -> Option<(Vec<Segment>, Place)> {
        let mut search = Search { clue: self, path: Vec::new(), found: Vec::new() };
        search.visit(node);
        match search.found.len() {
            1 => search.found.pop(),
            _ => None,
        }
    }

    fn fits_key(&self, key: &str) -> bool {
        match self {
            Self::Key(wanted) | Self::Text(wanted) => wanted == key,
            _ => false,
        }
    }

    fn fits(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (Self::Text(wanted), Kind::Text(text) | Kind::Word(text) | Kind::Datetime(text)) => {
                *text == wanted.as_str()
            }
            (Self::Integer(wanted), Kind::Integer(value)) => wanted == value,
            (Self::Float(wanted), Kind::Float(value)) => wanted.to_bits() == value.to_bits(),
            (Self::Bool(wanted), Kind::Bool(value)) => wanted == value,
            _ => false,
        }
    }
}

struct Search<'c> {
    clue: &'c Clue,
    path: Vec<Segment>,
    found: Vec<(Vec<Segment>, Place)>,
}

impl Search<'_> {
    fn visit(&mut self, node: &Node) {
        if self.clue.fits(&node.kind) {
            self.add(&node.place);
        }
        match &node.kind {
            Kind::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.path.push(Segment::Index(index));
                    self.visit(element);
                    self.path.pop();
                }
            }
            Kind::Table(entries) => {
                for entry in entries.iter() {
                    self.path.push(name(&entry.key));
                    if self.clue.fits_key(&entry.key) {
                        self.add(&entry.place);
                    }
                    self.visit(&entry.value);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, place: &Place) {
        self.found.push((self.path.iter().rev().cloned().collect(), place.clone()));
    }
}
