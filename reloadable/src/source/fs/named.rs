//! The files that fields of the configuration name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::settings::Settings;
use super::survey::Target;
use super::unit::Unit;
use crate::document::{Origin, Revision};
use crate::error::SourceError;
use crate::source::{AnyFiles, AnySource, BoxFuture, Fetched, Health, Hint, Trigger};

/// Files that belong to the configuration though they are none of its documents.
#[derive(Debug)]
pub(crate) struct NamedFiles {
    unit: Unit,
    followed: BTreeSet<PathBuf>,
    /// What is to be followed from the next look on.
    wanted: BTreeSet<PathBuf>,
}

impl NamedFiles {
    pub(crate) fn new(settings: Settings) -> Self {
        let unit = Unit::new(Target::Files(Vec::new()), settings);
        Self { unit, followed: BTreeSet::new(), wanted: BTreeSet::new() }
    }

    async fn catch_up(&mut self) {
        if self.followed != self.wanted {
            self.unit.follow(Target::Files(self.wanted.iter().cloned().collect())).await;
            self.followed.clone_from(&self.wanted);
        }
    }
}

impl AnySource for NamedFiles {
    fn origin(&self) -> Origin {
        Origin::named("files that fields name")
    }

    fn fetch<'a>(
        &'a mut self,
        _known: Option<&'a Revision>,
        trigger: Trigger,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            self.catch_up().await;
            let revision = self.unit.look(trigger).await;
            Ok(Fetched::Documents { documents: Vec::new(), revision })
        })
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        Box::pin(async {
            self.catch_up().await;
            Ok(self.unit.changed().await)
        })
    }

    fn accepted(&mut self, revision: &Revision) {
        self.unit.accepted(revision);
    }

    fn is_one_side(&self) -> bool {
        self.unit.is_one_side()
    }

    fn health(&self) -> Health {
        self.unit.health()
    }
}

impl AnyFiles for NamedFiles {
    fn follow(&mut self, files: BTreeSet<PathBuf>) {
        self.wanted = files;
    }

    fn content(&self, file: &Path) -> Option<Result<Arc<[u8]>, SourceError>> {
        self.unit.offered_of(file).cloned()
    }
}
