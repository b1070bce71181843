//! Fields that wait for a restart.

use std::fmt;

use serde::Serialize;

use crate::diff::Entry;
use crate::path::FieldPath;
use crate::provenance::Provenance;
use crate::value::Value;

/// A field that cannot change while the program runs: the sources want another value than the one in force.
///
/// It stays pending until the program is restarted or the edit is reverted. Secrets are not shown, and [`Serialize`] leaves
/// out both values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PendingRestart {
    path: FieldPath,
    #[serde(skip)]
    running: Option<Value<'static>>,
    #[serde(skip)]
    wanted: Option<Value<'static>>,
    set: Option<Provenance>,
}

impl PendingRestart {
    pub(crate) fn new(entry: Entry<'static>, set: Option<Provenance>) -> Self {
        Self { path: entry.path, running: entry.old, wanted: entry.new, set }
    }

    /// Returns the field.
    #[must_use]
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Returns the value in force, where there is one.
    #[must_use]
    pub fn running(&self) -> Option<&Value<'static>> {
        self.running.as_ref()
    }

    /// Returns the value that the sources hold, where they hold one.
    #[must_use]
    pub fn wanted(&self) -> Option<&Value<'static>> {
        self.wanted.as_ref()
    }

    /// Returns where the wanted value was set; nothing for a default.
    #[must_use]
    pub fn set(&self) -> Option<&Provenance> {
        self.set.as_ref()
    }
}

/// How many characters of a value are printed.
const SHOWN: usize = 120;

/// As in `listen (running 127.0.0.1:8080, wanted 127.0.0.1:9090, app.toml:2:10)`.
impl fmt::Display for PendingRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value<'_>>| match value {
            Some(value) => value.shortened(SHOWN),
            None => "nothing".to_owned(),
        };
        write!(f, "{} (running {}, wanted {}", self.path, shown(&self.running), shown(&self.wanted))?;
        if let Some(set) = &self.set {
            write!(f, ", {set}")?;
        }
        f.write_str(")")
    }
}
