//! Documents as one tree that knows where each of its values was set.

#[cfg(feature = "tokio")]
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::document::{Body, Document, Format, Origin, Setting};
use crate::layer::LayerSettings;
use crate::path::{FieldPath, Segment};
use crate::report::{Position, Report, Violation};

use super::compact::Compact;
use super::expected::Expected;
use super::table::Table;

/// All layers as one table, and the documents that it was made of.
///
/// Lines and columns are computed only when they are asked for: most trees are never asked.
pub(crate) struct Tree {
    pub(super) root: Node,
    pub(super) sources: Vec<Text>,
    pub(super) layers: Arc<[LayerSettings]>,
    /// What is wrong, or suspicious, although every text could be read.
    pub(crate) found: Report,
    /// The last document that could not be read, and is left out.
    pub(crate) unread: Option<usize>,
}

/// A value and where it was set.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(super) kind: Kind,
}

/// A range of one document's text; of one that is made of single values, which of them. There are two of these for each
/// value, so they are small: what is beyond 4 GiB is given the last place within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    layer: u32,
    start: u32,
    end: u32,
}

impl Place {
    /// Makes a place of the document's number in the order of precedence, and a range of its text.
    pub(super) fn new(layer: usize, span: Range<usize>) -> Self {
        let [layer, start, end] =
            [layer, span.start, span.end].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self { layer, start, end }
    }

    /// Makes the place of what no document has.
    pub(super) fn nowhere() -> Self {
        Self { layer: u32::MAX, start: 0, end: 0 }
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.layer == u32::MAX
    }

    /// Returns the document's number in the order of precedence.
    pub(crate) fn layer(&self) -> usize {
        self.layer as usize
    }

    /// Returns the range of the document's text.
    pub(crate) fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Clone)]
#[cfg_attr(
    not(all(feature = "toml", feature = "json")),
    allow(dead_code, reason = "each format has values that others lack")
)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Integer(i128),
    /// Above `i128::MAX`.
    Unsigned(u128),
    Float(f64),
    Text(Compact),
    /// A text in which something else may be written: only the type tells.
    Word(Compact),
    /// As it is written in the file.
    Datetime(Compact),
    Array(Vec<Node>),
    /// In the order of the file.
    Table(Table),
}

impl Node {
    /// Tells whether other values are within.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self.kind, Kind::Table(_))
    }

    /// Says what a value is, in words for people.
    pub(super) fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "a null",
            Kind::Bool(_) => "a boolean",
            Kind::Integer(_) | Kind::Unsigned(_) => "an integer",
            Kind::Float(_) => "a number",
            Kind::Text(_) | Kind::Word(_) => "a text",
            Kind::Datetime(_) => "a date or time",
            Kind::Array(_) => "an array",
            Kind::Table(_) => "a table",
        }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        let Kind::Table(table) = &self.kind else { return None };
        table.find(name).and_then(|at| table.get(at)).map(|entry| &entry.value)
    }

    /// Returns the text by which this value tells one element from another.
    pub(super) fn as_key(&self) -> Option<String> {
        match &self.kind {
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Integer(value) => Some(value.to_string()),
            Kind::Unsigned(value) => Some(value.to_string()),
            Kind::Text(text) | Kind::Word(text) | Kind::Datetime(text) => Some(String::from(text.as_str())),
            _ => None,
        }
    }

    /// Goes one step down, by whichever name the file uses.
    pub(super) fn below(&self, here: &Expected, segment: &Segment) -> Option<&Self> {
        match segment {
            Segment::Name(name) => self.child(name).or_else(|| {
                let spellings = here.spellings(name);
                spellings.into_iter().find_map(|spelling| self.child(spelling))
            }),
            Segment::Index(index) => self.element(*index),
            Segment::Identity(parts) => here.position(self, parts).and_then(|at| self.element(at)),
        }
    }

    pub(super) fn element(&self, index: usize) -> Option<&Self> {
        let Kind::Array(elements) = &self.kind else { return None };
        elements.get(index)
    }
}

impl Tree {
    /// Makes a tree that no document has a part in.
    pub(super) fn empty(layers: Arc<[LayerSettings]>) -> Self {
        let root = Node { place: Place::nowhere(), kind: Kind::Table(Table::default()) };
        Self { root, sources: Vec::new(), layers, found: Report::new(), unread: None }
    }

    /// Returns where the value at `path` was set. Where the file has no such value, the nearest one around it counts:
    /// a default is in no file, but the table that lacks it is.
    ///
    /// `path` is spelled as the type `expected` spells it; the file may use an alias.
    pub(crate) fn locate(&self, expected: Expected, path: &FieldPath) -> Place {
        self.nearest(expected, path).0.place.clone()
    }

    /// Returns the value at `path`, or the one of which the type makes that; nothing where no layer sets it.
    pub(crate) fn find(&self, expected: Expected, path: &FieldPath) -> Option<&Node> {
        let (node, steps) = self.nearest(expected, path);
        let is_whole = !matches!(node.kind, Kind::Table(_) | Kind::Array(_) | Kind::Null);
        (steps == path.segments().len() || is_whole).then_some(node)
    }

    /// Returns a path with the first of each field's names, and with the place of each element that is named by its key.
    #[cfg(feature = "tokio")]
    pub(crate) fn canonical(&self, expected: Expected, path: &FieldPath) -> FieldPath {
        self.canonical_by(expected, path, &mut Positions::default())
    }

