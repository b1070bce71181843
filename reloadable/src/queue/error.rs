//! Why a key was not added.

use std::fmt;

use super::state::Refused;

/// Why a key was not added to a [`WorkQueue`](crate::WorkQueue). It gives the key back.
///
/// # Examples
///
/// ```
/// use reloadable::WorkQueue;
///
/// let queue = WorkQueue::builder().capacity(1).build();
/// assert!(queue.try_add("a").is_ok());
/// let Err(error) = queue.try_add("b") else { unreachable!("there is room for one") };
/// assert!(error.is_full());
/// assert_eq!(error.into_key(), "b");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AddError<K> {
    key: K,
    refused: Refused,
}

impl<K> AddError<K> {
    pub(super) fn new(key: K, refused: Refused) -> Self {
        Self { key, refused }
    }

    /// Tells whether the queue knows as many keys as it may.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.refused == Refused::Full
    }

    /// Tells whether the queue takes nothing any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.refused == Refused::Closed
    }

    /// Returns the key that was not added.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Gives the key back.
    #[must_use]
    pub fn into_key(self) -> K {
        self.key
    }
}

impl<K> fmt::Display for AddError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.refused {
            Refused::Full => "the queue is full",
            Refused::Closed => "the queue is closed",
        })
    }
}

/// Without the key, so that an error needs nothing of it.
impl<K> fmt::Debug for AddError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddError").field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl<K> std::error::Error for AddError<K> {}
