//! The dead letters: keys that are not tried again by themselves.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Serialize, Serializer};
use tokio::sync::watch;

use super::outcome::{Failure, FailureKind};
use crate::error::Error;
use crate::key::Key;
use crate::queue::{Add, AddError, Priority, WorkQueue};
use crate::status::{seconds, shared};

/// A key that is not tried again by itself, since it has failed too often, or for good.
///
/// It [serializes](serde::Serialize) for a status page: the key as its `Debug` shows it, times in seconds since 1970, and
/// of the failures what the errors said, no object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound = "K: Debug")]
#[non_exhaustive]
pub struct DeadLetter<K> {
    /// The key.
    #[serde(serialize_with = "as_shown")]
    pub key: K,
    /// What was said of the last failure, in one line.
    #[serde(serialize_with = "shared")]
    pub reason: Arc<str>,
    /// In which way it failed the last time.
    pub kind: FailureKind,
    /// How often it was tried.
    pub attempts: u32,
    /// The last failures, at most 8, the last one at the end.
    pub history: Vec<Failure>,
    /// When it was given up.
    #[serde(serialize_with = "seconds")]
    pub since: SystemTime,
}

/// A key that is a text is shown as such.
fn as_shown<K: Debug, S: Serializer>(key: &K, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = format!("{key:?}");
    let inner = shown.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    serializer.serialize_str(inner.unwrap_or(&shown))
}

/// The keys that a [`Controller`](crate::Controller) has given up, from
/// [`ControllerHandle::dead_letters`](crate::ControllerHandle::dead_letters).
///
/// A key leaves it and is tried again, as if it had never failed, when something new is told of it: its object changes or
/// goes, or one that it owns does. A resync tells nothing new. Or somebody asks for it, with [`requeue`](Self::requeue).
///
/// Cheap to clone, and it does not keep the controller running.
///
/// # Examples
///
/// ```
/// # type Route = std::collections::BTreeMap<String, u16>;
/// async fn page(controller: &reloadable::ControllerHandle<Route>) {
///     let mut dead = controller.dead_letters();
///     while dead.changed().await.is_ok() {
///         for letter in dead.list() {
///             println!("{}: {} after {} attempts", letter.key, letter.reason, letter.attempts);
///         }
///     }
/// }
/// ```
pub struct DeadLetters<K: Key> {
    letters: Arc<Letters<K>>,
    queue: WorkQueue<K>,
    forget: Arc<dyn Fn(&K) + Send + Sync>,
    news: watch::Receiver<News>,
    seen: u64,
}

/// How often something has changed, and whether nothing will any more.
#[derive(Debug, Clone, Copy, Default)]
struct News {
    version: u64,
    is_closed: bool,
}

impl<K: Key> DeadLetters<K> {
    /// `forget` is told of keys that nobody wants to try again.
    pub(super) fn new(
        letters: Arc<Letters<K>>,
        queue: WorkQueue<K>,
        forget: impl Fn(&K) + Send + Sync + 'static,
    ) -> Self {
        let news = letters.news.subscribe();
        let seen = news.borrow().version;
        Self { letters, queue, forget: Arc::new(forget), news, seen }
    }

    /// Returns all of them, in the order of their keys.
    #[must_use]
    pub fn list(&self) -> Vec<DeadLetter<K>> {
        self.letters.list()
    }

    /// Returns that of one key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<DeadLetter<K>> {
        let letter = self.letters.all().get(key).cloned();
        letter.map(|letter| DeadLetter::clone(&letter))
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.letters.all().len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a key out and has it tried again at once, as if it had never failed. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// Fails if the queue is full or the controller has ended. Then the key stays.
    pub fn requeue(&self, key: &K) -> Result<bool, AddError<K>> {
        self.requeue_with(key, Priority::High)
    }

    /// Takes all keys out and has them tried again, as if they had never failed. Returns how many there were.
    ///
    /// # Errors
    ///
    /// Fails at the first key for which there is no room in the queue, or if the controller has ended. That one and those
    /// after it stay.
    pub fn requeue_all(&self) -> Result<usize, AddError<K>> {
        let keys: Vec<_> = self.letters.all().keys().cloned().collect();
        let mut requeued = 0;
        for key in keys {
            requeued += usize::from(self.requeue_with(&key, Priority::Normal)?);
        }
        Ok(requeued)
    }

