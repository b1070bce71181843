//! Writers that know where they put each value. One for a further format needs no more than this.

use std::collections::HashMap;

use reloadable::Format;

use super::model::{Dice, Literal, Out, Place};

/// Writes a layer.
pub(super) trait Writer {
    fn format(&self) -> Format;
    fn extension(&self) -> &'static str;
    fn write(&self, layer: &Out, dice: &mut Dice) -> Written;
}

/// A text, and the line and column of everything in it.
#[derive(Default)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) places: HashMap<Place, (usize, usize)>,
}

impl Written {
    fn mark(&mut self, place: &Place) {
        let line = self.text.matches('\n').count() + 1;
        let start = self.text.rfind('\n').map_or(0, |newline| newline + 1);
        self.places.insert(place.clone(), (line, self.text[start..].chars().count() + 1));
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn space(&mut self, dice: &mut Dice, spaces: &[&str]) {
        let space: &&str = dice.pick(spaces);
        self.text.push_str(space);
    }

    fn quoted(&mut self, text: &str) {
        self.text.push_str(&serde_json::to_string(text).expect("a text can be quoted"));
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Text(text) => self.quoted(text),
            Literal::Integer(number) => self.push(&number.to_string()),
            Literal::Float(number) => self.push(&format!("{number:?}")),
            Literal::Bool(value) => self.push(&value.to_string()),
            Literal::EmptyArray => self.push("[]"),
        }
    }
}

pub(super) struct Json;
pub(super) const JSON: Json = Json;

impl Writer for Json {
    fn format(&self) -> Format {
        Format::Json
    }

    fn extension(&self) -> &'static str {
        "json"
    }

    fn write(&self, layer: &Out, dice: &mut Dice) -> Written {
        let mut written = Written::default();
        written.space(dice, &["", "\n", "  "]);
        json(&mut written, layer, dice, &Notation { spaces: &["", "", " ", "\n", "\n  "], last: &[""] });
        written
    }
}

pub(super) struct Jsonc;
pub(super) const JSONC: Jsonc = Jsonc;

impl Writer for Jsonc {
    fn format(&self) -> Format {
        Format::Jsonc
    }

    fn extension(&self) -> &'static str {
        "jsonc"
    }

    fn write(&self, layer: &Out, dice: &mut Dice) -> Written {
        let mut written = Written::default();
        let spaces = &["", "", " ", "\n", "/* é: \"x\" */", "// { é\n  ", "/*\n*/\n"];
        written.space(dice, spaces);
        json(&mut written, layer, dice, &Notation { spaces, last: &["", ","] });
        written
    }
}

/// What may stand between two tokens, and after the last element.
struct Notation<'n> {
    spaces: &'n [&'n str],
    last: &'n [&'n str],
}

fn json(written: &mut Written, out: &Out, dice: &mut Dice, notation: &Notation<'_>) {
    match out {
        Out::Scalar(place, literal) => {
            written.mark(place);
            written.literal(literal);
        }
        Out::Array(place, elements) => {
            written.mark(place);
            written.push("[");
            for (nth, element) in elements.iter().enumerate() {
                written.push(if nth > 0 { "," } else { "" });
                written.space(dice, notation.spaces);
                json(written, element, dice, notation);
            }
            written.space(dice, if elements.is_empty() { &[""] } else { notation.last });
            written.push("]");
        }
        Out::Table(place, entries) => {
            written.mark(place);
            written.push("{");
            for (nth, (key_place, key, value)) in entries.iter().enumerate() {
                written.push(if nth > 0 { "," } else { "" });
                written.space(dice, notation.spaces);
                written.mark(key_place);
                written.quoted(key);
                written.push(":");
                written.space(dice, notation.spaces);
                json(written, value, dice, notation);
            }
            written.space(dice, if entries.is_empty() { &[""] } else { notation.last });
            written.space(dice, notation.spaces);
            written.push("}");
        }
    }
}

pub(super) struct Yaml;
pub(super) const YAML: Yaml = Yaml;

impl Writer for Yaml {
    fn format(&self) -> Format {
        Format::Yaml
    }

    fn extension(&self) -> &'static str {
        "yaml"
    }

    fn write(&self, layer: &Out, dice: &mut Dice) -> Written {
        let mut written = Written::default();
        written.space(dice, &["", "# é\n", "---\n", "\n"]);
        yaml(&mut written, layer, 0, dice);
        written
    }
}

/// Writes a value where its key or dash has ended, or where a line has begun and is indented.
fn yaml(written: &mut Written, out: &Out, depth: usize, dice: &mut Dice) {
    let indent = " ".repeat(depth);
    match out {
        Out::Table(place, entries) if !entries.is_empty() && !dice.one_in(5) => {
            for (nth, (key_place, key, value)) in entries.iter().enumerate() {
                if nth == 0 {
                    written.mark(place);
                } else {
                    written.push(&indent);
                }
                written.mark(key_place);
                yaml_key(written, key, dice);
                written.push(":");
                yaml_below(written, value, depth, dice);
            }
        }
        Out::Array(place, elements) if !elements.is_empty() && !dice.one_in(5) => {
            for (nth, element) in elements.iter().enumerate() {
                if nth == 0 {
                    written.mark(place);
                } else {
                    written.push(&indent);
                }
                written.push("- ");
                yaml(written, element, depth + 2, dice);
            }
        }
        flow => {
            let notation = Notation { spaces: &["", " "], last: &["", ","] };
            json(written, flow, dice, &notation);
            written.space(dice, &["\n", "  # é\n"]);
        }
    }
}

