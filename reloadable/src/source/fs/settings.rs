//! What the user has set, as far as files are concerned.

use std::path::Path;
use std::time::Duration;

use super::probe;
use super::settle::Pace;
use crate::source::Settle;

/// How a target is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(super) pace: Pace,
    /// How long whoever asks waits for a file that is being changed.
    pub(super) asked_wait: Duration,
    pub(super) resync: Duration,
    /// How many bytes all files of the target may have.
    pub(super) limit: u64,
    pub(super) probe: Probe,
    /// What vanishes is given time to come back: nothing else tells that it is being saved.
    pub(super) is_patient: bool,
}

/// Tells why the changes in a directory send no events, where they do not.
pub(super) type Probe = fn(&Path) -> std::io::Result<Option<&'static str>>;

/// Whoever asks gets an answer before he asks again, however much quiet a change is to have that nobody asked about.
const LONGEST_ASKED: Duration = Duration::from_secs(1);

impl Settings {
    pub(crate) fn new(settle: Settle, max_wait: Duration, resync: Duration, limit: u64) -> Self {
        let reports_closes = cfg!(any(target_os = "linux", target_os = "android"));
        Self {
            pace: Pace::new(settle, max_wait, reports_closes),
            asked_wait: max_wait.min(LONGEST_ASKED),
            resync,
            limit,
            probe: probe::remote,
            is_patient: false,
        }
    }

    /// Believes that something is gone only after the longest wait.
    pub(crate) fn patient(self) -> Self {
        Self { is_patient: true, ..self }
    }

    /// Leaves half of the time in which an answer has to come for the look itself.
    pub(crate) fn answering_within(self, limit: Duration) -> Self {
        Self { asked_wait: self.asked_wait.min(limit / 2), ..self }
    }
}

/// A look that takes longer is given a thread of its own: this much is read and decoded in well under a millisecond.
pub(super) const QUICK_BYTES: u64 = 64 * 1024;
pub(super) const QUICK_FILES: usize = 32;
pub(super) const QUICK_ENTRIES: usize = 256;
