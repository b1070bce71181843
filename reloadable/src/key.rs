//! By what the objects of a collection are known.

use std::fmt::Debug;
use std::hash::Hash;

/// What an object of a collection is known by, as a file's name, or a namespace and a name. Every type that can do all of
/// this is a key; nothing is to be implemented.
///
/// Keys are compared and hashed under the locks of what holds them, so that should take moments and must give the same
/// answer each time. Where it panics, whoever asked has the panic, and nothing else is changed.
///
/// # Examples
///
/// ```
/// use reloadable::Key;
///
/// #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
/// struct Route {
///     tenant: u32,
///     name: String,
/// }
///
/// fn accepts<K: Key>(_: K) {}
/// accepts(Route { tenant: 7, name: "api".into() });
/// accepts("api");
/// ```
pub trait Key: Clone + Eq + Hash + Ord + Debug + Send + Sync + 'static {}

impl<K: Clone + Eq + Hash + Ord + Debug + Send + Sync + 'static> Key for K {}
