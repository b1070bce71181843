//! Whether a value may be of a type, as far as the value is shown.

use std::borrow::Cow;

use super::{Field, Shape, Variant};
use crate::value::Value;

pub(crate) type Entries<'v> = [(Cow<'v, str>, Value<'v>)];

pub(crate) fn entry<'e, 'v>(entries: &'e Entries<'v>, name: &str) -> Option<&'e Value<'v>> {
    entries.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

pub(crate) fn is_tag(entries: &Entries<'_>, tag: &str, variant: &Variant) -> bool {
    matches!(entry(entries, tag), Some(Value::Text(name)) if name == variant.name)
}

/// Tells whether a value may be of this shape.
pub(crate) fn fits(shape: Shape, value: &Value<'_>) -> bool {
    let field_fits = |field: &Field, value: &Value<'_>| fits((field.describe)().shape, value);
    let shown = |fields: &'static [Field]| fields.iter().filter(|field| !field.skip && !field.left_out);
    match (shape, value) {
        (_, Value::Secret | Value::Opaque) | (Shape::Opaque, _) => true,
        (Shape::Bool, Value::Bool(_))
        | (Shape::Integer { .. }, Value::Integer(_) | Value::Unsigned(_))
        | (Shape::Float, Value::Float(_) | Value::Float32(_))
        | (Shape::Text, Value::Text(_))
        | (Shape::Struct(_), Value::Duration(_))
        | (Shape::Optional(_) | Shape::Tuple([]), Value::Null)
        | (Shape::Enum(..), Value::Text(_) | Value::Table(_)) => true,
        (Shape::Optional(describe) | Shape::Like(describe), value) => fits(describe().shape, value),
        (Shape::Newtype(field), value) => field_fits(field, value),
        (Shape::Sequence(describe), Value::List(values)) => {
            values.iter().all(|value| fits(describe().shape, value))
        }
        (Shape::Map(describe), Value::Table(entries)) => {
            entries.iter().all(|(_, value)| fits(describe().shape, value))
        }
        (Shape::Tuple(fields), Value::List(values)) => {
            shown(fields).count() == values.len()
                && shown(fields).zip(values).all(|(field, value)| field_fits(field, value))
        }
        (Shape::Struct(fields), Value::Table(entries)) => {
            let is_open = fields.iter().any(|field| field.flatten);
            let own = || shown(fields).filter(|field| !field.flatten);
            (is_open || own().count() == entries.len())
                && own().all(|field| entry(entries, field.name).is_some_and(|value| field_fits(field, value)))
        }
        _ => false,
    }
}
