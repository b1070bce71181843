//! Where the values of a configuration come from.

mod explanation;
mod basis;

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::document::Origin;
use crate::report::Position;

pub(crate) use self::basis::{Basis, Kept};
pub use self::explanation::{Explanation, Explanations, Said};

/// Where a value was set.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Format, MemorySource, Reloader};
///
/// let (source, _document) = MemorySource::new("limits", Format::Toml, "# slow machine\nworkers = 4");
/// let config = Reloader::<Limits>::builder().source(source).start_blocking()?;
/// let set = config.snapshot().origin_of("workers");
/// assert_eq!(set.map(|set| set.to_string()).as_deref(), Some("limits:2:11"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    layer: Arc<str>,
    origin: Origin,
    position: Option<Position>,
}

impl Provenance {
    /// Returns the name of the layer.
    #[must_use]
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// Returns the document, variable or argument.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns line and column, where that is a text.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

/// As in reports: `conf.d/20-pool.toml:3:13`.
impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        match self.position {
            Some(position) => write!(f, ":{position}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Provenance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'p> {
            layer: &'p str,
            origin: &'p Origin,
            position: Option<Position>,
        }
        Shown { layer: &self.layer, origin: &self.origin, position: self.position }.serialize(serializer)
    }
}
