//! The typed difference of two values.

pub(crate) mod touched;
pub(crate) mod walk;
mod leaf;
mod scalar;
mod option;
mod sequence;
pub(crate) mod map;
pub(crate) mod set;
mod keyed;
mod pointer;
mod tuple;
mod rules;

use crate::describe::Describe;
use crate::validate::Validate;
use crate::value::Value;

pub use self::keyed::{KeyFn, Keyed, KeyedChanges, KeyedElement, KeyedModified, KeyedMoved, Order};
pub use self::leaf::{Leaf, Redacted};
pub use self::map::MapChanges;
pub use self::option::OptionChanges;
pub use self::sequence::SequenceChanges;
pub use self::set::{AsSet, Member, SetChanges};
pub use self::tuple::TupleChanges;
pub use self::walk::{ChangeKind, Changes, Entry, Step, Walker};
pub(crate) use self::walk::{lines, list};

/// A value that can be compared with a newer one of its type, field by field.
///
/// `#[derive(Reloadable)]` implements it. The comparison is total: it is `None` exactly when nothing changed, where
/// NaN equals NaN, `-0.0` equals `0.0`, and what the derive was told to leave out does not count.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared field by field",
    label = "derive `Reloadable` on it or mark the field `#[reload(leaf)]`",
    note = "`#[reload(leaf)]` compares with `PartialEq`, `#[reload(leaf, by = path)]` compares what a function makes of it, `#[reload(skip)]` leaves it out"
)]
pub trait Diff: Describe + Validate {
    /// What changed between two values: it borrows from both.
    type Changes<'a>: Changes
    where
        Self: 'a;

    /// Compares `self`, the older value, with `new`. Equal values give `None` and allocate nothing.
    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>>;

    fn hold(&mut self, running: &Self) {
        let _ = running;
    }

    /// Returns this value as it is shown to people, without its secrets.
    fn value(&self) -> Value<'_>;

    /// Returns what tells an element from others whose key this value is: a secret tells them apart, and is not shown
    /// (see [`KeyFn`]).
    #[doc(hidden)]
    fn identity(&self) -> Value<'_> {
        self.value()
    }
}
