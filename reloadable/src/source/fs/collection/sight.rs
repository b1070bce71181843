//! A look at one file. It blocks, and changes nothing.

use std::hash::{BuildHasher as _, RandomState};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::document::{Document, Format};
use crate::error::{SourceError, SourceErrorKind};
use crate::source::fs::read::{self, Stamp};
use crate::source::fs::settle::{Pace, Verdict};
use crate::source::fs::survey::Way;

use super::layout::{Holds, Layout};
use super::ledger::Shape;

/// What a file is looked at for.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) path: Arc<Path>,
    /// What it looked like when it was read; nothing where it is to be read in any case.
    pub(super) known: Option<Shape>,
    /// What polling saw last.
    pub(super) seen: Option<Stamp>,
    /// How many events had come for it.
    pub(super) events: u64,
    /// Something told that it has changed.
    pub(super) is_pending: bool,
    /// A suspicious content may be disbelieved.
    pub(super) doubts: bool,
    /// It was put there as a whole.
    pub(super) is_replaced: bool,
    /// It is changed all the time, so that the events of a change may be on their way.
    pub(super) is_busy: bool,
    /// It was open for writing when it was last heard of.
    pub(super) is_open: bool,
    /// Whoever changed it last is known to be done.
    pub(super) is_vouched: bool,
    /// There was time enough for it to come to rest.
    pub(super) is_forced: bool,
    /// There was a link that led nowhere.
    pub(super) was_dangling: bool,
    /// There is a link on the way to it.
    pub(super) is_linked: bool,
}

/// How files are looked at.
#[derive(Debug, Clone)]
pub(super) struct Glance {
    pub(super) layout: Arc<Layout>,
    /// Chosen by chance, so that nobody can make two contents that look the same.
    pub(super) hasher: RandomState,
    pub(super) pace: Pace,
    /// The most bytes of one file.
    pub(super) limit: u64,
    /// The most bytes that may be read on this thread.
    pub(super) largest: u64,
    pub(super) is_polled: bool,
    /// The real path of the directory, where links must not lead out of it.
    pub(super) within: Option<PathBuf>,
    /// How the directory was reached.
    pub(super) root: Option<(PathBuf, Way)>,
}

/// What a look has come to.
#[derive(Debug)]
pub(super) enum Sight {
    Same,
    Read(Box<Seen>),
    Failed(SourceError),
    Gone,
    /// It is not believed yet; with what polling saw.
    Doubtful(Verdict, Option<Stamp>),
    /// A link leads nowhere, which may be so for a moment only.
    Dangling,
    /// It is larger than may be read here.
    Large,
    /// A link has taken its place.
    Elsewhere,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) shape: Shape,
    pub(super) document: Document,
    pub(super) holds: Holds,
}

/// What several looks have come to.
#[derive(Debug)]
pub(super) struct Sights {
    pub(super) each: Vec<(Job, Sight)>,
    /// The directory is still the one that was listed.
    pub(super) is_root_there: bool,
}

