//! What of a value can be written in a file, and how.

use crate::describe::{Shape, entry, fits};
use crate::value::Value;

/// Tells whether all of a value is shown, passwords in URLs included.
pub(super) fn is_whole(value: &Value<'_>) -> bool {
    match value {
        Value::Secret | Value::Opaque => false,
        Value::Text(text) => !text.contains(":***@"),
        Value::List(values) => values.iter().all(is_whole),
        Value::Table(entries) => entries.iter().all(|(_, value)| is_whole(value)),
        _ => true,
    }
}

/// Tells whether every format has a way to write a value.
pub(super) fn is_common(value: &Value<'_>) -> bool {
    match value {
        Value::Null => false,
        Value::Float(value) => value.is_finite(),
        Value::Float32(value) => value.is_finite(),
        Value::List(values) => values.iter().all(is_common),
        Value::Table(entries) => entries.iter().all(|(_, value)| is_common(value)),
        _ => true,
    }
}

/// Tells whether the fields of a flattened struct are among the names of a table.
pub(super) fn fits_among_others(shape: Shape, value: &Value<'_>) -> bool {
    let (Shape::Struct(fields), Value::Table(entries)) = (shape, value) else { return false };
    let own = fields.iter().filter(|field| !field.skip && !field.left_out && !field.flatten);
    own.into_iter()
        .all(|field| entry(entries, field.name).is_some_and(|value| fits((field.describe)().shape, value)))
}

/// Returns the form in which most conversions write a value.
pub(super) fn guess<'v>(value: &Value<'v>) -> Value<'v> {
    let Value::Duration(duration) = value else { return value.clone() };
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(nanos / 1_000_000), "ms"),
        (u64::from(nanos / 1000 % 1000), "us"),
        (u64::from(nanos % 1000), "ns"),
    ];
    let told: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    Value::Text(if told.is_empty() { "0s".into() } else { told.join(" ").into() })
}
