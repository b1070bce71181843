//! Gates: code of the application that may refuse a valid candidate before it is published.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::diff::Diff;
use crate::publish::Snapshot;
use crate::report::{one_line, with_causes};

/// A valid configuration that is about to be published, as a gate sees it: for the whole of it, or for one section.
///
/// # Examples
///
/// A new listener is bound before anybody sees its address, and takes the place of the old one with the publication.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct App { listen: std::net::SocketAddr }
/// use std::net::TcpListener;
/// use std::sync::{Arc, Mutex};
///
/// use reloadable::{Format, MemorySource, Prepared, Refusal, Reloader};
///
/// let (source, document) = MemorySource::new("app", Format::Toml, "listen = '127.0.0.1:0'");
/// let listener = Arc::new(Mutex::new(None));
/// let bound = Arc::clone(&listener);
/// let config = Reloader::<App>::builder()
///     .source(source)
///     .gate_on("listener", |app| &app.listen, move |candidate| {
///         let listener = Arc::clone(&bound);
///         async move {
///             let address = candidate.value();
///             let refusal = |error| Refusal::new(format!("{address}: {error}"));
///             let new = TcpListener::bind(address).map_err(refusal)?;
///             Ok(Prepared::commit(move || {
///                 if let Ok(mut listener) = listener.lock() {
///                     *listener = Some(new);
///                 }
///             }))
///         }
///     })
///     .start()
///     .await?;
/// assert!(listener.lock().is_ok_and(|listener| listener.is_some()));
///
/// let taken = TcpListener::bind("127.0.0.1:0")?;
/// let address = taken.local_addr()?;
/// document.replace(format!("listen = '{address}'"));
/// let outcome = config.reload().await;
/// let refused = format!("configuration vetoed: the gate `listener` refused: {address}: ");
/// assert!(outcome.to_string().starts_with(&refused));
/// # Ok(())
/// # }
/// ```
pub struct Candidate<T, S: ?Sized = T> {
    running: Option<Arc<Snapshot<T>>>,
    candidate: Arc<Snapshot<T>>,
    select: Select<T, S>,
}

type Select<T, S> = Arc<dyn Fn(&T) -> &S + Send + Sync>;

impl<T, S: ?Sized> Candidate<T, S> {
    /// Returns the section as it would be.
    #[must_use]
    pub fn value(&self) -> &S {
        (self.select)(&self.candidate)
    }

    /// Returns the section as it is in force; nothing at the first load.
    #[must_use]
    pub fn running(&self) -> Option<&S> {
        self.running.as_deref().map(|running| (self.select)(running))
    }

    /// Returns the number that the snapshot will have if it is published.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.candidate.generation()
    }

    /// Returns the whole snapshot that would be published.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot<T>> {
        &self.candidate
    }

    /// Returns the whole snapshot in force; nothing at the first load.
    #[must_use]
    pub fn running_snapshot(&self) -> Option<&Arc<Snapshot<T>>> {
        self.running.as_ref()
    }
}

impl<T, S: Diff + ?Sized> Candidate<T, S> {
    /// Returns how the section would change; nothing at the first load. It compares anew, so keep the result rather than
    /// call it often.
    #[must_use]
    pub fn changes(&self) -> Option<S::Changes<'_>> {
        let running = self.running.as_deref()?;
        running.compare(&self.candidate, || (self.select)(running).diff(self.value()))
    }
}

impl<T, S: ?Sized> Clone for Candidate<T, S> {
    fn clone(&self) -> Self {
        Self {
            running: self.running.clone(),
            candidate: Arc::clone(&self.candidate),
            select: Arc::clone(&self.select),
        }
    }
}

impl<T, S: ?Sized> fmt::Debug for Candidate<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("running", &self.running.as_ref().map(|running| running.generation()))
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

/// What a gate has made ready: taken into use by its commit, right after the publication, or given up when it is dropped,
/// because a later gate refused.
///
/// `()` is one that has nothing to commit; where a gate has one at other ends, it is `Prepared::default()`.
///
/// # Examples
///
/// ```
/// use reloadable::Prepared;
///
/// let nothing = Prepared::from(());
/// let greeting = Prepared::commit(|| println!("in force")).or_abort(|| println!("refused by somebody else"));
/// # drop((nothing, greeting));
/// ```
#[derive(Default)]
#[must_use = "what is prepared is given up when it is dropped"]
pub struct Prepared {
    commit: Option<Box<dyn FnOnce() + Send>>,
    abort: Option<Box<dyn FnOnce() + Send>>,
}

impl Prepared {
    /// Takes what is to be done right after the publication. What it owns is what was prepared: if it is never called, it is
    /// dropped, and so is that.
    ///
    /// It cannot refuse any more. A panic is reported, see [`Applied::failed_commits`](crate::Applied::failed_commits), and
    /// stops nothing. It runs on the reloader's task, before the subscribers are woken: it should hand over and no more, and
    /// not wait. While it runs, the new snapshot is in force already, and [`Status`](crate::Status) tells of the one before:
    /// how the attempt ended is known after the last commit.
    pub fn commit(commit: impl FnOnce() + Send + 'static) -> Self {
        Self { commit: Some(Box::new(commit)), abort: None }
    }

