//! `serde_json::Value`: whatever the file holds, compared as a whole.

use serde_json::Value as Json;

use super::leaf::leaf;
use crate::describe::Shape;
use crate::value::Value;

leaf! {
    impl[] for Json { shape: Shape::Opaque, same: PartialEq::eq, shown: |value| Value::of(value) }
}
