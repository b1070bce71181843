//! How a reloader is seen from outside.

use super::builder::Builder;
#[cfg(feature = "metrics")]
use crate::error::Error;
use crate::load::Reloadable;

impl<T: Reloadable> Builder<T> {
    /// Names the reloader, where a program has several: the name is the field `reloader` of what it logs, and the label
    /// `reloader` of its metrics. None unless set. Features `tracing` and `metrics`.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # type Routes = std::collections::BTreeMap<String, String>;
    /// use reloadable::Reloader;
    ///
    /// let limits = Reloader::<Limits>::builder().file("limits.toml").name("limits");
    /// let routes = Reloader::<Routes>::builder().file("routes.toml").name("routes");
    /// # let _ = (limits, routes);
    /// ```
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub fn name(mut self, name: &str) -> Self {
        self.observe.name = Some(name.into());
        self
    }

    /// Sets what the names of the metrics begin with, as in `myapp_config_generation`: nothing unless set. Feature
    /// `metrics`.
    ///
    /// Letters, digits and underscores may be in it, and it may not begin with a digit: [`start`](Self::start) refuses
    /// others.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{ErrorKind, Reloader};
    ///
    /// let builder = Reloader::<Limits>::builder().file("app.toml").metrics_prefix("myapp");
    /// # let _ = builder;
    /// let refused = Reloader::<Limits>::builder().metrics_prefix("my-app").file("app.toml").start_blocking();
    /// assert!(refused.is_err_and(|error| error.kind() == ErrorKind::Setup));
    /// ```
    #[cfg(feature = "metrics")]
    pub fn metrics_prefix(mut self, prefix: &str) -> Self {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let begins_well = prefix.starts_with(|first: char| !first.is_ascii_digit());
        if begins_well && prefix.chars().all(is_letter) {
            self.observe.prefix = Some(prefix.into());
        } else {
            let message = format!("no metric can begin with `{}`", prefix.escape_debug());
            self.mistake.get_or_insert(Error::setup("metrics_prefix", message));
        }
        self
    }

    /// Tells systemd how the service is doing, by the socket that the variable `NOTIFY_SOCKET` names; nothing where that is
    /// not set. Feature `systemd`, on Unix.
    ///
    /// `READY=1` is sent after the first load, gates and commits included: what else has to be done before the service is
    /// ready, as to open its sockets, can be done by a [gate](Self::gate). An attempt that somebody asked for, be it by a
    /// signal, a [trigger](crate::Trigger) or the program, begins with `RELOADING=1` and ends with `READY=1`, also when it
    /// is refused. `STATUS=` says in a line how each attempt went, without values. The end of the reloader is
    /// `STOPPING=1`.
    ///
    /// With [`reload_on_hangup`](Self::reload_on_hangup) that is what `Type=notify-reload` expects. Only one reloader of a
    /// process should be set up so.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// let builder = reloadable::Reloader::<Limits>::builder().file("app.toml").notify_systemd();
    /// # let _ = builder;
    /// ```
    #[cfg(all(unix, feature = "systemd"))]
    pub fn notify_systemd(mut self) -> Self {
        self.observe.notify = true;
        self
    }
}
