//! One layer over another.

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

/// Lays `over` over `base`: tables merge deeply, all else is replaced. Every disagreement is found.
pub(super) fn merge(base: &mut Node, over: Node, expected: &Expected) -> Vec<Disagreement> {
    let mut merger = Merger { path: FieldPath::root(), disagreements: Vec::new() };
    merger.merge(base, over, expected);
    merger.disagreements
}

struct Merger {
    path: FieldPath,
    disagreements: Vec<Disagreement>,
}

impl Merger {
    fn merge(&mut self, base: &mut Node, over: Node, expected: &Expected) {
        if replaces(base, &over, expected) {
            *base = over;
            return;
        }
        let (later, noun) = (over.place.clone(), over.noun());
        match (&mut base.kind, over.kind) {
            (Kind::Table(table), Kind::Table(more)) => self.merge_tables(table, more, expected),
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
            let Some(at) = at else {
                table.push(entry);
                continue;
            };
            let segment = Segment::Name(entry.key.clone().into());
            let below = expected.step(&segment);
            let earlier = table.value_mut(at);
            if replaces(earlier, &entry.value, &below) {
                table.replace(at, entry);
                continue;
            }
            self.path.push(segment);
            self.merge(earlier, entry.value, &below);
            self.path.pop();
        }
    }
}

/// Tells whether nothing of the earlier value stays.
fn replaces(base: &Node, over: &Node, expected: &Expected) -> bool {
    match (&base.kind, &over.kind) {
        (Kind::Table(earlier), Kind::Table(later)) => {
            expected.is_choice() && other_variant(earlier, later, expected)
        }
        (Kind::Null, _) | (_, Kind::Null) => true,
        (Kind::Table(_), Kind::Text(_)) | (Kind::Text(_), Kind::Table(_)) => expected.is_choice(),
        (Kind::Table(_), _) | (_, Kind::Table(_)) => false,
        _ => true,
    }
}

fn other_variant(earlier: &[Entry], later: &[Entry], expected: &Expected) -> bool {
    let ([earlier], [later]) = (earlier, later) else { return false };
    earlier.key != later.key && !expected.spellings(&later.key).contains(&earlier.key.as_str())
}
