//! Lists and maps, whose good parts are held to their rules without the bad ones.

use crate::describe::{Describer, Field};
use crate::path::Segment;

use super::super::table::Table;
use super::super::tree::{Kind, Node};
use super::lens::{Lens, Outcome, Wrap};
use super::{Found, Verdict, Walk};

impl Walk<'_> {
    /// Tells what is wrong with the elements of a list. Where `lens` is, it decodes lists of any length.
    pub(super) fn elements(
        &mut self,
        node: &Node,
        elements: &[Node],
        describe: Describer,
        lens: Option<&Lens>,
    ) {
        let mut sifting = Sifting::new(self);
        for (index, element) in elements.iter().enumerate() {
            let narrowed = lens.map(|lens| lens.narrowed(Wrap::Element(index, node.place.clone())));
            sifting.sift(self, Segment::Index(index), |walk| {
                walk.value(element, describe(), None, narrowed.as_ref())
            });
        }
        let rest = |kept: &[usize]| Kind::Array(kept.iter().map(|index| elements[*index].clone()).collect());
        sifting.finish(self, node, lens, rest);
    }

    /// Tells what is wrong with the entries of a map.
    pub(super) fn entries(&mut self, node: &Node, entries: &Table, describe: Describer, lens: Option<&Lens>) {
        let mut sifting = Sifting::new(self);
        for entry in entries.iter() {
            let narrowed = lens.map(|lens| {
                lens.narrowed(Wrap::Entry(entry.key.clone(), entry.place.clone(), node.place.clone()))
            });
            sifting.sift(self, Segment::Name(entry.key.clone().into()), |walk| {
                walk.value(&entry.value, describe(), None, narrowed.as_ref())
            });
        }
        let rest =
            |kept: &[usize]| Kind::Table(Table::new(kept.iter().map(|nth| entries[*nth].clone()).collect()));
        sifting.finish(self, node, lens, rest);
    }

    /// Tells what is wrong with values in a row of a fixed length.
    pub(super) fn tuple(&mut self, elements: &[Node], fields: &'static [Field]) {
        let fields = fields.iter().filter(|field| !field.skip);
        for (index, (element, field)) in elements.iter().zip(fields).enumerate() {
            self.under(Segment::Index(index), Segment::Index(index), |walk| walk.field(element, field));
        }
    }
}

/// The parts of a list or a map, without those that do not fit their type.
struct Sifting {
    /// How much was found before.
    mark: usize,
    /// Which step leads to each part.
    steps: Vec<Segment>,
    kept: Vec<usize>,
    /// What is wrong with those that are kept, as far as it can be told of each alone.
    aside: Vec<Found>,
}

impl Sifting {
    fn new(walk: &Walk<'_>) -> Self {
        Self { mark: walk.found.len(), steps: Vec::new(), kept: Vec::new(), aside: Vec::new() }
    }

    fn sift<'w>(&mut self, walk: &mut Walk<'w>, step: Segment, look: impl FnOnce(&mut Walk<'w>) -> Verdict) {
        if walk.is_done() {
            return;
        }
        let mark = walk.found.len();
        let mut verdict = Verdict::Unknown;
        walk.under(step.clone(), step.clone(), |walk| verdict = look(walk));
        if verdict != Verdict::Refused {
            self.kept.push(self.steps.len());
            self.aside.extend(walk.found.drain(mark..));
        }
        self.steps.push(step);
    }

    /// Holds what is kept to the rules of the whole. If that cannot be decoded either, what serde names is left out too.
    fn finish(self, walk: &mut Walk<'_>, node: &Node, lens: Option<&Lens>, rest: impl Fn(&[usize]) -> Kind) {
        let Self { mark, steps, mut kept, aside } = self;
        let is_whole = kept.len() == steps.len();
        let lens = lens.filter(|_| !is_whole);
        while let (Some(lens), false, false) = (lens, kept.is_empty(), walk.is_done()) {
            let rest = Node { place: node.place.clone(), kind: rest(&kept) };
            match walk.look_at_rest(lens, rest, &kept) {
                Outcome::Fits(broken) => return walk.add_broken(broken),
                Outcome::Panicked(panicked) => {
                    walk.add_panic(panicked);
                    break;
                }
                Outcome::Unknown => break,
                Outcome::Refused(fault) => {
                    let step = fault.path.get(walk.path.len()).cloned();
                    if !walk.explains(mark, &fault.path) {
                        walk.refuse(*fault);
                    }
                    match kept.iter().position(|nth| Some(&steps[*nth]) == step.as_ref()) {
                        Some(at) => drop(kept.remove(at)),
                        None => break,
                    }
                }
            }
        }
        walk.found.extend(aside);
    }
}
