//! What a snapshot was made of, and where in that its values were set.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::{Explanation, Explanations, Provenance, Said};
use crate::diff::Diff;
use crate::format::{Expected, Part, Place, Positions, Step, Tree, hidden, part, parts, read, read_each};
use crate::layer::Layers;
use crate::load::guarded;
use crate::path::{FieldPath, Segment};
use crate::report::Report;
use crate::value::Value;

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
