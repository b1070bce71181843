//! Where the values of a configuration come from.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};

use crate::diff::Diff;
use crate::document::Origin;
use crate::format::{Expected, Part, Place, Positions, Step, Tree, hidden, part, parts, read, read_each};
use crate::layer::Layers;
use crate::load::guarded;
use crate::path::{FieldPath, Segment};
use crate::report::{Position, Report};
use crate::value::Value;

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
    path: FieldPath,
    value: Option<Value<'static>>,
    said: Vec<Said>,
    /// What the layers say is to be in force after a restart.
    pending: bool,
    /// Where the value in force was set, if that is pending.
    running_set: Option<Provenance>,
}

/// What one document says of a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    set: Provenance,
    value: Value<'static>,
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
    all: Vec<Explanation>,
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

/// What of a snapshot is kept until a restart.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// What it was read from.
    pub(crate) layers: Layers,
    /// Where the values in force were set, as the fields are named in a diff.
    pub(crate) fields: Arc<HashMap<FieldPath, Option<Provenance>>>,
    /// A secret is among it, which may be in none of these layers.
    pub(crate) holds_secret: bool,
}

/// What a snapshot was made of. It is read again when somebody asks for a place: most snapshots are never asked.
#[derive(Debug)]
pub(crate) struct Basis {
    layers: Layers,
    /// What is kept until a restart, where there is anything.
    kept: Option<Kept>,
    warnings: Report,
    tree: OnceLock<Option<Tree>>,
}

const WITHHELD: &str = "what it said is withheld, since a secret is kept until a restart";

impl Basis {
    pub(crate) fn new(layers: Layers, kept: Option<Kept>, warnings: Report) -> Self {
        Self { layers, kept, warnings, tree: OnceLock::new() }
    }

    pub(crate) fn warnings(&self) -> &Report {
        &self.warnings
    }

    pub(crate) fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Returns what the values in force were read from that need a restart to change.
    pub(crate) fn kept(&self) -> &Layers {
        self.kept.as_ref().map_or(&self.layers, |kept| &kept.layers)
    }

    /// Returns where the values were set that are kept until a restart; nothing where none is.
    pub(crate) fn kept_fields(&self) -> Option<Arc<HashMap<FieldPath, Option<Provenance>>>> {
        self.kept.as_ref().map(|kept| Arc::clone(&kept.fields))
    }

    /// Hides in a text of the application's the secrets that these documents hold.
    pub(crate) fn hide_secrets<T: Diff>(&self, text: &str) -> String {
        let hidden = guarded::<T, _>("finding the secrets", || {
            let text = hidden(text, &self.layers, T::describe());
            if self.kept.is_none() { text } else { hidden(&text, self.kept(), T::describe()) }
        });
        hidden.unwrap_or_else(|_| "what it said is withheld, since the secrets could not be found".to_owned())
    }

    /// Hides in a text of the application's the secrets that are in force.
    pub(crate) fn without_secrets<T: Diff>(&self, text: &str) -> String {
        if self.kept.as_ref().is_some_and(|kept| kept.holds_secret) {
            return WITHHELD.to_owned();
        }
        self.hide_secrets::<T>(text)
    }

    /// Finds where each of many fields was set.
    pub(crate) fn origins_of<T: Diff>(&self, paths: &[&FieldPath]) -> Vec<Option<Provenance>> {
        let Some(tree) = self.tree::<T>() else { return vec![None; paths.len()] };
        let (expected, mut positions) = (Expected::new(T::describe()), Positions::new());
        let origin = |path: &&FieldPath| {
            let path = tree.canonical_by(expected.clone(), path, &mut positions);
            provenance(tree, &tree.find(expected.clone(), &path)?.place)
        };
        paths.iter().map(origin).collect()
    }

    /// Returns the fields that are kept until a restart, as they are named by [`Tree::canonical`].
    fn canonically_kept<T: Diff>(&self, tree: &Tree) -> HashMap<FieldPath, Option<Provenance>> {
        let Some(kept) = &self.kept else { return HashMap::new() };
        let (expected, mut positions) = (Expected::new(T::describe()), Positions::new());
        let named = |(path, set): (&FieldPath, &Option<Provenance>)| {
            (tree.canonical_by(expected.clone(), path, &mut positions), set.clone())
        };
        kept.fields.iter().map(named).collect()
    }

    /// Returns where a value was set.
    pub(crate) fn origin_of<T: Diff>(&self, path: &str) -> Option<Provenance> {
        let path: FieldPath = path.parse().ok()?;
        let tree = self.tree::<T>()?;
        if self.kept.is_some() {
            let canonical = tree.canonical(Expected::new(T::describe()), &path);
            if let Some(set) = kept_at(&self.canonically_kept::<T>(tree), &canonical) {
                return set;
            }
        }
        let node = tree.find(Expected::new(T::describe()), &path)?;
        provenance(tree, &node.place)
    }

    fn tree<T: Diff>(&self) -> Option<&Tree> {
        if self.tree.get().is_none() {
            // Outside of the cell: types and formats of the application's run here, and may ask the same.
            let tree = read(&self.layers, T::describe()).ok();
            // Somebody else may have been faster.
            let _ = self.tree.set(tree);
        }
        self.tree.get()?.as_ref()
    }