impl Glance {
    pub(super) fn all(&self, jobs: Vec<Job>) -> Sights {
        let each: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                let sight = self.one(&job);
                (job, sight)
            })
            .collect();
        let any_gone = each.iter().any(|(_, sight)| matches!(sight, Sight::Gone));
        let is_root_there = !any_gone || self.root.iter().all(|(path, way)| way.is_still(path));
        Sights { each, is_root_there }
    }

    fn one(&self, job: &Job) -> Sight {
        match self.look(job) {
            Ok(sight) => sight,
            Err(error) => Sight::Failed(self.layout.as_written(&error)),
        }
    }

    fn look(&self, job: &Job) -> Result<Sight, SourceError> {
        let failed = |error: std::io::Error| SourceError::io(self.layout.origin(&job.path), &error);
        let metadata = match job.path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Sight::Gone),
            Err(error) => return Err(failed(error)),
        };
        // What is read is what was found within, whatever becomes of the link meanwhile.
        let (real, metadata) = if metadata.is_symlink() || job.is_linked {
            if !job.is_linked {
                return Ok(Sight::Elsewhere);
            }
            let real = match job.path.canonicalize() {
                Ok(real) => real,
                Err(error) if error.kind() == ErrorKind::NotFound && !job.was_dangling => {
                    return Ok(Sight::Dangling);
                }
                Err(error) => return Err(failed(error)),
            };
            if self.within.as_ref().is_some_and(|within| !real.starts_with(within)) {
                let message =
                    "it is a link that leads out of the directory; `.follow_links_outside()` allows that";
                let origin = self.layout.origin(&job.path);
                return Err(SourceError::new(SourceErrorKind::WrongKind, origin, message));
            }
            let metadata = real.symlink_metadata().map_err(failed)?;
            (Some(real), metadata)
        } else {
            (None, metadata)
        };
        if metadata.is_dir() {
            return Ok(Sight::Gone);
        }
        let real = real.as_deref().unwrap_or(&job.path);
        let stamp = Stamp::of(&metadata);
        if job.known.is_some_and(|known| known.stamp == stamp && !known.is_fresh) {
            return Ok(Sight::Same);
        }
        if stamp.size() > self.largest {
            return Ok(Sight::Large);
        }
        if self.is_polled && job.known.is_some() && job.seen != Some(stamp) && !job.is_forced {
            return Ok(Sight::Doubtful(self.pace.polled(), Some(stamp)));
        }
        let origin = self.layout.origin(&job.path);
        let content = match read::stable(real, &metadata, self.limit) {
            Ok(content) => content,
            Err(error) => {
                return match error.kind() {
                    SourceErrorKind::Unstable => Ok(Sight::Doubtful(Verdict::Unstable, None)),
                    SourceErrorKind::NotFound => Ok(Sight::Gone),
                    _ => Err(SourceError::new(error.kind(), origin, error.message())),
                };
            }
        };
        // Nothing told of this change, or of the last one, so nothing tells whether it is complete.
        let is_told = job.is_pending && !job.is_busy && !job.is_forced;
        if content.is_fresh && !is_told && !(job.is_replaced && content.stamp.is_moved()) {
            return Ok(Sight::Doubtful(Verdict::Unstable, None));
        }
        // Events were lost, or only its silence speaks for it. Where the clock is another one, that has to do.
        let is_young = content.stamp.is_young(SystemTime::now());
        if is_young && !job.is_vouched && !(job.is_replaced && content.stamp.is_moved()) {
            return Ok(Sight::Doubtful(Verdict::Unstable, None));
        }
        let bytes = &content.bytes;
        if job.doubts && is_suspicious(&job.path, &content.stamp, bytes, job.known.as_ref()) {
            return Ok(Sight::Doubtful(Verdict::Suspicious, None));
        }
        let Some(format) = Format::from_path(&job.path) else {
            let message = format!("{}; narrow the pattern of the directory", Format::unknown_extension());
            return Err(SourceError::new(SourceErrorKind::UnknownFormat, origin, message));
        };
        let shape = Shape {
            stamp: content.stamp,
            is_fresh: content.is_fresh,
            ends_with_newline: bytes.ends_with(b"\n"),
            fingerprint: self.hasher.hash_one(bytes),
        };
        let document = content.held().document(origin, format);
        let holds = self.layout.holds(&job.path, &document);
        Ok(Sight::Read(Box::new(Seen { shape, document, holds })))
    }
}

/// A file that is written anew in its place is shorter for a moment, or ends in the middle of a line. JSON tells by itself
/// that its end is missing.
fn is_suspicious(path: &Path, stamp: &Stamp, new: &[u8], known: Option<&Shape>) -> bool {
    let Some(known) = known else { return new.is_empty() };
    if known.stamp.identity != stamp.identity {
        return false;
    }
    let lost_its_newline = known.ends_with_newline && !new.ends_with(b"\n");
    new.is_empty()
        || (!Format::from_path(path).is_some_and(Format::is_json)
            && ((new.len() as u64) < known.stamp.size() || lost_its_newline))
}
