//! Sources that each break a promise, and the battery that finds which.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reloadable::testing::{Finding, KeyedRig, RigError, keyed_source_conformance};
use reloadable::{
    Changed, Delta, Document, Format, Incarnation, KeyedDocument, KeyedSource, Listed, Listing, Origin,
    Revision, SourceError, SourceErrorKind,
};
use tokio::sync::Notify;

/// What is wrong with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    LeavesOneOut,
    ListsWhatIsGone,
    ListsTwice,
    WatchesOnlyAfterTheList,
    EndsAFailedListWell,
    TakesAFailureForEmptiness,
    ForgetsWhatADroppedListTook,
    ForgetsWhatADroppedWaitTook,
    HasOneRevision,
    HasAnotherRevisionEachTime,
    SaysUnchangedToEverybody,
    SaysUnchangedOfWhatHasChanged,
    FailsForTheUnreadable,
    LeavesTheUnreadableOut,
    StopsTelling,
    TellsOfEverySecondChange,
    TellsTheOldAfterTheNew,
    KeepsDeletionsToItself,
    MovesItsCursorUnasked,
    IsSilentAboutWhatItForgot,
    HasOneIncarnation,
    MissesReverts,
    ComparesTheWrongWay,
    TellsAllTheTime,
    EndsAllTheTime,
    SpawnsAtEveryList,
    LeavesATask,
    ShowsItsPassword,
    ShowsItsPasswordInErrors,
    ChangesItsName,
    PanicsWhenSomethingIsGone,
}

#[derive(Clone)]
struct Thing {
    text: Option<String>,
    version: u64,
    born: u64,
}

#[derive(Default)]
struct Place {
    version: u64,
    things: BTreeMap<String, Thing>,
    log: VecDeque<(u64, String)>,
    forgotten: u64,
    has_failed: bool,
    /// Every text that an object ever had, and texts of one before the last.
    texts: BTreeMap<String, Vec<String>>,
    lists: u64,
    tellings: u64,
    told: u64,
}

#[derive(Clone)]
struct Stage {
    wrong: Wrong,
    place: Arc<Mutex<Place>>,
    edited: Arc<Notify>,
}

struct Faulty(Stage);

impl Stage {
    fn new(wrong: Wrong) -> Self {
        Self { wrong, place: Arc::default(), edited: Arc::default() }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().expect("nobody panics under it")
    }

    fn change(&self, name: &str, text: Option<Option<String>>) {
        let mut place = self.place();
        let texts = place.texts.entry(name.to_owned()).or_default();
        if let Some(Some(text)) = &text {
            if self.wrong == Wrong::MissesReverts && texts.contains(text) {
                return;
            }
            texts.push(text.clone());
        }
        place.version += 1;
        let version = place.version;
        match text {
            Some(text) => {
                let born = place.things.get(name).map_or(version, |thing| thing.born);
                place.things.insert(name.to_owned(), Thing { text, version, born });
            }
            None if self.wrong == Wrong::KeepsDeletionsToItself => return,
            None => drop(place.things.remove(name)),
        }
        place.log.push_back((version, name.to_owned()));
        drop(place);
        self.edited.notify_one();
    }

    fn error(&self, kind: SourceErrorKind, message: &str) -> SourceError {
        let said = if self.wrong == Wrong::ShowsItsPasswordInErrors { ", hunter2" } else { "" };
        SourceError::new(kind, Origin::named("store"), format!("{message}{said}"))
    }

    fn document(&self, name: &str, thing: &Thing, times: u64) -> Option<KeyedDocument<String>> {
        let text = thing.text.clone()?;
        let document = Document::new(Origin::named(format!("store {name}")), Format::Toml, text.into_bytes());
        let revision = match self.wrong {
            Wrong::HasOneRevision => Revision::new("one"),
            Wrong::HasAnotherRevisionEachTime => Revision::new((thing.version * 1000 + times).to_be_bytes()),
            _ => Revision::new(thing.version.to_be_bytes()),
        };
        let incarnation = if self.wrong == Wrong::HasOneIncarnation { 1 } else { thing.born };
        Some(
            KeyedDocument::new(name.to_owned(), document, revision)
                .incarnation(Incarnation::new(incarnation.to_be_bytes())),
        )
    }
}

