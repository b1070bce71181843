//! One layer over another.

use std::collections::HashMap;

use crate::layer::Arrays;
use crate::path::{FieldPath, Segment};

use super::expected::Expected;
use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};

/// A table in one layer is something else in another.
pub(super) struct Disagreement {
    pub(super) path: FieldPath,
    pub(super) earlier: Place,
    pub(super) later: Place,
    pub(super) message: String,
}

/// Lays `over` over `base`: tables merge deeply, arrays as told, all else is replaced. Every disagreement is found.
pub(super) fn merge(base: &mut Node, over: Node, expected: &Expected, arrays: Arrays) -> Vec<Disagreement> {
    let mut merger = Merger { path: FieldPath::root(), arrays, disagreements: Vec::new() };
    merger.merge(base, over, expected);
    merger.disagreements
}

struct Merger {
    path: FieldPath,
    arrays: Arrays,
    disagreements: Vec<Disagreement>,
}

impl Merger {
    fn merge(&mut self, base: &mut Node, over: Node, expected: &Expected) {
        if self.replaces(base, &over, expected) {
            *base = over;
            return;
        }
        let (later, noun) = (over.place.clone(), over.noun());
        match (&mut base.kind, over.kind) {
            (Kind::Table(table), Kind::Table(more)) => self.merge_tables(table, more, expected),
            (Kind::Array(elements), Kind::Array(more)) => self.merge_arrays(elements, more, expected),
            _ => self.disagreements.push(Disagreement {
                path: self.path.clone(),
                earlier: base.place.clone(),
                later,
                message: format!("this is {noun}, but {}", base.noun()),
            }),
        }
    }

    fn merge_tables(&mut self, table: &mut Table, more: Table, expected: &Expected) {
        for entry in more.into_entries() {
            // Another layer may use another name of the same field.
            let at = table.find(&entry.key).or_else(|| {
                let spellings = expected.spellings(&entry.key);
                spellings.into_iter().find_map(|spelling| table.find(spelling))
            });
            // Two names of one field in the same document are a mistake, which decoding tells.
            let at = at.filter(|at| {
                let earlier = &table[*at];
                earlier.key == entry.key || earlier.place.layer() != entry.place.layer()
            });
            let Some(at) = at else {
                table.push(entry);
                continue;
            };
            let segment = Segment::Name(entry.key.clone().into());
            let below = expected.step(&segment);
            let earlier = table.value_mut(at);
            if self.replaces(earlier, &entry.value, &below) {
                table.replace(at, entry);
                continue;
            }
            self.path.push(segment);
            self.merge(earlier, entry.value, &below);
            self.path.pop();
        }
    }

    /// Puts elements behind the earlier ones, but for those that are an earlier one.
    fn merge_arrays(&mut self, elements: &mut Vec<Node>, more: Vec<Node>, expected: &Expected) {
        let below = expected.step(&Segment::Index(0));
        let key = expected.key().filter(|_| self.arrays == Arrays::ByKey);
        let mut known: HashMap<_, _> = HashMap::new();
        if let Some(key) = &key {
            let own = elements.iter().enumerate();
            known.extend(own.filter_map(|(at, element)| Some((below.identity(element, key)?, at))));
        }
        for element in more {
            let identity = key.as_ref().and_then(|key| below.identity(&element, key));
            // Once only: two elements of one layer with the same key are a mistake, which merging them would hide.
            let earlier = identity.and_then(|identity| known.remove(&identity));
            let Some((at, earlier)) = earlier.and_then(|at| Some((at, elements.get_mut(at)?))) else {
                elements.push(element);
                continue;
            };
            self.path.push(Segment::Index(at));
            self.merge(earlier, element, &below);
            self.path.pop();
        }
    }

    /// Tells whether nothing of the earlier value stays.
    fn replaces(&self, base: &Node, over: &Node, expected: &Expected) -> bool {
        match (&base.kind, &over.kind) {
            (Kind::Table(earlier), Kind::Table(later)) => {
                (expected.is_choice() && other_variant(earlier, later, expected))
                    || expected.tag().is_some_and(|tag| other_tag(base, over, tag))
            }
            (Kind::Null, _) | (_, Kind::Null) => true,
            (Kind::Table(_), Kind::Text(_) | Kind::Word(_))
            | (Kind::Text(_) | Kind::Word(_), Kind::Table(_)) => expected.is_choice(),
            (Kind::Table(_), _) | (_, Kind::Table(_)) => false,
            (Kind::Array(_), Kind::Array(_)) => match self.arrays {
                Arrays::Replace => true,
                Arrays::Append => false,
                Arrays::ByKey => expected.key().is_none(),
            },
            _ => true,
        }
    }
}

/// Tells whether two tables say by their tags that they are two variants: what is beside the earlier tag belongs to it.
fn other_tag(earlier: &Node, later: &Node, tag: &str) -> bool {
    match (earlier.child(tag).and_then(Node::as_key), later.child(tag).and_then(Node::as_key)) {
        (Some(earlier), Some(later)) => earlier != later,
        _ => false,
    }
}

fn other_variant(earlier: &[Entry], later: &[Entry], expected: &Expected) -> bool {
    let ([earlier], [later]) = (earlier, later) else { return false };
    earlier.key != later.key && !expected.spellings(&later.key).contains(&earlier.key.as_str())
}
