//! A template in TOML: what stands in one line first, then a section for each table.

use std::fmt::Write as _;

use super::outline::{Line, Outline};
use super::{Entry, float, resolved};
use crate::value::Value;

pub(super) fn write(outline: &Outline, choice: &[bool]) -> String {
    let mut writer = Writer { out: String::new(), choice };
    writer.comment(&outline.comment);
    writer.table(&mut Vec::new(), &outline.lines, true);
    writer.out
}

struct Writer<'c> {
    out: String,
    choice: &'c [bool],
}

impl Writer<'_> {
    /// Writes the lines of one table; those of a table that is off are comments.
    fn table(&mut self, path: &mut Vec<String>, lines: &[Line], on: bool) {
        let mut sections = Vec::new();
        let mut first = !path.is_empty();
        for line in lines {
            let (line_on, entry) = resolved(line, self.choice);
            let on = on && line_on;
            let Entry::Plain(value) = entry else {
                sections.push((line, entry, on));
                continue;
            };
            let (on, value) = match (inline(value), value) {
                (Some(value), _) => (on, value),
                (None, Value::Null) => continue,
                (None, Value::List(_)) => (false, "[]".to_owned()),
                (None, _) => (false, "{}".to_owned()),
            };
            self.gap(&line.comment, std::mem::take(&mut first));
            self.comment(&line.comment);
            self.put(on, &format!("{} = {value}", key(&line.key)));
        }
        for (line, entry, on) in sections {
            path.push(key(&line.key));
            let header = path.join(".");
            match entry {
                Entry::Table(lines) => self.section(path, &format!("[{header}]"), &line.comment, lines, on),
                Entry::Rows(rows) => {
                    let mut comment = line.comment.as_slice();
                    for lines in rows {
                        self.section(path, &format!("[[{header}]]"), std::mem::take(&mut comment), lines, on);
                    }
                }
                Entry::Plain(_) => {}
            }
            path.pop();
        }
    }

    fn section(
        &mut self,
        path: &mut Vec<String>,
        header: &str,
        comment: &[String],
        lines: &[Line],
        on: bool,
    ) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.comment(comment);
        self.put(on, header);
        self.table(path, lines, on);
    }

    /// Sets a line apart that is explained.
    fn gap(&mut self, comment: &[String], first: bool) {
        if !comment.is_empty() && !self.out.is_empty() && !first {
            self.out.push('\n');
        }
    }

    fn comment(&mut self, comment: &[String]) {
        for line in comment {
            self.out.push_str(if line.is_empty() { "#" } else { "# " });
            self.out.extend(line.chars().filter(|character| !character.is_control()));
            self.out.push('\n');
        }
    }

    fn put(&mut self, on: bool, text: &str) {
        if !on {
            self.out.push('#');
        }
        self.out.push_str(text);
        self.out.push('\n');
    }
}

fn key(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(is_bare) { key.to_owned() } else { quoted(key) }
}

/// Returns a value in one line; `None` where TOML has no way to write it.
fn inline(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null | Value::Secret | Value::Opaque => return None,
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Float(value) => float(&format!("{value:?}").replace("NaN", "nan")),
        Value::Float32(value) => float(&format!("{value:?}").replace("NaN", "nan")),
        Value::Text(text) => quoted(text),
        Value::Duration(value) => {
            format!("{{ secs = {}, nanos = {} }}", value.as_secs(), value.subsec_nanos())
        }
        Value::List(values) => {
            let values: Option<Vec<_>> = values.iter().map(inline).collect();
            format!("[{}]", values?.join(", "))
        }
        Value::Table(entries) => {
            // A field that is nothing is left out.
            let entries = entries.iter().filter(|(_, value)| *value != Value::Null);
            let entries: Option<Vec<_>> =
                entries.map(|(name, value)| Some(format!("{} = {}", key(name), inline(value)?))).collect();
            match entries?.as_slice() {
                [] => "{}".to_owned(),
                entries => format!("{{ {} }}", entries.join(", ")),
            }
        }
    })
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing into a `String` does not fail.
            other if other.is_control() => drop(write!(out, "\\u{:04X}", u32::from(other))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
