//! The last good set: it is saved whenever another one is accepted, and stands in for the sources that fail at the start.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::timeout;

use super::candidate::Log;
use super::files::Files;
use super::gates::Gates;
use super::inside::Marker;
use super::layer::Stack;
use super::start::first;
use crate::document::Origin;
use crate::error::{Error, ErrorKind};
use crate::last_good::{GoodSet, Saved, Saver, SetFile};
use crate::layer::LayerSettings;
use crate::load::Reloadable;
use crate::path::FieldPath;
use crate::publish::Snapshot;
use crate::report::{Report, Violation};
use crate::status::LastGoodStatus;

/// How long the end of a reloader waits for the disk.
const LONGEST_FINISH: Duration = Duration::from_secs(5);

/// How often it is asked whether a save has ended that may have been told before.
const TURN: Duration = Duration::from_millis(10);

/// Nothing where no set is kept.
pub(super) struct Keeping {
    kept: Option<Kept>,
}

struct Kept {
    set_file: Arc<SetFile>,
    saver: Saver,
    tell: watch::Sender<Told>,
    told: watch::Receiver<Told>,
    saved_at: Option<SystemTime>,
    left_out: Vec<String>,
    is_empty: bool,
    last_error: Option<Error>,
}

/// How the last save went, if there was one.
type Told = Option<Result<Saved, Error>>;

impl Keeping {
    pub(super) fn new(set_file: Option<SetFile>) -> Self {
        let kept = set_file.map(|set_file| {
            let set_file = Arc::new(set_file);
            let (tell, told) = watch::channel(None);
            let saver = Saver::new(Arc::clone(&set_file));
            Kept {
                set_file,
                saver,
                tell,
                told,
                saved_at: None,
                left_out: Vec::new(),
                is_empty: false,
                last_error: None,
            }
        });
        Self { kept }
    }

    /// Saves what a snapshot was made of, some time soon.
    pub(super) fn save<T: Reloadable>(&self, snapshot: &Snapshot<T>) {
        if let Some(Kept { saver, tell, .. }) = &self.kept {
            let tell = tell.clone();
            saver.save::<T>(snapshot.layers(), snapshot.generation(), move |saved| {
                tell.send_replace(Some(saved));
            });
        }
    }

    /// Tells whether what was to be saved last could not be. The disk may have room again by the next look.
    pub(super) fn has_failed(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.last_error.is_some())
    }

    /// Waits until it is known how a save went. Cancel safe.
    pub(super) async fn saved(&mut self) {
        let Some(kept) = &mut self.kept else { return std::future::pending().await };
        // It has a sender of its own.
        let _ = kept.told.changed().await;
        match &*kept.told.borrow() {
            Some(Ok(Saved { at, left_out, is_empty })) => {
                (kept.saved_at, kept.last_error) = (Some(*at), None);
                kept.left_out = left_out.iter().map(ToString::to_string).collect();
                kept.is_empty = *is_empty;
            }
            Some(Err(error)) => kept.last_error = Some(error.clone()),
            None => {}
        }
    }

    /// Waits until what is to be saved is, but not for a disk that does not answer.
    pub(super) async fn finish(&mut self) {
        let Some(Kept { saver, told, .. }) = &mut self.kept else { return };
        let finished = async {
            while saver.is_busy() {
                let _ = timeout(TURN, told.changed()).await;
            }
        };
        let _ = timeout(LONGEST_FINISH, finished).await;
    }

    pub(super) fn status(&self, stack: &Stack) -> Option<LastGoodStatus> {
        let Kept { set_file, saved_at, left_out, is_empty, last_error, .. } = self.kept.as_ref()?;
        Some(LastGoodStatus {
            origin: Origin::file(set_file.path()),
            is_in_force: stack.is_stood_in(),
            saved_at: *saved_at,
            left_out: left_out.clone(),
            is_empty: *is_empty,
            last_error: last_error.clone(),
        })
    }

    /// Loads for the first time what was saved last, for what the sources hold was refused.
    ///
    /// # Errors
    ///
    /// What was wrong with that, and then what is wrong with the set.
    pub(super) async fn first<T: Reloadable>(
        &mut self,
        stack: &mut Stack,
        (files, gates): (&mut Files, &mut Gates<T>),
        limit: Duration,
        inside: Marker,
        log: &mut Log,
        error: &Error,
    ) -> Result<(Arc<Snapshot<T>>, Report), Error> {
        let Some(kept) = &mut self.kept else { return Err(error.clone()) };
        if !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Invalid | ErrorKind::Vetoed) {
            return Err(error.clone());
        }
        let set = kept.load(stack.settings()).await.map_err(|unusable| both(error, &unusable))?;
        let saved_at = set.saved_at;
        let missing = set.layers.iter().filter(|layer| layer.documents.is_none());
        let missing: Vec<_> = missing.map(|layer| format!("`{}`", layer.name.escape_debug())).collect();
        let real = stack.stand_in(set.layers.into_iter().map(|layer| layer.documents));
        let first = first(stack, files, gates, limit, inside, log).await;
        stack.stand_back(real);
        if first.is_ok() {
            kept.saved_at = Some(saved_at);
        }
        first.map_err(|unusable| {
            let mut message =
                "the last good set that is kept here does not do either; what is wrong with it follows".to_owned();
            if !missing.is_empty() {
                message.push_str(&format!(
                    "; these layers are not in it and were read as they are now: {}; `.secrets()` keeps those that hold \
                     secrets",
                    missing.join(", ")
                ));
            }
            both(&both(error, &kept.refusal("last_good", message)), &unusable.error())
        })
    }
}

impl Kept {
    /// Returns a set with something in it.
    async fn load(&self, settings: Arc<[LayerSettings]>) -> Result<GoodSet, Error> {
        let set_file = Arc::clone(&self.set_file);
        let loaded = tokio::task::spawn_blocking(move || {
            let set = set_file.load(&settings)?;
            if set.is_none() {
                // Or whoever reads that it comes with the first start would wait for nothing.
                set_file.prepare()?;
            }
            Ok(set)
        })
        .await;
        let loaded = loaded.unwrap_or_else(|ended| {
            Err(self.refusal("last_good", format!("the last good set could not be read: {ended}")))
        });
        let set = loaded?.ok_or_else(|| {
            self.refusal(
                "not_found",
                "there is no last good set yet; it is saved after the first start that succeeds",
            )
        })?;
        if set.is_empty() {
            let message = "the last good set has nothing of any layer, since all hold secrets or values of the program; \
                           `LastGood::in_directory(..).secrets()` keeps those with secrets, and a layer of their own \
                           for the secrets lets the rest be kept";
            return Err(self.refusal("last_good", message));
        }
        Ok(set)
    }

    fn refusal(&self, code: &'static str, message: impl Into<String>) -> Error {
        let origin = Origin::file(self.set_file.path());
        let violation = Violation::new(FieldPath::root(), code, message).located(origin, None);
        Error::new(ErrorKind::LastGood, violation.into())
    }
}

/// Of the kind of the first.
fn both(first: &Error, second: &Error) -> Error {
    let mut report = first.report().clone();
    report.append(second.report().clone());
    Error::new(first.kind(), report)
}
