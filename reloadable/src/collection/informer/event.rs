//! What subscribers are told.

use std::fmt;
use std::sync::Arc;

use crate::collection::view::View;
use crate::diff::Diff;
use crate::key::Key;

/// What became of an object, told by [`Events`](crate::Events) and [`Latest`](crate::Latest).
///
/// # Examples
///
/// ```
/// use reloadable::Event;
///
/// # type Route = std::collections::BTreeMap<String, u16>;
/// fn describe(event: &Event<String, Route>) -> String {
///     match event {
///         Event::Snapshot { view, .. } => format!("{} routes", view.len()),
///         Event::Added { key, .. } => format!("{key} was added"),
///         Event::Modified(modified) => format!("{}: {}", modified.key(), modified.changes()),
///         Event::Removed { key, how, .. } => format!("{key} was removed ({how:?})"),
///         _ => String::new(),
///     }
/// }
/// ```
#[non_exhaustive]
pub enum Event<K: Key, T> {
    /// These are all objects. What follows is what changes after this.
    Snapshot {
        /// All objects.
        view: View<K, T>,
        /// Why they are told at once.
        why: SnapshotCause,
    },
    /// An object came.
    Added {
        /// Its key.
        key: K,
        /// The object.
        object: Arc<T>,
    },
    /// An object has another value.
    Modified(Modified<K, T>),
    /// An object went.
    Removed {
        /// Its key.
        key: K,
        /// The object as it was.
        last: Arc<T>,
        /// How it is known.
        how: Removal,
    },
    /// Nothing has changed: it is only time to look at an object again, see
    /// [`resync`](crate::InformerBuilder::resync).
    Resync {
        /// Its key.
        key: K,
        /// The object.
        object: Arc<T>,
    },
}

/// Why all objects are told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnapshotCause {
    /// It is the first that this subscriber is told.
    Started,
    /// The subscriber was too slow, and so many changes were dropped. What they led to is in the snapshot.
    Lagged {
        /// How many.
        missed: u64,
    },
}

/// How it is known that an object is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Removal {
    /// The source told of it.
    Observed,
    /// It was not in a list any more.
    Relisted,
    /// There is another one with the same key, which is told next.
    Replaced,
    /// It is still there, but is no longer wanted, see [`filter`](crate::InformerBuilder::filter).
    Filtered,
}

/// An object that has another value, and how the two differ.
///
/// # Examples
///
/// ```
/// # type Route = std::collections::BTreeMap<String, u16>;
/// fn tell(modified: &reloadable::Modified<String, Route>) {
///     println!("{}: {}", modified.key(), modified.changes());
/// }
/// ```
pub struct Modified<K, T> {
    pub(super) key: K,
    pub(super) old: Arc<T>,
    pub(super) new: Arc<T>,
}

impl<K, T> Modified<K, T> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Returns the object as it was.
    #[must_use]
    pub fn previous(&self) -> &Arc<T> {
        &self.old
    }

    /// Returns the object as it is.
    #[must_use]
    pub fn current(&self) -> &Arc<T> {
        &self.new
    }
}

impl<K, T: Diff> Modified<K, T> {
    /// Returns how the two differ. It compares them anew, so keep the result rather than call it often.
    ///
    /// # Panics
    ///
    /// If the object does not compare the same way twice, because a `PartialEq` or a function named by
    /// `#[reload(leaf, ..)]` is not a pure function of its arguments.
    #[must_use]
    pub fn changes(&self) -> T::Changes<'_> {
        T::diff(&self.old, &self.new).expect("an event is only made of values that differ")
    }
}

impl<K: Key, T> Event<K, T> {
    /// Returns the key of the object that it is about.
    #[must_use]
    pub fn key(&self) -> Option<&K> {
        match self {
            Self::Snapshot { .. } => None,
            Self::Added { key, .. } | Self::Removed { key, .. } | Self::Resync { key, .. } => Some(key),
            Self::Modified(modified) => Some(&modified.key),
        }
    }
}

impl<K: Clone, T> Clone for Modified<K, T> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), old: Arc::clone(&self.old), new: Arc::clone(&self.new) }
    }
}

impl<K: Key, T> Clone for Event<K, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Snapshot { view, why } => Self::Snapshot { view: view.clone(), why: *why },
            Self::Added { key, object } => Self::Added { key: key.clone(), object: Arc::clone(object) },
            Self::Modified(modified) => Self::Modified(modified.clone()),
            Self::Removed { key, last, how } => {
                Self::Removed { key: key.clone(), last: Arc::clone(last), how: *how }
            }
            Self::Resync { key, object } => Self::Resync { key: key.clone(), object: Arc::clone(object) },
        }
    }
}

/// The objects may have secrets, so they are not shown.
impl<K: fmt::Debug, T> fmt::Debug for Modified<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Modified").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The objects may have secrets, so they are not shown.
impl<K: Key, T> fmt::Debug for Event<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, key) = match self {
            Self::Snapshot { why, .. } => {
                return f.debug_struct("Snapshot").field("why", why).finish_non_exhaustive();
            }
            Self::Added { key, .. } => ("Added", key),
            Self::Modified(modified) => return modified.fmt(f),
            Self::Removed { key, how, .. } => {
                let mut shown = f.debug_struct("Removed");
                return shown.field("key", key).field("how", how).finish_non_exhaustive();
            }
            Self::Resync { key, .. } => ("Resync", key),
        };
        f.debug_struct(name).field("key", key).finish_non_exhaustive()
    }
}
