//! `one_of("tcp", "udp")`: the value is one of a few.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::QUOTED;
use super::through::through_pointers;
use crate::nearest::nearest;
use crate::report::Reporter;
use crate::value::Value;

/// Checks that a value is one of the choices; the code is `one_of`. For a text that is nearly a choice, the message
/// says which.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, rules};
///
/// let mut report = Report::new();
/// rules::one_of("tpc", &["tcp", "udp"], &mut Reporter::new(&mut report));
/// assert_eq!(
///     report.to_string(),
///     r#""tpc" is not one of "tcp", "udp"; did you mean "tcp"?  [one_of]"#,
/// );
/// ```
pub fn one_of<T: OneOf + ?Sized>(value: &T, choices: &[T::Choice], report: &mut Reporter<'_>) {
    let Some(shown) = value.shown() else { return };
    if choices.iter().any(|choice| value.is(choice)) {
        return;
    }
    report.enter(None, value.is_secret(), false);
    let choices: Vec<_> = choices.iter().map(T::show).collect();
    let mut problem = String::from("is not one of ");
    for (nth, choice) in choices.iter().enumerate() {
        let comma = if nth > 0 { ", " } else { "" };
        // Writing into a `String` does not fail.
        let _ = write!(problem, "{comma}{choice}");
    }
    // Which choice is near would tell most of a secret.
    if let (Value::Text(text), false) = (&shown, report.is_secret()) {
        let texts = choices.iter().filter_map(|choice| match choice {
            Value::Text(text) => Some(text.as_ref()),
            _ => None,
        });
        if let Some(meant) = nearest(text, texts) {
            let _ = write!(problem, "; did you mean {meant:?}?");
        }
    }
    report.value_violation("one_of", shown.shortened(QUOTED), problem);
    report.leave();
}

/// A value that may be compared with choices.
///
/// # Examples
///
/// ```
/// use reloadable::rules::OneOf;
/// use reloadable::Value;
///
/// struct Port(u16);
///
/// impl OneOf for Port {
///     type Choice = u16;
///
///     fn is(&self, choice: &u16) -> bool {
///         self.0 == *choice
///     }
///
///     fn shown(&self) -> Option<Value<'_>> {
///         self.0.shown()
///     }
///
///     fn show(choice: &u16) -> Value<'_> {
///         u16::show(choice)
///     }
/// }
///
/// assert!(Port(80).is(&80));
/// ```
#[diagnostic::on_unimplemented(
    message = "the rule `one_of` does not work on `{Self}`",
    label = "not a text, a whole number, a `char`, a `bool` or an option of one",
    note = "for the elements of a collection use `each(one_of(..))`",
    note = "a type of your own joins by implementing `reloadable::rules::OneOf`"
)]
pub trait OneOf {
    /// What the choices are written as: `&'static str` for texts.
    type Choice;

    /// Tells whether this value is that choice.
    fn is(&self, choice: &Self::Choice) -> bool;

    /// Returns this value as messages show it; `None` where there is nothing to compare, which passes.
    fn shown(&self) -> Option<Value<'_>>;

    /// Returns a choice as messages show it.
    fn show(choice: &Self::Choice) -> Value<'_>;

    /// Tells whether the value is a secret by its type; messages then do not quote it.
    fn is_secret(&self) -> bool {
        false
    }
}

impl<T: OneOf> OneOf for Option<T> {
    type Choice = T::Choice;

    fn is(&self, choice: &T::Choice) -> bool {
        self.as_ref().is_some_and(|value| value.is(choice))
    }

    fn shown(&self) -> Option<Value<'_>> {
        self.as_ref().and_then(T::shown)
    }

    fn show(choice: &T::Choice) -> Value<'_> {
        T::show(choice)
    }

    fn is_secret(&self) -> bool {
        self.as_ref().is_some_and(T::is_secret)
    }
}

through_pointers!(OneOf {
    type Choice = T::Choice;

    fn is(&self, choice: &T::Choice) -> bool {
        (**self).is(choice)
    }

    fn shown(&self) -> Option<Value<'_>> {
        (**self).shown()
    }

    fn show(choice: &T::Choice) -> Value<'_> {
        T::show(choice)
    }

    fn is_secret(&self) -> bool {
        (**self).is_secret()
    }
});

