//! JSON with comments and trailing commas. These are blanked; what is left is JSON, of which every byte stands where it
//! stood.

use std::borrow::Cow;
use std::ops::Range;

use super::tree::Node;
use super::{Fault, json};

/// Reads a document.
pub(super) fn parse(text: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    let blanks = blanks(text).map_err(|fault| vec![fault])?;
    let left = blanked(text, &blanks);
    if left.trim().is_empty() {
        let message = "there are only comments; if that is meant, write `{}` as well";
        return Err(vec![Fault::new(0, "empty", message)]);
    }
    json::parse_as(&left, text, layer)
}

/// Finds what JSON has no place for: comments, and the comma behind the last of several values.
fn blanks(text: &str) -> Result<Vec<Range<usize>>, Fault> {
    let bytes = text.as_bytes();
    let mut blanks: Vec<Range<usize>> = Vec::new();
    // What stands before, but for space and comments; and the comma there, if it stands behind a value.
    let (mut before, mut comma) = (None, None);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match (byte, bytes.get(at)) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => continue,
            (b'/', Some(b'/')) => {
                at = bytes[at..]
                    .iter()
                    .position(|byte| matches!(byte, b'\n' | b'\r'))
                    .map_or(bytes.len(), |end| at + end);
                blanks.push(start..at);
                continue;
            }
            (b'/', Some(b'*')) => {
                let end = text.get(at + 1..).and_then(|rest| rest.find("*/"));
                let Some(end) = end else {
                    return Err(Fault::new(start, "syntax", "the comment is never closed, expected `*/`"));
                };
                at += 1 + end + 2;
                blanks.push(start..at);
                continue;
            }
            (b'"', _) => at = end_of_string(bytes, at),
            (b']' | b'}', _) => blanks.extend(comma),
            _ => {}
        }
        let is_trailing = *byte == b',' && !matches!(before, None | Some(b'[' | b'{' | b',' | b':'));
        comma = is_trailing.then_some(start..at);
        before = Some(*byte);
    }
    // A comma was found after the comments behind it.
    blanks.sort_by_key(|blank| blank.start);
    Ok(blanks)
}

fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'"' => break,
            _ => {}
        }
    }
    at.min(bytes.len())
}

fn blanked<'t>(text: &'t str, blanks: &[Range<usize>]) -> Cow<'t, str> {
    if blanks.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut left = String::with_capacity(text.len());
    for blank in blanks {
        left.push_str(text.get(left.len()..blank.start).unwrap_or_default());
        left.extend(std::iter::repeat_n(' ', blank.len()));
    }
    left.push_str(text.get(left.len()..).unwrap_or_default());
    Cow::Owned(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comments_and_trailing_commas_are_blanked() {
        for (text, left) in [
            ("{\"a\": 1}", "{\"a\": 1}"),
            ("[1, // é,\n 2,\n]", "[1,       \n 2 \n]"),
            ("[1 /*,*/ , /* é */ ]", "[1                  ]"),
            ("{\"//\": \"/* \\\" */\", }", "{\"//\": \"/* \\\" */\"  }"),
            ("{\"a\": [\"]\",],}// x", "{\"a\": [\"]\" ] }    "),
            ("[,]", "[,]"),
            ("[1,,]", "[1,,]"),
            ("{\"a\":,}", "{\"a\":,}"),
            ("[1]/", "[1]/"),
            ("[1, 2/**/]", "[1, 2    ]"),
            ("\"\\", "\"\\"),
        ] {
            let blanks = blanks(text).map_err(|fault| fault.message).unwrap();
            assert_eq!(blanked(text, &blanks), left, "{text}");
        }
        assert_eq!(blanks("[1] /*/").map_err(|fault| fault.at).unwrap_err(), 4);
    }
}
