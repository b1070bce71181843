//! A text that is read once, and pieces of it that are decoded by themselves.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::document::Document;
use crate::layer::{LayerSettings, Naming};
use crate::path::{FieldPath, Segment};
use crate::report::{Report, Violation};

use super::tree::{Kind, Node, Place, Text, Tree};
use super::{Read, body};

/// A text that was read.
pub(crate) struct Whole {
    root: Node,
    text: Text,
    layers: Arc<[LayerSettings]>,
    fingerprint: OnceLock<u64>,
}

/// One value in a text.
#[derive(Clone)]
pub(crate) struct Piece {
    whole: Result<Arc<Whole>, Arc<Refused>>,
    path: FieldPath,
}

/// What is wrong with a text, so that there are no pieces of it.
pub(crate) struct Refused {
    report: Report,
    fingerprint: OnceLock<u64>,
}

impl Refused {
    pub(crate) fn new(report: Report) -> Self {
        Self { report, fingerprint: OnceLock::new() }
    }
}

impl Whole {
    /// Reads a text of which nobody knows the type. If it `is_one`, it is the only piece.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. What may be a secret is not in it.
    pub(crate) fn read(document: Document, is_one: bool) -> Result<Self, Report> {
        let settings = LayerSettings::new(document.origin().to_string());
        // Where something is set by a piece's own path is not where it is set in the text.
        let naming = if is_one { Naming::Key } else { Naming::None };
        let layers = [LayerSettings { naming, ..settings }].into();
        let text = Text::new(document, 0);
        match body(&text, 0) {
            Ok(Read::Node(root)) => Ok(Self { root, text, layers, fingerprint: OnceLock::new() }),
            Ok(Read::Settings(_)) => {
                Err(Violation::new(FieldPath::root(), "shape", "it is not a text").into())
            }
            Err(faults) => {
                let violations = faults.into_iter().map(|fault| {
                    let message = fault.redacted.unwrap_or(fault.message);
                    let (origin, position) = text.place(fault.at);
                    Violation::new(FieldPath::root(), fault.code, message).located(origin, position)
                });
                let mut report = Report::new();
                report.extend(violations);
                Err(report)
            }
        }
    }

    /// Returns the paths of the elements of an array, none where there is no such array.
    ///
    /// # Errors
    ///
    /// There is something else.
    pub(crate) fn elements(&self, array: &FieldPath) -> Result<Vec<FieldPath>, Report> {
        let Some(node) = self.find(array) else { return Ok(Vec::new()) };
        let Kind::Array(elements) = &node.kind else {
            let message = format!("expected an array, this is {}", node.noun());
            return Err(self.blame(Violation::new(array.clone(), "type", message), &node.place).into());
        };
        let path = |index| {
            let mut path = array.clone();
            path.push(Segment::Index(index));
            path
        };
        Ok((0..elements.len()).map(path).collect())
    }

    /// Returns what one field of the value at `path` holds, as the text by which that value is told from others.
    ///
    /// # Errors
    ///
    /// It is not there, or no such text.
    pub(crate) fn key(&self, path: &FieldPath, field: &str) -> Result<String, Report> {
        let node = self.find(path).unwrap_or(&self.root);
        let mut at = path.clone();
        at.push(Segment::Name(field.to_owned().into()));
        let Some(value) = node.child(field) else {
            let message = format!("there is no `{field}`, by which it would be known");
            return Err(self.blame(Violation::new(at, "missing", message), &node.place).into());
        };
        value.as_key().filter(|key| !key.is_empty()).ok_or_else(|| {
            let message = match &value.kind {
                Kind::Text(_) | Kind::Word(_) => "it is empty, so it is known by nothing".to_owned(),
                _ => format!("{} is nothing to be known by", value.noun()),
            };
            self.blame(Violation::new(at, "key", message), &value.place).into()
        })
    }

    /// Says of a violation of a piece in which line that piece is.
    pub(crate) fn locate(&self, violation: Violation) -> Violation {
        let place = self.find(violation.path()).unwrap_or(&self.root).place.clone();
        self.blame(violation, &place)
    }

    fn find(&self, path: &FieldPath) -> Option<&Node> {
        path.segments().iter().try_fold(&self.root, |node, segment| match segment {
            Segment::Name(name) => node.child(name),
            Segment::Index(index) => node.element(*index),
            Segment::Identity(_) => None,
        })
    }

    fn blame(&self, violation: Violation, place: &Place) -> Violation {
        let (origin, position) = self.text.place(place.span().start);
        violation.located(origin, position)
    }
}

impl Piece {
    pub(crate) fn new(whole: Arc<Whole>, path: FieldPath) -> Self {
        Self { whole: Ok(whole), path }
    }

    /// Stands for a piece that was there before the text was refused.
    pub(crate) fn refused(refused: Arc<Refused>) -> Self {
        Self { whole: Err(refused), path: FieldPath::root() }
    }

    pub(crate) fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Returns the mark of the whole text, made of it when it is first asked for.
    pub(crate) fn fingerprint(&self, make: impl FnOnce() -> Option<u64>) -> Option<u64> {
        let fingerprint = match &self.whole {
            Ok(whole) => &whole.fingerprint,
            Err(refused) => &refused.fingerprint,
        };
        match fingerprint.get() {
            Some(known) => Some(*known),
            None => make().map(|made| *fingerprint.get_or_init(|| made)),
        }
    }

    /// Returns a tree of nothing but this piece.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, where there are no pieces of it.
    pub(crate) fn tree(&self) -> Result<Tree, Report> {
        let whole = self.whole.as_ref().map_err(|refused| refused.report.clone())?;
        let mut tree = Tree::empty(Arc::clone(&whole.layers));
        tree.sources.push(Text::new(whole.text.document().clone(), 0));
        if let Some(node) = whole.find(&self.path) {
            tree.root = node.clone();
        }
        Ok(tree)
    }
}

/// The values may be secrets, so only the places are shown.
impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whole {
            Ok(whole) => write!(f, "Piece({} {})", whole.text.document().origin(), self.path),
            Err(_) => write!(f, "Piece(refused)"),
        }
    }
}
