//! Values behind a pointer, which count as the value.

use std::borrow::Cow;
use std::sync::Arc;

use super::Diff;
use super::walk::{Changes, Walker};
use crate::value::Value;

impl<C: Changes + ?Sized> Changes for Box<C> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        (**self).walk(walker);
    }
}

/// The changes are boxed as the value is, so that a type which contains itself has changes that contain themselves.
impl<T: Diff + ?Sized> Diff for Box<T> {
    type Changes<'a>
        = Box<T::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        (**self).diff(new).map(Box::new)
    }

    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

/// The changes are boxed, as those of a `Box` are. Two pointers to one value are equal without a look at it.
impl<T: Diff + ?Sized> Diff for Arc<T> {
    type Changes<'a>
        = Box<T::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        if Self::ptr_eq(self, new) {
            return None;
        }
        (**self).diff(new).map(Box::new)
    }

    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<B: Diff + ToOwned + ?Sized> Diff for Cow<'_, B> {
    type Changes<'a>
        = B::Changes<'a>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        (**self).diff(new)
    }

    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_counts_as_its_value() {
        let (old, new): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        assert_eq!(old.diff(&new).map(|change| change.new), Some("b"));
        assert!(old.diff(&Arc::from("a")).is_none());
        assert!(old.diff(&old.clone()).is_none());
        let (old, new) = (Cow::Borrowed("a"), Cow::Owned::<str>("a".to_owned()));
        assert!(old.diff(&new).is_none());
        let (old, new): (Box<[u8]>, Box<[u8]>) = ([1].into(), [2].into());
        assert_eq!(old.diff(&new).map(|changes| changes.to_string()).as_deref(), Some("[0]: 1 -> 2"));
    }
}
