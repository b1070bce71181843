//! What the types of the standard library look like in a file.

use std::any::type_name;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Describe, Description, Field, Shape};

fn shaped<T: ?Sized>(shape: Shape) -> Description {
    Description::new(type_name::<T>(), shape)
}

macro_rules! plain {
    ($($ty:ty => $shape:expr),* $(,)?) => {$(
        impl Describe for $ty {
            fn describe() -> Description {
                shaped::<Self>($shape)
            }
        }
    )*};
}

plain! {
    bool => Shape::Bool,
    f32 => Shape::Float, f64 => Shape::Float,
    char => Shape::Text, str => Shape::Text, String => Shape::Text,
    Path => Shape::Text, PathBuf => Shape::Text,
    IpAddr => Shape::Text, Ipv4Addr => Shape::Text, Ipv6Addr => Shape::Text,
    SocketAddr => Shape::Text, SocketAddrV4 => Shape::Text, SocketAddrV6 => Shape::Text,
    OsString => Shape::Opaque,
    () => Shape::Tuple(&[]),
    Duration => Shape::Struct(const {
        &[Field::new("secs", u64::describe), Field::new("nanos", u32::describe)]
    }),
    SystemTime => Shape::Struct(const {
        &[Field::new("secs_since_epoch", u64::describe), Field::new("nanos_since_epoch", u32::describe)]
    }),
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        plain! {
            $ty => Shape::Integer { min: $ty::MIN as i128, max: $ty::MAX as u128 },
            NonZero<$ty> => Shape::Integer {
                min: NonZero::<$ty>::MIN.get() as i128,
                max: NonZero::<$ty>::MAX.get() as u128,
            },
        }
    )*};
}

integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

impl<T: ?Sized> Describe for PhantomData<T> {
    fn describe() -> Description {
        shaped::<Self>(Shape::Tuple(&[]))
    }
}

impl<T: Describe> Describe for Option<T> {
    const DERIVED: bool = T::DERIVED;

    fn describe() -> Description {
        shaped::<Self>(Shape::Optional(T::describe))
    }
}

macro_rules! sequences {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<T: Describe, $($generics)*> Describe for $ty {
            fn describe() -> Description {
                shaped::<Self>(Shape::Sequence(T::describe))
            }
        }
    )*};
}

sequences! {
    [] Vec<T>, [] VecDeque<T>, [] [T], [const N: usize] [T; N],
    [S] HashSet<T, S>, [] BTreeSet<T>,
}

impl<K: Describe, V: Describe, S> Describe for HashMap<K, V, S> {
    fn describe() -> Description {
        super::map::<Self, K, V>()
    }
}

impl<K: Describe, V: Describe> Describe for BTreeMap<K, V> {
    fn describe() -> Description {
        super::map::<Self, K, V>()
    }
}

macro_rules! ranges {
    ($($ty:ident)*) => {$(
        impl<T: Describe> Describe for $ty<T> {
            fn describe() -> Description {
                shaped::<Self>(Shape::Struct(const {
                    &[Field::new("start", T::describe), Field::new("end", T::describe)]
                }))
            }
        }
    )*};
}

ranges! { Range RangeInclusive }

macro_rules! transparent {
    ($([$($bounds:tt)*] $ty:ty),* $(,)?) => {$(
        impl<T: Describe + ?Sized + $($bounds)*> Describe for $ty {
            const DERIVED: bool = T::DERIVED;

            fn describe() -> Description {
                T::describe()
            }
        }
    )*};
}

transparent! { [] Box<T>, [] Arc<T>, [ToOwned] Cow<'_, T> }

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {$(
        impl<$first: Describe, $($rest: Describe),*> Describe for ($first, $($rest,)*) {
            fn describe() -> Description {
                shaped::<Self>(Shape::Tuple(const {
                    &[Field::new("", $first::describe), $(Field::new("", $rest::describe)),*]
                }))
            }
        }
        tuples! { $($rest)* }
    )?};
}

tuples! { A B C D E F G H I J K L }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_tell_their_bounds() {
        for (shape, lowest, highest) in [
            (i8::describe().shape, -128, 127),
            (u128::describe().shape, 0, u128::MAX),
            (NonZero::<u16>::describe().shape, 1, 65535),
        ] {
            assert!(
                matches!(shape, Shape::Integer { min, max } if (min, max) == (lowest, highest)),
                "{shape:?}"
            );
        }
    }

    #[test]
    fn a_pointer_is_what_it_points_to() {
        assert_eq!(Arc::<Box<str>>::describe().type_name, "str");
        assert!(matches!(Cow::<'static, [u8]>::describe().shape, Shape::Sequence(_)));
    }

    #[test]
    fn a_tuple_has_a_field_for_each_place() {
        let Shape::Tuple(fields) = <(u8, bool, String)>::describe().shape else { unreachable!() };
        let names: Vec<_> = fields.iter().map(|field| (field.describe)().type_name).collect();
        assert_eq!(names, ["u8", "bool", "alloc::string::String"]);
    }
}
