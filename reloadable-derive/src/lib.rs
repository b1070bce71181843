//! The macro of `reloadable`.
