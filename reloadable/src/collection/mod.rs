//! Many keyed objects instead of one configuration: where they are kept, and how they are found.
//!
//! `trie` and `sorted` are persistent: their copies share what they have in common. `state` is made of them, `store`
//! changes and publishes it, and `lister` reads it.

mod trie;
mod sorted;
mod index;
mod state;
mod store;
mod lister;

pub use self::index::{Index, IndexFault};
pub use self::lister::{Lister, View};
pub use self::store::{Batch, Store, StoreBuilder};
