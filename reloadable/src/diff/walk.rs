//! Walking through changes: one entry for each value that changed.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::describe::{Description, Field, Shape, Tagging};
use crate::path::{FieldPath, Segment};
use crate::value::Value;

/// What [`Diff::diff`](super::Diff::diff) found: it can be walked, and thereby printed and serialized.
pub trait Changes {
    /// Hands one [`Entry`] for every change to the walker, in the order of the declaration.
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>);

    /// Returns all entries.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Changes, Diff};
    ///
    /// let changes = [1, 2].diff(&[1, 3]).map(|changes| changes.entries().iter().map(ToString::to_string).collect());
    /// assert_eq!(changes, Some(vec!["[1]: 2 -> 3".to_owned()]));
    /// ```
    fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        self.walk(&mut Walker::new(&mut |entry| entries.push(entry)));
        entries
    }
}

/// One change, as a walk through [`Changes`] meets it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// Where.
    pub path: FieldPath,
    /// In which way.
    pub kind: ChangeKind,
    /// The older value, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value<'a>>,
    /// The newer value, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value<'a>>,
    /// The position before, for an element of a sequence that was removed or moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<usize>,
    /// The position now, for an element of a sequence that was added or moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<usize>,
    /// The value is, or stands within, a field marked `#[reload(restart)]`. So is one whose parts are not told, such as a
    /// secret, if such a field within it changed.
    #[serde(skip_serializing_if = "is_false")]
    pub restart: bool,
    /// The value is, or stands within, a field marked `#[reload(file)]`. If it changed from one value to the same, it is
    /// the content of the file that it names which changed.
    #[serde(skip_serializing_if = "is_false")]
    pub file: bool,
}

impl Entry<'_> {
    /// Returns an entry that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Entry<'static> {
        Entry {
            path: self.path,
            kind: self.kind,
            old: self.old.map(Value::into_owned),
            new: self.new.map(Value::into_owned),
            from: self.from,
            to: self.to,
            restart: self.restart,
            file: self.file,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The ways in which a value changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// Another value in the same place.
    Changed,
    /// An option that was empty and is not any more.
    Set,
    /// An option that became empty.
    Cleared,
    /// An enum that has another variant.
    Replaced,
    /// A new element or map entry.
    Added,
    /// An element or map entry that is gone.
    Removed,
    /// An element that stands elsewhere.
    Moved,
}

/// How many characters of a value are printed.
const SHOWN: usize = 120;

/// One line: `database.pool_size: 20 -> 30`, `routes["api"]: added`, `token: changed`.
impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            f.write_str("(root)")?
        } else {
            write!(f, "{}", self.path)?
        }
        f.write_str(": ")?;
        let shown = |value: &Option<Value<'_>>| {
            value.as_ref().filter(|value| **value != Value::Secret).map(|value| value.shortened(SHOWN))
        };
        match (self.kind, shown(&self.old), shown(&self.new)) {
            (ChangeKind::Changed, Some(old), Some(_)) if self.file && self.old == self.new => {
                write!(f, "the file {old} changed")
            }
            (ChangeKind::Changed | ChangeKind::Replaced, Some(old), Some(new)) => write!(f, "{old} -> {new}"),
            (ChangeKind::Changed, ..) => f.write_str("changed"),
            (ChangeKind::Replaced, ..) => f.write_str("replaced"),
            (ChangeKind::Set, _, Some(new)) => write!(f, "set to {new}"),
            (ChangeKind::Set, ..) => f.write_str("set"),
            (ChangeKind::Cleared, Some(old), _) => write!(f, "cleared, was {old}"),
            (ChangeKind::Cleared, ..) => f.write_str("cleared"),
            (ChangeKind::Added, ..) => f.write_str("added"),
            (ChangeKind::Removed, ..) => f.write_str("removed"),
            (ChangeKind::Moved, ..) => match (self.from, self.to) {
                (Some(from), Some(to)) => write!(f, "moved from {from} to {to}"),
                _ => f.write_str("moved"),
            },
        }
    }
}

