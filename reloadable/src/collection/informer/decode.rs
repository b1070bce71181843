//! From documents to objects: several at a time, on threads where the application's code may take its time.

use std::any::Any;
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::task::JoinHandle;

use crate::document::{Document, Format, Revision};
#[cfg(feature = "fs")]
use crate::format::Piece;
use crate::layer::Layers;
#[cfg(feature = "fs")]
use crate::load::decode_piece;
use crate::load::{Reloadable, decode, guarded};
use crate::report::Report;
use crate::source::{Incarnation, KeyedDocument};

/// So many documents, or so many bytes, are decoded at one go.
const CHUNK: usize = 64;
const CHUNK_BYTES: usize = 1 << 20;
/// So many goes at a time, however many processors there are.
const WIDEST: usize = 8;

/// A document, and what is known of its object.
pub(super) struct Undecoded<K, T> {
    pub(super) found: KeyedDocument<K>,
    pub(super) old: Option<Arc<T>>,
    /// Of the content that was seen last.
    pub(super) seen: Option<u64>,
}

/// What came of a document.
pub(super) struct Decoded<K, T> {
    pub(super) key: K,
    pub(super) revision: Revision,
    pub(super) incarnation: Option<Incarnation>,
    pub(super) fingerprint: Option<u64>,
    pub(super) verdict: Verdict<T>,
}

pub(super) enum Verdict<T> {
    /// It has the content that was seen last.
    Seen,
    /// It is good, and no other than the last good object.
    Same,
    /// It is good, but is not wanted.
    Filtered,
    New(Arc<T>),
    Refused(Report),
}

/// What an object is made of: a document, or a piece of one.
#[derive(Clone, Copy)]
pub(super) struct Text<'d> {
    document: &'d Document,
    #[cfg(feature = "fs")]
    piece: Option<&'d Piece>,
    object: Option<&'d (dyn Any + Send + Sync)>,
}

impl<'d> Text<'d> {
    fn of<K>(found: &'d KeyedDocument<K>) -> Self {
        Self {
            document: &found.document,
            #[cfg(feature = "fs")]
            piece: found.piece.as_ref(),
            object: found.object.as_deref(),
        }
    }

    /// The object itself, where the source has it.
    pub(super) fn object(self) -> Option<&'d (dyn Any + Send + Sync)> {
        self.object
    }

    /// Nothing for what the program itself holds: it is not looked into.
    fn fingerprint(self, hasher: &RandomState) -> Option<u64> {
        let format: Format = self.document.format()?;
        let make = || Some(hasher.hash_one((format, self.document.bytes())));
        #[cfg(feature = "fs")]
        if let Some(piece) = self.piece {
            return piece.fingerprint(make);
        }
        make()
    }
}

