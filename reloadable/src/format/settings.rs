//! Single values by name, as variables and arguments give them, laid over the tree.

use std::collections::HashMap;

use crate::document::{Given, Name, Setting, Words};
use crate::layer::Arrays;
use crate::nearest::nearest;
use crate::path::{FieldPath, Segment};
use crate::report::Secrets as _;

use super::expected::Expected;
use super::listed;
use super::merge::merge;
use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};
use super::written;

/// What is wrong with one of the settings.
pub(super) struct Problem {
    /// The number of the setting.
    pub(super) at: usize,
    pub(super) path: FieldPath,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// The code of a problem that is only as bad as the user finds it: the name stands for no field.
pub(super) const UNKNOWN: &str = "unknown_key";

/// Lays settings over a tree. They are as one document, so the order among them does not count, but for a value and a
/// part of it: the part goes on top.
pub(super) fn apply(
    root: &mut Node,
    settings: &[Setting],
    source: usize,
    expected: &Expected,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut resolved = Vec::with_capacity(settings.len());
    for (at, setting) in settings.iter().enumerate() {
        let mut problem = |path: Vec<_>, code, message| {
            problems.push(Problem { at, path: expected.shown(path.into()), code, message });
        };
        match resolve(&setting.name, root, expected) {
            Ok(path) => match &setting.value {
                Given::Refused(code, message) => problem(path, code, message.clone()),
                _ => resolved.push((at, setting, path)),
            },
            Err(Stuck { path, message }) => problem(path, UNKNOWN, message),
        }
    }
    resolved.sort_by_key(|(_, _, path)| path.len());
    let mut known: HashMap<Vec<Segment>, &Setting> = HashMap::new();
    for (at, setting, path) in resolved {
        let mut problem = |code, message| {
            problems.push(Problem { at, path: expected.shown(path.clone().into()), code, message });
        };
        if let Some(first) = known.get(&path) {
            problem("duplicate_key", format!("{} sets this field as well; keep one of them", first.origin));
            continue;
        }
        let place = Place::new(source, at..at + 1);
        let here = path.iter().fold(expected.clone(), |here, segment| here.step(segment));
        match node(&setting.value, &here, &place) {
            Ok(node) => {
                if let Err(message) = put(root, &path, node, expected, &place) {
                    problem("shape", message);
                }
            }
            Err((code, message)) => {
                let is_quotable = !here.holds_any_secret();
                problem(code, if is_quotable { message } else { "it cannot be read".to_owned() });
            }
        }
        known.insert(path, setting);
    }
    problems
}

/// A name that leads nowhere: how far it led, and why no further.
struct Stuck {
    path: Vec<Segment>,
    message: String,
}

fn resolve(name: &Name, root: &Node, expected: &Expected) -> Result<Vec<Segment>, Stuck> {
    match name {
        Name::Words(words) => {
            let found = words.resolve(&words.words, Some(root), expected);
            found.ok_or_else(|| words.stuck(root, expected))
        }
        Name::Path(path) => follow(path, root, expected),
    }
}

/// Goes down a path that is spelled as in a file. Elements of a list may be named by their key.
fn follow(path: &FieldPath, root: &Node, expected: &Expected) -> Result<Vec<Segment>, Stuck> {
    let (mut here, mut node) = (expected.clone(), Some(root));
    let mut found = Vec::new();
    for segment in path.segments() {
        let next = match segment {
            Segment::Name(name) => {
                let names = here.names();
                if !here.is_open() && !names.contains(&name.as_ref()) {
                    return Err(Stuck { path: with(found, segment.clone()), message: unknown(name, &names) });
                }
                node = node.and_then(|node| child(node, name, &here));
                segment.clone()
            }
            Segment::Index(index) => {
                node = node.and_then(|node| node.element(*index));
                segment.clone()
            }
            Segment::Identity(parts) => {
                let at = node.and_then(|node| position(node, parts, &here));
                let Some(at) = at else {
                    let message = "there is no such element in the layers below".to_owned();
                    return Err(Stuck { path: with(found, segment.clone()), message });
                };
                node = node.and_then(|node| node.element(at));
                Segment::Index(at)
            }
        };
        here = here.step(&next);
        found.push(next);
    }
    Ok(found)
}

fn with(mut path: Vec<Segment>, segment: Segment) -> Vec<Segment> {
    path.push(segment);
    path
}

fn unknown(name: &str, names: &[&str]) -> String {
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("there is no field of this name, did you mean `{near}`?"),
        None => format!("there is no field of this name, {}", listed(names, "there are no fields here")),
    }
}

/// Finds the element that these parts of its key name.
fn position(node: &Node, parts: &[String], here: &Expected) -> Option<usize> {
    let key = here.key()?;
    let below = here.step(&Segment::Index(0));
    let Kind::Array(elements) = &node.kind else { return None };
    elements
        .iter()
        .position(|element| below.identity(element, &key).is_some_and(|identity| identity == parts))
}

fn child<'n>(node: &'n Node, name: &str, here: &Expected) -> Option<&'n Node> {
    node.child(name).or_else(|| here.spellings(name).into_iter().find_map(|spelling| node.child(spelling)))
}

