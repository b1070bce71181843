//! Tuples, place by place.

use super::Diff;
use super::walk::{Changes, Walker};
use crate::path::Segment;
use crate::value::Value;

/// The changes of a tuple: a tuple of the changes at each place, where there are any.
///
/// # Examples
///
/// ```
/// use reloadable::{Diff, TupleChanges};
///
/// let (old, new) = (("localhost".to_owned(), 80_u16), ("localhost".to_owned(), 81));
/// if let Some(TupleChanges((host, port))) = old.diff(&new) {
///     assert!(host.is_none());
///     assert_eq!(port.map(|port| *port.new), Some(81));
/// }
/// ```
#[derive(Clone, Copy)]
pub struct TupleChanges<C>(pub C);

macro_rules! tuples {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] ($name:ident $at:tt) $($rest:tt)*) => {
        tuple! { $($done)* ($name $at) }
        tuples! { [$($done)* ($name $at)] $($rest)* }
    };
}

macro_rules! tuple {
    ($(($name:ident $at:tt))*) => {
        impl<$($name: Changes),*> Changes for TupleChanges<($(Option<$name>,)*)> {
            fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
                $(if let Some(changes) = &self.0.$at {
                    walker.within(Segment::Index($at), changes);
                })*
            }
        }

        super::walk::shown!(
            impl[$($name: Changes),*] Display, Serialize, Debug for TupleChanges<($(Option<$name>,)*)>
        );

        impl<$($name: Diff),*> Diff for ($($name,)*) {
            type Changes<'a> = TupleChanges<($(Option<$name::Changes<'a>>,)*)> where Self: 'a;

            fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
                let changes = ($(self.$at.diff(&new.$at),)*);
                let equal = true $(&& changes.$at.is_none())*;
                (!equal).then_some(TupleChanges(changes))
            }

            fn hold(&mut self, running: &Self) {
                $(self.$at.hold(&running.$at);)*
            }

            fn value(&self) -> Value<'_> {
                Value::List(vec![$(self.$at.value()),*])
            }
        }
    };
}

tuples! { [] (A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6) (H 7) (I 8) (J 9) (K 10) (L 11) }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_changes_place_by_place() {
        let (old, new) = ((1, true, 'a'), (2, true, 'b'));
        let changes = old.diff(&new).map(|changes| changes.to_string());
        assert_eq!(changes.as_deref(), Some("[0]: 1 -> 2\n[2]: \"a\" -> \"b\""));
        assert!(old.diff(&old).is_none());
        assert_eq!(old.value().to_string(), "[1, true, \"a\"]");
    }
}
