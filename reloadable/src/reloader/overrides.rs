//! Values that the program sets while it runs.

use serde::Serialize;
use tokio::sync::oneshot;

use super::Reloader;
use crate::error::{Error, ErrorKind};
use crate::load::Reloadable;
use crate::path::FieldPath;
use crate::reload::{Ask, Request};
use crate::report::Violation;
use crate::source::Override;
use crate::status::ReloadOutcome;
use crate::subscribe::block_on;
use crate::value::Value;

/// Overrides lie over all layers, until they are cleared or the reloader ends. Each goes through the same steps as a
/// change of a file, and is kept only if the configuration is valid with it. [`Status`](crate::Status) names them.
///
/// While reloads are paused or rolled back, none can be set. One can be cleared, so that it does not come back with
/// [`resume`](Self::resume): the outcome is [`Suspended`](ReloadOutcome::Suspended) all the same, since what is in force
/// stays as it is until then.
impl<T: Reloadable> Reloader<T> {
    /// Sets one field, whatever the layers say of it, and returns how that went. A value that is refused is forgotten.
    ///
    /// `path` is spelled as in the file: `database.pool_size`, `routes[0].path`, or by the key of a list's element
    /// `routes["api"].timeout`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the override may still be set.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, _document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// # let config = reloadable::Reloader::<Limits>::builder().source(source).start().await?;
    /// assert!(config.set_override("workers", 64).await.is_in_force());
    /// assert_eq!(config.load()["workers"], 64);
    ///
    /// assert!(!config.set_override("workers", "many").await.is_in_force());
    /// assert_eq!(config.load()["workers"], 64);
    ///
    /// config.clear_override("workers").await;
    /// assert_eq!(config.load()["workers"], 4);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_override(&self, path: &str, value: impl Serialize) -> ReloadOutcome {
        let value = Value::of(&value);
        if !value.is_shown() {
            let message = "this value hides itself from serde; give what it exposes, or derive `Serialize`";
            return refused("values", message.to_owned());
        }
        self.change_override(path, |path| Override::Set(path, value)).await
    }

    /// Clears one override, so that the layers show through again, and returns how that went.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the override may still be cleared.
    pub async fn clear_override(&self, path: &str) -> ReloadOutcome {
        self.change_override(path, Override::Clear).await
    }

    /// Clears all overrides.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the overrides may still be cleared.
    pub async fn clear_overrides(&self) -> ReloadOutcome {
        self.request(Ask::Override(Override::ClearAll), "clear_overrides()").await
    }

    /// Does what [`set_override`](Self::set_override) does, and blocks the thread until it is done. It must not be called
    /// from asynchronous code, which it would stop.
    pub fn blocking_set_override(&self, path: &str, value: impl Serialize) -> ReloadOutcome {
        block_on(self.set_override(path, value))
    }

    /// Does what [`clear_override`](Self::clear_override) does, and blocks the thread until it is done. It must not be
    /// called from asynchronous code, which it would stop.
    pub fn blocking_clear_override(&self, path: &str) -> ReloadOutcome {
        block_on(self.clear_override(path))
    }

    /// Does what [`clear_overrides`](Self::clear_overrides) does, and blocks the thread until it is done. It must not be
    /// called from asynchronous code, which it would stop.
    pub fn blocking_clear_overrides(&self) -> ReloadOutcome {
        block_on(self.clear_overrides())
    }

    async fn change_override(&self, path: &str, change: impl FnOnce(FieldPath) -> Override) -> ReloadOutcome {
        match path.parse::<FieldPath>() {
            Ok(path) if path.is_root() => refused("path", "name a field, as `database.pool_size`".to_owned()),
            Ok(path) => self.request(Ask::Override(change(path)), "set_override(..)").await,
            Err(error) => refused("path", format!("`{path}`: {error}")),
        }
    }

    /// Asks the task, unless this is called by what the task waits for.
    pub(super) async fn request(&self, ask: Ask, call: &str) -> ReloadOutcome {
        if let Err(error) = self.inside.refuse(call) {
            return ReloadOutcome::Failed(error);
        }
        let (answer, outcome) = oneshot::channel();
        if self.requests.send(Request { ask, answer }).await.is_err() {
            return ReloadOutcome::Failed(Error::closed());
        }
        outcome.await.unwrap_or_else(|_| ReloadOutcome::Failed(Error::closed()))
    }
}

fn refused(code: &'static str, message: String) -> ReloadOutcome {
    let violation = Violation::new(FieldPath::root(), code, message);
    ReloadOutcome::Rejected(Error::new(ErrorKind::Invalid, violation.into()))
}
