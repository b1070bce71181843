//! What the targets ask for. It stands with the tests, which ask for it without a fuzzer.

#[path = "../../tests/src/fuzz.rs"]
mod fuzz;

pub use fuzz::*;
