//! The line that is at fault, without what is secret in it.

use std::ops::Range;

use serde::Serialize;

/// A line of a document, as far as it may be shown, and which part of it is at fault: for those who print a report in
/// their own way. `{:#}` of a [`Report`](crate::report::Report) prints it.
///
/// # Examples
///
/// ```
/// # #[cfg(all(feature = "toml", feature = "tokio"))] {
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use reloadable::{Format, MemorySource, Reloader};
///
/// let (file, _file) = MemorySource::new("app.toml", Format::Toml, "workers = 'many'");
/// if let Err(error) = Reloader::<Limits>::builder().source(file).check_blocking() {
///     for excerpt in error.report().violations().iter().filter_map(|violation| violation.excerpt()) {
///         assert_eq!((excerpt.line(), excerpt.text()), (Some(1), "workers = 'many'"));
///         assert_eq!((excerpt.start(), excerpt.length()), (10, 6));
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    line: Option<usize>,
    text: String,
    start: usize,
    length: usize,
}

/// How many characters of a line are shown at most.
const SHOWN: usize = 140;

/// How many of them stand before what is at fault, where the line begins earlier.
const BEFORE: usize = 50;

const REDACTED: &str = "***";

impl Excerpt {
    /// Returns the number of the line, from 1; nothing where the document has no lines.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// Returns the line, or a part of it: `***` stands for each secret, `..` for what is left out at either end, and
    /// control characters are replaced.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns where in [`text`](Self::text) the fault begins, in characters from 0.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// Returns how many characters are at fault, at least one.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Cuts the line out of `text` in which `span` begins. What stands within `hidden` is not shown.
    pub(crate) fn of(text: &str, line: Option<usize>, span: &Range<usize>, hidden: &[Range<usize>]) -> Self {
        let start = floor(text, span.start);
        let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let end = begin + text[begin..end].trim_end_matches('\r').len();
        let fault = start..floor(text, span.end.clamp(start, end.max(start)));
        let mut shown = Shown { text: String::new(), length: 0, start: None, end: 0 };
        let mut masked_until = begin;
        for (at, character) in text[begin..end].char_indices().map(|(at, character)| (begin + at, character))
        {
            let before = shown.length;
            let mask = hidden.iter().filter(|hidden| hidden.contains(&at)).map(|hidden| hidden.end).max();
            match mask {
                Some(end) if at >= masked_until => {
                    masked_until = end;
                    shown.push_str(REDACTED);
                    // The fault may begin in the middle of a secret: then all of what stands for it is marked.
                    if (at..end).contains(&fault.start) {
                        shown.start = Some(before);
                    }
                }
                Some(end) => masked_until = masked_until.max(end),
                None => shown.push(printable(character)),
            }
            if shown.start.is_none() && at >= fault.start {
                shown.start = Some(before);
            }
            if at < fault.end {
                shown.end = shown.length;
            }
        }
        shown.into_excerpt(line)
    }
}

/// What is shown of a line, and which characters of it are at fault.
struct Shown {
    text: String,
    length: usize,
    start: Option<usize>,
    end: usize,
}

impl Shown {
    fn push(&mut self, character: char) {
        self.text.push(character);
        self.length += 1;
    }

    fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }

    fn into_excerpt(self, line: Option<usize>) -> Excerpt {
        let all = self.length;
        let start = self.start.unwrap_or(all);
        let length = self.end.saturating_sub(start).max(1);
        if all <= SHOWN {
            return Excerpt { line, text: self.text, start, length };
        }
        let first = start.saturating_sub(BEFORE).min(all - SHOWN);
        let mut text = if first > 0 { "..".to_owned() } else { String::new() };
        let added = text.len();
        text.extend(self.text.chars().skip(first).take(SHOWN));
        if first + SHOWN < all {
            text.push_str("..");
        }
        let length = length.min((first + SHOWN).saturating_sub(start)).max(1);
        Excerpt { line, text, start: start - first + added, length }
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A terminal obeys some characters, and others would move what is marked.
fn printable(character: char) -> char {
    match character {
        '\t' => ' ',
        // What turns the direction of writing would show another line than the one that is there.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            '\u{fffd}'
        }
        character if character.is_control() => '\u{fffd}',
        character => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, fault: &str, hidden: &[&str]) -> String {
        let span = |part: &str| text.find(part).map_or(0..0, |at| at..at + part.len());
        let hidden: Vec<_> = hidden.iter().map(|part| span(part)).collect();
        let excerpt = Excerpt::of(text, Some(1), &span(fault), &hidden);
        format!("{}\n{}{}", excerpt.text, " ".repeat(excerpt.start), "^".repeat(excerpt.length))
    }

    #[test]
    fn the_fault_is_marked() {
        assert_eq!(drawn("a = 1\nb = \"é\" x\nc = 2", "x", &[]), "b = \"é\" x\n        ^");
        assert_eq!(drawn("pool = 5000\r\n", "5000", &[]), "pool = 5000\n       ^^^^");
        assert_eq!(drawn("\ta\u{1b}[31m = 1", "1", &[]), " a\u{fffd}[31m = 1\n     ^");
    }

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        let line = "db = { password = \"hunter2\", port = 'x' }";
        assert_eq!(
            drawn(line, "'x'", &["\"hunter2\""]),
            "db = { password = ***, port = 'x' }\n                              ^^^"
        );
        assert_eq!(drawn("token = 12345", "12345", &["12345"]), "token = ***\n        ^^^");
        assert_eq!(drawn("token = 12345", "345", &["12345"]), "token = ***\n        ^^^");
        let long = "x = '''\nhunter2\nmore''' # 1";
        assert_eq!(drawn(long, "# 1", &["'''\nhunter2\nmore'''"]), "*** # 1\n    ^^^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_fault() {
        let line = format!("{{{}\"port\": -1, {}}}", "\"a\": 1, ".repeat(100), "\"b\": 2, ".repeat(100));
        let drawn = drawn(&line, "-1", &[]);
        let (text, marks) = drawn.split_once('\n').unwrap();
        assert!(
            text.starts_with("..") && text.ends_with("..") && text.chars().count() == SHOWN + 4,
            "{drawn}"
        );
        assert_eq!(text.chars().skip(marks.find('^').unwrap()).take(2).collect::<String>(), "-1");
    }

    #[test]
    fn any_span_of_any_text_is_shown() {
        let text = "a = \"é\"\n\r\n\n x";
        for start in 0..text.len() + 2 {
            for end in 0..text.len() + 2 {
                let hidden: &[_] = &[3..6, 5..9];
                let excerpt = Excerpt::of(text, None, &(start..end), hidden);
                assert!(excerpt.length >= 1, "{start}..{end}");
                assert!(excerpt.start <= excerpt.text.chars().count(), "{start}..{end}");
            }
        }
    }
}
