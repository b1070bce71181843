//! What others say, told within one line.

#[cfg(feature = "tokio")]
use std::error::Error as StdError;

/// How many characters are kept of what somebody says.
const LONGEST: usize = 1_000;

/// Says what went wrong, and what caused it, as far down as is known.
#[cfg(feature = "tokio")]
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors repeat what caused them.
        if !reason.ends_with(&text) {
            reason.push_str(": ");
            reason.push_str(&text);
        }
        cause = error.source();
    }
    reason
}

/// Returns a text without line breaks and control characters, which would forge lines of a log or be obeyed by a terminal;
/// no more than its beginning, since it is kept.
pub(crate) fn one_line(text: &str) -> String {
    let (mut line, mut length) = (String::new(), 0);
    for word in text.split_whitespace() {
        let space = (length > 0).then_some(' ');
        for character in space.into_iter().chain(word.chars()) {
            if length == LONGEST {
                line.truncate(line.char_indices().nth(LONGEST - 2).map_or(line.len(), |(at, _)| at));
                line.push_str("..");
                return line;
            }
            length += 1;
            line.push(if character.is_control() { '\u{fffd}' } else { character });
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_without_what_a_terminal_obeys() {
        let line = one_line(" a\r\n\tb \u{2028} c\u{1b}[31m\u{85}d ");
        assert_eq!(line, "a b c\u{fffd}[31m d");
        assert_eq!(one_line(" \n "), "");
    }

    #[test]
    fn it_is_cut_and_says_so() {
        let line = one_line(&"ä".repeat(5_000));
        assert_eq!((line.chars().count(), line.ends_with("ä..")), (LONGEST, true));
        assert_eq!(one_line(&"ä ".repeat(5_000)).chars().count(), LONGEST);
        let whole = "ä".repeat(LONGEST);
        assert_eq!(one_line(&whole), whole);
    }
}
