//! A source that does what a test tells it to.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::document::{Document, Format, Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};
use crate::source::{Fetched, Hint, Source};

/// How many looks are remembered one by one.
const REMEMBERED: usize = 1_000;

/// A source that answers as it is told, and remembers what it was asked. Its [`Script`] tells it.
///
/// Every look takes the next [`Answer`], and the last one stays. Delays are those of tokio's clock, so that they pass at
/// once where that is paused.
///
/// # Examples
///
/// A source that is slow at first, then fails, and then holds half of what was meant:
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use std::time::Duration;
///
/// use reloadable::testing::{Answer, ScriptedSource, assert_applied, assert_failed, assert_rejected};
/// use reloadable::{Format, Reloader, SourceErrorKind};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, script) = ScriptedSource::new("limits", Format::Toml, [
///     Answer::text("workers = 4").after(Duration::from_secs(20)),
///     Answer::error(SourceErrorKind::TimedOut, "no answer"),
///     Answer::half("workers = 'eight'"),
///     Answer::text("workers = 8"),
/// ]);
/// let config = Reloader::<Limits>::builder().source(source).resync(Duration::MAX).start().await?;
/// assert_eq!(config.load()["workers"], 4);
///
/// assert_failed(&config.reload().await, "timed_out");
/// assert_rejected(&config.reload().await, "syntax", "");
/// assert_applied(&config.reload().await, "workers: 4 -> 8");
/// assert_eq!(script.looks(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ScriptedSource {
    origin: Origin,
    shared: Arc<Shared>,
}

/// Tells a [`ScriptedSource`] what to do next. Clones tell the same source.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reloadable::Error> {
/// use reloadable::testing::{ScriptedSource, next_change};
/// use reloadable::{Format, Hint, Reloader};
/// # type Limits = std::collections::BTreeMap<String, u16>;
///
/// let (source, script) = ScriptedSource::new("limits", Format::Toml, ["workers = 4"]);
/// let config = Reloader::<Limits>::builder().source(source).start().await?;
/// let mut changes = config.subscribe();
///
/// // A storm of hints, behind which there is one change.
/// script.hold("workers = 8");
/// script.hints(Hint::Settling, 100);
/// assert_eq!(next_change(&config, &mut changes).await.current()["workers"], 8);
///
/// // A change of which nobody is told: the next look finds it.
/// script.hold("workers = 16");
/// assert_eq!(next_change(&config, &mut changes).await.current()["workers"], 16);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Script {
    shared: Arc<Shared>,
}

/// What a [`ScriptedSource`] says to one look.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use reloadable::testing::Answer;
///
/// // Another content with the mark of the one before: a source that lies.
/// let lie = Answer::text("workers = 8").revision("1");
/// let late = Answer::never_modified().after(Duration::from_secs(5));
/// # let _ = (lie, late);
/// ```
#[derive(Debug, Clone)]
#[must_use = "an answer does nothing until a script has it"]
pub struct Answer {
    what: What,
    after: Duration,
    revision: Option<Revision>,
}

/// What a [`ScriptedSource`] was asked in one look.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Look {
    /// The revision that the asking side knows.
    pub known: Option<Revision>,
    /// How far the answer has come.
    pub end: LookEnd,
}

/// How far a [`ScriptedSource`] came with the answer to one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LookEnd {
    /// It is not there yet.
    Pending,
    /// It was given.
    Answered,
    /// Nobody waited for it any more.
    Dropped,
}

#[derive(Clone)]
enum What {
    /// In the format of the source.
    Text(Arc<[u8]>),
    Documents(Vec<Document>),
    NeverModified,
    Error(SourceErrorKind, String),
    Never,
    Panic,
}

/// A text may hold secrets, so it is not shown.
impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "a text of {} bytes", text.len()),
            Self::Documents(documents) => documents.fmt(f),
            Self::NeverModified => f.write_str("not modified"),
            Self::Error(kind, message) => write!(f, "{kind:?}: {message}"),
            Self::Never => f.write_str("none, ever"),
            Self::Panic => f.write_str("a panic"),
        }
    }
}

