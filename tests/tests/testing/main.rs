//! The test kit itself: what it plays, and what it says where something else happened.

mod expect;
mod saves;
mod scripted;

use std::collections::BTreeMap;

pub type Limits = BTreeMap<String, u16>;
