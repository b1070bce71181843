//! The derive: what its words do, on structs as real programs have them.

mod read;
mod basic;
mod shapes;
mod enums;
mod generics;
mod hygiene;
mod recursive;
