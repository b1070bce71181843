//! From documents to a candidate: read, merge, decode, normalize, validate.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;

use crate::describe::{Describe, Description};
use crate::diff::{Changes, Diff};
use crate::document::{Document, Format, Origin};
use crate::fields::{self, FieldInfo};
#[cfg(feature = "fs")]
use crate::format::Piece;
use crate::format::{self, Expected, Probe, Tree};
use crate::layer::{Layers, Lint};
use crate::path::FieldPath;
use crate::report::{Position, Report, Reporter, Violation, one_line};
#[cfg(feature = "schema")]
use crate::schema::{self, Schema};
use crate::template;

/// What a configuration must be: `#[derive(Reloadable)]` and `#[derive(Deserialize)]`, owned, and shared between
/// threads. It is implemented for every such type.
///
/// It also has what can be made of the description of a type: a [`template`](Reloadable::template) of the file, and all
/// its [`fields`](Reloadable::fields).
pub trait Reloadable: Diff + DeserializeOwned + Send + Sync + 'static {
    /// Writes a configuration file to start from: every field with its docs, rules and marks as comments, and with the
    /// value that it has by default.
    ///
    /// What is read back from it is the default again. So a line is a comment where its value cannot be written: an
    /// option that is `None`, a secret, and what the derive was told to `skip`. Where serde converts a value (`with`,
    /// `from`), nobody knows how it is written; the usual form is tried, and becomes a comment if it does not read back.
    /// Where one of these is required, the file is refused until somebody fills it in, and the comment says so.
    ///
    /// JSON has no comments: there, what would be one is left out, or `null` where it is an option or required. A format
    /// of the application's own is written as JSON.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Format, Reloadable};
    /// use serde::Deserialize;
    ///
    /// # #[cfg(all(feature = "derive", feature = "toml"))] {
    /// #[derive(Deserialize, Reloadable)]
    /// #[serde(default)]
    /// struct App {
    ///     /// How many requests are worked on at once.
    ///     #[reload(range(1..=1024))]
    ///     workers: u16,
    ///     #[reload(secret)]
    ///     token: String,
    /// }
    ///
    /// impl Default for App {
    ///     fn default() -> Self {
    ///         Self { workers: 4, token: "unset".to_owned() }
    ///     }
    /// }
    ///
    /// let template = App::template(Format::Toml);
    /// assert_eq!(
    ///     template.lines().collect::<Vec<_>>(),
    ///     [
    ///         "# How many requests are worked on at once.",
    ///         "# (integer; in 1..=1024)",
    ///         "workers = 4",
    ///         "",
    ///         "# (secret; text)",
    ///         "#token = \"\"",
    ///     ]
    /// );
    /// # }
    /// ```
    #[must_use]
    fn template(format: Format) -> String
    where
        Self: Default,
    {
        let default = Self::default();
        let differences = |text: &str| differences(&default, text, format);
        template::write(Self::describe(), Some(&default.value()), format, differences)
    }

    /// Writes a configuration file to start from, for a type without a default: every field is a comment, with a
    /// placeholder for its value, and those that must be filled in are marked as required.
    ///
    /// JSON has no comments: there, what is required is `null`, and the rest is left out.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Format, Reloadable};
    /// use serde::Deserialize;
    ///
    /// # #[cfg(feature = "derive")] {
    /// #[derive(Deserialize, Reloadable)]
    /// struct App {
    ///     workers: u16,
    ///     title: Option<String>,
    /// }
    ///
    /// let template = App::template_without_defaults(Format::Toml);
    /// assert_eq!(
    ///     template.lines().collect::<Vec<_>>(),
    ///     [
    ///         "# (required; integer from 0 to 65535)",
    ///         "#workers = 0",
    ///         "",
    ///         "# (text)",
    ///         "#title = \"\"",
    ///     ]
    /// );
    /// # }
    /// ```
    #[must_use]
    fn template_without_defaults(format: Format) -> String {
        template::write(Self::describe(), None, format, |_| None)
    }

    /// Writes a JSON Schema of the file, in the dialect of 2020-12, so that editors complete and check it; feature
    /// `schema`.
    ///
    /// It tells types, docs, rules with literal arguments, what is required and how variants are told apart. It is the
    /// schema of a whole configuration: of several layers each may lack what another one has. What it cannot say is
    /// listed at the derive of the same name.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Reloadable;
    /// use serde::Deserialize;
    ///
    /// # #[cfg(feature = "derive")] {
    /// #[derive(Deserialize, Reloadable)]
    /// #[serde(deny_unknown_fields)]
    /// struct App {
    ///     /// How many requests are worked on at once.
    ///     #[reload(range(1..=1024))]
    ///     workers: u16,
    /// }
    ///
    /// let schema = App::json_schema();
    /// assert_eq!(schema["properties"]["workers"]["maximum"], 1024);
    /// assert_eq!(schema["required"][0], "workers");
    /// assert_eq!(schema["additionalProperties"], false);
    /// # }
    /// ```
    #[cfg(feature = "schema")]
    #[must_use]
    fn json_schema() -> Schema {
        schema::of(Self::describe(), None)
    }

    /// Writes a JSON Schema as [`json_schema`](Self::json_schema) does, with the defaults of the outermost fields, those
    /// of a table as a whole; what a template leaves out is left out here as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Reloadable;
    /// use serde::Deserialize;
    ///
    /// # #[cfg(feature = "derive")] {
    /// #[derive(Default, Deserialize, Reloadable)]
    /// #[serde(default)]
    /// struct App {
    ///     workers: u16,
    /// }
    ///
    /// assert_eq!(App::json_schema_with_defaults()["properties"]["workers"]["default"], 0);
    /// # }
    /// ```
    #[cfg(feature = "schema")]
    #[must_use]
    fn json_schema_with_defaults() -> Schema
    where
        Self: Default,
    {
        schema::of(Self::describe(), Some(&Self::template(Format::Json)))
    }

    /// Lists all fields that a file may set, with their docs, types, rules and marks.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::Reloadable;
    /// use serde::Deserialize;
    ///
    /// # #[cfg(feature = "derive")] {
    /// #[derive(Deserialize, Reloadable)]
    /// struct App {
    ///     #[reload(restart, range(1..=1024))]
    ///     workers: u16,
    /// }
    ///
    /// for field in App::fields() {
    ///     println!("{}: {}, {}", field.path, field.words, field.rules.join(", "));
    ///     assert!(field.restart);
    /// }
    /// # }
    /// ```
    #[must_use]
    fn fields() -> Vec<FieldInfo> {
        fields::list(Self::describe())
    }
}

