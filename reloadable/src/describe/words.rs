//! A type in words, for people who write the file.

use super::{Description, Field, Shape, Tagging, Variant};

/// How many types within types are told.
const DEPTH: usize = 4;

impl Description {
    /// Says what stands in the file: `list of integers`.
    pub(crate) fn words(self) -> String {
        words(self.shape, DEPTH)
    }
}

impl Field {
    /// Says what stands in the file, where the field is.
    pub(crate) fn words(&self) -> String {
        field_words(self, DEPTH)
    }
}

/// What is not spelled out.
const VALUE: &str = "value";

fn field_words(field: &Field, depth: usize) -> String {
    if field.opaque {
        "value in a form of its own".to_owned()
    } else {
        words((field.describe)().shape, depth)
    }
}

fn words(shape: Shape, depth: usize) -> String {
    let Some(depth) = depth.checked_sub(1) else { return VALUE.to_owned() };
    match shape {
        Shape::Bool => "true or false".to_owned(),
        Shape::Integer { min, max } => integer(min, max),
        Shape::Float => "number".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Optional(describe) | Shape::Like(describe) => words(describe().shape, depth),
        Shape::Newtype(field) => field_words(field, depth),
        Shape::Sequence(describe) => format!("list of {}", plural(&words(describe().shape, depth))),
        Shape::Map(describe) => format!("table of {}", plural(&words(describe().shape, depth))),
        Shape::Tuple([]) => "nothing".to_owned(),
        Shape::Tuple(fields) => {
            let fields: Vec<_> =
                fields.iter().filter(|field| !field.skip).map(|field| field_words(field, depth)).collect();
            format!("list of {}: {}", fields.len(), fields.join(", "))
        }
        Shape::Struct(fields) if is_builtin(fields) => {
            let names: Vec<_> = fields.iter().map(|field| field.name).collect();
            format!("table with {}", names.join(", "))
        }
        Shape::Struct(_) => "table".to_owned(),
        Shape::Enum(tagging, variants) => enumeration(tagging, variants, depth),
        Shape::Opaque => VALUE.to_owned(),
    }
}

/// The derive tells what Rust calls a field. The types of std do not: they are tables of two numbers or so, for which
/// one line is enough.
pub(crate) fn is_builtin(fields: &[Field]) -> bool {
    !fields.is_empty() && fields.iter().all(|field| field.member.is_empty())
}

fn plural(words: &str) -> String {
    for noun in ["integer", "number", "text", "list", "table", "value"] {
        if let Some(rest) = words.strip_prefix(noun) {
            return format!("{noun}s{rest}");
        }
    }
    words.to_owned()
}

/// The bounds of wide numbers help nobody.
fn integer(min: i128, max: u128) -> String {
    match (min, max) {
        (min, max) if max <= u128::from(u32::MAX) => format!("integer from {min} to {max}"),
        (0.., _) => format!("integer from {min}"),
        _ => "integer".to_owned(),
    }
}

fn enumeration(tagging: Tagging, variants: &[Variant], depth: usize) -> String {
    let named = variants.iter().filter(|variant| !variant.skip);
    let words: Vec<_> = named
        .map(|variant| {
            if tagging == Tagging::Untagged || variant.untagged {
                words(variant.shape, depth)
            } else if tagging == Tagging::External && !matches!(variant.shape, Shape::Tuple([])) {
                format!("table `{}`", variant.name)
            } else {
                format!("{:?}", variant.name)
            }
        })
        .collect();
    let list = words.join(" or ");
    match tagging {
        Tagging::Internal(tag) | Tagging::Adjacent(tag, _) => format!("table with `{tag}` {list}"),
        _ => list,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU64;
    use std::time::Duration;

    use super::super::Describe;

    #[test]
    fn types_are_told_in_words() {
        for (words, expected) in [
            (u16::describe().words(), "integer from 0 to 65535"),
            (i64::describe().words(), "integer"),
            (NonZeroU64::describe().words(), "integer from 1"),
            (Option::<Vec<f32>>::describe().words(), "list of numbers"),
            (BTreeMap::<String, Vec<bool>>::describe().words(), "table of lists of true or false"),
            (Duration::describe().words(), "table with secs, nanos"),
            (<(String, u8)>::describe().words(), "list of 2: text, integer from 0 to 255"),
            (Vec::<Vec<Vec<Vec<Vec<u8>>>>>::describe().words(), "list of lists of lists of lists of values"),
        ] {
            assert_eq!(words, expected);
        }
    }
}
