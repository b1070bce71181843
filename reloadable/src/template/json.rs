//! A template in JSON, with or without comments.

use std::fmt::Write as _;

use super::outline::{Line, Outline};
use super::{Entry, float, resolved};
use crate::value::Value;

/// Without comments, what would stand in one is left out, or null where somebody must fill it in.
pub(super) fn write(outline: &Outline, choice: &[bool], comments: bool) -> String {
    let mut writer = Writer { out: String::new(), choice, comments };
    writer.comment(&outline.comment, 0);
    writer.out.push('{');
    writer.table(&outline.lines, 0, true);
    writer.out.push_str("}\n");
    writer.out
}

struct Writer<'c> {
    out: String,
    choice: &'c [bool],
    comments: bool,
}

impl Writer<'_> {
    /// Writes the lines of one table, from after its brace to before the other.
    fn table(&mut self, lines: &[Line], depth: usize, on: bool) {
        let lines: Vec<_> = lines
            .iter()
            .filter_map(|line| {
                let (line_on, entry) = resolved(line, self.choice);
                if let Entry::Plain(value) = entry {
                    inline(value)?;
                }
                match line_on || self.comments {
                    true => Some((line, entry, line_on)),
                    false => line.null.then_some((line, Entry::Plain(&Value::Null), true)),
                }
            })
            .collect();
        if lines.is_empty() {
            return;
        }
        // What is a comment may be taken out of it, so a comma is there already.
        let last = lines.len() - 1;
        self.out.push('\n');
        for (number, (line, entry, line_on)) in lines.iter().enumerate() {
            if number > 0 && !line.comment.is_empty() && self.comments {
                self.out.push('\n');
            }
            self.comment(&line.comment, depth + 1);
            self.start(on && *line_on, depth + 1);
            let _ = write!(self.out, "{}: ", quoted(&line.key));
            match entry {
                Entry::Plain(value) => self.out.push_str(&inline(value).unwrap_or_default()),
                Entry::Table(lines) => self.braces(lines, depth + 1, on && *line_on),
                Entry::Rows(rows) => {
                    self.out.push('[');
                    for (number, row) in rows.iter().enumerate() {
                        self.out.push_str(if number > 0 { ", " } else { "" });
                        self.braces(row, depth + 1, on && *line_on);
                    }
                    self.out.push(']');
                }
            }
            self.out.push_str(if number == last && *line_on { "\n" } else { ",\n" });
        }
        self.start(on, depth);
    }

    fn braces(&mut self, lines: &[Line], depth: usize, on: bool) {
        self.out.push('{');
        self.table(lines, depth, on);
        self.out.push('}');
    }

    fn comment(&mut self, comment: &[String], depth: usize) {
        if !self.comments {
            return;
        }
        for line in comment {
            self.start(true, depth);
            self.out.push_str("//");
            self.out.push_str(if line.is_empty() { "" } else { " " });
            self.out.extend(line.chars().filter(|character| !character.is_control()));
            self.out.push('\n');
        }
    }

    fn start(&mut self, on: bool, depth: usize) {
        self.out.extend(std::iter::repeat_n("  ", depth));
        self.out.push_str(if on { "" } else { "//" });
    }
}

/// Returns a value in one line; `None` where JSON has no way to write it.
pub(super) fn inline(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Secret | Value::Opaque => return None,
        Value::Float(value) if !value.is_finite() => return None,
        Value::Float32(value) if !value.is_finite() => return None,
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Float(value) => float(&format!("{value:?}")),
        Value::Float32(value) => float(&format!("{value:?}")),
        Value::Text(text) => quoted(text),
        Value::Duration(value) => {
            format!("{{ \"secs\": {}, \"nanos\": {} }}", value.as_secs(), value.subsec_nanos())
        }
        Value::List(values) => {
            let values: Option<Vec<_>> = values.iter().map(inline).collect();
            format!("[{}]", values?.join(", "))
        }
        Value::Table(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Table(entries) => {
            let entries =
                entries.iter().map(|(name, value)| Some(format!("{}: {}", quoted(name), inline(value)?)));
            format!("{{ {} }}", entries.collect::<Option<Vec<_>>>()?.join(", "))
        }
    })
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing into a `String` does not fail.
            other if other.is_control() => drop(write!(out, "\\u{:04x}", u32::from(other))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
