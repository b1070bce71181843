//! What the tests share. The tests live in `tests/`; this package is never published.

pub mod corpus;
