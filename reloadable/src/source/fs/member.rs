//! One file of a target: what is believed of it, and what has to settle before something else is.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::chain::Identity;
use super::read::{self, Content, Stamp};
use super::settle::{Pace, Settling, Signal, Verdict};
use super::survey::Way;
use crate::document::{Format, Origin};
use crate::error::{SourceError, SourceErrorKind};

/// One file.
#[derive(Debug, Default)]
pub(super) struct Member {
    pub(super) settling: Settling,
    /// What was believed last; nothing before the first look.
    pub(super) found: Option<Result<Content, SourceError>>,
    /// The last look did not believe what it saw.
    pub(super) is_doubtful: bool,
    /// What is in force of it.
    published: Option<(Identity, Arc<[u8]>)>,
    /// What polling saw last; it is believed when it is still so a little later.
    seen: Option<Stamp>,
    was_dangling: bool,
    /// How the path led to what is believed.
    pub(super) way: Option<Way>,
}

/// What a look at one file came to.
pub(super) enum Sight {
    Same,
    Read(Content),
    Failed(SourceError),
    Gone,
    /// It is not believed yet.
    Doubtful(Verdict),
    /// It is larger than may be read here.
    Large,
    /// A link has taken its place.
    Elsewhere,
}

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// What is due.
    Due,
    /// All that is not being changed.
    All,
    /// All that is not open for writing, since somebody says that it is complete.
    Asked,
    /// All, since there was time enough to come to rest.
    Forced,
}

/// Where a look takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// On one that must not block.
    Shared,
    Own,
}

/// How to look at one file.
#[derive(Debug)]
pub(super) struct Glance {
    pub(super) now: Instant,
    pub(super) pace: Pace,
    /// A file that is gone is none of its files any more.
    pub(super) is_in_directory: bool,
    /// One that vanishes may come back.
    pub(super) is_patient: bool,
    /// There was no link on the way to it.
    pub(super) is_straight: bool,
    /// There was time enough for it to come to rest.
    pub(super) is_forced: bool,
    /// No event tells when it changes.
    pub(super) is_polled: bool,
    /// The most bytes that may be read on this thread.
    pub(super) largest: u64,
    /// The most bytes that all files may have, and what is left of them.
    pub(super) limit: u64,
    pub(super) left: u64,
}

impl Member {
    pub(super) fn size(&self) -> u64 {
        match &self.found {
            Some(Ok(content)) => content.bytes.len() as u64,
            _ => 0,
        }
    }

    pub(super) fn sight(&mut self, path: &Path, glance: &Glance) -> Sight {
        let Glance { now, pace, .. } = glance;
        let found = if glance.is_straight { path.symlink_metadata() } else { path.metadata() };
        let metadata = match found {
            Ok(metadata) if metadata.is_symlink() => return Sight::Elsewhere,
            Ok(metadata) => metadata,
            Err(error) if glance.is_in_directory && error.kind() == ErrorKind::NotFound => {
                if path.symlink_metadata().is_err() {
                    return Sight::Gone;
                }
                // Kubernetes removes the links to files that are gone after it has swapped `..data`.
                return if std::mem::replace(&mut self.was_dangling, true) {
                    Sight::Failed(SourceError::io(Origin::file(path), &error))
                } else {
                    Sight::Doubtful(Verdict::Unstable)
                };
            }
            Err(error) => {
                let may_return = glance.is_patient
                    && error.kind() == ErrorKind::NotFound
                    && matches!(self.found, Some(Ok(_)))
                    && !glance.is_forced
                    && !self.settling.is_forced(*now, pace);
                return if may_return {
                    Sight::Doubtful(Verdict::Unstable)
                } else {
                    Sight::Failed(SourceError::io(Origin::file(path), &error))
                };
            }
        };
        self.was_dangling = false;
        let stamp = Stamp::of(&metadata);
        if let Some(Ok(content)) = &self.found {
            if content.stamp == stamp && !content.is_fresh {
                return Sight::Same;
            }
        }
        if stamp.size() > glance.largest {
            return Sight::Large;
        }
        let is_forced = glance.is_forced || self.settling.is_forced(*now, pace);
        let is_moving = glance.is_polled && self.found.is_some() && self.seen.replace(stamp) != Some(stamp);
        if is_moving && !is_forced {
            self.settling.signal(Signal::Lost, *now, pace);
            return Sight::Doubtful(pace.polled());
        }
        let content = match read::stable(path, &metadata, glance.left) {
            Ok(content) => content,
            Err(error) => {
                return match error.kind() {
                    SourceErrorKind::Unstable => Sight::Doubtful(Verdict::Unstable),
                    // The others have taken their part of the limit.
                    SourceErrorKind::TooLarge if glance.left < glance.limit => {
                        let size = glance.limit.saturating_add(1);
                        Sight::Failed(read::too_large(Origin::file(path), size, glance.limit))
                    }
                    _ => Sight::Failed(error),
                };
            }
        };
        if self.holds(&content) {
            return Sight::Read(content);
        }
        // Nothing told of this change, so nothing tells whether it is complete.
        if content.is_fresh && !self.settling.is_pending() {
            return Sight::Doubtful(Verdict::Unstable);
        }
        if self.settling.doubts(*now, pace) && self.is_suspicious(path, &content) {
            return Sight::Doubtful(Verdict::Suspicious);
        }
        Sight::Read(content)
    }

