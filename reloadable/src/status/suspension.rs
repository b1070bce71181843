//! Why nothing is reloaded at present.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::serialized::{seconds, took};

/// Reloads are suspended: what the sources hold is not tried. [`Reloader::resume`](crate::Reloader::resume) ends that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suspension {
    /// Why.
    pub cause: SuspensionCause,
    /// Since when. Serialized as seconds since 1970.
    #[serde(serialize_with = "seconds")]
    pub since: SystemTime,
}

/// Why reloads are suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SuspensionCause {
    /// [`Reloader::pause`](crate::Reloader::pause) was called.
    Paused,
    /// [`Reloader::rollback_to`](crate::Reloader::rollback_to) was called, with this generation.
    RolledBack(u64),
    /// So many candidates were refused within the window; see
    /// [`Builder::suspend_after`](crate::Builder::suspend_after).
    Refusals {
        /// How many.
        count: u32,
        /// Within what time, serialized in seconds.
        #[serde(serialize_with = "took")]
        window: Duration,
    },
    /// So often within the window it went back to what had been in force before; see
    /// [`Builder::suspend_on_flapping`](crate::Builder::suspend_on_flapping).
    Flapping {
        /// How often.
        count: u32,
        /// Within what time, serialized in seconds.
        #[serde(serialize_with = "took")]
        window: Duration,
    },
}

impl SuspensionCause {
    /// Tells whether the reloader suspended itself, so that whoever asks for a reload ends it.
    pub(crate) fn is_protection(&self) -> bool {
        matches!(self, Self::Refusals { .. } | Self::Flapping { .. })
    }
}

impl fmt::Display for SuspensionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str("reloads are paused; `resume()` ends that"),
            Self::RolledBack(generation) => {
                write!(f, "rolled back to generation {generation}, which stays; `resume()` ends that")
            }
            Self::Refusals { count, window } => {
                write!(
                    f,
                    "{count} candidates were refused within {window:?}; `reload()` or `resume()` tries again"
                )
            }
            Self::Flapping { count, window } => {
                write!(
                    f,
                    "went back and forth {count} times within {window:?}; `reload()` or `resume()` tries again"
                )
            }
        }
    }
}

impl fmt::Display for Suspension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}
