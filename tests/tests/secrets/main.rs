//! A secret is printed nowhere: not by its type, and not in anything that a whole life of a configuration produces.

mod by_type;
mod exchange;