impl KeyedRig for Stage {
    type Source = Faulty;

    fn source(&mut self) -> Faulty {
        Faulty(self.clone())
    }

    fn key(&self, name: &str) -> String {
        name.to_owned()
    }

    async fn put(&mut self, name: &str, text: &str) -> Result<(), RigError> {
        self.change(name, Some(Some(text.to_owned())));
        Ok(())
    }

    async fn delete(&mut self, name: &str) -> Result<(), RigError> {
        self.change(name, None);
        Ok(())
    }

    async fn block(&mut self, name: &str) -> Result<(), RigError> {
        self.change(name, Some(None));
        Ok(())
    }

    async fn fail(&mut self) -> Result<(), RigError> {
        self.place().has_failed = true;
        Ok(())
    }

    async fn recover(&mut self) -> Result<(), RigError> {
        self.place().has_failed = false;
        Ok(())
    }

    async fn forget(&mut self) -> Result<(), RigError> {
        let mut place = self.place();
        place.log.clear();
        place.forgotten = place.version;
        Ok(())
    }

    fn secrets(&self) -> Vec<String> {
        vec!["hunter2".to_owned()]
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(2)
    }
}

impl KeyedSource for Faulty {
    type Key = String;

    fn origin(&self) -> Origin {
        match self.0.wrong {
            Wrong::ShowsItsPassword => Origin::named("store of app/hunter2"),
            Wrong::ChangesItsName => Origin::named(format!("store {}", self.0.place().lists)),
            _ => Origin::named("store"),
        }
    }

    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        let (stage, wrong) = (&self.0, self.0.wrong);
        let (version, things, has_failed, lists, texts) = {
            let mut place = stage.place();
            place.lists += 1;
            if wrong == Wrong::ForgetsWhatADroppedListTook {
                place.log.clear();
            }
            (place.version, place.things.clone(), place.has_failed, place.lists, place.texts.clone())
        };
        match wrong {
            Wrong::SpawnsAtEveryList => drop(tokio::spawn(std::future::pending::<()>())),
            Wrong::LeavesATask if lists == 1 => drop(tokio::spawn(std::future::pending::<()>())),
            Wrong::PanicsWhenSomethingIsGone => assert!(texts.keys().all(|name| things.contains_key(name))),
            _ => {}
        }
        if has_failed && wrong == Wrong::TakesAFailureForEmptiness {
            return Ok(Listed::new().at(Revision::new(version.to_be_bytes())));
        }
        let mut things: Vec<_> = things.into_iter().collect();
        match wrong {
            Wrong::LeavesOneOut if things.len() > 256 => drop(things.pop()),
            Wrong::ListsWhatIsGone => {
                let gone =
                    texts.into_iter().filter(|(name, _)| things.iter().all(|(other, _)| other != name));
                let gone: Vec<_> = gone.collect();
                things.extend(
                    gone.into_iter().map(|(name, texts)| {
                        (name, Thing { text: texts.last().cloned(), version: 1, born: 1 })
                    }),
                );
            }
            Wrong::ListsTwice => things.extend(things.first().cloned()),
            _ => {}
        }
        for (nth, (name, thing)) in things.into_iter().enumerate() {
            // As one that reads over a network.
            tokio::task::yield_now().await;
            if has_failed && nth == 1 {
                if wrong == Wrong::EndsAFailedListWell {
                    break;
                }
                return Err(stage.error(SourceErrorKind::Other, "the connection broke"));
            }
            let is_known = listing.known(&name) == Some(&Revision::new(thing.version.to_be_bytes()));
            let is_said = match wrong {
                Wrong::SaysUnchangedToEverybody => listing.known(&name).is_some(),
                Wrong::SaysUnchangedOfWhatHasChanged => {
                    listing.known(&name).is_some_and(|known| known.as_bytes().len() == 8)
                }
                _ => is_known,
            };
            if is_said {
                listing.unchanged(name).await;
                continue;
            }
            match (stage.document(&name, &thing, lists), wrong) {
                (Some(document), _) => listing.push(document).await,
                (None, Wrong::LeavesTheUnreadableOut) => {}
                (None, Wrong::FailsForTheUnreadable) => {
                    return Err(stage.error(SourceErrorKind::PermissionDenied, "one is locked away"));
                }
                (None, _) => {
                    let error = stage.error(SourceErrorKind::PermissionDenied, "it is locked away");
                    listing.unreadable(name, error).await;
                }
            }
        }
        if wrong == Wrong::WatchesOnlyAfterTheList {
            return Ok(Listed::new().at(Revision::new(stage.place().version.to_be_bytes())));
        }
        if wrong == Wrong::ForgetsWhatADroppedListTook {
            let mut place = stage.place();
            // It gives back what it took, if it comes to that.
            place.log = place.things.iter().map(|(name, thing)| (thing.version, name.clone())).collect();
        }
        Ok(Listed::new().at(Revision::new(version.to_be_bytes())))
    }

    async fn changed(&mut self, from: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        let (stage, wrong) = (&self.0, self.0.wrong);
        let from = from.and_then(|from| from.as_bytes().try_into().ok()).map_or(0, u64::from_be_bytes);
        loop {
            let (version, changed, tellings) = {
                let mut place = stage.place();
                if place.has_failed {
                    return Err(stage.error(SourceErrorKind::Other, "it is away"));
                }
                if from < place.forgotten && wrong != Wrong::IsSilentAboutWhatItForgot {
                    return Err(stage.error(SourceErrorKind::Expired, "that is too long ago"));
                }
                let from = match wrong {
                    Wrong::MovesItsCursorUnasked | Wrong::ForgetsWhatADroppedWaitTook => from.max(place.told),
                    _ => from,
                };
                let changed: Vec<_> =
                    place.log.iter().filter(|(version, _)| *version > from).cloned().collect();
                if !changed.is_empty() {
                    place.tellings += 1;
                    if wrong == Wrong::ForgetsWhatADroppedWaitTook {
                        place.told = place.version;
                    }
                }
                (place.version, changed, place.tellings)
            };
            if wrong == Wrong::ForgetsWhatADroppedWaitTook {
                tokio::task::yield_now().await;
            }
            match wrong {
                Wrong::TellsAllTheTime => return Ok(Changed::Relist),
                Wrong::EndsAllTheTime => return Ok(Changed::Ended),
                Wrong::StopsTelling if tellings > 5 => return std::future::pending().await,
                Wrong::TellsOfEverySecondChange if version % 2 == 1 => {
                    stage.edited.notified().await;
                    continue;
                }
                _ => {}
            }
            if changed.is_empty() {
                stage.edited.notified().await;
                continue;
            }
            let mut deltas = Vec::new();
            {
                let mut place = stage.place();
                for (_, name) in changed {
                    deltas.push(match place.things.get(&name) {
                        None => Delta::Delete(name),
                        Some(thing) => match stage.document(&name, thing, 0) {
                            Some(document) => Delta::Upsert(document),
                            None => {
                                let error =
                                    stage.error(SourceErrorKind::PermissionDenied, "it is locked away");
                                Delta::Unreadable(name, error)
                            }
                        },
                    });
                }
                place.told = version;
                if wrong == Wrong::TellsTheOldAfterTheNew {
                    if let Some(Delta::Upsert(newest)) = deltas.last().cloned() {
                        // The name is in its documents' origin, the text before the last is what comes late.
                        let late = place.texts.iter().find_map(|(name, texts)| {
                            let old = texts.iter().rev().nth(1)?;
                            let thing = Thing { text: Some(old.clone()), ..place.things.get(name)?.clone() };
                            stage.document(name, &thing, 0)
                        });
                        deltas.extend(late.map(Delta::Upsert));
                        deltas.push(Delta::Upsert(newest));
                        let last =
                            place.things.iter().filter_map(|(name, thing)| stage.document(name, thing, 0));
                        deltas.extend(last.map(Delta::Upsert));
                    }
                }
            }
            deltas.push(Delta::Progress(Revision::new(version.to_be_bytes())));
            return Ok(Changed::Deltas(deltas));
        }
    }

    fn compare(one: &Revision, other: &Revision) -> Option<Ordering> {
        (one == other).then_some(Ordering::Equal)
    }
}

