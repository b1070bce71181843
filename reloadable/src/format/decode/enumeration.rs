//! The variant of an externally tagged enum: a text, or a table with one key.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, Unexpected, VariantAccess, Visitor};

use super::super::table::Entry;
use super::super::tree::{Kind, Node, Tree};
use super::error::Error;
use super::key::KeyDeserializer;
use super::value::ValueDeserializer;
use super::{name, within};

pub(super) enum Variant<'de> {
    /// Only the name.
    Name(&'de str),
    /// The name and what belongs to it.
    Entry(&'de Tree, &'de Entry),
}

impl<'de> Variant<'de> {
    pub(super) fn of(tree: &'de Tree, node: &'de Node, expected: &str) -> Result<Self, Error> {
        match &node.kind {
            Kind::Text(name) | Kind::Word(name) => Ok(Self::Name(name)),
            Kind::Table(entries) => match &**entries {
                [entry] => Ok(Self::Entry(tree, entry)),
                _ => Err(Error::invalid_length(entries.len(), &"a table with one key, the variant's name")),
            },
            _ => Err(Error::invalid_type(super::value::unexpected(node), &expected)),
        }
    }

    fn entry(&self) -> Option<(&'de Tree, &'de Entry)> {
        match *self {
            Self::Name(_) => None,
            Self::Entry(tree, entry) => Some((tree, entry)),
        }
    }

    /// Decodes what belongs to the variant.
    fn content<T>(
        self,
        expected: &'static str,
        decode: impl FnOnce(ValueDeserializer<'de>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some((tree, entry)) = self.entry() else {
            return Err(Error::invalid_type(Unexpected::UnitVariant, &expected));
        };
        within(decode(ValueDeserializer::new(tree, &entry.value)), &entry.value)
            .map_err(|error| error.under(name(&entry.key)))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let value = match &self {
            Self::Name(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Self::Entry(_, entry) => seed
                .deserialize(KeyDeserializer::new(entry))
                .map_err(|error: Error| error.at_key(&entry.key, &entry.place)),
        };
        Ok((value?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    /// TOML has no null, so an empty table is as good.
    fn unit_variant(self) -> Result<(), Error> {
        let Some((_, entry)) = self.entry() else { return Ok(()) };
        match &entry.value.kind {
            Kind::Null => Ok(()),
            Kind::Table(entries) if entries.is_empty() => Ok(()),
            _ => {
                let error = Error::invalid_type(super::value::unexpected(&entry.value), &"unit variant");
                Err(error.within(&entry.value).under(name(&entry.key)))
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.content("newtype variant", |content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.content("tuple variant", |content| content.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content("struct variant", |content| content.deserialize_struct("", fields, visitor))
    }
}