macro_rules! texts {
    ($($ty:ty, $self:ident => $text:expr);* $(;)?) => {$(
        impl OneOf for $ty {
            type Choice = &'static str;

            fn is(&$self, choice: &&'static str) -> bool {
                $text == *choice
            }

            fn shown(&$self) -> Option<Value<'_>> {
                Some(Value::Text(Cow::from($text)))
            }

            fn show(choice: &&'static str) -> Value<'static> {
                Value::Text(Cow::Borrowed(*choice))
            }
        }
    )*};
}

texts! {
    str, self => self;
    String, self => self.as_str();
    Path, self => self.to_string_lossy();
    PathBuf, self => self.to_string_lossy();
}

macro_rules! themselves {
    ($($ty:ty, $value:ident => $shown:expr);* $(;)?) => {$(
        impl OneOf for $ty {
            type Choice = Self;

            fn is(&self, choice: &Self) -> bool {
                self == choice
            }

            fn shown(&self) -> Option<Value<'_>> {
                Some(Self::show(self))
            }

            fn show($value: &Self) -> Value<'static> {
                $shown
            }
        }
    )*};
}

themselves! {
    i8, value => Value::Integer((*value).into());
    i16, value => Value::Integer((*value).into());
    i32, value => Value::Integer((*value).into());
    i64, value => Value::Integer((*value).into());
    i128, value => Value::Integer(*value);
    isize, value => Value::Integer(*value as i128);
    u8, value => Value::Integer((*value).into());
    u16, value => Value::Integer((*value).into());
    u32, value => Value::Integer((*value).into());
    u64, value => Value::Integer((*value).into());
    u128, value => i128::try_from(*value).map_or(Value::Unsigned(*value), Value::Integer);
    usize, value => Value::Integer(*value as i128);
    bool, value => Value::Bool(*value);
    char, value => Value::Text(Cow::Owned(value.to_string()));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::report::Report;

    fn check<T: OneOf + ?Sized>(value: &T, choices: &[T::Choice]) -> String {
        let mut report = Report::new();
        one_of(value, choices, &mut Reporter::new(&mut report));
        report.to_string()
    }

    #[test]
    fn texts_are_compared_as_a_whole() {
        assert_eq!(check("udp", &["tcp", "udp"]), "");
        assert_eq!(check(&String::from("quic"), &["tcp"]), "\"quic\" is not one of \"tcp\"  [one_of]");
        assert_eq!(
            check(&PathBuf::from("/TCP"), &["/tcp"]),
            "\"/TCP\" is not one of \"/tcp\"; did you mean \"/tcp\"?  [one_of]"
        );
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert_eq!(check(&80_u16, &[80, 443]), "");
        assert_eq!(check(&81_u16, &[80, 443]), "81 is not one of 80, 443  [one_of]");
        assert_eq!(check(&u128::MAX, &[1]), format!("{} is not one of 1  [one_of]", u128::MAX));
        assert_eq!(check(&true, &[false]), "true is not one of false  [one_of]");
        assert_eq!(check(&'c', &['a', 'b']), "\"c\" is not one of \"a\", \"b\"  [one_of]");
    }

    #[test]
    fn options_and_pointers_are_looked_through() {
        assert_eq!(check(&None::<String>, &["a"]), "");
        assert_eq!(check(&Some(Arc::<str>::from("a")), &["a"]), "");
        assert_eq!(check(&Box::<str>::from("b1"), &["a"]), "\"b1\" is not one of \"a\"  [one_of]");
        assert_eq!(check(&Cow::Borrowed("b1"), &["a"]), "\"b1\" is not one of \"a\"  [one_of]");
    }

    #[test]
    fn of_a_secret_neither_the_value_nor_the_nearest_choice_is_told() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(None, true, false);
        one_of("hunter2", &["hunter1", "other"], &mut reporter);
        assert_eq!(report.to_string(), "the value is not one of \"hunter1\", \"other\"  [one_of]");
    }

    #[test]
    fn a_long_value_is_cut() {
        let message = check(&"x".repeat(10_000), &["a"]);
        assert!(message.len() < 200 && message.contains("xx.. is not one of"), "{message}");
    }
}
