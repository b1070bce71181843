//! The files that fields of the configuration name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::settings::Settings;
use super::survey::Target;
use super::unit::Unit;
use crate::document::{Origin, Revision};
use crate::error::SourceError;
use crate::source::{AnyFiles, AnySource, Asked, BoxFuture, Fetched, Health, Hint};

/// Files that belong to the configuration though they are none of its documents.
#[derive(Debug)]
pub(crate) struct NamedFiles {
    /// Where relative paths start, wherever the process goes.
    base: PathBuf,
    unit: Unit,
    followed: BTreeSet<PathBuf>,
    /// What is to be followed from the next look on.
    wanted: BTreeSet<PathBuf>,
    limit: u64,
}

impl NamedFiles {
    pub(crate) fn new(settings: Settings) -> Self {
        let limit = settings.limit;
        // While a candidate is tried, the files of two configurations are followed.
        let settings = Settings { limit: limit.saturating_mul(2), ..settings };
        let unit = Unit::new(Target::Files(Vec::new()), settings);
        let base = std::env::current_dir().unwrap_or_default();
        Self { base, unit, followed: BTreeSet::new(), wanted: BTreeSet::new(), limit }
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
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            self.catch_up().await;
            let revision = self.unit.look(asked).await;
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
        self.wanted = files.iter().map(|file| self.base.join(file)).collect();
    }

    fn limit(&self) -> u64 {
        self.limit
    }

    fn content(&self, file: &Path) -> Option<Result<Arc<[u8]>, SourceError>> {
        let offered = self.unit.offered_of(&self.base.join(file))?;
        Some(offered.as_ref().map(|held| Arc::clone(&held.bytes)).map_err(Clone::clone))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::source::Settle;

    fn named() -> NamedFiles {
        NamedFiles::new(Settings::new(
            Settle::Balanced,
            Duration::from_secs(1),
            Duration::from_secs(30),
            1 << 20,
        ))
    }

    fn held(files: &NamedFiles, path: &Path) -> Option<String> {
        let content = files.content(path)?;
        Some(
            content.map_or_else(
                |_| "unreadable".to_owned(),
                |bytes| String::from_utf8_lossy(&bytes).into_owned(),
            ),
        )
    }

    async fn revision(files: &mut NamedFiles, asked: Asked) -> Revision {
        match files.fetch(None, asked).await {
            Ok(Fetched::Documents { revision, .. }) => revision,
            other => panic!("{other:?}"),
        }
    }

    async fn news(files: &mut NamedFiles) {
        let news = async { while files.changed().await.unwrap().is_none() {} };
        tokio::time::timeout(Duration::from_secs(20), news).await.expect("it was seen in time");
    }

    #[tokio::test]
    async fn what_is_followed_may_change_at_any_time() {
        let directory = tempfile::tempdir().unwrap();
        let [one, two, three] = ["one", "two", "three"].map(|name| directory.path().join(name));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let mut files = named();
        revision(&mut files, Asked::Manual).await;
        files.follow([one.clone()].into());
        let first = revision(&mut files, Asked::Automatic).await;
        assert_eq!((held(&files, &one).as_deref(), held(&files, &two)), (Some("1"), None));

        // What is new is known after one look, be it there or not.
        files.follow([one.clone(), two.clone(), three.clone()].into());
        let second = revision(&mut files, Asked::Automatic).await;
        assert_ne!(first, second);
        let all = [&one, &two, &three].map(|path| held(&files, path).unwrap());
        assert_eq!(all, ["1", "2", "unreadable"]);

        // What is followed no more is no news.
        files.follow([two.clone(), three.clone()].into());
        assert_eq!(revision(&mut files, Asked::Automatic).await, second);
        fs::write(&one, "nobody looks").unwrap();
        fs::write(&three, "3").unwrap();
        news(&mut files).await;
        assert_ne!(revision(&mut files, Asked::Automatic).await, second);
        assert_eq!(
            [&one, &two, &three].map(|path| held(&files, path)),
            [None, Some("2".into()), Some("3".into())]
        );
    }
}
