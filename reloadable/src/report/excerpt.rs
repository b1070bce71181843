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

    /// Cuts the line out of a text in which `span` begins. What stands within `hidden` is not shown.
    pub(crate) fn of(text: &[u8], line: Option<usize>, span: &Range<usize>, hidden: &[Range<usize>]) -> Self {
        let window = Self::window(text, span.start);
        let (begin, is_cut) = (window.start, [is_cut(text, window.start), is_cut_after(text, window.end)]);
        let shown = readable(text.get(window.clone()).unwrap_or_default());
        let shown = if is_cut[1] { shown } else { shown.trim_end_matches('\r') };
        let near = |range: &&Range<usize>| range.start < window.end && range.end > begin;
        let hidden: Vec<_> = hidden.iter().filter(near).collect();
        let fault = span.start..span.end.max(span.start);
        let mut drawn = Drawn { text: String::new(), length: 0, start: None, end: 0 };
        let mut masked_until = begin;
        for (at, character) in shown.char_indices().map(|(at, character)| (begin + at, character)) {
            let before = drawn.length;
            let mask = hidden.iter().filter(|hidden| hidden.contains(&at)).map(|hidden| hidden.end).max();
            match mask {
                Some(end) if at >= masked_until => {
                    masked_until = end;
                    drawn.push_str(REDACTED);
                    // The fault may begin in the middle of a secret: then all of what stands for it is marked.
                    if (at..end).contains(&fault.start) {
                        drawn.start = Some(before);
                    }
                }
                Some(end) => masked_until = masked_until.max(end),
                None => drawn.push(printable(character)),
            }
            if drawn.start.is_none() && at + character.len_utf8() > fault.start {
                drawn.start = Some(before);
            }
            if at < fault.end {
                drawn.end = drawn.length;
            }
        }
        drawn.into_excerpt(line, is_cut)
    }

    /// Returns the part of a text in which an excerpt is looked for: the line around `at`, or what is near in a long one.
    pub(crate) fn window(text: &[u8], at: usize) -> Range<usize> {
        let at = at.min(text.len());
        let (from, to) = (at.saturating_sub(REACH), (at + REACH).min(text.len()));
        let newline = |byte: &u8| *byte == b'\n';
        let before = text.get(from..at).unwrap_or_default().iter().rposition(newline);
        let after = text.get(at..to).unwrap_or_default().iter().position(newline);
        let mut begin = before.map_or(from, |newline| from + newline + 1);
        let mut end = after.map_or(to, |newline| at + newline);
        // A character is shown whole or not at all.
        while begin < at && text.get(begin).is_some_and(is_continuation) {
            begin += 1;
        }
        while end > at && text.get(end).is_some_and(is_continuation) {
            end -= 1;
        }
        begin..end
    }
}

/// How far from the fault a line is looked at, in bytes: there may be long secrets beside it, and long lines are long.
const REACH: usize = 2048;

fn is_continuation(byte: &u8) -> bool {
    byte & 0xC0 == 0x80
}

fn is_cut(text: &[u8], begin: usize) -> bool {
    begin > 0 && text.get(begin - 1) != Some(&b'\n')
}

fn is_cut_after(text: &[u8], end: usize) -> bool {
    text.get(end).is_some_and(|byte| *byte != b'\n')
}

/// What comes before the first byte that is wrong is a text all the same.
pub(crate) fn readable(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// What is shown of a line, and which characters of it are at fault.
struct Drawn {
    text: String,
    length: usize,
    start: Option<usize>,
    end: usize,
}

impl Drawn {
    fn push(&mut self, character: char) {
        self.text.push(character);
        self.length += 1;
    }

    fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }

    fn into_excerpt(self, line: Option<usize>, [cut_before, cut_after]: [bool; 2]) -> Excerpt {
        let all = self.length;
        let start = self.start.unwrap_or(all);
        let length = self.end.saturating_sub(start).max(1);
        if all <= SHOWN && !cut_before && !cut_after {
            return Excerpt { line, text: self.text, start, length };
        }
        let first = start.saturating_sub(BEFORE).min(all.saturating_sub(SHOWN));
        let mut text = if first > 0 || cut_before { "..".to_owned() } else { String::new() };
        let added = text.len();
        text.extend(self.text.chars().skip(first).take(SHOWN));
        if first + SHOWN < all || cut_after {
            text.push_str("..");
        }
        let length = length.min((first + SHOWN).saturating_sub(start)).max(1);
        Excerpt { line, text, start: start - first + added, length }
    }
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
        let excerpt = Excerpt::of(text.as_bytes(), Some(1), &span(fault), &hidden);
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
    fn far_away_from_the_fault_nothing_is_looked_at() {
        let line = format!("{}é = 'x' {}", "ä".repeat(1_000_000), "ö".repeat(1_000_000));
        let at = line.find('x').unwrap();
        let hidden: Vec<_> = (0..100_000).map(|nth| nth..nth + 1).collect();
        let excerpt = Excerpt::of(line.as_bytes(), Some(1), &(at..at + 1), &hidden);
        assert_eq!(excerpt.text.chars().nth(excerpt.start), Some('x'));
        assert!(excerpt.text.starts_with("..") && excerpt.text.ends_with(".."));
        assert!(Excerpt::window(line.as_bytes(), at).len() <= 2 * REACH);
    }

    #[test]
    fn any_span_of_any_text_is_shown() {
        let text = "a = \"é\"\n\r\n\n x";
        for start in 0..text.len() + 2 {
            for end in 0..text.len() + 2 {
                let hidden: &[_] = &[3..6, 5..9];
                let excerpt = Excerpt::of(text.as_bytes(), None, &(start..end), hidden);
                assert!(excerpt.length >= 1, "{start}..{end}");
                assert!(excerpt.start <= excerpt.text.chars().count(), "{start}..{end}");
            }
        }
    }
}