/// Writes what a key holds: in the same line if it is no block.
fn yaml_below(written: &mut Written, value: &Out, depth: usize, dice: &mut Dice) {
    let is_block = match value {
        Out::Scalar(..) => false,
        Out::Table(_, entries) => !entries.is_empty(),
        Out::Array(_, elements) => !elements.is_empty(),
    };
    if is_block {
        written.space(dice, &["\n", "  # é\n", "\n\n"]);
        written.push(&" ".repeat(depth + 2));
    } else {
        written.push(" ");
    }
    yaml(written, value, depth + 2, dice);
}

fn yaml_key(written: &mut Written, key: &str, dice: &mut Dice) {
    let is_plain = key.chars().all(|character| character.is_ascii_alphabetic() || "-_".contains(character));
    if is_plain && !dice.one_in(5) { written.push(key) } else { written.quoted(key) }
}

pub(super) struct Toml;
pub(super) const TOML: Toml = Toml;

impl Writer for Toml {
    fn format(&self) -> Format {
        Format::Toml
    }

    fn extension(&self) -> &'static str {
        "toml"
    }

    fn write(&self, layer: &Out, dice: &mut Dice) -> Written {
        let mut written = Written::default();
        let Out::Table(place, entries) = layer else { unreachable!("a document is a table") };
        // The root begins where the document does.
        written.mark(place);
        written.space(dice, &["# first\n", "# é\n\n"]);
        toml_table(&mut written, entries, "", dice);
        written
    }
}

fn toml_table(written: &mut Written, entries: &[(Place, String, Out)], head: &str, dice: &mut Dice) {
    let mut sections = Vec::new();
    for entry in entries {
        let may_be_section = match &entry.2 {
            Out::Scalar(..) => false,
            Out::Table(..) => true,
            Out::Array(_, elements) => {
                !elements.is_empty() && elements.iter().all(|element| matches!(element, Out::Table(..)))
            }
        };
        if may_be_section && !dice.one_in(4) {
            sections.push(entry);
            continue;
        }
        let (key_place, key, value) = entry;
        written.space(dice, &["", "", "  ", "\n"]);
        written.mark(key_place);
        toml_key(written, key, dice);
        written.space(dice, &[" = ", "=", "  =  "]);
        toml_inline(written, value, dice);
        written.space(dice, &["\n", "  # é\n"]);
    }
    for (key_place, key, value) in sections {
        let mut name = Written::default();
        toml_key(&mut name, key, dice);
        let head = if head.is_empty() { name.text } else { format!("{head}.{}", name.text) };
        match value {
            Out::Table(place, entries) => {
                written.mark(place);
                written.push("[");
                // The key is the last part of the head.
                let own = head.len() - name_length(&head);
                written.push(&head[..own]);
                written.mark(key_place);
                written.push(&head[own..]);
                written.push("]\n");
                toml_table(written, entries, &head, dice);
            }
            Out::Array(place, elements) => {
                written.mark(place);
                for (nth, element) in elements.iter().enumerate() {
                    let Out::Table(place, entries) = element else { unreachable!("elements are tables") };
                    written.mark(place);
                    written.push("[[");
                    let own = head.len() - name_length(&head);
                    written.push(&head[..own]);
                    if nth == 0 {
                        written.mark(key_place);
                    }
                    written.push(&head[own..]);
                    written.push("]]\n");
                    toml_table(written, entries, &head, dice);
                }
            }
            Out::Scalar(..) => unreachable!("a scalar is no section"),
        }
    }
}

/// Returns the length of the last key of a head.
fn name_length(head: &str) -> usize {
    match head.strip_suffix('"') {
        Some(open) => open.len() - open.rfind('"').expect("a quoted key begins") + 1,
        None => head.len() - head.rfind('.').map_or(0, |dot| dot + 1),
    }
}

fn toml_key(written: &mut Written, key: &str, dice: &mut Dice) {
    let is_bare = key.chars().all(|character| character.is_ascii_alphanumeric() || "-_".contains(character));
    if is_bare && !dice.one_in(5) { written.push(key) } else { written.quoted(key) }
}

fn toml_inline(written: &mut Written, out: &Out, dice: &mut Dice) {
    match out {
        Out::Scalar(place, literal) => {
            written.mark(place);
            written.literal(literal);
        }
        Out::Array(place, elements) => {
            written.mark(place);
            written.push("[");
            for element in elements {
                written.space(dice, &["", " ", "\n  ", " # é\n"]);
                toml_inline(written, element, dice);
                written.push(",");
            }
            written.push("]");
        }
        Out::Table(place, entries) => {
            written.mark(place);
            written.push("{");
            for (nth, (key_place, key, value)) in entries.iter().enumerate() {
                written.push(if nth > 0 { ", " } else { " " });
                written.mark(key_place);
                toml_key(written, key, dice);
                written.push(" = ");
                toml_inline(written, value, dice);
            }
            written.push(" }");
        }
    }
}
