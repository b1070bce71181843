//! How generated code shows values and keys of any type.

use std::fmt;

use serde::Serialize;

use crate::describe::Describe;
use crate::diff::Diff;
use crate::value::Value;

/// Shows a value by the best that its type offers. Methods are looked up by the number of references, so
/// `(&&&&&Shown(&value)).shown()` takes the first of the traits below that fits.
#[derive(Debug)]
pub struct Shown<'v, T: ?Sized>(pub &'v T);

macro_rules! shown_by {
    ($($tr:ident for $receiver:ty, [$($bound:tt)*], |$value:ident| $shown:expr;)*) => {$(
        #[doc = "One way to show a value."]
        pub trait $tr<'v> {
            /// Shows it.
            fn shown(&self) -> Value<'v>;
        }

        impl<'v, T: $($bound)* + ?Sized> $tr<'v> for $receiver {
            fn shown(&self) -> Value<'v> {
                let $value = self.0;
                $shown
            }
        }
    )*};
}

shown_by! {
    ShownByDiff for &&&&Shown<'v, T>, [Diff], |value| value.value();
    ShownBySerialize for &&&Shown<'v, T>, [Serialize], |value| Value::of(value);
    ShownByDisplay for &&Shown<'v, T>, [fmt::Display], |value| Value::Text(value.to_string().into());
    ShownByDebug for &Shown<'v, T>, [fmt::Debug], |value| Value::Text(format!("{value:?}").into());
}

/// The way to show what cannot be shown.
pub trait ShownByNothing {
    /// Says so.
    fn shown(&self) -> Value<'static> {
        Value::Opaque
    }
}

impl<T: ?Sized> ShownByNothing for Shown<'_, T> {}

/// Shows the key of an element, or what a function makes of it: `(&&&&&KeyOf(&element.name)).key()`.
#[derive(Debug)]
pub struct KeyOf<T>(pub T);

macro_rules! key_by {
    ($($tr:ident for [$($generics:tt)*] $receiver:ty, |$key:ident| -> $value:ty { $shown:expr })*) => {$(
        #[doc = "One way to show a key."]
        pub trait $tr<'x> {
            /// Shows it.
            fn key(&self) -> $value;
        }

        impl<'x, $($generics)*> $tr<'x> for $receiver {
            fn key(&self) -> $value {
                let $key = &self.0;
                $shown
            }
        }
    )*};
}

key_by! {
    KeyByReference for [T: Diff + ?Sized] &&&&KeyOf<&'x T>, |key| -> Value<'x> { key.identity() }
    KeyByValue for [T: Diff] &&&KeyOf<T>, |key| -> Value<'static> { key.identity().into_owned() }
    KeyBySerialize for [T: Serialize] &&KeyOf<T>, |key| -> Value<'static> { Value::of(key) }
    KeyByDisplay for [T: fmt::Display] &KeyOf<T>, |key| -> Value<'static> { Value::Text(key.to_string().into()) }
}

/// A step on the way to a key. Its own function wins over that of [`Straight`], as explained at [`Known`](super::Known).
#[derive(Debug)]
pub struct Through<'x, T: ?Sized>(pub &'x T);

impl<'x, T> Through<'x, Option<T>> {
    /// Goes on with what is within the option.
    pub fn step(self, onwards: impl FnOnce(&'x T) -> Value<'x>) -> Value<'x> {
        self.0.as_ref().map_or(Value::Null, onwards)
    }
}

/// A step that leads through no option.
pub trait Straight<'x> {
    /// What is stepped through.
    type Value: ?Sized + 'x;

    /// Goes on with the value.
    fn step(self, onwards: impl FnOnce(&'x Self::Value) -> Value<'x>) -> Value<'x>;
}

impl<'x, T: ?Sized + 'x> Straight<'x> for Through<'x, T> {
    type Value = T;

    fn step(self, onwards: impl FnOnce(&'x T) -> Value<'x>) -> Value<'x> {
        onwards(self.0)
    }
}

/// Hides the key of an element if one of the `ways` that lead to its parts leads to a secret: elements are matched by
/// it as by any other, but never named by it.
#[must_use]
pub fn withheld<'x, T: Describe + ?Sized>(ways: &[&[&str]], key: Value<'x>) -> Value<'x> {
    let description = T::describe();
    // A part that is a secret by its type hides the others as well.
    let holds_hidden = matches!(&key, Value::List(parts) if parts.iter().any(is_hidden));
    if holds_hidden || ways.iter().any(|way| description.is_secret(way)) { key.hidden() } else { key }
}

fn is_hidden(key: &Value<'_>) -> bool {
    matches!(key, Value::List(parts) if parts.contains(&Value::Secret))
}

/// A key that cannot be shown; such code does not compile.
pub trait KeyByNothing {
    /// What the key is.
    type Key;

    /// Asks for a key that can be shown.
    fn key(&self) -> Value<'static>
    where
        Self::Key: ShownKey,
    {
        Value::Null
    }
}

impl<T> KeyByNothing for KeyOf<T> {
    type Key = T;
}

/// Is implemented for nothing: it is there for its message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shown as a key",
    label = "a key derives `Reloadable`, or implements `Serialize` or `Display`"
)]
pub trait ShownKey {}
