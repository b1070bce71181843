//! From the bytes of all layers to one tree, and from the tree to a value.

mod decode;
mod expected;
mod faults;
#[cfg(feature = "json")]
mod json;
mod merge;
mod probe;
mod table;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod unknown;

use crate::describe::Description;
use crate::document::{Document, Format};
use crate::path::FieldPath;
#[cfg(any(feature = "json", feature = "toml"))]
use crate::report::Position;
use crate::report::{Report, Secrets, Violation};

use self::tree::{Kind, Node, Text};

pub(crate) use self::decode::decode;
pub use self::decode::{Error, ValueDeserializer};
pub(crate) use self::expected::Expected;
pub(crate) use self::faults::faults;
pub(crate) use self::probe::probe;
pub use self::probe::{Probe, Probed, Site};
pub(crate) use self::tree::Tree;
pub(crate) use self::unknown::unknown_keys;

/// How deep tables and arrays may be nested. Every walk through a tree is recursive, so this bounds the stack.
#[cfg(any(feature = "json", feature = "toml"))]
const DEPTH: usize = 128;

/// How many faults of one document are reported: the rest of a garbled one says nothing more.
#[cfg(any(feature = "json", feature = "toml"))]
const REPORTED: usize = 20;

/// What is wrong with a document's text.
struct Fault {
    /// Where, in bytes of the text.
    at: usize,
    code: &'static str,
    message: String,
    /// The message without anything that may be a secret, where that is another one.
    redacted: Option<String>,
}

impl Fault {
    fn new(at: usize, code: &'static str, message: impl Into<String>) -> Self {
        Self { at, code, message: message.into(), redacted: None }
    }

    /// Which type a key belongs to is not known yet, so it may be a secret's wherever there is one.
    #[cfg(any(feature = "json", feature = "toml"))]
    fn duplicate(at: usize, key: &str, first: Option<Position>) -> Self {
        let first = first.map_or_else(String::new, |first| format!(", first set at {first}"));
        let redacted = Some(format!("duplicate key{first}"));
        Self { redacted, ..Self::new(at, "duplicate_key", format!("duplicate key `{key}`{first}")) }
    }

    #[cfg(any(feature = "json", feature = "toml"))]
    fn too_deep(at: usize) -> Self {
        Self::new(at, "depth", format!("nested more than {DEPTH} levels deep"))
    }
}

/// Reads all documents and lays them over each other, the last on top.
///
/// # Errors
///
/// Everything that is wrong with any document's text; if there is nothing, every place where two of them disagree on
/// what is a table.
pub(crate) fn read(documents: &[Document], description: Description) -> Result<Tree, Report> {
    let expected = Expected::new(description);
    let secretive = expected.holds_any_secret();
    let mut report = Report::new();
    let mut tree = Tree::empty();
    let mut layers = Vec::with_capacity(documents.len());
    for (layer, document) in documents.iter().enumerate() {
        let text = Text::new(document.clone());
        match parse(&text, layer) {
            Ok(node) => layers.push(node),
            Err(faults) => report.extend(faults.into_iter().map(|fault| {
                let redacted = fault.redacted.filter(|_| secretive);
                Violation::new(FieldPath::root(), fault.code, redacted.unwrap_or(fault.message))
                    .located(document.origin().clone(), Some(text.position(fault.at)))
            })),
        }
        tree.sources.push(text);
    }
    if !report.is_empty() {
        return Err(report);
    }
    let mut layers = layers.into_iter();
    if let Some(first) = layers.next() {
        tree.root = first;
    }
    for layer in layers {
        for disagreement in merge::merge(&mut tree.root, layer, &expected) {
            let path = expected.shown(disagreement.path);
            let mut violation = Violation::new(path, "shape", disagreement.message);
            if let Some((origin, position)) = tree.position(&disagreement.earlier) {
                let message = format!("{} in {origin}:{position}", violation.message());
                violation = Violation::new(violation.path().clone(), "shape", message);
            }
            if let Some((origin, position)) = tree.position(&disagreement.later) {
                violation = violation.located(origin, Some(position));
            }
            report.push(violation);
        }
    }
    if report.is_empty() { Ok(tree) } else { Err(report) }
}

#[cfg_attr(
    not(any(feature = "toml", feature = "json")),
    expect(unused_variables, reason = "nothing can be read")
)]
fn parse(text: &Text, layer: usize) -> Result<Node, Vec<Fault>> {
    let content = std::str::from_utf8(text.bytes()).map_err(|error| {
        let at = error.valid_up_to();
        let byte = text.bytes().get(at).copied().unwrap_or_default();
        vec![Fault::new(at, "encoding", format!("not UTF-8: the byte 0x{byte:02X} does not belong here"))]
    })?;
    if content.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}').is_empty()
    {
        // More often a write that has begun than a wish for all defaults.
        let message = "the document is empty; if that is meant, write a comment into it, or `{}` for JSON";
        return Err(vec![Fault::new(0, "empty", message)]);
    }
    let root = match text.document().format() {
        #[cfg(feature = "toml")]
        Format::Toml => toml::parse(content, layer),
        #[cfg(feature = "json")]
        Format::Json => json::parse(content, layer),
        #[cfg(not(all(feature = "toml", feature = "json")))]
        format => unreadable(format),
    }?;
    if !matches!(root.kind, Kind::Table(_)) {
        let message = format!("the document is {}, a configuration is a table", root.noun());
        return Err(vec![Fault::new(root.place.span.start, "shape", message)]);
    }
    Ok(root)
}

/// Refuses a format that this build cannot read.
#[cfg(not(all(feature = "toml", feature = "json")))]
fn unreadable(format: Format) -> Result<Node, Vec<Fault>> {
    let feature = format.to_string().to_lowercase();
    let message = format!("{format} is read with the feature `{feature}` of `reloadable`, which is off");
    Err(vec![Fault::new(0, "format", message)])
}

/// How many names a message lists.
const LISTED: usize = 12;

/// Says which names there are.
fn listed(names: &[&str], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    let shown: Vec<_> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let one_of = if names.len() > 1 { "one of " } else { "" };
    let more = if names.len() > LISTED { ", .." } else { "" };
    format!("expected {one_of}{}{more}", shown.join(", "))
}

#[cfg(all(test, not(feature = "toml")))]
mod tests {
    use super::*;
    use crate::describe::Shape;
    use crate::document::Origin;

    #[test]
    fn a_format_whose_feature_is_off_is_refused_with_its_name() {
        let document = Document::new(Origin::file("app.toml"), Format::Toml, *b"a = 1");
        let report = read(&[document], Description::new("App", Shape::Opaque)).err();
        assert_eq!(
            report.map(|report| report.to_string()).as_deref(),
            Some(
                "app.toml:1:1  TOML is read with the feature `toml` of `reloadable`, which is off  [format]"
            )
        );
    }
}
