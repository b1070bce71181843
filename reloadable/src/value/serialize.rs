//! From serde's data model to a [`Value`].

use std::borrow::Cow;
use std::fmt;

use serde::ser::{self, Serialize};

use super::{SECRET, Value};

/// Turns whatever is serialized into a [`Value`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ToValue {
    /// How many more levels there may be.
    left: usize,
}

/// How many levels a value may have: what a program holds may be a list without end, and each level takes of the stack.
const LEVELS: usize = 256;

impl ToValue {
    pub(super) fn new() -> Self {
        Self { left: LEVELS }
    }

    fn deeper(self) -> Result<Self, NotShown> {
        self.left.checked_sub(1).map(|left| Self { left }).ok_or(NotShown)
    }
}

type Shown = Value<'static>;

/// Says that a value's own `Serialize` gave up; why does not matter, the value is then not shown.
#[derive(Debug)]
pub(super) struct NotShown;

impl fmt::Display for NotShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be shown")
    }
}

impl std::error::Error for NotShown {}

impl ser::Error for NotShown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

fn text(text: impl Into<String>) -> Shown {
    Value::Text(Cow::Owned(text.into()))
}

fn tagged(variant: &'static str, value: Shown) -> Shown {
    Value::Table(vec![(Cow::Borrowed(variant), value)])
}

macro_rules! integers {
    ($($method:ident: $ty:ty),* $(,)?) => {$(
        fn $method(self, value: $ty) -> Result<Shown, NotShown> {
            Ok(Value::Integer(value.into()))
        }
    )*};
}

impl ser::Serializer for ToValue {
    type Ok = Shown;
    type Error = NotShown;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    fn serialize_u128(self, value: u128) -> Result<Shown, NotShown> {
        Ok(i128::try_from(value).map_or(Value::Unsigned(value), Value::Integer))
    }

    fn serialize_bool(self, value: bool) -> Result<Shown, NotShown> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Shown, NotShown> {
        Ok(Value::Float32(value))
    }

    fn serialize_f64(self, value: f64) -> Result<Shown, NotShown> {
        Ok(Value::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<Shown, NotShown> {
        Ok(text(value))
    }

    fn serialize_str(self, value: &str) -> Result<Shown, NotShown> {
        Ok(text(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Shown, NotShown> {
        Ok(Value::List(value.iter().map(|byte| Value::Integer(i128::from(*byte))).collect()))
    }

    fn serialize_none(self) -> Result<Shown, NotShown> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shown, NotShown> {
        value.serialize(self.deeper()?)
    }

    fn serialize_unit(self) -> Result<Shown, NotShown> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Shown, NotShown> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Shown, NotShown> {
        Ok(Value::Text(Cow::Borrowed(variant)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Shown, NotShown> {
        // What stands for a secret must not be taken for its value.
        if name == SECRET { Ok(Value::Secret) } else { value.serialize(self.deeper()?) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Shown, NotShown> {
        Ok(tagged(variant, value.serialize(self.deeper()?)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, NotShown> {
        Items::new(self, None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, NotShown> {
        Items::new(self, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, NotShown> {
        Items::new(self, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, NotShown> {
        Items::new(self, Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, NotShown> {
        Entries::new(self, None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, NotShown> {
        Entries::new(self, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, NotShown> {
        Entries::new(self, Some(variant))
    }
}

/// The elements of a sequence or tuple, as far as they have come.
pub(super) struct Items {
    within: ToValue,
    variant: Option<&'static str>,
    items: Vec<Shown>,
}

impl Items {
    fn new(around: ToValue, variant: Option<&'static str>) -> Result<Self, NotShown> {
        Ok(Self { within: around.deeper()?, variant, items: Vec::new() })
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotShown> {
        self.items.push(value.serialize(self.within)?);
        Ok(())
    }

    fn finish(self) -> Shown {
        let list = Value::List(self.items);
        match self.variant {
            Some(variant) => tagged(variant, list),
            None => list,
        }
    }
}

/// The entries of a map or struct, as far as they have come.
pub(super) struct Entries {
    within: ToValue,
    variant: Option<&'static str>,
    key: Cow<'static, str>,
    entries: Vec<(Cow<'static, str>, Shown)>,
}

impl Entries {
    fn new(around: ToValue, variant: Option<&'static str>) -> Result<Self, NotShown> {
        Ok(Self { within: around.deeper()?, variant, key: Cow::Borrowed(""), entries: Vec::new() })
    }

    fn push<T: Serialize + ?Sized>(&mut self, key: Cow<'static, str>, value: &T) -> Result<(), NotShown> {
        self.entries.push((key, value.serialize(self.within)?));
        Ok(())
    }

    fn finish(self) -> Shown {
        let table = Value::Table(self.entries);
        match self.variant {
            Some(variant) => tagged(variant, table),
            None => table,
        }
    }
}

macro_rules! sequences {
    ($($tr:ident $method:ident),* $(,)?) => {$(
        impl ser::$tr for Items {
            type Ok = Shown;
            type Error = NotShown;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotShown> {
                self.push(value)
            }

            fn end(self) -> Result<Shown, NotShown> {
                Ok(self.finish())
            }
        }
    )*};
}

sequences! {
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field,
}

macro_rules! structures {
    ($($tr:ident),* $(,)?) => {$(
        impl ser::$tr for Entries {
            type Ok = Shown;
            type Error = NotShown;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotShown> {
                self.push(Cow::Borrowed(key), value)
            }

            fn end(self) -> Result<Shown, NotShown> {
                Ok(self.finish())
            }
        }
    )*};
}

structures! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Entries {
    type Ok = Shown;
    type Error = NotShown;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotShown> {
        self.key = key.serialize(self.within)?.into_key();
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotShown> {
        let key = std::mem::take(&mut self.key);
        self.push(key, value)
    }

    fn end(self) -> Result<Shown, NotShown> {
        Ok(self.finish())
    }
}