/// Leads through [`Changes`] and knows the path of where it is.
pub struct Walker<'v, 'w> {
    path: Vec<Segment>,
    restart: bool,
    file: bool,
    opaque: Option<Opaque>,
    /// The depth of the table into which the field is flattened that is being walked.
    flattened: Option<usize>,
    /// All that is asked is whether anything needs a restart, so nothing is left out.
    is_search: bool,
    visit: &'v mut dyn FnMut(Entry<'w>),
}

/// Within a field whose shape in the file is not that of its type, all deeper changes are one.
#[derive(Debug, Clone, Copy)]
struct Opaque {
    depth: usize,
    told: bool,
}

impl fmt::Debug for Walker<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walker").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'v, 'w> Walker<'v, 'w> {
    /// Starts at the root; `visit` is called with every entry.
    pub fn new(visit: &'v mut dyn FnMut(Entry<'w>)) -> Self {
        let path = Vec::new();
        Self { path, restart: false, file: false, opaque: None, flattened: None, is_search: false, visit }
    }

    /// Reports a change of the value at the current place.
    ///
    /// A flattened value has no place of its own: where an option is set or cleared, or an enum has another variant,
    /// the keys that come, go and change are reported instead.
    pub fn entry(&mut self, kind: ChangeKind, old: Option<Value<'w>>, new: Option<Value<'w>>) {
        let parts = match (kind, &old, &new) {
            _ if self.flattened != Some(self.path.len()) => Vec::new(),
            (ChangeKind::Set, ..) => parts(None, new.as_ref()),
            (ChangeKind::Cleared, ..) => parts(old.as_ref(), None),
            (ChangeKind::Replaced, ..) => parts(old.as_ref(), new.as_ref()),
            _ => Vec::new(),
        };
        if parts.is_empty() {
            self.element(kind, None, None, old, new);
        }
        for (name, kind, old, new) in parts {
            self.entry_within(Segment::Name(name.into()), kind, old, new);
        }
    }

    /// Reports a change of an element of a sequence, with its position before and now.
    pub fn element(
        &mut self,
        kind: ChangeKind,
        from: Option<usize>,
        to: Option<usize>,
        old: Option<Value<'w>>,
        new: Option<Value<'w>>,
    ) {
        let mut entry = Entry {
            path: FieldPath::from(self.path.clone()),
            kind,
            old,
            new,
            from,
            to,
            restart: self.restart,
            file: self.file,
        };
        if let Some(opaque) = self.opaque.as_mut().filter(|opaque| self.path.len() > opaque.depth) {
            if opaque.told {
                return;
            }
            opaque.told = true;
            self.path.truncate(opaque.depth);
            entry = Entry {
                path: FieldPath::from(self.path.clone()),
                kind: ChangeKind::Changed,
                old: None,
                new: None,
                from: None,
                to: None,
                ..entry
            };
        }
        (self.visit)(entry);
    }

    /// Walks on with what is reported meanwhile marked, if it `needs_restart`.
    pub(super) fn marked(&mut self, needs_restart: bool, walk: impl FnOnce(&mut Self)) {
        let outer = self.restart;
        self.restart |= needs_restart;
        walk(self);
        self.restart = outer;
    }

    /// Reports that a secret changed, and no more than that.
    pub fn secret(&mut self) {
        self.entry(ChangeKind::Changed, Some(Value::Secret), Some(Value::Secret));
    }

    /// Walks through changes one step deeper.
    pub fn within(&mut self, segment: Segment, changes: &'w dyn Changes) {
        let depth = self.path.len();
        self.path.push(segment);
        changes.walk(self);
        self.path.truncate(depth);
    }

    /// Reports a change of what stands one step deeper.
    pub fn entry_within(
        &mut self,
        segment: Segment,
        kind: ChangeKind,
        old: Option<Value<'w>>,
        new: Option<Value<'w>>,
    ) {
        self.element_within(segment, kind, (None, None), old, new);
    }

    /// Reports a change of an element one step deeper; `positions` are those before and now.
    pub(super) fn element_within(
        &mut self,
        segment: Segment,
        kind: ChangeKind,
        positions: (Option<usize>, Option<usize>),
        old: Option<Value<'w>>,
        new: Option<Value<'w>>,
    ) {
        let depth = self.path.len();
        self.path.push(segment);
        self.element(kind, positions.0, positions.1, old, new);
        self.path.truncate(depth);
    }

    /// Walks through the changes of a struct: `steps[i]` is that of the description's field `i`.
    #[doc(hidden)]
    pub fn fields<const N: usize>(&mut self, description: &Description, steps: [Step<'w>; N]) {
        self.shape(description.shape, &mut steps.into_iter());
    }

    /// Walks through the changes of an enum whose variant, the description's number `variant`, stayed the same.
    #[doc(hidden)]
    pub fn variant<const N: usize>(
        &mut self,
        description: &Description,
        variant: usize,
        steps: [Step<'w>; N],
    ) {
        let Shape::Enum(tagging, variants) = description.shape else { return };
        let Some(variant) = variants.get(variant) else { return };
        let depth = self.path.len();
        let outer_flattened = self.flattened;
        match tagging {
            _ if variant.untagged => {}
            // What a variant holds stands beside the tag.
            Tagging::Internal(_) => self.flattened = Some(depth),
            Tagging::External => self.path.push(Segment::Name(variant.name.into())),
            Tagging::Adjacent(_, content) => self.path.push(Segment::Name(content.into())),
            Tagging::Untagged => {}
        }
        self.shape(variant.shape, &mut steps.into_iter());
        self.path.truncate(depth);
        self.flattened = outer_flattened;
    }

    fn shape(&mut self, shape: Shape, steps: &mut dyn Iterator<Item = Step<'w>>) {
        match shape {
            Shape::Newtype(field) => {
                for step in steps.take(1) {
                    self.field(None, field, step);
                }
            }
            Shape::Struct(fields) | Shape::Tuple(fields) => {
                let mut position = 0;
                for (field, step) in fields.iter().zip(steps) {
                    let segment = match field.name {
                        "" => Segment::Index(position),
                        name => Segment::Name(name.into()),
                    };
                    // What is not in the file does not count there.
                    position += usize::from(!field.skip);
                    self.field(Some(segment).filter(|_| !field.flatten), field, step);
                }
            }
            // The names of the fields are not those of the file.
            _ => {
                let (mut changed, mut restart) = (false, false);
                for step in steps {
                    changed |= !matches!(step, Step::Same);
                    restart |= step.needs_restart();
                }
                if changed {
                    self.marked(restart, |walker| walker.entry(ChangeKind::Changed, None, None));
                }
            }
        }
    }

    fn field(&mut self, segment: Option<Segment>, field: &Field, step: Step<'w>) {
        let outer = (self.path.len(), self.restart, self.file, self.opaque);
        // What stands for what is around it is flattened as that is.
        let flattened = match segment {
            None if !field.flatten => self.flattened,
            _ => field.flatten.then_some(self.path.len()),
        };
        let outer_flattened = std::mem::replace(&mut self.flattened, flattened);
        self.restart |= field.restart;
        self.file |= field.file;
        self.path.extend(segment);
        let is_hidden = field.secret || matches!(step, Step::Secret(_));
        if field.opaque && self.opaque.is_none() && !self.is_search {
            self.opaque = Some(Opaque { depth: self.path.len(), told: false });
            self.restart |= step.needs_restart();
        } else if is_hidden && !self.is_search {
            self.restart |= step.needs_restart();
        }
        match step {
            Step::Same => {}
            Step::Secret(changes) | Step::Changes(changes) if self.is_search => changes.walk(self),
            _ if is_hidden => self.secret(),
            Step::Secret(_) => {}
            Step::Changes(changes) => changes.walk(self),
            Step::Leaf(old, new) => self.entry(ChangeKind::Changed, Some(old), Some(new)),
            Step::Restart => self.marked(true, |walker| walker.entry(ChangeKind::Changed, None, None)),
        }
        self.path.truncate(outer.0);
        (self.restart, self.file) = (outer.1, outer.2);
        self.flattened = outer_flattened;
        // Within an outer opaque field it stays told.
        if outer.3.is_none() {
            self.opaque = None;
        }
    }
}

/// A key of a flattened value that comes, goes or changes.
type Part<'w> = (String, ChangeKind, Option<Value<'w>>, Option<Value<'w>>);

/// Compares two flattened values by their keys; nothing where one has no keys.
fn parts<'w>(old: Option<&Value<'w>>, new: Option<&Value<'w>>) -> Vec<Part<'w>> {
    let (Some(gone), Some(mut come)) = (keys(old), keys(new)) else { return Vec::new() };
    let mut parts = Vec::new();
    for (name, old) in gone {
        match come.iter().position(|(other, _)| *other == name).map(|at| come.remove(at).1) {
            // Two secrets look alike, so that one may be another.
            Some(new) if old == new && old.as_ref().is_none_or(Value::is_shown) => {}
            Some(new) => parts.push((name, ChangeKind::Changed, old, new)),
            None => parts.push((name, ChangeKind::Cleared, old, None)),
        }
    }
    parts.extend(come.into_iter().map(|(name, new)| (name, ChangeKind::Set, None, new)));
    parts
}

/// The keys that a flattened value has in the table around it; `None` for what cannot be flattened.
fn keys<'w>(value: Option<&Value<'w>>) -> Option<Vec<(String, Option<Value<'w>>)>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        // A unit variant is a name without a value.
        Some(Value::Text(variant)) => Some(vec![(variant.to_string(), None)]),
        Some(Value::Table(entries)) => {
            let entries = entries.iter().filter(|(_, value)| *value != Value::Null);
            Some(entries.map(|(name, value)| (name.to_string(), Some(value.clone()))).collect())
        }
        Some(_) => None,
    }
}