/// The same, but it says of the older revision that it is the newer one.
struct Backwards(Stage);

struct BackwardsSource(Faulty);

impl KeyedSource for BackwardsSource {
    type Key = String;

    fn origin(&self) -> Origin {
        self.0.origin()
    }

    async fn list(&mut self, listing: &mut Listing<String>) -> Result<Listed, SourceError> {
        self.0.list(listing).await
    }

    async fn changed(&mut self, from: Option<&Revision>) -> Result<Changed<String>, SourceError> {
        self.0.changed(from).await
    }

    fn compare(one: &Revision, other: &Revision) -> Option<Ordering> {
        Some(other.as_bytes().cmp(one.as_bytes()))
    }
}

impl KeyedRig for Backwards {
    type Source = BackwardsSource;

    fn source(&mut self) -> BackwardsSource {
        BackwardsSource(self.0.source())
    }

    fn key(&self, name: &str) -> String {
        name.to_owned()
    }

    async fn put(&mut self, name: &str, text: &str) -> Result<(), RigError> {
        self.0.put(name, text).await
    }

    async fn delete(&mut self, name: &str) -> Result<(), RigError> {
        self.0.delete(name).await
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(2)
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_faulty_passes_all_of_it() {
    super::found_in(|| async { Stage::new(Wrong::Nothing) }).await.assert();
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_found_by_the_check_that_is_for_it() {
    let _alone = super::super::ALONE.write().await;
    let faults = [
        (Wrong::LeavesOneOut, "list_complete"),
        (Wrong::ListsWhatIsGone, "list_complete"),
        (Wrong::ListsTwice, "listed_once"),
        (Wrong::WatchesOnlyAfterTheList, "first_list"),
        (Wrong::EndsAFailedListWell, "failed_list"),
        (Wrong::TakesAFailureForEmptiness, "failed_list"),
        (Wrong::ForgetsWhatADroppedListTook, "dropped_list"),
        (Wrong::ForgetsWhatADroppedWaitTook, "dropped_wait"),
        (Wrong::HasOneRevision, "revision"),
        (Wrong::HasAnotherRevisionEachTime, "revision"),
        (Wrong::SaysUnchangedToEverybody, "known"),
        (Wrong::SaysUnchangedOfWhatHasChanged, "known"),
        (Wrong::FailsForTheUnreadable, "unreadable"),
        (Wrong::LeavesTheUnreadableOut, "unreadable"),
        (Wrong::StopsTelling, "keeps_telling"),
        (Wrong::TellsOfEverySecondChange, "keeps_telling"),
        (Wrong::TellsTheOldAfterTheNew, "order"),
        (Wrong::KeepsDeletionsToItself, "deleted"),
        (Wrong::MovesItsCursorUnasked, "cursor"),
        (Wrong::IsSilentAboutWhatItForgot, "expired"),
        (Wrong::HasOneIncarnation, "recreated"),
        (Wrong::MissesReverts, "reverted"),
        (Wrong::TellsAllTheTime, "quiet"),
        (Wrong::EndsAllTheTime, "quiet"),
        (Wrong::SpawnsAtEveryList, "growth"),
        (Wrong::LeavesATask, "released"),
        (Wrong::ShowsItsPassword, "origin"),
        (Wrong::ShowsItsPasswordInErrors, "origin"),
        (Wrong::ChangesItsName, "origin"),
        (Wrong::PanicsWhenSomethingIsGone, "list_complete"),
    ];
    let mut missed = Vec::new();
    for (wrong, check) in faults {
        let found = keyed_source_conformance(|| async { Stage::new(wrong) }).await;
        assert!(!found.to_string().contains("hunter2"), "{wrong:?}: the secret is in what was found");
        if !matches!(found.finding(check), Some(Finding::Broken(_))) {
            missed.push(format!("{wrong:?} is not found by {check}, but by {:?}\n{found}", found.broken()));
        }
    }
    let found =
        keyed_source_conformance(|| async { Backwards(Stage::new(Wrong::ComparesTheWrongWay)) }).await;
    if !matches!(found.finding("compare"), Some(Finding::Broken(_))) {
        missed.push(format!("{found}"));
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
