//! Sources that each break a promise, and the battery that finds which.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use reloadable::testing::{Conformance, Finding, Rig, RigError, source_conformance};
use reloadable::{
    Builder, Document, Fetched, Format, Hint, Origin, Reloadable, Revision, Source, SourceError,
    SourceErrorKind,
};
use tokio::sync::Notify;

/// What is wrong with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    TellsOfEverySecondChange,
    StopsTelling,
    TellsAllTheTime,
    TellsNowAndThen,
    NeverCanTell,
    WatchesOnlyAfterTheFirstLook,
    ReadsOnlyWhatItWasToldOf,
    HasOneRevision,
    HasAnotherRevisionEachTime,
    IsNotModifiedToEverybody,
    MovesItsCursorUnasked,
    ForgetsWhatADroppedWaitTook,
    ForgetsWhatADroppedLookTook,
    ShowsHalf,
    TakesAbsenceForDefaults,
    TakesEmptinessForDefaults,
    TakesNonsenseForDefaults,
    HidesErrors,
    StaysBroken,
    StaysAtTheOldPlace,
    RefusesWhatItGaveBefore,
    PanicsWhereNothingIs,
    SpawnsAtEveryLook,
    LeavesAThreadAtEveryLook,
    LeavesAThread,
    LeavesATask,
    ShowsItsPassword,
    ShowsItsPasswordWhereItCannotWatch,
    ChangesItsName,
}

#[derive(Debug, Clone)]
enum Content {
    Text(String),
    Missing,
    Blocked,
}

struct Place {
    content: Content,
    version: u64,
    /// Up to which version somebody was told.
    told: u64,
    tellings: u64,
    was_blocked: bool,
    is_elsewhere: bool,
    given: Vec<String>,
}

struct Faulty {
    wrong: Wrong,
    place: Arc<Mutex<Place>>,
    edited: Arc<Notify>,
    looks: u64,
    is_watching: bool,
    /// What it read when it was told of a change last.
    cached: Option<Content>,
    cursor: u64,
}

struct Stage {
    wrong: Wrong,
    place: Arc<Mutex<Place>>,
    edited: Arc<Notify>,
}

impl Stage {
    fn new(wrong: Wrong) -> Self {
        let place = Place {
            content: Content::Missing,
            version: 0,
            told: 0,
            tellings: 0,
            was_blocked: false,
            is_elsewhere: false,
            given: Vec::new(),
        };
        Self { wrong, place: Arc::new(Mutex::new(place)), edited: Arc::new(Notify::new()) }
    }

    fn put(&self, content: Content) -> Result<(), RigError> {
        let mut place = self.place.lock().expect("nobody panics under it");
        if place.is_elsewhere && self.wrong == Wrong::StaysAtTheOldPlace {
            return Ok(());
        }
        place.was_blocked |= matches!(content, Content::Blocked);
        place.content = content;
        place.version += 1;
        drop(place);
        self.edited.notify_one();
        Ok(())
    }
}

impl Rig for Stage {
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
        let Self { wrong, place, edited } = &*self;
        let (place, edited) = (Arc::clone(place), Arc::clone(edited));
        builder.source(Faulty {
            wrong: *wrong,
            place,
            edited,
            looks: 0,
            is_watching: false,
            cached: None,
            cursor: 0,
        })
    }

    async fn replace(&mut self, text: &str) -> Result<(), RigError> {
        self.put(Content::Text(text.to_owned()))
    }

    async fn tear(&mut self, first: &str, second: &str) -> Result<(), RigError> {
        if self.wrong == Wrong::ShowsHalf {
            self.put(Content::Text(first.to_owned()))?;
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        }
        self.put(Content::Text([first, second].concat()))
    }

    async fn remove(&mut self) -> Result<(), RigError> {
        self.put(Content::Missing)
    }

    async fn block(&mut self) -> Result<(), RigError> {
        self.put(Content::Blocked)
    }

    async fn relocate(&mut self, text: &str) -> Result<(), RigError> {
        self.place.lock().expect("nobody panics under it").is_elsewhere = true;
        self.put(Content::Text(text.to_owned()))
    }

    fn secrets(&self) -> Vec<String> {
        vec!["hunter2".to_owned()]
    }
}

