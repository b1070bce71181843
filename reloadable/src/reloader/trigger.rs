//! A handle that asks for reloads, and nothing else.

use std::fmt;

use super::Reloader;
#[cfg(all(unix, feature = "signal"))]
use super::builder::Builder;
use crate::error::Error;
use crate::load::Reloadable;
use crate::reload::Fuse;

/// Asks a reloader for a reload without waiting for it: for an admin endpoint, a key press, or another part of the program
/// that knows of a change. Made by [`Reloader::trigger`].
///
/// It is cheap to clone, has no type parameter, and does not keep the reloader running.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start().await?;
/// use reloadable::Reason;
///
/// let mut outcomes = config.outcomes();
/// let admin = config.trigger("admin");
/// admin.fire()?;
/// admin.fire()?; // adds nothing
/// let attempt = outcomes.next().await?;
/// assert_eq!(attempt.reason(), &Reason::Trigger("admin".into()));
///
/// config.shutdown().await;
/// assert!(admin.is_closed());
/// assert!(admin.fire().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Trigger {
    fuse: Fuse,
}

impl Trigger {
    /// Returns the name, which the attempts give as their [reason](crate::Reason::Trigger).
    #[must_use]
    pub fn name(&self) -> &str {
        self.fuse.name()
    }

    /// Asks for a reload. It never waits, and may be called from anywhere, also from a gate or a signal handler's thread.
    ///
    /// While a reload that this trigger or a clone of it asked for has not begun, asking again adds nothing: that one will
    /// see all that has changed until then. While reloads are paused or rolled back, nothing comes of it, and this is no
    /// error: there is no attempt and no outcome. [`Status::suspension`](crate::Status::suspension) says so, and so do the log,
    /// the metrics and [`readiness`](Reloader::readiness).
    ///
    /// How it went, [`outcomes`](Reloader::outcomes) and [`status`](Reloader::status) tell; to wait for it there is
    /// [`reload`](Reloader::reload).
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::ErrorKind::Closed) if the reloader has ended.
    pub fn fire(&self) -> Result<(), Error> {
        self.fuse.fire()
    }

    /// Tells whether the reloader has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.fuse.is_out()
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trigger")
            .field("name", &self.name())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

const _: () = {
    const fn assert<T: Send + Sync + Clone + 'static>() {}
    assert::<Trigger>();
};

impl<T: Reloadable> Reloader<T> {
    /// Makes a handle that asks for reloads, whose attempts give this name as their reason.
    #[must_use]
    pub fn trigger(&self, name: &str) -> Trigger {
        Trigger { fuse: self.firing.fuse(name.into()) }
    }
}

#[cfg(all(unix, feature = "signal"))]
impl<T: Reloadable> Builder<T> {
    /// Reloads whenever the process gets `SIGHUP`, which does not end it any more: neither during the first load, nor after
    /// the reloader has ended. Feature `signal`, on Unix.
    ///
    /// Signals that come while one waits for its reload count as one. Every reloader that is set up so gets each of them. A
    /// first load that [waits](crate::StartPolicy::WaitForValid) is tried again at once. While reloads are paused or rolled
    /// back, nothing comes of a signal but a warning in the log and a count in the metrics, with the features for these.
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) fails with [`Setup`](crate::ErrorKind::Setup) in a runtime whose I/O is not enabled.
    /// [`start_blocking`](Self::start_blocking) enables it in its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// use reloadable::{Reason, Reloader};
    ///
    /// let config = Reloader::<Limits>::builder().source(source).reload_on_hangup().start().await?;
    /// let mut outcomes = config.outcomes();
    /// let this = std::process::id().to_string();
    /// assert!(std::process::Command::new("kill").args(["-HUP", &this]).status()?.success());
    /// assert_eq!(outcomes.next().await?.reason(), &Reason::Signal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reload_on_hangup(mut self) -> Self {
        self.hangup = true;
        self
    }
}