    /// Takes a key out, and does not try it again before something new is told of it.
    #[allow(clippy::must_use_candidate, reason = "it is done for what it does")]
    pub fn remove(&self, key: &K) -> Option<DeadLetter<K>> {
        let letter = self.letters.take(key)?;
        (self.forget)(key);
        Some(Arc::unwrap_or_clone(letter))
    }

    /// Waits until a key has come or gone since this was last waited for, or since this handle was made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) once the controller has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has consumed nothing.
    pub async fn changed(&mut self) -> Result<(), Error> {
        let seen = self.seen;
        let is_news = |news: &News| news.version != seen || news.is_closed;
        let news = *self.news.wait_for(is_news).await.map_err(|_| Error::closed())?;
        self.seen = news.version;
        if news.version == seen { Err(Error::closed()) } else { Ok(()) }
    }

    fn requeue_with(&self, key: &K, priority: Priority) -> Result<bool, AddError<K>> {
        // It goes before it comes back, so that a run that fails at once finds its place free.
        let Some(letter) = self.letters.take(key) else { return Ok(false) };
        let added = self.queue.try_add_with(key.clone(), Add::new().priority(priority));
        if added.is_err() {
            self.letters.put_back(letter);
        }
        added.map(|()| true)
    }
}

/// What [`DeadLetters`] are taken from.
pub(super) struct Letters<K> {
    all: Mutex<BTreeMap<K, Arc<DeadLetter<K>>>>,
    most: usize,
    news: watch::Sender<News>,
}

impl<K: Key> Letters<K> {
    pub(super) fn new(most: usize) -> Self {
        Self { all: Mutex::new(BTreeMap::new()), most, news: watch::Sender::new(News::default()) }
    }

    pub(super) fn len(&self) -> usize {
        self.all().len()
    }

    pub(super) fn list(&self) -> Vec<DeadLetter<K>> {
        let letters: Vec<_> = self.all().values().cloned().collect();
        letters.iter().map(|letter| DeadLetter::clone(letter)).collect()
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.all().contains_key(key)
    }

    /// Takes one in, and tells whether there was room for it.
    pub(super) fn put(&self, letter: DeadLetter<K>) -> bool {
        let (key, letter) = (letter.key.clone(), Arc::new(letter));
        let before = {
            let mut all = self.all();
            if all.len() >= self.most && !all.contains_key(&key) {
                return false;
            }
            all.insert(key, letter)
        };
        drop(before);
        self.tell();
        true
    }

    pub(super) fn take(&self, key: &K) -> Option<Arc<DeadLetter<K>>> {
        // The key goes where no lock is held.
        let (gone, letter) = self.all().remove_entry(key)?;
        drop(gone);
        self.tell();
        Some(letter)
    }

    /// Keeps one that was just taken, though its place may be gone by now.
    fn put_back(&self, letter: Arc<DeadLetter<K>>) {
        let key = letter.key.clone();
        // What has come meanwhile is newer and stays.
        let newer = self.all().insert(key.clone(), letter);
        if let Some(newer) = newer {
            let older = self.all().insert(key, newer);
            drop(older);
        }
        self.tell();
    }

    fn tell(&self) {
        self.news.send_modify(|news| news.version += 1);
    }

    /// Nothing changes any more.
    pub(super) fn close(&self) {
        self.news.send_modify(|news| news.is_closed = true);
    }

    /// Besides this, only code of the keys runs under the lock.
    fn all(&self) -> MutexGuard<'_, BTreeMap<K, Arc<DeadLetter<K>>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Clone for DeadLetters<K> {
    fn clone(&self) -> Self {
        Self {
            letters: Arc::clone(&self.letters),
            queue: self.queue.clone(),
            forget: Arc::clone(&self.forget),
            news: self.news.clone(),
            seen: self.seen,
        }
    }
}

impl<K: Key> fmt::Debug for DeadLetters<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("len", &self.len()).finish_non_exhaustive()
    }
}
