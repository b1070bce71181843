//! Times of `jiff`, also under `range`.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp, Zoned};

use super::leaf::{leaf, text};
use crate::describe::Shape;
use crate::validate::rules::Range;

leaf! {
    impl[] for Timestamp { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for Zoned { shape: Shape::Text, same: same, shown: text }
    impl[] for Date { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for Time { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for DateTime { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for SignedDuration { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for Span {
        shape: Shape::Text,
        // `1h` and `60m` are not the same on every day, so a span is what is written.
        same: |old, new| old.fieldwise() == new.fieldwise(),
        shown: text,
    }
}

/// Unlike `==`, takes the time zone into account: a program that shows local times reads it.
fn same(old: &Zoned, new: &Zoned) -> bool {
    old == new && old.time_zone() == new.time_zone()
}

macro_rules! ranges {
    ($($ty:ty),* $(,)?) => {$(
        impl Range for $ty {
            type Bound = Self;

            fn bound(&self) -> Option<Self> {
                Some(self.clone())
            }

            fn write(bound: &Self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(bound, f)
            }
        }
    )*};
}

ranges!(Timestamp, Zoned, Date, Time, DateTime, SignedDuration);