impl Source for Faulty {
    fn origin(&self) -> Origin {
        match self.wrong {
            Wrong::ShowsItsPassword => Origin::named("store of app/hunter2"),
            Wrong::ChangesItsName => Origin::named(format!("store {}", self.looks)),
            _ => Origin::named("store"),
        }
    }

    async fn fetch(&mut self, known: Option<&Revision>) -> Result<Fetched, SourceError> {
        self.looks += 1;
        let (mut content, version, was_blocked, given) = {
            let mut place = self.place.lock().expect("nobody panics under it");
            // Whoever reads needs not be told of what was read.
            if self.looks == 1 {
                place.told = place.version;
            }
            (place.content.clone(), place.version, place.was_blocked, place.given.clone())
        };
        let nothing =
            |revision: &str| Fetched::Documents { documents: vec![], revision: Revision::new(revision) };
        match self.wrong {
            Wrong::SpawnsAtEveryLook => drop(tokio::spawn(std::future::pending::<()>())),
            Wrong::LeavesAThreadAtEveryLook => leave_a_thread(),
            Wrong::LeavesAThread if self.looks == 1 => leave_a_thread(),
            Wrong::LeavesATask if self.looks == 1 => drop(tokio::spawn(std::future::pending::<()>())),
            Wrong::ReadsOnlyWhatItWasToldOf => content = self.cached.get_or_insert(content).clone(),
            Wrong::ForgetsWhatADroppedLookTook => {
                if self.cursor == version && known.is_some() {
                    return Ok(Fetched::NotModified);
                }
                self.cursor = version;
                tokio::task::yield_now().await;
                self.cursor = 0;
            }
            Wrong::MovesItsCursorUnasked
                if std::mem::replace(&mut self.cursor, version) == version && known.is_some() =>
            {
                return Ok(Fetched::NotModified);
            }
            Wrong::IsNotModifiedToEverybody if self.looks > 1 => return Ok(Fetched::NotModified),
            Wrong::StaysBroken if was_blocked => content = Content::Blocked,
            _ => {}
        }
        let text = match (content, self.wrong) {
            (Content::Missing, Wrong::TakesAbsenceForDefaults) => return Ok(nothing("missing")),
            (Content::Missing, Wrong::PanicsWhereNothingIs) => panic!("nothing is there"),
            (Content::Missing | Content::Blocked, Wrong::HidesErrors) => return Ok(Fetched::NotModified),
            (Content::Missing, _) => {
                return Err(SourceError::new(SourceErrorKind::NotFound, self.origin(), "it is gone"));
            }
            (Content::Blocked, _) => {
                return Err(SourceError::new(SourceErrorKind::Other, self.origin(), "it answers 500"));
            }
            (Content::Text(text), Wrong::TakesEmptinessForDefaults) if text.is_empty() => {
                return Ok(nothing("empty"));
            }
            (Content::Text(text), Wrong::TakesNonsenseForDefaults) if text.starts_with('[') => {
                return Ok(nothing("nonsense"));
            }
            (Content::Text(text), Wrong::RefusesWhatItGaveBefore)
                if known.is_some() && given.contains(&text) && given.last() != Some(&text) =>
            {
                return Err(SourceError::new(SourceErrorKind::Other, self.origin(), "it was there before"));
            }
            (Content::Text(text), _) => text,
        };
        let revision = match self.wrong {
            Wrong::HasOneRevision => Revision::new("1"),
            Wrong::HasAnotherRevisionEachTime => Revision::new(self.looks.to_string()),
            _ => Revision::new(&text),
        };
        if known == Some(&revision) {
            return Ok(Fetched::NotModified);
        }
        self.place.lock().expect("nobody panics under it").given.push(text.clone());
        let document = Document::new(self.origin(), Format::Toml, text.into_bytes());
        Ok(Fetched::Documents { documents: vec![document], revision })
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        self.must_watch()?;
        while !self.takes_a_hint() {
            let edited = self.edited.notified();
            if self.wrong == Wrong::TellsNowAndThen {
                if tokio::time::timeout(Duration::from_millis(150), edited).await.is_err() {
                    break;
                }
            } else {
                edited.await;
            }
        }
        if self.wrong == Wrong::ForgetsWhatADroppedWaitTook {
            tokio::task::yield_now().await;
        }
        Ok(Hint::Complete)
    }
}