/// How an object is made of a text; nothing if it is good, but not wanted.
pub(super) type Read<T> = Arc<dyn Fn(Text<'_>) -> Result<Option<T>, Report> + Send + Sync>;

/// Makes an object of what a text says.
pub(super) fn read<T: Reloadable>() -> Read<T> {
    Arc::new(|text| {
        #[cfg(feature = "fs")]
        if let Some(piece) = text.piece {
            return decode_piece::<T>(piece).map(|loaded| Some(loaded.into_value()));
        }
        let layers = Layers::of(std::slice::from_ref(text.document));
        decode::<T>(&layers).map(|loaded| Some(loaded.into_value()))
    })
}

/// Wants only some objects.
pub(super) fn filtered<T: Reloadable>(
    read: Read<T>,
    is_wanted: impl Fn(&T) -> bool + Send + Sync + 'static,
) -> Read<T> {
    Arc::new(move |text| {
        let Some(value) = read(text)? else { return Ok(None) };
        let is_wanted = guarded::<T, _>("choosing objects", || is_wanted(&value));
        if let Ok(true) = is_wanted {
            return Ok(Some(value));
        }
        let _ = guarded::<T, _>("dropping an object", || drop(value));
        is_wanted.map(|_| None)
    })
}

/// Keeps something else of each object.
pub(super) fn projected<T: Reloadable, U: Reloadable>(
    read: Read<T>,
    project: impl Fn(T) -> U + Send + Sync + 'static,
) -> Read<U> {
    Arc::new(move |text| match read(text)? {
        Some(value) => guarded::<T, _>("projecting an object", || project(value)).map(Some),
        None => Ok(None),
    })
}

/// With what documents are decoded.
pub(super) struct Decoder<T> {
    read: Read<T>,
    /// Chosen by chance, so that nobody can make two contents that look the same.
    hasher: RandomState,
}

impl<T> Decoder<T> {
    pub(super) fn new(read: Read<T>) -> Self {
        Self { read, hasher: RandomState::new() }
    }
}

impl<T> Clone for Decoder<T> {
    fn clone(&self) -> Self {
        Self { read: Arc::clone(&self.read), hasher: self.hasher.clone() }
    }
}

/// What works on documents. Dropped, it begins nothing more.
pub(super) struct Decoding<K, T> {
    decoder: Decoder<T>,
    width: usize,
    next: Vec<Undecoded<K, T>>,
    bytes: usize,
    running: VecDeque<JoinHandle<Vec<Decoded<K, T>>>>,
}

/// The runtime is about to end.
pub(super) struct Ended;

impl<K: Send + 'static, T: Reloadable> Decoding<K, T> {
    pub(super) fn new(decoder: Decoder<T>) -> Self {
        let width = available_parallelism().map_or(1, |width| width.get().min(WIDEST));
        Self { decoder, width, next: Vec::new(), bytes: 0, running: VecDeque::new() }
    }

    /// Takes in a document, and returns what has come of earlier ones, in their order. It waits if all hands are busy.
    pub(super) async fn push(&mut self, document: Undecoded<K, T>) -> Result<Vec<Decoded<K, T>>, Ended> {
        self.bytes += document.found.document.bytes().len();
        self.next.push(document);
        if self.next.len() < CHUNK && self.bytes < CHUNK_BYTES {
            return Ok(Vec::new());
        }
        self.begin();
        if self.running.len() > self.width { self.first().await } else { Ok(Vec::new()) }
    }

    /// Returns what came of the rest.
    pub(super) async fn finish(&mut self) -> Result<Vec<Decoded<K, T>>, Ended> {
        self.begin();
        let mut rest = Vec::new();
        while !self.running.is_empty() {
            rest.append(&mut self.first().await?);
        }
        Ok(rest)
    }

    fn begin(&mut self) {
        if self.next.is_empty() {
            return;
        }
        self.bytes = 0;
        let documents = std::mem::take(&mut self.next);
        let decoder = self.decoder.clone();
        self.running.push_back(tokio::task::spawn_blocking(move || {
            documents.into_iter().map(|document| one(document, &decoder)).collect()
        }));
    }

    async fn first(&mut self) -> Result<Vec<Decoded<K, T>>, Ended> {
        let Some(running) = self.running.front_mut() else { return Ok(Vec::new()) };
        let decoded = running.await.map_err(|_| Ended);
        self.running.pop_front();
        decoded
    }
}

fn one<K, T: Reloadable>(document: Undecoded<K, T>, decoder: &Decoder<T>) -> Decoded<K, T> {
    let Undecoded { found, old, seen } = document;
    let text = Text::of(&found);
    let fingerprint = text.fingerprint(&decoder.hasher);
    let verdict = if fingerprint.is_some() && fingerprint == seen {
        Verdict::Seen
    } else {
        judge(text, old.as_deref(), &decoder.read)
    };
    let KeyedDocument { key, revision, incarnation, .. } = found;
    // If this is the last of it, its destructor must not take the others with it.
    let _ = guarded::<T, _>("dropping an object", || drop(old));
    Decoded { key, revision, incarnation, fingerprint, verdict }
}

fn judge<T: Reloadable>(text: Text<'_>, old: Option<&T>, read: &Read<T>) -> Verdict<T> {
    let value = match read(text) {
        Ok(Some(value)) => value,
        Ok(None) => return Verdict::Filtered,
        Err(report) => return Verdict::Refused(report),
    };
    let Some(old) = old else { return Verdict::New(Arc::new(value)) };
    match guarded::<T, _>("comparing an object", || old.diff(&value).is_some()) {
        Ok(true) => Verdict::New(Arc::new(value)),
        Ok(false) => {
            let _ = guarded::<T, _>("dropping an object", || drop(value));
            Verdict::Same
        }
        Err(report) => {
            let _ = guarded::<T, _>("dropping an object", || drop(value));
            Verdict::Refused(report)
        }
    }
}
