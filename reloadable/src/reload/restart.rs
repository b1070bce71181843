//! What becomes of a change that cannot take effect while the program runs.

use std::sync::Arc;

use crate::diff::Entry;
use crate::layer::Layers;
use crate::load::{Reloadable, guarded, quoted};
use crate::path::FieldPath;
use crate::provenance::{Basis, Kept, Provenance};
use crate::publish::Snapshot;
use crate::report::{Report, Violation};
use crate::status::{Pending, PendingRestart};
use crate::value::Value;

/// What becomes of a changed field that is marked `#[reload(restart)]`.
///
/// # What is held
///
/// The running value of such a field is put in the place of the new one twice: as it was read, before `normalize` runs,
/// and as it is in force, after that. So what is derived from it is derived as it was the first time. Of an element that
/// came while something else was pending already, `normalize` sees the new value.
///
/// Not held is what comes and goes as a whole. If a variant of an enum is left and entered again, or an element is
/// removed and added again, that is two edits, and the second brings the new value with it. The elements of a list
/// without a key are the same where their positions are: `[1, 7]` that becomes `[7]` keeps 1.
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
///     r#"listen (running "127.0.0.1:80", wanted "127.0.0.1:81", app:1:10)"#
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

/// The changes that need a restart: the first of them whole, and the paths of the others.
#[derive(Debug, Default)]
pub(super) struct Restart {
    entries: Vec<Entry<'static>>,
    others: Vec<FieldPath>,
    /// A secret is among the values in force.
    holds_secret: bool,
}

impl Restart {
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        self.holds_secret |= entry.old.as_ref().is_some_and(Value::holds_secret);
        if self.entries.len() < Pending::LISTED {
            self.entries.push(entry.clone().into_owned());
        } else {
            self.others.push(entry.path.clone());
        }
    }

    fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        self.entries.iter().map(|entry| &entry.path).chain(&self.others)
    }

    /// Says where the values in force were set that are kept. What was kept before is in none of the newer documents.
    pub(super) fn kept<T: Reloadable>(&self, running: &Snapshot<T>) -> Kept {
        let basis = running.basis();
        let before = basis.kept_fields().unwrap_or_default();
        let (known, new): (Vec<_>, Vec<_>) = self.paths().partition(|path| before.contains_key(*path));
        let set = if new.is_empty() { Vec::new() } else { origins::<T>(&basis, &new) };
        let known = known.into_iter().map(|path| (path.clone(), before.get(path).cloned().flatten()));
        let fields = new.into_iter().cloned().zip(set).chain(known).collect();
        Kept { layers: basis.kept().clone(), fields: Arc::new(fields), holds_secret: self.holds_secret }
    }

    /// Says what is pending, and where it was set.
    pub(super) fn into_pending<T: Reloadable>(self, layers: &Layers) -> Pending {
        let set = self.set::<T>(layers);
        let list = self.entries.into_iter().zip(set).map(|(entry, set)| PendingRestart::new(entry, set));
        Pending { list: list.collect(), omitted: self.others.len() }
    }

    /// Says where those were set that are listed.
    fn set<T: Reloadable>(&self, layers: &Layers) -> Vec<Option<Provenance>> {
        let paths: Vec<_> = self.entries.iter().map(|entry| &entry.path).collect();
        origins::<T>(&Basis::new(layers.clone(), None, Report::new()), &paths)
    }
}

fn origins<T: Reloadable>(basis: &Basis, paths: &[&FieldPath]) -> Vec<Option<Provenance>> {
    let origins = guarded::<T, _>("finding where a value was set", || basis.origins_of::<T>(paths));
    origins.unwrap_or_else(|_| vec![None; paths.len()])
}

/// Refuses a candidate for what would need a restart.
pub(super) fn refusal<T: Reloadable>(restart: &Restart, layers: &Layers, why: &str) -> Report {
    let mut report = Report::new();
    let set = restart.set::<T>(layers).into_iter().chain(std::iter::repeat(None));
    for (path, set) in restart.paths().zip(set) {
        let violation = Violation::new(path.clone(), "restart", why);
        report.push(match set {
            Some(set) => violation.located(set.origin().clone(), set.position()),
            None => violation,
        });
    }
    quoted::<T>(report, layers)
}

/// How many fields are named beside a violation.
const NAMED: usize = 3;

/// Says of what is wrong that it is so beside the values that are kept: as it is written it is valid.
pub(super) fn beside(report: Report, restart: &Restart) -> Report {
    let named: Vec<_> = restart.paths().take(NAMED).map(|path| format!("`{path}`")).collect();
    let more = match restart.paths().count() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let kept = format!("with the running value of {}{more} kept until a restart", named.join(", "));
    report.map(|violation| {
        let message = format!("{} ({kept})", violation.message());
        violation.saying(message)
    })
}
