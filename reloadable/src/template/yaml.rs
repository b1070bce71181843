//! A template in YAML, in blocks.

use super::outline::{Line, Outline};
use super::{Entry, float, json, resolved};
use crate::value::Value;

pub(super) fn write(outline: &Outline, choice: &[bool]) -> String {
    let mut writer = Writer { out: String::new(), choice };
    writer.comment(&outline.comment, 0);
    if !outline.comment.is_empty() && !outline.lines.is_empty() {
        writer.out.push('\n');
    }
    writer.table(&outline.lines, 0, true);
    writer.out
}

struct Writer<'c> {
    out: String,
    choice: &'c [bool],
}

impl Writer<'_> {
    /// Tells whether a line of a table is there: where none is, YAML would read a null.
    fn holds_any(&self, lines: &[Line]) -> bool {
        lines.iter().any(|line| match resolved(line, self.choice) {
            (on, Entry::Plain(value)) => on && inline(value).is_some(),
            (on, _) => on,
        })
    }

    fn table(&mut self, lines: &[Line], depth: usize, on: bool) {
        for (number, line) in lines.iter().enumerate() {
            let (line_on, entry) = resolved(line, self.choice);
            let on = on && line_on;
            if number > 0 && !line.comment.is_empty() {
                self.out.push('\n');
            }
            self.comment(&line.comment, depth);
            let key = key(&line.key);
            match entry {
                Entry::Plain(value) => match inline(value) {
                    Some(value) => self.put(on, depth, &format!("{key}: {value}")),
                    None => self.put(false, depth, &format!("{key}: []")),
                },
                // What lacks something is refused in either form, and this one is more easily filled in.
                Entry::Table(lines)
                    if on && !self.holds_any(lines) && !lines.iter().any(|line| line.null) =>
                {
                    self.put(on, depth, &format!("{key}: {{}}"));
                    self.table(lines, depth + 1, false);
                }
                Entry::Table(lines) => {
                    self.put(on, depth, &format!("{key}:"));
                    self.table(lines, depth + 1, on);
                }
                Entry::Rows(rows) => {
                    self.put(on, depth, &format!("{key}:"));
                    for lines in rows {
                        let dash = if on && !self.holds_any(lines) { "- {}" } else { "-" };
                        self.put(on, depth + 1, dash);
                        self.table(lines, depth + 2, on);
                    }
                }
            }
        }
    }

    fn comment(&mut self, comment: &[String], depth: usize) {
        for line in comment {
            self.indent(depth);
            self.out.push_str(if line.is_empty() { "#" } else { "# " });
            self.out.extend(line.chars().filter(|character| !breaks(*character)));
            self.out.push('\n');
        }
    }

    fn put(&mut self, on: bool, depth: usize, text: &str) {
        self.indent(depth);
        self.out.push_str(if on { "" } else { "#" });
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn indent(&mut self, depth: usize) {
        self.out.extend(std::iter::repeat_n("  ", depth));
    }
}

/// Tells whether a character ends a line, or may not stand in the text of a document.
fn breaks(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A name that is nothing else, bare; every other one in quotes.
fn key(key: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let is_name = key.starts_with(|first: char| first.is_ascii_alphabetic()) && key.bytes().all(is_word);
    let lower = key.to_ascii_lowercase();
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_name && !words.contains(&lower.as_str()) { key.to_owned() } else { quoted(key) }
}

/// Returns a value in one line; `None` where YAML has no way to write it.
fn inline(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Text(text) => quoted(text),
        Value::Float(value) => number(&format!("{value:?}")),
        Value::Float32(value) => number(&format!("{value:?}")),
        Value::List(values) => {
            let values: Option<Vec<_>> = values.iter().map(inline).collect();
            format!("[{}]", values?.join(", "))
        }
        Value::Table(entries) if !entries.is_empty() => {
            let entries =
                entries.iter().map(|(name, value)| Some(format!("{}: {}", key(name), inline(value)?)));
            format!("{{ {} }}", entries.collect::<Option<Vec<_>>>()?.join(", "))
        }
        // Of all else, JSON is YAML.
        value => json::inline(value)?,
    })
}

fn number(shown: &str) -> String {
    match shown {
        "NaN" => ".nan".to_owned(),
        "inf" => ".inf".to_owned(),
        "-inf" => "-.inf".to_owned(),
        other => float(other),
    }
}

/// JSON's way to quote, and what YAML would take for the end of a line.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for character in json::quoted(text).chars() {
        if breaks(character) {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}
