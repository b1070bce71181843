//! The derive: what its words do, on structs as real programs have them.

mod read;
mod basic;
mod keys;
mod shapes;
mod enums;
mod generics;
mod recursive;
pub mod hygiene;
mod words;
mod containers;
mod serde_words;
mod ui;