/// What happened to one field.
#[doc(hidden)]
#[allow(missing_debug_implementations, reason = "generated code makes it and hands it over at once")]
pub enum Step<'w> {
    Same,
    Changes(&'w dyn Changes),
    /// A field marked `#[reload(secret)]`, of which no more is told than that it changed.
    Secret(&'w dyn Changes),
    /// A field marked `#[reload(leaf)]`, whose type need not know how it is shown.
    Leaf(Value<'w>, Value<'w>),
    /// A field marked `#[reload(restart)]` of a type whose description does not know it, since it has the names of
    /// another one.
    Restart,
}

impl Step<'_> {
    fn needs_restart(&self) -> bool {
        match self {
            Self::Same | Self::Leaf(..) => false,
            Self::Changes(changes) | Self::Secret(changes) => needs_restart(*changes),
            Self::Restart => true,
        }
    }
}

/// Tells whether a field marked `#[reload(restart)]` is among what changed, also where it is not told.
pub(crate) fn needs_restart(changes: &dyn Changes) -> bool {
    let mut found = false;
    let mut visit = |entry: Entry<'_>| found |= entry.restart;
    changes.walk(&mut Walker { is_search: true, ..Walker::new(&mut visit) });
    found
}

/// Prints changes, an entry a line.
pub(crate) fn lines(changes: &dyn Changes, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (nth, entry) in changes.entries().into_iter().enumerate() {
        if nth > 0 {
            f.write_str("\n")?;
        }
        write!(f, "{entry}")?;
    }
    Ok(())
}

/// Serializes changes as the list of their entries.
pub(crate) fn list<S: Serializer>(changes: &dyn Changes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(changes.entries())
}

/// Implements what every type of changes has in common: printed, an entry a line; serialized, a list of entries.
macro_rules! shown {
    (impl $generics:tt $($tr:ident),+ for $ty:ty) => {
        $($crate::diff::walk::shown!(@$tr $generics $ty);)+
    };
    (@Display [$($generics:tt)*] $ty:ty) => {
        impl<$($generics)*> std::fmt::Display for $ty {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::diff::walk::lines(self, f)
            }
        }
    };
    (@Debug [$($generics:tt)*] $ty:ty) => {
        impl<$($generics)*> std::fmt::Debug for $ty {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::diff::walk::lines(self, f)
            }
        }
    };
    (@Serialize [$($generics:tt)*] $ty:ty) => {
        impl<$($generics)*> serde::Serialize for $ty {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::diff::walk::list(self, serializer)
            }
        }
    };
}
pub(crate) use shown;