/// What holds the threads that were left.
static THREADS: Mutex<Vec<mpsc::Sender<()>>> = Mutex::new(Vec::new());

fn leave_a_thread() {
    let (held, end) = mpsc::channel::<()>();
    std::thread::spawn(move || end.recv());
    THREADS.lock().expect("nobody panics under it").push(held);
}

impl Faulty {
    fn must_watch(&self) -> Result<(), SourceError> {
        let is_away = !matches!(self.place.lock().expect("nobody panics under it").content, Content::Text(_));
        let message = match self.wrong {
            Wrong::NeverCanTell => "no watch with hunter2",
            Wrong::ShowsItsPasswordWhereItCannotWatch if is_away => "no watch with hunter2",
            _ => return Ok(()),
        };
        Err(SourceError::new(SourceErrorKind::Other, self.origin(), message))
    }

    fn takes_a_hint(&mut self) -> bool {
        let mut place = self.place.lock().expect("nobody panics under it");
        if self.wrong == Wrong::WatchesOnlyAfterTheFirstLook
            && !std::mem::replace(&mut self.is_watching, true)
        {
            place.told = place.version;
        }
        let is_new = place.version != place.told;
        let tells = match self.wrong {
            Wrong::TellsAllTheTime => true,
            Wrong::TellsOfEverySecondChange => is_new && place.version % 2 == 0,
            Wrong::StopsTelling => is_new && place.tellings < 8,
            _ => is_new,
        };
        if tells {
            place.told = place.version;
            place.tellings += 1;
            if self.wrong == Wrong::ReadsOnlyWhatItWasToldOf {
                self.cached = Some(place.content.clone());
            }
        }
        tells
    }
}

/// Tries a source with this fault, and expects just these promises to be broken; others as well if the last is `..`.
async fn breaks(wrong: Wrong, expected: &[&str]) {
    check(wrong, super::found_in(|| async { Stage::new(wrong) }).await, expected);
}

/// As `breaks`, with nobody else in the process.
async fn breaks_alone(wrong: Wrong, expected: &[&str]) {
    let _alone = super::ALONE.write().await;
    let found = source_conformance(|| async { Stage::new(wrong) }).await;
    THREADS.lock().expect("nobody panics under it").clear();
    check(wrong, found, expected);
}

fn check(wrong: Wrong, found: Conformance, expected: &[&str]) {
    let broken = found.broken();
    match expected {
        [expected @ .., ".."] => {
            assert!(expected.iter().all(|name| broken.contains(name)), "{wrong:?}: {broken:?}\n{found}");
        }
        _ => assert_eq!(broken, expected, "{wrong:?}\n{found}"),
    }
    let is_said = |name: &&str| matches!(found.finding(name), Some(Finding::Broken(why)) if !why.is_empty());
    assert!(broken.iter().all(is_said), "{found}");
    assert!(!found.to_string().contains("hunter2"), "a secret is in what was found");
}

macro_rules! faults {
    ($($name:ident: $wrong:ident $breaks:ident $broken:expr;)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                $breaks(Wrong::$wrong, &$broken).await;
            }
        )*
    };
}

