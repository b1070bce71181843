//! Everything that is wrong with a tree that cannot be decoded as a whole: serde stops at the first error, so the tree is
//! taken apart along the description of its type, and each part is decoded by itself.

mod lens;
mod list;
mod shape;
mod table;

use crate::describe::Description;
use crate::path::{FieldPath, Segment};
use crate::report::{Report, Violation};

use super::decode::{self, Fault};
use super::expected::Expected;
use super::probe::Probe;
use super::tree::{Kind, Node, Tree};
use super::unknown::without_unknown;

use self::lens::{Lens, Outcome};

/// Runs the application's code so that its panic becomes a report.
pub(crate) type Guard<'g> = &'g dyn Fn(&mut dyn FnMut()) -> Result<(), Report>;

/// How many are looked for; no more are kept in a report.
const LOOKED_FOR: usize = 1_000;

/// How many times as many values as the tree has are decoded at most, and how many in any case. A type that contains
/// itself can make every level decode all that is below it again.
const PATIENCE: usize = 25;
const LEAST_PATIENCE: usize = 2_000_000;

/// How many times as many are left for values that hold few others, so that these are told where patience has ended for
/// all that is around them.
const RESERVE: usize = 5;
const FEW: usize = 20;

/// Tells what is wrong with a tree but for its unknown keys. `probe` decodes it as a whole.
///
/// What is told of broken rules has no place yet.
pub(crate) fn faults(
    tree: &Tree,
    description: Description,
    expected: &Expected,
    probe: Probe,
    guard: Guard<'_>,
) -> Vec<Violation> {
    // A type that refuses unknown keys cannot be decoded, nor held to its rules, until they are gone.
    let without = without_unknown(tree, description);
    let (root, meant) = without.as_ref().map_or((&tree.root, &[][..]), |(root, meant)| (root, meant));
    let mut walk = Walk {
        tree,
        expected,
        guard,
        meant,
        path: Vec::new(),
        typed: Vec::new(),
        standing: Standing { secret: false, opaque: false, ruled: true },
        patience: size(root).saturating_mul(PATIENCE).max(LEAST_PATIENCE),
        reserve: size(root).saturating_mul(RESERVE),
        found: Vec::new(),
    };
    walk.value(root, description, Some(probe), None);
    walk.found.into_iter().map(|found| found.violation).collect()
}

/// Counts the values within a value, and itself.
fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Array(elements) => elements.iter().map(size).sum(),
        Kind::Table(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        _ => 0,
    }
}

struct Walk<'w> {
    tree: &'w Tree,
    expected: &'w Expected,
    guard: Guard<'w>,
    /// The fields that unknown keys seem to mean, so that they are not missed as well.
    meant: &'w [FieldPath],
    /// Where the walk is, as the file spells it.
    path: Vec<Segment>,
    /// Where the walk is, as the type spells it.
    typed: Vec<Segment>,
    standing: Standing,
    /// How many values may still be decoded.
    patience: usize,
    reserve: usize,
    found: Vec<Found>,
}

/// What holds for a place because of what is around it.
#[derive(Clone, Copy)]
struct Standing {
    secret: bool,
    /// Names below are not in the file.
    opaque: bool,
    /// The rules of what is here are those of the configuration: not so within a type that is only converted from, nor
    /// where a normalizer that did not run may have mended what breaks them.
    ruled: bool,
}

struct Found {
    violation: Violation,
    /// The whole path, for what does not fit its type; nothing for a broken rule.
    fault: Option<Vec<Segment>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fits,
    Refused,
    /// Nothing is known to be wrong.
    Unknown,
}

impl Walk<'_> {
    /// Tells what is wrong with a value. It is decoded by `own`, by what its type is known to be decoded by, or through
    /// the value around it.
    fn value(
        &mut self,
        node: &Node,
        description: Description,
        own: Option<Probe>,
        around: Option<&Lens>,
    ) -> Verdict {
        let own = own.or_else(|| probe_of(description)).map(|probe| self.lens(probe));
        let lens = own.as_ref().or(around);
        let mark = self.found.len();
        match self.look(lens, node) {
            Outcome::Fits(broken) => {
                self.add_broken(broken);
                Verdict::Fits
            }
            Outcome::Panicked(panicked) => {
                self.add_panic(panicked);
                Verdict::Refused
            }
            Outcome::Refused(fault) => {
                self.within(node, description, lens);
                if !self.explains(mark, &fault.path) {
                    let fault = self.at_tag(*fault, node, description);
                    self.refuse(fault);
                }
                Verdict::Refused
            }
            Outcome::Unknown => {
                self.within(node, description, lens);
                let refused = self.found[mark..].iter().any(|found| found.fault.is_some());
                if refused { Verdict::Refused } else { Verdict::Unknown }
            }
        }
    }

    /// Tells what is wrong with the parts of a value.
    fn within(&mut self, node: &Node, description: Description, lens: Option<&Lens>) {
        let standing = self.standing;
        self.standing.ruled &= !description.normalizes;
        self.shape(node, description.shape, is_fixed(description), lens);
        self.standing = standing;
    }

    /// Tells what is wrong with a value that another type describes.
    fn through(&mut self, node: &Node, description: Description, lens: Option<&Lens>) {
        if probe_of(description).is_some() {
            self.value(node, description, None, lens);
        } else {
            self.within(node, description, lens);
        }
    }

    fn is_done(&self) -> bool {
        self.found.len() >= LOOKED_FOR || self.patience == 0
    }

    /// Tells whether what was found since `mark` is why something is wrong at `path`: serde's error is the first of
    /// them, or it has lost its way.
    fn explains(&self, mark: usize, path: &[Segment]) -> bool {
        let faults = self.found[mark..].iter().filter_map(|found| found.fault.as_ref());
        faults.into_iter().any(|fault| fault.starts_with(path) || path.starts_with(fault))
    }

    /// Adds a fault whose path starts at the root.
    fn refuse(&mut self, fault: Fault) {
        let path = fault.path.clone();
        let violation = decode::violation(self.tree, self.expected, fault);
        self.found.push(Found { violation, fault: Some(path) });
    }

    fn add_broken(&mut self, broken: Vec<Violation>) {
        if self.standing.ruled {
            self.found.extend(broken.into_iter().map(|violation| Found { violation, fault: None }));
        }
    }

    /// Adds a panic, unless the same was told before: one function may be called for every element.
    fn add_panic(&mut self, panicked: Report) {
        for violation in panicked.violations() {
            if !self.found.iter().any(|found| found.violation == *violation) {
                self.found.push(Found { violation: violation.clone(), fault: Some(self.path.clone()) });
            }
        }
    }

    /// Moves down a step, as the file and as the type spell it.
    fn under(&mut self, spelled: Segment, typed: Segment, look: impl FnOnce(&mut Self)) {
        self.path.push(spelled);
        self.typed.push(typed);
        look(self);
        self.path.pop();
        self.typed.pop();
    }
}

/// Returns what decodes a type wherever it stands.
fn probe_of(description: Description) -> Option<Probe> {
    let known = description.probe.and_then(|probe| probe.downcast_ref());
    known.or_else(|| Probe::of_leaf(description.type_name)).copied()
}

/// Tells whether this is an array of a fixed length, from which nothing can be left out.
fn is_fixed(description: Description) -> bool {
    let within = description.type_name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    within
        .and_then(|within| within.rsplit_once("; "))
        .is_some_and(|(_, length)| !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()))
}
