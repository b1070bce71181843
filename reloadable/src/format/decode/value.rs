//! A node of the tree as serde's `Deserializer`.

use std::{fmt, slice};

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::document::Format;
use crate::path::Segment;

use super::super::table::Entry;
use super::super::tree::{Kind, Node, Tree};
use super::enumeration::Variant;
use super::error::Error;
use super::key::KeyDeserializer;
use super::{is_missing, name, within};

/// The names by which a date and time of the `toml` crate asks for one.
const DATETIME: &str = "$__toml_private_Datetime";
const DATETIME_FIELD: &str = "$__toml_private_datetime";

/// Nothing but generated code names it.
#[derive(Clone, Copy)]
pub struct ValueDeserializer<'de> {
    tree: &'de Tree,
    node: &'de Node,
}

impl<'de> ValueDeserializer<'de> {
    pub(in crate::format) fn new(tree: &'de Tree, node: &'de Node) -> Self {
        Self { tree, node }
    }

    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.kind {
            Kind::Null if is_missing(self.node) => Err(Error::missing_field("")),
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => visitor.visit_i64(value),
                (_, Ok(value)) => visitor.visit_u64(value),
                // JSON has one kind of number, so a wide one is a float unless 128 bits are asked for.
                _ if self.tree.format(self.node).is_some_and(Format::is_json) => {
                    visitor.visit_f64(*value as f64)
                }
                _ => visitor.visit_i128(*value),
            },
            Kind::Unsigned(value) if self.tree.format(self.node).is_some_and(Format::is_json) => {
                visitor.visit_f64(*value as f64)
            }
            Kind::Unsigned(value) => visitor.visit_u128(*value),
            Kind::Float(value) => visitor.visit_f64(*value),
            Kind::Text(text) | Kind::Word(text) | Kind::Datetime(text) => visitor.visit_borrowed_str(text),
            Kind::Array(elements) => {
                let mut access = Elements { tree: self.tree, elements: elements.iter().enumerate() };
                let value = visitor.visit_seq(&mut access)?;
                match access.elements.len() {
                    0 => Ok(value),
                    _ => Err(Error::invalid_length(elements.len(), &"fewer elements in array")),
                }
            }
            Kind::Table(entries) => {
                let mut access = Entries { tree: self.tree, entries: entries.iter(), last: None };
                let value = visitor.visit_map(&mut access).map_err(|error| access.blame(error))?;
                match access.entries.len() {
                    0 => Ok(value),
                    _ => Err(Error::invalid_length(entries.len(), &"fewer elements in map")),
                }
            }
        }
    }

    fn wide<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.kind {
            Kind::Integer(value) => within(visitor.visit_i128(*value), self.node),
            Kind::Unsigned(value) => within(visitor.visit_u128(*value), self.node),
            Kind::Word(word) => match (word.trim().parse(), word.trim().parse()) {
                (Ok(value), _) => within(visitor.visit_i128(value), self.node),
                (_, Ok(value)) => within(visitor.visit_u128(value), self.node),
                _ => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }
}

/// What is asked for is read from a text in which it may be written.
macro_rules! from_word {
    ($($deserialize:ident => $visit:ident),* $(,)?) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match &self.node.kind {
                Kind::Word(word) => match word.trim().parse() {
                    Ok(value) => within(visitor.$visit(value), self.node),
                    Err(_) => self.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueDeserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        within(self.visit(visitor), self.node)
    }

    from_word! {
        deserialize_bool => visit_bool,
        deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.wide(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.wide(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        };
        within(value, self.node)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if is_missing(self.node) {
            return self.deserialize_any(visitor);
        }
        within(visitor.visit_newtype_struct(self), self.node)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.kind {
            Kind::Datetime(text) if name == DATETIME => {
                within(visitor.visit_map(Datetime { text: Some(text) }), self.node)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let expected = format!("a variant of `{name}`: a text, or a table with one key");
        let value =
            Variant::of(self.tree, self.node, &expected).and_then(|variant| visitor.visit_enum(variant));
        within(value, self.node)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        within(visitor.visit_unit(), self.node)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier
    }
}

/// The values may be secrets.
impl fmt::Debug for ValueDeserializer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueDeserializer").finish_non_exhaustive()
    }
}

/// Returns a value in serde's words.
pub(super) fn unexpected(node: &Node) -> Unexpected<'_> {
    match &node.kind {
        Kind::Null => Unexpected::Unit,
        Kind::Bool(value) => Unexpected::Bool(*value),
        Kind::Integer(value) => {
            i64::try_from(*value).map_or(Unexpected::Other("integer"), Unexpected::Signed)
        }
        Kind::Unsigned(_) => Unexpected::Other("integer"),
        Kind::Float(value) => Unexpected::Float(*value),
        Kind::Text(text) | Kind::Word(text) | Kind::Datetime(text) => Unexpected::Str(text),
        Kind::Array(_) => Unexpected::Seq,
        Kind::Table(_) => Unexpected::Map,
    }
}

struct Elements<'de> {
    tree: &'de Tree,
    elements: std::iter::Enumerate<slice::Iter<'de, Node>>,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((index, node)) = self.elements.next() else { return Ok(None) };
        within(seed.deserialize(ValueDeserializer::new(self.tree, node)), node)
            .map(Some)
            .map_err(|error| error.under(Segment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

struct Entries<'de> {
    tree: &'de Tree,
    entries: slice::Iter<'de, Entry>,
    last: Option<&'de Entry>,
}

impl Entries<'_> {
    /// A field is found to be there twice as soon as its second key is read.
    fn blame(&self, error: Error) -> Error {
        match self.last {
            Some(last) if error.is_duplicate_without_place() => error.at_key(&last.key, &last.place),
            _ => error,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.last = self.entries.next();
        let Some(entry) = self.last else { return Ok(None) };
        seed.deserialize(KeyDeserializer::new(entry))
            .map(Some)
            .map_err(|error| error.at_key(&entry.key, &entry.place))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(entry) = self.last else {
            return Err(Error::custom("a value was asked for before its key"));
        };
        within(seed.deserialize(ValueDeserializer::new(self.tree, &entry.value)), &entry.value)
            .map_err(|error| error.under(name(&entry.key)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A date and time, as the `toml` crate's own type wants it.
struct Datetime<'de> {
    text: Option<&'de str>,
}

impl<'de> MapAccess<'de> for Datetime<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.text.map(|_| seed.deserialize(BorrowedStrDeserializer::new(DATETIME_FIELD))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(BorrowedStrDeserializer::new(self.text.take().unwrap_or_default()))
    }
}
