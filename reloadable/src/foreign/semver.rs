//! `semver::Version`, also under `range`, and `VersionReq`.

use std::fmt;

use semver::{Version, VersionReq};

use super::leaf::{leaf, text};
use crate::describe::Shape;
use crate::validate::rules::Range;

leaf! {
    impl[] for Version { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for VersionReq { shape: Shape::Text, same: PartialEq::eq, shown: text }
}

impl Range for Version {
    type Bound = Self;

    fn bound(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn write(bound: &Self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(bound, f)
    }
}
