//! From the sources to a candidate: everything that belongs together is read from one side of whatever may be swapped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::diff::touched::Contents;
use crate::document::{Document, Origin, Revision};
use crate::error::{Error, ErrorKind, SourceError};
use crate::layer::Layers;
use crate::load::{Reloadable, Running, decode_holding, quoted, written};
use crate::observe::carried;
use crate::path::FieldPath;
use crate::provenance::Kept;
use crate::publish::Snapshot;
use crate::report::{Report, Violation};
use crate::source::Asked;
use crate::status::Stages;

use super::files::{Files, Reference, hold, references};
use super::inside::Marker;
use super::layer::{Content, Stack, TRIES, fetch, swapped};

/// A valid value, and what it was made of.
pub(super) struct Candidate<T> {
    pub(super) value: T,
    /// Of each layer, where that is new.
    pub(super) contents: Vec<Option<Content>>,
    /// Of the named files, if anything about them is new.
    pub(super) named: Option<Content>,
    /// What the files hold that the value names.
    pub(super) files: Contents,
    pub(super) marks: Marks,
    /// All that it was made of.
    pub(super) layers: Layers,
    /// What is kept until a restart, where there is anything.
    pub(super) kept: Option<Kept>,
    pub(super) warnings: Report,
}

/// By which what was read is known again.
pub(super) type Marks = Vec<Option<Mark>>;

/// By which what one source holds is known again: by its revision, or by its documents, since a source may have another
/// revision each time for what is the same.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    revision: Revision,
    /// Nothing of the files that fields name.
    documents: Option<Vec<Document>>,
}

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |one: &Vec<Document>, other: &Vec<Document>| {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
        };
        self.revision == other.revision
            || self
                .documents
                .as_ref()
                .zip(other.documents.as_ref())
                .is_some_and(|(one, other)| is_same(one, other))
    }
}

/// How far it came.
pub(super) enum Found<T> {
    Candidate(Box<Candidate<T>>),
    /// Everything is as it was last accepted.
    Nothing,
    /// What was refused last is still there.
    Refused,
}

/// Why there is no candidate.
pub(super) enum Fault {
    /// A source did not answer.
    Unavailable(Error),
    /// What it holds is not valid.
    Invalid(Report, Marks),
}

impl Fault {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Unavailable(error) => error,
            Self::Invalid(report, _) => Error::new(ErrorKind::Invalid, report),
        }
    }
}

/// What goes on meanwhile, for people.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) stages: Stages,
    /// The documents that are others than those last accepted.
    pub(super) changed: Vec<Origin>,
}

/// What is known from earlier attempts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'m> {
    /// Nothing: this is the first.
    Nothing,
    /// What was refused last.
    Refused(Option<&'m Marks>),
    /// What was accepted last is all that counts: it is an override that is new.
    Accepted,
}

/// Reads all layers, and the files that they name.
pub(super) async fn candidate<T: Reloadable>(
    stack: &mut Stack,
    files: &mut Files,
    limit: Duration,
    mut asked: Asked,
    known: Known<'_>,
    inside: Marker,
    log: &mut Log,
) -> Result<Found<T>, Fault> {
    let names_files = files.layer().is_some();
    for _ in 0..=TRIES {
        let started = Instant::now();
        let contents = match known {
            Known::Accepted => Ok(stack.unchanged()),
            _ => fetch::<T>(stack, limit, asked).await,
        };
        // Also where there is nothing to put them to: they would tell of the same news again at once.
        let named = files.fetch(limit, asked).await;
        let contents = contents.map_err(Fault::Unavailable)?;
        let mut named = named.map_err(unavailable)?;
        log.stages.fetch += started.elapsed();
        let mut marks = self::marks(&contents, named.as_ref());
        if let Known::Refused(refused) = known {
            if marks.iter().all(Option::is_none) {
                return Ok(Found::Nothing);
            }
            if asked == Asked::Automatic && refused == Some(&marks) {
                return Ok(Found::Refused);
            }
        }
        log.changed = stack.changed(&contents);
        if named.is_some() {
            log.changed.extend(files.changed());
        }
        let started = Instant::now();
        let decoded = decode_apart(stack.layers(&contents), names_files, None, inside).await;
        log.stages.load += started.elapsed();
        let Read { value, references, layers, warnings } = match decoded {
            Ok(decoded) => decoded,
            Err(report) => return Err(Fault::Invalid(report, marks)),
        };
        if names_files {
            if files.try_out(&references) {
                named = files.fetch(limit, Asked::Automatic).await.map_err(unavailable)?;
                marks = self::marks(&contents, named.as_ref());
            }
            // The files may have been swapped together with the documents, and after those were read.
            if !stack.sources.iter().all(|layer| layer.source.is_one_side()) || !files.is_one_side() {
                asked = Asked::Manual;
                continue;
            }
        }
        let files = match files.contents(references) {
            Ok(files) => files,
            Err(report) => return Err(Fault::Invalid(quoted::<T>(report, &layers), marks)),
        };
        let candidate = Candidate { value, contents, named, files, marks, layers, kept: None, warnings };
        return Ok(Found::Candidate(Box::new(candidate)));
    }
    let error = files.layer().map(|layer| swapped(&layer.origin));
    Err(Fault::Unavailable(
        error.map_or_else(Error::closed, |error| Error::new(ErrorKind::Unavailable, report(error))),
    ))
}

