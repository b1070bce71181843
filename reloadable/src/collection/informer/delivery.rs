//! What a subscriber was given, and what it says of that.

use std::fmt;
use std::sync::Arc;

use super::feed::Feed;
use crate::key::Key;
use crate::load::{Reloadable, holds_any_secret};
use crate::progress::Subscriber;

#[derive(Default)]
pub(super) struct Delivery {
    /// That of the store of which everything was given.
    pub(super) generation: u64,
    /// The one before it.
    previous: u64,
    /// If it acknowledges.
    subscriber: Option<Subscriber>,
}

impl Delivery {
    pub(super) fn acknowledge<K: Key, T: Reloadable>(&mut self, feed: &Feed<K, T>, name: Arc<str>) {
        self.subscriber = Some(feed.acknowledging(name, self.generation));
    }

    /// Everything up to this generation was given.
    pub(super) fn given(&mut self, generation: u64) {
        self.saw(generation, true);
    }

    /// Of this generation there was nothing to give.
    pub(super) fn passed(&mut self, generation: Option<u64>) {
        if let Some(generation) = generation {
            self.saw(generation, false);
        }
    }

    fn saw(&mut self, generation: u64, is_change: bool) {
        if generation <= self.generation {
            return;
        }
        self.previous = std::mem::replace(&mut self.generation, generation);
        if let Some(subscriber) = &self.subscriber {
            subscriber.saw(generation, is_change);
        }
    }

    pub(super) fn applied(&self) {
        if let Some(acknowledgement) = self.subscriber.as_ref().and_then(Subscriber::acknowledgement) {
            acknowledgement.applied(self.generation);
        }
    }

    pub(super) fn failed<T: Reloadable>(&self, reason: &dyn fmt::Display) {
        if let Some(acknowledgement) = self.subscriber.as_ref().and_then(Subscriber::acknowledgement) {
            let reason = match holds_any_secret::<T>() {
                true => "what it said is withheld, since there are secrets".to_owned(),
                false => reason.to_string(),
            };
            acknowledgement.failed(self.previous, self.generation, &reason);
        }
    }
}
