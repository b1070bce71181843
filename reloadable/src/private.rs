//! What generated code calls. Not public: it may change in any release.

pub use crate::diff::Step;
pub use crate::load::{Loaded, decode};
