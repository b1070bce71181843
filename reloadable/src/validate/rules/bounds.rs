//! Bounds as Rust writes them.

use std::fmt;
use std::ops::{Bound, RangeBounds};

/// Bounds that are printed as `1..=1024`, `16..` or `..`, each end with `write`.
pub(super) struct Shown<'b, B, T> {
    pub(super) bounds: &'b B,
    pub(super) write: fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
}

/// One end, or a value beside it.
pub(super) struct ShownBound<'b, T> {
    pub(super) bound: &'b T,
    pub(super) write: fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
}

impl<T> fmt::Display for ShownBound<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.write)(self.bound, f)
    }
}

impl<B: RangeBounds<T>, T> fmt::Display for Shown<'_, B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bounds.start_bound() {
            Bound::Included(start) => (self.write)(start, f)?,
            // Rust has no syntax for it; only a pair of `Bound`s can say it.
            Bound::Excluded(start) => {
                (self.write)(start, f)?;
                f.write_str("<")?;
            }
            Bound::Unbounded => {}
        }
        f.write_str("..")?;
        match self.bounds.end_bound() {
            Bound::Included(end) => {
                f.write_str("=")?;
                (self.write)(end, f)
            }
            Bound::Excluded(end) => (self.write)(end, f),
            Bound::Unbounded => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shown<T: fmt::Debug>(bounds: impl RangeBounds<T>) -> String {
        Shown { bounds: &bounds, write: T::fmt }.to_string()
    }

    #[test]
    fn bounds_are_printed_as_rust_writes_them() {
        assert_eq!(shown(1..=1024), "1..=1024");
        assert_eq!(shown(1..1024), "1..1024");
        assert_eq!(shown(16..), "16..");
        assert_eq!(shown(..=255), "..=255");
        assert_eq!(shown(..0.5), "..0.5");
        assert_eq!(shown::<u8>(..), "..");
        assert_eq!(shown('a'..='z'), "'a'..='z'");
        assert_eq!(shown(Duration::from_millis(1)..=Duration::from_secs(300)), "1ms..=300s");
        assert_eq!(shown((Bound::Excluded(0), Bound::Excluded(9))), "0<..9");
    }
}
