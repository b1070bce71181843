//! What is asked of a running configuration about those who apply it.

use std::pin::pin;
use std::time::{Duration, Instant};

use super::Reloader;
use crate::error::{Error, ErrorKind};
use crate::load::Reloadable;
use crate::path::FieldPath;
use crate::progress::{Reached, Readiness};
use crate::report::{Report, Violation};
use crate::subscribe::{block_on, park_until};

impl<T: Reloadable> Reloader<T> {
    /// Waits until everybody who is to acknowledge a generation has applied it, or a later one. These are the
    /// subscriptions made [`acknowledging`](crate::Subscription::acknowledging); one whose section did not change has
    /// nothing to apply, and one that ends meanwhile is not waited for. If there is none, it is over when the generation is published. A generation that is yet to come is waited
    /// for.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotApplied`] when the time is over, and before that as soon as everybody has answered and somebody
    ///   could not apply it. The report has one violation for each who did not: of the code `not_applied` if nothing was
    ///   heard, and `failed` with the reason otherwise; or one of the code `not_published`.
    /// - [`ErrorKind::Closed`] if the reloader has ended before.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers; [`blocking_wait_applied`](Self::blocking_wait_applied) needs none.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// # let (source, document) = reloadable::MemorySource::new("limits", reloadable::Format::Toml, "workers = 4");
    /// # let config = reloadable::Reloader::<Limits>::builder().source(source).start().await?;
    /// use std::time::Duration;
    ///
    /// let mut pool = config.subscribe().acknowledging("pool");
    /// tokio::spawn(async move {
    ///     while let Ok(change) = pool.changed().await {
    ///         change.applied();
    ///     }
    /// });
    ///
    /// document.replace("workers = 8");
    /// config.reload().await;
    /// config.wait_applied(config.snapshot().generation(), Duration::from_secs(20)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_applied(&self, generation: u64, timeout: Duration) -> Result<(), Error> {
        let answered = tokio::time::timeout(timeout, self.sections.roster().answered(generation)).await;
        self.verdict(generation, answered.ok())
    }

    /// Does what [`wait_applied`](Self::wait_applied) does, and blocks the thread until it is done. It needs no
    /// runtime, and must not be called from asynchronous code, which it would stop.
    ///
    /// # Errors
    ///
    /// As [`wait_applied`](Self::wait_applied).
    pub fn blocking_wait_applied(&self, generation: u64, timeout: Duration) -> Result<(), Error> {
        let answered = self.sections.roster().answered(generation);
        // A deadline beyond what the clock can tell is none.
        let answered = match Instant::now().checked_add(timeout) {
            Some(deadline) => park_until(pin!(answered), Some(deadline)),
            None => Some(block_on(answered)),
        };
        self.verdict(generation, answered)
    }

    /// Tells whether the program runs with what is in force: whether the reloader runs, and everybody who is to
    /// acknowledge has applied the current generation. It never waits.
    ///
    /// A health endpoint answers with it: 200 or 503 by [`is_ready`](Readiness::is_ready), and itself as the text or as
    /// JSON. It holds names and reasons that the program gave, and why the last attempt was refused, but no values of
    /// secrets; whether that is for everybody to read is for the program to say. A reload that was refused does not
    /// make a program unready, and must not: the last good value serves, and an instance that is taken out of service
    /// for it takes all others along, which read the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// fn ready(config: &reloadable::Reloader<Limits>) -> (u16, String) {
    ///     let readiness = config.readiness();
    ///     (if readiness.is_ready() { 200 } else { 503 }, readiness.to_string())
    /// }
    /// ```
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let readiness = self.sections.roster().readiness();
        let status = self.status.borrow();
        let refused = status.last_error.as_ref().filter(|error| error.kind() != ErrorKind::Closed);
        let refused = refused.map(ToString::to_string);
        let suspended =
            status.suspension.as_ref().map(|suspension| format!("no change is followed: {suspension}"));
        let last_good = status.last_good.as_ref().filter(|last_good| last_good.is_in_force);
        let last_good = last_good.map(|last_good| format!("runs on the last good set, {}", last_good.origin));
        let commits = status.failed_commits.violations().first().map(|failed| failed.message().to_owned());
        drop(status);
        readiness.noting(commits).noting(refused).noting(last_good).noting(suspended)
    }

    fn verdict(&self, generation: u64, answered: Option<Reached>) -> Result<(), Error> {
        verdict(generation, answered.unwrap_or_else(|| self.sections.roster().reached(generation)))
    }
}

/// Says what came of waiting; nothing did if the time was over.
pub(crate) fn verdict(generation: u64, reached: Reached) -> Result<(), Error> {
    let report = match reached {
        Reached::Everywhere => return Ok(()),
        Reached::Closed => return Err(Error::closed()),
        Reached::NotYet(published, _) if published < generation => {
            let message = format!("generation {generation} is not published, {published} is in force");
            Violation::new(FieldPath::root(), "not_published", message).into()
        }
        Reached::NotYet(_, behind) | Reached::Failed(behind) => {
            let mut report = Report::new();
            report.extend(behind.iter().map(|subscriber| {
                let code = if subscriber.failed.is_some() { "failed" } else { "not_applied" };
                Violation::new(FieldPath::root(), code, subscriber.behind(generation))
            }));
            report
        }
    };
    Err(Error::new(ErrorKind::NotApplied, report))
}
