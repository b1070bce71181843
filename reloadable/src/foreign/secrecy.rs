//! `secrecy::SecretBox` and `SecretString`: secret without `#[reload(secret)]`.

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};

use crate::describe::{Describe, Description, Field, Shape};
use crate::diff::{Diff, Leaf};
use crate::report::Reporter;
use crate::validate::Validate;
use crate::validate::rules::{Length, Text};
use crate::value::Value;

impl<S: Describe + Zeroize + ?Sized> Describe for SecretBox<S> {
    fn describe() -> Description {
        Description::new(
            std::any::type_name::<Self>(),
            Shape::Newtype(const { &Field::new("", S::describe).secret() }),
        )
    }
}

impl<S: Validate + Zeroize + ?Sized> Validate for SecretBox<S> {
    const TRIVIAL: bool = S::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        report.enter(None, true, false);
        self.expose_secret_mut().normalize(report);
        report.leave();
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        report.enter(None, true, false);
        self.expose_secret().validate(report);
        report.leave();
    }
}

/// Compares what is exposed, and shows only that it changed.
impl<S: Diff + Zeroize + ?Sized> Diff for SecretBox<S> {
    type Changes<'a>
        = Leaf<'a, Self>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Leaf<'a, Self>> {
        let changed = self.expose_secret().diff(new.expose_secret()).is_some();
        changed.then_some(Leaf { old: self, new })
    }

    fn value(&self) -> Value<'_> {
        Value::Secret
    }
}

impl<S: Length + Zeroize + ?Sized> Length for SecretBox<S> {
    fn length(&self) -> Option<usize> {
        self.expose_secret().length()
    }

    fn is_secret(&self) -> bool {
        true
    }
}

impl<S: Text + Zeroize + ?Sized> Text for SecretBox<S> {
    fn text(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.expose_secret().text()
    }

    fn is_secret(&self) -> bool {
        true
    }
}
