//! From the tree to a value, by serde: every error knows the place of the value that it is about.

mod enumeration;
mod error;
mod key;
mod value;

use serde::de::DeserializeOwned;

use crate::path::{FieldPath, Segment};
use crate::report::{Secrets, Violation};

use super::expected::Expected;
use super::tree::{Node, Tree};

use self::error::{Error, Fault};
use self::value::ValueDeserializer;

/// Decodes a value. An error about a secret does not quote it.
///
/// # Errors
///
/// What is wrong with the first value that does not fit.
pub(crate) fn decode<T: DeserializeOwned>(tree: &Tree, expected: &Expected) -> Result<T, Box<Violation>> {
    T::deserialize(ValueDeserializer::new(tree, &tree.root))
        .map_err(|error| Box::new(violation(tree, expected, error.within(&tree.root).into_fault())))
}

fn violation(tree: &Tree, root: &Expected, fault: Fault) -> Violation {
    let path = FieldPath::from(fault.path);
    let message = if root.holds_secret(&path) { fault.redacted } else { fault.message };
    let violation = Violation::new(root.shown(path), fault.code, message);
    match fault.place {
        Some(place) => tree.blame(violation, &place),
        None => violation,
    }
}

/// Makes the step to a key, as the file spells it.
fn name(key: &str) -> Segment {
    Segment::Name(key.to_owned().into())
}

/// Ends the decoding of a part: an error that has no place yet is about this node.
fn within<T>(result: Result<T, Error>, node: &Node) -> Result<T, Error> {
    result.map_err(|error| error.within(node))
}
