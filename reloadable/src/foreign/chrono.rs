//! Times of `chrono`, also under `range`.

use std::borrow::Cow;
use std::fmt;

use chrono::{
    DateTime, FixedOffset, Month, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Weekday,
};

use super::leaf::{leaf, text};
use crate::describe::{Describe, Description, Field, Shape};
use crate::validate::rules::Range;
use crate::value::Value;

leaf! {
    impl[Tz: TimeZone] for DateTime<Tz> { shape: Shape::Text, same: same, shown: debug }
    impl[] for NaiveDate { shape: Shape::Text, same: PartialEq::eq, shown: debug }
    impl[] for NaiveTime { shape: Shape::Text, same: PartialEq::eq, shown: debug }
    impl[] for NaiveDateTime { shape: Shape::Text, same: PartialEq::eq, shown: debug }
    impl[] for FixedOffset { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for TimeDelta { shape: pair(), same: PartialEq::eq, shown: seconds }
    impl[] for Weekday { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for Month { shape: Shape::Text, same: PartialEq::eq, shown: |month| Value::Text(Cow::Borrowed(month.name())) }
}

/// Unlike `==`, takes the offset into account: a program that shows local times reads it.
fn same<Tz: TimeZone>(old: &DateTime<Tz>, new: &DateTime<Tz>) -> bool {
    old == new && old.offset().fix() == new.offset().fix()
}

/// `Debug` of chrono's times is ISO 8601 as serde writes it.
fn debug<T: fmt::Debug>(value: &T) -> Value<'_> {
    Value::Text(Cow::Owned(format!("{value:?}")))
}

/// What serde makes of a `TimeDelta`: seconds and nanoseconds.
fn pair() -> Shape {
    Shape::Tuple(
        const { &[Field::new("", i64::describe as fn() -> Description), Field::new("", i32::describe)] },
    )
}

fn seconds(delta: &TimeDelta) -> Value<'_> {
    let nanos = Value::Integer(delta.subsec_nanos().rem_euclid(1_000_000_000).into());
    let whole = delta.num_seconds() - i64::from(delta.subsec_nanos() < 0);
    Value::List(vec![Value::Integer(whole.into()), nanos])
}

macro_rules! ranges {
    ($([$($generics:tt)*] $ty:ty, $bound:ident, $f:ident => $write:expr;)*) => {$(
        impl<$($generics)*> Range for $ty {
            type Bound = Self;

            fn bound(&self) -> Option<Self> {
                Some(self.clone())
            }

            fn write($bound: &Self, $f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $write
            }
        }
    )*};
}

ranges! {
    [Tz: TimeZone] DateTime<Tz>, bound, f => fmt::Debug::fmt(bound, f);
    [] NaiveDate, bound, f => fmt::Debug::fmt(bound, f);
    [] NaiveTime, bound, f => fmt::Debug::fmt(bound, f);
    [] NaiveDateTime, bound, f => fmt::Debug::fmt(bound, f);
    [] TimeDelta, bound, f => fmt::Display::fmt(bound, f);
}