    /// Takes in what was seen, and which way led there. Tells whether that is something else than before.
    pub(super) fn judge(
        &mut self,
        sight: Sight,
        way: Option<Way>,
        is_overtaken: bool,
        now: Instant,
        pace: &Pace,
    ) -> bool {
        // What changes all the time is taken as it is found now and then.
        if is_overtaken && self.settling.is_pending() && !self.settling.is_forced(now, pace) {
            self.is_doubtful = true;
            return false;
        }
        let is_new = match sight {
            Sight::Same => false,
            Sight::Read(content) => {
                let is_same = self.holds(&content);
                let (was_public, is_public) = (self.is_public(), content.stamp.is_public());
                self.found = Some(Ok(match &self.found {
                    // The same bytes need no second copy.
                    Some(Ok(known)) if is_same => Content { bytes: Arc::clone(&known.bytes), ..content },
                    _ => content,
                }));
                !is_same || was_public != is_public
            }
            Sight::Failed(error) => {
                let known = self.found.as_ref().and_then(|found| found.as_ref().err());
                let is_new = known.is_none_or(|known| known.to_string() != error.to_string());
                self.found = Some(Err(error));
                is_new
            }
            Sight::Doubtful(verdict) => {
                self.is_doubtful = true;
                self.settling.looked(verdict, now, pace);
                return false;
            }
            Sight::Gone | Sight::Large | Sight::Elsewhere => return false,
        };
        self.is_doubtful = false;
        self.way = way;
        self.seen = None;
        self.settling.looked(Verdict::Believed, now, pace);
        is_new
    }

    /// These bytes of it are in force now.
    pub(super) fn accept(&mut self, bytes: &Arc<[u8]>) {
        let identity = match (&self.found, &self.published) {
            (Some(Ok(content)), _) => content.stamp.identity,
            (_, Some((identity, _))) => *identity,
            _ => return,
        };
        self.published = Some((identity, Arc::clone(bytes)));
    }

    fn is_public(&self) -> bool {
        matches!(&self.found, Some(Ok(known)) if known.stamp.is_public())
    }

    fn holds(&self, content: &Content) -> bool {
        matches!(&self.found, Some(Ok(known)) if known.bytes == content.bytes)
    }

    /// A file that is written anew in its place is shorter for a moment, or ends in the middle of a line. JSON tells
    /// by itself that its end is missing.
    fn is_suspicious(&self, path: &Path, content: &Content) -> bool {
        let Some((identity, old)) = &self.published else { return false };
        if *identity != content.stamp.identity {
            return false;
        }
        let new = &content.bytes;
        let lost_its_newline = old.ends_with(b"\n") && !new.ends_with(b"\n");
        new.is_empty()
            || (!Format::from_path(path).is_some_and(Format::is_json)
                && (new.len() < old.len() || lost_its_newline))
    }
}