impl<T: Diff + DeserializeOwned + Send + Sync + 'static> Reloadable for T {}

/// Counts the places in which what a text gives is not this value; `None` where it cannot be read. What a conversion does
/// with a text that it has never seen, even a panic, is only that.
fn differences<T: Reloadable>(value: &T, text: &str, format: Format) -> Option<usize> {
    let document = Document::new(Origin::named("template"), format, text.as_bytes());
    let read = || {
        let description = T::describe();
        let tree = format::read(&Layers::of(&[document]), description).ok()?;
        let read: T = format::decode(&tree, &Expected::new(description)).ok()?;
        Some(value.diff(&read).map_or(0, |changes| changes.entries().len()))
    };
    guarded::<T, _>("reading a template", read).ok().flatten()
}

/// A valid candidate, and the tree that knows where each of its values was set.
#[derive(Debug)]
pub struct Loaded<T> {
    pub(crate) value: T,
    pub(crate) tree: Tree,
    /// What is suspicious, but not wrong.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "only a reloader tells them"))]
    pub(crate) warnings: Report,
}

impl<T: Describe> Loaded<T> {
    /// Returns where the value at `path` was set; for one that is in no file, where the nearest value around it was.
    pub fn locate(&self, path: &FieldPath) -> Option<(Origin, Position)> {
        let place = self.tree.locate(Expected::new(T::describe()), path);
        let (origin, position) = self.tree.position(&place)?;
        Some((origin, position?))
    }

    /// Says of a violation where its field was set.
    #[cfg(feature = "tokio")]
    pub(crate) fn blame(&self, violation: Violation) -> Violation {
        let place = self.tree.locate(Expected::new(T::describe()), violation.path());
        self.tree.blame(violation, &place)
    }

    /// Gives up the places.
    pub fn into_value(self) -> T {
        self.value
    }
}

/// Makes a candidate of all layers, the last on top. Without any, it is what an empty table gives.
///
/// The application's code runs here: its `Deserialize`, normalizers and validators. If it panics, the candidate is
/// refused, and nothing else happens.
///
/// # Errors
///
/// Everything that is wrong with the documents' texts, every unknown key, every value that does not fit its type, and every
/// rule that is broken, each with its place, where it has one. Where a text cannot be read, of the rest only what is
/// wrong whatever that text says.
pub(crate) fn decode<T: DeserializeOwned + Diff>(layers: &Layers) -> Result<Loaded<T>, Report> {
    decode_holding(layers, None)
}

