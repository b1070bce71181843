//! Looking at one value through the type of what is around it.

use crate::path::{FieldPath, Segment};
use crate::report::{Report, Reporter, Violation};

use super::super::compact::Compact;
use super::super::decode::Fault;
use super::super::probe::{Answer, Probe};
use super::super::table::{Entry, Table};
use super::super::tree::{Kind, Node, Place};
use super::{FEW, Standing, Walk, size};

/// Decodes what is at one place, or at places below it as if they held nothing else: an element is decoded as a list of
/// one. So the elements of a list can be told apart although nothing but the list is known to be decodable.
pub(super) struct Lens {
    probe: Probe,
    /// How deep the place is.
    depth: usize,
    typed_depth: usize,
    standing: Standing,
    wraps: Vec<Wrap>,
}

/// One level between the place that is decoded and the value that is looked at.
#[derive(Clone)]
pub(super) enum Wrap {
    /// The index of the element, and where the list is.
    Element(usize, Place),
    /// The key and where it stands, and where the table is.
    Entry(Compact, Place, Place),
}

pub(super) enum Outcome {
    /// It can be decoded, and breaks these rules.
    Fits(Vec<Violation>),
    /// It cannot be decoded. The path starts at the root.
    Refused(Box<Fault>),
    Panicked(Report),
    /// That cannot be told.
    Unknown,
}

impl Walk<'_> {
    /// Makes a lens for where the walk is.
    pub(super) fn lens(&self, probe: Probe) -> Lens {
        let (depth, typed_depth) = (self.path.len(), self.typed.len());
        Lens { probe, depth, typed_depth, standing: self.standing, wraps: Vec::new() }
    }

    /// Decodes a value by itself.
    pub(super) fn look(&mut self, lens: Option<&Lens>, node: &Node) -> Outcome {
        let Some(lens) = lens else { return Outcome::Unknown };
        if lens.wraps.is_empty() {
            return self.run(lens, node, &[]);
        }
        match self.run(lens, &lens.wrapped(node.clone()), &[]) {
            // What is told of the list is not told of this element.
            Outcome::Fits(_) => Outcome::Fits(Vec::new()),
            Outcome::Refused(fault) if fault.path.len() < lens.depth + lens.wraps.len() => Outcome::Unknown,
            outcome => outcome,
        }
    }

    /// Decodes what is left of a list. `kept` are the indices that its elements have in the file.
    pub(super) fn look_at_rest(&mut self, lens: &Lens, rest: Node, kept: &[usize]) -> Outcome {
        let here = lens.typed_depth + lens.wraps.len();
        match self.run(lens, &lens.wrapped(rest), kept) {
            Outcome::Fits(mut broken) => {
                broken.retain(|violation| {
                    let depth = violation.path().segments().len();
                    // Such messages count the elements.
                    let counts = matches!(violation.code(), "unique" | "unique_key") && depth == here + 1;
                    depth > here && !counts
                });
                Outcome::Fits(broken)
            }
            outcome => outcome,
        }
    }

    fn run(&mut self, lens: &Lens, node: &Node, kept: &[usize]) -> Outcome {
        let size = size(node);
        let reserve = if size > FEW { self.reserve } else { 0 };
        if size.saturating_add(reserve) > self.patience {
            return Outcome::Unknown;
        }
        self.patience -= size;
        let mut report = Report::new();
        let mut answer = Answer::Unknown;
        let ran = (self.guard)(&mut || {
            let mut reporter = Reporter::with_secrets(&mut report, self.expected);
            for segment in &self.typed[..lens.typed_depth] {
                reporter.enter(Some(segment.clone()), false, false);
            }
            reporter.enter(None, lens.standing.secret, lens.standing.opaque);
            answer = lens.probe.run(self.tree, node, &mut reporter).0;
        });
        match (ran, answer) {
            (Err(panicked), _) => Outcome::Panicked(panicked),
            (Ok(()), Answer::Unknown) => Outcome::Unknown,
            (Ok(()), Answer::Fits) => {
                let broken = report.violations().iter().map(|violation| {
                    let mut path = violation.path().segments().to_vec();
                    lens.restore(path.get_mut(lens.typed_depth..), kept);
                    violation.clone().at(FieldPath::from(path))
                });
                Outcome::Fits(broken.collect())
            }
            (Ok(()), Answer::Refused(mut fault)) => {
                lens.restore(Some(&mut fault.path), kept);
                fault.path.splice(..0, self.path[..lens.depth].iter().cloned());
                Outcome::Refused(fault)
            }
        }
    }
}

impl Lens {
    /// Looks one level deeper.
    pub(super) fn narrowed(&self, wrap: Wrap) -> Self {
        let mut wraps = self.wraps.clone();
        wraps.push(wrap);
        Self { wraps, ..*self }
    }

    /// Puts a value where the probe expects it.
    fn wrapped(&self, node: Node) -> Node {
        self.wraps.iter().rev().fold(node, |node, wrap| match wrap.clone() {
            Wrap::Element(_, place) => Node { place, kind: Kind::Array(vec![node]) },
            Wrap::Entry(key, at, place) => {
                let entry = Entry { key, place: at, value: node };
                Node { place, kind: Kind::Table(Table::new(vec![entry])) }
            }
        })
    }

    /// Gives the elements on a path that starts at the lens the indices that they have in the file.
    fn restore(&self, path: Option<&mut [Segment]>, kept: &[usize]) {
        let Some(path) = path else { return };
        for (segment, wrap) in path.iter_mut().zip(&self.wraps) {
            if let (Segment::Index(index), Wrap::Element(own, _)) = (segment, wrap) {
                *index = *own;
            }
        }
        if let Some(Segment::Index(index)) = path.get_mut(self.wraps.len()) {
            *index = kept.get(*index).copied().unwrap_or(*index);
        }
    }
}
