//! The layers of a reloader that is being set up.

#[cfg(feature = "fs")]
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::builder::Builder;
use crate::document::Document;
#[cfg(feature = "fs")]
use crate::document::Format;
use crate::error::Error;
use crate::layer::{Arrays, LayerSettings, Lint, Naming};
use crate::load::Reloadable;
#[cfg(feature = "fs")]
use crate::source::Patterns;
#[cfg(feature = "fs")]
use crate::source::fs::{DirectorySource, FileSource, Relative, Settings};
use crate::source::{AnySource, Env, Fixed, Optional, Source, of_pairs, of_value};

/// A layer that becomes a source once all settings are known.
pub(super) struct Layer {
    settings: LayerSettings,
    what: What,
    is_optional: bool,
}

enum What {
    #[cfg(feature = "fs")]
    File {
        path: PathBuf,
        format: Option<Format>,
    },
    #[cfg(feature = "fs")]
    Directory {
        path: PathBuf,
        patterns: Patterns,
    },
    Source(Box<dyn AnySource>),
    Document(Document),
    Env(Box<Env>),
}

/// Each adds a layer on top of those before, or says something of the one that was added last.
impl<T: Reloadable> Builder<T> {
    /// Adds a file, which must exist unless it is [optional](Self::optional). Its extension tells the format, see
    /// [`Format::from_path`].
    ///
    /// A relative path starts at the directory that is current when the reloader is started, and stays there.
    #[cfg(feature = "fs")]
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        self.file_layer(path.into(), None)
    }

    /// Adds a file in this format, whatever its extension.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{Format, Reloader};
    ///
    /// let path = directory.path().join("app.conf");
    /// std::fs::write(&path, "workers = 4\n")?;
    /// let config = Reloader::<Limits>::builder().file_as(&path, Format::Toml).start().await?;
    /// assert_eq!(config.load()["workers"], 4);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "fs")]
    pub fn file_as(self, path: impl Into<PathBuf>, format: Format) -> Self {
        self.file_layer(path.into(), Some(format))
    }

    /// Adds the file of a profile beside the file that was added last: `app.production.toml` beside `app.toml`. It must
    /// exist, so that a misspelt profile is noticed; say [`optional`](Self::optional) if it need not.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::Reloader;
    ///
    /// # let root = directory.path();
    /// std::fs::write(root.join("app.toml"), "workers = 4\nqueue = 100\n")?;
    /// std::fs::write(root.join("app.production.toml"), "workers = 32\n")?;
    /// let config = Reloader::<Limits>::builder()
    ///     .file(root.join("app.toml"))
    ///     .profile("production")
    ///     .start()
    ///     .await?;
    /// assert_eq!((config.load()["workers"], config.load()["queue"]), (32, 100));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses a profile after anything but a file, and one that is not a part of a file's name.
    #[cfg(feature = "fs")]
    pub fn profile(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let Some(What::File { path, format }) = self.layers.last().map(|layer| &layer.what) else {
            self.mistake("profile", "`.profile(name)` goes behind the file that it belongs to");
            return self;
        };
        match of_profile(path, name) {
            Some(path) => {
                let format = *format;
                self.file_layer(path, format)
            }
            None => {
                let message =
                    format!("`{name}` is not a profile: it is a part of a file's name, as `production`");
                self.mistake("profile", message);
                self
            }
        }
    }

    #[cfg(feature = "fs")]
    fn file_layer(self, path: PathBuf, format: Option<Format>) -> Self {
        let settings = LayerSettings::new(path.display().to_string());
        self.layer(settings, What::File { path, format })
    }

    /// Adds the files of a directory that match one of the patterns, in the order of their paths. Hidden files, and
    /// those that editors and package managers leave beside others, are left out. The directory must exist unless it is
    /// [optional](Self::optional); it may be empty, but no file in it may be.
    ///
    /// Patterns are those of a shell: `*`, `?` and `[a-z]` stay within a name, `**` stands for any directories. One
    /// with a slash, as `**/*.toml`, reaches into the directories below, but for hidden ones and links to others. See
    /// [`Patterns`].
    ///
    /// The directory is one layer: while one of its files is not believed yet, none of what changed in it is published.
    #[cfg(feature = "fs")]
    pub fn directory(self, path: impl Into<PathBuf>, patterns: impl Into<Patterns>) -> Self {
        let (path, patterns) = (path.into(), patterns.into());
        let settings = LayerSettings::new(path.display().to_string());
        self.layer(settings, What::Directory { path, patterns })
    }

    /// Adds a source of any kind.
    pub fn source(self, source: impl Source) -> Self {
        let source: Box<dyn AnySource> = Box::new(source);
        // A source's own code, which may do anything, is asked for its name when it is contained.
        self.layer(LayerSettings::new(""), What::Source(source))
    }

    /// Adds a source whose type is gone.
    #[cfg(feature = "testing")]
    pub(crate) fn any_source(self, source: Box<dyn AnySource>) -> Self {
        self.layer(LayerSettings::new(""), What::Source(source))
    }

    /// Adds the environment variables with a prefix: with `APP`, the variable `APP_DATABASE__POOL_SIZE` sets
    /// `database.pool_size`. See [`Env`] for how names and values are read.
    pub fn env(self, env: impl Into<Env>) -> Self {
        let env = env.into();
        self.layer(env.layer(), What::Env(Box::new(env)))
    }

    /// Adds values by their paths, as a program takes them from its command line: `--set database.pool_size=20`. Values
    /// are read as those of variables are. One that stands for no field refuses the configuration: somebody has just
    /// typed it.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), reloadable::Error> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::Reloader;
    ///
    /// // What followed each `--set`.
    /// let set = ["workers=8", "queue=50"];
    /// let config = Reloader::<Limits>::builder().set(set).start_blocking()?;
    /// assert_eq!((config.load()["workers"], config.load()["queue"]), (8, 50));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set<S: AsRef<str>>(self, pairs: impl IntoIterator<Item = S>) -> Self {
        let settings = LayerSettings {
            unknown: Some(Lint::Deny),
            naming: Naming::Argument("--set".into()),
            ..LayerSettings::new("command line")
        };
        self.layer(settings, What::Document(of_pairs("--set", pairs)))
    }

    /// Adds the values that the program holds in a struct of its own, under a name for reports: mostly that of its
    /// command line. Fields that are `None` set nothing, so a flag that is not given leaves the layers below as they are.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), reloadable::Error> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::Reloader;
    ///
    /// /// What clap makes of the command line; its fields are called as those of the configuration.
    /// #[derive(serde::Serialize)]
    /// struct Arguments {
    ///     workers: Option<u16>,
    ///     queue: Option<u16>,
    /// }
    ///
    /// let arguments = Arguments { workers: Some(8), queue: None };
    /// let config = Reloader::<Limits>::builder()
    ///     .defaults(std::collections::BTreeMap::from([("workers", 4), ("queue", 100)]))
    ///     .values("command line", &arguments)
    ///     .start_blocking()?;
    /// assert_eq!((config.load()["workers"], config.load()["queue"]), (8, 100));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses values whose `Serialize` fails.
    pub fn values(self, name: &str, values: impl Serialize) -> Self {
        self.value_layer(LayerSettings::new(name), values)
    }

    fn value_layer(mut self, settings: LayerSettings, values: impl Serialize) -> Self {
        match of_value(&settings.name, &values) {
            Ok(document) => {
                self.layer(LayerSettings { naming: Naming::None, ..settings }, What::Document(document))
            }
            Err(error) => {
                self.mistake.get_or_insert(error);
                self
            }
        }
    }

    /// Adds the program's own defaults; mostly as the first layer. Any value will do that serializes as the configuration
    /// is written, with all or some of its fields.
    ///
    /// Secrets that hide themselves from serde, as [`Secret`](crate::Secret), are not among them.
    pub fn defaults(self, values: impl Serialize) -> Self {
        // What the program itself comes with stands in no file that might be read.
        self.value_layer(LayerSettings { secrets: true, ..LayerSettings::new("defaults") }, values)
    }

    /// Says that the file or directory that was added last need not be there. While it is missing, the layers below show
    /// through, also when it vanishes later: once it has been gone for as long as a change is
    /// [waited for](Self::max_wait), since some programs save by deleting a file and writing it anew.
    ///
    /// Without this, one that is missing is a failure: the last good value stays, and a vanished file is never taken for
    /// its defaults.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "fs")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let root = directory.path();
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::Reloader;
    ///
    /// std::fs::write(root.join("app.toml"), "workers = 4\n")?;
    /// let config = Reloader::<Limits>::builder()
    ///     .file(root.join("app.toml"))
    ///     .file(root.join("local.toml"))
    ///     .optional()
    ///     .start_blocking()?;
    /// assert_eq!(config.load()["workers"], 4);
    ///
    /// std::fs::write(root.join("local.toml"), "workers = 8\n")?;
    /// config.blocking_reload();
    /// assert_eq!(config.load()["workers"], 8);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "fs"))]
    /// # fn main() {}
    /// ```
    pub fn optional(mut self) -> Self {
        if let Some(Layer { what: What::Document(_) | What::Env(_), .. }) = self.layers.last() {
            let message = "`.optional()` goes behind a file, a directory or a source; what the program itself gives is there";
            self.mistake("optional", message);
            return self;
        }
        self.of_last("optional", |layer| layer.is_optional = true)
    }

    /// Says that the layer that was added last may hold secrets. Secrets in any other layer are told as
    /// [`stray_secrets`](Self::stray_secrets) says.
    pub fn secrets(self) -> Self {
        self.of_last("secrets", |layer| layer.settings.secrets = true)
    }

    /// Sets what the arrays of the layer that was added last do to those below: they replace them unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), reloadable::Error> {
    /// # type Hosts = std::collections::BTreeMap<String, Vec<String>>;
    /// use reloadable::{Arrays, Format, MemorySource, Reloader};
    ///
    /// let (base, _base) = MemorySource::new("base", Format::Toml, "allow = ['a', 'b']");
    /// let (more, _more) = MemorySource::new("more", Format::Toml, "allow = ['c']");
    /// let config = Reloader::<Hosts>::builder()
    ///     .source(base)
    ///     .source(more)
    ///     .arrays(Arrays::Append)
    ///     .start_blocking()?;
    /// assert_eq!(config.load()["allow"], ["a", "b", "c"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn arrays(self, arrays: Arrays) -> Self {
        self.of_last("arrays", |layer| layer.settings.arrays = arrays)
    }

    /// Sets what reports call the layer that was added last: a file or directory by its path unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{Env, Reloader};
    ///
    /// let of_host = Env::prefixed("HOST").variables([("HOST_WORKERS", "8")]);
    /// let config = Reloader::<Limits>::builder().env(of_host).named("host").start_blocking()?;
    /// let set = config.snapshot().origin_of("workers").ok_or("it is not set")?;
    /// assert_eq!((set.layer(), set.to_string().as_str()), ("host", "variable HOST_WORKERS"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn named(self, name: &str) -> Self {
        self.of_last("named", |layer| layer.settings.name = name.into())
    }

    fn layer(mut self, settings: LayerSettings, what: What) -> Self {
        self.layers.push(Layer { settings, what, is_optional: false });
        self
    }

    fn of_last(mut self, word: &str, change: impl FnOnce(&mut Layer)) -> Self {
        match self.layers.last_mut() {
            Some(layer) => change(layer),
            None => self.mistake("no_layer", format!("`.{word}(..)` goes behind the layer that it is about")),
        }
        self
    }

    /// Remembers the first mistake, for the start to tell.
    pub(super) fn mistake(&mut self, code: &'static str, message: impl Into<String>) {
        self.mistake.get_or_insert(Error::setup(code, message));
    }
}

