//! `arc_swap` as it is promised: a swap that is a release and a load that is an acquire, and no more.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use loom::sync::atomic::{AtomicUsize, Ordering};

/// All values that ever were, and which of them is in force: only that is for loom to see.
pub struct ArcSwap<T> {
    values: Mutex<Vec<Arc<T>>>,
    current: AtomicUsize,
}

impl<T> ArcSwap<T> {
    pub fn new(value: Arc<T>) -> Self {
        Self { values: Mutex::new(vec![value]), current: AtomicUsize::new(0) }
    }

    pub fn swap(&self, value: Arc<T>) -> Arc<T> {
        let next = {
            let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            values.push(value);
            values.len() - 1
        };
        let previous = self.current.swap(next, Ordering::AcqRel);
        Arc::clone(&self.values.lock().unwrap_or_else(PoisonError::into_inner)[previous])
    }

    pub fn load_full(&self) -> Arc<T> {
        let current = self.current.load(Ordering::Acquire);
        Arc::clone(&self.values.lock().unwrap_or_else(PoisonError::into_inner)[current])
    }

    pub fn load(&self) -> Guard<Arc<T>> {
        Guard(self.load_full())
    }
}

pub struct Guard<T>(T);

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[derive(Clone)]
pub struct Cache<A, T> {
    from: A,
    last: T,
}

impl<T> Cache<Arc<ArcSwap<T>>, Arc<T>> {
    pub fn new(from: Arc<ArcSwap<T>>) -> Self {
        let last = from.load_full();
        Self { from, last }
    }

    pub fn load(&mut self) -> &Arc<T> {
        self.last = self.from.load_full();
        &self.last
    }
}
