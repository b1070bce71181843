//! Regular expressions of Rust in the words of ECMA 262, which those who check a schema use.

/// Returns a pattern that matches the same texts; `None` where that cannot be said for certain.
pub(super) fn translated(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(character) = rest.next() {
        match character {
            '\\' => out.push_str(&escape(rest.next()?, in_class)?),
            '[' if in_class => return None,
            '[' => {
                in_class = true;
                out.push('[');
                if rest.peek() == Some(&'^') {
                    rest.next();
                    out.push('^');
                }
                // Here it is an element in Rust, and the end elsewhere.
                if rest.peek() == Some(&']') {
                    return None;
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Intersections and the like.
            '&' | '-' | '~' if in_class && rest.peek() == Some(&character) => return None,
            '(' if !in_class && rest.peek() == Some(&'?') => {
                rest.next();
                // Flags, and the older way to name a group.
                if rest.peek() != Some(&':') {
                    return None;
                }
                out.push_str("(?");
            }
            // Elsewhere, it does not match other ends of lines either.
            '.' if !in_class => out.push_str("[^\\n]"),
            ']' | '}' if !in_class && character == ']' => out.push_str("\\]"),
            other => out.push(other),
        }
    }
    Some(out)
}

fn escape(character: char, in_class: bool) -> Option<String> {
    Some(match character {
        // Digits of any script, as in Rust.
        'd' => "\\p{Nd}".to_owned(),
        'D' => "\\P{Nd}".to_owned(),
        'n' | 'r' | 't' | 'f' | 'v' => format!("\\{character}"),
        '-' if in_class => "\\-".to_owned(),
        '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => {
            format!("\\{character}")
        }
        // Words and blanks are other ones elsewhere, and the rest is not known there.
        other if other.is_alphanumeric() || other == '<' || other == '>' => return None,
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_translated_and_the_rest_is_not() {
        for (pattern, expected) in [
            ("^[a-z][a-z0-9_-]*$", Some("^[a-z][a-z0-9_-]*$")),
            (r"^\d{3}\-\d+$", Some(r"^\p{Nd}{3}-\p{Nd}+$")),
            (r"^(?:a|b)\.c.$", Some(r"^(?:a|b)\.c[^\n]$")),
            (r"[\]\-^]", Some(r"[\]\-^]")),
            (r#"\"\#"#, Some("\"#")),
            (r"\w+", None),
            (r"(?i)a", None),
            (r"(?P<n>a)", None),
            (r"[a&&b]", None),
            (r"[[:alpha:]]", None),
            (r"[]a]", None),
            (r"\pL", None),
            (r"\x41", None),
            (r"\", None),
        ] {
            assert_eq!(translated(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
