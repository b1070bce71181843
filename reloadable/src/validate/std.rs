//! Normalizing and validating the types of the standard library, which is doing so for what they hold.
//!
//! Those whose elements have no position stand beside their diff, since a key is shown as the diff shows it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Validate;
use crate::report::Reporter;

macro_rules! trivial {
    ($($ty:ty)*) => {$(
        impl Validate for $ty {
            const TRIVIAL: bool = true;
        }
    )*};
}

trivial! {
    () bool char str String Path PathBuf OsString f32 f64
    i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize
    NonZero<i8> NonZero<i16> NonZero<i32> NonZero<i64> NonZero<i128> NonZero<isize>
    NonZero<u8> NonZero<u16> NonZero<u32> NonZero<u64> NonZero<u128> NonZero<usize>
    IpAddr Ipv4Addr Ipv6Addr SocketAddr SocketAddrV4 SocketAddrV6
    Duration SystemTime
}

impl<T: ?Sized> Validate for PhantomData<T> {
    const TRIVIAL: bool = true;
}

impl<T: Validate> Validate for Option<T> {
    const TRIVIAL: bool = T::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        if let Some(value) = self {
            value.normalize(report);
        }
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        if let Some(value) = self {
            value.validate(report);
        }
    }
}

macro_rules! sequences {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<T: Validate, $($generics)*> Validate for $ty {
            const TRIVIAL: bool = T::TRIVIAL;

            fn normalize(&mut self, report: &mut Reporter<'_>) {
                if !T::TRIVIAL {
                    for (index, value) in self.iter_mut().enumerate() {
                        report.at_index(index, |report| value.normalize(report));
                    }
                }
            }

            fn validate(&self, report: &mut Reporter<'_>) {
                if !T::TRIVIAL {
                    for (index, value) in self.iter().enumerate() {
                        report.at_index(index, |report| value.validate(report));
                    }
                }
            }
        }
    )*};
}

sequences! { [] Vec<T>, [] VecDeque<T>, [] [T], [const N: usize] [T; N] }

impl<T: Validate + ?Sized> Validate for Box<T> {
    const TRIVIAL: bool = T::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        (**self).normalize(report);
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        (**self).validate(report);
    }
}

/// Normalizes only a value that nothing else holds, as one that was just decoded is.
impl<T: Validate + ?Sized> Validate for Arc<T> {
    const TRIVIAL: bool = T::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        if let Some(value) = Self::get_mut(self) {
            value.normalize(report);
        }
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        (**self).validate(report);
    }
}

/// Cannot normalize: what is borrowed cannot be changed, nor what can only be borrowed from its owner.
impl<B: Validate + ToOwned + ?Sized> Validate for Cow<'_, B> {
    const TRIVIAL: bool = B::TRIVIAL;

    fn validate(&self, report: &mut Reporter<'_>) {
        (**self).validate(report);
    }
}

macro_rules! ranges {
    ($($ty:ident, $ends:expr;)*) => {$(
        impl<T: Validate> Validate for $ty<T> {
            const TRIVIAL: bool = T::TRIVIAL;

            fn validate(&self, report: &mut Reporter<'_>) {
                let ends: fn(&Self) -> (&T, &T) = $ends;
                let (start, end) = ends(self);
                report.at_name("start", |report| start.validate(report));
                report.at_name("end", |report| end.validate(report));
            }
        }
    )*};
}

ranges! {
    Range, |range| (&range.start, &range.end);
    RangeInclusive, |range| (range.start(), range.end());
}

macro_rules! tuples {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] ($name:ident $at:tt) $($rest:tt)*) => {
        tuple! { $($done)* ($name $at) }
        tuples! { [$($done)* ($name $at)] $($rest)* }
    };
}

macro_rules! tuple {
    ($(($name:ident $at:tt))*) => {
        impl<$($name: Validate),*> Validate for ($($name,)*) {
            const TRIVIAL: bool = true $(&& $name::TRIVIAL)*;

            fn normalize(&mut self, report: &mut Reporter<'_>) {
                $(report.at_index($at, |report| self.$at.normalize(report));)*
            }

            fn validate(&self, report: &mut Reporter<'_>) {
                $(report.at_index($at, |report| self.$at.validate(report));)*
            }
        }
    };
}

tuples! { [] (A 0) (B 1) (C 2) (D 3) (E 4) (F 5) (G 6) (H 7) (I 8) (J 9) (K 10) (L 11) }
