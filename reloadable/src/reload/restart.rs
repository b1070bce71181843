//! What becomes of a change that cannot take effect while the program runs.

use std::sync::Arc;

use crate::diff::Entry;
use crate::layer::Layers;
use crate::load::{Reloadable, guarded, quoted};
use crate::provenance::Basis;
use crate::report::{Report, Violation};
use crate::status::PendingRestart;

/// What becomes of a changed field that is marked `#[reload(restart)]`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct App { #[reload(restart)] listen: std::net::SocketAddr, workers: u16 }
/// use reloadable::{Format, MemorySource, Reloader, RestartPolicy};
///
/// let (source, document) = MemorySource::new("app", Format::Toml, "listen = '127.0.0.1:80'\nworkers = 4");
/// let config =
///     Reloader::<App>::builder().source(source).restart_policy(RestartPolicy::Hold).start().await?;
///
/// document.replace("listen = '127.0.0.1:81'\nworkers = 8");
/// assert!(config.reload().await.is_in_force());
/// assert_eq!((config.load().listen.port(), config.load().workers), (80, 8));
/// let status = config.status();
/// assert_eq!(
///     status.pending_restart()[0].to_string(),
///     "listen (running 127.0.0.1:80, wanted 127.0.0.1:81, app:1:10)"
/// );
///
/// document.replace("listen = '127.0.0.1:80'\nworkers = 8");
/// assert!(config.reload().await.is_in_force());
/// assert!(config.status().pending_restart().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RestartPolicy {
    /// The running value keeps the old field, the rest goes live, and the field is listed as pending until the program is
    /// restarted or the edit reverted.
    #[default]
    Hold,
    /// The whole reload is refused.
    Refuse,
    /// It is published as any other change.
    Apply,
}

/// Says what is pending, and where it was set.
pub(super) fn pending<T: Reloadable>(entries: Vec<Entry<'static>>, layers: &Layers) -> Arc<[PendingRestart]> {
    let basis = Basis::new(layers.clone(), None, Report::new());
    let pending = entries.into_iter().map(|entry| {
        let path = entry.path.to_string();
        let set = guarded::<T, _>("finding where a value was set", || basis.origin_of::<T>(&path));
        PendingRestart::new(entry, set.ok().flatten())
    });
    pending.collect()
}

/// Refuses a candidate for what would need a restart.
pub(super) fn refusal<T: Reloadable>(entries: Vec<Entry<'static>>, layers: &Layers, why: &str) -> Report {
    let mut report = Report::new();
    for pending in pending::<T>(entries, layers).iter() {
        let (path, set) = (pending.path().clone(), pending.set());
        let violation = Violation::new(path, "restart", why);
        report.push(match set {
            Some(set) => violation.located(set.origin().clone(), set.position()),
            None => violation,
        });
    }
    quoted::<T>(report, layers)
}