    /// As [`canonical`](Self::canonical); for many paths, each array is gone through once.
    #[cfg(feature = "tokio")]
    pub(crate) fn canonical_by(
        &self,
        expected: Expected,
        path: &FieldPath,
        positions: &mut Positions,
    ) -> FieldPath {
        let (mut here, mut node) = (expected, Some(&self.root));
        let mut canonical = FieldPath::root();
        for segment in path.segments() {
            let step = match segment {
                Segment::Name(name) => match here.spellings(name).first() {
                    Some(first) => Segment::Name((*first).into()),
                    None => segment.clone(),
                },
                Segment::Identity(parts) => {
                    let at = node.and_then(|node| {
                        let index = positions.entry(canonical.clone());
                        index.or_insert_with(|| here.positions(node)).get(parts).copied()
                    });
                    at.map_or_else(|| segment.clone(), Segment::Index)
                }
                Segment::Index(_) => segment.clone(),
            };
            node = node.and_then(|node| match (segment, &step) {
                (Segment::Identity(_), Segment::Index(at)) => node.element(*at),
                (Segment::Identity(_), _) => None,
                _ => node.below(&here, segment),
            });
            here = here.step(&step);
            canonical.push(step);
        }
        canonical
    }

    /// Goes down a path as far as there is something, and says how many steps that were.
    fn nearest(&self, expected: Expected, path: &FieldPath) -> (&Node, usize) {
        let (mut node, mut steps) = (&self.root, 0);
        let mut expected = expected;
        for segment in path.segments() {
            let Some(child) = node.below(&expected, segment) else { break };
            expected = expected.step(segment);
            node = child;
            steps += 1;
        }
        (node, steps)
    }

    /// Returns what a place is called: a document and, where that is a text, line and column.
    pub(crate) fn position(&self, place: &Place) -> Option<(Origin, Option<Position>)> {
        self.sources.get(place.layer()).map(|source| source.place(place.span().start))
    }

    /// Returns the layer in which a place is.
    pub(crate) fn layer(&self, place: &Place) -> Option<&LayerSettings> {
        self.sources.get(place.layer()).and_then(|source| self.layers.get(source.layer))
    }

    /// Says of a violation where it is.
    pub(crate) fn blame(&self, violation: Violation, place: &Place) -> Violation {
        let Some((origin, position)) = self.position(place) else { return violation };
        let violation = violation.located(origin, position);
        match self.layer(place) {
            Some(layer) => {
                let span = position.map(|_| place.span());
                violation.spanned(Arc::clone(&layer.name), place.layer(), span)
            }
            None => violation,
        }
    }

    /// Returns the format in which the value was written.
    pub(super) fn format(&self, node: &Node) -> Option<Format> {
        self.sources.get(node.place.layer()).and_then(|source| source.document.format())
    }
}

/// Where the elements of arrays are by their keys.
#[cfg(feature = "tokio")]
pub(crate) type Positions = HashMap<FieldPath, HashMap<Vec<String>, usize>>;

/// The values may be secrets, so only the origins are shown.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|source| source.document.origin())).finish()
    }
}

/// A document, of which most are a text.
pub(super) struct Text {
    document: Document,
    /// The number of its layer.
    pub(super) layer: usize,
    /// The length of the byte order mark.
    start: usize,
    /// Made when the first position is asked for.
    index: OnceLock<Index>,
}

/// Spares counting from the start for every position: a report may ask for many, and a text may be one long line.
struct Index {
    /// Where the lines start.
    lines: Vec<usize>,
    /// How many characters start before each block.
    characters: Vec<usize>,
}

/// The length of a block in bytes.
const BLOCK: usize = 4096;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Text {
    /// Takes a document. A byte order mark is no part of its text.
    pub(super) fn new(document: Document, layer: usize) -> Self {
        let start = if document.bytes().starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { document, layer, start, index: OnceLock::new() }
    }

    /// Says what is at a byte offset, or at the number of a single value.
    pub(super) fn place(&self, at: usize) -> (Origin, Option<Position>) {
        match self.document.body() {
            Body::Text(..) => (self.document.origin().clone(), Some(self.position(at))),
            Body::Value(_) => (self.document.origin().clone(), None),
            Body::Settings(settings) => {
                let origin = settings.get(at).map(|setting: &Setting| &setting.origin);
                (origin.unwrap_or(self.document.origin()).clone(), None)
            }
        }
    }

    pub(super) fn document(&self) -> &Document {
        &self.document
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.document.bytes()[self.start..]
    }

    /// Finds the position of a byte offset; characters are counted up to it, or up to the first that is not UTF-8.
    pub(super) fn position(&self, offset: usize) -> Position {
        let bytes = self.bytes();
        let offset = offset.min(bytes.len());
        let index = self.index.get_or_init(|| Index::new(bytes));
        let line = index.lines.partition_point(|start| *start <= offset);
        let start = index.lines[..line].last().copied().unwrap_or(0);
        let characters = index.characters_before(bytes, offset) - index.characters_before(bytes, start);
        Position { line, column: characters + 1 }
    }
}

impl Index {
    fn new(bytes: &[u8]) -> Self {
        let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let lines = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let characters = bytes.chunks(BLOCK).scan(0, |before, block| {
            let here = *before;
            *before += characters(block);
            Some(here)
        });
        Self { lines, characters: characters.collect() }
    }

    fn characters_before(&self, bytes: &[u8], offset: usize) -> usize {
        let block = (offset / BLOCK).min(self.characters.len().saturating_sub(1));
        self.characters.get(block).copied().unwrap_or(0) + characters(&bytes[block * BLOCK..offset])
    }
}

/// Counts characters; a continuation byte starts none.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}
