//! Single values by name, as variables and arguments give them, laid over the tree.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::describe::Shape;
use crate::document::{Given, Name, Setting, Words};
use crate::layer::{Arrays, Naming};
use crate::nearest::nearest;
use crate::parsed::DEPTH;
use crate::path::{FieldPath, Segment};
use crate::report::Secrets as _;

use super::expected::Expected;
use super::listed;
use super::merge::{Disagreement, merge};
use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};
use super::written::{self, depth};

/// What is wrong with one of the settings.
pub(super) struct Problem {
    /// The number of the setting.
    pub(super) at: usize,
    pub(super) path: FieldPath,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// What it does not go with.
    pub(super) earlier: Option<Place>,
    /// It is wrong whatever the user finds of its like.
    pub(super) is_strict: bool,
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
    arrays: Arrays,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut resolved = Vec::with_capacity(settings.len());
    for (at, setting) in settings.iter().enumerate() {
        let mut problem = |path: Vec<Segment>, code, message| {
            let (path, is_strict) = (expected.shown(path.into()), setting.is_strict);
            problems.push(Problem { at, path, code, message, earlier: None, is_strict });
        };
        if setting.name.len() > DEPTH {
            problem(Vec::new(), "depth", format!("a name of more than {DEPTH} parts"));
            continue;
        }
        match resolve(&setting.name, root, expected) {
            Ok(path) => match &setting.value {
                Given::Refused(code, message) => problem(path, code, message.clone()),
                _ => resolved.push((at, setting, path)),
            },
            Err(Stuck { path, message }) => problem(path, UNKNOWN, message),
        }
    }
    // So that a value comes before its parts, an element before those behind it, and a tag, which may take the fields of
    // another variant away, before its own.
    resolved.sort_by_cached_key(|(_, _, path)| (!names_tag(path, expected), path.clone()));
    let mut known: HashMap<Vec<Segment>, &Setting> = HashMap::new();
    for (at, setting, path) in resolved {
        let mut problem = |code, message, earlier| {
            let (path, is_strict) = (expected.shown(path.clone().into()), setting.is_strict);
            problems.push(Problem { at, path, code, message, earlier, is_strict });
        };
        // Of two spellings of one field, the program means the one that it has set last.
        let is_override = matches!(setting.value, Given::Value(_));
        if let Some(first) = known.get(&path).filter(|_| !is_override) {
            let message = format!("{} sets this field as well; keep one of them", first.origin);
            problem("duplicate_key", message, None);
            continue;
        }
        let place = Place::new(source, at..at + 1);
        let here = path.iter().fold(expected.clone(), |here, segment| here.step(segment));
        match node(&setting.value, &here, &place) {
            Ok(node) if path.len() + depth(&node) > DEPTH => {
                problem("depth", format!("nested more than {DEPTH} levels deep"), None);
            }
            Ok(node) => {
                let mut put = Put { value: node, place: &place, arrays };
                if let Err(Conflict { message, earlier, is_absent }) = put.at(root, &path, expected) {
                    // An edit of a file may take away the element that an override names.
                    let code = if is_absent && is_override { UNKNOWN } else { "shape" };
                    // What it has just made itself is no place to look at.
                    problem(code, message, Some(earlier).filter(|earlier| *earlier != place));
                }
            }
            Err((code, message)) => {
                let is_quotable = !here.holds_any_secret();
                problem(code, if is_quotable { message } else { "it cannot be read".to_owned() }, None);
            }
        }
        known.insert(path, setting);
    }
    problems.sort_by_key(|problem| problem.at);
    problems
}

/// Tells whether a path leads to what says which variant of an enum is meant.
fn names_tag(path: &[Segment], expected: &Expected) -> bool {
    let Some((Segment::Name(name), around)) = path.split_last() else { return false };
    let here = around.iter().fold(expected.clone(), |here, segment| here.step(segment));
    here.tag() == Some(name.as_ref())
}

/// How many ways to join the words of one name are tried: their number doubles with each word.
const TRIES: usize = 1_000;

/// A name that leads nowhere: how far it led, and why no further.
struct Stuck {
    path: Vec<Segment>,
    message: String,
}

