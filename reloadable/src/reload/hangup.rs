//! The signal by which Unix programs are asked to read their configuration again.

use std::panic::catch_unwind;
use std::task::{Context, Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// `SIGHUP`, which from here on does not end the process. Signals that come together count as one.
pub(super) struct Hangup(Signal);

impl Hangup {
    pub(super) fn listen() -> Result<Self, Error> {
        // It panics where the runtime has no I/O, and there is no way to ask beforehand.
        match catch_unwind(|| signal(SignalKind::hangup())) {
            Ok(Ok(signal)) => Ok(Self(signal)),
            Ok(Err(error)) => Err(Error::setup("signal", format!("SIGHUP cannot be caught: {error}"))),
            Err(_) => Err(Error::setup(
                "signal",
                "signals need a runtime with I/O; call `enable_io()` or `enable_all()` where it is built",
            )),
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.0.poll_recv(context) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
