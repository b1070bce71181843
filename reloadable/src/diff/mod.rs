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
#[cfg(feature = "zeroize")]
pub(crate) use self::walk::needs_restart;
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

    /// Makes `self`, the wanted value, keep what cannot change while the program runs: every field marked
    /// `#[reload(restart)]`, at any depth, gets a copy of what `running` has there. All else stays as it is wanted.
    ///
    /// Two values are matched as [`diff`](Self::diff) matches them, so that afterwards no change needs a restart. What
    /// only one of them has, an element, an entry or a variant, is not a running field that changes, and comes and
    /// goes as it is wanted. What is behind an `Arc` that somebody else holds, and in a `Cow`, cannot be changed.
    ///
    /// The provided body keeps nothing, which is right for a type without such fields.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Diff, Reloadable};
    ///
    /// #[derive(Reloadable)]
    /// struct Server {
    ///     #[reload(restart)]
    ///     port: u16,
    ///     workers: u16,
    /// }
    ///
    /// let running = Server { port: 80, workers: 4 };
    /// let mut wanted = Server { port: 8080, workers: 8 };
    /// wanted.hold(&running);
    /// assert_eq!((wanted.port, wanted.workers), (80, 8));
    /// ```
    fn hold(&mut self, running: &Self) {
        let _ = running;
    }

    /// Returns this value as it is shown to people, without its secrets.
    fn value(&self) -> Value<'_>;

    /// Tells of two values that are compared as a whole whether a field within that is marked `#[reload(restart)]` changed.
    #[doc(hidden)]
    fn needs_restart(&self, new: &Self) -> bool {
        let _ = new;
        false
    }

    /// Returns what tells an element from others whose key this value is: a secret tells them apart, and is not shown
    /// (see [`KeyFn`]).
    #[doc(hidden)]
    fn identity(&self) -> Value<'_> {
        self.value()
    }
}
