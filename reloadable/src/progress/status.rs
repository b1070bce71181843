//! What is told of those who subscribe.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// How far one subscription has come.
///
/// A subscription whose section did not change has nothing to see and nothing to apply, and counts as having done both.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
/// let _pool = config.subscribe().acknowledging("pool");
/// document.replace("workers = 8");
/// config.blocking_reload();
/// let behind = config.status().subscribers.into_iter().filter(|subscriber| subscriber.seen < 2);
/// assert_eq!(behind.filter_map(|subscriber| subscriber.name).collect::<Vec<_>>(), ["pool".into()]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriberStatus {
    /// The name, if it acknowledges.
    #[serde(serialize_with = "as_text")]
    pub name: Option<Arc<str>>,
    /// The newest generation that it has seen.
    pub seen: u64,
    /// The newest generation that it has applied; nothing if it does not acknowledge.
    pub applied: Option<u64>,
    /// Why it could not apply what it was given last.
    #[serde(serialize_with = "as_text")]
    pub failed: Option<Arc<str>>,
}

impl SubscriberStatus {
    /// Says that it is not at `generation`; one line.
    pub(crate) fn behind(&self, generation: u64) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let applied = self.applied.unwrap_or_default();
        let failed = self.failed.as_deref();
        let failed = failed.map(|reason| format!(": it failed: {reason}")).unwrap_or_default();
        format!("`{name}` has applied generation {applied}, not {generation}{failed}")
    }
}

fn as_text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

/// Whether a program runs with what is in force, for a health endpoint.
///
/// It is ready as long as the reloader runs and every subscription that acknowledges has applied what is in force. A
/// reload that was refused is no reason against it, since the last good value serves; that is a note.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
/// # let config = reloadable::Reloader::<Limits>::builder().source(source).start_blocking()?;
/// let mut pool = config.subscribe().acknowledging("pool");
/// document.replace("workers = 8");
/// let change = pool.blocking_changed()?;
/// change.failed("no connection");
/// # config.blocking_wait_applied(2, std::time::Duration::from_secs(20)).unwrap_err();
/// assert_eq!(
///     config.readiness().to_string(),
///     "not ready, generation 2 is in force: `pool` has applied generation 1, not 2: it failed: no connection"
/// );
/// change.applied();
/// assert_eq!(config.readiness().to_string(), "ready, generation 2 is in force");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    ready: bool,
    generation: u64,
    reasons: Vec<String>,
    notes: Vec<String>,
}

impl Readiness {
    pub(super) fn new(generation: u64, reasons: Vec<String>) -> Self {
        Self { ready: reasons.is_empty(), generation, reasons, notes: Vec::new() }
    }

    /// Tells whether it is ready: whether there is no reason against it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Returns the number of the snapshot in force, of which it is told.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns why it is not ready, a line for each subscription; nothing if it is.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Returns what somebody should know though it is no reason against being ready: why the last attempt was refused, that
    /// the program runs on the last good set, why no change is followed.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds what is no reason against it.
    pub(crate) fn noting(mut self, note: Option<String>) -> Self {
        self.notes.extend(note);
        self
    }
}

/// One line, of everything.
impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ready = if self.ready { "ready" } else { "not ready" };
        write!(f, "{ready}, generation {} is in force", self.generation)?;
        for (nth, line) in self.reasons.iter().chain(&self.notes).enumerate() {
            write!(f, "{}{line}", if nth == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}
