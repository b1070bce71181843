//! Which names in a table belong to whom, where several stand in it.

use super::{Description, Field, Shape, Tagging};

/// Gathers the names of fields, those of flattened ones included: a map that is flattened beside them gets the others.
pub(crate) fn claim(fields: &[Field], names: &mut Vec<&str>, seen: &mut Vec<&'static str>) {
    for field in fields {
        if field.flatten {
            claim_within((field.describe)(), names, seen);
        } else {
            names.push(field.name);
        }
    }
}

pub(crate) fn claim_within(description: Description, names: &mut Vec<&str>, seen: &mut Vec<&'static str>) {
    if seen.contains(&description.type_name) {
        return;
    }
    seen.push(description.type_name);
    match description.shape {
        Shape::Optional(describe) | Shape::Like(describe) => claim_within(describe(), names, seen),
        Shape::Newtype(field) => claim_within((field.describe)(), names, seen),
        Shape::Struct(fields) => claim(fields, names, seen),
        Shape::Enum(tagging, variants) => {
            if let Tagging::Internal(tag) | Tagging::Adjacent(tag, _) = tagging {
                names.push(tag);
            }
            for variant in variants {
                match (tagging, variant.shape) {
                    (Tagging::External, _) => names.push(variant.name),
                    (Tagging::Adjacent(_, content), _) => names.push(content),
                    (_, Shape::Struct(fields)) => claim(fields, names, seen),
                    (_, Shape::Newtype(field)) => claim_within((field.describe)(), names, seen),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