/// Does the same, and keeps what a `running` value has in fields that cannot change while the program runs: before
/// other values are derived from them, and after that.
pub(crate) fn decode_holding<T: DeserializeOwned + Diff>(
    layers: &Layers,
    running: Option<Running<'_, T>>,
) -> Result<Loaded<T>, Report> {
    let description = guarded::<T, _>("describing the configuration", T::describe)?;
    let tree = format::read_each(layers, description, |_, _, _| {});
    decode_tree(tree, description, layers.lints.unknown_keys, running)
}

/// Does the same of one piece of a text, which is spelled in the report as it stands there.
///
/// # Errors
///
/// As [`decode`].
#[cfg(feature = "fs")]
pub(crate) fn decode_piece<T: DeserializeOwned + Diff>(piece: &Piece) -> Result<Loaded<T>, Report> {
    let description = guarded::<T, _>("describing the configuration", T::describe)?;
    decode_tree(piece.tree()?, description, Lint::Allow, None).map_err(|report| {
        report.map(|violation| {
            let path = piece.path().join(violation.path());
            violation.at(path)
        })
    })
}

fn decode_tree<T: DeserializeOwned + Diff>(
    mut tree: Tree,
    description: Description,
    unknown_keys: Lint,
    running: Option<Running<'_, T>>,
) -> Result<Loaded<T>, Report> {
    let mut report = std::mem::take(&mut tree.found);
    report.extend(format::unknown_keys(&tree, description, unknown_keys));
    let expected = Expected::new(description);
    if let Some(unread) = tree.unread {
        let rest = misfits::<T>(&tree, description, &expected);
        let certain =
            rest.violations().iter().filter(|violation| is_certain(violation, &tree, &expected, unread));
        add_new(&mut report, certain);
        return Err(located(report, &tree, &expected));
    }
    let decoded = guarded::<T, _>("decoding", || format::decode(&tree, &expected))
        .and_then(|decoded| decoded.map_err(|violation| Report::from(*violation)));
    let mut value: T = match decoded {
        Ok(value) => value,
        Err(refused) => return Err(everything::<T>(report, &refused, &tree, description, &expected)),
    };
    let keeping = "keeping what needs a restart";
    let (running, written) = running.map_or((None, None), |running| (Some(running.value), running.written));
    // A normalizer may not be run over what is normalized: twice `/srv` may be before a path.
    guarded::<T, _>(keeping, || match (written, running) {
        (Some(written), _) => value.hold(&written),
        (None, Some(running)) => value.hold(running),
        (None, None) => {}
    })
    .and_then(|()| {
        guarded::<T, _>("normalizing", || {
            value.normalize(&mut Reporter::with_secrets(&mut report, &expected));
        })
    })
    .and_then(|()| {
        guarded::<T, _>(keeping, || {
            if let Some(running) = running {
                value.hold(running);
            }
        })
    })
    .and_then(|()| {
        guarded::<T, _>("validating", || {
            value.validate(&mut Reporter::with_secrets(&mut report, &expected));
        })
    })
    .unwrap_or_else(|panicked| report.append(panicked));
    if report.is_empty() {
        return Ok(Loaded { value, tree, warnings: report });
    }
    let report = located(report, &tree, &expected);
    if report.is_refusal() { Err(report) } else { Ok(Loaded { value, tree, warnings: report }) }
}

/// The value in force.
#[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "only a reloader has one"))]
pub(crate) struct Running<'r, T> {
    pub(crate) value: &'r T,
    /// As it was before it was normalized, as far as that is known.
    pub(crate) written: Option<T>,
}

/// Makes a value of what was valid before, neither normalized nor validated.
#[cfg(feature = "tokio")]
pub(crate) fn written<T: DeserializeOwned + Diff>(layers: &Layers) -> Option<T> {
    let decode = || {
        let description = T::describe();
        let tree = format::read(layers, description).ok()?;
        format::decode(&tree, &Expected::new(description)).ok()
    };
    guarded::<T, _>("decoding", decode).ok().flatten()
}

/// Finds what is wrong with the texts of some of the layers, for a report about others that could not be read.
#[cfg(feature = "tokio")]
pub(crate) fn faults<T: Reloadable>(layers: &Layers) -> Report {
    let read = guarded::<T, _>("describing the configuration", T::describe)
        .and_then(|description| format::read(layers, description));
    read.err().unwrap_or_default()
}

