//! The locks and atomics of loom, and a `watch` channel made of them that keeps what tokio promises of its own: a value
//! that was sent is told to each receiver at least once, and the newest only; the end is told after the last value.

pub(crate) use loom::sync::atomic::AtomicU64;
pub(crate) use loom::sync::{Mutex, MutexGuard};

pub mod watch {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::{Poll, Waker};

    use loom::sync::Mutex;

    struct State {
        version: usize,
        receivers: usize,
        closed: bool,
        waiting: Vec<Waker>,
    }

    type Shared = Arc<Mutex<State>>;

    fn with<R>(shared: &Shared, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut shared.lock().expect("no thread of a model panics"))
    }

    /// Of values that say nothing, as all that are sent here.
    pub struct Sender<T>(Shared, std::marker::PhantomData<T>);

    impl<T> Sender<T> {
        pub fn new(_value: T) -> Self {
            let state = State { version: 0, receivers: 0, closed: false, waiting: Vec::new() };
            Self(Arc::new(Mutex::new(state)), std::marker::PhantomData)
        }

        pub fn send_replace(&self, _value: T) {
            tell(&self.0, |state| state.version += 1);
        }

        pub fn subscribe(&self) -> Receiver<T> {
            let seen = with(&self.0, |state| {
                state.receivers += 1;
                state.version
            });
            Receiver { shared: Arc::clone(&self.0), seen, of: std::marker::PhantomData }
        }

        pub fn receiver_count(&self) -> usize {
            with(&self.0, |state| state.receivers)
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            tell(&self.0, |state| state.closed = true);
        }
    }

    fn tell(shared: &Shared, change: impl FnOnce(&mut State)) {
        let waiting = with(shared, |state| {
            change(state);
            std::mem::take(&mut state.waiting)
        });
        waiting.into_iter().for_each(Waker::wake);
    }

    pub struct Receiver<T> {
        shared: Shared,
        seen: usize,
        of: std::marker::PhantomData<T>,
    }

    impl<T> Receiver<T> {
        pub async fn changed(&mut self) -> Result<(), ()> {
            poll_fn(|context| {
                with(&self.shared, |state| {
                    if state.version != self.seen {
                        self.seen = state.version;
                        return Poll::Ready(Ok(()));
                    }
                    if state.closed {
                        return Poll::Ready(Err(()));
                    }
                    state.waiting.push(context.waker().clone());
                    Poll::Pending
                })
            })
            .await
        }
    }

    impl<T> Clone for Receiver<T> {
        fn clone(&self) -> Self {
            with(&self.shared, |state| state.receivers += 1);
            Self { shared: Arc::clone(&self.shared), seen: self.seen, of: std::marker::PhantomData }
        }
    }

    impl<T> Drop for Receiver<T> {
        fn drop(&mut self) {
            with(&self.shared, |state| state.receivers -= 1);
        }
    }
}
