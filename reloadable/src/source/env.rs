//! Environment variables.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::Arc;

use crate::document::{Document, Given, Name, Origin, Setting, Words};
use crate::layer::{LayerSettings, Lint, Naming};

/// What the environment layer is made of: which variables belong to it, and how their names and values are read.
///
/// A variable is named by a prefix, and the names on the way to a field with `__` between them: `APP_DATABASE__POOL_SIZE`
/// is `database.pool_size`. The fields are found without regard to case, `-` and `_`, so `pool-size` and `poolSize` are
/// `POOL_SIZE` as well. Elements of a list go by their number: `APP_ROUTES__0__PATH`. A key of a map is taken as one that
/// a lower layer has, or else in lower case.
///
/// Values are read as the field's type wants them. A truth value is `true`, `yes`, `on` or `1`, or `false`, `no`, `off`
/// or `0`. A list has commas between its elements, or is written as JSON or as TOML, which a table has to be. The variant
/// of an enum may be spelled in any case.
///
/// The variables are read once, when the reloader is started: those of a process do not change from outside.
///
/// A variable that stands for no field is warned of, with the name that may have been meant. It does not refuse the
/// configuration unless [told to](Self::unknown): Kubernetes adds variables such as `APP_PORT` for every service.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct App { database: Database, tags: Vec<String> }
/// # #[derive(serde::Deserialize, reloadable::Reloadable)]
/// # struct Database { pool_size: u16 }
/// use reloadable::{Env, Reloader};
///
/// // Tests give the variables themselves, so that they need not change those of the process.
/// let variables = [("APP_DATABASE__POOL_SIZE", "20"), ("APP_TAGS", "eu,canary"), ("HOME", "/root")];
/// let config = Reloader::<App>::builder()
///     .env(Env::prefixed("APP").variables(variables))
///     .start_blocking()?;
/// assert_eq!(config.load().database.pool_size, 20);
/// assert_eq!(config.load().tags, ["eu", "canary"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it is given to a builder"]
pub struct Env {
    prefix: String,
    separator: String,
    list_separator: char,
    keeps_case: bool,
    ignores_empty: bool,
    unknown: Option<Lint>,
    /// Those of the process, if there are none.
    variables: Option<Vec<(OsString, OsString)>>,
}

impl Env {
    /// Takes the variables whose names begin with `prefix` and `_`. A prefix that ends in `_` is taken as it is; with an
    /// empty one, every variable that stands for a field is taken, and of the others none is told.
    pub fn prefixed(prefix: impl Into<String>) -> Self {
        let mut prefix = prefix.into();
        if !prefix.is_empty() && !prefix.ends_with('_') {
            prefix.push('_');
        }
        Self {
            prefix,
            separator: "__".to_owned(),
            list_separator: ',',
            keeps_case: false,
            ignores_empty: false,
            unknown: None,
            variables: None,
        }
    }

    /// Sets what stands between two names: `__` unless set. With `_`, which names have themselves, `APP_DATABASE_POOL_SIZE`
    /// is read in every way that leads to a field, with the longer names first.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct App { database: Database }
    /// # #[derive(serde::Deserialize, reloadable::Reloadable)]
    /// # struct Database { pool_size: u16 }
    /// use reloadable::{Env, Reloader};
    ///
    /// let variables = [("APP_DATABASE_POOL_SIZE", "20")];
    /// let config = Reloader::<App>::builder()
    ///     .env(Env::prefixed("APP").separator("_").variables(variables))
    ///     .start_blocking()?;
    /// assert_eq!(config.load().database.pool_size, 20);
    /// # Ok(())
    /// # }
    /// ```
    pub fn separator(mut self, separator: impl Into<String>) -> Self {
        self.separator = separator.into();
        self
    }

    /// Sets what stands between the elements of a list: a comma unless set.
    pub fn list_separator(mut self, separator: char) -> Self {
        self.list_separator = separator;
        self
    }

    /// Takes the keys of a map as they are spelled, and not in lower case.
    pub fn keep_case(mut self) -> Self {
        self.keeps_case = true;
        self
    }

    /// Takes an empty variable as one that is not set.
    pub fn ignore_empty(mut self) -> Self {
        self.ignores_empty = true;
        self
    }

    /// Sets what becomes of a variable that stands for no field: [`Lint::Warn`] unless set. With an empty prefix it is
    /// [`Lint::Allow`], since most variables are none of this program's.
    pub fn unknown(mut self, lint: Lint) -> Self {
        self.unknown = Some(lint);
        self
    }

    /// Takes these variables in place of those of the process.
    pub fn variables<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.variables = Some(variables.collect());
        self
    }

    pub(crate) fn layer(&self) -> LayerSettings {
        let otherwise = if self.prefix.is_empty() { Lint::Allow } else { Lint::Warn };
        let naming = Naming::Variable {
            prefix: self.prefix.as_str().into(),
            separator: self.separator.as_str().into(),
        };
        LayerSettings {
            unknown: Some(self.unknown.unwrap_or(otherwise)),
            naming,
            ..LayerSettings::new("environment")
        }
    }

    /// Reads the variables.
    pub(crate) fn document(self) -> Document {
        let variables = match &self.variables {
            Some(variables) => variables.clone(),
            None => std::env::vars_os().collect(),
        };
        let settings = variables.into_iter().filter_map(|(name, value)| self.setting(&name, value));
        Document::settings(Origin::named("environment"), settings.collect::<Vec<_>>())
    }

    fn setting(&self, name: &OsStr, value: OsString) -> Option<Setting> {
        let shown = name.to_string_lossy();
        let rest = strip(&shown, &self.prefix).filter(|rest| !rest.is_empty())?;
        if self.ignores_empty && value.is_empty() {
            return None;
        }
        let words = match self.separator.as_str() {
            "" => vec![rest.to_owned()],
            separator => rest.split(separator).map(str::to_owned).collect(),
        };
        let may_join = self.separator == "_";
        let value = match (name.to_str(), value.into_string()) {
            (None, _) => Given::Refused("encoding", "the variable's name is not Unicode".to_owned()),
            (_, Err(_)) => Given::Refused("encoding", "the variable's value is not Unicode".to_owned()),
            (Some(_), Ok(text)) => Given::Word(text, self.list_separator),
        };
        Some(Setting {
            origin: Origin::Variable(Arc::from(&*shown)),
            name: Name::Words(Words {
                words,
                may_join,
                keeps_case: self.keeps_case,
                prefix: self.prefix.as_str().into(),
                separator: self.separator.as_str().into(),
            }),
            value,
            is_strict: false,
        })
    }
}

/// On Windows, the names of variables have no case.
fn strip<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    if cfg!(windows) {
        let (begin, rest) = name.split_at_checked(prefix.len())?;
        begin.eq_ignore_ascii_case(prefix).then_some(rest)
    } else {
        name.strip_prefix(prefix)
    }
}

impl From<&str> for Env {
    /// Takes the variables of the process with this prefix.
    fn from(prefix: &str) -> Self {
        Self::prefixed(prefix)
    }
}

impl From<String> for Env {
    fn from(prefix: String) -> Self {
        Self::prefixed(prefix)
    }
}

/// The values may be secrets, so they are not shown.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("prefix", &self.prefix)
            .field("separator", &self.separator)
            .finish_non_exhaustive()
    }
}
