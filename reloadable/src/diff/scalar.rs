//! Values that change as a whole.

use std::borrow::Cow;
use std::ffi::OsString;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::touched::is_touched;
use super::{Diff, Leaf};
use crate::value::Value;

macro_rules! leaves {
    ($($ty:ty: $same:expr, $shown:expr;)*) => {$(
        impl Diff for $ty {
            type Changes<'a> = Leaf<'a, Self>;

            #[inline]
            fn diff<'a>(&'a self, new: &'a Self) -> Option<Leaf<'a, Self>> {
                let same: fn(&Self, &Self) -> bool = $same;
                (!same(self, new)).then_some(Leaf { old: self, new })
            }

            fn value(&self) -> Value<'_> {
                let shown: for<'v> fn(&'v Self) -> Value<'v> = $shown;
                shown(self)
            }
        }
    )*};
}

leaves! {
    bool: PartialEq::eq, |value| Value::Bool(*value);
    f32: |old, new| old == new || (old.is_nan() && new.is_nan()), |value| Value::Float32(*value);
    f64: |old, new| old == new || (old.is_nan() && new.is_nan()), |value| Value::Float(*value);
    char: PartialEq::eq, |value| text(value.to_string());
    str: |old, new| old == new && !is_touched(old.as_bytes()), |value| text(value);
    String: |old, new| old == new && !is_touched(old.as_bytes()), |value| text(value.as_str());
    Path: |old, new| old == new && !is_touched(bytes(old)), |value| text(value.to_string_lossy());
    PathBuf: |old, new| old == new && !is_touched(bytes(old)), |value| text(value.to_string_lossy());
    OsString: |old, new| old == new && !is_touched(old.as_encoded_bytes()), |value| text(value.to_string_lossy());
    IpAddr: PartialEq::eq, |value| text(value.to_string());
    Ipv4Addr: PartialEq::eq, |value| text(value.to_string());
    Ipv6Addr: PartialEq::eq, |value| text(value.to_string());
    SocketAddr: PartialEq::eq, |value| text(value.to_string());
    SocketAddrV4: PartialEq::eq, |value| text(value.to_string());
    SocketAddrV6: PartialEq::eq, |value| text(value.to_string());
    Duration: PartialEq::eq, |value| Value::Duration(*value);
    SystemTime: PartialEq::eq, |value| moment(*value);
    (): |(), ()| true, |()| Value::Null;
    u128: PartialEq::eq, |value| unsigned(*value);
    NonZero<u128>: PartialEq::eq, |value| unsigned(value.get());
}

macro_rules! integers {
    ($($ty:ident)*) => {
        leaves! {$(
            $ty: PartialEq::eq, |value| Value::Integer(*value as i128);
            NonZero<$ty>: PartialEq::eq, |value| Value::Integer(value.get() as i128);
        )*}
    };
}

integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 usize }

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn text<'v>(text: impl Into<Cow<'v, str>>) -> Value<'v> {
    Value::Text(text.into())
}

fn unsigned(value: u128) -> Value<'static> {
    i128::try_from(value).map_or(Value::Unsigned(value), Value::Integer)
}

/// As serde writes it. A time before 1970, which serde does not write at all, has negative seconds.
fn moment(value: SystemTime) -> Value<'static> {
    let (seconds, nanos) = match value.duration_since(UNIX_EPOCH) {
        Ok(since) => (i128::from(since.as_secs()), since.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            let borrowed = u32::from(before.subsec_nanos() > 0);
            let nanos = borrowed * 1_000_000_000 - before.subsec_nanos();
            (-i128::from(before.as_secs()) - i128::from(borrowed), nanos)
        }
    };
    table([
        ("secs_since_epoch", Value::Integer(seconds)),
        ("nanos_since_epoch", Value::Integer(nanos.into())),
    ])
}

fn table<'v>(entries: [(&'static str, Value<'v>); 2]) -> Value<'v> {
    Value::Table(entries.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
}

macro_rules! ranges {
    ($($ty:ident, $ends:expr;)*) => {$(
        impl<T: Diff> Diff for $ty<T> {
            type Changes<'a> = Leaf<'a, Self> where Self: 'a;

            fn diff<'a>(&'a self, new: &'a Self) -> Option<Leaf<'a, Self>> {
                let ends: for<'v> fn(&'v Self) -> (&'v T, &'v T) = $ends;
                let (before, now) = (ends(self), ends(new));
                let changed = before.0.diff(now.0).is_some() || before.1.diff(now.1).is_some();
                changed.then_some(Leaf { old: self, new })
            }

            fn value(&self) -> Value<'_> {
                let ends: for<'v> fn(&'v Self) -> (&'v T, &'v T) = $ends;
                let (start, end) = ends(self);
                table([("start", start.value()), ("end", end.value())])
            }
        }
    )*};
}

ranges! {
    Range, |range| (&range.start, &range.end);
    RangeInclusive, |range| (range.start(), range.end());
}

/// Never changes, and asks nothing of its parameter.
impl<T: ?Sized> Diff for PhantomData<T> {
    type Changes<'a>
        = Leaf<'a, Self>
    where
        Self: 'a;

    fn diff<'a>(&'a self, _: &'a Self) -> Option<Leaf<'a, Self>> {
        None
    }

    fn value(&self) -> Value<'_> {
        Value::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_nan_and_zero_has_no_sign() {
        assert!(f64::NAN.diff(&-f64::NAN).is_none());
        assert!(f32::NAN.diff(&f32::NAN).is_none());
        assert!((-0.0_f64).diff(&0.0).is_none());
        assert!(0.0_f64.diff(&f64::NAN).is_some());
        assert!(1.0_f32.diff(&1.5).is_some());
    }

    #[test]
    fn values_have_the_shape_of_the_file() {
        let shown = |value: Value<'_>| value.to_string();
        assert_eq!(shown(u128::MAX.value()), u128::MAX.to_string());
        assert_eq!(u128::MAX.value(), Value::Unsigned(u128::MAX));
        assert_eq!(7_u128.value(), Value::Integer(7));
        assert_eq!(shown(0.1_f32.value()), "0.1");
        assert_eq!(shown((1..3).value()), "{start = 1, end = 3}");
        assert_eq!(shown((1..=3).value()), "{start = 1, end = 3}");
        assert_eq!(shown('x'.value()), "\"x\"");
        assert_eq!(shown(NonZero::<i8>::MIN.value()), "-128");
        assert_eq!(shown(Ipv4Addr::LOCALHOST.value()), "\"127.0.0.1\"");
        assert_eq!(shown(Duration::from_millis(1500).value()), "1.5s");
    }

    #[test]
    fn a_time_before_1970_has_negative_seconds() {
        let half = Duration::from_millis(500);
        let shown = |value: SystemTime| value.value().to_string();
        assert_eq!(shown(UNIX_EPOCH + half), "{secs_since_epoch = 0, nanos_since_epoch = 500000000}");
        assert_eq!(shown(UNIX_EPOCH - half), "{secs_since_epoch = -1, nanos_since_epoch = 500000000}");
        assert_eq!(shown(UNIX_EPOCH - 2 * half), "{secs_since_epoch = -1, nanos_since_epoch = 0}");
    }
}
