//! Redaction by type: a value that cannot be printed, and is wiped when it is dropped.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use zeroize::Zeroize;
use zeroize::ZeroizeOnDrop;

use crate::value::{REDACTED, SECRET};

/// A value that is never shown: not in reports, diffs, outcomes, status, or a `Debug` of what holds it.
///
/// It says by its type what `#[reload(secret)]` says on a field, so that it holds wherever the value goes: also where
/// a [subscription](crate::Reloader::subscribe_to) selects the value itself, where your own struct derives `Debug` or
/// `Serialize`, and in a list, an option or a map. Rules on the field work as on `T`, and the field may be the key of a
/// keyed sequence. In the file, it looks as `T` does.
///
/// There is no `Display`, and no `Deref`: what is to be seen in a review is
/// [`expose_secret`](Self::expose_secret). [`Debug`](fmt::Debug) writes `Secret(***)`, and [`Serialize`] writes the
/// text `"***"` whatever `T` is, so that a configuration can be shown as JSON, and *not* written back to its file.
///
/// # What is wiped, and what is not
///
/// The value lies on the heap and is overwritten with zeros when the secret is dropped. So are clones of the secret,
/// each when it is dropped itself. A reloader keeps a snapshot only as long as somebody holds it, so that an old secret
/// goes with its last snapshot. What is not wiped:
///
/// - the document that it was read from, and the text that was parsed out of it, which the snapshot keeps so that each
///   value can be traced to its line; and the file;
/// - what serde and the parser copied on the way, and what a text left behind when it grew;
/// - what was written on the stack before the value was moved into the secret, where `T` holds it in itself, as an
///   array does; a `String` or a `Vec` holds it on the heap;
/// - what you copied after [`expose_secret`](Self::expose_secret).
///
/// Two secrets are compared as two `T` are, which takes longer the more they have in common. Do not compare what a
/// stranger sent with a secret in this way.
///
/// # Examples
///
/// ```
/// use reloadable::{Diff, Reloadable, Secret};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Deserialize, Serialize, Reloadable)]
/// struct App {
///     user: String,
///     #[reload(length(8..))]
///     password: Secret<String>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let old: App = toml::from_str("user = 'root'\npassword = 'correct horse'")?;
/// let new: App = toml::from_str("user = 'root'\npassword = 'battery staple'")?;
/// assert_eq!(new.password.expose_secret(), "battery staple");
///
/// assert_eq!(format!("{new:?}"), r#"App { user: "root", password: Secret(***) }"#);
/// assert_eq!(serde_json::to_string(&new)?, r#"{"user":"root","password":"***"}"#);
/// assert_eq!(old.diff(&new).ok_or("they are equal")?.to_string(), "password: changed");
/// # Ok(())
/// # }
/// ```
///
/// It cannot be printed by accident:
///
/// ```compile_fail
/// let token = reloadable::Secret::new("hunter2".to_owned());
/// println!("{}", token);
/// ```
///
/// ```
/// let token = reloadable::Secret::new("hunter2".to_owned());
/// println!("{}", token.expose_secret());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Secret<T: Zeroize>(Box<T>);

impl<T: Zeroize> Secret<T> {
    /// Makes a secret of a value.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Secret;
    ///
    /// let token = Secret::new(String::from("hunter2"));
    /// assert_eq!(format!("{token:?}"), "Secret(***)");
    /// ```
    pub fn new(value: T) -> Self {
        Self(Box::new(value))
    }

    /// Returns the value. Whatever is done with it from here on is not redacted any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Secret;
    ///
    /// let token: Secret<String> = "hunter2".into();
    /// assert_eq!(token.expose_secret().len(), 7);
    /// ```
    #[must_use]
    pub fn expose_secret(&self) -> &T {
        &self.0
    }

    /// Returns the value, to be changed in place.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Secret;
    ///
    /// let mut token: Secret<String> = "hunter2\n".into();
    /// let trimmed = token.expose_secret().trim_end().len();
    /// token.expose_secret_mut().truncate(trimmed);
    /// assert_eq!(token.expose_secret(), "hunter2");
    /// ```
    #[must_use]
    pub fn expose_secret_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Copies the text, which is not wiped.
impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self::new(value.to_owned())
    }
}

impl<T: Zeroize> Zeroize for Secret<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

/// Writes `Secret(***)`.
impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({REDACTED})")
    }
}

/// Writes the text `***`, whatever the value is.
impl<T: Zeroize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SECRET, REDACTED)
    }
}

/// Reads what `T` reads.
impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

