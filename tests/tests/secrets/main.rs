//! A secret is printed nowhere: not by its type, and not in anything that a whole life of a configuration produces.
//!
//! `vault` makes the secrets and finds them again, `app` is a configuration with one of every kind, `documents` are its
//! texts and what may be wrong with them, `outputs` is everything that can be printed: a new output is added there.

mod app;
mod by_type;
mod documents;
mod exchange;
mod files;
mod life;
mod outputs;
mod process;
mod settings;
mod transaction;
mod vault;
