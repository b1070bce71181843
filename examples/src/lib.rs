//! The examples live in `examples/`; this package is never published.
