//! A value that changes as a whole, and what hides one that must not be shown.

use std::fmt;
use std::ops::Deref;

use super::Diff;
use super::walk::{ChangeKind, Changes, Walker};

/// The change of a value that has no parts: a number, a text, a field marked `#[reload(leaf)]`.
///
/// # Examples
///
/// ```
/// use reloadable::Diff;
///
/// let change = Diff::diff(&20_u16, &30);
/// assert_eq!(change.map(|pool_size| (*pool_size.old, *pool_size.new)), Some((20, 30)));
/// ```
pub struct Leaf<'a, T: ?Sized> {
    /// The older value.
    pub old: &'a T,
    /// The newer value.
    pub new: &'a T,
}

impl<T: ?Sized> Clone for Leaf<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Leaf<'_, T> {}

/// Shows the values as [`Diff::value`] does, without their secrets.
impl<T: Diff + ?Sized> fmt::Debug for Leaf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf")
            .field("old", &format_args!("{}", self.old.value()))
            .field("new", &format_args!("{}", self.new.value()))
            .finish()
    }
}

impl<T: Diff + ?Sized> Changes for Leaf<'_, T> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        walker.marked(self.old.needs_restart(self.new), |walker| {
            walker.entry(ChangeKind::Changed, Some(self.old.value()), Some(self.new.value()));
        });
    }
}

/// The change of a secret. It derefs to the change itself, for the code that needs it, and shows only that it
/// changed when it is printed or serialized.
#[derive(Clone, Copy)]
pub struct Redacted<C>(C);

impl<C> Redacted<C> {
    /// Hides a change.
    pub const fn new(changes: C) -> Self {
        Self(changes)
    }

    /// Gives up the hiding.
    pub fn into_inner(self) -> C {
        self.0
    }
}

impl<C> Deref for Redacted<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> Changes for Redacted<C> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        walker.secret();
    }
}

super::walk::shown!(impl[T: Diff + ?Sized] Display, Serialize for Leaf<'_, T>);
super::walk::shown!(impl[C] Display, Serialize, Debug for Redacted<C>);
