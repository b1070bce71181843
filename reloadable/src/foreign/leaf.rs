//! A type of another crate that changes as a whole.

/// Implements `Describe`, `Validate` and `Diff` for a type that has no parts: what it looks like in a file, which
/// values are the same, and how one is shown.
macro_rules! leaf {
    ($(impl[$($generics:tt)*] for $ty:ty { shape: $shape:expr, same: $same:expr, shown: $shown:expr $(,)? })+) => {$(
        impl<$($generics)*> $crate::describe::Describe for $ty {
            fn describe() -> $crate::describe::Description {
                $crate::describe::Description::new(std::any::type_name::<Self>(), $shape)
            }
        }

        impl<$($generics)*> $crate::validate::Validate for $ty {
            const TRIVIAL: bool = true;
        }

        impl<$($generics)*> $crate::diff::Diff for $ty {
            type Changes<'a> = $crate::diff::Leaf<'a, Self> where Self: 'a;

            fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
                let same: fn(&Self, &Self) -> bool = $same;
                (!same(self, new)).then_some($crate::diff::Leaf { old: self, new })
            }

            fn value(&self) -> $crate::value::Value<'_> {
                let shown: for<'v> fn(&'v Self) -> $crate::value::Value<'v> = $shown;
                shown(self)
            }
        }
    )+};
}
pub(super) use leaf;

/// Returns what `Display` writes.
#[cfg(any(
    feature = "chrono",
    feature = "http",
    feature = "ipnet",
    feature = "jiff",
    feature = "semver",
    feature = "toml",
    feature = "uuid",
))]
pub(super) fn text<T: std::fmt::Display>(value: &T) -> crate::value::Value<'_> {
    crate::value::Value::Text(value.to_string().into())
}