impl Layer {
    /// Returns the format of its documents, where that was said.
    #[cfg(feature = "fs")]
    pub(super) fn format(&self) -> Option<Format> {
        match &self.what {
            What::File { format, .. } => *format,
            _ => None,
        }
    }

    /// Makes the source. Whatever names itself by a path does so by the one that the user wrote.
    pub(super) fn into_source(
        self,
        #[cfg(feature = "fs")] settings: &Settings,
    ) -> Result<(LayerSettings, Box<dyn AnySource>), Error> {
        let Self { settings: mut layer, what, is_optional } = self;
        #[cfg(feature = "fs")]
        let settings = if is_optional { settings.clone().patient() } else { settings.clone() };
        let source: Box<dyn AnySource> = match what {
            #[cfg(feature = "fs")]
            What::File { path, format } => {
                in_place(path, |path| Ok(FileSource::new(path, format, settings)))?
            }
            #[cfg(feature = "fs")]
            What::Directory { path, patterns } => {
                in_place(path, |path| DirectorySource::new(path, &patterns, settings))?
            }
            What::Source(source) => source,
            What::Document(document) => Box::new(Fixed::new(document)),
            What::Env(env) => Box::new(Fixed::new(env.document())),
        };
        if layer.name.is_empty() {
            let name = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| source.origin().to_string()));
            layer.name = name.unwrap_or_else(|_| "a source without a name".to_owned()).into();
        }
        Ok((layer, if is_optional { Box::new(Optional::new(source)) } else { source }))
    }
}

#[cfg(feature = "fs")]
fn of_profile(path: &Path, profile: &str) -> Option<PathBuf> {
    if profile.is_empty() || profile.contains(['/', '\\', '\0']) {
        return None;
    }
    let mut name = path.file_stem()?.to_os_string();
    name.push(".");
    name.push(profile);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    Some(path.with_file_name(name))
}

/// Makes a source of a path that means the same wherever the process goes.
#[cfg(feature = "fs")]
fn in_place<S: AnySource + 'static>(
    path: PathBuf,
    source: impl FnOnce(PathBuf) -> Result<S, Error>,
) -> Result<Box<dyn AnySource>, Error> {
    match std::path::absolute(&path) {
        Ok(absolute) if path.is_relative() => {
            Ok(Box::new(Relative::new(source(absolute.clone())?, path, absolute)))
        }
        // The look tells what is wrong with it.
        _ => Ok(Box::new(source(path)?)),
    }
}
