//! Rules look through what only points at a value.

/// Implements a rule's trait for references, `Box`, `Arc` and `Cow` of `T`; the items are those of the
/// implementation, and `**self` is the value within.
macro_rules! through_pointers {
    ($rule:ident { $($items:tt)* }) => {
        impl<T: $rule + ?Sized> $rule for &T { $($items)* }
        impl<T: $rule + ?Sized> $rule for Box<T> { $($items)* }
        impl<T: $rule + ?Sized> $rule for std::sync::Arc<T> { $($items)* }
        impl<T: $rule + ToOwned + ?Sized> $rule for std::borrow::Cow<'_, T> { $($items)* }
    };
}
pub(super) use through_pointers;