impl Answer {
    /// Holds this text, whole. To a look that knows its revision it is "not modified", as an honest source says it.
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::new(What::Text(text.as_ref().into()))
    }

    /// Holds the first half of this text: that of its bytes, up to the next whole character.
    pub fn half(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let half = (text.len() / 2..=text.len()).find(|end| text.is_char_boundary(*end));
        Self::text(&text[..half.unwrap_or(text.len())])
    }

    /// Holds these documents, which are merged in their order; none for a source that is there but empty.
    pub fn documents(documents: impl IntoIterator<Item = Document>) -> Self {
        Self::new(What::Documents(documents.into_iter().collect()))
    }

    /// Says "not modified", whatever is known: a lie, unless it is true by chance.
    pub fn never_modified() -> Self {
        Self::new(What::NeverModified)
    }

    /// Fails. [`SourceError::is_transient`] has which kinds pass by themselves.
    pub fn error(kind: SourceErrorKind, message: impl Into<String>) -> Self {
        Self::new(What::Error(kind, message.into()))
    }

    /// Gives no answer, however long somebody waits.
    pub fn never() -> Self {
        Self::new(What::Never)
    }

    /// Panics.
    pub fn panic() -> Self {
        Self::new(What::Panic)
    }

    /// Answers only after this time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// Marks what is held with this revision instead of one that is made of the content.
    pub fn revision(mut self, mark: impl AsRef<[u8]>) -> Self {
        self.revision = Some(Revision::new(mark));
        self
    }

    fn new(what: What) -> Self {
        Self { what, after: Duration::ZERO, revision: None }
    }
}

/// A text is what the source holds from then on.
impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// A text is what the source holds from then on.
impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

#[derive(Debug)]
struct Shared {
    format: Format,
    origin: Origin,
    state: Mutex<State>,
    hinted: Notify,
}

#[derive(Debug)]
struct State {
    /// Those that were not given yet.
    answers: VecDeque<Answer>,
    /// The one that was given last, which stays.
    last: Option<Answer>,
    /// Each with how often it is to be told.
    hints: VecDeque<(Result<Hint, SourceError>, u64)>,
    looks: u64,
    remembered: VecDeque<(u64, Look)>,
    waits: u64,
    dropped_waits: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ScriptedSource {
    /// Makes a source with what it is to answer, and the script that tells it more. Without any answer, it says that
    /// there is nothing there. `name` is how reports call it.
    pub fn new<A: Into<Answer>>(
        name: impl Into<String>,
        format: Format,
        answers: impl IntoIterator<Item = A>,
    ) -> (Self, Script) {
        let origin = Origin::named(name);
        let state = State {
            answers: answers.into_iter().map(Into::into).collect(),
            last: None,
            hints: VecDeque::new(),
            looks: 0,
            remembered: VecDeque::new(),
            waits: 0,
            dropped_waits: 0,
        };
        let shared =
            Shared { format, origin: origin.clone(), state: Mutex::new(state), hinted: Notify::new() };
        let shared = Arc::new(shared);
        (Self { origin, shared: Arc::clone(&shared) }, Script { shared })
    }
}

impl Script {
    /// Appends an answer to those that were not given yet.
    pub fn then(&self, answer: impl Into<Answer>) {
        self.shared.state().answers.push_back(answer.into());
    }

    /// Drops all answers that were not given yet, and gives this one from now on. Nobody is told of it.
    pub fn hold(&self, answer: impl Into<Answer>) {
        let mut state = self.shared.state();
        state.answers.clear();
        state.answers.push_back(answer.into());
    }

    /// Holds something else from now on, and tells that the change is complete: [`hold`](Self::hold) and
    /// [`hint`](Self::hint) in one.
    pub fn replace(&self, answer: impl Into<Answer>) {
        self.hold(answer);
        self.hint(Hint::Complete);
    }

    /// Tells that something may have changed.
    pub fn hint(&self, hint: Hint) {
        self.hints(hint, 1);
    }

    /// Tells the same again and again, as fast as somebody listens.
    pub fn hints(&self, hint: Hint, times: u64) {
        self.tell(Ok(hint), times);
    }

    /// Tells that it cannot tell of changes at the moment.
    pub fn cannot_tell(&self, kind: SourceErrorKind, message: impl Into<String>) {
        self.tell(Err(SourceError::new(kind, self.shared.origin.clone(), message)), 1);
    }

    /// Returns how often the source was looked at.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.shared.state().looks
    }

    /// Returns the last looks, at most 1,000 of them, the latest at the end.
    #[must_use]
    pub fn last_looks(&self) -> Vec<Look> {
        self.shared.state().remembered.iter().map(|(_, look)| look.clone()).collect()
    }

    /// Returns how often somebody began to wait for a hint.
    #[must_use]
    pub fn waits(&self) -> u64 {
        self.shared.state().waits
    }

