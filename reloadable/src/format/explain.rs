//! What a document has a part in.

use crate::document::Body;
use crate::path::{FieldPath, Segment};
use crate::value::Value;

use super::expected::Expected;
use super::tree::{Kind, Node, Place, Tree};

/// What one document says of a field.
pub(crate) struct Part {
    pub(crate) path: FieldPath,
    pub(crate) value: Value<'static>,
    pub(crate) place: Place,
}

/// Returns what of a value comes from the document of this number, without its secrets; nothing where none of it does.
/// `secretive` is whether the configuration has any.
pub(crate) fn part(
    node: &Node,
    here: &Expected,
    source: usize,
    secretive: bool,
) -> Option<(Value<'static>, Place)> {
    let mut found = None;
    let value = shown(node, here, source, secretive, &mut found)?;
    found.map(|place| (value, place))
}

/// Returns every field that a document sets by itself. An array is one field, and so is what `is_field` says is one.
pub(crate) fn parts(
    tree: &Tree,
    node: Option<&Node>,
    expected: &Expected,
    source: usize,
    is_field: &dyn Fn(&FieldPath) -> bool,
) -> Vec<Part> {
    let mut gathered = Gathered {
        is_field,
        source,
        secretive: expected.holds_any_secret(),
        path: FieldPath::root(),
        parts: Vec::new(),
    };
    let is_single =
        tree.sources.get(source).is_some_and(|text| matches!(text.document().body(), Body::Settings(_)));
    match node {
        Some(node) => gathered.visit(node, expected),
        None if is_single => gathered.visit(&tree.root, expected),
        None => {}
    }
    gathered.parts
}

struct Gathered<'f> {
    is_field: &'f dyn Fn(&FieldPath) -> bool,
    source: usize,
    secretive: bool,
    path: FieldPath,
    parts: Vec<Part>,
}

impl Gathered<'_> {
    fn visit(&mut self, node: &Node, here: &Expected) {
        let entries = match &node.kind {
            Kind::Table(entries)
                if !entries.is_empty() && !here.is_secret_here() && !(self.is_field)(&self.path) =>
            {
                entries
            }
            // An empty table sets nothing, unless it is what a field holds.
            Kind::Table(entries) if entries.is_empty() && !(self.is_field)(&self.path) => return,
            _ => {
                let mut place = None;
                let value = shown(node, here, self.source, self.secretive, &mut place);
                if let (Some(value), Some(place)) = (value, place) {
                    self.parts.push(Part { path: self.path.clone(), value, place });
                }
                return;
            }
        };
        for entry in entries.iter() {
            // A field is named as its type names it, whichever of its names the file uses.
            let spelling = here.spellings(&entry.key).first().map(|name| (*name).to_owned());
            let segment = Segment::Name(spelling.unwrap_or_else(|| String::from(entry.key.as_str())).into());
            let below = here.step(&segment);
            self.path.push(segment);
            self.visit(&entry.value, &below);
            self.path.pop();
        }
    }
}

/// Makes of a node what may be shown of it, as far as it comes from this document; `found` is where that begins.
fn shown(
    node: &Node,
    here: &Expected,
    source: usize,
    secretive: bool,
    found: &mut Option<Place>,
) -> Option<Value<'static>> {
    if !super::secrets::holds(node, source) {
        return None;
    }
    if node.place.layer() == source {
        found.get_or_insert_with(|| node.place.clone());
    }
    // A key that no field has may be that of a secret, misspelt.
    if (secretive && here.is_unknown()) || !here.shows(&node.kind) {
        found.get_or_insert_with(|| super::secrets::place(node, Some(source)));
        return Some(Value::Secret);
    }
    Some(match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Integer(value) => Value::Integer(*value),
        Kind::Unsigned(value) => Value::Unsigned(*value),
        Kind::Float(value) => Value::Float(*value),
        Kind::Text(text) | Kind::Word(text) | Kind::Datetime(text) => Value::Text(text.clone().into()),
        Kind::Array(elements) => {
            let elements = elements.iter().enumerate();
            Value::List(
                elements
                    .filter_map(|(index, element)| {
                        shown(element, &here.step(&Segment::Index(index)), source, secretive, found)
                    })
                    .collect(),
            )
        }
        Kind::Table(entries) => Value::Table(
            entries
                .iter()
                .filter_map(|entry| {
                    let below = here.step(&Segment::Name(entry.key.clone().into()));
                    Some((entry.key.clone().into(), shown(&entry.value, &below, source, secretive, found)?))
                })
                .collect(),
        ),
    })
}
