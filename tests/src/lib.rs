//! The tests of the workspace live in `tests/`; this package is never published.
