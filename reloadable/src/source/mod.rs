//! Where documents come from.

mod env;
mod given;
mod keyed;
mod memory;
mod memory_collection;
mod optional;
mod overrides;
mod settle;

#[cfg(feature = "fs")]
pub(crate) mod fs;

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::SystemTime;

use crate::document::{Document, Origin, Revision};
use crate::error::{SourceError, SourceErrorKind};

pub use self::env::Env;
#[cfg(feature = "fs")]
pub use self::fs::{DirectoryCollection, FileCollection, Patterns, atomic_write};
pub(crate) use self::given::{Fixed, of_pairs, of_value};
pub(crate) use self::keyed::{AnyKeyedSource, Held, Item, Known, REFUSED_SHOWN};
pub use self::keyed::{Changed, Delta, Incarnation, KeyedDocument, KeyedSource, Listed, Listing};
pub use self::keyed::{Condition, RefusedDocument};
pub use self::memory::{MemoryHandle, MemorySource};
pub use self::memory_collection::{MemoryCollection, MemoryCollectionHandle};
pub(crate) use self::optional::Optional;
pub(crate) use self::overrides::{Override, Overrides};
pub(crate) use self::settle::Burst;
pub use self::settle::Settle;

/// A place from which documents come, and which can tell that they may have changed.
///
/// Implementations write plain `async fn`. See `CONTRIBUTING.md` for a recipe.
///
/// # Examples
///
/// ```
/// use reloadable::{Document, Fetched, Format, Hint, Origin, Revision, Source, SourceError};
///
/// /// Never changes.
/// struct Fixed(&'static str);
///
/// impl Source for Fixed {
///     fn origin(&self) -> Origin {
///         Origin::named("fixed")
///     }
///
///     async fn fetch(&mut self, known: Option<&Revision>) -> Result<Fetched, SourceError> {
///         let revision = Revision::new("1");
///         if known == Some(&revision) {
///             return Ok(Fetched::NotModified);
///         }
///         let document = Document::new(self.origin(), Format::Toml, self.0.as_bytes());
///         Ok(Fetched::Documents { documents: vec![document], revision })
///     }
///
///     async fn changed(&mut self) -> Result<Hint, SourceError> {
///         std::future::pending().await
///     }
/// }
/// ```
pub trait Source: Send + 'static {
    /// Returns the place, as it is printed in reports. It must not hold secrets.
    fn origin(&self) -> Origin;

    /// Returns what the source holds now. `known` is the revision that was last accepted: a source that can tell
    /// answers [`Fetched::NotModified`] if it still holds that.
    ///
    /// The first call comes before the first [`changed`](Self::changed): it must begin to watch before it reads, so
    /// that no change falls between.
    ///
    /// # Errors
    ///
    /// What stood in the way. The last good value stays in force.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped when it takes too long, and is then called again.
    fn fetch(
        &mut self,
        known: Option<&Revision>,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send;

    /// Resolves when the source may hold something else: a hint, never the truth. A source that cannot tell never
    /// resolves and is looked at now and then.
    ///
    /// # Errors
    ///
    /// The source cannot tell at the moment. It is asked again after a while.
    ///
    /// # Cancel safety
    ///
    /// It must be cancel safe: it is dropped and called again whenever something else happens.
    fn changed(&mut self) -> impl Future<Output = Result<Hint, SourceError>> + Send;
}

/// What a [`Source`] answers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fetched {
    /// It holds what was last accepted.
    NotModified,
    /// It holds these documents, to be merged in this order.
    Documents {
        /// The documents; none where the source is there but empty.
        documents: Vec<Document>,
        /// The source's mark for this version.
        revision: Revision,
    },
}

/// How a [`Source`] says that it may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// The change is known to be complete: look at once.
    Complete,
    /// More may follow at once: wait for a moment of quiet, then look.
    Settling,
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who wants to know what a source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A hint, or time.
    Automatic,
    /// The application, which wants to know what is there now.
    Manual,
}

/// How a source learns of changes at present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// Why it looks now and then instead of being told.
    pub(crate) polls: Option<String>,
    /// What it can never see.
    pub(crate) warning: Option<String>,
    /// When it looked last, where it keeps track of that itself.
    pub(crate) looked_at: Option<SystemTime>,
}

/// The files that the configuration itself names. They give no documents; what they hold is asked for one by one.
pub(crate) trait AnyFiles: AnySource {
    /// Sets which files those are.
    fn follow(&mut self, files: BTreeSet<PathBuf>);

    /// Returns how many bytes those of one configuration may have together.
    fn limit(&self) -> u64;

    /// Returns what was found of one at the last [`fetch`](AnySource::fetch).
    fn content(&self, file: &Path) -> Option<Result<Arc<[u8]>, SourceError>>;
}

/// A source without its type. What is asked beyond [`Source`] concerns files.
pub(crate) trait AnySource: Send {
    fn origin(&self) -> Origin;

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>>;

    /// As [`Source::changed`]; without a hint, it only looked, or learns of changes in another way from here on.
    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>>;

    /// What it gave with this revision is in force now.
    fn accepted(&mut self, _revision: &Revision) {}

    /// Tells whether nothing that several files have in common was swapped since they were looked at.
    fn is_one_side(&self) -> bool {
        true
    }

    fn health(&self) -> Health {
        Health::default()
    }
}

impl<S: Source> AnySource for S {
    fn origin(&self) -> Origin {
        Source::origin(self)
    }

    fn fetch<'a>(
        &'a mut self,
        known: Option<&'a Revision>,
        _asked: Asked,
    ) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(Source::fetch(self, known))
    }

    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Hint>, SourceError>> {
        let changed = Source::changed(self);
        Box::pin(async { changed.await.map(Some) })
    }
}

/// Runs a source's code so that its panic is a failure of the source and ends nothing.
pub(crate) async fn contained<'s, R>(
    origin: &Origin,
    ask: impl FnOnce() -> BoxFuture<'s, Result<R, SourceError>>,
) -> Result<R, SourceError> {
    let panicked = |_| {
        let message = "the source panicked; the panic hook has what it said".to_owned();
        SourceError::new(SourceErrorKind::Other, origin.clone(), message)
    };
    let mut answer = catch_unwind(AssertUnwindSafe(ask)).map_err(panicked)?;
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)))
            .unwrap_or_else(|payload| Poll::Ready(Err(panicked(payload))))
    })
    .await
}