fn resolve(name: &Name, root: &Node, expected: &Expected) -> Result<Vec<Segment>, Stuck> {
    match name {
        Name::Words(words) => {
            let resolve = |wants_value| {
                words.resolve(
                    &words.words,
                    Some(root),
                    expected,
                    &Tries { left: Cell::new(TRIES), wants_value },
                )
            };
            // With names that may be joined, a key of a map takes all words, if one that leads further is not preferred.
            let found = resolve(words.may_join).or_else(|| resolve(false));
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
                    return Err(Stuck { path: with(found, segment.clone()), message: unknown(name, &here) });
                }
                node = node.and_then(|node| node.below(&here, segment));
                canonical(name, &here)
            }
            Segment::Index(index) => {
                node = node.and_then(|node| node.element(*index));
                segment.clone()
            }
            Segment::Identity(parts) => {
                let at = node.and_then(|node| here.position(node, parts));
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

fn unknown(name: &str, here: &Expected) -> String {
    if here.shapes().iter().any(Shape::is_row) {
        return "an element of a list goes by its number, from 0".to_owned();
    }
    let names = here.names();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("there is no field of this name, did you mean `{near}`?"),
        None => format!("there is no field of this name, {}", listed(&names, "there are no fields here")),
    }
}

/// Makes a step of the first of a field's names, so that two names of one field are seen to be the same.
fn canonical(name: &str, here: &Expected) -> Segment {
    let name = here.spellings(name).first().map_or_else(|| name.to_owned(), |first| (*first).to_owned());
    Segment::Name(name.into())
}

/// What is left of an attempt to resolve a name.
struct Tries {
    left: Cell<usize>,
    /// It is to end where a text may stand.
    wants_value: bool,
}

impl Words {
    /// Finds the field that these words name. Longer names are tried first where words may be joined.
    fn resolve(
        &self,
        words: &[String],
        node: Option<&Node>,
        here: &Expected,
        tries: &Tries,
    ) -> Option<Vec<Segment>> {
        if words.is_empty() {
            return (!tries.wants_value || here.is_value()).then(Vec::new);
        }
        tries.left.set(tries.left.get().checked_sub(1)?);
        let most = if self.may_join { words.len() } else { 1 };
        (1..=most).rev().find_map(|count| {
            let (first, rest) = words.split_at_checked(count)?;
            let segment = self.segment(&first.join("_"), node, here)?;
            let below = here.step(&segment);
            let inner = node.and_then(|node| node.below(here, &segment));
            let found = self.resolve(rest, inner, &below, tries)?;
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
            return Some(canonical(name, here));
        }
        if here.shapes().iter().any(Shape::is_row) {
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

    /// Returns how the variable would be called if a mere `_` stands in it where names are to be separated.
    fn separated(&self, root: &Node, expected: &Expected) -> Option<String> {
        if self.may_join {
            return None;
        }
        let words = self.words.iter().flat_map(|word| word.split('_')).map(str::to_owned).collect();
        let joined = Self { words, may_join: true, ..self.clone() };
        let tries = Tries { left: Cell::new(TRIES), wants_value: true };
        let path = joined.resolve(&joined.words, Some(root), expected, &tries)?;
        let naming =
            Naming::Variable { prefix: Arc::clone(&self.prefix), separator: Arc::clone(&self.separator) };
        naming.way(&path.into()).map(|way| way.to_string())
    }

    /// Says where a name leads nowhere.
    fn stuck(&self, root: &Node, expected: &Expected) -> Stuck {
        let (mut here, mut node) = (expected.clone(), Some(root));
        let mut path = Vec::new();
        let mut words = self.words.as_slice();
        while let Some((segment, rest)) = self.longest(words, node, &here) {
            node = node.and_then(|node| node.below(&here, &segment));
            here = here.step(&segment);
            path.push(segment);
            words = rest;
        }
        let names = here.names();
        let words: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
        let words = if self.may_join { vec![likely(&words, &names)] } else { words };
        let message = match self.separated(root, expected) {
            Some(variable) => format!("there is no field of this name, did you mean `{variable}`?"),
            None => unknown(words.first().map_or("", String::as_str), &here),
        };
        path.extend(words.into_iter().map(|word| Segment::Name(word.into())));
        Stuck { path, message }
    }

    /// Finds the longest name that begins these words, and what is left of them.
    fn longest<'w>(
        &self,
        words: &'w [String],
        node: Option<&Node>,
        here: &Expected,
    ) -> Option<(Segment, &'w [String])> {
        let most = if self.may_join { words.len() } else { words.len().min(1) };
        (1..=most).rev().find_map(|count| {
            let (first, rest) = words.split_at_checked(count)?;
            Some((self.segment(&first.join("_"), node, here)?, rest))
        })
    }
}

/// Joins as many words as make a name that may be misspelt; all, if none may be.
fn likely(words: &[String], names: &[&str]) -> String {
    let begins = (1..=words.len()).filter_map(|count| Some(words.get(..count)?.join("_")));
    let misspelt = begins.into_iter().find(|name| nearest(name, names.iter().copied()).is_some());
    misspelt.unwrap_or_else(|| words.join("_"))
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

/// What stands there already does not go with what is set.
struct Conflict {
    message: String,
    earlier: Place,
    /// There are too few elements.
    is_absent: bool,
}

/// Puts a value at a path; what is on the way is made.
struct Put<'p> {
    value: Node,
    place: &'p Place,
    arrays: Arrays,
}

impl Put<'_> {
    fn at(&mut self, node: &mut Node, path: &[Segment], here: &Expected) -> Result<(), Conflict> {
        let Some((segment, rest)) = path.split_first() else {
            let value = std::mem::replace(&mut self.value, fresh(None, self.place));
            return match merge(node, value, here, self.arrays).into_iter().next() {
                Some(Disagreement { message, earlier, .. }) => {
                    Err(Conflict { message, earlier, is_absent: false })
                }
                None => Ok(()),
            };
        };
        let below = here.step(segment);
        let is_name = matches!(node.kind, Kind::Text(_) | Kind::Word(_)) && here.is_choice();
        if matches!(node.kind, Kind::Null) || is_name {
            *node = fresh(Some(segment), self.place);
        }
        let noun = node.noun();
        let place = node.place.clone();
        let conflict = |message| Err(Conflict { message, earlier: place.clone(), is_absent: false });
        match (segment, &mut node.kind) {
            (Segment::Name(name), Kind::Table(table)) => {
                let at = table
                    .find(name)
                    .or_else(|| here.spellings(name).into_iter().find_map(|spelling| table.find(spelling)));
                if let Some(at) = at {
                    let is_tag = rest.is_empty() && here.tag() == Some(name.as_ref());
                    if is_tag && table[at].value.as_key() != self.value.as_key() {
                        // What else is there belongs to another variant.
                        *table = Table::default();
                        return self.at(node, path, here);
                    }
                    return self.at(table.value_mut(at), rest, &below);
                }
                if here.is_choice() {
                    // Two variants cannot both be meant.
                    *table = Table::default();
                }
                let child = self.made(rest, &below)?;
                table.push(Entry { key: name.clone().into(), place: self.place.clone(), value: child });
                Ok(())
            }
            (Segment::Index(index), Kind::Array(elements)) => {
                let count = elements.len();
                match elements.get_mut(*index) {
                    Some(element) => self.at(element, rest, &below),
                    None if *index == count => {
                        let element = self.made(rest, &below)?;
                        elements.push(element);
                        Ok(())
                    }
                    None => {
                        let message = format!("there is no element {index}: there are {count}");
                        Err(Conflict { message, earlier: place, is_absent: true })
                    }
                }
            }
            (Segment::Name(_), _) => conflict(format!("this sets a part of a table, but there is {noun}")),
            _ => conflict(format!("this sets an element of an array, but there is {noun}")),
        }
    }

    fn made(&mut self, path: &[Segment], here: &Expected) -> Result<Node, Conflict> {
        let mut node = fresh(path.first(), self.place);
        self.at(&mut node, path, here)?;
        Ok(node)
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
