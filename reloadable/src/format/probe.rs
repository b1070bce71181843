//! One value decoded by itself, so that it is told of although another one is wrong.

use std::any::type_name;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, Error as _};

use crate::report::Reporter;
use crate::validate::Validate;

use super::decode::{Error, Fault, ValueDeserializer};
use super::tree::{Node, Tree};

/// Decodes a value of one type from wherever it is told to, and holds it to its rules.
#[derive(Clone, Copy)]
pub struct Probe(fn(Site<'_>, &mut Reporter<'_>) -> Probed);

/// Where a value stands.
#[derive(Clone, Copy)]
pub struct Site<'s> {
    tree: &'s Tree,
    node: &'s Node,
}

/// What came of it.
pub struct Probed(pub(super) Answer);

pub(super) enum Answer {
    /// It can be decoded; which rules it breaks, the report says.
    Fits,
    Refused(Box<Fault>),
    /// Nobody knows how to decode it.
    Unknown,
}

impl Probe {
    /// Takes what does the work.
    #[must_use]
    pub const fn new(run: fn(Site<'_>, &mut Reporter<'_>) -> Probed) -> Self {
        Self(run)
    }

    /// Decodes, normalizes and validates.
    #[must_use]
    pub const fn of<T: DeserializeOwned + Validate>() -> Self {
        Self(|site, report| {
            probe(site, report, T::deserialize, |value, report| {
                value.normalize(report);
                value.validate(report);
            })
        })
    }

    /// Only decodes.
    #[must_use]
    pub const fn decoding<T: DeserializeOwned>() -> Self {
        Self(|site, report| probe(site, report, T::deserialize, |_, _| {}))
    }

    pub(super) fn run(self, tree: &Tree, node: &Node, report: &mut Reporter<'_>) -> Probed {
        (self.0)(Site { tree, node }, report)
    }

    /// Returns the probe of a type of the standard library that has no parts, by its name.
    pub(super) fn of_leaf(name: &str) -> Option<&'static Self> {
        macro_rules! leaves {
            ($($ty:ty)*) => {
                $(if name == type_name::<$ty>() {
                    return Some(const { &Self::of::<$ty>() });
                })*
            };
        }
        leaves! {
            bool char String f32 f64
            i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize
            NonZero<i8> NonZero<i16> NonZero<i32> NonZero<i64> NonZero<i128> NonZero<isize>
            NonZero<u8> NonZero<u16> NonZero<u32> NonZero<u64> NonZero<u128> NonZero<usize>
            IpAddr Ipv4Addr Ipv6Addr SocketAddr SocketAddrV4 SocketAddrV6
            PathBuf Duration SystemTime
        }
        // What is behind a pointer is described without it.
        if name == type_name::<str>() {
            return Self::of_leaf(type_name::<String>());
        }
        if name == type_name::<Path>() {
            return Self::of_leaf(type_name::<PathBuf>());
        }
        None
    }
}

/// Decodes what stands at `site`, and checks it if that works.
pub(crate) fn probe<'s, T>(
    site: Site<'s>,
    report: &mut Reporter<'_>,
    decode: impl FnOnce(ValueDeserializer<'s>) -> Result<T, Error>,
    check: impl FnOnce(&mut T, &mut Reporter<'_>),
) -> Probed {
    Probed(match decode(ValueDeserializer::new(site.tree, site.node)) {
        Ok(mut value) => {
            check(&mut value, report);
            Answer::Fits
        }
        Err(error) => Answer::Refused(Box::new(error.within(site.node).into_fault())),
    })
}

impl Site<'_> {
    /// Says that a field is not there, if that is so: serde asks no function of the user's for it.
    #[must_use]
    pub fn missing(self) -> Option<Probed> {
        super::decode::is_missing(self.node).then(|| {
            let fault = Error::missing_field("").within(self.node).into_fault();
            Probed(Answer::Refused(Box::new(fault)))
        })
    }
}

impl Probed {
    /// Answers for what cannot be decoded, or of which that is not known.
    pub const UNKNOWN: Self = Self(Answer::Unknown);
}

macro_rules! withheld {
    ($($ty:ty: $name:literal),*) => {$(
        /// The values may be secrets.
        impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).finish_non_exhaustive()
            }
        }
    )*};
}

withheld! { Probe: "Probe", Site<'_>: "Site", Probed: "Probed" }