fn unavailable(error: SourceError) -> Fault {
    Fault::Unavailable(Error::new(ErrorKind::Unavailable, report(error)))
}

fn report(error: SourceError) -> Report {
    Violation::from(error).into()
}

fn marks(contents: &[Option<Content>], named: Option<&Content>) -> Marks {
    let contents = contents.iter().map(|content| {
        let Content { revision, documents } = content.as_ref()?;
        Some(Mark { revision: revision.clone(), documents: Some(documents.clone()) })
    });
    let named = named.map(|named| Mark { revision: named.revision.clone(), documents: None });
    contents.chain([named]).collect()
}

/// From this many bytes on, decoding is given a thread of its own, so that it does not hold up the runtime's.
const LARGE: usize = 64 * 1024;

/// A valid value, the files that it names, and what it was made of.
struct Read<T> {
    value: T,
    references: Vec<Reference>,
    layers: Layers,
    warnings: Report,
}

async fn decode_apart<T: Reloadable>(
    layers: Layers,
    names_files: bool,
    running: Option<Arc<Snapshot<T>>>,
    inside: Marker,
) -> Result<Read<T>, Report> {
    let size: usize = layers.documents.iter().map(|(_, document)| document.bytes().len()).sum();
    if size < LARGE {
        return read(layers, names_files, running.as_deref());
    }
    let read = move || inside.sync_scope(|| read(layers, names_files, running.as_deref()));
    match tokio::task::spawn_blocking(carried(read)).await {
        Ok(read) => read,
        Err(error) => {
            let message = format!("decoding broke off: {error}");
            Err(Violation::new(FieldPath::root(), "panic", message).into())
        }
    }
}

fn read<T: Reloadable>(
    layers: Layers,
    names_files: bool,
    running: Option<&Snapshot<T>>,
) -> Result<Read<T>, Report> {
    let running =
        running.map(|running| Running { value: running.value(), written: written(&running.kept()) });
    let mut loaded = decode_holding::<T>(&layers, running)?;
    let references = if names_files { references(&loaded)? } else { Vec::new() };
    let warnings = std::mem::take(&mut loaded.warnings);
    Ok(Read { value: loaded.into_value(), references, layers, warnings })
}

/// Reads the same documents again, and keeps what is in force where that cannot change; the files too that such fields name.
pub(super) async fn held<T: Reloadable>(
    wanted: &Candidate<T>,
    running: &Arc<Snapshot<T>>,
    names_files: bool,
    inside: Marker,
) -> Result<(T, Contents, Report), Report> {
    let layers = wanted.layers.clone();
    let Read { mut value, references, warnings, .. } =
        decode_apart::<T>(layers, names_files, Some(Arc::clone(running)), inside).await?;
    let files = wanted.files.again(references.into_iter().map(Reference::into_named).collect());
    let files = hold(&mut value, files, running.value(), running.files())?;
    Ok((value, files, warnings))
}

/// Reads again what a snapshot was made of, with the files as they were then.
pub(super) async fn again<T: Reloadable>(
    snapshot: &Snapshot<T>,
    contents: Vec<Option<Content>>,
    names_files: bool,
    inside: Marker,
) -> Result<Candidate<T>, Report> {
    let Read { value, references, layers, warnings } =
        decode_apart(snapshot.layers(), names_files, None, inside).await?;
    let files = snapshot.files().again(references.into_iter().map(Reference::into_named).collect());
    Ok(Candidate { value, contents, named: None, files, marks: Marks::new(), layers, kept: None, warnings })
}
