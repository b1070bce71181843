//! From the bytes of all layers to one tree, and from the tree to a value.

mod compact;
mod custom;
mod decode;
mod expected;
#[cfg(feature = "tokio")]
mod explain;
mod faults;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "jsonc")]
mod jsonc;
mod merge;
mod mistaken;
#[cfg(feature = "yaml")]
mod offset;
#[cfg(feature = "fs")]
mod piece;
mod probe;
mod quote;
mod secrets;
mod settings;
mod table;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod unknown;
mod written;
#[cfg(feature = "yaml")]
mod yaml;

use std::sync::Arc;

use crate::describe::Description;
use crate::document::{Body, Format, Setting};
use crate::layer::{Arrays, Layers, Lint};
use crate::parsed::DEPTH;
use crate::path::FieldPath;
use crate::report::{Position, Report, Secrets, Violation};

use self::tree::{Kind, Text};

pub(crate) use self::decode::decode;
pub use self::decode::{Error, ValueDeserializer};
pub(crate) use self::expected::Expected;
#[cfg(feature = "tokio")]
pub(crate) use self::explain::{Part, part, parts};
pub(crate) use self::faults::faults;
#[cfg(all(feature = "json", feature = "tokio"))]
pub(crate) use self::json::to_json;
#[cfg(feature = "fs")]
pub(crate) use self::piece::{Piece, Refused, Whole};
pub(crate) use self::probe::probe;
pub use self::probe::{Probe, Probed, Site};
pub(crate) use self::quote::quoted;
#[cfg(feature = "tokio")]
pub(crate) use self::secrets::hidden;
#[cfg(feature = "fs")]
pub(crate) use self::secrets::secret_layers;
#[cfg(feature = "tokio")]
pub(crate) use self::tree::Positions;
pub(crate) use self::tree::{Node, Place, Tree};
pub(crate) use self::unknown::unknown_keys;

/// How many faults of one document are reported: the rest of a garbled one says nothing more.
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
    fn duplicate(at: usize, key: &str, first: Option<Position>) -> Self {
        let first = first.map_or_else(String::new, |first| format!(", first set at {first}"));
        let redacted = Some(format!("duplicate key{first}"));
        Self { redacted, ..Self::new(at, "duplicate_key", format!("duplicate key `{key}`{first}")) }
    }

    fn too_deep(at: usize) -> Self {
        Self::new(at, "depth", format!("nested more than {DEPTH} levels deep"))
    }
}

/// Reads all documents and lays them over each other, the last on top.
///
/// # Errors
///
/// Everything that is wrong with any document's text. What else is wrong the tree has.
pub(crate) fn read(layers: &Layers, description: Description) -> Result<Tree, Report> {
    let mut tree = read_each(layers, description, |_, _, _| {});
    match tree.unread {
        None => Ok(tree),
        Some(_) => Err(quoted(std::mem::take(&mut tree.found), &tree, &Expected::new(description))),
    }
}

/// How far a document has come.
#[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "only snapshots explain themselves"))]
pub(crate) enum Step<'n> {
    /// It was read; this is what it holds.
    Read(&'n Node),
    /// It is a part of the tree.
    Laid,
}

