//! From the tree to a value, by serde: every error knows the place of the value that it is about.

mod enumeration;
mod error;
mod key;
mod value;

use serde::de::DeserializeOwned;

use crate::path::{FieldPath, Segment};
use crate::report::{Secrets, Violation};

use super::expected::Expected;
use super::tree::{Kind, Node, Place, Tree};

pub use self::error::Error;
pub(super) use self::error::Fault;
pub use self::value::ValueDeserializer;

/// Decodes a value. An error about a secret does not quote it.
///
/// # Errors
///
/// What is wrong with the first value that does not fit.
pub(crate) fn decode<T: DeserializeOwned>(tree: &Tree, expected: &Expected) -> Result<T, Box<Violation>> {
    T::deserialize(ValueDeserializer::new(tree, &tree.root))
        .map_err(|error| Box::new(violation(tree, expected, error.within(&tree.root).into_fault())))
}

/// Tells of a fault whose path starts at the root. An error about a secret does not quote it.
pub(super) fn violation(tree: &Tree, root: &Expected, fault: Fault) -> Violation {
    let mut path = FieldPath::from(fault.path);
    // Out of serde's own buffer comes the error without its way, so only a field that is known here is named.
    if let Some(field) = fault.missing {
        let here = path.segments().iter().fold(root.clone(), |here, segment| here.step(segment));
        if !here.spellings(field).is_empty() {
            path.push(Segment::Name(field.into()));
        }
    }
    let message = if root.holds_secret(&path) { fault.redacted } else { fault.message };
    let violation = Violation::new(root.shown(path), fault.code, message);
    match fault.place {
        Some(place) => tree.blame(violation, &place),
        None => violation,
    }
}

/// Stands for a field that is not there: as for serde, only an `Option` can be made of it.
pub(super) fn missing() -> Node {
    Node { place: Place::nowhere(), kind: Kind::Null }
}

/// Tells whether this is what [`missing`] makes. A null that was written stands in some document.
pub(super) fn is_missing(node: &Node) -> bool {
    matches!(node.kind, Kind::Null) && node.place.is_nowhere()
}

/// Makes the step to a key, as the file spells it.
fn name(key: &str) -> Segment {
    Segment::Name(key.to_owned().into())
}

/// Ends the decoding of a part: an error that has no place yet is about this node.
fn within<T>(result: Result<T, Error>, node: &Node) -> Result<T, Error> {
    result.map_err(|error| error.within(node))
}