faults! {
    nothing: Nothing breaks [];
    every_second_change: TellsOfEverySecondChange breaks ["final_content", "keeps_telling", ".."];
    silence: StopsTelling breaks ["keeps_telling"];
    endless_hints: TellsAllTheTime breaks ["quiet"];
    hints_without_a_change: TellsNowAndThen breaks ["quiet"];
    an_error_for_every_hint: NeverCanTell breaks [
        "final_content", "first_load", "dropped_wait", "keeps_telling", "quiet", "origin"
    ];
    a_late_watch: WatchesOnlyAfterTheFirstLook breaks ["first_load", ".."];
    a_cache: ReadsOnlyWhatItWasToldOf breaks ["lost_hint", "answers", "revision", "dropped_fetch"];
    one_revision: HasOneRevision breaks ["final_content", "lost_hint", "first_load", "revision", ".."];
    a_revision_for_each_look: HasAnotherRevisionEachTime breaks ["revision"];
    never_modified: IsNotModifiedToEverybody breaks ["final_content", "lost_hint", "revision", ".."];
    a_cursor_that_moves: MovesItsCursorUnasked breaks ["revision", "dropped_fetch"];
    a_dropped_wait: ForgetsWhatADroppedWaitTook breaks ["dropped_wait"];
    a_dropped_look: ForgetsWhatADroppedLookTook breaks ["dropped_fetch"];
    half: ShowsHalf breaks ["torn_content"];
    absence: TakesAbsenceForDefaults breaks ["missing", "recreated", "answers"];
    emptiness: TakesEmptinessForDefaults breaks ["empty_content"];
    nonsense: TakesNonsenseForDefaults breaks ["invalid_content", "reverted"];
    hidden_errors: HidesErrors breaks ["missing", "unreadable", "recreated", "answers"];
    an_error_that_stays: StaysBroken breaks ["unreadable", "answers"];
    the_old_place: StaysAtTheOldPlace breaks ["relocated"];
    a_revert: RefusesWhatItGaveBefore breaks ["reverted", "revision"];
    a_panic: PanicsWhereNothingIs breaks ["answers", "origin"];
    a_task_for_each_look: SpawnsAtEveryLook breaks ["growth", "released"];
    a_task_that_stays: LeavesATask breaks ["released"];
    a_thread_for_each_look: LeavesAThreadAtEveryLook breaks_alone ["growth", "released"];
    a_thread_that_stays: LeavesAThread breaks_alone ["released"];
    a_password: ShowsItsPassword breaks ["origin"];
    a_password_in_a_wait: ShowsItsPasswordWhereItCannotWatch breaks ["origin"];
    a_new_name: ChangesItsName breaks ["origin"];
}

#[tokio::test(start_paused = true)]
async fn what_is_not_tried_stands_in_the_test() {
    let found = super::found_in(|| async { Stage::new(Wrong::Nothing) }).await;
    found.assert();
    let panics = |not_tried: &'static [&'static str]| {
        let found = found.clone();
        std::thread::spawn(move || found.assert_all_but(not_tried)).join().is_err()
    };
    assert_eq!((panics(&[]), panics(&["torn_content"]), panics(&["no_such_check"])), (false, true, true));
}

/// A place of which next to nothing can be tried.
struct Bare(Stage);

impl Rig for Bare {
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
        self.0.attach(builder)
    }

    async fn replace(&mut self, text: &str) -> Result<(), RigError> {
        self.0.replace(text).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_rig_that_can_do_nothing_is_not_enough() {
    let found = super::found_in(|| async { Bare(Stage::new(Wrong::Nothing)) }).await;
    assert_eq!(found.broken(), [""; 0], "{found}");
    found.assert_all_but(&["relocated", "torn_content", "missing", "unreadable", "recreated"]);
    let said = std::thread::spawn(move || found.assert()).join().expect_err("not all was tried");
    let said = said.downcast::<String>().expect("a text");
    assert!(
        said.starts_with("nobody has tried torn_content, missing, unreadable, recreated, relocated"),
        "{said}"
    );
}
