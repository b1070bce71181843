//! Where the secrets of a type are, as far as it says so.

use std::any::type_name;

use super::{Describe, Description, Field, Shape};

/// Describes a map of type `M`. Where its keys are secrets it is one as a whole: a key is a name in the paths of what
/// stands beneath it.
pub(crate) fn map<M: ?Sized, K: Describe, V: Describe>() -> Description {
    // Another name than that of the map, which it stands within.
    fn entries<K, V: Describe>() -> Description {
        Description::new(type_name::<[(K, V)]>(), Shape::Map(V::describe))
    }
    let shape = if K::describe().holds_secret() {
        Shape::Newtype(const { &Field::new("", entries::<K, V>).secret() })
    } else {
        Shape::Map(V::describe)
    };
    Description::new(type_name::<M>(), shape)
}

#[doc(hidden)]
impl Description {
    /// Tells whether a key of an element of this type may not be shown: the field to which `members` lead, as Rust
    /// calls them, is a secret or stands within one.
    ///
    /// Where no way is known, as for a key that a function makes, every secret in the type counts.
    #[must_use]
    pub fn is_secret(self, members: &[&str]) -> bool {
        let Some((first, rest)) = members.split_first() else { return self.holds_secret() };
        if self.secrets.contains(first) {
            return true;
        }
        let fields = match self.shape {
            Shape::Optional(describe) => return describe().is_secret(members),
            Shape::Struct(fields) | Shape::Tuple(fields) => fields,
            Shape::Newtype(field) => std::slice::from_ref(field),
            _ => &[],
        };
        match fields.iter().find(|field| field.member == *first) {
            Some(field) => field.secret || (!rest.is_empty() && (field.describe)().is_secret(rest)),
            None => !rest.is_empty() && self.holds_secret(),
        }
    }

    /// Tells whether there is a secret within.
    pub(crate) fn holds_secret(self) -> bool {
        holds_secret(self, &mut Vec::new())
    }
}

impl Shape {
    /// Tells whether there is a secret within.
    pub(crate) fn holds_secret(self) -> bool {
        shape_holds_secret(self, &mut Vec::new())
    }
}

/// Tells whether one of these fields is a secret or has one within.
pub(crate) fn hold_secret(fields: &[Field]) -> bool {
    fields_hold_secret(fields, &mut Vec::new())
}

fn holds_secret(description: Description, seen: &mut Vec<&'static str>) -> bool {
    if seen.contains(&description.type_name) {
        return false;
    }
    seen.push(description.type_name);
    !description.secrets.is_empty()
        || shape_holds_secret(description.shape, seen)
        || fields_hold_secret(description.converted, seen)
}

fn fields_hold_secret(fields: &[Field], seen: &mut Vec<&'static str>) -> bool {
    fields.iter().any(|field| field_holds_secret(field, seen))
}

fn field_holds_secret(field: &Field, seen: &mut Vec<&'static str>) -> bool {
    field.secret || (!field.skip && holds_secret((field.describe)(), seen))
}

fn shape_holds_secret(shape: Shape, seen: &mut Vec<&'static str>) -> bool {
    match shape {
        Shape::Optional(describe)
        | Shape::Sequence(describe)
        | Shape::Map(describe)
        | Shape::Like(describe) => holds_secret(describe(), seen),
        Shape::Newtype(field) => field_holds_secret(field, seen),
        Shape::Struct(fields) | Shape::Tuple(fields) => fields_hold_secret(fields, seen),
        Shape::Enum(_, variants) => variants.iter().any(|variant| {
            shape_holds_secret(variant.shape, seen) || fields_hold_secret(variant.converted, seen)
        }),
        _ => false,
    }
}
