//! What is known of the last good set on disk.

use std::time::SystemTime;

use serde::Serialize;

use super::serialized::some_seconds;
use crate::document::Origin;
use crate::error::Error;

/// What is known of the last good document set on disk, see [`Builder::keep_last_good`](crate::Builder::keep_last_good).
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
    /// Why the newest set could not be saved; nothing if it could.
    pub last_error: Option<Error>,
}