    /// Returns how many of those waits were dropped before there was a hint, as they may be at any time.
    #[must_use]
    pub fn dropped_waits(&self) -> u64 {
        self.shared.state().dropped_waits
    }

    /// Returns how many hints nobody has taken yet.
    #[must_use]
    pub fn pending_hints(&self) -> u64 {
        self.shared.state().hints.iter().fold(0, |sum, (_, times)| sum.saturating_add(*times))
    }

    fn tell(&self, hint: Result<Hint, SourceError>, times: u64) {
        if times > 0 {
            self.shared.state().hints.push_back((hint, times));
            self.shared.hinted.notify_one();
        }
    }
}

impl Source for ScriptedSource {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn fetch(&mut self, known: Option<&Revision>) -> Result<Fetched, SourceError> {
        let (answer, look) = self.begin(known);
        if !answer.after.is_zero() {
            sleep(answer.after).await;
        }
        if matches!(answer.what, What::Never) {
            std::future::pending::<()>().await;
        }
        look.answered();
        self.give(answer, known)
    }

    async fn changed(&mut self) -> Result<Hint, SourceError> {
        let mut wait = Wait::begin(&self.shared);
        loop {
            if let Some(hint) = self.next_hint() {
                wait.is_over = true;
                return hint;
            }
            self.shared.hinted.notified().await;
        }
    }
}

impl ScriptedSource {
    /// Takes the next answer at once, so that one which is never given is not in the way of those behind it.
    fn begin(&self, known: Option<&Revision>) -> (Answer, Looking<'_>) {
        let mut state = self.shared.state();
        if let Some(next) = state.answers.pop_front() {
            state.last = Some(next);
        }
        let nothing = || Answer::error(SourceErrorKind::NotFound, "the script has no answer");
        let answer = state.last.clone().unwrap_or_else(nothing);
        state.looks += 1;
        let number = state.looks;
        if state.remembered.len() == REMEMBERED {
            state.remembered.pop_front();
        }
        state.remembered.push_back((number, Look { known: known.cloned(), end: LookEnd::Pending }));
        (answer, Looking { shared: &self.shared, number, end: LookEnd::Dropped })
    }

    fn give(&self, answer: Answer, known: Option<&Revision>) -> Result<Fetched, SourceError> {
        let (documents, revision) = match answer.what {
            What::Text(text) => {
                let revision = Revision::from(Arc::clone(&text));
                (vec![Document::new(self.origin.clone(), self.shared.format, text)], revision)
            }
            What::Documents(documents) => {
                let revision = revision_of(&documents);
                (documents, revision)
            }
            What::NeverModified => return Ok(Fetched::NotModified),
            What::Error(kind, message) => return Err(SourceError::new(kind, self.origin.clone(), message)),
            What::Never | What::Panic => panic!("the script of {} says so", self.origin),
        };
        let revision = answer.revision.unwrap_or(revision);
        if known == Some(&revision) {
            return Ok(Fetched::NotModified);
        }
        Ok(Fetched::Documents { documents, revision })
    }

    fn next_hint(&self) -> Option<Result<Hint, SourceError>> {
        let mut state = self.shared.state();
        let (hint, times) = state.hints.front_mut()?;
        let hint = hint.clone();
        *times -= 1;
        if *times == 0 {
            state.hints.pop_front();
        }
        Some(hint)
    }
}

fn revision_of(documents: &[Document]) -> Revision {
    let mut mark = Vec::new();
    for document in documents {
        // With the lengths, so that two documents are not the same as one that is both.
        for part in [document.origin().to_string().as_bytes(), document.bytes()] {
            mark.extend_from_slice(&part.len().to_le_bytes());
            mark.extend_from_slice(part);
        }
    }
    Revision::new(mark)
}

/// A look that is under way, or was dropped.
struct Looking<'s> {
    shared: &'s Shared,
    number: u64,
    end: LookEnd,
}

impl Looking<'_> {
    fn answered(mut self) {
        self.end = LookEnd::Answered;
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if let Some((_, look)) = state.remembered.iter_mut().rev().find(|(number, _)| *number == self.number)
        {
            look.end = self.end;
        }
    }
}

/// A wait for a hint.
struct Wait {
    shared: Arc<Shared>,
    is_over: bool,
}

impl Wait {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.state().waits += 1;
        Self { shared: Arc::clone(shared), is_over: false }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.state().dropped_waits += 1;
        }
    }
}