/// As [`read`], but leaves out each document that cannot be read; `each` is told the number of each other one, and sees
/// the tree before and after that is laid over it.
pub(crate) fn read_each(
    layers: &Layers,
    description: Description,
    mut each: impl FnMut(&Tree, usize, Step<'_>),
) -> Tree {
    let expected = Expected::new(description);
    let secretive = expected.holds_any_secret();
    let mut tree = Tree::empty(Arc::clone(&layers.settings));
    let mut bodies = Vec::with_capacity(layers.documents.len());
    for (source, (layer, document)) in layers.documents.iter().enumerate() {
        let text = Text::new(document.clone(), *layer);
        let body = body(&text, source);
        tree.sources.push(text);
        match body {
            Ok(body) => bodies.push((source, body)),
            Err(faults) => {
                tree.unread = Some(source);
                let faults: Vec<_> = faults
                    .into_iter()
                    .map(|fault| {
                        let redacted = fault.redacted.filter(|_| secretive);
                        let message = redacted.unwrap_or(fault.message);
                        let violation = Violation::new(FieldPath::root(), fault.code, message);
                        tree.blame(violation, &Place::new(source, fault.at..fault.at))
                    })
                    .collect();
                tree.found.extend(faults);
            }
        }
    }
    for (source, body) in bodies {
        let layer = layers.documents.get(source).and_then(|(layer, _)| layers.settings.get(*layer));
        let arrays = layer.map(|layer| layer.arrays).unwrap_or_default();
        match body {
            Read::Node(node) => {
                if secretive {
                    secrets::judge(&mut tree, &node, &expected, source, layers.lints);
                }
                each(&tree, source, Step::Read(&node));
                lay(&mut tree, node, &expected, arrays);
            }
            Read::Settings(settings) => {
                let unknown = layer.and_then(|layer| layer.unknown).unwrap_or(layers.lints.unknown_keys);
                set(&mut tree, &settings, source, &expected, (arrays, unknown));
                if secretive {
                    secrets::judge_settings(&mut tree, &expected, source, layers.lints);
                }
            }
        }
        each(&tree, source, Step::Laid);
    }
    tree
}

/// What a document is before it is laid over the others.
enum Read {
    Node(Node),
    Settings(Arc<[Setting]>),
}

fn body(text: &Text, source: usize) -> Result<Read, Vec<Fault>> {
    match text.document().body() {
        Body::Text(format, _) => parse(text, *format, source).map(Read::Node),
        Body::Settings(settings) => Ok(Read::Settings(Arc::clone(settings))),
        Body::Value(value) => {
            let place = Place::new(source, 0..0);
            let node = written::of_value(value, &place).unwrap_or(Node { place, kind: Kind::Null });
            if written::depth(&node) > DEPTH {
                return Err(vec![Fault::too_deep(0)]);
            }
            table_only(node).map(Read::Node)
        }
    }
}

/// Lays a layer over those below it.
fn lay(tree: &mut Tree, layer: Node, expected: &Expected, arrays: Arrays) {
    if tree.root.place.is_nowhere() {
        if matches!(&tree.root.kind, Kind::Table(table) if table.is_empty()) {
            tree.root = layer;
            return;
        }
        // What lacks a value is blamed on the lowest document that could have it.
        tree.root.place = layer.place.clone();
    }
    for disagreement in merge::merge(&mut tree.root, layer, expected, arrays) {
        let path = expected.shown(disagreement.path);
        let message = against(tree, disagreement.message, &disagreement.earlier);
        let violation = tree.blame(Violation::new(path, "shape", message), &disagreement.later);
        tree.found.push(violation);
    }
}

/// Adds to a message where that is set with which something does not go.
fn against(tree: &Tree, message: String, earlier: &Place) -> String {
    match tree.position(earlier) {
        Some((origin, Some(position))) => format!("{message} in {origin}:{position}"),
        Some((origin, None)) => format!("{message} in {origin}"),
        None => message,
    }
}

/// Lays single values over the layers below.
fn set(
    tree: &mut Tree,
    settings: &[Setting],
    source: usize,
    expected: &Expected,
    (arrays, unknown): (Arrays, Lint),
) {
    let mut unknowns = 0;
    for problem in settings::apply(&mut tree.root, settings, source, expected, arrays) {
        let settings::Problem { at, path, code, mut message, earlier, is_strict } = problem;
        if let Some(earlier) = earlier {
            message = against(tree, message, &earlier);
        }
        let place = Place::new(source, at..at + 1);
        let violation = tree.blame(Violation::new(path, code, message), &place);
        let is_judged = code == settings::UNKNOWN && !is_strict;
        unknowns += usize::from(is_judged);
        if is_judged && unknowns > unknown::REPORTED {
            continue;
        }
        tree.found.extend(if is_judged { unknown.judge(violation) } else { Some(violation) });
    }
}

fn parse(text: &Text, format: Format, layer: usize) -> Result<Node, Vec<Fault>> {
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
    let origin = text.document().origin();
    read_as(format, content, layer).map_err(|faults| mistaken::explain(faults, format, origin, content))
}

fn read_as(format: Format, content: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    let root = match format {
        #[cfg(feature = "toml")]
        Format::Toml => toml::parse(content, layer),
        #[cfg(feature = "json")]
        Format::Json => json::parse(content, layer),
        #[cfg(feature = "jsonc")]
        Format::Jsonc => jsonc::parse(content, layer),
        #[cfg(feature = "yaml")]
        Format::Yaml => yaml::parse(content, layer),
        Format::Custom(format) => custom::parse(format, content, layer),
        #[cfg(not(all(feature = "toml", feature = "jsonc", feature = "yaml")))]
        format => unreadable(format),
    }?;
    table_only(root)
}

fn table_only(root: Node) -> Result<Node, Vec<Fault>> {
    if matches!(root.kind, Kind::Table(_)) {
        return Ok(root);
    }
    let message = format!("the document is {}, a configuration is a table", root.noun());
    Err(vec![Fault::new(root.place.span().start, "shape", message)])
}

/// Refuses a format that this build cannot read.
#[cfg(not(all(feature = "toml", feature = "jsonc", feature = "yaml")))]
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
    use crate::document::{Document, Origin};

    #[test]
    fn a_format_whose_feature_is_off_is_refused_with_its_name() {
        let document = Document::new(Origin::file("app.toml"), Format::Toml, *b"a = 1");
        let report = read(&Layers::of(&[document]), Description::new("App", Shape::Opaque)).err();
        assert_eq!(
            report.map(|report| report.to_string()).as_deref(),
            Some(
                "app.toml:1:1  TOML is read with the feature `toml` of `reloadable`, which is off  [format]"
            )
        );
    }
}