/// Shows the lines that are at fault in a report about these layers.
#[cfg(feature = "tokio")]
pub(crate) fn quoted<T: Reloadable>(report: Report, layers: &Layers) -> Report {
    let quoted = guarded::<T, _>("describing the configuration", || {
        let description = T::describe();
        let tree = format::read_each(layers, description, |_, _, _| {});
        format::quoted(report.clone(), &tree, &Expected::new(description))
    });
    quoted.unwrap_or(report)
}

/// Adds all that is wrong with a tree that cannot be decoded, `refused` being the first.
fn everything<T: DeserializeOwned + Diff>(
    mut report: Report,
    refused: &Report,
    tree: &Tree,
    description: Description,
    expected: &Expected,
) -> Report {
    let has_panicked = refused.violations().iter().any(|violation| violation.code() == PANIC);
    let more = if has_panicked { refused.clone() } else { misfits::<T>(tree, description, expected) };
    add_new(&mut report, more.violations());
    if !report.is_refusal() {
        add_new(&mut report, refused.violations());
    }
    located(report, tree, expected)
}

/// Finds what does not fit its type, and which rules are broken where something does.
fn misfits<T: DeserializeOwned + Diff>(tree: &Tree, description: Description, expected: &Expected) -> Report {
    let found = guarded::<T, _>("decoding", || {
        let guard = |run: &mut dyn FnMut()| guarded::<T, _>("decoding", run);
        format::faults(tree, description, expected, Probe::of::<T>(), &guard)
    });
    let mut report = Report::new();
    match found {
        Ok(found) => report.extend(found),
        Err(panicked) => report.append(panicked),
    }
    placed(report, tree, expected)
}

/// What may be said of a single value, whatever the others are.
const OF_ONE_VALUE: &[&str] =
    &["type", "value", "decode", "unknown_variant", "range", "length", "non_empty", "one_of", "pattern"];

/// Tells whether something is wrong also if the document `unread` says what it may: what stands above it, it cannot set.
fn is_certain(violation: &Violation, tree: &Tree, expected: &Expected, unread: usize) -> bool {
    let node = tree.find(expected.clone(), violation.path());
    OF_ONE_VALUE.contains(&violation.code())
        && node.is_some_and(|node| !node.is_table() && node.place.layer() > unread)
}

/// Adds what is not in the report already: serde stops at the first unknown key, which may have been found before.
fn add_new<'v>(report: &mut Report, more: impl IntoIterator<Item = &'v Violation>) {
    let key =
        |violation: &Violation| (violation.code().to_owned(), violation.path().clone(), violation.position());
    let known: Vec<_> = report.violations().iter().map(key).collect();
    report.extend(more.into_iter().filter(|violation| !known.contains(&key(violation))).cloned());
}

/// The code of a violation that was a panic.
const PANIC: &str = "panic";

/// Runs the application's code so that its panic ends this attempt and nothing else.
///
/// What it said may quote a secret, so where `T` has any, it is left to the panic hook alone.
pub(crate) fn guarded<T: Describe, R>(doing: &str, run: impl FnOnce() -> R) -> Result<R, Report> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        Violation::new(FieldPath::root(), PANIC, what_panicked::<T>(doing, payload.as_ref())).into()
    })
}

/// Says what panicked, and what it said if that may be told.
pub(crate) fn what_panicked<T: Describe>(doing: &str, payload: &(dyn Any + Send)) -> String {
    match said(payload) {
        Some(_) if holds_any_secret::<T>() => {
            format!("panicked while {doing}; what it said is withheld, since there are secrets")
        }
        Some(said) => format!("panicked while {doing}: {}", one_line(said)),
        None => format!("panicked while {doing}"),
    }
}

/// Tells whether there are secrets in it, or none can tell.
pub(crate) fn holds_any_secret<T: Describe>() -> bool {
    catch_unwind(|| Expected::new(T::describe()).holds_any_secret()).unwrap_or(true)
}

fn said(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Says of each violation where the value at fault was set, shows that line, and how the field is set.
fn located(report: Report, tree: &Tree, expected: &Expected) -> Report {
    format::quoted(placed(report, tree, expected), tree, expected).errors_first()
}

fn placed(report: Report, tree: &Tree, expected: &Expected) -> Report {
    report.map(|violation| {
        // A panic is about the program, not about a line.
        if violation.origin().is_some() || violation.code() == PANIC {
            return violation;
        }
        let place = tree.locate(expected.clone(), violation.path());
        tree.blame(violation, &place)
    })
}
