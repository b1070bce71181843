//! What is known of the last good set on disk.

use std::time::SystemTime;

use serde::Serialize;

use super::serialized::some_seconds;
use crate::document::Origin;
use crate::error::Error;

/// What is known of the last good document set on disk, see [`Builder::keep_last_good`](crate::Builder::keep_last_good).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct App { #[reload(secret)] token: String }
/// # let directory = tempfile::tempdir()?;
/// # let state = directory.path().join("state");
/// use reloadable::{Format, LastGood, MemorySource, Reloader};
///
/// let (source, _document) = MemorySource::new("app", Format::Toml, "token = 'hunter2'");
/// let builder = Reloader::<App>::builder().source(source).keep_last_good(LastGood::in_directory(state));
/// let config = builder.start().await?;
/// let mut statuses = config.subscribe_status();
/// let kept = loop {
///     match config.status().last_good {
///         Some(kept) if kept.saved_at.is_some() => break kept,
///         _ => statuses.changed().await?,
///     };
/// };
/// assert_eq!((kept.left_out, kept.is_empty), (vec!["app".to_owned()], true));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LastGoodStatus {
    /// The file in which it is kept.
    pub origin: Origin,
    /// The program was started with it, and what the sources hold has not come into force yet.
    /// [`Status::last_error`](crate::Status::last_error) says why.
    pub is_in_force: bool,
    /// When it was saved; nothing as long as it is not known to have been. Serialized as seconds since 1970.
    #[serde(serialize_with = "some_seconds")]
    pub saved_at: Option<SystemTime>,
    /// The names of the layers that are not in what this program saved last, since they hold secrets and
    /// [`LastGood::secrets`](crate::LastGood::secrets) was not called. A start reads them as they are then, broken or not.
    pub left_out: Vec<String>,
    /// Nothing of any layer is in what this program saved last, so that no start can use it.
    pub is_empty: bool,
    /// Why the newest set could not be saved; nothing if it could.
    pub last_error: Option<Error>,
}
