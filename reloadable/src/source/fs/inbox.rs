//! Events on their way from the operating system to a source.

use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::chain::Identity;

/// What happened to an entry of a watched directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// The directory; the file itself where that is watched.
    pub(super) watched: Identity,
    /// The entry in it; none where the event is about what is watched.
    pub(super) name: Option<OsString>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Created,
    Written,
    Closed,
    MovedFrom,
    MovedTo,
    Metadata,
    Removed,
}

/// Events on their way to a source.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    arrived: Mutex<Arrived>,
    woken: Notify,
}

/// What came since it was last asked for.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    pub(super) events: Vec<Event>,
    /// There was more than is told here: anything may have happened.
    pub(super) lost: bool,
}

/// A source that has not come round to this many events looks at everything anyway.
const MOST_EVENTS: usize = 1024;

impl Inbox {
    pub(super) fn push(&self, event: Event) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        if arrived.lost || arrived.events.last() == Some(&event) {
            return;
        }
        if arrived.events.len() == MOST_EVENTS {
            arrived.events.clear();
            arrived.lost = true;
        } else {
            arrived.events.push(event);
        }
        drop(arrived);
        self.woken.notify_one();
    }

    pub(super) fn lose(&self) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.events.clear();
        arrived.lost = true;
        drop(arrived);
        self.woken.notify_one();
    }

    pub(super) fn take(&self) -> Arrived {
        std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Resolves when something may have come since it last resolved.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a wake that was not taken is kept.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: usize) -> Event {
        let watched = Identity::of(std::path::Path::new("/")).unwrap();
        Event { watched, name: Some(name.to_string().into()), kind: Kind::Written }
    }

    #[test]
    fn what_a_source_does_not_take_in_time_is_lost_and_it_is_told_so() {
        let inbox = Inbox::default();
        for name in 0..MOST_EVENTS {
            inbox.push(event(name));
        }
        let arrived = inbox.take();
        assert_eq!((arrived.events.len(), arrived.lost), (MOST_EVENTS, false));
        for name in 0..=MOST_EVENTS + 10 {
            inbox.push(event(name));
        }
        let arrived = inbox.take();
        assert_eq!((arrived.events.len(), arrived.lost), (0, true));
        inbox.push(event(0));
        assert_eq!(inbox.take().events, [event(0)]);
    }

    #[test]
    fn the_same_event_again_says_nothing() {
        let inbox = Inbox::default();
        for _ in 0..10_000 {
            inbox.push(event(1));
        }
        assert_eq!(inbox.take().events, [event(1)]);
    }

    #[tokio::test]
    async fn a_wake_is_kept_until_somebody_waits() {
        let inbox = Inbox::default();
        inbox.push(event(1));
        tokio::time::timeout(std::time::Duration::from_secs(20), inbox.woken()).await.expect("it was kept");
    }
}
