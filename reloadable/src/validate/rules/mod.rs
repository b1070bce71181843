//! The rules of `#[reload(..)]`, one file per word.
//!
//! The derive writes calls of these functions; code that checks by hand may call them as well. Each rule is a
//! function and works on every type that implements the trait beside it. The traits pass through `Option` (nothing
//! there, nothing wrong), references, `Box`, `Arc` and `Cow`, and a type of your own joins a rule by implementing
//! its trait:
//!
//! | rule | trait | works on |
//! |---|---|---|
//! | [`range`] | [`Range`] | numbers, `char`, `Duration`, `SystemTime`, `NonZero..` |
//! | [`length`], [`non_empty`] | [`Length`] | texts by characters, paths, sequences, sets and maps by elements |
//! | [`one_of`] | [`OneOf`] | texts, paths, whole numbers, `char`, `bool` |
//! | `pattern` (feature `regex`) | [`Text`] | texts and paths |
//! | [`each`], [`unique`], [`unique_keys`] | [`Each`] | sequences; `each` also sets |
//! | [`keys`], [`values`] | [`Entries`] | maps |
//! | [`own`] | [`Verdict`] | what a function of your own answers |
//!
//! # Examples
//!
//! ```
//! use reloadable::{Report, Reporter, rules};
//!
//! struct Port(u16);
//!
//! impl rules::Range for Port {
//!     type Bound = u16;
//!
//!     fn bound(&self) -> Option<u16> {
//!         Some(self.0)
//!     }
//! }
//!
//! let mut report = Report::new();
//! rules::range(&Some(Port(80)), &(1024..), &mut Reporter::new(&mut report));
//! assert_eq!(report.to_string(), "80 is not in 1024..  [range]");
//! ```

mod through;
mod bounds;
mod range;
mod length;
mod one_of;
mod text;
#[cfg(feature = "regex")]
mod pattern;
mod each;
mod unique;
mod entries;
mod own;

pub use self::each::{Each, each};
pub use self::entries::{Entries, keys, values};
pub use self::length::{Length, length, non_empty};
pub use self::one_of::{OneOf, one_of};
pub use self::own::{Verdict, normalized, own};
#[cfg(feature = "regex")]
pub use self::pattern::{Pattern, pattern};
pub use self::range::{Range, range};
pub use self::text::Text;
pub use self::unique::{Distinct, unique, unique_keys};

/// How many characters of a refused value a message quotes.
const QUOTED: usize = 120;
