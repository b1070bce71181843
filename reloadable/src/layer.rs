//! What the user says of a layer.

use std::sync::Arc;

use crate::document::Document;
use crate::path::{FieldPath, Segment};
use crate::report::{Violation, Way};

/// What becomes of something that is suspicious, but need not be wrong: a key that stands for no field, a secret where
/// none should be.
///
/// Said of all layers by [`unknown_keys`](crate::reloader::Builder::unknown_keys) and its neighbours, and of variables by
/// [`Env::unknown`](crate::source::Env::unknown).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lint {
    /// It refuses the candidate.
    Deny,
    /// It is told, and the candidate is accepted.
    Warn,
    /// It is not looked for.
    Allow,
}

/// What a layer's arrays do to those of the layers below it, said by [`arrays`](crate::reloader::Builder::arrays).
///
/// # Examples
///
/// ```
/// # #[cfg(all(feature = "derive", feature = "toml", feature = "tokio"))]
/// # fn main() -> Result<(), reloadable::Error> {
/// use reloadable::{Arrays, Format, MemorySource, Reloadable, Reloader};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, Reloadable)]
/// struct App {
///     #[reload(key = "name")]
///     routes: Vec<Route>,
/// }
///
/// #[derive(Deserialize, Reloadable)]
/// struct Route {
///     name: String,
///     timeout: u32,
/// }
///
/// let routes = |arrays| {
///     let below = "routes = [{ name = 'api', timeout = 3 }, { name = 'web', timeout = 3 }]";
///     let (below, _below) = MemorySource::new("below", Format::Toml, below);
///     let (above, _above) = MemorySource::new("above", Format::Toml, "routes = [{ name = 'web', timeout = 9 }]");
///     let layers = Reloader::<App>::builder().source(below).source(above).arrays(arrays);
///     let plan = layers.check_blocking()?;
///     let routes = plan.candidate().routes.iter();
///     Ok(routes.map(|route| format!("{} {}", route.name, route.timeout)).collect::<Vec<_>>())
/// };
/// assert_eq!(routes(Arrays::Replace)?, ["web 9"]);
/// assert_eq!(routes(Arrays::ByKey)?, ["api 3", "web 9"]);
/// // One name twice is refused.
/// let refused: Result<_, reloadable::Error> = routes(Arrays::Append);
/// assert!(refused.is_err());
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "derive", feature = "toml", feature = "tokio")))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Arrays {
    /// They take their place.
    #[default]
    Replace,
    /// Their elements come after those.
    Append,
    /// Where the type says by which key elements are told apart (`#[reload(key = "name")]`), those with the same key are
    /// merged as tables are, and the others come after. Any other array is replaced.
    ByKey,
}

/// A layer, but for what it holds.
#[derive(Debug, Clone)]
pub(crate) struct LayerSettings {
    /// What reports call it.
    pub(crate) name: Arc<str>,
    pub(crate) arrays: Arrays,
    /// It may hold secrets.
    pub(crate) secrets: bool,
    /// What becomes of what stands for no field, where that is not as for all layers.
    pub(crate) unknown: Option<Lint>,
    /// How a field is set in it.
    pub(crate) naming: Naming,
}

/// All layers with what they hold, the last on top.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    pub(crate) settings: Arc<[LayerSettings]>,
    /// Each with the number of its layer, in the order of precedence.
    pub(crate) documents: Vec<(usize, Document)>,
    pub(crate) lints: Lints,
}

/// What becomes of what is suspicious.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lints {
    /// Keys that stand for no field, where the type does not refuse them anyway.
    pub(crate) unknown_keys: Lint,
    /// Secrets in a layer that is not said to hold any.
    pub(crate) stray_secrets: Lint,
    /// Secrets in a file that everybody on the machine may read.
    pub(crate) public_secrets: Lint,
}

impl Default for Lints {
    fn default() -> Self {
        Self { unknown_keys: Lint::Warn, stray_secrets: Lint::Warn, public_secrets: Lint::Warn }
    }
}

impl Layers {
    /// Makes a layer of each document, and looks for nothing that is only suspicious.
    pub(crate) fn of(documents: &[Document]) -> Self {
        let settings = documents.iter().map(|document| LayerSettings::new(document.origin().to_string()));
        let lints =
            Lints { unknown_keys: Lint::Allow, stray_secrets: Lint::Allow, public_secrets: Lint::Allow };
        let documents = documents.iter().cloned().enumerate().collect();
        Self { settings: settings.collect(), documents, lints }
    }
}

impl Lint {
    /// Makes of a violation what becomes of it.
    pub(crate) fn judge(self, violation: Violation) -> Option<Violation> {
        match self {
            Self::Deny => Some(violation),
            Self::Warn => Some(violation.into_warning()),
            Self::Allow => None,
        }
    }
}

/// How a field is set in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Nobody sets anything there by hand.
    None,
    /// By a key of a document.
    Key,
    /// By a variable: what all of them begin with, and what stands between two names.
    Variable { prefix: Arc<str>, separator: Arc<str> },
    /// By an argument, after a word such as `--set`.
    Argument(Arc<str>),
}

impl LayerSettings {
    /// Makes a layer of documents.
    pub(crate) fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            arrays: Arrays::default(),
            secrets: false,
            unknown: None,
            naming: Naming::Key,
        }
    }
}

impl Naming {
    /// Returns how the field at `path` is set.
    pub(crate) fn way(&self, path: &FieldPath) -> Option<Way> {
        if path.is_root() {
            return None;
        }
        match self {
            Self::None => None,
            Self::Key => Some(Way::Key(path.clone())),
            Self::Variable { prefix, separator } => {
                let words: Vec<_> = path
                    .segments()
                    .iter()
                    .map(|segment| match segment {
                        Segment::Name(name) => variable_word(name),
                        Segment::Index(index) => Some(index.to_string()),
                        Segment::Identity(_) => None,
                    })
                    .collect::<Option<_>>()?;
                Some(Way::Variable(format!("{prefix}{}", words.join(separator))))
            }
            Self::Argument(word) => Some(Way::Argument(format!("{word} {path}="))),
        }
    }
}

/// Writes a name as variables are written; `poolSize` and `pool-size` as `POOL_SIZE`. A name with anything else in it has
/// no such spelling.
fn variable_word(name: &str) -> Option<String> {
    let mut word = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        match character {
            '-' | '_' => word.push('_'),
            character if character.is_ascii_alphanumeric() => {
                if was_lower && character.is_ascii_uppercase() {
                    word.push('_');
                }
                word.push(character.to_ascii_uppercase());
            }
            _ => return None,
        }
        was_lower = character.is_ascii_lowercase();
    }
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_as_variables_and_arguments_are() {
        let variable = Naming::Variable { prefix: "APP_".into(), separator: "__".into() };
        let way = |naming: &Naming, path: &str| {
            naming.way(&path.parse().unwrap()).map(|way| way.to_string()).unwrap_or_default()
        };
        assert_eq!(way(&variable, "database.pool_size"), "APP_DATABASE__POOL_SIZE");
        assert_eq!(way(&variable, "database.poolSize"), "APP_DATABASE__POOL_SIZE");
        assert_eq!(way(&variable, "routes[2].max-age"), "APP_ROUTES__2__MAX_AGE");
        assert_eq!(way(&variable, "\"a b\""), "");
        assert_eq!(
            way(&Naming::Argument("--set".into()), "database.pool_size"),
            "--set database.pool_size=.."
        );
    }
}
