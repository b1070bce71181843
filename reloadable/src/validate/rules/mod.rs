//! The rules of `#[reload(..)]`, one file per word.
