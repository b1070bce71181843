//! `bytes::Bytes`.

use bytes::Bytes;

use super::leaf::leaf;
use crate::describe::Shape;
use crate::validate::rules::Length;
use crate::value::Value;

leaf! {
    impl[] for Bytes {
        shape: Shape::Sequence(u8::describe),
        same: PartialEq::eq,
        shown: |bytes| Value::List(bytes.iter().map(|byte| Value::Integer((*byte).into())).collect()),
    }
}

impl Length for Bytes {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}
