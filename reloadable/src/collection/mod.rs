//! Many keyed objects instead of one configuration: where they are kept, and how they are found.
//!
//! `trie` and `sorted` are persistent: their copies share what they have in common. `state` is made of them, with `filing`
//! to say what stands where in an index; `store` changes and publishes it, `view` is all of one moment, and `lister` reads
//! what is in force. `informer` follows a source.

mod trie;
mod sorted;
mod filing;
mod index;
mod state;
mod store;
mod view;
mod lister;
mod informer;

pub use self::index::{Index, IndexFault};
pub use self::informer::{BrokenObject, InformerCounts, InformerStatus};
pub use self::informer::{Event, Events, Latest, Modified, Removal, SnapshotCause};
pub use self::informer::{Informer, InformerBuilder, NoKey, RemovalGuard};
pub use self::lister::Lister;
pub use self::store::{Batch, Store, StoreBuilder};
pub use self::view::View;
