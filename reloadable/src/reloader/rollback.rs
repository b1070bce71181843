//! Going back, and standing still.

use super::Reloader;
use crate::error::Error;
use crate::history::Published;
use crate::load::Reloadable;
use crate::reload::Ask;
use crate::status::ReloadOutcome;
use crate::subscribe::block_on;

/// What was in force can be returned to, and reloads can be paused.
impl<T: Reloadable> Reloader<T> {
    /// Returns the last snapshots that were published, the newest at the end; as many as [told](crate::Builder::history).
    #[must_use]
    pub fn history(&self) -> Vec<Published<T>> {
        self.history.all()
    }

    /// Goes back to the snapshot of this generation, and stays there: what the sources hold is not tried until
    /// [`resume`](Self::resume).
    ///
    /// The documents of that snapshot, its overrides included, go through the same steps as any candidate: they are decoded
    /// and validated, the gates are asked, and what comes of it is published as a new generation. What needs a restart is
    /// held. If it is refused, nothing changes; unless reloads are suspended, what the sources hold is then looked at again,
    /// which is one more attempt, so that the refusal does not stay in the status.
    ///
    /// A generation that is not in the [history](Self::history) is `Failed`, of kind
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the rollback may still take place.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// # let config = reloadable::Reloader::<Limits>::builder().source(source).start().await?;
    /// document.replace("workers = 8");
    /// config.reload().await;
    /// assert!(config.rollback_to(1).await.is_in_force());
    /// assert_eq!((config.load()["workers"], config.snapshot().generation()), (4, 3));
    ///
    /// document.replace("workers = 16");
    /// assert_eq!(config.load()["workers"], 4);
    /// assert!(config.resume().await.is_in_force());
    /// assert_eq!(config.load()["workers"], 16);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rollback_to(&self, generation: u64) -> ReloadOutcome {
        self.request(Ask::RollBack(generation), "rollback_to(..)").await
    }

    /// Lets what is in force stay, whatever the sources hold, until [`resume`](Self::resume). They are not looked at, so
    /// their status may be out of date: a source that has told of a change, or cannot tell, is asked nothing more until then.
    /// [`reload`](Self::reload) is [`Suspended`](ReloadOutcome::Suspended) meanwhile, and so are overrides.
    ///
    /// An attempt that is under way ends first.
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::ErrorKind::Closed) if the reloader has ended, [`Deadlock`](crate::ErrorKind::Deadlock) if what a
    /// reload waits for calls this.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, reloads may still be paused.
    pub async fn pause(&self) -> Result<(), Error> {
        match self.request(Ask::Pause, "pause()").await {
            ReloadOutcome::Failed(error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Follows the sources again after [`pause`](Self::pause), [`rollback_to`](Self::rollback_to) or where the reloader had
    /// suspended itself; with what they hold now, and returns how that went.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, reloads may still be resumed.
    pub async fn resume(&self) -> ReloadOutcome {
        self.request(Ask::Resume, "resume()").await
    }

    /// Does what [`rollback_to`](Self::rollback_to) does, and blocks the thread until it is done. It must not be called
    /// from asynchronous code, which it would stop.
    pub fn blocking_rollback_to(&self, generation: u64) -> ReloadOutcome {
        block_on(self.rollback_to(generation))
    }

    /// Does what [`pause`](Self::pause) does, and blocks the thread until it is done. It must not be called from
    /// asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub fn blocking_pause(&self) -> Result<(), Error> {
        block_on(self.pause())
    }

    /// Does what [`resume`](Self::resume) does, and blocks the thread until it is done. It must not be called from
    /// asynchronous code, which it would stop.
    pub fn blocking_resume(&self) -> ReloadOutcome {
        block_on(self.resume())
    }
}
