//! The derive: what its words do, on structs as real programs have them.

mod basic;