/// Makes a type that exposes what it holds, by `expose_secret`, a secret for the whole library.
macro_rules! redacted {
    ($secret:ident [$($sized:tt)+]) => {
        impl<T: $crate::describe::Describe + Zeroize + $($sized)+> $crate::describe::Describe for $secret<T> {
            fn describe() -> $crate::describe::Description {
                $crate::describe::Description::new(
                    std::any::type_name::<Self>(),
                    $crate::describe::Shape::Newtype(
                        const { &$crate::describe::Field::new("", T::describe).secret() },
                    ),
                )
            }
        }

        impl<T: $crate::validate::Validate + Zeroize + $($sized)+> $crate::validate::Validate for $secret<T> {
            const TRIVIAL: bool = T::TRIVIAL;

            fn normalize(&mut self, report: &mut $crate::report::Reporter<'_>) {
                report.enter(None, true, false);
                self.expose_secret_mut().normalize(report);
                report.leave();
            }

            fn validate(&self, report: &mut $crate::report::Reporter<'_>) {
                report.enter(None, true, false);
                self.expose_secret().validate(report);
                report.leave();
            }
        }

        /// Compares what is exposed, and shows only that it changed.
        impl<T: $crate::diff::Diff + Zeroize + $($sized)+> $crate::diff::Diff for $secret<T> {
            type Changes<'a>
                = $crate::diff::Leaf<'a, Self>
            where
                Self: 'a;

            fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
                let changed = self.expose_secret().diff(new.expose_secret()).is_some();
                changed.then_some($crate::diff::Leaf { old: self, new })
            }

            fn hold(&mut self, running: &Self) {
                self.expose_secret_mut().hold(running.expose_secret());
            }

            fn needs_restart(&self, new: &Self) -> bool {
                let changes = self.expose_secret().diff(new.expose_secret());
                changes.is_some_and(|changes| $crate::diff::needs_restart(&changes))
            }

            fn value(&self) -> $crate::value::Value<'_> {
                $crate::value::Value::Secret
            }

            fn identity(&self) -> $crate::value::Value<'_> {
                self.expose_secret().identity().hidden()
            }
        }

        impl<T: $crate::validate::rules::Length + Zeroize + $($sized)+> $crate::validate::rules::Length
            for $secret<T>
        {
            fn length(&self) -> Option<usize> {
                self.expose_secret().length()
            }

            fn is_secret(&self) -> bool {
                true
            }
        }

        impl<T: $crate::validate::rules::Text + Zeroize + $($sized)+> $crate::validate::rules::Text
            for $secret<T>
        {
            fn text(&self) -> Option<std::borrow::Cow<'_, str>> {
                self.expose_secret().text()
            }

            fn is_secret(&self) -> bool {
                true
            }
        }

        impl<T: $crate::validate::rules::Range + Zeroize + $($sized)+> $crate::validate::rules::Range
            for $secret<T>
        {
            type Bound = T::Bound;

            fn bound(&self) -> Option<T::Bound> {
                self.expose_secret().bound()
            }

            fn write(bound: &T::Bound, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                T::write(bound, f)
            }

            fn is_secret(&self) -> bool {
                true
            }
        }

        impl<T: $crate::validate::rules::OneOf + Zeroize + $($sized)+> $crate::validate::rules::OneOf
            for $secret<T>
        {
            type Choice = T::Choice;

            fn is(&self, choice: &T::Choice) -> bool {
                self.expose_secret().is(choice)
            }

            fn shown(&self) -> Option<$crate::value::Value<'_>> {
                self.expose_secret().shown().map(|_| $crate::value::Value::Secret)
            }

            fn show(choice: &T::Choice) -> $crate::value::Value<'_> {
                T::show(choice)
            }

            fn is_secret(&self) -> bool {
                true
            }
        }

        impl<T: $crate::validate::rules::Each + Zeroize + $($sized)+> $crate::validate::rules::Each
            for $secret<T>
        {
            type Item = T::Item;

            fn items(&self) -> impl Iterator<Item = &T::Item> {
                self.expose_secret().items()
            }

            fn place(index: usize, item: &T::Item) -> $crate::path::Segment {
                T::place(index, item)
            }

            fn is_secret(&self) -> bool {
                true
            }
        }

        impl<T: $crate::validate::rules::Entries + Zeroize + $($sized)+> $crate::validate::rules::Entries
            for $secret<T>
        {
            type Key = T::Key;
            type Value = T::Value;

            fn entries(&self) -> impl Iterator<Item = (&T::Key, &T::Value)> {
                self.expose_secret().entries()
            }

            fn name(key: &T::Key) -> std::borrow::Cow<'_, str> {
                T::name(key)
            }

            fn is_secret(&self) -> bool {
                true
            }
        }
    };
}
#[cfg(feature = "secrecy")]
pub(crate) use redacted;

redacted!(Secret[Sized]);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts how often it is wiped.
    #[derive(Clone, Default)]
    struct Counted(Arc<AtomicUsize>);

    impl Zeroize for Counted {
        fn zeroize(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_secret_and_each_clone_of_it_are_wiped_once_when_they_are_dropped() {
        let wiped = Arc::new(AtomicUsize::new(0));
        let secret = Secret::new(Counted(Arc::clone(&wiped)));
        let clone = secret.clone();
        assert_eq!(wiped.load(Ordering::Relaxed), 0);
        drop(secret);
        assert_eq!(wiped.load(Ordering::Relaxed), 1);
        drop(Some(vec![clone]));
        assert_eq!(wiped.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn wiped_it_holds_nothing() {
        let mut secret = Secret::new((String::from("hunter2"), [1_u8, 2], Some(3_u64)));
        secret.zeroize();
        assert_eq!(secret.expose_secret(), &(String::new(), [0, 0], None));
    }
}
