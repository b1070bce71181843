//! Reports as a whole: that everything is in them, and nothing else.

mod mutation;