    /// Returns what the layers say of a field, or nothing where there is no such field.
    pub(crate) fn explain<T: Diff>(&self, value: &T, path: &str) -> Option<Explanation> {
        let path: FieldPath = path.parse().ok()?;
        let expected = Expected::new(T::describe());
        let tree = self.tree::<T>()?;
        let canonical = tree.canonical(expected.clone(), &path);
        let kept = kept_at(&self.canonically_kept::<T>(tree), &canonical);
        let value = at(value.value(), &canonical).map(Value::into_owned);
        let here = path.segments().iter().fold(expected.clone(), |here, segment| here.step(segment));
        let secretive = expected.holds_any_secret();
        let mut said = Vec::new();
        let read = read_each(&self.layers, T::describe(), |tree, source, step| {
            if let Step::Laid = step {
                let part =
                    tree.find(expected.clone(), &path).and_then(|node| part(node, &here, source, secretive));
                said.extend(
                    part.and_then(|(value, place)| Some(Said { set: provenance(tree, &place)?, value })),
                );
            }
        });
        drop(read);
        let (pending, running_set) = (kept.is_some(), kept.flatten());
        let explanation = Explanation { path: canonical, value, said, pending, running_set };
        (explanation.value.is_some() || !explanation.said.is_empty()).then_some(explanation)
    }

    /// Returns what the layers say of all fields.
    pub(crate) fn explain_all<T: Diff>(&self, value: &T) -> Explanations {
        let mut all = Vec::new();
        let value = value.value();
        leaves(&value, &mut FieldPath::root(), &mut |path, value| {
            all.push(Explanation {
                path: path.clone(),
                value: Some(value.clone().into_owned()),
                said: Vec::new(),
                pending: false,
                running_set: None,
            });
        });
        let mut at: HashMap<_, _> =
            all.iter().enumerate().map(|(at, explanation)| (explanation.path.clone(), at)).collect();
        let mut below: HashMap<FieldPath, Vec<usize>> = HashMap::new();
        for (number, explanation) in all.iter().enumerate() {
            let mut around = explanation.path.clone();
            while around.pop().is_some() && !around.is_root() {
                below.entry(around.clone()).or_default().push(number);
            }
        }
        let expected = Expected::new(T::describe());
        let read = read_each(&self.layers, T::describe(), |tree, source, step| {
            let node = match step {
                Step::Read(node) => Some(node),
                Step::Laid => None,
            };
            let is_field = |path: &FieldPath| at.contains_key(path);
            for Part { path, value: said, place } in parts(tree, node, &expected, source, &is_field) {
                let Some(set) = provenance(tree, &place) else { continue };
                let said = Said { set, value: said };
                if let Some(explanation) = at.get(&path).and_then(|at| all.get_mut(*at)) {
                    explanation.said.push(said);
                    continue;
                }
                // Of one value, the type may make several fields.
                if let Some(parts) = below.get(&path) {
                    for part in parts {
                        if let Some(explanation) = all.get_mut(*part) {
                            explanation.said.push(said.clone());
                        }
                    }
                    continue;
                }
                let value = self::at(value.clone(), &path).map(Value::into_owned);
                at.insert(path.clone(), all.len());
                all.push(Explanation { path, value, said: vec![said], pending: false, running_set: None });
            }
        });
        drop(read);
        // An array is one field here, also where only a part of it waits: that is told by its own path.
        let kept = self.tree::<T>().map(|tree| self.canonically_kept::<T>(tree)).unwrap_or_default();
        for explanation in all.iter_mut().filter(|_| !kept.is_empty()) {
            if let Some(set) = kept_at(&kept, &explanation.path) {
                (explanation.pending, explanation.running_set) = (true, set);
            }
        }
        Explanations { all }
    }
}

/// Finds the field at `path`, or the one around it, among those that are kept.
fn kept_at(kept: &HashMap<FieldPath, Option<Provenance>>, path: &FieldPath) -> Option<Option<Provenance>> {
    let mut around = path.clone();
    while !kept.is_empty() {
        if let Some(set) = kept.get(&around) {
            return Some(set.clone());
        }
        around.pop()?;
    }
    None
}

fn provenance(tree: &Tree, place: &Place) -> Option<Provenance> {
    let (origin, position) = tree.position(place)?;
    let layer = tree.layer(place).map(|layer| Arc::clone(&layer.name));
    Some(Provenance { layer: layer.unwrap_or_else(|| origin.to_string().into()), origin, position })
}

/// Goes down a value.
fn at<'v>(value: Value<'v>, path: &FieldPath) -> Option<Value<'v>> {
    path.segments().iter().try_fold(value, |value, segment| match (value, segment) {
        (Value::Table(entries), Segment::Name(name)) => {
            entries.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
        }
        (Value::List(values), Segment::Index(index)) => values.into_iter().nth(*index),
        (Value::Secret, _) => Some(Value::Secret),
        _ => None,
    })
}

fn leaves<'v>(value: &Value<'v>, path: &mut FieldPath, each: &mut impl FnMut(&FieldPath, &Value<'v>)) {
    match value {
        Value::Table(entries) if !entries.is_empty() => {
            for (name, value) in entries {
                path.push(Segment::Name(name.clone().into_owned().into()));
                leaves(value, path, each);
                path.pop();
            }
        }
        _ => each(path, value),
    }
}