    /// Takes what is to be done if somebody else refuses. Dropping what the commit owns is mostly enough.
    ///
    /// What was prepared last is given up first. Where the reloader ends, or a start is dropped, while a gate is asked, what
    /// the gates before it prepared is given up at once, and the code of that gate may end after it.
    pub fn or_abort(mut self, abort: impl FnOnce() + Send + 'static) -> Self {
        self.abort = Some(Box::new(abort));
        self
    }

    pub(crate) fn run(mut self) {
        let (commit, abort) = (self.commit.take(), self.abort.take());
        if let Some(commit) = commit {
            commit();
        }
        // Its destructors may panic, which must not come before the commit.
        drop(abort);
    }
}

impl From<()> for Prepared {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort();
        }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

/// Why a gate refuses. Every type that is an [`Error`](std::error::Error) becomes one by `?`, with the errors that caused
/// it. A boxed error, an `anyhow::Error` and a text are no such types: they take `.map_err(Refusal::new)?`, or
/// `.map_err(|error| Refusal::new(format!("{error:#}")))?` where that prints the causes as well.
///
/// Most errors do not say what was tried, as the address that is in use. Whoever reads the refusal needs that, so name it.
///
/// Its text is printed in outcomes and the status. Secrets of the configuration, of 4 characters or more, are replaced there
/// by `***` where they stand in it as they stand in the file; it should have none in it all the same. It is told within one
/// line, and of a text of more than 1,000 characters only the beginning is.
///
/// # Examples
///
/// ```
/// use reloadable::Refusal;
///
/// fn connect(url: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     if url.is_empty() { Err("no URL".into()) } else { Ok(()) }
/// }
///
/// fn probe(path: &str, url: &str) -> Result<(), Refusal> {
///     let mut entries = std::fs::read_dir(path).map_err(|error| Refusal::new(format!("{path}: {error}")))?;
///     if entries.next().transpose()?.is_none() {
///         return Err(Refusal::new(format!("{path} is empty")));
///     }
///     connect(url).map_err(Refusal::new)
/// }
/// # assert!(probe("/", "postgres://db").is_ok());
/// # assert_eq!(probe("/", "").map_err(|refusal| refusal.reason().to_owned()), Err("no URL".to_owned()));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    reason: String,
}

impl Refusal {
    /// Takes the reason, for people.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl<E: StdError> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { reason: with_causes(&error) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refusal").field(&self.reason).finish()
    }
}

pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Prepared, Refusal>> + Send>>;

/// A gate without the types of its code.
pub(crate) struct Gate<T> {
    pub(crate) name: Arc<str>,
    pub(crate) timeout: Duration,
    pub(crate) code: Arc<dyn Code<T>>,
}

pub(crate) trait Code<T>: Send + Sync {
    /// Tells whether what it guards would change.
    fn concerns(&self, running: &Snapshot<T>, candidate: &Snapshot<T>) -> bool;

    fn ask(&self, running: Option<Arc<Snapshot<T>>>, candidate: Arc<Snapshot<T>>) -> Answer;
}

struct Guards<T, S: ?Sized, F> {
    select: Select<T, S>,
    ask: F,
}

/// How long a gate may take unless told otherwise: longer than a connection takes that will ever be made.
const TIMEOUT: Duration = Duration::from_secs(30);

impl<T: Send + Sync + 'static> Gate<T> {
    pub(crate) fn new<S, F, A, P>(
        name: String,
        select: impl Fn(&T) -> &S + Send + Sync + 'static,
        ask: F,
    ) -> Self
    where
        S: Diff + ?Sized + 'static,
        F: Fn(Candidate<T, S>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<P, Refusal>> + Send + 'static,
        P: Into<Prepared>,
    {
        let code = Guards { select: Arc::new(select), ask };
        Self { name: one_line(&name).into(), timeout: TIMEOUT, code: Arc::new(code) }
    }
}

impl<T, S, F, A, P> Code<T> for Guards<T, S, F>
where
    T: Send + Sync + 'static,
    S: Diff + ?Sized + 'static,
    F: Fn(Candidate<T, S>) -> A + Send + Sync,
    A: Future<Output = Result<P, Refusal>> + Send + 'static,
    P: Into<Prepared>,
{
    fn concerns(&self, running: &Snapshot<T>, candidate: &Snapshot<T>) -> bool {
        running.compare(candidate, || (self.select)(running).diff((self.select)(candidate)).is_some())
    }

    fn ask(&self, running: Option<Arc<Snapshot<T>>>, candidate: Arc<Snapshot<T>>) -> Answer {
        let answer = (self.ask)(Candidate { running, candidate, select: Arc::clone(&self.select) });
        Box::pin(async move { answer.await.map(Into::into) })
    }
}
