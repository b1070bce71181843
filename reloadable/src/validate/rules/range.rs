//! `range(1..=1024)`: the value lies between two others.

use std::fmt;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8, NonZeroU16,
    NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};
use std::ops::RangeBounds;
use std::time::{Duration, SystemTime};

use super::bounds::{Shown, ShownBound};
use super::through::through_pointers;
use crate::report::Reporter;

/// Checks that a value lies within bounds; the code is `range`.
///
/// NaN is in no range, not even in `..`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::{Report, Reporter, rules};
///
/// let mut report = Report::new();
/// let reporter = &mut Reporter::new(&mut report);
/// rules::range(&5000_u16, &(1..=1024), reporter);
/// rules::range(&Some(Duration::from_secs(5)), &(..Duration::from_secs(1)), reporter);
/// rules::range(&None::<u16>, &(1..=1024), reporter);
/// assert_eq!(report.to_string(), "5000 is not in 1..=1024  [range]\n5s is not in ..1s  [range]");
/// ```
pub fn range<T, B>(value: &T, bounds: &B, report: &mut Reporter<'_>)
where
    T: Range + ?Sized,
    B: RangeBounds<T::Bound>,
{
    let secret = value.is_secret();
    let Some(value) = value.bound() else { return };
    // What does not even compare with itself, such as NaN, has no place among the others.
    let comparable = value.partial_cmp(&value).is_some();
    if !comparable || !bounds.contains(&value) {
        let shown = ShownBound { bound: &value, write: T::write };
        report.enter(None, secret, false);
        report.value_violation(
            "range",
            shown,
            format_args!("is not in {}", Shown { bounds, write: T::write }),
        );
        report.leave();
    }
}

/// A value that may be compared with bounds.
///
/// # Examples
///
/// ```
/// use reloadable::rules::Range;
///
/// struct Percent(u8);
///
/// impl Range for Percent {
///     type Bound = u8;
///
///     fn bound(&self) -> Option<u8> {
///         Some(self.0)
///     }
/// }
///
/// assert_eq!(Some(Percent(20)).bound(), Some(20));
/// ```
#[diagnostic::on_unimplemented(
    message = "the rule `range` does not work on `{Self}`",
    label = "not a number, a `char`, a time or an option of one",
    note = "for the number of characters or elements use `length(..)`; for each element `each(range(..))`",
    note = "a type of your own joins by implementing `reloadable::rules::Range`"
)]
pub trait Range {
    /// The type of the bounds: `u16` for `range(1..=1024)` on a `u16`.
    type Bound: PartialOrd + fmt::Debug;

    /// Returns what is compared with the bounds; `None` where there is nothing to compare, which passes.
    fn bound(&self) -> Option<Self::Bound>;

    /// Writes a bound or a value as messages show it.
    ///
    /// # Errors
    ///
    /// Only those of the formatter.
    fn write(bound: &Self::Bound, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(bound, f)
    }

    /// Tells whether the value is a secret by its type; messages then do not quote it.
    fn is_secret(&self) -> bool {
        false
    }
}

impl<T: Range> Range for Option<T> {
    type Bound = T::Bound;

    fn bound(&self) -> Option<T::Bound> {
        self.as_ref().and_then(T::bound)
    }

    fn write(bound: &T::Bound, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::write(bound, f)
    }

    fn is_secret(&self) -> bool {
        self.as_ref().is_some_and(T::is_secret)
    }
}

through_pointers!(Range {
    type Bound = T::Bound;

    fn bound(&self) -> Option<T::Bound> {
        (**self).bound()
    }

    fn write(bound: &T::Bound, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::write(bound, f)
    }

    fn is_secret(&self) -> bool {
        (**self).is_secret()
    }
});

macro_rules! themselves {
    ($($ty:ty),* $(,)?) => {$(
        impl Range for $ty {
            type Bound = Self;

            fn bound(&self) -> Option<Self> {
                Some(*self)
            }
        }
    )*};
}

