//! Normalizing and validating a candidate.

pub mod rules;
mod std;

use crate::report::Reporter;

/// A value that can be brought into shape and checked. `#[derive(Reloadable)]` implements it; by hand, an empty
/// implementation will do for a type without rules.
pub trait Validate {
    /// No value of this type, nor of any type within it, can violate anything or needs to be normalized, so that
    /// collections of it need not be walked.
    #[doc(hidden)]
    const TRIVIAL: bool = false;

    /// Fills in what follows from other fields; it runs after decoding, before [`validate`](Self::validate) and
    /// before the diff. What cannot be filled in is written into `report`.
    fn normalize(&mut self, report: &mut Reporter<'_>) {
        let _ = report;
    }

    /// Writes every rule that this value breaks into `report`.
    fn validate(&self, report: &mut Reporter<'_>) {
        let _ = report;
    }
}
