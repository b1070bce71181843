//! What asks for a reload without waiting for how it goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

#[cfg(all(unix, feature = "signal"))]
use super::hangup::Hangup;
use crate::error::Error;
use crate::status::Reason;

/// How many are queued. Each will look at the sources as they are then, so what does not find room needs none.
const QUEUED: usize = 16;

/// What may set off a reload, as the task sees it.
pub(super) struct Triggers {
    fired: mpsc::Receiver<Fired>,
    /// So that the queue does not end before the task does.
    sender: mpsc::Sender<Fired>,
    #[cfg(all(unix, feature = "signal"))]
    hangup: Option<Hangup>,
}

struct Fired {
    name: Arc<str>,
    is_queued: Arc<AtomicBool>,
}

impl Triggers {
    pub(super) fn new() -> Self {
        let (sender, fired) = mpsc::channel(QUEUED);
        Self {
            fired,
            sender,
            #[cfg(all(unix, feature = "signal"))]
            hangup: None,
        }
    }

    #[cfg(all(unix, feature = "signal"))]
    pub(super) fn listen_to(&mut self, hangup: Hangup) {
        self.hangup = Some(hangup);
    }

    pub(super) fn firing(&self) -> Firing {
        Firing(self.sender.clone())
    }

    /// Waits for the next one. Cancel safe: what was not answered yet stays queued.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Reason> {
        #[cfg(all(unix, feature = "signal"))]
        if let Some(hangup) = &mut self.hangup {
            if hangup.poll(context).is_ready() {
                return Poll::Ready(Reason::Signal);
            }
        }
        match self.fired.poll_recv(context) {
            Poll::Ready(Some(Fired { name, is_queued })) => {
                // From here on the attempt may have begun, and who fires wants another. What was done before one that found
                // this set is seen by the attempt: both sides acquire and release.
                is_queued.swap(false, Ordering::AcqRel);
                Poll::Ready(Reason::Trigger(name))
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// From which triggers are made. It does not keep the task running.
#[derive(Clone)]
pub(crate) struct Firing(mpsc::Sender<Fired>);

impl Firing {
    pub(crate) fn fuse(&self, name: Arc<str>) -> Fuse {
        Fuse { sender: self.0.clone(), name, is_queued: Arc::default() }
    }
}

/// What queues one reload at a time.
#[derive(Clone)]
pub(crate) struct Fuse {
    sender: mpsc::Sender<Fired>,
    name: Arc<str>,
    is_queued: Arc<AtomicBool>,
}

impl Fuse {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Queues a reload, unless one is queued.
    pub(crate) fn fire(&self) -> Result<(), Error> {
        if self.is_out() {
            return Err(Error::closed());
        }
        if self.is_queued.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let fired = Fired { name: Arc::clone(&self.name), is_queued: Arc::clone(&self.is_queued) };
        match self.sender.try_send(fired) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.is_queued.store(false, Ordering::Release);
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err(Error::closed()),
        }
    }

    /// Tells whether the task has ended.
    pub(crate) fn is_out(&self) -> bool {
        self.sender.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// All that is queued.
    fn queued(triggers: &mut Triggers) -> Vec<String> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let queued = std::iter::from_fn(|| match triggers.poll(&mut context) {
            Poll::Ready(reason) => Some(reason.to_string()),
            Poll::Pending => None,
        });
        queued.collect()
    }

    #[test]
    fn what_is_fired_again_while_it_is_queued_adds_nothing() {
        let mut triggers = Triggers::new();
        let (one, other) = (triggers.firing().fuse("one".into()), triggers.firing().fuse("other".into()));
        for _ in 0..100 {
            assert!(one.fire().is_ok() && other.clone().fire().is_ok());
        }
        assert_eq!(queued(&mut triggers), ["one", "other"]);
        assert!(one.fire().is_ok());
        assert_eq!(queued(&mut triggers), ["one"]);
    }

    #[test]
    fn the_queue_is_bounded_and_who_finds_no_room_may_fire_later() {
        let mut triggers = Triggers::new();
        let fuses: Vec<_> =
            (0..100).map(|number| triggers.firing().fuse(number.to_string().into())).collect();
        assert!(fuses.iter().all(|fuse| fuse.fire().is_ok()));
        assert_eq!(queued(&mut triggers).len(), QUEUED);
        assert!(fuses[99].fire().is_ok());
        assert_eq!(queued(&mut triggers), ["99"]);
    }

    #[test]
    fn it_tells_that_the_task_has_ended() {
        let triggers = Triggers::new();
        let fuse = triggers.firing().fuse("late".into());
        drop(triggers);
        assert!(fuse.is_out());
        assert!(fuse.fire().is_err());
    }

    #[tokio::test]
    async fn it_wakes_whoever_waits() {
        let mut triggers = Triggers::new();
        let fuse = triggers.firing().fuse("late".into());
        let (reason, fired) = tokio::join!(poll_fn(|context| triggers.poll(context)), async { fuse.fire() });
        assert_eq!((reason.name(), fired.is_ok()), ("trigger", true));
    }
}
