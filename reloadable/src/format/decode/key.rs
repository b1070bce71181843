//! A key of a table as a value: what is not a text is read from it.

use serde::de::{self, Visitor};
use serde::forward_to_deserialize_any;

use super::super::table::Entry;
use super::error::Error;

pub(super) struct KeyDeserializer<'de> {
    entry: &'de Entry,
}

impl<'de> KeyDeserializer<'de> {
    pub(super) fn new(entry: &'de Entry) -> Self {
        Self { entry }
    }

    fn at_key<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at_key(&self.entry.key, &self.entry.place))
    }
}

macro_rules! from_text {
    ($($deserialize:ident => $visit:ident),* $(,)?) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.entry.key.parse() {
                Ok(value) => self.at_key(visitor.$visit(value)),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for KeyDeserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.at_key(visitor.visit_borrowed_str(&self.entry.key))
    }

    from_text! {
        deserialize_bool => visit_bool,
        deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_i128 => visit_i128,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_u128 => visit_u128,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = de::value::BorrowedStrDeserializer::new(&self.entry.key);
        self.at_key(visitor.visit_enum(variant))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
