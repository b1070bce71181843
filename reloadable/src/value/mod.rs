//! A value as it is shown to people: in diffs, in reports and on status pages.

mod serialize;

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::ser::{SerializeMap as _, SerializeStruct as _};
use serde::{Serialize, Serializer};

/// A value as it is shown to people, in the shape that it has in the file. It borrows what it can.
///
/// [`Display`](fmt::Display) writes it on one line. [`Serialize`] writes it as serde writes the type itself, with
/// two exceptions: a secret is `"***"`, and a value that cannot be shown is `"(not shown)"`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing: `None`, `()` or a unit struct.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number up to `i128::MAX`.
    Integer(i128),
    /// A whole number above `i128::MAX`.
    Unsigned(u128),
    /// A number of 32 bits; apart from [`Value::Float`] so that `0.1` stays `0.1`.
    Float32(f32),
    /// A number of 64 bits.
    Float(f64),
    /// A text, or whatever is best shown as one.
    Text(Cow<'a, str>),
    /// A span of time.
    Duration(Duration),
    /// Values in a row.
    List(Vec<Value<'a>>),
    /// Values by name, in the order of the declaration or of the map.
    Table(Vec<(Cow<'a, str>, Value<'a>)>),
    /// A secret: never shown.
    Secret,
    /// A value whose type says nothing about how to show it.
    Opaque,
}

/// The name by which a secret tells this library, and no other, that it is one.
pub(crate) const SECRET: &str = "$__reloadable_private_Secret";

/// What stands for a secret wherever one would be printed.
pub(crate) const REDACTED: &str = "***";

impl<'a> Value<'a> {
    /// Returns the text by which this value serves as a key: a text without its quotes, all else as printed.
    #[must_use]
    pub fn into_key(self) -> Cow<'a, str> {
        match self {
            Value::Text(text) => text,
            other => Cow::Owned(other.to_string()),
        }
    }

    /// Makes a key of which elements are matched by every part and named by none.
    pub(crate) fn hidden(self) -> Self {
        let parts = match self {
            Value::Null => return Value::Null,
            Value::List(parts) => parts,
            key => vec![key],
        };
        let mut hidden = vec![Value::Secret];
        for part in parts {
            match part {
                Value::List(inner) if inner.contains(&Value::Secret) => {
                    hidden.extend(inner.into_iter().filter(|part| *part != Value::Secret));
                }
                part => hidden.push(part),
            }
        }
        Value::List(hidden)
    }

    /// Tells whether all of it is shown, so that two values that look alike are equal.
    pub(crate) fn is_shown(&self) -> bool {
        match self {
            Value::Secret | Value::Opaque => false,
            Value::List(values) => values.iter().all(Value::is_shown),
            Value::Table(entries) => entries.iter().all(|(_, value)| value.is_shown()),
            _ => true,
        }
    }

    /// Tells whether a secret is in it.
    #[cfg(feature = "tokio")]
    pub(crate) fn holds_secret(&self) -> bool {
        match self {
            Value::Secret => true,
            Value::List(values) => values.iter().any(Value::holds_secret),
            Value::Table(entries) => entries.iter().any(|(_, value)| value.holds_secret()),
            _ => false,
        }
    }

    /// Returns a number that is the same wherever the same values are, by FNV-1a over what is printed (Fowler, Noll, Vo,
    /// with 64 bits). Secrets have no part in it.
    #[cfg(feature = "tokio")]
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut out = Fnv(0xcbf2_9ce4_8422_2325);
        // It takes everything.
        let _ = write!(out, "{self}");
        out.0
    }

    /// Returns a value that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(value),
            Value::Integer(value) => Value::Integer(value),
            Value::Unsigned(value) => Value::Unsigned(value),
            Value::Float32(value) => Value::Float32(value),
            Value::Float(value) => Value::Float(value),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Duration(value) => Value::Duration(value),
            Value::List(values) => Value::List(values.into_iter().map(Value::into_owned).collect()),
            Value::Table(entries) => Value::Table(
                entries
                    .into_iter()
                    .map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned()))
                    .collect(),
            ),
            Value::Secret => Value::Secret,
            Value::Opaque => Value::Opaque,
        }
    }

    /// Returns how this value is printed within `limit` characters; a longer one ends in `..`.
    pub(crate) fn shortened(&self, limit: usize) -> String {
        let mut out = Limited { text: String::new(), left: limit };
        if write!(out, "{self}").is_err() {
            out.text.push_str("..");
        }
        out.text
    }
}

#[cfg(feature = "tokio")]
struct Fnv(u64);

#[cfg(feature = "tokio")]
impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

/// Ends the writing of a large value early instead of cutting a large text afterwards.
struct Limited {
    text: String,
    left: usize,
}

impl fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("none"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Unsigned(value) => write!(f, "{value}"),
            Value::Float32(value) => write!(f, "{value:?}"),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Duration(value) => write!(f, "{value:?}"),
            Value::List(values) => {
                f.write_str("[")?;
                for (nth, value) in values.iter().enumerate() {
                    if nth > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{value}")?;
                }
                f.write_str("]")
            }
            Value::Table(entries) => {
                f.write_str("{")?;
                for (nth, (name, value)) in entries.iter().enumerate() {
                    if nth > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{name} = {value}")?;
                }
                f.write_str("}")
            }
            Value::Secret => f.write_str(REDACTED),
            Value::Opaque => f.write_str("(not shown)"),
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            // Not every format knows 128 bits, so the narrowest type that holds the number is used.
            Value::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => serializer.serialize_i128(*value),
            },
            Value::Unsigned(value) => serializer.serialize_u128(*value),
            Value::Float32(value) => serializer.serialize_f32(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Duration(value) => {
                let mut duration = serializer.serialize_struct("Duration", 2)?;
                duration.serialize_field("secs", &value.as_secs())?;
                duration.serialize_field("nanos", &value.subsec_nanos())?;
                duration.end()
            }
            Value::List(values) => serializer.collect_seq(values),
            Value::Table(entries) => {
                let mut table = serializer.serialize_map(Some(entries.len()))?;
                for (name, value) in entries {
                    table.serialize_entry(name, value)?;
                }
                table.end()
            }
            Value::Secret => serializer.serialize_str(REDACTED),
            Value::Opaque => serializer.serialize_str("(not shown)"),
        }
    }
}

impl Value<'static> {
    /// Returns what serde makes of `value`; [`Value::Opaque`] where its `Serialize` fails.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        value.serialize(serialize::ToValue::new()).unwrap_or(Value::Opaque)
    }
}
