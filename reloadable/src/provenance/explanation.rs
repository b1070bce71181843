//! What the layers say of a field, and what is in force, for people.

use std::fmt;

use serde::Serialize;

use super::Provenance;
use crate::path::FieldPath;
use crate::value::Value;

/// What each layer says of a field, and what is in force. Secrets are not shown.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Format, MemorySource, Reloader};
///
/// let (file, _file) = MemorySource::new("app.toml", Format::Toml, "workers = 4");
/// let config = Reloader::<Limits>::builder().source(file).set(["workers=8"]).start_blocking()?;
/// let explanation = config.snapshot().explain("workers").ok_or("there is no such field")?;
/// assert_eq!(explanation.value().map(ToString::to_string).as_deref(), Some("8"));
/// assert_eq!(explanation.winner().map(|set| set.layer()), Some("command line"));
/// let said: Vec<_> = explanation.said().iter().map(|said| format!("{}: {}", said.set(), said.value())).collect();
/// assert_eq!(said, ["app.toml:1:11: 4", "--set workers: 8"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    pub(super) path: FieldPath,
    pub(super) value: Option<Value<'static>>,
    pub(super) said: Vec<Said>,
    /// What the layers say is to be in force after a restart.
    pub(super) pending: bool,
    /// Where the value in force was set, if that is pending.
    pub(super) running_set: Option<Provenance>,
}

/// What one document says of a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    pub(super) set: Provenance,
    pub(super) value: Value<'static>,
}

impl Said {
    /// Returns where it says so.
    #[must_use]
    pub fn set(&self) -> &Provenance {
        &self.set
    }

    /// Returns the value as it is written there; of a table or a merged array, the part that it has in it.
    #[must_use]
    pub fn value(&self) -> &Value<'static> {
        &self.value
    }
}

impl Explanation {
    /// Returns the field, as its type spells it.
    #[must_use]
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Returns the value in force; nothing where the configuration has none, as for a key that stands for no field.
    #[must_use]
    pub fn value(&self) -> Option<&Value<'static>> {
        self.value.as_ref()
    }

    /// Returns what the layers say, the one that wins last; empty where none says anything and it is a default. Of a field
    /// that [waits for a restart](Self::is_pending), they say what will be in force after it.
    #[must_use]
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// Returns where the value in force was set; nothing for a default. For a field that
    /// [waits for a restart](Self::is_pending) that is the place in the documents that were in force before.
    #[must_use]
    pub fn winner(&self) -> Option<&Provenance> {
        if self.pending { self.running_set.as_ref() } else { self.said.last().map(Said::set) }
    }

    /// Tells whether the field waits for a restart: the layers want another value than the one in force.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.pending
    }

    /// Returns what says which value is in force after a restart, where one is waited for; nothing for a default.
    #[must_use]
    pub fn wanted(&self) -> Option<&Said> {
        self.said.last().filter(|_| self.pending)
    }
}

/// The value in force on the first line, and then one for each layer that says something, the one that wins first.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value}", self.path)?,
            None => write!(f, "{} stands for no field", self.path)?,
        }
        if self.pending {
            match &self.running_set {
                Some(set) => write!(f, "\n  kept {set}, until a restart")?,
                None => f.write_str("\n  kept a default, until a restart")?,
            }
        }
        if self.said.is_empty() {
            let verb = if self.pending { "want " } else { "" };
            return write!(f, "\n  {verb}a default: no layer sets it");
        }
        for (nth, said) in self.said.iter().rev().enumerate() {
            let verb = match nth {
                0 if self.pending => "want",
                0 => "set",
                _ => "over",
            };
            write!(f, "\n  {verb:<4} {} = {}", said.set, said.value)?;
            if said.set.origin.to_string() != *said.set.layer {
                write!(f, " (layer {})", said.set.layer)?;
            }
        }
        Ok(())
    }
}

/// Every field with its value and where it was set. Secrets are not shown.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Format, MemorySource, Reloader};
///
/// let (file, _file) = MemorySource::new("app.toml", Format::Toml, "queue = 100\nworkers = 4");
/// let config = Reloader::<Limits>::builder().source(file).set(["workers=8"]).start_blocking()?;
/// let all = config.snapshot().explain_all();
/// assert_eq!(
///     all.to_string(),
///     "queue    100  app.toml:1:9\n\
///      workers  8    --set workers  over app.toml:2:11"
/// );
/// // Those that are no default:
/// let set = all.iter().filter(|field| field.winner().is_some()).count();
/// assert_eq!(set, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Explanations {
    pub(super) all: Vec<Explanation>,
}

impl Explanations {
    /// Returns the fields in the order of their types, and last the keys that stand for none.
    pub fn iter(&self) -> std::slice::Iter<'_, Explanation> {
        self.all.iter()
    }
}

impl<'e> IntoIterator for &'e Explanations {
    type Item = &'e Explanation;
    type IntoIter = std::slice::Iter<'e, Explanation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A column is as wide as its widest text, but for those that would push all others out of sight.
const WIDEST: usize = 100;

/// How many characters of a value a table shows.
const SHOWN: usize = 60;

/// A table: field, value, where it was set, and what that lies over.
impl fmt::Display for Explanations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self
            .all
            .iter()
            .map(|explanation| {
                let value = explanation
                    .value
                    .as_ref()
                    .map_or_else(|| "(no field)".to_owned(), |value| value.shortened(SHOWN));
                let set = explanation.winner().map_or_else(|| "default".to_owned(), ToString::to_string);
                let mut said = explanation.said.iter().rev();
                let wanted = match (said.next(), explanation.pending) {
                    (_, false) => None,
                    (Some(wanted), true) => Some(format!("wanted {}", wanted.set)),
                    (None, true) => Some("wanted a default".to_owned()),
                };
                let over: Vec<_> = said.map(|said| said.set.to_string()).collect();
                let over = (!over.is_empty()).then(|| format!("over {}", over.join(", ")));
                let over: Vec<_> = wanted.into_iter().chain(over).collect();
                let over = over.join(" ");
                [explanation.path.to_string(), value, set, over]
            })
            .collect();
        let width = |column: usize| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .filter(|width| *width <= WIDEST)
                .max()
                .unwrap_or(0)
        };
        let (path, value, set) = (width(0), width(1), width(2));
        for (nth, row) in rows.iter().enumerate() {
            let newline = if nth > 0 { "\n" } else { "" };
            let line = format!("{:path$}  {:value$}  {:set$}  {}", row[0], row[1], row[2], row[3]);
            write!(f, "{newline}{}", line.trim_end())?;
        }
        Ok(())
    }
}