themselves!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, char, Duration);

macro_rules! non_zero {
    ($($ty:ty: $bound:ty),* $(,)?) => {$(
        impl Range for $ty {
            type Bound = $bound;

            fn bound(&self) -> Option<$bound> {
                Some(self.get())
            }
        }
    )*};
}

non_zero! {
    NonZeroI8: i8, NonZeroI16: i16, NonZeroI32: i32, NonZeroI64: i64, NonZeroI128: i128, NonZeroIsize: isize,
    NonZeroU8: u8, NonZeroU16: u16, NonZeroU32: u32, NonZeroU64: u64, NonZeroU128: u128, NonZeroUsize: usize,
}

impl Range for SystemTime {
    type Bound = Self;

    fn bound(&self) -> Option<Self> {
        Some(*self)
    }

    /// As the expression that makes it; what `Debug` prints differs between platforms.
    fn write(bound: &Self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match bound.duration_since(Self::UNIX_EPOCH) {
            Ok(since) => write!(f, "UNIX_EPOCH + {since:?}"),
            Err(before) => write!(f, "UNIX_EPOCH - {:?}", before.duration()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::*;
    use crate::report::Report;

    fn check<T: Range + ?Sized>(value: &T, bounds: impl RangeBounds<T::Bound>) -> String {
        let mut report = Report::new();
        range(value, &bounds, &mut Reporter::new(&mut report));
        report.violations().iter().map(|violation| format!("{violation}")).collect()
    }

    #[test]
    fn both_ends_count_as_they_are_written() {
        assert_eq!(check(&1_u16, 1..=1024), "");
        assert_eq!(check(&1024_u16, 1..=1024), "");
        assert_eq!(check(&0_u16, 1..=1024), "0 is not in 1..=1024 [range]");
        assert_eq!(check(&1024_u16, 1..1024), "1024 is not in 1..1024 [range]");
        assert_eq!(check(&-3_i128, 0..), "-3 is not in 0.. [range]");
        assert_eq!(check(&u128::MAX, ..), "");
    }

    #[test]
    fn nan_is_in_no_range() {
        assert_eq!(check(&0.5_f32, 0.0..=1.0), "");
        assert_eq!(check(&f64::NAN, 0.0..=1.0), "NaN is not in 0.0..=1.0 [range]");
        assert_eq!(check(&f64::NAN, ..), "NaN is not in .. [range]");
        assert_eq!(check(&f64::INFINITY, 0.0..), "");
        assert_eq!(check(&-0.0_f64, 0.0..), "");
    }

    #[test]
    fn characters_and_times_have_an_order() {
        assert_eq!(check(&'Z', 'a'..='z'), "'Z' is not in 'a'..='z' [range]");
        let second = Duration::from_secs(1);
        assert_eq!(check(&Duration::from_millis(1500), second..), "");
        assert_eq!(check(&Duration::ZERO, second..=5 * second), "0ns is not in 1s..=5s [range]");
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(check(&(epoch - second), epoch..), "UNIX_EPOCH - 1s is not in UNIX_EPOCH + 0ns.. [range]");
    }

    #[test]
    fn options_and_pointers_are_looked_through() {
        assert_eq!(check(&None::<u8>, 1..), "");
        assert_eq!(check(&Some(Box::new(Arc::new(0_u8))), 1..), "0 is not in 1.. [range]");
        assert_eq!(check(&Cow::Borrowed(&0_u8), 1..), "0 is not in 1.. [range]");
        assert_eq!(check(&NonZeroU16::MAX, ..1024), "65535 is not in ..1024 [range]");
    }

    #[test]
    fn a_secret_is_not_quoted() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(None, true, false);
        range(&4711_u16, &(1..=1024), &mut reporter);
        assert_eq!(report.to_string(), "the value is not in 1..=1024  [range]");
    }
}
