//! `uuid::Uuid`.

use uuid::Uuid;

use super::leaf::{leaf, text};
use crate::describe::Shape;

leaf! {
    impl[] for Uuid { shape: Shape::Text, same: PartialEq::eq, shown: text }
}