impl Words {
    /// Finds the field that these words name. Longer names are tried first where words may be joined.
    fn resolve(&self, words: &[String], node: Option<&Node>, here: &Expected) -> Option<Vec<Segment>> {
        if words.is_empty() {
            return Some(Vec::new());
        }
        let most = if self.may_join { words.len() } else { 1 };
        (1..=most).rev().find_map(|count| {
            let (first, rest) = words.split_at_checked(count)?;
            let segment = self.segment(&first.join("_"), node, here)?;
            let below = here.step(&segment);
            let inner = node.and_then(|node| match &segment {
                Segment::Name(name) => child(node, name, here),
                Segment::Index(index) => node.element(*index),
                Segment::Identity(_) => None,
            });
            let found = self.resolve(rest, inner, &below)?;
            Some(std::iter::once(segment).chain(found).collect())
        })
    }

    /// Finds what one word stands for.
    fn segment(&self, word: &str, node: Option<&Node>, here: &Expected) -> Option<Segment> {
        let names = here.names();
        let plain = plain(word);
        let own = names.iter().find(|name| **name == word).or_else(|| {
            // An empty word is no name.
            names.iter().find(|name| !plain.is_empty() && self::plain(name) == plain)
        });
        if let Some(name) = own {
            return Some(Segment::Name((*name).into()));
        }
        if here.shapes().iter().any(|shape| shape.is_row()) {
            return word.parse().ok().map(Segment::Index);
        }
        if !here.is_open() || word.is_empty() {
            return None;
        }
        let entries = match node.map(|node| &node.kind) {
            Some(Kind::Table(entries)) => &**entries,
            _ => &[],
        };
        let same = entries.iter().find(|entry| entry.key == word);
        let same = same.or_else(|| entries.iter().find(|entry| self::plain(&entry.key) == plain));
        let name = match same {
            Some(entry) => String::from(entry.key.as_str()),
            None if self.keeps_case => word.to_owned(),
            None => word.to_lowercase(),
        };
        Some(Segment::Name(name.into()))
    }

    /// Says where a name leads nowhere.
    fn stuck(&self, root: &Node, expected: &Expected) -> Stuck {
        let (mut here, mut node) = (expected.clone(), Some(root));
        let mut path = Vec::new();
        let mut words = self.words.as_slice();
        while let Some((word, rest)) = words.split_first() {
            let Some(segment) = self.segment(word, node, &here) else { break };
            node = node.and_then(|node| match &segment {
                Segment::Name(name) => child(node, name, &here),
                Segment::Index(index) => node.element(*index),
                Segment::Identity(_) => None,
            });
            here = here.step(&segment);
            path.push(segment);
            words = rest;
        }
        let names = here.names();
        let mut words: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
        if self.may_join {
            words = vec![words.join("_")];
        }
        let message = unknown(words.first().map_or("", String::as_str), &names);
        path.extend(words.into_iter().map(|word| Segment::Name(word.into())));
        Stuck { path, message }
    }
}

/// What of a name counts where it is spelled in the way of variables: letters and digits, without their case.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Makes a node of what a setting gives, as the type wants it.
fn node(given: &Given, here: &Expected, place: &Place) -> Result<Node, (&'static str, String)> {
    match given {
        Given::Word(text, separator) => written::read(text, *separator, here, place),
        Given::Value(value) => {
            let null = Node { place: place.clone(), kind: Kind::Null };
            Ok(written::of_value(value, place).unwrap_or(null))
        }
        Given::Refused(code, message) => Err((code, message.clone())),
    }
}

/// Puts a value at a path; what is on the way is made.
fn put(node: &mut Node, path: &[Segment], value: Node, here: &Expected, place: &Place) -> Result<(), String> {
    let Some((segment, rest)) = path.split_first() else {
        return match merge(node, value, here, Arrays::Replace).pop() {
            Some(disagreement) => Err(disagreement.message),
            None => Ok(()),
        };
    };
    let below = here.step(segment);
    let is_name = matches!(node.kind, Kind::Text(_) | Kind::Word(_)) && here.is_choice();
    if matches!(node.kind, Kind::Null) || is_name {
        *node = fresh(Some(segment), place);
    }
    let noun = node.noun();
    match (segment, &mut node.kind) {
        (Segment::Name(name), Kind::Table(table)) => {
            let at = table
                .find(name)
                .or_else(|| here.spellings(name).into_iter().find_map(|spelling| table.find(spelling)));
            if let Some(at) = at {
                return put(table.value_mut(at), rest, value, &below, place);
            }
            if here.is_choice() {
                // Two variants cannot both be meant.
                *table = Table::default();
            }
            let mut child = fresh(rest.first(), place);
            put(&mut child, rest, value, &below, place)?;
            table.push(Entry { key: name.clone().into(), place: place.clone(), value: child });
            Ok(())
        }
        (Segment::Index(index), Kind::Array(elements)) => {
            let count = elements.len();
            match elements.get_mut(*index) {
                Some(element) => put(element, rest, value, &below, place),
                None if *index == count => {
                    let mut element = fresh(rest.first(), place);
                    put(&mut element, rest, value, &below, place)?;
                    elements.push(element);
                    Ok(())
                }
                None => Err(format!("there is no element {index}: there are {count}")),
            }
        }
        (Segment::Name(_), _) => Err(format!("this sets a part of a table, but there is {noun}")),
        _ => Err(format!("this sets an element of an array, but there is {noun}")),
    }
}

/// Makes what a step can go through; nothing where there is none.
fn fresh(next: Option<&Segment>, place: &Place) -> Node {
    let kind = match next {
        None => Kind::Null,
        Some(Segment::Name(_)) => Kind::Table(Table::default()),
        Some(_) => Kind::Array(Vec::new()),
    };
    Node { place: place.clone(), kind }
}
