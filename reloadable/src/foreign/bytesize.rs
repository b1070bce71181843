//! `bytesize::ByteSize`, also under `range`.

use std::borrow::Cow;
use std::fmt;

use bytesize::ByteSize;

use super::leaf::leaf;
use crate::describe::Shape;
use crate::validate::rules::Range;
use crate::value::Value;

leaf! {
    impl[] for ByteSize {
        shape: Shape::Text,
        same: PartialEq::eq,
        shown: |size| Value::Text(Cow::Owned(exact(*size))),
    }
}

impl Range for ByteSize {
    type Bound = Self;

    fn bound(&self) -> Option<Self> {
        Some(*self)
    }

    fn write(bound: &Self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&exact(*bound))
    }
}

/// `Display` rounds, and two sizes that differ must not look the same.
fn exact(size: ByteSize) -> String {
    let rounded = size.to_string();
    if rounded.parse() == Ok(size) { rounded } else { format!("{} B", size.as_u64()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_shown_exactly() {
        assert_eq!(exact(ByteSize::mib(10)), "10.0 MiB");
        assert_eq!(exact(ByteSize::b(10 * 1024 * 1024 + 1)), "10485761 B");
        assert_eq!(exact(ByteSize::b(0)), "0 B");
        assert_eq!(exact(ByteSize::b(u64::MAX - 1)), format!("{} B", u64::MAX - 1));
    }
}
